//! The one writer: takes what was decided and done, gives each record its place, makes all of it durable, then answers.
//!
//! As soon as one commit is done the next begins with everything that has queued up: one transaction, one blob of records,
//! one lane head. Nothing is released before.
//!
//! The lane head holds the log's frontier and the set-hash of all live rows, the latter wrapped: an attacker who could watch
//! its differences could choose old rows whose differences cancel out, so only a keyed tag of it is ever shown.
//!
//! A change cannot be submitted without a record: [`Pending`] holds a draft by value, and nothing of this module is reachable
//! from outside the engine.
//!
//! Read next: `round.rs` (how one commit is put together).
mod fair;
mod round;

pub(crate) use round::{LogBatchRow, wrap_set_hash};

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};

use futures_channel::oneshot;
use keyward_core::ErrorCode;
use keyward_core::ids::{NodeId, RealmId};
use keyward_core::time::{Millis, Timestamp};
use keyward_core::tlog::{TileWriter, TreeHead};
use minicbor::{Decode, Encode};
use parking_lot::{Condvar, Mutex, RwLock};

use crate::custody::Custody;
use crate::ports::clock::Clock;
use crate::ports::store::{RowKey, Store, StoreFault};
use crate::reads::{ByMark, Mark, Reads};
use crate::recording::Draft;
use crate::rows::{SealedChange, SetHash};

/// A lane's head as stored.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct LaneRow {
    #[n(0)]
    pub(crate) size: u64,
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(crate) frontier: Vec<u8>,
    /// The set-hash under AES-KWP.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub(crate) set_hash: Vec<u8>,
    /// Service time so far.
    #[n(3)]
    pub(crate) service: Millis,
    /// Wall clock at the last commit.
    #[n(4)]
    pub(crate) wall: Timestamp,
    #[n(5)]
    pub(crate) node: NodeId,
}

/// A realm's place in a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct LaneRealmRow {
    #[n(0)]
    pub(crate) seq: u64,
}

/// What happens in memory when a commit is durable, before anyone is answered.
pub(crate) type AfterCommit = Box<dyn FnOnce() + Send>;

/// A command that is decided and done, waiting to become durable.
pub(crate) struct Pending {
    /// Rows the decision rests on.
    pub(crate) reads: Reads,
    /// The commit count when the decision began to read.
    pub(crate) decided_at: u64,
    pub(crate) changes: Vec<SealedChange>,
    pub(crate) draft: Draft,
    pub(crate) urgent: bool,
    pub(crate) after: Option<AfterCommit>,
    pub(crate) reply: oneshot::Sender<Answered>,
}

impl Pending {
    /// Answers, after what was to happen in memory has happened.
    fn answer(self, answer: Answer) {
        let spent = (self.reads, self.draft);
        let _ = self.reply.send(Answered {
            answer,
            _spent: spent,
        });
    }
}

/// An answer, with what the writer has no more use for: memory goes back to the thread that took it, because one thread
/// that gives back everybody else's stands in their way.
pub(crate) struct Answered {
    pub(crate) answer: Answer,
    _spent: (Reads, Draft),
}

/// What the committer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Durable.
    Committed,
    /// Something it rests on changed in the meantime: decide again.
    Retry,
    /// The change was not stored; a record of the refusal was, if `recorded`.
    Failed { fault: StoreFault, recorded: bool },
}

/// The memory of which rows changed recently, and the gate between filling caches and changing rows.
///
/// Whoever puts a row into a cache holds the lock for reading and checks that the row did not change since it was read;
/// the committer holds it for writing while it marks changes and empties the caches.
#[derive(Default)]
pub(crate) struct Changed {
    young: ByMark<u64>,
    old: ByMark<u64>,
    old_begins: u64,
    young_begins: u64,
    /// The newest commit that changed a row at all.
    newest: u64,
}

/// Rows remembered per generation before the older generation is dropped.
const GENERATION: usize = 65_536;

impl Changed {
    /// Whether no row at all changed after commit `since`: most of the time, and cheaper to ask than about each row.
    pub(crate) const fn nothing_after(&self, since: u64) -> bool {
        since >= self.old_begins && self.newest <= since
    }

    /// Whether the row may have changed after commit `since`.
    pub(crate) fn after(&self, row: &RowKey, since: u64) -> bool {
        !self.nothing_after(since) && self.after_mark(Mark::of(row), since)
    }

    /// As [`Self::after`], by fingerprint.
    pub(crate) fn after_mark(&self, row: Mark, since: u64) -> bool {
        if since < self.old_begins {
            return true;
        }
        let newest = self.young.get(&row).or_else(|| self.old.get(&row));
        newest.is_some_and(|at| *at > since)
    }

    fn mark(&mut self, row: &RowKey, at: u64) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
            self.old_begins = self.young_begins;
            self.young_begins = at;
        }
        self.newest = self.newest.max(at);
        self.young.insert(Mark::of(row), at);
    }
}

