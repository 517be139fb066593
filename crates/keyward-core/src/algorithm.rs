//! Key kinds, purposes and services, with the numbers that stored formats use.
use minicbor::{Decode, Encode};

/// Algorithm and size of one key: what a version's material is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum KeySpec {
    /// AES with a 128-bit key (FIPS 197).
    #[n(1)]
    Aes128,
    /// AES with a 192-bit key.
    #[n(2)]
    Aes192,
    /// AES with a 256-bit key.
    #[n(3)]
    Aes256,
    /// HMAC-SHA-256 with a 256-bit key (FIPS 198-1).
    #[n(10)]
    HmacSha256,
    /// HMAC-SHA-384 with a 384-bit key.
    #[n(11)]
    HmacSha384,
    /// HMAC-SHA-512 with a 512-bit key.
    #[n(12)]
    HmacSha512,
    /// RSA, 2048-bit modulus (FIPS 186-5).
    #[n(20)]
    Rsa2048,
    /// RSA, 3072-bit modulus.
    #[n(21)]
    Rsa3072,
    /// RSA, 4096-bit modulus.
    #[n(22)]
    Rsa4096,
    /// Elliptic curve P-256 (SP 800-186).
    #[n(30)]
    EcP256,
    /// Elliptic curve P-384.
    #[n(31)]
    EcP384,
    /// Elliptic curve P-521.
    #[n(32)]
    EcP521,
    /// Edwards curve 25519 (FIPS 186-5).
    #[n(40)]
    Ed25519,
    /// ML-KEM-512 (FIPS 203).
    #[n(50)]
    MlKem512,
    /// ML-KEM-768.
    #[n(51)]
    MlKem768,
    /// ML-KEM-1024.
    #[n(52)]
    MlKem1024,
    /// ML-DSA-44 (FIPS 204); only where a module has it.
    #[n(60)]
    MlDsa44,
    /// ML-DSA-65.
    #[n(61)]
    MlDsa65,
    /// ML-DSA-87.
    #[n(62)]
    MlDsa87,
}

impl KeySpec {
    /// Every specification, in number order.
    pub const ALL: [Self; 19] = [
        Self::Aes128,
        Self::Aes192,
        Self::Aes256,
        Self::HmacSha256,
        Self::HmacSha384,
        Self::HmacSha512,
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
        Self::EcP256,
        Self::EcP384,
        Self::EcP521,
        Self::Ed25519,
        Self::MlKem512,
        Self::MlKem768,
        Self::MlKem1024,
        Self::MlDsa44,
        Self::MlDsa65,
        Self::MlDsa87,
    ];

