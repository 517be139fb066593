//! `keyward server --check`: opens and checks everything without serving and without writing a record.
use std::path::{Path, PathBuf};

use keyward_core::secret::Secret;
use keyward_engine::check::KnownCheckpoint;
use keyward_store::SqliteStore;

use crate::parts::{Layout, StartError, engine};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    /// Name, whether it is well, facts.
    pub lines: Vec<(String, bool, String)>,
}

/// Why it could not be checked.
pub type CheckError = StartError;

/// Checks module, store and, with the passphrase, every row, the whole log, and that it contains the kept checkpoints.
///
/// # Errors
/// [`StartError`].
pub fn check(
    data_dir: &Path,
    passphrase: Option<&Secret>,
    kept: &[PathBuf],
) -> Result<CheckReport, CheckError> {
    let layout = Layout {
        root: data_dir.to_owned(),
    };
    let mut known = Vec::new();
    for path in kept {
        let note = std::fs::read_to_string(path).map_err(|error| StartError::File {
            path: path.clone(),
            error,
        })?;
        let name = format!("checkpoint {}", path.display());
        known.push(KnownCheckpoint { name, note });
    }
    let mut lines = Vec::new();
    {
        let store = SqliteStore::open(&layout.store()).map_err(|fault| StartError::Store {
            path: layout.store(),
            fault,
        })?;
        let integrity = store.check_integrity().map_err(|fault| StartError::Store {
            path: layout.store(),
            fault,
        })?;
        lines.push((
            "store.integrity".to_owned(),
            integrity.is_whole(),
            if integrity.is_whole() {
                "the database is whole".to_owned()
            } else {
                integrity.findings.join("; ")
            },
        ));
    }
    let engine = engine(&layout)?;
    lines.push((
        "module.start".to_owned(),
        true,
        "version, integrity and self-tests passed".to_owned(),
    ));
    if let Some(passphrase) = passphrase {
        let checked = engine.check("passphrase", passphrase, &known)?;
        lines.extend(
            checked
                .into_iter()
                .map(|line| (line.check, line.ok, line.detail)),
        );
    }
    Ok(CheckReport { lines })
}
