//! See ARCHITECTURE.md.
#![forbid(unsafe_code)]

pub mod faulty_store;
pub mod store_conformance;
