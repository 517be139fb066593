//! The door to a cryptographic module.
//!
//! # What an adapter promises
//! - Key material exists only inside the adapter, behind [`KeyHandle`]s; it comes out only wrapped.
//! - Every operation is bracketed by the module's service indicator, in release builds too; the answer is in [`Done`].
//! - An operation that the indicator does not approve fails with [`ModuleFault::NotApproved`] unless the permit carries
//!   an exception; what was computed is wiped.
//! - IVs, salts and keys are made by the module's own generator.
//! - After [`Module::release`] no byte of that key remains in memory the adapter controls.
//! - What it cannot do fails with [`ModuleFault::Unsupported`] and is absent from [`ModuleDescription::services`].
//!
//! # Trust
//! Trusted with everything. Its self-tests run before the first request and on demand.
pub use keyward_core::algorithm::HashAlgorithm;
use keyward_core::algorithm::{Indicator, KeySpec, Service, SignatureScheme};
use keyward_core::secret::Secret;

use crate::permit::Permit;

/// A key inside a module: meaningless anywhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHandle {
    /// Which module.
    pub module: u16,
    /// Which key; never reused while the process lives.
    pub slot: u64,
}

/// What a module says of itself, read at run time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleDescription {
    /// This module's number in handles and records.
    pub module: u16,
    /// Name as on the certificate.
    pub name: String,
    /// The version string that the module itself reports.
    pub version: String,
    /// Certificate numbers for exactly this version, none when there is none.
    pub certificates: Vec<u32>,
    /// FIPS 140-3 level of the certificate; 0 without one.
    pub level: u8,
    /// Whether the module runs in approved mode (`FIPS_mode() == 1` or the token's equivalent).
    pub approved_mode: bool,
    /// Where its entropy comes from, in words for the report.
    pub entropy: String,
    /// What it can do.
    pub services: Vec<(KeySpec, Service)>,
}

/// What to check of the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelfTest {
    /// The integrity of its code.
    Integrity,
    /// Every algorithm's known answers.
    Algorithms,
}

