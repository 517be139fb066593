//! What goes in comes out: keys, versions, values, tables, the order of changes, and after reopening.
use super::*;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "a fresh store has no rows in any table",
        prove: fresh_is_empty,
    },
    Check {
        name: "a row comes back with exactly its version and bytes",
        prove: rows_come_back,
    },
    Check {
        name: "every version from 1 to the greatest can be stored",
        prove: all_versions,
    },
    Check {
        name: "version 0 cannot be put and takes the whole call with it",
        prove: no_version_zero,
    },
    Check {
        name: "tables do not see each other's rows",
        prove: tables_are_apart,
    },
    Check {
        name: "empty keys and values are rows like others",
        prove: empty_is_a_row,
    },
    Check {
        name: "a value of 5 MiB comes back whole",
        prove: large_values,
    },
    Check {
        name: "changes of a batch are applied in order",
        prove: changes_in_order,
    },
    Check {
        name: "deleting what is not there is no fault",
        prove: delete_absent,
    },
    Check {
        name: "an empty commit and an empty batch succeed",
        prove: empty_commits,
    },
    Check {
        name: "scrubbing keeps every row",
        prove: scrub_keeps_rows,
    },
    Check {
        name: "the description is true",
        prove: description,
    },
    Check {
        name: "a durable store has everything after reopening",
        prove: reopening,
    },
];

fn fresh_is_empty(factory: Factory<'_>) {
    let store = Fresh::of(factory);
    for table in Table::ALL {
        assert_eq!(store.get(&at(table, b"a")), Ok(None));
        assert_eq!(store.scan(table, b"", None, usize::MAX), Ok(Vec::new()));
        assert_eq!(store.last(table, b""), Ok(None));
    }
}

fn rows_come_back(factory: Factory<'_>) {
    let store = Fresh::of(factory);
    let keys: [&[u8]; 7] = [
        b"a",
        b"\0",
        b"\0\0",
        b"\xff",
        b"a\0b",
        b"\xc3\x28",
        &[0x5a; 600],
    ];
    for (number, key) in (1_u64..).zip(keys) {
        let value: Vec<u8> = key.iter().rev().copied().chain(0..=255).collect();
        done(&*store, batch(vec![], vec![put(here(key), number, &value)]));
        assert_eq!(get(&*store, &here(key)), Some(row(number, &value)));
    }
    done(&*store, batch(vec![], vec![put(here(b"a"), 9, b"other")]));
    assert_eq!(get(&*store, &here(b"a")), Some(row(9, b"other")));
    done(&*store, batch(vec![], vec![delete(here(b"a"))]));
    assert_eq!(get(&*store, &here(b"a")), None);
    assert_eq!(everything(&*store, TABLE).len(), keys.len() - 1);
}

fn all_versions(factory: Factory<'_>) {
    let store = Fresh::of(factory);
    let middle = i64::MAX.unsigned_abs();
    for version in [
        1,
        2,
        255,
        65_536,
        middle,
        middle + 1,
        u64::MAX - 1,
        u64::MAX,
    ] {
        done(&*store, batch(vec![], vec![put(here(b"v"), version, b"x")]));
        assert_eq!(get(&*store, &here(b"v")), Some(row(version, b"x")));
        done(&*store, batch(vec![expect(here(b"v"), version)], vec![]));
        let other = batch(vec![expect(here(b"v"), version - 1)], vec![]);
        assert_eq!(
            store.commit(vec![other]),
            Ok(vec![conflict(here(b"v"), version)])
        );
    }
}

fn no_version_zero(factory: Factory<'_>) {
    let store = Fresh::of(factory);
    let good = batch(vec![], vec![put(here(b"good"), 1, b"x")]);
    let zero = batch(vec![], vec![put(here(b"zero"), 0, b"x")]);
    assert!(is_unavailable(&store.commit(vec![good, zero])));
    assert_eq!(everything(&*store, TABLE), Vec::new());
}

fn tables_are_apart(factory: Factory<'_>) {
    let store = Fresh::of(factory);
    for table in Table::ALL {
        done(&*store, swap(at(table, b"k"), 0, &[table.number()]));
    }
    for table in Table::ALL {
        let expected = vec![(b"k".to_vec(), row(1, &[table.number()]))];
        assert_eq!(everything(&*store, table), expected);
        assert_eq!(store.last(table, b""), Ok(expected.into_iter().next()));
    }
    done(&*store, batch(vec![], vec![delete(at(TABLE, b"k"))]));
    let left: usize = Table::ALL
        .iter()
        .map(|table| everything(&*store, *table).len())
        .sum();
    assert_eq!(left, Table::ALL.len() - 1);
}

fn empty_is_a_row(factory: Factory<'_>) {
    let store = Fresh::of(factory);
    for table in [TABLE, Table::LogBatch] {
        done(&*store, swap(at(table, b""), 0, b""));
        assert_eq!(get(&*store, &at(table, b"")), Some(row(1, b"")));
        assert_eq!(store.last(table, b""), Ok(Some((Vec::new(), row(1, b"")))));
        assert_eq!(everything(&*store, table), vec![(Vec::new(), row(1, b""))]);
        assert_eq!(store.scan(table, b"", Some(b""), 9), Ok(Vec::new()));
        let again = swap(at(table, b""), 0, b"");
        assert_eq!(
            store.commit(vec![again]),
            Ok(vec![conflict(at(table, b""), 1)])
        );
    }
}

