//! Where time comes from.
use keyward_core::time::Now;

/// Reads both clocks together.
///
/// The wall clock may step either way at any moment; service time runs only while this process does and never
/// goes back. Both are trusted for ordinary use; irreversible jobs compare them (DESIGN §5).
pub trait Clock: Send + Sync {
    /// One reading.
    fn now(&self) -> Now;
}
