//! Certificates for the first start and for tests: a self-signed one, or a small local authority.
//!
//! Keys are P-256, born in the module; the DER around them is built by `rcgen`, which signs through the module and
//! contains no cryptography of its own here. Not a public-key infrastructure: no revocation, no requests, no
//! intermediates. An organisation that has an authority uses that one instead.

use core::net::IpAddr;
use core::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use der::Decode;
use der::pem::LineEnding;
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber, SignatureAlgorithm,
    SigningKey,
};
use rustls::crypto::SecureRandom as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use time::OffsetDateTime;
use x509_cert::Certificate;
use zeroize::Zeroizing;

use crate::anchors::Anchors;
use crate::error::TlsError;
use crate::identity::Identity;
use crate::indicator::bracket;
use crate::peer::Fingerprint;
use crate::pem;
use crate::provider::random::ModuleRandom;
use crate::rows;

/// How many seconds before the time of issue a certificate starts, for peers whose clock is behind.
const BACKDATE: u64 = 60 * 60;

/// How long a certificate is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// The time of issue.
    pub now: UnixTime,
    /// Days from the time of issue.
    pub days: u32,
}

impl Lifetime {
    /// `days` from `now`.
    #[must_use]
    pub fn days(now: UnixTime, days: u32) -> Self {
        Self { now, days }
    }

    /// First and last moment, in seconds since the epoch.
    fn bounds(self) -> (u64, u64) {
        let now = self.now.as_secs();
        let length = u64::from(self.days) * 24 * 60 * 60;
        (now.saturating_sub(BACKDATE), now.saturating_add(length))
    }
}

/// A certificate with its new private key, as text for files.
pub struct Issued {
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    private_key_pem: Zeroizing<String>,
}

impl Issued {
    /// The certificate.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The certificate as PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The private key as PEM (PKCS#8, not encrypted): goes into a file only its owner can read, and nowhere else.
    #[must_use]
    pub fn private_key_pem(&self) -> &str {
        &self.private_key_pem
    }

    /// As the identity of a configuration.
    ///
    /// # Errors
    /// As [`Identity::new`].
    pub fn identity(&self) -> Result<Identity, TlsError> {
        let key = pem::private_key(self.private_key_pem.as_bytes(), "issued key")?;
        Identity::new(vec![self.certificate.clone()], &key)
    }
}

/// A self-signed server certificate for `names` (DNS names and IP addresses), valid for `lifetime`.
///
/// A client trusts it by naming this very certificate as its anchor.
///
/// # Errors
/// A name is none, or the module failed.
pub fn self_signed(names: &[&str], lifetime: Lifetime) -> Result<Issued, TlsError> {
    let key = ModuleP256::generate()?;
    let params = server_params(names, lifetime, &key)?;
    let certificate = params
        .self_signed(&key)
        .map_err(|error| not_issued(&error))?;
    issued(certificate, &key)
}

/// A small certificate authority of one P-256 key.
pub struct LocalAuthority {
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    params: CertificateParams,
    key: ModuleP256,
}

impl LocalAuthority {
    /// A new authority called `name`, valid for `lifetime`.
    ///
    /// # Errors
    /// The module failed.
    pub fn generate(name: &str, lifetime: Lifetime) -> Result<Self, TlsError> {
        let key = ModuleP256::generate()?;
        let params = authority_params(name, lifetime, &key)?;
        let certificate = params
            .self_signed(&key)
            .map_err(|error| not_issued(&error))?;
        Ok(Self {
            certificate: certificate.der().clone(),
            certificate_pem: certificate.pem(),
            params,
            key,
        })
    }

