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
    next_commit_fails: Option<StoreFault>,
    next_commit_tears: bool,
    /// Changes of the torn commit that are on the disk, and how many it had.
    torn: Option<(usize, usize)>,
    failing_reads: u32,
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
            next_commit_fails: None,
            next_commit_tears: false,
            torn: None,
            failing_reads: 0,
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
        disk.next_commit_fails = None;
        disk.next_commit_tears = false;
        disk.failing_reads = 0;
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

    /// The next commit fails so before anything of it is applied.
    pub fn fail_next_commit(&self, fault: StoreFault) {
        self.disk.lock().next_commit_fails = Some(fault);
    }

    /// Of the next commit only a random beginning of its changes reaches the disk, and the process loses its handle: what no
    /// honest database does, and what a disk that lies about ordering can do to one.
    pub fn tear_next_commit(&self) {
        self.disk.lock().next_commit_tears = true;
    }

    /// Whether a commit was torn: how many of its changes are there, of how many.
    #[must_use]
    pub fn torn(&self) -> Option<(usize, usize)> {
        self.disk.lock().torn
    }

    /// The next reads, so many, fail.
    pub fn fail_next_reads(&self, count: u32) {
        self.disk.lock().failing_reads = count;
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

    fn reading(&self) -> Result<MutexGuard<'_, Disk>, StoreFault> {
        let mut disk = self.disk()?;
        if disk.failing_reads > 0 {
            disk.failing_reads = disk.failing_reads.saturating_sub(1);
            return Err(StoreFault::Unavailable("the disk does not read"));
        }
        Ok(disk)
    }
}

/// Applies a random beginning of the batches' changes. An empty beginning and a whole commit are possible too.
fn tear(disk: &mut Disk, batches: &[Batch]) {
    let all: Vec<Change> = batches
        .iter()
        .flat_map(|batch| batch.changes.clone())
        .collect();
    let total = all.len();
    let limit = u64::try_from(total).unwrap_or(u64::MAX).saturating_add(1);
    let kept = usize::try_from(disk.random.below(limit)).unwrap_or(0);
    let part = Batch {
        changes: all.into_iter().take(kept).collect(),
        ..Batch::default()
    };
    let _ = disk.rows.apply(&part);
    disk.torn = Some((kept, total));
    disk.process = disk.process.saturating_add(1);
}

impl Store for SimStore {
    fn get(&self, row: &RowKey) -> Result<Option<Row>, StoreFault> {
        Ok(self.reading()?.rows.get(row))
    }

    fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Rows, StoreFault> {
        Ok(self.reading()?.rows.scan(table, prefix, after, limit))
    }

    fn last(&self, table: Table, prefix: &[u8]) -> Result<Option<(Vec<u8>, Row)>, StoreFault> {
        Ok(self.reading()?.rows.last(table, prefix))
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
        if let Some(fault) = disk.next_commit_fails.take() {
            return Err(fault);
        }
        if std::mem::take(&mut disk.next_commit_tears) {
            tear(&mut disk, &batches);
            return Err(StoreFault::Unknown("the power failed within a commit"));
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
