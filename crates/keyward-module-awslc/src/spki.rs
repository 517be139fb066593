//! Reads public keys just far enough to know that they are of the kind they are said to be. The module validates them;
//! its Rust interface would take other sizes, encodings and trailing bytes as well.
use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, UintRef};
use der::{Decode, Sequence};
use keyward_core::algorithm::KeySpec;

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

#[derive(Sequence)]
struct AlgorithmIdentifier<'a> {
    oid: ObjectIdentifier,
    parameters: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
struct SubjectPublicKeyInfo<'a> {
    algorithm: AlgorithmIdentifier<'a>,
    key: BitStringRef<'a>,
}

#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

/// Whether the bytes are exactly one DER structure, with nothing after it.
pub(crate) fn is_one_structure(bytes: &[u8]) -> bool {
    AnyRef::from_der(bytes).is_ok()
}

/// Whether the bytes are a SubjectPublicKeyInfo of exactly this kind: the curve and an uncompressed point, or the modulus
/// size and an exponent that FIPS 186-5 allows.
pub(crate) fn matches(spec: KeySpec, der: &[u8]) -> bool {
    let Ok(info) = SubjectPublicKeyInfo::from_der(der) else {
        return false;
    };
    let Some(key) = info.key.as_bytes() else {
        return false;
    };
    let oid = info.algorithm.oid;
    let parameters = info.algorithm.parameters;
    match spec {
        KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => {
            oid == RSA_ENCRYPTION
                && parameters.is_some_and(|parameters| parameters.is_null())
                && RsaPublicKey::from_der(key).is_ok_and(|key| is_approved_rsa(spec, &key))
        }
        KeySpec::EcP256 => is_point(oid, parameters, key, P256, 32),
        KeySpec::EcP384 => is_point(oid, parameters, key, P384, 48),
        KeySpec::EcP521 => is_point(oid, parameters, key, P521, 66),
        KeySpec::Ed25519 => oid == ED25519 && parameters.is_none() && key.len() == 32,
        _ => false,
    }
}

fn is_point(
    oid: ObjectIdentifier,
    parameters: Option<AnyRef<'_>>,
    key: &[u8],
    curve: ObjectIdentifier,
    field: usize,
) -> bool {
    oid == EC_PUBLIC_KEY
        && parameters.is_some_and(|parameters| {
            parameters
                .decode_as::<ObjectIdentifier>()
                .is_ok_and(|named| named == curve)
        })
        && key.first() == Some(&4)
        && key.len() == 2 * field + 1
}

/// FIPS 186-5 §5.1: the exponent is odd and above 2^16; the modulus has exactly the size.
fn is_approved_rsa(spec: KeySpec, key: &RsaPublicKey<'_>) -> bool {
    let modulus = key.modulus.as_bytes();
    let exponent = key.exponent.as_bytes();
    let bits = match spec {
        KeySpec::Rsa2048 => 2048,
        KeySpec::Rsa3072 => 3072,
        KeySpec::Rsa4096 => 4096,
        _ => return false,
    };
    modulus.len() * 8 == bits
        && modulus.first().is_some_and(|top| top & 0x80 != 0)
        && exponent.last().is_some_and(|low| low & 1 == 1)
        // 2^16 < e < 2^256
        && (3..=32).contains(&exponent.len())
}

#[cfg(test)]
mod tests;
