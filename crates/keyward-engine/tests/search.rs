//! The search index: it finds exactly what the log has, fast, and whatever happens to it changes nothing that is found.
//!
//! `KEYWARD_SEARCH_RECORDS` sets how many records are made (70,000, so that one chunk is full and one is not).
#![expect(
    clippy::disallowed_methods,
    reason = "a test measures time and reads its environment"
)]
mod common;

use std::sync::Arc;
use std::time::Instant;

use common::*;
use keyward_core::algorithm::KeySpec;
use keyward_core::command::*;
use keyward_core::ids::RealmId;
use keyward_core::outcome::Outcome;
use keyward_core::record::RecordView;
use keyward_core::role::Role;
use keyward_core::time::{Millis, Timestamp};
use keyward_engine::ports::store::{Batch, Change, RowKey, Store, Table};
use keyward_engine::{Caller, Engine};

fn records() -> u64 {
    std::env::var("KEYWARD_SEARCH_RECORDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(70_000)
}

/// All pages of a query, and how long the slowest one took.
fn found(
    engine: &Engine,
    auditor: &Caller,
    query: &ReadAudit,
    end: u64,
) -> (Vec<RecordView>, u128) {
    let mut all = Vec::new();
    let (mut from, mut slowest) = (query.from, 0);
    while from < end {
        let page = ReadAudit {
            from,
            limit: 1000,
            ..query.clone()
        };
        let begun = Instant::now();
        let Outcome::Records { records, next, .. } = run(engine, auditor, page).unwrap() else {
            panic!("records")
        };
        slowest = begun.elapsed().as_micros().max(slowest);
        assert!(next > from, "a page always goes on");
        all.extend(records.into_iter().filter(|record| record.index < end));
        from = next;
    }
    (all, slowest)
}

/// The store's rows of the index.
fn index_rows(store: &dyn Store) -> Vec<RowKey> {
    let mut keys = Vec::new();
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = store
            .scan(Table::LogIndex, &[], after.as_deref(), 100)
            .unwrap();
        let Some((last, _)) = page.last() else {
            return keys;
        };
        after = Some(last.clone());
        keys.extend(page.into_iter().map(|(key, _)| RowKey {
            table: Table::LogIndex,
            key,
        }));
    }
}

/// An engine with nothing in memory over the same store.
fn restarted(world: &World, auditor_token: &keyward_core::secret::Secret) -> (Engine, Caller) {
    world.engine.close();
    let engine = engine(&world.module, &world.store, &world.clock);
    futures_executor::block_on(engine.unseal("passphrase", &secret(PASSPHRASE), None)).unwrap();
    let auditor = login(&engine, auditor_token);
    (engine, auditor)
}

fn auditor(world: &World) -> keyward_core::secret::Secret {
    let create = CreateWorkload {
        realm: RealmRef::SYSTEM,
        name: name("auditor"),
        roles: vec![Role::Auditor],
    };
    let Outcome::Principal(principal) = run(&world.engine, &world.admin, create).unwrap() else {
        panic!("a principal")
    };
    let issue = IssueToken {
        principal: principal.id,
        lifetime: Millis::days(2),
    };
    let Outcome::Token { text, .. } = run(&world.engine, &world.admin, issue).unwrap() else {
        panic!("a token")
    };
    text
}

/// A world with so many records: most encryptions under a busy key, a few under a quiet one, a few refused.
fn busy(count: u64) -> (World, keyward_core::ids::ObjectId, Caller) {
    let world = world(memory(), false);
    let (noisy, quiet) = (world.create(KeySpec::Aes128), world.create(KeySpec::Aes128));
    let rare = workload(
        &world.engine,
        &world.admin,
        world.realm,
        "rare",
        Role::CryptoUser,
    );
    let threads = 4;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (world, rare) = (&world, &rare);
            scope.spawn(move || {
                for number in 0..count / threads {
                    if thread == 0 && number % 5_000 == 17 {
                        let command = Encrypt {
                            realm: RealmRef::Id(world.realm),
                            key: KeyRef::Id(quiet),
                            context: Vec::new(),
                            plaintext: secret("x"),
                        };
                        run(&world.engine, rare, command).unwrap();
                        world.clock.pass(Millis::HOUR);
                    } else if thread == 1 && number % 7_000 == 3 {
                        assert!(world.decrypt(noisy, b"nonsense").is_err());
                    } else {
                        world.encrypt(noisy, "x").unwrap();
                    }
                }
            });
        }
    });
    (world, quiet, rare)
}

