//! `spec/errors.toml`, read and checked as a whole.
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::names;
use crate::{Failure, Outcome};

/// The whole table, rows in order of their numbers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Headings of the hundreds.
    #[serde(rename = "group")]
    pub groups: Vec<Group>,
    /// The rows.
    #[serde(rename = "error")]
    pub rows: Vec<Row>,
}

/// A heading for the rows from a number on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// First number of the group.
    pub from: u16,
    /// What its rows have in common.
    pub title: String,
}

/// One reason a command can fail.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Stable name.
    pub code: String,
    /// Stable number.
    pub number: u16,
    /// Status over REST.
    pub http: u16,
    /// Result reason of KMIP 2.x.
    pub kmip: String,
    /// Result reason of KMIP 1.x where it differs.
    pub kmip1: Option<String>,
    /// Exception of an AWS KMS-style API.
    pub aws: String,
    /// Status over a Vault-style API.
    pub vault: u16,
    /// `CK_RV` name.
    pub ckr: String,
    /// Whether the identical request may succeed later.
    pub retry: bool,
    /// Short text for people.
    pub title: String,
    /// Sentence with placeholders.
    pub detail: String,
    /// The placeholders, in order of first use.
    pub params: Vec<String>,
    /// What the caller should do next.
    pub help: String,
}

impl Row {
    /// The result reason for KMIP 1.x.
    pub fn kmip1(&self) -> &str {
        self.kmip1.as_deref().unwrap_or(&self.kmip)
    }

    /// The name of the variant.
    pub fn variant(&self) -> String {
        self.code.split('_').map(capitalised).collect()
    }

    /// The number behind the `CK_RV` name.
    pub fn ckr_value(&self) -> u32 {
        names::CKR
            .iter()
            .find(|(name, _)| *name == self.ckr)
            .map_or(0, |(_, value)| *value)
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_ascii_uppercase().to_string() + letters.as_str()
    })
}

/// The `{placeholders}` of a text, each once, in order of first use.
pub fn placeholders(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for part in text.split('{').skip(1) {
        let name = part.split('}').next().unwrap_or_default();
        if !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
    }
    found
}

impl Table {
    /// Reads and checks; the failure lists everything that is wrong, not only the first.
    pub fn parse(text: &str) -> Outcome<Self> {
        let mut table: Self =
            toml::from_str(text).map_err(|error| Failure(format!("spec/errors.toml: {error}")))?;
        let mut wrong = Vec::new();
        for row in &table.rows {
            check_names(row, &mut wrong);
            check_texts(row, &mut wrong);
        }
        check_whole(&table, &mut wrong);
        if !wrong.is_empty() {
            return Err(Failure(format!(
                "spec/errors.toml:\n  {}",
                wrong.join("\n  ")
            )));
        }
        table.rows.sort_by_key(|row| row.number);
        Ok(table)
    }

    /// Each group with its rows.
    pub fn grouped(&self) -> Vec<(&Group, Vec<&Row>)> {
        let mut starts: Vec<&Group> = self.groups.iter().collect();
        starts.sort_by_key(|group| group.from);
        let ends = starts
            .iter()
            .skip(1)
            .map(|group| group.from)
            .chain([u16::MAX]);
        let bounded: Vec<(&Group, u16)> = starts.iter().copied().zip(ends).collect();
        bounded
            .into_iter()
            .map(|(group, end)| {
                (
                    group,
                    self.rows
                        .iter()
                        .filter(|row| (group.from..end).contains(&row.number))
                        .collect(),
                )
            })
            .collect()
    }
}

/// Every name in the row exists in the standard it comes from.
fn check_names(row: &Row, wrong: &mut Vec<String>) {
    let code = &row.code;
    let mut need = |holds: bool, text: String| {
        if !holds {
            wrong.push(format!("{code}: {text}"));
        }
    };
    need(
        names::HTTP.contains(&row.http),
        format!("http status {} is not one we give", row.http),
    );
    need(
        names::VAULT.contains(&row.vault),
        format!("vault status {} is not one we give", row.vault),
    );
    need(
        names::KMIP.contains(&row.kmip.as_str()),
        format!("`{}` is no KMIP 2.1 result reason", row.kmip),
    );
    need(
        names::KMIP1.contains(&row.kmip1()),
        format!(
            "`{}` is no KMIP 1.0 result reason; give `kmip1`",
            row.kmip1()
        ),
    );
    need(
        row.kmip1.as_deref() != Some(row.kmip.as_str()),
        "`kmip1` repeats `kmip`; leave it out".to_owned(),
    );
    need(
        names::AWS.contains(&row.aws.as_str()),
        format!("`{}` is no exception an AWS client knows", row.aws),
    );
    need(
        row.ckr_value() != 0,
        format!("`{}` is no PKCS #11 return value", row.ckr),
    );
}

