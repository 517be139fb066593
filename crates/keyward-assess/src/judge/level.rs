//! Which FIPS 140 level the data demands: sensitivity and regime in, level and reasoning out. Never a bare
//! number: each step that raised the level is said, with its source and whether it is a rule or advice.

use serde::{Deserialize, Serialize};

/// FIPS 199 impact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Impact {
    /// Limited adverse effect.
    Low,
    /// Serious adverse effect.
    #[default]
    Moderate,
    /// Severe or catastrophic effect.
    High,
}

/// One step of the reasoning.
#[derive(Clone, Debug, Serialize)]
pub struct Reason {
    /// Level this step asks for; 0 means no FIPS demand.
    pub level: u8,
    /// Whether the source obliges (`rule`) or it is this product's advice (`advice`).
    pub basis: &'static str,
    /// Why.
    pub text: String,
    /// Where it is said.
    pub source: &'static str,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub struct Required {
    /// The highest level any step asks for.
    pub level: u8,
    /// Whether a validated module is an obligation, not only advice.
    pub obligatory: bool,
    /// The steps.
    pub reasons: Vec<Reason>,
}

/// What a regime asks: words of it, level, basis, text, source.
type Rule = (
    &'static [&'static str],
    u8,
    &'static str,
    &'static str,
    &'static str,
);

const RULES: &[Rule] = &[
    (
        &["federal", "fisma", "nist 800-53"],
        1,
        "rule",
        "federal information needs a validated module; the level follows the risk",
        "FIPS 140-3 §5 applicability; SP 800-53 SC-13",
    ),
    (
        &["fedramp-high", "fedramp high"],
        1,
        "rule",
        "FedRAMP High: validated modules or update streams are a MUST",
        "FedRAMP 20x UCM-CSX-UVM",
    ),
    (
        &["fedramp"],
        1,
        "rule",
        "FedRAMP: modules documented; validated ones are a SHOULD at Moderate",
        "FedRAMP 20x UCM-CSX-CMD, UCM-CSX-UVM",
    ),
    (
        &["cmmc", "cui", "800-171"],
        1,
        "rule",
        "FIPS-validated cryptography protects CUI",
        "SP 800-171 Rev. 2 3.13.11",
    ),
    (
        &["pci-pin", "pci pin"],
        3,
        "rule",
        "PIN keys live in a PCI PTS HSM or a FIPS 140 level 3 device",
        "PCI PIN Security Requirements v3.1",
    ),
    (
        &["pci"],
        0,
        "rule",
        "strong cryptography, split knowledge and dual control for manual cleartext key operations; no FIPS level is named",
        "PCI DSS 4.0.1 3.6, 3.7",
    ),
    (
        &["hipaa"],
        0,
        "rule",
        "NIST-consistent encryption makes health data 'secured'; no FIPS level is named",
        "45 CFR 164.312; HHS breach guidance",
    ),
    (
        &["dora"],
        0,
        "rule",
        "key lifecycle, cryptanalysis watch and a register of certificates; no FIPS level is named",
        "Delegated Regulation (EU) 2024/1774 Art. 6, 7",
    ),
    (
        &["nis2"],
        0,
        "rule",
        "policies on cryptography; no FIPS level is named",
        "Directive (EU) 2022/2555 Art. 21(2)(h)",
    ),
    (
        &["iso27001", "iso 27001"],
        0,
        "rule",
        "a policy on the use of cryptography; no FIPS level is named",
        "ISO/IEC 27001:2022 A.8.24",
    ),
    (
        &["eidas"],
        3,
        "rule",
        "qualified signatures need a certified device (QSCD); FIPS 140 level 3 alone is not enough",
        "Regulation (EU) 910/2014 Annex II",
    ),
];

/// Works out the level for an impact, a list of regimes, and whether the system holds signing or root keys.
pub fn required(impact: Impact, regimes: &[String], root_keys: bool) -> Required {
    let mut reasons = Vec::new();
    let advice = match impact {
        Impact::Low => (
            1,
            "low impact: a validated software module (level 1) holds the loss to a limited effect",
        ),
        Impact::Moderate => (
            2,
            "moderate impact: role-based authentication and tamper evidence (level 2) for the keys that protect the data",
        ),
        Impact::High => (
            3,
            "high impact: identity-based authentication, tamper response and protected key entry (level 3)",
        ),
    };
    reasons.push(Reason {
        level: advice.0,
        basis: "advice",
        text: advice.1.to_owned(),
        source: "FIPS 199 impact against the level properties of FIPS 140-3; agencies decide by their own risk assessment",
    });
    for regime in regimes {
        let word = regime.to_ascii_lowercase();
        match RULES
            .iter()
            .find(|rule| rule.0.iter().any(|known| word.contains(known)))
        {
            Some((_, level, basis, text, source)) => reasons.push(Reason {
                level: *level,
                basis,
                text: format!("{regime}: {text}"),
                source,
            }),
            None => reasons.push(Reason {
                level: 0,
                basis: "advice",
                text: format!("{regime}: not in the table; ask your assessor"),
                source: "–",
            }),
        }
    }
    if root_keys {
        reasons.push(Reason {
            level: 3,
            basis: "advice",
            text: "root, CA or key-encryption keys: their loss is the loss of everything below them".to_owned(),
            source: "SP 800-57 Part 1 §6.2; CA/Browser Forum Baseline Requirements 6.2.7 for public CAs",
        });
    }
    let level = reasons.iter().map(|reason| reason.level).max().unwrap_or(1);
    let obligatory = reasons
        .iter()
        .any(|reason| reason.basis == "rule" && reason.level > 0);
    Required {
        level,
        obligatory,
        reasons,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_never_given_without_a_reason_that_asks_for_it() {
        for impact in [Impact::Low, Impact::Moderate, Impact::High] {
            for regime in ["federal", "PCI DSS", "PCI PIN", "HIPAA", "something else"] {
                let answer = required(impact, &[regime.to_owned()], false);
                assert!(
                    answer
                        .reasons
                        .iter()
                        .any(|reason| reason.level == answer.level && !reason.text.is_empty())
                );
            }
        }
    }

    #[test]
    fn cmmc_obliges_and_hipaa_does_not_name_a_level() {
        assert!(required(Impact::Low, &["CMMC L2".to_owned()], false).obligatory);
        assert!(!required(Impact::Low, &["HIPAA".to_owned()], false).obligatory);
    }
}
