//! The object model (DESIGN §4): realms, principals and their credentials, objects, versions, components.
//!
//! Every type here is a stored row: its encoding is frozen. A field is only ever added, with a new index and a default.
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use crate::algorithm::{KeySpec, Protection, Purpose};
use crate::ids::{ObjectId, PrincipalId, RealmId, TokenId};
use crate::name::Name;
use crate::role::Role;
use crate::state::State;
use crate::time::{Millis, Timestamp};

/// A tenant: its own names, keys, policies, quotas and assurance level.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Realm {
    /// Id; [`RealmId::SYSTEM`] for the installation itself.
    #[n(0)]
    pub id: RealmId,
    /// Unique in the installation.
    #[n(1)]
    pub name: Name,
    /// Numeric alias for account-shaped interfaces (ARNs).
    #[n(2)]
    pub alias: u32,
    /// Assurance level 1–3 (DESIGN §5).
    #[n(3)]
    pub level: u8,
    /// Whether it is for rehearsals: only there do uncertified tokens work.
    #[n(4)]
    pub rehearsal: bool,
    /// Whether every use in it is stopped.
    #[n(5)]
    pub suspended: bool,
    /// Limits.
    #[n(6)]
    pub quotas: Quotas,
    /// When it was made.
    #[n(7)]
    pub created_at: Timestamp,
    /// By whom.
    #[n(8)]
    pub created_by: PrincipalId,
}

/// What a realm counts: apart from [`Realm`], so that making a key does not disturb those who only read the realm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Default)]
#[cbor(map)]
pub struct RealmCounters {
    /// First leaf of its puncturable state that no block was reserved for; only grows.
    #[n(0)]
    pub next_leaf: u64,
    /// Leaves punctured.
    #[n(1)]
    pub destroyed: u64,
}

/// Limits of one realm, so that a noisy one does not slow another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Quotas {
    /// Key versions that are not destroyed (counted by reserved leaves, so up to one block high).
    #[n(0)]
    pub keys: u64,
    /// Commands a second, sustained.
    #[n(1)]
    pub rate_per_second: u32,
    /// Commands under way at once.
    #[n(2)]
    pub in_flight: u32,
    /// Bytes of log a day.
    #[n(3)]
    pub audit_bytes_per_day: u64,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            keys: 10_000_000,
            rate_per_second: 1_000_000,
            in_flight: 10_000,
            audit_bytes_per_day: 1 << 40,
        }
    }
}

/// What kind of actor a principal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum PrincipalKind {
    /// A program.
    #[n(0)]
    Workload,
    /// A human's account.
    #[n(1)]
    Person,
    /// A part of Keyward.
    #[n(2)]
    System,
}

impl PrincipalKind {
    /// The name used in every interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Workload => "workload",
            Self::Person => "person",
            Self::System => "system",
        }
    }
}

/// A role in a realm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Grant {
    /// Where.
    #[n(0)]
    pub realm: RealmId,
    /// What.
    #[n(1)]
    pub role: Role,
}

/// Someone or something that can be authenticated.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Principal {
    /// Id.
    #[n(0)]
    pub id: PrincipalId,
    /// Home realm; names are unique in it.
    #[n(1)]
    pub realm: RealmId,
    /// Name.
    #[n(2)]
    pub name: Name,
    /// Kind.
    #[n(3)]
    pub kind: PrincipalKind,
    /// Roles.
    #[n(4)]
    pub grants: Vec<Grant>,
    /// Whether it may act.
    #[n(5)]
    pub enabled: bool,
    /// When it was made.
    #[n(6)]
    pub created_at: Timestamp,
    /// By whom.
    #[n(7)]
    pub created_by: PrincipalId,
}

/// A bearer token, of which only a digest is kept.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Token {
    /// Id: the public part of the token's text.
    #[n(0)]
    pub id: TokenId,
    /// Whose.
    #[n(1)]
    pub principal: PrincipalId,
    /// SHA-256 of the secret part (256 random bits: no stretching needed).
    #[cbor(n(2), with = "minicbor::bytes")]
    pub digest: [u8; 32],
    /// When it was issued.
    #[n(3)]
    pub created_at: Timestamp,
    /// When it ends.
    #[n(4)]
    pub expires_at: Timestamp,
    /// When it was revoked, if it was.
    #[n(5)]
    pub revoked_at: Option<Timestamp>,
}

/// A certificate authority whose certificates identify a realm's workloads.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Anchor {
    /// Realm it speaks for.
    #[n(0)]
    pub realm: RealmId,
    /// SHA-256 of the certificate.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub fingerprint: [u8; 32],
    /// The certificate, DER.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub certificate: Vec<u8>,
    /// When it was registered.
    #[n(3)]
    pub created_at: Timestamp,
}

/// Which workload a certificate name under an anchor is.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CertificateBinding {
    /// The anchor's fingerprint.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub anchor: [u8; 32],
    /// Subject alternative name (`dns:…`, `uri:…`) or `cn:…`.
    #[n(1)]
    pub name: String,
    /// The workload.
    #[n(2)]
    pub principal: PrincipalId,
    /// When it was bound.
    #[n(3)]
    pub created_at: Timestamp,
}

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

/// Which part of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Part {
    /// The whole of a symmetric key or secret.
    #[n(0)]
    Secret,
    /// The private part of a pair.
    #[n(1)]
    Private,
    /// The public part of a pair.
    #[n(2)]
    Public,
}

