//! The statements, one set per table, built once. Table names come from numbers only, never from input.
use std::sync::LazyLock;

use keyward_engine::ports::store::Table;

/// Rows with big values that are appended in key order and hardly ever changed.
///
/// They lie in a rowid table with a unique index: SQLite keeps a value of up to a page in a rowid leaf, but moves
/// everything above a quarter of a page out of a `WITHOUT ROWID` leaf into overflow pages of its own.
const APPENDED: [Table; 2] = [Table::LogBatch, Table::LogSegment];

/// Every statement of one table.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) create: String,
    pub(super) get: String,
    pub(super) version: String,
    pub(super) put: String,
    pub(super) delete: String,
    scan: [String; 4],
    last: [String; 2],
}

impl Statements {
    /// Rows in order: parameters are the start, the limit, and the end if there is one.
    pub(super) fn scan(&self, start_excluded: bool, has_end: bool) -> &str {
        let [open, open_end, after, after_end] = &self.scan;
        match (start_excluded, has_end) {
            (false, false) => open,
            (false, true) => open_end,
            (true, false) => after,
            (true, true) => after_end,
        }
    }

    /// The last row: parameters are the start, and the end if there is one.
    pub(super) fn last(&self, has_end: bool) -> &str {
        let [open, end] = &self.last;
        if has_end { end } else { open }
    }

    fn of(table: Table) -> Self {
        let name = table_name(table);
        let create = if APPENDED.contains(&table) {
            format!(
                "CREATE TABLE {name}(key BLOB NOT NULL UNIQUE, version INTEGER NOT NULL, value BLOB NOT NULL) STRICT"
            )
        } else {
            format!(
                "CREATE TABLE {name}(key BLOB NOT NULL PRIMARY KEY, version INTEGER NOT NULL, value BLOB NOT NULL) \
                 STRICT, WITHOUT ROWID"
            )
        };
        let scan = |condition: &str| {
            format!(
                "SELECT key, version, value FROM {name} WHERE {condition} ORDER BY key LIMIT ?2"
            )
        };
        let last = |condition: &str| {
            format!(
                "SELECT key, version, value FROM {name} WHERE {condition} ORDER BY key DESC LIMIT 1"
            )
        };
        Self {
            create,
            get: format!("SELECT version, value FROM {name} WHERE key = ?1"),
            version: format!("SELECT version FROM {name} WHERE key = ?1"),
            put: format!(
                "INSERT INTO {name}(key, version, value) VALUES(?1, ?2, ?3) \
                 ON CONFLICT(key) DO UPDATE SET version = ?2, value = ?3"
            ),
            delete: format!("DELETE FROM {name} WHERE key = ?1"),
            scan: [
                scan("key >= ?1"),
                scan("key >= ?1 AND key < ?3"),
                scan("key > ?1"),
                scan("key > ?1 AND key < ?3"),
            ],
            last: [last("key >= ?1"), last("key >= ?1 AND key < ?2")],
        }
    }
}

/// The name of a table in the database.
pub(super) fn table_name(table: Table) -> String {
    format!("t_{}", table.number())
}

static ALL: LazyLock<[Statements; Table::ALL.len()]> =
    LazyLock::new(|| Table::ALL.map(Statements::of));

/// The statements of a table.
pub(super) fn statements(table: Table) -> &'static Statements {
    // INVARIANT: `Table::ALL` lists the tables in number order without a gap (test below), so this cannot go out of bounds.
    &ALL[usize::from(table.number())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_finds_its_own_statements() {
        for (position, table) in Table::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(table.number()), position);
            assert!(
                statements(table)
                    .get
                    .contains(&format!("FROM t_{position} "))
            );
        }
    }
}
