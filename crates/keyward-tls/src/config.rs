//! Server and client configurations: the one place where rustls' options are chosen.
//!
//! What every configuration has: TLS 1.3 and 1.2 only, the extended master secret required, no tickets (sessions
//! resume from a bounded memory cache), the server's order of suites, no early data, no key log, no secret extraction,
//! no renegotiation (rustls has none). A configuration whose `fips()` is not true is refused, not served.

use std::sync::Arc;

use rustls::client::{Resumption, Tls12Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::server::{ServerSessionMemoryCache, WebPkiClientVerifier};
use rustls::{ClientConfig, Error, ServerConfig};

use crate::anchors::{Anchors, ClientAnchors};
use crate::error::TlsError;
use crate::identity::ReloadableIdentity;
use crate::provider::default_provider;

/// Sessions kept for resumption.
const SESSIONS: usize = 4096;

/// Whether a server asks clients for certificates.
#[derive(Debug, Clone)]
pub enum ClientAuth {
    /// No certificate is asked for.
    None,
    /// A certificate is asked for; a client without one is let in and identified in another way.
    Offered(ClientAnchors),
    /// A client without a certificate is turned away in the handshake.
    Required(ClientAnchors),
}

/// The application protocol a connection negotiates (RFC 7301).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alpn {
    /// HTTP/2, else HTTP/1.1.
    Http,
    /// None: for protocols that came before ALPN.
    None,
}

impl Alpn {
    fn protocols(self) -> Vec<Vec<u8>> {
        match self {
            Self::Http => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            Self::None => Vec::new(),
        }
    }
}

/// The configuration of a listener on the default provider.
///
/// # Errors
/// rustls refuses the configuration.
pub fn server_config(
    identity: &Arc<ReloadableIdentity>,
    client_auth: &ClientAuth,
    alpn: Alpn,
) -> Result<Arc<ServerConfig>, TlsError> {
    server_config_on(default_provider(), identity, client_auth, alpn)
}

/// As [`server_config`], on a provider narrowed by the caller (fewer suites, groups or schemes).
///
/// # Errors
/// rustls refuses the configuration, or it holds something that is not approved.
pub fn server_config_on(
    provider: Arc<CryptoProvider>,
    identity: &Arc<ReloadableIdentity>,
    client_auth: &ClientAuth,
    alpn: Alpn,
) -> Result<Arc<ServerConfig>, TlsError> {
    let verifier = match client_auth {
        ClientAuth::None => WebPkiClientVerifier::no_client_auth(),
        ClientAuth::Offered(anchors) => anchors.verifier(false),
        ClientAuth::Required(anchors) => anchors.verifier(true),
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::clone(identity) as _);
    config.alpn_protocols = alpn.protocols();
    config.session_storage = ServerSessionMemoryCache::new(SESSIONS);
    config.require_ems = true;
    config.ignore_client_order = true;
    if !config.fips() {
        return Err(not_approved());
    }
    Ok(Arc::new(config))
}

/// The configuration of a client that trusts `anchors` and shows `identity` where it is asked for one, on the default
/// provider.
///
/// # Errors
/// There is no anchor, or rustls refuses the configuration.
pub fn client_config(
    anchors: &Anchors,
    identity: Option<&Arc<ReloadableIdentity>>,
    alpn: Alpn,
) -> Result<Arc<ClientConfig>, TlsError> {
    client_config_on(default_provider(), anchors, identity, alpn)
}

/// As [`client_config`], on a provider narrowed by the caller (fewer suites, groups or schemes).
///
/// # Errors
/// There is no anchor, rustls refuses the configuration, or it holds something that is not approved.
pub fn client_config_on(
    provider: Arc<CryptoProvider>,
    anchors: &Anchors,
    identity: Option<&Arc<ReloadableIdentity>>,
    alpn: Alpn,
) -> Result<Arc<ClientConfig>, TlsError> {
    if anchors.is_empty() {
        return Err(TlsError::NoAnchor);
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(
        Arc::clone(anchors.roots()),
        Arc::clone(&provider),
    )
    .build()
    .map_err(|error| Error::General(error.to_string()))?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_webpki_verifier(verifier);
    let mut config = match identity {
        Some(identity) => builder.with_client_cert_resolver(Arc::clone(identity) as _),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.protocols();
    config.resumption =
        Resumption::in_memory_sessions(256).tls12_resumption(Tls12Resumption::SessionIdOnly);
    config.require_ems = true;
    if !config.fips() {
        return Err(not_approved());
    }
    Ok(Arc::new(config))
}

fn not_approved() -> TlsError {
    Error::General("the provider holds a component that is not approved".into()).into()
}
