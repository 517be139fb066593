//! One server per data directory: an advisory lock on a file, held from before the database is opened until after it
//! is closed. The system drops it when the process dies, so nothing has to be cleaned up after a crash.
use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use keyward_engine::ports::store::StoreFault;
use rustix::fs::{FlockOperation, flock};

use super::fault;

/// The lock file's name inside the data directory.
pub const LOCK_FILE: &str = "lock";

/// A data directory held by this process.
#[derive(Debug)]
pub(super) struct DataDirectory {
    path: PathBuf,
    _lock: File,
}

impl DataDirectory {
    /// Takes an existing directory.
    pub(super) fn take(path: &Path) -> Result<Self, StoreFault> {
        // The absolute path: a relative one would follow the process's working directory, and SQLite reads
        // a name that begins with "file:" as a URI.
        let path = path.canonicalize().map_err(fault::file)?;
        let mut options = OpenOptions::new();
        options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600);
        let lock = options.open(path.join(LOCK_FILE)).map_err(fault::file)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(fault::system)?;
        Ok(Self { path, _lock: lock })
    }

    /// Makes the directory if it is not there (for its owner only), then takes it.
    pub(super) fn make(path: &Path) -> Result<Self, StoreFault> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(fault::file)?;
        Self::take(path)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes names created or renamed in the directory durable.
    pub(super) fn sync(&self) -> Result<(), StoreFault> {
        File::open(&self.path)
            .and_then(|directory| directory.sync_all())
            .map_err(fault::file)
    }
}
