//! SSH: OpenSSH private keys (RFC 4253 wire strings), public keys in `authorized_keys`, `known_hosts` and
//! `.pub` lines, SSH certificates, RFC 4716 blocks, PuTTY private keys.

use super::Scan;
use super::keys::{self, PublicPart};
use super::pem::base64;
use crate::finding::{Algorithm, Finding, Kind, Severity, fingerprint, hex};
use crate::oid;

/// Reads SSH wire strings one after another.
pub struct Wire<'a>(pub &'a [u8]);

impl<'a> Wire<'a> {
    /// Next `uint32`.
    pub fn number(&mut self) -> Option<u32> {
        let (bytes, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*bytes))
    }

    /// Next `string`.
    pub fn string(&mut self) -> Option<&'a [u8]> {
        let length = self.number()? as usize;
        if length > self.0.len() {
            return None;
        }
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(bytes)
    }

    /// Next `string` as text.
    pub fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.string()?).ok()
    }
}

/// Reads a public key blob; also the public part of certificates and security keys.
pub fn public_blob(blob: &[u8]) -> Option<(String, PublicPart)> {
    let mut wire = Wire(blob);
    let name = wire.text()?.to_owned();
    let plain = name.strip_suffix("-cert-v01@openssh.com");
    if plain.is_some() {
        wire.string()?; // nonce
    }
    let kind = plain
        .unwrap_or(&name)
        .trim_start_matches("sk-")
        .trim_end_matches("@openssh.com");
    let part = match kind {
        "ssh-rsa" => {
            let (exponent, modulus) = (wire.string()?, wire.string()?);
            (modulus.len() >= 32).then(|| keys::rsa_part(modulus, exponent))?
        }
        "ssh-dss" => {
            let prime = wire.string()?;
            PublicPart {
                algorithm: Algorithm::sized("DSA", crate::ber::bit_length(prime)),
                modulus: None,
                exponent: None,
                fingerprint: fingerprint(blob),
            }
        }
        "ssh-ed25519" => keys::edwards_part(
            "Ed25519",
            253,
            112,
            wire.string().filter(|key| key.len() == 32)?,
        ),
        "ssh-ed448" => keys::edwards_part(
            "Ed448",
            456,
            113,
            wire.string().filter(|key| key.len() == 57)?,
        ),
        "ecdsa-sha2-nistp256" | "ecdsa-sha2-nistp384" | "ecdsa-sha2-nistp521" => {
            let (curve, bits) = oid::curve_by_name(wire.text()?)?;
            let oid: &[u8] = match curve {
                "P-256" => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
                "P-384" => &[0x2b, 0x81, 0x04, 0x00, 0x22],
                _ => &[0x2b, 0x81, 0x04, 0x00, 0x23],
            };
            let mut part = keys::ec_part(oid, curve, bits, wire.string()?);
            part.algorithm.name = "ECDSA".to_owned();
            part
        }
        "ssh-xmss" => PublicPart {
            algorithm: Algorithm::named("XMSS"),
            modulus: None,
            exponent: None,
            fingerprint: fingerprint(blob),
        },
        _ => return None,
    };
    Some((name, part))
}

/// The decoded body of an `OPENSSH PRIVATE KEY` block.
pub fn openssh_private(bytes: &[u8]) -> Option<Finding> {
    let mut wire = Wire(bytes.strip_prefix(b"openssh-key-v1\0")?);
    let (cipher, kdf) = (wire.text()?.to_owned(), wire.text()?.to_owned());
    let options = wire.string()?;
    let count = wire.number()?;
    if count == 0 || count > 64 {
        return None;
    }
    let (name, part) = public_blob(wire.string()?)?;
    let encrypted = cipher != "none";
    let text = format!(
        "OpenSSH private key, {}, {}",
        part.algorithm.display(),
        if encrypted {
            format!("encrypted with {cipher} ({kdf})")
        } else {
            "not encrypted".to_owned()
        }
    );
    let mut finding = part
        .onto(Finding::new(Kind::PrivateKey, "openssh", text))
        .property("encrypted", if encrypted { "yes" } else { "no" })
        .property("ssh-type", name);
    if encrypted {
        finding = finding.property("cipher", cipher).property("kdf", kdf);
        let mut options = Wire(options);
        if options.string().is_some()
            && let Some(rounds) = options.number()
        {
            finding = finding.property("kdf-iterations", rounds.to_string());
            if rounds > 10_000 {
                finding.add_issue(
                    "KA-KDF-HOSTILE",
                    Severity::Medium,
                    format!("{rounds} bcrypt rounds would stall any program that opens it"),
                    "CWE-400",
                );
            }
        }
    }
    Some(finding)
}

/// Words a public key line can begin with.
const TYPES: &[&str] = &[
    "ssh-rsa",
    "ssh-dss",
    "ssh-ed25519",
    "ssh-ed448",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-rsa-cert-v01@openssh.com",
    "ssh-dss-cert-v01@openssh.com",
    "ssh-ed25519-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
];

