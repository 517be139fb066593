//! The Wycheproof vectors through the port: every algorithm offered, valid vectors accepted, attacks refused.
//!
//! Vectors for sizes that the port does not have (short keys, truncated tags, other IV lengths) are left out by their
//! group's parameters; each test says how many it ran, so that none can silently become empty.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Rig, bytes, digest, key};
use keyward_core::algorithm::{Indicator, KeySpec, SignatureScheme};
use keyward_core::secret::Secret;
use keyward_engine::ports::module::{Module, ModuleFault, Operation, Output};
use wycheproof::HashFunction;
use wycheproof::TestResult;

fn aes(length: usize) -> Option<KeySpec> {
    match length {
        16 => Some(KeySpec::Aes128),
        24 => Some(KeySpec::Aes192),
        32 => Some(KeySpec::Aes256),
        _ => None,
    }
}

#[test]
fn aes_gcm_opens_what_is_good_and_refuses_what_is_not() {
    use wycheproof::aead::{TestName, TestSet};
    let rig = Rig::start();
    let mut ran = 0;
    for group in TestSet::load(TestName::AesGcm).unwrap().test_groups {
        if group.nonce_size != 96 || group.tag_size != 128 || group.key_size == 192 {
            continue;
        }
        for test in group.tests {
            ran += 1;
            let held = rig.import(aes(test.key.len()).unwrap(), &test.key).unwrap();
            let sealed = [&test.nonce[..], &test.ct[..], &test.tag[..]].concat();
            let opened = rig.decrypt(held, &test.aad, &sealed);
            match test.result {
                TestResult::Valid => assert_eq!(opened.unwrap(), test.pt[..], "{}", test.tc_id),
                _ => assert_eq!(opened, Err(ModuleFault::Refused), "{}", test.tc_id),
            }
            rig.module.release(held);
        }
    }
    assert!(ran >= 130, "{ran}");
}

#[test]
fn kwp_unwraps_what_is_good_and_refuses_what_is_not() {
    use wycheproof::keywrap::{TestName, TestSet};
    let rig = Rig::start();
    let mut ran = 0;
    for group in TestSet::load(TestName::AesKeyWrapWithPadding)
        .unwrap()
        .test_groups
    {
        for test in group.tests {
            ran += 1;
            let kek = rig.import(aes(test.key.len()).unwrap(), &test.key).unwrap();
            let unwrapped = rig.done(Operation::UnwrapBytes {
                kek,
                blob: &test.ct,
            });
            if test.result.must_fail() {
                assert_eq!(
                    unwrapped.err(),
                    Some(ModuleFault::Refused),
                    "{}",
                    test.tc_id
                );
            } else {
                let done = unwrapped.unwrap();
                assert_eq!(done.indicator, Indicator::Approved);
                let Output::Secret(plain) = done.output else {
                    panic!("not a secret")
                };
                assert_eq!(plain.expose(), &test.pt[..], "{}", test.tc_id);
                let plain = Secret::new(test.pt.to_vec());
                let blob = bytes(rig.approved(Operation::WrapBytes { kek, bytes: &plain }));
                assert_eq!(blob, test.ct[..], "{}", test.tc_id);
            }
            rig.module.release(kek);
        }
    }
    assert_eq!(ran, 254);
}

#[test]
fn hmac_gives_and_checks_the_known_codes() {
    use wycheproof::mac::{TestName, TestSet};
    let rig = Rig::start();
    let mut ran = 0;
    for (name, spec, length) in [
        (TestName::HmacSha256, KeySpec::HmacSha256, 32),
        (TestName::HmacSha384, KeySpec::HmacSha384, 48),
        (TestName::HmacSha512, KeySpec::HmacSha512, 64),
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            if group.key_size != 8 * length {
                continue;
            }
            for test in group.tests {
                ran += 1;
                let key = rig.import(spec, &test.key).unwrap();
                let code = rig.mac(key, &[&test.msg]);
                let good = code[..test.tag.len()] == test.tag[..];
                assert_eq!(good, !test.result.must_fail(), "{}", test.tc_id);
                let operation = Operation::VerifyMac {
                    key,
                    parts: &[&test.msg],
                    mac: &test.tag,
                };
                // The port takes no truncated codes, however good.
                let accepted = good && test.tag.len() == length;
                match rig.approved(operation) {
                    Output::Verdict(verdict) => assert_eq!(verdict, accepted, "{}", test.tc_id),
                    other => panic!("not a verdict: {other:?}"),
                }
                rig.module.release(key);
            }
        }
    }
    assert!(ran >= 300, "{ran}");
}

