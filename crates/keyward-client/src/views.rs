//! What the server shows, as types. Vocabularies that may grow (states, algorithms, codes) are texts with the interface's
//! names, and members this release does not know are passed over: a newer server must not break an older client.
mod audit;
mod data;
mod objects;

use std::collections::BTreeMap;
use std::fmt;

use keyward_core::secret::Secret;
use serde::{Deserialize, Serialize};

pub use audit::*;
pub use data::{
    Batch, Ciphertext, DataKey, DataKeyPair, Encapsulated, HashValue, ItemError, MacCode, Made,
    Opened, Plaintext, PublicKey, Signature, Unwrapped, Verified, VerifiedExternal, Wrapped,
};
pub use objects::*;

/// Rows of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// Rows.
    pub items: Vec<T>,
    /// What to give as `after` for the next page, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Limits of a realm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quotas {
    /// Keys that are not destroyed.
    pub keys: u64,
    /// Commands a second.
    pub rate_per_second: u32,
    /// Commands under way at once.
    pub in_flight: u32,
    /// Bytes of log a day.
    pub audit_bytes_per_day: u64,
}

/// A realm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Realm {
    /// Id; `system` for the installation's own.
    pub id: String,
    /// Name.
    pub name: String,
    /// Number for account-shaped interfaces.
    pub alias: u32,
    /// Assurance level.
    pub level: u8,
    /// Whether it is for rehearsals.
    pub rehearsal: bool,
    /// Whether every use in it is stopped.
    pub suspended: bool,
    /// Limits.
    pub quotas: Quotas,
    /// Rules for new keys.
    #[serde(default)]
    pub rules: Rules,
    /// When it was made.
    pub created_at: String,
    /// By whom.
    pub created_by: String,
}

/// What a realm says about its new keys.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rules {
    /// Rotation interval in days of a key that is made without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate_every_days: Option<u64>,
    /// The same in seconds, when it is no whole number of days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate_every_seconds: Option<u64>,
    /// Widest export class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub widest_export: Option<String>,
    /// Whether keys may be made with an exception for services that are not approved.
    pub exceptions: bool,
}

/// One object that depends on a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concerned {
    /// Id.
    pub object: String,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is.
    pub kind: String,
    /// `wraps`, `derived`, `replaced-by` or `certifies`, from `from` to it.
    pub relation: String,
    /// What it depends on directly.
    pub from: String,
    /// Version of that.
    pub from_version: u32,
    /// Relations between the key and it.
    pub distance: u32,
    /// Since when.
    pub since: String,
}

/// What depends on a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlastRadius {
    /// The key.
    pub key: String,
    /// What depends on it, the nearest first.
    pub concerned: Vec<Concerned>,
    /// Whether there is more than can be shown.
    pub more: bool,
}

/// A role in a realm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Where.
    pub realm: String,
    /// What.
    pub role: String,
}

/// Who can be authenticated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// Id.
    pub id: String,
    /// Home realm.
    pub realm: String,
    /// Name.
    pub name: String,
    /// `workload`, `person` or `system`.
    pub kind: String,
    /// Roles.
    pub grants: Vec<Grant>,
    /// Whether it may act.
    pub enabled: bool,
    /// When it was made.
    pub created_at: String,
    /// By whom.
    pub created_by: String,
}

/// A new bearer token, shown once.
pub struct Token {
    /// Id, for revoking it.
    pub id: String,
    /// What goes after `Bearer`.
    pub token: Secret,
    /// When it ends.
    pub expires_at: String,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("id", &self.id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// A registered certificate authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// SHA-256 of its certificate.
    pub fingerprint: String,
}

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Name in its realm.
    pub name: String,
    /// Cedar text.
    pub text: String,
    /// When it was last written.
    pub changed_at: String,
    /// By whom.
    pub changed_by: String,
}

/// A realm's policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyList {
    /// All of them.
    pub items: Vec<Policy>,
}

/// How long versions protect and process; whole days in `_days`, anything else in `_seconds`, unlimited if absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "described together above")]
pub struct Cryptoperiod {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub originator_days: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub originator_seconds: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_days: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_seconds: Option<u64>,
}

