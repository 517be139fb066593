//! Compare-and-swap: what a batch expects, what it finds, and what it leaves when it finds something else.
use super::*;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "a batch is applied only at exactly the version it expects",
        prove: exact_version,
    },
    Check {
        name: "0 means absent, before and after a row's life",
        prove: zero_is_absent,
    },
    Check {
        name: "a conflict names the first row that differs",
        prove: first_difference,
    },
    Check {
        name: "a conflicting batch leaves nothing of itself",
        prove: all_or_nothing,
    },
    Check {
        name: "a conflict leaves out its batch and no other",
        prove: conflict_in_the_middle,
    },
    Check {
        name: "expectations see the batches before them",
        prove: earlier_batches_count,
    },
    Check {
        name: "expectations come before the batch's own changes",
        prove: own_changes_do_not_count,
    },
    Check {
        name: "one row expected twice must satisfy both",
        prove: expected_twice,
    },
    Check {
        name: "expectations in several tables hold together",
        prove: across_tables,
    },
    Check {
        name: "an urgent batch is a batch like others when there is room",
        prove: urgent,
    },
    Check {
        name: "answers are right long after a row was last met",
        prove: cold_rows,
    },
];

fn exact_version(factory: Factory<'_>) {
    let store = Fresh::of(factory);
    done(&*store, swap(here(b"a"), 0, b"1"));
    done(&*store, swap(here(b"a"), 1, b"2"));
    for wrong in [0, 1, 3, u64::MAX] {
        let answer = store.commit(vec![swap_to(here(b"a"), wrong, 3)]);
        assert_eq!(answer, Ok(vec![conflict(here(b"a"), 2)]));
        assert_eq!(get(&*store, &here(b"a")), Some(row(2, b"2")));
    }
    done(&*store, swap(here(b"a"), 2, b"3"));
    assert_eq!(get(&*store, &here(b"a")), Some(row(3, b"3")));
}

fn swap_to(key: RowKey, expected: u64, version: u64) -> Batch {
    batch(
        vec![expect(key.clone(), expected)],
        vec![put(key, version, b"wrong")],
    )
}

fn zero_is_absent(factory: Factory<'_>) {
    let store = Fresh::of(factory);
    let missing = batch(vec![expect(here(b"a"), 1)], vec![put(here(b"a"), 2, b"x")]);
    assert_eq!(
        store.commit(vec![missing.clone()]),
        Ok(vec![conflict(here(b"a"), 0)])
    );
    done(&*store, batch(vec![expect(here(b"a"), 0)], vec![]));
    done(&*store, swap(here(b"a"), 0, b"born"));
    done(
        &*store,
        batch(vec![expect(here(b"a"), 1)], vec![delete(here(b"a"))]),
    );
    assert_eq!(
        store.commit(vec![missing]),
        Ok(vec![conflict(here(b"a"), 0)])
    );
    done(&*store, swap(here(b"a"), 0, b"born again"));
    assert_eq!(get(&*store, &here(b"a")), Some(row(1, b"born again")));
}

fn first_difference(factory: Factory<'_>) {
    let store = Fresh::of(factory);
    done(
        &*store,
        batch(
            vec![],
            vec![put(here(b"a"), 1, b""), put(here(b"b"), 2, b"")],
        ),
    );
    let named = |rows: &[(&[u8], u64)]| {
        let expected = rows
            .iter()
            .map(|(key, version)| expect(here(key), *version))
            .collect();
        store.commit(vec![batch(expected, vec![put(here(b"z"), 1, b"")])])
    };
    let a = Ok(vec![conflict(here(b"a"), 1)]);
    let b = Ok(vec![conflict(here(b"b"), 2)]);
    assert_eq!(named(&[(b"a", 9), (b"b", 9)]), a);
    assert_eq!(named(&[(b"b", 9), (b"a", 9)]), b);
    assert_eq!(named(&[(b"a", 1), (b"b", 9), (b"c", 7)]), b);
    assert_eq!(
        named(&[(b"c", 7), (b"a", 9)]),
        Ok(vec![conflict(here(b"c"), 0)])
    );
    assert_eq!(get(&*store, &here(b"z")), None);
    assert_eq!(
        named(&[(b"a", 1), (b"b", 2), (b"c", 0)]),
        Ok(vec![Commit::Done])
    );
}

fn all_or_nothing(factory: Factory<'_>) {
    let store = Fresh::of(factory);
    done(&*store, swap(here(b"kept"), 0, b"kept"));
    let changes = vec![
        put(here(b"new"), 1, b""),
        delete(here(b"kept")),
        put(at(Table::LogBatch, b"log"), 1, b""),
    ];
    let failing = batch(
        vec![expect(here(b"kept"), 1), expect(here(b"other"), 1)],
        changes,
    );
    assert_eq!(
        store.commit(vec![failing]),
        Ok(vec![conflict(here(b"other"), 0)])
    );
    assert_eq!(
        everything(&*store, TABLE),
        vec![(b"kept".to_vec(), row(1, b"kept"))]
    );
    assert_eq!(everything(&*store, Table::LogBatch), Vec::new());
}

