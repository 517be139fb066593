//! Commands that use keys. Payloads are never encoded: `#[cbor(skip)]`.
use alloc::vec::Vec;

use minicbor::Encode;

use super::{KeyRef, RealmRef};
use crate::secret::Secret;

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
