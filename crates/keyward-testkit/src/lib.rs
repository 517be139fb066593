//! See ARCHITECTURE.md.

pub mod faulty_store;
pub mod store_conformance;
