//! Signature verification, for handshakes and certificate paths.
//!
//! The module would take more than TLS needs (compressed points, keys wrapped in SPKI, RSA up to 8192 bits); each
//! algorithm here first checks the exact shape its row promises.

use aws_lc_rs::signature::{self as sig, UnparsedPublicKey, VerificationAlgorithm};
use der::asn1::UintRef;
use der::{Decode, Sequence};
use rustls::SignatureScheme;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls_pki_types::{
    AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};

use crate::indicator::bracket;
use crate::rows::{self, Row};

/// Every signature algorithm of the provider. The order of `mapping` is the order of our preference; in TLS 1.3 only
/// the first algorithm of a scheme counts.
pub(super) static ALGORITHMS: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[
        ECDSA_P256_SHA256,
        ECDSA_P256_SHA384,
        ECDSA_P256_SHA512,
        ECDSA_P384_SHA256,
        ECDSA_P384_SHA384,
        ECDSA_P384_SHA512,
        ECDSA_P521_SHA256,
        ECDSA_P521_SHA384,
        ECDSA_P521_SHA512,
        ED25519,
        RSA_PSS_SHA256,
        RSA_PSS_SHA384,
        RSA_PSS_SHA512,
        RSA_PKCS1_SHA256,
        RSA_PKCS1_SHA384,
        RSA_PKCS1_SHA512,
    ],
    mapping: &[
        (
            SignatureScheme::ECDSA_NISTP384_SHA384,
            &[ECDSA_P384_SHA384, ECDSA_P256_SHA384, ECDSA_P521_SHA384],
        ),
        (
            SignatureScheme::ECDSA_NISTP256_SHA256,
            &[ECDSA_P256_SHA256, ECDSA_P384_SHA256, ECDSA_P521_SHA256],
        ),
        (
            SignatureScheme::ECDSA_NISTP521_SHA512,
            &[ECDSA_P521_SHA512, ECDSA_P384_SHA512, ECDSA_P256_SHA512],
        ),
        (SignatureScheme::ED25519, &[ED25519]),
        (SignatureScheme::RSA_PSS_SHA256, &[RSA_PSS_SHA256]),
        (SignatureScheme::RSA_PSS_SHA384, &[RSA_PSS_SHA384]),
        (SignatureScheme::RSA_PSS_SHA512, &[RSA_PSS_SHA512]),
        (SignatureScheme::RSA_PKCS1_SHA256, &[RSA_PKCS1_SHA256]),
        (SignatureScheme::RSA_PKCS1_SHA384, &[RSA_PKCS1_SHA384]),
        (SignatureScheme::RSA_PKCS1_SHA512, &[RSA_PKCS1_SHA512]),
    ],
};

macro_rules! algorithms {
    ($($name:ident = $key_id:ident, $shape:expr, $signature_id:ident, $algorithm:ident, $row:ident;)+) => {
        $(static $name: &dyn SignatureVerificationAlgorithm = &Algorithm {
            key_id: alg_id::$key_id,
            shape: $shape,
            signature_id: alg_id::$signature_id,
            algorithm: &sig::$algorithm,
            row: &rows::$row,
        };)+
    };
}

algorithms! {
    ECDSA_P256_SHA256 = ECDSA_P256, Shape::Point(65), ECDSA_SHA256, ECDSA_P256_SHA256_ASN1, VERIFY_ECDSA_P256_SHA256;
    ECDSA_P256_SHA384 = ECDSA_P256, Shape::Point(65), ECDSA_SHA384, ECDSA_P256_SHA384_ASN1, VERIFY_ECDSA_P256_SHA384;
    ECDSA_P256_SHA512 = ECDSA_P256, Shape::Point(65), ECDSA_SHA512, ECDSA_P256_SHA512_ASN1, VERIFY_ECDSA_P256_SHA512;
    ECDSA_P384_SHA256 = ECDSA_P384, Shape::Point(97), ECDSA_SHA256, ECDSA_P384_SHA256_ASN1, VERIFY_ECDSA_P384_SHA256;
    ECDSA_P384_SHA384 = ECDSA_P384, Shape::Point(97), ECDSA_SHA384, ECDSA_P384_SHA384_ASN1, VERIFY_ECDSA_P384_SHA384;
    ECDSA_P384_SHA512 = ECDSA_P384, Shape::Point(97), ECDSA_SHA512, ECDSA_P384_SHA512_ASN1, VERIFY_ECDSA_P384_SHA512;
    ECDSA_P521_SHA256 = ECDSA_P521, Shape::Point(133), ECDSA_SHA256, ECDSA_P521_SHA256_ASN1, VERIFY_ECDSA_P521_SHA256;
    ECDSA_P521_SHA384 = ECDSA_P521, Shape::Point(133), ECDSA_SHA384, ECDSA_P521_SHA384_ASN1, VERIFY_ECDSA_P521_SHA384;
    ECDSA_P521_SHA512 = ECDSA_P521, Shape::Point(133), ECDSA_SHA512, ECDSA_P521_SHA512_ASN1, VERIFY_ECDSA_P521_SHA512;
    ED25519 = ED25519, Shape::Edwards, ED25519, ED25519, VERIFY_ED25519;
    RSA_PSS_SHA256 = RSA_ENCRYPTION, Shape::Rsa, RSA_PSS_SHA256, RSA_PSS_2048_8192_SHA256, VERIFY_RSA_PSS_SHA256;
    RSA_PSS_SHA384 = RSA_ENCRYPTION, Shape::Rsa, RSA_PSS_SHA384, RSA_PSS_2048_8192_SHA384, VERIFY_RSA_PSS_SHA384;
    RSA_PSS_SHA512 = RSA_ENCRYPTION, Shape::Rsa, RSA_PSS_SHA512, RSA_PSS_2048_8192_SHA512, VERIFY_RSA_PSS_SHA512;
    RSA_PKCS1_SHA256 = RSA_ENCRYPTION, Shape::Rsa, RSA_PKCS1_SHA256, RSA_PKCS1_2048_8192_SHA256, VERIFY_RSA_PKCS1_SHA256;
    RSA_PKCS1_SHA384 = RSA_ENCRYPTION, Shape::Rsa, RSA_PKCS1_SHA384, RSA_PKCS1_2048_8192_SHA384, VERIFY_RSA_PKCS1_SHA384;
    RSA_PKCS1_SHA512 = RSA_ENCRYPTION, Shape::Rsa, RSA_PKCS1_SHA512, RSA_PKCS1_2048_8192_SHA512, VERIFY_RSA_PKCS1_SHA512;
}

