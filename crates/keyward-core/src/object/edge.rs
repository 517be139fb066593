//! Relations between objects.
use minicbor::{Decode, Encode};

use crate::ids::ObjectId;
use crate::time::Timestamp;

/// How two objects are related: what becomes of the first concerns the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
#[repr(u8)]
pub enum EdgeKind {
    /// The first wrapped the second's material on its way in or out.
    #[n(1)]
    Wraps = 1,
    /// The second was derived from the first, or agreed with it.
    #[n(2)]
    Derived = 2,
    /// The second took the first's place.
    #[n(3)]
    ReplacedBy = 3,
    /// The first is the key of the second, a certificate.
    #[n(4)]
    Certifies = 4,
}

impl EdgeKind {
    /// The name used in every interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wraps => "wraps",
            Self::Derived => "derived",
            Self::ReplacedBy => "replaced-by",
            Self::Certifies => "certifies",
        }
    }
}

/// One relation between two objects of a realm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Edge {
    /// How.
    #[n(0)]
    pub kind: EdgeKind,
    /// The first.
    #[n(1)]
    pub from: ObjectId,
    /// The second.
    #[n(2)]
    pub to: ObjectId,
    /// Version of the first that was used.
    #[n(3)]
    pub version: u32,
    /// Since when.
    #[n(4)]
    pub created_at: Timestamp,
}
