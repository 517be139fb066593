//! Java keystores: JKS, JCEKS (one layout), Bouncy Castle's BKS and UBER. Entries and certificate chains
//! stand in the clear in JKS, JCEKS and BKS; private keys are encrypted and stay so.

use super::{Scan, keys, x509};
use crate::ber;
use crate::finding::{Algorithm, Confidence, Finding, Kind, Severity, fingerprint};

/// Most entries of one store that are looked at.
const MAX_ENTRIES: u32 = 100_000;

/// Reads Java's `DataOutputStream` values.
struct Reader<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let bytes = self.data.get(self.at..end)?;
        self.at = end;
        Some(bytes)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn number(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn long(&mut self) -> Option<u64> {
        Some(u64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::from(u16::from_be_bytes(self.take(2)?.try_into().ok()?));
        Some(String::from_utf8_lossy(self.take(length)?).into_owned())
    }

    fn block(&mut self) -> Option<&'a [u8]> {
        let length = self.number()? as usize;
        self.take(length)
    }
}

/// Milliseconds since 1970 as RFC 3339.
fn date(milliseconds: u64) -> Option<String> {
    let time = jiff::Timestamp::from_millisecond(i64::try_from(milliseconds).ok()?).ok()?;
    Some(time.to_string())
}

/// JKS (`FEEDFEED`) and JCEKS (`CECECECE`).
pub fn jks(scan: &mut Scan<'_>, data: &[u8]) -> bool {
    let mut reader = Reader { data, at: 0 };
    let format = match reader.number() {
        Some(0xFEED_FEED) => "jks",
        Some(0xCECE_CECE) => "jceks",
        _ => return false,
    };
    let (Some(version @ 1..=2), Some(count)) = (reader.number(), reader.number()) else {
        return false;
    };
    let (mut private, mut trusted, mut secret, mut read) = (0_u32, 0_u32, 0_u32, 0_u32);
    while read < count.min(MAX_ENTRIES) {
        let done = match jks_entry(scan, &mut reader, format, version) {
            Some(1) => &mut private,
            Some(2) => &mut trusted,
            Some(3) => &mut secret,
            _ => break,
        };
        *done += 1;
        read += 1;
    }
    if read < count {
        scan.gap_at(
            "malformed",
            format!("{format}: {read} of {count} entries could be read"),
            reader.at as u64,
        );
        if read == 0 {
            return false;
        }
    }
    let mut finding = Finding::new(
        Kind::Keystore,
        format,
        format!("{format} keystore: {private} private keys, {trusted} trusted certificates, {secret} secret keys"),
    )
    .property("private-keys", private.to_string())
    .property("certificates", trusted.to_string())
    .property("secret-keys", secret.to_string())
    .property("integrity", "SHA-1 with password and fixed string")
    .property("identity", fingerprint(data));
    if private + secret > 0 {
        finding.add_issue(
            "KA-KEYSTORE-WEAK",
            Severity::Medium,
            format!("{format} protects keys with a proprietary scheme that is cheap to guess; convert it to PKCS#12 with PBES2"),
            "OpenJDK keytool: JKS and JCEKS are proprietary formats",
        );
    }
    scan.report(finding.at(0));
    true
}

/// One entry; returns its tag.
fn jks_entry(
    scan: &mut Scan<'_>,
    reader: &mut Reader<'_>,
    format: &str,
    version: u32,
) -> Option<u32> {
    let start = reader.at as u64;
    let tag = reader.number()?;
    let alias = reader.text()?;
    let created = date(reader.long()?);
    match tag {
        1 => {
            let protected = reader.block()?;
            let chain = reader.number()?.min(1000);
            let mut leaf = None;
            for _ in 0..chain {
                let found = certificate(scan, reader, version, format, &alias)?;
                leaf = leaf.or(found);
            }
            let scheme = ber::read(protected)
                .and_then(|(element, _)| element.sequence()?.first().and_then(keys::encryption))
                .map_or_else(
                    || "unknown".to_owned(),
                    |encryption| encryption.cipher.display(),
                );
            let leaf = leaf.map(|leaf| (leaf.algorithm, leaf.fingerprint, leaf.modulus));
            let mut finding = Finding::new(
                Kind::PrivateKey,
                format,
                format!("private key entry '{alias}' in a {format} store"),
            )
            .property("alias", alias)
            .property("encrypted", "yes")
            .property("cipher", scheme)
            .property_opt("created", created)
            .at(start);
            if let Some((algorithm, fingerprint, modulus)) = leaf {
                (finding.algorithm, finding.fingerprint, finding.modulus) =
                    (algorithm, fingerprint, modulus);
            }
            scan.report(finding);
        }
        2 => {
            certificate(scan, reader, version, format, &alias)?;
        }
        3 => sealed_object(scan, reader, format, alias, created, start)?,
        _ => return None,
    }
    Some(tag)
}