fn conflict_in_the_middle(factory: Factory<'_>) {
    let store = Fresh::of(factory);
    let batches = vec![
        swap(here(b"1"), 0, b"one"),
        swap(here(b"1"), 0, b"late"),
        swap(here(b"2"), 0, b"two"),
        batch(
            vec![expect(here(b"3"), 4)],
            vec![put(here(b"3"), 5, b"three")],
        ),
        swap(here(b"1"), 1, b"one more"),
    ];
    let expected = vec![
        Commit::Done,
        conflict(here(b"1"), 1),
        Commit::Done,
        conflict(here(b"3"), 0),
        Commit::Done,
    ];
    assert_eq!(store.commit(batches), Ok(expected));
    let rows = vec![
        (b"1".to_vec(), row(2, b"one more")),
        (b"2".to_vec(), row(1, b"two")),
    ];
    assert_eq!(everything(&*store, TABLE), rows);
    let all_conflict = vec![swap(here(b"1"), 0, b""), swap(here(b"2"), 7, b"")];
    let answers = vec![conflict(here(b"1"), 2), conflict(here(b"2"), 1)];
    assert_eq!(store.commit(all_conflict), Ok(answers));
    assert_eq!(everything(&*store, TABLE), rows);
}

fn earlier_batches_count(factory: Factory<'_>) {
    let store = Fresh::of(factory);
    let a = here(b"a");
    let batches = vec![
        swap(a.clone(), 0, b"1"),
        swap(a.clone(), 1, b"2"),
        batch(vec![expect(a.clone(), 2)], vec![delete(a.clone())]),
        batch(
            vec![expect(a.clone(), 2)],
            vec![put(here(b"ghost"), 1, b"")],
        ),
        swap(a.clone(), 0, b"1 again"),
        // What a batch that was left out would have written does not count.
        batch(
            vec![expect(here(b"ghost"), 0)],
            vec![put(here(b"real"), 1, b"")],
        ),
    ];
    let mut expected = vec![Commit::Done; 6];
    expected[3] = conflict(a.clone(), 0);
    assert_eq!(store.commit(batches), Ok(expected));
    let rows = vec![
        (b"a".to_vec(), row(1, b"1 again")),
        (b"real".to_vec(), row(1, b"")),
    ];
    assert_eq!(everything(&*store, TABLE), rows);
}

fn own_changes_do_not_count(factory: Factory<'_>) {
    let store = Fresh::of(factory);
    let a = here(b"a");
    let wishful = batch(vec![expect(a.clone(), 1)], vec![put(a.clone(), 1, b"")]);
    assert_eq!(
        store.commit(vec![wishful.clone()]),
        Ok(vec![conflict(a.clone(), 0)])
    );
    done(&*store, swap(a.clone(), 0, b""));
    done(&*store, wishful);
}

fn expected_twice(factory: Factory<'_>) {
    let store = Fresh::of(factory);
    let a = here(b"a");
    let both = batch(vec![expect(a.clone(), 0), expect(a.clone(), 1)], vec![]);
    assert_eq!(
        store.commit(vec![both.clone()]),
        Ok(vec![conflict(a.clone(), 0)])
    );
    done(&*store, swap(a.clone(), 0, b""));
    assert_eq!(store.commit(vec![both]), Ok(vec![conflict(a.clone(), 1)]));
    done(
        &*store,
        batch(vec![expect(a.clone(), 1), expect(a, 1)], vec![]),
    );
}

fn across_tables(factory: Factory<'_>) {
    let store = Fresh::of(factory);
    let same_key: Vec<RowKey> = Table::ALL.iter().map(|table| at(*table, b"k")).collect();
    for (version, key) in (1_u64..).zip(&same_key) {
        done(&*store, batch(vec![], vec![put(key.clone(), version, b"")]));
    }
    let expected: Vec<Expect> = (1_u64..)
        .zip(&same_key)
        .map(|(v, k)| expect(k.clone(), v))
        .collect();
    done(&*store, batch(expected.clone(), vec![]));
    for (position, key) in same_key.iter().enumerate() {
        let mut one_off = expected.clone();
        one_off[position].version += 100;
        let found = expected[position].version;
        assert_eq!(
            store.commit(vec![batch(one_off, vec![])]),
            Ok(vec![conflict(key.clone(), found)])
        );
    }
}

fn urgent(factory: Factory<'_>) {
    let store = Fresh::of(factory);
    let as_urgent = |batch: Batch| Batch {
        urgent: true,
        ..batch
    };
    let batches = vec![
        as_urgent(swap(here(b"a"), 0, b"1")),
        swap(here(b"a"), 1, b"2"),
        as_urgent(swap(here(b"a"), 1, b"late")),
    ];
    let expected = vec![Commit::Done, Commit::Done, conflict(here(b"a"), 2)];
    assert_eq!(store.commit(batches), Ok(expected));
    assert_eq!(get(&*store, &here(b"a")), Some(row(2, b"2")));
}

fn cold_rows(factory: Factory<'_>) {
    let store = Fresh::of(factory);
    let key = |number: u32| here(&number.to_be_bytes());
    let count = 3000_u32;
    for first in (0..count).step_by(500) {
        let batches: Vec<Batch> = (first..first + 500)
            .map(|n| swap(key(n), 0, b"x"))
            .collect();
        assert_eq!(store.commit(batches), Ok(vec![Commit::Done; 500]));
    }
    // Forth and back, so that whatever remembers recent rows is right both when it hits and when it misses.
    for (round, numbers) in [
        (1_u64, (0..count).collect::<Vec<_>>()),
        (2, (0..count).rev().collect()),
    ] {
        for chunk in numbers.chunks(500) {
            let stale = chunk.iter().map(|n| swap(key(*n), round - 1, b"stale"));
            let fresh = chunk.iter().map(|n| swap(key(*n), round, b"y"));
            let answers = store
                .commit(stale.chain(fresh).collect())
                .expect("a commit");
            let conflicts = chunk.iter().map(|n| conflict(key(*n), round));
            let expected: Vec<Commit> = conflicts
                .chain(chunk.iter().map(|_| Commit::Done))
                .collect();
            assert_eq!(answers, expected);
        }
    }
}
