//! Client certificates: which anchors are believed, and what of a verified certificate the engine is told.
use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use keyward_engine::{Engine, PresentedCertificate};
use keyward_tls::{AlternativeName, AnchorId, Anchors, ClientAnchors, Fingerprint, TlsError};
use rustls_pki_types::{CertificateDer, UnixTime};

/// The anchors of all realms.
pub(crate) struct Peers {
    pub(crate) anchors: ClientAnchors,
    certificates: ArcSwap<HashMap<AnchorId, Vec<[u8; 32]>>>,
    known: parking_lot::Mutex<Vec<Vec<u8>>>,
}

impl Peers {
    pub(crate) fn new() -> Result<Self, TlsError> {
        Ok(Self {
            anchors: ClientAnchors::new(Anchors::new(&[], "registered anchors")?)?,
            certificates: ArcSwap::from_pointee(HashMap::new()),
            known: parking_lot::Mutex::new(Vec::new()),
        })
    }

    /// Takes over the anchors that are registered now.
    pub(crate) fn refresh(&self, engine: &Engine) {
        let Ok(registered) = engine.anchors() else {
            return;
        };
        let mut known = self.known.lock();
        if *known == registered {
            return;
        }
        if let Err(error) = self.take(&registered) {
            tracing::error!(%error, "registered trust anchors could not be taken over");
            return;
        }
        *known = registered;
    }

    fn take(&self, registered: &[Vec<u8>]) -> Result<(), TlsError> {
        let mut usable = Vec::new();
        let mut by_id: HashMap<AnchorId, Vec<[u8; 32]>> = HashMap::new();
        for der in registered {
            let certificate = CertificateDer::from(der.clone());
            let Ok(anchor) = webpki::anchor_from_trusted_cert(&certificate) else {
                tracing::warn!("a registered trust anchor is no usable certificate");
                continue;
            };
            let id = AnchorId::of(&anchor)?;
            by_id
                .entry(id)
                .or_default()
                .push(*Fingerprint::of(der)?.as_bytes());
            usable.push(certificate.clone());
        }
        self.anchors
            .replace(Anchors::new(&usable, "registered anchors")?)?;
        self.certificates.store(Arc::new(by_id));
        Ok(())
    }

    /// What a verified client certificate says.
    pub(crate) fn presented(
        &self,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Option<PresentedCertificate> {
        let peer = self.anchors.identify(chain, now).ok()?;
        let anchors = self
            .certificates
            .load()
            .get(&peer.anchor())
            .cloned()
            .unwrap_or_default();
        let mut names: Vec<String> = peer
            .alternative_names()
            .iter()
            .filter_map(|name| match name {
                AlternativeName::Dns(name) => Some(format!("dns:{name}")),
                AlternativeName::Uri(uri) => Some(format!("uri:{uri}")),
                _ => None,
            })
            .collect();
        // RFC 4514 text; a subject with only a common name is the common case of small authorities.
        if let Some(name) = peer
            .subject()
            .strip_prefix("CN=")
            .filter(|name| !name.contains([',', '+', '\\']))
        {
            names.push(format!("cn:{name}"));
        }
        Some(PresentedCertificate {
            fingerprint: *peer.fingerprint().as_bytes(),
            anchors,
            names,
        })
    }
}
