//! Data keys that a client holds for itself: what encrypts the body of a file on the user's own machine, with the same
//! validated module and the same bracket around every call as in the server.
//!
//! It must never meet a key of the engine: those are behind handles, which nothing here takes. A data key is made here
//! or comes as raw bytes that a server gave to somebody entitled to them, lives in guarded memory, and leaves only to be
//! encrypted under a key of the engine.
use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce};
use aws_lc_rs::rand;
use keyward_core::algorithm::{Indicator, KeySpec};
use keyward_core::secret::Secret;
use keyward_engine::ports::module::ModuleFault;
use zeroize::Zeroize;

use crate::material::{Material, Symmetric};
use crate::services::Services;
use crate::start::AwsLcModule;
use crate::symmetric::{TAG_LEN, seal};

/// Bytes of a data key: AES-256.
pub const DATA_KEY_LEN: usize = 32;
/// Bytes that a sealed chunk is longer than its plaintext: the IV before it, the tag after it.
pub const CHUNK_OVERHEAD: usize = NONCE_LEN + TAG_LEN;
/// Bytes of the IV that stand before a sealed chunk.
pub const CHUNK_IV_LEN: usize = NONCE_LEN;

/// An AES-256 key of a client, for AES-GCM with IVs of the module's making.
pub struct DataKey {
    key: Symmetric,
}

impl AwsLcModule {
    /// A new data key from the module's generator.
    ///
    /// # Errors
    /// [`ModuleFault`].
    pub fn generate_data_key(&self) -> Result<DataKey, ModuleFault> {
        let mut services = Services::new();
        let material = Material::generate(&self.slab, &mut services, KeySpec::Aes256)?;
        DataKey::of(material)
    }

    /// A data key that was kept encrypted; it is copied into guarded memory, and the caller wipes its own.
    ///
    /// # Errors
    /// [`ModuleFault::Refused`] unless it has 32 bytes.
    pub fn data_key(&self, bytes: &[u8]) -> Result<DataKey, ModuleFault> {
        DataKey::of(Material::import(&self.slab, KeySpec::Aes256, bytes)?)
    }

    /// Random bytes that are no secret: an identifier.
    ///
    /// # Errors
    /// [`ModuleFault`].
    pub fn identifier(&self) -> Result<[u8; 16], ModuleFault> {
        let mut out = [0; 16];
        rand::fill(&mut out).map_err(|_| ModuleFault::Failed("random generator"))?;
        Ok(out)
    }
}

impl DataKey {
    fn of(material: Material) -> Result<Self, ModuleFault> {
        match material {
            Material::Symmetric(key) => Ok(Self { key }),
            _ => Err(ModuleFault::Unsupported),
        }
    }

    /// The key itself, to be encrypted under a key of the engine and nothing else.
    #[must_use]
    pub fn to_secret(&self) -> Secret {
        Secret::new(self.key.bytes().to_vec())
    }

    /// Seals in place: `buffer` is room for the IV (12 bytes), then plaintext; it comes back as IV, ciphertext and tag.
    ///
    /// # Errors
    /// [`ModuleFault::NotApproved`] if the module's indicator does not approve the call; the buffer is wiped then.
    pub fn seal(&self, aad: &[u8], buffer: &mut Vec<u8>) -> Result<(), ModuleFault> {
        let mut services = Services::new();
        let sealed = seal(&mut services, &self.key, aad, buffer, 0);
        let result = sealed.and_then(|()| approved(&services));
        if result.is_err() {
            buffer.zeroize();
        }
        result
    }

    /// Opens IV, ciphertext and tag in place and gives the part that is plaintext.
    ///
    /// # Errors
    /// [`ModuleFault::Refused`] if the tag is not right. What the module may have written by then is wiped.
    pub fn open<'b>(&self, aad: &[u8], buffer: &'b mut [u8]) -> Result<&'b mut [u8], ModuleFault> {
        let mut services = Services::new();
        let gcm = self.key.gcm()?;
        let (iv, body) = buffer
            .split_first_chunk_mut::<NONCE_LEN>()
            .ok_or(ModuleFault::Refused)?;
        let length = body
            .len()
            .checked_sub(TAG_LEN)
            .ok_or(ModuleFault::Refused)?;
        let opened = services
            .run(|| {
                gcm.open_in_place(Nonce::from(&*iv), Aad::from(aad), body)
                    .map(|_| ())
            })
            .map_err(|_| ModuleFault::Refused)
            .and_then(|()| approved(&services));
        if let Err(fault) = opened {
            body.zeroize();
            return Err(fault);
        }
        body.get_mut(..length).ok_or(ModuleFault::Refused)
    }
}

/// There is no permit here that could allow anything else.
fn approved(services: &Services) -> Result<(), ModuleFault> {
    match services.indicator() {
        Indicator::Approved => Ok(()),
        _ => Err(ModuleFault::NotApproved),
    }
}

impl core::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("DataKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    fn module() -> AwsLcModule {
        AwsLcModule::start(Config::default()).unwrap()
    }

    fn sealed(key: &DataKey, aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let mut buffer = vec![0; CHUNK_IV_LEN];
        buffer.extend_from_slice(plaintext);
        key.seal(aad, &mut buffer).unwrap();
        buffer
    }

    #[test]
    fn a_chunk_opens_with_its_key_and_associated_data_only() {
        let module = module();
        let key = module.generate_data_key().unwrap();
        let again = module.data_key(key.to_secret().expose()).unwrap();
        let good = sealed(&key, b"one", b"plaintext");
        assert_eq!(good.len(), 9 + CHUNK_OVERHEAD);
        assert_eq!(again.open(b"one", &mut good.clone()).unwrap(), b"plaintext");
        let other = module.generate_data_key().unwrap();
        assert_eq!(
            other.open(b"one", &mut good.clone()).unwrap_err(),
            ModuleFault::Refused
        );
        assert_eq!(
            key.open(b"two", &mut good.clone()).unwrap_err(),
            ModuleFault::Refused
        );
        for place in 0..good.len() {
            let mut bad = good.clone();
            bad[place] ^= 1;
            assert_eq!(
                key.open(b"one", &mut bad).unwrap_err(),
                ModuleFault::Refused
            );
            assert!(
                bad[CHUNK_IV_LEN..].iter().all(|byte| *byte == 0),
                "what did not open is wiped"
            );
        }
        for length in 0..CHUNK_OVERHEAD {
            assert!(key.open(b"one", &mut good.clone()[..length]).is_err());
        }
    }

    #[test]
    fn every_chunk_has_an_iv_of_its_own() {
        let key = module().generate_data_key().unwrap();
        let mut ivs: Vec<Vec<u8>> = (0..1000)
            .map(|_| sealed(&key, b"", b"x")[..CHUNK_IV_LEN].to_vec())
            .collect();
        ivs.sort();
        ivs.dedup();
        assert_eq!(ivs.len(), 1000);
    }

    #[test]
    fn only_a_key_of_the_right_length_is_taken() {
        for length in [0, 16, 31, 33] {
            assert_eq!(
                module().data_key(&vec![7; length]).unwrap_err(),
                ModuleFault::Refused
            );
        }
    }
}
