//! Signing, verifying, authenticating and batches on the real module.
mod common;

use common::*;
use keyward_core::ErrorCode;
use keyward_core::algorithm::{Indicator, KeySpec, Purpose, SignatureScheme};
use keyward_core::command::*;
use keyward_core::ids::ObjectId;
use keyward_core::limits::{BATCH_ITEMS_MAX, MESSAGE_MAX_BYTES};
use keyward_core::outcome::{BatchItem, Outcome};
use keyward_core::record::RecordView;
use keyward_core::role::Role;
use keyward_core::secret::Secret;
use keyward_core::state::State;

/// Key and the scheme by which it signed.
fn signed(world: &World, key: ObjectId, scheme: Option<SignatureScheme>) -> (Vec<u8>, u32) {
    let (realm, key) = world.at(key);
    let command = Sign {
        scheme,
        ..sign(realm, key, "message")
    };
    match run(&world.engine, &world.user, command).unwrap() {
        Outcome::Signature {
            signature, version, ..
        } => (signature, version),
        other => panic!("{other:?}"),
    }
}

fn verified(world: &World, command: Verify) -> Result<u32, ErrorCode> {
    run(&world.engine, &world.user, command).map(|outcome| match outcome {
        Outcome::Verified { version, .. } => version,
        other => panic!("{other:?}"),
    })
}

fn rotate(world: &World, key: ObjectId) {
    let (realm, key) = world.at(key);
    run(&world.engine, &world.officer, RotateKey { realm, key }).unwrap();
}

