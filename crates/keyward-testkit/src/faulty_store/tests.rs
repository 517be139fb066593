//! The doubles keep the port's promises where they are not told to break them, and break exactly what they are told to.
use super::*;
use crate::store_conformance::{self, Model, Place};

const A: &[u8] = b"a";

fn key(name: &[u8]) -> RowKey {
    RowKey {
        table: Table::Object,
        key: name.to_vec(),
    }
}

fn put(name: &[u8], version: u64, value: &[u8]) -> Batch {
    let change = Change::Put {
        row: key(name),
        version,
        value: value.to_vec(),
    };
    Batch {
        changes: vec![change],
        ..Batch::default()
    }
}

fn row(version: u64, value: &[u8]) -> Row {
    Row {
        version,
        value: Arc::from(value),
    }
}

struct OnDisk(SimDisk);

impl Place for OnDisk {
    fn create(&self) -> Arc<dyn Store> {
        Arc::new(self.0.open())
    }

    fn reopen(&self) -> Option<Arc<dyn Store>> {
        self.0.crash();
        Some(Arc::new(self.0.open()))
    }
}

struct Wrapped(SimDisk);

impl Place for Wrapped {
    fn create(&self) -> Arc<dyn Store> {
        Arc::new(FaultyStore::new(self.0.open(), Script::new()))
    }

    fn reopen(&self) -> Option<Arc<dyn Store>> {
        Some(self.create())
    }
}

#[test]
fn an_honest_simulated_disk_keeps_the_promises_over_crashes() {
    store_conformance::run(&|| Box::new(OnDisk(SimDisk::new(1))));
}

#[test]
fn a_faulty_store_without_faults_keeps_the_promises() {
    store_conformance::run(&|| Box::new(Wrapped(SimDisk::new(1))));
}

#[test]
fn a_fault_before_persisting_leaves_nothing_and_the_next_commit_succeeds() {
    for fault in [
        StoreFault::Full,
        StoreFault::ReadOnly,
        StoreFault::Unavailable("x"),
    ] {
        let plan = Script::new().commit(1, CommitFault::Before(fault.clone()));
        let store = FaultyStore::new(SimDisk::new(1).open(), plan);
        assert!(store.commit(vec![put(A, 1, b"1")]).is_ok());
        assert_eq!(store.commit(vec![put(A, 2, b"2")]), Err(fault.clone()));
        assert_eq!(store.get(&key(A)), Ok(Some(row(1, b"1"))));
        assert!(store.commit(vec![put(A, 3, b"3")]).is_ok());
        assert_eq!(
            store.injected(),
            vec![Injected::Commit(1, CommitFault::Before(fault))]
        );
    }
}

#[test]
fn a_full_disk_spares_urgent_calls() {
    let full = || CommitFault::Before(StoreFault::Full);
    let plan = Script::new().commit(0, full()).commit(1, full());
    let store = FaultyStore::new(SimDisk::new(1).open(), plan);
    let urgent = Batch {
        urgent: true,
        ..put(A, 1, b"1")
    };
    assert!(store.commit(vec![urgent.clone()]).is_ok());
    assert_eq!(
        store.commit(vec![urgent, put(A, 2, b"2")]),
        Err(StoreFault::Full)
    );
}

#[test]
fn a_fault_after_persisting_leaves_everything_and_stops_the_store() {
    let store = FaultyStore::new(
        SimDisk::new(1).open(),
        Script::new().commit(0, CommitFault::After),
    );
    let outcome = store.commit(vec![put(A, 1, b"1"), put(b"b", 1, b"1")]);
    assert!(matches!(outcome, Err(StoreFault::Unknown(_))));
    assert!(matches!(
        store.get(&key(A)),
        Err(StoreFault::Unavailable(_))
    ));
    assert!(matches!(
        store.commit(Vec::new()),
        Err(StoreFault::Unavailable(_))
    ));
    store.restart();
    assert_eq!(store.get(&key(A)), Ok(Some(row(1, b"1"))));
    assert_eq!(store.get(&key(b"b")), Ok(Some(row(1, b"1"))));
}

#[test]
fn a_torn_commit_leaves_its_first_batches() {
    let store = FaultyStore::new(
        SimDisk::new(1).open(),
        Script::new().commit(0, CommitFault::Torn(1)),
    );
    let outcome = store.commit(vec![put(A, 1, b"1"), put(b"b", 1, b"1")]);
    assert!(matches!(outcome, Err(StoreFault::Unknown(_))));
    store.restart();
    assert_eq!(store.get(&key(A)), Ok(Some(row(1, b"1"))));
    assert_eq!(store.get(&key(b"b")), Ok(None));
}

