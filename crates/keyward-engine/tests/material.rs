//! Key material and keys from keys, on the real module.
mod common;

use common::*;
use keyward_core::ErrorCode;
use keyward_core::algorithm::{HashAlgorithm, Indicator, KeySpec, Purpose};
use keyward_core::command::*;
use keyward_core::ids::{ObjectId, RealmId};
use keyward_core::object::{Birth, ExportClass, Object};
use keyward_core::outcome::Outcome;
use keyward_core::record::RecordView;
use keyward_core::role::Role;

/// The newest record of this command.
fn record(world: &World, kind: CommandKind) -> RecordView {
    let number = world
        .clock
        .wall
        .fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    let called = format!("auditor-{number}");
    let auditor = workload(
        &world.engine,
        &world.admin,
        RealmId::SYSTEM,
        &called,
        Role::Auditor,
    );
    let read = ReadAudit {
        from: 0,
        limit: 1000,
        realm_filter: None,
        target: None,
        principal: None,
        command: Some(kind.number()),
        refused_only: false,
        since: None,
        until: None,
    };
    match run(&world.engine, &auditor, read).unwrap() {
        Outcome::Records { mut records, .. } => records.pop().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn rotate(world: &World, key: ObjectId) {
    let (realm, key) = world.at(key);
    run(&world.engine, &world.officer, RotateKey { realm, key }).unwrap();
}

fn re_encrypt(world: &World, key: ObjectId, to: Option<ObjectId>, ciphertext: &[u8]) -> ReEncrypt {
    let (realm, key) = world.at(key);
    ReEncrypt {
        realm,
        key,
        accept_compromised: false,
        to: to.map(KeyRef::Id),
        context: b"row 7".to_vec(),
        new_context: None,
        ciphertext: ciphertext.to_vec(),
    }
}

fn ciphertext(outcome: Outcome) -> (Vec<u8>, ObjectId, u32) {
    match outcome {
        Outcome::Ciphertext {
            ciphertext,
            key,
            version,
        } => (ciphertext, key, version),
        other => panic!("{other:?}"),
    }
}

#[test]
fn re_encryption_goes_to_the_newest_version_to_another_key_or_to_a_new_context() {
    let world = world(memory(), true);
    let (one, other) = (world.create(KeySpec::Aes256), world.create(KeySpec::Aes128));
    let old = world.encrypt(one, "hello").unwrap();
    rotate(&world, one);
    let moved = run(
        &world.engine,
        &world.user,
        re_encrypt(&world, one, None, &old),
    )
    .unwrap();
    let (newer, key, version) = ciphertext(moved);
    assert_eq!((key, version), (one, 2));
    assert_eq!(world.decrypt(one, &newer).unwrap(), b"hello");
    let moved = run(
        &world.engine,
        &world.user,
        re_encrypt(&world, one, Some(other), &old),
    )
    .unwrap();
    let (elsewhere, key, _) = ciphertext(moved);
    assert_eq!(key, other);
    assert_eq!(world.decrypt(other, &elsewhere).unwrap(), b"hello");
    let detail = record(&world, CommandKind::ReEncrypt)
        .body
        .unwrap()
        .detail
        .unwrap();
    assert_eq!(detail, format!("to version 1 of {other}"));
    let rebound = ReEncrypt {
        new_context: Some(b"another row".to_vec()),
        ..re_encrypt(&world, one, None, &old)
    };
    let (rebound, ..) = ciphertext(run(&world.engine, &world.user, rebound).unwrap());
    assert_eq!(
        world.decrypt(one, &rebound),
        Err(ErrorCode::InvalidCiphertext)
    );
    let mut damaged = old.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let refused = run(
        &world.engine,
        &world.user,
        re_encrypt(&world, one, None, &damaged),
    );
    assert_eq!(refused.unwrap_err(), ErrorCode::InvalidCiphertext);
    let absent = re_encrypt(&world, one, Some(ObjectId([8; 16])), &old);
    assert_eq!(
        run(&world.engine, &world.user, absent).unwrap_err(),
        ErrorCode::NotFound
    );
    let signing = re_encrypt(&world, one, Some(world.create(KeySpec::EcP256)), &old);
    let refused = run(&world.engine, &world.user, signing).unwrap_err();
    assert_eq!(refused, ErrorCode::UsageNotPermitted);
    world.engine.close();
}

#[test]
fn a_data_key_is_the_plaintext_of_its_ciphertext_and_differs_each_time() {
    let world = world(memory(), true);
    let key = world.create(KeySpec::Aes256);
    let (realm, reference) = world.at(key);
    let mut seen = std::collections::BTreeSet::new();
    for (spec, length) in [
        (KeySpec::Aes128, 16),
        (KeySpec::Aes256, 32),
        (KeySpec::HmacSha512, 64),
    ] {
        let make = GenerateDataKey {
            realm: realm.clone(),
            key: reference.clone(),
            spec,
            context: b"row 7".to_vec(),
        };
        match run(&world.engine, &world.user, make).unwrap() {
            Outcome::DataKey {
                plaintext: Some(plaintext),
                ciphertext,
                ..
            } => {
                assert_eq!(plaintext.len(), length, "{spec:?}");
                assert_eq!(world.decrypt(key, &ciphertext).unwrap(), plaintext.expose());
                assert!(seen.insert(plaintext.into_inner()));
            }
            other => panic!("{other:?}"),
        }
    }
    let record = record(&world, CommandKind::GenerateDataKey);
    assert_eq!(record.header.indicator, Indicator::Approved);
    let blind = GenerateDataKeyWithoutPlaintext {
        realm: realm.clone(),
        key: reference.clone(),
        spec: KeySpec::Aes256,
        context: b"row 7".to_vec(),
    };
    match run(&world.engine, &world.user, blind).unwrap() {
        Outcome::DataKey {
            plaintext: None,
            ciphertext,
            ..
        } => assert_eq!(world.decrypt(key, &ciphertext).unwrap().len(), 32),
        other => panic!("{other:?}"),
    }
    let pair = GenerateDataKey {
        realm,
        key: reference,
        spec: KeySpec::EcP256,
        context: Vec::new(),
    };
    let refused = run(&world.engine, &world.user, pair).unwrap_err();
    assert_eq!(refused, ErrorCode::InvalidField);
    world.engine.close();
}

fn unwrap(
    world: &World,
    key: ObjectId,
    wrapped: &[u8],
    version: Option<u32>,
) -> Result<(Vec<u8>, u32), ErrorCode> {
    let (realm, key) = world.at(key);
    let command = Unwrap {
        realm,
        key,
        version,
        accept_compromised: false,
        wrapped: wrapped.to_vec(),
    };
    run(&world.engine, &world.user, command).map(|outcome| match outcome {
        Outcome::Unwrapped {
            material, version, ..
        } => (material.into_inner(), version),
        other => panic!("{other:?}"),
    })
}

#[test]
fn what_was_wrapped_unwraps_after_rotation_and_nothing_else_does() {
    let world = world(memory(), true);
    for spec in [KeySpec::Aes128, KeySpec::Aes192, KeySpec::Aes256] {
        let key = world.create_for(spec, Purpose::Wrap);
        let (realm, reference) = world.at(key);
        for length in [1, 8, 9, 31, 32, 16 << 10] {
            let material = vec![0x5a; length];
            let wrap = Wrap {
                realm: realm.clone(),
                key: reference.clone(),
                material: material.clone().into(),
            };
            let Outcome::Wrapped { wrapped, .. } = run(&world.engine, &world.user, wrap).unwrap()
            else {
                panic!("wrapped")
            };
            assert_eq!(wrapped.len(), length.div_ceil(8) * 8 + 8, "RFC 5649");
            assert_eq!(unwrap(&world, key, &wrapped, None).unwrap().0, material);
            let mut damaged = wrapped.clone();
            damaged[0] ^= 1;
            let invalid = Err(ErrorCode::WrappedKeyInvalid);
            assert_eq!(unwrap(&world, key, &damaged, None), invalid, "{length}");
            assert_eq!(
                unwrap(&world, key, &wrapped[1..], None),
                invalid,
                "{length}"
            );
            assert_eq!(unwrap(&world, key, &[], None), invalid);
            if length == 32 {
                let before = world.state(key).len() as u32;
                rotate(&world, key);
                assert_eq!(unwrap(&world, key, &wrapped, None), Ok((material, before)));
                assert_eq!(unwrap(&world, key, &wrapped, Some(before + 1)), invalid);
            }
        }
        let wrap = |length: usize| Wrap {
            realm: realm.clone(),
            key: reference.clone(),
            material: vec![0; length].into(),
        };
        let refused = |length| run(&world.engine, &world.user, wrap(length)).unwrap_err();
        assert_eq!(refused(0), ErrorCode::InvalidField);
        assert_eq!(refused((16 << 10) + 1), ErrorCode::DataTooLarge);
    }
    world.engine.close();
}

#[test]
fn the_private_half_of_a_data_key_pair_is_wrapped_and_belongs_to_the_public_one() {
    let world = world(memory(), true);
    let key = world.create_for(KeySpec::Aes256, Purpose::Wrap);
    let (realm, reference) = world.at(key);
    for spec in [
        KeySpec::EcP256,
        KeySpec::Ed25519,
        KeySpec::Rsa2048,
        KeySpec::MlKem768,
    ] {
        let make = GenerateDataKeyPair {
            realm: realm.clone(),
            key: reference.clone(),
            spec,
        };
        match run(&world.engine, &world.user, make).unwrap() {
            Outcome::DataKeyPair {
                public, wrapped, ..
            } => {
                let (private, _) = unwrap(&world, key, &wrapped, None).unwrap();
                assert!(!private.is_empty() && public.len() > 40, "{spec:?}");
                if spec == KeySpec::EcP256 {
                    // PKCS #8 of this module carries the public point too: the last 65 bytes of both.
                    assert!(private.ends_with(&public[public.len() - 65..]));
                }
            }
            other => panic!("{other:?}"),
        }
    }
    world.engine.close();
}

fn view(world: &World, outcome: Outcome) -> (Object, Birth) {
    let object = key_of(outcome);
    let (realm, key) = world.at(object.id);
    match run(&world.engine, &world.user, DescribeKey { realm, key }).unwrap() {
        Outcome::Key(view) => (object, view.versions[0].version.origin.birth),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_derived_key_is_an_object_of_its_own_and_the_same_info_gives_the_same_key() {
    let world = world(memory(), true);
    let parent = world.create_for(KeySpec::HmacSha256, Purpose::Derive);
    let (realm, reference) = world.at(parent);
    let derive = |info: &[u8], spec, export| DeriveKey {
        realm: realm.clone(),
        key: reference.clone(),
        info: info.to_vec(),
        new: CreateKey {
            export,
            ..world.create_command(spec)
        },
    };
    let mac = |key: ObjectId| {
        let (realm, key) = world.at(key);
        let message = secret("message");
        match run(
            &world.engine,
            &world.user,
            Mac {
                realm,
                key,
                message,
            },
        )
        .unwrap()
        {
            Outcome::Mac { mac, .. } => mac,
            other => panic!("{other:?}"),
        }
    };
    let made = |info: &[u8], spec| {
        let outcome = run(
            &world.engine,
            &world.user,
            derive(info, spec, ExportClass::Never),
        );
        view(&world, outcome.unwrap())
    };
    let (one, birth) = made(b"tenant 1", KeySpec::HmacSha256);
    assert_eq!((birth, one.exception), (Birth::Derived, false));
    let (same, _) = made(b"tenant 1", KeySpec::HmacSha256);
    let (other, _) = made(b"tenant 2", KeySpec::HmacSha256);
    assert_ne!(one.id, same.id);
    assert_eq!(mac(one.id), mac(same.id));
    assert_ne!(mac(one.id), mac(other.id));
    let (cipher, _) = made(b"tenant 1", KeySpec::Aes256);
    let sealed = world.encrypt(cipher.id, "hello").unwrap();
    assert_eq!(world.decrypt(cipher.id, &sealed).unwrap(), b"hello");
    let record = record(&world, CommandKind::DeriveKey);
    assert_eq!(record.header.target, Some(cipher.id.0));
    let detail = record.body.unwrap().detail.unwrap();
    assert_eq!(detail, format!("from version 1 of {parent}"));
    for (command, expected) in [
        (
            derive(b"", KeySpec::Aes256, ExportClass::Never),
            ErrorCode::InvalidField,
        ),
        (
            derive(b"x", KeySpec::EcP256, ExportClass::Never),
            ErrorCode::InvalidField,
        ),
        (
            derive(b"x", KeySpec::Aes256, ExportClass::Wrapped),
            ErrorCode::ExportForbidden,
        ),
    ] {
        let refused = run(&world.engine, &world.user, command).unwrap_err();
        assert_eq!(refused, expected);
    }
    world.engine.close();
}

#[test]
fn two_sides_agree_on_one_key_only_by_way_of_an_exception_and_never_with_an_approved_record() {
    let world = world(memory(), true);
    for spec in [KeySpec::EcP256, KeySpec::EcP384, KeySpec::EcP521] {
        let (here, there) = (
            world.exceptional(spec, Purpose::Agree),
            world.exceptional(spec, Purpose::Agree),
        );
        let agree = |own: ObjectId, peer: Vec<u8>| {
            let (realm, key) = world.at(own);
            let command = AgreeKey {
                realm,
                key,
                peer,
                info: b"both sides".to_vec(),
                new: world.create_command(KeySpec::Aes256),
            };
            run(&world.engine, &world.user, command)
        };
        let one = key_of(agree(here, world.public(there)).unwrap());
        let two = key_of(agree(there, world.public(here)).unwrap());
        assert!(one.exception && two.exception);
        let data_key = |key: ObjectId| world.encrypt(key, "x").unwrap();
        // The two objects hold the same material: what one encrypts the other opens, once the header names it.
        let sealed = data_key(one.id);
        let mut readdressed = sealed.clone();
        readdressed[22..38].copy_from_slice(&two.id.0);
        // The header is authenticated, so that this must fail; the sameness shows by derivation in the module's tests.
        assert_eq!(
            world.decrypt(two.id, &readdressed),
            Err(ErrorCode::InvalidCiphertext)
        );
        assert_eq!(world.decrypt(one.id, &sealed).unwrap(), b"x");
        for kind in [CommandKind::AgreeKey, CommandKind::Encrypt] {
            let indicator = record(&world, kind).header.indicator;
            assert_eq!(indicator, Indicator::NotApproved, "{kind:?}");
        }
        let invalid = Err(ErrorCode::PublicKeyInvalid);
        let mut point = world.public(there);
        *point.last_mut().unwrap() ^= 1;
        assert_eq!(agree(here, point).map(|_| ()), invalid, "off the curve");
        let foreign = world.public(world.create(KeySpec::Ed25519));
        assert_eq!(agree(here, foreign).map(|_| ()), invalid);
        assert_eq!(agree(here, Vec::new()).map(|_| ()), invalid);
        let ordinary = world.create_for(spec, Purpose::Agree);
        let refused = agree(ordinary, world.public(there)).map(|_| ());
        assert_eq!(refused, Err(ErrorCode::AlgorithmNotApproved));
    }
    world.engine.close();
}

#[test]
fn an_encapsulated_key_is_the_decapsulated_one() {
    let world = world(memory(), true);
    for spec in [KeySpec::MlKem512, KeySpec::MlKem768, KeySpec::MlKem1024] {
        let pair = world.create_for(spec, Purpose::Encapsulate);
        let (realm, key) = world.at(pair);
        // As an HMAC key it would show its sameness; the shared key is AES, so it is used to wrap.
        let new = CreateKey {
            purpose: Some(Purpose::Wrap),
            ..world.create_command(KeySpec::Aes256)
        };
        let encapsulate = Encapsulate {
            realm: realm.clone(),
            key: key.clone(),
            new: new.clone(),
        };
        let Outcome::Encapsulated {
            ciphertext,
            key: here,
        } = run(&world.engine, &world.user, encapsulate).unwrap()
        else {
            panic!("encapsulated")
        };
        let decapsulate = |ciphertext: &[u8]| Decapsulate {
            realm: realm.clone(),
            key: key.clone(),
            version: None,
            accept_compromised: false,
            ciphertext: ciphertext.to_vec(),
            new: new.clone(),
        };
        let there = key_of(run(&world.engine, &world.user, decapsulate(&ciphertext)).unwrap());
        let (realm, here_key) = world.at(here.object.id);
        let wrap = Wrap {
            realm,
            key: here_key,
            material: secret("material"),
        };
        let Outcome::Wrapped { wrapped, .. } = run(&world.engine, &world.user, wrap).unwrap()
        else {
            panic!("wrapped")
        };
        assert_eq!(
            unwrap(&world, there.id, &wrapped, None).unwrap().0,
            b"material",
            "{spec:?}"
        );
        // Implicit rejection (FIPS 203 §6.3): a damaged encapsulation gives another key, not an error.
        let mut damaged = ciphertext.clone();
        damaged[0] ^= 1;
        let other = key_of(run(&world.engine, &world.user, decapsulate(&damaged)).unwrap());
        assert_eq!(
            unwrap(&world, other.id, &wrapped, None),
            Err(ErrorCode::WrappedKeyInvalid)
        );
        for wrong in [&ciphertext[1..], &[]] {
            let refused = run(&world.engine, &world.user, decapsulate(wrong)).unwrap_err();
            assert_eq!(refused, ErrorCode::InvalidCiphertext);
        }
    }
    world.engine.close();
}

#[test]
fn random_bytes_have_their_length_and_hashes_are_those_of_the_standard() {
    let world = world(memory(), true);
    let realm = || RealmRef::Id(world.realm);
    for length in [1, 32, 65_536] {
        let random = Random {
            realm: realm(),
            length,
        };
        match run(&world.engine, &world.user, random).unwrap() {
            Outcome::Random(bytes) => assert_eq!(bytes.len(), length as usize),
            other => panic!("{other:?}"),
        }
    }
    for length in [0, 65_537] {
        let random = Random {
            realm: realm(),
            length,
        };
        let refused = run(&world.engine, &world.user, random).unwrap_err();
        assert_eq!(refused, ErrorCode::InvalidField);
    }
    // FIPS 180-4 and FIPS 202 example values for "abc".
    for (algorithm, start) in [
        (HashAlgorithm::Sha256, "ba7816bf8f01cfea"),
        (HashAlgorithm::Sha384, "cb00753f45a35e8b"),
        (HashAlgorithm::Sha512, "ddaf35a193617aba"),
        (HashAlgorithm::Sha3_256, "3a985da74fe225b2"),
        (HashAlgorithm::Sha3_384, "ec01498288516fc9"),
        (HashAlgorithm::Sha3_512, "b751850b1a57168a"),
    ] {
        let hash = |message: Vec<u8>| Hash {
            realm: realm(),
            algorithm,
            message: message.into(),
        };
        match run(&world.engine, &world.user, hash(b"abc".to_vec())).unwrap() {
            Outcome::Hash { digest, .. } => {
                assert!(
                    keyward_core::ids::hex(&digest).starts_with(start),
                    "{algorithm:?}"
                );
            }
            other => panic!("{other:?}"),
        }
        // Through the pool.
        run(&world.engine, &world.user, hash(vec![0; 4 << 20])).unwrap();
        let refused = run(&world.engine, &world.user, hash(vec![0; (4 << 20) + 1])).unwrap_err();
        assert_eq!(refused, ErrorCode::DataTooLarge);
    }
    let officer = Random {
        realm: realm(),
        length: 1,
    };
    let refused = run(&world.engine, &world.officer, officer).unwrap_err();
    assert_eq!(refused, ErrorCode::PermissionDenied);
    world.engine.close();
}

#[test]
fn a_public_key_is_shown_of_every_pair_and_version_and_of_nothing_else() {
    let world = world(memory(), true);
    let key = world.create(KeySpec::EcP384);
    let first = world.public(key);
    rotate(&world, key);
    assert_ne!(world.public(key), first);
    let (realm, reference) = world.at(key);
    let of = |version| ExportPublicKey {
        realm: realm.clone(),
        key: reference.clone(),
        version,
    };
    match run(&world.engine, &world.officer, of(Some(1))).unwrap() {
        Outcome::PublicKey {
            der, version: 1, ..
        } => assert_eq!(der, first),
        other => panic!("{other:?}"),
    }
    for absent in [0, 3] {
        let refused = run(&world.engine, &world.officer, of(Some(absent))).unwrap_err();
        assert_eq!(refused, ErrorCode::VersionNotFound);
    }
    let (realm, key) = world.at(world.create(KeySpec::Aes256));
    let symmetric = ExportPublicKey {
        realm,
        key,
        version: None,
    };
    let refused = run(&world.engine, &world.user, symmetric).unwrap_err();
    assert_eq!(refused, ErrorCode::WrongKeyType);
    world.engine.close();
}
