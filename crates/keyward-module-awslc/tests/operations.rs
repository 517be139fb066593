//! Every operation of the port does what the port says, round trips included, and fails with the fault the port names.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Rig, bytes, digest, hex, key};
use keyward_core::algorithm::{Indicator, KeySpec, Service, SignatureScheme};
use keyward_core::secret::Secret;
use keyward_engine::permit::{PermitScope, danger_permit};
use keyward_engine::ports::module::{
    HashAlgorithm, KeyHandle, Module, ModuleFault, Operation, Output, SelfTest,
};

const OFFERED: [KeySpec; 16] = [
    KeySpec::Aes128,
    KeySpec::Aes192,
    KeySpec::Aes256,
    KeySpec::HmacSha256,
    KeySpec::HmacSha384,
    KeySpec::HmacSha512,
    KeySpec::Rsa2048,
    KeySpec::Rsa3072,
    KeySpec::Rsa4096,
    KeySpec::EcP256,
    KeySpec::EcP384,
    KeySpec::EcP521,
    KeySpec::Ed25519,
    KeySpec::MlKem512,
    KeySpec::MlKem768,
    KeySpec::MlKem1024,
];

#[test]
fn the_module_says_what_it_is_from_the_running_library() {
    let description = Rig::start().module.describe();
    assert_eq!(description.version, "AWS-LC FIPS 3.1.0");
    assert_eq!(description.name, "AWS-LC 3 Cryptographic Module (static)");
    assert_eq!(description.certificates, [5314]);
    assert_eq!(description.level, 1);
    assert!(description.approved_mode);
    assert!(description.entropy.contains("no assurance"));
    let kinds: Vec<_> = KeySpec::ALL
        .into_iter()
        .filter(|spec| description.services.contains(&(*spec, Service::Generate)))
        .collect();
    assert_eq!(kinds, OFFERED);
}

#[test]
fn self_tests_run_on_demand() {
    let rig = Rig::start();
    assert_eq!(rig.module.self_test(SelfTest::Integrity), Ok(()));
    assert_eq!(rig.module.self_test(SelfTest::Algorithms), Ok(()));
}

#[test]
fn random_bytes_have_the_length_asked_for_and_do_not_repeat() {
    let rig = Rig::start();
    let none = rig.done(Operation::Random { length: 0 }).unwrap();
    assert_eq!(none.indicator, Indicator::NotApplicable);
    for length in [1, 32, 100_000] {
        assert_eq!(
            bytes(rig.approved(Operation::Random { length })).len(),
            length
        );
    }
    let one = bytes(rig.approved(Operation::Random { length: 32 }));
    assert_ne!(one, bytes(rig.approved(Operation::Random { length: 32 })));
    let fault = rig
        .done(Operation::Random {
            length: (1 << 20) + 1,
        })
        .err();
    assert_eq!(fault, Some(ModuleFault::Refused));
}

