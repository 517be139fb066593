//! CMS / PKCS#7 and PKCS#12: containers of certificates and keys, walked in BER. Nothing is decrypted, so
//! an encrypted bag is reported as what it is: encrypted, how, and how much of it.

use super::{Scan, keys, x509};
use crate::ber::{self, Element};
use crate::finding::{Algorithm, Confidence, Finding, Kind, Severity, fingerprint};
use crate::oid;

/// Deepest nesting of content inside content.
const MAX_NESTING: u32 = 6;

const DATA: &str = "1.2.840.113549.1.7.1";
const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
const ENVELOPED_DATA: &str = "1.2.840.113549.1.7.3";
const ENCRYPTED_DATA: &str = "1.2.840.113549.1.7.6";

/// Reads a ContentInfo: its type and the content inside the explicit tag.
fn content_info<'a>(element: &Element<'a>) -> Option<(String, Option<Element<'a>>)> {
    let parts = element.sequence()?;
    let oid = parts.first()?.oid()?;
    let content = parts
        .get(1)
        .filter(|part| part.is_context(0))
        .and_then(|part| ber::read(part.content));
    Some((oid, content.map(|(inner, _)| inner)))
}

/// A PKCS#7 or CMS message; reports itself and every certificate and revocation list in it.
pub fn message(scan: &mut Scan<'_>, bytes: &[u8], offset: u64) -> bool {
    let Some((element, _)) = ber::read(bytes) else {
        return false;
    };
    let Some((oid, Some(content))) = content_info(&element) else {
        return false;
    };
    let format = match oid.as_str() {
        SIGNED_DATA => "cms-signed",
        ENVELOPED_DATA => "cms-enveloped",
        ENCRYPTED_DATA => "cms-encrypted",
        "1.2.840.113549.1.9.16.1.23" => "cms-auth-enveloped",
        "1.2.840.113549.1.9.16.1.2" => "cms-authenticated",
        _ => return false,
    };
    let Some(fields) = content.sequence() else {
        return false;
    };
    let identity = fingerprint(element.whole);
    if format == "cms-signed" {
        signed(scan, &fields, identity, offset);
        return true;
    }
    let mut finding = Finding::new(
        Kind::EncryptedData,
        format,
        format!("CMS message, {format}"),
    )
    .property("identity", identity);
    let recipients = fields
        .iter()
        .find(|field| field.is(ber::tag::SET))
        .map_or(0, |set| set.children().len());
    if let Some(encrypted) = fields
        .iter()
        .filter_map(Element::sequence)
        .find(|parts| parts.len() >= 2)
        && let Some((_, cipher)) = encrypted.get(1).and_then(keys::algorithm_identifier)
    {
        finding = finding.algorithm(cipher);
    }
    if recipients > 0 {
        finding = finding.property("recipients", recipients.to_string());
    }
    scan.report(finding.at(offset));
    true
}

/// SignedData: certificates, revocation lists, signers.
fn signed(scan: &mut Scan<'_>, fields: &[Element<'_>], identity: String, offset: u64) {
    let mut certificates = 0_u32;
    for field in fields.iter().filter(|field| field.is_context(0)) {
        for certificate in field.children() {
            if let Some(found) = x509::certificate(certificate.whole) {
                certificates += 1;
                scan.report(found.property("container", "pkcs7").at(offset));
            }
        }
    }
    for field in fields.iter().filter(|field| field.is_context(1)) {
        for list in field.children() {
            if let Some(found) = x509::revocation_list(list.whole) {
                scan.report(found.property("container", "pkcs7").at(offset));
            }
        }
    }
    let signers: Vec<Vec<Element<'_>>> = fields
        .last()
        .filter(|last| last.is(ber::tag::SET))
        .map(|last| {
            last.children()
                .iter()
                .filter_map(Element::sequence)
                .collect()
        })
        .unwrap_or_default();
    let mut finding = Finding::new(
        Kind::SignedMessage,
        "cms-signed",
        format!(
            "CMS SignedData, {certificates} certificates, {} signers",
            signers.len()
        ),
    )
    .property("identity", identity)
    .property("certificates", certificates.to_string())
    .property("signers", signers.len().to_string());
    if let Some(signer) = signers.first() {
        let identifiers: Vec<(String, Algorithm)> = signer
            .iter()
            .filter_map(keys::algorithm_identifier)
            .collect();
        for (oid, algorithm) in identifiers {
            match oid::algorithm(&oid).0 {
                Some(oid::Role::Hash) => {
                    finding = finding.property("signature-hash", algorithm.name)
                }
                Some(oid::Role::Key | oid::Role::Signature) => {
                    finding = finding.algorithm(algorithm)
                }
                _ => {}
            }
        }
    }
    scan.report(finding.at(offset));
}

