//! Commands that bring material in and let it out.
use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use super::{CreateKey, KeyRef, RealmRef};
use crate::algorithm::KeySpec;

/// How material is protected on its way. Each ends in AES-256-KWP (SP 800-38F) under a key for this one transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum TransferScheme {
    /// Ephemeral ECDH on P-384 from both sides, one-step KDF with SHA-256 (SP 800-56A, SP 800-56C).
    #[n(1)]
    EcdhP384,
    /// ML-KEM-768 (FIPS 203).
    #[n(2)]
    MlKem768,
    /// ML-KEM-1024.
    #[n(3)]
    MlKem1024,
}

impl TransferScheme {
    /// All schemes.
    pub const ALL: [Self; 3] = [Self::EcdhP384, Self::MlKem768, Self::MlKem1024];

    /// The name used in every interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EcdhP384 => "ecdh-p384-kwp",
            Self::MlKem768 => "ml-kem-768-kwp",
            Self::MlKem1024 => "ml-kem-1024-kwp",
        }
    }

    /// Reads the interface name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// The kind of the pair.
    #[must_use]
    pub const fn spec(self) -> KeySpec {
        match self {
            Self::EcdhP384 => KeySpec::EcP384,
            Self::MlKem768 => KeySpec::MlKem768,
            Self::MlKem1024 => KeySpec::MlKem1024,
        }
    }
}

/// Asks for a key to wrap material for: for the one who asks, for one transfer, for an hour.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CreateImportKey {
    /// Realm it is good in.
    #[n(0)]
    pub realm: RealmRef,
    /// How.
    #[n(1)]
    pub scheme: TransferScheme,
}

/// Material on its way in, wrapped for an import key.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Transfer {
    /// The import key.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub import_key: [u8; 16],
    /// The other side's ephemeral public key (SubjectPublicKeyInfo DER), or the ML-KEM ciphertext.
    #[cbor(skip)]
    pub encapsulated: Vec<u8>,
    /// AES-KWP of the material.
    #[cbor(skip)]
    pub wrapped: Vec<u8>,
}

/// Makes a key of material from outside.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ImportKey {
    /// What it becomes.
    #[n(0)]
    pub create: CreateKey,
    /// The material: raw for symmetric keys, PKCS#8 for pairs, the expanded decapsulation key for ML-KEM.
    #[n(1)]
    pub transfer: Transfer,
}

/// For whom material is wrapped on its way out.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Recipient {
    /// A wrapping key of the same realm.
    #[n(0)]
    Key(#[n(0)] KeyRef),
    /// Whoever has the private part of this public key: SubjectPublicKeyInfo DER, or a raw encapsulation key.
    #[n(1)]
    Public(
        #[n(0)] TransferScheme,
        #[cbor(n(1), with = "minicbor::bytes")] Vec<u8>,
    ),
}

/// Lets material out, wrapped.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ExportKey {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// The current version if not given.
    #[n(2)]
    pub version: Option<u32>,
    /// For whom.
    #[n(3)]
    pub recipient: Recipient,
}

/// Lets material out in the clear, inside TLS, to a workload with a client certificate.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ReleaseKey {
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
