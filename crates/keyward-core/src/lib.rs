//! The pure core of Keyward: no I/O, no async, no clock, no randomness, no cryptographic library.
//!
//! What stands here are the meanings on which everything else agrees: identifiers, objects and their states,
//! commands, the approval table, the decision itself, the audit record and the tamper-evident log.
//! Whatever the core needs from the world (time, hashes, random identifiers) is handed to it as a value.
//!
//! Read next: [`command`] (what can be asked), [`object`] and [`state`] (what it is asked of),
//! [`decide`] (how it is answered), [`record`] (what remains of it).
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod algorithm;
pub mod approval;
pub mod cbor;
pub mod ciphertext;
pub mod command;
pub mod decide;
pub mod errors;
pub mod ids;
pub mod limits;
pub mod name;
pub mod object;
pub mod outcome;
pub mod policy_facts;
pub mod puncture;
pub mod record;
pub mod role;
pub mod secret;
pub mod spki;
pub mod state;
pub mod time;
pub mod tlog;

pub use errors::{ErrorCode, Problem};
