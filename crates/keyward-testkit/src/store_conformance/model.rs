//! Random batches, answered by the store and by a model so plain that it is right by reading it.
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;

pub(super) const CHECKS: &[Check] = &[Check {
    name: "a store answers random commits and reads as the model does",
    prove: as_the_model,
}];

/// What a store is, without durability, threads or speed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Model {
    rows: BTreeMap<RowKey, Row>,
}

impl Model {
    /// The rows, in order of table and key.
    #[must_use]
    pub const fn rows(&self) -> &BTreeMap<RowKey, Row> {
        &self.rows
    }

    /// One row.
    #[must_use]
    pub fn get(&self, row: &RowKey) -> Option<Row> {
        self.rows.get(row).cloned()
    }

    /// See [`Store::scan`].
    #[must_use]
    pub fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Vec<(Vec<u8>, Row)> {
        let of_prefix = self
            .rows
            .iter()
            .filter(|(at, _)| at.table == table && at.key.starts_with(prefix));
        let behind =
            of_prefix.filter(|(at, _)| after.is_none_or(|after| at.key.as_slice() > after));
        behind
            .take(limit)
            .map(|(at, row)| (at.key.clone(), row.clone()))
            .collect()
    }

    /// See [`Store::last`].
    #[must_use]
    pub fn last(&self, table: Table, prefix: &[u8]) -> Option<(Vec<u8>, Row)> {
        self.scan(table, prefix, None, usize::MAX).pop()
    }

    /// See [`Store::commit`].
    pub fn commit(&mut self, batches: &[Batch]) -> Vec<Commit> {
        batches.iter().map(|batch| self.apply(batch)).collect()
    }

    /// Sets a row to what it is in `found`.
    pub fn set(&mut self, at: RowKey, found: Option<Row>) {
        match found {
            Some(row) => self.rows.insert(at, row),
            None => self.rows.remove(&at),
        };
    }

    /// Applies one batch if everything it expects is so.
    pub fn apply(&mut self, batch: &Batch) -> Commit {
        for Expect { row, version } in &batch.expect {
            let found = self.rows.get(row).map_or(0, |row| row.version);
            if found != *version {
                return Commit::Conflict {
                    row: row.clone(),
                    found,
                };
            }
        }
        for change in &batch.changes {
            match change {
                Change::Put {
                    row,
                    version,
                    value,
                } => {
                    let stored = Row {
                        version: *version,
                        value: Arc::from(value.as_slice()),
                    };
                    self.set(row.clone(), Some(stored));
                }
                Change::Delete { row } => self.set(row.clone(), None),
            }
        }
        Commit::Done
    }
}

/// One thing to do to a store.
#[derive(Debug, Clone)]
enum Step {
    Commit(Vec<Batch>),
    Get(RowKey),
    Scan(Table, Vec<u8>, Option<Vec<u8>>, usize),
    Last(Table, Vec<u8>),
    Scrub,
}

fn as_the_model(factory: Factory<'_>) {
    let config = Config {
        cases: 24,
        failure_persistence: None,
        ..Config::default()
    };
    let steps = proptest::collection::vec(step(), 1..60);
    let outcome = TestRunner::new(config).run(&steps, |steps| {
        let place = factory();
        let store = place.create();
        let mut model = Model::default();
        for step in steps {
            take(&*store, &mut model, step)?;
        }
        same_contents(&*store, &model)?;
        drop(store);
        if let Some(store) = place.reopen() {
            same_contents(&*store, &model)?;
        }
        Ok(())
    });
    if let Err(difference) = outcome {
        panic!("{difference}");
    }
}

fn take(store: &dyn Store, model: &mut Model, step: Step) -> Result<(), TestCaseError> {
    match step {
        Step::Commit(batches) => {
            let expected = model.commit(&batches);
            prop_assert_eq!(store.commit(batches), Ok(expected));
        }
        Step::Get(row) => prop_assert_eq!(store.get(&row), Ok(model.get(&row))),
        Step::Scan(table, prefix, after, limit) => {
            let expected = model.scan(table, &prefix, after.as_deref(), limit);
            prop_assert_eq!(
                store.scan(table, &prefix, after.as_deref(), limit),
                Ok(expected)
            );
        }
        Step::Last(table, prefix) => {
            prop_assert_eq!(store.last(table, &prefix), Ok(model.last(table, &prefix)));
        }
        Step::Scrub => prop_assert_eq!(store.scrub(), Ok(())),
    }
    Ok(())
}

fn same_contents(store: &dyn Store, model: &Model) -> Result<(), TestCaseError> {
    for table in Table::ALL {
        let expected = model.scan(table, b"", None, usize::MAX);
        prop_assert_eq!(store.scan(table, b"", None, usize::MAX), Ok(expected));
    }
    Ok(())
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => proptest::collection::vec(random_batch(), 0..6).prop_map(Step::Commit),
        3 => key().prop_map(Step::Get),
        3 => (table(), prefix(), proptest::option::of(key_bytes()), 0_usize..8)
            .prop_map(|(table, prefix, after, limit)| Step::Scan(table, prefix, after, limit)),
        2 => (table(), prefix()).prop_map(|(table, prefix)| Step::Last(table, prefix)),
        1 => Just(Step::Scrub),
    ]
}

fn random_batch() -> impl Strategy<Value = Batch> {
    // Few rows and few versions, so that expectations hold about as often as they fail.
    let expected = proptest::collection::vec((key(), 0_u64..4), 0..3);
    let changes = proptest::collection::vec(change(), 0..4);
    (expected, changes, any::<bool>()).prop_map(|(expected, changes, urgent)| Batch {
        expect: expected
            .into_iter()
            .map(|(row, version)| expect(row, version))
            .collect(),
        changes,
        urgent,
    })
}

fn change() -> impl Strategy<Value = Change> {
    let value = prop_oneof![
        4 => proptest::collection::vec(any::<u8>(), 0..40),
        1 => (any::<u8>(), 1000_usize..12_000).prop_map(|(byte, length)| vec![byte; length]),
    ];
    prop_oneof![
        3 => (key(), 1_u64..4, value).prop_map(|(row, version, value)| Change::Put { row, version, value }),
        1 => key().prop_map(|row| Change::Delete { row }),
    ]
}

fn table() -> impl Strategy<Value = Table> {
    prop_oneof![
        Just(Table::Object),
        Just(Table::Custody),
        Just(Table::LogBatch)
    ]
}

fn key() -> impl Strategy<Value = RowKey> {
    (table(), key_bytes()).prop_map(|(table, key)| RowKey { table, key })
}

fn key_bytes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(prop_oneof![Just(0_u8), Just(b'a'), Just(0xff)], 0..3)
}

fn prefix() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(prop_oneof![Just(0_u8), Just(b'a'), Just(0xff)], 0..2)
}
