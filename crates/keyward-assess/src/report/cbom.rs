//! CycloneDX cryptography bill of materials, versions 1.6 and 1.7. Every finding is a component with a stable
//! `bom-ref`; its place stands in `evidence.occurrences`. Key values are never written.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::Assessment;
use crate::finding::{Algorithm, Finding, Kind, hex};

/// Which version of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 1.6.
    V1_6,
    /// 1.7.
    V1_7,
}

/// The whole document.
pub fn document(assessment: &Assessment, version: Version) -> Value {
    let mut algorithms: std::collections::BTreeMap<String, Algorithm> =
        std::collections::BTreeMap::new();
    let mut components = Vec::new();
    for finding in &assessment.findings {
        if let Some(algorithm) = &finding.algorithm {
            algorithms
                .entry(reference(algorithm))
                .or_insert_with(|| algorithm.clone());
        }
        if let Some(component) = component(finding, version) {
            components.push(component);
        }
    }
    components.extend(
        algorithms
            .iter()
            .map(|(name, algorithm)| algorithm_component(name, algorithm)),
    );
    let text = if version == Version::V1_6 {
        "1.6"
    } else {
        "1.7"
    };
    let mut hash = Sha256::new();
    for finding in &assessment.findings {
        hash.update(finding.id.as_bytes());
    }
    let mut id = hex(&hash.finalize()[..16]);
    // the version and variant digits of a name-based UUID (RFC 9562 version 8)
    id.replace_range(12..13, "8");
    id.replace_range(16..17, "a");
    let part = |from: usize, to: usize| id.get(from..to).unwrap_or_default().to_owned();
    let uuid = [
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32),
    ]
    .join("-");
    json!({
        "$schema": format!("http://cyclonedx.org/schema/bom-{text}.schema.json"),
        "bomFormat": "CycloneDX",
        "specVersion": text,
        "serialNumber": format!("urn:uuid:{uuid}"),
        "version": 1,
        "metadata": {
            "tools": { "components": [{ "type": "application", "name": "keyward-assess", "version": env!("CARGO_PKG_VERSION") }] },
            "properties": [
                { "name": "keyward:judged-for", "value": assessment.judged_for },
                { "name": "keyward:targets", "value": assessment.targets.join(" ") },
                { "name": "keyward:files-read", "value": assessment.coverage.files_read.to_string() },
                { "name": "keyward:not-read", "value": assessment.coverage.gap_counts.values().sum::<u64>().to_string() },
            ],
        },
        "components": components,
    })
}

/// The `bom-ref` of an algorithm.
fn reference(algorithm: &Algorithm) -> String {
    format!("crypto/algorithm/{}", algorithm.display().replace(' ', "-"))
}

/// Primitive of an algorithm, in the words of the specification.
fn primitive(name: &str) -> &'static str {
    match name {
        "RSA" | "DSA" | "ECDSA" | "Ed25519" | "Ed448" | "ML-DSA" | "SLH-DSA" | "LMS" | "XMSS"
        | "SM2" => "signature",
        "ElGamal" => "pke",
        "X25519" | "X448" | "DH" | "ECDH" => "key-agree",
        "ML-KEM" => "kem",
        "AES" | "3DES" | "2TDEA" | "DES" | "RC2" | "Blowfish" | "Twofish" | "Serpent"
        | "Camellia" => "block-cipher",
        "RC4" => "stream-cipher",
        "ChaCha20-Poly1305" => "ae",
        "HMAC" => "mac",
        name if name.starts_with("SHA") || name.starts_with("MD") => "hash",
        _ => "unknown",
    }
}

/// An algorithm as a component of its own.
fn algorithm_component(reference: &str, algorithm: &Algorithm) -> Value {
    let mut properties = Map::new();
    properties.insert("primitive".to_owned(), json!(primitive(&algorithm.name)));
    let set = algorithm
        .curve
        .clone()
        .or_else(|| algorithm.bits.map(|bits| bits.to_string()));
    if let Some(set) = set {
        properties.insert("parameterSetIdentifier".to_owned(), json!(set));
    }
    if let Some(strength) = crate::judge::table::strength(algorithm) {
        properties.insert("classicalSecurityLevel".to_owned(), json!(strength));
    }
    if let Some(level) = quantum_level(algorithm) {
        properties.insert("nistQuantumSecurityLevel".to_owned(), json!(level));
    }
    let mut crypto = json!({ "assetType": "algorithm", "algorithmProperties": properties });
    if let Some(oid) = &algorithm.oid {
        crypto["oid"] = json!(oid);
    }
    json!({ "type": "cryptographic-asset", "bom-ref": reference, "name": algorithm.display(), "cryptoProperties": crypto })
}

/// NIST security category; 0 for what a quantum computer breaks.
fn quantum_level(algorithm: &Algorithm) -> Option<u32> {
    if crate::judge::table::quantum_vulnerable(algorithm) == Some(true) {
        return Some(0);
    }
    match (algorithm.name.as_str(), algorithm.bits?) {
        ("ML-KEM", 512) | ("AES" | "SLH-DSA", 128) => Some(1),
        ("ML-DSA", 44) => Some(2),
        ("ML-KEM", 768) | ("ML-DSA", 65) | ("AES" | "SLH-DSA", 192) => Some(3),
        ("ML-KEM", 1024) | ("ML-DSA", 87) | ("AES" | "SLH-DSA", 256) => Some(5),
        _ => None,
    }
}