fn newest(world: &World) -> RecordView {
    let auditor = workload(
        &world.engine,
        &world.admin,
        keyward_core::ids::RealmId::SYSTEM,
        &format!(
            "auditor-{}",
            world
                .clock
                .wall
                .fetch_add(1, std::sync::atomic::Ordering::SeqCst)
        ),
        Role::Auditor,
    );
    let read = ReadAudit {
        from: 0,
        limit: 1000,
        realm_filter: Some(world.realm),
        target: None,
        principal: None,
        command: None,
        refused_only: false,
        since: None,
        until: None,
    };
    match run(&world.engine, &auditor, read).unwrap() {
        Outcome::Records { records, .. } => {
            let mut about_keys = records
                .into_iter()
                .filter(|record| (150..180).contains(&record.header.command));
            about_keys.next_back().unwrap()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_kind_that_signs_verifies_under_every_scheme_and_refuses_everything_else() {
    let world = world(memory(), true);
    let kinds = [
        KeySpec::Rsa2048,
        KeySpec::Rsa3072,
        KeySpec::EcP256,
        KeySpec::EcP384,
        KeySpec::EcP521,
        KeySpec::Ed25519,
    ];
    for spec in kinds {
        let key = world.create(spec);
        let (realm, reference) = world.at(key);
        for scheme in SignatureScheme::of(spec) {
            let (signature, version) = signed(&world, key, Some(*scheme));
            let check = |message: &str, signature: &[u8]| {
                let command = Verify {
                    scheme: Some(*scheme),
                    ..verify(
                        realm.clone(),
                        reference.clone(),
                        message,
                        signature.to_vec(),
                    )
                };
                verified(&world, command)
            };
            assert_eq!(
                check("message", &signature),
                Ok(version),
                "{spec:?} {scheme:?}"
            );
            let invalid = Err(ErrorCode::SignatureInvalid);
            assert_eq!(check("massage", &signature), invalid, "{spec:?} {scheme:?}");
            let mut flipped = signature.clone();
            *flipped.last_mut().unwrap() ^= 1;
            assert_eq!(check("message", &flipped), invalid, "{spec:?} {scheme:?}");
            assert_eq!(check("message", b""), invalid, "{spec:?} {scheme:?}");
            assert_eq!(
                check("message", &signature[1..]),
                invalid,
                "{spec:?} {scheme:?}"
            );
        }
        let foreign = SignatureScheme::ALL
            .into_iter()
            .find(|scheme| !SignatureScheme::of(spec).contains(scheme));
        let command = Sign {
            scheme: foreign,
            ..sign(realm, reference, "message")
        };
        let refused = run(&world.engine, &world.user, command).unwrap_err();
        assert_eq!(refused, ErrorCode::InvalidField, "{spec:?}");
    }
    let record = newest(&world);
    assert_eq!(record.header.outcome, ErrorCode::InvalidField.number());
    world.engine.close();
}

#[test]
fn a_signature_is_found_after_rotation_with_and_without_its_version() {
    let world = world(memory(), true);
    let key = world.create(KeySpec::EcP256);
    let (realm, reference) = world.at(key);
    let (first, version) = signed(&world, key, None);
    assert_eq!(version, 1);
    rotate(&world, key);
    let (second, version) = signed(&world, key, None);
    assert_eq!(version, 2);
    let check = |signature: &[u8], version| {
        let command = Verify {
            version,
            ..verify(
                realm.clone(),
                reference.clone(),
                "message",
                signature.to_vec(),
            )
        };
        verified(&world, command)
    };
    assert_eq!(check(&first, None), Ok(1));
    assert_eq!(check(&second, None), Ok(2));
    assert_eq!(check(&first, Some(1)), Ok(1));
    assert_eq!(check(&first, Some(2)), Err(ErrorCode::SignatureInvalid));
    for absent in [0, 3, u32::MAX] {
        let found = check(&first, Some(absent));
        assert_eq!(found, Err(ErrorCode::VersionNotFound), "{absent}");
    }
    // Beyond the newest eight the version must be named.
    (0..8).for_each(|_| rotate(&world, key));
    assert_eq!(check(&first, None), Err(ErrorCode::SignatureInvalid));
    assert_eq!(check(&first, Some(1)), Ok(1));
    world.engine.close();
}

#[test]
fn a_compromised_version_verifies_only_for_those_who_accept_it() {
    let world = world(memory(), true);
    for spec in [KeySpec::EcP256, KeySpec::HmacSha256] {
        let key = world.create(spec);
        let (realm, reference) = world.at(key);
        let (proof, is_pair) = match spec {
            KeySpec::EcP256 => (signed(&world, key, None).0, true),
            _ => (mac(&world, key), false),
        };
        let report = ReportCompromise {
            realm: realm.clone(),
            key: reference.clone(),
            version: None,
            since: None,
            reason: "seen".to_owned(),
        };
        run(&world.engine, &world.officer, report).unwrap();
        assert_eq!(world.state(key), [State::Compromised]);
        for (accept, expected) in [(false, Err(ErrorCode::KeyCompromised)), (true, Ok(()))] {
            let (realm, key) = (realm.clone(), reference.clone());
            let command: Command = if is_pair {
                Verify {
                    accept_compromised: accept,
                    ..verify(realm, key, "message", proof.clone())
                }
                .into()
            } else {
                VerifyMac {
                    realm,
                    key,
                    version: None,
                    accept_compromised: accept,
                    message: secret("message"),
                    mac: proof.clone(),
                }
                .into()
            };
            let found = run(&world.engine, &world.user, command).map(|_| ());
            assert_eq!(found, expected, "{spec:?} {accept}");
        }
        let refused = if is_pair {
            run(&world.engine, &world.user, sign(realm, reference, "x")).unwrap_err()
        } else {
            let message = secret("x");
            let (realm, key) = (realm, reference);
            run(
                &world.engine,
                &world.user,
                Mac {
                    realm,
                    key,
                    message,
                },
            )
            .unwrap_err()
        };
        assert_eq!(refused, ErrorCode::KeyCompromised);
    }
    world.engine.close();
}

fn mac(world: &World, key: ObjectId) -> Vec<u8> {
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
}

#[test]
fn a_code_has_its_full_length_is_found_after_rotation_and_fits_nothing_else() {
    let world = world(memory(), true);
    for (spec, length) in [
        (KeySpec::HmacSha256, 32),
        (KeySpec::HmacSha384, 48),
        (KeySpec::HmacSha512, 64),
    ] {
        let key = world.create(spec);
        let code = mac(&world, key);
        assert_eq!(code.len(), length, "{spec:?}");
        rotate(&world, key);
        let check = |message: &str, code: &[u8]| {
            let (realm, key) = world.at(key);
            let command = VerifyMac {
                realm,
                key,
                version: None,
                accept_compromised: false,
                message: secret(message),
                mac: code.to_vec(),
            };
            run(&world.engine, &world.user, command).map(|outcome| match outcome {
                Outcome::Verified { version, .. } => version,
                other => panic!("{other:?}"),
            })
        };
        assert_eq!(check("message", &code), Ok(1), "{spec:?}");
        let invalid = Err(ErrorCode::MacInvalid);
        assert_eq!(check("massage", &code), invalid, "{spec:?}");
        assert_eq!(
            check("message", &code[..length - 1]),
            invalid,
            "{spec:?}: no truncation"
        );
        assert_eq!(check("message", b""), invalid, "{spec:?}");
        let longer = [&code[..], &[0]].concat();
        assert_eq!(check("message", &longer), invalid, "{spec:?}");
        let mut flipped = code;
        flipped[0] ^= 0x80;
        assert_eq!(check("message", &flipped), invalid, "{spec:?}");
    }
    assert_eq!(
        newest(&world).header.outcome,
        ErrorCode::MacInvalid.number()
    );
    world.engine.close();
}

#[test]
fn a_key_serves_its_one_purpose_and_no_other() {
    let world = world(memory(), true);
    let create = |spec, purpose| {
        let command = CreateKey {
            purpose: Some(purpose),
            ..world.create_command(spec)
        };
        match run(&world.engine, &world.officer, command).unwrap() {
            Outcome::Key(view) => view.object.id,
            other => panic!("{other:?}"),
        }
    };
    let keys = [
        (create(KeySpec::Aes256, Purpose::Encrypt), "encrypt"),
        (create(KeySpec::Aes256, Purpose::Wrap), "wrap"),
        (create(KeySpec::HmacSha256, Purpose::Mac), "mac"),
        (create(KeySpec::HmacSha256, Purpose::Derive), "derive"),
        (create(KeySpec::EcP256, Purpose::Sign), "sign"),
        (create(KeySpec::EcP256, Purpose::Agree), "agree"),
        (
            create(KeySpec::MlKem768, Purpose::Encapsulate),
            "encapsulate",
        ),
    ];
    for (key, purpose) in keys {
        let (realm, key) = world.at(key);
        let uses: [(&str, Command); 7] = [
            ("encrypt", encrypt_batch(&realm, &key, 2).into()),
            ("sign", sign(realm.clone(), key.clone(), "x").into()),
            (
                "sign",
                verify(realm.clone(), key.clone(), "x", vec![1]).into(),
            ),
            (
                "sign",
                SignBatch {
                    realm: realm.clone(),
                    key: key.clone(),
                    scheme: None,
                    items: vec![secret("x")],
                }
                .into(),
            ),
            (
                "mac",
                Mac {
                    realm: realm.clone(),
                    key: key.clone(),
                    message: secret("x"),
                }
                .into(),
            ),
            (
                "mac",
                VerifyMac {
                    realm: realm.clone(),
                    key: key.clone(),
                    version: None,
                    accept_compromised: false,
                    message: secret("x"),
                    mac: vec![0; 32],
                }
                .into(),
            ),
            (
                "encrypt",
                Encrypt {
                    realm: realm.clone(),
                    key: key.clone(),
                    context: Vec::new(),
                    plaintext: secret("x"),
                }
                .into(),
            ),
        ];
        for (needs, command) in uses {
            let kind = command.kind();
            let found = run(&world.engine, &world.user, command);
            if needs == purpose {
                assert_ne!(
                    found.err(),
                    Some(ErrorCode::UsageNotPermitted),
                    "{purpose} {kind:?}"
                );
            } else {
                assert_eq!(
                    found.err(),
                    Some(ErrorCode::UsageNotPermitted),
                    "{purpose} {kind:?}"
                );
            }
        }
    }
    world.engine.close();
}

fn encrypt_batch(realm: &RealmRef, key: &KeyRef, count: usize) -> EncryptBatch {
    let item = |number: usize| EncryptItem {
        context: vec![u8::try_from(number % 256).unwrap()],
        plaintext: secret(&format!("item {number}")),
    };
    EncryptBatch {
        realm: realm.clone(),
        key: key.clone(),
        items: (0..count).map(item).collect(),
    }
}

fn items(outcome: Outcome) -> Vec<Result<BatchItem, ErrorCode>> {
    match outcome {
        Outcome::Batch { items, .. } => items
            .into_iter()
            .map(|item| item.map_err(|problem| problem.code))
            .collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_batch_answers_every_item_in_order_and_its_record_counts_them() {
    let world = world(memory(), true);
    let key = world.create(KeySpec::Aes256);
    let (realm, reference) = world.at(key);
    let batch = encrypt_batch(&realm, &reference, 5);
    let sealed = items(run(&world.engine, &world.user, batch).unwrap());
    let record = newest(&world);
    assert_eq!(record.header.indicator, Indicator::Approved);
    assert_eq!(record.body.unwrap().detail.as_deref(), Some("5 items"));
    let mut ciphertexts: Vec<Vec<u8>> = sealed
        .into_iter()
        .map(|item| match item {
            Ok(BatchItem::Ciphertext {
                ciphertext,
                version: 1,
            }) => ciphertext,
            other => panic!("{other:?}"),
        })
        .collect();
    *ciphertexts[1].last_mut().unwrap() ^= 1;
    ciphertexts[3].truncate(10);
    let items_of = |contexts: &[u8]| {
        let pairs = ciphertexts.iter().zip(contexts);
        pairs
            .map(|(ciphertext, context)| DecryptItem {
                context: vec![*context],
                ciphertext: ciphertext.clone(),
            })
            .collect::<Vec<_>>()
    };
    let open = |contexts: &[u8]| DecryptBatch {
        realm: realm.clone(),
        key: reference.clone(),
        accept_compromised: false,
        items: items_of(contexts),
    };
    let opened = items(run(&world.engine, &world.user, open(&[0, 1, 9, 3, 4])).unwrap());
    let texts: Vec<Option<Vec<u8>>> = opened
        .into_iter()
        .map(|item| match item {
            Ok(BatchItem::Plaintext { plaintext, .. }) => Some(plaintext.into_inner()),
            Err(ErrorCode::InvalidCiphertext) => None,
            other => panic!("{other:?}"),
        })
        .collect();
    let text = |number: usize| Some(format!("item {number}").into_bytes());
    assert_eq!(texts, [text(0), None, None, None, text(4)]);
    let detail = newest(&world).body.unwrap().detail;
    assert_eq!(
        detail.as_deref(),
        Some("5 items, 3 refused: invalid_ciphertext")
    );
    world.engine.close();
}

#[test]
fn every_item_of_a_batch_counts_against_the_limit_of_encryptions() {
    let world = world(memory(), true);
    let key = world.create(KeySpec::Aes256);
    let (realm, reference) = world.at(key);
    for _ in 0..4 {
        run(
            &world.engine,
            &world.user,
            encrypt_batch(&realm, &reference, 200),
        )
        .unwrap();
    }
    let describe = DescribeKey {
        realm,
        key: reference,
    };
    let Outcome::Key(view) = run(&world.engine, &world.officer, describe).unwrap() else {
        panic!("a key")
    };
    assert!(
        view.versions[0].uses_reserved >= 800,
        "{}",
        view.versions[0].uses_reserved
    );
    world.engine.close();
}

#[test]
fn a_batch_of_no_size_or_too_great_a_size_is_refused_whole_and_recorded() {
    let world = world(memory(), true);
    let key = world.create(KeySpec::Aes256);
    let (realm, reference) = world.at(key);
    let large = |count: usize, each: usize| EncryptBatch {
        realm: realm.clone(),
        key: reference.clone(),
        items: (0..count)
            .map(|_| EncryptItem {
                context: Vec::new(),
                plaintext: Secret::new(vec![0; each]),
            })
            .collect(),
    };
    for (batch, expected) in [
        (large(0, 0), ErrorCode::InvalidField),
        (large(BATCH_ITEMS_MAX + 1, 0), ErrorCode::TooManyItems),
        (large(3, MESSAGE_MAX_BYTES / 2), ErrorCode::DataTooLarge),
    ] {
        let refused = run(&world.engine, &world.user, batch).unwrap_err();
        assert_eq!(refused, expected);
        assert_eq!(newest(&world).header.outcome, expected.number());
    }
    let whole = large(BATCH_ITEMS_MAX, MESSAGE_MAX_BYTES / BATCH_ITEMS_MAX);
    let done = items(run(&world.engine, &world.user, whole).unwrap());
    assert!(done.len() == BATCH_ITEMS_MAX && done.iter().all(Result::is_ok));
    world.engine.close();
}

#[test]
fn batches_of_signatures_and_codes_verify_one_by_one_and_as_a_batch() {
    let world = world(memory(), true);
    for spec in [KeySpec::Rsa2048, KeySpec::EcP256, KeySpec::Ed25519] {
        let key = world.create(spec);
        let (realm, reference) = world.at(key);
        let batch = SignBatch {
            realm: realm.clone(),
            key: reference.clone(),
            scheme: None,
            items: (0..7).map(|n| secret(&format!("m{n}"))).collect(),
        };
        let made = items(run(&world.engine, &world.user, batch).unwrap());
        let signatures: Vec<Vec<u8>> = made
            .into_iter()
            .map(|item| match item {
                Ok(BatchItem::Signature { signature, .. }) => signature,
                other => panic!("{other:?}"),
            })
            .collect();
        rotate(&world, key);
        let versions = [None, Some(1), Some(2), Some(9), None, Some(1), Some(0)];
        let checks = (0..7).map(|n| VerifyItem {
            version: versions[n],
            message: secret(&format!("m{}", if n == 4 { 0 } else { n })),
            signature: signatures[n].clone(),
        });
        let batch = VerifyBatch {
            realm: realm.clone(),
            key: reference.clone(),
            scheme: None,
            accept_compromised: false,
            items: checks.collect(),
        };
        let found: Vec<Result<u32, ErrorCode>> =
            items(run(&world.engine, &world.user, batch).unwrap())
                .into_iter()
                .map(|item| {
                    item.map(|item| match item {
                        BatchItem::Verified { version } => version,
                        other => panic!("{other:?}"),
                    })
                })
                .collect();
        let (absent, invalid) = (
            Err(ErrorCode::VersionNotFound),
            Err(ErrorCode::SignatureInvalid),
        );
        assert_eq!(
            found,
            [Ok(1), Ok(1), invalid, absent, invalid, Ok(1), absent],
            "{spec:?}"
        );
    }
    let key = world.create(KeySpec::HmacSha512);
    let (realm, reference) = world.at(key);
    let batch = MacBatch {
        realm,
        key: reference,
        items: vec![secret("message"), secret("other")],
    };
    let made = items(run(&world.engine, &world.user, batch).unwrap());
    match &made[0] {
        Ok(BatchItem::Mac { mac: code, .. }) => assert_eq!(*code, mac(&world, key)),
        other => panic!("{other:?}"),
    }
    world.engine.close();
}

#[test]
fn a_suspended_key_refuses_a_whole_batch_and_another_realms_key_is_as_if_absent() {
    let world = world(memory(), true);
    let key = world.create(KeySpec::Aes256);
    let (realm, reference) = world.at(key);
    let suspend = SuspendKey {
        realm: realm.clone(),
        key: reference.clone(),
        reason: None,
    };
    run(&world.engine, &world.officer, suspend).unwrap();
    let batch = encrypt_batch(&realm, &reference, 2);
    let refused = run(&world.engine, &world.user, batch).unwrap_err();
    assert_eq!(refused, ErrorCode::KeySuspended);
    let Outcome::Realm(other) = run(
        &world.engine,
        &world.admin,
        CreateRealm {
            name: name("elsewhere"),
            level: 1,
            rehearsal: true,
            quotas: None,
        },
    )
    .unwrap() else {
        panic!("a realm")
    };
    let stranger = workload(
        &world.engine,
        &world.admin,
        other.id,
        "stranger",
        Role::CryptoUser,
    );
    let absent = KeyRef::Id(ObjectId([9; 16]));
    let pair = KeyRef::Id(world.create(KeySpec::EcP256));
    for key in [pair, absent] {
        for realm in [realm.clone(), RealmRef::Id(other.id)] {
            let problem = futures_executor::block_on(world.engine.execute(
                &stranger,
                &sign(realm, key.clone(), "x").into(),
                &Envelope::default(),
            ))
            .unwrap_err();
            assert_eq!(problem.code, ErrorCode::NotFound);
            assert!(problem.params.is_empty());
        }
    }
    world.engine.close();
}

#[test]
fn rsa_signatures_do_not_keep_others_waiting() {
    // One serving thread: every RSA signature must leave it to the pool, or the short command behind would have to wait
    // for all of them. The order in which answers come shows it without looking at a clock.
    let world = world(memory(), true);
    let rsa = world.create(KeySpec::Rsa4096);
    let aes = world.create(KeySpec::Aes256);
    world.encrypt(aes, "warm").unwrap();
    signed(&world, rsa, None);
    let order = std::sync::Mutex::new(Vec::new());
    let note = |name: &'static str| order.lock().unwrap().push(name);
    let slow = |_: usize| async {
        let (realm, key) = world.at(rsa);
        let command = SignBatch {
            realm,
            key,
            scheme: None,
            items: (0..16).map(|_| secret("x")).collect(),
        };
        let command = command.into();
        let envelope = Envelope::default();
        world
            .engine
            .execute(&world.user, &command, &envelope)
            .await
            .unwrap();
        note("rsa");
    };
    let quick = async {
        let (realm, key) = world.at(aes);
        let command = Encrypt {
            realm,
            key,
            context: Vec::new(),
            plaintext: secret("x"),
        };
        let command = command.into();
        let envelope = Envelope::default();
        world
            .engine
            .execute(&world.user, &command, &envelope)
            .await
            .unwrap();
        note("aes");
    };
    let mut all: Vec<std::pin::Pin<Box<dyn Future<Output = ()> + '_>>> = Vec::new();
    for number in 0..4 {
        all.push(Box::pin(slow(number)));
    }
    all.push(Box::pin(quick));
    futures_executor::block_on(join(all));
    assert_eq!(order.into_inner().unwrap()[0], "aes");
    world.engine.close();
}

/// Polls all until all are done, on this one thread.
async fn join(mut all: Vec<std::pin::Pin<Box<dyn Future<Output = ()> + '_>>>) {
    std::future::poll_fn(|context| {
        all.retain_mut(|one| one.as_mut().poll(context).is_pending());
        if all.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}