/// Told about changed rows while the gate is closed.
pub(crate) trait Invalidate: Send + Sync {
    fn invalidate(&self, row: &RowKey);
}

struct Lane {
    number: u32,
    node: NodeId,
    tiles: TileWriter,
    realms: HashMap<RealmId, (u64, u64)>,
    set_hash: SetHash,
    set_wrapped: Vec<u8>,
    row_version: u64,
}

/// Start values of a lane.
pub(crate) struct LaneStart {
    pub(crate) number: u32,
    pub(crate) node: NodeId,
    pub(crate) tiles: TileWriter,
    pub(crate) set_hash: SetHash,
    pub(crate) set_wrapped: Vec<u8>,
    pub(crate) row_version: u64,
}

/// Most commands waiting for the writer; past it the server answers that it is overloaded.
const QUEUE_MAX: usize = 65_536;
/// Most records in one commit.
const ROUND_MAX: usize = 4_096;

/// The writer.
pub(crate) struct Committer {
    store: Arc<dyn Store>,
    custody: Arc<Custody>,
    clock: Arc<dyn Clock>,
    caches: Arc<dyn Invalidate>,
    queue: Mutex<VecDeque<Pending>>,
    arrived: Condvar,
    lane: Mutex<Lane>,
    committed: AtomicU64,
    pub(crate) changed: RwLock<Changed>,
    stopped: AtomicBool,
    dead: AtomicBool,
    /// Number of the error for which records were last refused, 0 for none.
    trouble: AtomicU16,
    head: Mutex<TreeHead>,
}

impl Committer {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        custody: Arc<Custody>,
        clock: Arc<dyn Clock>,
        caches: Arc<dyn Invalidate>,
        start: LaneStart,
    ) -> Self {
        let head = start.tiles.head(&custody.crypto);
        Self {
            store,
            custody,
            clock,
            caches,
            queue: Mutex::new(VecDeque::new()),
            arrived: Condvar::new(),
            lane: Mutex::new(Lane {
                number: start.number,
                node: start.node,
                tiles: start.tiles,
                realms: HashMap::new(),
                set_hash: start.set_hash,
                set_wrapped: start.set_wrapped,
                row_version: start.row_version,
            }),
            committed: AtomicU64::new(1),
            changed: RwLock::new(Changed::default()),
            stopped: AtomicBool::new(false),
            dead: AtomicBool::new(false),
            trouble: AtomicU16::new(0),
            head: Mutex::new(head),
        }
    }

    /// How many commits there were: what a decision notes before it reads.
    pub(crate) fn position(&self) -> u64 {
        self.committed.load(Ordering::Acquire)
    }

    /// Size and root of the log as of the last commit.
    pub(crate) fn head(&self) -> TreeHead {
        *self.head.lock()
    }

    /// Whether the outcome of a commit became unknown: then nothing may go on in this process.
    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Acquire)
    }

    /// Why records are refused now, if they are: no room, or no writing.
    pub(crate) fn trouble(&self) -> Option<ErrorCode> {
        [ErrorCode::DiskFull, ErrorCode::StorageReadOnly]
            .into_iter()
            .find(|code| code.number() == self.trouble.load(Ordering::Acquire))
    }

    fn note_trouble(&self, fault: &StoreFault) {
        if matches!(fault, StoreFault::Full | StoreFault::ReadOnly) {
            let code = crate::problems::store_problem(fault).code;
            self.trouble.store(code.number(), Ordering::Release);
        }
    }

    /// The set-hash of all live rows, as of the last commit.
    pub(crate) fn set_hash(&self) -> SetHash {
        self.lane.lock().set_hash
    }

    /// Queues; `false` when there is no room.
    pub(crate) fn submit(&self, pending: Pending) -> bool {
        let mut queue = self.queue.lock();
        if queue.len() >= QUEUE_MAX || self.stopped.load(Ordering::Acquire) {
            return false;
        }
        queue.push_back(pending);
        let first = queue.len() == 1;
        drop(queue);
        if first {
            self.arrived.notify_one();
        }
        true
    }

    /// Commits everything that waits, once; how many commands that were.
    pub(crate) fn run_once(&self) -> usize {
        let round: Vec<Pending> = {
            let mut queue = self.queue.lock();
            fair::take(&mut queue, ROUND_MAX, |pending| pending.draft.realm)
        };
        let count = round.len();
        if count > 0 {
            self.commit(round);
        }
        count
    }

    /// The writer thread: until stopped and empty.
    pub(crate) fn run(&self) {
        loop {
            {
                let mut queue = self.queue.lock();
                while queue.is_empty() {
                    if self.stopped.load(Ordering::Acquire) {
                        return;
                    }
                    self.arrived.wait(&mut queue);
                }
            }
            self.run_once();
        }
    }

    /// Takes no more; what waits is still committed.
    pub(crate) fn stop(&self) {
        let queue = self.queue.lock();
        self.stopped.store(true, Ordering::Release);
        drop(queue);
        self.arrived.notify_all();
    }
}
