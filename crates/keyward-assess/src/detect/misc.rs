//! Smaller formats: age, Ansible Vault, OpenSSL `enc`, KeePass, git-crypt, NSS databases, TPM 2.0 blobs,
//! WireGuard keys.

use super::Scan;
use super::keys::{self, PublicPart};
use super::ssh::line_of;
use crate::ber;
use crate::finding::{Algorithm, Confidence, Finding, Kind, Severity, fingerprint};

/// Formats with a magic that is not shared with others.
pub fn head(scan: &mut Scan<'_>, data: &[u8]) -> bool {
    if data.starts_with(b"age-encryption.org/v1\n") {
        return match age(data) {
            Some(found) => {
                scan.report(found.at(0));
                true
            }
            None => false,
        };
    }
    let simple: Option<(&str, &str, Option<Algorithm>)> =
        if data.starts_with(b"Salted__") && data.len() >= 32 {
            Some((
                "openssl-enc",
                "file encrypted with 'openssl enc' (password, salt)",
                None,
            ))
        } else if data.starts_with(&[0x03, 0xd9, 0xa2, 0x9a, 0x67, 0xfb, 0x4b, 0xb5]) {
            Some((
                "keepass",
                "KeePass 2 database",
                Some(Algorithm::sized("AES", 256)),
            ))
        } else if data.starts_with(&[0x03, 0xd9, 0xa2, 0x9a, 0x65, 0xfb, 0x4b, 0xb5]) {
            Some((
                "keepass1",
                "KeePass 1 database",
                Some(Algorithm::sized("AES", 256)),
            ))
        } else if data.starts_with(b"\0GITCRYPT\0") {
            Some((
                "git-crypt",
                "file encrypted with git-crypt",
                Some(Algorithm::sized("AES", 256)),
            ))
        } else if data.starts_with(b"\0GITCRYPTKEY") {
            scan.report(
                Finding::new(
                    Kind::SecretKey,
                    "git-crypt-key",
                    "git-crypt symmetric key, unencrypted",
                )
                .property("encrypted", "no")
                .algorithm(Algorithm::sized("AES", 256))
                .at(0),
            );
            return true;
        } else {
            None
        };
    if let Some((format, text, algorithm)) = simple {
        let mut finding = Finding::new(Kind::EncryptedData, format, text).property(
            "identity",
            fingerprint(data.get(..data.len().min(4096)).unwrap_or_default()),
        );
        finding.algorithm = algorithm;
        scan.report(finding.at(0));
        return true;
    }
    if data.starts_with(b"SQLite format 3\0") {
        sqlite(scan, data);
    } else if berkeley(data) {
        nss_berkeley(scan, data);
    }
    false
}

/// An age file: recipients by kind.
pub fn age(data: &[u8]) -> Option<Finding> {
    let head = data.get(..data.len().min(65_536))?;
    let rest = head.strip_prefix(b"age-encryption.org/v1\n")?;
    let end = memchr::memmem::find(rest, b"\n---")?;
    let text = std::str::from_utf8(rest.get(..end)?).ok()?;
    let mut recipients: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("-> ")?.split(' ').next())
        .collect();
    if recipients.is_empty() {
        return None;
    }
    let count = recipients.len();
    recipients.sort_unstable();
    recipients.dedup();
    let post_quantum = recipients
        .iter()
        .all(|kind| kind.contains("mlkem") || *kind == "scrypt");
    let mut finding = Finding::new(
        Kind::EncryptedData,
        "age",
        format!("age file, {count} recipients ({})", recipients.join(", ")),
    )
    .algorithm(Algorithm::sized("ChaCha20-Poly1305", 256))
    .property("recipients", count.to_string())
    .property("recipient-types", recipients.join(","))
    .property("identity", fingerprint(rest.get(..end)?));
    finding.quantum_vulnerable = Some(!post_quantum);
    Some(finding)
}

