//! Where the result goes: a file that gets its name when it is complete and not before, or standard output.
//!
//! Until then it is `.NAME.keyward-part` beside its place, locked against a second run. After a failure of this machine
//! (no room, an unreadable disk) what is complete of it stays, for `--resume`; after anything else it is removed.
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::exit::Failure;
use crate::files::{Existing, give_name, occupied};

/// Made durable so often: a long file is then not written at its end only.
const SYNC_EVERY: u64 = 256 << 20;

/// A result in the making.
pub enum Sink {
    Standard,
    Part(Part),
}

/// A file in the making.
pub struct Part {
    path: PathBuf,
    temporary: PathBuf,
    existing: Existing,
    file: File,
    unsynced: u64,
    /// What an earlier run left.
    left: u64,
    keep: bool,
}

impl Part {
    /// Begins, or goes on with what an earlier run left.
    pub fn open(path: &Path, existing: Existing, resume: bool) -> Result<Self, Failure> {
        if existing == Existing::Keep && path.symlink_metadata().is_ok() {
            return Err(occupied(path));
        }
        let temporary = beside(path)?;
        let failed = |error: std::io::Error| Failure::file(path, &error);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(&temporary)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::local(
                    format!("another run is writing `{}`", path.display()),
                    "Wait for it, or choose another name.",
                ));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        if !resume {
            file.set_len(0).map_err(failed)?;
        }
        let left = file.metadata().map_err(failed)?.len();
        Ok(Self {
            path: path.to_owned(),
            temporary,
            existing,
            file,
            unsynced: 0,
            left,
            // What an earlier run left is not lost because this one does not come to pass.
            keep: left > 0,
        })
    }

    /// Bytes that an earlier run left.
    pub const fn left(&self) -> u64 {
        self.left
    }

    fn failed(&self, error: &std::io::Error) -> Failure {
        Failure::file(&self.path, error)
    }

    /// Reads what was left, from where the last reading ended; fewer bytes at its end.
    pub fn read_left(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        super::blocks::fill(&mut self.file, buffer).map_err(|error| self.failed(&error))
    }

    /// Forgets what was left from here on; writing goes on here.
    pub fn cut(&mut self, at: u64) -> Result<(), Failure> {
        self.file
            .set_len(at)
            .and_then(|()| self.file.seek(SeekFrom::Start(at)))
            .map(|_| ())
            .map_err(|error| self.failed(&error))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.file.write_all(bytes).and_then(|()| {
            self.unsynced += bytes.len() as u64;
            if self.unsynced < SYNC_EVERY {
                return Ok(());
            }
            self.unsynced = 0;
            self.file.sync_data()
        });
        written.map_err(|error| self.failed(&error))
    }

    /// Whether there is room for so many bytes more than were left.
    pub fn check_room(&self, bytes: u64) -> Result<(), Failure> {
        let Ok(system) = rustix::fs::fstatvfs(&self.file) else {
            return Ok(());
        };
        let free = system.f_bavail.saturating_mul(system.f_frsize);
        let needed = bytes.saturating_sub(self.left);
        if needed <= free {
            return Ok(());
        }
        Err(Failure::local(
            format!(
                "`{}` needs {}, and there are {} free",
                self.path.display(),
                super::progress::amount(needed),
                super::progress::amount(free)
            ),
            "Make room, or write it elsewhere with --output.",
        ))
    }

    /// From now on a failure of this machine leaves what is complete.
    pub fn keep_on_failure(&mut self, keep: bool) {
        self.keep = keep;
    }

    fn finish(mut self) -> Result<(), Failure> {
        self.file.sync_all().map_err(|error| self.failed(&error))?;
        self.keep = false;
        give_name(&self.temporary, &self.path, self.existing)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.keep {
            // After a rename there is nothing left to remove.
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}

fn beside(path: &Path) -> Result<PathBuf, Failure> {
    let name = path.file_name().ok_or_else(|| {
        Failure::usage(
            format!("`{}` is not the name of a file", path.display()),
            "Name a file.",
        )
    })?;
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(".keyward-part");
    Ok(path.with_file_name(temporary))
}

impl Sink {
    /// Appends.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Part(part) => part.write(bytes),
            Self::Standard => std::io::stdout().lock().write_all(bytes).map_err(standard),
        }
    }

    /// Makes it durable and gives it its name.
    pub fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Part(part) => part.finish(),
            Self::Standard => std::io::stdout().lock().flush().map_err(standard),
        }
    }

    /// What an earlier run left, if there is anything.
    pub fn left(&mut self) -> Option<&mut Part> {
        match self {
            Self::Part(part) if part.left() > 0 => Some(part),
            _ => None,
        }
    }

    /// After a failure: keeps what is complete if going on makes sense, and says how.
    pub fn after(&mut self, failure: Failure, resumable: bool) -> Failure {
        let Self::Part(part) = self else {
            return failure;
        };
        let worth = resumable && part.file.metadata().is_ok_and(|data| data.len() > 1 << 20);
        part.keep_on_failure(worth);
        if !worth {
            return failure;
        }
        let next = format!(
            "{} Then say the same with --resume: what is complete is kept in `{}`.",
            failure.next,
            part.temporary.display()
        );
        Failure { next, ..failure }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err takes it")]
fn standard(error: std::io::Error) -> Failure {
    Failure::local(
        format!("standard output: {error}"),
        "Check where the output goes.",
    )
}

/// Reads exactly so many bytes of what was left, or says that there are not so many.
pub fn left_exactly(part: &mut Part, bytes: usize, buffer: &mut Vec<u8>) -> Result<bool, Failure> {
    buffer.resize(bytes, 0);
    Ok(part.read_left(buffer)? == bytes)
}