    /// An authority read back from the two texts it was written to.
    ///
    /// # Errors
    /// A text is not what it should be, or the two are no pair.
    pub fn from_pem(certificate_pem: &str, private_key_pem: &str) -> Result<Self, TlsError> {
        let origin = "authority certificate";
        let certificate = pem::certificates(certificate_pem.as_bytes(), origin)?.swap_remove(0);
        let private_key = pem::private_key(private_key_pem.as_bytes(), "authority key")?;
        // proves that the two are a pair
        Identity::new(vec![certificate.clone()], &private_key)?;
        let key = ModuleP256::load(&private_key)?;
        let name = only_common_name(&certificate).ok_or_else(|| TlsError::CertificateRefused {
            origin: origin.into(),
            position: 1,
            reason: "not made by this program: its subject is not one common name".into(),
        })?;
        Ok(Self {
            // only the name and the key of these reach what it signs
            params: authority_params(
                &name,
                Lifetime::days(UnixTime::since_unix_epoch(Duration::ZERO), 0),
                &key,
            )?,
            certificate,
            certificate_pem: certificate_pem.into(),
            key,
        })
    }

    /// The authority's certificate.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The authority's certificate as PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The authority's private key as PEM: goes into a file only its owner can read, and nowhere else.
    ///
    /// # Errors
    /// The module failed.
    pub fn private_key_pem(&self) -> Result<Zeroizing<String>, TlsError> {
        self.key.private_key_pem()
    }

    /// As the only anchor of a configuration.
    ///
    /// # Errors
    /// Never for an authority made here.
    pub fn anchors(&self) -> Result<Anchors, TlsError> {
        Anchors::new(core::slice::from_ref(&self.certificate), "local authority")
    }

    /// A server certificate for `names` (DNS names and IP addresses), valid for `lifetime`.
    ///
    /// # Errors
    /// A name is none, or the module failed.
    pub fn issue_server(&self, names: &[&str], lifetime: Lifetime) -> Result<Issued, TlsError> {
        let key = ModuleP256::generate()?;
        self.sign(&server_params(names, lifetime, &key)?, &key)
    }

    /// A client certificate with the common name `name` and, if given, one URI, valid for `lifetime`.
    ///
    /// # Errors
    /// The URI is not ASCII, or the module failed.
    pub fn issue_client(
        &self,
        name: &str,
        uri: Option<&str>,
        lifetime: Lifetime,
    ) -> Result<Issued, TlsError> {
        let key = ModuleP256::generate()?;
        let mut params = leaf_params(name, lifetime, &key, ExtendedKeyUsagePurpose::ClientAuth)?;
        if let Some(uri) = uri {
            params.subject_alt_names = vec![SanType::URI(ia5(uri)?)];
        }
        self.sign(&params, &key)
    }

    fn sign(&self, params: &CertificateParams, key: &ModuleP256) -> Result<Issued, TlsError> {
        let issuer = Issuer::from_params(&self.params, &self.key);
        let certificate = params
            .signed_by(key, &issuer)
            .map_err(|error| not_issued(&error))?;
        issued(certificate, key)
    }
}

/// A P-256 key pair inside the module, in the shape `rcgen` signs with.
struct ModuleP256(EcdsaKeyPair);

impl ModuleP256 {
    fn generate() -> Result<Self, TlsError> {
        bracket(&rows::KEYGEN_P256, || {
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)
        })
        .map(Self)
        .map_err(|_| module("EC key generation"))
    }

    fn load(key: &PrivateKeyDer<'_>) -> Result<Self, TlsError> {
        EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_ASN1_SIGNING, key.secret_der())
            .map(Self)
            .map_err(|_| TlsError::PrivateKeyRefused {
                reason: "the key of a local authority is on P-256".into(),
            })
    }

    fn private_key_pem(&self) -> Result<Zeroizing<String>, TlsError> {
        let pkcs8 = self.0.to_pkcs8v1().map_err(|_| module("key encoding"))?;
        der::pem::encode_string("PRIVATE KEY", LineEnding::LF, pkcs8.as_ref())
            .map(Zeroizing::new)
            .map_err(|_| module("key encoding"))
    }

    fn key_identifier(&self) -> Result<Vec<u8>, TlsError> {
        let hash = Fingerprint::of(self.der_bytes())?;
        // RFC 7093 §2 method 1: the first 160 bits
        Ok(hash.as_bytes().iter().copied().take(20).collect())
    }
}