/// One operation. Every variant is one service of the module, under one indicator bracket.
#[derive(Debug)]
pub enum Operation<'a> {
    // --- what has no key ---
    /// Bytes from the module's generator: [`Output::Bytes`].
    Random {
        /// How many.
        length: usize,
    },
    /// SHA-256 over the parts: [`Output::Digest`].
    Sha256 {
        /// Hashed as if concatenated.
        parts: &'a [&'a [u8]],
    },
    /// Another hash: [`Output::Bytes`].
    Hash {
        /// `sha-256`, `sha-384`, `sha-512`, `sha3-256`, `sha3-384`, `sha3-512`.
        algorithm: HashAlgorithm,
        /// Message.
        message: &'a [u8],
    },

    // --- birth, wrapping, death ---
    /// A new key or pair: [`Output::Key`].
    Generate {
        /// Kind.
        spec: KeySpec,
    },
    /// A pair for agreement that never leaves the module, not even wrapped: [`Output::Key`].
    GenerateEphemeral {
        /// EC kinds only.
        spec: KeySpec,
    },
    /// AES-KWP (SP 800-38F) of a key's material under another key: [`Output::Bytes`].
    WrapKey {
        /// Wrapping key (AES).
        kek: KeyHandle,
        /// Key to wrap: its canonical material (raw for symmetric, PKCS#8 for pairs, expanded for ML-KEM).
        key: KeyHandle,
    },
    /// The inverse: [`Output::Key`]. A blob that does not verify is [`ModuleFault::Refused`].
    UnwrapKey {
        /// Wrapping key.
        kek: KeyHandle,
        /// What [`Operation::WrapKey`] gave.
        blob: &'a [u8],
        /// Kind of the key inside.
        spec: KeySpec,
    },
    /// AES-KWP of bytes a user owns (secrets, foreign keys): [`Output::Bytes`].
    WrapBytes {
        /// Wrapping key.
        kek: KeyHandle,
        /// What to wrap.
        bytes: &'a Secret,
    },
    /// The inverse: [`Output::Secret`].
    UnwrapBytes {
        /// Wrapping key.
        kek: KeyHandle,
        /// Blob.
        blob: &'a [u8],
    },
    /// KBKDF in counter mode with HMAC-SHA-256 (SP 800-108) into an AES or HMAC key: [`Output::Key`].
    DeriveKey {
        /// Key-derivation key (HMAC or AES-256 material used as HMAC key).
        key: KeyHandle,
        /// Label, context, everything that separates this key from all others.
        info: &'a [u8],
        /// Kind of the derived key (symmetric kinds only).
        spec: KeySpec,
    },
    /// PBKDF2-HMAC-SHA-512 (SP 800-132) into an AES-256 wrapping key: [`Output::Key`].
    DerivePassphrase {
        /// At least 14 bytes.
        passphrase: &'a Secret,
        /// At least 16 bytes from the module's generator.
        salt: &'a [u8],
        /// At least 1000.
        iterations: u32,
    },
    /// The public key of a pair as SubjectPublicKeyInfo DER (ML-KEM: the raw encapsulation key): [`Output::Bytes`].
    PublicKey {
        /// Pair.
        key: KeyHandle,
    },

    // --- puncturable state (DESIGN §6), see keyward_core::puncture ---
    /// A fresh tree: [`Output::Key`].
    TreeCreate,
    /// Opens a sealed tree: [`Output::Key`].
    TreeOpen {
        /// State key (AES-256).
        key: KeyHandle,
        /// Bound in.
        aad: &'a [u8],
        /// What [`Operation::TreeSeal`] gave.
        blob: &'a [u8],
    },
    /// Seals a tree under a state key (AES-256-GCM, module IV): [`Output::Bytes`].
    TreeSeal {
        /// Tree.
        tree: KeyHandle,
        /// State key.
        key: KeyHandle,
        /// Bound in.
        aad: &'a [u8],
    },
    /// The wrapping key for one version: KBKDF(leaf, info) as AES-256: [`Output::Key`].
    /// A punctured leaf is [`ModuleFault::Gone`].
    TreeLeaf {
        /// Tree.
        tree: KeyHandle,
        /// Leaf number, below 2^40.
        leaf: u64,
        /// realm ‖ object ‖ version ‖ component ‖ digest of immutable attributes.
        info: &'a [u8],
    },
    /// A new tree without these leaves; the old handle stays until released: [`Output::Key`].
    TreePuncture {
        /// Tree.
        tree: KeyHandle,
        /// Leaves to remove; those already gone are ignored.
        leaves: &'a [u64],
    },
    /// SHA-256 over the public shape of the tree (which leaves can still be derived): [`Output::Digest`].
    TreeDigest {
        /// Tree.
        tree: KeyHandle,
    },

    // --- use ---
    /// AES-GCM with an IV made by the module; appends IV ‖ ciphertext ‖ tag to `out`: [`Output::Nothing`].
    Encrypt {
        /// AES-128 or AES-256.
        key: KeyHandle,
        /// Additional authenticated data.
        aad: &'a [u8],
        /// Plaintext.
        plaintext: &'a [u8],
        /// Appended to.
        out: &'a mut Vec<u8>,
    },
    /// The inverse: [`Output::Secret`]. Anything that does not verify is [`ModuleFault::Refused`].
    Decrypt {
        /// Key.
        key: KeyHandle,
        /// Additional authenticated data.
        aad: &'a [u8],
        /// IV ‖ ciphertext ‖ tag.
        sealed: &'a [u8],
    },
    /// HMAC with the key's own hash: [`Output::Bytes`], full length.
    Mac {
        /// HMAC key.
        key: KeyHandle,
        /// Authenticated as if concatenated.
        parts: &'a [&'a [u8]],
    },
    /// Constant-time check: [`Output::Verdict`].
    VerifyMac {
        /// HMAC key.
        key: KeyHandle,
        /// As in [`Operation::Mac`].
        parts: &'a [&'a [u8]],
        /// Full-length code.
        mac: &'a [u8],
    },
    /// Signs a message (never a digest): [`Output::Bytes`].
    Sign {
        /// Pair.
        key: KeyHandle,
        /// Scheme.
        scheme: SignatureScheme,
        /// Message.
        message: &'a [u8],
    },
    /// Verifies: [`Output::Verdict`].
    Verify {
        /// Kind of the key.
        spec: KeySpec,
        /// As [`Operation::PublicKey`] gives it.
        public: &'a [u8],
        /// Scheme.
        scheme: SignatureScheme,
        /// Message.
        message: &'a [u8],
        /// Signature.
        signature: &'a [u8],
    },
    /// ECDH with a peer's public key (SubjectPublicKeyInfo DER), then one-step KDF (SP 800-56C, SHA-256) over the shared
    /// secret with `info`, into an AES-256 key: [`Output::Key`].
    Agree {
        /// EC pair.
        key: KeyHandle,
        /// Peer's public key, validated by the module.
        peer: &'a [u8],
        /// Fixed info.
        info: &'a [u8],
    },
    /// [`Operation::Agree`] with a pair from [`Operation::GenerateEphemeral`]; the peer's must be ephemeral too (SP 800-56A
    /// §6.1.2): [`Output::Key`].
    AgreeEphemeral {
        /// Ephemeral pair.
        key: KeyHandle,
        /// Peer's public key, validated by the module.
        peer: &'a [u8],
        /// Fixed info.
        info: &'a [u8],
    },
    /// ML-KEM encapsulation to a public key: [`Output::Encapsulated`]; the shared secret stays inside as an AES-256 key.
    Encapsulate {
        /// ML-KEM kind.
        spec: KeySpec,
        /// Encapsulation key.
        public: &'a [u8],
    },
    /// ML-KEM decapsulation: [`Output::Key`] (AES-256).
    Decapsulate {
        /// ML-KEM pair.
        key: KeyHandle,
        /// Ciphertext.
        ciphertext: &'a [u8],
    },
    /// Material of a symmetric key in the clear, for data keys given to their requester and `session` export only:
    /// [`Output::Secret`]. The permit must allow it.
    Reveal {
        /// Key.
        key: KeyHandle,
    },
}

