//! The embedded database: SQLite in write-ahead mode, synced at every commit, one writer, a few readers.
//!
//! - `writer.rs`: the commit; start reading there.    - `reader.rs`: reads.
//! - `journal.rs`, `erase.rs`: emptying the journal and wiping what was deleted.
//! - `lock.rs`: one server per data directory.        - `medium.rs`: room, and the reserve for urgent commits.
//! - `schema.rs`, `sql.rs`: format and statements.    - `fault.rs`: what SQLite says → what the port says.
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

use self::fault::{Failure, work};
use self::journal::{Emptying, Journal};
use self::lock::DataDirectory;
use self::medium::Medium;
use self::reader::Readers;
use self::writer::Writer;
use crate::range::refuse_version_zero;

mod erase;
mod fault;
mod journal;
mod lock;
mod medium;
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
/// Bytes per page. Measured (`examples/commit_rate.rs`): larger pages make commits slower, because a commit writes
/// whole pages to the journal.
const PAGE_SIZE: u32 = 4096;
/// The journal's file is kept up to this size when it is started over, because overwriting is faster than growing.
const JOURNAL_BYTES_KEPT: u32 = 64 << 20;
/// Where the balance of a deployment lies. The defaults are for a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteOptions {
    /// Bytes kept aside for urgent commits on a full disk.
    pub reserve_bytes: u64,
    /// Connections that read; as many threads can read at the same time.
    pub readers: usize,
    /// How many rows' versions the writer remembers, in each of the two generations of its memory.
    pub remembered_versions: usize,
    /// After how many pages the journal is emptied into the database.
    pub journal_pages: u32,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            reserve_bytes: 64 << 20,
            readers: 4,
            remembered_versions: 65_536,
            journal_pages: 1000,
        }
    }
}

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
    pub fn create(directory: &Path) -> Result<Self, StoreFault> {
        Self::create_with(directory, &SqliteOptions::default())
    }

    /// As [`Self::create`], with other options.
    ///
    /// # Errors
    /// As for [`Self::create`].
    // CRASH: the database is built under another name and renamed when it is whole and synced; dying before that
    // leaves only the unfinished file, which the next attempt removes.
    pub fn create_with(directory: &Path, options: &SqliteOptions) -> Result<Self, StoreFault> {
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
        build(&unfinished).map_err(Failure::judge_alone)?;
        fs::rename(&unfinished, &database).map_err(fault::file)?;
        directory.sync()?;
        Self::open_in(directory, options)
    }

    /// Opens the database in `directory`, which must be there.
    ///
    /// # Errors
    /// [`StoreFault::Unavailable`] if there is none, [`StoreFault::Locked`] if another server holds the directory,
    /// [`StoreFault::Corrupt`] if the file is not a whole database of ours, [`StoreFault::TooNew`], and whatever
    /// the medium says.
    pub fn open(directory: &Path) -> Result<Self, StoreFault> {
        Self::open_with(directory, &SqliteOptions::default())
    }

    /// As [`Self::open`], with other options.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub fn open_with(directory: &Path, options: &SqliteOptions) -> Result<Self, StoreFault> {
        Self::open_in(DataDirectory::take(directory)?, options)
    }

    fn open_in(directory: DataDirectory, options: &SqliteOptions) -> Result<Self, StoreFault> {
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
        let medium = Medium::new(directory.path().to_owned(), options.reserve_bytes)?;
        let opened = open_for_writing(&database).and_then(|mut connection| {
            schema::migrate(&mut connection, &schema::migrations())?;
            schema::require_tables(&connection)?;
            let journal = Journal::of(&database, page_size(&connection)?);
            // An fsync that failed in an earlier life may have left pages that look written in the system's cache
            // only. Copying the journal into the database writes and syncs them anew.
            journal.empty(&connection, Emptying::Truncate)?;
            check_length(&connection, &database)?;
            Ok((connection, journal))
        });
        let (connection, journal) = opened.map_err(|failure| failure.judge(&medium))?;
        let readers = Readers::open(&database, options.readers)?;
        let writer = Mutex::new(Writer::new(connection, journal, medium, options));
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

    fn stop_if_unknown<T>(&self, outcome: Result<T, StoreFault>) -> Result<T, StoreFault> {
        if matches!(outcome, Err(StoreFault::Unknown(_))) {
            self.stopped.store(true, Ordering::Release);
        }
        outcome
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
        self.stop_if_unknown(writer.commit(batches))
    }

    fn scrub(&self) -> Result<(), StoreFault> {
        let mut writer = self.writer.lock();
        self.refuse_if_stopped()?;
        self.stop_if_unknown(writer.scrub())
    }

    fn describe(&self) -> Result<StoreDescription, StoreFault> {
        let length = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
        // Not through the writer: a health check must not wait behind a commit on a disk that hangs.
        let journal = length(&journal::path_of(&self.database));
        Ok(StoreDescription {
            name: format!("sqlite {}", rusqlite::version()),
            used_bytes: length(&self.database).saturating_add(journal),
            free_bytes: Some(medium::free_bytes(self.directory.path())?),
            durable: true,
        })
    }
}

/// Builds a whole, empty database under a name of its own, and syncs it.
fn build(path: &Path) -> Result<(), Failure> {
    // Made here and not by SQLite so that it is readable by its owner only from its first moment; the journal
    // inherits the permissions.
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(Failure::File)?;
    let mut connection = Connection::open_with_flags(path, writing())?;
    connection.pragma_update(None, "page_size", PAGE_SIZE)?;
    settle(&connection)?;
    schema::initialise(&connection)?;
    schema::migrate(&mut connection, &schema::migrations())?;
    // The mode is part of the file: from here on every opening finds it.
    use_journal(&connection)?;
    connection.close().map_err(|(_, error)| error)?;
    fs::File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(Failure::File)
}

fn writing() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
}

fn open_for_writing(database: &Path) -> Result<Connection, Failure> {
    let connection = Connection::open_with_flags(database, writing())?;
    settle(&connection)?;
    schema::require_ours(&connection)?;
    use_journal(&connection)?;
    connection.pragma_update(None, "max_page_count", erase::MOST_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", JOURNAL_BYTES_KEPT)?;
    let can_wipe = "SELECT sqlite_compileoption_used('ENABLE_DBPAGE_VTAB')";
    if !connection.query_row(can_wipe, [], |row| row.get::<_, bool>(0))? {
        return Err(Failure::Other(StoreFault::Unavailable(
            "SQLite was built without SQLITE_ENABLE_DBPAGE_VTAB",
        )));
    }
    Ok(connection)
}

fn use_journal(connection: &Connection) -> Result<(), Failure> {
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Failure::Other(StoreFault::Unavailable(
            "the file system cannot keep a write-ahead journal",
        )));
    }
    Ok(())
}

/// What every connection of ours is set to before it touches the database.
fn settle(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(Table::ALL.len().saturating_mul(10));
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA secure_delete = ON;
         PRAGMA foreign_keys = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA temp_store = MEMORY",
    )
}

fn page_size(connection: &Connection) -> Result<u64, Failure> {
    let size: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    Ok(size.cast_unsigned())
}

/// The file must have as many pages as its header says.
fn check_length(connection: &Connection, database: &Path) -> Result<(), Failure> {
    let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
    let expected = page_size(connection)?.saturating_mul(pages.cast_unsigned());
    let length = fs::metadata(database).map_err(Failure::File)?.len();
    if length < expected {
        return Err(Failure::Damaged(
            "the database file is shorter than it says",
        ));
    }
    Ok(())
}
