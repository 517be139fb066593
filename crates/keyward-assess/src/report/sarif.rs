//! SARIF 2.1.0, for code-scanning pages and pipelines: one result per issue.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Assessment;
use crate::finding::Severity;

/// The whole log.
pub fn document(assessment: &Assessment) -> Value {
    let mut rules: BTreeMap<&str, &str> = BTreeMap::new();
    let mut results = Vec::new();
    for finding in &assessment.findings {
        for issue in finding
            .issues
            .iter()
            .filter(|issue| issue.severity > Severity::Info)
        {
            rules.entry(&issue.rule).or_insert(&issue.source);
            let level = match issue.severity {
                Severity::Critical | Severity::High => "error",
                Severity::Medium => "warning",
                Severity::Low | Severity::Info => "note",
            };
            let mut physical =
                json!({ "artifactLocation": { "uri": uri(&finding.location.full_path()) } });
            if let Some(line) = finding.location.line {
                physical["region"] = json!({ "startLine": line });
            } else if let Some(offset) = finding.location.offset {
                physical["region"] = json!({ "byteOffset": offset });
            }
            results.push(json!({
                "ruleId": issue.rule,
                "level": level,
                "message": { "text": format!("{}: {}", finding.evidence, issue.message) },
                "locations": [{ "physicalLocation": physical }],
                "partialFingerprints": { "keywardFinding/v1": format!("{}/{}", finding.id, issue.rule) },
            }));
        }
    }
    let rules: Vec<Value> = rules
        .into_iter()
        .map(|(id, source)| json!({ "id": id, "shortDescription": { "text": id }, "help": { "text": source } }))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "keyward-assess", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "results": results,
        }],
    })
}

/// A path as a URI reference.
fn uri(path: &str) -> String {
    use std::fmt::Write as _;
    path.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"/-._~!".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}
