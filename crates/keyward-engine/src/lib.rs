//! The only door: every command from every protocol goes through [`engine::Engine::execute`], and nothing else acts.
//!
//! Read next: `engine.rs` (the pipeline), `work.rs` (one attempt), `commands.rs` (what each command does),
//! `committer.rs` (the one writer), `custody.rs` (the key hierarchy), `ports/` (what adapters promise).
#![forbid(unsafe_code)]

pub mod archive;
mod cache;
mod caller;
pub mod check;
mod checkpoint;
mod commands;
mod committer;
pub mod cosigner;
mod cost;
mod crypto;
pub mod custody;
mod decoding;
pub mod engine;
mod health;
mod import;
mod index;
pub mod init;
mod log;
mod log_key;
pub mod measure;
mod open;
pub mod permit;
mod pkix;
mod pool;
pub mod ports;
pub mod problems;
mod quotas;
mod reads;
mod recording;
mod rejections;
mod rows;
mod scheduler;
pub mod segment;
mod settings;
mod signing;
mod stop;
mod sweep;
mod usage;
pub mod witnessing;
mod work;

pub use cache::CacheSizes;
pub use caller::{Caller, Presented, PresentedCertificate};
pub use custody::passphrase::PassphraseSeal;
#[doc(hidden)]
pub use decoding::{decode_stored, stored_records};
pub use engine::{Engine, EngineParts, Writer};
