//! One self-contained HTML page for a leader: summary, quantum readiness, top risks, systems with their gaps, roadmap as
//! a timeline, dates, coverage. No script, nothing fetched; every text from outside is escaped.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Assessment, worst_first};
use crate::finding::Severity;
use crate::judge::table;
use crate::plan::{self, Interview, Step, SystemPlan};

const STYLE: &str = include_str!("page.css");

/// Text made harmless in HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// The page; with a questionnaire it has a section for each system.
pub fn page(assessment: &Assessment, interview: Option<&Interview>) -> String {
    let none = Interview::default();
    let plans = plan::plans(
        interview.unwrap_or(&none),
        &assessment.findings,
        &assessment.judged_for,
    );
    let mut out = String::new();
    let _ = write!(
        out,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>Cryptography assessment</title><style>{STYLE}</style></head><body><header><h1>Cryptography assessment</h1>\
         <p>Targets: <code>{}</code><br><small>Judged for {} with {}; approval table of {}.</small></p></header>",
        escape(&assessment.targets.join(" ")),
        escape(&assessment.judged_for),
        escape(&assessment.tool),
        table::AS_OF
    );
    contents(&mut out, &plans);
    summary(&mut out, assessment);
    quantum(&mut out, assessment);
    risks(&mut out, assessment);
    bars(&mut out, "What was found", &assessment.summary.by_kind);
    bars(&mut out, "Algorithms", &assessment.summary.by_algorithm);
    for (index, plan) in plans.iter().enumerate() {
        system(&mut out, plan, index);
    }
    dates(&mut out, assessment);
    coverage(&mut out, assessment);
    out.push_str("</body></html>\n");
    out
}

/// Links to the sections.
fn contents(out: &mut String, plans: &[SystemPlan]) {
    out.push_str("<nav><a href=\"#summary\">Summary</a> <a href=\"#quantum\">Quantum readiness</a> <a href=\"#risks\">Top risks</a>");
    for (index, plan) in plans.iter().enumerate() {
        let name = if plan.name.is_empty() {
            "Roadmap"
        } else {
            plan.name.as_str()
        };
        let _ = write!(out, " <a href=\"#system-{index}\">{}</a>", escape(name));
    }
    out.push_str(" <a href=\"#dates\">Dates</a> <a href=\"#coverage\">Coverage</a></nav>");
}

/// The numbers first.
fn summary(out: &mut String, assessment: &Assessment) {
    let summary = &assessment.summary;
    let severity = |name: &str| summary.by_severity.get(name).copied().unwrap_or(0);
    out.push_str("<h2 id=\"summary\">Summary</h2><div class=\"cards\">");
    for (number, text, class) in [
        (summary.findings, "cryptographic assets and settings", ""),
        (severity("critical"), "with a critical issue", "critical"),
        (severity("high"), "with a high issue", "high"),
        (severity("medium"), "with a medium issue", "medium"),
        (summary.quantum_vulnerable, "a quantum computer breaks", ""),
    ] {
        let _ = write!(
            out,
            "<div class=\"card {class}\"><b>{number}</b>{text}</div>"
        );
    }
    out.push_str("</div>");
}

