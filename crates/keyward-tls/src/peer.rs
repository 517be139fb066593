//! Who the peer is: what a verified client certificate says, in one typed value.
//!
//! A value of [`PeerIdentity`] exists only for a chain that leads to a trusted anchor *now*; names are taken from the
//! certificate as they stand, and it is the caller who decides what a name may do.

use core::fmt;
use core::net::IpAddr;

use aws_lc_rs::digest;
use der::Decode;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use x509_cert::Certificate;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::error::TlsError;
use crate::indicator::bracket;
use crate::rows;

/// SHA-256 of something in DER.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of `der`, computed by the module.
    ///
    /// # Errors
    /// The module failed.
    pub fn of(der: &[u8]) -> Result<Self, TlsError> {
        let failed = TlsError::Module { service: "SHA-256" };
        let digest = bracket(&rows::SHA256, || {
            Ok::<_, TlsError>(digest::digest(&digest::SHA256, der))
        })?;
        <[u8; 32]>::try_from(digest.as_ref())
            .map(Self)
            .map_err(|_| failed)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Fingerprint {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// A trust anchor, named by the SHA-256 of its public key (DER `SubjectPublicKeyInfo`): the same after a renewal of
/// the anchor's certificate with the same key. Two certificates with one key are therefore one anchor, so an authority
/// must not be given to two owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AnchorId(pub Fingerprint);

impl AnchorId {
    /// The id of `anchor`.
    ///
    /// # Errors
    /// The module failed.
    pub fn of(anchor: &TrustAnchor<'_>) -> Result<Self, TlsError> {
        Fingerprint::of(webpki::spki_for_anchor(anchor).as_ref()).map(Self)
    }
}

impl fmt::Display for AnchorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A subject alternative name of a certificate. Kinds that no rule of ours reads are left out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AlternativeName {
    /// A DNS name.
    Dns(String),
    /// A URI, for example a SPIFFE id.
    Uri(String),
    /// A mail address.
    Email(String),
    /// An IP address.
    Ip(IpAddr),
}

/// A peer that proved possession of the key of a certificate that leads to a trusted anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerIdentity {
    certificate: CertificateDer<'static>,
    fingerprint: Fingerprint,
    anchor: AnchorId,
    subject: String,
    alternative_names: Vec<AlternativeName>,
    not_after: UnixTime,
}

impl PeerIdentity {
    /// Reads a certificate whose path to `anchor` was just verified.
    pub(crate) fn from_verified(
        leaf: &CertificateDer<'_>,
        anchor: AnchorId,
    ) -> Result<Self, TlsError> {
        let certificate = parse(leaf).map_err(refused)?;
        Ok(Self {
            certificate: leaf.clone().into_owned(),
            fingerprint: Fingerprint::of(leaf)?,
            anchor,
            subject: certificate.tbs_certificate().subject().to_string(),
            alternative_names: alternative_names(&certificate).map_err(refused)?,
            not_after: end_of(&certificate),
        })
    }

    /// The peer's own certificate.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// SHA-256 of the peer's own certificate.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The anchor that vouches for the names. The same name under another anchor is another peer.
    #[must_use]
    pub fn anchor(&self) -> AnchorId {
        self.anchor
    }

    /// The subject as RFC 4514 text.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The alternative names, in the order of the certificate.
    #[must_use]
    pub fn alternative_names(&self) -> &[AlternativeName] {
        &self.alternative_names
    }

    /// When the certificate ends.
    #[must_use]
    pub fn not_after(&self) -> UnixTime {
        self.not_after
    }
}

fn refused(reason: String) -> TlsError {
    TlsError::CertificateRefused {
        origin: "the peer's chain".into(),
        position: 1,
        reason,
    }
}

/// Subject and alternative names of a certificate nobody has verified: what is read of a verified one, for the fuzz
/// targets, which cannot make signatures hold.
///
/// # Errors
/// It cannot be read.
#[doc(hidden)]
pub fn unverified_names(
    certificate: &CertificateDer<'_>,
) -> Result<(String, Vec<AlternativeName>), String> {
    let certificate = parse(certificate)?;
    let subject = certificate.tbs_certificate().subject().to_string();
    Ok((subject, alternative_names(&certificate)?))
}

/// When `certificate` ends.
pub(crate) fn not_after(certificate: &CertificateDer<'_>) -> Result<UnixTime, String> {
    parse(certificate).map(|certificate| end_of(&certificate))
}

fn parse(certificate: &CertificateDer<'_>) -> Result<Certificate, String> {
    Certificate::from_der(certificate).map_err(|error| format!("not a DER certificate ({error})"))
}

fn end_of(certificate: &Certificate) -> UnixTime {
    let end = certificate.tbs_certificate().validity().not_after;
    UnixTime::since_unix_epoch(end.to_unix_duration())
}

fn alternative_names(certificate: &Certificate) -> Result<Vec<AlternativeName>, String> {
    let names = certificate
        .tbs_certificate()
        .get_extension::<SubjectAltName>()
        .map_err(|error| format!("its alternative names cannot be read ({error})"))?;
    let Some((_critical, SubjectAltName(names))) = names else {
        return Ok(Vec::new());
    };
    Ok(names
        .into_iter()
        .filter_map(|name| match name {
            GeneralName::DnsName(name) => Some(AlternativeName::Dns(name.to_string())),
            GeneralName::UniformResourceIdentifier(uri) => {
                Some(AlternativeName::Uri(uri.to_string()))
            }
            GeneralName::Rfc822Name(mail) => Some(AlternativeName::Email(mail.to_string())),
            GeneralName::IpAddress(bytes) => ip(bytes.as_bytes()).map(AlternativeName::Ip),
            _ => None,
        })
        .collect())
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(bytes)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}
