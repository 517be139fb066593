//! Infrastructure as code: Terraform text, state and plan, CloudFormation. One table (`iac.toml`) says which
//! attribute of which resource decides about cryptography; the same rule serves both languages.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::hcl;
use crate::detect::Scan;
use crate::finding::{Algorithm, Confidence, Finding, Kind, Severity, clip};

/// One rule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    terraform: String,
    #[serde(default)]
    cloudformation: String,
    path: String,
    #[serde(default)]
    cf_path: String,
    ask: String,
    #[serde(default)]
    values: Vec<String>,
    rule: String,
    severity: Severity,
    why: String,
    source: String,
}

#[derive(Debug, Default, Deserialize)]
struct Rules {
    rule: Vec<Rule>,
}

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    toml::from_str::<Rules>(include_str!("iac.toml"))
        .unwrap_or_default()
        .rule
});

/// One resource, in whichever language it was written.
pub struct Resource<'a> {
    /// Its type.
    pub kind: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its attributes.
    pub body: &'a Map<String, Value>,
    /// Line, if it is known.
    pub line: Option<u32>,
    /// Whether it is CloudFormation.
    pub cloudformation: bool,
}

/// Follows a path of names; a list stands for its first element.
fn follow<'v>(body: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    let mut names = path.split('.');
    let mut value = body.get(names.next()?)?;
    for name in names {
        while let Value::Array(list) = value {
            value = list.first()?;
        }
        value = value.get(name)?;
    }
    Some(value).filter(|value| !value.is_null())
}

/// A value as text.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether a value is decided elsewhere (a variable, a reference, a function).
fn is_open(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("${"),
        Value::Object(map) => map
            .keys()
            .any(|name| name == "Ref" || name.starts_with("Fn::")),
        _ => false,
    }
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(yes) => Some(*yes),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

impl Rule {
    /// Whether a resource breaks the rule.
    fn broken(&self, resource: &Resource<'_>) -> bool {
        let path = if resource.cloudformation {
            &self.cf_path
        } else {
            &self.path
        };
        if path.is_empty() && self.ask != "either" {
            return false;
        }
        let found = follow(resource.body, path);
        if found.is_some_and(is_open) {
            return false;
        }
        let text = found.map(plain);
        let listed = |text: &String| self.values.iter().any(|value| value == text);
        let top = path.split('.').next().unwrap_or_default();
        match self.ask.as_str() {
            "on" => found.and_then(truth) != Some(true),
            "on-symmetric" => {
                let spec = ["customer_master_key_spec", "key_spec", "KeySpec"]
                    .iter()
                    .find_map(|name| resource.body.get(*name))
                    .map(plain);
                let usage = ["key_usage", "KeyUsage"]
                    .iter()
                    .find_map(|name| resource.body.get(*name))
                    .map(plain);
                spec.is_none_or(|spec| spec == "SYMMETRIC_DEFAULT")
                    && usage.is_none_or(|usage| usage == "ENCRYPT_DECRYPT")
                    && found.and_then(truth) != Some(true)
            }
            "on-unless-source" => {
                [
                    "replicate_source_db",
                    "snapshot_identifier",
                    "SourceDBInstanceIdentifier",
                    "DBSnapshotIdentifier",
                ]
                .iter()
                .all(|name| !resource.body.contains_key(*name))
                    && found.and_then(truth) != Some(true)
            }
            "on-if-block" => resource.body.contains_key(top) && found.and_then(truth) != Some(true),
            "on-or-mode" => {
                follow(resource.body, "settings.ip_configuration.ssl_mode").is_none()
                    && found.and_then(truth) != Some(true)
            }
            "not-false" => found.and_then(truth) == Some(false),
            "off" => found.and_then(truth) == Some(true),
            "off-literal" => text.is_some_and(|text| text.contains("PRIVATE KEY")),
            "present" | "present-separate" => found.is_none(),
            "among" => text.as_ref().is_none_or(|text| !listed(text)),
            "not-among" => text.as_ref().is_some_and(listed),
            "not-among-redirect" => {
                let whole = Value::Object(resource.body.clone()).to_string();
                text.as_ref().is_some_and(listed)
                    && !whole.to_ascii_lowercase().contains("redirect")
            }
            "min-2048" => found
                .and_then(Value::as_u64)
                .is_some_and(|bits| bits < 2048),
            "either" => !self.values.iter().any(|name| {
                follow(resource.body, name).is_some_and(|value| truth(value) != Some(false))
            }),
            _ => false,
        }
    }
}

