//! The versions of rows the writer met lately, so that checking a hot row needs no search in the database.
//!
//! It may be believed because its owner is the only writer. It must be emptied whenever a transaction does not end
//! in a known commit.
use std::collections::HashMap;
use std::mem;

use keyward_engine::ports::store::RowKey;

/// A bounded memory in two generations: what was not met again while a generation filled up is forgotten.
#[derive(Debug)]
pub(super) struct Versions {
    young: HashMap<RowKey, u64>,
    old: HashMap<RowKey, u64>,
    capacity: usize,
}

impl Versions {
    /// Remembers at most twice `capacity` rows.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            capacity,
        }
    }

    /// The version, if it is remembered (0: the row is known to be absent).
    pub(super) fn find(&mut self, row: &RowKey) -> Option<u64> {
        if let Some(version) = self.young.get(row) {
            return Some(*version);
        }
        let (row, version) = self.old.remove_entry(row)?;
        self.remember(row, version);
        Some(version)
    }

    /// Notes the row's version as of now.
    pub(super) fn remember(&mut self, row: RowKey, version: u64) {
        if self.young.len() >= self.capacity && !self.young.contains_key(&row) {
            self.old = mem::take(&mut self.young);
        }
        // A stale entry in `old` is hidden by the one in `young`, and both generations cannot swap places.
        self.young.insert(row, version);
    }

    /// Forgets everything.
    pub(super) fn forget_all(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}
