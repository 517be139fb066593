//! A disk in memory that outlives simulated processes and crashes.
//!
//! A process opens it ([`SimDisk::open`]) and loses its handle at [`SimDisk::crash`]; the next one finds what the
//! promise allows: everything that was answered for, and of a commit in flight all or nothing. With
//! [`SimDisk::lose_fsyncs`] the disk breaks that promise as disks do: it answers at once and persists later, in order,
//! so that a crash takes away the latest commits.
use std::sync::Arc;

use keyward_engine::ports::store::{
    Batch, Change, Commit, Row, RowKey, Rows, Store, StoreDescription, StoreFault, Table,
};
use parking_lot::{Mutex, MutexGuard};

use super::{SplitMix, all_urgent};
use crate::store_conformance::Model;

/// What the disk does with writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Medium {
    /// Takes them.
    #[default]
    Healthy,
    /// Full but for the reserve: takes a commit only if all its batches are urgent.
    ReserveOnly,
    /// Full.
    Full,
    /// Refuses them.
    ReadOnly,
}

/// What a commit changed: each row as it was before, oldest change first.
type Undo = Vec<(RowKey, Option<Row>)>;

#[derive(Debug)]
struct Disk {
    rows: Model,
    /// Commits that a crash may take away, oldest first.
    limbo: Vec<Undo>,
    medium: Medium,
    loses_fsyncs: bool,
    next_sync_fails: bool,
    /// The process that may use it; handles of earlier ones are dead.
    process: u64,
    random: SplitMix,
}

/// A disk; clones are the same disk.
#[derive(Debug, Clone)]
pub struct SimDisk {
    disk: Arc<Mutex<Disk>>,
}

impl SimDisk {
    /// An empty, honest, healthy disk whose choices at crashes follow from the seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let disk = Disk {
            rows: Model::default(),
            limbo: Vec::new(),
            medium: Medium::Healthy,
            loses_fsyncs: false,
            next_sync_fails: false,
            process: 0,
            random: SplitMix::new(seed),
        };
        Self {
            disk: Arc::new(Mutex::new(disk)),
        }
    }

    /// Opens it for a new process. Whoever had it open before has lost it.
    #[must_use]
    pub fn open(&self) -> SimStore {
        let mut disk = self.disk.lock();
        disk.process = disk.process.saturating_add(1);
        SimStore {
            disk: Arc::clone(&self.disk),
            process: disk.process,
        }
    }

    /// The power fails: the process loses its handle, and of what is not yet persisted a random end is lost.
    /// Answers how many commits were lost.
    pub fn crash(&self) -> usize {
        let mut disk = self.disk.lock();
        disk.process = disk.process.saturating_add(1);
        disk.next_sync_fails = false;
        let limbo = u64::try_from(disk.limbo.len()).unwrap_or(u64::MAX);
        let lost = usize::try_from(disk.random.below(limbo.saturating_add(1))).unwrap_or(0);
        for _ in 0..lost {
            let undo = disk.limbo.pop().unwrap_or_default();
            for (row, before) in undo.into_iter().rev() {
                disk.rows.set(row, before);
            }
        }
        disk.limbo.clear();
        lost
    }

    /// From now on commits are answered before they are persisted (or no longer).
    pub fn lose_fsyncs(&self, lose: bool) {
        self.disk.lock().loses_fsyncs = lose;
    }

    /// Everything answered for is persisted at last.
    pub fn persist(&self) {
        self.disk.lock().limbo.clear();
    }

    /// The next commit's sync fails: its outcome is unknown, and only a crash decides it.
    pub fn fail_next_sync(&self) {
        self.disk.lock().next_sync_fails = true;
    }

    /// From now on it treats writes so.
    pub fn set_medium(&self, medium: Medium) {
        self.disk.lock().medium = medium;
    }

    /// What is on it: for asserting, and as the backup that [`SimDisk::restore`] brings back.
    #[must_use]
    pub fn contents(&self) -> Model {
        self.disk.lock().rows.clone()
    }

    /// Replaces what is on it, as restoring an old copy does. The process loses its handle.
    pub fn restore(&self, contents: Model) {
        let mut disk = self.disk.lock();
        disk.process = disk.process.saturating_add(1);
        disk.limbo.clear();
        disk.rows = contents;
    }

    /// Changes one row behind the engine's back.
    pub fn tamper(&self, row: &RowKey, change: impl FnOnce(Option<Row>) -> Option<Row>) {
        let mut disk = self.disk.lock();
        let changed = change(disk.rows.get(row));
        disk.rows.set(row.clone(), changed);
    }
}