#[test]
fn a_search_finds_exactly_what_the_log_has_whatever_happens_to_the_index() {
    let (world, quiet, rare) = busy(records());
    let token = auditor(&world);
    let watcher = login(&world.engine, &token);
    let Outcome::Records { size: end, .. } = run(
        &world.engine,
        &watcher,
        ReadAudit {
            limit: 1,
            ..ReadAudit::default()
        },
    )
    .unwrap() else {
        panic!("records")
    };
    // Steps as the server takes them: the newest records first, then what is missing before them.
    for _ in 0..=2 * end / 50_000 {
        world.engine.index_step(50_000).unwrap();
    }
    assert!(world.engine.index_lag() < 3);
    // The truth, read without a filter.
    let (everything, _) = found(&world.engine, &watcher, &ReadAudit::default(), end);
    assert_eq!(everything.len() as u64, end);
    let middle = everything[everything.len() / 2].header.time;
    let queries = [
        ReadAudit {
            target: Some(quiet.0),
            ..ReadAudit::default()
        },
        ReadAudit {
            principal: Some(rare.principal()),
            ..ReadAudit::default()
        },
        ReadAudit {
            refused_only: true,
            ..ReadAudit::default()
        },
        ReadAudit {
            command: Some(CommandKind::CreateRealm.number()),
            ..ReadAudit::default()
        },
        ReadAudit {
            realm_filter: Some(RealmId::SYSTEM),
            ..ReadAudit::default()
        },
        ReadAudit {
            since: Some(middle),
            until: Some(middle),
            target: Some(quiet.0),
            ..ReadAudit::default()
        },
        ReadAudit {
            since: Some(Timestamp(middle.0 + 1)),
            command: Some(CommandKind::Decrypt.number()),
            ..ReadAudit::default()
        },
        ReadAudit {
            until: Some(Timestamp(1)),
            ..ReadAudit::default()
        },
        ReadAudit {
            from: end / 2,
            target: Some(quiet.0),
            ..ReadAudit::default()
        },
        ReadAudit {
            target: Some([0x55; 16]),
            ..ReadAudit::default()
        },
    ];
    let truth = |query: &ReadAudit| -> Vec<RecordView> {
        let fits = |record: &&RecordView| {
            let header = &record.header;
            record.index >= query.from
                && query.realm_filter.is_none_or(|realm| header.realm == realm)
                && query
                    .target
                    .is_none_or(|target| header.target == Some(target))
                && query
                    .command
                    .is_none_or(|command| header.command == command)
                && (!query.refused_only || header.outcome != 0)
                && query.since.is_none_or(|since| header.time >= since)
                && query.until.is_none_or(|until| header.time <= until)
                && query.principal.is_none_or(|principal| {
                    record
                        .body
                        .as_ref()
                        .is_some_and(|body| body.principal == principal)
                })
        };
        everything.iter().filter(fits).cloned().collect()
    };
    let expected: Vec<Vec<RecordView>> = queries.iter().map(truth).collect();
    assert!(expected.iter().filter(|found| !found.is_empty()).count() >= 6);
    let agree = |engine: &Engine, watcher: &Caller, what: &str| {
        for (query, expected) in queries.iter().zip(&expected) {
            let (got, micros) = found(engine, watcher, query, end);
            assert_eq!(&got, expected, "{what}: {query:?}");
            println!("{what}: {} of {end} records in {micros} us", got.len());
        }
    };
    agree(&world.engine, &watcher, "warm");
    agree(&world.engine, &watcher, "again");

    let (engine, watcher) = restarted(&world, &token);
    agree(&engine, &watcher, "after a restart");

    // Every row of the index damaged, in turn: a flipped byte, another length, another row's value.
    let keys = index_rows(&*world.store);
    assert_eq!(keys.len() as u64, end / 65_536 * 5);
    engine.close();
    for (number, key) in keys.iter().enumerate() {
        let row = world.store.get(key).unwrap().unwrap();
        let mut value = row.value.to_vec();
        match number % 3 {
            0 => value[40] ^= 1,
            1 => value.truncate(100),
            _ => value = world.store.get(&keys[0]).unwrap().unwrap().value.to_vec(),
        }
        let mut batch = Batch::default();
        batch.changes.push(Change::Put {
            row: key.clone(),
            version: row.version + 1,
            value,
        });
        world.store.commit(vec![batch]).unwrap();
    }
    let world = World { engine, ..world };
    let (engine, watcher) = restarted(&world, &token);
    agree(&engine, &watcher, "damaged");

    engine.close();
    for row in &keys {
        let mut batch = Batch::default();
        batch.changes.push(Change::Delete { row: row.clone() });
        world.store.commit(vec![batch]).unwrap();
    }
    let world = World { engine, ..world };
    let (engine, watcher) = restarted(&world, &token);
    agree(&engine, &watcher, "deleted");
    assert_eq!(index_rows(&*world.store).len(), keys.len(), "made again");

    // A redaction takes the body's part of the index with it.
    let victim = expected[1][0].index;
    let redact = RedactRecord {
        index: victim,
        reason: "erasure request".to_owned(),
    };
    let admin = &world.admin;
    run(&engine, admin, redact).unwrap();
    assert_eq!(
        index_rows(&*world.store).len(),
        keys.len().saturating_sub(5)
    );
    let (left, _) = found(&engine, &watcher, &queries[1], end);
    assert_eq!(left, expected[1][1..]);
    let _ = Arc::clone(&world.store);
    engine.close();
}