fn large_values(factory: Factory<'_>) {
    let store = Fresh::of(factory);
    let value = |seed: u8| -> Vec<u8> {
        let byte = |i: u32| i.wrapping_mul(2_654_435_761).to_be_bytes()[0] ^ seed;
        (0..5 * 1024 * 1024).map(byte).collect()
    };
    for table in [TABLE, Table::LogSegment] {
        done(&*store, swap(at(table, b"big"), 0, &value(1)));
        done(&*store, swap(at(table, b"big"), 1, &value(2)));
        assert!(
            get(&*store, &at(table, b"big")) == Some(row(2, &value(2))),
            "the value changed"
        );
        done(&*store, batch(vec![], vec![delete(at(table, b"big"))]));
        assert_eq!(get(&*store, &at(table, b"big")), None);
    }
}

fn changes_in_order(factory: Factory<'_>) {
    let store = Fresh::of(factory);
    let (a, b) = (here(b"a"), here(b"b"));
    let changes = vec![
        put(a.clone(), 1, b"first"),
        put(a.clone(), 2, b"second"),
        delete(a.clone()),
        put(b.clone(), 5, b"b"),
        put(a.clone(), 7, b"last"),
        delete(b.clone()),
    ];
    done(&*store, batch(vec![], changes));
    assert_eq!(
        everything(&*store, TABLE),
        vec![(b"a".to_vec(), row(7, b"last"))]
    );
    // The store keeps the version it is given; counting is the engine's business.
    done(
        &*store,
        batch(
            vec![expect(a.clone(), 7)],
            vec![put(a.clone(), 3, b"lower")],
        ),
    );
    assert_eq!(get(&*store, &a), Some(row(3, b"lower")));
    done(
        &*store,
        batch(vec![], vec![put(a.clone(), 4, b"x"), delete(a.clone())]),
    );
    assert_eq!(everything(&*store, TABLE), Vec::new());
}

fn delete_absent(factory: Factory<'_>) {
    let store = Fresh::of(factory);
    done(
        &*store,
        batch(
            vec![],
            vec![delete(here(b"never")), put(here(b"x"), 1, b"")],
        ),
    );
    done(
        &*store,
        batch(
            vec![expect(here(b"never"), 0)],
            vec![delete(here(b"never"))],
        ),
    );
    assert_eq!(everything(&*store, TABLE).len(), 1);
}

fn empty_commits(factory: Factory<'_>) {
    let store = Fresh::of(factory);
    assert_eq!(store.commit(Vec::new()), Ok(Vec::new()));
    assert_eq!(
        store.commit(vec![Batch::default(); 3]),
        Ok(vec![Commit::Done; 3])
    );
}

fn scrub_keeps_rows(factory: Factory<'_>) {
    let store = Fresh::of(factory);
    assert_eq!(store.scrub(), Ok(()));
    for number in 0..500_u32 {
        done(
            &*store,
            swap(
                here(&number.to_be_bytes()),
                0,
                &[number.to_be_bytes()[3]; 300],
            ),
        );
    }
    let odd = |number: &u32| number % 2 == 1;
    let deletes = (0..500)
        .filter(odd)
        .map(|number: u32| delete(here(&number.to_be_bytes())));
    done(&*store, batch(vec![], deletes.collect()));
    let before = everything(&*store, TABLE);
    assert_eq!(before.len(), 250);
    assert_eq!(store.scrub(), Ok(()));
    assert_eq!(everything(&*store, TABLE), before);
    assert_eq!(store.scrub(), Ok(()));
    done(&*store, swap(here(&0_u32.to_be_bytes()), 1, b"goes on"));
}

fn description(factory: Factory<'_>) {
    let place = factory();
    let store = place.create();
    let before = store.describe().expect("a description");
    assert!(!before.name.is_empty());
    done(&*store, swap(here(b"big"), 0, &vec![1; 4 << 20]));
    let after = store.describe().expect("a description");
    assert!(
        after.used_bytes >= before.used_bytes + (3 << 20),
        "{before:?} then {after:?}"
    );
    assert_eq!((after.name, after.durable), (before.name, before.durable));
    drop(store);
    assert_eq!(
        place.reopen().is_some(),
        after.durable,
        "durable exactly if it can be reopened"
    );
}

fn reopening(factory: Factory<'_>) {
    let place = factory();
    let store = place.create();
    for number in 0..200_u32 {
        let table = if number % 2 == 0 {
            TABLE
        } else {
            Table::LogBatch
        };
        done(
            &*store,
            swap(at(table, &number.to_be_bytes()), 0, &[7; 900]),
        );
    }
    done(
        &*store,
        batch(vec![], vec![delete(here(&4_u32.to_be_bytes()))]),
    );
    done(&*store, swap(here(&6_u32.to_be_bytes()), 1, b"changed"));
    let contents =
        |store: &dyn Store| (everything(store, TABLE), everything(store, Table::LogBatch));
    let before = contents(&*store);
    drop(store);
    let Some(store) = place.reopen() else { return };
    assert_eq!(contents(&*store), before);
    assert_eq!(before.0.len() + before.1.len(), 199);
    let stale = swap(here(&6_u32.to_be_bytes()), 1, b"again");
    assert_eq!(
        store.commit(vec![stale]),
        Ok(vec![conflict(here(&6_u32.to_be_bytes()), 2)])
    );
}
