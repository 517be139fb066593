//! Files that are not what they were: cut, overwritten, foreign, too new. Each is a typed fault, found at opening or
//! by the check, and never a fresh start.
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use keyward_engine::ports::store::{Row, Store, StoreFault, Table};
use keyward_store::{DATABASE_FILE, SqliteStore};
use tempfile::TempDir;

use common::{fast_directory, key, swap, without_reserve};

mod common;

const PAGE: u64 = 4096;

fn open(directory: &Path) -> Result<SqliteStore, StoreFault> {
    SqliteStore::open_with(directory, &without_reserve())
}

fn fault_of_opening(directory: &Path) -> StoreFault {
    open(directory).map(|_| "it opened").unwrap_err()
}

fn is_damage(fault: &StoreFault) -> bool {
    matches!(fault, StoreFault::Corrupt(_))
}

/// A closed database with some rows, and its file.
fn closed() -> (TempDir, PathBuf) {
    let directory = fast_directory();
    let store = SqliteStore::create_with(directory.path(), &without_reserve()).unwrap();
    for number in 0..200_u32 {
        store
            .commit(vec![swap(&number.to_be_bytes(), 0, &[number as u8; 700])])
            .unwrap();
    }
    drop(store);
    let file = directory.path().join(DATABASE_FILE);
    (directory, file)
}

#[test]
fn a_truncated_database_is_damage_wherever_it_is_cut() {
    let (directory, file) = closed();
    let whole = fs::read(&file).unwrap();
    let length = whole.len() as u64;
    assert!(length > 40 * PAGE);
    for kept in [
        0,
        1,
        15,
        16,
        99,
        100,
        512,
        PAGE,
        PAGE + 1,
        length / 2,
        length - PAGE,
        length - 1,
    ] {
        File::options()
            .write(true)
            .open(&file)
            .unwrap()
            .set_len(kept)
            .unwrap();
        let fault = fault_of_opening(directory.path());
        assert!(is_damage(&fault), "cut to {kept} of {length}: {fault}");
        fs::write(&file, &whole).unwrap();
    }
    assert!(open(directory.path()).is_ok());
}

#[test]
fn a_database_that_is_gone_is_not_made_anew() {
    let (directory, file) = closed();
    fs::remove_file(&file).unwrap();
    assert!(matches!(
        fault_of_opening(directory.path()),
        StoreFault::Unavailable(_)
    ));
    assert!(!file.exists());
    let nowhere = directory.path().join("nowhere");
    assert!(matches!(
        fault_of_opening(&nowhere),
        StoreFault::Unavailable(_)
    ));
    assert!(!nowhere.exists());
}

#[test]
fn a_garbage_header_is_damage() {
    let (directory, file) = closed();
    let whole = fs::read(&file).unwrap();
    let text = b"Dear diary, today I overwrote the beginning of an important file. ".repeat(3);
    for garbage in [
        vec![0; 100],
        vec![0xff; 100],
        text,
        vec![0; 4096],
        whole[4096..8192].to_vec(),
    ] {
        File::options()
            .write(true)
            .open(&file)
            .unwrap()
            .write_all_at(&garbage, 0)
            .unwrap();
        let fault = fault_of_opening(directory.path());
        assert!(is_damage(&fault), "{fault}");
        fs::write(&file, &whole).unwrap();
    }
}

#[test]
fn a_foreign_database_is_refused_and_left_alone() {
    let (directory, file) = closed();
    fs::remove_file(&file).unwrap();
    let other = rusqlite::Connection::open(&file).unwrap();
    other
        .execute_batch("CREATE TABLE schema(id, format); INSERT INTO schema VALUES(1, 1)")
        .unwrap();
    other.close().unwrap();
    let before = fs::read(&file).unwrap();
    assert!(is_damage(&fault_of_opening(directory.path())));
    assert!(before == fs::read(&file).unwrap(), "it was changed");
}