/// Reports a resource that decides about cryptography, with what is wrong with it.
pub fn resource(scan: &mut Scan<'_>, resource: &Resource<'_>, separate: &[&str]) {
    let rules: Vec<&Rule> = RULES
        .iter()
        .filter(|rule| {
            if resource.cloudformation {
                rule.cloudformation == resource.kind
            } else {
                rule.terraform == resource.kind
            }
        })
        .collect();
    let managed = managed_key(resource);
    if rules.is_empty() && managed.is_none() {
        return;
    }
    let format = if resource.cloudformation {
        "cloudformation"
    } else {
        "terraform"
    };
    let address = format!("{}.{}", resource.kind, resource.name);
    let mut finding = Finding::new(
        if managed.is_some() {
            Kind::ManagedKey
        } else {
            Kind::Configuration
        },
        format,
        clip(format!("{format}: {address}"), 200),
    )
    .property("setting", address.clone())
    .property("identity", address);
    if let Some(Some(algorithm)) = managed {
        finding = finding.algorithm(algorithm);
    }
    if let Some(line) = resource.line {
        finding = finding.line(line);
    }
    for rule in rules {
        if rule.ask == "present-separate" && separate.contains(&resource.name) {
            continue;
        }
        if rule.broken(resource) {
            finding.add_issue(&rule.rule, rule.severity, &rule.why, &rule.source);
        }
    }
    scan.report(finding);
}

/// Resources that are keys themselves, with their algorithm where it is said.
fn managed_key(resource: &Resource<'_>) -> Option<Option<Algorithm>> {
    let spec = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| follow(resource.body, name))
            .map(plain)
    };
    match resource.kind {
        "aws_kms_key" | "AWS::KMS::Key" | "aws_kms_external_key" => Some(super::cloud::aws_spec(
            spec(&["customer_master_key_spec", "key_spec", "KeySpec"])
                .as_deref()
                .unwrap_or("SYMMETRIC_DEFAULT"),
        )),
        "azurerm_key_vault_key" => {
            let size = follow(resource.body, "key_size")
                .and_then(Value::as_u64)
                .and_then(|bits| u32::try_from(bits).ok());
            let kind = spec(&["key_type"]).unwrap_or_default();
            Some(if kind.starts_with("RSA") {
                Some(Algorithm {
                    bits: size,
                    ..Algorithm::named("RSA")
                })
            } else {
                spec(&["curve"]).map(|curve| Algorithm {
                    curve: Some(curve),
                    ..Algorithm::named("EC")
                })
            })
        }
        "google_kms_crypto_key" => Some(
            spec(&["version_template.algorithm"])
                .and_then(|text| super::cloud::google_spec(&text))
                .or_else(|| Some(Algorithm::sized("AES", 256))),
        ),
        "tls_private_key" => {
            let size = follow(resource.body, "rsa_bits")
                .and_then(Value::as_u64)
                .and_then(|bits| u32::try_from(bits).ok())
                .unwrap_or(2048);
            Some(match spec(&["algorithm"]).as_deref() {
                Some("RSA") | None => Some(Algorithm::sized("RSA", size)),
                Some("ED25519") => Some(Algorithm::sized("Ed25519", 253)),
                Some(_) => spec(&["ecdsa_curve"]).map(|curve| {
                    let curve = curve.replace('P', "P-");
                    Algorithm {
                        bits: crate::oid::curve_by_name(&curve).map(|(_, bits)| bits),
                        curve: Some(curve),
                        ..Algorithm::named("EC")
                    }
                }),
            })
        }
        _ => None,
    }
}

