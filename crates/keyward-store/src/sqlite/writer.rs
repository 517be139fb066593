//! The one connection that writes. Whoever holds it is the only writer there is: the data-directory lock keeps other
//! processes out, the mutex around it other threads.
use keyward_engine::ports::store::{Batch, Change, Commit, Expect, RowKey, StoreFault};
use rusqlite::{Connection, OptionalExtension};

use super::fault::{During, Failure};
use super::journal::{Emptying, Journal};
use super::medium::Medium;
use super::sql::statements;
use super::versions::Versions;

/// The writing connection and what belongs to writing.
#[derive(Debug)]
pub(super) struct Writer {
    connection: Connection,
    versions: Versions,
    journal: Journal,
    medium: Medium,
    emptying: Schedule,
    /// A commit's or a sync's outcome is unknown: nothing may be written any more.
    stopped: bool,
}

/// When to empty the journal.
#[derive(Debug)]
struct Schedule {
    every: u64,
    at: u64,
    last: u64,
}

impl Schedule {
    /// Whether it is time, now that the journal has this many pages.
    fn is_due(&mut self, pages: u64) -> bool {
        if pages < self.last {
            // A commit has started the journal over.
            self.at = self.every;
        }
        self.last = pages;
        let due = pages >= self.at;
        if due {
            // If readers or a full disk prevent it, it is tried again only after as many pages more.
            self.at = pages.saturating_add(self.every);
        }
        due
    }
}

impl Writer {
    /// Around a connection that was opened for writing.
    pub(super) fn new(
        connection: Connection,
        journal: Journal,
        medium: Medium,
        options: &super::SqliteOptions,
    ) -> Self {
        let every = u64::from(options.journal_pages);
        Self {
            connection,
            versions: Versions::new(options.remembered_versions),
            journal,
            medium,
            emptying: Schedule {
                every,
                at: every,
                last: 0,
            },
            stopped: false,
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
        let urgent = batches.iter().all(|batch| batch.urgent);
        if !urgent {
            self.medium.require_reserve()?;
        }
        let again = urgent.then(|| batches.clone());
        let mut outcome = self.transaction(batches);
        if let (Err(StoreFault::Full), Some(batches)) = (&outcome, again)
            && self.medium.release_reserve()
        {
            outcome = self.transaction(batches);
        }
        let answers = self.stop_if_unknown(outcome)?;
        // After the commit, and before its answer: it slows this one down and not a commit that waits behind it
        // for nothing of its own.
        self.empty_if_due()?;
        Ok(answers)
    }

    /// Wipes, empties and cuts the journal.
    pub(super) fn scrub(&mut self) -> Result<(), StoreFault> {
        let mut outcome = self.empty(Emptying::Truncate);
        if matches!(outcome, Err(StoreFault::Full)) && self.medium.release_reserve() {
            outcome = self.empty(Emptying::Truncate);
        }
        self.stop_if_unknown(outcome)
    }

    fn empty_if_due(&mut self) -> Result<(), StoreFault> {
        let pages = self
            .journal
            .frames(&self.connection)
            .map_err(|failure| failure.judge(&self.medium))?;
        if !self.emptying.is_due(pages) {
            return Ok(());
        }
        match self.empty(Emptying::Passive) {
            // The commit stands in the journal; emptying it can wait for room or for a reader.
            Ok(()) | Err(StoreFault::Full | StoreFault::ReadOnly | StoreFault::Unavailable(_)) => {
                Ok(())
            }
            Err(_) => {
                self.stop_if_unknown(Err(StoreFault::Unknown("the journal cannot be emptied")))
            }
        }
    }

    fn empty(&mut self, emptying: Emptying) -> Result<(), StoreFault> {
        let emptied = self.journal.empty(&self.connection, emptying);
        emptied.map_err(|failure| failure.judge(&self.medium))
    }

    fn stop_if_unknown<T>(&mut self, outcome: Result<T, StoreFault>) -> Result<T, StoreFault> {
        self.stopped |= matches!(outcome, Err(StoreFault::Unknown(_)));
        outcome
    }

    fn transaction(&mut self, batches: Vec<Batch>) -> Result<Vec<Commit>, StoreFault> {
        self.transact(batches).map_err(|failure| {
            // What it learnt belongs to a transaction that is not there.
            self.versions.forget_all();
            if !self.connection.is_autocommit() {
                // The first failure is the one to report; a rollback that fails leaves the transaction open, and
                // then the next BEGIN fails.
                let _ = self.connection.execute_batch("ROLLBACK");
            }
            failure.judge(&self.medium)
        })
    }

    fn transact(&mut self, batches: Vec<Batch>) -> Result<Vec<Commit>, Failure> {
        self.connection
            .prepare_cached("BEGIN IMMEDIATE")?
            .execute([])?;
        let mut answers = Vec::with_capacity(batches.len());
        for batch in batches {
            answers.push(self.apply(batch)?);
        }
        let mut commit = self.connection.prepare_cached("COMMIT")?;
        commit
            .execute([])
            .map_err(|error| Failure::Sql(error, During::Commit))?;
        Ok(answers)
    }

    fn apply(&mut self, batch: Batch) -> Result<Commit, Failure> {
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
    fn version(&mut self, row: &RowKey) -> Result<u64, Failure> {
        if let Some(version) = self.versions.find(row) {
            return Ok(version);
        }
        let mut statement = self
            .connection
            .prepare_cached(&statements(row.table).version)?;
        let found: Option<i64> = statement
            .query_row([&row.key], |found| found.get(0))
            .optional()?;
        let version = found.map_or(0, i64::cast_unsigned);
        self.versions.remember(row.clone(), version);
        Ok(version)
    }

    fn change(&mut self, change: Change) -> Result<(), Failure> {
        match change {
            Change::Put {
                row,
                version,
                value,
            } => {
                let mut statement = self.connection.prepare_cached(&statements(row.table).put)?;
                statement.execute((&row.key, version.cast_signed(), &value))?;
                self.versions.remember(row, version);
            }
            Change::Delete { row } => {
                let mut statement = self
                    .connection
                    .prepare_cached(&statements(row.table).delete)?;
                statement.execute([&row.key])?;
                self.versions.remember(row, 0);
            }
        }
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.stopped {
            // So that the database file is whole by itself; if it fails, the journal has everything.
            let _ = self.empty(Emptying::Truncate);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emptying_is_due_every_so_many_pages_and_anew_when_the_journal_starts_over() {
        let mut schedule = Schedule {
            every: 100,
            at: 100,
            last: 0,
        };
        assert!(!schedule.is_due(99));
        assert!(schedule.is_due(100));
        // It was held up: not at every commit from now on.
        assert!(!schedule.is_due(101));
        assert!(!schedule.is_due(199));
        assert!(schedule.is_due(205));
        assert!(!schedule.is_due(4));
        assert!(!schedule.is_due(99));
        assert!(schedule.is_due(150));
    }
}
