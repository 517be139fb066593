//! rustls' documented `CryptoProvider` on the validated module.
//!
//! One file per trait family. Each component holds the rows of the services it calls and computes `fips()` from them.
//! Nothing here implements cryptography: every byte of key material is computed by the module, and each call of it is
//! bracketed by its service indicator.

mod exchange;
mod hash;
mod key_schedule;
mod prf;
pub(crate) mod random;
mod records;
mod sign;
mod suites;
mod verify;

use std::sync::{Arc, LazyLock};

use rustls::SupportedCipherSuite;
use rustls::crypto::{CryptoProvider, SupportedKxGroup, WebPkiSupportedAlgorithms};

pub use exchange::{SECP256R1, SECP256R1MLKEM768, SECP384R1, SECP384R1MLKEM1024, SECP521R1};
pub(crate) use sign::ModuleKey;
pub use suites::{
    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384,
};

/// Every cipher suite, in the order of our preference.
pub static CIPHER_SUITES: &[SupportedCipherSuite] = &[
    TLS13_AES_256_GCM_SHA384,
    TLS13_AES_128_GCM_SHA256,
    TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
];

/// Every key exchange group, in the order of our preference: with ML-KEM first.
pub static KX_GROUPS: &[&dyn SupportedKxGroup] = &[
    SECP256R1MLKEM768,
    SECP384R1MLKEM1024,
    SECP256R1,
    SECP384R1,
    SECP521R1,
];

static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    Arc::new(CryptoProvider {
        cipher_suites: CIPHER_SUITES.to_vec(),
        kx_groups: KX_GROUPS.to_vec(),
        signature_verification_algorithms: verify::ALGORITHMS,
        secure_random: &random::ModuleRandom,
        key_provider: &sign::ModuleKeys,
    })
});

/// The provider every Keyward connection uses. Its `fips()` is true, because every row of every component in it is
/// approved; rustls therefore insists on the extended master secret in TLS 1.2.
#[must_use]
pub fn default_provider() -> Arc<CryptoProvider> {
    Arc::clone(&PROVIDER)
}

/// The signature algorithms of the provider, for path validation outside a handshake.
pub(crate) fn signature_algorithms() -> &'static WebPkiSupportedAlgorithms {
    &verify::ALGORITHMS
}

/// Ends the connection when the module fails where rustls has no way to hand an error on.
///
/// This happens only when the module is out of memory or in its error state, never because of what a peer sent.
/// Going on would mean going on with wrong keys, so the task of this one connection ends here.
#[cold]
#[expect(
    clippy::panic,
    reason = "the trait methods that call this cannot return an error, and wrong keys must not be used"
)]
pub(crate) fn module_failed(service: &str) -> ! {
    panic!("the cryptographic module failed in {service}");
}
