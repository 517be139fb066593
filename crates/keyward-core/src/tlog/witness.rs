//! What a witness decides: whether a log's new checkpoint extends the one it last cosigned
//! (c2sp.org/tlog-witness).
//!
//! The decision is pure. [`WitnessState::decide`] says what to cosign; the process must make the
//! new head durable, provided the old one is still the stored one, and only then sign,
//! [`commit`](WitnessState::commit) and answer. A witness that forgets, or answers first, could be
//! made to cosign two different pasts.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use super::{
    checkpoint::{Checkpoint, CheckpointError, Origin},
    hash::{Sha256, TreeHead},
    history::{HistoryError, KeyHistory},
    note::{NoteError, NoteVerifier, cosignature_message},
    verify::{ProofError, verify_consistency},
    witness_wire::{AddCheckpoint, RequestError, WireReply},
};

/// The logs a witness knows, and for each the largest tree it has cosigned.
#[derive(Clone, Debug, Default)]
pub struct WitnessState {
    logs: BTreeMap<Origin, Watched>,
}

#[derive(Clone, Debug)]
struct Watched {
    keys: KeyHistory,
    latest: TreeHead,
}

/// A checkpoint to cosign, and the change of state that must be durable first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigning {
    /// Which log.
    pub origin: Origin,
    /// The head that must still be the stored one when `to` is stored.
    pub from: TreeHead,
    /// The head to store.
    pub to: TreeHead,
    text: String,
}

/// Why a witness does not cosign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The request is malformed.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The checkpoint's text is malformed.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The old size is above the checkpoint's.
    #[error("old size is above the size of the checkpoint")]
    OldSizeAboveNew,
    /// The log is not one the witness knows.
    #[error("log is unknown")]
    UnknownLog,
    /// The checkpoint is not signed, or wrongly signed, by the log's key for that size.
    #[error("checkpoint is not signed by a trusted key of the log")]
    NotSigned,
    /// The old size is not that of the latest cosigned checkpoint.
    #[error("latest cosigned checkpoint has size {}", .0.size)]
    Conflict(TreeHead),
    /// The log has signed another root for the size last cosigned: proof, in the log's own hand,
    /// that it has forked.
    #[error("log has signed two roots for size {}", .0.size)]
    Forked(TreeHead),
    /// The new tree does not begin with the one last cosigned, or the proof is wrong.
    #[error(transparent)]
    Inconsistent(#[from] ProofError),
}

impl WitnessState {
    /// A witness that knows no log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a log known, with the head last cosigned as it was stored: [`TreeHead::EMPTY`] if none
    /// ever was. What was known about a log of the same origin is replaced.
    pub fn watch(&mut self, keys: KeyHistory, latest: TreeHead) {
        self.logs
            .insert(keys.origin().clone(), Watched { keys, latest });
    }

    /// The head last cosigned for a log; `None` if the log is unknown.
    #[must_use]
    pub fn latest(&self, origin: &Origin) -> Option<TreeHead> {
        self.logs.get(origin).map(|watched| watched.latest)
    }

    /// Decides on a request. Changes nothing.
    pub fn decide(
        &self,
        sha: &dyn Sha256,
        verifier: &dyn NoteVerifier,
        request: &AddCheckpoint,
    ) -> Result<Cosigning, Refusal> {
        let origin = Checkpoint::parse(request.checkpoint.text())?.origin;
        let watched = self.logs.get(&origin).ok_or(Refusal::UnknownLog)?;
        let checkpoint = watched
            .keys
            .open(verifier, &request.checkpoint)
            .map_err(not_signed)?;
        let (from, to) = (watched.latest, checkpoint.head);
        if request.old_size > to.size {
            return Err(Refusal::OldSizeAboveNew);
        }
        // Before the old size is compared: it is proof of misbehaviour whatever old size came along.
        if to.size == from.size && to.root != from.root && !to.is_false_empty() {
            return Err(Refusal::Forked(from));
        }
        if request.old_size != from.size {
            return Err(Refusal::Conflict(from));
        }
        verify_consistency(sha, &from, &to, &request.proof)?;
        Ok(Cosigning {
            origin,
            from,
            to,
            text: request.checkpoint.text().into(),
        })
    }

    /// Takes over a decision that has been stored; refused if another one came first.
    pub fn commit(&mut self, cosigning: &Cosigning) -> Result<(), Refusal> {
        let watched = self
            .logs
            .get_mut(&cosigning.origin)
            .ok_or(Refusal::UnknownLog)?;
        if watched.latest != cosigning.from {
            return Err(Refusal::Conflict(watched.latest));
        }
        watched.latest = cosigning.to;
        Ok(())
    }
}

impl Cosigning {
    /// The bytes for the witness' key to sign, for
    /// [`NoteSignature::cosignature`](super::NoteSignature::cosignature).
    #[must_use]
    pub fn message(&self, timestamp: u64) -> Vec<u8> {
        cosignature_message(timestamp, &self.text)
    }
}

impl Refusal {
    /// The answer to send.
    #[must_use]
    pub fn reply(&self) -> WireReply {
        match self {
            Self::Request(_) | Self::Checkpoint(_) | Self::OldSizeAboveNew => {
                WireReply::refused(400, self)
            }
            Self::UnknownLog => WireReply::refused(404, self),
            Self::NotSigned => WireReply::refused(403, self),
            Self::Conflict(latest) => WireReply::conflict(latest.size),
            Self::Forked(_) | Self::Inconsistent(_) => WireReply::refused(422, self),
        }
    }
}

/// A checkpoint's text was parsed before, so what can still be wrong is who signed it.
fn not_signed(error: HistoryError) -> Refusal {
    match error {
        HistoryError::Note(
            NoteError::NotSigned | NoteError::WrongSignature { .. } | NoteError::SignedTwice { .. },
        ) => Refusal::NotSigned,
        HistoryError::Checkpoint(error) => Refusal::Checkpoint(error),
        HistoryError::Note(error) => Refusal::Request(error.into()),
        _ => Refusal::UnknownLog,
    }
}
