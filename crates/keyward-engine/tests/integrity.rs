//! What is stored, against itself: a whole store passes, and whatever is flipped, replaced by an older copy or removed is found.
mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::*;
use keyward_core::ErrorCode;
use keyward_core::algorithm::KeySpec;
use keyward_core::command::*;
use keyward_core::ids::RealmId;
use keyward_core::role::Role;
use keyward_engine::check::CheckLine;
use keyward_engine::ports::store::{Batch, Change, Row, RowKey, Store, Table};

type Rows = BTreeMap<RowKey, Row>;

fn snapshot(store: &dyn Store) -> Rows {
    let mut rows = Rows::new();
    for table in Table::ALL {
        for (key, row) in store.scan(table, &[], None, 1_000_000).unwrap() {
            rows.insert(RowKey { table, key }, row);
        }
    }
    rows
}

/// Every row, but of the many like batches of the log only some, the newest among them.
fn sample(store: &dyn Store) -> Vec<(RowKey, Row)> {
    let rows = snapshot(store);
    let batches = rows.keys().filter(|at| at.table == Table::LogBatch).count();
    let mut seen = 0;
    rows.into_iter()
        .filter(|(at, _)| {
            // The search index only proposes, and is made again.
            if at.table == Table::LogIndex {
                return false;
            }
            if at.table != Table::LogBatch {
                return true;
            }
            seen += 1;
            seen % 60 == 1 || seen == batches
        })
        .collect()
}

/// Behind the engine's back.
fn set(store: &dyn Store, at: &RowKey, row: Option<&Row>) {
    let change = match row {
        Some(row) => Change::Put {
            row: at.clone(),
            version: row.version,
            value: row.value.to_vec(),
        },
        None => Change::Delete { row: at.clone() },
    };
    let batch = Batch {
        changes: vec![change],
        ..Batch::default()
    };
    store.commit(vec![batch]).unwrap();
}

fn check(world: &World) -> Result<Vec<CheckLine>, ErrorCode> {
    let checked = world.engine.check("passphrase", &secret(PASSPHRASE), &[]);
    checked.map_err(|problem| problem.code)
}

/// The checks that are not met; a store that cannot even be opened far enough to check it counts as found.
fn findings(world: &World) -> Vec<String> {
    match check(world) {
        Ok(lines) => lines
            .into_iter()
            .filter(|line| !line.ok)
            .map(|line| format!("{}: {}", line.check, line.detail))
            .collect(),
        Err(code) => vec![code.as_str().to_owned()],
    }
}

/// A store in which every kind of row has been written, most of them more than once; and its rows half-way.
fn busy() -> (World, Rows) {
    let world = world(memory(), true);
    let operator = workload(
        &world.engine,
        &world.admin,
        RealmId::SYSTEM,
        "operator",
        Role::BackupOperator,
    );
    let realm = RealmRef::Id(world.realm);
    let key = world.create(KeySpec::Aes256);
    let doomed = world.create(KeySpec::MlKem768);
    let (_, doomed_key) = world.at(doomed);
    let again = CreateKey {
        name: Some(name("again")),
        rotate_every: Some(keyward_core::time::Millis::days(30)),
        ..world.create_command(KeySpec::EcP256)
    };
    run(&world.engine, &world.officer, again).unwrap();
    let policy = || PutPolicy {
        realm: realm.clone(),
        name: name("extra"),
        text: "permit (principal, action, resource) when { false };".to_owned(),
    };
    run(&world.engine, &world.admin, policy()).unwrap();
    for _ in 0..600 {
        world.encrypt(key, "x").unwrap();
    }
    let half = snapshot(&*world.store);
    run(&world.engine, &operator, ArchiveLog { before: 300 }).unwrap();

    run(&world.engine, &world.admin, policy()).unwrap();
    for _ in 0..300 {
        world.encrypt(key, "x").unwrap();
    }
    let named = KeyRef::Name(name("again"));
    for _ in 0..2 {
        // The second rotation happens in the same millisecond as the first: its due row is the same one.
        let rotate = RotateKey {
            realm: realm.clone(),
            key: named.clone(),
        };
        run(&world.engine, &world.officer, rotate).unwrap();
    }
    let schedule = ScheduleDestruction {
        realm: realm.clone(),
        key: doomed_key.clone(),
        version: None,
        after_days: 0,
        reason: "old".to_owned(),
    };
    run(&world.engine, &world.officer, schedule).unwrap();
    let execute = ExecuteDestruction {
        realm: realm.clone(),
        key: doomed_key,
    };
    run(&world.engine, &world.officer, execute).unwrap();
    run(&world.engine, &world.admin, RotateLogKey {}).unwrap();
    let redact = RedactRecord {
        index: 700,
        reason: "erasure".to_owned(),
    };
    run(&world.engine, &world.admin, redact).unwrap();
    let envelope = Envelope {
        idempotency_key: Some("once".to_owned()),
        ..Envelope::default()
    };
    let command = Command::from(world.create_command(KeySpec::Aes128));
    futures_executor::block_on(world.engine.execute(&world.officer, &command, &envelope)).unwrap();
    world.engine.close();
    (world, half)
}