/// An age identity (X25519 secret key in bech32): 58 symbols after the prefix.
pub fn age_identity(scan: &mut Scan<'_>, data: &[u8], start: usize, base: u64) -> Option<usize> {
    let body = data.get(start + 16..start + 74)?;
    let bech32 = b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L";
    if !body.iter().all(|byte| bech32.contains(byte)) {
        return None;
    }
    // the public part stands in a comment right before it, if age-keygen wrote the file
    let before = String::from_utf8_lossy(data.get(start.saturating_sub(200)..start)?).into_owned();
    let public = before
        .rfind("age1")
        .and_then(|at| before.get(at..at + 62))
        .map(str::to_owned);
    scan.report(
        Finding::new(
            Kind::PrivateKey,
            "age",
            "age identity (X25519), unencrypted",
        )
        .algorithm(Algorithm::sized("X25519", 253))
        .property("encrypted", "no")
        .property_opt("identity", public)
        .at(base + start as u64)
        .line(line_of(data, start)),
    );
    Some(start + 74)
}

/// Ansible Vault.
pub fn ansible_vault(scan: &mut Scan<'_>, data: &[u8], start: usize, base: u64) -> Option<usize> {
    let line_end = start + memchr::memchr(b'\n', data.get(start..)?)?;
    let line = std::str::from_utf8(data.get(start..line_end)?).ok()?;
    let mut parts = line.split(';').skip(1);
    let (version, cipher) = (parts.next()?, parts.next()?.trim());
    let digits = data
        .get(line_end..)?
        .iter()
        .take(4096)
        .filter(|byte| byte.is_ascii_hexdigit())
        .count();
    if !version.starts_with("1.") || digits < 64 {
        return None;
    }
    scan.report(
        Finding::new(
            Kind::EncryptedData,
            "ansible-vault",
            format!("Ansible Vault {version}, {cipher}"),
        )
        .algorithm(Algorithm {
            mode: Some("CTR".to_owned()),
            ..Algorithm::sized("AES", 256)
        })
        .property("kdf", "PBKDF2-HMAC-SHA-256")
        .property("kdf-iterations", "10000")
        .at(base + start as u64)
        .line(line_of(data, start)),
    );
    Some(line_end)
}

/// A WireGuard private key: 32 bytes in base64 in an `[Interface]` section.
pub fn wireguard(scan: &mut Scan<'_>, data: &[u8], start: usize, base: u64) -> Option<usize> {
    let symbols = data.get(start + 13..start + 57)?;
    let terminated = data.get(start + 57).is_none_or(u8::is_ascii_whitespace);
    let section = data.get(..start).unwrap_or_default();
    if !terminated
        || symbols.last() != Some(&b'=')
        || memchr::memmem::rfind(section, b"[Interface]").is_none()
    {
        return None;
    }
    super::pem::base64(symbols).filter(|key| key.len() == 32)?;
    scan.report(
        Finding::new(
            Kind::PrivateKey,
            "wireguard",
            "WireGuard private key (X25519), unencrypted",
        )
        .algorithm(Algorithm::sized("X25519", 253))
        .property("encrypted", "no")
        .at(base + start as u64)
        .line(line_of(data, start)),
    );
    Some(start + 57)
}

/// A SQLite file: NSS databases are told by their tables. Certificates in it are found where they stand.
fn sqlite(scan: &mut Scan<'_>, data: &[u8]) {
    let schema = data.get(..data.len().min(65_536)).unwrap_or_default();
    let public = memchr::memmem::find(schema, b"nssPublic").is_some();
    let private = memchr::memmem::find(schema, b"nssPrivate").is_some();
    if !public && !private {
        return;
    }
    let format = if private { "nss-key4" } else { "nss-cert9" };
    let text = if private {
        "NSS key database (private keys, encrypted)"
    } else {
        "NSS certificate database"
    };
    let mut finding = Finding::new(Kind::Keystore, format, text)
        .property("identity", format!("{}:{format}", scan.name()));
    if private {
        finding = finding.property("encrypted", "yes");
        finding = nss_password(finding, data);
    }
    scan.report(finding.at(0));
}

