//! Readiness says plainly what stands in the way, and says when it is over.
mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use common::*;
use futures_executor::block_on;
use keyward_core::ErrorCode;
use keyward_core::algorithm::KeySpec;
use keyward_core::command::*;
use keyward_engine::ports::store::{
    Batch, Commit, Row, RowKey, Rows, Store, StoreDescription, StoreFault, Table,
};
use keyward_engine::ports::witness::{Witness, WitnessAnswer, WitnessFault, WitnessRequest};
use keyward_store::MemoryStore;

const WELL: u8 = 0;
const FULL: u8 = 1;
const READ_ONLY: u8 = 2;
const LOST: u8 = 3;

/// A store whose medium has the given fault, except for what is urgent.
struct Medium {
    inner: MemoryStore,
    fault: AtomicU8,
}

impl Store for Medium {
    fn get(&self, row: &RowKey) -> Result<Option<Row>, StoreFault> {
        self.inner.get(row)
    }
    fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Rows, StoreFault> {
        self.inner.scan(table, prefix, after, limit)
    }
    fn last(&self, table: Table, prefix: &[u8]) -> Result<Option<(Vec<u8>, Row)>, StoreFault> {
        self.inner.last(table, prefix)
    }
    fn commit(&self, batches: Vec<Batch>) -> Result<Vec<Commit>, StoreFault> {
        let urgent = batches.iter().all(|batch| batch.urgent);
        match self.fault.load(Ordering::SeqCst) {
            FULL if !urgent => Err(StoreFault::Full),
            READ_ONLY => Err(StoreFault::ReadOnly),
            LOST => Err(StoreFault::Unknown("lost")),
            _ => self.inner.commit(batches),
        }
    }
    fn scrub(&self) -> Result<(), StoreFault> {
        self.inner.scrub()
    }
    fn describe(&self) -> Result<StoreDescription, StoreFault> {
        self.inner.describe()
    }
}

fn on_medium() -> (World, Arc<Medium>) {
    let medium = Arc::new(Medium {
        inner: MemoryStore::new(),
        fault: AtomicU8::new(WELL),
    });
    (world(Arc::clone(&medium) as Arc<dyn Store>, false), medium)
}

#[test]
fn a_full_disk_is_a_reason_until_records_are_taken_again_and_suspending_still_works() {
    let (world, medium) = on_medium();
    let key = world.create(KeySpec::Aes256);
    assert_eq!(world.engine.readiness(), []);
    medium.fault.store(FULL, Ordering::SeqCst);
    assert_eq!(world.encrypt(key, "x"), Err(ErrorCode::DiskFull));
    assert_eq!(world.engine.readiness(), [ErrorCode::DiskFull]);
    let (realm, key_ref) = world.at(key);
    let suspend = SuspendKey {
        realm,
        key: key_ref,
        reason: None,
    };
    run(&world.engine, &world.officer, suspend).unwrap();
    assert_eq!(
        world.engine.readiness(),
        [ErrorCode::DiskFull],
        "the reserve is no room"
    );
    assert!(block_on(world.engine.try_disk()).is_err());
    medium.fault.store(WELL, Ordering::SeqCst);
    assert!(world.engine.is_short_of_room());
    block_on(world.engine.try_disk()).unwrap();
    assert_eq!(world.engine.readiness(), []);
    world.engine.close();
    assert_eq!(world.engine.readiness(), [ErrorCode::Sealed]);
}

