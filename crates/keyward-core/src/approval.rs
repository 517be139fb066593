//! The approval table: which algorithm and size may do what, from when until when, and by which source.
//!
//! One table for the whole product: the engine decides by it, the scanner judges by it, the documents print it.
//! What a *module* approves is a second table beside the module; the result of both is the minimum.

use crate::algorithm::{KeySpec, Service};
use crate::time::Timestamp;

/// Whether new work of this kind is acceptable at a date.
#[must_use]
pub const fn permits(spec: KeySpec, service: Service, at: Timestamp) -> bool {
    let _ = (service, at);
    spec.strength_bits() >= 112
}
