//! A process is killed at random moments while it commits. Everything it reported is there, and no batch is half there.
//!
//! `KEYWARD_TEST_SEED` repeats a run's choices (moments of killing are the machine's all the same).
use std::collections::BTreeSet;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use keyward_engine::ports::store::{Batch, Change, Expect, RowKey, Store, StoreFault, Table};
use keyward_store::{SqliteOptions, SqliteStore};
use keyward_testkit::faulty_store::SplitMix;

use common::fast_directory;

mod common;

const ROUNDS: u64 = 24;
/// Where each batch has a row, and how large it is: small, in a rowid table, and over several pages.
const TABLES: [(Table, usize); 4] = [
    (Table::Object, 60),
    (Table::LogBatch, 3000),
    (Table::Custody, 700),
    (Table::Version, 9000),
];

fn options() -> SqliteOptions {
    // Small, so that the journal is emptied all the time.
    SqliteOptions {
        reserve_bytes: 1 << 20,
        journal_pages: 40,
        ..SqliteOptions::default()
    }
}

fn row(table: Table, id: u64) -> RowKey {
    RowKey {
        table,
        key: id.to_be_bytes().to_vec(),
    }
}

/// One batch: a new row in each table, the counter, and the row before last goes.
fn batch(id: u64) -> Batch {
    let value = |length| {
        id.to_be_bytes()
            .iter()
            .copied()
            .cycle()
            .take(length)
            .collect()
    };
    let put = |(table, length)| Change::Put {
        row: row(table, id),
        version: 1,
        value: value(length),
    };
    let counter = RowKey {
        table: Table::Lane,
        key: b"counter".to_vec(),
    };
    let mut changes: Vec<Change> = TABLES.map(put).to_vec();
    changes.push(Change::Put {
        row: counter.clone(),
        version: id,
        value: value(300),
    });
    let old = id.saturating_sub(3);
    changes.extend(TABLES.iter().skip(1).map(|(table, _)| Change::Delete {
        row: row(*table, old),
    }));
    Batch {
        expect: vec![Expect {
            row: counter,
            version: id - 1,
        }],
        changes,
        urgent: false,
    }
}

/// The child: commits and reports until it is killed.
fn commit_until_killed(directory: &Path, seed: u64) -> ! {
    let mut random = SplitMix::new(seed);
    let store = SqliteStore::open_with(directory, &options()).unwrap();
    let mut out = std::io::stdout();
    let mut next = 1 + newest(&store);
    loop {
        let last = next + random.below(4);
        store.commit((next..=last).map(batch).collect()).unwrap();
        writeln!(out, "committed {last}")
            .and_then(|()| out.flush())
            .unwrap();
        next = last + 1;
        if random.below(40) == 0 {
            store.scrub().unwrap();
        }
    }
}

fn newest(store: &SqliteStore) -> u64 {
    let counter = RowKey {
        table: Table::Lane,
        key: b"counter".to_vec(),
    };
    store.get(&counter).unwrap().map_or(0, |row| row.version)
}

fn spawn(test: &str, variable: &str, value: &Path, seed: u64) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(variable, value)
        .env(SEED, seed.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

const SEED: &str = "KEYWARD_TEST_SEED";

fn seed() -> u64 {
    env::var(SEED).map_or(20_261_123, |seed| seed.parse().unwrap())
}

#[test]
fn a_killed_process_leaves_everything_it_reported_and_no_half_batch() {
    const CHILD: &str = "KEYWARD_TEST_COMMIT_IN";
    if let Some(directory) = env::var_os(CHILD) {
        commit_until_killed(directory.as_ref(), seed());
    }
    println!("seed {}", seed());
    let mut random = SplitMix::new(seed());
    let directory = fast_directory();
    drop(SqliteStore::create_with(directory.path(), &options()).unwrap());
    let mut total = 0;
    for round in 0..ROUNDS {
        let test = "a_killed_process_leaves_everything_it_reported_and_no_half_batch";
        let mut child = spawn(test, CHILD, directory.path(), random.next_u64() >> 1);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let reported = |line: &str| {
            line.strip_prefix("committed ")
                .map(|id| id.parse::<u64>().unwrap())
        };
        let mut acknowledged = 0;
        // Let it start, then kill it at any moment after.
        while acknowledged == 0 {
            let line = lines.next().expect("the child ended by itself").unwrap();
            acknowledged = reported(&line).unwrap_or(0);
        }
        thread::sleep(Duration::from_micros(random.below(60_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            acknowledged = reported(&line).unwrap_or(acknowledged);
        }
        total = check(directory.path(), acknowledged, round);
    }
    println!("{total} batches over {ROUNDS} kills");
    assert!(total > 10 * ROUNDS, "only {total} batches were committed");
}

/// Opens what is left and compares it with what must be there. Answers the newest batch's number.
fn check(directory: &Path, acknowledged: u64, round: u64) -> u64 {
    let store = SqliteStore::open_with(directory, &options()).unwrap();
    let newest = newest(&store);
    // One call was in flight at most, of four batches at most.
    let expected = acknowledged..=acknowledged + 4;
    assert!(
        expected.contains(&newest),
        "round {round}: {acknowledged} reported, {newest} found"
    );
    for (position, (table, length)) in TABLES.into_iter().enumerate() {
        let rows = store.scan(table, b"", None, usize::MAX).unwrap();
        let found: BTreeSet<u64> = rows
            .iter()
            .map(|(key, _)| u64::from_be_bytes(key[..].try_into().unwrap()))
            .collect();
        let first = if position == 0 {
            1
        } else {
            newest.saturating_sub(2).max(1)
        };
        assert_eq!(
            found,
            (first..=newest).collect(),
            "round {round}, {table:?}"
        );
        for (key, row) in rows {
            let whole: Vec<u8> = key.iter().copied().cycle().take(length).collect();
            assert_eq!(
                (row.version, &row.value[..]),
                (1, &whole[..]),
                "round {round}, {table:?}"
            );
        }
    }
    assert_eq!(
        store.check_integrity().unwrap().findings,
        Vec::<String>::new()
    );
    newest
}

#[test]
fn a_process_killed_while_creating_leaves_a_whole_database_or_none() {
    const CHILD: &str = "KEYWARD_TEST_CREATE_IN";
    if let Some(directory) = env::var_os(CHILD) {
        for number in 0.. {
            let place = Path::new(&directory).join(number.to_string());
            drop(SqliteStore::create_with(&place, &options()).unwrap());
        }
    }
    let mut random = SplitMix::new(seed());
    let (mut whole, mut none) = (0, 0);
    for round in 0..12 {
        let directory = fast_directory();
        let test = "a_process_killed_while_creating_leaves_a_whole_database_or_none";
        let mut child = spawn(test, CHILD, directory.path(), seed());
        while !directory.path().join("0").exists() {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_micros(random.below(40_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        for place in std::fs::read_dir(directory.path()).unwrap() {
            let place = place.unwrap().path();
            let store = match SqliteStore::open_with(&place, &options()) {
                Ok(store) => {
                    whole += 1;
                    store
                }
                Err(StoreFault::Unavailable(_)) => {
                    none += 1;
                    SqliteStore::create_with(&place, &options()).unwrap()
                }
                Err(fault) => panic!("round {round}, {place:?}: {fault}"),
            };
            store.commit(vec![batch(1)]).unwrap();
        }
    }
    assert!(
        whole > 0 && none > 0,
        "{whole} whole, {none} unfinished: both must be met"
    );
}
