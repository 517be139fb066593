//! What the certificate approves of this module: one row per service, with two opinions that usually agree.
//!
//! - **Indicator**: what the module's service indicator says at run time. A test runs every row and compares.
//! - **Policy**: what the security policy of certificate #5314 says. Where it says less than the indicator, the row must
//!   explain the difference, and the module reports the lesser of the two.
//!
//! Rows for what is *not* offered are here too: they are why it is not offered, and the same test runs them.
//! The calendar (which algorithm until when) is the other table, `keyward_core::approval`.
use keyward_core::algorithm::Indicator::{Approved, NotApproved};
use keyward_core::algorithm::{Indicator, KeySpec, Service};
use keyward_engine::ports::module::HashAlgorithm;

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A service on a key of a kind; for signatures, under every scheme of that kind.
    Key(KeySpec, Service),
    /// A hash of a message.
    Hash(HashAlgorithm),
    /// Bytes from the generator.
    Random,
    /// A wrapping key from a passphrase.
    Passphrase {
        /// Bytes of the passphrase.
        length: u8,
        /// Bytes of the salt.
        salt: u8,
        /// Iterations.
        iterations: u32,
    },
    /// Agreement with a pair that exists for it alone, and the one-step KDF over it.
    EphemeralAgreement(KeySpec),
    /// The one-step KDF over an agreed secret.
    OneStepKdf,
    /// Something the library can do and this module does not offer.
    NotOffered(NotOffered),
}

impl Subject {
    /// The kind and service, of rows that are about a key the port can hold.
    #[must_use]
    pub const fn key_service(self) -> Option<(KeySpec, Service)> {
        match self {
            Self::Key(spec, service) => Some((spec, service)),
            _ => None,
        }
    }
}

/// What the linked library can do and the module adapter never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotOffered {
    /// AES-256-GCM encryption with a caller's IV.
    GcmCallerIv,
    /// AES-192-GCM encryption.
    Gcm192,
    /// AES-256-GCM-SIV encryption.
    GcmSiv,
    /// ChaCha20-Poly1305 encryption.
    ChaCha20Poly1305,
    /// RSA-OAEP encryption.
    RsaOaep,
    /// RSA PKCS#1 v1.5 encryption.
    RsaPkcs1Encryption,
    /// RSA signature over a caller's digest.
    RsaDigest,
    /// ECDSA signature over a caller's digest.
    EcdsaDigest,
    /// X25519 key agreement.
    X25519,
    /// ECDSA on secp256k1.
    Secp256k1,
    /// HKDF with an empty salt.
    HkdfEmptySalt,
    /// HKDF with empty info.
    HkdfEmptyInfo,
    /// TLS 1.2 key derivation without the extended master secret.
    TlsPrfWithoutEms,
    /// AES-192 CMAC.
    Cmac192,
}

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// What it is about.
    pub subject: Subject,
    /// What the indicator says.
    pub indicator: Indicator,
    /// What the security policy says.
    pub policy: Indicator,
    /// What must hold for the policy's word; empty if nothing beyond the call itself.
    pub condition: &'static str,
    /// Why indicator and policy differ; there if and only if they do.
    pub difference: Option<&'static str>,
    /// Where the policy says so.
    pub source: &'static str,
}

/// The security policy's word on a service that the module offers.
#[must_use]
pub const fn policy(_spec: KeySpec, service: Service) -> Indicator {
    match service {
        Service::Agree => NotApproved,
        _ => Approved,
    }
}

/// The lesser of the row's two opinions.
#[must_use]
pub fn effective(row: &Row) -> Indicator {
    row.indicator.and(row.policy)
}

const fn agreed(subject: Subject, condition: &'static str, source: &'static str) -> Row {
    Row {
        subject,
        indicator: Approved,
        policy: Approved,
        condition,
        difference: None,
        source,
    }
}

const fn key(
    spec: KeySpec,
    service: Service,
    condition: &'static str,
    source: &'static str,
) -> Row {
    agreed(Subject::Key(spec, service), condition, source)
}

const fn never(subject: NotOffered, source: &'static str) -> Row {
    Row {
        subject: Subject::NotOffered(subject),
        indicator: NotApproved,
        policy: NotApproved,
        condition: "",
        difference: None,
        source,
    }
}

const fn static_ecdh(spec: KeySpec) -> Row {
    Row {
        subject: Subject::Key(spec, Service::Agree),
        indicator: Approved,
        policy: NotApproved,
        condition: "an exception chosen when the key was created",
        difference: Some(
            "the policy lists KAS-ECC-SSC for the ephemeral unified scheme inside TLS and says that static keys are \
             not supported; the indicator sees a curve and a computation, not the age of the key",
        ),
        source: "140sp5314 table 5 (KAS-ECC-SSC), §2.7",
    }
}