    /// The name used in every interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aes128 => "aes-128",
            Self::Aes192 => "aes-192",
            Self::Aes256 => "aes-256",
            Self::HmacSha256 => "hmac-sha-256",
            Self::HmacSha384 => "hmac-sha-384",
            Self::HmacSha512 => "hmac-sha-512",
            Self::Rsa2048 => "rsa-2048",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
            Self::EcP256 => "ec-p256",
            Self::EcP384 => "ec-p384",
            Self::EcP521 => "ec-p521",
            Self::Ed25519 => "ed25519",
            Self::MlKem512 => "ml-kem-512",
            Self::MlKem768 => "ml-kem-768",
            Self::MlKem1024 => "ml-kem-1024",
            Self::MlDsa44 => "ml-dsa-44",
            Self::MlDsa65 => "ml-dsa-65",
            Self::MlDsa87 => "ml-dsa-87",
        }
    }

    /// Reads the interface name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|spec| spec.as_str() == text)
    }

    /// Security strength in bits (SP 800-57 Part 1 Rev. 5, Table 2; ML-KEM/ML-DSA by category).
    #[must_use]
    pub const fn strength_bits(self) -> u16 {
        match self {
            Self::Rsa2048 => 112,
            Self::Aes128
            | Self::Rsa3072
            | Self::EcP256
            | Self::Ed25519
            | Self::MlKem512
            | Self::MlDsa44 => 128,
            // 149 by the estimate of FIPS 140 IG D.B; counted as the next lower standard strength.
            Self::Rsa4096 => 128,
            Self::Aes192 | Self::EcP384 | Self::MlKem768 | Self::MlDsa65 => 192,
            Self::Aes256
            | Self::HmacSha256
            | Self::HmacSha384
            | Self::HmacSha512
            | Self::EcP521
            | Self::MlKem1024
            | Self::MlDsa87 => 256,
        }
    }

    /// Whether the material is a pair.
    #[must_use]
    pub const fn is_pair(self) -> bool {
        !matches!(
            self,
            Self::Aes128
                | Self::Aes192
                | Self::Aes256
                | Self::HmacSha256
                | Self::HmacSha384
                | Self::HmacSha512
        )
    }

    /// Whether a large quantum computer breaks it (Shor).
    #[must_use]
    pub const fn is_quantum_vulnerable(self) -> bool {
        matches!(
            self,
            Self::Rsa2048
                | Self::Rsa3072
                | Self::Rsa4096
                | Self::EcP256
                | Self::EcP384
                | Self::EcP521
                | Self::Ed25519
        )
    }

    /// The purposes a key of this kind can be created for; the first is the default.
    #[must_use]
    pub const fn purposes(self) -> &'static [Purpose] {
        match self {
            // AES-192 has no approved GCM with a module-made IV: it wraps only.
            Self::Aes192 => &[Purpose::Wrap],
            Self::Aes128 | Self::Aes256 => &[Purpose::Encrypt, Purpose::Wrap],
            Self::HmacSha256 | Self::HmacSha384 | Self::HmacSha512 => {
                &[Purpose::Mac, Purpose::Derive]
            }
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => &[Purpose::Sign],
            Self::EcP256 | Self::EcP384 | Self::EcP521 => &[Purpose::Sign, Purpose::Agree],
            Self::Ed25519 | Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87 => &[Purpose::Sign],
            Self::MlKem512 | Self::MlKem768 | Self::MlKem1024 => &[Purpose::Encapsulate],
        }
    }
}

/// What one key is for. A key has one purpose for life (SP 800-57 Part 1 §5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Purpose {
    /// Encrypt and decrypt data, generate data keys.
    #[n(0)]
    Encrypt,
    /// Wrap and unwrap keys.
    #[n(1)]
    Wrap,
    /// Make and verify message authentication codes.
    #[n(2)]
    Mac,
    /// Sign and verify.
    #[n(3)]
    Sign,
    /// Derive other keys (SP 800-108).
    #[n(4)]
    Derive,
    /// Agree on secrets (SP 800-56A).
    #[n(5)]
    Agree,
    /// Encapsulate and decapsulate (FIPS 203).
    #[n(6)]
    Encapsulate,
}

impl Purpose {
    /// All purposes.
    pub const ALL: [Self; 7] = [
        Self::Encrypt,
        Self::Wrap,
        Self::Mac,
        Self::Sign,
        Self::Derive,
        Self::Agree,
        Self::Encapsulate,
    ];

    /// The name used in every interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Encrypt => "encrypt",
            Self::Wrap => "wrap",
            Self::Mac => "mac",
            Self::Sign => "sign",
            Self::Derive => "derive",
            Self::Agree => "agree",
            Self::Encapsulate => "encapsulate",
        }
    }

    /// Reads the interface name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|purpose| purpose.as_str() == text)
    }

    /// Whether a key of this purpose may be used for the service.
    #[must_use]
    pub const fn permits(self, service: Service) -> bool {
        matches!(
            (self, service),
            (Self::Encrypt, Service::Encrypt | Service::Decrypt)
                | (Self::Wrap, Service::Wrap | Service::Unwrap)
                | (Self::Mac, Service::Mac | Service::VerifyMac)
                | (Self::Sign, Service::Sign | Service::Verify)
                | (Self::Derive, Service::Derive)
                | (Self::Agree, Service::Agree)
                | (
                    Self::Encapsulate,
                    Service::Encapsulate | Service::Decapsulate
                )
        )
    }
}

