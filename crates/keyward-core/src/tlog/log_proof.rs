//! The `.tlog-proof` file: everything needed to show offline that an entry is in a log
//! (c2sp.org/tlog-proof).
//!
//! Index, inclusion proof and cosigned checkpoint in one text. Verifying it needs a [`Policy`] and
//! the entry, no network and none of the log's data.

use alloc::vec::Vec;
use core::fmt;

use super::{
    base64,
    hash::{Hash, Sha256},
    line::{decimal, take_line},
    note::{MAX_NOTE_BYTES, NoteError, NoteVerifier, SignedNote},
    policy::{Policy, PolicyError, WitnessedCheckpoint},
    verify::{ProofError, verify_inclusion},
};

const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// A tree of at most 2^63 − 1 leaves needs no longer proof.
const MAX_HASHES: usize = 63;

/// A proof of inclusion as a file, not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogProof {
    /// Position of the entry in the log.
    pub index: u64,
    /// Inclusion proof, from the leaf's sibling up to the root's child.
    pub hashes: Vec<Hash>,
    /// The log's checkpoint with its cosignatures.
    pub checkpoint: SignedNote,
    /// Bytes for the application. Nothing authenticates them.
    pub extra: Option<Vec<u8>>,
}

/// What a valid proof shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedProof {
    /// Position of the entry in the log.
    pub index: u64,
    /// The tree it is in, and who vouches for that tree.
    pub witnessed: WitnessedCheckpoint,
}

/// Why a file is not a proof, or proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogProofError {
    /// The file is longer than any proof.
    #[error("proof file is too long")]
    TooLong,
    /// The first line is another one than that of version 1.
    #[error("proof file has an unknown header")]
    Header,
    /// A line is malformed or missing.
    #[error("proof file is malformed")]
    Malformed,
    /// The checkpoint is not a signed note.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The checkpoint does not satisfy the policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The entry is not in the checkpoint's tree at that position.
    #[error(transparent)]
    Inclusion(#[from] ProofError),
}

impl LogProof {
    /// Reads a proof file. Writing it again gives the same bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, LogProofError> {
        if bytes.len() > MAX_NOTE_BYTES.saturating_mul(2) {
            return Err(LogProofError::TooLong);
        }
        let text = core::str::from_utf8(bytes).map_err(|_| LogProofError::Malformed)?;
        let mut rest = text;
        if take_line(&mut rest) != Some(HEADER) {
            return Err(LogProofError::Header);
        }
        let mut line = || take_line(&mut rest).ok_or(LogProofError::Malformed);
        let mut index = line()?;
        let extra = match index.strip_prefix("extra ") {
            Some(encoded) => {
                index = line()?;
                Some(base64::decode(encoded).ok_or(LogProofError::Malformed)?)
            }
            None => None,
        };
        let index = index
            .strip_prefix("index ")
            .and_then(decimal)
            .ok_or(LogProofError::Malformed)?;
        let mut hashes = Vec::new();
        loop {
            match line()? {
                "" => break,
                _ if hashes.len() == MAX_HASHES => return Err(LogProofError::Malformed),
                encoded => {
                    hashes.push(base64::decode_hash(encoded).ok_or(LogProofError::Malformed)?)
                }
            }
        }
        Ok(Self {
            index,
            hashes,
            checkpoint: SignedNote::parse(rest.as_bytes())?,
            extra,
        })
    }

    /// Checks that the entry with this [`leaf_hash`](super::leaf_hash) stands at the index in a
    /// tree that satisfies `policy`.
    pub fn verify(
        &self,
        sha: &dyn Sha256,
        verifier: &dyn NoteVerifier,
        policy: &Policy,
        leaf: Hash,
    ) -> Result<VerifiedProof, LogProofError> {
        let witnessed = policy.open(verifier, &self.checkpoint)?;
        verify_inclusion(
            sha,
            leaf,
            self.index,
            &witnessed.checkpoint.head,
            &self.hashes,
        )?;
        Ok(VerifiedProof {
            index: self.index,
            witnessed,
        })
    }
}

/// The file.
impl fmt::Display for LogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", base64::encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes
            .iter()
            .try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}