#[test]
fn pbkdf2_derives_the_known_keys() {
    use wycheproof::pbkdf2::{TestName, TestSet};
    let rig = Rig::with(common::EXCEPTION);
    let mut ran = 0;
    for group in TestSet::load(TestName::Pbkdf2HmacSha512)
        .unwrap()
        .test_groups
    {
        for test in group.tests {
            // The port gives 32 bytes; PBKDF2 gives a longer or shorter key with the same beginning.
            let iterations = u32::try_from(test.iteration_count).unwrap();
            if iterations > 200_000 {
                continue;
            }
            ran += 1;
            let passphrase = Secret::new(test.password.to_vec());
            let salt = &test.salt[..];
            let operation = Operation::DerivePassphrase {
                passphrase: &passphrase,
                salt,
                iterations,
            };
            let done = rig.done(operation).unwrap();
            let floors = passphrase.len() >= 14 && salt.len() >= 16 && iterations >= 1000;
            assert_eq!(
                done.indicator == Indicator::Approved,
                floors,
                "{}",
                test.tc_id
            );
            let derived = rig.export(key(done.output));
            let common = derived.len().min(test.dk_len);
            assert_eq!(derived[..common], test.dk[..common], "{}", test.tc_id);
        }
    }
    assert!(ran >= 50, "{ran}");
}

#[test]
fn ecdsa_verifies_what_is_good_and_nothing_else() {
    use wycheproof::ecdsa::{TestName, TestSet};
    let rig = Rig::start();
    let mut ran = 0;
    for (name, spec) in [
        (TestName::EcdsaSecp256r1Sha256, KeySpec::EcP256),
        (TestName::EcdsaSecp384r1Sha384, KeySpec::EcP384),
        (TestName::EcdsaSecp521r1Sha512, KeySpec::EcP521),
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                ran += 1;
                let verdict = rig.verify(
                    spec,
                    &group.der,
                    SignatureScheme::Ecdsa,
                    &test.msg,
                    &test.sig,
                );
                assert_eq!(
                    verdict,
                    Ok(test.result == TestResult::Valid),
                    "{spec:?} {}",
                    test.tc_id
                );
            }
        }
    }
    assert!(ran >= 1400, "{ran}");
}

#[test]
fn ed25519_verifies_what_is_good_and_nothing_else() {
    use wycheproof::eddsa::{TestName, TestSet};
    let rig = Rig::start();
    let mut ran = 0;
    for group in TestSet::load(TestName::Ed25519).unwrap().test_groups {
        for test in group.tests {
            ran += 1;
            let scheme = SignatureScheme::Ed25519;
            let verdict = rig.verify(KeySpec::Ed25519, &group.der, scheme, &test.msg, &test.sig);
            assert_eq!(
                verdict,
                Ok(test.result == TestResult::Valid),
                "{}",
                test.tc_id
            );
        }
    }
    assert!(ran >= 150, "{ran}");
}

fn rsa(bits: usize) -> KeySpec {
    match bits {
        2048 => KeySpec::Rsa2048,
        3072 => KeySpec::Rsa3072,
        _ => KeySpec::Rsa4096,
    }
}

#[test]
fn rsa_pkcs1_verifies_what_is_good_and_nothing_else() {
    use wycheproof::rsa_pkcs1_verify::{TestFlag, TestName, TestSet};
    let rig = Rig::start();
    let mut ran = 0;
    for name in [
        TestName::Rsa2048Sha256,
        TestName::Rsa2048Sha384,
        TestName::Rsa2048Sha512,
        TestName::Rsa3072Sha256,
        TestName::Rsa3072Sha384,
        TestName::Rsa3072Sha512,
        TestName::Rsa4096Sha256,
        TestName::Rsa4096Sha384,
        TestName::Rsa4096Sha512,
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            let scheme = match group.hash {
                HashFunction::Sha2_256 => SignatureScheme::RsaPkcs1Sha256,
                HashFunction::Sha2_384 => SignatureScheme::RsaPkcs1Sha384,
                _ => SignatureScheme::RsaPkcs1Sha512,
            };
            let spec = rsa(group.key_size);
            for test in group.tests {
                ran += 1;
                let verdict = rig.verify(spec, &group.der, scheme, &test.msg, &test.sig);
                if test.flags.contains(&TestFlag::SmallPublicKey) {
                    // An exponent of 3: FIPS 186-5 does not allow it.
                    assert_eq!(
                        verdict,
                        Err(ModuleFault::Refused),
                        "{name:?} {}",
                        test.tc_id
                    );
                } else {
                    let good = test.result == TestResult::Valid;
                    assert_eq!(verdict, Ok(good), "{name:?} {}", test.tc_id);
                }
            }
        }
    }
    assert!(ran >= 2000, "{ran}");
}

