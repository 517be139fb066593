//! The whole check of a data directory: it finds every changed byte of the log, every changed, replaced or removed row, and
//! the log that is not the one somebody kept a checkpoint of.
mod common;

use common::*;
use keyward_core::ErrorCode;
use keyward_core::algorithm::KeySpec;
use keyward_core::command::*;
use keyward_core::outcome::Outcome;
use keyward_engine::check::{CheckLine, KnownCheckpoint};
use keyward_engine::ports::store::{Batch, Change, Row, RowKey, Store, Table};

fn checked(world: &World, known: &[KnownCheckpoint]) -> Result<Vec<CheckLine>, ErrorCode> {
    world
        .engine
        .check("passphrase", &secret(PASSPHRASE), known)
        .map_err(|problem| problem.code)
}

/// Names of the checks that are not met.
fn unmet(world: &World, known: &[KnownCheckpoint]) -> Vec<String> {
    match checked(world, known) {
        Ok(lines) => lines
            .into_iter()
            .filter(|line| !line.ok)
            .map(|line| line.check)
            .collect(),
        Err(code) => vec![code.as_str().to_owned()],
    }
}

fn rows(store: &dyn Store, table: Table) -> Vec<(RowKey, Row)> {
    let page = store.scan(table, &[], None, 10_000).unwrap();
    page.into_iter()
        .map(|(key, row)| (RowKey { table, key }, row))
        .collect()
}

fn put(store: &dyn Store, row: &RowKey, version: u64, value: Vec<u8>) {
    let mut batch = Batch::default();
    batch.changes.push(Change::Put {
        row: row.clone(),
        version,
        value,
    });
    store.commit(vec![batch]).unwrap();
}

fn delete(store: &dyn Store, row: &RowKey) {
    let mut batch = Batch::default();
    batch.changes.push(Change::Delete { row: row.clone() });
    store.commit(vec![batch]).unwrap();
}

fn small() -> World {
    let world = world(memory(), false);
    let key = world.create(KeySpec::Aes256);
    for _ in 0..3 {
        world.encrypt(key, "text").unwrap();
    }
    world
}

fn checkpoint(world: &World) -> KnownCheckpoint {
    let realm = keyward_core::ids::RealmId::SYSTEM;
    let role = keyward_core::role::Role::Auditor;
    let auditor = workload(&world.engine, &world.admin, realm, "auditor", role);
    let Outcome::Checkpoint(note) = run(&world.engine, &auditor, ReadCheckpoint {}).unwrap() else {
        panic!("a checkpoint")
    };
    KnownCheckpoint {
        name: "kept".to_owned(),
        note,
    }
}

#[test]
fn a_sound_directory_passes_and_the_check_writes_nothing() {
    let world = small();
    let kept = checkpoint(&world);
    world.engine.close();
    let before: Vec<_> = Table::ALL.iter().map(|t| rows(&*world.store, *t)).collect();
    assert_eq!(unmet(&world, &[kept]), Vec::<String>::new());
    let after: Vec<_> = Table::ALL.iter().map(|t| rows(&*world.store, *t)).collect();
    assert_eq!(before, after);
}

#[test]
fn every_changed_byte_of_the_log_is_found() {
    let world = small();
    world.engine.close();
    for (row, stored) in rows(&*world.store, Table::LogBatch) {
        for place in (0..stored.value.len()).step_by(13) {
            let mut value = stored.value.to_vec();
            value[place] ^= 0x11;
            put(&*world.store, &row, stored.version, value);
            assert!(!unmet(&world, &[]).is_empty(), "byte {place} of {row:?}");
        }
        put(&*world.store, &row, stored.version, stored.value.to_vec());
    }
    assert_eq!(unmet(&world, &[]), Vec::<String>::new());
}

