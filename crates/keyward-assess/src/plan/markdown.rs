//! The plan as Markdown.

use std::fmt::Write as _;

use super::{Interview, SystemPlan, plans};
use crate::finding::{Finding, Severity};

/// Text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// Gaps per system and lifecycle stage, then the roadmap.
pub fn report(interview: &Interview, findings: &[Finding], day: &str) -> String {
    let mut out = format!(
        "# Gaps and roadmap\n\nJudged for {day}; questionnaire version {}.\n",
        interview.version
    );
    for plan in plans(interview, findings, day) {
        if plan.name.is_empty() {
            let _ = write!(
                out,
                "\n## No system claims these\n\n{} findings belong to no system of the questionnaire.\n",
                plan.findings
            );
        } else {
            head(&mut out, &plan);
        }
        steps(&mut out, &plan);
    }
    out
}

/// A system's name, its level and its gaps.
fn head(out: &mut String, plan: &SystemPlan) {
    let _ = write!(
        out,
        "\n## {}\n\nOwner: {}. Data: {}. Findings: {}, of which a quantum computer breaks {}.\n",
        plan.name,
        plan.owner,
        plan.data.join(", "),
        plan.findings,
        plan.quantum_vulnerable
    );
    if let Some(required) = &plan.required {
        let _ = writeln!(
            out,
            "\nRequired module: FIPS 140 level {}{}; today: {}.\n",
            required.level,
            if required.obligatory {
                " (obligation to a validated module)"
            } else {
                " (advice)"
            },
            if plan.module_level == 0 {
                "no validated module".to_owned()
            } else {
                format!("level {}", plan.module_level)
            }
        );
        for reason in &required.reasons {
            let _ = writeln!(
                out,
                "- [{}] {} ({})",
                reason.basis, reason.text, reason.source
            );
        }
    }
    out.push_str(
        "\n| stage | required | answered | gap | risk | evidence |\n|---|---|---|---|---|---|\n",
    );
    for stage in &plan.stages {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            stage.stage,
            cell(&stage.required),
            cell(&stage.answered),
            cell(&stage.gap),
            stage.risk.map_or("–", Severity::as_str),
            stage.evidence.join(" ")
        );
    }
}

/// The roadmap.
fn steps(out: &mut String, plan: &SystemPlan) {
    out.push_str(
        "\n| by | step | rule | findings | severity | effort | needs first | commands (example) |\n|---|---|---|---|---|---|---|---|\n",
    );
    for step in &plan.steps {
        let commands: Vec<String> = step
            .commands
            .iter()
            .map(|command| format!("`{}`", cell(command)))
            .collect();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            step.by,
            step.action,
            step.rule,
            step.findings,
            step.severity.as_str(),
            step.effort,
            step.after,
            commands.join("<br>")
        );
    }
}
