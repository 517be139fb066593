//! Who we are on a connection: certificate chain and private key, replaceable while the process runs.

use core::fmt;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::client::ResolvesClientCert;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, SignatureScheme};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};

use crate::error::TlsError;
use crate::peer;
use crate::pem;
use crate::provider::ModuleKey;

/// A certificate chain with its private key, which the module holds.
#[derive(Clone)]
pub struct Identity {
    certified: Arc<CertifiedKey>,
    not_after: UnixTime,
}

impl Identity {
    /// Checks that chain and key belong together and gives the key to the module.
    ///
    /// `chain` starts with the certificate of the key; intermediates follow.
    ///
    /// # Errors
    /// The chain is empty or unreadable, the key is none the module approves, or the two are no pair.
    pub fn new(
        chain: Vec<CertificateDer<'static>>,
        key: &PrivateKeyDer<'_>,
    ) -> Result<Self, TlsError> {
        let leaf = chain.first().ok_or_else(|| TlsError::NoCertificate {
            origin: "certificate chain".into(),
        })?;
        let not_after = peer::not_after(leaf).map_err(|reason| TlsError::CertificateRefused {
            origin: "certificate chain".into(),
            position: 1,
            reason,
        })?;
        let key = ModuleKey::load(key).map_err(|error| TlsError::PrivateKeyRefused {
            reason: match error {
                Error::General(reason) => reason,
                other => other.to_string(),
            },
        })?;
        let certified = CertifiedKey::new(chain, Arc::new(key));
        match certified.keys_match() {
            Ok(()) => Ok(Self {
                certified: Arc::new(certified),
                not_after,
            }),
            Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
                Err(TlsError::KeyMismatch)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a PEM file with the chain and one with the key; both may be the same file.
    ///
    /// # Errors
    /// A file cannot be read or is not what it should be; or as [`Identity::new`].
    pub fn from_pem_files(chain: &Path, key: &Path) -> Result<Self, TlsError> {
        Self::new(
            pem::certificates_from_file(chain)?,
            &*pem::private_key_from_file(key)?,
        )
    }

    /// The certificate chain, our own certificate first.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.certified.cert
    }

    /// When our own certificate ends.
    #[must_use]
    pub fn not_after(&self) -> UnixTime {
        self.not_after
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("certificates", &self.certified.cert.len())
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// An [`Identity`] that can be replaced while connections use it: new handshakes get the new one, running
/// connections go on with the one they had.
#[derive(Debug)]
pub struct ReloadableIdentity(ArcSwap<Identity>);

impl ReloadableIdentity {
    /// Starts with `identity`.
    #[must_use]
    pub fn new(identity: Identity) -> Arc<Self> {
        Arc::new(Self(ArcSwap::from_pointee(identity)))
    }

    /// Uses `identity` from the next handshake on.
    pub fn replace(&self, identity: Identity) {
        self.0.store(Arc::new(identity));
    }

    /// The identity new handshakes get.
    #[must_use]
    pub fn current(&self) -> Arc<Identity> {
        self.0.load_full()
    }
}

impl ResolvesServerCert for ReloadableIdentity {
    fn resolve(&self, _client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.load().certified))
    }
}

impl ResolvesClientCert for ReloadableIdentity {
    fn resolve(
        &self,
        // The server's hints are not needed: there is one identity, and the server decides whether it trusts it.
        _root_hint_subjects: &[&[u8]],
        sigschemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let identity = self.0.load();
        let usable = identity.certified.key.choose_scheme(sigschemes).is_some();
        usable.then(|| Arc::clone(&identity.certified))
    }

    fn has_certs(&self) -> bool {
        true
    }
}
