//! Object identifiers of algorithms, as data: one row per identifier.

use crate::finding::Algorithm;

/// What an algorithm is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Public-key algorithm of a key.
    Key,
    /// Signature algorithm (key algorithm and hash).
    Signature,
    /// Symmetric encryption.
    Cipher,
    /// Digest.
    Hash,
    /// Key derivation or password-based encryption.
    Kdf,
    /// Message authentication.
    Mac,
}

/// One row: identifier, role, family name, bits, mode or hash, curve or parameter set.
type Row = (&'static str, Role, &'static str, u32, &'static str, &'static str);

/// The table. Families are spelt as `spec/algorithm-status.toml` spells them.
const ROWS: &[Row] = &[
    ("1.2.840.113549.1.1.1", Role::Key, "RSA", 0, "", ""),
    ("1.2.840.113549.1.1.7", Role::Key, "RSA", 0, "OAEP", ""),
    ("1.2.840.113549.1.1.10", Role::Signature, "RSA", 0, "PSS", ""),
    ("2.5.8.1.1", Role::Key, "RSA", 0, "", ""),
    ("1.2.840.113549.1.1.2", Role::Signature, "RSA", 0, "MD2", ""),
    ("1.2.840.113549.1.1.3", Role::Signature, "RSA", 0, "MD4", ""),
    ("1.2.840.113549.1.1.4", Role::Signature, "RSA", 0, "MD5", ""),
    ("1.2.840.113549.1.1.5", Role::Signature, "RSA", 0, "SHA-1", ""),
    ("1.3.14.3.2.29", Role::Signature, "RSA", 0, "SHA-1", ""),
    ("1.3.14.3.2.3", Role::Signature, "RSA", 0, "MD5", ""),
    ("1.2.840.113549.1.1.14", Role::Signature, "RSA", 0, "SHA-224", ""),
    ("1.2.840.113549.1.1.11", Role::Signature, "RSA", 0, "SHA-256", ""),
    ("1.2.840.113549.1.1.12", Role::Signature, "RSA", 0, "SHA-384", ""),
    ("1.2.840.113549.1.1.13", Role::Signature, "RSA", 0, "SHA-512", ""),
    ("1.2.840.113549.1.1.15", Role::Signature, "RSA", 0, "SHA-512/224", ""),
    ("1.2.840.113549.1.1.16", Role::Signature, "RSA", 0, "SHA-512/256", ""),
    ("2.16.840.1.101.3.4.3.14", Role::Signature, "RSA", 0, "SHA3-256", ""),
    ("1.3.36.3.3.1.2", Role::Signature, "RSA", 0, "RIPEMD-160", ""),
    ("1.2.840.10040.4.1", Role::Key, "DSA", 0, "", ""),
    ("1.2.840.10040.4.3", Role::Signature, "DSA", 0, "SHA-1", ""),
    ("1.3.14.3.2.12", Role::Key, "DSA", 0, "", ""),
    ("1.3.14.3.2.27", Role::Signature, "DSA", 0, "SHA-1", ""),
    ("2.16.840.1.101.3.4.3.1", Role::Signature, "DSA", 0, "SHA-224", ""),
    ("2.16.840.1.101.3.4.3.2", Role::Signature, "DSA", 0, "SHA-256", ""),
    ("1.2.840.10046.2.1", Role::Key, "DH", 0, "", ""),
    ("1.2.840.113549.1.3.1", Role::Key, "DH", 0, "", ""),
    ("1.2.840.10045.2.1", Role::Key, "EC", 0, "", ""),
    ("1.3.132.1.12", Role::Key, "EC", 0, "", ""),
    ("1.2.840.10045.4.1", Role::Signature, "ECDSA", 0, "SHA-1", ""),
    ("1.2.840.10045.4.3.1", Role::Signature, "ECDSA", 0, "SHA-224", ""),
    ("1.2.840.10045.4.3.2", Role::Signature, "ECDSA", 0, "SHA-256", ""),
    ("1.2.840.10045.4.3.3", Role::Signature, "ECDSA", 0, "SHA-384", ""),
    ("1.2.840.10045.4.3.4", Role::Signature, "ECDSA", 0, "SHA-512", ""),
    ("1.3.101.110", Role::Key, "X25519", 253, "", ""),
    ("1.3.101.111", Role::Key, "X448", 446, "", ""),
    ("1.3.101.112", Role::Key, "Ed25519", 253, "", ""),
    ("1.3.101.113", Role::Key, "Ed448", 456, "", ""),
    ("1.2.643.7.1.1.1.1", Role::Key, "GOST-R-34.10-2012", 256, "", ""),
    ("1.2.643.7.1.1.1.2", Role::Key, "GOST-R-34.10-2012", 512, "", ""),
    ("1.2.643.2.2.19", Role::Key, "GOST-R-34.10-2001", 256, "", ""),
    ("1.2.643.7.1.1.3.2", Role::Signature, "GOST-R-34.10-2012", 256, "", ""),
    ("1.2.156.10197.1.501", Role::Signature, "SM2", 256, "SM3", ""),
    ("2.16.840.1.101.3.4.4.1", Role::Key, "ML-KEM", 512, "", "ML-KEM-512"),
    ("2.16.840.1.101.3.4.4.2", Role::Key, "ML-KEM", 768, "", "ML-KEM-768"),
    ("2.16.840.1.101.3.4.4.3", Role::Key, "ML-KEM", 1024, "", "ML-KEM-1024"),
    ("2.16.840.1.101.3.4.3.17", Role::Key, "ML-DSA", 44, "", "ML-DSA-44"),
    ("2.16.840.1.101.3.4.3.18", Role::Key, "ML-DSA", 65, "", "ML-DSA-65"),
    ("2.16.840.1.101.3.4.3.19", Role::Key, "ML-DSA", 87, "", "ML-DSA-87"),
    ("2.16.840.1.101.3.4.3.20", Role::Key, "SLH-DSA", 128, "", "SLH-DSA-SHA2-128s"),
    ("2.16.840.1.101.3.4.3.21", Role::Key, "SLH-DSA", 128, "", "SLH-DSA-SHA2-128f"),
    ("2.16.840.1.101.3.4.3.22", Role::Key, "SLH-DSA", 192, "", "SLH-DSA-SHA2-192s"),
    ("2.16.840.1.101.3.4.3.23", Role::Key, "SLH-DSA", 192, "", "SLH-DSA-SHA2-192f"),
    ("2.16.840.1.101.3.4.3.24", Role::Key, "SLH-DSA", 256, "", "SLH-DSA-SHA2-256s"),
    ("2.16.840.1.101.3.4.3.25", Role::Key, "SLH-DSA", 256, "", "SLH-DSA-SHA2-256f"),
    ("2.16.840.1.101.3.4.3.26", Role::Key, "SLH-DSA", 128, "", "SLH-DSA-SHAKE-128s"),
    ("2.16.840.1.101.3.4.3.27", Role::Key, "SLH-DSA", 128, "", "SLH-DSA-SHAKE-128f"),
    ("2.16.840.1.101.3.4.3.28", Role::Key, "SLH-DSA", 192, "", "SLH-DSA-SHAKE-192s"),
    ("2.16.840.1.101.3.4.3.29", Role::Key, "SLH-DSA", 192, "", "SLH-DSA-SHAKE-192f"),
    ("2.16.840.1.101.3.4.3.30", Role::Key, "SLH-DSA", 256, "", "SLH-DSA-SHAKE-256s"),
    ("2.16.840.1.101.3.4.3.31", Role::Key, "SLH-DSA", 256, "", "SLH-DSA-SHAKE-256f"),
    ("1.2.840.113549.1.9.16.3.17", Role::Key, "LMS", 256, "", "HSS/LMS"),
    ("1.3.6.1.5.5.7.6.34", Role::Key, "XMSS", 256, "", "XMSS"),
    ("1.3.6.1.5.5.7.6.35", Role::Key, "XMSS", 256, "", "XMSSMT"),
    ("1.3.9999.6.4.16", Role::Key, "SPHINCS+", 128, "", ""),
    ("1.3.9999.3.11", Role::Key, "Falcon", 512, "", "Falcon-512"),
    ("1.3.6.1.4.1.2.267.12.4.4", Role::Key, "Dilithium", 44, "", "Dilithium2"),
    ("1.3.6.1.4.1.2.267.12.6.5", Role::Key, "Dilithium", 65, "", "Dilithium3"),
    ("1.3.6.1.4.1.2.267.12.8.7", Role::Key, "Dilithium", 87, "", "Dilithium5"),
    ("1.2.840.113549.2.2", Role::Hash, "MD2", 128, "", ""),
    ("1.2.840.113549.2.4", Role::Hash, "MD4", 128, "", ""),
    ("1.2.840.113549.2.5", Role::Hash, "MD5", 128, "", ""),
    ("1.3.14.3.2.26", Role::Hash, "SHA-1", 160, "", ""),
    ("2.16.840.1.101.3.4.2.4", Role::Hash, "SHA-224", 224, "", ""),
    ("2.16.840.1.101.3.4.2.1", Role::Hash, "SHA-256", 256, "", ""),
    ("2.16.840.1.101.3.4.2.2", Role::Hash, "SHA-384", 384, "", ""),
    ("2.16.840.1.101.3.4.2.3", Role::Hash, "SHA-512", 512, "", ""),
    ("2.16.840.1.101.3.4.2.8", Role::Hash, "SHA3-256", 256, "", ""),
    ("2.16.840.1.101.3.4.2.10", Role::Hash, "SHA3-512", 512, "", ""),
    ("1.3.14.3.2.7", Role::Cipher, "DES", 56, "CBC", ""),
    ("1.2.840.113549.3.7", Role::Cipher, "3DES", 168, "CBC", ""),
    ("1.2.840.113549.3.2", Role::Cipher, "RC2", 128, "CBC", ""),
    ("1.2.840.113549.3.4", Role::Cipher, "RC4", 128, "", ""),
    ("1.2.840.113549.1.9.16.3.6", Role::Cipher, "3DES", 168, "KW", ""),
    ("2.16.840.1.101.3.4.1.1", Role::Cipher, "AES", 128, "ECB", ""),
    ("2.16.840.1.101.3.4.1.2", Role::Cipher, "AES", 128, "CBC", ""),
    ("2.16.840.1.101.3.4.1.5", Role::Cipher, "AES", 128, "KW", ""),
    ("2.16.840.1.101.3.4.1.6", Role::Cipher, "AES", 128, "GCM", ""),
    ("2.16.840.1.101.3.4.1.7", Role::Cipher, "AES", 128, "CCM", ""),
    ("2.16.840.1.101.3.4.1.22", Role::Cipher, "AES", 192, "CBC", ""),
    ("2.16.840.1.101.3.4.1.25", Role::Cipher, "AES", 192, "KW", ""),
    ("2.16.840.1.101.3.4.1.26", Role::Cipher, "AES", 192, "GCM", ""),
    ("2.16.840.1.101.3.4.1.27", Role::Cipher, "AES", 192, "CCM", ""),
    ("2.16.840.1.101.3.4.1.41", Role::Cipher, "AES", 256, "ECB", ""),
    ("2.16.840.1.101.3.4.1.42", Role::Cipher, "AES", 256, "CBC", ""),
    ("2.16.840.1.101.3.4.1.45", Role::Cipher, "AES", 256, "KW", ""),
    ("2.16.840.1.101.3.4.1.46", Role::Cipher, "AES", 256, "GCM", ""),
    ("2.16.840.1.101.3.4.1.47", Role::Cipher, "AES", 256, "CCM", ""),
    ("2.16.840.1.101.3.4.1.48", Role::Cipher, "AES", 256, "KWP", ""),
    ("1.2.392.200011.61.1.1.1.2", Role::Cipher, "Camellia", 128, "CBC", ""),
    ("1.2.392.200011.61.1.1.1.4", Role::Cipher, "Camellia", 256, "CBC", ""),
    ("1.2.410.200004.1.4", Role::Cipher, "SEED", 128, "CBC", ""),
    ("1.2.156.10197.1.104.2", Role::Cipher, "SM4", 128, "CBC", ""),
    ("1.2.840.113533.7.66.10", Role::Cipher, "CAST5", 128, "CBC", ""),
    ("1.2.840.113549.1.9.16.3.18", Role::Cipher, "ChaCha20-Poly1305", 256, "", ""),
    ("1.2.840.113549.1.5.1", Role::Kdf, "DES", 56, "PBE-MD2", ""),
    ("1.2.840.113549.1.5.3", Role::Kdf, "DES", 56, "PBE-MD5", ""),
    ("1.2.840.113549.1.5.4", Role::Kdf, "RC2", 64, "PBE-MD2", ""),
    ("1.2.840.113549.1.5.6", Role::Kdf, "RC2", 64, "PBE-MD5", ""),
    ("1.2.840.113549.1.5.10", Role::Kdf, "DES", 56, "PBE-SHA-1", ""),
    ("1.2.840.113549.1.5.11", Role::Kdf, "RC2", 64, "PBE-SHA-1", ""),
    ("1.2.840.113549.1.5.12", Role::Kdf, "PBKDF2", 0, "", ""),
    ("1.2.840.113549.1.5.13", Role::Kdf, "PBES2", 0, "", ""),
    ("1.3.6.1.4.1.11591.4.11", Role::Kdf, "scrypt", 0, "", ""),
    ("1.2.840.113549.1.12.1.1", Role::Kdf, "RC4", 128, "PBE-SHA-1", ""),
    ("1.2.840.113549.1.12.1.2", Role::Kdf, "RC4", 40, "PBE-SHA-1", ""),
    ("1.2.840.113549.1.12.1.3", Role::Kdf, "3DES", 168, "PBE-SHA-1", ""),
    ("1.2.840.113549.1.12.1.4", Role::Kdf, "2TDEA", 112, "PBE-SHA-1", ""),
    ("1.2.840.113549.1.12.1.5", Role::Kdf, "RC2", 128, "PBE-SHA-1", ""),
    ("1.2.840.113549.1.12.1.6", Role::Kdf, "RC2", 40, "PBE-SHA-1", ""),
    ("1.3.6.1.4.1.42.2.19.1", Role::Kdf, "3DES", 168, "PBE-MD5 (JCEKS)", ""),
    ("1.3.6.1.4.1.42.2.17.1.1", Role::Cipher, "JKS-KeyProtector", 160, "SHA-1", ""),
    ("1.2.840.113549.2.7", Role::Mac, "HMAC-SHA-1", 160, "", ""),
    ("1.2.840.113549.2.8", Role::Mac, "HMAC-SHA-224", 224, "", ""),
    ("1.2.840.113549.2.9", Role::Mac, "HMAC-SHA-256", 256, "", ""),
    ("1.2.840.113549.2.10", Role::Mac, "HMAC-SHA-384", 384, "", ""),
    ("1.2.840.113549.2.11", Role::Mac, "HMAC-SHA-512", 512, "", ""),
    ("2.16.840.1.101.3.4.2.16", Role::Mac, "HMAC-SHA3-512", 512, "", ""),
];

