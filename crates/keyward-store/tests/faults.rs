//! Real faults of a disk: full, read-only, failing writes and syncs. Each is a typed fault, and what it says about
//! what was applied is true.
use std::fs;
use std::path::Path;

use keyward_engine::ports::store::{Commit, Store, StoreFault};
use keyward_store::{DATABASE_FILE, SqliteOptions, SqliteStore};

use common::{
    Failing, key, on_small_disk, open_files, remount, swap, urgent, version, with_failing,
    without_reserve,
};

mod common;

const MEBIBYTE: usize = 1 << 20;

fn create(directory: &Path) -> SqliteStore {
    SqliteStore::create_with(directory, &without_reserve()).unwrap()
}

fn everywhere(call: i64, errno: i32) -> Failing {
    Failing {
        call,
        on: None,
        errno,
    }
}

/// Fails the call on the files of this name.
fn on(directory: &Path, name: &str, call: i64, errno: i32) -> Vec<Failing> {
    let files = open_files(&directory.join(name));
    assert!(!files.is_empty());
    files
        .into_iter()
        .map(|file| Failing {
            call,
            on: Some(file),
            errno,
        })
        .collect()
}

fn journal() -> String {
    format!("{DATABASE_FILE}-wal")
}

#[test]
fn a_full_disk_is_refused_as_full_and_nothing_of_the_commit_is_there() {
    on_small_disk(
        "a_full_disk_is_refused_as_full_and_nothing_of_the_commit_is_there",
        12,
        |disk| {
            let store = create(disk);
            let name = |number: u64| number.to_be_bytes();
            let mut stored = 0_u64;
            let fault = loop {
                let (first, second) = (name(2 * stored), name(2 * stored + 1));
                let half = vec![5; 60_000];
                match store.commit(vec![swap(&first, 0, &half), swap(&second, 0, &half)]) {
                    Ok(answers) => assert_eq!(answers, vec![Commit::Done; 2]),
                    Err(fault) => break fault,
                }
                stored += 1;
            };
            assert_eq!(fault, StoreFault::Full);
            assert!(
                stored > 20,
                "only {stored} commits before the disk was full"
            );
            let everything_is_there = |store: &SqliteStore| {
                for number in 0..2 * stored {
                    assert_eq!(version(store, &name(number)), 1);
                }
                assert_eq!(version(store, &name(2 * stored)), 0);
                assert_eq!(version(store, &name(2 * stored + 1)), 0);
            };
            everything_is_there(&store);
            assert!(store.describe().unwrap().free_bytes.unwrap() < 200_000);
            // It goes on when there is room again, and no fault has stuck to anything.
            drop(store);
            remount(disk, "size=40m");
            let store = SqliteStore::open_with(disk, &without_reserve()).unwrap();
            everything_is_there(&store);
            assert_eq!(
                store.commit(vec![swap(&name(2 * stored), 0, b"x")]),
                Ok(vec![Commit::Done])
            );
            assert!(store.check_integrity().unwrap().is_whole());
        },
    );
}

#[test]
fn the_reserve_serves_urgent_commits_alone_and_is_taken_back_when_there_is_room() {
    let test = "the_reserve_serves_urgent_commits_alone_and_is_taken_back_when_there_is_room";
    on_small_disk(test, 64, |disk| {
        let options = SqliteOptions {
            reserve_bytes: 4 << 20,
            journal_pages: 100,
            ..SqliteOptions::default()
        };
        let store = SqliteStore::create_with(disk, &options).unwrap();
        store.commit(vec![swap(b"before", 0, b"x")]).unwrap();
        fill(&disk.join("ballast"));
        // The journal has room within its own blocks for a while; a large value has not.
        let large = vec![1; MEBIBYTE];
        assert_eq!(
            store.commit(vec![swap(b"large", 0, &large)]),
            Err(StoreFault::Full)
        );
        let mixed = vec![urgent(swap(b"urgent", 0, &large)), swap(b"large", 0, b"x")];
        assert_eq!(store.commit(mixed), Err(StoreFault::Full));
        assert_eq!(version(&store, b"urgent"), 0);
        for number in 0..2 {
            let batches = vec![urgent(swap(b"urgent", number, &large[..300_000]))];
            assert_eq!(store.commit(batches), Ok(vec![Commit::Done]), "{number}");
        }
        for number in 0..300 {
            let batches = vec![urgent(swap(b"small", number, &[3; 300]))];
            assert_eq!(store.commit(batches), Ok(vec![Commit::Done]), "{number}");
        }
        // There is room now, but it is the reserve's.
        assert_eq!(
            store.commit(vec![swap(b"tiny", 0, b"x")]),
            Err(StoreFault::Full)
        );
        assert_eq!(store.scrub(), Ok(()));
        assert_eq!(
            store.commit(vec![swap(b"tiny", 0, b"x")]),
            Err(StoreFault::Full)
        );
        drop(store);
        let store = SqliteStore::open_with(disk, &options).unwrap();
        assert_eq!(
            (version(&store, b"urgent"), version(&store, b"small")),
            (2, 300)
        );
        fs::remove_file(disk.join("ballast")).unwrap();
        assert_eq!(
            store.commit(vec![swap(b"tiny", 0, b"x")]),
            Ok(vec![Commit::Done])
        );
        assert_eq!(
            fs::metadata(disk.join("reserve")).unwrap().len(),
            options.reserve_bytes
        );
        assert_eq!(
            store.commit(vec![swap(b"large", 0, &large)]),
            Ok(vec![Commit::Done])
        );
    });
}