/// Terraform text.
pub fn terraform(scan: &mut Scan<'_>, data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let blocks = hcl::blocks(text);
    // buckets whose encryption stands in a resource of its own, by the name they are referred to
    let separate: Vec<String> = blocks
        .iter()
        .filter(|block| {
            block
                .labels
                .first()
                .is_some_and(|kind| kind == "aws_s3_bucket_server_side_encryption_configuration")
        })
        .filter_map(|block| block.body.get("bucket"))
        .filter_map(|bucket| {
            let text = plain(bucket);
            text.split('.').nth(1).map(str::to_owned)
        })
        .collect();
    let separate: Vec<&str> = separate.iter().map(String::as_str).collect();
    for block in &blocks {
        if block.kind == "resource"
            && let [kind, name] = block.labels.as_slice()
        {
            let found = Resource {
                kind,
                name,
                body: &block.body,
                line: Some(block.line),
                cloudformation: false,
            };
            resource(scan, &found, &separate);
        }
        if block.kind == "seal" {
            seal(scan, block);
        }
    }
}

/// The seal of a Vault server: what protects its root key.
fn seal(scan: &mut Scan<'_>, block: &hcl::Block) {
    let kind = block.labels.first().map_or("unknown", String::as_str);
    scan.report(
        Finding::new(
            Kind::Configuration,
            "vault",
            clip(format!("Vault seal by {kind}"), 100),
        )
        .property("setting", format!("seal={kind}"))
        .property("seal", kind.to_owned())
        .line(block.line),
    );
}

/// Terraform state and plan in JSON.
pub fn terraform_json(scan: &mut Scan<'_>, root: &Value) -> bool {
    let mut list: Vec<(String, String, &Map<String, Value>)> = Vec::new();
    let text = |value: &Value, name: &str| {
        value
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    if let Some(resources) = root.get("resources").and_then(Value::as_array) {
        for entry in resources {
            for instance in entry
                .get("instances")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                if let Some(body) = instance.get("attributes").and_then(Value::as_object) {
                    list.push((text(entry, "type"), text(entry, "name"), body));
                }
            }
        }
    }
    let mut modules: Vec<&Value> = ["planned_values", "values"]
        .iter()
        .filter_map(|name| root.get(*name)?.get("root_module"))
        .collect();
    let mut seen = 0;
    while let Some(module) = modules.pop() {
        seen += 1;
        if seen > 10_000 {
            break;
        }
        modules.extend(
            module
                .get("child_modules")
                .and_then(Value::as_array)
                .into_iter()
                .flatten(),
        );
        for entry in module
            .get("resources")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            if let Some(body) = entry.get("values").and_then(Value::as_object) {
                list.push((text(entry, "type"), text(entry, "name"), body));
            }
        }
    }
    for (kind, name, body) in &list {
        let found = Resource {
            kind,
            name,
            body,
            line: None,
            cloudformation: false,
        };
        resource(scan, &found, &[]);
        secrets_in_state(scan, kind, name, body);
    }
    !list.is_empty()
}

/// Generated private keys lie in Terraform's state in the clear.
fn secrets_in_state(scan: &mut Scan<'_>, kind: &str, name: &str, body: &Map<String, Value>) {
    let clear = [
        "private_key_pem",
        "private_key_openssh",
        "secret_string",
        "plaintext",
    ]
    .iter()
    .any(|field| {
        body.get(*field)
            .and_then(Value::as_str)
            .is_some_and(|text| !text.is_empty())
    });
    if clear {
        scan.report(
            Finding::new(
                Kind::Configuration,
                "terraform-state",
                clip(format!("Terraform state holds secrets of {kind}.{name} in the clear"), 200),
            )
            .confidence(Confidence::Certain)
            .property("setting", format!("state:{kind}.{name}"))
            .issue(
                "KA-STATE-SECRET",
                Severity::High,
                "secret values stand in the Terraform state in the clear; keep the state encrypted and out of version control",
                "Terraform manual: sensitive data in state",
            ),
        );
    }
}

