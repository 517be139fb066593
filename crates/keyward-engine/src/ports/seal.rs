//! A way to obtain the ring key: passphrase, custodians, HSM, TPM. A server has a list of slots.
use keyward_core::secret::Secret;

use crate::permit::Permit;
use crate::ports::module::{KeyHandle, Module, ModuleFault};

/// Why a seal did not open or close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealFault {
    /// Wrong secret, or the slot's bytes were changed.
    #[error("the seal did not open")]
    Wrong,
    /// The secret breaks a rule (length, composition).
    #[error("the secret is not acceptable: {0}")]
    Unacceptable(&'static str),
    /// More is needed (another share, a device).
    #[error("the seal needs more: {0}")]
    Incomplete(&'static str),
    /// The slot was written by something else.
    #[error("the seal slot is not readable: {0}")]
    Malformed(&'static str),
    /// The module failed.
    #[error(transparent)]
    Module(#[from] ModuleFault),
}

/// The port. One adapter per kind of seal; slots are its opaque, versioned bytes.
pub trait Seal: Send + Sync {
    /// Kind as in status and records: `passphrase`, `custodians`, `hsm`, `tpm`.
    fn kind(&self) -> &'static str;

    /// Wraps the ring key for a new slot.
    ///
    /// # Errors
    /// [`SealFault`].
    fn close(
        &self,
        permit: &Permit,
        module: &dyn Module,
        ring: KeyHandle,
        secret: &Secret,
        aad: &[u8],
    ) -> Result<Vec<u8>, SealFault>;

    /// Obtains the root (the slot's key-encryption key) once, so that the ring key can be opened now and wrapped anew at
    /// each puncture epoch without asking the people again.
    ///
    /// # Errors
    /// [`SealFault`].
    fn open(
        &self,
        permit: &Permit,
        module: &dyn Module,
        slot: &[u8],
        secret: &Secret,
        aad: &[u8],
    ) -> Result<OpenSeal, SealFault>;

    /// Wraps another ring key for the same slot, with the root obtained by [`Seal::open`].
    ///
    /// # Errors
    /// [`SealFault`].
    fn rewrap(
        &self,
        permit: &Permit,
        module: &dyn Module,
        open: &OpenSeal,
        ring: KeyHandle,
        aad: &[u8],
    ) -> Result<Vec<u8>, SealFault>;
}

/// An opened slot: its root and the ring key, both inside the module.
#[derive(Debug)]
pub struct OpenSeal {
    /// The slot's key-encryption key.
    pub root: KeyHandle,
    /// The ring key.
    pub ring: KeyHandle,
    /// The slot's public parameters (salt, iterations), needed to write it again.
    pub parameters: Vec<u8>,
}
