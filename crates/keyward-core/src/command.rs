//! Everything that can be asked of Keyward. Protocols translate into these; the engine knows nothing else.
//!
//! Numbers and field indexes are frozen: records, approvals and digests refer to them for ever. A command gains fields
//! only with new indexes and a default; a change of meaning is a new number.
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode, Encoder};

use crate::algorithm::{KeySpec, Protection, Purpose};
use crate::ids::{CorrelationId, DeploymentId, ObjectId, PrincipalId, RealmId, TokenId};
use crate::name::Name;
use crate::object::{Cryptoperiod, ExportClass, Quotas, Sensitivity};
use crate::role::Role;
use crate::secret::Secret;
use crate::state::State;
use crate::time::{Millis, Timestamp};

/// An object named by id or by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub enum KeyRef {
    /// By id.
    #[n(0)]
    Id(#[n(0)] ObjectId),
    /// By name or alias.
    #[n(1)]
    Name(#[n(0)] Name),
}

/// A realm named by id or by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub enum RealmRef {
    /// By id.
    #[n(0)]
    Id(#[n(0)] RealmId),
    /// By name.
    #[n(1)]
    Name(#[n(0)] Name),
}

impl RealmRef {
    /// The installation's own realm.
    pub const SYSTEM: Self = Self::Id(RealmId::SYSTEM);
}

/// What a command does to the world, which fixes how it is executed and recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Reads metadata or evidence.
    Read,
    /// Uses a key; changes nothing but counters.
    Use,
    /// Changes what is stored.
    Change,
}

macro_rules! commands {
    ($($(#[$doc:meta])* $number:literal $variant:ident $text:literal $effect:ident;)*) => {
        /// The kinds of commands, by stable number.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum CommandKind {
            $($(#[$doc])* $variant = $number,)*
        }

        impl CommandKind {
            /// All kinds, in number order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable number.
            #[must_use]
            pub const fn number(self) -> u16 {
                self as u16
            }
            /// The name in policies, records as shown, and documentation.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
            /// What it does to the world.
            #[must_use]
            pub const fn effect(self) -> Effect {
                match self { $(Self::$variant => Effect::$effect,)* }
            }
            /// The kind with this number.
            #[must_use]
            pub const fn from_number(number: u16) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }
        }

        /// A command with its arguments.
        #[derive(Debug)]
        pub enum Command {
            $($(#[$doc])* $variant($variant),)*
        }

        impl Command {
            /// Its kind.
            #[must_use]
            pub const fn kind(&self) -> CommandKind {
                match self { $(Self::$variant(_) => CommandKind::$variant,)* }
            }

            fn encode_body(&self, e: &mut Encoder<&mut Vec<u8>>) {
                // Writing to a Vec cannot fail.
                match self { $(Self::$variant(body) => { let _ = e.encode(body); })* }
            }
        }

        $(impl From<$variant> for Command {
            fn from(body: $variant) -> Self { Self::$variant(body) }
        })*
    };
}

commands! {
    /// Open the seal: the credential is the seal's own secret.
    2 Unseal "unseal" Change;
    /// Close it: keys leave memory, the server answers health and unseal only.
    3 Seal "seal" Change;
    /// Make a realm.
    10 CreateRealm "create-realm" Change;
    /// Show a realm.
    11 DescribeRealm "describe-realm" Read;
    /// List realms.
    12 ListRealms "list-realms" Read;
    /// Make a workload.
    20 CreateWorkload "create-workload" Change;
    /// Show a principal.
    21 DescribePrincipal "describe-principal" Read;
    /// List principals.
    22 ListPrincipals "list-principals" Read;
    /// Issue a bearer token.
    23 IssueToken "issue-token" Change;
    /// Revoke one.
    24 RevokeToken "revoke-token" Change;
    /// Register a certificate authority for a realm.
    25 RegisterAnchor "register-anchor" Change;
    /// Bind a certificate name to a workload.
    26 BindCertificate "bind-certificate" Change;
    /// Enable or disable a principal.
    27 SetPrincipalEnabled "set-principal-enabled" Change;
    /// Write a policy.
    30 PutPolicy "put-policy" Change;
    /// Remove a policy.
    31 DeletePolicy "delete-policy" Change;
    /// List policies.
    32 ListPolicies "list-policies" Read;
    /// Make a key.
    100 CreateKey "create-key" Change;
    /// Show a key.
    101 DescribeKey "describe-key" Read;
    /// List keys.
    102 ListKeys "list-keys" Read;
    /// Make a new version and let it protect from now on.
    103 RotateKey "rotate-key" Change;
    /// Pre-activation to active.
    104 ActivateKey "activate-key" Change;
    /// Stop all use for the time being.
    105 SuspendKey "suspend-key" Change;
    /// Allow use again.
    106 ResumeKey "resume-key" Change;
    /// End protection for good.
    107 DeactivateKey "deactivate-key" Change;
    /// Record that others may know it.
    108 ReportCompromise "report-compromise" Change;
    /// Set a date for destruction.
    109 ScheduleDestruction "schedule-destruction" Change;
    /// Clear that date.
    110 CancelDestruction "cancel-destruction" Change;
    /// Destroy what is due.
    111 ExecuteDestruction "execute-destruction" Change;
    /// Allow a held irreversible job to go on.
    112 ConfirmDestruction "confirm-destruction" Change;
    /// Encrypt.
    150 Encrypt "encrypt" Use;
    /// Decrypt.
    151 Decrypt "decrypt" Use;
    /// Status of the server and what it runs on.
    200 Status "status" Read;
    /// Read audit records.
    201 ReadAudit "read-audit" Read;
    /// Prove that a record is in the log.
    202 ProveRecord "prove-record" Read;
    /// The newest signed checkpoint.
    203 ReadCheckpoint "read-checkpoint" Read;
    /// Tiles and entries for whoever verifies the log.
    204 ReadLog "read-log" Read;
    /// Archive a sealed segment of the log.
    205 ArchiveLog "archive-log" Change;
    /// Remove the body of a record; its proof stays.
    206 RedactRecord "redact-record" Change;
    /// Replace the log-signing key.
    207 RotateLogKey "rotate-log-key" Change;
    /// The server started, stopped, recovered.
    220 ServerEvent "server-event" Change;
    /// Attempts that proved no identity, per source and minute.
    221 RejectedAttempts "rejected-attempts" Change;
}

impl Command {
    /// Canonical bytes `[number, schema, deployment, body]`; what approvers see is a rendering of exactly these.
    ///
    /// Payloads of use commands are not in it: neither a record nor an approval may hold them, not even as a digest of
    /// guessable data.
    #[must_use]
    pub fn canonical(&self, deployment: DeploymentId) -> Vec<u8> {
        let mut out = Vec::with_capacity(96);
        let mut e = Encoder::new(&mut out);
        let _ = e
            .array(4)
            .and_then(|e| e.u16(self.kind().number()))
            .and_then(|e| e.u16(1));
        let _ = e.encode(deployment);
        self.encode_body(&mut e);
        out
    }

    /// The realm the command is about.
    #[must_use]
    pub const fn realm(&self) -> &RealmRef {
        match self {
            Self::DescribeRealm(c) => &c.realm,
            Self::CreateWorkload(c) => &c.realm,
            Self::ListPrincipals(c) => &c.realm,
            Self::RegisterAnchor(c) => &c.realm,
            Self::BindCertificate(c) => &c.realm,
            Self::PutPolicy(c) => &c.realm,
            Self::DeletePolicy(c) => &c.realm,
            Self::ListPolicies(c) => &c.realm,
            Self::CreateKey(c) => &c.realm,
            Self::DescribeKey(c) => &c.realm,
            Self::ListKeys(c) => &c.realm,
            Self::RotateKey(c) => &c.realm,
            Self::ActivateKey(c) => &c.realm,
            Self::SuspendKey(c) => &c.realm,
            Self::ResumeKey(c) => &c.realm,
            Self::DeactivateKey(c) => &c.realm,
            Self::ReportCompromise(c) => &c.realm,
            Self::ScheduleDestruction(c) => &c.realm,
            Self::CancelDestruction(c) => &c.realm,
            Self::ExecuteDestruction(c) => &c.realm,
            Self::ConfirmDestruction(c) => &c.realm,
            Self::Encrypt(c) => &c.realm,
            Self::Decrypt(c) => &c.realm,
            Self::Unseal(_)
            | Self::Seal(_)
            | Self::CreateRealm(_)
            | Self::ListRealms(_)
            | Self::DescribePrincipal(_)
            | Self::IssueToken(_)
            | Self::RevokeToken(_)
            | Self::SetPrincipalEnabled(_)
            | Self::Status(_)
            | Self::ReadAudit(_)
            | Self::ProveRecord(_)
            | Self::ReadCheckpoint(_)
            | Self::ReadLog(_)
            | Self::ArchiveLog(_)
            | Self::RedactRecord(_)
            | Self::RotateLogKey(_)
            | Self::ServerEvent(_)
            | Self::RejectedAttempts(_) => &RealmRef::SYSTEM,
        }
    }

    /// The object the command is about, if it names one.
    #[must_use]
    pub const fn key(&self) -> Option<&KeyRef> {
        match self {
            Self::DescribeKey(c) => Some(&c.key),
            Self::RotateKey(c) => Some(&c.key),
            Self::ActivateKey(c) => Some(&c.key),
            Self::SuspendKey(c) => Some(&c.key),
            Self::ResumeKey(c) => Some(&c.key),
            Self::DeactivateKey(c) => Some(&c.key),
            Self::ReportCompromise(c) => Some(&c.key),
            Self::ScheduleDestruction(c) => Some(&c.key),
            Self::CancelDestruction(c) => Some(&c.key),
            Self::ExecuteDestruction(c) => Some(&c.key),
            Self::ConfirmDestruction(c) => Some(&c.key),
            Self::Encrypt(c) => Some(&c.key),
            Self::Decrypt(c) => Some(&c.key),
            _ => None,
        }
    }
}

/// What accompanies every command, from whichever protocol.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope {
    /// Makes a change safe to repeat for 24 hours.
    pub idempotency_key: Option<String>,
    /// The caller's or the listener's name for the request.
    pub correlation: Option<CorrelationId>,
}

/// Opens the seal. The secret itself travels beside the command, never in it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Unseal {
    /// Kind of slot to try.
    #[n(0)]
    pub kind: String,
}

/// Closes the seal.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Seal {
    /// Why.
    #[n(0)]
    pub reason: Option<String>,
}

/// Makes a realm.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CreateRealm {
    /// Unique name.
    #[n(0)]
    pub name: Name,
    /// Assurance level 1–3.
    #[n(1)]
    pub level: u8,
    /// For rehearsals only.
    #[n(2)]
    pub rehearsal: bool,
    /// Limits; the defaults if not given.
    #[n(3)]
    pub quotas: Option<Quotas>,
}

/// Shows a realm.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DescribeRealm {
    /// Which.
    #[n(0)]
    pub realm: RealmRef,
}

