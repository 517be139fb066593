//! Key formats of Windows and .NET: PVK files, CryptoAPI key blobs, `RSAKeyValue` in XML; and the keys of minisign and
//! signify, which are as small.

use super::Scan;
use super::keys;
use super::ssh::line_of;
use crate::finding::{Algorithm, Finding, Kind, Severity, fingerprint};

/// Little-endian number at a place.
fn le32(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(data.get(at..at + 4)?.try_into().ok()?))
}

/// A PVK file or a key blob at the start of a file.
pub fn head(scan: &mut Scan<'_>, data: &[u8]) -> bool {
    if le32(data, 0) == Some(0xb0b5_f11e) && le32(data, 4) == Some(0) {
        return pvk(scan, data).is_some();
    }
    match blob(data, 0) {
        Some(found) => {
            scan.report(found.at(0));
            true
        }
        None => false,
    }
}

/// Header: magic, reserved, sort of key, encrypted, length of the salt, length of the key; then the blob.
fn pvk(scan: &mut Scan<'_>, data: &[u8]) -> Option<()> {
    let encrypted = le32(data, 12)? != 0;
    let salt = usize::try_from(le32(data, 16)?)
        .ok()
        .filter(|salt| *salt <= 1024)?;
    if !encrypted {
        let mut found = blob(data, 24 + salt)?;
        found.format = "pvk".to_owned();
        scan.report(found.at(0));
        return Some(());
    }
    let mut finding = Finding::new(
        Kind::PrivateKey,
        "pvk",
        "RSA private key in a PVK file, encrypted with RC4",
    )
    .algorithm(Algorithm::named("RSA"))
    .property("encrypted", "yes")
    .property("cipher", "RC4")
    .property("kdf", "SHA-1, 1 iteration")
    .property("identity", fingerprint(data));
    finding.add_issue(
        "KA-KDF-WEAK",
        Severity::Medium,
        "passphrase stretched with a single SHA-1 and RC4 (PVK); use PKCS#8 with PBES2",
        "SP 800-132 §5.2",
    );
    scan.report(finding.at(0));
    Some(())
}

/// A CryptoAPI blob: type, version 2, algorithm, then `RSA1` or `RSA2`, bits, exponent, modulus (little-endian).
fn blob(data: &[u8], at: usize) -> Option<Finding> {
    let head = data.get(at..at + 20)?;
    let private = match head.get(..4)? {
        [7, 2, 0, 0] => true,
        [6, 2, 0, 0] => false,
        _ => return None,
    };
    if head.get(8..12)? != (if private { b"RSA2" } else { b"RSA1" }) {
        return None;
    }
    let bits = le32(head, 12).filter(|bits| (384..=16_384).contains(bits) && bits % 8 == 0)?;
    let exponent: Vec<u8> = le32(head, 16)?.to_be_bytes().to_vec();
    let length = usize::try_from(bits / 8).ok()?;
    let mut modulus = data.get(at + 20..at + 20 + length)?.to_vec();
    modulus.reverse();
    let part = keys::rsa_part(&modulus, &exponent);
    let (kind, what) = if private {
        (Kind::PrivateKey, "unencrypted private key")
    } else {
        (Kind::PublicKey, "public key")
    };
    let text = format!("{} {what}, CryptoAPI blob", part.algorithm.display());
    let finding = part.onto(Finding::new(kind, "cryptoapi-blob", text));
    Some(if private {
        finding.property("encrypted", "no")
    } else {
        finding
    })
}

/// `<RSAKeyValue>`: a public key, or a private one if it has `<D>`.
pub fn rsa_key_value(scan: &mut Scan<'_>, data: &[u8], start: usize, base: u64) -> Option<usize> {
    let window = data.get(start..data.len().min(start + 32_768))?;
    let length = memchr::memmem::find(window, b"</RSAKeyValue>")?;
    let text = std::str::from_utf8(window.get(..length)?).ok()?;
    let value = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        let (inner, _) = rest.split_once('<')?;
        let symbols: Vec<u8> = inner
            .bytes()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        super::pem::base64(&symbols)
    };
    let modulus = value("Modulus").filter(|modulus| modulus.len() >= 48)?;
    let part = keys::rsa_part(&modulus, &value("Exponent")?);
    let private = text.contains("<D>");
    let kind = if private {
        Kind::PrivateKey
    } else {
        Kind::PublicKey
    };
    let text = format!(
        "{} {} key in XML (RSAKeyValue)",
        part.algorithm.display(),
        if private {
            "unencrypted private"
        } else {
            "public"
        }
    );
    let mut finding = part
        .onto(Finding::new(kind, "rsa-key-value", text))
        .at(base + start as u64)
        .line(line_of(data, start));
    if private {
        finding = finding.property("encrypted", "no");
    }
    scan.report(finding);
    Some(start + length)
}