/// A key with its versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Id.
    pub id: String,
    /// Realm.
    pub realm: String,
    /// Name, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Further names.
    pub aliases: Vec<String>,
    /// `symmetric`, `pair` and so on.
    pub kind: String,
    /// Algorithm and size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<String>,
    /// Purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// State that decides about new protection.
    pub state: String,
    /// The version that protects.
    pub current_version: u32,
    /// Lowest version that may protect.
    pub min_protect_version: u32,
    /// Lowest version that may process.
    pub min_process_version: u32,
    /// Where it lives.
    pub protection: String,
    /// How material may leave.
    pub export: String,
    /// Impact level.
    pub sensitivity: String,
    /// Whether non-approved use was accepted at creation.
    pub non_approved_exception: bool,
    /// Cryptoperiods of new versions.
    pub cryptoperiod: Cryptoperiod,
    /// Rotation interval in days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate_every_days: Option<u64>,
    /// Rotation interval in seconds, when it is no whole number of days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate_every_seconds: Option<u64>,
    /// Next scheduled rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate_at: Option<String>,
    /// Applications that use it.
    pub applications: Vec<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Who answers for it.
    pub owner: String,
    /// Since when all use is stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_at: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// By whom.
    pub created_by: String,
    /// When anything of it last changed.
    pub changed_at: String,
    /// How often it was written: the ETag.
    pub revision: u64,
    /// Versions, oldest first; a listing has the current one only.
    pub versions: Vec<KeyVersion>,
}

/// A version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyVersion {
    /// 1, 2, 3 …
    pub version: u32,
    /// State of its secret or private part.
    pub state: String,
    /// Parts.
    pub components: Vec<Component>,
    /// Public key, SubjectPublicKeyInfo DER in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// Birth.
    pub origin: Origin,
    /// When it was made.
    pub created_at: String,
    /// When it was first activated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activated_at: Option<String>,
    /// When it is to be activated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activate_at: Option<String>,
    /// End of the originator-usage period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protect_until: Option<String>,
    /// End of the recipient-usage period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process_until: Option<String>,
    /// Scheduled destruction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destruction: Option<Destruction>,
    /// When it was destroyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destroyed_at: Option<String>,
    /// A compromise found only after destruction.
    pub compromise_found_after_destruction: bool,
    /// Whether material ever left in the clear.
    pub was_exported: bool,
    /// Encryptions reserved against the limit of 2^32.
    pub uses_reserved: u64,
}

/// A part of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// `secret`, `private` or `public`.
    pub part: String,
    /// State.
    pub state: String,
    /// How it came there, the newest last.
    pub history: Vec<Transition>,
}

/// A change of state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// To which state.
    pub to: String,
    /// When.
    pub at: String,
    /// By whom.
    pub by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The approval that allowed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<u64>,
}

/// The circumstances of birth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// `generated`, `imported`, `derived` or `components`.
    pub birth: String,
    /// Module.
    pub module: String,
    /// Its version.
    pub module_version: String,
    /// Certificates of that version.
    pub certificates: Vec<u32>,
    /// Entropy source in words.
    pub entropy: String,
    /// The module's word on the generation.
    pub approved: bool,
    /// The HSM's attestation in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation: Option<String>,
}

/// A scheduled destruction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destruction {
    /// When it was scheduled.
    pub scheduled_at: String,
    /// When it is due.
    pub due_at: String,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Held until then, and until confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_until: Option<String>,
    /// Who confirmed after a hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_by: Option<String>,
}

/// Liveness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// `sealed` or `unsealed`.
    pub status: String,
    /// Product version.
    pub version: String,
}

/// Readiness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// Whether commands are taken.
    pub ready: bool,
    /// Codes of what stands in the way.
    pub reasons: Vec<String>,
}

/// The module in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Module {
    /// As it names itself.
    pub name: String,
    /// As it reports it.
    pub version: String,
    /// Certificates of that version.
    pub certificates: Vec<u32>,
}

/// The log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// Records.
    pub size: u64,
    /// Root, hexadecimal.
    pub root: String,
}

/// A check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Stable name.
    pub check: String,
    /// Whether it is met.
    pub ok: bool,
    /// Facts in words.
    pub detail: String,
}

/// The server's status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Product version.
    pub product: String,
    /// Deployment.
    pub deployment: String,
    /// Node.
    pub node: String,
    /// Whether the seal is open.
    pub unsealed: bool,
    /// Kinds of seal slots.
    pub seals: Vec<String>,
    /// Module.
    pub module: Module,
    /// Store in words.
    pub store: String,
    /// Log.
    pub log: Log,
    /// Wall clock of the server.
    pub time: String,
    /// Time in service.
    pub service_ms: u64,
    /// Checks.
    pub checks: Vec<Check>,
}
