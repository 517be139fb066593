//! JSON and YAML: parsed as such (with a budget against alias bombs), then read for what decides about cryptography:
//! Kubernetes encryption at rest, cert-manager, Istio and Envoy, CloudFormation, Terraform state, cloud KMS exports
//! and inventories.

use serde_json::Value;

use super::{cloud, iac, judge};
use crate::detect::Scan;
use crate::finding::{Algorithm, Finding, Kind, Severity, clip};

/// Largest file parsed; larger ones are data, not configuration.
const MAX_FILE: usize = 4 << 20;

/// Words without which a file cannot matter here, so that most are not parsed at all.
const HINTS: &[&str] = &[
    "EncryptionConfig",
    "tls_minimum_protocol_version",
    "cipher_suites",
    "minProtocolVersion",
    "AWS::",
    "KeyMetadata",
    "KeyRotationEnabled",
    "terraform_version",
    "planned_values",
    "\"attributes\"",
    "cert-manager.io",
    "versionTemplate",
    "current_version",
    "spki",
    "key_ops",
    "insecureSkipVerify",
    "tlsMinVersion",
    "cryptoKeyVersions",
    "encryption-provider-config",
    "AliasList",
    "keyOps",
];

/// Whether a path may be JSON or YAML.
pub fn is_candidate(path: &str) -> bool {
    [".json", ".yaml", ".yml", ".template", ".tfstate", ".jsn"]
        .iter()
        .any(|end| path.ends_with(end))
}

/// CloudFormation's short tags become text that says "decided elsewhere".
fn open_tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        match line.find(": !").or_else(|| line.find("- !")) {
            Some(at) => {
                let (before, tag) = line.split_at(at + 2);
                let name_end = tag.find(char::is_whitespace).unwrap_or(tag.len());
                let (name, rest) = tag.split_at(name_end);
                out.push_str(before);
                if !rest.trim().is_empty() {
                    out.push_str("\"${");
                    out.extend(
                        name.chars()
                            .chain(rest.chars())
                            .filter(|c| c.is_ascii_alphanumeric() || *c == ' '),
                    );
                    out.push_str("}\"");
                }
            }
            None => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

/// The documents of a file.
fn documents(path: &str, text: &str) -> Option<Vec<Value>> {
    if text.trim_start().starts_with(['{', '[']) {
        return serde_json::from_str(text).ok().map(|value| vec![value]);
    }
    if path.ends_with(".json") {
        return None;
    }
    let text = if text.contains("AWS::") {
        open_tags(text)
    } else {
        text.to_owned()
    };
    serde_saphyr::from_multiple::<Value>(&text).ok()
}

/// Reads a JSON or YAML file.
pub fn file(scan: &mut Scan<'_>, path: &str, data: &[u8]) {
    if data.len() > MAX_FILE {
        return;
    }
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if !HINTS.iter().any(|hint| text.contains(hint)) {
        return;
    }
    let Some(documents) = documents(path, text) else {
        scan.gap("malformed", "JSON or YAML could not be parsed");
        return;
    };
    for document in &documents {
        let done = iac::terraform_json(scan, document)
            || iac::cloudformation(scan, document, text)
            || cloud::document(scan, document)
            || kubernetes(scan, document);
        if !done {
            envoy(scan, document);
        }
    }
}

/// Kubernetes objects.
fn kubernetes(scan: &mut Scan<'_>, document: &Value) -> bool {
    let kind = document
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match kind {
        "EncryptionConfiguration" | "EncryptionConfig" => {
            encryption(scan, document);
            true
        }
        "Certificate" | "CertificateRequest"
            if document
                .get("apiVersion")
                .and_then(Value::as_str)
                .is_some_and(|version| version.starts_with("cert-manager.io")) =>
        {
            cert_manager(scan, document);
            true
        }
        "KubeletConfiguration" | "APIServer" => {
            for (name, value) in document.as_object().into_iter().flatten() {
                if name.to_ascii_lowercase().starts_with("tls") {
                    setting(scan, "kubernetes", name, value);
                }
            }
            true
        }
        _ => false,
    }
}

/// What writes secrets at rest, for each group of resources.
fn encryption(scan: &mut Scan<'_>, document: &Value) {
    let empty = Vec::new();
    let groups = document
        .get("resources")
        .and_then(Value::as_array)
        .unwrap_or(&empty);
    for group in groups {
        let resources: Vec<&str> = group
            .get("resources")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let providers: Vec<(&String, &Value)> = group
            .get("providers")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_object)
            .filter_map(|provider| provider.iter().next())
            .collect();
        let names: Vec<&str> = providers.iter().map(|(name, _)| name.as_str()).collect();
        let first = names.first().copied().unwrap_or("none");
        let what = if resources.is_empty() {
            "secrets".to_owned()
        } else {
            resources.join(", ")
        };
        let mut finding = Finding::new(
            Kind::Configuration,
            "kubernetes",
            clip(
                format!(
                    "Kubernetes encryption at rest: {what} are written with {first}; providers {}",
                    names.join(", ")
                ),
                300,
            ),
        )
        .property("setting", format!("EncryptionConfiguration:{what}"))
        .property("value", names.join(","));
        provider_issues(&mut finding, first, &providers);
        scan.report(finding);
        for (name, provider) in &providers {
            local_keys(scan, name, provider);
        }
    }
}

