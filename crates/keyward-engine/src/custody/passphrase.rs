//! The passphrase seal: PBKDF2-HMAC-SHA-512 over the passphrase, then KBKDF bound to the installation, wraps the ring key.
//!
//! What it can promise is little and is said plainly: whoever has the passphrase and an old copy of the data directory opens
//! that copy. Use it for machines without an HSM or TPM, and for rehearsals.
use keyward_core::algorithm::KeySpec;
use keyward_core::cbor;
use keyward_core::limits::{PASSPHRASE_MIN_BYTES, PASSPHRASE_MIN_CHARS};
use keyward_core::secret::Secret;
use minicbor::{Decode, Encode};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroize;

use crate::permit::Permit;
use crate::ports::module::{KeyHandle, Module, ModuleFault, Operation, Output};
use crate::ports::seal::{OpenSeal, Seal, SealFault};

/// Iterations of a new slot unless configured otherwise (SP 800-132 asks for as many as users bear; OWASP's 2023 figure for
/// HMAC-SHA-512 is 210 000).
pub const ITERATIONS_DEFAULT: u32 = 600_000;
/// No slot is made or opened with fewer.
pub const ITERATIONS_MIN: u32 = 1_000;
/// More than this is refused when reading a slot: it would only stall the start.
pub const ITERATIONS_MAX: u32 = 100_000_000;

/// The seal.
#[derive(Debug, Clone, Copy)]
pub struct PassphraseSeal {
    /// Iterations for new slots.
    pub iterations: u32,
}

impl Default for PassphraseSeal {
    fn default() -> Self {
        Self {
            iterations: ITERATIONS_DEFAULT,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Slot {
    #[n(0)]
    format: u8,
    #[n(1)]
    iterations: u32,
    #[cbor(n(2), with = "minicbor::bytes")]
    salt: Vec<u8>,
    #[cbor(n(3), with = "minicbor::bytes")]
    ring: Vec<u8>,
}

fn normalised(secret: &Secret) -> Result<Secret, SealFault> {
    let text = core::str::from_utf8(secret.expose())
        .map_err(|_| SealFault::Unacceptable("a passphrase is UTF-8 text"))?;
    // Reserved up front so that growing leaves no unwiped copies behind.
    let mut normal = String::with_capacity(text.len().saturating_mul(3));
    normal.extend(text.nfc());
    let acceptable =
        normal.chars().count() >= PASSPHRASE_MIN_CHARS && normal.len() >= PASSPHRASE_MIN_BYTES;
    if acceptable {
        Ok(Secret::new(normal.into_bytes()))
    } else {
        normal.zeroize();
        Err(SealFault::Unacceptable(
            "a passphrase has at least 15 characters",
        ))
    }
}

fn key_of(
    module: &dyn Module,
    permit: &Permit,
    operation: Operation<'_>,
) -> Result<KeyHandle, ModuleFault> {
    match module.operate(permit, operation)?.output {
        Output::Key(key) => Ok(key),
        _ => Err(ModuleFault::Failed(
            "another kind of output than the operation gives",
        )),
    }
}

fn bytes_of(
    module: &dyn Module,
    permit: &Permit,
    operation: Operation<'_>,
) -> Result<Vec<u8>, ModuleFault> {
    match module.operate(permit, operation)?.output {
        Output::Bytes(bytes) => Ok(bytes),
        _ => Err(ModuleFault::Failed(
            "another kind of output than the operation gives",
        )),
    }
}

fn root(
    module: &dyn Module,
    permit: &Permit,
    secret: &Secret,
    slot: &Slot,
    aad: &[u8],
) -> Result<KeyHandle, SealFault> {
    let passphrase = normalised(secret)?;
    let stretched = key_of(
        module,
        permit,
        Operation::DerivePassphrase {
            passphrase: &passphrase,
            salt: &slot.salt,
            iterations: slot.iterations,
        },
    )?;
    let root = key_of(
        module,
        permit,
        Operation::DeriveKey {
            key: stretched,
            info: aad,
            spec: KeySpec::Aes256,
        },
    );
    module.release(stretched);
    Ok(root?)
}

/// Whether the bytes are a slot this seal would try.
pub(crate) fn reads_as_slot(bytes: &[u8]) -> bool {
    slot_of(bytes).is_ok()
}

fn slot_of(bytes: &[u8]) -> Result<Slot, SealFault> {
    let slot: Slot =
        cbor::from_slice(bytes).map_err(|_| SealFault::Malformed("not a passphrase slot"))?;
    if slot.format != 1 {
        return Err(SealFault::Malformed("a format this release does not know"));
    }
    if !(ITERATIONS_MIN..=ITERATIONS_MAX).contains(&slot.iterations) || slot.salt.len() < 16 {
        return Err(SealFault::Malformed(
            "parameters outside what is ever written",
        ));
    }
    Ok(slot)
}

impl Seal for PassphraseSeal {
    fn kind(&self) -> &'static str {
        "passphrase"
    }

    fn close(
        &self,
        permit: &Permit,
        module: &dyn Module,
        ring: KeyHandle,
        secret: &Secret,
        aad: &[u8],
    ) -> Result<Vec<u8>, SealFault> {
        let salt = bytes_of(module, permit, Operation::Random { length: 32 })?;
        let mut slot = Slot {
            format: 1,
            iterations: self.iterations.max(ITERATIONS_MIN),
            salt,
            ring: Vec::new(),
        };
        let kek = root(module, permit, secret, &slot, aad)?;
        let wrapped = bytes_of(module, permit, Operation::WrapKey { kek, key: ring });
        module.release(kek);
        slot.ring = wrapped?;
        Ok(cbor::to_vec(&slot))
    }

    fn open(
        &self,
        permit: &Permit,
        module: &dyn Module,
        slot: &[u8],
        secret: &Secret,
        aad: &[u8],
    ) -> Result<OpenSeal, SealFault> {
        let mut slot = slot_of(slot)?;
        let kek = root(module, permit, secret, &slot, aad).map_err(|fault| match fault {
            // A passphrase that no slot was ever made with is simply the wrong one.
            SealFault::Unacceptable(_) => SealFault::Wrong,
            other => other,
        })?;
        let unwrap = Operation::UnwrapKey {
            kek,
            blob: &slot.ring,
            spec: KeySpec::Aes256,
        };
        match key_of(module, permit, unwrap) {
            Ok(ring) => {
                slot.ring = Vec::new();
                Ok(OpenSeal {
                    root: kek,
                    ring,
                    parameters: cbor::to_vec(&slot),
                })
            }
            Err(fault) => {
                module.release(kek);
                Err(if fault == ModuleFault::Refused {
                    SealFault::Wrong
                } else {
                    fault.into()
                })
            }
        }
    }

    fn rewrap(
        &self,
        permit: &Permit,
        module: &dyn Module,
        open: &OpenSeal,
        ring: KeyHandle,
        _aad: &[u8],
    ) -> Result<Vec<u8>, SealFault> {
        let mut slot = slot_of(&open.parameters)?;
        slot.ring = bytes_of(
            module,
            permit,
            Operation::WrapKey {
                kek: open.root,
                key: ring,
            },
        )?;
        Ok(cbor::to_vec(&slot))
    }
}
