//! Tables in `spec/` become code and documentation; both are checked in.
//!
//! A table is read, checked as a whole (names that exist, nothing twice, parameters that match their text) and only
//! then written. `--check` writes nothing and fails when what is checked in differs from what the table says.
mod docs;
mod names;
mod rust;
mod table;

use std::path::Path;

use crate::{Outcome, fail, workspace};
pub use table::Table;

/// Whether to write the generated files or to compare them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Write what differs.
    Write,
    /// Fail on a difference.
    Check,
}

const TABLE: &str = "spec/errors.toml";
const CODE: &str = "crates/keyward-core/src/errors/generated.rs";
const PAGE: &str = "docs/errors.md";

/// Generates everything.
pub fn run(mode: Mode) -> Outcome {
    let root = workspace::root();
    let table = Table::parse(&workspace::read(&root.join(TABLE))?)?;
    let outputs = [
        (CODE, rust::format(&rust::render(&table))?),
        (PAGE, docs::render(&table)),
    ];
    let mut stale = Vec::new();
    for (name, text) in outputs {
        if !put(&root.join(name), &text, mode)? {
            stale.push(name);
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    match mode {
        Mode::Write => {
            println!("wrote {}", stale.join(", "));
            Ok(())
        }
        Mode::Check => fail(format!(
            "out of date: {}; run `cargo xtask codegen` and commit the result",
            stale.join(", ")
        )),
    }
}

/// Whether the file already held this text; writes it when asked to.
fn put(path: &Path, text: &str, mode: Mode) -> Outcome<bool> {
    if path.exists() && workspace::read(path)? == text {
        return Ok(true);
    }
    if mode == Mode::Write {
        workspace::write(path, text)?;
    }
    Ok(false)
}
