//! Judges findings: status and strength from the one table, weak keys, dates, protection of private keys,
//! repeated keys. Pure: the day is given, nothing is read.

pub mod level;
pub mod modules;
pub mod table;
pub mod weak;

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Algorithm, Finding, Kind, Severity};
use table::Status;

/// Judges the whole inventory on a day (`YYYY-MM-DD`).
pub fn inventory(findings: &mut [Finding], day: &str) {
    weak::mark(findings);
    for finding in findings.iter_mut() {
        published(finding);
        algorithm(finding, day);
        signature(finding, day);
        validity(finding, day);
        protection(finding);
        exponent(finding);
        encryption(finding, day);
        modules::judge(finding, day);
    }
    repeated(findings);
    for finding in findings.iter_mut() {
        finding.issues.sort_by(|a, b| {
            b.severity
                .cmp(&a.severity)
                .then_with(|| a.rule.cmp(&b.rule))
        });
    }
}

/// Whether a certificate is a trust anchor whose own signature nobody relies on.
fn is_root(finding: &Finding) -> bool {
    finding.is("self-issued", "yes")
}

/// Strength, quantum vulnerability and status of the main algorithm.
fn algorithm(finding: &mut Finding, day: &str) {
    let Some(algorithm) = finding.algorithm.clone() else {
        return;
    };
    finding.strength = finding.strength.or_else(|| table::strength(&algorithm));
    finding.quantum_vulnerable = finding
        .quantum_vulnerable
        .or_else(|| table::quantum_vulnerable(&algorithm));
    if finding.kind == Kind::RevocationList {
        return;
    }
    let usage = if finding.kind == Kind::SignedMessage {
        "signature"
    } else {
        "key"
    };
    let Some(verdict) = table::status(&algorithm, usage, day) else {
        return;
    };
    finding
        .properties
        .insert("status".to_owned(), verdict.protect.as_str().to_owned());
    finding
        .properties
        .insert("status-source".to_owned(), verdict.source.clone());
    if let Some(until) = &verdict.until {
        finding
            .properties
            .insert("status-until".to_owned(), until.clone());
        if verdict.draft {
            finding
                .properties
                .insert("status-until-basis".to_owned(), "draft".to_owned());
        }
    }
    // what a call chooses is judged by the rules of source code, where the use is known
    if finding.kind != Kind::Use {
        standing(finding, &algorithm.display(), &verdict);
    }
}

/// Issues of a status.
fn standing(finding: &mut Finding, display: &str, verdict: &table::Verdict) {
    let weak = finding.strength.is_some_and(|strength| strength < 112);
    match verdict.protect {
        Status::Disallowed => {
            let severity = if weak {
                Severity::High
            } else {
                Severity::Medium
            };
            finding.add_issue(
                "KA-ALGORITHM-DISALLOWED",
                severity,
                format!("{display} is disallowed"),
                &verdict.source,
            );
        }
        Status::NotApproved => {
            let severity = if weak { Severity::High } else { Severity::Low };
            finding.add_issue(
                "KA-ALGORITHM-NOT-APPROVED",
                severity,
                format!("{display} is not an approved algorithm"),
                &verdict.source,
            );
        }
        Status::Deprecated => {
            finding.add_issue(
                "KA-ALGORITHM-DEPRECATED",
                Severity::Medium,
                format!("{display} is deprecated"),
                &verdict.source,
            );
        }
        Status::Acceptable | Status::Legacy => {}
    }
    if finding.quantum_vulnerable == Some(true)
        && !finding
            .issues
            .iter()
            .any(|issue| issue.severity >= Severity::Medium)
    {
        finding.add_issue(
            "KA-QUANTUM",
            Severity::Info,
            format!("{display} is broken by a large quantum computer"),
            "NIST IR 8547 ipd; EO 14412",
        );
    }
}