/// A key of minisign or signify: a comment line, then base64 of `Ed`, the identifier and the key.
pub fn signify(scan: &mut Scan<'_>, data: &[u8], start: usize, base: u64) -> Option<usize> {
    let window = data.get(start..data.len().min(start + 4096))?;
    let line_end = memchr::memchr(b'\n', window)?;
    let rest = window.get(line_end + 1..)?;
    let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    let bytes = super::pem::base64(rest.get(..end)?.trim_ascii())?;
    if !matches!(bytes.get(..2)?, b"Ed" | b"ED") {
        return None;
    }
    let (kind, what, encrypted) = match bytes.len() {
        42 => (Kind::PublicKey, "public key", None),
        // a function of key derivation, or two zeros for none
        104 | 158 => {
            let clear = bytes.get(2..4)? == [0, 0];
            (Kind::PrivateKey, "private key", Some(!clear))
        }
        74 => (Kind::SignedMessage, "signature", None),
        _ => return None,
    };
    let mut finding = Finding::new(
        kind,
        "signify",
        format!("Ed25519 {what} of minisign or signify"),
    )
    .algorithm(Algorithm::sized("Ed25519", 253))
    .at(base + start as u64)
    .line(line_of(data, start));
    finding = match (kind, encrypted) {
        (Kind::PublicKey, _) => {
            let part = keys::edwards_part("Ed25519", 253, 112, bytes.get(10..42)?);
            part.onto(finding)
        }
        (_, Some(yes)) => finding.property("encrypted", if yes { "yes" } else { "no" }),
        _ => finding.property("identity", fingerprint(&bytes)),
    };
    scan.report(finding);
    Some(start + line_end + 1 + end)
}

#[cfg(test)]
mod tests {
    use crate::detect::{Scan, bytes};
    use crate::finding::{Finding, Kind};
    use crate::limits::Limits;

    fn scan(path: &str, data: &[u8]) -> Vec<Finding> {
        let limits = Limits::default();
        let mut scan = Scan::new(&limits, path, None, data.len() as u64);
        bytes(&mut scan, data);
        scan.findings
    }

    /// A blob of a 1024-bit key with a modulus of ones.
    fn blob() -> Vec<u8> {
        let mut data = vec![7, 2, 0, 0, 0, 0xa4, 0, 0];
        data.extend_from_slice(b"RSA2");
        data.extend_from_slice(&1024_u32.to_le_bytes());
        data.extend_from_slice(&65_537_u32.to_le_bytes());
        data.extend_from_slice(&[0xff; 128]);
        data.extend_from_slice(&[1; 600]);
        data
    }

    #[test]
    fn a_blob_and_a_pvk_file_are_private_keys_of_their_size() {
        let mut pvk = vec![0x1e, 0xf1, 0xb5, 0xb0];
        for word in [0_u32, 1, 0, 0, 748] {
            pvk.extend_from_slice(&word.to_le_bytes());
        }
        pvk.extend_from_slice(&blob());
        for data in [blob(), pvk] {
            let found = scan("key", &data);
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].kind, Kind::PrivateKey);
            assert_eq!(found[0].algorithm.as_ref().and_then(|a| a.bits), Some(1024));
        }
        let mut encrypted = vec![0x1e, 0xf1, 0xb5, 0xb0];
        for word in [0_u32, 1, 1, 16, 748] {
            encrypted.extend_from_slice(&word.to_le_bytes());
        }
        encrypted.extend_from_slice(&[9; 764]);
        let found = scan("key.pvk", &encrypted);
        assert!(found.len() == 1 && found[0].is("encrypted", "yes"));
    }

    #[test]
    fn a_key_in_xml_is_told_public_from_private() {
        let modulus = "/".repeat(172) + "w==";
        let public = format!(
            "<RSAKeyValue><Modulus>{modulus}</Modulus><Exponent>AQAB</Exponent></RSAKeyValue>"
        );
        let private = public.replace("</RSAKeyValue>", "<P>AA==</P><D>AA==</D></RSAKeyValue>");
        assert_eq!(scan("a.xml", public.as_bytes())[0].kind, Kind::PublicKey);
        assert_eq!(scan("a.xml", private.as_bytes())[0].kind, Kind::PrivateKey);
    }

    #[test]
    fn a_public_key_of_minisign_is_read() {
        let text = "untrusted comment: minisign public key\nRWQBAgMEBQYHCAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n";
        let found = scan("minisign.pub", text.as_bytes());
        assert!(found.len() == 1 && found[0].kind == Kind::PublicKey);
    }
}
