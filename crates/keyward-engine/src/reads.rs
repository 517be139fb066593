//! Which rows a decision rests on, by fingerprint: eight bytes each, so that what is handed to the writer is small and
//! nothing has to be freed over there.
//!
//! Two rows with the same fingerprint cost a decision that is made once more than needed, never one that is missed: equal
//! rows always have equal fingerprints. The hash is keyed by chance at each start, so nobody can choose rows that clash.
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher, RandomState};
use std::sync::OnceLock;

use crate::ports::store::RowKey;

/// A row's fingerprint, good in this process only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Mark(u64);

impl Mark {
    pub(crate) fn of(row: &RowKey) -> Self {
        static KEY: OnceLock<RandomState> = OnceLock::new();
        Self(KEY.get_or_init(RandomState::new).hash_one(row))
    }
}

/// Takes a fingerprint for its own hash: it is one already.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Already(u64);

impl Hasher for Already {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        // Fingerprints come through `write_u64`; whatever else came would still be spread.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// Something for each fingerprint.
pub(crate) type ByMark<T> = HashMap<Mark, T, BuildHasherDefault<Already>>;
/// Fingerprints.
pub(crate) type Marks = HashSet<Mark, BuildHasherDefault<Already>>;

/// What a decision rests on.
#[derive(Debug, Default)]
pub(crate) struct Reads(Vec<Mark>);

impl Reads {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self(Vec::with_capacity(rows))
    }

    /// Notes a row that is not needed any more.
    pub(crate) fn push(&mut self, row: RowKey) {
        self.note(&row);
    }

    /// Notes a row.
    pub(crate) fn note(&mut self, row: &RowKey) {
        self.0.push(Mark::of(row));
    }

    pub(crate) fn marks(&self) -> impl Iterator<Item = Mark> + '_ {
        self.0.iter().copied()
    }
}
