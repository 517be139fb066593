//! What a command came to, as values that every protocol can translate.
use alloc::string::String;
use alloc::vec::Vec;

use crate::Problem;
use crate::algorithm::{HashAlgorithm, KeySpec, SignatureScheme};
use crate::ids::{ObjectId, PrincipalId, TokenId};
use crate::object::{Object, Principal, Realm, Version};
use crate::record::RecordView;
use crate::secret::Secret;
use crate::time::Timestamp;

/// An object with its versions, material left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyView {
    /// Lasting facts.
    pub object: Object,
    /// How often the object row was written: the ETag.
    pub row_version: u64,
    /// Versions, oldest first; `material` is always empty here.
    pub versions: Vec<VersionView>,
}

/// One version as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionView {
    /// Its facts; `material` is empty.
    pub version: Version,
    /// Encryptions reserved against the limit of 2^32.
    pub uses_reserved: u64,
}

/// One object in a blast radius.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concerned {
    /// The relation that leads to it.
    pub edge: crate::object::Edge,
    /// How many relations lie between the key and it; 1 for the nearest.
    pub distance: u32,
    /// Its name, if it has one.
    pub name: Option<crate::name::Name>,
    /// What it is.
    pub kind: crate::object::ObjectKind,
}

/// One service of a module and whether it may be used today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleService {
    /// Kind of key.
    pub spec: crate::algorithm::KeySpec,
    /// What is done with it.
    pub service: crate::algorithm::Service,
    /// Whether the approval table permits it today (SP 800-131A).
    pub permitted: bool,
}

/// A module the server uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleView {
    /// Number in handles and records.
    pub number: u16,
    /// Name as on the certificate.
    pub name: String,
    /// Version as it reports it.
    pub version: String,
    /// Certificates of exactly this version.
    pub certificates: Vec<u32>,
    /// Level of the certificate; 0 without one.
    pub level: u8,
    /// Whether it runs in approved mode.
    pub approved_mode: bool,
    /// Where its entropy comes from.
    pub entropy: String,
    /// What it offers.
    pub services: Vec<ModuleService>,
}

/// What is known about the destruction of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestroyedVersion {
    /// Number.
    pub number: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was destroyed.
    pub destroyed_at: Timestamp,
    /// By whom.
    pub by: PrincipalId,
    /// Why.
    pub reason: Option<String>,
    /// The leaf that was punctured.
    pub leaf: u64,
    /// The puncture epoch.
    pub epoch: Option<u64>,
    /// SHA-256 of the shape of the realm's tree after it.
    pub tree_digest: Option<[u8; 32]>,
    /// A compromise found only afterwards.
    pub compromise_found: bool,
}

/// What is known about the destruction of an object's versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestructionCertificate {
    /// The installation.
    pub deployment: String,
    /// The object, without versions.
    pub object: Object,
    /// Versions that are destroyed.
    pub destroyed: Vec<DestroyedVersion>,
    /// Versions that are not.
    pub remaining: Vec<u32>,
    /// Kinds of seals and what somebody with an old copy of everything on disk could still do.
    pub seals: Vec<(String, String)>,
    /// When this was put together.
    pub issued_at: Timestamp,
}

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Distinguished name (RFC 4514).
    pub subject: String,
    /// Distinguished name of who issued it.
    pub issuer: String,
    /// Serial number, hexadecimal.
    pub serial: String,
    /// Not good before.
    pub not_before: Timestamp,
    /// Not good after.
    pub not_after: Timestamp,
    /// `dns:…`, `uri:…`, `email:…`, `ip:…`.
    pub alternative_names: Vec<String>,
}

/// A certificate object with what its current certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateView {
    /// The object.
    pub key: KeyView,
    /// What is in the certificate.
    pub facts: CertificateFacts,
    /// SHA-256 of the certificate.
    pub fingerprint: [u8; 32],
    /// The chain in PEM.
    pub pem: String,
}

/// What depends on a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlastRadius {
    /// The key.
    pub key: ObjectId,
    /// What depends on it, the nearest first.
    pub concerned: Vec<Concerned>,
    /// Whether there is more than can be shown.
    pub more: bool,
}

/// A policy as stored.
#[derive(Debug, Clone, PartialEq, Eq, minicbor::Encode, minicbor::Decode)]
#[cbor(map)]
pub struct PolicyText {
    /// Name in its realm.
    #[n(0)]
    pub name: crate::name::Name,
    /// Cedar text.
    #[n(1)]
    pub text: String,
    /// When it was last written.
    #[n(2)]
    pub changed_at: Timestamp,
    /// By whom.
    #[n(3)]
    pub changed_by: PrincipalId,
}

