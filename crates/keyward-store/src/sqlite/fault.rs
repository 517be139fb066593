//! From what SQLite and the system say to the port's faults. The question each time: was anything applied?
use std::io;

use keyward_engine::ports::store::StoreFault;
use rusqlite::{Error, ffi};
use rustix::io::Errno;

use super::medium::Medium;

/// What was being done when SQLite failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum During {
    /// Anything that leaves no trace if it fails: opening, reading, and changes before their `COMMIT`.
    Work,
    /// `COMMIT` itself, and copying committed pages from the journal to the database.
    Commit,
}

/// Why a step on the database or on one of its files failed, before it is judged.
#[derive(Debug)]
pub(super) enum Failure {
    /// SQLite said so.
    Sql(Error, During),
    /// The system said so, about a file of ours.
    File(io::Error),
    /// A file is not what it must be.
    Damaged(&'static str),
    /// Something else stands in the way.
    Other(StoreFault),
}

impl From<StoreFault> for Failure {
    fn from(fault: StoreFault) -> Self {
        Self::Other(fault)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Sql(error, During::Work)
    }
}

impl Failure {
    /// The port's fault. Where SQLite only says that a write failed, the medium is asked why.
    pub(super) fn judge(self, medium: &Medium) -> StoreFault {
        match self {
            Self::Sql(error, during) if is_refused_write(&error) => {
                // SQLite gives up at the first write that fails, and the frame that would have ended the commit is
                // the last one written: a medium that refuses writes now has not taken it. A medium that takes
                // writes again proves nothing.
                medium.refusal().unwrap_or_else(|| fault(&error, during))
            }
            other => other.judge_alone(),
        }
    }

    /// As [`Self::judge`], where there is no medium to ask yet.
    pub(super) fn judge_alone(self) -> StoreFault {
        match self {
            Self::Sql(error, during) => fault(&error, during),
            Self::File(error) => file(error),
            Self::Damaged(what) => StoreFault::Corrupt(what),
            Self::Other(fault) => fault,
        }
    }
}

/// Maps SQLite's error.
pub(super) fn fault(error: &Error, during: During) -> StoreFault {
    let Error::SqliteFailure(failure, _) = error else {
        return StoreFault::Corrupt("a row or record of the database does not have its shape");
    };
    match failure.extended_code & 0xff {
        // In WAL mode a commit is the frame that ends it. "Full" means that a write before the end of that frame
        // failed, so the transaction is not in the journal, and SQLite has rolled it back.
        ffi::SQLITE_FULL => StoreFault::Full,
        ffi::SQLITE_READONLY => StoreFault::ReadOnly,
        // SQLite calls it damage too if the disk cannot read a page (EIO).
        ffi::SQLITE_CORRUPT => {
            StoreFault::Corrupt("the database's pages cannot be read or do not fit together")
        }
        ffi::SQLITE_NOTADB => StoreFault::Corrupt("the file is not a database"),
        // The statements are fixed: one that makes no sense to SQLite has met another schema than ours.
        ffi::SQLITE_ERROR => {
            StoreFault::Corrupt("the database does not have the tables of its format")
        }
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => StoreFault::Unavailable("the database is busy"),
        _ if during == During::Commit => StoreFault::Unknown("writing or syncing a commit failed"),
        ffi::SQLITE_IOERR => match failure.extended_code {
            ffi::SQLITE_IOERR_SHORT_READ | ffi::SQLITE_IOERR_CORRUPTFS => {
                StoreFault::Corrupt("the database file is shorter than it says")
            }
            _ => StoreFault::Unavailable("reading or writing the database failed"),
        },
        ffi::SQLITE_CANTOPEN => StoreFault::Unavailable("the database cannot be opened"),
        ffi::SQLITE_NOMEM => StoreFault::Unavailable("out of memory"),
        ffi::SQLITE_PERM | ffi::SQLITE_AUTH => StoreFault::ReadOnly,
        ffi::SQLITE_TOOBIG => StoreFault::Unavailable("a row is larger than the database can hold"),
        _ => StoreFault::Unavailable("the database refused a statement"),
    }
}

/// Whether a write (not a sync) was refused for a reason SQLite does not pass on.
fn is_refused_write(error: &Error) -> bool {
    let codes = [
        ffi::SQLITE_IOERR_WRITE,
        ffi::SQLITE_IOERR_TRUNCATE,
        ffi::SQLITE_IOERR_SHMSIZE,
        ffi::SQLITE_IOERR_SHMOPEN,
        ffi::SQLITE_CANTOPEN,
    ];
    matches!(error, Error::SqliteFailure(failure, _) if codes.contains(&failure.extended_code))
}

/// Maps an error before there is a medium to ask, or while reading.
pub(super) fn work(error: Error) -> StoreFault {
    fault(&error, During::Work)
}

/// Maps the system's error on a file of ours.
pub(super) fn system(error: Errno) -> StoreFault {
    match error {
        Errno::NOSPC | Errno::DQUOT => StoreFault::Full,
        Errno::ROFS | Errno::ACCESS | Errno::PERM => StoreFault::ReadOnly,
        Errno::WOULDBLOCK => StoreFault::Locked,
        Errno::NOENT | Errno::NOTDIR => StoreFault::Unavailable("there is no such data directory"),
        _ => StoreFault::Unavailable("the data directory cannot be used"),
    }
}

/// Maps the standard library's error on a file of ours.
pub(super) fn file(error: io::Error) -> StoreFault {
    Errno::from_io_error(&error).map_or(
        StoreFault::Unavailable("the data directory cannot be used"),
        system,
    )
}