/// One finding as a component. Configuration and source findings stand under what they use.
fn component(finding: &Finding, version: Version) -> Option<Value> {
    let crypto = match finding.kind {
        Kind::Certificate => certificate(finding, version),
        Kind::Library => {
            return Some(json!({
                "type": "library", "bom-ref": finding.id, "name": finding.evidence, "evidence": evidence(finding),
            }));
        }
        Kind::Configuration | Kind::Use | Kind::Parameters if finding.algorithm.is_none() => {
            return None;
        }
        Kind::Configuration | Kind::Use | Kind::Parameters => json!({
            "assetType": "algorithm",
            "algorithmProperties": { "primitive": primitive(finding.algorithm.as_ref().map_or("", |a| a.name.as_str())) },
        }),
        Kind::Protocol => {
            json!({ "assetType": "protocol", "protocolProperties": { "type": "other" } })
        }
        _ => material(finding, version),
    };
    let mut properties: Vec<Value> = finding
        .properties
        .iter()
        .map(|(name, value)| json!({ "name": format!("keyward:{name}"), "value": value }))
        .collect();
    properties.extend(finding.issues.iter().map(|issue| {
        json!({ "name": format!("keyward:issue:{}", issue.rule), "value": format!("{}: {} ({})", issue.severity.as_str(), issue.message, issue.source) })
    }));
    Some(json!({
        "type": "cryptographic-asset",
        "bom-ref": finding.id,
        "name": finding.evidence,
        "cryptoProperties": crypto,
        "evidence": evidence(finding),
        "properties": properties,
    }))
}

/// Where it was seen.
fn evidence(finding: &Finding) -> Value {
    let mut occurrence =
        json!({ "location": finding.location.full_path(), "additionalContext": finding.evidence });
    if let Some(offset) = finding.location.offset {
        occurrence["offset"] = json!(offset);
    }
    if let Some(line) = finding.location.line {
        occurrence["line"] = json!(line);
    }
    json!({ "occurrences": [occurrence] })
}

/// A certificate's properties.
fn certificate(finding: &Finding, version: Version) -> Value {
    let get = |name: &str| finding.properties.get(name);
    let mut map = Map::new();
    for (to, from) in [
        ("subjectName", "subject"),
        ("issuerName", "issuer"),
        ("notValidBefore", "not-before"),
        ("notValidAfter", "not-after"),
    ] {
        if let Some(value) = get(from) {
            map.insert(to.to_owned(), json!(value));
        }
    }
    map.insert(
        "certificateFormat".to_owned(),
        json!(if finding.format == "x509" {
            "X.509"
        } else {
            "OpenSSH"
        }),
    );
    if version == Version::V1_6 {
        if let Some(algorithm) = &finding.algorithm {
            map.insert(
                "subjectPublicKeyRef".to_owned(),
                json!(reference(algorithm)),
            );
        }
    } else {
        if let Some(serial) = get("serial") {
            map.insert("serialNumber".to_owned(), json!(serial));
        }
        if let Some(digest) = get("identity").and_then(|identity| identity.strip_prefix("sha256:"))
        {
            map.insert(
                "fingerprint".to_owned(),
                json!({ "alg": "SHA-256", "content": digest }),
            );
        }
        if let Some(algorithm) = &finding.algorithm {
            let related = json!([{ "type": "algorithm", "ref": reference(algorithm) }]);
            map.insert("relatedCryptographicAssets".to_owned(), related);
        }
    }
    json!({ "assetType": "certificate", "certificateProperties": map })
}

/// Keys, keystores and encrypted data.
fn material(finding: &Finding, version: Version) -> Value {
    let kind = match finding.kind {
        Kind::PrivateKey => "private-key",
        Kind::PublicKey => "public-key",
        Kind::SecretKey => "secret-key",
        Kind::SignedMessage => "signature",
        Kind::EncryptedData => "ciphertext",
        Kind::ManagedKey => "key",
        _ => "other",
    };
    let mut map = Map::new();
    map.insert("type".to_owned(), json!(kind));
    map.insert("id".to_owned(), json!(finding.id));
    map.insert("format".to_owned(), json!(finding.format));
    if let Some(algorithm) = &finding.algorithm {
        if let Some(bits) = algorithm.bits {
            map.insert("size".to_owned(), json!(bits));
        }
        if version == Version::V1_6 {
            map.insert("algorithmRef".to_owned(), json!(reference(algorithm)));
        } else {
            let related = json!([{ "type": "algorithm", "ref": reference(algorithm) }]);
            map.insert("relatedCryptographicAssets".to_owned(), related);
        }
    }
    let mechanism = match (
        finding.properties.get("hardware"),
        finding.properties.get("encrypted").map(String::as_str),
    ) {
        (Some(_), _) => Some("HSM"),
        (None, Some("yes")) => Some("Software"),
        (None, Some("no")) => Some("None"),
        _ => None,
    };
    if let Some(mechanism) = mechanism {
        map.insert("securedBy".to_owned(), json!({ "mechanism": mechanism }));
    }
    if version == Version::V1_7
        && let Some(digest) = finding
            .fingerprint
            .as_ref()
            .and_then(|text| text.strip_prefix("sha256:"))
    {
        map.insert(
            "fingerprint".to_owned(),
            json!({ "alg": "SHA-256", "content": digest }),
        );
    }
    json!({ "assetType": "related-crypto-material", "relatedCryptoMaterialProperties": map })
}
