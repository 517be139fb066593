//! The engine's ports: small promises that adapters keep, judged by one conformance suite each.
//!
//! A port has at most six methods and no default ones: what an adapter cannot do, it says by a typed fault
//! that agrees with what it describes of itself.
pub mod clock;
pub mod module;
pub mod seal;
pub mod store;
pub mod witness;
