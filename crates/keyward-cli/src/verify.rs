//! Verification without a server: what the auditor runs, trusting one key and this program.
//!
//! Everything is recomputed from the files: leaf hashes from entries, the tree from leaf hashes, the signature over its
//! root from the pinned key and the rotations it vouches for. Nothing in a file is believed because the file says so.
//! Read next: `directory` (a download), `segment` (an archive), `proof` (one record), `sequence` (no record is missing).
mod crypto;
mod directory;
mod proof;
mod segment;
mod sequence;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use keyward_core::tlog::{
    Checkpoint, Hash, KeyHistory, Policy, SignedNote, VerifierKey, WitnessedCheckpoint,
};
use serde::Serialize;

pub use crypto::Crypto;
pub use directory::{Downloaded, block_count, entries_path, tile_path};
pub use proof::ProofFile;

use crate::exit::Failure;

/// A checkpoint kept earlier: where it was read, and the root it states.
type Claim<'c> = (&'c str, Hash);

/// What the verifier trusts.
pub struct Trust {
    pub crypto: Crypto,
    pinned: VerifierKey,
    witnesses: Vec<VerifierKey>,
    quorum: usize,
    /// Checkpoints kept earlier, with where they were read from.
    kept: Vec<(String, SignedNote)>,
}

/// What was verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// File or directory.
    pub path: String,
    /// `log`, `segment` or `proof`.
    pub kind: &'static str,
    /// Name of the log.
    pub log: String,
    /// Size of the tree that the checkpoint signs.
    pub size: u64,
    /// Its root.
    pub root: String,
    /// First index of the records that are there, if any are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// Records whose entries are there and lead to the root.
    pub records: u64,
    /// Records known by their hashes only, because they were archived.
    pub hashes_only: u64,
    /// Bodies that are there and are the ones recorded.
    pub bodies: u64,
    /// Bodies that were redacted.
    pub redacted: u64,
    /// How often the log's key was replaced.
    pub key_rotations: usize,
    /// Witnesses that cosigned.
    pub witnesses: Vec<String>,
}

impl Trust {
    /// From keys as given on the command line; all witnesses must have cosigned unless a quorum is given.
    pub fn new(
        log_key: &str,
        witnesses: &[String],
        quorum: Option<usize>,
    ) -> Result<Self, Failure> {
        let crypto = Crypto::new()?;
        let pinned = key(&crypto, log_key)?;
        let witnesses: Vec<_> = witnesses
            .iter()
            .map(|text| key(&crypto, text))
            .collect::<Result<_, _>>()?;
        let quorum = quorum.unwrap_or(witnesses.len());
        Ok(Self {
            crypto,
            pinned,
            witnesses,
            quorum,
            kept: Vec::new(),
        })
    }

    /// With checkpoints kept earlier, which every downloaded log must extend.
    pub fn extending(mut self, kept: &[PathBuf]) -> Result<Self, Failure> {
        for path in kept {
            let text = crate::files::read_text(path, 1 << 20)?;
            let note = SignedNote::parse(text.as_bytes()).map_err(|error| {
                Failure::integrity(format!("`{}` is no checkpoint: {error}", path.display()))
            })?;
            self.kept.push((path.display().to_string(), note));
        }
        Ok(self)
    }

