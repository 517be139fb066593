//! Writes an assessment down. Every writer is a pure function of the assessment, so a repeated run over
//! unchanged files gives the same bytes.

pub mod cbom;
pub mod diff;
pub mod html;
pub mod pdf;
pub mod sarif;
pub mod table;

use serde::{Deserialize, Serialize};

use crate::finding::{Coverage, Finding, Severity};

/// What one scan gave, judged.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Assessment {
    /// Version of this format.
    pub format: u32,
    /// Name and version of the tool.
    pub tool: String,
    /// The day it was judged for.
    pub judged_for: String,
    /// What was scanned.
    pub targets: Vec<String>,
    /// Counts.
    pub summary: Summary,
    /// Everything found.
    pub findings: Vec<Finding>,
    /// What was read and what was not.
    pub coverage: Coverage,
}

/// Counts a reader wants first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Summary {
    /// All findings.
    pub findings: usize,
    /// Findings by kind.
    pub by_kind: std::collections::BTreeMap<String, usize>,
    /// Findings by their worst issue.
    pub by_severity: std::collections::BTreeMap<String, usize>,
    /// Findings by algorithm.
    pub by_algorithm: std::collections::BTreeMap<String, usize>,
    /// Findings a large quantum computer breaks.
    pub quantum_vulnerable: usize,
    /// Findings that resist one.
    pub quantum_safe: usize,
}

impl Summary {
    /// Counts.
    pub fn of(findings: &[Finding]) -> Self {
        let mut summary = Self {
            findings: findings.len(),
            ..Self::default()
        };
        for finding in findings {
            *summary
                .by_kind
                .entry(finding.kind.as_str().to_owned())
                .or_default() += 1;
            let severity = finding.worst().map_or("none", Severity::as_str);
            *summary.by_severity.entry(severity.to_owned()).or_default() += 1;
            if let Some(algorithm) = &finding.algorithm {
                *summary.by_algorithm.entry(algorithm.display()).or_default() += 1;
            }
            match finding.quantum_vulnerable {
                Some(true) => summary.quantum_vulnerable += 1,
                Some(false) => summary.quantum_safe += 1,
                None => {}
            }
        }
        summary
    }
}

/// Findings with the worst first; those in places of packages and samples after the others; one key or
/// certificate that stands in several places comes once, at its worst place; of a bundle, each fault comes once.
pub fn worst_first(findings: &[Finding]) -> Vec<&Finding> {
    let mut sorted: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.worst() > Some(Severity::Info))
        .collect();
    let sample = |finding: &Finding| finding.properties.contains_key("published");
    sorted.sort_by(|a, b| {
        (sample(a), b.worst(), b.confidence, b.issues.len())
            .cmp(&(sample(b), a.worst(), a.confidence, a.issues.len()))
            .then_with(|| a.location.cmp(&b.location))
    });
    let mut seen = std::collections::BTreeSet::new();
    let mut bundles = std::collections::BTreeSet::new();
    sorted.retain(|finding| {
        let identity = finding
            .properties
            .get("identity")
            .or(finding.fingerprint.as_ref());
        if !identity.is_none_or(|identity| seen.insert((finding.kind, identity.clone()))) {
            return false;
        }
        // a bundle of certificates, or a call repeated in one file: each fault of it once
        let repeats = matches!(
            finding.kind,
            crate::finding::Kind::Certificate
                | crate::finding::Kind::Use
                | crate::finding::Kind::Library
        );
        let rule = finding.issues.first().map(|issue| issue.rule.clone());
        !repeats || bundles.insert((finding.kind, finding.location.full_path(), rule))
    });
    sorted
}
