//! Versions of an object and their components.
use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use crate::ids::{ObjectId, PrincipalId, RealmId};
use crate::state::State;
use crate::time::{Millis, Timestamp};

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
    /// Public key, SubjectPublicKeyInfo DER, for pairs; for certificates the chain, DER, one after the other.
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
    /// The puncture epoch in which it was destroyed.
    #[n(18)]
    pub puncture_epoch: Option<u64>,
}

impl Version {
    /// The state that decides about use: of the secret or private part.
    #[must_use]
    pub fn state(&self) -> State {
        self.components
            .iter()
            .find(|c| c.part != Part::Public)
            // A certificate has a public part only.
            .or_else(|| self.components.first())
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