/// Lists realms in id order.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ListRealms {
    /// Continue after this one.
    #[n(0)]
    pub after: Option<RealmId>,
    /// At most so many.
    #[n(1)]
    pub limit: u16,
}

/// Makes a workload.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CreateWorkload {
    /// Home realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Unique in it.
    #[n(1)]
    pub name: Name,
    /// Roles in it.
    #[n(2)]
    pub roles: Vec<Role>,
}

/// Shows a principal.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DescribePrincipal {
    /// Which.
    #[n(0)]
    pub principal: PrincipalId,
}

/// Lists a realm's principals in id order.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ListPrincipals {
    /// Whose.
    #[n(0)]
    pub realm: RealmRef,
    /// Continue after this one.
    #[n(1)]
    pub after: Option<PrincipalId>,
    /// At most so many.
    #[n(2)]
    pub limit: u16,
}

/// Issues a bearer token; its text is in the outcome once and stored nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct IssueToken {
    /// For whom.
    #[n(0)]
    pub principal: PrincipalId,
    /// How long it is good.
    #[n(1)]
    pub lifetime: Millis,
}

/// Revokes a bearer token.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RevokeToken {
    /// Which.
    #[n(0)]
    pub token: TokenId,
}

/// Registers a certificate authority.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RegisterAnchor {
    /// Realm it identifies workloads of.
    #[n(0)]
    pub realm: RealmRef,
    /// Certificate, DER.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub certificate: Vec<u8>,
}

