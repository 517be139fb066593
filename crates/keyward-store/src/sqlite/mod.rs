//! The embedded database: SQLite in write-ahead mode, synced at every commit, one writer, a few readers.
//!
//! - `lock.rs`: one server per data directory.       - `schema.rs`: format and migrations.
//! - `writer.rs`: the commit.                         - `reader.rs`: reads.
//! - `sql.rs`: the statements.                        - `fault.rs`: what SQLite says → what the port says.
//!
//! It must never answer a commit before the journal is synced, open a database it did not find (a missing file is
//! a fault, not a fresh start), or go on after a commit whose outcome it does not know.
use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keyward_engine::ports::store::{
    Batch, Commit, Row, RowKey, Rows, Store, StoreDescription, StoreFault, Table,
};
use parking_lot::Mutex;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use rustix::fs::statvfs;

use self::fault::work;
use self::lock::DataDirectory;
use self::reader::Readers;
use self::writer::Writer;
use crate::range::refuse_version_zero;

mod fault;
mod lock;
mod reader;
mod schema;
mod sql;
mod versions;
mod writer;

pub use self::lock::LOCK_FILE;

/// The database file's name inside the data directory.
pub const DATABASE_FILE: &str = "keyward.db";
/// Where a database is built before it gets its name.
const UNFINISHED_FILE: &str = "keyward.db.unfinished";
/// Bytes per page.
const PAGE_SIZE: u32 = 4096;
/// How many rows' versions the writer remembers (per generation of its memory).
const REMEMBERED_VERSIONS: usize = 65_536;
/// Reading connections.
const READERS: usize = 4;

/// What [`SqliteStore::check_integrity`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntegrityReport {
    /// SQLite's findings, empty if the database is whole. They name pages and tables, never values.
    pub findings: Vec<String>,
}

impl IntegrityReport {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }
}

/// A [`Store`] in one SQLite database inside a data directory that this process holds alone.
#[derive(Debug)]
pub struct SqliteStore {
    // The order matters when it is dropped: connections first, then the directory's lock.
    writer: Mutex<Writer>,
    readers: Readers,
    /// Set once a commit's outcome is unknown: from then on nothing may be read or written.
    stopped: AtomicBool,
    database: PathBuf,
    directory: DataDirectory,
}

impl SqliteStore {
    /// Makes a new, empty database in `directory`, which is made too if need be.
    ///
    /// # Errors
    /// [`StoreFault::Unavailable`] if there is a database already, [`StoreFault::Locked`] if another server holds the
    /// directory, and whatever the medium says.
    // CRASH: the database is built under another name and renamed when it is whole and synced; dying before that
    // leaves only the unfinished file, which the next attempt removes.
    pub fn create(directory: &Path) -> Result<Self, StoreFault> {
        let directory = DataDirectory::make(directory)?;
        let database = directory.path().join(DATABASE_FILE);
        if database.try_exists().map_err(fault::file)? {
            return Err(StoreFault::Unavailable(
                "there is a database in this directory already",
            ));
        }
        let unfinished = directory.path().join(UNFINISHED_FILE);
        if unfinished.try_exists().map_err(fault::file)? {
            fs::remove_file(&unfinished).map_err(fault::file)?;
        }
        build(&unfinished)?;
        fs::rename(&unfinished, &database).map_err(fault::file)?;
        directory.sync()?;
        Self::open_in(directory)
    }

    /// Opens the database in `directory`, which must be there.
    ///
    /// # Errors
    /// [`StoreFault::Unavailable`] if there is none, [`StoreFault::Locked`] if another server holds the directory,
    /// [`StoreFault::Corrupt`] if the file is not a whole database of ours, [`StoreFault::TooNew`], and whatever
    /// the medium says.
    pub fn open(directory: &Path) -> Result<Self, StoreFault> {
        Self::open_in(DataDirectory::take(directory)?)
    }

    fn open_in(directory: DataDirectory) -> Result<Self, StoreFault> {
        let database = directory.path().join(DATABASE_FILE);
        match fs::metadata(&database) {
            Ok(metadata) if metadata.len() == 0 => {
                return Err(StoreFault::Corrupt("the database file is empty"));
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(StoreFault::Unavailable(
                    "there is no database in this directory",
                ));
            }
            Err(error) => return Err(fault::file(error)),
        }
        let mut connection = open_for_writing(&database)?;
        schema::migrate(&mut connection, &schema::migrations())?;
        // An fsync that failed in an earlier life may have left pages that look written in the system's cache only.
        // Copying the journal into the database writes and syncs them anew.
        checkpoint_and_truncate(&connection)?;
        check_length(&connection, &database)?;
        let readers = Readers::open(&database, READERS)?;
        let writer = Mutex::new(Writer::new(connection, REMEMBERED_VERSIONS));
        Ok(Self {
            writer,
            readers,
            stopped: AtomicBool::new(false),
            database,
            directory,
        })
    }

    /// Reads the whole database and checks that it fits together. Takes time in proportion to its size.
    ///
    /// # Errors
    /// As for [`Store::get`]; damage is a finding, not an error.
    pub fn check_integrity(&self) -> Result<IntegrityReport, StoreFault> {
        let writer = self.writer.lock();
        let mut statement = writer
            .connection()
            .prepare("PRAGMA integrity_check")
            .map_err(work)?;
        let lines = statement
            .query_map([], |row| row.get::<_, String>(0))
            .map_err(work)?;
        let mut findings = lines.collect::<Result<Vec<_>, _>>().map_err(work)?;
        findings.retain(|line| line != "ok");
        Ok(IntegrityReport { findings })
    }

