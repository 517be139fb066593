//! Commands that sign, verify and authenticate, and those that take several items at once.
//!
//! Payloads are never part of the canonical bytes (`cbor(skip)`): neither a record nor an approval may hold them.
use alloc::vec::Vec;

use minicbor::Encode;

use super::{KeyRef, RealmRef};
use crate::algorithm::SignatureScheme;
use crate::secret::Secret;

/// Signs a message with the current version.
#[derive(Debug, Encode)]
#[cbor(map)]
pub struct Sign {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// How; the first that the key's kind has if not given.
    #[n(2)]
    pub scheme: Option<SignatureScheme>,
    /// The message itself, never a digest of it.
    #[cbor(skip)]
    pub message: Secret,
}

/// Verifies a signature.
#[derive(Debug, Encode)]
#[cbor(map)]
pub struct Verify {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// The version that signed; if not given, the newest ones are tried.
    #[n(2)]
    pub version: Option<u32>,
    /// How it was signed; the first that the key's kind has if not given.
    #[n(3)]
    pub scheme: Option<SignatureScheme>,
    /// Whether the caller knowingly processes with a compromised key (SP 800-57 Part 1 §7.5).
    #[n(4)]
    pub accept_compromised: bool,
    /// The message.
    #[cbor(skip)]
    pub message: Secret,
    /// What sign gave.
    #[cbor(skip)]
    pub signature: Vec<u8>,
}

/// Makes a message authentication code with the current version.
#[derive(Debug, Encode)]
#[cbor(map)]
pub struct Mac {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// The message.
    #[cbor(skip)]
    pub message: Secret,
}

/// Checks a message authentication code.
#[derive(Debug, Encode)]
#[cbor(map)]
pub struct VerifyMac {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// The version that made it; if not given, the newest ones are tried.
    #[n(2)]
    pub version: Option<u32>,
    /// Whether the caller knowingly processes with a compromised key (SP 800-57 Part 1 §7.5).
    #[n(3)]
    pub accept_compromised: bool,
    /// The message.
    #[cbor(skip)]
    pub message: Secret,
    /// What mac gave, whole.
    #[cbor(skip)]
    pub mac: Vec<u8>,
}

/// One item to encrypt.
#[derive(Debug)]
pub struct EncryptItem {
    /// Bound in as additional authenticated data.
    pub context: Vec<u8>,
    /// What to encrypt.
    pub plaintext: Secret,
}

/// Encrypts several items under the current version: one decision, one record, an answer for each item.
#[derive(Debug, Encode)]
#[cbor(map)]
pub struct EncryptBatch {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// Items.
    #[cbor(skip)]
    pub items: Vec<EncryptItem>,
}

/// One item to decrypt.
#[derive(Debug)]
pub struct DecryptItem {
    /// As given to encrypt.
    pub context: Vec<u8>,
    /// What encrypt gave.
    pub ciphertext: Vec<u8>,
}

/// Decrypts several items; each names its version.
#[derive(Debug, Encode)]
#[cbor(map)]
pub struct DecryptBatch {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// Whether the caller knowingly processes with a compromised key.
    #[n(2)]
    pub accept_compromised: bool,
    /// Items.
    #[cbor(skip)]
    pub items: Vec<DecryptItem>,
}

/// Signs several messages with the current version.
#[derive(Debug, Encode)]
#[cbor(map)]
pub struct SignBatch {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// How; the first that the key's kind has if not given.
    #[n(2)]
    pub scheme: Option<SignatureScheme>,
    /// Messages.
    #[cbor(skip)]
    pub items: Vec<Secret>,
}

/// One signature to verify.
#[derive(Debug)]
pub struct VerifyItem {
    /// The version that signed; if not given, the newest ones are tried.
    pub version: Option<u32>,
    /// The message.
    pub message: Secret,
    /// What sign gave.
    pub signature: Vec<u8>,
}

/// Verifies several signatures.
#[derive(Debug, Encode)]
#[cbor(map)]
pub struct VerifyBatch {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// How they were signed; the first that the key's kind has if not given.
    #[n(2)]
    pub scheme: Option<SignatureScheme>,
    /// Whether the caller knowingly processes with a compromised key.
    #[n(3)]
    pub accept_compromised: bool,
    /// Items.
    #[cbor(skip)]
    pub items: Vec<VerifyItem>,
}

/// Makes message authentication codes for several messages with the current version.
#[derive(Debug, Encode)]
#[cbor(map)]
pub struct MacBatch {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// Messages.
    #[cbor(skip)]
    pub items: Vec<Secret>,
}
