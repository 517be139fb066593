//! Languages without a parser of their own: a table of words (`words.toml`), looked for outside comments.

use std::collections::HashMap;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use serde::Deserialize;

use super::rules::{self, Fault};
use crate::detect::Scan;
use crate::finding::{Algorithm, Confidence, Finding, Kind, Severity, clip};

/// Largest source file read.
const MAX_FILE: usize = 8 << 20;

/// One row.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    #[serde(rename = "in")]
    extensions: Vec<String>,
    word: String,
    fault: String,
    #[serde(default)]
    algorithm: String,
}

#[derive(Debug, Default, Deserialize)]
struct Rows {
    row: Vec<Row>,
}

/// The rows of one extension with their automaton.
struct Table {
    rows: Vec<&'static Row>,
    automaton: AhoCorasick,
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    toml::from_str::<Rows>(include_str!("words.toml"))
        .unwrap_or_default()
        .row
});

static TABLES: LazyLock<HashMap<&'static str, Table>> = LazyLock::new(|| {
    let mut by_extension: HashMap<&'static str, Vec<&'static Row>> = HashMap::new();
    for row in ROWS.iter() {
        for extension in &row.extensions {
            by_extension.entry(extension).or_default().push(row);
        }
    }
    by_extension
        .into_iter()
        .filter_map(|(extension, rows)| {
            let automaton = AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(rows.iter().map(|row| row.word.as_str()))
                .ok()?;
            Some((extension, Table { rows, automaton }))
        })
        .collect()
});

/// The fault a row stands for.
fn fault(name: &str) -> Option<Fault> {
    Some(match name {
        "hash" => rules::WEAK_HASH,
        "cipher" => rules::WEAK_CIPHER,
        "ecb" => rules::ECB,
        "tls" => rules::OLD_TLS,
        "verify" => rules::NO_VERIFY,
        "verify-maybe" => Fault {
            severity: Severity::Low,
            ..rules::NO_VERIFY
        },
        "random" => rules::WEAK_RANDOM,
        "short" => rules::SHORT_KEY,
        "jwt" => rules::JWT_NONE,
        "kdf" => rules::FEW_ITERATIONS,
        _ => return None,
    })
}

/// Whether a place on a line is inside a comment or the middle of a word.
fn is_code(line: &str, at: usize) -> bool {
    let before = line.get(..at).unwrap_or_default();
    let trimmed = before.trim_start();
    let comment = trimmed.starts_with("//")
        || trimmed.starts_with('#')
        || trimmed.starts_with('*')
        || trimmed.starts_with("/*")
        || trimmed.starts_with("--")
        || before.contains(" // ");
    let word = before
        .chars()
        .next_back()
        .is_some_and(|c| c.is_alphanumeric() || c == '_')
        && line
            .get(at..)
            .and_then(|rest| rest.chars().next())
            .is_some_and(char::is_alphanumeric);
    !comment && !word
}

/// Reads a file of a language in the table. True if its extension is one.
pub fn file(scan: &mut Scan<'_>, extension: &str, data: &[u8]) -> bool {
    let Some(table) = TABLES.get(extension) else {
        return false;
    };
    if data.len() > MAX_FILE {
        scan.gap(
            "too-large",
            "source file larger than 8 MiB is not read for calls",
        );
        return true;
    }
    if !table.automaton.is_match(data) {
        return true;
    }
    let Ok(text) = std::str::from_utf8(data) else {
        return true;
    };
    for (number, line) in (1_u32..).zip(text.lines()) {
        let shown = line.trim_start();
        // preprocessor lines of C are code, other lines with '#' are comments
        let line_at = |at: usize| {
            if shown.starts_with("#define") {
                true
            } else {
                is_code(line, at)
            }
        };
        for found in table.automaton.find_iter(line) {
            let Some(row) = table.rows.get(found.pattern().as_usize()) else {
                continue;
            };
            if line_at(found.start()) {
                report(scan, extension, row, number);
            }
        }
    }
    true
}

/// Reports one hit.
fn report(scan: &mut Scan<'_>, extension: &str, row: &Row, number: u32) {
    let what = row.word.trim_end_matches(['(', '"', '\'', ',']).to_owned();
    let mut finding = Finding::new(
        Kind::Use,
        extension,
        clip(format!("{what} in {extension} source"), 160),
    )
    .confidence(Confidence::Likely)
    .property("setting", what)
    .line(number);
    if !row.algorithm.is_empty() {
        finding = finding.algorithm(Algorithm::named(&row.algorithm));
    }
    if let Some(fault) = fault(&row.fault) {
        finding.add_issue(fault.rule, fault.severity, fault.why, fault.source);
    }
    scan.report(finding);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_parses_and_every_fault_is_known() {
        assert!(ROWS.len() > 200);
        for row in ROWS.iter() {
            assert!(
                fault(&row.fault).is_some() || matches!(row.fault.as_str(), "use" | "hash-note"),
                "{}",
                row.fault
            );
        }
    }

    #[test]
    fn a_comment_is_not_a_call() {
        assert!(is_code("  x = MD5(a);", 6));
        assert!(!is_code("  // MD5(a)", 5));
        assert!(!is_code("  HMAC_MD5(a)", 7));
    }
}
