//! The audit record (DESIGN §8): a header that is the leaf of the log, and a body bound to it by a salted digest.
//!
//! The header says what happened to what and how it ended; it names nobody and stays for ever. The body says who, from
//! where, why and by which policies; it can be redacted, after which every proof still verifies. Neither holds secrets.
use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use crate::algorithm::Indicator;
use crate::ids::{CorrelationId, NodeId, PrincipalId, RealmId, TokenId};
use crate::time::Timestamp;

/// The record format written by this release.
pub const RECORD_VERSION: u8 = 1;

/// The leaf entry of one record.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Header {
    /// Format.
    #[n(0)]
    pub format: u8,
    /// When it was decided.
    #[n(1)]
    pub time: Timestamp,
    /// Which node.
    #[n(2)]
    pub node: NodeId,
    /// Which lane of the log.
    #[n(3)]
    pub lane: u32,
    /// Realm.
    #[n(4)]
    pub realm: RealmId,
    /// Gap-free per lane and realm, from 1.
    #[n(5)]
    pub realm_seq: u64,
    /// Command number.
    #[n(6)]
    pub command: u16,
    /// Object, principal or token acted upon.
    #[cbor(n(7), with = "minicbor::bytes")]
    pub target: Option<[u8; 16]>,
    /// Version of the object.
    #[n(8)]
    pub target_version: Option<u32>,
    /// 0: done; otherwise the number of the error in `spec/errors.toml`.
    #[n(9)]
    pub outcome: u16,
    /// The module's word.
    #[n(10)]
    pub indicator: Indicator,
    /// SHA-256(salt ‖ body).
    #[cbor(n(11), with = "minicbor::bytes")]
    pub body_digest: [u8; 32],
    /// For a change: SHA-256 over the rows as written (post-image).
    #[cbor(n(12), with = "minicbor::bytes")]
    pub post_image: Option<[u8; 32]>,
    /// For a change: keyed tag of the set-hash of all live rows after it.
    #[cbor(n(13), with = "minicbor::bytes")]
    pub state_tag: Option<[u8; 32]>,
}

/// How a caller was authenticated.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Credential {
    /// A part of Keyward itself.
    #[n(0)]
    System,
    /// A bearer token.
    #[n(1)]
    Token(#[n(0)] TokenId),
    /// A client certificate: SHA-256 of it.
    #[n(2)]
    Certificate(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]),
    /// The secret of a seal slot.
    #[n(3)]
    Seal(#[n(0)] String),
    /// None that could be proven.
    #[n(4)]
    Unproven,
}

/// What the body says.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Body {
    /// Who.
    #[n(0)]
    pub principal: PrincipalId,
    /// By which credential.
    #[n(1)]
    pub credential: Credential,
    /// Source address (IPv4-mapped or IPv6).
    #[cbor(n(2), with = "minicbor::bytes")]
    pub source: Option<[u8; 16]>,
    /// Request id.
    #[n(3)]
    pub correlation: Option<CorrelationId>,
    /// SHA-256 of the command's canonical bytes.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub command_digest: Option<[u8; 32]>,
    /// Module number and version, when one acted on a key.
    #[n(5)]
    pub module: Option<String>,
    /// Policies that decided.
    #[n(6)]
    pub policies: Vec<String>,
    /// Approval consumed.
    #[n(7)]
    pub approval: Option<u64>,
    /// State change, from and to.
    #[n(8)]
    pub change: Option<StateChange>,
    /// Facts worth keeping, in words, without secrets.
    #[n(9)]
    pub detail: Option<String>,
    /// Bytes protected or processed.
    #[n(10)]
    pub payload_bytes: Option<u64>,
}

/// A key's change of state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct StateChange {
    /// Before.
    #[n(0)]
    pub from: crate::state::State,
    /// After.
    #[n(1)]
    pub to: crate::state::State,
}

/// A record as stored beside the tree: the entry and, unless redacted, salt and body.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct StoredRecord {
    /// The leaf entry: canonical [`Header`].
    #[cbor(n(0), with = "minicbor::bytes")]
    pub entry: Vec<u8>,
    /// Salt, 16 random bytes; none once redacted.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub salt: Option<Vec<u8>>,
    /// Canonical [`Body`]; none once redacted.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub body: Option<Vec<u8>>,
}

/// A record as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordView {
    /// Index in the lane.
    pub index: u64,
    /// Header.
    pub header: Header,
    /// Body, unless redacted.
    pub body: Option<Body>,
}
