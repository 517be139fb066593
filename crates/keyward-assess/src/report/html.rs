//! One self-contained HTML page for a leader: summary, quantum readiness, top risks, dates, coverage. No script,
//! nothing fetched; every text from outside is escaped.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Assessment, worst_first};
use crate::finding::Severity;
use crate::judge::table;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1rem;color:#1a2330;background:#fff}\
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2rem;border-bottom:1px solid #ccd3dc}\
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.7rem}.card{border:1px solid #ccd3dc;border-radius:.5rem;padding:.7rem}\
.card b{display:block;font-size:1.7rem}.bar{display:grid;grid-template-columns:minmax(6rem,11rem) 1fr 4rem;gap:.5rem;align-items:center}\
.bar i{display:block;height:.9rem;background:#2f6f9f;border-radius:.2rem}.risk{border-left:.3rem solid #8793a3;padding:.3rem .8rem;margin:.8rem 0;overflow-wrap:anywhere}\
.critical{border-color:#8f1d2c}.high{border-color:#c2541b}.medium{border-color:#a88309}.tag{font-weight:600;text-transform:uppercase;font-size:.75rem}\
code{overflow-wrap:anywhere}small{color:#4a5666}ol.line{list-style:none;padding:0}ol.line li{border-left:2px solid #2f6f9f;padding:.2rem 0 .8rem 1rem}\
@media(prefers-color-scheme:dark){body{background:#12171e;color:#e4e9f0}small{color:#a9b4c2}.card,h2{border-color:#3a4654}}@media print{body{max-width:none}}";

/// Text made harmless in HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// The page.
pub fn page(assessment: &Assessment) -> String {
    let mut out = String::new();
    let summary = &assessment.summary;
    let _ = write!(
        out,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>Cryptography assessment</title><style>{STYLE}</style></head><body><h1>Cryptography assessment</h1>\
         <p>Targets: <code>{}</code><br><small>Judged for {} with {}; facts of {}.</small></p>",
        escape(&assessment.targets.join(" ")),
        escape(&assessment.judged_for),
        escape(&assessment.tool),
        escape(table::AS_OF)
    );
    let severity = |name: &str| summary.by_severity.get(name).copied().unwrap_or(0);
    out.push_str("<h2>Summary</h2><div class=\"cards\">");
    for (number, text) in [
        (summary.findings, "cryptographic assets found"),
        (severity("critical"), "with a critical issue"),
        (severity("high"), "with a high issue"),
        (summary.quantum_vulnerable, "a quantum computer breaks"),
        (summary.quantum_safe, "resist a quantum computer"),
    ] {
        let _ = write!(out, "<div class=\"card\"><b>{number}</b>{text}</div>");
    }
    out.push_str("</div>");
    bars(&mut out, "By kind", &summary.by_kind);
    bars(&mut out, "By algorithm", &summary.by_algorithm);
    risks(&mut out, assessment);
    out.push_str("<h2>Dates that apply</h2><ol class=\"line\">");
    for milestone in table::milestones(&assessment.judged_for) {
        let _ = write!(
            out,
            "<li><b>{}</b> {}<br><small>{} ({})</small></li>",
            escape(&milestone.date),
            escape(milestone.name),
            escape(milestone.applies),
            escape(milestone.source)
        );
    }
    out.push_str("</ol>");
    coverage(&mut out, assessment);
    out.push_str("</body></html>\n");
    out
}

/// A bar chart of counts, the ten largest.
fn bars(out: &mut String, title: &str, counts: &BTreeMap<String, usize>) {
    let mut sorted: Vec<(&String, &usize)> = counts.iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let most = sorted.first().map_or(1, |(_, count)| (**count).max(1));
    let _ = write!(out, "<h2>{title}</h2>");
    for (name, count) in sorted.into_iter().take(10) {
        let width = (count * 100 / most).max(1);
        let _ = write!(
            out,
            "<div class=\"bar\"><span>{}</span><span><i style=\"width:{width}%\"></i></span><span>{count}</span></div>",
            escape(name)
        );
    }
}

/// The twenty worst findings, one per place and rule.
fn risks(out: &mut String, assessment: &Assessment) {
    out.push_str("<h2>Top risks</h2>");
    let worst = worst_first(&assessment.findings);
    if worst.is_empty() {
        out.push_str("<p>No issue above informational was found.</p>");
    }
    for finding in worst.into_iter().take(20) {
        let class = finding.worst().map_or("info", Severity::as_str);
        let _ = write!(
            out,
            "<div class=\"risk {class}\"><span class=\"tag\">{class}</span> {}<br><code>{}</code><ul>",
            escape(&finding.evidence),
            escape(&finding.location.full_path())
        );
        for issue in finding
            .issues
            .iter()
            .filter(|issue| issue.severity > Severity::Info)
        {
            let _ = write!(
                out,
                "<li>{} <small>{}</small></li>",
                escape(&issue.message),
                escape(&issue.source)
            );
        }
        let _ = write!(out, "</ul><small>{}</small></div>", escape(&finding.id));
    }
}

/// What was read and what was not.
fn coverage(out: &mut String, assessment: &Assessment) {
    let coverage = &assessment.coverage;
    let _ = write!(
        out,
        "<h2>What was read, and what was not</h2><p>{} files ({} bytes), {} archive members, {} directories; {} links not followed.</p><ul>",
        coverage.files_read,
        coverage.bytes_read,
        coverage.members_read,
        coverage.directories,
        coverage.symlinks
    );
    for (reason, count) in &coverage.gap_counts {
        let _ = write!(out, "<li>{}: {count}</li>", escape(reason));
    }
    out.push_str("</ul>");
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_hostile_name_cannot_become_markup() {
        assert_eq!(
            super::escape("<img src=x onerror='a'>"),
            "&lt;img src=x onerror=&#39;a&#39;&gt;"
        );
    }
}
