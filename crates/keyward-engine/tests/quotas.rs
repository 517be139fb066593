//! The quotas of a realm: what one realm does too much of is turned away, recorded together, and slows nobody else.
mod common;

use common::*;
use futures_executor::block_on;
use keyward_core::ErrorCode;
use keyward_core::algorithm::KeySpec;
use keyward_core::command::*;
use keyward_core::ids::{ObjectId, RealmId};
use keyward_core::object::Quotas;
use keyward_core::outcome::Outcome;
use keyward_core::role::Role;
use keyward_core::time::Millis;
use keyward_engine::Caller;

struct Limited {
    realm: RealmId,
    officer: Caller,
    user: Caller,
}

fn limited(world: &World, called: &str, quotas: Quotas) -> Limited {
    let create = CreateRealm {
        name: name(called),
        level: 1,
        rehearsal: false,
        quotas: Some(quotas),
    };
    let Outcome::Realm(realm) = run(&world.engine, &world.admin, create).unwrap() else {
        panic!("a realm")
    };
    let of = |who: &str, role| workload(&world.engine, &world.admin, realm.id, who, role);
    let (officer, user) = (
        of("officer", Role::CryptoOfficer),
        of("user", Role::CryptoUser),
    );
    // What making them cost is over.
    world.clock.pass(Millis(2_000));
    Limited {
        realm: realm.id,
        officer,
        user,
    }
}

fn create(world: &World, at: &Limited) -> Result<ObjectId, ErrorCode> {
    let command = CreateKey {
        realm: RealmRef::Id(at.realm),
        ..world.create_command(KeySpec::Aes256)
    };
    run(&world.engine, &at.officer, command).map(|outcome| match outcome {
        Outcome::Key(view) => view.object.id,
        other => panic!("{other:?}"),
    })
}

fn encrypt(world: &World, at: &Limited, key: ObjectId) -> Result<Outcome, ErrorCode> {
    let command = Encrypt {
        realm: RealmRef::Id(at.realm),
        key: KeyRef::Id(key),
        context: Vec::new(),
        plaintext: secret("text"),
    };
    run(&world.engine, &at.user, command)
}

fn auditor(world: &World) -> Caller {
    let realm = RealmId::SYSTEM;
    workload(&world.engine, &world.admin, realm, "auditor", Role::Auditor)
}

fn log_size(world: &World, auditor: &Caller) -> u64 {
    let read = ReadAudit {
        limit: 1,
        ..ReadAudit::default()
    };
    match run(&world.engine, auditor, read).unwrap() {
        Outcome::Records { size, .. } => size,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_rate_turns_away_what_is_too_much_and_neither_harms_others_nor_fills_the_log() {
    let world = world(memory(), false);
    let (other, auditor) = (world.create(KeySpec::Aes256), auditor(&world));
    let quotas = Quotas {
        rate_per_second: 20,
        ..Quotas::default()
    };
    let noisy = limited(&world, "noisy", quotas);
    let key = create(&world, &noisy).unwrap();
    encrypt(&world, &noisy, key).unwrap();
    world.clock.pass(Millis(2_000));
    let before = log_size(&world, &auditor);
    let results: Vec<_> = (0..500).map(|_| encrypt(&world, &noisy, key)).collect();
    let passed = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(passed, 20);
    assert!(
        results
            .iter()
            .filter_map(|result| result.as_ref().err())
            .all(|code| *code == ErrorCode::RateLimited)
    );
    world.encrypt(other, "another realm is not slowed").unwrap();
    let suspend = SuspendKey {
        realm: RealmRef::Id(noisy.realm),
        key: KeyRef::Id(key),
        reason: None,
    };
    run(&world.engine, &noisy.officer, suspend).unwrap();
    // 20 encryptions, one of another realm, one suspension, and the reading of the size.
    assert_eq!(log_size(&world, &auditor) - before, 23);
    world.clock.pass(Millis(60_000));
    block_on(world.engine.run_due()).unwrap();
    let notices = ReadAudit {
        from: before,
        limit: 100,
        command: Some(CommandKind::ServerEvent.number()),
        ..ReadAudit::default()
    };
    let Outcome::Records { records, .. } = run(&world.engine, &auditor, notices).unwrap() else {
        panic!("records")
    };
    let said: Vec<String> = records
        .into_iter()
        .filter_map(|record| record.body?.detail)
        .filter(|detail| detail.contains("turned away"))
        .collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("turned away 480 commands"), "{said:?}");
    world.engine.close();
}

#[test]
fn a_quota_of_keys_is_exact_and_a_restart_does_not_eat_it_up() {
    let world = world(memory(), false);
    let quotas = Quotas {
        keys: 5,
        ..Quotas::default()
    };
    let small = limited(&world, "small", quotas);
    for _ in 0..3 {
        create(&world, &small).unwrap();
    }
    world.engine.close();
    let again = engine(&world.module, &world.store, &world.clock);
    block_on(again.unseal("passphrase", &secret(PASSPHRASE), None)).unwrap();
    let world = World {
        engine: again,
        ..world
    };
    for _ in 0..2 {
        create(&world, &small).unwrap();
    }
    assert_eq!(create(&world, &small), Err(ErrorCode::QuotaExceeded));
    world.engine.close();
}

#[test]
fn a_large_quota_survives_restarts_that_leave_reserved_leaves_unused() {
    let world = world(memory(), false);
    let quotas = Quotas {
        keys: 64,
        ..Quotas::default()
    };
    let small = limited(&world, "small", quotas);
    let mut world = world;
    for number in 0..64 {
        create(&world, &small).unwrap_or_else(|code| panic!("key {number}: {code}"));
        if number % 5 == 0 {
            world.engine.close();
            let again = engine(&world.module, &world.store, &world.clock);
            block_on(again.unseal("passphrase", &secret(PASSPHRASE), None)).unwrap();
            world = World {
                engine: again,
                ..world
            };
        }
    }
    assert_eq!(create(&world, &small), Err(ErrorCode::QuotaExceeded));
    world.engine.close();
}

#[test]
fn a_realm_whose_records_of_the_day_are_used_up_waits_for_the_next() {
    let world = world(memory(), false);
    let quotas = Quotas {
        audit_bytes_per_day: 6_000,
        ..Quotas::default()
    };
    let wordy = limited(&world, "wordy", quotas);
    let key = create(&world, &wordy).unwrap();
    let passed = (0..200)
        .take_while(|_| encrypt(&world, &wordy, key).is_ok())
        .count();
    assert!((5..100).contains(&passed), "{passed}");
    assert_eq!(
        encrypt(&world, &wordy, key).unwrap_err(),
        ErrorCode::QuotaExceeded
    );
    world.clock.pass(Millis::DAY);
    encrypt(&world, &wordy, key).unwrap();
    world.engine.close();
}