const fn rsa_encryption(subject: NotOffered) -> Row {
    Row {
        subject: Subject::NotOffered(subject),
        indicator: Approved,
        policy: NotApproved,
        condition: "",
        difference: Some(
            "the padding draws random bytes (and hashes, for OAEP), approved services of their own that raise the \
             thread's counter; the encryption itself never does and is listed as non-approved",
        ),
        source: BARRED,
    }
}

const fn passphrase(length: u8, salt: u8, iterations: u32, verdict: Indicator) -> Row {
    Row {
        subject: Subject::Passphrase {
            length,
            salt,
            iterations,
        },
        indicator: verdict,
        policy: verdict,
        condition: "storage only; passphrase of 14 characters, salt of 128 bits from the module's generator, 1000 iterations",
        difference: None,
        source: "140sp5314 table 5 (PBKDF), §2.7",
    }
}

const GENERATED: &str = "vendor-affirmed CKG: unmodified output of the module's DRBG";
const GCM: &str = "IV made by the module (IG C.H scenario 2), at most 2^32 encryptions per key";
const RBG: &str = "140sp5314 table 5 (Counter DRBG, CKG)";
const GCM_SOURCE: &str =
    "140sp5314 table 5 (AES-GCM), §2.7; §2.11 speaks only of TLS: see open questions";
const KWP: &str = "140sp5314 table 5 (AES-KWP)";
const HMAC: &str = "140sp5314 table 5 (HMAC)";
const KDF: &str = "140sp5314 table 5 (KDF SP800-108)";
const KDK: &str = "key-derivation key of 112 bits or more";
const RSA: &str = "140sp5314 table 5 (RSA KeyGen, SigGen, SigVer FIPS 186-5)";
const PSS: &str = "a message, not a digest; PSS with salt and MGF1 hash as the hash";
const ECDSA: &str = "140sp5314 table 5 (ECDSA KeyGen, SigGen, SigVer FIPS 186-5)";
const MESSAGE: &str = "a message, not a digest";
const EDDSA: &str = "140sp5314 table 5 (EdDSA KeyGen, SigGen, SigVer)";
const MLKEM: &str = "140sp5314 table 5 (ML-KEM KeyGen, EncapDecap FIPS 203)";
const SHA2: &str = "140sp5314 table 5 (SHA2)";
const SHA3: &str = "140sp5314 table 5 (SHA3)";
const BARRED: &str = "140sp5314 table 8 (non-approved, not allowed in approved mode)";