/// What a PKCS#12 file holds.
#[derive(Default)]
struct Contents {
    shrouded: u32,
    plain: u32,
    certificates: u32,
    secrets: u32,
    encrypted_parts: u32,
}

/// A PKCS#12 (PFX) container.
pub fn pkcs12(scan: &mut Scan<'_>, bytes: &[u8], offset: u64) -> bool {
    let Some((element, _)) = ber::read(bytes) else {
        return false;
    };
    let Some(parts) = element.sequence() else {
        return false;
    };
    if parts.len() < 2 || parts.len() > 3 || parts[0].small() != Some(3) {
        return false;
    }
    let Some((oid, Some(content))) = content_info(&parts[1]) else {
        return false;
    };
    if oid != DATA && oid != SIGNED_DATA {
        return false;
    }
    let mut finding = Finding::new(Kind::Keystore, "pkcs12", "PKCS#12 container")
        .property("identity", fingerprint(element.whole));
    if let Some(mac) = parts.get(2).and_then(Element::sequence) {
        finding = mac_onto(finding, &mac);
    } else {
        finding = finding.property("integrity", if oid == DATA { "none" } else { "signature" });
    }
    let mut contents = Contents::default();
    let octets = content.octets().unwrap_or_default();
    if let Some((safe, _)) = ber::read(&octets) {
        for part in safe.children() {
            safe_part(scan, &part, &mut contents, &mut finding, offset);
        }
    }
    let Contents {
        shrouded,
        plain,
        certificates,
        secrets,
        encrypted_parts,
    } = contents;
    finding.evidence = format!(
        "PKCS#12 container: {shrouded} encrypted and {plain} plain private keys, {certificates} readable certificates, {secrets} secrets, {encrypted_parts} encrypted parts"
    );
    finding = finding
        .property("private-keys", (shrouded + plain).to_string())
        .property("readable-certificates", certificates.to_string())
        .property("encrypted-parts", encrypted_parts.to_string());
    if plain > 0 {
        finding.add_issue(
            "KA-KEY-UNENCRYPTED",
            Severity::High,
            format!("{plain} private keys stand unencrypted in the container"),
            "SP 800-57 Part 1 §6.2.2.3",
        );
    }
    scan.report(finding.at(offset));
    true
}

