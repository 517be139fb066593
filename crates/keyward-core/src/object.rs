//! The object model (DESIGN §4): realms, principals and their credentials, objects, versions, components.
//!
//! Every type here is a stored row: its encoding is frozen. A field is only ever added, with a new index and a default.
mod edge;
mod tenant;
mod version;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use crate::algorithm::{KeySpec, Protection, Purpose};
use crate::ids::{ObjectId, PrincipalId, RealmId};
use crate::name::Name;
use crate::time::{Millis, Timestamp};

pub use edge::*;
pub use tenant::*;
pub use version::*;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum ObjectKind {
    /// A symmetric key.
    #[n(0)]
    Symmetric,
    /// A key pair.
    #[n(1)]
    Pair,
    /// A certificate.
    #[n(2)]
    Certificate,
    /// A password, token or other credential of an application.
    #[n(3)]
    Secret,
    /// Bytes without meaning to Keyward.
    #[n(4)]
    Opaque,
    /// One part of a split key.
    #[n(5)]
    Split,
}

impl ObjectKind {
    /// The name used in every interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Symmetric => "symmetric",
            Self::Pair => "pair",
            Self::Certificate => "certificate",
            Self::Secret => "secret",
            Self::Opaque => "opaque",
            Self::Split => "split",
        }
    }
}

/// How material may leave. Chosen at creation, afterwards only narrowed: the order is from narrow to wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum ExportClass {
    /// Not at all.
    #[n(0)]
    Never,
    /// Under a wrapping key.
    #[n(1)]
    Wrapped,
    /// In the clear inside approved TLS to a workload with a client certificate.
    #[n(2)]
    Session,
}

impl ExportClass {
    /// The name used in every interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Wrapped => "wrapped",
            Self::Session => "session",
        }
    }
    /// Reads the interface name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Never, Self::Wrapped, Self::Session]
            .into_iter()
            .find(|c| c.as_str() == text)
    }
}

/// Impact if the protected data were lost or seen (FIPS 199).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Sensitivity {
    /// Limited.
    #[n(0)]
    Low,
    /// Serious.
    #[n(1)]
    Moderate,
    /// Severe or catastrophic.
    #[n(2)]
    High,
}

impl Sensitivity {
    /// The name used in every interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Moderate => "moderate",
            Self::High => "high",
        }
    }
    /// Reads the interface name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Low, Self::Moderate, Self::High]
            .into_iter()
            .find(|s| s.as_str() == text)
    }
}

/// How long a version protects and processes (SP 800-57 Part 1 §5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Cryptoperiod {
    /// Originator-usage period: from activation, new protection; none: unlimited (needs a recorded exception).
    #[n(0)]
    pub originator: Option<Millis>,
    /// Recipient-usage period: from activation, processing; none: unlimited.
    #[n(1)]
    pub recipient: Option<Millis>,
}

impl Cryptoperiod {
    /// Defaults per purpose, from SP 800-57 Part 1 Rev. 5, Table 1 (upper ends).
    #[must_use]
    pub const fn default_for(purpose: Purpose) -> Self {
        let (originator, recipient) = match purpose {
            Purpose::Encrypt | Purpose::Wrap | Purpose::Mac => (730, Some(730 + 1095)),
            Purpose::Sign => (1095, None),
            Purpose::Derive => (365, None),
            Purpose::Agree | Purpose::Encapsulate => (730, None),
        };
        Self {
            originator: Some(Millis::days(originator)),
            recipient: match recipient {
                Some(days) => Some(Millis::days(days)),
                None => None,
            },
        }
    }
}

/// An object's lasting facts. What changes with each piece of material is in [`Version`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Object {
    /// Id.
    #[n(0)]
    pub id: ObjectId,
    /// Realm.
    #[n(1)]
    pub realm: RealmId,
    /// Kind.
    #[n(2)]
    pub kind: ObjectKind,
    /// Algorithm and size, for keys.
    #[n(3)]
    pub spec: Option<KeySpec>,
    /// Purpose, for keys.
    #[n(4)]
    pub purpose: Option<Purpose>,
    /// Where it lives.
    #[n(5)]
    pub protection: Protection,
    /// Who answers for it.
    #[n(6)]
    pub owner: PrincipalId,
    /// Name, if it has one.
    #[n(7)]
    pub name: Option<Name>,
    /// Further names.
    #[n(8)]
    pub aliases: Vec<Name>,
    /// Tags.
    #[n(9)]
    pub tags: BTreeMap<String, String>,
    /// Impact level of what it protects.
    #[n(10)]
    pub sensitivity: Sensitivity,
    /// Applications that use it.
    #[n(11)]
    pub applications: Vec<String>,
    /// Export class.
    #[n(12)]
    pub export: ExportClass,
    /// Whether non-approved use was accepted at creation (sticky).
    #[n(13)]
    pub exception: bool,
    /// Cryptoperiods of new versions.
    #[n(14)]
    pub cryptoperiod: Cryptoperiod,
    /// Rotate so long after the last rotation, if at all.
    #[n(15)]
    pub rotate_every: Option<Millis>,
    /// When the next scheduled rotation is due.
    #[n(16)]
    pub rotate_at: Option<Timestamp>,
    /// The version that protects.
    #[n(17)]
    pub current: u32,
    /// Lowest version that may protect.
    #[n(18)]
    pub min_protect: u32,
    /// Lowest version that may process.
    #[n(19)]
    pub min_process: u32,
    /// Since when all use is stopped, if it is.
    #[n(20)]
    pub suspended_at: Option<Timestamp>,
    /// When it was made.
    #[n(21)]
    pub created_at: Timestamp,
    /// By whom.
    #[n(22)]
    pub created_by: PrincipalId,
    /// When anything of it last changed.
    #[n(23)]
    pub changed_at: Timestamp,
}
