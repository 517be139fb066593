//! What a handle stands for: canonical material in guarded memory, and the module's own prepared form of it.
//!
//! Canonical material is what [`WrapKey`](keyward_engine::ports::module::Operation::WrapKey) wraps: raw bytes for
//! symmetric keys, PKCS#8 v1 for RSA, EC and Ed25519, the expanded decapsulation key of FIPS 203 for ML-KEM.
//! The prepared forms are the module's objects on its own heap; the module wipes them when they are dropped.
use std::sync::{Arc, OnceLock};

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, RandomizedNonceKey};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::kem::{self, DecapsulationKey};
use aws_lc_rs::rand;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, RsaKeyPair};
use keyward_core::algorithm::KeySpec;
use keyward_core::puncture::PuncturableTree;
use keyward_engine::ports::module::ModuleFault;

use crate::services::Services;
use crate::slab::{Guarded, Slab};
use crate::spki;

/// One seed of a tree: shared between a tree and its punctured successor until both are released.
pub(crate) type Seed = Arc<Guarded>;

/// What a handle stands for.
pub(crate) enum Material {
    /// AES or HMAC.
    Symmetric(Symmetric),
    /// RSA, EC, Ed25519 or ML-KEM.
    Pair(Pair),
    /// EC for one agreement: never wrapped, never signs.
    Ephemeral(Pair),
    /// A puncturable tree.
    Tree(PuncturableTree<Seed>),
}

impl Material {
    /// The key's kind and canonical material; trees have none.
    pub(crate) fn canonical(&self) -> Result<&[u8], ModuleFault> {
        match self {
            Self::Symmetric(key) => Ok(key.bytes()),
            Self::Pair(pair) => Ok(pair.bytes()),
            Self::Ephemeral(_) | Self::Tree(_) => Err(ModuleFault::Unsupported),
        }
    }

    pub(crate) fn symmetric(&self) -> Result<&Symmetric, ModuleFault> {
        match self {
            Self::Symmetric(key) => Ok(key),
            _ => Err(ModuleFault::Unsupported),
        }
    }

    pub(crate) fn pair(&self) -> Result<&Pair, ModuleFault> {
        match self {
            Self::Pair(pair) => Ok(pair),
            _ => Err(ModuleFault::Unsupported),
        }
    }

    pub(crate) fn ephemeral(&self) -> Result<&Pair, ModuleFault> {
        match self {
            Self::Ephemeral(pair) => Ok(pair),
            _ => Err(ModuleFault::Unsupported),
        }
    }

    /// A pair of either kind, for its public part.
    pub(crate) fn any_pair(&self) -> Result<&Pair, ModuleFault> {
        match self {
            Self::Pair(pair) | Self::Ephemeral(pair) => Ok(pair),
            _ => Err(ModuleFault::Unsupported),
        }
    }

    pub(crate) fn tree(&self) -> Result<&PuncturableTree<Seed>, ModuleFault> {
        match self {
            Self::Tree(tree) => Ok(tree),
            _ => Err(ModuleFault::Unsupported),
        }
    }

    /// A new key from the module's generator.
    pub(crate) fn generate(
        slab: &Arc<Slab>,
        services: &mut Services,
        spec: KeySpec,
    ) -> Result<Self, ModuleFault> {
        match symmetric_len(spec) {
            Some(length) => {
                let mut raw = slab.allocate(length).ok_or(ModuleFault::Full)?;
                services
                    .run(|| rand::fill(raw.bytes_mut()))
                    .map_err(|_| ModuleFault::Failed("random generator"))?;
                Ok(Self::Symmetric(Symmetric::new(spec, raw)))
            }
            None => Pair::generate(slab, services, spec).map(Self::Pair),
        }
    }

    /// A new pair for one agreement.
    pub(crate) fn generate_ephemeral(
        slab: &Arc<Slab>,
        services: &mut Services,
        spec: KeySpec,
    ) -> Result<Self, ModuleFault> {
        if ecdsa(spec).is_none() {
            return Err(ModuleFault::Unsupported);
        }
        Pair::generate(slab, services, spec).map(Self::Ephemeral)
    }

    /// A key from canonical material that came from outside: checked for its kind, then kept in its canonical form.
    pub(crate) fn import(
        slab: &Arc<Slab>,
        spec: KeySpec,
        bytes: &[u8],
    ) -> Result<Self, ModuleFault> {
        match symmetric_len(spec) {
            Some(length) if length == bytes.len() => {
                let raw = slab.keep(bytes).ok_or(ModuleFault::Full)?;
                Ok(Self::Symmetric(Symmetric::new(spec, raw)))
            }
            Some(_) => Err(ModuleFault::Refused),
            None => Pair::import(slab, spec, bytes).map(Self::Pair),
        }
    }
}