/// Named curves: identifier, name, bits of the order.
const CURVES: &[(&str, &str, u32)] = &[
    ("1.2.840.10045.3.1.1", "P-192", 192),
    ("1.3.132.0.33", "P-224", 224),
    ("1.2.840.10045.3.1.7", "P-256", 256),
    ("1.3.132.0.34", "P-384", 384),
    ("1.3.132.0.35", "P-521", 521),
    ("1.3.132.0.10", "secp256k1", 256),
    ("1.3.132.0.8", "secp160r1", 160),
    ("1.3.132.0.9", "secp160k1", 160),
    ("1.3.132.0.30", "secp160r2", 160),
    ("1.3.132.0.31", "secp192k1", 192),
    ("1.3.132.0.32", "secp224k1", 224),
    ("1.3.132.0.6", "secp112r1", 112),
    ("1.3.132.0.28", "secp128r1", 128),
    ("1.2.840.10045.3.1.2", "prime192v2", 192),
    ("1.2.840.10045.3.1.3", "prime192v3", 192),
    ("1.2.840.10045.3.1.4", "prime239v1", 239),
    ("1.2.840.10045.3.1.5", "prime239v2", 239),
    ("1.2.840.10045.3.1.6", "prime239v3", 239),
    ("1.3.132.0.1", "sect163k1", 163),
    ("1.3.132.0.15", "sect163r2", 163),
    ("1.3.132.0.26", "sect233k1", 233),
    ("1.3.132.0.27", "sect233r1", 233),
    ("1.3.132.0.16", "sect283k1", 283),
    ("1.3.132.0.17", "sect283r1", 283),
    ("1.3.132.0.36", "sect409k1", 409),
    ("1.3.132.0.37", "sect409r1", 409),
    ("1.3.132.0.38", "sect571k1", 571),
    ("1.3.132.0.39", "sect571r1", 571),
    ("1.3.36.3.3.2.8.1.1.1", "brainpoolP160r1", 160),
    ("1.3.36.3.3.2.8.1.1.3", "brainpoolP192r1", 192),
    ("1.3.36.3.3.2.8.1.1.5", "brainpoolP224r1", 224),
    ("1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1", 256),
    ("1.3.36.3.3.2.8.1.1.8", "brainpoolP256t1", 256),
    ("1.3.36.3.3.2.8.1.1.9", "brainpoolP320r1", 320),
    ("1.3.36.3.3.2.8.1.1.11", "brainpoolP384r1", 384),
    ("1.3.36.3.3.2.8.1.1.13", "brainpoolP512r1", 512),
    ("1.2.156.10197.1.301", "SM2", 256),
    ("1.3.101.110", "X25519", 253),
    ("1.3.101.112", "Ed25519", 253),
    ("1.3.6.1.4.1.3029.1.5.1", "X25519", 253),
    ("1.3.6.1.4.1.11591.15.1", "Ed25519", 253),
];

