//! What the database lies on: how much room there is, whether it takes writes, and the reserve.
//!
//! The reserve is a file of real blocks. When the disk is full it is given back to the disk, and then only urgent
//! commits go through, until there is room enough to take it again.
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use keyward_engine::ports::store::StoreFault;
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use rustix::io::Errno;

use super::fault::{file, system};

/// The reserve's name inside the data directory.
const RESERVE_FILE: &str = "reserve";
/// Written and removed to find out whether the medium takes writes.
const PROBE_FILE: &str = "probe";
/// Free bytes asked for beyond the reserve before it is taken back, so that it does not come and go.
const MARGIN: u64 = 16 << 20;

/// The medium under a data directory.
#[derive(Debug)]
pub(super) struct Medium {
    directory: PathBuf,
    reserve_bytes: u64,
    reserve_is_whole: bool,
}

impl Medium {
    /// Takes or checks the reserve. A disk without room for it is no fault here: the store then serves reads and
    /// urgent commits, and says that it is full.
    pub(super) fn new(directory: PathBuf, reserve_bytes: u64) -> Result<Self, StoreFault> {
        let mut medium = Self {
            directory,
            reserve_bytes,
            reserve_is_whole: false,
        };
        match medium.take_reserve() {
            Ok(()) | Err(StoreFault::Full) => Ok(medium),
            Err(fault) => Err(fault),
        }
    }

    /// For commits that are not urgent: the reserve must be there, or there must be room to take it again.
    pub(super) fn require_reserve(&mut self) -> Result<(), StoreFault> {
        if self.reserve_is_whole {
            return Ok(());
        }
        if free_bytes(&self.directory)? < self.reserve_bytes.saturating_add(MARGIN) {
            return Err(StoreFault::Full);
        }
        self.take_reserve()
    }

    /// Gives the reserve's blocks to the disk. False if there was nothing to give.
    // CRASH: a reserve that is not whole is found when the store is opened next.
    pub(super) fn release_reserve(&mut self) -> bool {
        if !self.reserve_is_whole || self.reserve_bytes == 0 {
            return false;
        }
        self.reserve_is_whole = false;
        let cut = |file: File| file.set_len(0).and_then(|()| file.sync_all());
        // Synced because some file systems hand freed blocks out again only after their own journal's next commit.
        self.open_reserve().and_then(cut).is_ok()
    }

    /// Why the medium refuses writes at this moment, or none if it takes them.
    pub(super) fn refusal(&self) -> Option<StoreFault> {
        let path = self.directory.join(PROBE_FILE);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let written = options.open(&path).and_then(|mut probe| {
            probe.write_all(&[0; 4096])?;
            probe.sync_all()
        });
        // Best effort: a probe that stays is overwritten by the next one.
        let _ = fs::remove_file(&path);
        match written.map_err(file) {
            Err(refusal @ (StoreFault::Full | StoreFault::ReadOnly)) => Some(refusal),
            _ => None,
        }
    }

    fn take_reserve(&mut self) -> Result<(), StoreFault> {
        self.fill_reserve().map_err(file)?;
        self.reserve_is_whole = true;
        Ok(())
    }

    fn fill_reserve(&self) -> io::Result<()> {
        let mut reserve = self.open_reserve()?;
        let found = reserve.metadata()?;
        let allocated = found.blocks().saturating_mul(512);
        if found.len() == self.reserve_bytes && allocated >= self.reserve_bytes {
            return Ok(());
        }
        reserve.set_len(0)?;
        if self.reserve_bytes > 0 {
            let filled = match fallocate(&reserve, FallocateFlags::empty(), 0, self.reserve_bytes) {
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => self.write_reserve(&mut reserve),
                other => other.map_err(io::Error::from),
            };
            if let Err(error) = filled {
                // Half a reserve would take room from the database and help nobody.
                reserve.set_len(0)?;
                return Err(error);
            }
        }
        reserve.sync_all()
    }

    fn write_reserve(&self, reserve: &mut File) -> io::Result<()> {
        io::copy(
            &mut io::Read::take(io::repeat(0), self.reserve_bytes),
            reserve,
        )
        .map(|_| ())
    }

    fn open_reserve(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        options.open(self.directory.join(RESERVE_FILE))
    }
}

/// Bytes that may still be written where the directory is.
pub(super) fn free_bytes(directory: &Path) -> Result<u64, StoreFault> {
    let medium = statvfs(directory).map_err(system)?;
    Ok(medium.f_bavail.saturating_mul(medium.f_frsize))
}