/// Bytes of a symmetric key; none for pairs.
pub(crate) const fn symmetric_len(spec: KeySpec) -> Option<usize> {
    match spec {
        KeySpec::Aes128 => Some(16),
        KeySpec::Aes192 => Some(24),
        KeySpec::Aes256 | KeySpec::HmacSha256 => Some(32),
        KeySpec::HmacSha384 => Some(48),
        KeySpec::HmacSha512 => Some(64),
        _ => None,
    }
}

/// A symmetric key.
pub(crate) struct Symmetric {
    spec: KeySpec,
    raw: Guarded,
    /// The expanded AES-GCM key, made at first use: expanding costs as much as encrypting a small message.
    gcm: OnceLock<RandomizedNonceKey>,
}

impl Symmetric {
    pub(crate) const fn new(spec: KeySpec, raw: Guarded) -> Self {
        Self {
            spec,
            raw,
            gcm: OnceLock::new(),
        }
    }

    pub(crate) const fn spec(&self) -> KeySpec {
        self.spec
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.raw.bytes()
    }

    /// The key as AES-GCM with IVs of the module's making.
    pub(crate) fn gcm(&self) -> Result<&RandomizedNonceKey, ModuleFault> {
        if let Some(gcm) = self.gcm.get() {
            return Ok(gcm);
        }
        let algorithm = match self.spec {
            KeySpec::Aes128 => &AES_128_GCM,
            KeySpec::Aes256 => &AES_256_GCM,
            _ => return Err(ModuleFault::Unsupported),
        };
        let fresh = RandomizedNonceKey::new(algorithm, self.raw.bytes())
            .map_err(|_| ModuleFault::Failed("aes-gcm key schedule"))?;
        Ok(self.gcm.get_or_init(|| fresh))
    }

    /// The raw bytes, if the key is an AES key.
    pub(crate) fn aes(&self) -> Result<&[u8], ModuleFault> {
        match self.spec {
            KeySpec::Aes128 | KeySpec::Aes192 | KeySpec::Aes256 => Ok(self.raw.bytes()),
            _ => Err(ModuleFault::Unsupported),
        }
    }
}

/// The module's own form of a pair.
pub(crate) enum Prepared {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Kem(DecapsulationKey),
}

/// A pair.
pub(crate) struct Pair {
    spec: KeySpec,
    raw: Guarded,
    prepared: Prepared,
}

impl Pair {
    pub(crate) const fn spec(&self) -> KeySpec {
        self.spec
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.raw.bytes()
    }

    pub(crate) const fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// The encapsulation key inside an ML-KEM decapsulation key (FIPS 203: dk = dk_PKE ‖ ek ‖ H(ek) ‖ z).
    pub(crate) fn encapsulation_key(&self) -> Result<&[u8], ModuleFault> {
        let parts = kem_parts(self.spec, self.raw.bytes()).ok_or(ModuleFault::Unsupported)?;
        Ok(parts.encapsulation_key)
    }

    fn generate(
        slab: &Arc<Slab>,
        services: &mut Services,
        spec: KeySpec,
    ) -> Result<Self, ModuleFault> {
        let failed = |_| ModuleFault::Failed("key generation");
        let prepared = if let Some(size) = rsa_size(spec) {
            Prepared::Rsa(
                services
                    .run(|| RsaKeyPair::generate(size))
                    .map_err(failed)?,
            )
        } else if let Some(algorithm) = ecdsa(spec) {
            Prepared::Ec(
                services
                    .run(|| EcdsaKeyPair::generate(algorithm))
                    .map_err(failed)?,
            )
        } else if let Some(algorithm) = kem_algorithm(spec) {
            Prepared::Kem(
                services
                    .run(|| DecapsulationKey::generate(algorithm))
                    .map_err(failed)?,
            )
        } else if spec == KeySpec::Ed25519 {
            Prepared::Ed25519(services.run(Ed25519KeyPair::generate).map_err(failed)?)
        } else {
            return Err(ModuleFault::Unsupported);
        };
        Self::keep(slab, spec, prepared)
    }

    fn import(slab: &Arc<Slab>, spec: KeySpec, bytes: &[u8]) -> Result<Self, ModuleFault> {
        let refused = |_| ModuleFault::Refused;
        if let Some(algorithm) = kem_algorithm(spec) {
            let parts = kem_parts(spec, bytes).ok_or(ModuleFault::Refused)?;
            if !parts.is_consistent() {
                return Err(ModuleFault::Refused);
            }
            let prepared = Prepared::Kem(
                DecapsulationKey::new(algorithm, bytes).map_err(|_| ModuleFault::Refused)?,
            );
            return Self::keep(slab, spec, prepared);
        }
        // The module's parser stops at the end of the structure; what follows it must not be kept or ignored.
        if !spki::is_one_structure(bytes) {
            return Err(ModuleFault::Refused);
        }
        let prepared = if rsa_size(spec).is_some() {
            Prepared::Rsa(RsaKeyPair::from_pkcs8(bytes).map_err(refused)?)
        } else if let Some(algorithm) = ecdsa(spec) {
            Prepared::Ec(EcdsaKeyPair::from_pkcs8(algorithm, bytes).map_err(refused)?)
        } else if spec == KeySpec::Ed25519 {
            Prepared::Ed25519(Ed25519KeyPair::from_pkcs8(bytes).map_err(refused)?)
        } else {
            return Err(ModuleFault::Unsupported);
        };
        let pair = Self::keep(slab, spec, prepared)?;
        // Modulus size and public exponent are those of the kind (FIPS 186-5); the parser takes others too.
        if !spki::matches(spec, &pair.public_der()?) {
            return Err(ModuleFault::Refused);
        }
        Ok(pair)
    }