#[test]
fn a_medium_that_refuses_writes_a_lost_commit_and_a_clock_in_doubt_are_reasons() {
    let (world, medium) = on_medium();
    let key = world.create(KeySpec::Aes256);
    medium.fault.store(READ_ONLY, Ordering::SeqCst);
    assert_eq!(world.encrypt(key, "x"), Err(ErrorCode::StorageReadOnly));
    assert_eq!(world.engine.readiness(), [ErrorCode::StorageReadOnly]);
    medium.fault.store(WELL, Ordering::SeqCst);
    world.encrypt(key, "x").unwrap();
    assert_eq!(world.engine.readiness(), []);
    world.clock.wall.fetch_add(61_000, Ordering::SeqCst);
    assert_eq!(world.engine.readiness(), [ErrorCode::ClockUntrusted]);
    world.clock.service.fetch_add(61_000, Ordering::SeqCst);
    assert_eq!(world.engine.readiness(), []);
    medium.fault.store(LOST, Ordering::SeqCst);
    assert_eq!(world.encrypt(key, "x"), Err(ErrorCode::OutcomeUnknown));
    assert_eq!(world.engine.readiness(), [ErrorCode::OutcomeUnknown]);
}

/// A witness that answers what it was told to.
struct Told {
    key: String,
    answer: WitnessAnswer,
}

impl Witness for Told {
    fn verifier_key(&self) -> &str {
        &self.key
    }
    fn add_checkpoint(&self, _: &WitnessRequest) -> Result<WitnessAnswer, WitnessFault> {
        Ok(self.answer.clone())
    }
    fn offer_keys(&self, _: &str) -> Result<(), WitnessFault> {
        Err(WitnessFault::Unavailable("no such call"))
    }
}

/// A right key that nobody has: that of C2SP's example witness, as cosigning key.
fn stranger(world: &World) -> String {
    let secret = secret(PASSPHRASE);
    let seal = keyward_engine::PassphraseSeal { iterations: 1_000 };
    let made = keyward_engine::cosigner::Cosigner::create(
        Arc::clone(&world.module),
        &seal,
        &secret,
        "witness.example/told",
    )
    .unwrap();
    made.cosigner.verifier_key().to_string()
}

#[test]
fn what_a_witness_answers_becomes_a_reason_only_if_it_is_evidence_or_witnesses_are_needed() {
    let (world, _) = on_medium();
    let key = stranger(&world);
    for (answer, needed, reasons) in [
        (
            WitnessAnswer::Inconsistent,
            0,
            vec![ErrorCode::AuditInconsistent],
        ),
        (
            WitnessAnswer::Conflict { size: 1_000_000 },
            0,
            vec![ErrorCode::AuditInconsistent],
        ),
        (WitnessAnswer::Refused, 0, vec![]),
        (
            WitnessAnswer::Refused,
            1,
            vec![ErrorCode::WitnessUnavailable],
        ),
        (WitnessAnswer::Cosigned("nonsense".to_owned()), 0, vec![]),
        (
            WitnessAnswer::Cosigned("nonsense".to_owned()),
            1,
            vec![ErrorCode::WitnessUnavailable],
        ),
        (
            WitnessAnswer::Inconsistent,
            1,
            vec![ErrorCode::AuditInconsistent, ErrorCode::WitnessUnavailable],
        ),
    ] {
        let told = Arc::new(Told {
            key: key.clone(),
            answer: answer.clone(),
        });
        world
            .engine
            .set_witnesses(vec![told as Arc<dyn Witness>], needed)
            .unwrap();
        let new = world.engine.witness_round().unwrap();
        assert_eq!(new.len(), 1, "{answer:?}");
        assert_eq!(world.engine.readiness(), reasons, "{answer:?} {needed}");
        assert_eq!(
            world.engine.witness_round().unwrap(),
            [],
            "said once: {answer:?}"
        );
    }
    let told = || -> Arc<dyn Witness> {
        Arc::new(Told {
            key: key.clone(),
            answer: WitnessAnswer::Refused,
        })
    };
    for (witnesses, needed) in [(vec![told(), told()], 0), (vec![told()], 2), (vec![], 1)] {
        let refused = world.engine.set_witnesses(witnesses, needed);
        assert_eq!(refused.unwrap_err().code, ErrorCode::ConfigurationInvalid);
    }
    world.engine.close();
}
