//! OpenPGP (RFC 4880, RFC 9580) packets and GnuPG key boxes: public and secret keys, encrypted and signed
//! messages. Packet headers and public parts only.

use super::Scan;
use super::keys::{self, PublicPart};
use crate::ber::bit_length;
use crate::finding::{Algorithm, Finding, Kind, fingerprint};
use crate::oid;

/// Most packets of one stream that are looked at.
const MAX_PACKETS: u32 = 100_000;

/// One packet.
struct Packet<'a> {
    tag: u8,
    body: &'a [u8],
    used: usize,
}

/// Reads the packet at the start; partial lengths end the reading of their body.
fn packet(data: &[u8]) -> Option<Packet<'_>> {
    let first = *data.first()?;
    if first & 0x80 == 0 {
        return None;
    }
    let (tag, header, length): (u8, usize, usize) = if first & 0x40 != 0 {
        let tag = first & 0x3f;
        let one = usize::from(*data.get(1)?);
        match one {
            0..192 => (tag, 2, one),
            192..224 => (
                tag,
                3,
                ((one - 192) << 8) + usize::from(*data.get(2)?) + 192,
            ),
            255 => (
                tag,
                6,
                u32::from_be_bytes(data.get(2..6)?.try_into().ok()?) as usize,
            ),
            _ => (tag, 2, data.len().saturating_sub(2)), // partial: the rest belongs to it
        }
    } else {
        let tag = (first >> 2) & 0x0f;
        match first & 3 {
            0 => (tag, 2, usize::from(*data.get(1)?)),
            1 => (
                tag,
                3,
                usize::from(u16::from_be_bytes(data.get(1..3)?.try_into().ok()?)),
            ),
            2 => (
                tag,
                5,
                u32::from_be_bytes(data.get(1..5)?.try_into().ok()?) as usize,
            ),
            _ => (tag, 1, data.len().saturating_sub(1)),
        }
    };
    let end = header.checked_add(length)?;
    if end > data.len() {
        return None;
    }
    Some(Packet {
        tag,
        body: data.get(header..end)?,
        used: end,
    })
}

/// Reads a multiprecision integer; returns it and the rest.
fn mpi(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let bits = usize::from(u16::from_be_bytes(data.get(..2)?.try_into().ok()?));
    let length = bits.div_ceil(8);
    Some((data.get(2..2 + length)?, data.get(2 + length..)?))
}

/// A curve OID with its length byte; returns name, bits, raw OID and the rest.
fn curve(data: &[u8]) -> Option<(String, u32, &[u8], &[u8])> {
    let length = usize::from(*data.first()?);
    let raw = data.get(1..1 + length)?;
    let dotted = x509_parser::asn1_rs::Oid::new(raw.into()).to_id_string();
    let (name, bits) =
        oid::curve(&dotted).map_or((dotted, 0), |(name, bits)| (name.to_owned(), bits));
    Some((name, bits, raw, data.get(1 + length..)?))
}

/// Public part of a key packet body (after version and time), and what follows it.
fn public(algorithm: u8, data: &[u8]) -> Option<(PublicPart, &[u8])> {
    let raw = |name: &str, bits: u32, public: &[u8], rest| {
        let part = PublicPart {
            algorithm: Algorithm::sized(name, bits),
            modulus: None,
            exponent: None,
            fingerprint: fingerprint(public),
        };
        Some((part, rest))
    };
    match algorithm {
        1..=3 => {
            let (modulus, rest) = mpi(data)?;
            let (exponent, rest) = mpi(rest)?;
            (bit_length(modulus) >= 256).then(|| (keys::rsa_part(modulus, exponent), rest))
        }
        16 | 20 => {
            let (prime, rest) = mpi(data)?;
            let (_, rest) = mpi(rest)?;
            let (public, rest) = mpi(rest)?;
            raw("ElGamal", bit_length(prime), public, rest)
        }
        17 => {
            let (prime, rest) = mpi(data)?;
            let (_, rest) = mpi(rest)?;
            let (_, rest) = mpi(rest)?;
            let (public, rest) = mpi(rest)?;
            raw("DSA", bit_length(prime), public, rest)
        }
        18 | 19 | 22 => {
            let (name, bits, identifier, rest) = curve(data)?;
            let (point, mut rest) = mpi(rest)?;
            if algorithm == 18 {
                let length = usize::from(*rest.first()?);
                rest = rest.get(1 + length..)?;
            }
            let mut part = match (name.as_str(), point.split_first()) {
                ("Ed25519", Some((0x40, key))) => keys::edwards_part("Ed25519", 253, 112, key),
                ("X25519", Some((0x40, key))) => keys::edwards_part("X25519", 253, 110, key),
                _ => keys::ec_part(identifier, &name, bits, point),
            };
            if part.algorithm.name == "EC" {
                part.algorithm.name = if algorithm == 18 { "ECDH" } else { "ECDSA" }.to_owned();
            }
            Some((part, rest))
        }
        25 | 27 => {
            let (name, last) = if algorithm == 25 {
                ("X25519", 110)
            } else {
                ("Ed25519", 112)
            };
            Some((
                keys::edwards_part(name, 253, last, data.get(..32)?),
                data.get(32..)?,
            ))
        }
        26 => raw("X448", 446, data.get(..56)?, data.get(56..)?),
        28 => raw("Ed448", 456, data.get(..57)?, data.get(57..)?),
        _ => None,
    }
}

