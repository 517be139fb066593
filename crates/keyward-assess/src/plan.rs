//! From findings and the answers of a questionnaire to gaps and a roadmap: what is required, what was found,
//! by when to close it, with which effort and which Keyward commands.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use crate::finding::{Finding, Severity};
use crate::judge::level::{self, Impact};

/// The questionnaire to fill in; it is kept as text, so that changes to answers can be reviewed.
pub const TEMPLATE: &str = include_str!("interview.toml");

/// The lifecycle stages asked about (SP 800-57 Part 2 Rev. 1).
const STAGES: &[(&str, &str)] = &[
    (
        "generation",
        "keys are made inside a validated module from an approved random bit generator",
    ),
    (
        "storage",
        "secret keys are stored wrapped, apart from the data they protect",
    ),
    (
        "distribution",
        "keys leave the module only wrapped or under split knowledge",
    ),
    (
        "use",
        "each key has one purpose, an owner and a cryptoperiod that is enforced",
    ),
    (
        "rotation",
        "keys are replaced at the end of their cryptoperiod by schedule",
    ),
    ("backup", "recovery of keys is possible and was rehearsed"),
    (
        "destruction",
        "destruction is scheduled, recorded, and holds against older backups",
    ),
    (
        "compromise",
        "there is a compromise plan: who is told, what is re-keyed, how it is found",
    ),
];

/// The answers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interview {
    /// Version of the questionnaire.
    pub version: u32,
    /// The systems.
    #[serde(default)]
    pub system: Vec<System>,
}

/// One system.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// Its name.
    pub name: String,
    /// Who answers for it.
    pub owner: String,
    /// Path prefixes of the findings that belong to it.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Categories of its data.
    #[serde(default)]
    pub data: Vec<String>,
    /// FIPS 199 impact.
    pub impact: Impact,
    /// Regimes that apply.
    #[serde(default)]
    pub regimes: Vec<String>,
    /// Level of the module that holds its keys today; 0 is none.
    #[serde(default)]
    pub module_level: u8,
    /// Whether it holds root, CA or key-encryption keys.
    #[serde(default)]
    pub root_keys: bool,
    /// For each lifecycle stage: `yes`, `partly`, `no` or `unknown`.
    #[serde(default)]
    pub practice: BTreeMap<String, String>,
}

/// What closes findings of a rule: the step, effort class, Keyward command.
fn remedy(rule: &str) -> (&'static str, &'static str, &'static str) {
    match rule {
        "KA-ROCA"
        | "KA-FERMAT"
        | "KA-SHARED-PRIME"
        | "KA-SMALL-FACTOR"
        | "KA-KEY-PUBLIC-KNOWLEDGE" => (
            "replace the key now, revoke what it certified, treat what it protected as exposed",
            "days",
            "keyward key create",
        ),
        "KA-KEY-UNENCRYPTED" | "KA-KEY-COPIES" | "KA-KEY-IN-HISTORY" => (
            "make a new key in the key server, switch its users over, destroy every copy",
            "weeks",
            "keyward key create; keyward key destroy",
        ),
        "KA-ALGORITHM-DISALLOWED"
        | "KA-ALGORITHM-NOT-APPROVED"
        | "KA-SIGNATURE-HASH"
        | "KA-ALGORITHM-DEPRECATED" => (
            "re-key with an approved algorithm and re-issue",
            "weeks",
            "keyward key create",
        ),
        "KA-KDF-WEAK" | "KA-PROTECTION-WEAK" | "KA-KEYSTORE-WEAK" => (
            "move the key out of the weak container",
            "days",
            "keyward key import",
        ),
        "KA-EXPIRED" | "KA-EXPIRES-SOON" | "KA-CRYPTOPERIOD" | "KA-NOT-YET-VALID" => {
            ("renew, or remove what is no longer used", "days", "–")
        }
        "KA-QUANTUM" => (
            "plan the move to ML-KEM and ML-DSA; key establishment of long-lived secrets first",
            "months",
            "–",
        ),
        rule if rule.starts_with("KA-CONFIG") => {
            ("change the setting, restart, scan again", "hours", "–")
        }
        _ => ("look at it", "days", "–"),
    }
}

/// Last day for a severity, as days from the assessment; quantum risk follows the table's milestone.
fn due(rule: &str, severity: Severity, from: &str) -> String {
    if rule == "KA-QUANTUM" {
        return "2030-12-31".to_owned();
    }
    let days = match severity {
        Severity::Critical => 14,
        Severity::High => 60,
        Severity::Medium => 180,
        Severity::Low | Severity::Info => 365,
    };
    from.parse::<jiff::civil::Date>()
        .ok()
        .and_then(|date| date.checked_add(jiff::Span::new().days(days)).ok())
        .map_or_else(|| from.to_owned(), |date| date.to_string())
}

