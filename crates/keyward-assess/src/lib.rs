//! Finds the cryptography on a system, judges it, and says what to do.
//!
//! The flow is one line: `walk` gives bytes to `detect`, `config` and `source`, which give
//! findings; `judge` adds status, strength and issues from one table; `plan` turns them with the answers of
//! an interview into gaps and a roadmap; `report` writes them down.
//!
//! What this crate must never do: write to what it scans, decrypt anything, run a key derivation, compute
//! with a private key, or let a byte of secret material into a finding, a message or a report.
#![forbid(unsafe_code)]

pub mod ber;
pub mod cli;
pub mod config;
pub mod detect;
pub mod finding;
pub mod host;
pub mod judge;
pub mod limits;
pub mod oid;
pub mod plan;
pub mod probe;
pub mod report;
pub mod sandbox;
pub mod source;
pub mod walk;
