//! Commands that make key material for a caller, or keys from keys, and those that need no key.
use alloc::vec::Vec;

use minicbor::Encode;

use super::{CreateKey, KeyRef, RealmRef};
use crate::algorithm::{HashAlgorithm, KeySpec, SignatureScheme};
use crate::secret::Secret;

/// Decrypts and encrypts again, under another key or the newest version; the plaintext never leaves.
#[derive(Debug, Encode)]
#[cbor(map)]
pub struct ReEncrypt {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// The key that encrypted.
    #[n(1)]
    pub key: KeyRef,
    /// Whether the caller knowingly processes with a compromised key (SP 800-57 Part 1 §7.5).
    #[n(2)]
    pub accept_compromised: bool,
    /// The key to encrypt under; the same one if not given.
    #[n(3)]
    pub to: Option<KeyRef>,
    /// As given to encrypt.
    #[cbor(skip)]
    pub context: Vec<u8>,
    /// What to bind in from now on; the same as before if not given.
    #[cbor(skip)]
    pub new_context: Option<Vec<u8>>,
    /// What encrypt gave.
    #[cbor(skip)]
    pub ciphertext: Vec<u8>,
}

/// Makes a data key: once for the caller's own use, and once encrypted under the key, to be kept with the data.
#[derive(Debug, Encode)]
#[cbor(map)]
pub struct GenerateDataKey {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// The key that encrypts it.
    #[n(1)]
    pub key: KeyRef,
    /// Its kind; symmetric.
    #[n(2)]
    pub spec: KeySpec,
    /// Bound in as additional authenticated data; needed again to decrypt.
    #[cbor(skip)]
    pub context: Vec<u8>,
}

/// Makes a data key that is given encrypted only, for whoever decrypts it later.
#[derive(Debug, Encode)]
#[cbor(map)]
pub struct GenerateDataKeyWithoutPlaintext {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// The key that encrypts it.
    #[n(1)]
    pub key: KeyRef,
    /// Its kind; symmetric.
    #[n(2)]
    pub spec: KeySpec,
    /// Bound in as additional authenticated data; needed again to decrypt.
    #[cbor(skip)]
    pub context: Vec<u8>,
}

/// Makes a pair that is not kept: the public key, and the private key wrapped under a wrapping key.
#[derive(Debug, Encode)]
#[cbor(map)]
pub struct GenerateDataKeyPair {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// The wrapping key.
    #[n(1)]
    pub key: KeyRef,
    /// Its kind; a pair.
    #[n(2)]
    pub spec: KeySpec,
}

/// Wraps key material that the caller has (AES-KWP, SP 800-38F and RFC 5649).
#[derive(Debug, Encode)]
#[cbor(map)]
pub struct Wrap {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// The wrapping key.
    #[n(1)]
    pub key: KeyRef,
    /// What to wrap.
    #[cbor(skip)]
    pub material: Secret,
}

/// Unwraps it.
#[derive(Debug, Encode)]
#[cbor(map)]
pub struct Unwrap {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// The wrapping key.
    #[n(1)]
    pub key: KeyRef,
    /// The version that wrapped; if not given, the newest ones are tried.
    #[n(2)]
    pub version: Option<u32>,
    /// Whether the caller knowingly processes with a compromised key (SP 800-57 Part 1 §7.5).
    #[n(3)]
    pub accept_compromised: bool,
    /// What wrap gave.
    #[cbor(skip)]
    pub wrapped: Vec<u8>,
}

/// Derives a key (SP 800-108, counter mode, HMAC-SHA-256) and keeps it as an object of its own.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct DeriveKey {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// The key-derivation key.
    #[n(1)]
    pub key: KeyRef,
    /// What separates this key from all others derived from the same one; not secret.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub info: Vec<u8>,
    /// The derived key, in the same realm.
    #[n(3)]
    pub new: CreateKey,
}

/// Agrees on a key (ECDH, then the one-step KDF of SP 800-56C with SHA-256) and keeps it as an object of its own.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct AgreeKey {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// The caller's pair.
    #[n(1)]
    pub key: KeyRef,
    /// The other side's public key, `SubjectPublicKeyInfo` DER.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub peer: Vec<u8>,
    /// Fixed info, on which both sides agree; not secret.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub info: Vec<u8>,
    /// The agreed key, in the same realm.
    #[n(4)]
    pub new: CreateKey,
}

/// Encapsulates a shared secret to a pair (ML-KEM, FIPS 203) and keeps it as a key object.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct Encapsulate {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// The pair.
    #[n(1)]
    pub key: KeyRef,
    /// The shared key, in the same realm.
    #[n(2)]
    pub new: CreateKey,
}

/// Decapsulates a shared secret and keeps it as a key object.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct Decapsulate {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// The pair.
    #[n(1)]
    pub key: KeyRef,
    /// The version encapsulated to; the current one if not given. It cannot be found by trying: a wrong one gives a
    /// wrong key.
    #[n(2)]
    pub version: Option<u32>,
    /// Whether the caller knowingly processes with a compromised key (SP 800-57 Part 1 §7.5).
    #[n(3)]
    pub accept_compromised: bool,
    /// What the other side sent.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub ciphertext: Vec<u8>,
    /// The shared key, in the same realm.
    #[n(5)]
    pub new: CreateKey,
}

/// Verifies a signature with a public key that the caller brings: another party's, which is not kept here.
#[derive(Debug, Encode)]
#[cbor(map)]
pub struct VerifyExternal {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// The kind of the key.
    #[n(1)]
    pub spec: KeySpec,
    /// How it was signed; the first that the key's kind has if not given.
    #[n(2)]
    pub scheme: Option<SignatureScheme>,
    /// The public key, `SubjectPublicKeyInfo` DER.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub public: Vec<u8>,
    /// The message.
    #[cbor(skip)]
    pub message: Secret,
    /// The signature.
    #[cbor(skip)]
    pub signature: Vec<u8>,
}

/// Bytes from the module's generator.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct Random {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// How many.
    #[n(1)]
    pub length: u32,
}

/// A hash, in the module.
#[derive(Debug, Encode)]
#[cbor(map)]
pub struct Hash {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub algorithm: HashAlgorithm,
    /// Message.
    #[cbor(skip)]
    pub message: Secret,
}

/// Shows the public key of a pair.
#[derive(Debug, Clone, PartialEq, Eq, Encode)]
#[cbor(map)]
pub struct ExportPublicKey {
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
