//! Connections that only read. Each read is its own snapshot of what is committed at that moment.
use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use keyward_engine::ports::store::{Row, RowKey, Rows, StoreFault, Table};
use parking_lot::{Mutex, MutexGuard};
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::ops::Bound;

use super::fault::work;
use super::sql::statements;
use crate::range::{prefix_end, scan_start};

/// A fixed number of connections; a thread keeps to its own as long as nobody else is in it.
#[derive(Debug)]
pub(super) struct Readers {
    connections: Vec<Mutex<Connection>>,
}

impl Readers {
    /// Opens `count` connections, at least one.
    pub(super) fn open(database: &Path, count: usize) -> Result<Self, StoreFault> {
        let connections: Result<Vec<_>, _> = (0..count.max(1))
            .map(|_| open(database).map(Mutex::new))
            .collect();
        Ok(Self {
            connections: connections?,
        })
    }

    /// One row.
    pub(super) fn get(&self, row: &RowKey) -> Result<Option<Row>, StoreFault> {
        let connection = self.take();
        let mut statement = connection
            .prepare_cached(&statements(row.table).get)
            .map_err(work)?;
        statement
            .query_row([&row.key], |found| row_at(found, 0))
            .optional()
            .map_err(work)
    }

    /// Rows in key order; see [`keyward_engine::ports::store::Store::scan`].
    pub(super) fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Rows, StoreFault> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let (start, excluded) = match scan_start(prefix, after) {
            Bound::Excluded(start) => (start, true),
            Bound::Included(start) => (start, false),
            Bound::Unbounded => (&[][..], false),
        };
        let end = prefix_end(prefix);
        let connection = self.take();
        let sql = statements(table).scan(excluded, end.is_some());
        let mut statement = connection.prepare_cached(sql).map_err(work)?;
        let found = match end {
            Some(end) => statement.query_map((start, limit, end), keyed_row),
            None => statement.query_map((start, limit), keyed_row),
        };
        found
            .map_err(work)?
            .collect::<Result<Rows, _>>()
            .map_err(work)
    }

    /// The row with the greatest key.
    pub(super) fn last(
        &self,
        table: Table,
        prefix: &[u8],
    ) -> Result<Option<(Vec<u8>, Row)>, StoreFault> {
        let end = prefix_end(prefix);
        let connection = self.take();
        let mut statement = connection
            .prepare_cached(statements(table).last(end.is_some()))
            .map_err(work)?;
        let found = match end {
            Some(end) => statement.query_row((prefix, end), keyed_row),
            None => statement.query_row([prefix], keyed_row),
        };
        found.optional().map_err(work)
    }

    fn take(&self) -> MutexGuard<'_, Connection> {
        let own = own_slot() % self.connections.len();
        let (before, from) = self.connections.split_at(own);
        let mut in_turn = from.iter().chain(before);
        // INVARIANT: there is at least one connection (`open`), so `own` is within bounds.
        in_turn
            .find_map(Mutex::try_lock)
            .unwrap_or_else(|| self.connections[own].lock())
    }
}

/// Which connection this thread tries first.
fn own_slot() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<usize> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed));
    }
    OWN.get()
}

fn open(database: &Path) -> Result<Connection, StoreFault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(database, flags).map_err(work)?;
    super::settle(&connection).map_err(work)?;
    connection
        .pragma_update(None, "query_only", true)
        .map_err(work)?;
    Ok(connection)
}

fn keyed_row(found: &rusqlite::Row<'_>) -> rusqlite::Result<(Vec<u8>, Row)> {
    Ok((found.get_ref(0)?.as_blob()?.to_vec(), row_at(found, 1)?))
}

fn row_at(found: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Row> {
    let version: i64 = found.get(column)?;
    let value = found.get_ref(column.saturating_add(1))?.as_blob()?;
    Ok(Row {
        version: version.cast_unsigned(),
        value: Arc::from(value),
    })
}
