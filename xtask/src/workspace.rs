//! Where the project is on disk and how its files are read.
use std::fs;
use std::path::{Path, PathBuf};

use crate::{Failure, Outcome};

/// The root of the repository, found from this crate's own place in it.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Reads a text file; the message names the file.
pub fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(|error| Failure(format!("{}: {error}", path.display())))
}

/// Writes a text file, making its directory.
pub fn write(path: &Path, text: &str) -> Outcome {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)
            .map_err(|error| Failure(format!("{}: {error}", directory.display())))?;
    }
    fs::write(path, text).map_err(|error| Failure(format!("{}: {error}", path.display())))
}