/// Looks an algorithm up; an unknown identifier keeps its dotted form as the name.
pub fn algorithm(oid: &str) -> (Option<Role>, Algorithm) {
    let Some((_, role, name, bits, mode, set)) = ROWS.iter().find(|row| row.0 == oid) else {
        return (None, Algorithm { name: format!("OID {oid}"), oid: Some(oid.to_owned()), ..Algorithm::default() });
    };
    let algorithm = Algorithm {
        name: (*name).to_owned(),
        bits: (*bits != 0).then_some(*bits),
        curve: (!set.is_empty()).then(|| (*set).to_owned()),
        mode: (!mode.is_empty()).then(|| (*mode).to_owned()),
        oid: Some(oid.to_owned()),
    };
    (Some(*role), algorithm)
}

/// Whether the identifier is one the table knows.
pub fn known(oid: &str) -> bool {
    ROWS.iter().any(|row| row.0 == oid)
}

/// Name and size of a curve.
pub fn curve(oid: &str) -> Option<(&'static str, u32)> {
    CURVES.iter().find(|row| row.0 == oid).map(|row| (row.1, row.2))
}

/// Name and size of a curve by one of its names.
pub fn curve_by_name(name: &str) -> Option<(&'static str, u32)> {
    let alias = match name {
        "nistp256" | "secp256r1" | "prime256v1" => "P-256",
        "nistp384" | "secp384r1" => "P-384",
        "nistp521" | "secp521r1" => "P-521",
        "secp224r1" => "P-224",
        "secp192r1" | "prime192v1" => "P-192",
        "cv25519" => "X25519",
        other => other,
    };
    CURVES.iter().find(|row| row.1.eq_ignore_ascii_case(alias)).map(|row| (row.1, row.2))
}
