//! Certificates, certification requests and revocation lists.
//!
//! The frame is walked leniently, so that a certificate a strict parser refuses (odd extensions, foreign
//! algorithms) is still inventoried; names are read by `x509-parser`.

use x509_parser::prelude::{FromDer, X509Name};

use super::keys;
use crate::ber::{self, Element, tag};
use crate::finding::{Finding, Kind, clip, fingerprint, hex};
use crate::oid;

/// Text of a distinguished name.
fn name(element: &Element<'_>) -> String {
    match X509Name::from_der(element.whole) {
        Ok((_, name)) => clip(name.to_string(), 256),
        Err(_) => String::new(),
    }
}

/// A UTCTime or GeneralizedTime as RFC 3339.
pub fn time(element: &Element<'_>) -> Option<String> {
    let text = std::str::from_utf8(element.content).ok()?;
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    let full = match (element.tag, digits.len()) {
        (23, 10 | 12) => {
            let year: u32 = digits.get(..2)?.parse().ok()?;
            format!("{}{digits}", if year >= 50 { "19" } else { "20" })
        }
        (24, 10 | 12 | 14) => digits,
        _ => return None,
    };
    let part = |from: usize, to: usize| full.get(from..to).unwrap_or("00").to_owned();
    let (month, day): (u32, u32) = (part(4, 6).parse().ok()?, part(6, 8).parse().ok()?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let second = if full.len() >= 14 {
        part(12, 14)
    } else {
        "00".to_owned()
    };
    let minute = if full.len() >= 12 {
        part(10, 12)
    } else {
        "00".to_owned()
    };
    Some(format!(
        "{}-{}-{}T{}:{minute}:{second}Z",
        part(0, 4),
        part(4, 6),
        part(6, 8),
        part(8, 10)
    ))
}

/// Signature algorithm and its hash, as properties.
fn signature(finding: Finding, identifier: &Element<'_>) -> Finding {
    let Some(parts) = identifier.sequence() else {
        return finding;
    };
    let Some(oid) = parts.first().and_then(Element::oid) else {
        return finding;
    };
    let (_, algorithm) = oid::algorithm(&oid);
    let mut hash = algorithm.mode.clone();
    if hash.as_deref() == Some("PSS") {
        hash = Some(pss_hash(parts.get(1)));
    }
    let name = match (&algorithm.curve, algorithm.name.as_str(), &hash) {
        (Some(set), ..) => set.clone(),
        (None, family, Some(hash)) => format!("{family} with {hash}"),
        (None, family, None) => family.to_owned(),
    };
    finding
        .property("signature-algorithm", name)
        .property("signature-oid", oid)
        .property_opt("signature-hash", hash)
}

/// The hash of RSASSA-PSS parameters; the default is SHA-1 (RFC 8017 A.2.3).
fn pss_hash(parameters: Option<&Element<'_>>) -> String {
    parameters
        .and_then(Element::sequence)
        .and_then(|fields| fields.into_iter().find(|field| field.is_context(0)))
        .and_then(|field| ber::read(field.content).map(|(inner, _)| inner))
        .and_then(|inner| inner.sequence()?.first()?.oid())
        .map_or_else(|| "SHA-1".to_owned(), |oid| oid::algorithm(&oid).1.name)
}

/// Outer frame of a signed X.509 object: to-be-signed, signature algorithm, signature.
fn signed<'a>(element: &Element<'a>) -> Option<(Vec<Element<'a>>, Element<'a>)> {
    let parts = element.sequence()?;
    if parts.len() != 3
        || !parts[2].is(tag::BIT_STRING)
        || parts[1].sequence()?.first()?.oid().is_none()
    {
        return None;
    }
    Some((parts[0].sequence()?, parts[1]))
}

/// Reads a certificate.
pub fn certificate(bytes: &[u8]) -> Option<Finding> {
    let (element, _) = ber::read(bytes)?;
    let (fields, identifier) = signed(&element)?;
    let mut at = fields.iter();
    let mut next = at.next()?;
    if next.is_context(0) {
        next = at.next()?;
    }
    if !next.is(tag::INTEGER) {
        return None;
    }
    let serial = next;
    at.next()?.sequence()?;
    let issuer = at.next()?;
    let validity = at.next()?.sequence()?;
    let subject = at.next()?;
    let key = at.next()?;
    if !issuer.is(tag::SEQUENCE) || !subject.is(tag::SEQUENCE) || validity.len() != 2 {
        return None;
    }
    let key_parts = key.sequence()?;
    if key_parts.len() != 2 || !key_parts[1].is(tag::BIT_STRING) {
        return None;
    }
    let (subject_text, issuer_text) = (name(subject), name(issuer));
    let mut finding = Finding::new(
        Kind::Certificate,
        "x509",
        format!("X.509 certificate of {subject_text}"),
    );
    if let Some(part) = keys::spki(key) {
        finding = part.onto(finding);
    } else if let Some((_, algorithm)) = keys::algorithm_identifier(&key_parts[0]) {
        finding = finding.algorithm(algorithm);
        finding.fingerprint = Some(fingerprint(key.whole));
    }
    finding = finding
        .property("identity", fingerprint(element.whole))
        .property("subject", subject_text)
        .property("issuer", issuer_text)
        .property("serial", hex(serial.content))
        .property(
            "self-issued",
            if subject.whole == issuer.whole {
                "yes"
            } else {
                "no"
            },
        )
        .property_opt("not-before", time(&validity[0]))
        .property_opt("not-after", time(&validity[1]));
    finding = signature(finding, &identifier);
    for field in at {
        if field.is_context(3) {
            finding = extensions(finding, field);
        }
    }
    Some(finding)
}