/// The integrity part of a PFX.
fn mac_onto(mut finding: Finding, mac: &[Element<'_>]) -> Finding {
    let identifier = mac
        .first()
        .and_then(Element::sequence)
        .and_then(|digest| digest.first().copied());
    let iterations = mac.get(2).and_then(Element::small).unwrap_or(1);
    if let Some((_, hash)) = identifier.as_ref().and_then(keys::algorithm_identifier) {
        finding = finding
            .property("integrity", format!("HMAC with {}", hash.name))
            .property("mac-hash", hash.name);
    }
    finding = finding.property("mac-iterations", iterations.to_string());
    keys::iteration_issues(&mut finding, iterations, "PKCS#12 KDF");
    finding
}

/// One ContentInfo of the AuthenticatedSafe.
fn safe_part(
    scan: &mut Scan<'_>,
    part: &Element<'_>,
    contents: &mut Contents,
    finding: &mut Finding,
    offset: u64,
) {
    let Some((oid, Some(content))) = content_info(part) else {
        return;
    };
    if oid == DATA {
        let octets = content.octets().unwrap_or_default();
        if let Some((bags, _)) = ber::read(&octets) {
            safe_bags(scan, &bags, contents, offset, 0);
        }
        return;
    }
    contents.encrypted_parts += 1;
    let encryption = content
        .sequence()
        .and_then(|fields| fields.get(1).and_then(Element::sequence))
        .and_then(|info| info.get(1).and_then(keys::encryption));
    if let Some(encryption) = encryption {
        let updated = encryption.onto(finding.clone());
        *finding = updated.algorithm(encryption.cipher);
    }
}

/// The bags of one SafeContents.
fn safe_bags(
    scan: &mut Scan<'_>,
    bags: &Element<'_>,
    contents: &mut Contents,
    offset: u64,
    nesting: u32,
) {
    if nesting > MAX_NESTING {
        return;
    }
    for bag in bags.children() {
        let Some(parts) = bag.sequence() else {
            continue;
        };
        let (Some(oid), Some(value)) = (
            parts.first().and_then(Element::oid),
            parts
                .get(1)
                .and_then(|part| ber::read(part.content))
                .map(|(inner, _)| inner),
        ) else {
            continue;
        };
        match oid.rsplit('.').next().unwrap_or_default() {
            "1" => {
                contents.plain += 1;
                bag_finding(scan, keys::any_der(value.whole), offset);
            }
            "2" => {
                contents.shrouded += 1;
                bag_finding(scan, keys::any_der(value.whole), offset);
            }
            "3" => {
                let certificate = value
                    .sequence()
                    .and_then(|parts| parts.get(1).and_then(|part| ber::read(part.content)))
                    .and_then(|(inner, _)| inner.octets())
                    .and_then(|der| x509::certificate(&der));
                contents.certificates += u32::from(certificate.is_some());
                bag_finding(scan, certificate, offset);
            }
            "5" => contents.secrets += 1,
            "6" => safe_bags(scan, &value, contents, offset, nesting + 1),
            _ => {}
        }
    }
}

/// Reports what a bag held.
fn bag_finding(scan: &mut Scan<'_>, found: Option<Finding>, offset: u64) {
    if let Some(found) = found {
        let identity = found.properties.get("identity").cloned();
        let count = scan.findings.len().to_string();
        let found = found.property("container", "pkcs12").at(offset);
        // an encrypted key has no public part: its place in the container is its identity
        let found = match identity {
            None if found.fingerprint.is_none() => found.property("alias", format!("bag {count}")),
            _ => found,
        };
        scan.report(found);
    }
}

/// A Bouncy Castle FIPS keystore (BCFKS): ObjectStore ::= SEQUENCE { data, integrity check }.
pub fn bcfks(scan: &mut Scan<'_>, bytes: &[u8], offset: u64) -> bool {
    let Some((element, _)) = ber::read(bytes) else {
        return false;
    };
    let Some(parts) = element.sequence() else {
        return false;
    };
    if parts.len() != 2 || element.children_exact().is_none() {
        return false;
    }
    let (Some(store), Some(integrity)) = (parts[0].sequence(), parts[1].sequence()) else {
        return false;
    };
    // EncryptedObjectStoreData { AlgorithmIdentifier, OCTET STRING } and PbkdMacIntegrityCheck { mac, pbkd, OCTET STRING }
    let encrypted = store.len() == 2 && store[1].is(ber::tag::OCTET_STRING);
    if !encrypted || integrity.len() < 3 || !integrity[2].is(ber::tag::OCTET_STRING) {
        return false;
    }
    let (Some(encryption), Some((_, mac))) = (
        keys::encryption(&store[0]),
        keys::algorithm_identifier(&integrity[0]),
    ) else {
        return false;
    };
    let finding = Finding::new(
        Kind::Keystore,
        "bcfks",
        format!(
            "Bouncy Castle FIPS keystore, {} with {}",
            encryption.cipher.display(),
            encryption.kdf
        ),
    )
    .property("identity", fingerprint(element.whole))
    .property("integrity", mac.name)
    .confidence(Confidence::Certain);
    let finding = encryption
        .onto(finding)
        .algorithm(encryption.cipher.clone());
    scan.report(finding.at(offset));
    true
}