/// How the password entry of a key4.db is protected: the encoded PBE parameters stand in the metaData table.
fn nss_password(finding: Finding, data: &[u8]) -> Finding {
    let Some(at) = memchr::memmem::find(data, b"password-check")
        .or_else(|| memchr::memmem::find(data, b"password"))
    else {
        return finding;
    };
    let window = data
        .get(at.saturating_sub(512)..(at + 512).min(data.len()))
        .unwrap_or_default();
    for start in memchr::memchr_iter(0x30, window) {
        if let Some((element, _)) = window.get(start..).and_then(ber::read)
            && let Some(parts) = element.sequence()
            && parts.len() == 2
            && parts[1].is(ber::tag::OCTET_STRING)
            && let Some(encryption) = keys::encryption(&parts[0])
            && encryption.kdf != "none"
        {
            return encryption.onto(finding).algorithm(encryption.cipher);
        }
    }
    finding
}

/// Berkeley DB 1.85 hash file, as old NSS used it.
fn berkeley(data: &[u8]) -> bool {
    matches!(
        data.get(..8),
        Some([0, 0x06, 0x15, 0x61, 0, 0, 0, 2] | [0x61, 0x15, 0x06, 0, 2, 0, 0, 0])
    )
}

/// cert8.db and key3.db.
fn nss_berkeley(scan: &mut Scan<'_>, data: &[u8]) {
    let name = scan.name().to_ascii_lowercase();
    let key = memchr::memmem::find(data, b"global-salt").is_some() || name.starts_with("key");
    if !key && !name.starts_with("cert") {
        return;
    }
    let format = if key { "nss-key3" } else { "nss-cert8" };
    let mut finding = Finding::new(
        Kind::Keystore,
        format,
        "NSS database in the old Berkeley DB format",
    );
    if key {
        finding = finding
            .property("encrypted", "yes")
            .property("cipher", "3DES-CBC");
        finding.add_issue(
            "KA-KEYSTORE-WEAK",
            Severity::Medium,
            "the old NSS key database stretches its password with one SHA-1; migrate to key4.db",
            "NSS 3.35 release notes",
        );
    }
    scan.report(finding.at(0));
}

/// TPM 2.0 algorithm numbers (TCG Algorithm Registry) used below.
const TPM_RSA: u16 = 0x0001;
const TPM_KEYEDHASH: u16 = 0x0008;
const TPM_SYMCIPHER: u16 = 0x0025;
const TPM_ECC: u16 = 0x0023;

/// Reads TPM wire values.
struct Tpm<'a>(&'a [u8]);

impl<'a> Tpm<'a> {
    fn short(&mut self) -> Option<u16> {
        let (bytes, rest) = self.0.split_first_chunk::<2>()?;
        self.0 = rest;
        Some(u16::from_be_bytes(*bytes))
    }

    fn long(&mut self) -> Option<u32> {
        let (bytes, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*bytes))
    }

    fn sized(&mut self) -> Option<&'a [u8]> {
        let length = usize::from(self.short()?);
        if length > self.0.len() {
            return None;
        }
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(bytes)
    }
}

