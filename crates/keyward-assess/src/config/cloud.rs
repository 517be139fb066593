//! Keys managed elsewhere, read from exports: cloud KMS descriptions, inventories of Keyward, listings of PKCS#11
//! tools.

use serde_json::Value;

use crate::detect::Scan;
use crate::finding::{Algorithm, Finding, Kind, Severity, clip};

/// Algorithm of an AWS key specification.
pub fn aws_spec(spec: &str) -> Option<Algorithm> {
    let bits = spec
        .rsplit('_')
        .next()
        .and_then(|word| word.parse::<u32>().ok());
    let ec = |curve: &str, bits| {
        Some(Algorithm {
            curve: Some(curve.to_owned()),
            ..Algorithm::sized("EC", bits)
        })
    };
    match spec {
        "SYMMETRIC_DEFAULT" => Some(Algorithm {
            mode: Some("GCM".to_owned()),
            ..Algorithm::sized("AES", 256)
        }),
        "ECC_NIST_P256" => ec("P-256", 256),
        "ECC_NIST_P384" => ec("P-384", 384),
        "ECC_NIST_P521" => ec("P-521", 521),
        "ECC_SECG_P256K1" => ec("secp256k1", 256),
        "ECC_NIST_EDWARDS25519" => Some(Algorithm::sized("Ed25519", 253)),
        "SM2" => Some(Algorithm::sized("SM2", 256)),
        _ if spec.starts_with("RSA_") => bits.map(|bits| Algorithm::sized("RSA", bits)),
        _ if spec.starts_with("HMAC_") => bits.map(|bits| Algorithm::sized("HMAC", bits)),
        _ if spec.starts_with("ML_DSA_") => bits.map(|bits| Algorithm::sized("ML-DSA", bits)),
        _ => None,
    }
}

/// Algorithm of a Google Cloud KMS version.
pub fn google_spec(spec: &str) -> Option<Algorithm> {
    let number = |prefix: &str| {
        spec.split('_')
            .skip_while(|word| *word != prefix)
            .find_map(|word| word.parse::<u32>().ok())
            .or_else(|| spec.split('_').find_map(|word| word.parse::<u32>().ok()))
    };
    if spec.contains("GOOGLE_SYMMETRIC") || spec == "SYMMETRIC" {
        Some(Algorithm::sized("AES", 256))
    } else if spec.starts_with("RSA") {
        number("PKCS1").map(|bits| Algorithm::sized("RSA", bits))
    } else if let Some(rest) = spec.strip_prefix("EC_SIGN_") {
        let (curve, bits) = match rest.split('_').next()? {
            "P256" => ("P-256", 256),
            "P384" => ("P-384", 384),
            "SECP256K1" => ("secp256k1", 256),
            "ED25519" => return Some(Algorithm::sized("Ed25519", 253)),
            _ => return None,
        };
        Some(Algorithm {
            curve: Some(curve.to_owned()),
            ..Algorithm::sized("EC", bits)
        })
    } else if spec.starts_with("HMAC") {
        number("HMAC")
            .map(|bits| Algorithm::sized("HMAC", if spec.contains("SHA1") { 160 } else { bits }))
    } else if spec.starts_with("PQ_SIGN_ML_DSA") {
        number("DSA").map(|bits| Algorithm::sized("ML-DSA", bits))
    } else {
        None
    }
}