/// One thing a module does with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Service {
    /// Generate the key.
    #[n(0)]
    Generate,
    /// Authenticated encryption with an IV made by the module.
    #[n(1)]
    Encrypt,
    /// Its inverse.
    #[n(2)]
    Decrypt,
    /// Sign a message.
    #[n(3)]
    Sign,
    /// Verify a signature.
    #[n(4)]
    Verify,
    /// Make a message authentication code.
    #[n(5)]
    Mac,
    /// Check one.
    #[n(6)]
    VerifyMac,
    /// Wrap a key (SP 800-38F KWP).
    #[n(7)]
    Wrap,
    /// Unwrap a key.
    #[n(8)]
    Unwrap,
    /// Derive a key (SP 800-108 KBKDF).
    #[n(9)]
    Derive,
    /// Elliptic-curve Diffie-Hellman.
    #[n(10)]
    Agree,
    /// ML-KEM encapsulation.
    #[n(11)]
    Encapsulate,
    /// ML-KEM decapsulation.
    #[n(12)]
    Decapsulate,
}

impl Service {
    /// The name used in every interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::Encrypt => "encrypt",
            Self::Decrypt => "decrypt",
            Self::Sign => "sign",
            Self::Verify => "verify",
            Self::Mac => "mac",
            Self::VerifyMac => "verify-mac",
            Self::Wrap => "wrap",
            Self::Unwrap => "unwrap",
            Self::Derive => "derive",
            Self::Agree => "agree",
            Self::Encapsulate => "encapsulate",
            Self::Decapsulate => "decapsulate",
        }
    }

    /// Whether the service applies new protection; otherwise it processes what was protected before.
    #[must_use]
    pub const fn is_protection(self) -> bool {
        matches!(
            self,
            Self::Generate
                | Self::Encrypt
                | Self::Sign
                | Self::Mac
                | Self::Wrap
                | Self::Derive
                | Self::Agree
                | Self::Encapsulate
        )
    }

    /// Whether the service needs only the public part.
    #[must_use]
    pub const fn is_public(self) -> bool {
        matches!(self, Self::Verify | Self::Encapsulate)
    }
}

/// A hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum HashAlgorithm {
    /// SHA-256 (FIPS 180-4).
    #[n(1)]
    Sha256,
    /// SHA-384.
    #[n(2)]
    Sha384,
    /// SHA-512.
    #[n(3)]
    Sha512,
    /// SHA3-256 (FIPS 202).
    #[n(10)]
    Sha3_256,
    /// SHA3-384.
    #[n(11)]
    Sha3_384,
    /// SHA3-512.
    #[n(12)]
    Sha3_512,
}

impl HashAlgorithm {
    /// All hashes.
    pub const ALL: [Self; 6] = [
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
        Self::Sha3_256,
        Self::Sha3_384,
        Self::Sha3_512,
    ];

    /// The name used in every interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
            Self::Sha3_256 => "sha3-256",
            Self::Sha3_384 => "sha3-384",
            Self::Sha3_512 => "sha3-512",
        }
    }

    /// Reads the interface name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// The family in the approval table.
    #[must_use]
    pub const fn family(self) -> crate::approval::Family {
        use crate::approval::Family;
        match self {
            Self::Sha256 => Family::Sha256,
            Self::Sha384 => Family::Sha384,
            Self::Sha512 => Family::Sha512,
            Self::Sha3_256 => Family::Sha3T256,
            Self::Sha3_384 => Family::Sha3T384,
            Self::Sha3_512 => Family::Sha3T512,
        }
    }
}