/// What is wrong with the provider that writes.
fn provider_issues(finding: &mut Finding, first: &str, providers: &[(&String, &Value)]) {
    let source = "Kubernetes: Encrypting Confidential Data at Rest";
    match first {
        "identity" | "none" => finding.add_issue(
            "KA-CONFIG-NO-ENCRYPTION",
            Severity::High,
            "secrets are written without encryption",
            source,
        ),
        "aescbc" | "aesgcm" | "secretbox" => {
            finding.add_issue(
                "KA-CONFIG-LOCAL-KEY",
                Severity::Medium,
                "the key stands in the file beside the data it protects; use the KMS v2 provider",
                source,
            );
            finding.algorithm = Some(match first {
                "aescbc" => Algorithm {
                    mode: Some("CBC".to_owned()),
                    ..Algorithm::named("AES")
                },
                "aesgcm" => Algorithm {
                    mode: Some("GCM".to_owned()),
                    ..Algorithm::named("AES")
                },
                _ => Algorithm::named("XSalsa20-Poly1305"),
            });
        }
        "kms" => {
            let version = providers
                .first()
                .and_then(|(_, provider)| provider.get("apiVersion"))
                .and_then(Value::as_str)
                .unwrap_or("v1");
            finding
                .properties
                .insert("kms-version".to_owned(), version.to_owned());
            if version == "v1" {
                finding.add_issue(
                    "KA-CONFIG-KMS-V1",
                    Severity::Low,
                    "the KMS v1 provider is deprecated; use v2",
                    source,
                );
            }
        }
        _ => {}
    }
}

/// Keys that stand in the configuration itself.
fn local_keys(scan: &mut Scan<'_>, name: &str, provider: &Value) {
    let keys = provider.get("keys").and_then(Value::as_array);
    for key in keys.into_iter().flatten() {
        let Some(length) = key
            .get("secret")
            .and_then(Value::as_str)
            .and_then(|secret| crate::detect::pem::base64(secret.as_bytes()))
            .map(|bytes| bytes.len())
            .filter(|length| matches!(length, 16 | 24 | 32))
        else {
            continue;
        };
        let label = key
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or("unnamed")
            .to_owned();
        let bits = u32::try_from(length * 8).unwrap_or(0);
        let family = if name == "secretbox" {
            "XSalsa20-Poly1305"
        } else {
            "AES"
        };
        scan.report(
            Finding::new(
                Kind::SecretKey,
                "kubernetes",
                clip(
                    format!("Kubernetes {name} key '{label}', {bits} bits, unencrypted"),
                    200,
                ),
            )
            .algorithm(Algorithm::sized(family, bits))
            .property("encrypted", "no")
            .property("setting", format!("{name}:{label}"))
            .property("key-id", label),
        );
    }
}

/// Key wishes of cert-manager.
fn cert_manager(scan: &mut Scan<'_>, document: &Value) {
    let Some(key) = document.get("spec").and_then(|spec| spec.get("privateKey")) else {
        return;
    };
    let size = key
        .get("size")
        .and_then(Value::as_u64)
        .and_then(|size| u32::try_from(size).ok());
    let algorithm = match key
        .get("algorithm")
        .and_then(Value::as_str)
        .unwrap_or("RSA")
    {
        "ECDSA" => {
            let bits = size.unwrap_or(256);
            Algorithm {
                curve: Some(format!("P-{bits}")),
                ..Algorithm::sized("EC", bits)
            }
        }
        "Ed25519" => Algorithm::sized("Ed25519", 253),
        _ => Algorithm::sized("RSA", size.unwrap_or(2048)),
    };
    let text = format!("cert-manager makes a {} key", algorithm.display());
    scan.report(
        Finding::new(Kind::Configuration, "cert-manager", text)
            .algorithm(algorithm)
            .property("setting", "spec.privateKey"),
    );
}