/// A CloudFormation template.
pub fn cloudformation(scan: &mut Scan<'_>, root: &Value, text: &str) -> bool {
    let Some(resources) = root.get("Resources").and_then(Value::as_object) else {
        return false;
    };
    let mut any = false;
    let none = Map::new();
    for (name, entry) in resources {
        let Some(kind) = entry
            .get("Type")
            .and_then(Value::as_str)
            .filter(|kind| kind.starts_with("AWS::"))
        else {
            continue;
        };
        any = true;
        let body = entry
            .get("Properties")
            .and_then(Value::as_object)
            .unwrap_or(&none);
        let line = text
            .lines()
            .position(|line| {
                line.trim_start()
                    .trim_start_matches('"')
                    .starts_with(name.as_str())
                    && line.contains(':')
            })
            .and_then(|index| u32::try_from(index + 1).ok());
        let found = Resource {
            kind,
            name,
            body,
            line,
            cloudformation: true,
        };
        resource(scan, &found, &[]);
    }
    any
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    fn rules(path: &str, text: &str) -> Vec<String> {
        let limits = Limits::default();
        let mut scan = Scan::new(&limits, path, None, text.len() as u64);
        crate::detect::bytes(&mut scan, text.as_bytes());
        scan.findings
            .iter()
            .flat_map(|found| found.issues.iter().map(|issue| issue.rule.clone()))
            .collect()
    }

    #[test]
    fn the_table_parses() {
        assert!(RULES.len() > 80);
    }

    #[test]
    fn terraform_and_cloudformation_are_judged_by_the_same_rule() {
        assert_eq!(
            rules(
                "main.tf",
                "resource \"aws_kms_key\" \"k\" {\n  description = \"x\"\n}\n"
            ),
            ["KA-IAC-NO-ROTATION"]
        );
        assert!(
            rules(
                "main.tf",
                "resource \"aws_kms_key\" \"k\" {\n  enable_key_rotation = true\n}\n"
            )
            .is_empty()
        );
        let yaml = "AWSTemplateFormatVersion: '2010-09-09'\nResources:\n  Key:\n    Type: AWS::KMS::Key\n    Properties:\n      EnableKeyRotation: false\n  Volume:\n    Type: AWS::EC2::Volume\n    Properties:\n      Encrypted: !Ref Wanted\n      Size: 1\n";
        assert_eq!(rules("stack.yaml", yaml), ["KA-IAC-NO-ROTATION"]);
    }

    #[test]
    fn a_bucket_whose_encryption_stands_apart_is_encrypted() {
        let text = "resource \"aws_s3_bucket\" \"b\" { bucket = \"x\" }\nresource \"aws_s3_bucket_server_side_encryption_configuration\" \"c\" {\n bucket = aws_s3_bucket.b.id\n}\n";
        assert!(rules("s3.tf", text).is_empty());
    }

    #[test]
    fn a_private_key_in_the_state_is_said() {
        let state = r#"{"version":4,"terraform_version":"1.5","resources":[{"type":"tls_private_key","name":"k","instances":[{"attributes":{"algorithm":"RSA","rsa_bits":1024,"private_key_pem":"x"}}]}]}"#;
        let found = rules("terraform.tfstate", state);
        assert!(
            found.contains(&"KA-STATE-SECRET".to_owned())
                && found.contains(&"KA-IAC-KEY-SHORT".to_owned())
        );
    }
}
