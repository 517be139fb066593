//! SHA-256 and Ed25519 of the validated module, as the log's code takes them: through the TLS provider, which is how this
//! program reaches the module.
use keyward_core::tlog::{NoteVerifier, Sha256};
use keyward_tls::default_provider;
use rustls_pki_types::{SignatureVerificationAlgorithm, alg_id};
use tokio_rustls::rustls::crypto::hash::{Hash, HashAlgorithm};

use crate::exit::Failure;

/// The module's hash and signature check.
pub struct Crypto {
    sha256: &'static dyn Hash,
    ed25519: &'static dyn SignatureVerificationAlgorithm,
}

impl Crypto {
    /// Takes them from the provider; starting it runs the module's self-tests.
    pub fn new() -> Result<Self, Failure> {
        let provider = default_provider();
        let sha256 = provider
            .cipher_suites
            .iter()
            .filter_map(|suite| suite.tls13())
            .map(|suite| suite.common.hash_provider)
            .find(|hash| hash.algorithm() == HashAlgorithm::SHA256);
        let algorithms = provider.signature_verification_algorithms.all;
        let ed25519 = algorithms
            .iter()
            .find(|one| one.signature_alg_id() == alg_id::ED25519);
        match (sha256, ed25519) {
            (Some(sha256), Some(ed25519)) => Ok(Self {
                sha256,
                ed25519: *ed25519,
            }),
            _ => Err(Failure::local(
                "the module offers no SHA-256 or Ed25519",
                "Report this.",
            )),
        }
    }
}

impl Sha256 for Crypto {
    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32] {
        let digest = match parts {
            [whole] => self.sha256.hash(whole),
            parts => self.sha256.hash(&parts.concat()),
        };
        let mut out = [0; 32];
        out.copy_from_slice(digest.as_ref());
        out
    }
}

impl NoteVerifier for Crypto {
    fn verify(&self, public_key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
        self.ed25519
            .verify_signature(public_key, message, signature)
            .is_ok()
    }
}