#[test]
fn rsa_pss_verifies_what_is_good_and_nothing_else() {
    use wycheproof::rsa_pss_verify::{TestName, TestSet};
    let rig = Rig::start();
    let mut ran = 0;
    for (name, scheme) in [
        (
            TestName::RsaPss2048Sha256Mgf1SaltLen32,
            SignatureScheme::RsaPssSha256,
        ),
        (
            TestName::RsaPss2048Sha384Mgf1SaltLen48,
            SignatureScheme::RsaPssSha384,
        ),
        (
            TestName::RsaPss3072Sha256Mgf1SaltLen32,
            SignatureScheme::RsaPssSha256,
        ),
        (
            TestName::RsaPss4096Sha256Mgf1SaltLen32,
            SignatureScheme::RsaPssSha256,
        ),
        (
            TestName::RsaPss4096Sha384Mgf1SaltLen48,
            SignatureScheme::RsaPssSha384,
        ),
        (
            TestName::RsaPss4096Sha512Mgf1SaltLen64,
            SignatureScheme::RsaPssSha512,
        ),
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            let spec = rsa(group.key_size);
            for test in group.tests {
                ran += 1;
                let verdict = rig.verify(spec, &group.der, scheme, &test.msg, &test.sig);
                let good = test.result == TestResult::Valid;
                assert_eq!(verdict, Ok(good), "{name:?} {}", test.tc_id);
            }
        }
    }
    assert!(ran >= 600, "{ran}");
}

/// PSS with another salt length than the hash's is not what the policy approves, and is not verified.
#[test]
fn rsa_pss_with_another_salt_length_does_not_verify() {
    use wycheproof::rsa_pss_verify::{TestName, TestSet};
    let rig = Rig::start();
    let mut ran = 0;
    for (name, scheme) in [
        (
            TestName::RsaPss2048Sha256Mgf1SaltLen0,
            SignatureScheme::RsaPssSha256,
        ),
        (
            TestName::RsaPss4096Sha512Mgf1SaltLen32,
            SignatureScheme::RsaPssSha512,
        ),
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            let spec = rsa(group.key_size);
            // Good for their own salt length; among the bad ones some have ours.
            for test in group
                .tests
                .into_iter()
                .filter(|test| test.result == TestResult::Valid)
            {
                ran += 1;
                let verdict = rig.verify(spec, &group.der, scheme, &test.msg, &test.sig);
                assert_eq!(verdict, Ok(false), "{name:?} {}", test.tc_id);
            }
        }
    }
    assert!(ran >= 60, "{ran}");
}

/// PKCS#8 of an EC private key given as a number (RFC 5915 inside RFC 5208, without the public key).
fn ec_pkcs8(spec: KeySpec, number: &[u8]) -> Vec<u8> {
    let (field, curve): (usize, &[u8]) = match spec {
        KeySpec::EcP256 => (
            32,
            &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
        ),
        KeySpec::EcP384 => (48, &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22]),
        _ => (66, &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23]),
    };
    let digits = number
        .iter()
        .position(|byte| *byte != 0)
        .map_or(&[][..], |at| &number[at..]);
    let mut scalar = vec![0; field - digits.len()];
    scalar.extend_from_slice(digits);
    let tlv = |tag: u8, body: &[u8]| {
        let length = u8::try_from(body.len()).unwrap();
        let head = if length < 0x80 {
            vec![tag, length]
        } else {
            vec![tag, 0x81, length]
        };
        [head, body.to_vec()].concat()
    };
    let ec_public_key = [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    let algorithm = tlv(0x30, &[&ec_public_key, curve].concat());
    let private = tlv(0x30, &[&[0x02, 1, 1][..], &tlv(0x04, &scalar)].concat());
    tlv(
        0x30,
        &[&[0x02, 1, 0][..], &algorithm, &tlv(0x04, &private)].concat(),
    )
}

