//! Source code: calls of cryptographic interfaces and what is weak about them. Java, Python and Go are parsed by
//! tree-sitter and followed through constants (`unit`, `value`); what a call means stands in one module for each
//! language; further languages are read by a table of words (`words`).
//!
//! Constants are followed to tell that a key is hard-coded, and never copied into a finding.

mod go;
mod java;
mod python;
mod rules;
mod unit;
mod value;
mod words;

use std::ops::ControlFlow;

use tree_sitter::{ParseOptions, ParseState, Parser};

use crate::detect::Scan;
use unit::{Language, Unit};

/// Largest source file parsed; larger ones are generated.
const MAX_FILE: usize = 2 << 20;

/// Most steps of the parser, as its progress tells them, before a file is given up.
const MAX_STEPS: u32 = 20_000;

/// Reads a source file. True if its name says it is one.
pub fn file(scan: &mut Scan<'_>, data: &[u8]) -> bool {
    let name = scan.name().to_owned();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let language = match extension {
        "java" => Language::Java,
        "py" | "pyw" => Language::Python,
        "go" => Language::Go,
        other => return words::file(scan, other, data),
    };
    if data.len() > MAX_FILE {
        scan.gap("too-large", "source file larger than 2 MiB is not parsed");
        return true;
    }
    if !language.may_matter(data) {
        return true;
    }
    let mut parser = Parser::new();
    let grammar = match language {
        Language::Java => tree_sitter_java::LANGUAGE.into(),
        Language::Python => tree_sitter_python::LANGUAGE.into(),
        Language::Go => tree_sitter_go::LANGUAGE.into(),
    };
    if parser.set_language(&grammar).is_err() {
        scan.gap(
            "unsupported",
            "the grammar of this language could not be loaded",
        );
        return true;
    }
    let mut steps = 0_u32;
    let mut progress = |_: &ParseState| {
        steps += 1;
        if steps > MAX_STEPS {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let tree = parser.parse_with_options(
        &mut |at, _| data.get(at..).unwrap_or_default(),
        None,
        Some(ParseOptions::new().progress_callback(&mut progress)),
    );
    let Some(tree) = tree else {
        scan.gap(
            "too-complex",
            "source file could not be parsed in bounded time",
        );
        return true;
    };
    let unit = Unit::new(language, data, tree.root_node());
    let mut found = rules::Found::new(language);
    match language {
        Language::Java => java::read(&unit, &mut found),
        Language::Python => python::read(&unit, &mut found),
        Language::Go => go::read(&unit, &mut found),
    }
    found.report(scan);
    true
}

#[cfg(test)]
mod tests;
