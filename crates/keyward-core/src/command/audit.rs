//! Commands on the log, and what the server itself records.
use alloc::string::String;

use minicbor::{Decode, Encode};

use crate::ids::{PrincipalId, RealmId};
use crate::time::Timestamp;

/// Shows status.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Status {}

/// Reads records, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Default)]
#[cbor(map)]
pub struct ReadAudit {
    /// From this index of the lane.
    #[n(0)]
    pub from: u64,
    /// At most so many.
    #[n(1)]
    pub limit: u16,
    /// Only this realm.
    #[n(2)]
    pub realm_filter: Option<RealmId>,
    /// Only about this object or principal.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub target: Option<[u8; 16]>,
    /// Only by this principal.
    #[n(4)]
    pub principal: Option<PrincipalId>,
    /// Only this command.
    #[n(5)]
    pub command: Option<u16>,
    /// Only outcomes other than done.
    #[n(6)]
    pub refused_only: bool,
    /// Only from this time on.
    #[n(7)]
    pub since: Option<Timestamp>,
    /// Only up to this time.
    #[n(8)]
    pub until: Option<Timestamp>,
}

/// Proves a record.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ProveRecord {
    /// Its index in the lane.
    #[n(0)]
    pub index: u64,
}

/// The newest checkpoint, made now if the tree grew.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ReadCheckpoint {}

/// A tile or a bundle of entries.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ReadLog {
    /// Path as in C2SP tlog-tiles, e.g. `tile/0/000` or `tile/entries/000.p/5` or `checkpoint` (cosigned where there are
    /// witnesses); or `keys` for the key history; or `segment/N` for what archiving before N would hand out.
    #[n(0)]
    pub path: String,
}

/// Archives everything before an index into a segment that verifies on its own.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ArchiveLog {
    /// First index that stays.
    #[n(0)]
    pub before: u64,
}

/// Removes a record's body.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RedactRecord {
    /// Its index in the lane.
    #[n(0)]
    pub index: u64,
    /// Why (kept).
    #[n(1)]
    pub reason: String,
}

/// Replaces the log-signing key; the statement is signed by both.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RotateLogKey {}

/// Something the server itself did.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ServerEvent {
    /// What.
    #[n(0)]
    pub event: ServerEventKind,
    /// Facts, in words.
    #[n(1)]
    pub detail: String,
}

/// What the server itself can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum ServerEventKind {
    /// The installation was made.
    #[n(0)]
    Initialised,
    /// It was started and opened its log.
    #[n(1)]
    Started,
    /// It stops in good order.
    #[n(2)]
    Stopped,
    /// A self-test ran.
    #[n(3)]
    SelfTest,
    /// The clocks disagreed.
    #[n(4)]
    ClockHold,
    /// Something nears its end (cryptoperiod, limit, certificate).
    #[n(5)]
    Notice,
}

/// Attempts that proved no identity.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RejectedAttempts {
    /// Source address (IPv4-mapped or IPv6).
    #[cbor(n(0), with = "minicbor::bytes")]
    pub source: [u8; 16],
    /// The minute, since 1970.
    #[n(1)]
    pub minute: u64,
    /// How many.
    #[n(2)]
    pub count: u32,
}
