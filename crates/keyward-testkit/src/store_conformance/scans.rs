//! Scans and the last row: every combination of prefix, start and limit over keys that sit on the borders.
use super::*;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "a scan gives exactly the rows of prefix, start and limit, in byte order",
        prove: scans,
    },
    Check {
        name: "the last row of a prefix is the greatest",
        prove: last,
    },
    Check {
        name: "pages of a scan join to the whole of it",
        prove: pages,
    },
];

/// Keys and parameters around the borders of byte order.
const EDGES: &[&[u8]] = &[
    b"",
    b"\0",
    b"\0\0",
    b"\0\xff",
    b"\x01",
    b"a",
    b"a\0",
    b"a\xfe",
    b"a\xff",
    b"a\xff\0",
    b"a\xff\xff",
    b"a\xff\xff\xff",
    b"b",
    b"\x7f",
    b"\x80",
    b"\xfe",
    b"\xfe\xff",
    b"\xff",
    b"\xff\0",
    b"\xff\xfe",
    b"\xff\xff",
    b"\xff\xff\0",
    b"\xff\xff\xff",
];

/// Rows at the edges in one table, and rows that must never show up in the tables beside it.
fn edges(factory: Factory<'_>, keys: &[&[u8]], table: Table) -> Fresh {
    let store = Fresh::of(factory);
    let neighbours = Table::ALL.into_iter().filter(|other| *other != table);
    let strays = neighbours.map(|other| put(at(other, b"a\xffstray"), 1, b"stray"));
    let rows = keys
        .iter()
        .map(|key| put(at(table, key), 1 + key.len() as u64, key));
    done(&*store, batch(vec![], strays.chain(rows).collect()));
    store
}

fn scans(factory: Factory<'_>) {
    for table in [Table::Meta, Table::LogBatch, Table::ModuleRegistry] {
        let store = edges(factory, EDGES, table);
        for prefix in EDGES {
            for after in [None].into_iter().chain(EDGES.iter().copied().map(Some)) {
                for limit in [0, 1, 2, 5, EDGES.len(), usize::MAX] {
                    let wanted = EDGES.iter().filter(|key| key.starts_with(prefix));
                    let wanted = wanted.filter(|key| after.is_none_or(|after| **key > after));
                    let wanted: Vec<(Vec<u8>, Row)> = wanted
                        .take(limit)
                        .map(|key| (key.to_vec(), row(1 + key.len() as u64, key)))
                        .collect();
                    let found = store.scan(table, prefix, after, limit);
                    assert_eq!(
                        found,
                        Ok(wanted),
                        "{prefix:?} after {after:?} limit {limit}"
                    );
                }
            }
        }
    }
}

fn last(factory: Factory<'_>) {
    for table in [Table::Meta, Table::LogBatch, Table::ModuleRegistry] {
        // All keys, and only every other one, so that prefixes without a row are met too.
        for step in [1, 2, 3] {
            let keys: Vec<&[u8]> = EDGES.iter().copied().skip(step - 1).step_by(step).collect();
            let store = edges(factory, &keys, table);
            for prefix in EDGES {
                let wanted = keys.iter().rev().find(|key| key.starts_with(prefix));
                let wanted = wanted.map(|key| (key.to_vec(), row(1 + key.len() as u64, key)));
                assert_eq!(store.last(table, prefix), Ok(wanted), "{prefix:?}");
            }
        }
    }
}

fn pages(factory: Factory<'_>) {
    let store = Fresh::of(factory);
    let key = |number: u32| [b"p".as_slice(), &number.to_be_bytes()].concat();
    let count = 20_000_u32;
    for first in (0..count).step_by(2000) {
        let changes = (first..first + 2000)
            .rev()
            .map(|n| put(here(&key(n)), 1, &n.to_be_bytes()));
        done(&*store, batch(vec![], changes.collect()));
    }
    done(
        &*store,
        batch(
            vec![],
            vec![put(here(b"o"), 1, b""), put(here(b"q"), 1, b"")],
        ),
    );
    let mut seen = 0_u32;
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = store
            .scan(TABLE, b"p", after.as_deref(), 777)
            .expect("a page");
        for (found, value) in &page {
            assert_eq!((found, value), (&key(seen), &row(1, &seen.to_be_bytes())));
            seen += 1;
        }
        match page.into_iter().last() {
            Some((key, _)) => after = Some(key),
            None => break,
        }
    }
    assert_eq!(seen, count);
}