    /// The roots that a log of this history and size must have had, by size.
    fn expected(
        &self,
        history: &KeyHistory,
        size: u64,
    ) -> Result<BTreeMap<u64, Vec<Claim<'_>>>, Failure> {
        let mut expected: BTreeMap<u64, Vec<Claim<'_>>> = BTreeMap::new();
        for (name, note) in &self.kept {
            let refuse = |reason: String| Failure::integrity(format!("`{name}` {reason}"));
            let stated = Checkpoint::parse(note.text())
                .map_err(|error| refuse(format!("is no checkpoint: {error}")))?;
            if stated.origin != *history.origin() {
                return Err(refuse("is of another log".to_owned()));
            }
            if stated.head.size > size {
                // Its key may be one that this copy has never heard of, so the signature says nothing here.
                return Err(refuse(format!(
                    "is of {} records and the log has {size}: its newest part is missing, or an old copy was put back",
                    stated.head.size
                )));
            }
            history
                .open(&self.crypto, note)
                .map_err(|error| refuse(format!("is not signed by the log: {error}")))?;
            expected
                .entry(stated.head.size)
                .or_default()
                .push((name.as_str(), stated.head.root));
        }
        Ok(expected)
    }

    /// Reads a key history that begins with the pinned key.
    fn history(&self, text: &str) -> Result<KeyHistory, Failure> {
        let history = KeyHistory::parse(&self.crypto, &self.crypto, text)
            .map_err(|error| Failure::integrity(format!("the key history: {error}")))?;
        let first = history.keys().next().map(|(_, key)| key);
        if first == Some(&self.pinned) {
            Ok(history)
        } else {
            Err(Failure::integrity(
                "the key history does not begin with the key that you trust",
            ))
        }
    }

    /// Checks a checkpoint's signature, and the witnesses'.
    fn checkpoint(
        &self,
        history: &KeyHistory,
        note: &[u8],
    ) -> Result<WitnessedCheckpoint, Failure> {
        let refuse = |error: &dyn ToString| {
            Failure::integrity(format!("the checkpoint: {}", error.to_string()))
        };
        let note = SignedNote::parse(note).map_err(|error| refuse(&error))?;
        self.policy(history)?
            .open(&self.crypto, &note)
            .map_err(|error| refuse(&error))
    }

    fn policy(&self, history: &KeyHistory) -> Result<Policy, Failure> {
        Policy::new(vec![history.clone()], self.witnesses.clone(), self.quorum)
            .map_err(|error| Failure::usage(error.to_string(), "Correct --witness and --quorum."))
    }

    /// Verifies one path, whatever it is.
    pub fn verify(&self, path: &Path) -> Result<Report, Failure> {
        let report = if path.is_dir() {
            directory::verify(self, path)
        } else {
            let bytes = std::fs::read(path).map_err(|error| Failure::file(path, &error))?;
            match bytes.first() {
                Some(b'{') => proof::verify(self, &bytes),
                _ => segment::verify(self, &bytes),
            }
        };
        let mut report = report.map_err(|mut failure| {
            failure.what = format!("`{}`: {}", path.display(), failure.what);
            failure
        })?;
        report.path = path.display().to_string();
        Ok(report)
    }
}

impl Report {
    /// The part that every kind has.
    fn of(kind: &'static str, history: &KeyHistory, witnessed: &WitnessedCheckpoint) -> Self {
        Self {
            path: String::new(),
            kind,
            log: history.origin().as_str().to_owned(),
            size: witnessed.checkpoint.head.size,
            root: keyward_core::ids::hex(witnessed.checkpoint.head.root.as_bytes()),
            first: None,
            records: 0,
            hashes_only: 0,
            bodies: 0,
            redacted: 0,
            key_rotations: history.rotations().count(),
            witnesses: witnessed
                .cosigners
                .iter()
                .map(|cosigner| cosigner.name.clone())
                .collect(),
        }
    }
}

/// A verifier key, or a file that holds one.
fn key(crypto: &Crypto, given: &str) -> Result<VerifierKey, Failure> {
    if let Ok(key) = VerifierKey::parse(crypto, given.trim()) {
        return Ok(key);
    }
    let path = Path::new(given);
    let not_a_key = |reason: String| {
        Failure::usage(
            reason,
            "Give the key that `keyward init` printed as `log key`, or a file with it.",
        )
    };
    if !path.is_file() {
        return Err(not_a_key(format!(
            "`{given}` is neither a verifier key nor a file"
        )));
    }
    let text = crate::files::read_text(path, 4096)?;
    VerifierKey::parse(crypto, text.trim()).map_err(|error| {
        not_a_key(format!(
            "`{}` is not a verifier key: {error}",
            path.display()
        ))
    })
}
