//! Time as a value: UTC milliseconds, durations in milliseconds, never read here.
use minicbor::{Decode, Encode};

/// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Default)]
#[cbor(transparent)]
pub struct Timestamp(#[n(0)] pub u64);

impl Timestamp {
    /// This instant plus a duration, saturating.
    #[must_use]
    pub const fn plus(self, duration: Millis) -> Self {
        Self(self.0.saturating_add(duration.0))
    }
    /// How long after `earlier`; zero when it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Millis {
        Millis(self.0.saturating_sub(earlier.0))
    }
}

/// A length of time in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Default)]
#[cbor(transparent)]
pub struct Millis(#[n(0)] pub u64);

impl Millis {
    /// One day.
    pub const DAY: Self = Self(86_400_000);
    /// One hour.
    pub const HOUR: Self = Self(3_600_000);
    /// One second.
    pub const SECOND: Self = Self(1_000);
    /// So many days.
    #[must_use]
    pub const fn days(count: u64) -> Self {
        Self(Self::DAY.0.saturating_mul(count))
    }
}

/// One reading of both clocks, taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The wall clock.
    pub wall: Timestamp,
    /// Time in service: runs only while the server does, never steps.
    pub service: Millis,
}
