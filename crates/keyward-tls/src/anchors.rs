//! Whom we believe: trust anchors for the certificates of peers, replaceable while the process runs.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage};

use crate::error::TlsError;
use crate::peer::{AnchorId, PeerIdentity};
use crate::pem;
use crate::provider::{default_provider, signature_algorithms};

/// A set of trust anchors.
#[derive(Debug, Clone)]
pub struct Anchors {
    roots: Arc<RootCertStore>,
}

impl Default for Anchors {
    fn default() -> Self {
        Self {
            roots: Arc::new(RootCertStore::empty()),
        }
    }
}

impl Anchors {
    /// The anchors in `certificates`; `origin` names the list in errors.
    ///
    /// # Errors
    /// A certificate cannot be read.
    pub fn new(certificates: &[CertificateDer<'_>], origin: &str) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for (index, certificate) in certificates.iter().enumerate() {
            let anchor = webpki::anchor_from_trusted_cert(certificate).map_err(|error| {
                TlsError::CertificateRefused {
                    origin: origin.into(),
                    position: index + 1,
                    reason: format!("not usable as a trust anchor ({error})"),
                }
            })?;
            roots.roots.push(anchor.to_owned());
        }
        Ok(Self {
            roots: Arc::new(roots),
        })
    }

    /// The anchors in a PEM file.
    ///
    /// # Errors
    /// The file cannot be read, or a certificate in it.
    pub fn from_pem_file(path: &Path) -> Result<Self, TlsError> {
        Self::new(
            &pem::certificates_from_file(path)?,
            &path.display().to_string(),
        )
    }

    /// How many anchors there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.roots.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    pub(crate) fn roots(&self) -> &Arc<RootCertStore> {
        &self.roots
    }

    fn anchors(&self) -> &[TrustAnchor<'static>] {
        &self.roots.roots
    }
}

/// The anchors of clients, as a handle: clones share one set, and replacing it takes effect for the next handshake
/// *and* for the next [`identify`](Self::identify), so an anchor that was taken away vouches for nobody any more, not
/// even on a resumed session.
///
/// The set is never shown to peers (no names of authorities in the certificate request), because it says who our
/// tenants are.
#[derive(Debug, Clone)]
pub struct ClientAnchors {
    current: Arc<ArcSwap<Snapshot>>,
}

#[derive(Debug)]
struct Snapshot {
    anchors: Anchors,
    /// `None` for an empty set: then no certificate is asked for.
    verifier: Option<Arc<dyn ClientCertVerifier>>,
}

impl Snapshot {
    fn new(anchors: Anchors) -> Result<Self, TlsError> {
        let verifier = if anchors.is_empty() {
            None
        } else {
            let verifier = WebPkiClientVerifier::builder_with_provider(
                Arc::clone(anchors.roots()),
                default_provider(),
            )
            .build()
            .map_err(|error| Error::General(error.to_string()))?;
            Some(verifier)
        };
        Ok(Self { anchors, verifier })
    }
}

impl ClientAnchors {
    /// Starts with `anchors`, which may be empty.
    ///
    /// # Errors
    /// rustls refuses the set.
    pub fn new(anchors: Anchors) -> Result<Self, TlsError> {
        Ok(Self {
            current: Arc::new(ArcSwap::from_pointee(Snapshot::new(anchors)?)),
        })
    }

    /// Believes `anchors`, and nobody else, from now on.
    ///
    /// # Errors
    /// rustls refuses the set; then the old one stays.
    pub fn replace(&self, anchors: Anchors) -> Result<(), TlsError> {
        self.current.store(Arc::new(Snapshot::new(anchors)?));
        Ok(())
    }

    /// Says who a client is, from the certificates of its handshake (`peer_certificates()` of the connection).
    ///
    /// The path is verified again against the anchors of this moment and the time given: the handshake proved
    /// possession of the key, but the anchor that vouched then may be gone, and a resumed session never looked.
    ///
    /// # Errors
    /// The chain is empty, leads to no anchor now, or its first certificate cannot be read.
    pub fn identify(
        &self,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<PeerIdentity, TlsError> {
        let (leaf, intermediates) = chain.split_first().ok_or_else(|| TlsError::NoCertificate {
            origin: "the peer's chain".into(),
        })?;
        let not_trusted = |error: webpki::Error| TlsError::PeerNotTrusted {
            reason: error.to_string(),
        };
        let snapshot = self.current.load();
        let end_entity = EndEntityCert::try_from(leaf).map_err(not_trusted)?;
        let path = end_entity
            .verify_for_usage(
                signature_algorithms().all,
                snapshot.anchors.anchors(),
                intermediates,
                now,
                KeyUsage::client_auth(),
                None,
                None,
            )
            .map_err(not_trusted)?;
        PeerIdentity::from_verified(leaf, AnchorId::of(path.anchor())?)
    }

    /// As the verifier of a server configuration.
    pub(crate) fn verifier(&self, mandatory: bool) -> Arc<dyn ClientCertVerifier> {
        Arc::new(SwappingVerifier {
            current: Arc::clone(&self.current),
            mandatory,
        })
    }
}

/// Hands each question to the verifier of the moment.
#[derive(Debug)]
struct SwappingVerifier {
    current: Arc<ArcSwap<Snapshot>>,
    mandatory: bool,
}

impl SwappingVerifier {
    fn with<T>(
        &self,
        ask: impl FnOnce(&dyn ClientCertVerifier) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match &self.current.load().verifier {
            Some(verifier) => ask(&**verifier),
            None => Err(CertificateError::UnknownIssuer.into()),
        }
    }
}

impl ClientCertVerifier for SwappingVerifier {
    fn offer_client_auth(&self) -> bool {
        self.mandatory || self.current.load().verifier.is_some()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.with(|verifier| verifier.verify_client_cert(end_entity, intermediates, now))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.with(|verifier| verifier.verify_tls12_signature(message, cert, dss))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.with(|verifier| verifier.verify_tls13_signature(message, cert, dss))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        signature_algorithms().supported_schemes()
    }
}
