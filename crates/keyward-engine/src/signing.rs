//! Signing the log and checking its signatures, with the module.
use keyward_core::algorithm::{KeySpec, SignatureScheme};
use keyward_core::tlog::{NoteSigner, NoteVerifier, SignerFailed};

use crate::crypto::{Crypto, Held};
use crate::ports::module::{Operation, Output};

/// Signs notes with a log key.
pub(crate) struct ModuleSigner<'a> {
    pub(crate) crypto: &'a Crypto,
    pub(crate) key: &'a Held,
}

impl NoteSigner for ModuleSigner<'_> {
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignerFailed> {
        let operation = Operation::Sign {
            key: self.key.handle(),
            scheme: SignatureScheme::Ed25519,
            message,
        };
        let signature = self.crypto.bytes(operation).map_err(|_| SignerFailed)?;
        signature.try_into().map_err(|_| SignerFailed)
    }
}

/// The fixed beginning of an Ed25519 SubjectPublicKeyInfo (RFC 8410 §4).
const ED25519_SPKI: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// Verifies notes.
pub(crate) struct ModuleVerifier<'a> {
    pub(crate) crypto: &'a Crypto,
}

impl NoteVerifier for ModuleVerifier<'_> {
    fn verify(&self, public_key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
        let public = [ED25519_SPKI.as_slice(), public_key].concat();
        let operation = Operation::Verify {
            spec: KeySpec::Ed25519,
            public: &public,
            scheme: SignatureScheme::Ed25519,
            message,
            signature,
        };
        match self.crypto.operate(self.crypto.permit(), operation) {
            Ok(done) => matches!(done.output, Output::Verdict(true)),
            Err(_) => false,
        }
    }
}