/// Reads a document; true if it was one of these exports.
pub fn document(scan: &mut Scan<'_>, root: &Value) -> bool {
    let mut any = false;
    let mut entries: Vec<&Value> = vec![root];
    for list in ["Keys", "items", "keys", "cryptoKeys", "cryptoKeyVersions"] {
        entries.extend(
            root.get(list)
                .and_then(Value::as_array)
                .into_iter()
                .flatten(),
        );
    }
    entries.extend(root.as_array().into_iter().flatten());
    for entry in entries.into_iter().take(1_000_000) {
        any |=
            aws(scan, entry) || google(scan, entry) || azure(scan, entry) || keyward(scan, entry);
    }
    any
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

/// A managed key with its algorithm.
fn managed(format: &str, id: &str, algorithm: Option<Algorithm>) -> Finding {
    let shown = algorithm
        .as_ref()
        .map_or_else(|| "unknown algorithm".to_owned(), Algorithm::display);
    let mut finding = Finding::new(
        Kind::ManagedKey,
        format,
        clip(format!("{format} key {id}, {shown}"), 250),
    )
    .property("identity", id.to_owned())
    .property("key-id", id.to_owned());
    finding.algorithm = algorithm;
    finding
}

/// `aws kms describe-key`, perhaps with the rotation status beside it.
fn aws(scan: &mut Scan<'_>, entry: &Value) -> bool {
    let Some(key) = entry.get("KeyMetadata") else {
        return false;
    };
    let Some(id) = text(key, "Arn").or_else(|| text(key, "KeyId")) else {
        return false;
    };
    let spec = text(key, "KeySpec")
        .or_else(|| text(key, "CustomerMasterKeySpec"))
        .unwrap_or("SYMMETRIC_DEFAULT");
    let origin = text(key, "Origin").unwrap_or("AWS_KMS");
    let mut finding = managed("aws-kms", id, aws_spec(spec))
        .property("key-spec", spec)
        .property_opt("key-usage", text(key, "KeyUsage"))
        .property_opt("state", text(key, "KeyState"))
        .property_opt("manager", text(key, "KeyManager"))
        .property("origin", origin)
        .property_opt(
            "not-after",
            text(key, "ValidTo").map(|t| t.replace(' ', "T")),
        );
    let rotation = entry
        .get("KeyRotationEnabled")
        .or_else(|| entry.get("KeyRotationStatus")?.get("KeyRotationEnabled"))
        .and_then(Value::as_bool);
    if let Some(on) = rotation {
        finding = finding.property("rotation", if on { "on" } else { "off" });
        if !on && spec == "SYMMETRIC_DEFAULT" && origin == "AWS_KMS" {
            finding.add_issue(
                "KA-IAC-NO-ROTATION",
                Severity::Medium,
                "rotation of the KMS key is not enabled",
                "SP 800-57 Part 1 §5.3",
            );
        }
    }
    if origin == "EXTERNAL" {
        finding.add_issue(
            "KA-KEY-IMPORTED",
            Severity::Low,
            "imported key material: it exists outside the module too",
            "SP 800-57 Part 2 §2.3",
        );
    }
    match text(key, "KeyState") {
        Some("PendingDeletion") => finding.add_issue(
            "KA-KEY-PENDING-DELETION",
            Severity::Medium,
            "the key is about to be deleted: make sure that nothing needs it",
            "SP 800-57 Part 1 §8.3.4",
        ),
        Some("Disabled") => finding.add_issue(
            "KA-KEY-DISABLED",
            Severity::Info,
            "the key is disabled",
            "AWS KMS",
        ),
        _ => {}
    }
    scan.report(finding);
    true
}

/// `gcloud kms keys list --format=json`.
fn google(scan: &mut Scan<'_>, entry: &Value) -> bool {
    let Some(name) = text(entry, "name").filter(|name| name.contains("/cryptoKeys/")) else {
        return false;
    };
    let template = entry.get("versionTemplate");
    let spec = template
        .and_then(|template| text(template, "algorithm"))
        .or_else(|| text(entry, "algorithm"))
        .unwrap_or_default();
    let protection = template
        .and_then(|template| text(template, "protectionLevel"))
        .or_else(|| text(entry, "protectionLevel"));
    let mut finding = managed("google-kms", name, google_spec(spec))
        .property("key-spec", spec)
        .property_opt("protection", protection)
        .property_opt("key-usage", text(entry, "purpose"));
    if text(entry, "purpose") == Some("ENCRYPT_DECRYPT") && entry.get("rotationPeriod").is_none() {
        finding.add_issue(
            "KA-IAC-NO-ROTATION",
            Severity::Medium,
            "rotation of the KMS key is not set",
            "SP 800-57 Part 1 §5.3",
        );
    }
    scan.report(finding);
    true
}

/// `az keyvault key show`.
fn azure(scan: &mut Scan<'_>, entry: &Value) -> bool {
    let Some(key) = entry.get("key").filter(|key| key.get("kid").is_some()) else {
        return false;
    };
    let Some(id) = text(key, "kid") else {
        return false;
    };
    let kind = text(key, "kty").unwrap_or_default();
    let mut algorithm = None;
    if kind.starts_with("RSA") {
        algorithm = Some(Algorithm {
            bits: text(key, "n")
                .map(|n| u32::try_from(n.trim_end_matches('=').len() * 6 / 256 * 256).unwrap_or(0))
                .filter(|bits| *bits > 0),
            ..Algorithm::named("RSA")
        });
    } else if let Some(curve) = text(key, "crv") {
        algorithm = crate::oid::curve_by_name(curve).map(|(name, bits)| Algorithm {
            curve: Some(name.to_owned()),
            ..Algorithm::sized("EC", bits)
        });
    }
    let hardware = kind.ends_with("-HSM");
    let mut finding = managed("azure-key-vault", id, algorithm).property("key-type", kind);
    if hardware {
        finding = finding.property("hardware", "hsm");
    }
    scan.report(finding);
    true
}

/// A key as Keyward's own inventory lists it.
fn keyward(scan: &mut Scan<'_>, entry: &Value) -> bool {
    let (Some(id), Some(spec)) = (text(entry, "id"), text(entry, "spec")) else {
        return false;
    };
    let Some(algorithm) = keyward_spec(spec) else {
        return false;
    };
    let label = text(entry, "name").unwrap_or(id);
    let mut finding = managed("keyward", id, Some(algorithm))
        .property("key-spec", spec)
        .property("alias", label)
        .property_opt("state", text(entry, "state"))
        .property_opt("protection", text(entry, "protection"))
        .property_opt("export", text(entry, "export"))
        .property_opt("purpose", text(entry, "purpose"));
    finding.evidence = clip(format!("Keyward key {label}, {spec}"), 250);
    scan.report(finding);
    true
}

/// Algorithm of a Keyward key specification.
fn keyward_spec(spec: &str) -> Option<Algorithm> {
    let (family, size) = spec.rsplit_once('-').unwrap_or((spec, ""));
    let bits = size.parse::<u32>().ok();
    Some(match family {
        "aes" => Algorithm::sized("AES", bits?),
        "hmac-sha" => Algorithm::sized("HMAC", bits?),
        "rsa" => Algorithm::sized("RSA", bits?),
        "ml-kem" => Algorithm::sized("ML-KEM", bits?),
        "ml-dsa" => Algorithm::sized("ML-DSA", bits?),
        "ed25519" => Algorithm::sized("Ed25519", 253),
        "ec" => {
            let (curve, bits) = crate::oid::curve_by_name(&size.replace('p', "P-"))?;
            Algorithm {
                curve: Some(curve.to_owned()),
                ..Algorithm::sized("EC", bits)
            }
        }
        _ => return None,
    })
}

/// Listings of `pkcs11-tool -O` and `p11tool --list-all`.
pub fn listing(scan: &mut Scan<'_>, text: &str) {
    let opensc = text.contains(" Object; ");
    let gnutls = text.contains("\tURL: pkcs11:") || text.contains("URL: pkcs11:");
    if !opensc && !gnutls {
        return;
    }
    let lines: Vec<&str> = text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let block = || {
            lines
                .iter()
                .skip(index + 1)
                .take(12)
                .take_while(|line| !line.contains(" Object; ") && !line.starts_with("Object "))
        };
        let value = |name: &str| {
            block().find_map(|line| {
                line.trim()
                    .strip_prefix(name)
                    .map(|rest| rest.trim_start_matches(':').trim().to_owned())
            })
        };
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        if let Some((kind, what)) = line.split_once(" Object; ").filter(|_| opensc) {
            token_object(
                scan,
                kind.trim(),
                what,
                value("label"),
                value("ID"),
                value("Access"),
                number,
            );
        } else if gnutls && line.starts_with("Object ") {
            let Some(kind) = value("Type") else { continue };
            let (kind, what) = kind
                .split_once('(')
                .map_or((kind.as_str(), ""), |(kind, what)| {
                    (kind, what.trim_end_matches(')'))
                });
            token_object(
                scan,
                kind.trim(),
                what,
                value("Label"),
                value("ID"),
                value("Flags"),
                number,
            );
        }
    }
}