#[test]
fn reads_lie_as_told_and_only_then() {
    let plan = Script::new()
        .read(0, ReadFault::Replay)
        .read(
            2,
            ReadFault::Flip {
                byte: 1,
                mask: 0x80,
            },
        )
        .read(3, ReadFault::Missing)
        .read(4, ReadFault::Refuse(StoreFault::Corrupt("x")))
        .read(5, ReadFault::Replay)
        .read(6, ReadFault::Missing);
    let store = FaultyStore::new(SimDisk::new(1).open(), plan);
    for version in 1..=3 {
        assert!(
            store
                .commit(vec![put(A, version, &[version as u8; 3])])
                .is_ok()
        );
    }
    let truth = row(3, &[3; 3]);
    assert_eq!(store.get(&key(A)), Ok(Some(row(2, &[2; 3]))));
    assert_eq!(store.get(&key(A)), Ok(Some(truth.clone())));
    assert_eq!(store.get(&key(A)), Ok(Some(row(3, &[3, 0x83, 3]))));
    assert_eq!(store.get(&key(A)), Ok(None));
    assert_eq!(store.get(&key(A)), Err(StoreFault::Corrupt("x")));
    let old = (A.to_vec(), row(2, &[2; 3]));
    assert_eq!(store.scan(Table::Object, b"", None, 9), Ok(vec![old]));
    assert_eq!(store.last(Table::Object, b""), Ok(None));
    assert_eq!(
        store.last(Table::Object, b""),
        Ok(Some((A.to_vec(), truth)))
    );
    assert_eq!(store.injected().len(), 6);
}

#[test]
fn tampering_stays() {
    let store = FaultyStore::new(SimDisk::new(1).open(), Script::new());
    assert_eq!(store.flip_stored(&key(A), 0, 1), Ok(false));
    assert_eq!(store.replay_stored(&key(A)), Ok(false));
    assert!(
        store
            .commit(vec![put(A, 1, b"1"), put(A, 2, b"22")])
            .is_ok()
    );
    assert_eq!(store.flip_stored(&key(A), 1, 3), Ok(true));
    assert_eq!(store.get(&key(A)), Ok(Some(row(2, b"21"))));
    assert_eq!(store.flip_stored(&key(A), 2, 3), Ok(false));
    // Both changes were one commit, before which the row was not there.
    assert_eq!(store.replay_stored(&key(A)), Ok(true));
    assert_eq!(store.get(&key(A)), Ok(None));
}

#[test]
fn the_same_seed_gives_the_same_faults() {
    let rates = Rates {
        before: 100,
        after: 20,
        torn: 20,
        refused: 50,
        lies: 50,
        delays: 30,
    };
    let run = |seed| {
        let waited = Arc::new(Mutex::new(Duration::ZERO));
        let clock = Arc::clone(&waited);
        let wait = move |delay| *clock.lock() += delay;
        let store =
            FaultyStore::with_wait(SimDisk::new(seed).open(), Seeded::new(seed, rates), wait);
        for version in 1..=500 {
            let batches = vec![put(A, version, b"x"), put(b"b", version, b"x")];
            if matches!(store.commit(batches), Err(StoreFault::Unknown(_))) {
                store.restart();
            }
            let _ = store.get(&key(A));
        }
        (
            store.injected(),
            *waited.lock(),
            store.inner().scan(Table::Object, b"", None, 9),
        )
    };
    let (faults, waited, rows) = run(7);
    assert_eq!((faults.clone(), waited, rows), run(7));
    assert_ne!(faults, run(8).0);
    let seen = |wanted: fn(&Injected) -> bool| faults.iter().any(wanted);
    assert!(seen(|fault| matches!(
        fault,
        Injected::Commit(_, CommitFault::Before(_))
    )));
    assert!(seen(|fault| matches!(
        fault,
        Injected::Commit(_, CommitFault::After)
    )));
    assert!(seen(|fault| matches!(
        fault,
        Injected::Commit(_, CommitFault::Torn(_))
    )));
    assert!(seen(|fault| matches!(
        fault,
        Injected::Read(_, ReadFault::Refuse(_))
    )));
    assert!(seen(|fault| matches!(
        fault,
        Injected::Read(_, ReadFault::Flip { .. })
    )));
    assert!(waited > Duration::ZERO);
}

