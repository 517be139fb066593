//! The engine's own use of the module: custody, log, credentials. One place that makes the custody permit.
use std::sync::Arc;

use keyward_core::algorithm::KeySpec;
use keyward_core::secret::Secret;
use keyward_core::tlog;
use parking_lot::Mutex;

use crate::permit::{Permit, PermitScope};
use crate::ports::module::{Done, KeyHandle, Module, ModuleFault, Operation, Output};

/// A key handle that is released when nobody holds it any more.
pub(crate) struct Held {
    module: Arc<dyn Module>,
    handle: KeyHandle,
}

impl Held {
    pub(crate) const fn handle(&self) -> KeyHandle {
        self.handle
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.module.release(self.handle);
    }
}

/// The module with the custody permit.
#[derive(Clone)]
pub(crate) struct Crypto {
    module: Arc<dyn Module>,
    permit: Arc<Permit>,
    salts: Arc<Mutex<Vec<u8>>>,
}

/// Bytes of salt drawn at a time: the generator costs as much for sixteen bytes as for hundreds.
const SALTS: usize = 2048;

impl Crypto {
    pub(crate) fn new(module: Arc<dyn Module>) -> Self {
        Self {
            module,
            permit: Arc::new(Permit::new(PermitScope::Custody)),
            salts: Arc::new(Mutex::new(Vec::new())),
        }
    }

    pub(crate) fn module(&self) -> &dyn Module {
        &*self.module
    }

    pub(crate) fn permit(&self) -> &Permit {
        &self.permit
    }

    /// Takes over a handle.
    pub(crate) fn hold(&self, handle: KeyHandle) -> Held {
        Held {
            module: Arc::clone(&self.module),
            handle,
        }
    }

    /// Under a permit of a decided command.
    pub(crate) fn operate(
        &self,
        permit: &Permit,
        operation: Operation<'_>,
    ) -> Result<Done, ModuleFault> {
        self.module.operate(permit, operation)
    }

    fn custody(&self, operation: Operation<'_>) -> Result<Output, ModuleFault> {
        Ok(self.module.operate(&self.permit, operation)?.output)
    }

    /// For operations that give a key.
    pub(crate) fn key(&self, operation: Operation<'_>) -> Result<Held, ModuleFault> {
        match self.custody(operation)? {
            Output::Key(handle) => Ok(self.hold(handle)),
            _ => Err(ModuleFault::Failed(
                "another kind of output than the operation gives",
            )),
        }
    }

    /// For operations that give bytes.
    pub(crate) fn bytes(&self, operation: Operation<'_>) -> Result<Vec<u8>, ModuleFault> {
        match self.custody(operation)? {
            Output::Bytes(bytes) => Ok(bytes),
            _ => Err(ModuleFault::Failed(
                "another kind of output than the operation gives",
            )),
        }
    }

    /// For operations that give 32 bytes of hash.
    pub(crate) fn digest(&self, operation: Operation<'_>) -> Result<[u8; 32], ModuleFault> {
        match self.custody(operation)? {
            Output::Digest(digest) => Ok(digest),
            _ => Err(ModuleFault::Failed(
                "another kind of output than the operation gives",
            )),
        }
    }

    /// For operations that give secret bytes.
    pub(crate) fn secret(&self, operation: Operation<'_>) -> Result<Secret, ModuleFault> {
        match self.custody(operation)? {
            Output::Secret(secret) => Ok(secret),
            _ => Err(ModuleFault::Failed(
                "another kind of output than the operation gives",
            )),
        }
    }

    pub(crate) fn generate(&self, spec: KeySpec) -> Result<Held, ModuleFault> {
        self.key(Operation::Generate { spec })
    }

    pub(crate) fn random<const N: usize>(&self) -> Result<[u8; N], ModuleFault> {
        let bytes = self.bytes(Operation::Random { length: N })?;
        bytes
            .try_into()
            .map_err(|_| ModuleFault::Failed("another length of randomness than asked for"))
    }

    /// The salt of a record: random, unpredictable until the record is disclosed, each given out once.
    pub(crate) fn salt(&self) -> Result<[u8; 16], ModuleFault> {
        let mut salts = self.salts.lock();
        if salts.len() < 16 {
            *salts = self.bytes(Operation::Random { length: SALTS })?;
        }
        let kept = salts.len().saturating_sub(16);
        let salt = salts.last_chunk::<16>().copied();
        salts.truncate(kept);
        salt.ok_or(ModuleFault::Failed(
            "another length of randomness than asked for",
        ))
    }

    pub(crate) fn sha(&self, parts: &[&[u8]]) -> Result<[u8; 32], ModuleFault> {
        self.digest(Operation::Sha256 { parts })
    }

    pub(crate) fn mac(&self, key: &Held, parts: &[&[u8]]) -> Result<Vec<u8>, ModuleFault> {
        self.bytes(Operation::Mac {
            key: key.handle,
            parts,
        })
    }

    pub(crate) fn wrap(&self, kek: &Held, key: &Held) -> Result<Vec<u8>, ModuleFault> {
        self.bytes(Operation::WrapKey {
            kek: kek.handle,
            key: key.handle,
        })
    }

    pub(crate) fn unwrap_key(
        &self,
        kek: &Held,
        blob: &[u8],
        spec: KeySpec,
    ) -> Result<Held, ModuleFault> {
        self.key(Operation::UnwrapKey {
            kek: kek.handle,
            blob,
            spec,
        })
    }
}

impl tlog::Sha256 for Crypto {
    #[expect(
        clippy::panic,
        reason = "fail-stop: a module that cannot hash has failed its self-tests, and nothing may go on"
    )]
    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32] {
        match self.sha(parts) {
            Ok(digest) => digest,
            Err(fault) => panic!("the module cannot hash: {fault}"),
        }
    }
}

/// Whether two digests are equal, in time that does not depend on where they differ.
pub(crate) fn digests_equal(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.iter()
        .zip(b)
        .fold(0u8, |difference, (x, y)| difference | (x ^ y))
        == 0
}
