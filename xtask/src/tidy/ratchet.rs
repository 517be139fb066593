//! Numbers that may only shrink: `xtask/ratchet.toml`.
//!
//! `cargo xtask tidy --update` lowers them to what is there and drops what is no longer needed. It never raises one:
//! whoever needs that edits the file by hand, where a reviewer sees it.
use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use super::sizes::AIMED;
use super::violation::Violation;
use crate::{Failure, Outcome};

/// Where it is kept.
pub const FILE: &str = "xtask/ratchet.toml";

/// The limits in force.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ratchet {
    /// Functions of more than 70 lines, each of which says why with `#[expect(clippy::too_many_lines, reason)]`.
    pub long_functions: usize,
    /// Files of more than the aimed lines, without tests.
    #[serde(default)]
    pub file_lines: BTreeMap<String, usize>,
    /// Uses of `unsafe` by file.
    #[serde(default)]
    pub unsafe_uses: BTreeMap<String, usize>,
}

impl Ratchet {
    /// Reads the file's text.
    pub fn parse(text: &str) -> Outcome<Self> {
        toml::from_str(text).map_err(|error| Failure(format!("{FILE}: {error}")))
    }

    /// What exceeds a limit. (Sizes of files are reported where the file is read.)
    pub fn check(&self, actual: &Self) -> Vec<Violation> {
        let mut found = Vec::new();
        if actual.long_functions > self.long_functions {
            found.push(Violation::new(
                FILE,
                0,
                format!(
                    "{} functions are longer than 70 lines; the limit is {}",
                    actual.long_functions, self.long_functions
                ),
                "a function is read in one view",
                "split the new one by what it does",
            ));
        }
        for (file, count) in &actual.unsafe_uses {
            let limit = self.unsafe_uses.get(file).copied().unwrap_or(0);
            if *count > limit {
                found.push(Violation::new(
                    file,
                    0,
                    format!("{count} uses of `unsafe`; the limit is {limit}"),
                    "each one is reviewed by hand",
                    format!("use a safe function that is there; if there is none, raise the number in {FILE} in the same change"),
                ));
            }
        }
        found
    }

    /// The limits, lowered to what is there.
    pub fn lowered(&self, actual: &Self) -> Self {
        let lower =
            |limits: &BTreeMap<String, usize>, counts: &BTreeMap<String, usize>, floor: usize| {
                limits
                    .iter()
                    .filter_map(|(file, limit)| {
                        let count = counts.get(file).copied().unwrap_or(0);
                        (count > floor).then(|| (file.clone(), count.min(*limit)))
                    })
                    .collect()
            };
        Self {
            long_functions: self.long_functions.min(actual.long_functions),
            file_lines: lower(&self.file_lines, &actual.file_lines, AIMED),
            unsafe_uses: lower(&self.unsafe_uses, &actual.unsafe_uses, 0),
        }
    }

    /// The text of the file.
    pub fn render(&self) -> String {
        let mut out = String::from(
            "# Limits that may only shrink; `cargo xtask tidy --update` lowers them to what is there.\n\
             # To raise one, edit it by hand in the change that needs it, and say why in the commit.\n\n\
             # Functions of more than 70 lines.\n",
        );
        let _ = writeln!(out, "long_functions = {}", self.long_functions);
        out.push_str("\n# Files of more than 600 lines without tests. None may have more than 1000.\n[file_lines]\n");
        for (file, lines) in &self.file_lines {
            let _ = writeln!(out, "\"{file}\" = {lines}");
        }
        out.push_str("\n# Uses of `unsafe` in the files that may hold it.\n[unsafe_uses]\n");
        for (file, count) in &self.unsafe_uses {
            let _ = writeln!(out, "\"{file}\" = {count}");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratchet(
        long_functions: usize,
        file_lines: &[(&str, usize)],
        unsafe_uses: &[(&str, usize)],
    ) -> Ratchet {
        let map = |entries: &[(&str, usize)]| {
            entries
                .iter()
                .map(|(file, count)| ((*file).to_owned(), *count))
                .collect()
        };
        Ratchet {
            long_functions,
            file_lines: map(file_lines),
            unsafe_uses: map(unsafe_uses),
        }
    }

    #[test]
    fn an_update_lowers_and_never_raises() {
        let limits = ratchet(
            3,
            &[("a", 800), ("b", 700), ("gone", 650)],
            &[("s", 10), ("t", 2)],
        );
        let actual = ratchet(
            5,
            &[("a", 700), ("b", 900), ("c", 950)],
            &[("s", 8), ("u", 1)],
        );
        assert_eq!(
            limits.lowered(&actual),
            ratchet(3, &[("a", 700), ("b", 700)], &[("s", 8)])
        );
    }

    #[test]
    fn a_file_back_under_the_aim_leaves_the_list() {
        let limits = ratchet(0, &[("a", 700)], &[]);
        assert_eq!(
            limits.lowered(&ratchet(0, &[("a", AIMED)], &[])),
            ratchet(0, &[], &[])
        );
    }

    #[test]
    fn growth_is_found() {
        let limits = ratchet(1, &[], &[("s", 2)]);
        assert!(limits.check(&ratchet(1, &[], &[("s", 2)])).is_empty());
        assert_eq!(
            limits.check(&ratchet(2, &[], &[("s", 3), ("t", 1)])).len(),
            3
        );
    }

    #[test]
    fn what_is_written_reads_back() {
        let limits = ratchet(2, &[("a/b.rs", 700)], &[("s.rs", 4)]);
        assert_eq!(Ratchet::parse(&limits.render()).ok(), Some(limits));
        assert!(Ratchet::parse("long_functions = 1\nlong_files = 2\n").is_err());
    }
}
