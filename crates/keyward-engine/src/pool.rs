//! A few threads for work in the module that takes long (RSA, long messages, large batches), so that it never keeps the
//! threads that serve everybody else.
//!
//! A command that needs such work stops with [`crate::engine::Stop::Compute`], is decided again when the result is there,
//! and uses the result only if it is still about the same version. The queue is bounded: when it is full, the command is
//! refused with `overloaded`.
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use futures_channel::oneshot;
use keyward_core::algorithm::{Indicator, KeySpec};
use keyward_core::ids::ObjectId;
use keyward_core::{ErrorCode, Problem};
use parking_lot::{Condvar, Mutex};

use crate::crypto::Held;
use crate::ports::module::{Done, ModuleFault};

/// Tasks that wait at most: at a few milliseconds each, the last one still answers within seconds.
const WAITING_MAX: usize = 1_024;
/// Bytes that waiting tasks hold at most: each has a copy of its messages.
const WAITING_MAX_BYTES: usize = 128 << 20;

/// What a result is about: a decision made meanwhile may want another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stamp {
    /// Work with the newest version of an object, by its number.
    Version(ObjectId, u32),
    /// A new key of this kind.
    Generate(KeySpec),
    /// What depends on nothing but the command.
    Command,
}

/// What one version check of a signature or code came to.
pub(crate) struct Verdict {
    /// The version that made it; none if no candidate did.
    pub(crate) version: Option<u32>,
    /// The module's word.
    pub(crate) indicator: Indicator,
}

/// A result.
pub(crate) enum Computed {
    /// One for each item.
    Each(Vec<Result<Done, ModuleFault>>),
    /// One for each item.
    Verdicts(Vec<Result<Verdict, ModuleFault>>),
    /// A key.
    Key(Result<(Held, Indicator), ModuleFault>),
}

/// Work and what it is about.
pub(crate) struct Task {
    pub(crate) stamp: Stamp,
    /// What it holds while it waits.
    pub(crate) bytes: usize,
    pub(crate) run: Box<dyn FnOnce() -> Computed + Send>,
}

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Queue {
    jobs: VecDeque<(usize, Job)>,
    bytes: usize,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    ready: Condvar,
}

/// The threads. They end when the pool is dropped, after the task each has in hand.
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

impl Pool {
    /// As many threads as the machine runs at once; none could be started: none, and everybody works for himself.
    pub(crate) fn start() -> Option<Self> {
        let shared = Arc::new(Shared::default());
        let wanted = thread::available_parallelism().map_or(1, usize::from);
        let started = (0..wanted).filter(|number| {
            let shared = Arc::clone(&shared);
            thread::Builder::new()
                .name(format!("keyward-compute-{number}"))
                .spawn(move || shared.serve())
                .is_ok()
        });
        (started.count() > 0).then_some(Self { shared })
    }

    /// Runs a task on one of the threads.
    ///
    /// # Errors
    /// `overloaded` when too many wait; `module_fault` when the task did not end in good order.
    pub(crate) async fn run(&self, task: Task) -> Result<(Stamp, Computed), Problem> {
        let (reply, answer) = oneshot::channel();
        let Task { stamp, bytes, run } = task;
        let job = Box::new(move || {
            // Nobody waits any more when the caller went away: then the result is dropped, and a new key wiped.
            let _ = reply.send(run());
        });
        let accepted = self.shared.submit(bytes, job);
        if !accepted {
            return Err(Problem::new(ErrorCode::Overloaded));
        }
        let computed = answer
            .await
            .map_err(|_| Problem::new(ErrorCode::ModuleFault))?;
        Ok((stamp, computed))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let mut queue = self.shared.queue.lock();
        queue.closed = true;
        queue.jobs.clear();
        drop(queue);
        self.shared.ready.notify_all();
    }
}

impl Shared {
    fn submit(&self, bytes: usize, job: Job) -> bool {
        let mut queue = self.queue.lock();
        let held = queue.bytes.saturating_add(bytes);
        if queue.closed || queue.jobs.len() >= WAITING_MAX || held > WAITING_MAX_BYTES {
            return false;
        }
        queue.bytes = held;
        queue.jobs.push_back((bytes, job));
        drop(queue);
        self.ready.notify_one();
        true
    }

    fn serve(&self) {
        loop {
            let job = {
                let mut queue = self.queue.lock();
                loop {
                    if let Some((bytes, job)) = queue.jobs.pop_front() {
                        queue.bytes = queue.bytes.saturating_sub(bytes);
                        break job;
                    }
                    if queue.closed {
                        return;
                    }
                    self.ready.wait(&mut queue);
                }
            };
            // A panic must not take the thread with it; whoever waits learns it from the reply that never came.
            let _ = catch_unwind(AssertUnwindSafe(job));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_executor::block_on;

    fn task(run: impl FnOnce() -> Computed + Send + 'static) -> Task {
        Task {
            stamp: Stamp::Generate(KeySpec::Rsa2048),
            bytes: 0,
            run: Box::new(run),
        }
    }

    #[test]
    fn a_task_that_panics_fails_alone_and_the_pool_goes_on() {
        let pool = Pool::start().unwrap();
        for _ in 0..64 {
            let failed = block_on(pool.run(task(|| panic!("in the module"))));
            assert_eq!(failed.err().unwrap().code, ErrorCode::ModuleFault);
        }
        let done = block_on(pool.run(task(|| Computed::Each(Vec::new()))));
        assert!(matches!(done, Ok((_, Computed::Each(_)))));
    }

    #[test]
    fn a_full_queue_refuses_and_nothing_waits_for_ever() {
        let pool = Pool::start().unwrap();
        let gate = Arc::new((Mutex::new(false), Condvar::new()));
        let blocked = |gate: &Arc<(Mutex<bool>, Condvar)>| -> Job {
            let gate = Arc::clone(gate);
            Box::new(move || {
                let mut open = gate.0.lock();
                while !*open {
                    gate.1.wait(&mut open);
                }
            })
        };
        let mut accepted = 0;
        while pool.shared.submit(0, blocked(&gate)) {
            accepted += 1;
        }
        assert!(accepted >= WAITING_MAX, "{accepted}");
        assert!(!pool.shared.submit(WAITING_MAX_BYTES + 1, Box::new(|| ())));
        let refused = block_on(pool.run(task(|| Computed::Each(Vec::new()))));
        assert_eq!(refused.err().unwrap().code, ErrorCode::Overloaded);
        *gate.0.lock() = true;
        gate.1.notify_all();
        // There is room again as soon as one is done.
        while !pool.shared.submit(0, Box::new(|| ())) {
            thread::yield_now();
        }
    }
}