/// Binds a certificate name under an anchor to a workload.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct BindCertificate {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// The anchor's fingerprint.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub anchor: [u8; 32],
    /// `dns:…`, `uri:…` or `cn:…`.
    #[n(2)]
    pub name: String,
    /// Workload of the same realm.
    #[n(3)]
    pub principal: PrincipalId,
}

/// Enables or disables a principal: effective before it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SetPrincipalEnabled {
    /// Whom.
    #[n(0)]
    pub principal: PrincipalId,
    /// Whether it may act.
    #[n(1)]
    pub enabled: bool,
}

/// Writes a policy.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PutPolicy {
    /// Realm it governs.
    #[n(0)]
    pub realm: RealmRef,
    /// Name in the realm.
    #[n(1)]
    pub name: Name,
    /// Cedar text, checked strictly against the schema.
    #[n(2)]
    pub text: String,
}

/// Removes a policy.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DeletePolicy {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Name.
    #[n(1)]
    pub name: Name,
}

/// Lists a realm's policies.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ListPolicies {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
}

/// Makes a key.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CreateKey {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Name, unique per realm and kind.
    #[n(1)]
    pub name: Option<Name>,
    /// Algorithm and size.
    #[n(2)]
    pub spec: KeySpec,
    /// Purpose; the kind's first if not given.
    #[n(3)]
    pub purpose: Option<Purpose>,
    /// Where it lives.
    #[n(4)]
    pub protection: Protection,
    /// Export class.
    #[n(5)]
    pub export: ExportClass,
    /// Whether to activate it at once; else it stays in pre-activation.
    #[n(6)]
    pub activate: bool,
    /// Cryptoperiod; the standard's for the purpose if not given.
    #[n(7)]
    pub cryptoperiod: Option<Cryptoperiod>,
    /// Rotation interval.
    #[n(8)]
    pub rotate_every: Option<Millis>,
    /// Impact level.
    #[n(9)]
    pub sensitivity: Sensitivity,
    /// Applications.
    #[n(10)]
    pub applications: Vec<String>,
    /// Tags.
    #[n(11)]
    pub tags: BTreeMap<String, String>,
    /// Owner; the caller if not given.
    #[n(12)]
    pub owner: Option<PrincipalId>,
}

