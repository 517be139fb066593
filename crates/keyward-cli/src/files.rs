//! Files: secrets that only their owner may read, and results that are there whole or not at all.
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use keyward_core::secret::Secret;
use zeroize::Zeroizing;

use crate::exit::Failure;

/// What to do when the file is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    Replace,
    Keep,
}

/// Longest file that can be a secret.
const SECRET_MAX: u64 = 64 << 10;

/// Writes a file that only its owner may read: complete and durable under its name, or not there.
pub fn write_private(path: &Path, bytes: &[u8], existing: Existing) -> Result<(), Failure> {
    let mut file = NewFile::create(path, existing)?;
    file.write(bytes)?;
    file.finish()
}

/// A file that gets its name only when it is complete.
pub struct NewFile {
    path: PathBuf,
    temporary: PathBuf,
    existing: Existing,
    file: Option<File>,
}

impl NewFile {
    /// Begins beside the place it will have.
    pub fn create(path: &Path, existing: Existing) -> Result<Self, Failure> {
        if existing == Existing::Keep && path.symlink_metadata().is_ok() {
            return Err(occupied(path));
        }
        let name = path.file_name().ok_or_else(|| {
            Failure::usage(
                format!("`{}` is not the name of a file", path.display()),
                "Name a file.",
            )
        })?;
        let mut temporary = std::ffi::OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}.part", std::process::id()));
        let temporary = path.with_file_name(temporary);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)
            .map_err(|error| Failure::file(path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            temporary,
            existing,
            file: Some(file),
        })
    }

    /// Appends.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self.file.as_mut() {
            Some(file) => file
                .write_all(bytes)
                .map_err(|error| Failure::file(&self.path, &error)),
            None => Ok(()),
        }
    }

    /// Makes it durable and gives it its name.
    pub fn finish(mut self) -> Result<(), Failure> {
        let failed = |error: std::io::Error| Failure::file(&self.path, &error);
        if let Some(file) = self.file.take() {
            file.sync_all().map_err(failed)?;
        }
        give_name(&self.temporary, &self.path, self.existing)
    }
}

/// Gives a complete file its name, durably.
pub fn give_name(temporary: &Path, path: &Path, existing: Existing) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::file(path, &error);
    match existing {
        Existing::Replace => std::fs::rename(temporary, path).map_err(failed)?,
        // Unlike a rename, a link does not replace what somebody else made meanwhile.
        Existing::Keep => {
            std::fs::hard_link(temporary, path).map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists => occupied(path),
                _ => failed(error),
            })?;
        }
    }
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let directory = File::open(directory.unwrap_or(Path::new("."))).map_err(failed)?;
    directory.sync_all().map_err(failed)
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // After a rename there is nothing left to remove.
        let _ = std::fs::remove_file(&self.temporary);
    }
}

/// Somebody else's file has the name.
pub fn occupied(path: &Path) -> Failure {
    Failure::local(
        format!("`{}` is there already", path.display()),
        "Choose another name, or remove the file first (`encrypt` and `decrypt` take --force).",
    )
}

/// Reads a file with a secret; one that others can read is refused, because then it is none.
pub fn read_secret(path: &Path) -> Result<Secret, Failure> {
    let mut file = File::open(path).map_err(|error| Failure::file(path, &error))?;
    let metadata = file
        .metadata()
        .map_err(|error| Failure::file(path, &error))?;
    if metadata.is_file() && metadata.mode() & 0o077 != 0 {
        return Err(Failure::local(
            format!(
                "`{}` can be read by others (mode {:03o})",
                path.display(),
                metadata.mode() & 0o777
            ),
            format!(
                "`chmod 600 {}`, and replace the secret if others may have read it.",
                path.display()
            ),
        ));
    }
    read_limited(&mut file, SECRET_MAX, &path.display().to_string())
}

/// Reads to the end, at most so many bytes, into a buffer that never grows and is wiped.
pub fn read_limited(
    from: &mut dyn std::io::Read,
    limit: u64,
    name: &str,
) -> Result<Secret, Failure> {
    let failed =
        |error: std::io::Error| Failure::local(format!("`{name}`: {error}"), "Check the file.");
    let mut out: Zeroizing<Vec<u8>> = Zeroizing::new(Vec::new());
    let mut chunk = Zeroizing::new(vec![0_u8; 64 << 10]);
    loop {
        let count = match from.read(&mut chunk) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other.map_err(failed)?,
        };
        let Some(read) = chunk.get(..count).filter(|read| !read.is_empty()) else {
            break;
        };
        if (out.len() + read.len()) as u64 > limit {
            return Err(Failure::local(
                format!("`{name}` is longer than {limit} bytes"),
                "One operation takes no more; split the data.",
            ));
        }
        if out.capacity() - out.len() < read.len() {
            let mut larger = Zeroizing::new(Vec::with_capacity(
                (out.len() + read.len()).next_power_of_two(),
            ));
            larger.extend_from_slice(&out);
            std::mem::swap(&mut out, &mut larger);
        }
        out.extend_from_slice(read);
    }
    Ok(Secret::new(std::mem::take(&mut *out)))
}

/// Reads a text file that is no secret (a policy, a certificate).
pub fn read_text(path: &Path, limit: u64) -> Result<String, Failure> {
    let file = File::open(path).map_err(|error| Failure::file(path, &error))?;
    let mut text = String::new();
    file.take(limit + 1)
        .read_to_string(&mut text)
        .map_err(|error| Failure::file(path, &error))?;
    if text.len() as u64 > limit {
        let what = format!("`{}` is longer than {limit} bytes", path.display());
        return Err(Failure::local(what, "Check that it is the right file."));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_new_file_is_private_complete_and_leaves_nothing_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        write_private(&path, b"one", Existing::Keep).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        assert!(write_private(&path, b"two", Existing::Keep).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        write_private(&path, b"two", Existing::Replace).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_unfinished_file_never_has_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        let mut file = NewFile::create(&path, Existing::Keep).unwrap();
        file.write(b"half").unwrap();
        drop(file);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_secret_that_others_can_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        write_private(&path, b"secret", Existing::Keep).unwrap();
        assert_eq!(read_secret(&path).unwrap().expose(), b"secret");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        assert!(read_secret(&path).unwrap_err().what.contains("640"));
    }

    #[test]
    fn reading_stops_at_the_limit() {
        let data = vec![7; 200_000];
        assert_eq!(
            read_limited(&mut &data[..], 200_000, "x").unwrap().expose(),
            &data[..]
        );
        assert!(read_limited(&mut &data[..], 199_999, "x").is_err());
    }
}
