//! Someone else who remembers how far the log had come.
//!
//! An adapter sends a checkpoint and a consistency proof (C2SP tlog-witness) and brings back cosignatures. It is trusted
//! to remember, not to keep secrets; a witness that lies can only withhold.

/// What the log asks of a witness.
#[derive(Debug, Clone)]
pub struct WitnessRequest {
    /// Size the witness is believed to have seen last.
    pub old_size: u64,
    /// Consistency proof from there.
    pub proof: Vec<[u8; 32]>,
    /// The signed checkpoint.
    pub checkpoint: String,
}

/// What a witness answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WitnessAnswer {
    /// Cosignature lines.
    Cosigned(String),
    /// It has seen another size: ask again from there.
    Conflict {
        /// Its size.
        size: u64,
    },
    /// It saw another tree of that size or one that this one does not extend: the log was forked or rolled back.
    Inconsistent,
    /// It refuses this log or key.
    Refused,
}

/// Why no answer came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitnessFault {
    /// Not reachable, or no sense in what it said.
    #[error("the witness is unavailable: {0}")]
    Unavailable(&'static str),
}

/// The port.
pub trait Witness: Send + Sync {
    /// Its verifier key, as configured.
    fn verifier_key(&self) -> &str;
    /// Asks for cosignatures. May block; never called with locks held.
    ///
    /// # Errors
    /// [`WitnessFault`].
    fn add_checkpoint(&self, request: &WitnessRequest) -> Result<WitnessAnswer, WitnessFault>;
    /// Shows the history of the log's keys to a witness that refuses the current one. May block.
    ///
    /// # Errors
    /// [`WitnessFault`], also when the witness has no such call or does not follow.
    fn offer_keys(&self, history: &str) -> Result<(), WitnessFault>;
}
