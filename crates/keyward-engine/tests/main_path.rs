//! The main path on the real module and the real store: one command, decided once, recorded, then answered.
mod common;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use common::*;
use futures_executor::block_on;
use keyward_core::ErrorCode;
use keyward_core::algorithm::KeySpec;
use keyward_core::command::*;
use keyward_core::ids::ObjectId;
use keyward_core::outcome::Outcome;
use keyward_core::role::Role;
use keyward_core::state::State;
use keyward_core::time::Millis;
use keyward_engine::Presented;
use keyward_engine::ports::store::Store;
use keyward_store::SqliteStore;

#[test]
fn a_key_lives_through_use_rotation_suspension_and_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::create(directory.path()).unwrap());
    let world = world(store, false);
    let key = world.create(KeySpec::Aes256);
    let old = world.encrypt(key, "hello").unwrap();
    let (realm, reference) = world.at(key);
    run(
        &world.engine,
        &world.officer,
        RotateKey {
            realm: realm.clone(),
            key: reference.clone(),
        },
    )
    .unwrap();
    assert_eq!(world.state(key), [State::Deactivated, State::Active]);
    let new = world.encrypt(key, "again").unwrap();
    assert_eq!(world.decrypt(key, &old).unwrap(), b"hello");
    assert_eq!(world.decrypt(key, &new).unwrap(), b"again");
    run(
        &world.engine,
        &world.officer,
        SuspendKey {
            realm: realm.clone(),
            key: reference.clone(),
            reason: None,
        },
    )
    .unwrap();
    assert_eq!(world.decrypt(key, &old), Err(ErrorCode::KeySuspended));
    run(
        &world.engine,
        &world.officer,
        ResumeKey {
            realm,
            key: reference,
            reason: None,
        },
    )
    .unwrap();
    world.engine.close();
    assert!(world.engine.is_sealed());
    let again = engine(&world.module, &world.store, &world.clock);
    assert_eq!(
        block_on(again.unseal("passphrase", &secret("not the right passphrase"), None))
            .unwrap_err()
            .code,
        ErrorCode::UnsealFailed
    );
    block_on(again.unseal("passphrase", &secret(PASSPHRASE), None)).unwrap();
    assert_eq!(world.decrypt_with(&again, key, &old).unwrap(), b"hello");
    assert_eq!(world.decrypt_with(&again, key, &new).unwrap(), b"again");
    again.close();
}

#[test]
fn a_destroyed_key_is_gone_and_the_others_still_work() {
    let world = world(memory(), true);
    let doomed = world.create(KeySpec::Aes256);
    let kept = world.create(KeySpec::Aes256);
    let lost = world.encrypt(doomed, "gone").unwrap();
    let safe = world.encrypt(kept, "safe").unwrap();
    let (realm, key) = world.at(doomed);
    let schedule = ScheduleDestruction {
        realm: realm.clone(),
        key: key.clone(),
        version: None,
        after_days: 0,
        reason: "rehearsal".to_owned(),
    };
    run(&world.engine, &world.officer, schedule).unwrap();
    assert_eq!(
        world.decrypt(doomed, &lost),
        Err(ErrorCode::DestructionPending)
    );
    run(
        &world.engine,
        &world.officer,
        ExecuteDestruction { realm, key },
    )
    .unwrap();
    assert_eq!(world.decrypt(doomed, &lost), Err(ErrorCode::KeyDestroyed));
    assert_eq!(world.state(doomed), [State::Destroyed]);
    assert_eq!(world.decrypt(kept, &safe).unwrap(), b"safe");
    world.engine.close();
    let again = engine(&world.module, &world.store, &world.clock);
    block_on(again.unseal("passphrase", &secret(PASSPHRASE), None)).unwrap();
    assert_eq!(world.decrypt_with(&again, kept, &safe).unwrap(), b"safe");
    assert_eq!(
        world.decrypt_with(&again, doomed, &lost),
        Err(ErrorCode::KeyDestroyed)
    );
    again.close();
}

#[test]
fn destruction_waits_for_both_clocks_and_a_stepped_wall_clock_holds_it() {
    let world = world(memory(), false);
    let key = world.create(KeySpec::Aes256);
    let (realm, reference) = world.at(key);
    let schedule = ScheduleDestruction {
        realm: realm.clone(),
        key: reference.clone(),
        version: None,
        after_days: 7,
        reason: "retired".to_owned(),
    };
    run(&world.engine, &world.officer, schedule).unwrap();
    let execute = || ExecuteDestruction {
        realm: realm.clone(),
        key: reference.clone(),
    };
    assert_eq!(
        run(&world.engine, &world.officer, execute()).unwrap_err(),
        ErrorCode::DestructionPending
    );
    // The wall clock jumps ahead: service time has not passed.
    world
        .clock
        .wall
        .fetch_add(Millis::days(8).0, Ordering::SeqCst);
    assert_eq!(
        run(&world.engine, &world.officer, execute()).unwrap_err(),
        ErrorCode::DestructionPending
    );
    world
        .clock
        .service
        .fetch_add(Millis::days(7).0, Ordering::SeqCst);
    // Both have come, but they have parted by a day: held, and it needs a confirmation.
    assert_eq!(
        run(&world.engine, &world.officer, execute()).unwrap_err(),
        ErrorCode::ClockHold
    );
    world.clock.pass(Millis::days(2));
    assert_eq!(
        run(&world.engine, &world.officer, execute()).unwrap_err(),
        ErrorCode::ClockHold
    );
    run(
        &world.engine,
        &world.officer,
        ConfirmDestruction {
            realm: realm.clone(),
            key: reference.clone(),
        },
    )
    .unwrap();
    assert_eq!(block_on(world.engine.run_due()).unwrap(), 1);
    assert_eq!(world.state(key), [State::Destroyed]);
    world.engine.close();
}