/// One object of a token.
fn token_object(
    scan: &mut Scan<'_>,
    kind: &str,
    what: &str,
    label: Option<String>,
    id: Option<String>,
    flags: Option<String>,
    line: u32,
) {
    let lower = kind.to_ascii_lowercase();
    let kind = if lower.starts_with("private key") || lower.starts_with("secret key") {
        Kind::ManagedKey
    } else if lower.starts_with("public key") {
        Kind::PublicKey
    } else {
        return;
    };
    let number = what
        .split(|c: char| !c.is_ascii_digit())
        .find_map(|word| word.parse::<u32>().ok().filter(|number| *number >= 16));
    let upper = what.to_ascii_uppercase();
    let algorithm = if upper.starts_with("RSA") {
        Some(Algorithm {
            bits: number,
            ..Algorithm::named("RSA")
        })
    } else if upper.starts_with("EC") {
        Some(Algorithm {
            bits: number.filter(|bits| *bits < 600),
            ..Algorithm::named("EC")
        })
    } else if upper.starts_with("AES") {
        // pkcs11-tool says bytes
        Some(Algorithm {
            bits: number.map(|n| if n <= 32 { n * 8 } else { n }),
            ..Algorithm::named("AES")
        })
    } else if upper.contains("DES3") || upper.contains("3DES") {
        Some(Algorithm::named("3DES"))
    } else {
        None
    };
    let label = label.unwrap_or_else(|| "without a label".to_owned());
    let mut finding = Finding::new(
        kind,
        "pkcs11",
        clip(format!("{lower} on a token, '{label}', {what}"), 250),
    )
    .property("hardware", "pkcs11")
    .property(
        "setting",
        format!("{lower}:{label}:{}", id.clone().unwrap_or_default()),
    )
    .property_opt("key-id", id)
    .line(line);
    finding.algorithm = algorithm;
    if let Some(flags) = flags {
        let extractable = flags.contains("extractable") && !flags.contains("never extractable");
        let sensitive = flags.to_ascii_lowercase().contains("sensitive")
            || flags.contains("CKA_SENSITIVE")
            || flags.contains("CKA_NEVER_EXTRACTABLE");
        if kind == Kind::ManagedKey && (extractable && !sensitive) {
            finding.add_issue(
                "KA-TOKEN-EXTRACTABLE",
                Severity::Medium,
                "the key can be read out of its token",
                "PKCS #11 v3.1 §4.8; SP 800-57 Part 1 §6.2",
            );
        }
        finding = finding.property("access", flags);
    }
    scan.report(finding);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    fn scan(path: &str, text: &str) -> Vec<Finding> {
        let limits = Limits::default();
        let mut scan = Scan::new(&limits, path, None, text.len() as u64);
        crate::detect::bytes(&mut scan, text.as_bytes());
        scan.findings
    }

    #[test]
    fn key_descriptions_of_three_clouds_and_of_keyward_are_read() {
        let aws = r#"{"KeyMetadata":{"KeyId":"k","Arn":"arn:aws:kms:eu:1:key/k","KeySpec":"RSA_2048","KeyState":"PendingDeletion","Origin":"EXTERNAL"}}"#;
        let found = scan("key.json", aws);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].issues.len(), 2);
        let google = r#"[{"name":"projects/p/locations/l/keyRings/r/cryptoKeys/k","purpose":"ASYMMETRIC_SIGN","versionTemplate":{"algorithm":"RSA_SIGN_PKCS1_3072_SHA256","protectionLevel":"HSM"}}]"#;
        assert_eq!(
            scan("keys.json", google)[0].algorithm,
            Some(Algorithm::sized("RSA", 3072))
        );
        let keyward = r#"{"items":[{"id":"0197","name":"db","spec":"aes-256","current_version":1,"state":"active"}]}"#;
        assert_eq!(
            scan("inventory.json", keyward)[0].algorithm,
            Some(Algorithm::sized("AES", 256))
        );
    }

    #[test]
    fn a_listing_of_a_token_is_read() {
        let text = "Private Key Object; RSA \n  label:      signing\n  ID:         01\n  Access:     sensitive, always sensitive, never extractable\nSecret Key Object; AES length 32\n  label:      data\n  Access:     extractable\n";
        let found = scan("token.txt", text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].algorithm, Some(Algorithm::sized("AES", 256)));
        assert_eq!(found[1].issues.len(), 1);
    }
}