/// The hash of a signature.
fn signature(finding: &mut Finding, day: &str) {
    let Some(hash) = finding.properties.get("signature-hash").cloned() else {
        return;
    };
    if is_root(finding) && finding.kind == Kind::Certificate {
        return;
    }
    let Some(verdict) = table::status(&Algorithm::named(&hash), "signature", day) else {
        return;
    };
    if verdict.protect >= Status::Disallowed {
        let severity = if hash.starts_with("MD") {
            Severity::Critical
        } else {
            Severity::High
        };
        finding.add_issue(
            "KA-SIGNATURE-HASH",
            severity,
            format!("signed with {hash}, which does not resist collisions"),
            &verdict.source,
        );
    }
}

/// Days from one date to another, by civil calendar.
pub fn days_between(from: &str, to: &str) -> Option<i32> {
    let parse = |text: &str| text.get(..10)?.parse::<jiff::civil::Date>().ok();
    Some((parse(to)? - parse(from)?).get_days())
}

/// Expiry.
fn validity(finding: &mut Finding, day: &str) {
    let Some(after) = finding.properties.get("not-after").cloned() else {
        return;
    };
    let Some(days) = days_between(day, &after) else {
        return;
    };
    let source = "RFC 5280 §4.1.2.5";
    // an expired trust anchor is refused by those who check; it is to be tidied away
    let anchor = is_root(finding) && finding.is("ca", "yes");
    if days < 0 {
        finding.add_issue(
            "KA-EXPIRED",
            if anchor {
                Severity::Low
            } else {
                Severity::Medium
            },
            format!("expired {} days ago", -days),
            source,
        );
    } else if days <= 30 {
        finding.add_issue(
            "KA-EXPIRES-SOON",
            if anchor {
                Severity::Low
            } else {
                Severity::Medium
            },
            format!("expires in {days} days"),
            source,
        );
    } else if days <= 90 {
        finding.add_issue(
            "KA-EXPIRES-SOON",
            Severity::Low,
            format!("expires in {days} days"),
            source,
        );
    }
    if let Some(before) = finding.properties.get("not-before").cloned() {
        if days_between(day, &before).is_some_and(|days| days > 1) {
            finding.add_issue("KA-NOT-YET-VALID", Severity::Low, "not valid yet", source);
        }
        let leaf = finding.is("ca", "no") && finding.kind == Kind::Certificate;
        if leaf && days_between(&before, &after).is_some_and(|days| days > 1096) {
            finding.add_issue(
                "KA-CRYPTOPERIOD",
                Severity::Low,
                "an end-entity certificate valid for more than three years",
                "SP 800-57 Part 1 §5.3.6",
            );
        }
    }
}

/// Places where package managers put what everybody can download, and places of tests and examples.
const PUBLISHED: &[&str] = &[
    "/.cargo/registry/",
    "/node_modules/",
    "/site-packages/",
    "/dist-packages/",
    "/go/pkg/mod/",
    "/.m2/repository/",
    "/usr/share/",
    "/usr/lib/",
    "/usr/include/",
    "/usr/local/lib/",
    "/.rustup/",
    "/.npm/",
    "/.pyenv/",
    "/.gem/",
    "/test/",
    "/tests/",
    "/test-",
    "/test_",
    "/example",
    "/sample",
    "/demo",
    "/testdata/",
    "/fixtures",
    "/vectors",
    "_test.",
    "_tests.",
    "readme",
    "/doc/",
    "/docs/",
];

/// Marks things that stand where published software or samples stand: known to everyone, rarely in use.
fn published(finding: &mut Finding) {
    let path = finding.location.full_path().to_ascii_lowercase();
    if PUBLISHED.iter().any(|word| path.contains(word)) {
        finding.properties.insert(
            "published".to_owned(),
            "path of packages, tests or examples".to_owned(),
        );
    }
}