#[test]
fn wrong_roles_wrong_context_and_tampering_are_refused() {
    let world = world(memory(), false);
    let key = world.create(KeySpec::Aes256);
    let good = world.encrypt(key, "text").unwrap();
    let (realm, reference) = world.at(key);
    let rotate = || RotateKey {
        realm: realm.clone(),
        key: reference.clone(),
    };
    assert_eq!(
        run(&world.engine, &world.user, rotate()).unwrap_err(),
        ErrorCode::PermissionDenied
    );
    assert_eq!(
        run(&world.engine, &world.admin, rotate()).unwrap_err(),
        ErrorCode::NotFound
    );
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    assert_eq!(world.decrypt(key, &bad), Err(ErrorCode::InvalidCiphertext));
    let other = world.create(KeySpec::Aes256);
    assert_eq!(
        world.decrypt(other, &good),
        Err(ErrorCode::InvalidCiphertext)
    );
    assert_eq!(
        world.decrypt(ObjectId([3; 16]), &good),
        Err(ErrorCode::NotFound)
    );
    world.engine.close();
}

#[test]
fn a_revoked_token_is_refused_at_once() {
    let world = world(memory(), false);
    let create = CreateWorkload {
        realm: RealmRef::Id(world.realm),
        name: name("late"),
        roles: vec![Role::CryptoUser],
    };
    let Outcome::Principal(principal) = run(&world.engine, &world.admin, create).unwrap() else {
        panic!()
    };
    let issue = IssueToken {
        principal: principal.id,
        lifetime: Millis::HOUR,
    };
    let Outcome::Token { id, text, .. } = run(&world.engine, &world.admin, issue).unwrap() else {
        panic!()
    };
    let token = core::str::from_utf8(text.expose()).unwrap();
    assert!(
        world
            .engine
            .authenticate(&Presented::Token(token), None)
            .is_ok()
    );
    run(&world.engine, &world.admin, RevokeToken { token: id }).unwrap();
    let refused = world
        .engine
        .authenticate(&Presented::Token(token), None)
        .unwrap_err();
    assert_eq!(refused.code, ErrorCode::TokenRevoked);
    world.engine.close();
}

#[test]
fn the_log_numbers_every_command_without_gaps_and_proves_each_record() {
    use keyward_core::tlog;
    let world = world(memory(), false);
    let key = world.create(KeySpec::Aes128);
    for i in 0..600 {
        world.encrypt(key, &i.to_string()).unwrap();
    }
    let create = CreateWorkload {
        realm: RealmRef::SYSTEM,
        name: name("auditor"),
        roles: vec![Role::Auditor],
    };
    let Outcome::Principal(principal) = run(&world.engine, &world.admin, create).unwrap() else {
        panic!()
    };
    let issue = IssueToken {
        principal: principal.id,
        lifetime: Millis::HOUR,
    };
    let Outcome::Token { text, .. } = run(&world.engine, &world.admin, issue).unwrap() else {
        panic!()
    };
    let auditor = login(&world.engine, &text);
    let mut from = 0;
    let mut seqs = std::collections::HashMap::new();
    loop {
        let read = ReadAudit {
            from,
            limit: 1000,
            realm_filter: None,
            target: None,
            principal: None,
            command: None,
            refused_only: false,
            since: None,
            until: None,
        };
        let Outcome::Records { records, next, .. } = run(&world.engine, &auditor, read).unwrap()
        else {
            panic!()
        };
        if records.is_empty() || next > 650 {
            break;
        }
        for record in records {
            assert_eq!(record.index, from);
            from += 1;
            let seq = seqs.entry(record.header.realm).or_insert(0);
            *seq += 1;
            assert_eq!(record.header.realm_seq, *seq);
        }
    }
    assert!(from > 600);
    for index in [0, 1, 255, 256, 300, 511, 512, 599] {
        let Outcome::Proof(proof) = run(&world.engine, &auditor, ProveRecord { index }).unwrap()
        else {
            panic!()
        };
        let parsed = tlog::LogProof::parse(proof.proof.as_bytes()).unwrap();
        assert_eq!(parsed.index, index);
    }
    run(&world.engine, &world.admin, RotateLogKey {}).unwrap();
    assert!(run(&world.engine, &auditor, ReadCheckpoint {}).is_ok());
    world.engine.close();
}

