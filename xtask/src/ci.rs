//! What continuous integration runs: named, timed steps, the same on a desk.
//!
//! Cheap steps come first. All of them run even when one fails, so that one round shows everything; the summary at the
//! end names what failed. A missing tool fails its step and is never skipped.
use std::process::Command;
use std::time::{Duration, Instant};

use crate::{Failure, Outcome, codegen, fail, gates, tidy, workspace};

/// One step.
struct Step {
    name: &'static str,
    about: &'static str,
    run: fn() -> Outcome,
}

const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        about: "sources are formatted",
        run: fmt,
    },
    Step {
        name: "codegen",
        about: "generated files match their tables",
        run: || codegen::run(codegen::Mode::Check),
    },
    Step {
        name: "tidy",
        about: "layering, sizes, unsafe, banned names and words",
        run: || tidy::run(tidy::Mode::Check),
    },
    Step {
        name: "tree",
        about: "no second cryptographic library among the server's crates",
        run: gates::tree::run,
    },
    Step {
        name: "licences",
        about: "every licence is one deny.toml allows",
        run: gates::licences::run,
    },
    Step {
        name: "clippy",
        about: "lints and bans on what ships, warnings are errors",
        run: clippy_shipped,
    },
    Step {
        name: "clippy-tests",
        about: "lints on tests and benches, warnings are errors",
        run: clippy_tests,
    },
    Step {
        name: "doc",
        about: "documentation builds without a broken link",
        run: doc,
    },
    Step {
        name: "build",
        about: "programs, tests and examples build",
        run: build,
    },
    Step {
        name: "symbols",
        about: "no foreign cryptography in the executable",
        run: gates::symbols::run,
    },
    Step {
        name: "test",
        about: "unit and integration tests",
        run: test,
    },
    Step {
        name: "doctest",
        about: "examples in the documentation",
        run: doctest,
    },
];

/// Which steps to run.
pub enum Selection<'a> {
    /// Every one.
    All,
    /// The named ones, in the order of the list.
    Only(&'a [&'a str]),
}

/// Prints the names of the steps.
pub fn list() -> Outcome {
    for step in STEPS {
        println!("{:<14}{}", step.name, step.about);
    }
    Ok(())
}

/// Runs the steps and sums up.
pub fn run(selection: &Selection<'_>) -> Outcome {
    let steps = selected(selection)?;
    let mut results: Vec<(&'static str, Duration, bool)> = Vec::new();
    for step in steps {
        println!("== {}: {}", step.name, step.about);
        #[expect(
            clippy::disallowed_methods,
            reason = "measures how long a step takes, decides nothing"
        )]
        let start = Instant::now();
        let outcome = (step.run)();
        if let Err(Failure(text)) = &outcome {
            eprintln!("{text}");
        }
        results.push((step.name, start.elapsed(), outcome.is_ok()));
    }
    println!("== summary");
    for (name, took, passed) in &results {
        println!(
            "{:<14}{:>8.1} s  {}",
            name,
            took.as_secs_f64(),
            if *passed { "ok" } else { "FAILED" }
        );
    }
    let failed: Vec<&str> = results
        .iter()
        .filter(|(_, _, passed)| !passed)
        .map(|(name, _, _)| *name)
        .collect();
    if failed.is_empty() {
        Ok(())
    } else {
        fail(format!("failed: {}", failed.join(", ")))
    }
}

fn selected(selection: &Selection<'_>) -> Outcome<Vec<&'static Step>> {
    let Selection::Only(names) = selection else {
        return Ok(STEPS.iter().collect());
    };
    if let Some(unknown) = names
        .iter()
        .find(|name| !STEPS.iter().any(|step| step.name == **name))
    {
        return fail(format!(
            "no step is called `{unknown}`; `cargo xtask ci --list` names them"
        ));
    }
    Ok(STEPS
        .iter()
        .filter(|step| names.contains(&step.name))
        .collect())
}

fn fmt() -> Outcome {
    cargo(&["fmt", "--all", "--check"])
}

fn clippy_shipped() -> Outcome {
    cargo(&[
        "clippy",
        "--workspace",
        "--locked",
        "--lib",
        "--bins",
        "--",
        "-D",
        "warnings",
    ])
}

/// Tests may measure real time and read their environment, so the bans on methods do not bind them; and a story that is
/// told from beginning to end may be longer than a function that ships.
fn clippy_tests() -> Outcome {
    let arguments = [
        "clippy",
        "--workspace",
        "--locked",
        "--all-targets",
        "--",
        "-D",
        "warnings",
        "-A",
        "clippy::disallowed_methods",
        "-A",
        "clippy::too_many_lines",
    ];
    cargo(&arguments)
}

fn doc() -> Outcome {
    run_cargo(
        &[
            "doc",
            "--workspace",
            "--locked",
            "--no-deps",
            "--document-private-items",
        ],
        &[("RUSTDOCFLAGS", "-D warnings")],
    )
}

/// With the features of the tests, so that nothing is compiled twice.
fn build() -> Outcome {
    cargo(&[
        "test",
        "--workspace",
        "--locked",
        "--all-targets",
        "--no-run",
    ])
}

fn test() -> Outcome {
    cargo(&[
        "test",
        "--workspace",
        "--locked",
        "--all-targets",
        "--no-fail-fast",
    ])
}

fn doctest() -> Outcome {
    cargo(&["test", "--workspace", "--locked", "--doc"])
}

fn cargo(arguments: &[&str]) -> Outcome {
    run_cargo(arguments, &[])
}

/// Runs cargo with its output on the terminal.
fn run_cargo(arguments: &[&str], environment: &[(&str, &str)]) -> Outcome {
    let shown = format!("cargo {}", arguments.join(" "));
    println!("$ {shown}");
    let status = Command::new("cargo")
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(workspace::root())
        .status()
        .map_err(|error| Failure(format!("{shown}: {error}")))?;
    if status.success() {
        Ok(())
    } else {
        fail(format!("{shown}: {status}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_its_own_name() {
        let mut names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), STEPS.len());
    }

    #[test]
    fn a_step_that_does_not_exist_is_refused_and_none_is_run() {
        assert!(selected(&Selection::Only(&["fmt", "deploy"])).is_err());
    }

    #[test]
    fn chosen_steps_run_in_the_order_of_the_list() {
        let names: Vec<&str> = selected(&Selection::Only(&["tidy", "fmt"]))
            .unwrap_or_default()
            .iter()
            .map(|step| step.name)
            .collect();
        assert_eq!(names, ["fmt", "tidy"]);
        assert_eq!(
            selected(&Selection::All).unwrap_or_default().len(),
            STEPS.len()
        );
    }
}