/// The store one process has on a [`SimDisk`].
#[derive(Debug)]
pub struct SimStore {
    disk: Arc<Mutex<Disk>>,
    process: u64,
}

impl SimStore {
    fn disk(&self) -> Result<MutexGuard<'_, Disk>, StoreFault> {
        let disk = self.disk.lock();
        if disk.process != self.process {
            return Err(StoreFault::Unavailable(
                "this process has crashed or stopped",
            ));
        }
        Ok(disk)
    }
}

impl Store for SimStore {
    fn get(&self, row: &RowKey) -> Result<Option<Row>, StoreFault> {
        Ok(self.disk()?.rows.get(row))
    }

    fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Rows, StoreFault> {
        Ok(self.disk()?.rows.scan(table, prefix, after, limit))
    }

    fn last(&self, table: Table, prefix: &[u8]) -> Result<Option<(Vec<u8>, Row)>, StoreFault> {
        Ok(self.disk()?.rows.last(table, prefix))
    }

    fn commit(&self, batches: Vec<Batch>) -> Result<Vec<Commit>, StoreFault> {
        let mut disk = self.disk()?;
        let puts_zero = |batch: &Batch| {
            batch
                .changes
                .iter()
                .any(|c| matches!(c, Change::Put { version: 0, .. }))
        };
        if batches.iter().any(puts_zero) {
            return Err(StoreFault::Unavailable(
                "a row cannot be put with version 0, which means absent",
            ));
        }
        match disk.medium {
            Medium::Healthy => {}
            Medium::ReserveOnly if all_urgent(&batches) => {}
            Medium::ReserveOnly | Medium::Full => return Err(StoreFault::Full),
            Medium::ReadOnly => return Err(StoreFault::ReadOnly),
        }
        let mut undo = Undo::new();
        let mut answers = Vec::with_capacity(batches.len());
        for batch in &batches {
            let before: Undo = super::changed_rows(batch)
                .into_iter()
                .map(|row| (row.clone(), disk.rows.get(&row)))
                .collect();
            let answer = disk.rows.apply(batch);
            if answer == Commit::Done {
                // A row named twice has the same "before" twice, which is right: it was taken before the batch.
                undo.extend(before);
            }
            answers.push(answer);
        }
        if disk.next_sync_fails {
            disk.next_sync_fails = false;
            disk.limbo.push(undo);
            disk.process = disk.process.saturating_add(1);
            return Err(StoreFault::Unknown("the sync failed"));
        }
        if disk.loses_fsyncs {
            disk.limbo.push(undo);
            if disk.random.below(8) == 0 {
                disk.limbo.clear();
            }
        }
        Ok(answers)
    }

    fn scrub(&self) -> Result<(), StoreFault> {
        self.disk().map(|_| ())
    }

    fn describe(&self) -> Result<StoreDescription, StoreFault> {
        let disk = self.disk()?;
        let size = |(at, row): (&RowKey, &Row)| at.key.len().saturating_add(row.value.len());
        let used = disk
            .rows
            .rows()
            .iter()
            .map(size)
            .fold(0_usize, usize::saturating_add);
        let full = disk.medium != Medium::Healthy;
        Ok(StoreDescription {
            name: "simulated disk".to_owned(),
            used_bytes: u64::try_from(used).unwrap_or(u64::MAX),
            free_bytes: Some(if full { 0 } else { 1 << 40 }),
            durable: true,
        })
    }
}
