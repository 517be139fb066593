//! From findings and the answers of a questionnaire to gaps and a roadmap: what is required, what was found, by when to
//! close it, with which effort and which Keyward commands. `markdown` and the reports write it down.

pub mod interview;
pub mod markdown;
pub mod remedy;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::finding::{Finding, Severity};
use crate::judge::level::{self, Impact, Required};

/// The questionnaire to fill in; it is kept as text, so that changes to answers can be reviewed.
pub const TEMPLATE: &str = include_str!("interview.toml");

/// A lifecycle stage: name, what SP 800-57 Part 2 asks, rules whose findings speak against it.
pub struct Stage {
    /// Name, as in the questionnaire.
    pub name: &'static str,
    /// What is required.
    pub demand: &'static str,
    /// Beginnings of rules that are evidence.
    pub rules: &'static [&'static str],
}

/// The stages asked about (SP 800-57 Part 2 Rev. 1).
pub const STAGES: &[Stage] = &[
    Stage {
        name: "generation",
        demand: "keys are made inside a validated module from an approved random bit generator",
        rules: &[
            "KA-ROCA",
            "KA-FERMAT",
            "KA-SHARED-PRIME",
            "KA-SMALL-FACTOR",
            "KA-WEAK-KEY",
            "KA-EXPONENT",
            "KA-CODE-WEAK-RANDOM",
            "KA-CODE-STATIC-SEED",
            "KA-CODE-SHORT-KEY",
            "KA-KEY-SHORT",
            "KA-IAC-KEY-SHORT",
        ],
    },
    Stage {
        name: "storage",
        demand: "secret keys are stored wrapped, apart from the data they protect",
        rules: &[
            "KA-KEY-UNENCRYPTED",
            "KA-CODE-STATIC",
            "KA-KDF",
            "KA-PROTECTION-WEAK",
            "KA-KEYSTORE-WEAK",
            "KA-CONFIG-LOCAL-KEY",
            "KA-STATE-SECRET",
            "KA-CREDENTIAL-CLEAR",
            "KA-IAC-KEY-IN-CODE",
            "KA-IAC-NO-ENCRYPTION",
            "KA-CONFIG-NO-ENCRYPTION",
        ],
    },
    Stage {
        name: "distribution",
        demand: "keys leave the module only wrapped or under split knowledge",
        rules: &[
            "KA-KEY-COPIES",
            "KA-KEY-IN-HISTORY",
            "KA-TOKEN-EXTRACTABLE",
            "KA-KEY-IMPORTED",
        ],
    },
    Stage {
        name: "use",
        demand: "each key has one purpose, an owner and approved algorithms only",
        rules: &[
            "KA-ALGORITHM",
            "KA-SIGNATURE",
            "KA-CONFIG-WEAK",
            "KA-CONFIG-NO-TLS",
            "KA-CONFIG-NO-VERIFY",
            "KA-TLS",
            "KA-SSH",
            "KA-MODE",
            "KA-CODE",
            "KA-IAC-WEAK",
            "KA-IAC-NO-TLS",
            "KA-JWT",
        ],
    },
    Stage {
        name: "rotation",
        demand: "keys are replaced at the end of their cryptoperiod by schedule",
        rules: &[
            "KA-EXPIRED",
            "KA-EXPIRES-SOON",
            "KA-CRYPTOPERIOD",
            "KA-IAC-NO-ROTATION",
            "KA-IAC-NO-EXPIRY",
        ],
    },
    Stage {
        name: "backup",
        demand: "recovery of keys is possible and was rehearsed",
        rules: &["KA-IAC-NO-RECOVERY"],
    },
    Stage {
        name: "destruction",
        demand: "destruction is scheduled, recorded, and holds against older backups",
        rules: &[
            "KA-KEY-IN-HISTORY",
            "KA-KEY-PENDING-DELETION",
            "KA-KEY-IN-LAYER",
        ],
    },
    Stage {
        name: "compromise",
        demand: "there is a compromise plan: who is told, what is re-keyed, how it is found",
        rules: &[
            "KA-KEY-PUBLIC-KNOWLEDGE",
            "KA-ROCA",
            "KA-FERMAT",
            "KA-SHARED-PRIME",
            "KA-WEAK-KEY",
        ],
    },
];

/// The answers.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Interview {
    /// Version of the questionnaire.
    pub version: u32,
    /// The systems.
    #[serde(default)]
    pub system: Vec<System>,
}