#[test]
fn a_store_in_use_agrees_with_itself() {
    let (world, _) = busy();
    assert_eq!(findings(&world), Vec::<String>::new());
    let lines = check(&world).unwrap();
    let names: Vec<&str> = lines.iter().map(|line| line.check.as_str()).collect();
    assert_eq!(
        names,
        [
            "custody.opens",
            "rows.authentic",
            "rows.complete",
            "keys.material",
            "custody.ledger",
            "log.whole",
            "log.checkpoints"
        ]
    );
}

#[test]
fn checking_changes_nothing() {
    let (world, _) = busy();
    let before = snapshot(&*world.store);
    check(&world).unwrap();
    assert_eq!(snapshot(&*world.store), before);
}

#[test]
fn a_flipped_bit_in_any_row_is_found() {
    let (world, _) = busy();
    for (at, row) in sample(&*world.store) {
        for position in [0, row.value.len() / 2, row.value.len() - 1] {
            let mut value = row.value.to_vec();
            value[position] ^= 4;
            let flipped = Row {
                version: row.version,
                value: value.into(),
            };
            set(&*world.store, &at, Some(&flipped));
            assert!(!findings(&world).is_empty(), "{at:?} byte {position}");
        }
        set(&*world.store, &at, Some(&row));
    }
    assert_eq!(findings(&world), Vec::<String>::new());
}

#[test]
fn a_row_with_another_version_number_is_found() {
    let (world, _) = busy();
    for (at, row) in sample(&*world.store) {
        if matches!(at.table, Table::LogBatch | Table::LogTile) {
            // Bound by their contents; their version is how often they were redacted.
            continue;
        }
        let other = Row {
            version: row.version + 1,
            value: Arc::clone(&row.value),
        };
        set(&*world.store, &at, Some(&other));
        assert!(!findings(&world).is_empty(), "{at:?}");
        set(&*world.store, &at, Some(&row));
    }
}

#[test]
fn a_removed_row_is_found_whichever_it_is() {
    let (world, _) = busy();
    for (at, row) in sample(&*world.store) {
        set(&*world.store, &at, None);
        assert!(!findings(&world).is_empty(), "{at:?}");
        set(&*world.store, &at, Some(&row));
    }
    assert_eq!(findings(&world), Vec::<String>::new());
}

#[test]
fn a_row_replaced_by_an_older_copy_of_itself_or_brought_back_is_found() {
    let (world, half) = busy();
    let now = snapshot(&*world.store);
    let (mut replayed, mut revived) = (0, 0);
    for (at, old) in &half {
        let current = now.get(at);
        if current == Some(old) || at.table == Table::LogIndex {
            continue;
        }
        match current {
            // A redacted batch whose body comes back is what the record says it was: bodies are bound by the log's own
            // digests, and their removal is a promise of the store's files, not of the log.
            Some(_) if at.table == Table::LogBatch => continue,
            Some(_) => replayed += 1,
            // Of the archived batches, some.
            None if revived > 3 && at.table == Table::LogBatch => continue,
            None => revived += 1,
        }
        set(&*world.store, at, Some(old));
        assert!(!findings(&world).is_empty(), "{at:?}");
        set(&*world.store, at, current);
    }
    assert!(replayed >= 10 && revived >= 1, "{replayed} {revived}");
    assert_eq!(findings(&world), Vec::<String>::new());
}

#[test]
fn all_rows_of_a_key_put_back_together_are_found() {
    let (world, half) = busy();
    let now = snapshot(&*world.store);
    // An attacker who keeps the log as it is and puts back every other row.
    for (at, old) in &half {
        let log = matches!(
            at.table,
            Table::Lane | Table::LaneRealm | Table::LogBatch | Table::LogTile
        );
        if !log {
            set(&*world.store, at, Some(old));
        }
    }
    for at in now.keys().filter(|at| !half.contains_key(*at)) {
        if !matches!(at.table, Table::LogBatch | Table::LogTile) {
            set(&*world.store, at, None);
        }
    }
    assert!(!findings(&world).is_empty());
}

#[test]
fn the_wrong_passphrase_is_refused_and_says_nothing_about_the_rows() {
    let (world, _) = busy();
    let wrong = secret("not the right passphrase");
    let refused = world.engine.check("passphrase", &wrong, &[]);
    assert_eq!(refused.unwrap_err().code, ErrorCode::UnsealFailed);
}