/// How a message is signed; the key's kind fixes which apply, the first is the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum SignatureScheme {
    /// RSASSA-PSS, SHA-256, salt as long as the hash.
    #[n(1)]
    RsaPssSha256,
    /// RSASSA-PSS, SHA-384.
    #[n(2)]
    RsaPssSha384,
    /// RSASSA-PSS, SHA-512.
    #[n(3)]
    RsaPssSha512,
    /// RSASSA-PKCS1-v1_5, SHA-256.
    #[n(4)]
    RsaPkcs1Sha256,
    /// RSASSA-PKCS1-v1_5, SHA-384.
    #[n(5)]
    RsaPkcs1Sha384,
    /// RSASSA-PKCS1-v1_5, SHA-512.
    #[n(6)]
    RsaPkcs1Sha512,
    /// ECDSA with the curve's own hash (P-256/SHA-256, P-384/SHA-384, P-521/SHA-512), DER.
    #[n(10)]
    Ecdsa,
    /// Ed25519.
    #[n(11)]
    Ed25519,
    /// ML-DSA, pure, empty context.
    #[n(12)]
    MlDsa,
}

impl SignatureScheme {
    /// All schemes.
    pub const ALL: [Self; 9] = [
        Self::RsaPssSha256,
        Self::RsaPssSha384,
        Self::RsaPssSha512,
        Self::RsaPkcs1Sha256,
        Self::RsaPkcs1Sha384,
        Self::RsaPkcs1Sha512,
        Self::Ecdsa,
        Self::Ed25519,
        Self::MlDsa,
    ];

    /// The name used in every interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RsaPssSha256 => "rsa-pss-sha-256",
            Self::RsaPssSha384 => "rsa-pss-sha-384",
            Self::RsaPssSha512 => "rsa-pss-sha-512",
            Self::RsaPkcs1Sha256 => "rsa-pkcs1-sha-256",
            Self::RsaPkcs1Sha384 => "rsa-pkcs1-sha-384",
            Self::RsaPkcs1Sha512 => "rsa-pkcs1-sha-512",
            Self::Ecdsa => "ecdsa",
            Self::Ed25519 => "ed25519",
            Self::MlDsa => "ml-dsa",
        }
    }

    /// Reads the interface name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.as_str() == text)
    }

    /// The schemes a key can sign with; the first is the default.
    #[must_use]
    pub const fn of(spec: KeySpec) -> &'static [Self] {
        match spec {
            KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => &[
                Self::RsaPssSha256,
                Self::RsaPssSha384,
                Self::RsaPssSha512,
                Self::RsaPkcs1Sha256,
                Self::RsaPkcs1Sha384,
                Self::RsaPkcs1Sha512,
            ],
            KeySpec::EcP256 | KeySpec::EcP384 | KeySpec::EcP521 => &[Self::Ecdsa],
            KeySpec::Ed25519 => &[Self::Ed25519],
            KeySpec::MlDsa44 | KeySpec::MlDsa65 | KeySpec::MlDsa87 => &[Self::MlDsa],
            _ => &[],
        }
    }
}

/// Where a key lives and works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Protection {
    /// Used inside the FIPS software module, stored wrapped.
    #[n(0)]
    Software,
    /// Born in the HSM, never leaves it, dies with it unless the vendor clones it.
    #[n(1)]
    HsmBound,
    /// Born in the HSM, leaves it only under a trusted wrapping key, for backup.
    #[n(2)]
    HsmRecoverable,
}

impl Protection {
    /// The name used in every interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Software => "software",
            Self::HsmBound => "hsm-bound",
            Self::HsmRecoverable => "hsm-recoverable",
        }
    }

    /// Reads the interface name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Software, Self::HsmBound, Self::HsmRecoverable]
            .into_iter()
            .find(|p| p.as_str() == text)
    }
}

/// What the module's own approved-service indicator said (FIPS 140-3 IG 2.4.C).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Indicator {
    /// No cryptographic service on a user's key took place.
    #[n(0)]
    NotApplicable,
    /// Every service of the operation was approved.
    #[n(1)]
    Approved,
    /// At least one was not.
    #[n(2)]
    NotApproved,
}

impl Indicator {
    /// The weaker of two: one non-approved service makes the whole non-approved.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        core::cmp::max(self, other)
    }

    /// The name used in every interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotApplicable => "not-applicable",
            Self::Approved => "approved",
            Self::NotApproved => "not-approved",
        }
    }
}