/// A key packet as a finding.
fn key(packet: &Packet<'_>) -> Option<Finding> {
    let secret = matches!(packet.tag, 5 | 7);
    let version = *packet.body.first()?;
    let created = u32::from_be_bytes(packet.body.get(1..5)?.try_into().ok()?);
    let (algorithm, start) = match version {
        2 | 3 => (*packet.body.get(7)?, 8),
        4 => (*packet.body.get(5)?, 6),
        5 | 6 => (*packet.body.get(5)?, 10),
        _ => return None,
    };
    let (part, rest) = public(algorithm, packet.body.get(start..)?)?;
    let display = part.algorithm.display();
    let subkey = matches!(packet.tag, 7 | 14);
    let what = match (secret, subkey) {
        (true, false) => "secret key",
        (true, true) => "secret subkey",
        (false, false) => "public key",
        (false, true) => "public subkey",
    };
    let kind = if secret {
        Kind::PrivateKey
    } else {
        Kind::PublicKey
    };
    let mut finding = part
        .onto(Finding::new(
            kind,
            "openpgp",
            format!("OpenPGP v{version} {what}, {display}"),
        ))
        .property("created", epoch(created))
        .property("openpgp-version", version.to_string())
        .property("role", if subkey { "subkey" } else { "primary" });
    if secret {
        finding = protection(finding, rest);
    }
    Some(finding)
}

/// How the secret part is protected.
fn protection(finding: Finding, rest: &[u8]) -> Finding {
    let usage = rest.first().copied().unwrap_or(0);
    if usage == 0 {
        return finding.property("encrypted", "no");
    }
    let cipher = if usage >= 253 {
        rest.get(1).copied().unwrap_or(0)
    } else {
        usage
    };
    let specifier = rest.get(2).copied().unwrap_or(255);
    if usage >= 253 && specifier == 101 {
        // GnuPG stub: the key is on a card or was left out
        return finding.property("encrypted", "stub (secret part is not in this file)");
    }
    finding
        .property("encrypted", "yes")
        .property("cipher", cipher_name(cipher))
        .property(
            "kdf",
            match specifier {
                0 => "S2K simple",
                1 => "S2K salted",
                3 => "S2K iterated and salted",
                4 => "argon2",
                _ => "S2K",
            },
        )
}

/// Symmetric algorithm numbers of RFC 9580 §9.3.
fn cipher_name(number: u8) -> &'static str {
    match number {
        1 => "IDEA",
        2 => "3DES",
        3 => "CAST5",
        4 => "Blowfish",
        7 => "AES-128",
        8 => "AES-192",
        9 => "AES-256",
        10 => "Twofish",
        11 => "Camellia-128",
        13 => "Camellia-256",
        _ => "unknown",
    }
}

/// Hash algorithm numbers of RFC 9580 §9.5.
fn hash_name(number: u8) -> &'static str {
    match number {
        1 => "MD5",
        2 => "SHA-1",
        3 => "RIPEMD-160",
        8 => "SHA-256",
        9 => "SHA-384",
        10 => "SHA-512",
        11 => "SHA-224",
        12 => "SHA3-256",
        14 => "SHA3-512",
        _ => "unknown",
    }
}

/// Seconds since 1970 as RFC 3339.
pub fn epoch(seconds: u32) -> String {
    jiff::Timestamp::from_second(i64::from(seconds))
        .map(|time| time.to_string())
        .unwrap_or_default()
}

/// A stream of packets: reports keys, encrypted messages, detached signatures. False if it is no OpenPGP.
pub fn packets(scan: &mut Scan<'_>, data: &[u8], offset: u64) -> bool {
    let (mut at, mut count, mut found) = (0_usize, 0, false);
    let mut user: Option<String> = None;
    let mut pending: Vec<Finding> = Vec::new();
    while count < MAX_PACKETS {
        let Some(packet) = data
            .get(at..)
            .filter(|rest| !rest.is_empty())
            .and_then(packet)
        else {
            break;
        };
        match packet.tag {
            5 | 6 | 7 | 14 => {
                if matches!(packet.tag, 5 | 6) {
                    flush(scan, &mut pending, user.take());
                }
                if let Some(key) = key(&packet) {
                    pending.push(key.at(offset + at as u64));
                    found = true;
                }
            }
            13 => {
                user.get_or_insert_with(|| String::from_utf8_lossy(packet.body).into_owned());
            }
            1 | 3 | 9 | 18 | 20 if count == 0 => {
                found |= encrypted(scan, data, offset);
                break;
            }
            2 if count == 0 => {
                found |= signature(scan, &packet, offset);
            }
            0 => break,
            _ => {}
        }
        at += packet.used;
        count += 1;
    }
    flush(scan, &mut pending, user);
    found
}