impl PublicKeyData for ModuleP256 {
    fn der_bytes(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl SigningKey for ModuleP256 {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        bracket(&rows::SIGN_ECDSA_P256_SHA256, || {
            self.0.sign(&SystemRandom::new(), message)
        })
        .map(|signature| signature.as_ref().to_vec())
        .map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

fn authority_params(
    name: &str,
    lifetime: Lifetime,
    key: &ModuleP256,
) -> Result<CertificateParams, TlsError> {
    let mut params = common_params(name, lifetime, key)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn server_params(
    names: &[&str],
    lifetime: Lifetime,
    key: &ModuleP256,
) -> Result<CertificateParams, TlsError> {
    let first = names.first().ok_or_else(|| TlsError::BadName {
        name: String::new(),
    })?;
    let mut params = leaf_params(first, lifetime, key, ExtendedKeyUsagePurpose::ServerAuth)?;
    params.subject_alt_names = names
        .iter()
        .map(|name| match name.parse::<IpAddr>() {
            Ok(address) => Ok(SanType::IpAddress(address)),
            Err(_) => dns_name(name),
        })
        .collect::<Result<_, _>>()?;
    Ok(params)
}

fn leaf_params(
    name: &str,
    lifetime: Lifetime,
    key: &ModuleP256,
    usage: ExtendedKeyUsagePurpose,
) -> Result<CertificateParams, TlsError> {
    let mut params = common_params(name, lifetime, key)?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    Ok(params)
}

fn common_params(
    name: &str,
    lifetime: Lifetime,
    key: &ModuleP256,
) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let (first, last) = lifetime.bounds();
    params.not_before = moment(first)?;
    params.not_after = moment(last)?;
    params.serial_number = Some(serial_number()?);
    params.key_identifier_method = KeyIdMethod::PreSpecified(key.key_identifier()?);
    Ok(params)
}

fn moment(seconds: u64) -> Result<OffsetDateTime, TlsError> {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .ok_or_else(|| TlsError::NotIssued {
            reason: "its end is beyond the year 9999".into(),
        })
}

/// 126 random bits: unique without a counter, positive, and within the 20 bytes of RFC 5280 §4.1.2.2.
fn serial_number() -> Result<SerialNumber, TlsError> {
    let mut bytes = [0; 16];
    ModuleRandom
        .fill(&mut bytes)
        .map_err(|_| module("random generation"))?;
    let [first, ..] = &mut bytes;
    *first = (*first & 0x7f) | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

fn dns_name(name: &str) -> Result<SanType, TlsError> {
    // the same rule a client will apply when it compares
    rustls_pki_types::DnsName::try_from(name.strip_prefix("*.").unwrap_or(name))
        .map_err(|_| TlsError::BadName { name: name.into() })?;
    Ok(SanType::DnsName(ia5(name)?))
}

fn ia5(text: &str) -> Result<Ia5String, TlsError> {
    Ia5String::try_from(text).map_err(|_| TlsError::BadName { name: text.into() })
}

fn only_common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let subject = certificate.tbs_certificate().subject();
    let name = subject.common_name().ok()??.value().to_string();
    (subject.iter().count() == 1).then_some(name)
}

fn issued(certificate: rcgen::Certificate, key: &ModuleP256) -> Result<Issued, TlsError> {
    Ok(Issued {
        certificate_pem: certificate.pem(),
        certificate: certificate.into(),
        private_key_pem: key.private_key_pem()?,
    })
}

fn module(service: &'static str) -> TlsError {
    TlsError::Module { service }
}

fn not_issued(error: &rcgen::Error) -> TlsError {
    TlsError::NotIssued {
        reason: error.to_string(),
    }
}
