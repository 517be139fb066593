//! How fast the SQLite store commits and reads: medians over rounds, with the tail.
//!
//! ```text
//! cargo run --release -p keyward-store --example commit_rate -- [directory]
//! ```
//! The directory must be on the disk to measure; without it a temporary one is used.
use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use keyward_engine::ports::store::{
    Batch, Change, Commit, Expect, RowKey, Store, StoreFault, Table,
};
use keyward_store::SqliteStore;

const ROUNDS: usize = 5;

/// A kind of load.
struct Load {
    name: &'static str,
    /// Small batches per commit.
    batches: u64,
    /// Rows that each of them expects.
    expects: u64,
    /// Rows that each of them writes.
    puts: u64,
    /// Whether those are new rows every time.
    creates: bool,
    /// Bytes of the log's blob for each command.
    record: usize,
    commits: usize,
}

const LOADS: [Load; 5] = [
    Load {
        name: "1 log blob of 3 KB, 1 lane row",
        batches: 0,
        expects: 0,
        puts: 0,
        creates: false,
        record: 3000,
        commits: 3000,
    },
    Load {
        name: "+ 1 use (3 expected, 1 counter)",
        batches: 1,
        expects: 3,
        puts: 1,
        creates: false,
        record: 220,
        commits: 3000,
    },
    Load {
        name: "+ 14 uses",
        batches: 14,
        expects: 3,
        puts: 1,
        creates: false,
        record: 220,
        commits: 2000,
    },
    Load {
        name: "+ 64 uses",
        batches: 64,
        expects: 3,
        puts: 1,
        creates: false,
        record: 220,
        commits: 1000,
    },
    Load {
        name: "+ 64 creations of 5 rows",
        batches: 64,
        expects: 1,
        puts: 5,
        creates: true,
        record: 220,
        commits: 150,
    },
];

/// Where the load is in its sequence of commits.
struct Progress {
    commit: u64,
    log_index: u64,
    object: u64,
}

fn key(table: Table, parts: &[u64]) -> RowKey {
    RowKey {
        table,
        key: parts.iter().flat_map(|part| part.to_be_bytes()).collect(),
    }
}