/// Reports the keys of one certificate with its user id.
fn flush(scan: &mut Scan<'_>, pending: &mut Vec<Finding>, user: Option<String>) {
    for finding in pending.drain(..) {
        let finding = finding.property_opt("user-id", user.clone());
        scan.report(finding);
    }
}

/// An encrypted message: how many recipients, which container.
fn encrypted(scan: &mut Scan<'_>, data: &[u8], offset: u64) -> bool {
    let (mut at, mut recipients, mut passwords) = (0, 0_u32, 0_u32);
    let mut container = None;
    for _ in 0..1000 {
        let Some(packet) = data.get(at..).and_then(packet) else {
            break;
        };
        match packet.tag {
            1 => recipients += 1,
            3 => passwords += 1,
            9 => container = Some(("symmetric encryption without integrity (SED)", "")),
            18 => {
                container = Some((
                    "SEIPD",
                    if packet.body.first() == Some(&2) {
                        "AEAD"
                    } else {
                        "MDC"
                    },
                ))
            }
            20 => container = Some(("AEAD (GnuPG)", "AEAD")),
            _ => break,
        }
        at += packet.used;
    }
    let Some((name, integrity)) = container else {
        return false;
    };
    scan.report(
        Finding::new(
            Kind::EncryptedData,
            "openpgp",
            format!("OpenPGP encrypted message, {name}"),
        )
        .property("recipients", recipients.to_string())
        .property("passwords", passwords.to_string())
        .property("integrity", integrity)
        .property(
            "identity",
            fingerprint(data.get(..data.len().min(4096)).unwrap_or_default()),
        )
        .at(offset),
    );
    true
}

/// A detached signature.
fn signature(scan: &mut Scan<'_>, packet: &Packet<'_>, offset: u64) -> bool {
    let (algorithm, hash) = match packet.body.first() {
        Some(3) => (packet.body.get(15), packet.body.get(16)),
        Some(4..=6) => (packet.body.get(2), packet.body.get(3)),
        _ => return false,
    };
    let (Some(algorithm), Some(hash)) = (algorithm, hash) else {
        return false;
    };
    let name = match algorithm {
        1..=3 => "RSA",
        17 => "DSA",
        19 => "ECDSA",
        22 | 27 => "Ed25519",
        28 => "Ed448",
        _ => return false,
    };
    scan.report(
        Finding::new(
            Kind::SignedMessage,
            "openpgp",
            format!("OpenPGP signature, {name} with {}", hash_name(*hash)),
        )
        .algorithm(Algorithm::named(name))
        .property("signature-hash", hash_name(*hash))
        .property("identity", fingerprint(packet.body))
        .at(offset),
    );
    true
}

/// Binary OpenPGP at the start of a file: only if a key or message packet really parses.
pub fn binary(scan: &mut Scan<'_>, data: &[u8]) -> bool {
    let plausible = match packet(data) {
        Some(first) if matches!(first.tag, 5 | 6) => key(&first).is_some(),
        Some(first) if first.tag == 1 => {
            first.body.first() == Some(&3) && first.body.len() > 10 && first.body.len() < 2100
        }
        Some(first) if first.tag == 3 => {
            matches!(first.body.first(), Some(4..=6)) && first.body.len() < 128
        }
        Some(first) if first.tag == 2 => {
            matches!(first.body.first(), Some(3 | 4))
                && first.used == data.len()
                && first.body.len() > 20
        }
        _ => false,
    };
    plausible && packets(scan, data, 0)
}

/// A GnuPG key box: OpenPGP and X.509 blobs (`kbx/keybox-blob.c` of GnuPG documents the layout).
pub fn keybox(scan: &mut Scan<'_>, data: &[u8]) -> bool {
    if data.get(8..12) != Some(b"KBXf") {
        return false;
    }
    let (mut at, mut blobs) = (0_usize, 0_u32);
    while let Some(header) = data.get(at..at.saturating_add(20)) {
        let number = |from: usize| {
            header
                .get(from..from + 4)
                .and_then(|b| b.try_into().ok())
                .map_or(0, u32::from_be_bytes) as usize
        };
        let (length, kind, start, size) = (number(0), header[4], number(8), number(12));
        if length < 20 || blobs > 100_000 {
            break;
        }
        if let Some(body) =
            data.get(at.saturating_add(start)..at.saturating_add(start).saturating_add(size))
        {
            let offset = (at + start) as u64;
            match kind {
                2 => {
                    packets(scan, body, offset);
                }
                3 => {
                    if let Some(found) = super::x509::certificate(body) {
                        scan.report(found.property("container", "keybox").at(offset));
                    }
                }
                _ => {}
            }
        }
        blobs += 1;
        at += length;
    }
    scan.report(
        Finding::new(
            Kind::Keystore,
            "gnupg-keybox",
            format!("GnuPG key box, {} entries", blobs.saturating_sub(1)),
        )
        .property("entries", blobs.saturating_sub(1).to_string())
        .at(0),
    );
    true
}
