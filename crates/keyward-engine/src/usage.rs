//! The durable count of encryptions per version (DESIGN §5): AES-GCM with random IVs never goes past 2^32.
//!
//! Uses are counted in memory inside a block that is already durable. The use that needs the next block carries the
//! reservation in its own commit, so a crash wastes at most the rest of a block and never forgets a use. Blocks start small
//! and grow while a version stays in memory, so that rarely used keys are not eaten up by being loaded often.
use std::sync::Arc;

use futures_channel::oneshot;
use keyward_core::limits::{GCM_INVOCATIONS_MAX, USAGE_BLOCK};
use parking_lot::Mutex;

/// First block after loading.
const BLOCK_FIRST: u64 = 16;
/// How much a block grows each time.
const BLOCK_GROWTH: u64 = 16;

/// One version's counter.
pub(crate) struct Counter {
    state: Mutex<State>,
}

struct State {
    next: u64,
    durable: u64,
    block: u64,
    reserving: bool,
    waiting: Vec<oneshot::Sender<()>>,
}

impl State {
    fn over(&mut self) {
        self.reserving = false;
        for waiting in self.waiting.drain(..) {
            let _ = waiting.send(());
        }
    }
}

/// A reservation under way: if it is dropped unsettled (the caller went away), those who wait go on.
pub(crate) struct Reservation {
    counter: Arc<Counter>,
    up_to: u64,
    settled: bool,
}

impl Reservation {
    pub(crate) const fn new(counter: Arc<Counter>, up_to: u64) -> Self {
        Self {
            counter,
            up_to,
            settled: false,
        }
    }

    /// Says how it ended.
    pub(crate) fn settle(mut self, durable: bool) {
        self.settled = true;
        if durable {
            self.counter.reserved(self.up_to)
        } else {
            self.counter.not_reserved()
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.settled {
            self.counter.not_reserved();
        }
    }
}

/// What a use got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ticket {
    /// It is inside a durable block.
    Counted,
    /// It must carry this reservation in its commit, and say how that ended.
    Reserve(u64),
    /// Another use is carrying one: try again when that is done.
    Wait,
    /// The limit is reached.
    Exhausted,
}

