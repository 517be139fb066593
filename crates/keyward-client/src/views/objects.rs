//! Objects that are no keys, material on its way, modules, destructions.
use std::collections::BTreeMap;
use std::fmt;

use keyward_core::secret::Secret;
use serde::{Deserialize, Serialize};

use super::Key;

/// One service of a module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleService {
    /// Kind of key.
    pub spec: String,
    /// What is done with it.
    pub service: String,
    /// Whether the approval table permits it today.
    pub permitted_today: bool,
}

/// A module the server uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleFacts {
    /// Number in records.
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

/// The modules the server uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleList {
    /// All of them.
    pub items: Vec<ModuleFacts>,
}

/// The settings the server runs with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// By name.
    pub settings: BTreeMap<String, String>,
}

/// What is known about the destruction of one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DestroyedVersion {
    /// Number.
    pub version: u32,
    /// When it was made.
    pub created_at: String,
    /// When it was destroyed.
    pub destroyed_at: String,
    /// By whom.
    pub by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The leaf that was punctured.
    pub leaf: u64,
    /// The puncture epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// SHA-256 of the shape of the realm's tree after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree_digest: Option<String>,
    /// A compromise found only afterwards.
    pub compromise_found_after_destruction: bool,
}

/// A kind of seal and what somebody with an old copy of everything on disk could still do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealRemainder {
    /// Kind of seal.
    pub kind: String,
    /// What an old copy is still good for.
    pub old_copy: String,
}

/// What is known about the destruction of an object's versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DestructionCertificate {
    /// The installation.
    pub deployment: String,
    /// Realm.
    pub realm: String,
    /// The object.
    pub object: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is.
    pub kind: String,
    /// Algorithm and size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<String>,
    /// When this was put together.
    pub issued_at: String,
    /// Versions that are destroyed.
    pub destroyed: Vec<DestroyedVersion>,
    /// Versions that are not.
    pub remaining_versions: Vec<u32>,
    /// Seals of the installation.
    pub seals: Vec<SealRemainder>,
}

/// A certificate and what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The object.
    pub object: Key,
    /// Distinguished name.
    pub subject: String,
    /// Distinguished name of who issued it.
    pub issuer: String,
    /// Serial number, hexadecimal.
    pub serial: String,
    /// Not good before.
    pub not_before: String,
    /// Not good after.
    pub not_after: String,
    /// `dns:…`, `uri:…`, `email:…`, `ip:…`.
    pub alternative_names: Vec<String>,
    /// SHA-256 of the certificate.
    pub fingerprint: String,
    /// The chain in PEM.
    pub chain: String,
}

/// A certificate request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateRequest {
    /// PKCS#10 in PEM.
    pub pem: String,
    /// The pair that signed it.
    pub key: String,
    /// Its version.
    pub version: u32,
}

/// A key to wrap material for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportKey {
    /// Id, named when the material is brought.
    pub id: String,
    /// How to wrap.
    pub scheme: String,
    /// SubjectPublicKeyInfo DER, or a raw encapsulation key, in base64.
    pub public_key: String,
    /// Fixed info of the KDF in base64, for agreements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kdf_info: Option<String>,
    /// Until when.
    pub expires_at: String,
}

/// Material, wrapped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedKey {
    /// Key.
    pub object: String,
    /// Version.
    pub version: u32,
    /// AES-KWP of the material, in base64.
    pub wrapped: String,
    /// Ephemeral public key of the server, or ML-KEM ciphertext, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encapsulated: Option<String>,
    /// Fixed info of the KDF in base64, for agreements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kdf_info: Option<String>,
}

/// A secret's value, or material in the clear.
pub struct SecretValue {
    /// Bytes.
    pub value: Secret,
    /// Whose.
    pub object: String,
    /// Version.
    pub version: u32,
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretValue")
            .field("object", &self.object)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