#[test]
fn a_store_opened_on_a_full_disk_reads_and_refuses() {
    on_small_disk(
        "a_store_opened_on_a_full_disk_reads_and_refuses",
        32,
        |disk| {
            let store = create(disk);
            store.commit(vec![swap(b"a", 0, b"x")]).unwrap();
            drop(store);
            fill(&disk.join("ballast"));
            let options = SqliteOptions {
                reserve_bytes: 4 << 20,
                ..SqliteOptions::default()
            };
            let store = SqliteStore::open_with(disk, &options).unwrap();
            assert_eq!(version(&store, b"a"), 1);
            assert_eq!(
                store.commit(vec![swap(b"a", 1, b"y")]),
                Err(StoreFault::Full)
            );
            drop(store);
            fs::remove_file(disk.join("ballast")).unwrap();
            let store = SqliteStore::open_with(disk, &options).unwrap();
            assert_eq!(
                store.commit(vec![swap(b"a", 1, b"y")]),
                Ok(vec![Commit::Done])
            );
        },
    );
}

#[test]
fn nothing_is_created_on_a_full_disk() {
    on_small_disk("nothing_is_created_on_a_full_disk", 8, |disk| {
        fill(&disk.join("ballast"));
        for options in [without_reserve(), SqliteOptions::default()] {
            let outcome = SqliteStore::create_with(&disk.join("data"), &options);
            assert_eq!(outcome.map(|_| ()), Err(StoreFault::Full));
            assert!(!disk.join("data").join(DATABASE_FILE).exists());
        }
        fs::remove_file(disk.join("ballast")).unwrap();
        create(&disk.join("data"))
            .commit(vec![swap(b"a", 0, b"x")])
            .unwrap();
    });
}

/// Writes until nothing more fits.
fn fill(path: &Path) {
    let mut ballast = fs::File::create(path).unwrap();
    for size in [MEBIBYTE, 65_536, 4096, 512] {
        while std::io::Write::write_all(&mut ballast, &vec![0; size]).is_ok() {}
    }
}

#[test]
fn a_read_only_file_system_is_refused_as_read_only() {
    on_small_disk(
        "a_read_only_file_system_is_refused_as_read_only",
        32,
        |disk| {
            create(disk).commit(vec![swap(b"a", 0, b"x")]).unwrap();
            remount(disk, "ro");
            let opened = SqliteStore::open_with(disk, &without_reserve());
            assert_eq!(opened.map(|_| ()), Err(StoreFault::ReadOnly));
            let created = SqliteStore::create_with(&disk.join("new"), &without_reserve());
            assert_eq!(created.map(|_| ()), Err(StoreFault::ReadOnly));
            remount(disk, "rw");
            let store = SqliteStore::open_with(disk, &without_reserve()).unwrap();
            assert_eq!(version(&store, b"a"), 1);
        },
    );
}

