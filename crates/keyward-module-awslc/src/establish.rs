//! Shared secrets: static ECDH with the one-step KDF, and ML-KEM.
use aws_lc_rs::agreement::{self, ParsedPublicKey};
use aws_lc_rs::kdf::{SskdfDigestAlgorithmId, get_sskdf_digest_algorithm, sskdf_digest};
use aws_lc_rs::kem::{Ciphertext, EncapsulationKey};
use keyward_core::algorithm::{KeySpec, Service};
use keyward_engine::permit::Permit;
use keyward_engine::ports::module::{Done, KeyHandle, ModuleFault, Output};
use zeroize::Zeroizing;

use crate::approvals;
use crate::material::{Material, Pair, Prepared, Symmetric, kem_algorithm};
use crate::operate::scrub_stack;
use crate::services::Services;
use crate::shim::{self, SHARED_MAX};
use crate::spki;
use crate::start::AwsLcModule;

impl AwsLcModule {
    pub(crate) fn agree(
        &self,
        permit: &Permit,
        key: KeyHandle,
        peer: &[u8],
        info: &[u8],
    ) -> Result<Done, ModuleFault> {
        let mut services = Services::new();
        let material = self.find(key)?.with(|material| {
            let pair = material.pair()?;
            let agreed = self.agreed(&mut services, pair, peer, info)?;
            // The indicator approves the two services; the security policy does not list static keys among the
            // key-agreement schemes.
            services.limit(approvals::policy(pair.spec(), Service::Agree));
            Ok(agreed)
        });
        scrub_stack();
        self.give_key(permit, &services, material?)
    }

    /// With a pair that exists for this agreement only.
    pub(crate) fn agree_ephemeral(
        &self,
        permit: &Permit,
        key: KeyHandle,
        peer: &[u8],
        info: &[u8],
    ) -> Result<Done, ModuleFault> {
        let mut services = Services::new();
        let material = self
            .find(key)?
            .with(|material| self.agreed(&mut services, material.ephemeral()?, peer, info));
        scrub_stack();
        self.give_key(permit, &services, material?)
    }

    fn agreed(
        &self,
        services: &mut Services,
        pair: &Pair,
        peer: &[u8],
        info: &[u8],
    ) -> Result<Material, ModuleFault> {
        let algorithm = match pair.spec() {
            KeySpec::EcP256 => &agreement::ECDH_P256,
            KeySpec::EcP384 => &agreement::ECDH_P384,
            KeySpec::EcP521 => &agreement::ECDH_P521,
            _ => return Err(ModuleFault::Unsupported),
        };
        // Full public key validation (SP 800-56A §5.6.2.3.3) by the module, before the private key is touched.
        let unparsed = agreement::UnparsedPublicKey::new(algorithm, peer);
        if !spki::matches(pair.spec(), peer) || ParsedPublicKey::try_from(unparsed).is_err() {
            return Err(ModuleFault::Refused);
        }
        let mut shared = Zeroizing::new([0; SHARED_MAX]);
        let length = services
            .run(|| shim::ecdh(pair.bytes(), peer, &mut shared))
            .ok_or(ModuleFault::Refused)?;
        let shared = shared.get(..length).unwrap_or_default();
        self.one_step(services, shared, info)
    }

    /// SP 800-56C §4.1, option 1: SHA-256(00000001 ‖ Z ‖ info).
    fn one_step(
        &self,
        services: &mut Services,
        shared: &[u8],
        info: &[u8],
    ) -> Result<Material, ModuleFault> {
        let algorithm = get_sskdf_digest_algorithm(SskdfDigestAlgorithmId::Sha256)
            .ok_or(ModuleFault::Unsupported)?;
        let mut raw = self.slab.allocate(32).ok_or(ModuleFault::Full)?;
        services
            .run(|| sskdf_digest(algorithm, shared, info, raw.bytes_mut()))
            .map_err(|_| ModuleFault::Refused)?;
        Ok(Material::Symmetric(Symmetric::new(KeySpec::Aes256, raw)))
    }

    pub(crate) fn encapsulate(
        &self,
        permit: &Permit,
        spec: KeySpec,
        public: &[u8],
    ) -> Result<Done, ModuleFault> {
        let algorithm = kem_algorithm(spec).ok_or(ModuleFault::Unsupported)?;
        let key = EncapsulationKey::new(algorithm, public).map_err(|_| ModuleFault::Refused)?;
        let mut services = Services::new();
        let (ciphertext, shared) = services
            .run(|| key.encapsulate())
            .map_err(|_| ModuleFault::Refused)?;
        let material = self.shared_key(shared.as_ref())?;
        drop(shared);
        scrub_stack();
        let indicator = services.conclude(permit)?;
        let key = self.insert(material);
        let ciphertext = ciphertext.as_ref().to_vec();
        Ok(Done {
            output: Output::Encapsulated { ciphertext, key },
            indicator,
        })
    }

    pub(crate) fn decapsulate(
        &self,
        permit: &Permit,
        key: KeyHandle,
        ciphertext: &[u8],
    ) -> Result<Done, ModuleFault> {
        let mut services = Services::new();
        let material = self.find(key)?.with(|material| {
            let Prepared::Kem(key) = material.pair()?.prepared() else {
                return Err(ModuleFault::Unsupported);
            };
            let shared = services
                .run(|| key.decapsulate(Ciphertext::from(ciphertext)))
                .map_err(|_| ModuleFault::Refused)?;
            self.shared_key(shared.as_ref())
        });
        scrub_stack();
        self.give_key(permit, &services, material?)
    }

    fn shared_key(&self, shared: &[u8]) -> Result<Material, ModuleFault> {
        let raw = self.slab.keep(shared).ok_or(ModuleFault::Full)?;
        Ok(Material::Symmetric(Symmetric::new(KeySpec::Aes256, raw)))
    }
}
