//! Texts for a terminal.

use crate::finding::Severity;
use crate::judge::level;
use crate::report::{Assessment, worst_first};

/// A short text for a terminal.
pub fn text(assessment: &Assessment) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    let summary = &assessment.summary;
    let coverage = &assessment.coverage;
    let _ = writeln!(
        out,
        "{} findings in {} files, {} bytes read",
        summary.findings, coverage.files_read, coverage.bytes_read
    );
    for (kind, count) in &summary.by_kind {
        let _ = writeln!(out, "  {kind}: {count}");
    }
    let _ = writeln!(
        out,
        "quantum-vulnerable: {}, resistant: {}",
        summary.quantum_vulnerable, summary.quantum_safe
    );
    let worst = worst_first(&assessment.findings);
    let _ = writeln!(
        out,
        "\nworst {} of {} with an issue:",
        worst.len().min(20),
        worst.len()
    );
    for finding in worst.iter().take(20) {
        let severity = finding.worst().map_or("", Severity::as_str);
        let _ = writeln!(
            out,
            "{severity:9} {} [{}]\n          {}",
            finding.evidence,
            finding.id,
            finding.location.full_path()
        );
        for issue in finding
            .issues
            .iter()
            .filter(|issue| issue.severity > Severity::Info)
        {
            let _ = writeln!(
                out,
                "          {}: {} ({})",
                issue.rule, issue.message, issue.source
            );
        }
    }
    let _ = writeln!(
        out,
        "\nnot read:{}",
        if coverage.gap_counts.is_empty() {
            " nothing"
        } else {
            ""
        }
    );
    for (reason, count) in &coverage.gap_counts {
        let _ = writeln!(out, "  {reason}: {count}");
    }
    out
}

/// The level with its reasons.
pub fn level_text(required: &level::Required) -> String {
    use std::fmt::Write as _;
    let mut out = format!(
        "FIPS 140 level {} ({})\n",
        required.level,
        if required.obligatory {
            "a validated module is an obligation"
        } else {
            "advice; no regime named obliges to a validated module"
        }
    );
    for reason in &required.reasons {
        let asks = if reason.level == 0 {
            "no level".to_owned()
        } else {
            format!("level {}", reason.level)
        };
        let _ = writeln!(
            out,
            "  {asks} [{}] {} ({})",
            reason.basis, reason.text, reason.source
        );
    }
    out
}
