//! Messages of the witness protocol's `add-checkpoint` call (c2sp.org/tlog-witness), as values: no
//! HTTP here.
//!
//! A log posts [`AddCheckpoint`] to `<submission prefix>/add-checkpoint`; a witness answers with a
//! [`WireReply`], which the log reads as an [`AddCheckpointReply`].

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use super::{
    base64,
    hash::Hash,
    line::{decimal, take_line},
    note::{MAX_NOTE_BYTES, NoteError, NoteSignature, SignedNote},
};

/// Most hashes that a request may carry.
pub const MAX_PROOF_LINES: usize = 63;

/// A log's request to cosign a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// Size of the checkpoint that the witness last cosigned; 0 if it never did or the log does not
    /// know.
    pub old_size: u64,
    /// Consistency proof from that size to the checkpoint's.
    pub proof: Vec<Hash>,
    /// The checkpoint with at least the log's signature.
    pub checkpoint: SignedNote,
}

/// Why a body is not an `add-checkpoint` request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The body is longer than any request.
    #[error("request is too long")]
    TooLong,
    /// The old size line is malformed or missing.
    #[error("old size line is malformed")]
    OldSize,
    /// A proof line is not the base64 of 32 bytes, or the empty line after the proof is missing.
    #[error("consistency proof line is malformed")]
    Proof,
    /// More than [`MAX_PROOF_LINES`] proof lines.
    #[error("more than 63 consistency proof lines")]
    TooManyProofLines,
    /// The checkpoint is not a signed note.
    #[error(transparent)]
    Note(#[from] NoteError),
}

/// What a witness sends back, for an HTTP server to write out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireReply {
    /// HTTP status code.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// Body.
    pub body: String,
}

/// What a log learns from a witness' answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddCheckpointReply {
    /// 200: the cosignatures, still to be verified by [`SignedNote::add_cosignatures`].
    Cosigned(Vec<NoteSignature>),
    /// 409: the witness last cosigned another size; with that size, if it gave one. The very size
    /// that was sent as old size is how witnesses of version 1.0 say [`Self::Inconsistent`].
    Conflict(Option<u64>),
    /// 404: the witness does not know the log.
    UnknownLog,
    /// 403: no signature of a key that the witness trusts for this log.
    Forbidden,
    /// 400: the request is malformed.
    BadRequest,
    /// 422: the consistency proof does not hold, or the witness cosigned another root at the same
    /// size. To a log that knows its proof to be right, this says that its past is not the one it
    /// once showed: it has forked, or was restored from an old copy.
    Inconsistent,
    /// Any other status, or a body that does not belong to its status.
    Unexpected(u16),
}

impl AddCheckpoint {
    /// Reads a request body.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        if body.len() > MAX_NOTE_BYTES.saturating_mul(2) {
            return Err(RequestError::TooLong);
        }
        let mut rest = core::str::from_utf8(body).map_err(|_| NoteError::NotUtf8)?;
        let old_size = take_line(&mut rest)
            .and_then(|line| line.strip_prefix("old "))
            .and_then(decimal);
        let old_size = old_size.ok_or(RequestError::OldSize)?;
        let mut proof = Vec::new();
        loop {
            match take_line(&mut rest).ok_or(RequestError::Proof)? {
                "" => break,
                _ if proof.len() == MAX_PROOF_LINES => return Err(RequestError::TooManyProofLines),
                encoded => proof.push(base64::decode_hash(encoded).ok_or(RequestError::Proof)?),
            }
        }
        Ok(Self {
            old_size,
            proof,
            checkpoint: SignedNote::parse(rest.as_bytes())?,
        })
    }
}

/// The request body.
impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        self.proof
            .iter()
            .try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

impl WireReply {
    const TEXT: &'static str = "text/plain; charset=utf-8";
    const SIZE: &'static str = "text/x.tlog.size";

    /// 200 with cosignatures.
    #[must_use]
    pub fn cosigned(cosignatures: &[NoteSignature]) -> Self {
        let body = cosignatures.iter().map(ToString::to_string).collect();
        Self {
            status: 200,
            content_type: Self::TEXT,
            body,
        }
    }

    /// 409 with the size that was last cosigned.
    pub(super) fn conflict(size: u64) -> Self {
        Self {
            status: 409,
            content_type: Self::SIZE,
            body: alloc::format!("{size}\n"),
        }
    }

    /// A refusal with a line for people.
    pub(super) fn refused(status: u16, reason: &dyn fmt::Display) -> Self {
        Self {
            status,
            content_type: Self::TEXT,
            body: alloc::format!("{reason}\n"),
        }
    }
}

impl AddCheckpointReply {
    /// Reads a witness' answer.
    #[must_use]
    pub fn parse(status: u16, body: &[u8]) -> Self {
        let text = core::str::from_utf8(body)
            .ok()
            .filter(|text| text.len() <= MAX_NOTE_BYTES);
        match status {
            200 => match text.and_then(|lines| NoteSignature::parse_lines(lines).ok()) {
                Some(cosignatures) => Self::Cosigned(cosignatures),
                None => Self::Unexpected(status),
            },
            409 => Self::Conflict(
                text.and_then(|line| line.strip_suffix('\n'))
                    .and_then(decimal),
            ),
            404 => Self::UnknownLog,
            403 => Self::Forbidden,
            400 => Self::BadRequest,
            422 => Self::Inconsistent,
            _ => Self::Unexpected(status),
        }
    }
}