/// One system.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// Its name.
    pub name: String,
    /// Who answers for it.
    pub owner: String,
    /// Beginnings of the places of the findings that belong to it.
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

/// A gap at one stage.
#[derive(Clone, Debug, Serialize)]
pub struct StageGap {
    /// The stage.
    pub stage: String,
    /// What is required.
    pub required: String,
    /// What was answered.
    pub answered: String,
    /// How many findings speak against it.
    pub against: usize,
    /// The gap in words.
    pub gap: String,
    /// The worst severity of the evidence.
    pub risk: Option<Severity>,
    /// Ids of findings that are evidence, at most five.
    pub evidence: Vec<String>,
}

/// One step of the roadmap.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Last day.
    pub by: String,
    /// What to do.
    pub action: String,
    /// The rule it closes.
    pub rule: String,
    /// How many findings it closes.
    pub findings: usize,
    /// The worst of them.
    pub severity: Severity,
    /// `hours`, `days`, `weeks`, `months`.
    pub effort: String,
    /// What must be there first.
    pub after: String,
    /// Keyward commands that close it, with the worst finding as the example.
    pub commands: Vec<String>,
    /// Id of the worst finding.
    pub example: String,
}

/// What is to be done for one system.
#[derive(Clone, Debug, Serialize)]
pub struct SystemPlan {
    /// Its name; empty for what belongs to none.
    pub name: String,
    /// Who answers for it.
    pub owner: String,
    /// Its data.
    pub data: Vec<String>,
    /// Its findings.
    pub findings: usize,
    /// What a quantum computer breaks among them.
    pub quantum_vulnerable: usize,
    /// Required level with reasons.
    pub required: Option<Required>,
    /// Level of the module today.
    pub module_level: u8,
    /// Gaps by stage.
    pub stages: Vec<StageGap>,
    /// The roadmap.
    pub steps: Vec<Step>,
}

/// Plans for every system, and last for what no system claims.
pub fn plans(interview: &Interview, findings: &[Finding], day: &str) -> Vec<SystemPlan> {
    let mut plans = Vec::new();
    let belongs = |finding: &Finding, system: &System| {
        system
            .paths
            .iter()
            .any(|start| finding.location.path.starts_with(start.as_str()))
    };
    for system in &interview.system {
        let mine: Vec<&Finding> = findings
            .iter()
            .filter(|finding| belongs(finding, system))
            .collect();
        plans.push(SystemPlan {
            name: system.name.clone(),
            owner: system.owner.clone(),
            data: system.data.clone(),
            findings: mine.len(),
            quantum_vulnerable: vulnerable(&mine),
            required: Some(level::required(
                system.impact,
                &system.regimes,
                system.root_keys,
            )),
            module_level: system.module_level,
            stages: gaps(system, &mine),
            steps: roadmap(&mine, day),
        });
    }
    let rest: Vec<&Finding> = findings
        .iter()
        .filter(|finding| {
            !interview
                .system
                .iter()
                .any(|system| belongs(finding, system))
        })
        .collect();
    if !rest.is_empty() {
        plans.push(SystemPlan {
            name: String::new(),
            owner: String::new(),
            data: Vec::new(),
            findings: rest.len(),
            quantum_vulnerable: vulnerable(&rest),
            required: None,
            module_level: 0,
            stages: Vec::new(),
            steps: roadmap(&rest, day),
        });
    }
    plans
}

fn vulnerable(findings: &[&Finding]) -> usize {
    findings
        .iter()
        .filter(|finding| finding.quantum_vulnerable == Some(true))
        .count()
}

/// Required against answered and found, for one system.
fn gaps(system: &System, mine: &[&Finding]) -> Vec<StageGap> {
    STAGES
        .iter()
        .map(|stage| {
            let mut against: Vec<(&Finding, Severity)> = mine
                .iter()
                .filter_map(|finding| {
                    finding
                        .issues
                        .iter()
                        .filter(|issue| issue.severity > Severity::Info)
                        .filter(|issue| stage.rules.iter().any(|rule| issue.rule.starts_with(rule)))
                        .map(|issue| issue.severity)
                        .max()
                        .map(|severity| (*finding, severity))
                })
                .collect();
            against.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.id.cmp(&b.0.id)));
            let answered = system
                .practice
                .get(stage.name)
                .map_or("unknown", String::as_str)
                .to_owned();
            let gap = match (answered.as_str(), against.len()) {
                ("yes", 0) => "none said; the evidence is to be shown".to_owned(),
                ("yes", count) => format!("said to be met, but {count} findings speak against it"),
                ("partly", 0) => "partly met".to_owned(),
                ("partly", count) => format!("partly met; {count} findings show where not"),
                ("no", 0) => "not met".to_owned(),
                ("no", count) => format!("not met; {count} findings show it"),
                (_, 0) => "not known: ask the owner".to_owned(),
                (_, count) => format!("not answered; {count} findings speak against it"),
            };
            StageGap {
                stage: stage.name.to_owned(),
                required: stage.demand.to_owned(),
                answered,
                against: against.len(),
                gap,
                risk: against.first().map(|(_, severity)| *severity),
                evidence: against
                    .iter()
                    .take(5)
                    .map(|(finding, _)| finding.id.clone())
                    .collect(),
            }
        })
        .collect()
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

