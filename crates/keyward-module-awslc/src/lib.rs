//! The FIPS software module: the only crate of the server that computes on keys.
//!
//! [`AwsLcModule`] implements the engine's `Module` port on AWS-LC FIPS 3.1.0 and nothing else. It must never compute a
//! primitive of its own, hand material out except where the port says so, or claim an approval that the module's
//! indicator did not give.
//!
//! Read next: `start` (what is checked before the first use), `operate` (one arm per operation), `services` (the
//! indicator bracket), `slab` and `shim` (where key bytes live), [`approvals`] (what is approved and why).
//! `data_key` (what clients encrypt files with). `docs/cryptography.md` says the same for people.
#![deny(unsafe_op_in_unsafe_fn)]

pub mod approvals;
mod data_key;
mod derive;
mod describe;
mod establish;
mod harden;
mod material;
mod operate;
mod services;
mod shim;
mod sign;
mod slab;
mod spki;
mod start;
mod symmetric;
mod table;
mod tree;
mod wrap;

pub use data_key::{CHUNK_IV_LEN, CHUNK_OVERHEAD, DATA_KEY_LEN, DataKey};
pub use harden::{HardeningReport, Measure, harden_process};
pub use slab::MemoryReport;
pub use start::{AwsLcModule, Config, StartFault};
