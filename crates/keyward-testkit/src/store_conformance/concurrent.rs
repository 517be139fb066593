//! Several threads: commits happen one after another, and readers see whole commits only.
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use super::*;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "a read sees whole commits only",
        prove: whole_commits,
    },
    Check {
        name: "what a commit answered for is visible to every thread",
        prove: visible_at_once,
    },
    Check {
        name: "no increment is lost between racing writers",
        prove: no_lost_update,
    },
];

const ROWS: u32 = 40;

fn whole_commits(factory: Factory<'_>) {
    let store = Fresh::of(factory);
    let rewrite = |round: u64| -> Vec<Batch> {
        // Two batches of one call: the call is one transaction, so no reader may see the first without the second.
        let half = |from: u32| {
            let rows = from..from + ROWS / 2;
            batch(
                vec![],
                rows.map(|n| put(here(&n.to_be_bytes()), round, &round.to_be_bytes()))
                    .collect(),
            )
        };
        vec![half(0), half(ROWS / 2)]
    };
    store.commit(rewrite(1)).expect("the first commit");
    let finished = AtomicBool::new(false);
    let store = &store.store;
    thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let (mut newest, mut scans) = (0, 0_u64);
                    while !finished.load(Ordering::Acquire) || scans == 0 {
                        let rows = everything(&**store, TABLE);
                        assert_eq!(rows.len(), ROWS as usize);
                        let version = rows[0].1.version;
                        assert!(
                            version >= newest,
                            "time went backwards: {version} after {newest}"
                        );
                        let uniform = |found: &Row| *found == row(version, &version.to_be_bytes());
                        assert!(
                            rows.iter().all(|(_, found)| uniform(found)),
                            "half a commit"
                        );
                        newest = version;
                        scans += 1;
                    }
                    scans
                })
            })
            .collect();
        for round in 2..=300 {
            assert_eq!(store.commit(rewrite(round)), Ok(vec![Commit::Done; 2]));
        }
        finished.store(true, Ordering::Release);
        for reader in readers {
            assert!(reader.join().expect("a reader") > 0);
        }
    });
}

fn visible_at_once(factory: Factory<'_>) {
    let store = Fresh::of(factory);
    let store = &store.store;
    let committed = AtomicU64::new(0);
    let rounds = 400;
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let known = committed.load(Ordering::Acquire);
                    let seen = get(&**store, &here(b"counter")).map_or(0, |row| row.version);
                    assert!(
                        seen >= known,
                        "version {known} was answered for, {seen} is read"
                    );
                    let last = store.last(TABLE, b"count").expect("a read");
                    assert!(last.map_or(0, |(_, row)| row.version) >= known);
                    if known == rounds {
                        break;
                    }
                }
            });
        }
        for version in 0..rounds {
            done(&**store, swap(here(b"counter"), version, b""));
            committed.store(version + 1, Ordering::Release);
        }
    });
}

fn no_lost_update(factory: Factory<'_>) {
    let store = Fresh::of(factory);
    let store = &store.store;
    let (writers, each) = (4_u64, 50_u64);
    let conflicts = AtomicU64::new(0);
    thread::scope(|scope| {
        for writer in 0..writers {
            let conflicts = &conflicts;
            scope.spawn(move || {
                for number in 0..each {
                    loop {
                        let seen = get(&**store, &here(b"sum"));
                        let (version, sum) = seen.map_or((0, 0), |row| {
                            (
                                row.version,
                                u64::from_be_bytes(row.value[..].try_into().expect("8 bytes")),
                            )
                        });
                        let mut add = swap(here(b"sum"), version, &(sum + writer).to_be_bytes());
                        let own = [writer.to_be_bytes(), number.to_be_bytes()].concat();
                        add.changes.push(put(at(Table::Due, &own), 1, b""));
                        match store.commit(vec![add]).expect("a commit").as_slice() {
                            [Commit::Done] => break,
                            _ => conflicts.fetch_add(1, Ordering::Relaxed),
                        };
                    }
                }
            });
        }
    });
    let sum = (0..writers).sum::<u64>() * each;
    assert_eq!(
        get(&**store, &here(b"sum")),
        Some(row(writers * each, &sum.to_be_bytes()))
    );
    assert_eq!(
        everything(&**store, Table::Due).len() as u64,
        writers * each
    );
}
