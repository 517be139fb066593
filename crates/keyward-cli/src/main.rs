//! The `keyward` command: starts the server or talks to one, and verifies evidence without one.
//!
//! It decides nothing about keys: what may be done is the server's decision. Secrets are never arguments, and leave this
//! process only where the user says. Read next: `args` (what can be typed), `commands` (what is done), `exit` (how it
//! ends), `server_side` (the only place that touches the server's code).
#![forbid(unsafe_code)]

mod args;
mod bench;
mod commands;
mod config;
mod exit;
mod files;
mod out;
mod sealed_file;
mod secret_input;
mod server_side;
mod session;
mod verify;

use std::process::ExitCode;

fn main() -> ExitCode {
    let line = match args::parse() {
        Ok(line) => line,
        Err(failure) => return failure.report(true),
    };
    let as_json = line.global.json;
    match commands::run(line) {
        Ok(code) => code,
        Err(failure) => failure.report(as_json),
    }
}