/// One certificate of an entry, reported; the parsed finding is returned for the key it belongs to.
#[expect(
    clippy::option_option,
    reason = "outer: the stream can be read on; inner: the certificate parsed"
)]
fn certificate(
    scan: &mut Scan<'_>,
    reader: &mut Reader<'_>,
    version: u32,
    format: &str,
    alias: &str,
) -> Option<Option<Finding>> {
    if version == 2 {
        reader.text()?;
    }
    let offset = reader.at as u64 + 4;
    let Some(found) = x509::certificate(reader.block()?) else {
        return Some(None);
    };
    scan.report(
        found
            .clone()
            .property("container", format)
            .property("alias", alias)
            .at(offset),
    );
    Some(Some(found))
}

/// A JCEKS secret key: a serialised `SealedObject`, recognised and stepped over by its class description.
fn sealed_object(
    scan: &mut Scan<'_>,
    reader: &mut Reader<'_>,
    format: &str,
    alias: String,
    created: Option<String>,
    start: u64,
) -> Option<()> {
    let rest = reader.data.get(reader.at..)?;
    if rest.get(..4) != Some(&[0xac, 0xed, 0x00, 0x05]) {
        return None;
    }
    let length = serialised_length(rest)?;
    let body = reader.take(length)?;
    let algorithm = [("PBEWithMD5AndTripleDES", "3DES")]
        .iter()
        .find(|(name, _)| memchr::memmem::find(body, name.as_bytes()).is_some())
        .map_or("unknown", |(_, cipher)| cipher);
    scan.report(
        Finding::new(
            Kind::SecretKey,
            format,
            format!("secret key entry '{alias}' in a {format} store"),
        )
        .property("alias", alias)
        .property("encrypted", "yes")
        .property("cipher", algorithm)
        .property_opt("created", created)
        .confidence(Confidence::Likely)
        .at(start),
    );
    Some(())
}

/// Length of one serialised SealedObject. A full object-stream reader is not needed: the object ends with
/// the strings of its last fields; the next entry, or the 20-byte digest that closes the store, follows.
fn serialised_length(rest: &[u8]) -> Option<usize> {
    let mut at = 4;
    while at < rest.len() {
        let remaining = rest.len() - at;
        if remaining == 20 {
            return Some(at);
        }
        if let Some([0, 0, 0, tag @ 1..=3, high, low]) = rest.get(at..at + 6) {
            let length = usize::from(*high) << 8 | usize::from(*low);
            let alias = rest.get(at + 6..at + 6 + length);
            let stamp = rest
                .get(at + 6 + length..at + 14 + length)
                .and_then(|b| b.try_into().ok())
                .map(u64::from_be_bytes);
            let after = rest.get(at + 14 + length..at + 18 + length);
            let dated = stamp.is_some_and(|ms| (800_000_000_000..4_000_000_000_000).contains(&ms));
            let printable =
                alias.is_some_and(|alias| !alias.is_empty() && std::str::from_utf8(alias).is_ok());
            let follows = match (*tag, after) {
                (3, Some(magic)) => magic == [0xac, 0xed, 0x00, 0x05],
                (_, Some(_)) => true,
                _ => false,
            };
            if dated && printable && follows {
                return Some(at);
            }
        }
        at += 1;
    }
    None
}

/// BKS versions 1 and 2: entries in the clear, keys sealed.
pub fn bks(scan: &mut Scan<'_>, data: &[u8]) -> bool {
    let mut reader = Reader { data, at: 0 };
    let (Some(version @ 1..=2), Some(salt)) = (reader.number(), reader.block()) else {
        return false;
    };
    let Some(iterations) = reader.number() else {
        return false;
    };
    if !(8..=64).contains(&salt.len()) || iterations == 0 || iterations > 1 << 24 {
        return false;
    }
    let first_tag = data.get(reader.at).copied();
    if !matches!(first_tag, Some(0..=4)) {
        return uber(scan, data, version, salt.len(), iterations);
    }
    let mut pending = Vec::new();
    let (mut entries, mut complete) = (0_u32, false);
    while entries < MAX_ENTRIES {
        match bks_entry(&mut reader) {
            Some(None) => {
                complete = true;
                break;
            }
            Some(Some(findings)) => pending.extend(findings),
            None => break,
        }
        entries += 1;
    }
    let remaining = data.len() - reader.at.min(data.len());
    if !complete || remaining > 64 {
        return uber(scan, data, version, salt.len(), iterations);
    }
    for finding in pending {
        scan.report(finding);
    }
    let mut finding = Finding::new(
        Kind::Keystore,
        "bks",
        format!("Bouncy Castle keystore version {version}, {entries} entries"),
    )
    .property("entries", entries.to_string())
    .property("version", version.to_string())
    .property("mac-iterations", iterations.to_string())
    .property("integrity", "HMAC with SHA-1")
    .property("identity", fingerprint(data));
    keys::iteration_issues(&mut finding, u64::from(iterations), "PKCS#12 KDF");
    if version == 1 {
        finding.add_issue(
            "KA-KEYSTORE-WEAK",
            Severity::High,
            "BKS version 1 uses a 16-bit MAC key and can be forged in seconds",
            "CVE-2018-5382",
        );
    }
    scan.report(finding.at(0));
    true
}

