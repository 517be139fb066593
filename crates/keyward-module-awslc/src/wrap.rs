//! AES-KWP (SP 800-38F) of keys and of bytes users own.
use keyward_core::algorithm::KeySpec;
use keyward_core::secret::Secret;
use keyward_engine::permit::Permit;
use keyward_engine::ports::module::{Done, KeyHandle, ModuleFault, Output};
use zeroize::Zeroizing;

use crate::material::Material;
use crate::operate::{give_bytes, scrub_stack};
use crate::services::Services;
use crate::shim::{self, Wrapping};
use crate::start::AwsLcModule;

/// Longest wrapped key: what the largest guarded slot can hold.
const BLOB_MAX: usize = 8192;

impl AwsLcModule {
    pub(crate) fn wrap_key(
        &self,
        permit: &Permit,
        kek: KeyHandle,
        key: KeyHandle,
    ) -> Result<Done, ModuleFault> {
        let (kek, key) = (self.find(kek)?, self.find(key)?);
        let mut services = Services::new();
        let blob = kek.with(|kek| {
            let kek = kek.symmetric()?.aes()?;
            key.with(|key| wrap(&mut services, kek, key.canonical()?))
        })?;
        scrub_stack();
        give_bytes(permit, &services, blob)
    }

    pub(crate) fn unwrap_key(
        &self,
        permit: &Permit,
        kek: KeyHandle,
        blob: &[u8],
        spec: KeySpec,
    ) -> Result<Done, ModuleFault> {
        if blob.len() > BLOB_MAX {
            return Err(ModuleFault::Refused);
        }
        let mut services = Services::new();
        let material = self.find(kek)?.with(|kek| {
            let kek = kek.symmetric()?.aes()?;
            let mut plain = self.slab.allocate(blob.len()).ok_or(ModuleFault::Full)?;
            let length = services
                .run(|| shim::kwp(Wrapping::Unwrap, kek, blob, plain.bytes_mut()))
                .ok_or(ModuleFault::Refused)?;
            let plain = plain.bytes().get(..length).unwrap_or_default();
            Material::import(&self.slab, spec, plain)
        });
        scrub_stack();
        self.give_key(permit, &services, material?)
    }

    pub(crate) fn wrap_bytes(
        &self,
        permit: &Permit,
        kek: KeyHandle,
        bytes: &Secret,
    ) -> Result<Done, ModuleFault> {
        let mut services = Services::new();
        let blob = self
            .find(kek)?
            .with(|kek| wrap(&mut services, kek.symmetric()?.aes()?, bytes.expose()))?;
        scrub_stack();
        give_bytes(permit, &services, blob)
    }

    pub(crate) fn unwrap_bytes(
        &self,
        permit: &Permit,
        kek: KeyHandle,
        blob: &[u8],
    ) -> Result<Done, ModuleFault> {
        let mut services = Services::new();
        let plain = self.find(kek)?.with(|kek| {
            let kek = kek.symmetric()?.aes()?;
            let mut plain = Zeroizing::new(vec![0; blob.len()]);
            let length = services
                .run(|| shim::kwp(Wrapping::Unwrap, kek, blob, &mut plain))
                .ok_or(ModuleFault::Refused)?;
            plain.truncate(length);
            Ok(Secret::new(core::mem::take(&mut *plain)))
        });
        scrub_stack();
        let plain = plain?;
        let indicator = services.conclude(permit)?;
        Ok(Done {
            output: Output::Secret(plain),
            indicator,
        })
    }
}

fn wrap(services: &mut Services, kek: &[u8], plain: &[u8]) -> Result<Vec<u8>, ModuleFault> {
    // Up to 7 bytes of padding and 8 of integrity check.
    let mut blob = vec![0; plain.len().checked_add(15).ok_or(ModuleFault::Refused)?];
    let length = services
        .run(|| shim::kwp(Wrapping::Wrap, kek, plain, &mut blob))
        .ok_or(ModuleFault::Refused)?;
    blob.truncate(length);
    Ok(blob)
}