/// Reads a public key at `start`, where `AAAA` and a wire type name in base64 stand. The type word before
/// it must agree with the type inside.
#[expect(clippy::too_many_lines, reason = "one arm for each kind of key")]
pub fn public_line(scan: &mut Scan<'_>, data: &[u8], start: usize, base: u64) -> Option<usize> {
    let before = data.get(..start)?;
    let line_start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
    let prefix = String::from_utf8_lossy(before.get(line_start..)?.trim_ascii_end());
    let word = prefix.rsplit([' ', '\t', '"', '\'']).next()?;
    let listed = TYPES.contains(&word);
    let in_block = !listed && prefix.trim().is_empty();
    if !listed && !in_block {
        return None;
    }
    let end = data
        .iter()
        .skip(start)
        .position(|byte| {
            !(byte.is_ascii_alphanumeric()
                || b"+/=".contains(byte)
                || (in_block && byte.is_ascii_whitespace()))
        })
        .map_or(data.len(), |length| start + length);
    let symbols: Vec<u8> = data
        .get(start..end)?
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let blob = base64(&symbols)?;
    let (name, part) = public_blob(&blob)?;
    if listed && name != word {
        return None;
    }
    let certificate = name.contains("-cert-");
    let text = format!(
        "SSH {} {}",
        part.algorithm.display(),
        if certificate {
            "certificate"
        } else {
            "public key"
        }
    );
    let rest = data.get(end..)?;
    let line_end = memchr::memchr(b'\n', rest).unwrap_or(rest.len()).min(200);
    let comment = String::from_utf8_lossy(rest.get(..line_end)?)
        .trim()
        .to_owned();
    let head = prefix
        .strip_suffix(word)
        .unwrap_or_default()
        .trim()
        .to_owned();
    let kind = if certificate {
        Kind::Certificate
    } else {
        Kind::PublicKey
    };
    let format = if certificate {
        "ssh-certificate"
    } else {
        "ssh"
    };
    let mut finding = part
        .onto(Finding::new(kind, format, text))
        .property("ssh-type", name);
    if listed && !comment.is_empty() && !comment.starts_with(['"', '\'', '<', '\\']) {
        finding = finding.property("comment", comment);
    }
    if !head.is_empty() && head.len() < 200 {
        finding = finding.property("prefix", head);
    }
    if certificate {
        finding = finding.property("identity", fingerprint(&blob));
    }
    scan.report(
        finding
            .at(base + line_start as u64)
            .line(line_of(data, start)),
    );
    Some(end)
}

/// Line number of a position.
pub fn line_of(data: &[u8], position: usize) -> u32 {
    let lines = memchr::memchr_iter(b'\n', data.get(..position).unwrap_or_default()).count();
    u32::try_from(lines + 1).unwrap_or(u32::MAX)
}

/// A PuTTY private key file.
pub fn putty(data: &[u8]) -> Option<Finding> {
    let text = std::str::from_utf8(data.get(..data.len().min(65_536))?).ok()?;
    let mut lines = text.lines();
    let (version, kind) = lines
        .next()?
        .strip_prefix("PuTTY-User-Key-File-")?
        .split_once(": ")?;
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .map(str::trim)
    };
    let encryption = field("Encryption")?;
    let count: usize = field("Public-Lines")?.parse().ok()?;
    let symbols: String = text
        .lines()
        .skip_while(|line| !line.starts_with("Public-Lines"))
        .skip(1)
        .take(count.min(1000))
        .collect();
    let (_, part) = public_blob(&base64(symbols.as_bytes())?)?;
    let encrypted = encryption != "none";
    let text = format!("PuTTY private key (format {version}), {kind}, encryption {encryption}");
    let mut finding = part
        .onto(Finding::new(Kind::PrivateKey, "putty", text))
        .property("ssh-type", kind.trim())
        .property("encrypted", if encrypted { "yes" } else { "no" });
    if encrypted {
        let kdf = field("Key-Derivation")
            .unwrap_or("SHA-1, 1 iteration")
            .to_owned();
        finding = finding.property("cipher", encryption).property("kdf", kdf);
        if version != "3" {
            finding.add_issue(
                "KA-KDF-WEAK",
                Severity::Medium,
                "passphrase stretched with a single SHA-1 (PuTTY format 2); convert to format 3",
                "SP 800-132 §5.2",
            );
        }
    }
    Some(finding)
}

/// A first-generation SSH private key (protocol 1): magic, cipher, public part.
pub fn ssh1_private(data: &[u8]) -> Option<Finding> {
    let rest = data.strip_prefix(b"SSH PRIVATE KEY FILE FORMAT 1.1\n\0")?;
    let cipher = *rest.first()?;
    let bits = u32::from_be_bytes(rest.get(5..9)?.try_into().ok()?);
    Some(
        Finding::new(
            Kind::PrivateKey,
            "ssh1",
            format!("SSH protocol 1 RSA private key, {bits} bits"),
        )
        .algorithm(Algorithm::sized("RSA", bits))
        .property("encrypted", if cipher == 0 { "no" } else { "yes" })
        .property("identity", hex(rest.get(9..29.min(rest.len()))?)),
    )
}
