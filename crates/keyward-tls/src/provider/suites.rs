//! The cipher suites: AES-GCM with ECDHE, in TLS 1.3 and TLS 1.2.

use rustls::crypto::KeyExchangeAlgorithm;
use rustls::{
    CipherSuite, CipherSuiteCommon, SignatureScheme, SupportedCipherSuite, Tls12CipherSuite,
    Tls13CipherSuite,
};

use super::{hash, key_schedule, prf, records};

/// Records under one key before rustls rekeys (TLS 1.3) or closes (TLS 1.2): RFC 8446 §5.5 allows 2^24.5 full ones.
const GCM_RECORDS: u64 = 1 << 24;

static ECDSA_SCHEMES: &[SignatureScheme] = &[
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP521_SHA512,
    SignatureScheme::ED25519,
];

static RSA_SCHEMES: &[SignatureScheme] = &[
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];

const fn common(suite: CipherSuite, hash_provider: &'static hash::ModuleHash) -> CipherSuiteCommon {
    CipherSuiteCommon {
        suite,
        hash_provider,
        confidentiality_limit: GCM_RECORDS,
    }
}

/// TLS 1.3, AES-128-GCM, SHA-256.
pub static TLS13_AES_128_GCM_SHA256: SupportedCipherSuite =
    SupportedCipherSuite::Tls13(&Tls13CipherSuite {
        common: common(CipherSuite::TLS13_AES_128_GCM_SHA256, &hash::SHA256),
        hkdf_provider: &key_schedule::SCHEDULE_SHA256,
        aead_alg: &records::TLS13_AES128,
        quic: None,
    });

/// TLS 1.3, AES-256-GCM, SHA-384.
pub static TLS13_AES_256_GCM_SHA384: SupportedCipherSuite =
    SupportedCipherSuite::Tls13(&Tls13CipherSuite {
        common: common(CipherSuite::TLS13_AES_256_GCM_SHA384, &hash::SHA384),
        hkdf_provider: &key_schedule::SCHEDULE_SHA384,
        aead_alg: &records::TLS13_AES256,
        quic: None,
    });

macro_rules! tls12 {
    ($($(#[$doc:meta])* $name:ident = $hash:ident, $prf:ident, $sign:ident, $aead:ident;)+) => {
        $($(#[$doc])* pub static $name: SupportedCipherSuite = SupportedCipherSuite::Tls12(&Tls12CipherSuite {
            common: common(CipherSuite::$name, &hash::$hash),
            prf_provider: &prf::$prf,
            kx: KeyExchangeAlgorithm::ECDHE,
            sign: $sign,
            aead_alg: &records::$aead,
        });)+
    };
}

tls12! {
    /// TLS 1.2, ECDHE, EC or Edwards certificate, AES-128-GCM, SHA-256.
    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 = SHA256, PRF_SHA256, ECDSA_SCHEMES, TLS12_AES128;
    /// TLS 1.2, ECDHE, EC or Edwards certificate, AES-256-GCM, SHA-384.
    TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 = SHA384, PRF_SHA384, ECDSA_SCHEMES, TLS12_AES256;
    /// TLS 1.2, ECDHE, RSA certificate, AES-128-GCM, SHA-256.
    TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 = SHA256, PRF_SHA256, RSA_SCHEMES, TLS12_AES128;
    /// TLS 1.2, ECDHE, RSA certificate, AES-256-GCM, SHA-384.
    TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 = SHA384, PRF_SHA384, RSA_SCHEMES, TLS12_AES256;
}