/// Share of what resists a quantum computer.
fn quantum(out: &mut String, assessment: &Assessment) {
    let summary = &assessment.summary;
    let (broken, safe) = (summary.quantum_vulnerable, summary.quantum_safe);
    let unknown = summary.findings.saturating_sub(broken + safe);
    out.push_str("<h2 id=\"quantum\">Quantum readiness</h2>");
    let all = (broken + safe + unknown).max(1);
    out.push_str("<div class=\"stack\" role=\"img\" aria-label=\"shares\">");
    for (count, class) in [(broken, "bad"), (safe, "good"), (unknown, "none")] {
        if count > 0 {
            let _ = write!(
                out,
                "<i class=\"{class}\" style=\"flex:{}\"></i>",
                (count * 1000 / all).max(4)
            );
        }
    }
    let _ = write!(
        out,
        "</div><p class=\"legend\"><i class=\"bad\"></i>{broken} broken by a large quantum computer <i class=\"good\"></i>{safe} resistant \
         <i class=\"none\"></i>{unknown} without an algorithm of their own</p>"
    );
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
    out.push_str("<h2 id=\"risks\">Top risks</h2>");
    let worst = worst_first(&assessment.findings);
    if worst.is_empty() {
        out.push_str("<p>No issue above informational was found.</p>");
    }
    for finding in worst.into_iter().take(20) {
        let class = finding.worst().map_or("info", Severity::as_str);
        let line = finding
            .location
            .line
            .map_or_else(String::new, |line| format!(":{line}"));
        let _ = write!(
            out,
            "<div class=\"risk {class}\"><span class=\"tag\">{class}</span> {}<br><code>{}{line}</code><ul>",
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

/// One system: level, gaps, roadmap.
fn system(out: &mut String, plan: &SystemPlan, index: usize) {
    let title = if plan.name.is_empty() {
        "Roadmap for what no system claims".to_owned()
    } else {
        escape(&plan.name)
    };
    let _ = write!(out, "<section><h2 id=\"system-{index}\">{title}</h2>");
    if !plan.name.is_empty() {
        let _ = write!(
            out,
            "<p>Owner: {}. Data: {}. {} findings, of which a quantum computer breaks {}.</p>",
            escape(&plan.owner),
            escape(&plan.data.join(", ")),
            plan.findings,
            plan.quantum_vulnerable
        );
    }
    if let Some(required) = &plan.required {
        let _ = write!(
            out,
            "<p><strong>Required module: FIPS 140 level {}</strong> ({}); today: {}.</p><ul>",
            required.level,
            if required.obligatory {
                "a validated module is an obligation"
            } else {
                "advice"
            },
            if plan.module_level == 0 {
                "no validated module".to_owned()
            } else {
                format!("level {}", plan.module_level)
            }
        );
        for reason in &required.reasons {
            let _ = write!(
                out,
                "<li>{} <small>{}, {}</small></li>",
                escape(&reason.text),
                reason.basis,
                escape(reason.source)
            );
        }
        out.push_str("</ul><h3>Gaps by stage of the key's life</h3><div class=\"gaps\">");
        for stage in &plan.stages {
            let class = stage.risk.map_or("none", Severity::as_str);
            let _ = write!(
                out,
                "<div class=\"gap {class}\"><b>{}</b><p>{}</p><p><em>{}</em></p></div>",
                escape(&stage.stage),
                escape(&stage.required),
                escape(&stage.gap)
            );
        }
        out.push_str("</div>");
    }
    if !plan.steps.is_empty() {
        out.push_str("<h3>Roadmap</h3><ol class=\"line\">");
        for step in &plan.steps {
            timeline(out, step);
        }
        out.push_str("</ol>");
    }
    out.push_str("</section>");
}

/// One step on the timeline.
fn timeline(out: &mut String, step: &Step) {
    let class = step.severity.as_str();
    let _ = write!(
        out,
        "<li class=\"{class}\"><b>{}</b> {}<br><small>{} · {} findings · {class} · effort: {}{}</small>",
        escape(&step.by),
        escape(&step.action),
        escape(&step.rule),
        step.findings,
        escape(&step.effort),
        if step.after == "–" {
            String::new()
        } else {
            format!(" · first: {}", escape(&step.after))
        }
    );
    if !step.commands.is_empty() {
        let _ = write!(
            out,
            "<details><summary>Commands, for {}</summary><pre>{}</pre></details>",
            escape(&step.example),
            escape(&step.commands.join("\n"))
        );
    }
    out.push_str("</li>");
}

/// Dates that drive plans.
fn dates(out: &mut String, assessment: &Assessment) {
    out.push_str("<h2 id=\"dates\">Dates that apply</h2><ol class=\"line\">");
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
}

/// What was read and what was not.
fn coverage(out: &mut String, assessment: &Assessment) {
    let coverage = &assessment.coverage;
    let _ = write!(
        out,
        "<h2 id=\"coverage\">What was read, and what was not</h2><p>{} files ({} bytes), {} archive members, {} directories; {} links not followed.</p><ul>",
        coverage.files_read,
        coverage.bytes_read,
        coverage.members_read,
        coverage.directories,
        coverage.symlinks
    );
    for (reason, count) in &coverage.gap_counts {
        let example = coverage
            .gaps
            .iter()
            .find(|gap| &gap.reason == reason)
            .map_or_else(String::new, |gap| format!("{} ({})", gap.path, gap.detail));
        let _ = write!(
            out,
            "<li>{}: {count} <small>such as {}</small></li>",
            escape(reason),
            escape(&example)
        );
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