/// A page of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// Rows.
    pub items: Vec<T>,
    /// Whether more follow the last one.
    pub more: bool,
}

/// How one rule of the assurance level, or one check of the status, stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusLine {
    /// Stable name, e.g. `module.integrity`.
    pub check: String,
    /// Whether it is met.
    pub ok: bool,
    /// The facts, in words.
    pub detail: String,
}

/// The server's status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusView {
    /// Product version.
    pub product: String,
    /// Deployment id, hexadecimal.
    pub deployment: String,
    /// Node id, hexadecimal.
    pub node: String,
    /// Whether the seal is open.
    pub unsealed: bool,
    /// Kinds of seal slots.
    pub seals: Vec<String>,
    /// Module name as it names itself.
    pub module: String,
    /// Module version as it reports it.
    pub module_version: String,
    /// Certificates for that version, as of the registry's date.
    pub certificates: Vec<u32>,
    /// Store in words.
    pub store: String,
    /// Log size.
    pub log_size: u64,
    /// Log root, hexadecimal.
    pub log_root: String,
    /// Wall clock.
    pub wall: Timestamp,
    /// Service time in milliseconds.
    pub service_ms: u64,
    /// Checks.
    pub checks: Vec<StatusLine>,
}

/// A proof that a record is in the log, complete for offline use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordProof {
    /// Index in the lane.
    pub index: u64,
    /// The leaf entry.
    pub entry: Vec<u8>,
    /// Body and salt, unless redacted.
    pub body: Option<Vec<u8>>,
    /// `.tlog-proof` text: index, hashes, checkpoint, cosignatures.
    pub proof: String,
}

/// What came of one item of a batch.
#[derive(Debug)]
pub enum BatchItem {
    /// A ciphertext in Keyward's format.
    Ciphertext {
        /// Bytes.
        ciphertext: Vec<u8>,
        /// Version that protected.
        version: u32,
    },
    /// A plaintext.
    Plaintext {
        /// Bytes.
        plaintext: Secret,
        /// Version that had protected.
        version: u32,
    },
    /// A signature.
    Signature {
        /// Bytes.
        signature: Vec<u8>,
        /// Version that signed.
        version: u32,
    },
    /// A message authentication code.
    Mac {
        /// Bytes.
        mac: Vec<u8>,
        /// Version that made it.
        version: u32,
    },
    /// A signature that verifies.
    Verified {
        /// Version that had signed.
        version: u32,
    },
}