/// One change of state.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Transition {
    /// To which state.
    #[n(0)]
    pub to: State,
    /// When.
    #[n(1)]
    pub at: Timestamp,
    /// By whom.
    #[n(2)]
    pub by: PrincipalId,
    /// Why, as the actor said.
    #[n(3)]
    pub reason: Option<String>,
    /// The approval that allowed it, if one was needed.
    #[n(4)]
    pub approval: Option<u64>,
}

/// A part of a version with its own state.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Component {
    /// Which part.
    #[n(0)]
    pub part: Part,
    /// Its state.
    #[n(1)]
    pub state: State,
    /// How it came there; the newest last, at most [`crate::limits::TRANSITIONS_KEPT`] (the log has all).
    #[n(2)]
    pub history: Vec<Transition>,
}

/// Where material came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Birth {
    /// Generated in the module.
    #[n(0)]
    Generated,
    /// Brought in wrapped.
    #[n(1)]
    Imported,
    /// Derived from another key.
    #[n(2)]
    Derived,
    /// Put together from components under split knowledge.
    #[n(3)]
    Components,
}

/// The circumstances of birth, kept for the life of the version.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Origin {
    /// How.
    #[n(0)]
    pub birth: Birth,
    /// Module name, as it named itself.
    #[n(1)]
    pub module: String,
    /// Module version, as it reported it.
    #[n(2)]
    pub version: String,
    /// Certificate numbers for that version, as known then.
    #[n(3)]
    pub certificates: Vec<u32>,
    /// Entropy source in words.
    #[n(4)]
    pub entropy: String,
    /// The module's word on the generation.
    #[n(5)]
    pub approved: bool,
    /// The HSM's attestation, if it gave one.
    #[cbor(n(6), with = "minicbor::bytes")]
    pub attestation: Option<Vec<u8>>,
}

/// A destruction that was scheduled.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Destruction {
    /// When it was scheduled.
    #[n(0)]
    pub scheduled_at: Timestamp,
    /// When it is due by the wall clock.
    #[n(1)]
    pub due_at: Timestamp,
    /// When it is due by service time; both must have come.
    #[n(2)]
    pub due_service: Millis,
    /// By whom.
    #[n(3)]
    pub by: PrincipalId,
    /// Why.
    #[n(4)]
    pub reason: String,
    /// If the clocks disagreed or the date passed while the server was down: held until then, and until confirmed.
    #[n(5)]
    pub held_until: Option<Timestamp>,
    /// Who confirmed after a hold.
    #[n(6)]
    pub confirmed_by: Option<PrincipalId>,
}

/// One piece of material of an object.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Version {
    /// Whose.
    #[n(0)]
    pub object: ObjectId,
    /// Realm.
    #[n(1)]
    pub realm: RealmId,
    /// 1, 2, 3 …
    #[n(2)]
    pub number: u32,
    /// The leaf under which it is wrapped; never reused.
    #[n(3)]
    pub leaf: u64,
    /// Material wrapped by AES-KWP; none once destroyed, or when it lives in an HSM.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub material: Option<Vec<u8>>,
    /// Public key, SubjectPublicKeyInfo DER, for pairs.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub public: Option<Vec<u8>>,
    /// Parts and their states.
    #[n(6)]
    pub components: Vec<Component>,
    /// Birth.
    #[n(7)]
    pub origin: Origin,
    /// When it was made.
    #[n(8)]
    pub created_at: Timestamp,
    /// When it was first activated.
    #[n(9)]
    pub activated_at: Option<Timestamp>,
    /// When it is to be activated, if that is scheduled.
    #[n(10)]
    pub activate_at: Option<Timestamp>,
    /// End of the originator-usage period.
    #[n(11)]
    pub protect_until: Option<Timestamp>,
    /// End of the recipient-usage period.
    #[n(12)]
    pub process_until: Option<Timestamp>,
    /// Scheduled destruction, if any.
    #[n(13)]
    pub destruction: Option<Destruction>,
    /// When it was destroyed.
    #[n(14)]
    pub destroyed_at: Option<Timestamp>,
    /// A compromise found only after destruction (SP 800-57 Part 1 §7.6: recorded, not a state).
    #[n(15)]
    pub compromise_found_after_destruction: bool,
    /// Whether material ever left in the clear.
    #[n(16)]
    pub was_exported: bool,
    /// HSM and object id there, for protected keys.
    #[cbor(n(17), with = "minicbor::bytes")]
    pub hsm_reference: Option<Vec<u8>>,
}

impl Version {
    /// The state that decides about use: of the secret or private part.
    #[must_use]
    pub fn state(&self) -> State {
        self.components
            .iter()
            .find(|c| c.part != Part::Public)
            .map_or(State::Destroyed, |c| c.state)
    }
}

/// How many uses of a version are durably reserved (DESIGN §5, limits).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Default)]
#[cbor(map)]
pub struct Usage {
    /// Encryptions reserved so far: at least as many as were done.
    #[n(0)]
    pub reserved: u64,
    /// When the last block was reserved.
    #[n(1)]
    pub reserved_at: Timestamp,
    /// Set after a restore whose log cannot bound the use: no encryption any more.
    #[n(2)]
    pub unbounded: bool,
}
