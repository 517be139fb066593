//! What can go wrong before a connection exists: files, keys, certificates, configuration.
//!
//! Every message says what to do about it and none holds secret material.

use std::path::PathBuf;

/// A refusal while setting TLS up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read.
    #[error("cannot read `{}`: {source}", path.display())]
    ReadFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A text is not PEM.
    #[error(
        "`{origin}` is not valid PEM ({reason}): it must hold `-----BEGIN …-----` sections in base64"
    )]
    NotPem {
        /// File name, or what the text was.
        origin: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no certificate where one is needed.
    #[error(
        "`{origin}` holds no certificate: it must hold at least one `-----BEGIN CERTIFICATE-----` section"
    )]
    NoCertificate {
        /// File name, or what the text was.
        origin: String,
    },
    /// There is no private key where one is needed.
    #[error(
        "`{origin}` holds no private key: it must hold one `-----BEGIN PRIVATE KEY-----` section (PKCS#8; PKCS#1 and \
         SEC1 work too)"
    )]
    NoPrivateKey {
        /// File name, or what the text was.
        origin: String,
    },
    /// There is more than one private key, so which is meant is open.
    #[error(
        "`{origin}` holds more than one private key: keep the one that belongs to the certificate"
    )]
    SeveralPrivateKeys {
        /// File name, or what the text was.
        origin: String,
    },
    /// The private key is encrypted.
    #[error(
        "`{origin}` holds an encrypted private key: decrypt it first (`openssl pkey -in FILE -out FILE.clear`) and \
         guard the result by file permissions"
    )]
    EncryptedPrivateKey {
        /// File name, or what the text was.
        origin: String,
    },
    /// The module does not take the private key.
    #[error("private key refused: {reason}")]
    PrivateKeyRefused {
        /// Which rule it breaks.
        reason: String,
    },
    /// Certificate and private key are no pair.
    #[error(
        "the private key does not belong to the first certificate of the chain: put the certificate of this key first, \
         or load the other key"
    )]
    KeyMismatch,
    /// A certificate cannot be read or breaks a rule.
    #[error("certificate {position} of `{origin}` refused: {reason}")]
    CertificateRefused {
        /// File name, or what the list was.
        origin: String,
        /// Counting from 1.
        position: usize,
        /// Which rule it breaks.
        reason: String,
    },
    /// A client needs at least one anchor to trust a server by.
    #[error(
        "no trust anchor given: name the certificate file of the authority that issued the server's certificate"
    )]
    NoAnchor,
    /// A peer's certificate leads to no anchor that is trusted now.
    #[error("the peer's certificate is not trusted: {reason}")]
    PeerNotTrusted {
        /// What path validation said.
        reason: String,
    },
    /// A name for a certificate is not a DNS name, an IP address or a URI.
    #[error("`{name}` cannot stand in a certificate: give a DNS name or an IP address")]
    BadName {
        /// The name as given.
        name: String,
    },
    /// A certificate could not be made.
    #[error("certificate not made: {reason}")]
    NotIssued {
        /// Why.
        reason: String,
    },
    /// rustls refused the configuration.
    #[error("TLS configuration refused: {0}")]
    Configuration(#[from] rustls::Error),
    /// The module failed.
    #[error("the cryptographic module failed in {service}")]
    Module {
        /// Which service.
        service: &'static str,
    },
}
