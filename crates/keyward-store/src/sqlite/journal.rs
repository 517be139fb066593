//! The write-ahead journal: which pages are in it, and how they get out of it into the database.
//!
//! This is the only place that checkpoints. SQLite's own two occasions (every thousand pages, and at closing) are off,
//! because pages must be wiped before they leave the journal; see `erase.rs`.
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::erase;
use super::fault::{During, Failure};

/// Bytes of the journal's own header.
const HEADER: u64 = 32;
/// Bytes in front of each page: its number, the commit mark, two salts and two checksums.
const FRAME_HEADER: u64 = 24;

/// How far to empty the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Emptying {
    /// As far as readers allow; the next commit then starts the journal over, in place.
    Passive,
    /// Wait for readers, then cut the file to nothing.
    Truncate,
}

/// The journal beside a database.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    page_size: u64,
}

impl Journal {
    /// The journal of this database.
    pub(super) fn of(database: &Path, page_size: u64) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        Self {
            path: PathBuf::from(path),
            page_size,
        }
    }

    /// How many pages are in it.
    pub(super) fn frames(&self, connection: &Connection) -> Result<u64, Failure> {
        let mut statement = connection.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?;
        let frames: i64 = statement.query_row([], |row| row.get(1))?;
        Ok(u64::try_from(frames).unwrap_or(0))
    }

    /// Wipes the pages in it and copies them into the database.
    ///
    /// The caller must be the only writer for as long as this takes.
    // CRASH: the journal is started over only by a commit that follows, or cut at the end. Until then everything
    // in it is found again by the next opening, which comes through here as well: no page reaches the database
    // for good without having been wiped.
    pub(super) fn empty(&self, connection: &Connection, emptying: Emptying) -> Result<(), Failure> {
        let frames = self.frames(connection)?;
        let pages = self.pages(frames)?;
        if !pages.is_empty() {
            self.wipe(connection, &pages)?;
        }
        let sql = match emptying {
            Emptying::Passive => "PRAGMA wal_checkpoint(PASSIVE)",
            Emptying::Truncate => "PRAGMA wal_checkpoint(TRUNCATE)",
        };
        let mut statement = connection.prepare_cached(sql)?;
        let emptied = statement.query_row([], |row| row.get(0));
        let busy: i64 = emptied.map_err(|error| Failure::Sql(error, During::Commit))?;
        if busy != 0 && emptying == Emptying::Truncate {
            return Err(busy_error());
        }
        Ok(())
    }

    fn wipe(&self, connection: &Connection, pages: &[u32]) -> Result<(), Failure> {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let wiped = set_defensive(connection, false)
            .and_then(|()| erase::wipe_pages(connection, pages))
            .and_then(|wiped| set_defensive(connection, true).map(|()| wiped));
        let ended = wiped.and_then(|_| {
            let mut commit = connection.prepare_cached("COMMIT")?;
            commit
                .execute([])
                .map(|_| ())
                .map_err(|error| Failure::Sql(error, During::Commit))
        });
        if ended.is_err() && !connection.is_autocommit() {
            // The first failure is the one to report.
            let _ = connection.execute_batch("ROLLBACK");
        }
        ended
    }

    /// The numbers of the pages in the first `frames` frames, each once.
    fn pages(&self, frames: u64) -> Result<Vec<u32>, Failure> {
        if frames == 0 {
            return Ok(Vec::new());
        }
        let file = File::open(&self.path).map_err(Failure::File)?;
        let mut header = [0; 32];
        read(&file, &mut header, 0)?;
        let frame_size = self.page_size.saturating_add(FRAME_HEADER);
        let mut pages = Vec::new();
        for frame in 0..frames {
            let mut head = [0; 16];
            read(
                &file,
                &mut head,
                frame.saturating_mul(frame_size).saturating_add(HEADER),
            )?;
            let (number, salts) = (head.first_chunk::<4>(), head.last_chunk::<8>());
            if salts.map(<[u8; 8]>::as_slice) != header.get(16..24) {
                return Err(Failure::Damaged(
                    "the journal's frames do not belong together",
                ));
            }
            pages.extend(number.map(|number| u32::from_be_bytes(*number)));
        }
        pages.sort_unstable();
        pages.dedup();
        Ok(pages)
    }
}

/// Where SQLite keeps the journal of this database.
pub(super) fn path_of(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    PathBuf::from(path)
}

/// The page table is writable only without SQLite's protection of its own file against SQL.
fn set_defensive(connection: &Connection, defensive: bool) -> Result<(), Failure> {
    connection.set_db_config(
        rusqlite::config::DbConfig::SQLITE_DBCONFIG_DEFENSIVE,
        defensive,
    )?;
    Ok(())
}

fn read(file: &File, buffer: &mut [u8], offset: u64) -> Result<(), Failure> {
    file.read_exact_at(buffer, offset)
        .map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Failure::Damaged("the journal is shorter than it says"),
            _ => Failure::File(error),
        })
}

fn busy_error() -> Failure {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
    Failure::Sql(rusqlite::Error::SqliteFailure(code, None), During::Work)
}