/// Names of Envoy, Istio and similar proxies that choose cryptography, wherever they stand.
const PROXY: &[&str] = &[
    "tls_minimum_protocol_version",
    "tls_maximum_protocol_version",
    "cipher_suites",
    "ecdh_curves",
    "signature_algorithms",
    "minProtocolVersion",
    "maxProtocolVersion",
    "cipherSuites",
    "tlsMinVersion",
    "tlsCipherSuites",
    "minVersion",
    "insecureSkipVerify",
    "trust_chain_verification",
];

/// Walks any document for the settings of proxies.
fn envoy(scan: &mut Scan<'_>, document: &Value) {
    let mut todo = vec![document];
    let mut steps = 0_u32;
    while let Some(value) = todo.pop() {
        steps += 1;
        if steps > 200_000 {
            scan.gap("archive-limit", "JSON or YAML with too many nodes");
            return;
        }
        match value {
            Value::Object(map) => {
                for (name, inner) in map.iter().rev() {
                    if PROXY.contains(&name.as_str()) && !inner.is_object() {
                        setting(scan, "envoy", name, inner);
                    } else {
                        todo.push(inner);
                    }
                }
            }
            Value::Array(list) => todo.extend(list.iter().rev()),
            _ => {}
        }
    }
}

/// One setting out of a document.
fn setting(scan: &mut Scan<'_>, format: &str, name: &str, value: &Value) {
    let text = match value {
        Value::Array(list) => list
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(","),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut finding = Finding::new(
        Kind::Configuration,
        format,
        clip(format!("{format}: {name} {text}"), 300),
    )
    .property("setting", format!("{name}={text}"))
    .property("value", text.clone());
    // an Envoy list may offer alternatives: [A|B]
    judge::setting(&mut finding, format, &name.to_ascii_lowercase(), &text);
    if name == "trust_chain_verification" && text == "ACCEPT_UNTRUSTED" {
        finding.add_issue(
            "KA-CONFIG-NO-VERIFY",
            Severity::High,
            "certificates are not verified",
            "CWE-295",
        );
    }
    scan.report(finding);
}

#[cfg(test)]
mod tests {
    use crate::detect::{Scan, bytes};
    use crate::finding::Finding;
    use crate::limits::Limits;

    fn scan(path: &str, text: &str) -> Vec<Finding> {
        let limits = Limits::default();
        let mut scan = Scan::new(&limits, path, None, text.len() as u64);
        bytes(&mut scan, text.as_bytes());
        scan.findings
    }

    #[test]
    fn the_keys_of_a_kubernetes_configuration_are_found_and_not_shown() {
        let text = "kind: EncryptionConfiguration\napiVersion: apiserver.config.k8s.io/v1\nresources:\n  - resources: [secrets]\n    providers:\n      - aescbc:\n          keys:\n            - name: key1\n              secret: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n      - identity: {}\n";
        let found = scan("enc.yaml", text);
        assert!(
            found
                .iter()
                .any(|f| f.kind == crate::finding::Kind::SecretKey
                    && f.algorithm.as_ref().and_then(|a| a.bits) == Some(256))
        );
        assert!(
            !serde_json::to_string(&found)
                .expect("JSON")
                .contains("AAECAwQF")
        );
    }

    #[test]
    fn envoy_settings_are_found_wherever_they_stand() {
        let text = "static_resources:\n  listeners:\n  - filter_chains:\n    - transport_socket:\n        typed_config:\n          common_tls_context:\n            tls_params:\n              tls_minimum_protocol_version: TLSv1_0\n              cipher_suites: [\"ECDHE-RSA-AES128-GCM-SHA256\", \"DES-CBC3-SHA\"]\n";
        let mut rules: Vec<String> = scan("envoy.yaml", text)
            .iter()
            .flat_map(|f| f.issues.iter().map(|i| i.rule.clone()))
            .collect();
        // The parser's map decides which setting comes first.
        rules.sort();
        assert_eq!(
            rules,
            ["KA-CONFIG-WEAK-DES-CBC3-SHA", "KA-CONFIG-WEAK-TLSV1_0"]
        );
    }

    #[test]
    fn an_alias_bomb_is_refused_and_said() {
        let mut text = "kind: EncryptionConfiguration\na: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for (new, old) in ["b", "c", "d", "e", "f", "g", "h", "i"]
            .iter()
            .zip(["a", "b", "c", "d", "e", "f", "g", "h"])
        {
            text.push_str(&format!(
                "{new}: &{new} [*{old},*{old},*{old},*{old},*{old},*{old},*{old},*{old},*{old}]\n"
            ));
        }
        let limits = Limits::default();
        let mut scan = Scan::new(&limits, "bomb.yaml", None, text.len() as u64);
        bytes(&mut scan, text.as_bytes());
        assert!(scan.coverage.gap_counts.contains_key("malformed"));
    }
}