    fn refuse_if_stopped(&self) -> Result<(), StoreFault> {
        if self.stopped.load(Ordering::Acquire) {
            return Err(StoreFault::Unavailable(
                "an earlier commit's outcome is unknown: restart",
            ));
        }
        Ok(())
    }
}

impl Store for SqliteStore {
    fn get(&self, row: &RowKey) -> Result<Option<Row>, StoreFault> {
        self.refuse_if_stopped()?;
        self.readers.get(row)
    }

    fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Rows, StoreFault> {
        self.refuse_if_stopped()?;
        self.readers.scan(table, prefix, after, limit)
    }

    fn last(&self, table: Table, prefix: &[u8]) -> Result<Option<(Vec<u8>, Row)>, StoreFault> {
        self.refuse_if_stopped()?;
        self.readers.last(table, prefix)
    }

    fn commit(&self, batches: Vec<Batch>) -> Result<Vec<Commit>, StoreFault> {
        refuse_version_zero(&batches)?;
        let mut writer = self.writer.lock();
        self.refuse_if_stopped()?;
        let outcome = writer.commit(batches);
        if matches!(outcome, Err(StoreFault::Unknown(_))) {
            self.stopped.store(true, Ordering::Release);
        }
        outcome
    }

    fn scrub(&self) -> Result<(), StoreFault> {
        let writer = self.writer.lock();
        self.refuse_if_stopped()?;
        checkpoint_and_truncate(writer.connection())
    }

    fn describe(&self) -> Result<StoreDescription, StoreFault> {
        let length = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
        let journal = self.directory.path().join(format!("{DATABASE_FILE}-wal"));
        let medium = statvfs(self.directory.path()).map_err(fault::system)?;
        Ok(StoreDescription {
            name: format!("sqlite {}", rusqlite::version()),
            used_bytes: length(&self.database).saturating_add(length(&journal)),
            free_bytes: Some(medium.f_bavail.saturating_mul(medium.f_frsize)),
            durable: true,
        })
    }
}

/// Builds a whole, empty database under a name of its own, and syncs it.
fn build(path: &Path) -> Result<(), StoreFault> {
    // Made here and not by SQLite so that it is readable by its owner only from its first moment; the journal
    // inherits the permissions.
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(fault::file)?;
    let mut connection = Connection::open_with_flags(path, writing()).map_err(work)?;
    connection
        .pragma_update(None, "page_size", PAGE_SIZE)
        .map_err(work)?;
    settle(&connection)?;
    schema::initialise(&connection)?;
    schema::migrate(&mut connection, &schema::migrations())?;
    // The mode is part of the file: from here on every opening finds it.
    use_journal(&connection)?;
    checkpoint_and_truncate(&connection)?;
    connection.close().map_err(|(_, error)| work(error))?;
    fs::File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(fault::file)
}

fn writing() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
}

fn open_for_writing(database: &Path) -> Result<Connection, StoreFault> {
    let connection = Connection::open_with_flags(database, writing()).map_err(work)?;
    settle(&connection)?;
    use_journal(&connection)?;
    Ok(connection)
}

fn use_journal(connection: &Connection) -> Result<(), StoreFault> {
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(work)?;
    if mode != "wal" {
        return Err(StoreFault::Unavailable(
            "the file system cannot keep a write-ahead journal",
        ));
    }
    Ok(())
}

/// What every connection of ours is set to before it touches the database.
fn settle(connection: &Connection) -> Result<(), StoreFault> {
    connection.set_prepared_statement_cache_capacity(Table::ALL.len().saturating_mul(9));
    connection
        .busy_timeout(Duration::from_secs(5))
        .map_err(work)?;
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)
        .map_err(work)?;
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)
        .map_err(work)?;
    connection
        .execute_batch(
            "PRAGMA synchronous = FULL;
             PRAGMA secure_delete = ON;
             PRAGMA foreign_keys = OFF;
             PRAGMA cell_size_check = ON;
             PRAGMA temp_store = MEMORY",
        )
        .map_err(work)
}

/// Copies the journal into the database, syncs it, and cuts the journal to nothing.
fn checkpoint_and_truncate(connection: &Connection) -> Result<(), StoreFault> {
    let busy: i64 = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .map_err(work)?;
    if busy != 0 {
        return Err(StoreFault::Unavailable(
            "a reader keeps the journal from being emptied",
        ));
    }
    Ok(())
}

/// The file must have as many pages as its header says.
fn check_length(connection: &Connection, database: &Path) -> Result<(), StoreFault> {
    let pages: u64 = connection
        .query_row("PRAGMA page_count", [], |row| row.get::<_, i64>(0))
        .map_err(work)?
        .cast_unsigned();
    let page_size: u64 = connection
        .query_row("PRAGMA page_size", [], |row| row.get::<_, i64>(0))
        .map_err(work)?
        .cast_unsigned();
    let length = fs::metadata(database).map_err(fault::file)?.len();
    if length < pages.saturating_mul(page_size) {
        return Err(StoreFault::Corrupt(
            "the database file is shorter than it says",
        ));
    }
    Ok(())
}