#[test]
fn a_crash_of_an_honest_disk_takes_nothing_and_ends_the_process() {
    let disk = SimDisk::new(3);
    let store = disk.open();
    for version in 1..=50 {
        assert!(store.commit(vec![put(A, version, b"x")]).is_ok());
    }
    assert_eq!(disk.crash(), 0);
    assert!(matches!(
        store.get(&key(A)),
        Err(StoreFault::Unavailable(_))
    ));
    assert!(matches!(
        store.commit(Vec::new()),
        Err(StoreFault::Unavailable(_))
    ));
    assert_eq!(disk.open().get(&key(A)), Ok(Some(row(50, b"x"))));
}

#[test]
fn a_crash_of_a_lying_disk_takes_the_latest_commits_in_order_and_whole() {
    let mut lost_something = 0;
    for seed in 0..40 {
        let disk = SimDisk::new(seed);
        let store = disk.open();
        disk.lose_fsyncs(true);
        let mut states = vec![Model::default()];
        for version in 1..=20_u64 {
            let twice = [
                put(A, version, b"x"),
                put(A, version + 100, b"y"),
                put(b"b", version, b"z"),
            ];
            let mut batches = twice.to_vec();
            batches.push(Batch {
                changes: vec![
                    Change::Delete { row: key(b"c") },
                    put(b"c", version, b"").changes.remove(0),
                ],
                ..Batch::default()
            });
            assert!(store.commit(batches).is_ok());
            states.push(disk.contents());
        }
        let lost = disk.crash();
        lost_something += usize::from(lost > 0);
        assert_eq!(disk.contents(), states[20 - lost]);
    }
    assert!(
        lost_something > 10,
        "{lost_something} of 40 crashes lost a commit"
    );
}

#[test]
fn a_failed_sync_leaves_all_or_nothing_and_both_happen() {
    let mut kept = 0;
    for seed in 0..40 {
        let disk = SimDisk::new(seed);
        let store = disk.open();
        assert!(store.commit(vec![put(A, 1, b"1")]).is_ok());
        disk.fail_next_sync();
        let outcome = store.commit(vec![put(A, 2, b"2"), put(b"b", 1, b"1")]);
        assert!(matches!(outcome, Err(StoreFault::Unknown(_))));
        assert!(matches!(
            store.get(&key(A)),
            Err(StoreFault::Unavailable(_))
        ));
        let lost = disk.crash();
        let store = disk.open();
        let found = (store.get(&key(A)).unwrap(), store.get(&key(b"b")).unwrap());
        match lost {
            0 => assert_eq!(found, (Some(row(2, b"2")), Some(row(1, b"1")))),
            _ => assert_eq!(found, (Some(row(1, b"1")), None)),
        }
        kept += usize::from(lost == 0);
        assert!(store.commit(vec![put(A, 3, b"3")]).is_ok());
    }
    assert!((5..36).contains(&kept), "kept {kept} of 40");
}

#[test]
fn a_full_or_read_only_medium_refuses_and_changes_nothing() {
    let disk = SimDisk::new(1);
    let store = disk.open();
    let urgent = || Batch {
        urgent: true,
        ..put(b"u", 1, b"")
    };
    disk.set_medium(Medium::ReserveOnly);
    assert_eq!(store.commit(vec![put(A, 1, b"")]), Err(StoreFault::Full));
    assert_eq!(
        store.commit(vec![urgent(), put(A, 1, b"")]),
        Err(StoreFault::Full)
    );
    assert_eq!(disk.contents(), Model::default());
    assert_eq!(store.commit(vec![urgent()]), Ok(vec![Commit::Done]));
    disk.set_medium(Medium::Full);
    assert_eq!(store.commit(vec![urgent()]), Err(StoreFault::Full));
    disk.set_medium(Medium::ReadOnly);
    assert_eq!(store.commit(vec![urgent()]), Err(StoreFault::ReadOnly));
    disk.set_medium(Medium::Healthy);
    assert_eq!(store.commit(vec![put(A, 1, b"")]), Ok(vec![Commit::Done]));
}

#[test]
fn a_restored_disk_is_the_old_one() {
    let disk = SimDisk::new(1);
    let store = disk.open();
    assert!(store.commit(vec![put(A, 1, b"1")]).is_ok());
    let backup = disk.contents();
    assert!(store.commit(vec![put(A, 2, b"2")]).is_ok());
    disk.restore(backup);
    assert!(store.get(&key(A)).is_err());
    disk.tamper(&key(b"b"), |found| {
        found.or_else(|| Some(row(9, b"planted")))
    });
    let store = disk.open();
    assert_eq!(store.get(&key(A)), Ok(Some(row(1, b"1"))));
    assert_eq!(store.get(&key(b"b")), Ok(Some(row(9, b"planted"))));
}
