//! What is read: a file or standard input, of which it is not known beforehand how long it is.
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use keyward_core::secret::Secret;
use zeroize::Zeroizing;

use crate::exit::Failure;
use crate::sealed_file::fill;

/// A file or standard input.
pub struct Input {
    from: Box<dyn Read>,
    name: String,
    length: Option<u64>,
}

/// What there is, as far as it was read.
pub enum Start {
    Whole(Secret),
    More(Input),
}

impl Input {
    pub fn open(file: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = file.filter(|path| *path != Path::new("-")) else {
            return Ok(Self {
                from: Box::new(std::io::stdin()),
                name: "standard input".to_owned(),
                length: None,
            });
        };
        let failed = |error: std::io::Error| Failure::file(path, &error);
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(Failure::local(
                format!("`{}` is a directory", path.display()),
                format!(
                    "Pack it first: tar -c {} | keyward encrypt …",
                    path.display()
                ),
            ));
        }
        Ok(Self {
            from: Box::new(file),
            name: path.display().to_string(),
            length: metadata.is_file().then_some(metadata.len()),
        })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long it is, where that can be known.
    pub const fn length(&self) -> Option<u64> {
        self.length
    }

    fn failed(&self, error: &std::io::Error) -> Failure {
        Failure::file(Path::new(&self.name), error)
    }

    /// The whole if it is not longer than `limit`; else all of it, still to be read.
    pub fn start(mut self, limit: usize, in_any_case_more: bool) -> Result<Start, Failure> {
        if in_any_case_more || self.length.is_some_and(|length| length > limit as u64) {
            return Ok(Start::More(self));
        }
        let mut bytes = Zeroizing::new(vec![0; limit + 1]);
        let filled = fill(&mut self.from, &mut bytes).map_err(|error| self.failed(&error))?;
        bytes.truncate(filled);
        if filled <= limit {
            return Ok(Start::Whole(Secret::new(std::mem::take(&mut *bytes))));
        }
        self.put_back(Whole(bytes));
        Ok(Start::More(self))
    }

    /// Whether it begins so; nothing of it is lost.
    pub fn begins_with(&mut self, magic: &[u8]) -> Result<bool, Failure> {
        let mut bytes = Zeroizing::new(vec![0; magic.len()]);
        let filled = fill(&mut self.from, &mut bytes).map_err(|error| self.failed(&error))?;
        bytes.truncate(filled);
        let begins = bytes.as_slice() == magic;
        self.put_back(Whole(bytes));
        Ok(begins)
    }

    fn put_back(&mut self, read: Whole) {
        let rest = std::mem::replace(&mut self.from, Box::new(std::io::empty()));
        self.from = Box::new(Cursor::new(read).chain(rest));
    }
}

/// Bytes that are wiped once they were read again.
struct Whole(Zeroizing<Vec<u8>>);

impl AsRef<[u8]> for Whole {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.from.read(buffer)
    }
}
