//! Keys from keys (SP 800-108) and from passphrases (SP 800-132).
//!
//! The fixed input of every KBKDF here is `label ‖ 00 ‖ context ‖ [bits]32`, with a label per use and per kind of key, so
//! that no two uses and no two lengths ever share an input. It is part of the stored format: it never changes.
use core::num::NonZeroU32;
use std::sync::Arc;

use aws_lc_rs::kdf::{
    KbkdfCtrHmacAlgorithm, KbkdfCtrHmacAlgorithmId, get_kbkdf_ctr_hmac_algorithm, kbkdf_ctr_hmac,
};
use aws_lc_rs::pbkdf2;
use keyward_core::algorithm::KeySpec;
use keyward_core::secret::Secret;
use keyward_engine::permit::Permit;
use keyward_engine::ports::module::{Done, KeyHandle, ModuleFault};

use crate::material::{Material, Symmetric, symmetric_len};
use crate::operate::scrub_stack;
use crate::services::Services;
use crate::slab::Slab;
use crate::start::AwsLcModule;

/// Use of a derivation, the first word of its label.
pub(crate) enum Label {
    /// `DeriveKey`.
    Derive,
    /// `TreeLeaf`: from a leaf's seed to the wrapping key of one version.
    Leaf,
}

impl Label {
    const fn as_bytes(&self) -> &'static [u8] {
        match self {
            Self::Derive => b"keyward derive 1 ",
            Self::Leaf => b"keyward leaf 1 ",
        }
    }
}

impl AwsLcModule {
    pub(crate) fn derive_key(
        &self,
        permit: &Permit,
        key: KeyHandle,
        info: &[u8],
        spec: KeySpec,
    ) -> Result<Done, ModuleFault> {
        let mut services = Services::new();
        let material = self.find(key)?.with(|key| {
            let key = key.symmetric()?;
            match key.spec() {
                KeySpec::Aes256
                | KeySpec::HmacSha256
                | KeySpec::HmacSha384
                | KeySpec::HmacSha512 => {}
                _ => return Err(ModuleFault::Unsupported),
            }
            derive(
                &self.slab,
                &mut services,
                &Label::Derive,
                key.bytes(),
                info,
                spec,
            )
        })?;
        scrub_stack();
        self.give_key(permit, &services, material)
    }

    pub(crate) fn derive_passphrase(
        &self,
        permit: &Permit,
        passphrase: &Secret,
        salt: &[u8],
        iterations: u32,
    ) -> Result<Done, ModuleFault> {
        let iterations = NonZeroU32::new(iterations).ok_or(ModuleFault::Refused)?;
        let mut raw = self.slab.allocate(32).ok_or(ModuleFault::Full)?;
        let mut services = Services::new();
        services.run(|| {
            pbkdf2::derive(
                pbkdf2::PBKDF2_HMAC_SHA512,
                iterations,
                salt,
                passphrase.expose(),
                raw.bytes_mut(),
            );
        });
        scrub_stack();
        let material = Material::Symmetric(Symmetric::new(KeySpec::Aes256, raw));
        self.give_key(permit, &services, material)
    }
}

/// KBKDF in counter mode with HMAC-SHA-256.
pub(crate) fn kbkdf() -> Result<&'static KbkdfCtrHmacAlgorithm, ModuleFault> {
    get_kbkdf_ctr_hmac_algorithm(KbkdfCtrHmacAlgorithmId::Sha256).ok_or(ModuleFault::Unsupported)
}

/// A symmetric key of `spec` from the key-derivation key `secret`.
pub(crate) fn derive(
    slab: &Arc<Slab>,
    services: &mut Services,
    label: &Label,
    secret: &[u8],
    context: &[u8],
    spec: KeySpec,
) -> Result<Material, ModuleFault> {
    let length = symmetric_len(spec).ok_or(ModuleFault::Unsupported)?;
    let bits = u32::try_from(length * 8).map_err(|_| ModuleFault::Unsupported)?;
    let fixed = [
        label.as_bytes(),
        spec.as_str().as_bytes(),
        &[0],
        context,
        &bits.to_be_bytes(),
    ]
    .concat();
    let mut raw = slab.allocate(length).ok_or(ModuleFault::Full)?;
    let algorithm = kbkdf()?;
    services
        .run(|| kbkdf_ctr_hmac(algorithm, secret, &fixed, raw.bytes_mut()))
        .map_err(|_| ModuleFault::Failed("kbkdf"))?;
    Ok(Material::Symmetric(Symmetric::new(spec, raw)))
}