#[test]
fn a_disk_that_turns_read_only_is_refused_as_read_only_and_nothing_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(directory.path());
    store.commit(vec![swap(b"a", 0, b"1")]).unwrap();
    // All ways to write that SQLite and the probe have.
    let calls = [
        libc::SYS_pwrite64,
        libc::SYS_write,
        libc::SYS_ftruncate,
        libc::SYS_fallocate,
    ];
    let failing = calls.map(|call| everywhere(call, libc::EROFS));
    let outcome = with_failing(&failing, || store.commit(vec![swap(b"a", 1, b"2")]));
    assert_eq!(outcome, Err(StoreFault::ReadOnly));
    assert_eq!(version(&store, b"a"), 1);
    assert_eq!(
        store.commit(vec![swap(b"a", 1, b"2")]),
        Ok(vec![Commit::Done])
    );
}

#[test]
fn a_quota_that_is_used_up_is_a_full_disk() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(directory.path());
    let failing = [libc::SYS_pwrite64, libc::SYS_write].map(|call| everywhere(call, libc::EDQUOT));
    let outcome = with_failing(&failing, || store.commit(vec![swap(b"a", 0, b"1")]));
    assert_eq!(outcome, Err(StoreFault::Full));
    assert_eq!(version(&store, b"a"), 0);
    assert_eq!(
        store.commit(vec![swap(b"a", 0, b"1")]),
        Ok(vec![Commit::Done])
    );
}

#[test]
fn no_space_at_each_write_of_a_commit_is_full_and_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(directory.path());
    store.commit(vec![swap(b"a", 0, b"1")]).unwrap();
    let failing = on(
        directory.path(),
        &journal(),
        libc::SYS_pwrite64,
        libc::ENOSPC,
    );
    // A small commit fails at COMMIT; one larger than SQLite's page cache fails before it.
    for size in [10, 6 * MEBIBYTE] {
        let batches = vec![swap(b"a", 1, b"2"), swap(b"b", 0, &vec![1; size])];
        let outcome = with_failing(&failing, || store.commit(batches));
        assert_eq!(outcome, Err(StoreFault::Full));
        assert_eq!((version(&store, b"a"), version(&store, b"b")), (1, 0));
    }
    drop(store);
    let store = SqliteStore::open_with(directory.path(), &without_reserve()).unwrap();
    assert_eq!((version(&store, b"a"), version(&store, b"b")), (1, 0));
    // What the writer remembers of versions is still right.
    let batches = vec![swap(b"a", 0, b""), swap(b"a", 1, b"2"), swap(b"b", 0, b"")];
    let conflict = Commit::Conflict {
        row: key(b"a"),
        found: 1,
    };
    assert_eq!(
        store.commit(batches),
        Ok(vec![conflict, Commit::Done, Commit::Done])
    );
}

#[test]
fn a_failed_commit_does_not_leave_its_versions_in_the_writers_memory() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(directory.path());
    store.commit(vec![swap(b"a", 0, b"1")]).unwrap();
    let failing = on(
        directory.path(),
        &journal(),
        libc::SYS_pwrite64,
        libc::ENOSPC,
    );
    let outcome = with_failing(&failing, || {
        store.commit(vec![swap(b"a", 1, b"2"), swap(b"b", 0, b"")])
    });
    assert_eq!(outcome, Err(StoreFault::Full));
    let batches = vec![swap(b"a", 2, b"3"), swap(b"b", 1, b""), swap(b"a", 1, b"2")];
    let (a, b) = (key(b"a"), key(b"b"));
    let expected = vec![
        Commit::Conflict { row: a, found: 1 },
        Commit::Conflict { row: b, found: 0 },
        Commit::Done,
    ];
    assert_eq!(store.commit(batches), Ok(expected));
}

#[test]
fn after_a_failed_sync_the_outcome_is_unknown_and_the_store_has_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(directory.path());
    store.commit(vec![swap(b"a", 0, b"1")]).unwrap();
    let failing = [libc::SYS_fsync, libc::SYS_fdatasync].map(|call| everywhere(call, libc::EIO));
    let batches = vec![swap(b"a", 1, b"2"), swap(b"b", 0, b"1")];
    let outcome = with_failing(&failing, || store.commit(batches));
    assert!(
        matches!(outcome, Err(StoreFault::Unknown(_))),
        "{outcome:?}"
    );
    // The disk works again on this thread, and still: no read may rest on what is not known to be there.
    let stopped =
        |fault: StoreFault| assert!(matches!(fault, StoreFault::Unavailable(_)), "{fault}");
    stopped(store.get(&key(b"a")).unwrap_err());
    stopped(store.scan(key(b"a").table, b"", None, 9).unwrap_err());
    stopped(store.last(key(b"a").table, b"").unwrap_err());
    stopped(store.commit(vec![swap(b"c", 0, b"1")]).unwrap_err());
    stopped(store.scrub().unwrap_err());
    drop(store);
    let store = SqliteStore::open_with(directory.path(), &without_reserve()).unwrap();
    let found = (
        version(&store, b"a"),
        version(&store, b"b"),
        version(&store, b"c"),
    );
    assert!(
        found == (2, 1, 0) || found == (1, 0, 0),
        "half a commit: {found:?}"
    );
    assert_eq!(
        store.commit(vec![swap(b"a", found.0, b"3")]),
        Ok(vec![Commit::Done])
    );
}