/// What came out of a command.
#[derive(Debug)]
pub enum Outcome {
    /// Done, nothing to show.
    Done,
    /// One realm.
    Realm(Realm),
    /// Several realms.
    Realms(Page<Realm>),
    /// One principal.
    Principal(Principal),
    /// Several principals.
    Principals(Page<Principal>),
    /// A token's text, shown once.
    Token {
        /// Id.
        id: TokenId,
        /// The whole text, as the client sends it.
        text: Secret,
        /// When it ends.
        expires_at: Timestamp,
    },
    /// A registered anchor.
    Anchor {
        /// SHA-256 of the certificate.
        fingerprint: [u8; 32],
    },
    /// Policies.
    Policies(Vec<PolicyText>),
    /// One key.
    Key(alloc::boxed::Box<KeyView>),
    /// Several keys, without their older versions.
    Keys(Page<KeyView>),
    /// What depends on a key.
    BlastRadius(BlastRadius),
    /// What is known about a destruction.
    Destruction(alloc::boxed::Box<DestructionCertificate>),
    /// A certificate.
    Certificate(alloc::boxed::Box<CertificateView>),
    /// A certificate request.
    CertificateRequest {
        /// PKCS#10 in PEM.
        pem: String,
        /// The pair that signed it.
        key: ObjectId,
        /// Its version.
        version: u32,
    },
    /// A secret's value.
    SecretValue {
        /// Bytes.
        value: Secret,
        /// The secret.
        object: ObjectId,
        /// Version.
        version: u32,
    },
    /// A key to wrap material for.
    ImportKey {
        /// Id, named when the material is brought.
        id: [u8; 16],
        /// How to wrap.
        scheme: crate::command::TransferScheme,
        /// SubjectPublicKeyInfo DER, or a raw encapsulation key.
        public: Vec<u8>,
        /// What goes into the KDF of an agreement as its fixed info; unused by ML-KEM.
        info: Vec<u8>,
        /// Until when.
        expires_at: Timestamp,
    },
    /// Material, wrapped.
    Exported {
        /// Key.
        object: ObjectId,
        /// Version.
        version: u32,
        /// AES-KWP of the material.
        wrapped: Vec<u8>,
        /// Ephemeral public key of this server, or ML-KEM ciphertext.
        encapsulated: Option<Vec<u8>>,
        /// Fixed info of the KDF, for an agreement.
        info: Option<Vec<u8>>,
    },
    /// Material in the clear.
    Released {
        /// Raw key.
        material: Secret,
        /// Key.
        object: ObjectId,
        /// Version.
        version: u32,
    },
    /// A ciphertext in Keyward's format.
    Ciphertext {
        /// Bytes.
        ciphertext: Vec<u8>,
        /// Key.
        key: ObjectId,
        /// Version that protected.
        version: u32,
    },
    /// A plaintext.
    Plaintext {
        /// Bytes.
        plaintext: Secret,
        /// Key.
        key: ObjectId,
        /// Version that had protected.
        version: u32,
    },
    /// A signature.
    Signature {
        /// Bytes, as the scheme has them (ECDSA: DER).
        signature: Vec<u8>,
        /// How it was made.
        scheme: SignatureScheme,
        /// Key.
        key: ObjectId,
        /// Version that signed.
        version: u32,
    },
    /// A message authentication code, whole.
    Mac {
        /// Bytes.
        mac: Vec<u8>,
        /// Key.
        key: ObjectId,
        /// Version that made it.
        version: u32,
    },
    /// A signature or code that verifies; one that does not is a refusal.
    Verified {
        /// How it was signed; none for a message authentication code.
        scheme: Option<SignatureScheme>,
        /// Key.
        key: ObjectId,
        /// Version that made it.
        version: u32,
    },
    /// A data key.
    DataKey {
        /// The key itself; none if it was asked for without.
        plaintext: Option<Secret>,
        /// The same in Keyward's format, under the key that protects it.
        ciphertext: Vec<u8>,
        /// Its kind.
        spec: KeySpec,
        /// Key that protects it.
        key: ObjectId,
        /// Version that protected.
        version: u32,
    },
    /// A pair that is not kept.
    DataKeyPair {
        /// `SubjectPublicKeyInfo`, DER.
        public: Vec<u8>,
        /// The private key under AES-KWP.
        wrapped: Vec<u8>,
        /// Its kind.
        spec: KeySpec,
        /// Wrapping key.
        key: ObjectId,
        /// Version that wrapped.
        version: u32,
    },
    /// Wrapped key material (RFC 5649).
    Wrapped {
        /// Bytes.
        wrapped: Vec<u8>,
        /// Wrapping key.
        key: ObjectId,
        /// Version that wrapped.
        version: u32,
    },
    /// Unwrapped key material.
    Unwrapped {
        /// Bytes.
        material: Secret,
        /// Wrapping key.
        key: ObjectId,
        /// Version that had wrapped.
        version: u32,
    },
    /// A shared key, kept as an object, and what the other side needs to have it too.
    Encapsulated {
        /// For the other side.
        ciphertext: Vec<u8>,
        /// The key.
        key: alloc::boxed::Box<KeyView>,
    },
    /// Random bytes.
    Random(Secret),
    /// A hash.
    Hash {
        /// Which.
        algorithm: HashAlgorithm,
        /// Bytes.
        digest: Vec<u8>,
    },
    /// A public key.
    PublicKey {
        /// `SubjectPublicKeyInfo`.
        der: Vec<u8>,
        /// Its kind.
        spec: KeySpec,
        /// Key.
        key: ObjectId,
        /// Version.
        version: u32,
    },
    /// A signature of another party that verifies; one that does not is a refusal.
    VerifiedExternal {
        /// How it was signed.
        scheme: SignatureScheme,
    },
    /// What came of each item, in the order they were given.
    Batch {
        /// Key.
        key: ObjectId,
        /// How signatures were made, if the batch is about signatures.
        scheme: Option<SignatureScheme>,
        /// One for each item.
        items: Vec<Result<BatchItem, Problem>>,
    },
    /// Status.
    Status(alloc::boxed::Box<StatusView>),
    /// Modules.
    Modules(Vec<ModuleView>),
    /// Settings by name.
    Settings(Vec<(String, String)>),
    /// Records.
    Records {
        /// Records in index order.
        records: Vec<RecordView>,
        /// Index to go on from.
        next: u64,
        /// Size of the log when they were read.
        size: u64,
    },
    /// A proof.
    Proof(alloc::boxed::Box<RecordProof>),
    /// A signed checkpoint (note text).
    Checkpoint(String),
    /// Raw log data (a tile, a bundle of entries, the key history).
    LogData(Vec<u8>),
    /// An archived segment.
    Segment {
        /// First index in it.
        from: u64,
        /// One past the last.
        to: u64,
        /// The bytes, which verify on their own.
        bytes: Vec<u8>,
    },
}