impl Counter {
    /// Starts after everything that may have been used.
    pub(crate) fn new(reserved: u64) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                next: reserved,
                durable: reserved,
                block: BLOCK_FIRST,
                reserving: false,
                waiting: Vec::new(),
            }),
        })
    }

    /// Takes so many uses, all of them or none.
    pub(crate) fn take(&self, uses: u64) -> Ticket {
        let mut state = self.state.lock();
        let after = state.next.saturating_add(uses);
        if after <= state.durable {
            state.next = after;
            // Reserve ahead of need, so that nobody waits at the end of a block.
            let left = state.durable.saturating_sub(state.next);
            if left.saturating_mul(2) >= state.block
                || state.reserving
                || state.durable >= GCM_INVOCATIONS_MAX
            {
                return Ticket::Counted;
            }
            return Self::reserve(&mut state);
        }
        if state.reserving {
            return Ticket::Wait;
        }
        if after > GCM_INVOCATIONS_MAX {
            return Ticket::Exhausted;
        }
        state.next = after;
        Self::reserve(&mut state)
    }

    fn reserve(state: &mut State) -> Ticket {
        state.reserving = true;
        Ticket::Reserve(
            state
                .durable
                .max(state.next)
                .saturating_add(state.block)
                .min(GCM_INVOCATIONS_MAX),
        )
    }

    /// The reservation is durable.
    pub(crate) fn reserved(&self, up_to: u64) {
        let mut state = self.state.lock();
        state.durable = state.durable.max(up_to);
        state.block = state.block.saturating_mul(BLOCK_GROWTH).min(USAGE_BLOCK);
        state.over();
    }

    /// It was not stored.
    pub(crate) fn not_reserved(&self) {
        self.state.lock().over();
    }

    /// Resolves when the reservation that is under way has ended; at once if there is none.
    pub(crate) async fn wait(&self) {
        let receiver = {
            let mut state = self.state.lock();
            if !state.reserving {
                return;
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting.push(sender);
            receiver
        };
        let _ = receiver.await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes uses as a single caller would; the number taken until exhaustion and the greatest reservation.
    fn drain(counter: &Counter, at_most: u64) -> u64 {
        let mut taken = 0;
        while taken < at_most {
            match counter.take(1) {
                Ticket::Counted => taken += 1,
                Ticket::Reserve(up_to) => {
                    counter.reserved(up_to);
                    taken += 1;
                }
                Ticket::Wait => panic!("nobody else reserves"),
                Ticket::Exhausted => break,
            }
        }
        taken
    }

    #[test]
    fn not_one_use_past_the_limit_is_given() {
        let start = GCM_INVOCATIONS_MAX - 1000;
        assert_eq!(drain(&Counter::new(start), 5000), 1000);
    }

    #[test]
    fn no_use_is_given_beyond_what_is_durable_while_a_reservation_is_under_way() {
        let counter = Counter::new(0);
        assert_eq!(counter.take(1), Ticket::Reserve(17));
        assert_eq!(counter.take(1), Ticket::Wait);
        counter.not_reserved();
        assert_eq!(counter.take(1), Ticket::Reserve(18));
        counter.reserved(18);
        // Inside the durable block again, and the next, larger block is asked for ahead of need.
        assert_eq!(
            counter.take(1),
            Ticket::Reserve(18 + BLOCK_FIRST * BLOCK_GROWTH)
        );
        assert_eq!(counter.take(1), Ticket::Counted);
    }

    #[test]
    fn a_batch_is_counted_whole_and_never_reaches_past_the_limit() {
        let counter = Counter::new(0);
        assert_eq!(counter.take(100), Ticket::Reserve(116));
        counter.reserved(116);
        // 16 are left of the block, too few for another batch: it carries a reservation that covers all of it.
        assert_eq!(
            counter.take(100),
            Ticket::Reserve(200 + BLOCK_FIRST * BLOCK_GROWTH)
        );
        let near = Counter::new(GCM_INVOCATIONS_MAX - 50);
        assert_eq!(near.take(51), Ticket::Exhausted);
        assert_eq!(near.take(50), Ticket::Reserve(GCM_INVOCATIONS_MAX));
        near.reserved(GCM_INVOCATIONS_MAX);
        assert_eq!(near.take(1), Ticket::Exhausted);
    }

    #[test]
    fn after_a_restart_counting_goes_on_behind_the_whole_reserved_block() {
        let counter = Counter::new(0);
        let mut greatest = 0;
        for _ in 0..100 {
            if let Ticket::Reserve(up_to) = counter.take(1) {
                counter.reserved(up_to);
                greatest = up_to;
            }
        }
        assert!(greatest >= 100, "{greatest}");
        assert_eq!(
            Counter::new(greatest).take(1),
            Ticket::Reserve(greatest + 17)
        );
    }

    /// Schedules of several users of one counter with failing and lost reservations, callers that go away, and restarts: not
    /// one use that was answered is outside of what was durable when it was, and none is given twice or past the limit.
    #[test]
    fn no_schedule_gives_a_use_that_is_not_durably_reserved() {
        for seed in 0..2_000_u64 {
            let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            let mut draw = |limit: u64| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state % limit
            };
            // Close enough to the limit that some schedules run into it.
            let mut durable = GCM_INVOCATIONS_MAX - 1 - draw(400);
            let start = durable;
            let mut given = 0_u64;
            let mut counter = Counter::new(durable);
            let mut under_way: Vec<(Reservation, u64)> = Vec::new();
            for _ in 0..200 {
                match draw(12) {
                    0 => {
                        under_way.clear();
                        counter = Counter::new(durable);
                    }
                    1..=3 => {
                        if let Some((reservation, uses)) = under_way.pop() {
                            match draw(4) {
                                // The caller goes away; what it asked for may be stored all the same.
                                0 => {
                                    if draw(2) == 0 {
                                        durable = durable.max(reservation.up_to);
                                    }
                                }
                                1 => reservation.settle(false),
                                _ => {
                                    // As `count_use` does: what is stored already is never lowered.
                                    durable = durable.max(reservation.up_to);
                                    reservation.settle(true);
                                    given += uses;
                                }
                            }
                        }
                    }
                    _ => {
                        let uses = 1 + draw(30);
                        match counter.take(uses) {
                            Ticket::Counted => given += uses,
                            Ticket::Reserve(up_to) => {
                                under_way
                                    .push((Reservation::new(Arc::clone(&counter), up_to), uses));
                            }
                            Ticket::Wait => assert!(!under_way.is_empty(), "waits for nobody"),
                            Ticket::Exhausted => {}
                        }
                    }
                }
                assert!(
                    start + given <= durable,
                    "seed {seed}: more uses than reserved"
                );
                assert!(
                    durable <= GCM_INVOCATIONS_MAX,
                    "seed {seed}: past the limit"
                );
            }
        }
    }

    #[test]
    fn blocks_grow_so_that_a_busy_key_reserves_rarely() {
        let counter = Counter::new(0);
        let mut reservations = 0;
        for _ in 0..1_000_000 {
            if let Ticket::Reserve(up_to) = counter.take(1) {
                reservations += 1;
                counter.reserved(up_to);
            }
        }
        assert!(reservations < 50, "{reservations}");
    }
}