/// Texts follow the house rules and their placeholders are the parameters.
fn check_texts(row: &Row, wrong: &mut Vec<String>) {
    let code = &row.code;
    let mut need = |holds: bool, text: &str| {
        if !holds {
            wrong.push(format!("{code}: {text}"));
        }
    };
    let snake = |text: &str| {
        text.starts_with(|letter: char| letter.is_ascii_lowercase())
            && text.chars().all(|letter| {
                letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_'
            })
    };
    need(snake(code), "a code is lower-case words joined by `_`");
    need(
        row.params.iter().all(|name| snake(name)),
        "a parameter is lower-case words joined by `_`",
    );
    need(
        row.params == placeholders(&row.detail),
        "`params` are the placeholders of `detail`, in order of first use",
    );
    need(
        !row.detail.starts_with(|letter: char| letter.is_uppercase()),
        "`detail` starts in lower case",
    );
    need(
        !row.detail.ends_with('.'),
        "`detail` ends without a full stop",
    );
    need(
        row.title.starts_with(|letter: char| letter.is_uppercase()),
        "`title` starts with a capital",
    );
    need(
        !row.title.ends_with('.'),
        "`title` ends without a full stop",
    );
    need(row.help.ends_with('.'), "`help` is a sentence");
    let all = [&row.title, &row.detail, &row.help];
    need(
        all.iter()
            .all(|text| !text.contains('"') && !text.contains('|')),
        "texts hold no `\"` and no `|`",
    );
    need(
        (100..2000).contains(&row.number),
        "numbers are from 100 to 1999",
    );
    need(
        !row.retry || matches!(row.http, 409 | 429 | 503 | 504),
        "what may be retried as it is answers 409, 429, 503 or 504",
    );
}

/// Nothing twice, and a group for every row.
fn check_whole(table: &Table, wrong: &mut Vec<String>) {
    let mut numbers = BTreeMap::new();
    let mut codes = BTreeSet::new();
    let mut titles = BTreeSet::new();
    for row in &table.rows {
        if let Some(other) = numbers.insert(row.number, &row.code) {
            wrong.push(format!(
                "{} and {other} have number {}",
                row.code, row.number
            ));
        }
        if !codes.insert(&row.code) {
            wrong.push(format!("{}: there twice", row.code));
        }
        if !titles.insert(&row.title) {
            wrong.push(format!(
                "{}: another row has the title `{}`",
                row.code, row.title
            ));
        }
        if !table.groups.iter().any(|group| group.from <= row.number) {
            wrong.push(format!(
                "{}: no group holds number {}",
                row.code, row.number
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[[group]]
from = 100
title = "All."
[[error]]
code = "gone_away"
number = 101
http = 404
kmip = "Object Not Found"
kmip1 = "Item Not Found"
aws = "NotFoundException"
vault = 404
ckr = "CKR_OBJECT_HANDLE_INVALID"
retry = false
title = "Gone"
detail = "{what} went, and {what} stays away"
params = ["what"]
help = "Look elsewhere."
"#;

    fn refusal(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "the example holds `{from}`");
        Table::parse(&GOOD.replace(from, to))
            .err()
            .map(|Failure(text)| text)
            .unwrap_or_default()
    }

    #[test]
    fn a_good_row_is_read_and_named() {
        let table = Table::parse(GOOD).unwrap_or_else(|Failure(text)| panic!("{text}"));
        let row = table.rows.first().expect("one row");
        assert_eq!(row.variant(), "GoneAway");
        assert_eq!(row.kmip1(), "Item Not Found");
        assert_eq!(row.ckr_value(), 0x82);
    }

    #[test]
    fn a_name_that_does_not_exist_in_its_standard_is_refused() {
        assert!(refusal("Object Not Found", "Object Lost").contains("no KMIP 2.1 result reason"));
        assert!(refusal("kmip1 = \"Item Not Found\"", "").contains("give `kmip1`"));
        assert!(
            refusal("NotFoundException", "LostException")
                .contains("no exception an AWS client knows")
        );
        assert!(
            refusal("CKR_OBJECT_HANDLE_INVALID", "CKR_LOST").contains("no PKCS #11 return value")
        );
        assert!(refusal("http = 404", "http = 418").contains("http status 418"));
    }

    #[test]
    fn parameters_and_placeholders_agree_or_the_row_is_refused() {
        assert!(refusal("params = [\"what\"]", "params = []").contains("placeholders"));
        assert!(
            refusal("params = [\"what\"]", "params = [\"what\", \"more\"]")
                .contains("placeholders")
        );
    }

    #[test]
    fn a_code_or_number_that_is_there_twice_is_refused() {
        let row = GOOD.split("[[error]]").nth(1).unwrap_or_default();
        let twice = format!("{GOOD}[[error]]{row}");
        let text = Table::parse(&twice)
            .err()
            .map(|Failure(text)| text)
            .unwrap_or_default();
        assert!(
            text.contains("there twice") && text.contains("have number 101"),
            "{text}"
        );
    }

    #[test]
    fn only_a_status_that_invites_a_retry_may_be_retried() {
        assert!(refusal("retry = false", "retry = true").contains("may be retried"));
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(refusal("help =", "hint = \"x\"\nhelp =").contains("unknown field"));
    }
}
