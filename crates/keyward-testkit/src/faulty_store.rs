//! Stores that fail on purpose, and always the same way for the same seed.
//!
//! - [`FaultyStore`] wraps any store and fails before persisting, after persisting, in between, and lies when reading.
//! - [`SimDisk`] is a disk in memory that a simulated machine can crash on, with and without syncs that mean it.
//!
//! Both stop after [`StoreFault::Unknown`] as a real adapter does: whoever goes on without restarting finds out.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use keyward_engine::ports::store::{
    Batch, Change, Commit, Row, RowKey, Rows, Store, StoreDescription, StoreFault, Table,
};
use parking_lot::Mutex;

mod plan;
mod sim_disk;
#[cfg(test)]
mod tests;

pub use self::plan::{Faults, Rates, Script, Seeded, SplitMix};
pub use self::sim_disk::{Medium, SimDisk, SimStore};

/// How a commit fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitFault {
    /// Nothing is applied and this is answered. [`StoreFault::Full`] spares calls whose batches are all urgent.
    Before(StoreFault),
    /// Everything is applied, and the outcome is reported as unknown.
    After,
    /// Only the first batches, this many, are applied, and the outcome is reported as unknown.
    Torn(usize),
}

/// How a read fails or lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadFault {
    /// This is answered.
    Refuse(StoreFault),
    /// Each row is answered as it was before it was last changed through this store (absent if it was not there).
    Replay,
    /// One byte of each value is changed: the one at this position (modulo the length) is XORed with the mask.
    Flip {
        /// Position.
        byte: usize,
        /// Which bits.
        mask: u8,
    },
    /// Rows are answered as absent.
    Missing,
}

/// A fault that was injected, for the trace of a failing run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Injected {
    /// At the commit of this number (the first is 0).
    Commit(u64, CommitFault),
    /// At the read of this number.
    Read(u64, ReadFault),
    /// Before any call.
    Delay(Duration),
}

/// A [`Store`] around another that fails by plan.
pub struct FaultyStore<S> {
    inner: S,
    state: Mutex<State>,
    wait: Box<dyn Fn(Duration) + Send + Sync>,
}

struct State {
    plan: Box<dyn Faults>,
    commits: u64,
    reads: u64,
    stopped: bool,
    /// Each changed row as it was before its last change.
    previous: BTreeMap<RowKey, Option<Row>>,
    injected: Vec<Injected>,
}

impl<S: Store> FaultyStore<S> {
    /// Around `inner`, failing as `plan` says. A delay really sleeps.
    pub fn new(inner: S, plan: impl Faults + 'static) -> Self {
        Self::with_wait(inner, plan, std::thread::sleep)
    }

    /// As [`Self::new`], for simulated time: `wait` is called instead of sleeping.
    pub fn with_wait(
        inner: S,
        plan: impl Faults + 'static,
        wait: impl Fn(Duration) + Send + Sync + 'static,
    ) -> Self {
        let state = State {
            plan: Box::new(plan),
            commits: 0,
            reads: 0,
            stopped: false,
            previous: BTreeMap::new(),
            injected: Vec::new(),
        };
        Self {
            inner,
            state: Mutex::new(state),
            wait: Box::new(wait),
        }
    }

    /// The store inside, which tells the truth.
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    /// What a restart of the process does: the store answers again after an unknown outcome. Plan and counts go on.
    pub fn restart(&self) {
        self.state.lock().stopped = false;
    }

    /// Every fault so far.
    pub fn injected(&self) -> Vec<Injected> {
        self.state.lock().injected.clone()
    }

    /// Changes one byte of a stored value for good, behind the engine's back. False if there is no such byte.
    ///
    /// # Errors
    /// Whatever the store inside says.
    pub fn flip_stored(&self, row: &RowKey, byte: usize, mask: u8) -> Result<bool, StoreFault> {
        let Some(found) = self.inner.get(row)? else {
            return Ok(false);
        };
        let mut value = found.value.to_vec();
        let Some(target) = value.get_mut(byte) else {
            return Ok(false);
        };
        *target ^= mask;
        self.overwrite(
            row,
            Some(Row {
                version: found.version,
                value: Arc::from(value),
            }),
        )?;
        Ok(true)
    }

    /// Puts a row back to what it was before its last change, for good, behind the engine's back. False if it
    /// was never changed through this store.
    ///
    /// # Errors
    /// Whatever the store inside says.
    pub fn replay_stored(&self, row: &RowKey) -> Result<bool, StoreFault> {
        let Some(previous) = self.state.lock().previous.get(row).cloned() else {
            return Ok(false);
        };
        self.overwrite(row, previous)?;
        Ok(true)
    }

    fn overwrite(&self, row: &RowKey, content: Option<Row>) -> Result<(), StoreFault> {
        let row = row.clone();
        let change = match content {
            Some(Row { version, value }) => Change::Put {
                row,
                version,
                value: value.to_vec(),
            },
            None => Change::Delete { row },
        };
        self.inner
            .commit(vec![Batch {
                changes: vec![change],
                ..Batch::default()
            }])
            .map(|_| ())
    }

    /// Counts a read and says how it fails.
    fn reading(&self) -> Result<Option<ReadFault>, StoreFault> {
        let (delay, fault) = {
            let mut state = self.state.lock();
            state.refuse_if_stopped()?;
            let number = state.reads;
            state.reads = number.saturating_add(1);
            let fault = state.plan.read(number);
            if let Some(fault) = &fault {
                state.injected.push(Injected::Read(number, fault.clone()));
            }
            (state.delay(), fault)
        };
        self.pause(delay);
        match fault {
            Some(ReadFault::Refuse(fault)) => Err(fault),
            other => Ok(other),
        }
    }

