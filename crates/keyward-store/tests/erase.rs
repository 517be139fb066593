//! What was deleted or overwritten is in none of the adapter's files once it was scrubbed.
//!
//! Every value is one unique token of eight bytes, repeated, so that any piece of fifteen bytes of it is recognised.
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;

use keyward_engine::ports::store::{Batch, Change, RowKey, Store, Table};
use keyward_store::{DATABASE_FILE, SqliteOptions, SqliteStore};
use keyward_testkit::faulty_store::SplitMix;

mod common;

type Token = [u8; 8];

/// A random life of a table: what to do next, and what must not be found any more.
struct Workload {
    random: SplitMix,
    table: Table,
    rows: u64,
    sizes: &'static [u64],
    live: BTreeMap<Vec<u8>, Token>,
    dead: HashSet<Token>,
}

impl Workload {
    fn new(seed: u64) -> Self {
        let mut random = SplitMix::new(seed);
        let tables = [Table::Custody, Table::LogBatch, Table::Version];
        let sizes: [&'static [u64]; 4] = [
            &[16, 24, 48],
            &[40, 300, 120],
            &[16, 900, 2500],
            &[64, 1500, 6000, 20_000],
        ];
        let table = tables[random.below(3) as usize];
        let sizes = sizes[random.below(4) as usize];
        let rows = 40 + random.below(800);
        Self {
            random,
            table,
            rows,
            sizes,
            live: BTreeMap::new(),
            dead: HashSet::new(),
        }
    }

    fn change(&mut self) -> Change {
        let number = self.random.below(self.rows);
        // Keys of different lengths, in an order that has nothing to do with the order of writing.
        let key = [&number.to_le_bytes()[..], &vec![7; number as usize % 40]].concat();
        let row = RowKey {
            table: self.table,
            key: key.clone(),
        };
        if self.random.below(5) < 2 {
            self.dead.extend(self.live.remove(&key));
            return Change::Delete { row };
        }
        let token = self.random.next_u64().to_be_bytes();
        let size = self.sizes[self.random.below(self.sizes.len() as u64) as usize];
        let value = token.iter().copied().cycle().take(size as usize).collect();
        self.dead.extend(self.live.insert(key, token));
        Change::Put {
            row,
            version: 1,
            value,
        }
    }

    fn commit(&mut self) -> Vec<Batch> {
        let changes = (0..=self.random.below(4)).map(|_| self.change()).collect();
        vec![Batch {
            changes,
            ..Batch::default()
        }]
    }

    /// How many dead tokens are still in a file of the directory. A live one must be there, or this looks at nothing.
    fn remains(&self, directory: &Path) -> usize {
        let mut remains = HashSet::new();
        let mut live: HashSet<Token> = self.live.values().copied().collect();
        // Most places are dismissed by their first two bytes.
        let mut starts = vec![false; 1 << 16];
        for token in live.iter().chain(&self.dead) {
            starts[usize::from(token[0]) << 8 | usize::from(token[1])] = true;
        }
        for file in fs::read_dir(directory).unwrap() {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            let mut start = 0_usize;
            for (end, byte) in bytes.iter().enumerate() {
                start = (start << 8 | usize::from(*byte)) & 0xffff;
                if starts[start] && end > 0 {
                    let Some(token) = bytes[end - 1..].first_chunk::<8>() else {
                        break;
                    };
                    live.remove(token);
                    if self.dead.contains(token) {
                        remains.insert(*token);
                    }
                }
            }
        }
        assert!(
            live.is_empty(),
            "the search is blind: {} live values were not found",
            live.len()
        );
        remains.len()
    }
}

fn options() -> SqliteOptions {
    SqliteOptions {
        reserve_bytes: 0,
        journal_pages: 60,
        ..SqliteOptions::default()
    }
}

#[test]
fn nothing_deleted_or_overwritten_is_left_after_a_scrub() {
    for seed in 0..8 {
        let directory = common::fast_directory();
        let mut workload = Workload::new(seed);
        let mut store = SqliteStore::create_with(directory.path(), &options()).unwrap();
        for round in 1..=3 {
            for _ in 0..250 {
                store.commit(workload.commit()).unwrap();
            }
            store.scrub().unwrap();
            let remains = workload.remains(directory.path());
            assert_eq!(
                remains,
                0,
                "seed {seed}, round {round}, of {} dead values",
                workload.dead.len()
            );
            drop(store);
            store = SqliteStore::open_with(directory.path(), &options()).unwrap();
        }
        assert!(workload.dead.len() > 100);
    }
}