/// What an operation gave.
#[derive(Debug)]
pub enum Output {
    /// Done; the result is where the operation said.
    Nothing,
    /// Public bytes (ciphertext, signature, wrapped blob, randomness that is not a key).
    Bytes(Vec<u8>),
    /// 32 bytes of hash.
    Digest([u8; 32]),
    /// Bytes that need care.
    Secret(Secret),
    /// A key inside the module.
    Key(KeyHandle),
    /// A check's answer.
    Verdict(bool),
    /// Ciphertext and the shared secret as a key inside the module.
    Encapsulated {
        /// For the other side.
        ciphertext: Vec<u8>,
        /// Shared secret.
        key: KeyHandle,
    },
}

/// An output with what the module's indicator said about it.
#[derive(Debug)]
pub struct Done {
    /// Result.
    pub output: Output,
    /// The module's own word; [`Indicator::NotApplicable`] only for operations that are no service (e.g. `PublicKey`).
    pub indicator: Indicator,
}

/// Why a module did not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ModuleFault {
    /// The input does not verify (tampered, wrong key, wrong context), or is not valid for the algorithm.
    #[error("the module refused the input")]
    Refused,
    /// The leaf was punctured: the key is destroyed.
    #[error("the key is destroyed")]
    Gone,
    /// This module does not offer it.
    #[error("the module does not offer this service")]
    Unsupported,
    /// The indicator says non-approved and the permit has no exception.
    #[error("the module's indicator does not approve this service")]
    NotApproved,
    /// The handle is unknown here (released, or from another module).
    #[error("the module does not hold this key")]
    NoSuchKey,
    /// No room for another key in guarded memory.
    #[error("the module has no guarded memory left")]
    Full,
    /// Not reachable; trying again later can help.
    #[error("the module is unavailable")]
    Unavailable,
    /// The module failed a test or an internal check.
    #[error("the module failed: {0}")]
    Failed(&'static str),
}

/// The port.
pub trait Module: Send + Sync {
    /// What it is.
    fn describe(&self) -> ModuleDescription;

    /// Runs a self-test now.
    ///
    /// # Errors
    /// [`ModuleFault::Failed`]; the engine then stops all use of the module.
    fn self_test(&self, which: SelfTest) -> Result<(), ModuleFault>;

    /// Does one operation. Only the engine can make a [`Permit`].
    ///
    /// # Errors
    /// [`ModuleFault`].
    fn operate(&self, permit: &Permit, operation: Operation<'_>) -> Result<Done, ModuleFault>;

    /// Forgets a key and wipes it. Unknown handles are ignored.
    fn release(&self, key: KeyHandle);
}