/// A TPMT_PUBLIC: type, name algorithm, attributes, policy, parameters, unique.
fn tpm_public(data: &[u8]) -> Option<PublicPart> {
    let mut tpm = Tpm(data);
    let (kind, name_algorithm) = (tpm.short()?, tpm.short()?);
    if !matches!(
        name_algorithm,
        0x0004 | 0x000b | 0x000c | 0x000d | 0x0012 | 0x0027..=0x0029
    ) {
        return None;
    }
    tpm.long()?;
    tpm.sized()?;
    let part = |algorithm, unique: &[u8]| PublicPart {
        algorithm,
        modulus: None,
        exponent: None,
        fingerprint: fingerprint(unique),
    };
    match kind {
        TPM_RSA | TPM_ECC => {
            if tpm.short()? != 0x0010 {
                tpm.short()?; // symmetric bits
                tpm.short()?; // symmetric mode
            }
            if !matches!(tpm.short()?, 0x0010) {
                tpm.short()?; // scheme hash
            }
            if kind == TPM_RSA {
                let bits = u32::from(tpm.short()?);
                let exponent = tpm.long()?;
                let modulus = tpm.sized()?;
                let exponent = if exponent == 0 { 65_537 } else { exponent };
                return (modulus.len() * 8 == bits as usize)
                    .then(|| keys::rsa_part(modulus, &exponent.to_be_bytes()));
            }
            let (curve, bits) = match tpm.short()? {
                0x0001 => ("P-192", 192),
                0x0003 => ("P-256", 256),
                0x0004 => ("P-384", 384),
                0x0005 => ("P-521", 521),
                0x0020 => ("SM2", 256),
                _ => return None,
            };
            let mut algorithm = Algorithm::sized("EC", bits);
            algorithm.curve = Some(curve.to_owned());
            Some(part(algorithm, tpm.0))
        }
        TPM_KEYEDHASH => Some(part(Algorithm::named("HMAC"), tpm.0)),
        TPM_SYMCIPHER => Some(part(Algorithm::named("AES"), tpm.0)),
        _ => None,
    }
}

/// A file that is a TPM2B_PUBLIC (`tpm2_create -u`), or a tpm2-tools saved context.
pub fn tpm(scan: &mut Scan<'_>, data: &[u8]) -> bool {
    let mut tpm = Tpm(data);
    let Some(body) = tpm.sized() else {
        return false;
    };
    if !tpm.0.is_empty() || body.len() < 20 {
        return false;
    }
    if let Some(part) = tpm_public(body) {
        let text = format!("TPM 2.0 public area, {}", part.algorithm.display());
        scan.report(
            part.onto(Finding::new(Kind::PublicKey, "tpm2-public", text))
                .at(0),
        );
        return true;
    }
    // TPM2B_PRIVATE: integrity digest, then the wrapped sensitive area; opaque, so the name must agree
    let mut inner = Tpm(body);
    let digest = inner.sized().map_or(0, <[u8]>::len);
    let name = scan.name().to_ascii_lowercase();
    if matches!(digest, 20 | 32 | 48 | 64) && (name.ends_with(".priv") || name.contains("tpm")) {
        scan.report(
            Finding::new(
                Kind::PrivateKey,
                "tpm2-private",
                "TPM 2.0 private blob, wrapped by its parent key",
            )
            .property("encrypted", "yes")
            .property("hardware", "tpm2")
            .confidence(Confidence::Likely)
            .at(0),
        );
        return true;
    }
    false
}

/// A TSS2 PRIVATE KEY (`tpm2-tss-engine`, `tpm2-openssl`): SEQUENCE { OID 2.23.133.10.1.x, … public, private }.
pub fn tss2_private(bytes: &[u8]) -> Option<Finding> {
    let (element, _) = ber::read(bytes)?;
    let parts = element.sequence()?;
    if !parts.first()?.oid()?.starts_with("2.23.133.10.1.") {
        return None;
    }
    let octets: Vec<_> = parts.iter().filter_map(ber::Element::octets).collect();
    let mut finding = Finding::new(
        Kind::PrivateKey,
        "tpm2-tss",
        "TPM 2.0 private key, usable only by its TPM",
    );
    let public = octets
        .first()
        .and_then(|public| tpm_public(public.get(2..)?));
    if let Some(part) = public {
        finding = part.onto(finding);
    }
    Some(
        finding
            .property("encrypted", "yes")
            .property("hardware", "tpm2"),
    )
}
