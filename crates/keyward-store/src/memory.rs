//! The store in memory: for tests, simulations and rehearsals. Nothing survives the process, and it says so.
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use keyward_engine::ports::store::{
    Batch, Change, Commit, Row, RowKey, Rows, Store, StoreDescription, StoreFault, Table,
};
use parking_lot::RwLock;

use crate::range::{prefix_end, refuse_version_zero, scan_start};

/// A [`Store`] in memory. A commit holds the one write lock, so it is serialisable and readers see whole commits only.
#[derive(Debug, Default)]
pub struct MemoryStore {
    rows: RwLock<BTreeMap<RowKey, Row>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A copy of everything in it, sharing the values: what a simulated disk holds at this moment.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            rows: RwLock::new(self.rows.read().clone()),
        }
    }
}

impl Store for MemoryStore {
    fn get(&self, row: &RowKey) -> Result<Option<Row>, StoreFault> {
        Ok(self.rows.read().get(row).cloned())
    }

    fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Rows, StoreFault> {
        let from = scan_start(prefix, after).map(|key| RowKey {
            table,
            key: key.to_vec(),
        });
        let rows = self.rows.read();
        let found = rows
            .range((from, Bound::Unbounded))
            .take_while(|(at, _)| covers(table, prefix, at));
        Ok(found
            .take(limit)
            .map(|(at, row)| (at.key.clone(), row.clone()))
            .collect())
    }

    fn last(&self, table: Table, prefix: &[u8]) -> Result<Option<(Vec<u8>, Row)>, StoreFault> {
        let rows = self.rows.read();
        let mut candidates = match prefix_end(prefix) {
            Some(end) => rows.range(..RowKey { table, key: end }),
            None => match Table::ALL.iter().find(|other| **other > table) {
                Some(next) => rows.range(
                    ..RowKey {
                        table: *next,
                        key: Vec::new(),
                    },
                ),
                None => rows.range::<RowKey, _>(..),
            },
        };
        let last = candidates
            .next_back()
            .filter(|(at, _)| covers(table, prefix, at));
        Ok(last.map(|(at, row)| (at.key.clone(), row.clone())))
    }

    fn commit(&self, batches: Vec<Batch>) -> Result<Vec<Commit>, StoreFault> {
        refuse_version_zero(&batches)?;
        let mut rows = self.rows.write();
        Ok(batches
            .into_iter()
            .map(|batch| apply(&mut rows, batch))
            .collect())
    }

    fn scrub(&self) -> Result<(), StoreFault> {
        Ok(())
    }

    fn describe(&self) -> Result<StoreDescription, StoreFault> {
        let rows = self.rows.read();
        let size = |(at, row): (&RowKey, &Row)| at.key.len().saturating_add(row.value.len());
        let used = rows.iter().map(size).fold(0_usize, usize::saturating_add);
        Ok(StoreDescription {
            name: "memory".to_owned(),
            used_bytes: u64::try_from(used).unwrap_or(u64::MAX),
            free_bytes: None,
            durable: false,
        })
    }
}

/// Whether the row at `at` belongs to this table and prefix.
fn covers(table: Table, prefix: &[u8], at: &RowKey) -> bool {
    at.table == table && at.key.starts_with(prefix)
}

/// Checks every expectation, then applies every change, so that a conflict leaves nothing behind.
fn apply(rows: &mut BTreeMap<RowKey, Row>, batch: Batch) -> Commit {
    for expect in batch.expect {
        let found = rows.get(&expect.row).map_or(0, |row| row.version);
        if found != expect.version {
            return Commit::Conflict {
                row: expect.row,
                found,
            };
        }
    }
    for change in batch.changes {
        match change {
            Change::Put {
                row,
                version,
                value,
            } => {
                rows.insert(
                    row,
                    Row {
                        version,
                        value: Arc::from(value),
                    },
                );
            }
            Change::Delete { row } => {
                rows.remove(&row);
            }
        }
    }
    Commit::Done
}
