//! The store port's promises as tests that every adapter has to pass.
//!
//! An adapter calls [`run`] with a way to make fresh places to store in. A check panics with what it found; its name
//! in [`CHECKS`] says the fact it proves.
use std::io::Write as _;
use std::sync::Arc;

use keyward_engine::ports::store::{
    Batch, Change, Commit, Expect, Row, RowKey, Store, StoreFault, Table,
};

mod concurrent;
mod model;
mod rows;
mod scans;
mod swaps;

pub use self::model::Model;

/// A fresh place where one store can live, for example a temporary directory.
pub trait Place {
    /// Makes the store, empty. Called once.
    fn create(&self) -> Arc<dyn Store>;

    /// Opens it again after every handle to it was dropped; none if it does not outlive its process.
    fn reopen(&self) -> Option<Arc<dyn Store>>;
}

/// Makes fresh places.
pub type Factory<'a> = &'a dyn Fn() -> Box<dyn Place>;

/// One fact about stores.
pub struct Check {
    /// The fact.
    pub name: &'static str,
    /// Panics if it does not hold.
    pub prove: fn(Factory<'_>),
}

/// Every fact.
pub const CHECKS: &[&[Check]] = &[
    rows::CHECKS,
    swaps::CHECKS,
    scans::CHECKS,
    concurrent::CHECKS,
    model::CHECKS,
];

/// Proves every fact about the adapter's stores.
///
/// # Panics
/// With the name of the fact that does not hold, after what the check itself said.
pub fn run(factory: Factory<'_>) {
    for check in CHECKS.iter().copied().flatten() {
        let _context = Context(check.name);
        (check.prove)(factory);
    }
}

/// Names the check whose panic is passing through.
struct Context(&'static str);

impl Drop for Context {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Standard error may be closed; the panic itself still fails the test.
            let _ = writeln!(std::io::stderr(), "this does not hold: {}", self.0);
        }
    }
}

/// A store in a fresh place, for checks that never reopen it.
struct Fresh {
    store: Arc<dyn Store>,
    _place: Box<dyn Place>,
}

impl Fresh {
    fn of(factory: Factory<'_>) -> Self {
        let place = factory();
        Self {
            store: place.create(),
            _place: place,
        }
    }
}

impl std::ops::Deref for Fresh {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}

/// The table most checks use.
const TABLE: Table = Table::Object;

fn at(table: Table, key: &[u8]) -> RowKey {
    RowKey {
        table,
        key: key.to_vec(),
    }
}

fn here(key: &[u8]) -> RowKey {
    at(TABLE, key)
}

fn expect(row: RowKey, version: u64) -> Expect {
    Expect { row, version }
}

fn put(row: RowKey, version: u64, value: &[u8]) -> Change {
    Change::Put {
        row,
        version,
        value: value.to_vec(),
    }
}

fn delete(row: RowKey) -> Change {
    Change::Delete { row }
}

fn batch(expect: Vec<Expect>, changes: Vec<Change>) -> Batch {
    Batch {
        expect,
        changes,
        urgent: false,
    }
}

/// Expects the version and writes the next one.
fn swap(row: RowKey, version: u64, value: &[u8]) -> Batch {
    batch(
        vec![expect(row.clone(), version)],
        vec![put(row, version + 1, value)],
    )
}

fn conflict(row: RowKey, found: u64) -> Commit {
    Commit::Conflict { row, found }
}

fn row(version: u64, value: &[u8]) -> Row {
    Row {
        version,
        value: Arc::from(value),
    }
}

/// Commits one batch that must succeed.
fn done(store: &dyn Store, batch: Batch) {
    assert_eq!(store.commit(vec![batch]), Ok(vec![Commit::Done]));
}

fn get(store: &dyn Store, key: &RowKey) -> Option<Row> {
    store.get(key).expect("a read of a healthy store")
}

/// Everything in a table, in key order.
fn everything(store: &dyn Store, table: Table) -> Vec<(Vec<u8>, Row)> {
    store
        .scan(table, b"", None, usize::MAX)
        .expect("a scan of a healthy store")
}

fn is_unavailable<T>(answer: &Result<T, StoreFault>) -> bool {
    matches!(answer, Err(StoreFault::Unavailable(_)))
}
