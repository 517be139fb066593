//! TLS for Keyward: rustls on the validated module, and nothing else.
//!
//! rustls' own FIPS feature carries a later, uncertified module, so this crate implements rustls' documented
//! [`CryptoProvider`](rustls::crypto::CryptoProvider) on AWS-LC FIPS 3.1.0 (certificates #5314 and #5298). Each
//! component states its approval in the table [`rows`]; `fips()` is computed from it, and [`indicator`] compares the
//! table with the module's own word on every call, in every build.
//!
//! # What a connection can be
//! | | |
//! |---|---|
//! | versions | TLS 1.3, TLS 1.2 with the extended master secret |
//! | suites | AES-256-GCM and AES-128-GCM, with ECDHE only |
//! | groups | SecP256r1MLKEM768, SecP384r1MLKEM1024, P-256, P-384, P-521 |
//! | signatures | ECDSA on P-256/384/521, Ed25519, RSA-PSS and (TLS 1.2) PKCS#1 v1.5 with 2048–4096 bits |
//! | resumption | from a bounded memory cache; no tickets, no early data |
//!
//! **X25519 and X25519MLKEM768 are not there**: X25519 is no approved service of the certificate and does not raise
//! the indicator (see [`rows::X25519`]). The hybrid would count by its ML-KEM half under SP 800-56C r2 §2, but the
//! rule of this crate is simpler: a component is in the default set only if all of its rows are approved, and there
//! are hybrids whose rows all are.
//!
//! # Where to start
//! [`server_config`] and [`client_config`] are what a listener and a client need; [`Identity`] and [`Anchors`] are
//! what they are made from; [`ClientAnchors::identify`] says who a client is; [`issue`] makes the first certificates.
//!
//! ```no_run
//! # fn main() -> Result<(), keyward_tls::TlsError> {
//! use keyward_tls::{Alpn, Anchors, ClientAnchors, ClientAuth, Identity, ReloadableIdentity};
//! use std::path::Path;
//!
//! let identity = Identity::from_pem_files(Path::new("server.pem"), Path::new("server.key"))?;
//! let identity = ReloadableIdentity::new(identity); // `replace` it when the certificate was renewed
//! let clients = ClientAnchors::new(Anchors::from_pem_file(Path::new("clients-ca.pem"))?)?;
//! let config = keyward_tls::server_config(&identity, &ClientAuth::Offered(clients.clone()), Alpn::Http)?;
//! // after a handshake: clients.identify(connection.peer_certificates(), now)
//! # let _ = config;
//! # Ok(())
//! # }
//! ```
//!
//! # What this crate must never do
//! Compute on key material itself; offer a component that is not approved; let a secret reach `Debug`, an error or a
//! key log; depend on ring, aws-lc-sys or openssl (`tests/dependencies.rs`).

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "tests fail by panicking"
    )
)]

mod anchors;
mod config;
mod error;
mod identity;
pub mod indicator;
pub mod issue;
mod peer;
pub mod pem;
pub mod provider;
pub mod rows;

pub use anchors::{Anchors, ClientAnchors};
pub use config::{
    Alpn, ClientAuth, client_config, client_config_on, server_config, server_config_on,
};
pub use error::TlsError;
pub use identity::{Identity, ReloadableIdentity};
#[doc(hidden)]
pub use peer::unverified_names;
pub use peer::{AlternativeName, AnchorId, Fingerprint, PeerIdentity};
pub use provider::default_provider;