/// Private and secret keys that are not encrypted, and who can read them.
fn protection(finding: &mut Finding) {
    if !matches!(finding.kind, Kind::PrivateKey | Kind::SecretKey) || !finding.is("encrypted", "no")
    {
        return;
    }
    let source = "SP 800-57 Part 1 §6.2.2.3";
    let reach = finding
        .properties
        .get("reach")
        .map(String::as_str)
        .unwrap_or("owner");
    let (severity, who) = if finding.properties.contains_key("published") {
        (Severity::Low, "in a place of packages, tests or examples")
    } else if reach == "everyone" {
        (Severity::Critical, "readable by everyone on the host")
    } else if reach == "group" {
        (Severity::High, "readable by the file's group")
    } else {
        (Severity::Medium, "readable by its owner")
    };
    finding.add_issue(
        "KA-KEY-UNENCRYPTED",
        severity,
        format!("key stands unencrypted, {who}"),
        source,
    );
    if finding.properties.contains_key("layer-state") {
        finding.add_issue(
            "KA-KEY-IN-LAYER",
            Severity::High,
            "a later layer deletes the key, but it is still in the image for everyone who has it",
            "CWE-538; SP 800-57 Part 1 §6.2",
        );
    }
    if finding.properties.contains_key("version-control") {
        finding.add_issue(
            "KA-KEY-IN-HISTORY",
            Severity::High,
            "key stands in version-control history, where deleting the file does not remove it",
            "SP 800-57 Part 1 §6.2; CWE-540",
        );
    }
}

/// RSA public exponents.
fn exponent(finding: &mut Finding) {
    let Some(exponent) = finding
        .properties
        .get("public-exponent")
        .and_then(|text| text.parse::<u64>().ok())
    else {
        return;
    };
    if exponent < 65_537 {
        let severity = if exponent == 1 {
            Severity::Critical
        } else {
            Severity::Low
        };
        finding.add_issue(
            "KA-EXPONENT",
            severity,
            format!("RSA public exponent {exponent}"),
            "FIPS 186-5 §A.1.1",
        );
    }
}

/// The cipher something is encrypted with.
fn encryption(finding: &mut Finding, day: &str) {
    let Some(cipher) = finding.properties.get("cipher").cloned() else {
        return;
    };
    let family = ["3DES", "2TDEA", "RC2", "RC4", "AES", "DES"]
        .into_iter()
        .find(|family| {
            cipher
                .to_ascii_uppercase()
                .replace("DES-EDE3", "3DES")
                .contains(family)
        });
    let Some(verdict) =
        family.and_then(|family| table::status(&Algorithm::named(family), "key", day))
    else {
        return;
    };
    if verdict.protect >= Status::Disallowed {
        finding.add_issue(
            "KA-PROTECTION-WEAK",
            Severity::Medium,
            format!(
                "protected with {cipher}, which is {}",
                verdict.protect.as_str()
            ),
            &verdict.source,
        );
    }
}

/// The same private key in several places.
fn repeated(findings: &mut [Finding]) {
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut known: BTreeSet<String> = BTreeSet::new();
    for finding in findings
        .iter()
        .filter(|finding| finding.kind == Kind::PrivateKey)
    {
        if finding.properties.contains_key("published") && finding.is("encrypted", "no") {
            known.extend(finding.fingerprint.clone());
        }
        if let Some(fingerprint) = &finding.fingerprint {
            places
                .entry(fingerprint.clone())
                .or_default()
                .insert(finding.location.full_path());
        }
    }
    for finding in findings
        .iter_mut()
        .filter(|finding| finding.kind == Kind::PrivateKey)
    {
        let Some(all) = finding
            .fingerprint
            .as_ref()
            .and_then(|fingerprint| places.get(fingerprint))
        else {
            continue;
        };
        let here = !finding.properties.contains_key("published");
        if here
            && finding
                .fingerprint
                .as_ref()
                .is_some_and(|fingerprint| known.contains(fingerprint))
        {
            finding.add_issue(
                "KA-KEY-PUBLIC-KNOWLEDGE",
                Severity::Critical,
                "the same private key ships in a package or sample on this system: everyone has it",
                "CWE-321",
            );
        }
        if all.len() > 1 {
            let message = format!("the same private key stands in {} places", all.len());
            let severity = if here {
                Severity::Medium
            } else {
                Severity::Low
            };
            finding
                .properties
                .insert("copies".to_owned(), all.len().to_string());
            finding.add_issue(
                "KA-KEY-COPIES",
                severity,
                message,
                "SP 800-57 Part 1 §5.5; PCI DSS 3.6.1.4",
            );
        }
    }
}
