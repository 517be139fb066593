//! Audit records, proofs and segments.
use serde::{Deserialize, Serialize};

/// The credential a caller used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialUsed {
    /// `system`, `token`, `certificate`, `seal` or `unproven`.
    pub kind: String,
    /// Token's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Certificate's fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Seal's slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<String>,
}

/// A change of state in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Before.
    pub from: String,
    /// After.
    pub to: String,
}

/// What the body of a record says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// Who.
    pub principal: String,
    /// By which credential.
    pub credential: CredentialUsed,
    /// From which address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Request id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// SHA-256 of the command's canonical bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_digest: Option<String>,
    /// Module that acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// Policies that decided.
    pub policies: Vec<String>,
    /// Approval consumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<u64>,
    /// Change of state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// Facts in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Bytes protected or processed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload_bytes: Option<u64>,
}

/// An audit record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Index in the log.
    pub index: u64,
    /// When it was decided.
    pub time: String,
    /// Node.
    pub node: String,
    /// Lane.
    pub lane: u32,
    /// Realm.
    pub realm: String,
    /// Number in the realm, without gaps.
    pub realm_seq: u64,
    /// Command.
    pub command: String,
    /// Its stable number.
    pub command_number: u16,
    /// What was acted upon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Version of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_version: Option<u32>,
    /// `done`, or the code of the refusal.
    pub outcome: String,
    /// 0, or its number.
    pub outcome_number: u16,
    /// The module's word.
    pub indicator: String,
    /// SHA-256(salt ‖ body).
    pub body_digest: String,
    /// Digest of the rows as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_image: Option<String>,
    /// Keyed tag of all live rows after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_tag: Option<String>,
    /// Whether the body is gone.
    pub redacted: bool,
    /// Body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
}

/// Records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordPage {
    /// In index order.
    pub items: Vec<Record>,
    /// Index to go on from.
    pub next: u64,
    /// Size of the log when they were read.
    pub size: u64,
}

/// A proof that a record is in the log, complete for offline use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordProof {
    /// Index in the log.
    pub index: u64,
    /// The leaf entry in base64.
    pub entry: String,
    /// Salt and body in base64, unless redacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// C2SP tlog-proof.
    pub proof: String,
}

/// An archived segment of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// First index in it.
    pub from: u64,
    /// One past the last.
    pub to: u64,
    /// Bytes, which verify on their own.
    pub bytes: Vec<u8>,
}
