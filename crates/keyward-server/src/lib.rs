//! The composition root: module, store, engine, listener. It authenticates nobody and decides nothing; the engine does.
//!
//! Read next: `run.rs` (start to stop), `listener.rs` (a connection), `handler.rs` (a request).
#![forbid(unsafe_code)]

pub mod archive;
pub mod bench;
pub mod check;
pub mod clock;
mod gate;
mod handler;
pub mod init;
mod listener;
mod metrics;
mod parts;
mod peers;
pub mod run;
mod wire;
pub mod witness;
pub mod witnesses;

pub use keyward_engine::measure;
pub use parts::StartError;