    fn pause(&self, delay: Option<Duration>) {
        if let Some(delay) = delay {
            (self.wait)(delay);
        }
    }

    fn distort(&self, fault: &ReadFault, at: RowKey, found: Option<Row>) -> Option<Row> {
        match fault {
            ReadFault::Refuse(_) => found,
            ReadFault::Missing => None,
            ReadFault::Replay => match self.state.lock().previous.get(&at) {
                Some(previous) => previous.clone(),
                None => found,
            },
            ReadFault::Flip { byte, mask } => found.map(|row| flipped(row, *byte, *mask)),
        }
    }

    fn distort_rows(&self, fault: Option<&ReadFault>, table: Table, rows: Rows) -> Rows {
        let Some(fault) = fault else { return rows };
        let distorted = rows.into_iter().filter_map(|(key, row)| {
            let row = self.distort(
                fault,
                RowKey {
                    table,
                    key: key.clone(),
                },
                Some(row),
            )?;
            Some((key, row))
        });
        distorted.collect()
    }
}

impl State {
    fn refuse_if_stopped(&self) -> Result<(), StoreFault> {
        if self.stopped {
            return Err(StoreFault::Unavailable(
                "an earlier commit's outcome is unknown: restart",
            ));
        }
        Ok(())
    }

    fn delay(&mut self) -> Option<Duration> {
        let delay = self.plan.delay()?;
        self.injected.push(Injected::Delay(delay));
        Some(delay)
    }

    /// Commits to the store inside and remembers what was there before.
    fn pass_on(
        &mut self,
        inner: &impl Store,
        batches: Vec<Batch>,
    ) -> Result<Vec<Commit>, StoreFault> {
        let mut before = BTreeMap::new();
        let changed: Vec<Vec<RowKey>> = batches.iter().map(changed_rows).collect();
        for row in changed.iter().flatten() {
            before.insert(row.clone(), inner.get(row)?);
        }
        let answers = inner.commit(batches)?;
        for (rows, answer) in changed.into_iter().zip(&answers) {
            if *answer == Commit::Done {
                let known = rows.into_iter().filter_map(|row| before.remove_entry(&row));
                self.previous.extend(known);
            }
        }
        Ok(answers)
    }
}

impl<S: Store> Store for FaultyStore<S> {
    fn get(&self, row: &RowKey) -> Result<Option<Row>, StoreFault> {
        let fault = self.reading()?;
        let found = self.inner.get(row)?;
        Ok(match fault {
            Some(fault) => self.distort(&fault, row.clone(), found),
            None => found,
        })
    }

    fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Rows, StoreFault> {
        let fault = self.reading()?;
        let rows = self.inner.scan(table, prefix, after, limit)?;
        Ok(self.distort_rows(fault.as_ref(), table, rows))
    }

    fn last(&self, table: Table, prefix: &[u8]) -> Result<Option<(Vec<u8>, Row)>, StoreFault> {
        let fault = self.reading()?;
        let rows = self.inner.last(table, prefix)?.into_iter().collect();
        Ok(self.distort_rows(fault.as_ref(), table, rows).pop())
    }

    fn commit(&self, mut batches: Vec<Batch>) -> Result<Vec<Commit>, StoreFault> {
        let mut state = self.state.lock();
        state.refuse_if_stopped()?;
        let delay = state.delay();
        self.pause(delay);
        let number = state.commits;
        state.commits = number.saturating_add(1);
        let spared = |fault: &CommitFault| {
            *fault == CommitFault::Before(StoreFault::Full) && all_urgent(&batches)
        };
        let Some(fault) = state
            .plan
            .commit(number, &batches)
            .filter(|fault| !spared(fault))
        else {
            return state.pass_on(&self.inner, batches);
        };
        state.injected.push(Injected::Commit(number, fault.clone()));
        match fault {
            CommitFault::Before(fault) => return Err(fault),
            CommitFault::After => {}
            CommitFault::Torn(count) => batches.truncate(count),
        }
        state.stopped = true;
        state.pass_on(&self.inner, batches)?;
        Err(StoreFault::Unknown("the answer to a commit was lost"))
    }

    fn scrub(&self) -> Result<(), StoreFault> {
        self.state.lock().refuse_if_stopped()?;
        self.inner.scrub()
    }

    fn describe(&self) -> Result<StoreDescription, StoreFault> {
        self.state.lock().refuse_if_stopped()?;
        self.inner.describe()
    }
}

/// Whether a call may use the reserve of a full disk.
fn all_urgent(batches: &[Batch]) -> bool {
    batches.iter().all(|batch| batch.urgent)
}

fn changed_rows(batch: &Batch) -> Vec<RowKey> {
    let row = |change: &Change| match change {
        Change::Put { row, .. } | Change::Delete { row } => row.clone(),
    };
    batch.changes.iter().map(row).collect()
}

fn flipped(row: Row, byte: usize, mask: u8) -> Row {
    let mut value = row.value.to_vec();
    let length = value.len().max(1);
    if let Some(target) = value.get_mut(byte % length) {
        *target ^= mask;
    }
    Row {
        version: row.version,
        value: Arc::from(value),
    }
}
