//! The data directory and the database file: creating, opening, locking.
use keyward_engine::ports::store::{
    Batch, Change, Commit, Expect, RowKey, Store, StoreFault, Table,
};
use keyward_store::SqliteStore;

fn put(key: &[u8], expected: u64, value: &[u8]) -> Batch {
    let row = RowKey {
        table: Table::Object,
        key: key.to_vec(),
    };
    Batch {
        expect: vec![Expect {
            row: row.clone(),
            version: expected,
        }],
        changes: vec![Change::Put {
            row,
            version: expected + 1,
            value: value.to_vec(),
        }],
        ..Batch::default()
    }
}

#[test]
fn what_was_committed_is_there_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(directory.path()).unwrap();
    assert_eq!(
        store.commit(vec![put(b"a", 0, b"one"), put(b"a", 1, b"two")]),
        Ok(vec![Commit::Done, Commit::Done])
    );
    drop(store);
    let store = SqliteStore::open(directory.path()).unwrap();
    let row = store
        .get(&RowKey {
            table: Table::Object,
            key: b"a".to_vec(),
        })
        .unwrap()
        .unwrap();
    assert_eq!((row.version, &*row.value), (2, &b"two"[..]));
}

#[test]
fn a_database_is_neither_created_twice_nor_opened_where_there_is_none() {
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(
        SqliteStore::open(directory.path()),
        Err(StoreFault::Unavailable(_))
    ));
    drop(SqliteStore::create(directory.path()).unwrap());
    assert!(matches!(
        SqliteStore::create(directory.path()),
        Err(StoreFault::Unavailable(_))
    ));
    assert!(SqliteStore::open(directory.path()).is_ok());
}