#[derive(Debug)]
struct Algorithm {
    key_id: AlgorithmIdentifier,
    shape: Shape,
    signature_id: AlgorithmIdentifier,
    algorithm: &'static dyn VerificationAlgorithm,
    row: &'static Row,
}

impl SignatureVerificationAlgorithm for Algorithm {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        if !self.shape.fits(public_key) {
            return Err(InvalidSignature);
        }
        bracket(self.row, || {
            UnparsedPublicKey::new(self.algorithm, public_key).verify(message, signature)
        })
        .map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.key_id
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature_id
    }

    fn fips(&self) -> bool {
        self.row.approved()
    }
}

/// What a public key of an algorithm must look like, byte for byte.
#[derive(Debug)]
enum Shape {
    /// An uncompressed point of that length.
    Point(usize),
    /// 32 bytes.
    Edwards,
    /// `RSAPublicKey`, of a size that the approval rows allow.
    Rsa,
}

impl Shape {
    fn fits(&self, key: &[u8]) -> bool {
        match self {
            Self::Point(len) => key.len() == *len && key.first() == Some(&4),
            Self::Edwards => key.len() == 32,
            Self::Rsa => rsa_modulus_bits(key).is_some_and(|bits| (2048..=4096).contains(&bits)),
        }
    }
}

/// RFC 8017 A.1.1.
#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

/// The modulus length in bits of an `RSAPublicKey`, if it is well-formed and its exponent is one FIPS 186-5 §5.1
/// allows (odd, above 2^16).
pub(super) fn rsa_modulus_bits(key: &[u8]) -> Option<usize> {
    let key = RsaPublicKey::from_der(key).ok()?;
    let (first, rest) = key.modulus.as_bytes().split_first()?;
    let bits = rest.len() * 8 + (u8::BITS - first.leading_zeros()) as usize;
    let exponent = key.exponent.as_bytes();
    let odd = exponent.last().is_some_and(|last| last & 1 == 1);
    // three bytes without a leading zero are at least 2^16, and odd ones are above it
    (odd && exponent.len() >= 3).then_some(bits)
}

#[cfg(test)]
mod tests {
    use super::{Shape, rsa_modulus_bits};
    use der::Encode;
    use der::asn1::UintRef;

    fn rsa(bits: usize, exponent: &[u8]) -> Vec<u8> {
        let mut modulus = vec![0xff; bits.div_ceil(8)];
        modulus[0] = 0xff >> ((8 - bits % 8) % 8);
        super::RsaPublicKey {
            modulus: UintRef::new(&modulus).unwrap(),
            exponent: UintRef::new(exponent).unwrap(),
        }
        .to_der()
        .unwrap()
    }

    #[test]
    fn rsa_keys_outside_the_policy_do_not_fit() {
        let e = [1, 0, 1];
        for (bits, fits) in [
            (1024, false),
            (2047, false),
            (2048, true),
            (3072, true),
            (4096, true),
            (4097, false),
            (8192, false),
        ] {
            assert_eq!(rsa_modulus_bits(&rsa(bits, &e)), Some(bits));
            assert_eq!(Shape::Rsa.fits(&rsa(bits, &e)), fits, "{bits}");
        }
        for exponent in [&[3][..], &[17], &[0xff, 0xff], &[1, 0, 0]] {
            assert!(!Shape::Rsa.fits(&rsa(2048, exponent)), "{exponent:?}");
        }
        assert!(Shape::Rsa.fits(&rsa(2048, &[1, 0, 0, 0, 1])));
        assert!(!Shape::Rsa.fits(b""));
        assert!(!Shape::Rsa.fits(&rsa(2048, &e)[1..]));
    }

    #[test]
    fn points_must_be_uncompressed_and_of_exact_length() {
        let mut point = [4; 65];
        assert!(Shape::Point(65).fits(&point));
        assert!(!Shape::Point(65).fits(&point[1..]));
        assert!(!Shape::Point(97).fits(&point));
        point[0] = 3;
        assert!(!Shape::Point(65).fits(&point));
    }
}