#[test]
fn a_dropped_tail_a_dropped_middle_and_a_dropped_beginning_are_found() {
    let world = small();
    world.engine.close();
    let blobs = rows(&*world.store, Table::LogBatch);
    for index in [0, blobs.len() / 2, blobs.len() - 1] {
        let (row, stored) = &blobs[index];
        delete(&*world.store, row);
        assert!(!unmet(&world, &[]).is_empty(), "blob {index}");
        put(&*world.store, row, stored.version, stored.value.to_vec());
    }
    assert_eq!(unmet(&world, &[]), Vec::<String>::new());
}

#[test]
fn a_changed_a_removed_and_an_older_row_are_found() {
    let world = small();
    let key = world.create(KeySpec::Aes256);
    let (realm, key) = world.at(key);
    let of = |store: &dyn Store| rows(store, Table::Object);
    let older = of(&*world.store);
    run(
        &world.engine,
        &world.officer,
        SuspendKey {
            realm,
            key,
            reason: None,
        },
    )
    .unwrap();
    world.engine.close();
    let newer = of(&*world.store);
    let (row, newest) = newer
        .iter()
        .find(|(row, stored)| older.iter().any(|(k, s)| k == row && s != stored))
        .unwrap();
    let (_, old) = older.iter().find(|(key, _)| key == row).unwrap();

    put(&*world.store, row, old.version, old.value.to_vec());
    assert_eq!(unmet(&world, &[]), ["rows.complete"], "an older row");
    delete(&*world.store, row);
    // A version without its object is also one whose material nobody can open.
    let found = ["rows.complete", "keys.material"];
    assert_eq!(unmet(&world, &[]), found, "a removed row");
    let mut value = newest.value.to_vec();
    *value.last_mut().unwrap() ^= 1;
    put(&*world.store, row, newest.version, value);
    assert!(unmet(&world, &[]).contains(&"rows.authentic".to_owned()));
    put(&*world.store, row, newest.version, newest.value.to_vec());
    assert_eq!(unmet(&world, &[]), Vec::<String>::new());
}

#[test]
fn a_log_that_is_shorter_or_another_than_a_kept_checkpoint_says_is_found() {
    let world = small();
    world.engine.close();
    let early: Vec<_> = Table::ALL.iter().map(|t| rows(&*world.store, *t)).collect();
    let (world, kept) = {
        let engine = engine(&world.module, &world.store, &world.clock);
        futures_executor::block_on(engine.unseal("passphrase", &secret(PASSPHRASE), None)).unwrap();
        let world = World { engine, ..world };
        let key = world.create(KeySpec::Aes256);
        world.encrypt(key, "more").unwrap();
        let kept = checkpoint(&world);
        world.engine.close();
        (world, kept)
    };
    assert_eq!(
        unmet(&world, std::slice::from_ref(&kept)),
        Vec::<String>::new()
    );
    // The disk of an earlier moment, whole and in itself without fault.
    for (table, rows_then) in Table::ALL.iter().zip(&early) {
        for (row, _) in rows(&*world.store, *table) {
            delete(&*world.store, &row);
        }
        for (row, stored) in rows_then {
            put(&*world.store, row, stored.version, stored.value.to_vec());
        }
    }
    assert_eq!(unmet(&world, &[]), Vec::<String>::new());
    assert_eq!(
        unmet(&world, std::slice::from_ref(&kept)),
        ["log.checkpoints"]
    );
    // It goes on from there: another log than the one that was kept.
    let engine = engine(&world.module, &world.store, &world.clock);
    futures_executor::block_on(engine.unseal("passphrase", &secret(PASSPHRASE), None)).unwrap();
    let world = World { engine, ..world };
    let key = world.create(KeySpec::Aes256);
    for _ in 0..20 {
        world.encrypt(key, "another past").unwrap();
    }
    world.engine.close();
    assert_eq!(unmet(&world, &[]), Vec::<String>::new());
    assert_eq!(unmet(&world, &[kept]), ["log.checkpoints"]);
}
