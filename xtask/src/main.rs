//! Project automation: `cargo xtask codegen | tidy | ci`.
//!
//! Everything that keeps the project in shape is here, in the language of the project, and runs the same way on a
//! desk and in continuous integration. It reads the sources and asks cargo; it never reaches the network by itself.
//!
//! Read next: `ci.rs` (the list of steps), `tidy/mod.rs` (the rules), `codegen/mod.rs` (tables to code).
#![forbid(unsafe_code)]

mod ci;
mod codegen;
mod gates;
mod tidy;
mod workspace;

use std::process::ExitCode;

/// Why a task failed, in words for the person who ran it.
#[derive(Debug)]
pub struct Failure(pub String);

/// What every task returns.
pub type Outcome<T = ()> = Result<T, Failure>;

/// Makes a [`Failure`] from anything that can be shown.
pub fn fail<T>(text: impl Into<String>) -> Outcome<T> {
    Err(Failure(text.into()))
}

const HELP: &str = "\
usage: cargo xtask <task>

  ci [--only STEP,...] [--list]   everything continuous integration runs, or the named steps of it
  codegen [--check]               tables in spec/ -> checked-in code and documentation
  tidy [--update]                 layering, sizes, unsafe, banned names; --update lowers xtask/ratchet.toml
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["codegen"] => codegen::run(codegen::Mode::Write),
        ["codegen", "--check"] => codegen::run(codegen::Mode::Check),
        ["ci"] => ci::run(&ci::Selection::All),
        ["ci", "--list"] => ci::list(),
        ["ci", "--only", steps] => {
            ci::run(&ci::Selection::Only(&steps.split(',').collect::<Vec<_>>()))
        }
        ["tidy"] => tidy::run(tidy::Mode::Check),
        ["tidy", "--update"] => tidy::run(tidy::Mode::Update),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        other => fail(format!("unknown task `{}`\n\n{HELP}", other.join(" "))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(text)) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}