#[test]
fn agreement_gives_the_known_secrets_and_refuses_bad_peers() {
    use wycheproof::ecdh::{TestName, TestSet};
    let rig = Rig::with(common::EXCEPTION);
    let (mut agreed, mut refused) = (0, 0);
    for (name, spec) in [
        (TestName::EcdhSecp256r1, KeySpec::EcP256),
        (TestName::EcdhSecp384r1, KeySpec::EcP384),
        (TestName::EcdhSecp521r1, KeySpec::EcP521),
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let own = rig
                    .import(spec, &ec_pkcs8(spec, &test.private_key))
                    .unwrap();
                let operation = Operation::Agree {
                    key: own,
                    peer: &test.public_key,
                    info: b"info",
                };
                match rig.done(operation) {
                    Ok(done) => {
                        agreed += 1;
                        assert!(!test.result.must_fail(), "{name:?} {}", test.tc_id);
                        let parts: &[&[u8]] = &[&[0, 0, 0, 1], &test.shared_secret, b"info"];
                        let expected = digest(rig.approved(Operation::Sha256 { parts }));
                        let derived = rig.export(key(done.output));
                        assert_eq!(derived, expected, "{name:?} {}", test.tc_id);
                    }
                    Err(fault) => {
                        refused += 1;
                        assert_eq!(fault, ModuleFault::Refused);
                        // Compressed points and other encodings of the same key are left to the refusing side.
                        assert_ne!(test.result, TestResult::Valid, "{name:?} {}", test.tc_id);
                    }
                }
                rig.module.release(own);
            }
        }
    }
    assert!(agreed >= 900 && refused >= 150, "{agreed} {refused}");
}

#[test]
fn ml_kem_decapsulates_the_known_secrets_and_refuses_bad_keys_and_ciphertexts() {
    use wycheproof::mlkem::{TestName, TestSet};
    let rig = Rig::start();
    let (mut good, mut bad) = (0, 0);
    for (name, spec) in [
        (TestName::MlKem512SemiExpandedDecaps, KeySpec::MlKem512),
        (TestName::MlKem768SemiExpandedDecaps, KeySpec::MlKem768),
        (TestName::MlKem1024SemiExpandedDecaps, KeySpec::MlKem1024),
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let (dk, ciphertext) = (test.decaps_key.unwrap(), test.ct.unwrap());
                let shared = rig.import(spec, &dk).and_then(|held| {
                    let operation = Operation::Decapsulate {
                        key: held,
                        ciphertext: &ciphertext,
                    };
                    rig.done(operation).map(|done| rig.export(key(done.output)))
                });
                if test.result.must_fail() {
                    bad += 1;
                    assert_eq!(shared, Err(ModuleFault::Refused), "{name:?} {}", test.tc_id);
                } else {
                    good += 1;
                    let expected = test.shared_secret.unwrap().to_vec();
                    assert_eq!(shared, Ok(expected), "{name:?} {}", test.tc_id);
                }
            }
        }
    }
    assert!(good >= 9 && bad >= 18, "{good} {bad}");
}

#[test]
fn ml_kem_encapsulates_to_good_keys_and_refuses_bad_ones() {
    use wycheproof::mlkem::{TestName, TestSet};
    let rig = Rig::start();
    let (mut good, mut bad) = (0, 0);
    for (name, spec) in [
        (TestName::MlKem512Encaps, KeySpec::MlKem512),
        (TestName::MlKem768Encaps, KeySpec::MlKem768),
        (TestName::MlKem1024Encaps, KeySpec::MlKem1024),
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let public = test.encaps_key.unwrap();
                let done = rig.done(Operation::Encapsulate {
                    spec,
                    public: &public,
                });
                if test.result.must_fail() {
                    bad += 1;
                    assert_eq!(
                        done.err(),
                        Some(ModuleFault::Refused),
                        "{name:?} {}",
                        test.tc_id
                    );
                } else {
                    good += 1;
                    assert_eq!(done.unwrap().indicator, Indicator::Approved);
                }
            }
        }
    }
    assert!(good >= 300 && bad >= 300, "{good} {bad}");
}