/// Shows a key and its versions.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DescribeKey {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
}

/// Lists keys in id order: stable under writes.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ListKeys {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Continue after this one.
    #[n(1)]
    pub after: Option<ObjectId>,
    /// At most so many.
    #[n(2)]
    pub limit: u16,
    /// Only keys whose current version is in this state.
    #[n(3)]
    pub state: Option<State>,
    /// Only keys whose name starts so.
    #[n(4)]
    pub name_prefix: Option<String>,
}

/// Makes a new version.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RotateKey {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
}

/// Activates a version.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ActivateKey {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// The current version if not given.
    #[n(2)]
    pub version: Option<u32>,
}

/// Stops all use.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SuspendKey {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// Why.
    #[n(2)]
    pub reason: Option<String>,
}

/// Allows use again.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ResumeKey {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// Why.
    #[n(2)]
    pub reason: Option<String>,
}

/// Ends protection by a version for good.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DeactivateKey {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// The current version if not given.
    #[n(2)]
    pub version: Option<u32>,
    /// Why.
    #[n(3)]
    pub reason: Option<String>,
}

/// Records a compromise, of all versions unless one is named.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ReportCompromise {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// One version, or all.
    #[n(2)]
    pub version: Option<u32>,
    /// Since when it may have been known to others.
    #[n(3)]
    pub since: Option<Timestamp>,
    /// What is known.
    #[n(4)]
    pub reason: String,
}

/// Sets a date for destruction, of all versions unless one is named.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ScheduleDestruction {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// One version, or all.
    #[n(2)]
    pub version: Option<u32>,
    /// 7 to 30.
    #[n(3)]
    pub after_days: u16,
    /// Why.
    #[n(4)]
    pub reason: String,
}

/// Clears the date, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CancelDestruction {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// One version, or all that are scheduled.
    #[n(2)]
    pub version: Option<u32>,
}

/// Destroys the versions of a key that are due.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ExecuteDestruction {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
}

/// Lets a held destruction go on.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ConfirmDestruction {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
}

/// Encrypts under the current version.
#[derive(Debug, Encode)]
#[cbor(map)]
pub struct Encrypt {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// Bound in as additional authenticated data; needed again to decrypt.
    #[cbor(skip)]
    pub context: Vec<u8>,
    /// What to encrypt.
    #[cbor(skip)]
    pub plaintext: Secret,
}

/// Decrypts what a version of the key encrypted; the ciphertext says which.
#[derive(Debug, Encode)]
#[cbor(map)]
pub struct Decrypt {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// Whether the caller knowingly processes with a compromised key (SP 800-57 Part 1 §7.5).
    #[n(2)]
    pub accept_compromised: bool,
    /// As given to encrypt.
    #[cbor(skip)]
    pub context: Vec<u8>,
    /// What encrypt gave.
    #[cbor(skip)]
    pub ciphertext: Vec<u8>,
}

/// Shows status.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Status {}

/// Reads records, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
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
    /// Path as in C2SP tlog-tiles, e.g. `tile/0/000` or `tile/entries/000.p/5`; or `keys` for the key history.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_unique_and_read_back() {
        for (i, kind) in CommandKind::ALL.iter().enumerate() {
            assert_eq!(CommandKind::from_number(kind.number()), Some(*kind));
            for other in CommandKind::ALL.iter().skip(i + 1) {
                assert!(kind.number() < other.number(), "{kind:?} {other:?}");
                assert_ne!(kind.as_str(), other.as_str());
            }
        }
    }
}
