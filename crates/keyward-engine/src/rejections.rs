//! Attempts that proved no identity, counted per source and minute: a flood of them costs memory and records only within
//! bounds.
use std::collections::BTreeMap;

use keyward_core::command::RejectedAttempts;
use keyward_core::time::Timestamp;
use parking_lot::Mutex;

/// Sources counted apart in one minute; the rest is counted together under the zero address.
const SOURCES_MAX: usize = 1_000;
/// Places in all.
const MOST: usize = SOURCES_MAX + 60;
const MINUTE_MS: u64 = 60_000;

/// The counts that are not recorded yet.
#[derive(Default)]
pub(crate) struct Rejections(Mutex<BTreeMap<(u64, [u8; 16]), u32>>);

const fn minute(at: Timestamp) -> u64 {
    at.0 / MINUTE_MS
}

impl Rejections {
    pub(crate) fn note(&self, source: [u8; 16], at: Timestamp) {
        let mut counts = self.0.lock();
        let known = counts.contains_key(&(minute(at), source));
        let mut place = (minute(at), source);
        if !known && counts.len() >= SOURCES_MAX {
            // While nothing can be recorded (sealed, a full disk) minutes pile up: past the bound they share one place.
            let shared = counts.keys().rev().find(|(_, source)| *source == [0; 16]);
            place = match shared {
                Some(shared) if counts.len() >= MOST => *shared,
                _ => (minute(at), [0; 16]),
            };
        }
        let count = counts.entry(place).or_insert(0);
        *count = count.saturating_add(1);
    }

    /// How many a source made in this minute.
    pub(crate) fn count(&self, source: [u8; 16], at: Timestamp) -> u32 {
        let counts = self.0.lock();
        counts.get(&(minute(at), source)).copied().unwrap_or(0)
    }

    /// Takes what belongs to minutes that are over.
    pub(crate) fn take(&self, now: Timestamp, everything: bool) -> Vec<RejectedAttempts> {
        let mut counts = self.0.lock();
        let first_open = (minute(now), [0; 16]);
        let open = if everything {
            BTreeMap::new()
        } else {
            counts.split_off(&first_open)
        };
        let finished = std::mem::replace(&mut *counts, open);
        finished
            .into_iter()
            .map(|((minute, source), count)| RejectedAttempts {
                source,
                minute,
                count,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_counted_per_source_and_minute_and_taken_when_the_minute_is_over() {
        let rejections = Rejections::default();
        let at = |minute: u64| Timestamp(minute * MINUTE_MS + 5);
        for _ in 0..3 {
            rejections.note([1; 16], at(10));
        }
        rejections.note([2; 16], at(10));
        rejections.note([1; 16], at(11));
        assert_eq!(rejections.take(at(10), false), []);
        let taken = rejections.take(at(11), false);
        assert_eq!(
            taken
                .iter()
                .map(|a| (a.minute, a.source[0], a.count))
                .collect::<Vec<_>>(),
            [(10, 1, 3), (10, 2, 1)]
        );
        assert_eq!(rejections.take(at(11), true).len(), 1);
    }

    #[test]
    fn a_flood_from_many_sources_stays_within_bounds_and_loses_no_count() {
        let rejections = Rejections::default();
        for i in 0..5_000u32 {
            let mut source = [9; 16];
            source[..4].copy_from_slice(&i.to_be_bytes());
            rejections.note(source, Timestamp(0));
        }
        let taken = rejections.take(Timestamp(0), true);
        assert!(taken.len() <= SOURCES_MAX + 1);
        assert_eq!(taken.iter().map(|a| a.count).sum::<u32>(), 5_000);
    }

    #[test]
    fn a_flood_of_days_that_cannot_be_recorded_stays_within_bounds_and_loses_no_count() {
        let rejections = Rejections::default();
        for i in 0..200_000u32 {
            let mut source = [9; 16];
            source[..4].copy_from_slice(&i.to_be_bytes());
            rejections.note(source, Timestamp(u64::from(i) * MINUTE_MS / 20));
        }
        let taken = rejections.take(Timestamp(u64::MAX / 2), true);
        assert!(taken.len() <= MOST, "{}", taken.len());
        assert_eq!(taken.iter().map(|a| a.count).sum::<u32>(), 200_000);
    }
}
