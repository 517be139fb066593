//! The database's own format: which release wrote it, and the numbered steps from one format to the next.
//!
//! A step is one transaction. It takes the lock row first, so that two programs can never run steps against each
//! other (the data-directory lock already prevents it here; the rule is the same for a shared database). Steps that
//! ran are recorded with a checksum of their text: a database that was built by other text is refused, not guessed at.
use keyward_engine::ports::store::{StoreFault, Table};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use super::fault::work;
use super::sql::{statements, table_name};

#[cfg(test)]
mod tests;

/// "KWRD" in SQLite's header: this file is a Keyward database and not somebody else's.
const APPLICATION_ID: i64 = 0x4b57_5244;

/// One step to a format.
#[derive(Debug)]
pub(super) struct Migration {
    /// The format after the step.
    pub(super) number: u32,
    /// What it does, in a few words.
    pub(super) name: &'static str,
    /// Its statements.
    pub(super) sql: String,
}

/// The steps of this release. Never change one that has shipped: add the next.
pub(super) fn migrations() -> Vec<Migration> {
    let tables: Vec<&str> = Table::ALL
        .iter()
        .map(|table| statements(*table).create.as_str())
        .collect();
    vec![Migration {
        number: 1,
        name: "tables of the first release",
        sql: tables.join(";\n"),
    }]
}

/// Makes an empty file a Keyward database of format 0, to which every step still has to be applied.
pub(super) fn initialise(connection: &Connection) -> Result<(), StoreFault> {
    connection
        .execute_batch(&format!(
            "BEGIN IMMEDIATE;
             PRAGMA application_id = {APPLICATION_ID};
             CREATE TABLE schema(
                 id INTEGER PRIMARY KEY CHECK (id = 1), format INTEGER NOT NULL, migrating INTEGER) STRICT;
             CREATE TABLE migration(
                 number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum INTEGER NOT NULL) STRICT;
             INSERT INTO schema(id, format) VALUES(1, 0);
             COMMIT"
        ))
        .map_err(work)
}

/// Refuses a file that is a database, but not one of ours. Nothing may be written before this.
pub(super) fn require_ours(connection: &Connection) -> Result<(), StoreFault> {
    let application: i64 = connection
        .query_row("PRAGMA application_id", [], |row| row.get(0))
        .map_err(work)?;
    if application != APPLICATION_ID {
        return Err(StoreFault::Corrupt(
            "the file is not a database of this program",
        ));
    }
    Ok(())
}

/// Refuses a database whose tables are not those the newest format has.
pub(super) fn require_tables(connection: &Connection) -> Result<(), StoreFault> {
    let mut statement = connection
        .prepare("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1")
        .map_err(work)?;
    for table in Table::ALL {
        let found: Option<String> = statement
            .query_row([table_name(table)], |row| row.get(0))
            .optional()
            .map_err(work)?;
        if found.as_deref() != Some(&statements(table).create) {
            return Err(StoreFault::Corrupt(
                "the database does not have the tables of its format",
            ));
        }
    }
    Ok(())
}

/// Brings the database to the newest format of `steps`.
///
/// # Errors
/// [`StoreFault::TooNew`] if a newer release wrote it; [`StoreFault::Corrupt`] if it is not what the steps build.
pub(super) fn migrate(connection: &mut Connection, steps: &[Migration]) -> Result<(), StoreFault> {
    let known = steps.iter().map(|step| step.number).max().unwrap_or(0);
    let found = format(connection)?;
    if found > known {
        return Err(StoreFault::TooNew { found, known });
    }
    for step in steps {
        if step.number <= found {
            check_applied(connection, step)?;
        } else {
            apply(connection, step)?;
        }
    }
    Ok(())
}

fn format(connection: &Connection) -> Result<u32, StoreFault> {
    let found = connection
        .query_row("SELECT format FROM schema WHERE id = 1", [], |row| {
            row.get(0)
        })
        .optional();
    found
        .map_err(work)?
        .ok_or(StoreFault::Corrupt("the database does not say its format"))
}

fn check_applied(connection: &Connection, step: &Migration) -> Result<(), StoreFault> {
    let sql = "SELECT checksum FROM migration WHERE number = ?1";
    let recorded: Option<i64> = connection
        .query_row(sql, [step.number], |row| row.get(0))
        .optional()
        .map_err(work)?;
    if recorded != Some(checksum(&step.sql)) {
        return Err(StoreFault::Corrupt(
            "the database was built by other steps than this program's",
        ));
    }
    Ok(())
}

// CRASH: a step, its record and the new format are one transaction; dying anywhere leaves the format before it.
fn apply(connection: &mut Connection, step: &Migration) -> Result<(), StoreFault> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(work)?;
    take_lock_row(&transaction, step)?;
    transaction.execute_batch(&step.sql).map_err(work)?;
    transaction
        .execute(
            "INSERT INTO migration(number, name, checksum) VALUES(?1, ?2, ?3)",
            (step.number, step.name, checksum(&step.sql)),
        )
        .map_err(work)?;
    transaction
        .execute(
            "UPDATE schema SET format = ?1, migrating = NULL WHERE id = 1",
            [step.number],
        )
        .map_err(work)?;
    transaction.commit().map_err(work)
}

fn take_lock_row(transaction: &Transaction<'_>, step: &Migration) -> Result<(), StoreFault> {
    let sql = "UPDATE schema SET migrating = ?1 WHERE id = 1 AND migrating IS NULL AND format < ?1";
    match transaction.execute(sql, [step.number]).map_err(work)? {
        1 => Ok(()),
        _ => Err(StoreFault::Unavailable(
            "another program is migrating the database",
        )),
    }
}

/// Finds accidents (an edited step), not attacks: FNV-1a, 64 bits.
fn checksum(text: &str) -> i64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, mix).cast_signed()
}