/// Gaps per system and lifecycle stage, then the roadmap, as Markdown.
pub fn report(interview: &Interview, findings: &[Finding], day: &str) -> String {
    let mut out = format!(
        "# Gaps and roadmap\n\nJudged for {day}; questionnaire version {}.\n",
        interview.version
    );
    for system in &interview.system {
        let mine: Vec<&Finding> = findings
            .iter()
            .filter(|finding| {
                system
                    .paths
                    .iter()
                    .any(|prefix| finding.location.path.starts_with(prefix.as_str()))
            })
            .collect();
        gaps(&mut out, system, &mine);
        roadmap(&mut out, &mine, day);
    }
    let claimed = |finding: &Finding| {
        interview.system.iter().any(|system| {
            system
                .paths
                .iter()
                .any(|prefix| finding.location.path.starts_with(prefix.as_str()))
        })
    };
    let rest: Vec<&Finding> = findings
        .iter()
        .filter(|finding| !claimed(finding))
        .collect();
    if !rest.is_empty() {
        let _ = write!(
            out,
            "\n## No system claims these\n\n{} findings belong to no system of the questionnaire.\n",
            rest.len()
        );
        roadmap(&mut out, &rest, day);
    }
    out
}

/// Required against found, for one system.
fn gaps(out: &mut String, system: &System, mine: &[&Finding]) {
    let required = level::required(system.impact, &system.regimes, system.root_keys);
    let _ = write!(
        out,
        "\n## {}\n\nOwner: {}. Data: {}. Findings: {}.\n\nRequired module: FIPS 140 level {}{}; today: {}.\n",
        system.name,
        system.owner,
        system.data.join(", "),
        mine.len(),
        required.level,
        if required.obligatory {
            " (obligation to a validated module)"
        } else {
            " (advice)"
        },
        if system.module_level == 0 {
            "no validated module".to_owned()
        } else {
            format!("level {}", system.module_level)
        }
    );
    for reason in &required.reasons {
        let _ = writeln!(
            out,
            "- [{}] {} ({})",
            reason.basis, reason.text, reason.source
        );
    }
    out.push_str("\n| stage | required | found | gap |\n|---|---|---|---|\n");
    for (stage, demand) in STAGES {
        let answer = system
            .practice
            .get(*stage)
            .map_or("unknown", String::as_str);
        let gap = match answer {
            "yes" => "none said; evidence to be shown",
            "partly" => "partly met",
            "no" => "not met",
            _ => "not known: ask the owner",
        };
        let _ = writeln!(out, "| {stage} | {demand} | {answer} | {gap} |");
    }
}

/// Dated steps, one for each rule, worst first.
fn roadmap(out: &mut String, findings: &[&Finding], day: &str) {
    let mut rules: BTreeMap<&str, (Severity, usize)> = BTreeMap::new();
    for issue in findings.iter().flat_map(|finding| &finding.issues) {
        let entry = rules.entry(&issue.rule).or_insert((issue.severity, 0));
        entry.0 = entry.0.max(issue.severity);
        entry.1 += 1;
    }
    let mut steps: Vec<(String, &str, Severity, usize)> = rules
        .into_iter()
        .map(|(rule, (severity, count))| (due(rule, severity, day), rule, severity, count))
        .collect();
    steps.sort_by(|a, b| a.0.cmp(&b.0).then(b.2.cmp(&a.2)).then(a.1.cmp(b.1)));
    out.push_str("\n| by | step | rule | findings | severity | effort | command |\n|---|---|---|---|---|---|---|\n");
    for (by, rule, severity, count) in steps {
        let (step, effort, command) = remedy(rule);
        let _ = writeln!(
            out,
            "| {by} | {step} | {rule} | {count} | {} | {effort} | {command} |",
            severity.as_str()
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_a_valid_questionnaire_and_gives_every_stage_a_line() {
        let interview: Interview = toml::from_str(TEMPLATE).expect("template");
        let text = report(&interview, &[], "2026-11-23");
        assert!(
            STAGES
                .iter()
                .all(|(stage, _)| text.contains(&format!("| {stage} |")))
        );
    }

    #[test]
    fn a_critical_issue_comes_before_a_low_one_and_quantum_risk_gets_its_own_date() {
        use crate::finding::Kind;
        let finding = Finding::new(Kind::PrivateKey, "pkcs8", "key")
            .issue("KA-QUANTUM", Severity::Info, "quantum", "source")
            .issue("KA-EXPIRED", Severity::Low, "old", "source")
            .issue("KA-ROCA", Severity::Critical, "broken", "source");
        let interview = Interview {
            version: 1,
            system: Vec::new(),
        };
        let text = report(&interview, &[finding], "2026-11-23");
        let at = |word: &str| text.find(word).expect("stands in the roadmap");
        assert!(at("2026-12-07") < at("2027-11-23") && at("2027-11-23") < at("2030-12-31"));
    }
}
