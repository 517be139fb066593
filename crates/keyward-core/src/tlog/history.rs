//! Which key a log signs with at which size, from the key pinned at its beginning through every
//! rotation since.
//!
//! An auditor starts from one pinned key and needs nothing else on trust: each later key is vouched
//! for by the one before it. A key is believed only for the sizes that were its own, so a retired
//! key that leaks later cannot speak for the log's present.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use super::{
    base64,
    checkpoint::{Checkpoint, CheckpointError, Origin},
    hash::Sha256,
    key::{KeyError, SignatureType, VerifierKey},
    line::take_line,
    note::{NoteError, NoteVerifier, SignedNote},
    rotation::{Rotation, RotationError},
};

const HEADER: &str = "keyward-log-key-history/v1";

/// The keys of one log, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHistory {
    origin: Origin,
    pinned: VerifierKey,
    rotations: Vec<(Rotation, SignedNote)>,
}

/// Why a history, a rotation or a checkpoint is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// The text is not a stored history.
    #[error("key history is malformed")]
    Malformed,
    /// A log's key must sign notes, not cosign them.
    #[error("key is not a log's signing key")]
    NotALogKey,
    /// The statement or checkpoint is of another log.
    #[error("origin is that of another log")]
    OtherLog,
    /// The rotation does not start from the current key or size, or comes back to an earlier key.
    #[error("rotation does not follow the key history")]
    DoesNotFollow,
    /// A key in the text is not one.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The statement itself is not valid.
    #[error(transparent)]
    Rotation(#[from] RotationError),
    /// The checkpoint's text is malformed.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The note is malformed or not signed by the key of its size.
    #[error(transparent)]
    Note(#[from] NoteError),
}

impl KeyHistory {
    /// The history of a log that has had only the key pinned at its beginning.
    pub fn pinned(origin: Origin, key: VerifierKey) -> Result<Self, HistoryError> {
        if key.signs() != SignatureType::Ed25519 {
            return Err(HistoryError::NotALogKey);
        }
        Ok(Self {
            origin,
            pinned: key,
            rotations: Vec::new(),
        })
    }

    /// Takes the next rotation, if it is signed by both keys and follows from what is known.
    pub fn rotate(
        &mut self,
        sha: &dyn Sha256,
        verifier: &dyn NoteVerifier,
        statement: SignedNote,
    ) -> Result<(), HistoryError> {
        let rotation = Rotation::open(sha, verifier, &statement)?;
        if rotation.origin != self.origin {
            return Err(HistoryError::OtherLog);
        }
        let (since, current) = self.current();
        let reused = self
            .keys()
            .any(|(_, key)| key.public_key() == rotation.new.public_key());
        if rotation.old != *current || rotation.from_size <= since || reused {
            return Err(HistoryError::DoesNotFollow);
        }
        self.rotations.push((rotation, statement));
        Ok(())
    }

    /// Which log.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// All keys with the tree size from which each signs.
    pub fn keys(&self) -> impl Iterator<Item = (u64, &VerifierKey)> {
        let later = self
            .rotations
            .iter()
            .map(|(rotation, _)| (rotation.from_size, &rotation.new));
        core::iter::once((0, &self.pinned)).chain(later)
    }

    /// The statements, for a check that each stands in the log at its [`Rotation::entry_index`].
    pub fn rotations(&self) -> impl Iterator<Item = (&Rotation, &SignedNote)> {
        self.rotations
            .iter()
            .map(|(rotation, note)| (rotation, note))
    }

    /// The latest key and the tree size from which it signs.
    #[must_use]
    pub fn current(&self) -> (u64, &VerifierKey) {
        self.rotations
            .last()
            .map_or((0, &self.pinned), |(rotation, _)| {
                (rotation.from_size, &rotation.new)
            })
    }

    /// The key that signs trees of `size`.
    #[must_use]
    pub fn key_at(&self, size: u64) -> &VerifierKey {
        let later = self
            .rotations
            .iter()
            .rev()
            .find(|(rotation, _)| rotation.from_size <= size);
        later.map_or(&self.pinned, |(rotation, _)| &rotation.new)
    }

    /// Reads a checkpoint of this log and checks that the key of its size has signed it.
    pub fn open(
        &self,
        verifier: &dyn NoteVerifier,
        note: &SignedNote,
    ) -> Result<Checkpoint, HistoryError> {
        let checkpoint = Checkpoint::parse(note.text())?;
        if checkpoint.origin != self.origin {
            return Err(HistoryError::OtherLog);
        }
        note.verify(
            verifier,
            core::slice::from_ref(self.key_at(checkpoint.head.size)),
        )?;
        Ok(checkpoint)
    }

    /// Reads a stored history and checks every rotation. The pinned key is as trustworthy as the
    /// text's source: compare it with the one from the log's initialisation.
    pub fn parse(
        sha: &dyn Sha256,
        verifier: &dyn NoteVerifier,
        text: &str,
    ) -> Result<Self, HistoryError> {
        let mut rest = text;
        let mut field = |name: &str| take_line(&mut rest).and_then(|line| line.strip_prefix(name));
        if field(HEADER) != Some("") {
            return Err(HistoryError::Malformed);
        }
        let origin = Origin::new(field("origin ").ok_or(HistoryError::Malformed)?)?;
        let key = VerifierKey::parse(sha, field("pinned ").ok_or(HistoryError::Malformed)?)?;
        let mut history = Self::pinned(origin, key)?;
        while !rest.is_empty() {
            let encoded = take_line(&mut rest).and_then(|line| line.strip_prefix("rotation "));
            let note = encoded
                .and_then(base64::decode)
                .ok_or(HistoryError::Malformed)?;
            history.rotate(sha, verifier, SignedNote::parse(&note)?)?;
        }
        Ok(history)
    }
}

/// The stored form: header, origin, pinned key, and one line per signed statement of rotation.
impl fmt::Display for KeyHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{HEADER}\norigin {}\npinned {}",
            self.origin, self.pinned
        )?;
        self.rotations.iter().try_for_each(|(_, note)| {
            let text: String = note.to_string();
            writeln!(f, "rotation {}", base64::encode(text.as_bytes()))
        })
    }
}
