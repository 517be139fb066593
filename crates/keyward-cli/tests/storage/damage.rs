//! Damage to a data directory: found by `keyward server --check`, and no damaged store is served.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyward_engine::ports::store::{Batch, Change, Row, RowKey, Store, Table};
use keyward_store::{DATABASE_FILE, SqliteStore};

use crate::world::{World, code, errors};

const INTEGRITY: i32 = 5;
const CHECK: [&str; 6] = [
    "server",
    "--check",
    "--data-dir",
    "data",
    "--passphrase-file",
    "pass",
];

/// A stopped installation with a key in two versions, and its rows before the second.
fn stopped() -> (World, Vec<(RowKey, Row)>) {
    let mut world = World::with_people();
    let by_officer = |world: &World, arguments: &[&str]| {
        let output = world.by("officer", arguments);
        assert_eq!(code(&output), 0, "{}", errors(&output));
    };
    by_officer(&world, &["key", "create", "orders"]);
    world.stop();
    let before = rows(&world);
    world.start(true);
    by_officer(&world, &["key", "rotate", "orders"]);
    by_officer(&world, &["key", "suspend", "orders"]);
    world.stop();
    (world, before)
}

fn open(world: &World) -> SqliteStore {
    SqliteStore::open(&world.path("data/store")).unwrap()
}

fn rows(world: &World) -> Vec<(RowKey, Row)> {
    let store = open(world);
    let of = |table| {
        let rows = store.scan(table, &[], None, 100_000).unwrap();
        rows.into_iter()
            .map(move |(key, row)| (RowKey { table, key }, row))
    };
    Table::ALL.into_iter().flat_map(of).collect()
}

/// Writes a row behind the server's back.
fn set(world: &World, at: &RowKey, row: Option<&Row>) {
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
    open(world).commit(vec![batch]).unwrap();
}

/// What the check prints, and that it ends as a check that found something does.
fn found(world: &World) -> String {
    let output = world.run(&CHECK);
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &errors(&output);
    assert_eq!(code(&output), INTEGRITY, "{said}");
    said
}

#[test]
fn a_whole_directory_passes_and_the_check_writes_nothing() {
    let (world, _) = stopped();
    let before = rows(&world);
    let said = world.good(&CHECK);
    for check in [
        "store.integrity",
        "module.start",
        "custody.opens",
        "rows.authentic",
        "rows.complete",
        "keys.material",
        "custody.ledger",
        "log.whole",
        "log.checkpoints",
    ] {
        assert!(said.contains(check), "{check} is not in:\n{said}");
    }
    assert!(!said.contains("FAIL"), "{said}");
    assert_eq!(rows(&world), before);
}

#[test]
fn a_corrupted_a_replayed_and_a_removed_row_are_each_found_by_name() {
    let (world, before) = stopped();
    let now = rows(&world);
    let (at, row) = now
        .iter()
        .find(|(at, _)| at.table == Table::Version)
        .unwrap();
    let mut value = row.value.to_vec();
    *value.last_mut().unwrap() ^= 1;
    let corrupted = Row {
        version: row.version,
        value: Arc::from(value),
    };
    set(&world, at, Some(&corrupted));
    assert!(found(&world).contains("was changed"));
    let (_, old) = before.iter().find(|(key, _)| key == at).unwrap();
    assert_ne!(old, row, "rotating changed the row");
    set(&world, at, Some(old));
    assert!(found(&world).contains("a row was removed, or replaced by an older one"));
    set(&world, at, None);
    assert!(found(&world).contains("a row was removed, or replaced by an older one"));
    set(&world, at, Some(row));
    world.good(&CHECK);
}

#[test]
fn a_log_whose_end_was_cut_off_is_found_and_not_served() {
    let (world, _) = stopped();
    let (at, _) = rows(&world)
        .into_iter()
        .rfind(|(at, _)| at.table == Table::LogBatch)
        .unwrap();
    set(&world, &at, None);
    // So much is missing that the log does not even open.
    assert!(found(&world).contains("storage_corrupted"));
    let start = world.run(&[
        "server",
        "--data-dir",
        "data",
        "--listen",
        "127.0.0.1:0",
        "--passphrase-file",
        "pass",
    ]);
    assert_eq!(code(&start), INTEGRITY, "{}", errors(&start));
}

#[test]
fn a_truncated_database_is_refused_and_found() {
    let (world, _) = stopped();
    let file = world.path("data/store").join(DATABASE_FILE);
    let length = std::fs::metadata(&file).unwrap().len();
    std::fs::OpenOptions::new()
        .write(true)
        .open(&file)
        .unwrap()
        .set_len(length / 2)
        .unwrap();
    for arguments in [
        &CHECK[..],
        &["server", "--data-dir", "data", "--listen", "127.0.0.1:0"],
    ] {
        let refused = world.run(arguments);
        assert_ne!(code(&refused), 0, "{arguments:?}");
        assert!(errors(&refused).contains("damaged"), "{}", errors(&refused));
    }
}

#[test]
fn the_installation_of_every_release_passes_the_check_of_this_one() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../keyward-engine/tests/golden");
    let releases: Vec<PathBuf> = std::fs::read_dir(golden)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("store.gz").exists())
        .collect();
    assert!(!releases.is_empty());
    for release in releases {
        let world = World::empty();
        std::fs::create_dir_all(world.path("data/store")).unwrap();
        let packed = std::fs::File::open(release.join("store.gz")).unwrap();
        let mut database =
            std::fs::File::create(world.path("data/store").join(DATABASE_FILE)).unwrap();
        std::io::copy(&mut flate2::read::GzDecoder::new(packed), &mut database).unwrap();
        // The same passphrase that the golden installations are made with.
        let said = world.good(&CHECK);
        assert!(
            said.contains("rows.complete") && !said.contains("FAIL"),
            "{said}"
        );
    }
}