#[test]
fn due_jobs_that_are_refused_are_tried_again_more_and_more_rarely_and_hold_nobody_up() {
    let world = world(memory(), false);
    let (realm, _) = world.at(ObjectId([0; 16]));
    // More stuck jobs than one pass tries: rotations of suspended keys.
    for _ in 0..260 {
        let command = CreateKey {
            rotate_every: Some(Millis::HOUR),
            ..world.create_command(KeySpec::HmacSha256)
        };
        let Outcome::Key(view) = run(&world.engine, &world.officer, command).unwrap() else {
            panic!("a key")
        };
        let suspend = SuspendKey {
            realm: realm.clone(),
            key: KeyRef::Id(view.object.id),
            reason: None,
        };
        run(&world.engine, &world.officer, suspend).unwrap();
    }
    world.clock.pass(Millis(1));
    let behind = CreateKey {
        rotate_every: Some(Millis::HOUR),
        ..world.create_command(KeySpec::Aes256)
    };
    let Outcome::Key(view) = run(&world.engine, &world.officer, behind).unwrap() else {
        panic!("a key")
    };
    world.clock.pass(Millis::HOUR);
    let records = || {
        let rows = world.store.scan(
            keyward_engine::ports::store::Table::LogBatch,
            &[],
            None,
            1_000_000,
        );
        rows.unwrap().len()
    };
    // The first pass meets as many stuck jobs as it tries; the next ones go on behind them.
    for _ in 0..3 {
        block_on(world.engine.run_due()).unwrap();
    }
    assert_eq!(
        world.state(view.object.id),
        [State::Deactivated, State::Active]
    );
    let before = records();
    for _ in 0..20 {
        block_on(world.engine.run_due()).unwrap();
    }
    assert_eq!(
        records(),
        before,
        "not one refusal more while no time passes"
    );
    for _ in 0..600 {
        world.clock.pass(Millis::SECOND);
        block_on(world.engine.run_due()).unwrap();
    }
    let refusals = records() - before;
    assert!(
        (260..=260 * 11).contains(&refusals),
        "{refusals} refusals in ten minutes"
    );
    world.engine.close();
}

#[test]
fn a_repeated_change_takes_effect_once_answers_alike_and_is_forgotten_after_a_day() {
    use keyward_engine::ports::store::Table;
    let world = world(memory(), false);
    let keyed = |caller: &keyward_engine::Caller, key: &str, command: Command| {
        let envelope = Envelope {
            idempotency_key: Some(key.to_owned()),
            ..Envelope::default()
        };
        block_on(world.engine.execute(caller, &command, &envelope)).map_err(|p| p.code)
    };
    let create = || Command::from(world.create_command(KeySpec::Aes256));
    let id = |outcome| match outcome {
        Ok(Outcome::Key(view)) => view.object.id,
        other => panic!("{other:?}"),
    };
    let first = id(keyed(&world.officer, "one", create()));
    assert_eq!(id(keyed(&world.officer, "one", create())), first);
    assert_ne!(id(keyed(&world.officer, "two", create())), first);
    // The same key for another command is a mistake, and another caller's key is another key.
    let other = Command::from(world.create_command(KeySpec::Aes128));
    let refused = keyed(&world.officer, "one", other).unwrap_err();
    assert_eq!(refused, ErrorCode::IdempotencyConflict);
    let (realm, key) = world.at(first);
    let suspend = || {
        Command::from(SuspendKey {
            realm: realm.clone(),
            key: key.clone(),
            reason: None,
        })
    };
    assert_eq!(id(keyed(&world.officer, "three", suspend())), first);
    assert_eq!(id(keyed(&world.officer, "three", suspend())), first);
    assert_eq!(
        keyed(&world.officer, "four", suspend()).unwrap_err(),
        ErrorCode::StateUnchanged
    );
    let issue = || {
        Command::from(IssueToken {
            principal: world.user.principal(),
            lifetime: Millis::HOUR,
        })
    };
    assert!(matches!(
        keyed(&world.admin, "five", issue()),
        Ok(Outcome::Token { .. })
    ));
    assert_eq!(
        keyed(&world.admin, "five", issue()).unwrap_err(),
        ErrorCode::SecretNotReplayable
    );

    let remembered = || {
        world
            .store
            .scan(Table::Idempotency, &[], None, 100)
            .unwrap()
            .len()
    };
    assert_eq!(remembered(), 4);
    world.clock.pass(Millis::days(1));
    block_on(world.engine.run_due()).unwrap();
    assert_eq!(remembered(), 4, "a day is not over before it is over");
    world.clock.pass(Millis::HOUR);
    block_on(world.engine.run_due()).unwrap();
    assert_eq!(remembered(), 0);
    assert_ne!(id(keyed(&world.officer, "one", create())), first);
    world.engine.close();
}
