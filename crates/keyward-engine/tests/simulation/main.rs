//! Deterministic simulation: the real engine, the real module and the real key hierarchy on a simulated disk and clock, under
//! every fault we know of, in schedules that follow from a seed.
//!
//! A schedule is a few lives of one process. In each, several clients have commands in flight at once; the seed decides what
//! is sent, which of them goes on next, when the writer commits, what the disk does (full, read-only, failing reads, writes
//! and syncs, syncs that lie, torn commits), how the clocks move, which requests are sent twice, and when the process dies.
//! After each life the store is checked against itself and against a model that is computed from the records alone:
//! see `verdict.rs` for what must hold.
//!
//! `KEYWARD_SIM_SCHEDULES` sets how many schedules are run, `KEYWARD_SIM_SEED` where they start. A failure prints the seed of
//! its schedule; `KEYWARD_SIM_SCHEDULES=1 KEYWARD_SIM_SEED=<seed>` runs that one again, step by step the same: ids and salts
//! come from the seed too. (Keys and IVs come from the module; nothing depends on their values.)
#![expect(
    clippy::disallowed_methods,
    reason = "a test reads its environment and says how long it took"
)]
mod model;
mod schedule;
mod verdict;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use schedule::Schedule;
use world::{Base, Tally};

/// What the ordinary tests run; the soak tier runs a hundred thousand and more.
const SCHEDULES: u64 = 1_500;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name)
        .ok()
        .map_or(otherwise, |text| text.parse().expect("a number"))
}

#[test]
fn whatever_was_acknowledged_stands_and_nothing_half_done_does_in_every_schedule() {
    let schedules = number("KEYWARD_SIM_SCHEDULES", SCHEDULES);
    let first = number("KEYWARD_SIM_SEED", 1);
    let begun = Instant::now();
    let base = Arc::new(Base::new());
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let (base, next) = (&base, &next);
                scope.spawn(move || {
                    let machine = base.machine();
                    let mut total = Tally::default();
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if index >= schedules {
                            return total;
                        }
                        let seed = first.wrapping_add(index);
                        let mut schedule = Schedule::new(base, &machine, seed);
                        let run = catch_unwind(AssertUnwindSafe(|| schedule.run()));
                        if run.is_err() {
                            for line in schedule.trace() {
                                eprintln!("  {line}");
                            }
                            panic!(
                                "schedule {seed} failed: replay with KEYWARD_SIM_SCHEDULES=1 KEYWARD_SIM_SEED={seed}"
                            );
                        }
                        total.add(schedule.tally());
                    }
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("a schedule failed; its seed is above"))
            .collect()
    });
    let mut total = Tally::default();
    for tally in &tallies {
        total.add(tally);
    }
    println!(
        "{schedules} schedules from seed {first} in {:.1?}: {total:?}",
        begun.elapsed()
    );
    // The schedules must reach what they are there for.
    if schedules >= 1_000 {
        total.reached_everything();
    }
}
