//! Whom an offline verifier believes: the logs it knows, and how many of which witnesses must have
//! cosigned.
//!
//! A log's own signature shows who made a checkpoint; only witnesses show that everyone else was
//! given the same one.

use alloc::{borrow::ToOwned, string::String, vec::Vec};

use super::{
    checkpoint::{Checkpoint, CheckpointError},
    history::{HistoryError, KeyHistory},
    key::{SignatureType, VerifierKey},
    note::{NoteError, NoteVerifier, SignedNote, VerifiedSignature},
};

/// Known logs, known witnesses, and the number of witnesses needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<KeyHistory>,
    witnesses: Vec<VerifierKey>,
    quorum: usize,
}

/// A checkpoint that satisfies a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessedCheckpoint {
    /// What the log stated.
    pub checkpoint: Checkpoint,
    /// Which known witnesses cosigned it, at least as many as the policy asks for.
    pub cosigners: Vec<Cosigner>,
}

/// A witness that cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigner {
    /// Its name.
    pub name: String,
    /// The time it states, in seconds since 1970. The policy does not judge it; a caller
    /// may.
    pub timestamp: u64,
}

/// Why a policy cannot be, or a checkpoint does not satisfy it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Two histories are of the same log.
    #[error("policy names the same log twice")]
    DuplicateLog,
    /// A witness' key must cosign, not sign notes.
    #[error("key {0:?} is not a witness' key")]
    NotAWitnessKey(VerifierKey),
    /// One key would count as two witnesses, or a log as its own witness.
    #[error("key {0:?} must not be a witness as well")]
    NotIndependent(VerifierKey),
    /// More witnesses are needed than are known.
    #[error("policy asks for {needed} of {known} witnesses")]
    QuorumOutOfReach {
        /// How many must cosign.
        needed: usize,
        /// How many there are.
        known: usize,
    },
    /// The checkpoint is of no known log.
    #[error("checkpoint is of an unknown log")]
    UnknownLog,
    /// Too few known witnesses have cosigned.
    #[error("checkpoint is cosigned by {found} of the {needed} witnesses needed")]
    TooFewWitnesses {
        /// How many have cosigned.
        found: usize,
        /// How many must have.
        needed: usize,
    },
    /// The text is not a checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The log's signature does not hold.
    #[error(transparent)]
    Log(#[from] HistoryError),
    /// A known witness' cosignature is wrong.
    #[error(transparent)]
    Cosignature(#[from] NoteError),
}

impl Policy {
    /// A policy that needs `quorum` of `witnesses` to have cosigned a checkpoint of one of `logs`.
    pub fn new(
        logs: Vec<KeyHistory>,
        witnesses: Vec<VerifierKey>,
        quorum: usize,
    ) -> Result<Self, PolicyError> {
        for (at, log) in logs.iter().enumerate() {
            if logs
                .iter()
                .take(at)
                .any(|other| other.origin() == log.origin())
            {
                return Err(PolicyError::DuplicateLog);
            }
        }
        for (at, witness) in witnesses.iter().enumerate() {
            if witness.signs() != SignatureType::CosignatureV1 {
                return Err(PolicyError::NotAWitnessKey(witness.clone()));
            }
            let mut others = witnesses
                .iter()
                .take(at)
                .chain(logs.iter().flat_map(|log| log.keys().map(|(_, key)| key)));
            if others.any(|other| other.public_key() == witness.public_key()) {
                return Err(PolicyError::NotIndependent(witness.clone()));
            }
        }
        if quorum > witnesses.len() {
            return Err(PolicyError::QuorumOutOfReach {
                needed: quorum,
                known: witnesses.len(),
            });
        }
        Ok(Self {
            logs,
            witnesses,
            quorum,
        })
    }

    /// Checks a signed checkpoint: a known log, the log's key for that size, enough witnesses, no
    /// wrong signature.
    pub fn open(
        &self,
        verifier: &dyn NoteVerifier,
        note: &SignedNote,
    ) -> Result<WitnessedCheckpoint, PolicyError> {
        let origin = Checkpoint::parse(note.text())?.origin;
        let log = self
            .logs
            .iter()
            .find(|log| *log.origin() == origin)
            .ok_or(PolicyError::UnknownLog)?;
        let checkpoint = log.open(verifier, note)?;
        let cosigners = self.cosigners(verifier, note)?;
        if cosigners.len() < self.quorum {
            return Err(PolicyError::TooFewWitnesses {
                found: cosigners.len(),
                needed: self.quorum,
            });
        }
        Ok(WitnessedCheckpoint {
            checkpoint,
            cosigners,
        })
    }

    /// The known witnesses that cosigned, each once.
    fn cosigners(
        &self,
        verifier: &dyn NoteVerifier,
        note: &SignedNote,
    ) -> Result<Vec<Cosigner>, NoteError> {
        let verified = match note.verify(verifier, &self.witnesses) {
            Err(NoteError::NotSigned) => Vec::new(),
            verified => verified?,
        };
        let cosigner = |signature: VerifiedSignature<'_>| {
            Some(Cosigner {
                name: signature.key.name().to_owned(),
                timestamp: signature.timestamp?,
            })
        };
        Ok(verified.into_iter().filter_map(cosigner).collect())
    }
}