#[test]
fn hashes_are_those_of_the_standards() {
    let rig = Rig::start();
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    for parts in [&[&b"abc"[..]][..], &[b"a", b"", b"bc"]] {
        assert_eq!(
            digest(rig.approved(Operation::Sha256 { parts })).to_vec(),
            hex(abc)
        );
    }
    // FIPS 180-4 and FIPS 202, "abc".
    let known = [
        (HashAlgorithm::Sha256, abc),
        (
            HashAlgorithm::Sha384,
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed\
             8086072ba1e7cc2358baeca134c825a7",
        ),
        (
            HashAlgorithm::Sha512,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
        (
            HashAlgorithm::Sha3_256,
            "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
        ),
        (
            HashAlgorithm::Sha3_384,
            "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b2\
             98d88cea927ac7f539f1edf228376d25",
        ),
        (
            HashAlgorithm::Sha3_512,
            "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e\
             10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0",
        ),
    ];
    for (algorithm, expected) in known {
        let hash = bytes(rig.approved(Operation::Hash {
            algorithm,
            message: b"abc",
        }));
        assert_eq!(hash, hex(expected), "{algorithm:?}");
    }
}

#[test]
fn every_kind_of_key_survives_wrapping_and_unwrapping() {
    let rig = Rig::start();
    for kek in [KeySpec::Aes128, KeySpec::Aes192, KeySpec::Aes256] {
        let kek = rig.generate(kek);
        for spec in OFFERED {
            let held = rig.generate(spec);
            let blob = rig.wrap_key(kek, held);
            let again = key(rig.approved(Operation::UnwrapKey {
                kek,
                blob: &blob,
                spec,
            }));
            assert_ne!(again, held);
            assert_eq!(rig.export(again), rig.export(held), "{spec:?}");
            if spec.is_pair() {
                assert_eq!(rig.public(again), rig.public(held));
            }
        }
    }
}

#[test]
fn material_of_another_kind_or_with_something_after_it_is_refused() {
    let rig = Rig::start();
    for spec in OFFERED {
        let held = rig.generate(spec);
        let material = rig.export(held);
        assert!(rig.import(spec, &material).is_ok(), "{spec:?}");
        let mut longer = material.clone();
        longer.push(0);
        assert_eq!(
            rig.import(spec, &longer),
            Err(ModuleFault::Refused),
            "{spec:?}"
        );
        let shorter = &material[..material.len() - 1];
        assert_eq!(
            rig.import(spec, shorter),
            Err(ModuleFault::Refused),
            "{spec:?}"
        );
        for other in OFFERED {
            // Any bytes of the right length are a symmetric key: AES-256 and HMAC-SHA-256 keys are both 32 bytes, and
            // an Ed25519 key happens to be 48 bytes of PKCS#8, as long as an HMAC-SHA-384 key.
            let same_shape = matches!(
                (spec, other),
                (KeySpec::Aes256, KeySpec::HmacSha256)
                    | (KeySpec::HmacSha256, KeySpec::Aes256)
                    | (KeySpec::Ed25519, KeySpec::HmacSha384)
            );
            if other != spec && !same_shape {
                assert_eq!(
                    rig.import(other, &material),
                    Err(ModuleFault::Refused),
                    "{spec:?} as {other:?}"
                );
            }
        }
    }
}

#[test]
fn an_ml_kem_key_whose_public_part_was_changed_is_refused() {
    let rig = Rig::start();
    let mut material = rig.export(rig.generate(KeySpec::MlKem768));
    material[384 * 3 + 5] ^= 1;
    assert_eq!(
        rig.import(KeySpec::MlKem768, &material),
        Err(ModuleFault::Refused)
    );
}

#[test]
fn a_wrapped_blob_that_was_changed_anywhere_is_refused() {
    let rig = Rig::start();
    let kek = rig.generate(KeySpec::Aes256);
    let blob = rig.wrap_key(kek, rig.generate(KeySpec::Aes256));
    for at in 0..blob.len() {
        let mut bad = blob.clone();
        bad[at] ^= 0x40;
        let fault = rig
            .done(Operation::UnwrapKey {
                kek,
                blob: &bad,
                spec: KeySpec::Aes256,
            })
            .err();
        assert_eq!(fault, Some(ModuleFault::Refused));
        assert_eq!(
            rig.done(Operation::UnwrapBytes { kek, blob: &bad }).err(),
            fault
        );
    }
    for length in [0, 1, 8, 16, 24, blob.len() - 1, 9000] {
        let mut bad = blob.clone();
        bad.resize(length, 0);
        let fault = rig
            .done(Operation::UnwrapKey {
                kek,
                blob: &bad,
                spec: KeySpec::Aes256,
            })
            .err();
        assert_eq!(fault, Some(ModuleFault::Refused), "{length}");
    }
    let other = rig.generate(KeySpec::Aes256);
    let fault = rig.done(Operation::UnwrapKey {
        kek: other,
        blob: &blob,
        spec: KeySpec::Aes256,
    });
    assert_eq!(fault.err(), Some(ModuleFault::Refused));
}

#[test]
fn a_users_bytes_survive_wrapping_and_empty_ones_are_refused() {
    let rig = Rig::start();
    let kek = rig.generate(KeySpec::Aes256);
    for length in [1, 7, 8, 9, 16, 1000, 100_000] {
        let secret = Secret::new(vec![0xa5; length]);
        let blob = bytes(rig.approved(Operation::WrapBytes {
            kek,
            bytes: &secret,
        }));
        let Output::Secret(back) = rig.approved(Operation::UnwrapBytes { kek, blob: &blob }) else {
            panic!("not a secret")
        };
        assert_eq!(back.expose(), secret.expose());
    }
    let empty = Secret::new(Vec::new());
    let fault = rig.done(Operation::WrapBytes { kek, bytes: &empty }).err();
    assert_eq!(fault, Some(ModuleFault::Refused));
}

#[test]
fn encryption_appends_iv_ciphertext_and_tag_and_never_repeats_an_iv() {
    let rig = Rig::start();
    for spec in [KeySpec::Aes128, KeySpec::Aes256] {
        let held = rig.generate(spec);
        let mut out = b"header".to_vec();
        rig.approved(Operation::Encrypt {
            key: held,
            aad: b"aad",
            plaintext: b"text",
            out: &mut out,
        });
        assert_eq!(&out[..6], b"header");
        assert_eq!(out.len(), 6 + 12 + 4 + 16);
        assert_eq!(rig.decrypt(held, b"aad", &out[6..]), Ok(b"text".to_vec()));
        let ivs: std::collections::BTreeSet<_> = (0..1000)
            .map(|_| rig.encrypt(held, b"", b"")[..12].to_vec())
            .collect();
        assert_eq!(ivs.len(), 1000);
    }
}

#[test]
fn a_ciphertext_that_was_changed_anywhere_is_refused() {
    let rig = Rig::start();
    let held = rig.generate(KeySpec::Aes256);
    let sealed = rig.encrypt(held, b"aad", b"some text");
    for at in 0..sealed.len() {
        let mut bad = sealed.clone();
        bad[at] ^= 1;
        assert_eq!(rig.decrypt(held, b"aad", &bad), Err(ModuleFault::Refused));
    }
    for length in 0..sealed.len() {
        assert_eq!(
            rig.decrypt(held, b"aad", &sealed[..length]),
            Err(ModuleFault::Refused)
        );
    }
    assert_eq!(rig.decrypt(held, b"", &sealed), Err(ModuleFault::Refused));
    assert_eq!(
        rig.decrypt(rig.generate(KeySpec::Aes256), b"aad", &sealed),
        Err(ModuleFault::Refused)
    );
}

#[test]
fn a_failed_encryption_leaves_the_output_as_it_was() {
    let rig = Rig::start();
    let mut out = b"kept".to_vec();
    let key = rig.generate(KeySpec::Aes192);
    let fault = rig.done(Operation::Encrypt {
        key,
        aad: b"",
        plaintext: b"text",
        out: &mut out,
    });
    assert_eq!(fault.err(), Some(ModuleFault::Unsupported));
    assert_eq!(out, b"kept");
}

#[test]
fn codes_verify_only_over_the_same_bytes_with_the_same_key() {
    let rig = Rig::start();
    for (spec, length) in [
        (KeySpec::HmacSha256, 32),
        (KeySpec::HmacSha384, 48),
        (KeySpec::HmacSha512, 64),
    ] {
        let held = rig.generate(spec);
        let mac = rig.mac(held, &[b"one ", b"two"]);
        assert_eq!(mac.len(), length);
        assert_eq!(mac, rig.mac(held, &[b"one two"]));
        let verdict = |key: KeyHandle, parts: &[&[u8]], mac: &[u8]| match rig
            .approved(Operation::VerifyMac { key, parts, mac })
        {
            Output::Verdict(verdict) => verdict,
            other => panic!("not a verdict: {other:?}"),
        };
        assert!(verdict(held, &[b"one two"], &mac));
        assert!(!verdict(held, &[b"one twO"], &mac));
        assert!(!verdict(held, &[b"one two"], &mac[..16]));
        assert!(!verdict(held, &[b"one two"], b""));
        assert!(!verdict(rig.generate(spec), &[b"one two"], &mac));
    }
}

#[test]
fn derived_keys_are_fixed_by_key_info_and_kind() {
    let rig = Rig::start();
    let root = rig.import(KeySpec::HmacSha256, &[7; 32]).unwrap();
    let derive = |info: &[u8], spec| {
        rig.export(key(rig.approved(Operation::DeriveKey {
            key: root,
            info,
            spec,
        })))
    };
    assert_eq!(derive(b"a", KeySpec::Aes256), derive(b"a", KeySpec::Aes256));
    assert_ne!(derive(b"a", KeySpec::Aes256), derive(b"b", KeySpec::Aes256));
    assert_ne!(
        derive(b"a", KeySpec::Aes256),
        derive(b"a", KeySpec::HmacSha256)
    );
    assert_ne!(
        derive(b"a", KeySpec::Aes128),
        derive(b"a", KeySpec::Aes256)[..16]
    );
    let fault = rig.done(Operation::DeriveKey {
        key: root,
        info: b"a",
        spec: KeySpec::EcP256,
    });
    assert_eq!(fault.err(), Some(ModuleFault::Unsupported));
}

#[test]
fn a_passphrase_below_a_floor_is_not_approved_and_gives_no_key() {
    let rig = Rig::start();
    let derive = |passphrase: &[u8], salt: &[u8], iterations| {
        let passphrase = Secret::new(passphrase.to_vec());
        let operation = Operation::DerivePassphrase {
            passphrase: &passphrase,
            salt,
            iterations,
        };
        rig.done(operation).map(|done| rig.export(key(done.output)))
    };
    let one = derive(b"fourteen bytes", &[1; 16], 1000).unwrap();
    assert_eq!(Ok(one.clone()), derive(b"fourteen bytes", &[1; 16], 1000));
    assert_ne!(Ok(one), derive(b"fourteen bytes", &[2; 16], 1000));
    let held = rig.module.held_keys();
    assert_eq!(
        derive(b"thirteen byte", &[1; 16], 1000),
        Err(ModuleFault::NotApproved)
    );
    assert_eq!(
        derive(b"fourteen bytes", &[1; 15], 1000),
        Err(ModuleFault::NotApproved)
    );
    assert_eq!(
        derive(b"fourteen bytes", &[1; 16], 999),
        Err(ModuleFault::NotApproved)
    );
    assert_eq!(
        derive(b"fourteen bytes", &[1; 16], 0),
        Err(ModuleFault::Refused)
    );
    assert_eq!(rig.module.held_keys(), held);
}

#[test]
fn a_permit_with_an_exception_gets_the_result_and_the_true_indicator() {
    let rig = Rig::with(common::EXCEPTION);
    let passphrase = Secret::new(b"short".to_vec());
    let done = rig
        .done(Operation::DerivePassphrase {
            passphrase: &passphrase,
            salt: &[1; 16],
            iterations: 1000,
        })
        .unwrap();
    assert_eq!(done.indicator, Indicator::NotApproved);
    assert!(matches!(done.output, Output::Key(_)));
}

#[test]
fn signatures_verify_under_every_scheme_of_every_kind_and_only_over_the_message() {
    let rig = Rig::start();
    for spec in OFFERED {
        let schemes = SignatureScheme::of(spec);
        if schemes.is_empty() {
            continue;
        }
        let held = rig.generate(spec);
        let public = rig.public(held);
        for scheme in schemes {
            let signature = rig.sign(held, *scheme, b"message");
            assert_eq!(
                rig.verify(spec, &public, *scheme, b"message", &signature),
                Ok(true)
            );
            assert_eq!(
                rig.verify(spec, &public, *scheme, b"massage", &signature),
                Ok(false)
            );
            assert_eq!(
                rig.verify(spec, &public, *scheme, b"message", b""),
                Ok(false)
            );
            let mut bad = signature.clone();
            *bad.last_mut().unwrap() ^= 1;
            assert_eq!(
                rig.verify(spec, &public, *scheme, b"message", &bad),
                Ok(false)
            );
            for other in schemes.iter().filter(|other| *other != scheme) {
                assert_eq!(
                    rig.verify(spec, &public, *other, b"message", &signature),
                    Ok(false)
                );
            }
        }
    }
}

#[test]
fn a_public_key_of_another_kind_encoding_or_length_is_refused() {
    let rig = Rig::start();
    let kinds = [
        KeySpec::Rsa2048,
        KeySpec::Rsa3072,
        KeySpec::EcP256,
        KeySpec::EcP384,
        KeySpec::Ed25519,
    ];
    for spec in kinds {
        let public = rig.public(rig.generate(spec));
        for other in kinds.into_iter().filter(|other| *other != spec) {
            let scheme = SignatureScheme::of(other)[0];
            assert_eq!(
                rig.verify(other, &public, scheme, b"", b"x"),
                Err(ModuleFault::Refused),
                "{spec:?} as {other:?}"
            );
        }
        let scheme = SignatureScheme::of(spec)[0];
        let mut longer = public.clone();
        longer.push(0);
        assert_eq!(
            rig.verify(spec, &longer, scheme, b"", b"x"),
            Err(ModuleFault::Refused)
        );
        assert_eq!(
            rig.verify(spec, &[], scheme, b"", b"x"),
            Err(ModuleFault::Refused)
        );
    }
    let public = rig.public(rig.generate(KeySpec::EcP256));
    let point = &public[public.len() - 65..];
    let bare = rig.verify(KeySpec::EcP256, point, SignatureScheme::Ecdsa, b"", b"x");
    assert_eq!(bare, Err(ModuleFault::Refused));
}

#[test]
fn a_scheme_that_is_not_the_kinds_own_is_not_offered() {
    let rig = Rig::start();
    let held = rig.generate(KeySpec::EcP256);
    for scheme in [
        SignatureScheme::Ed25519,
        SignatureScheme::RsaPssSha256,
        SignatureScheme::MlDsa,
    ] {
        let fault = rig
            .done(Operation::Sign {
                key: held,
                scheme,
                message: b"",
            })
            .err();
        assert_eq!(fault, Some(ModuleFault::Unsupported));
        let public = rig.public(held);
        let fault = rig.verify(KeySpec::EcP256, &public, scheme, b"", b"").err();
        assert_eq!(fault, Some(ModuleFault::Unsupported));
    }
}

#[test]
fn static_agreement_needs_an_exception_and_then_both_sides_hold_the_same_key() {
    let rig = Rig::with(common::EXCEPTION);
    for spec in [KeySpec::EcP256, KeySpec::EcP384, KeySpec::EcP521] {
        let (one, two) = (rig.generate(spec), rig.generate(spec));
        let agree = |own, peer, info: &[u8]| {
            let peer = rig.public(peer);
            let done = rig
                .done(Operation::Agree {
                    key: own,
                    peer: &peer,
                    info,
                })
                .unwrap();
            assert_eq!(done.indicator, Indicator::NotApproved);
            rig.export(key(done.output))
        };
        assert_eq!(agree(one, two, b"info"), agree(two, one, b"info"));
        assert_ne!(agree(one, two, b"info"), agree(one, two, b"other"));
        let peer = rig.public(two);
        let strict = danger_permit(PermitScope::Custody);
        let held = rig.module.held_keys();
        let fault = rig.module.operate(
            &strict,
            Operation::Agree {
                key: one,
                peer: &peer,
                info: b"",
            },
        );
        assert_eq!(fault.err(), Some(ModuleFault::NotApproved));
        assert_eq!(rig.module.held_keys(), held);
    }
}

#[test]
fn agreement_refuses_a_peer_on_another_curve_or_off_the_curve() {
    let rig = Rig::with(common::EXCEPTION);
    let own = rig.generate(KeySpec::EcP256);
    let other = rig.public(rig.generate(KeySpec::EcP384));
    let fault = rig
        .done(Operation::Agree {
            key: own,
            peer: &other,
            info: b"",
        })
        .err();
    assert_eq!(fault, Some(ModuleFault::Refused));
    let mut off = rig.public(rig.generate(KeySpec::EcP256));
    *off.last_mut().unwrap() ^= 1;
    let fault = rig
        .done(Operation::Agree {
            key: own,
            peer: &off,
            info: b"",
        })
        .err();
    assert_eq!(fault, Some(ModuleFault::Refused));
}

#[test]
fn encapsulation_gives_both_sides_the_same_key() {
    let rig = Rig::start();
    for spec in [KeySpec::MlKem512, KeySpec::MlKem768, KeySpec::MlKem1024] {
        let held = rig.generate(spec);
        let public = rig.public(held);
        let Output::Encapsulated {
            ciphertext,
            key: sent,
        } = rig.approved(Operation::Encapsulate {
            spec,
            public: &public,
        })
        else {
            panic!("not an encapsulation")
        };
        let received = key(rig.approved(Operation::Decapsulate {
            key: held,
            ciphertext: &ciphertext,
        }));
        let sealed = rig.encrypt(sent, b"", b"hello");
        assert_eq!(rig.decrypt(received, b"", &sealed), Ok(b"hello".to_vec()));
        // FIPS 203 rejects implicitly: another ciphertext gives another key, not an error.
        let mut other = ciphertext.clone();
        other[0] ^= 1;
        let wrong = key(rig.approved(Operation::Decapsulate {
            key: held,
            ciphertext: &other,
        }));
        assert_eq!(rig.decrypt(wrong, b"", &sealed), Err(ModuleFault::Refused));
        let short = &ciphertext[1..];
        let fault = rig
            .done(Operation::Decapsulate {
                key: held,
                ciphertext: short,
            })
            .err();
        assert_eq!(fault, Some(ModuleFault::Refused));
        let fault = rig
            .done(Operation::Encapsulate {
                spec,
                public: &public[1..],
            })
            .err();
        assert_eq!(fault, Some(ModuleFault::Refused));
    }
}

#[test]
fn material_is_revealed_only_under_a_permit_that_says_so_and_only_of_symmetric_keys() {
    let rig = Rig::with(common::REVEAL);
    let held = rig.generate(KeySpec::Aes256);
    let done = rig.done(Operation::Reveal { key: held }).unwrap();
    assert_eq!(done.indicator, Indicator::NotApplicable);
    let Output::Secret(secret) = done.output else {
        panic!("not a secret")
    };
    assert_eq!(secret.expose(), rig.export(held));
    let strict = danger_permit(PermitScope::Custody);
    let fault = rig
        .module
        .operate(&strict, Operation::Reveal { key: held })
        .err();
    assert_eq!(fault, Some(ModuleFault::Refused));
    let pair = rig.generate(KeySpec::EcP256);
    assert_eq!(
        rig.done(Operation::Reveal { key: pair }).err(),
        Some(ModuleFault::Unsupported)
    );
    let tree = key(rig.approved(Operation::TreeCreate));
    assert_eq!(
        rig.done(Operation::Reveal { key: tree }).err(),
        Some(ModuleFault::Unsupported)
    );
}

#[test]
fn a_released_key_and_a_key_of_another_module_are_unknown() {
    let rig = Rig::start();
    let held = rig.generate(KeySpec::HmacSha256);
    let mac = |key| rig.done(Operation::Mac { key, parts: &[] }).err();
    assert_eq!(mac(held), None);
    let elsewhere = KeyHandle {
        module: held.module + 1,
        ..held
    };
    assert_eq!(mac(elsewhere), Some(ModuleFault::NoSuchKey));
    rig.module.release(elsewhere);
    assert_eq!(mac(held), None);
    rig.module.release(held);
    assert_eq!(mac(held), Some(ModuleFault::NoSuchKey));
    rig.module.release(held);
    assert_ne!(rig.generate(KeySpec::HmacSha256), held);
}

#[test]
fn a_key_is_not_used_for_a_service_of_another_kind() {
    let rig = Rig::start();
    let aes = rig.generate(KeySpec::Aes256);
    let hmac = rig.generate(KeySpec::HmacSha256);
    let pair = rig.generate(KeySpec::Ed25519);
    let tree = key(rig.approved(Operation::TreeCreate));
    let secret = Secret::new(vec![1]);
    let mut out = Vec::new();
    for fault in [
        rig.done(Operation::Mac {
            key: aes,
            parts: &[],
        }),
        rig.done(Operation::WrapKey {
            kek: hmac,
            key: aes,
        }),
        rig.done(Operation::WrapKey {
            kek: aes,
            key: tree,
        }),
        rig.done(Operation::WrapBytes {
            kek: pair,
            bytes: &secret,
        }),
        rig.done(Operation::PublicKey { key: aes }),
        rig.done(Operation::TreeLeaf {
            tree: aes,
            leaf: 0,
            info: b"",
        }),
        rig.done(Operation::TreeSeal {
            tree,
            key: hmac,
            aad: b"",
        }),
        rig.done(Operation::Encrypt {
            key: hmac,
            aad: b"",
            plaintext: b"",
            out: &mut out,
        }),
        rig.done(Operation::Decapsulate {
            key: pair,
            ciphertext: b"",
        }),
        rig.done(Operation::DeriveKey {
            key: pair,
            info: b"",
            spec: KeySpec::Aes256,
        }),
        rig.done(Operation::Generate {
            spec: KeySpec::MlDsa44,
        }),
        rig.done(Operation::Encapsulate {
            spec: KeySpec::Aes256,
            public: b"",
        }),
    ] {
        assert_eq!(fault.err(), Some(ModuleFault::Unsupported));
    }
    assert!(out.is_empty());
}