/// Every row.
pub const ROWS: &[Row] = &[
    agreed(Subject::Random, "", RBG),
    agreed(Subject::Hash(HashAlgorithm::Sha256), "", SHA2),
    agreed(Subject::Hash(HashAlgorithm::Sha384), "", SHA2),
    agreed(Subject::Hash(HashAlgorithm::Sha512), "", SHA2),
    agreed(Subject::Hash(HashAlgorithm::Sha3_256), "", SHA3),
    agreed(Subject::Hash(HashAlgorithm::Sha3_384), "", SHA3),
    agreed(Subject::Hash(HashAlgorithm::Sha3_512), "", SHA3),
    passphrase(14, 16, 1000, Approved),
    passphrase(13, 16, 1000, NotApproved),
    passphrase(14, 15, 1000, NotApproved),
    passphrase(14, 16, 999, NotApproved),
    agreed(
        Subject::OneStepKdf,
        "input is a shared secret",
        "140sp5314 table 5 (KDA OneStep SP800-56Cr2)",
    ),
    key(KeySpec::Aes128, Service::Generate, GENERATED, RBG),
    key(KeySpec::Aes128, Service::Encrypt, GCM, GCM_SOURCE),
    key(KeySpec::Aes128, Service::Decrypt, "", GCM_SOURCE),
    key(KeySpec::Aes128, Service::Wrap, "", KWP),
    key(KeySpec::Aes128, Service::Unwrap, "", KWP),
    key(KeySpec::Aes192, Service::Generate, GENERATED, RBG),
    key(KeySpec::Aes192, Service::Wrap, "", KWP),
    key(KeySpec::Aes192, Service::Unwrap, "", KWP),
    key(KeySpec::Aes256, Service::Generate, GENERATED, RBG),
    key(KeySpec::Aes256, Service::Encrypt, GCM, GCM_SOURCE),
    key(KeySpec::Aes256, Service::Decrypt, "", GCM_SOURCE),
    key(KeySpec::Aes256, Service::Wrap, "", KWP),
    key(KeySpec::Aes256, Service::Unwrap, "", KWP),
    key(KeySpec::Aes256, Service::Derive, KDK, KDF),
    key(KeySpec::HmacSha256, Service::Generate, GENERATED, RBG),
    key(KeySpec::HmacSha256, Service::Mac, "", HMAC),
    key(KeySpec::HmacSha256, Service::VerifyMac, "", HMAC),
    key(KeySpec::HmacSha256, Service::Derive, KDK, KDF),
    key(KeySpec::HmacSha384, Service::Generate, GENERATED, RBG),
    key(KeySpec::HmacSha384, Service::Mac, "", HMAC),
    key(KeySpec::HmacSha384, Service::VerifyMac, "", HMAC),
    key(KeySpec::HmacSha384, Service::Derive, KDK, KDF),
    key(KeySpec::HmacSha512, Service::Generate, GENERATED, RBG),
    key(KeySpec::HmacSha512, Service::Mac, "", HMAC),
    key(KeySpec::HmacSha512, Service::VerifyMac, "", HMAC),
    key(KeySpec::HmacSha512, Service::Derive, KDK, KDF),
    key(KeySpec::Rsa2048, Service::Generate, "", RSA),
    key(KeySpec::Rsa2048, Service::Sign, PSS, RSA),
    key(KeySpec::Rsa2048, Service::Verify, PSS, RSA),
    key(KeySpec::Rsa3072, Service::Generate, "", RSA),
    key(KeySpec::Rsa3072, Service::Sign, PSS, RSA),
    key(KeySpec::Rsa3072, Service::Verify, PSS, RSA),
    key(KeySpec::Rsa4096, Service::Generate, "", RSA),
    key(KeySpec::Rsa4096, Service::Sign, PSS, RSA),
    key(KeySpec::Rsa4096, Service::Verify, PSS, RSA),
    key(KeySpec::EcP256, Service::Generate, "", ECDSA),
    key(KeySpec::EcP256, Service::Sign, MESSAGE, ECDSA),
    key(KeySpec::EcP256, Service::Verify, MESSAGE, ECDSA),
    static_ecdh(KeySpec::EcP256),
    agreed(
        Subject::EphemeralAgreement(KeySpec::EcP384),
        "the peer's pair is ephemeral too; the components are approved, a scheme of key transport is not on the certificate",
        "140sp5314 table 5 (KAS-ECC-SSC ephemeral unified, KDA OneStep SP800-56Cr2)",
    ),
    key(KeySpec::EcP384, Service::Generate, "", ECDSA),
    key(KeySpec::EcP384, Service::Sign, MESSAGE, ECDSA),
    key(KeySpec::EcP384, Service::Verify, MESSAGE, ECDSA),
    static_ecdh(KeySpec::EcP384),
    key(KeySpec::EcP521, Service::Generate, "", ECDSA),
    key(KeySpec::EcP521, Service::Sign, MESSAGE, ECDSA),
    key(KeySpec::EcP521, Service::Verify, MESSAGE, ECDSA),
    static_ecdh(KeySpec::EcP521),
    key(KeySpec::Ed25519, Service::Generate, "", EDDSA),
    key(KeySpec::Ed25519, Service::Sign, MESSAGE, EDDSA),
    key(KeySpec::Ed25519, Service::Verify, MESSAGE, EDDSA),
    key(KeySpec::MlKem512, Service::Generate, "", MLKEM),
    key(KeySpec::MlKem512, Service::Encapsulate, "", MLKEM),
    key(KeySpec::MlKem512, Service::Decapsulate, "", MLKEM),
    key(KeySpec::MlKem768, Service::Generate, "", MLKEM),
    key(KeySpec::MlKem768, Service::Encapsulate, "", MLKEM),
    key(KeySpec::MlKem768, Service::Decapsulate, "", MLKEM),
    key(KeySpec::MlKem1024, Service::Generate, "", MLKEM),
    key(KeySpec::MlKem1024, Service::Encapsulate, "", MLKEM),
    key(KeySpec::MlKem1024, Service::Decapsulate, "", MLKEM),
    never(NotOffered::GcmCallerIv, BARRED),
    never(NotOffered::Gcm192, BARRED),
    never(NotOffered::GcmSiv, BARRED),
    never(NotOffered::ChaCha20Poly1305, BARRED),
    rsa_encryption(NotOffered::RsaOaep),
    rsa_encryption(NotOffered::RsaPkcs1Encryption),
    never(NotOffered::RsaDigest, BARRED),
    never(NotOffered::EcdsaDigest, BARRED),
    never(NotOffered::X25519, BARRED),
    never(NotOffered::Secp256k1, BARRED),
    never(
        NotOffered::HkdfEmptySalt,
        "SP 800-56C Rev. 2 §5.1; AWS-LC service_indicator.c",
    ),
    never(
        NotOffered::HkdfEmptyInfo,
        "SP 800-56C Rev. 2 §5.1; AWS-LC service_indicator.c",
    ),
    never(
        NotOffered::TlsPrfWithoutEms,
        "140sp5314 table 5 (TLS v1.2 KDF RFC7627)",
    ),
    never(NotOffered::Cmac192, BARRED),
];

#[cfg(test)]
mod tests;
