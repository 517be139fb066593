//! The kind check on public keys: exactly the kind, or nothing.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256K1_SHA256_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RsaKeyPair,
};
use proptest::prelude::*;

use super::*;

fn ec(algorithm: &'static EcdsaSigningAlgorithm) -> Vec<u8> {
    let pair = EcdsaKeyPair::generate(algorithm).expect("a pair");
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("an encoding");
    der.as_ref().to_vec()
}

fn rsa() -> Vec<u8> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a pair");
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("an encoding");
    der.as_ref().to_vec()
}

fn ed25519() -> Vec<u8> {
    let pair = Ed25519KeyPair::generate().expect("a pair");
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("an encoding");
    der.as_ref().to_vec()
}

#[test]
fn a_public_key_matches_its_own_kind_and_no_other() {
    let keys = [
        (KeySpec::EcP256, ec(&ECDSA_P256_SHA256_ASN1_SIGNING)),
        (KeySpec::Rsa2048, rsa()),
        (KeySpec::Ed25519, ed25519()),
    ];
    for (own, der) in &keys {
        for spec in KeySpec::ALL {
            assert_eq!(matches(spec, der), spec == *own, "{own:?} as {spec:?}");
        }
    }
}

#[test]
fn a_curve_of_the_same_size_is_not_the_same_curve() {
    assert!(!matches(
        KeySpec::EcP256,
        &ec(&ECDSA_P256K1_SHA256_ASN1_SIGNING)
    ));
}

#[test]
fn an_exponent_that_fips_186_5_forbids_is_refused() {
    let der = rsa();
    // The exponent 65537 is the last thing in the structure: 02 03 01 00 01.
    let last = der.len() - 1;
    assert_eq!(&der[last - 4..], &[2, 3, 1, 0, 1]);
    assert!(matches(KeySpec::Rsa2048, &der));
    let mut even = der.clone();
    even[last] = 2;
    assert!(!matches(KeySpec::Rsa2048, &even));
    let mut bigger = der.clone();
    bigger[last - 2] = 3;
    assert!(
        matches(KeySpec::Rsa2048, &bigger),
        "any odd exponent above 2^16 is allowed"
    );
    let mut small = der.clone();
    small[last - 2..].copy_from_slice(&[0, 1, 1]);
    assert!(
        !matches(KeySpec::Rsa2048, &small),
        "not minimal, and below 2^16"
    );
}

#[test]
fn a_modulus_with_a_leading_zero_bit_is_another_size() {
    let der = rsa();
    // 00 and then the top byte of the modulus stand behind the header of the INTEGER: 02 82 01 01.
    let header = der
        .windows(4)
        .position(|four| four == [2, 0x82, 1, 1])
        .expect("the modulus");
    let mut short = der.clone();
    short[header + 5] &= 0x7f;
    assert!(!matches(KeySpec::Rsa2048, &short));
}

#[test]
fn one_structure_means_nothing_before_or_after_it() {
    assert!(is_one_structure(&[0x30, 0]));
    assert!(!is_one_structure(&[0x30, 0, 0]));
    assert!(!is_one_structure(&[0x30, 1]));
    assert!(!is_one_structure(&[]));
    assert!(!is_one_structure(&[0x30, 0x80, 0, 0]), "indefinite length");
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_without_panicking(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        for spec in KeySpec::ALL {
            let _ = matches(spec, &bytes);
        }
        let _ = is_one_structure(&bytes);
    }

    #[test]
    fn a_key_with_one_byte_changed_in_its_header_no_longer_matches(at in 0..26_usize, flip in 1..=255_u8) {
        // Fixed key, so that the header is what varies.
        let mut der = vec![
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
            0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
        ];
        der.extend([7; 64]);
        prop_assert!(matches(KeySpec::EcP256, &der));
        if let Some(byte) = der.get_mut(at) {
            *byte ^= flip;
        }
        prop_assert!(!matches(KeySpec::EcP256, &der));
    }
}