/// Dated steps, one for each rule, worst first.
fn roadmap(findings: &[&Finding], day: &str) -> Vec<Step> {
    let mut rules: BTreeMap<&str, (Severity, usize, &Finding)> = BTreeMap::new();
    for finding in findings.iter().copied() {
        for issue in &finding.issues {
            if issue.severity == Severity::Info && issue.rule != "KA-QUANTUM" {
                continue;
            }
            let entry = rules
                .entry(&issue.rule)
                .or_insert((issue.severity, 0, finding));
            if issue.severity > entry.0 {
                entry.0 = issue.severity;
                entry.2 = finding;
            }
            entry.1 += 1;
        }
    }
    let mut steps: Vec<Step> = rules
        .into_iter()
        .map(|(rule, (severity, count, example))| {
            let remedy = remedy::of(rule);
            Step {
                by: due(rule, severity, day),
                action: remedy.action.to_owned(),
                rule: rule.to_owned(),
                findings: count,
                severity,
                effort: remedy.effort.to_owned(),
                after: remedy.after.to_owned(),
                commands: remedy::commands(rule, example),
                example: example.id.clone(),
            }
        })
        .collect();
    steps.sort_by(|a, b| {
        a.by.cmp(&b.by)
            .then(b.severity.cmp(&a.severity))
            .then(a.rule.cmp(&b.rule))
    });
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Kind;

    #[test]
    fn the_template_is_a_valid_questionnaire_and_gives_every_stage_a_line() {
        let interview: Interview = toml::from_str(TEMPLATE).expect("template");
        let plans = plans(&interview, &[], "2026-11-23");
        assert_eq!(plans.len(), 1);
        assert_eq!(plans[0].stages.len(), STAGES.len());
        let text = markdown::report(&interview, &[], "2026-11-23");
        assert!(
            STAGES
                .iter()
                .all(|stage| text.contains(&format!("| {} |", stage.name)))
        );
    }

    #[test]
    fn a_critical_issue_comes_before_a_low_one_and_quantum_risk_gets_its_own_date() {
        let finding = Finding::new(Kind::PrivateKey, "pkcs8", "key")
            .issue("KA-QUANTUM", Severity::Info, "quantum", "source")
            .issue("KA-EXPIRED", Severity::Low, "old", "source")
            .issue("KA-ROCA", Severity::Critical, "broken", "source");
        let plans = plans(&Interview::default(), &[finding], "2026-11-23");
        let dates: Vec<&str> = plans[0].steps.iter().map(|step| step.by.as_str()).collect();
        assert_eq!(dates, ["2026-12-07", "2027-11-23", "2030-12-31"]);
    }

    #[test]
    fn a_practice_said_to_be_met_is_contradicted_by_what_was_found() {
        let mut finding = Finding::new(Kind::PrivateKey, "pkcs8", "key").issue(
            "KA-KEY-UNENCRYPTED",
            Severity::High,
            "clear",
            "source",
        );
        finding.location.path = "/srv/shop/key.pem".to_owned();
        let system = System {
            name: "shop".to_owned(),
            paths: vec!["/srv/shop".to_owned()],
            practice: [("storage".to_owned(), "yes".to_owned())].into(),
            ..System::default()
        };
        let interview = Interview {
            version: 1,
            system: vec![system],
        };
        let plans = plans(&interview, &[finding], "2026-11-23");
        let storage = plans[0]
            .stages
            .iter()
            .find(|stage| stage.stage == "storage")
            .expect("a stage");
        assert!(storage.gap.contains("1 findings speak against it"));
        assert_eq!(storage.risk, Some(Severity::High));
    }
}
