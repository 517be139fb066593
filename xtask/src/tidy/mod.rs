//! The rules of the house as a program: layering, sizes, `unsafe`, banned names and words, the files a repository needs.
//!
//! Every finding says where, why the rule exists and what to do instead. Read next: `layers.rs`.
mod bans;
mod layers;
mod project;
mod ratchet;
mod rust_source;
mod sizes;
mod unsafe_code;
mod violation;
mod words;

use std::path::Path;

use ratchet::Ratchet;
use rust_source::RustSource;
use violation::Violation;

use crate::{Outcome, fail, workspace};

/// Whether to check, or to lower the ratchet to what is there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Report and fail.
    Check,
    /// Lower the limits, then report and fail on the rest.
    Update,
}

/// Runs every rule.
pub fn run(mode: Mode) -> Outcome {
    let root = workspace::root();
    let files = workspace::files(&root)?;
    let mut limits = Ratchet::parse(&workspace::read(&root.join(ratchet::FILE))?)?;
    let (mut found, actual) = check_files(&root, &files, &limits)?;
    if mode == Mode::Update {
        let lowered = limits.lowered(&actual);
        if lowered != limits {
            workspace::write(&root.join(ratchet::FILE), &lowered.render())?;
            println!("lowered {}", ratchet::FILE);
            limits = lowered;
        }
    }
    found.extend(limits.check(&actual));
    found.extend(layers::check(&root, &layers::Metadata::load(&root)?)?);
    found.extend(project::check(&files, |name| {
        workspace::read(&root.join(name)).unwrap_or_default()
    }));
    report(found)
}

/// Checks every file and counts what the ratchet limits.
fn check_files(
    root: &Path,
    files: &[String],
    limits: &Ratchet,
) -> Outcome<(Vec<Violation>, Ratchet)> {
    let mut found = Vec::new();
    let mut actual = Ratchet::default();
    let paths = words::machine_paths(root);
    for file in files.iter().filter(|file| is_text(file)) {
        let text = workspace::read(&root.join(file))?;
        // The file with the rule has to spell out what it looks for.
        if file != "xtask/src/tidy/words.rs" {
            found.extend(words::check(file, &text, &paths));
        }
        if is_rust(file) {
            let source = RustSource::new(&text);
            found.extend(check_rust(file, &source, limits));
            count(file, &source, &mut actual);
        }
    }
    Ok((found, actual))
}

fn check_rust(file: &str, source: &RustSource, limits: &Ratchet) -> Vec<Violation> {
    let mut found = sizes::check(file, source, limits);
    found.extend(unsafe_code::check(file, source));
    found.extend(bans::check(file, source));
    found.extend(scanner_words(file, source));
    found
}

/// The scanner shares the core's algorithm table and approval rules, and nothing else.
fn scanner_words(file: &str, source: &RustSource) -> Vec<Violation> {
    if !file.starts_with("crates/keyward-assess/") {
        return Vec::new();
    }
    let shared = ["keyward_core::algorithm", "keyward_core::approval"];
    let strays = |code: &String| {
        code.matches("keyward_core::").count()
            > shared.iter().map(|name| code.matches(name).count()).sum()
    };
    let lines = source
        .code
        .iter()
        .enumerate()
        .filter(|(_, code)| strays(code));
    lines
        .map(|(number, _)| {
            Violation::new(
                file,
                number + 1,
                "uses more of the core than its tables",
                "the scanner is a separate program with its own pace",
                "keep to keyward_core::algorithm and keyward_core::approval",
            )
        })
        .collect()
}

/// Adds what the ratchet limits.
fn count(file: &str, source: &RustSource, actual: &mut Ratchet) {
    let lines = sizes::counted(file, source);
    if lines > sizes::AIMED {
        actual.file_lines.insert(file.to_owned(), lines);
    }
    let uses = unsafe_code::uses(source).len();
    if uses > 0 {
        actual.unsafe_uses.insert(file.to_owned(), uses);
    }
    if !source.generated && !bans::is_test_file(file) {
        actual.long_functions += long_functions(source);
    }
}

/// Functions that say they are longer than 70 lines; tables of tests may be.
fn long_functions(source: &RustSource) -> usize {
    let says = |(number, code): &(usize, &String)| {
        code.contains("clippy::too_many_lines") && !source.is_test_line(*number)
    };
    source.code.iter().enumerate().filter(says).count()
}

/// Golden files of compile-fail tests are programs that must not compile; they follow no rule of ours.
fn is_rust(file: &str) -> bool {
    file.ends_with(".rs") && !file.contains("/compile_fail/") && !file.contains("/tests/fail/")
}

/// Files whose words are ours. Vectors, captured output and other people's material are not.
fn is_text(file: &str) -> bool {
    let ours = [
        ".rs",
        ".md",
        ".toml",
        ".sh",
        ".py",
        ".yml",
        ".yaml",
        ".cedar",
        ".cedarschema",
        ".sql",
    ];
    let foreign = ["/testdata/", "/vectors/", "/fixtures/", "/goldens/"];
    let plain = ["NOTICE", "SECURITY", "CONTRIBUTING"].contains(&file);
    (plain || ours.iter().any(|ending| file.ends_with(ending)))
        && !foreign.iter().any(|place| file.contains(place))
}

fn report(mut found: Vec<Violation>) -> Outcome {
    if found.is_empty() {
        println!("tidy: nothing found");
        return Ok(());
    }
    found.sort();
    for violation in &found {
        println!("{violation}");
    }
    fail(format!("tidy: {} found", found.len()))
}
