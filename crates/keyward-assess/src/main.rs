//! The `keyward-assess` executable: parses the command line and hands it to the library.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match keyward_assess::cli::run(keyward_assess::cli::Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("keyward-assess: {error}");
            ExitCode::FAILURE
        }
    }
}
