//! Reading certificates and private keys from PEM.
//!
//! File contents and private keys are wiped when dropped. No error repeats what a file says.

use std::path::Path;

use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use crate::error::TlsError;

/// A private key in DER, wiped when dropped.
pub type PrivateKey = Zeroizing<PrivateKeyDer<'static>>;

/// Every certificate of a PEM file, in order.
///
/// # Errors
/// The file cannot be read, is not PEM, or holds no certificate.
pub fn certificates_from_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    certificates(&read(path)?, &path.display().to_string())
}

/// Every certificate of a PEM text, in order. `origin` names the text in errors.
///
/// # Errors
/// The text is not PEM or holds no certificate.
pub fn certificates(text: &[u8], origin: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = CertificateDer::pem_slice_iter(text)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| not_pem(origin, &error))?;
    if certificates.is_empty() {
        return Err(TlsError::NoCertificate {
            origin: origin.into(),
        });
    }
    Ok(certificates)
}

/// The one private key of a PEM file.
///
/// # Errors
/// The file cannot be read, is not PEM, or does not hold exactly one unencrypted private key.
pub fn private_key_from_file(path: &Path) -> Result<PrivateKey, TlsError> {
    private_key(&read(path)?, &path.display().to_string())
}

/// The one private key of a PEM text. `origin` names the text in errors.
///
/// # Errors
/// The text is not PEM or does not hold exactly one unencrypted private key.
pub fn private_key(text: &[u8], origin: &str) -> Result<PrivateKey, TlsError> {
    // ENCRYPTED PRIVATE KEY is no section kind of the reader, which skips what it does not know
    if contains(text, b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
        || contains(text, b"Proc-Type: 4,ENCRYPTED")
    {
        return Err(TlsError::EncryptedPrivateKey {
            origin: origin.into(),
        });
    }
    let mut keys = PrivateKeyDer::pem_slice_iter(text).map(|key| key.map(Zeroizing::new));
    match (keys.next(), keys.next()) {
        (Some(Ok(key)), None) => Ok(key),
        (Some(Ok(_)), Some(Ok(_))) => Err(TlsError::SeveralPrivateKeys {
            origin: origin.into(),
        }),
        (Some(Err(error)), _) | (_, Some(Err(error))) => Err(not_pem(origin, &error)),
        (None, _) => Err(TlsError::NoPrivateKey {
            origin: origin.into(),
        }),
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    std::fs::read(path)
        .map(Zeroizing::new)
        .map_err(|source| TlsError::ReadFile {
            path: path.into(),
            source,
        })
}

fn contains(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|window| window == needle)
}

fn not_pem(origin: &str, error: &pem::Error) -> TlsError {
    TlsError::NotPem {
        origin: origin.into(),
        reason: match error {
            pem::Error::MissingSectionEnd { .. } => "a section has no end line".into(),
            pem::Error::IllegalSectionStart { .. } => "a begin line is broken".into(),
            pem::Error::Base64Decode(_) => "a section is not base64".into(),
            other => other.to_string(),
        },
    }
}