#[test]
fn a_write_error_at_commit_is_unknown() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(directory.path());
    let failing =
        on_journal_after_first_commit(directory.path(), &store, libc::SYS_pwrite64, libc::EIO);
    let outcome = with_failing(&failing, || store.commit(vec![swap(b"a", 1, b"2")]));
    assert!(
        matches!(outcome, Err(StoreFault::Unknown(_))),
        "{outcome:?}"
    );
    assert!(matches!(
        store.get(&key(b"a")),
        Err(StoreFault::Unavailable(_))
    ));
}

#[test]
fn a_failed_sync_while_emptying_the_journal_stops_the_store() {
    let directory = tempfile::tempdir().unwrap();
    let options = SqliteOptions {
        journal_pages: 20,
        ..without_reserve()
    };
    let store = SqliteStore::create_with(directory.path(), &options).unwrap();
    let failing: Vec<_> = [libc::SYS_fsync, libc::SYS_fdatasync]
        .into_iter()
        .flat_map(|call| on(directory.path(), DATABASE_FILE, call, libc::EIO))
        .collect();
    let (good, fault) = with_failing(&failing, || {
        for number in 0..100 {
            match store.commit(vec![swap(b"a", number, b"x")]) {
                Ok(_) => {}
                Err(fault) => return (number, fault),
            }
        }
        panic!("the journal was never emptied");
    });
    assert!(matches!(fault, StoreFault::Unknown(_)), "{fault}");
    assert!(matches!(
        store.get(&key(b"a")),
        Err(StoreFault::Unavailable(_))
    ));
    drop(store);
    let store = SqliteStore::open_with(directory.path(), &options).unwrap();
    assert!((good..=good + 1).contains(&version(&store, b"a")));
}

#[test]
fn no_room_to_empty_the_journal_does_not_fail_a_commit() {
    let directory = tempfile::tempdir().unwrap();
    let options = SqliteOptions {
        journal_pages: 20,
        ..without_reserve()
    };
    let store = SqliteStore::create_with(directory.path(), &options).unwrap();
    let failing = on(
        directory.path(),
        DATABASE_FILE,
        libc::SYS_pwrite64,
        libc::ENOSPC,
    );
    with_failing(&failing, || {
        for number in 0..100 {
            assert_eq!(
                store.commit(vec![swap(b"a", number, b"x")]),
                Ok(vec![Commit::Done])
            );
        }
        assert_eq!(store.scrub(), Err(StoreFault::Full));
    });
    let journal = fs::metadata(directory.path().join(journal()))
        .unwrap()
        .len();
    assert!(
        journal > 100 * 4096,
        "the journal keeps everything, but has {journal} bytes"
    );
    assert_eq!(store.scrub(), Ok(()));
    assert_eq!(version(&store, b"a"), 100);
}

#[test]
fn a_sector_that_cannot_be_read_is_damage_to_those_who_need_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(directory.path());
    store
        .commit(vec![swap(b"a", 0, &vec![1; MEBIBYTE])])
        .unwrap();
    drop(store);
    let store = SqliteStore::open_with(directory.path(), &without_reserve()).unwrap();
    let failing = on(
        directory.path(),
        DATABASE_FILE,
        libc::SYS_pread64,
        libc::EIO,
    );
    let outcome = with_failing(&failing, || store.get(&key(b"a")));
    assert!(
        matches!(outcome, Err(StoreFault::Corrupt(_))),
        "{outcome:?}"
    );
    assert_eq!(version(&store, b"a"), 1);
}

/// The journal is made by the first commit, so its file is known only after that.
fn on_journal_after_first_commit(
    directory: &Path,
    store: &SqliteStore,
    call: i64,
    errno: i32,
) -> Vec<Failing> {
    store.commit(vec![swap(b"a", 0, b"1")]).unwrap();
    on(directory, &journal(), call, errno)
}
