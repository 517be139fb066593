//! What changed between two assessments, by the stable ids.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Assessment;
use crate::finding::Finding;

/// One line of the comparison.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Finding id.
    pub id: String,
    /// Place.
    pub path: String,
    /// What it is.
    pub evidence: String,
    /// Rules concerned.
    pub rules: Vec<String>,
}

/// The comparison.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Difference {
    /// Things that are new.
    pub appeared: Vec<Line>,
    /// Things that are gone.
    pub vanished: Vec<Line>,
    /// Things with issues they did not have.
    pub worsened: Vec<Line>,
    /// Things that lost issues.
    pub improved: Vec<Line>,
}

/// Compares.
pub fn compare(old: &Assessment, new: &Assessment) -> Difference {
    let before: BTreeMap<&str, &Finding> = old
        .findings
        .iter()
        .map(|finding| (finding.id.as_str(), finding))
        .collect();
    let after: BTreeMap<&str, &Finding> = new
        .findings
        .iter()
        .map(|finding| (finding.id.as_str(), finding))
        .collect();
    let rules = |finding: &Finding| -> BTreeSet<String> {
        finding
            .issues
            .iter()
            .map(|issue| issue.rule.clone())
            .collect()
    };
    let line = |finding: &Finding, rules: Vec<String>| Line {
        id: finding.id.clone(),
        path: finding.location.full_path(),
        evidence: finding.evidence.clone(),
        rules,
    };
    let mut difference = Difference::default();
    for (id, finding) in &after {
        let Some(earlier) = before.get(id) else {
            difference
                .appeared
                .push(line(finding, rules(finding).into_iter().collect()));
            continue;
        };
        let (was, is) = (rules(earlier), rules(finding));
        let (more, less): (Vec<String>, Vec<String>) = (
            is.difference(&was).cloned().collect(),
            was.difference(&is).cloned().collect(),
        );
        if !more.is_empty() {
            difference.worsened.push(line(finding, more));
        }
        if !less.is_empty() {
            difference.improved.push(line(finding, less));
        }
    }
    for (id, finding) in &before {
        if !after.contains_key(id) {
            difference
                .vanished
                .push(line(finding, rules(finding).into_iter().collect()));
        }
    }
    difference
}

/// The comparison as text.
pub fn text(difference: &Difference) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for (title, lines) in [
        ("new", &difference.appeared),
        ("gone", &difference.vanished),
        ("worse", &difference.worsened),
        ("better", &difference.improved),
    ] {
        let _ = writeln!(out, "{title}: {}", lines.len());
        for line in lines {
            let _ = writeln!(
                out,
                "  {} {} ({}) {}",
                line.id,
                line.path,
                line.evidence,
                line.rules.join(" ")
            );
        }
    }
    out
}
