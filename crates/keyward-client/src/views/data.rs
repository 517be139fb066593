//! What commands that use keys give.
use keyward_core::secret::Secret;
use serde::{Deserialize, Serialize};

use super::Key;

/// A signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Bytes, as the scheme has them (ECDSA: DER).
    pub signature: Vec<u8>,
    /// How it was made.
    pub scheme: String,
    /// Key.
    pub key: String,
    /// Version that signed.
    pub version: u32,
}

/// A message authentication code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MacCode {
    /// Bytes.
    pub mac: Vec<u8>,
    /// Key.
    pub key: String,
    /// Version that made it.
    pub version: u32,
}

/// A signature or code that verified; one that does not is a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// Always true.
    pub valid: bool,
    /// Key.
    pub key: String,
    /// Version that had made it.
    pub version: u32,
    /// How it was signed; none for a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
}

/// Why one item of a batch has no result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemError {
    /// Code of the error.
    pub code: String,
    /// The sentence.
    pub detail: String,
    /// The values in it.
    #[serde(default)]
    pub params: std::collections::BTreeMap<String, String>,
}

/// The answers of a batch, in the order of its items.
#[derive(Debug)]
pub struct Batch<T> {
    /// Key.
    pub key: String,
    /// How signatures were made, if the batch is about signatures.
    pub scheme: Option<String>,
    /// Results, or why there is none.
    pub items: Vec<Result<T, ItemError>>,
}

/// Bytes that a version made (a ciphertext, a signature, a code).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Bytes.
    pub bytes: Vec<u8>,
    /// Version.
    pub version: u32,
}

/// A plaintext of a batch.
#[derive(Debug)]
pub struct Opened {
    /// Bytes.
    pub plaintext: Secret,
    /// Version that had protected.
    pub version: u32,
}

/// A data key.
#[derive(Debug)]
pub struct DataKey {
    /// The key itself; none if it was asked for without.
    pub plaintext: Option<Secret>,
    /// The same under the key that protects it; decrypt gives it back.
    pub ciphertext: Vec<u8>,
    /// Its kind.
    pub spec: String,
    /// Key that protects it.
    pub key: String,
    /// Version that protected.
    pub version: u32,
}

/// A pair that the server did not keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataKeyPair {
    /// `SubjectPublicKeyInfo`, DER.
    pub public_key: Vec<u8>,
    /// The private key under the wrapping key; unwrap gives PKCS #8.
    pub wrapped_private_key: Vec<u8>,
    /// Its kind.
    pub spec: String,
    /// Wrapping key.
    pub key: String,
    /// Version that wrapped.
    pub version: u32,
}

/// Wrapped key material.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// AES-KWP (RFC 5649).
    pub wrapped: Vec<u8>,
    /// Wrapping key.
    pub key: String,
    /// Version that wrapped.
    pub version: u32,
}

/// Unwrapped key material.
#[derive(Debug)]
pub struct Unwrapped {
    /// The material.
    pub material: Secret,
    /// Wrapping key.
    pub key: String,
    /// Version that had wrapped.
    pub version: u32,
}

/// A shared key and what the other side needs to have it too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encapsulated {
    /// For the other side.
    pub ciphertext: Vec<u8>,
    /// The key.
    pub key: Key,
}

/// Another party's signature that verified; one that does not is a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedExternal {
    /// Always true.
    pub valid: bool,
    /// How it was signed.
    pub scheme: String,
}

/// A hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashValue {
    /// Which.
    pub algorithm: String,
    /// Hexadecimal.
    pub digest: String,
}

/// A public key in every form that its kind has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// Key.
    pub key: String,
    /// Version.
    pub version: u32,
    /// Its kind.
    pub spec: String,
    /// `SubjectPublicKeyInfo`, DER in base64.
    pub der: String,
    /// The same in PEM.
    pub pem: String,
    /// JSON Web Key, for kinds that have a registered form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwk: Option<std::collections::BTreeMap<String, String>>,
}

/// What encryption gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ciphertext {
    /// Bytes, in Keyward's format.
    pub ciphertext: Vec<u8>,
    /// Key.
    pub key: String,
    /// Version that protected.
    pub version: u32,
}

/// What decryption gave.
#[derive(Debug)]
pub struct Plaintext {
    /// Bytes.
    pub plaintext: Secret,
    /// Key.
    pub key: String,
    /// Version that had protected.
    pub version: u32,
}