#[test]
fn every_destroyed_page_is_found_by_the_check_and_no_read_panics() {
    let (directory, file) = closed();
    let whole = fs::read(&file).unwrap();
    let mut found = 0;
    for page in 1..whole.len() as u64 / PAGE {
        OpenOptions::new()
            .write(true)
            .open(&file)
            .unwrap()
            .write_all_at(&[0xaa; 4096], page * PAGE)
            .unwrap();
        match open(directory.path()) {
            Err(fault) => assert!(is_damage(&fault), "page {page}: {fault}"),
            Ok(store) => {
                let report = store.check_integrity();
                let whole = report
                    .as_ref()
                    .is_ok_and(keyward_store::IntegrityReport::is_whole);
                assert!(
                    !whole,
                    "page {page} is destroyed and the check says {report:?}"
                );
                for table in Table::ALL {
                    let outcome = store.scan(table, b"", None, usize::MAX);
                    assert!(outcome.as_ref().err().is_none_or(is_damage), "{outcome:?}");
                }
                found += 1;
            }
        }
        fs::write(&file, &whole).unwrap();
    }
    assert!(found > 40);
    let store = open(directory.path()).unwrap();
    assert_eq!(
        store.check_integrity().unwrap().findings,
        Vec::<String>::new()
    );
}

#[test]
fn a_damaged_page_is_a_fault_of_the_reads_that_need_it_only() {
    let (directory, file) = closed();
    // The rows' bytes tell which page has them.
    let whole = fs::read(&file).unwrap();
    let place = whole
        .windows(700)
        .position(|piece| piece == [77; 700])
        .unwrap() as u64;
    let page = place / PAGE * PAGE;
    File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .write_all_at(&[0; 4096], page)
        .unwrap();
    let store = open(directory.path()).unwrap();
    assert!(is_damage(
        &store.get(&key(&77_u32.to_be_bytes())).unwrap_err()
    ));
    let row = store.get(&key(&3_u32.to_be_bytes())).unwrap();
    assert_eq!(
        row,
        Some(Row {
            version: 1,
            value: [3; 700].into()
        })
    );
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let (directory, file) = closed();
    edit(&file, "UPDATE schema SET format = 7");
    assert_eq!(
        fault_of_opening(directory.path()),
        StoreFault::TooNew { found: 7, known: 1 }
    );
}

#[test]
fn other_migrations_than_this_programs_are_damage() {
    let edits = [
        "UPDATE migration SET checksum = checksum + 1",
        "DELETE FROM migration",
        "DELETE FROM schema",
        "PRAGMA application_id = 17",
        "DROP TABLE migration",
        "UPDATE schema SET format = -1",
    ];
    for sql in edits {
        let (directory, file) = closed();
        edit(&file, sql);
        let fault = fault_of_opening(directory.path());
        assert!(is_damage(&fault), "{sql}: {fault}");
    }
}

#[test]
fn a_table_that_is_gone_is_damage() {
    let (directory, file) = closed();
    edit(&file, "DROP TABLE t_15");
    assert!(is_damage(&fault_of_opening(directory.path())));
}

fn edit(file: &Path, sql: &str) {
    let database = rusqlite::Connection::open(file).unwrap();
    database.execute_batch(sql).unwrap();
    database.close().unwrap();
}

#[test]
fn everything_in_the_data_directory_is_for_its_owner_only() {
    let parent = fast_directory();
    let directory = parent.path().join("data");
    let store = SqliteStore::create(&directory).unwrap();
    store.commit(vec![swap(b"a", 0, b"x")]).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    let files: Vec<PathBuf> = fs::read_dir(&directory)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{file:?}");
    }
}

#[test]
fn a_symbolic_link_is_not_followed() {
    let (directory, file) = closed();
    let moved = directory.path().join("moved.db");
    fs::rename(&file, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &file).unwrap();
    assert!(open(directory.path()).is_err());
    fs::rename(&moved, &file).unwrap();
    assert!(open(directory.path()).is_ok());
}
