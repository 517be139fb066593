//! The one connection that writes. Whoever holds it is the only writer there is: the data-directory lock keeps other
//! processes out, the mutex around it other threads.
use keyward_engine::ports::store::{Batch, Change, Commit, Expect, RowKey, StoreFault};
use rusqlite::{Connection, OptionalExtension};

use super::fault::{During, fault, work};
use super::sql::statements;
use super::versions::Versions;

/// The writing connection and what it knows about row versions.
#[derive(Debug)]
pub(super) struct Writer {
    connection: Connection,
    versions: Versions,
}

impl Writer {
    /// Around a connection that was opened for writing.
    pub(super) fn new(connection: Connection, remembered_versions: usize) -> Self {
        Self {
            connection,
            versions: Versions::new(remembered_versions),
        }
    }

    /// The connection, for what is not a commit.
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// One durable transaction. All of a batch's expectations are checked before its first change, so a conflict
    /// leaves nothing to undo.
    // CRASH: until the frame that ends the transaction is synced, none of the batches is there after a restart.
    pub(super) fn commit(&mut self, batches: Vec<Batch>) -> Result<Vec<Commit>, StoreFault> {
        let outcome = self.transact(batches);
        if outcome.is_err() {
            // What it learnt belongs to a transaction that is not there.
            self.versions.forget_all();
            if !self.connection.is_autocommit() {
                // The first fault is the one to report; a failing rollback leaves the transaction open, and then
                // the next BEGIN fails.
                let _ = self.connection.execute_batch("ROLLBACK");
            }
        }
        outcome
    }

    fn transact(&mut self, batches: Vec<Batch>) -> Result<Vec<Commit>, StoreFault> {
        self.run("BEGIN IMMEDIATE", During::Work)?;
        let outcomes: Result<Vec<Commit>, StoreFault> =
            batches.into_iter().map(|batch| self.apply(batch)).collect();
        let outcomes = outcomes?;
        self.run("COMMIT", During::Commit)?;
        Ok(outcomes)
    }

    fn run(&self, sql: &str, during: During) -> Result<(), StoreFault> {
        let mut statement = self.connection.prepare_cached(sql).map_err(work)?;
        statement
            .execute([])
            .map(|_| ())
            .map_err(|error| fault(&error, during))
    }

    fn apply(&mut self, batch: Batch) -> Result<Commit, StoreFault> {
        for Expect { row, version } in batch.expect {
            let found = self.version(&row)?;
            if found != version {
                return Ok(Commit::Conflict { row, found });
            }
        }
        for change in batch.changes {
            self.change(change)?;
        }
        Ok(Commit::Done)
    }

    /// The row's version within the transaction; 0 if it is absent.
    fn version(&mut self, row: &RowKey) -> Result<u64, StoreFault> {
        if let Some(version) = self.versions.find(row) {
            return Ok(version);
        }
        let mut statement = self
            .connection
            .prepare_cached(&statements(row.table).version)
            .map_err(work)?;
        let found: Option<i64> = statement
            .query_row([&row.key], |found| found.get(0))
            .optional()
            .map_err(work)?;
        let version = found.map_or(0, i64::cast_unsigned);
        self.versions.remember(row.clone(), version);
        Ok(version)
    }

    fn change(&mut self, change: Change) -> Result<(), StoreFault> {
        match change {
            Change::Put {
                row,
                version,
                value,
            } => {
                let mut statement = self
                    .connection
                    .prepare_cached(&statements(row.table).put)
                    .map_err(work)?;
                statement
                    .execute((&row.key, version.cast_signed(), &value))
                    .map_err(work)?;
                drop(statement);
                self.versions.remember(row, version);
            }
            Change::Delete { row } => {
                let mut statement = self
                    .connection
                    .prepare_cached(&statements(row.table).delete)
                    .map_err(work)?;
                statement.execute([&row.key]).map_err(work)?;
                drop(statement);
                self.versions.remember(row, 0);
            }
        }
        Ok(())
    }
}
