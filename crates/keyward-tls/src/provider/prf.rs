//! The TLS 1.2 key derivation on the module's own TLS KDF (RFC 5246 §5).
//!
//! Only the extended master secret (RFC 7627) is an approved derivation, so a key exchange that asks for the
//! classical one is refused here as well, whatever the configuration above says.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::tls_prf;
use rustls::crypto::ActiveKeyExchange;
use rustls::crypto::tls12::Prf;
use rustls::version::TLS12;
use rustls::{Error, PeerIncompatible};

use crate::indicator::bracket;
use crate::provider::module_failed;
use crate::rows::{self, Row};

const EXTENDED_MASTER_SECRET: &[u8] = b"extended master secret";

/// The derivation of the SHA-256 suites.
pub(super) static PRF_SHA256: ModulePrf = ModulePrf {
    algorithm: &tls_prf::P_SHA256,
    master: &rows::PRF_EMS_SHA256,
    keys: &rows::PRF_KEYS_SHA256,
};

/// The derivation of the SHA-384 suites.
pub(super) static PRF_SHA384: ModulePrf = ModulePrf {
    algorithm: &tls_prf::P_SHA384,
    master: &rows::PRF_EMS_SHA384,
    keys: &rows::PRF_KEYS_SHA384,
};

/// One hash function's TLS 1.2 derivation.
pub(super) struct ModulePrf {
    algorithm: &'static tls_prf::Algorithm,
    master: &'static Row,
    keys: &'static Row,
}

impl ModulePrf {
    fn derive(
        &self,
        row: &'static Row,
        output: &mut [u8],
        secret: &[u8],
        label: &[u8],
        seed: &[u8],
    ) -> Result<(), Unspecified> {
        let secret = tls_prf::Secret::new(self.algorithm, secret)?;
        let derived = bracket(row, || secret.derive(label, seed, output.len()))?;
        output.copy_from_slice(derived.as_ref());
        Ok(())
    }
}

impl Prf for ModulePrf {
    fn for_key_exchange(
        &self,
        output: &mut [u8; 48],
        kx: Box<dyn ActiveKeyExchange>,
        peer_pub_key: &[u8],
        label: &[u8],
        seed: &[u8],
    ) -> Result<(), Error> {
        if label != EXTENDED_MASTER_SECRET {
            return Err(PeerIncompatible::ExtendedMasterSecretExtensionRequired.into());
        }
        let shared = kx.complete_for_tls_version(peer_pub_key, &TLS12)?;
        self.derive(self.master, output, shared.secret_bytes(), label, seed)
            .map_err(|Unspecified| Error::General("the module refused the TLS 1.2 KDF".into()))
    }

    fn for_secret(&self, output: &mut [u8], secret: &[u8], label: &[u8], seed: &[u8]) {
        if self.derive(self.keys, output, secret, label, seed).is_err() {
            module_failed("TLS 1.2 KDF");
        }
    }

    fn fips(&self) -> bool {
        self.master.approved() && self.keys.approved()
    }
}