/// One BKS entry: `None` broken, `Some(None)` the end mark.
#[expect(
    clippy::option_option,
    reason = "broken, end and entry are three answers of one reader step"
)]
#[expect(
    clippy::too_many_lines,
    reason = "one entry, read from its first field to its last"
)]
fn bks_entry(reader: &mut Reader<'_>) -> Option<Option<Vec<Finding>>> {
    let start = reader.at as u64;
    let tag = reader.byte()?;
    if tag == 0 {
        return Some(None);
    }
    if tag > 4 {
        return None;
    }
    let alias = reader.text()?;
    let created = date(reader.long()?)?;
    let mut findings = Vec::new();
    let chain = reader.number()?;
    if chain > 1000 {
        return None;
    }
    let mut leaf: Option<Finding> = None;
    for _ in 0..chain {
        leaf = bks_certificate(reader, &alias, &mut findings)?.or(leaf);
    }
    let (kind, what) = match tag {
        1 => {
            bks_certificate(reader, &alias, &mut findings)?;
            return Some(Some(findings));
        }
        2 => {
            let key_type = reader.byte()?;
            let (_format, algorithm) = (reader.text()?, reader.text()?);
            let encoded = reader.block()?;
            let kind = match key_type {
                0 => Kind::PrivateKey,
                1 => Kind::PublicKey,
                _ => Kind::SecretKey,
            };
            let mut finding = keys::any_der(encoded)
                .filter(|found| found.kind == kind)
                .unwrap_or_else(|| {
                    Finding::new(kind, "bks", format!("plain key entry '{alias}'")).algorithm(
                        Algorithm::sized(&algorithm, u32::try_from(encoded.len() * 8).unwrap_or(0)),
                    )
                });
            finding.format = "bks".to_owned();
            findings.push(
                finding
                    .property("alias", alias)
                    .property("encrypted", "no")
                    .property("created", created)
                    .at(start),
            );
            return Some(Some(findings));
        }
        3 => (Kind::SecretKey, "secret value"),
        _ => (
            if chain > 0 {
                Kind::PrivateKey
            } else {
                Kind::SecretKey
            },
            "sealed key",
        ),
    };
    reader.block()?;
    let mut finding = Finding::new(
        kind,
        "bks",
        format!("{what} entry '{alias}' in a BKS store"),
    )
    .property("alias", alias)
    .property("created", created)
    .property("encrypted", if tag == 4 { "yes" } else { "no" })
    .at(start);
    if tag == 4 {
        finding = finding
            .property("cipher", "3DES-CBC")
            .property("kdf", "PBE-SHA-1");
    }
    if let Some(leaf) = leaf {
        (finding.algorithm, finding.fingerprint, finding.modulus) =
            (leaf.algorithm, leaf.fingerprint, leaf.modulus);
    }
    findings.push(finding);
    Some(Some(findings))
}

/// A certificate of a BKS entry.
#[expect(
    clippy::option_option,
    reason = "outer: the stream can be read on; inner: the certificate parsed"
)]
fn bks_certificate(
    reader: &mut Reader<'_>,
    alias: &str,
    findings: &mut Vec<Finding>,
) -> Option<Option<Finding>> {
    reader.text()?;
    let offset = reader.at as u64 + 4;
    let Some(found) = x509::certificate(reader.block()?) else {
        return Some(None);
    };
    findings.push(
        found
            .clone()
            .property("container", "bks")
            .property("alias", alias)
            .at(offset),
    );
    Some(Some(found))
}

/// UBER: the whole store is encrypted (Twofish with SHA-1 PBE); only its frame can be seen.
fn uber(scan: &mut Scan<'_>, data: &[u8], version: u32, salt: usize, iterations: u32) -> bool {
    let body = data.len().saturating_sub(12 + salt);
    if version != 1 || salt != 20 || iterations < 1024 || body == 0 || !body.is_multiple_of(16) {
        return false;
    }
    scan.report(
        Finding::new(
            Kind::Keystore,
            "uber",
            "Bouncy Castle UBER keystore, wholly encrypted",
        )
        .algorithm(Algorithm::sized("Twofish", 256))
        .property("encrypted", "yes")
        .property("kdf", "PBE-SHA-1")
        .property("kdf-iterations", iterations.to_string())
        .property("identity", fingerprint(data))
        .confidence(Confidence::Likely)
        .at(0),
    );
    true
}
