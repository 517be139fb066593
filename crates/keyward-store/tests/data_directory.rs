//! The data directory: creating, opening, and that one server has it.
use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use keyward_engine::ports::store::{Store, StoreFault};
use keyward_store::SqliteStore;

use common::{fast_directory, swap, version, without_reserve};

mod common;

#[test]
fn a_database_is_neither_created_twice_nor_opened_where_there_is_none() {
    let directory = fast_directory();
    assert!(matches!(
        SqliteStore::open(directory.path()),
        Err(StoreFault::Unavailable(_))
    ));
    let store = SqliteStore::create(directory.path()).unwrap();
    store.commit(vec![swap(b"a", 0, b"x")]).unwrap();
    drop(store);
    assert!(matches!(
        SqliteStore::create(directory.path()),
        Err(StoreFault::Unavailable(_))
    ));
    assert_eq!(
        version(&SqliteStore::open(directory.path()).unwrap(), b"a"),
        1
    );
}

#[test]
fn an_unfinished_creation_is_replaced() {
    let directory = fast_directory();
    let unfinished = directory.path().join("keyward.db.unfinished");
    std::fs::write(&unfinished, b"half a database").unwrap();
    let store = SqliteStore::create(directory.path()).unwrap();
    store.commit(vec![swap(b"a", 0, b"x")]).unwrap();
    assert!(!unfinished.exists());
}

#[test]
fn a_second_opener_in_the_same_process_is_locked_out_until_the_first_is_gone() {
    let directory = fast_directory();
    let store = SqliteStore::create(directory.path()).unwrap();
    assert_eq!(
        SqliteStore::open(directory.path()).map(|_| ()),
        Err(StoreFault::Locked)
    );
    assert_eq!(
        SqliteStore::create(directory.path()).map(|_| ()),
        Err(StoreFault::Locked)
    );
    drop(store);
    assert!(SqliteStore::open(directory.path()).is_ok());
}

#[test]
fn a_second_server_is_locked_out_until_the_first_is_killed() {
    const HOLD: &str = "KEYWARD_TEST_HOLD";
    if let Some(directory) = env::var_os(HOLD) {
        let store = SqliteStore::open_with(directory.as_ref(), &without_reserve()).unwrap();
        store
            .commit(vec![swap(b"a", 1, b"from the first")])
            .unwrap();
        println!("held");
        std::thread::park();
    }
    let directory = fast_directory();
    let store = SqliteStore::create_with(directory.path(), &without_reserve()).unwrap();
    store.commit(vec![swap(b"a", 0, b"x")]).unwrap();
    drop(store);
    let mut first = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "a_second_server_is_locked_out_until_the_first_is_killed",
            "--nocapture",
        ])
        .env(HOLD, directory.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(first.stdout.take().unwrap()).lines();
    assert!(
        lines.any(|line| line.unwrap() == "held"),
        "the first server never had the directory"
    );
    for _ in 0..3 {
        let second = SqliteStore::open_with(directory.path(), &without_reserve());
        assert_eq!(second.map(|_| ()), Err(StoreFault::Locked));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    let second = SqliteStore::open_with(directory.path(), &without_reserve()).unwrap();
    assert_eq!(version(&second, b"a"), 2);
}
