//! AES-GCM with IVs made by the module, and HMAC.
use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce};
use aws_lc_rs::constant_time;
use keyward_core::algorithm::KeySpec;
use keyward_core::secret::Secret;
use keyward_engine::permit::Permit;
use keyward_engine::ports::module::{Done, KeyHandle, ModuleFault, Output};
use zeroize::{Zeroize, Zeroizing};

use crate::material::Symmetric;
use crate::operate::give_bytes;
use crate::services::Services;
use crate::shim::{self, MAC_MAX, MacHash};
use crate::start::AwsLcModule;

/// Tag length: always the full 128 bits.
pub(crate) const TAG_LEN: usize = 16;

impl AwsLcModule {
    pub(crate) fn encrypt(
        &self,
        permit: &Permit,
        key: KeyHandle,
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Done, ModuleFault> {
        let start = out.len();
        let mut services = Services::new();
        let sealed = self.find(key)?.with(|material| {
            let key = material.symmetric()?;
            // Everything is reserved before the plaintext is copied: the buffer must not move with plaintext in it.
            let room = plaintext.len().checked_add(NONCE_LEN + TAG_LEN);
            out.try_reserve(room.ok_or(ModuleFault::Refused)?)
                .map_err(|_| ModuleFault::Full)?;
            out.extend_from_slice(&[0; NONCE_LEN]);
            out.extend_from_slice(plaintext);
            seal(&mut services, key, aad, out, start)
        });
        let indicator = sealed.and_then(|()| services.conclude(permit));
        if indicator.is_err() {
            if let Some(written) = out.get_mut(start..) {
                written.zeroize();
            }
            out.truncate(start);
        }
        Ok(Done {
            output: Output::Nothing,
            indicator: indicator?,
        })
    }

    pub(crate) fn decrypt(
        &self,
        permit: &Permit,
        key: KeyHandle,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Done, ModuleFault> {
        let mut services = Services::new();
        let plaintext = self
            .find(key)?
            .with(|material| open(&mut services, material.symmetric()?, aad, sealed))?;
        let indicator = services.conclude(permit)?;
        Ok(Done {
            output: Output::Secret(plaintext),
            indicator,
        })
    }

    pub(crate) fn mac(
        &self,
        permit: &Permit,
        key: KeyHandle,
        parts: &[&[u8]],
    ) -> Result<Done, ModuleFault> {
        let mut services = Services::new();
        let mac = self.find(key)?.with(|material| {
            let mut mac = [0; MAC_MAX];
            let length = authenticate(&mut services, material.symmetric()?, parts, &mut mac)?;
            Ok(mac.get(..length).unwrap_or_default().to_vec())
        })?;
        give_bytes(permit, &services, mac)
    }

    pub(crate) fn verify_mac(
        &self,
        permit: &Permit,
        key: KeyHandle,
        parts: &[&[u8]],
        mac: &[u8],
    ) -> Result<Done, ModuleFault> {
        let mut services = Services::new();
        let equal = self.find(key)?.with(|material| {
            let mut expected = Zeroizing::new([0; MAC_MAX]);
            let length = authenticate(&mut services, material.symmetric()?, parts, &mut expected)?;
            let expected = expected.get(..length).unwrap_or_default();
            Ok(constant_time::verify_slices_are_equal(expected, mac).is_ok())
        })?;
        let indicator = services.conclude(permit)?;
        Ok(Done {
            output: Output::Verdict(equal),
            indicator,
        })
    }
}

/// Seals what stands in `out` from `start` on (room for an IV, then plaintext) in place and appends the tag.
pub(crate) fn seal(
    services: &mut Services,
    key: &Symmetric,
    aad: &[u8],
    out: &mut Vec<u8>,
    start: usize,
) -> Result<(), ModuleFault> {
    let gcm = key.gcm()?;
    let sealing = out
        .get_mut(start..)
        .and_then(<[u8]>::split_first_chunk_mut::<NONCE_LEN>);
    let (iv, body) = sealing.ok_or(ModuleFault::Failed("buffer"))?;
    let (nonce, tag) = services
        .run(|| gcm.seal_in_place_separate_tag(Aad::from(aad), body))
        .map_err(|_| ModuleFault::Refused)?;
    iv.copy_from_slice(nonce.as_ref());
    out.extend_from_slice(tag.as_ref());
    Ok(())
}

/// Opens IV ‖ ciphertext ‖ tag.
pub(crate) fn open(
    services: &mut Services,
    key: &Symmetric,
    aad: &[u8],
    sealed: &[u8],
) -> Result<Secret, ModuleFault> {
    let gcm = key.gcm()?;
    let (iv, body) = sealed
        .split_first_chunk::<NONCE_LEN>()
        .ok_or(ModuleFault::Refused)?;
    let length = body
        .len()
        .checked_sub(TAG_LEN)
        .ok_or(ModuleFault::Refused)?;
    // What the module may have written before it found the tag wrong is wiped with the buffer.
    let mut buffer = Zeroizing::new(body.to_vec());
    services
        .run(|| {
            gcm.open_in_place(Nonce::from(iv), Aad::from(aad), &mut buffer)
                .map(|_| ())
        })
        .map_err(|_| ModuleFault::Refused)?;
    // Only the tag is cut off; the buffer itself moves out, so there is one plaintext and the receiver wipes it.
    buffer.truncate(length);
    Ok(Secret::new(core::mem::take(&mut *buffer)))
}

fn authenticate(
    services: &mut Services,
    key: &Symmetric,
    parts: &[&[u8]],
    out: &mut [u8; MAC_MAX],
) -> Result<usize, ModuleFault> {
    let hash = match key.spec() {
        KeySpec::HmacSha256 => MacHash::Sha256,
        KeySpec::HmacSha384 => MacHash::Sha384,
        KeySpec::HmacSha512 => MacHash::Sha512,
        _ => return Err(ModuleFault::Unsupported),
    };
    services
        .run(|| shim::hmac(hash, key.bytes(), parts, out))
        .ok_or(ModuleFault::Failed("hmac"))
}