/// Spreads numbers over the key space as random identifiers are spread.
fn scattered(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn commit(load: &Load, progress: &mut Progress) -> Vec<Batch> {
    let mut batches: Vec<Batch> = (0..load.batches)
        .map(|number| small(load, progress, number))
        .collect();
    let lane = key(Table::Lane, &[1]);
    let records = usize::try_from(load.batches.max(1)).unwrap_or(1);
    let put = |row, version, length| Change::Put {
        row,
        version,
        value: vec![0x5a; length],
    };
    batches.push(Batch {
        expect: vec![Expect {
            row: lane.clone(),
            version: progress.commit,
        }],
        changes: vec![
            put(
                key(Table::LogBatch, &[1, progress.log_index]),
                1,
                records.saturating_mul(load.record),
            ),
            put(lane, progress.commit.wrapping_add(1), 300),
        ],
        urgent: false,
    });
    progress.commit = progress.commit.wrapping_add(1);
    progress.log_index = progress.log_index.wrapping_add(load.batches.max(1));
    batches
}

fn small(load: &Load, progress: &mut Progress, number: u64) -> Batch {
    let tables = [
        Table::Object,
        Table::Version,
        Table::Name,
        Table::Usage,
        Table::Due,
    ];
    if load.creates {
        progress.object = progress.object.wrapping_add(1);
        let id = scattered(progress.object);
        let rows = tables.map(|table| key(table, &[7, id, !id]));
        let put = |row| Change::Put {
            row,
            version: 1,
            value: vec![0xa5; 300],
        };
        let expect = rows
            .iter()
            .take(1)
            .map(|row| Expect {
                row: row.clone(),
                version: 0,
            })
            .collect();
        return Batch {
            expect,
            changes: rows.map(put).to_vec(),
            urgent: false,
        };
    }
    // Commands on a thousand hot objects, each with epochs it was decided at.
    let object = scattered(progress.commit.wrapping_mul(64).wrapping_add(number) % 1000);
    let expect = (0..load.expects).map(|part| Expect {
        row: key(Table::Epoch, &[part]),
        version: 0,
    });
    let usage = Change::Put {
        row: key(Table::Usage, &[7, object]),
        version: progress.commit + 1,
        value: vec![1; 120],
    };
    Batch {
        expect: expect.collect(),
        changes: vec![usage],
        urgent: false,
    }
}

fn measure(
    directory: &Path,
    load: &Load,
) -> Result<(f64, Duration, Duration, Duration), StoreFault> {
    let store = SqliteStore::create(directory)?;
    let mut progress = Progress {
        commit: 0,
        log_index: 0,
        object: 0,
    };
    let mut times = Vec::with_capacity(load.commits);
    for _ in 0..load.commits {
        let batches = commit(load, &mut progress);
        let start = Instant::now();
        let answers = store.commit(batches)?;
        times.push(start.elapsed());
        if answers.iter().any(|answer| *answer != Commit::Done) {
            return Err(StoreFault::Corrupt("the load met a conflict"));
        }
    }
    let total: Duration = times.iter().sum();
    times.sort_unstable();
    let at = |per_mille: usize| {
        times
            .get(times.len() * per_mille / 1000)
            .copied()
            .unwrap_or_default()
    };
    let rate = times.len() as f64 / total.as_secs_f64();
    Ok((
        rate,
        at(500),
        at(990),
        times.last().copied().unwrap_or_default(),
    ))
}

fn commits(home: &Path) -> Result<(), StoreFault> {
    println!(
        "{:34} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "commit", "commits/s", "rows/s", "p50 us", "p99 us", "max us"
    );
    for load in &LOADS {
        let mut rounds = Vec::new();
        for round in 0..ROUNDS {
            rounds.push(measure(
                &home.join(format!("{}-{}-{round}", load.batches, load.creates)),
                load,
            )?);
        }
        rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
        let Some((rate, p50, p99, max)) = rounds.get(ROUNDS / 2) else {
            continue;
        };
        let rows = rate * (2 + load.batches * load.puts) as f64;
        let (p50, p99, max) = (p50.as_micros(), p99.as_micros(), max.as_micros());
        println!(
            "{:34} {rate:9.0} {rows:9.0} {p50:9} {p99:9} {max:9}",
            load.name
        );
    }
    Ok(())
}

fn reads(home: &Path) -> Result<(), StoreFault> {
    let store = SqliteStore::create(&home.join("reads"))?;
    let rows = 100_000_u64;
    for first in (0..rows).step_by(5000) {
        let put = |n| Change::Put {
            row: key(Table::Object, &[7, scattered(n)]),
            version: 1,
            value: vec![3; 400],
        };
        let changes = (first..first + 5000).map(put).collect();
        store.commit(vec![Batch {
            changes,
            ..Batch::default()
        }])?;
    }
    store.scrub()?;
    for threads in [1, 2, 4] {
        let mut rates = Vec::new();
        for _ in 0..ROUNDS {
            rates.push(gets(&store, rows, threads)?);
        }
        rates.sort_by(f64::total_cmp);
        println!(
            "{:34} {:9.0}/s",
            format!("get, {rows} rows, {threads} threads"),
            rates[ROUNDS / 2]
        );
    }
    let start = Instant::now();
    let scans = 1000;
    for n in 0..scans {
        let after = key(Table::Object, &[7, scattered(n)]).key;
        store.scan(Table::Object, &7_u64.to_be_bytes(), Some(&after), 100)?;
    }
    println!(
        "{:34} {:9.0}/s",
        "scan of 100 rows",
        scans as f64 / start.elapsed().as_secs_f64()
    );
    Ok(())
}

fn gets(store: &SqliteStore, rows: u64, threads: u64) -> Result<f64, StoreFault> {
    let each = 100_000;
    let start = Instant::now();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                scope.spawn(move || {
                    for n in 0..each {
                        let number = scattered(n ^ worker << 40) >> 20;
                        if store
                            .get(&key(Table::Object, &[7, scattered(number % rows)]))?
                            .is_none()
                        {
                            return Err(StoreFault::Corrupt("a row is missing"));
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .unwrap_or(Err(StoreFault::Unavailable("a panic")))
        })
    })?;
    Ok((each * threads) as f64 / start.elapsed().as_secs_f64())
}

fn main() -> ExitCode {
    let parent = env::args().nth(1).map_or_else(env::temp_dir, PathBuf::from);
    let home = parent.join(format!("keyward-commit-rate-{}", std::process::id()));
    let outcome = commits(&home).and_then(|()| reads(&home));
    let removed = std::fs::remove_dir_all(&home);
    match (outcome, removed) {
        (Ok(()), Ok(())) => ExitCode::SUCCESS,
        (outcome, removed) => {
            eprintln!("failed: {outcome:?}, {removed:?}");
            ExitCode::FAILURE
        }
    }
}