#[test]
fn a_crash_at_any_moment_does_not_keep_dead_bytes_from_the_next_scrub() {
    for seed in 100..104 {
        let directory = common::fast_directory();
        let mut workload = Workload::new(seed);
        let store = SqliteStore::create_with(directory.path(), &options()).unwrap();
        for _ in 0..4 {
            for _ in 0..20 + workload.random.below(60) {
                store.commit(workload.commit()).unwrap();
            }
            // What a crash leaves: the files as they are, without closing anything.
            let crashed = common::fast_directory();
            for file in fs::read_dir(directory.path()).unwrap() {
                let file = file.unwrap();
                if !file.file_name().to_string_lossy().ends_with("-shm") {
                    fs::copy(file.path(), crashed.path().join(file.file_name())).unwrap();
                }
            }
            let after = SqliteStore::open_with(crashed.path(), &options()).unwrap();
            after.scrub().unwrap();
            assert_eq!(workload.remains(crashed.path()), 0, "seed {seed}");
        }
    }
}

#[test]
fn a_marker_is_gone_after_put_overwrite_scrub_and_after_put_delete_scrub() {
    let directory = common::fast_directory();
    let store = SqliteStore::create_with(directory.path(), &options()).unwrap();
    let marker = *b"a marker of thirty-two bytes, 1!";
    let contains = || {
        let files = fs::read_dir(directory.path()).unwrap();
        files
            .map(|file| fs::read(file.unwrap().path()).unwrap())
            .any(|bytes| bytes.windows(marker.len()).any(|piece| piece == marker))
    };
    for table in Table::ALL {
        let row = RowKey {
            table,
            key: b"k".to_vec(),
        };
        let put = |version, value: &[u8]| {
            let change = Change::Put {
                row: row.clone(),
                version,
                value: value.to_vec(),
            };
            store
                .commit(vec![Batch {
                    changes: vec![change],
                    ..Batch::default()
                }])
                .unwrap();
        };
        for _ in 0..2 {
            put(1, &marker);
            assert!(contains(), "the journal has it now");
            put(2, b"short");
            store.scrub().unwrap();
            assert!(!contains(), "overwritten in {table:?}");
            put(3, &marker.repeat(700));
            let delete = vec![Change::Delete { row: row.clone() }];
            store
                .commit(vec![Batch {
                    changes: delete,
                    ..Batch::default()
                }])
                .unwrap();
            store.scrub().unwrap();
            assert!(!contains(), "deleted in {table:?}");
        }
    }
}

/// The control of the tests above, and the reason for `erase.rs`.
#[test]
fn secure_delete_alone_leaves_dead_bytes() {
    let mut remains = 0;
    for seed in 0..6 {
        let directory = common::fast_directory();
        let mut workload = Workload::new(seed);
        let database = rusqlite::Connection::open(directory.path().join(DATABASE_FILE)).unwrap();
        let setup = "PRAGMA page_size = 4096; PRAGMA synchronous = OFF; PRAGMA secure_delete = ON;
             CREATE TABLE t(key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID";
        database.execute_batch(setup).unwrap();
        for _ in 0..750 {
            for change in workload.commit().remove(0).changes {
                match change {
                    Change::Put { row, value, .. } => {
                        let sql =
                            "INSERT INTO t VALUES(?1, ?2) ON CONFLICT DO UPDATE SET value = ?2";
                        database.execute(sql, (row.key, value)).unwrap();
                    }
                    Change::Delete { row } => {
                        database
                            .execute("DELETE FROM t WHERE key = ?1", [row.key])
                            .unwrap();
                    }
                }
            }
        }
        database.close().unwrap();
        remains += workload.remains(directory.path());
    }
    assert!(
        remains > 0,
        "SQLite wipes everything by itself now: erase.rs can go"
    );
}
