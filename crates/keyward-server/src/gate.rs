//! How much is under way at once: past it the server answers 503 with `Retry-After`, instead of growing queues in which
//! everyone waits longer and longer.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use keyward_core::{ErrorCode, Problem};

/// Requests under way at once. At the rates that a machine reaches, more would each wait for a second or so.
const REQUESTS_MAX: usize = 8_192;
/// Bytes of bodies held at once.
const BYTES_MAX: usize = 512 << 20;

/// Counts what is under way in all connections.
#[derive(Debug)]
pub(crate) struct Gate {
    requests: AtomicUsize,
    bytes: AtomicUsize,
    requests_max: usize,
    bytes_max: usize,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new(REQUESTS_MAX, BYTES_MAX)
    }
}

/// A place in it, with room for a body; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    gate: Arc<Gate>,
    bytes: usize,
}

impl Gate {
    fn new(requests_max: usize, bytes_max: usize) -> Self {
        Self {
            requests: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            requests_max,
            bytes_max,
        }
    }

    /// A place for a request whose body may have so many bytes.
    pub(crate) fn enter(self: &Arc<Self>, bytes: usize) -> Result<Place, Problem> {
        // Both are counted before they are judged, so the place gives back exactly what was counted.
        let requests = self.requests.fetch_add(1, Ordering::AcqRel);
        let held = self.bytes.fetch_add(bytes, Ordering::AcqRel);
        let place = Place {
            gate: Arc::clone(self),
            bytes,
        };
        if requests < self.requests_max && held.saturating_add(bytes) <= self.bytes_max {
            Ok(place)
        } else {
            Err(Problem::new(ErrorCode::Overloaded))
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.gate.requests.fetch_sub(1, Ordering::AcqRel);
        self.gate.bytes.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_than_there_is_room_for_is_refused_until_one_leaves() {
        let gate = Arc::new(Gate::new(2, 1000));
        let first = gate.enter(10).unwrap();
        let second = gate.enter(10).unwrap();
        assert_eq!(gate.enter(10).unwrap_err().code, ErrorCode::Overloaded);
        drop(first);
        let third = gate.enter(10).unwrap();
        drop((second, third));
        assert_eq!(gate.requests.load(Ordering::Acquire), 0);
        assert_eq!(gate.bytes.load(Ordering::Acquire), 0);
    }

    #[test]
    fn large_bodies_are_refused_before_they_fill_the_memory() {
        let gate = Arc::new(Gate::new(100, 1000));
        let large = gate.enter(900).unwrap();
        assert_eq!(gate.enter(200).unwrap_err().code, ErrorCode::Overloaded);
        assert!(gate.enter(100).is_ok());
        drop(large);
        assert!(gate.enter(1000).is_ok());
    }
}