/// The extensions a judgement needs: basic constraints, key usage, names.
fn extensions(mut finding: Finding, field: &Element<'_>) -> Finding {
    let list = ber::read(field.content)
        .and_then(|(list, _)| list.sequence())
        .unwrap_or_default();
    for extension in list.iter().take(64) {
        let parts = extension.sequence().unwrap_or_default();
        let (Some(oid), Some(value)) = (
            parts.first().and_then(Element::oid),
            parts.last().and_then(Element::octets),
        ) else {
            continue;
        };
        let inner = ber::read(&value).map(|(inner, _)| inner);
        match (oid.as_str(), inner) {
            ("2.5.29.19", Some(inner)) => {
                let ca = inner
                    .children()
                    .first()
                    .is_some_and(|first| first.is(1) && first.content != [0]);
                finding = finding.property("ca", if ca { "yes" } else { "no" });
            }
            ("2.5.29.17", Some(inner)) => {
                let names: Vec<String> = inner
                    .children()
                    .iter()
                    .filter(|name| name.is_context(2))
                    .take(16)
                    .map(|name| String::from_utf8_lossy(name.content).into_owned())
                    .collect();
                if !names.is_empty() {
                    finding = finding.property("dns-names", names.join(","));
                }
            }
            ("2.5.29.37", Some(inner)) => {
                let usages: Vec<String> = inner
                    .children()
                    .iter()
                    .filter_map(Element::oid)
                    .take(16)
                    .collect();
                finding = finding.property("extended-key-usage", usages.join(","));
            }
            _ => {}
        }
    }
    finding
}

/// Reads a PKCS#10 certification request.
pub fn request(bytes: &[u8]) -> Option<Finding> {
    let (element, _) = ber::read(bytes)?;
    let (fields, identifier) = signed(&element)?;
    if fields.len() < 3
        || fields.len() > 4
        || fields[0].small()? > 2
        || !fields[1].is(tag::SEQUENCE)
    {
        return None;
    }
    let part = keys::spki(&fields[2])?;
    let subject = name(&fields[1]);
    let finding = part.onto(Finding::new(
        Kind::CertificateRequest,
        "pkcs10",
        format!("certification request of {subject}"),
    ));
    Some(signature(
        finding
            .property("subject", subject)
            .property("identity", fingerprint(element.whole)),
        &identifier,
    ))
}

/// Reads a certificate revocation list.
pub fn revocation_list(bytes: &[u8]) -> Option<Finding> {
    let (element, _) = ber::read(bytes)?;
    let (fields, identifier) = signed(&element)?;
    let skip = usize::from(fields.first()?.is(tag::INTEGER));
    let fields = fields.get(skip..)?;
    if fields.len() < 3 {
        return None;
    }
    let (inner_algorithm, issuer, this_update) = (&fields[0], &fields[1], &fields[2]);
    inner_algorithm.sequence()?.first()?.oid()?;
    let this = time(this_update)?;
    if !issuer.is(tag::SEQUENCE) {
        return None;
    }
    let next = fields.get(3).and_then(time);
    let entries = fields
        .iter()
        .skip(3)
        .find(|field| field.is(tag::SEQUENCE))
        .map_or(0, |list| list.children().len());
    let issuer = name(issuer);
    let finding = Finding::new(
        Kind::RevocationList,
        "crl",
        format!("revocation list of {issuer}, {entries} entries"),
    )
    .property("identity", fingerprint(element.whole))
    .property("issuer", issuer)
    .property("this-update", this)
    .property_opt("next-update", next)
    .property("entries", entries.to_string());
    let oid = identifier.sequence()?.first()?.oid()?;
    Some(signature(
        finding.algorithm(oid::algorithm(&oid).1),
        &identifier,
    ))
}

/// Any of the three, by structure.
pub fn any(bytes: &[u8]) -> Option<Finding> {
    certificate(bytes)
        .or_else(|| request(bytes))
        .or_else(|| revocation_list(bytes))
}
