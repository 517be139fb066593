//! When which fault happens: written down call by call, or drawn from a seed.
use std::collections::BTreeMap;
use std::time::Duration;

use keyward_engine::ports::store::{Batch, StoreFault};

use super::{CommitFault, ReadFault};

/// Decides about faults. Asked once per call, in the order of calls.
pub trait Faults: Send {
    /// How the commit of this number fails, if it does.
    fn commit(&mut self, number: u64, batches: &[Batch]) -> Option<CommitFault>;

    /// How the read of this number fails, if it does.
    fn read(&mut self, number: u64) -> Option<ReadFault>;

    /// How long the call takes on top.
    fn delay(&mut self) -> Option<Duration>;
}

/// Faults at given calls; none elsewhere.
#[derive(Debug, Clone, Default)]
pub struct Script {
    commits: BTreeMap<u64, CommitFault>,
    reads: BTreeMap<u64, ReadFault>,
    delay: Option<Duration>,
}

impl Script {
    /// No faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The commit of this number fails so.
    #[must_use]
    pub fn commit(mut self, number: u64, fault: CommitFault) -> Self {
        self.commits.insert(number, fault);
        self
    }

    /// The read of this number fails so.
    #[must_use]
    pub fn read(mut self, number: u64, fault: ReadFault) -> Self {
        self.reads.insert(number, fault);
        self
    }

    /// Every call takes this much longer.
    #[must_use]
    pub const fn delay(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }
}

impl Faults for Script {
    fn commit(&mut self, number: u64, _batches: &[Batch]) -> Option<CommitFault> {
        self.commits.remove(&number)
    }

    fn read(&mut self, number: u64) -> Option<ReadFault> {
        self.reads.remove(&number)
    }

    fn delay(&mut self) -> Option<Duration> {
        self.delay
    }
}

/// How often what happens, in calls of a thousand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rates {
    /// Commits that fail before persisting.
    pub before: u64,
    /// Commits that fail after persisting.
    pub after: u64,
    /// Commits that stop between two batches.
    pub torn: u64,
    /// Reads that are refused.
    pub refused: u64,
    /// Reads that are answered with something that is not stored now.
    pub lies: u64,
    /// Calls that take up to 50 ms longer.
    pub delays: u64,
}

/// Faults drawn from a seed.
#[derive(Debug, Clone)]
pub struct Seeded {
    random: SplitMix,
    rates: Rates,
}

impl Seeded {
    /// The same seed and rates fail the same way at the same calls.
    #[must_use]
    pub const fn new(seed: u64, rates: Rates) -> Self {
        Self {
            random: SplitMix::new(seed),
            rates,
        }
    }

    fn lie(&mut self) -> ReadFault {
        match self.random.below(3) {
            0 => ReadFault::Replay,
            1 => ReadFault::Missing,
            _ => ReadFault::Flip {
                byte: usize::try_from(self.random.below(1 << 16)).unwrap_or(0),
                mask: 1_u8.rotate_left(u32::try_from(self.random.below(8)).unwrap_or(0)),
            },
        }
    }
}

impl Faults for Seeded {
    fn commit(&mut self, _number: u64, batches: &[Batch]) -> Option<CommitFault> {
        let Rates {
            before,
            after,
            torn,
            ..
        } = self.rates;
        let drawn = self.random.below(1000);
        if drawn < before {
            return Some(CommitFault::Before(match self.random.below(3) {
                0 => StoreFault::Full,
                1 => StoreFault::ReadOnly,
                _ => StoreFault::Unavailable("the plan says so"),
            }));
        }
        if drawn < before.saturating_add(after) {
            return Some(CommitFault::After);
        }
        if drawn < before.saturating_add(after).saturating_add(torn) {
            let batches = u64::try_from(batches.len())
                .unwrap_or(u64::MAX)
                .saturating_add(1);
            return Some(CommitFault::Torn(
                usize::try_from(self.random.below(batches)).unwrap_or(0),
            ));
        }
        None
    }

    fn read(&mut self, _number: u64) -> Option<ReadFault> {
        let Rates { refused, lies, .. } = self.rates;
        let drawn = self.random.below(1000);
        if drawn < refused {
            return Some(ReadFault::Refuse(StoreFault::Unavailable(
                "the plan says so",
            )));
        }
        (drawn < refused.saturating_add(lies)).then(|| self.lie())
    }

    fn delay(&mut self) -> Option<Duration> {
        let delayed = self.random.below(1000) < self.rates.delays;
        delayed.then(|| Duration::from_millis(self.random.below(50).saturating_add(1)))
    }
}

/// A small generator for tests (SplitMix64): the same everywhere and for ever, and no secret in sight.
#[derive(Debug, Clone)]
pub struct SplitMix(u64);

impl SplitMix {
    /// From a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 if the limit is 0. The bias is below 2^-32 for limits up to 2^32.
    pub const fn below(&mut self, limit: u64) -> u64 {
        match self.next_u64().checked_rem(limit) {
            Some(number) => number,
            None => 0,
        }
    }
}