    /// Keeps the canonical encoding of a prepared pair; the encoder's own buffer wipes itself.
    fn keep(slab: &Arc<Slab>, spec: KeySpec, prepared: Prepared) -> Result<Self, ModuleFault> {
        let failed = |_| ModuleFault::Failed("key encoding");
        let raw = match &prepared {
            Prepared::Rsa(pair) => {
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
                slab.keep(der.as_ref())
            }
            Prepared::Ec(pair) => slab.keep(pair.to_pkcs8v1().map_err(failed)?.as_ref()),
            Prepared::Ed25519(pair) => slab.keep(pair.to_pkcs8v1().map_err(failed)?.as_ref()),
            Prepared::Kem(key) => slab.keep(key.key_bytes().map_err(failed)?.as_ref()),
        }
        .ok_or(ModuleFault::Full)?;
        Ok(Self {
            spec,
            raw,
            prepared,
        })
    }

    /// The public key: SubjectPublicKeyInfo DER, or the raw encapsulation key.
    pub(crate) fn public_der(&self) -> Result<Vec<u8>, ModuleFault> {
        use aws_lc_rs::encoding::PublicKeyX509Der;
        use aws_lc_rs::signature::KeyPair;
        let der: Result<PublicKeyX509Der<'_>, _> = match &self.prepared {
            Prepared::Rsa(pair) => pair.public_key().as_der(),
            Prepared::Ec(pair) => pair.public_key().as_der(),
            Prepared::Ed25519(pair) => pair.public_key().as_der(),
            Prepared::Kem(_) => return Ok(self.encapsulation_key()?.to_vec()),
        };
        der.map(|der| der.as_ref().to_vec())
            .map_err(|_| ModuleFault::Failed("public key encoding"))
    }
}

pub(crate) const fn rsa_size(spec: KeySpec) -> Option<KeySize> {
    match spec {
        KeySpec::Rsa2048 => Some(KeySize::Rsa2048),
        KeySpec::Rsa3072 => Some(KeySize::Rsa3072),
        KeySpec::Rsa4096 => Some(KeySize::Rsa4096),
        _ => None,
    }
}

fn ecdsa(spec: KeySpec) -> Option<&'static EcdsaSigningAlgorithm> {
    match spec {
        KeySpec::EcP256 => Some(&signature::ECDSA_P256_SHA256_ASN1_SIGNING),
        KeySpec::EcP384 => Some(&signature::ECDSA_P384_SHA384_ASN1_SIGNING),
        KeySpec::EcP521 => Some(&signature::ECDSA_P521_SHA512_ASN1_SIGNING),
        _ => None,
    }
}

pub(crate) fn kem_algorithm(spec: KeySpec) -> Option<&'static kem::Algorithm> {
    match spec {
        KeySpec::MlKem512 => Some(&kem::ML_KEM_512),
        KeySpec::MlKem768 => Some(&kem::ML_KEM_768),
        KeySpec::MlKem1024 => Some(&kem::ML_KEM_1024),
        _ => None,
    }
}

/// The public parts of a decapsulation key.
struct KemParts<'a> {
    encapsulation_key: &'a [u8],
    hash: &'a [u8],
}

impl KemParts<'_> {
    /// The hash check of FIPS 203 §7.3, which the module leaves to its caller.
    fn is_consistent(&self) -> bool {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA3_256, self.encapsulation_key);
        hash.as_ref() == self.hash
    }
}

fn kem_parts(spec: KeySpec, bytes: &[u8]) -> Option<KemParts<'_>> {
    let k = match spec {
        KeySpec::MlKem512 => 2,
        KeySpec::MlKem768 => 3,
        KeySpec::MlKem1024 => 4,
        _ => return None,
    };
    let (secret, public) = (384 * k, 384 * k + 32);
    let rest = bytes.get(secret..)?;
    let (encapsulation_key, rest) = rest.split_at_checked(public)?;
    let (hash, z) = rest.split_at_checked(32)?;
    (z.len() == 32).then_some(KemParts {
        encapsulation_key,
        hash,
    })
}
