//! The statement by which a log changes its key: an entry of the log itself, signed by the old and
//! the new key.
//!
//! ```text
//! keyward-log-key-rotation/v1
//! origin <origin>
//! from <size of the first tree that has this statement; the new key signs from it on>
//! old <verifier key>
//! new <verifier key>
//! ```
//!
//! It can never be taken for a checkpoint, nor a checkpoint for it: a checkpoint's second line is a
//! number.

use alloc::string::ToString;
use core::fmt;

use super::{
    checkpoint::Origin,
    hash::Sha256,
    key::{SignatureType, VerifierKey},
    line::{decimal, take_line},
    node::MAX_TREE_SIZE,
    note::{NoteError, NoteVerifier, SignedNote},
};

const HEADER: &str = "keyward-log-key-rotation/v1";

/// A change of a log's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Which log.
    pub origin: Origin,
    /// Size of the first tree that contains the statement and is signed by the new key.
    pub from_size: u64,
    /// The key up to there.
    pub old: VerifierKey,
    /// The key from there on.
    pub new: VerifierKey,
}

/// Why something is not a valid statement of rotation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RotationError {
    /// The text is malformed.
    #[error("statement of rotation is malformed")]
    Malformed,
    /// The new key is the old one, or one of the two is not a log's signing key.
    #[error("statement of rotation names keys that cannot follow each other")]
    Keys,
    /// One of the two keys has not signed.
    #[error("statement of rotation is not signed by both keys")]
    NotSignedByBoth,
    /// The statement is not a sound signed note.
    #[error(transparent)]
    Note(#[from] NoteError),
}

impl Rotation {
    /// The unsigned statement; both keys must [`sign`](SignedNote::sign) it before it is logged as
    /// entry `from_size` − 1.
    pub fn to_note(&self) -> Result<SignedNote, RotationError> {
        self.check()?;
        Ok(SignedNote::new(self.to_string())?)
    }

    /// Reads a signed statement and checks that both keys have signed it. Whether the old key is
    /// the log's key is for [`KeyHistory`](super::KeyHistory) to say.
    pub fn open(
        sha: &dyn Sha256,
        verifier: &dyn NoteVerifier,
        note: &SignedNote,
    ) -> Result<Self, RotationError> {
        let rotation = Self::parse(sha, note.text()).ok_or(RotationError::Malformed)?;
        rotation.check()?;
        for key in [&rotation.old, &rotation.new] {
            match note.verify(verifier, core::slice::from_ref(key)) {
                Ok(_) => {}
                Err(NoteError::NotSigned) => return Err(RotationError::NotSignedByBoth),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(rotation)
    }

    /// The position in the log at which the statement must stand.
    #[must_use]
    pub const fn entry_index(&self) -> u64 {
        self.from_size.saturating_sub(1)
    }

    fn parse(sha: &dyn Sha256, text: &str) -> Option<Self> {
        let mut rest = text;
        let mut field = |name: &str| take_line(&mut rest)?.strip_prefix(name);
        if !field(HEADER)?.is_empty() {
            return None;
        }
        let origin = Origin::new(field("origin ")?).ok()?;
        let from_size = decimal(field("from ")?)?;
        let old = VerifierKey::parse(sha, field("old ")?).ok()?;
        let new = VerifierKey::parse(sha, field("new ")?).ok()?;
        rest.is_empty().then_some(Self {
            origin,
            from_size,
            old,
            new,
        })
    }

    fn check(&self) -> Result<(), RotationError> {
        if !(1..=MAX_TREE_SIZE).contains(&self.from_size) {
            return Err(RotationError::Malformed);
        }
        let both_sign = [&self.old, &self.new]
            .iter()
            .all(|key| key.signs() == SignatureType::Ed25519);
        let same = self.old.public_key() == self.new.public_key()
            // Key ids are short: two keys could share one, and then neither signature line says
            // whose it is.
            || (self.old.name(), self.old.id()) == (self.new.name(), self.new.id());
        if !both_sign || same {
            return Err(RotationError::Keys);
        }
        Ok(())
    }
}

/// The text to sign.
impl fmt::Display for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            origin,
            from_size,
            old,
            new,
        } = self;
        writeln!(
            f,
            "{HEADER}\norigin {origin}\nfrom {from_size}\nold {old}\nnew {new}"
        )
    }
}
