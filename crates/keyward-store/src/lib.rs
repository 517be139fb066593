//! Adapters of the engine's store port: [`MemoryStore`] for tests and rehearsal, [`SqliteStore`] for a single server.
//!
//! Both are judged by the same conformance suite (`keyward-testkit`, `store_conformance`). Rows arrive here already
//! sealed and authenticated: nothing in this crate may look into a value, log one, or put one into an error.
//!
//! Where to read next: [`keyward_engine::ports::store`] for the promises, `sqlite/mod.rs` for how they are kept.
#![forbid(unsafe_code)]

mod memory;
mod range;
mod sqlite;

pub use memory::MemoryStore;
pub use sqlite::{DATABASE_FILE, IntegrityReport, LOCK_FILE, SqliteOptions, SqliteStore};
