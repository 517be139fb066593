//! `keyward server --check`: opens everything without serving and says what it found.
use std::path::Path;

use keyward_core::secret::Secret;
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

/// Checks module, store and, with the passphrase, the key hierarchy and the log's head.
///
/// # Errors
/// [`StartError`].
pub fn check(data_dir: &Path, passphrase: Option<&Secret>) -> Result<CheckReport, CheckError> {
    let layout = Layout {
        root: data_dir.to_owned(),
    };
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
            format!("{integrity:?}"),
        ));
    }
    let engine = engine(&layout)?;
    lines.push((
        "module.start".to_owned(),
        true,
        "version, integrity and self-tests passed".to_owned(),
    ));
    if let Some(passphrase) = passphrase {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(StartError::Runtime)?;
        runtime.block_on(engine.unseal("passphrase", passphrase, None))?;
        lines.push((
            "custody.opens".to_owned(),
            true,
            "seal, keyring, trees and the log's head open and agree".to_owned(),
        ));
        engine.close();
    }
    Ok(CheckReport { lines })
}
