//! Every licence in the product is one that `deny.toml` allows; the list stands there once.
use serde::Deserialize;

use super::{Built, PRODUCT_PARTS, built};
use crate::{Failure, Outcome, fail, workspace};

#[derive(Debug, Deserialize)]
struct DenyFile {
    licenses: Licenses,
}

#[derive(Debug, Deserialize)]
struct Licenses {
    allow: Vec<String>,
    exceptions: Vec<Exception>,
}

#[derive(Debug, Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

/// Checks the crates of everything that ships: the product's parts and the scanner beside them.
pub fn run() -> Outcome {
    let root = workspace::root();
    let text = workspace::read(&root.join("deny.toml"))?;
    let rules: DenyFile =
        toml::from_str(&text).map_err(|error| Failure(format!("deny.toml: {error}")))?;
    let shipped: Vec<&str> = PRODUCT_PARTS
        .iter()
        .copied()
        .chain(["keyward-assess"])
        .collect();
    let crates = built(&root, &shipped, "normal,build")?;
    let refused: Vec<&Built> = crates
        .iter()
        .filter(|built| !accepts(&rules.licenses, built))
        .collect();
    if refused.is_empty() {
        println!(
            "licences: {} crates, all under licences deny.toml allows",
            crates.len()
        );
        return Ok(());
    }
    for built in refused {
        println!(
            "{} {}: licence `{}` is not allowed by deny.toml",
            built.name, built.version, built.licence
        );
    }
    fail(
        "licences: use another crate, or allow the licence in deny.toml after reading it, with its notice in NOTICE",
    )
}

fn accepts(rules: &Licenses, built: &Built) -> bool {
    let excepted = rules
        .exceptions
        .iter()
        .filter(|exception| exception.name == built.name);
    let mut allowed: Vec<&str> = rules.allow.iter().map(String::as_str).collect();
    allowed.extend(excepted.flat_map(|exception| exception.allow.iter().map(String::as_str)));
    satisfied(&built.licence, &allowed)
}

/// Whether an SPDX expression can be met with the allowed licences.
fn satisfied(expression: &str, allowed: &[&str]) -> bool {
    // Older manifests write "/" for OR.
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser {
        words: &words,
        place: 0,
        allowed,
    };
    let met = parser.any();
    met && parser.place == words.len() && !words.is_empty()
}

/// `any = all (OR all)*`, `all = one (AND one)*`, `one = "(" any ")" | name [WITH exception]`.
struct Parser<'a> {
    words: &'a [&'a str],
    place: usize,
    allowed: &'a [&'a str],
}

impl Parser<'_> {
    fn next_is(&mut self, word: &str) -> bool {
        let is = self.words.get(self.place) == Some(&word);
        self.place += usize::from(is);
        is
    }

    fn any(&mut self) -> bool {
        let mut met = self.all();
        while self.next_is("OR") {
            met |= self.all();
        }
        met
    }

    fn all(&mut self) -> bool {
        let mut met = self.one();
        while self.next_is("AND") {
            met &= self.one();
        }
        met
    }

    fn one(&mut self) -> bool {
        if self.next_is("(") {
            let met = self.any();
            return self.next_is(")") && met;
        }
        let Some(name) = self.words.get(self.place).copied() else {
            return false;
        };
        self.place += 1;
        if !self.next_is("WITH") {
            return self.allowed.contains(&name);
        }
        let exception = self.words.get(self.place).copied().unwrap_or_default();
        self.place += 1;
        self.allowed
            .contains(&format!("{name} WITH {exception}").as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: &[&str] = &[
        "MIT",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "ISC",
        "Unicode-3.0",
    ];

    #[test]
    fn an_expression_is_met_by_one_of_its_choices() {
        for expression in [
            "MIT",
            "MIT OR GPL-3.0-only",
            "GPL-3.0-only/MIT",
            "(MIT OR GPL-3.0-only) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR GPL-3.0-only",
            "ISC AND (Apache-2.0 OR ISC)",
        ] {
            assert!(satisfied(expression, ALLOWED), "{expression}");
        }
    }

    #[test]
    fn an_expression_that_asks_for_more_is_refused() {
        for expression in [
            "GPL-3.0-only",
            "MIT AND OpenSSL",
            "MIT WITH odd-exception",
            "",
            "(MIT",
            "MIT)",
            "MIT MIT",
        ] {
            assert!(!satisfied(expression, ALLOWED), "{expression}");
        }
    }

    #[test]
    fn an_exception_holds_for_its_crate_alone() {
        let exception = Exception {
            name: "one".into(),
            allow: vec!["OpenSSL".into()],
        };
        let rules = Licenses {
            allow: vec!["ISC".into()],
            exceptions: vec![exception],
        };
        let under = |name: &str| Built {
            name: name.into(),
            version: "v1.0.0".into(),
            licence: "ISC AND OpenSSL".into(),
        };
        assert!(accepts(&rules, &under("one")));
        assert!(!accepts(&rules, &under("two")));
    }
}
