//! What one realm may ask of the server, so that a noisy one does not slow another (DESIGN §4).
//!
//! Commands that a quota turns away are counted and recorded together, once a minute and realm: recorded one by one, a flood
//! would pass its quota in the log. What stops harm (suspend, revoke, compromise) is never turned away.
//!
//! Bytes of records are counted since the start of this process, for the current day in UTC.
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use keyward_core::ids::RealmId;
use keyward_core::object::Quotas;
use keyward_core::time::{Millis, Now};
use keyward_core::{ErrorCode, Problem};
use parking_lot::{Mutex, RwLock};

/// From this rate on nothing is counted: it is more than one server does.
const RATE_UNLIMITED: u32 = 1_000_000;
const SECOND: u64 = 1_000;

/// What one realm uses now.
#[derive(Default)]
pub(crate) struct Meter {
    in_flight: AtomicU32,
    turned_away: AtomicU32,
    bucket: Mutex<Bucket>,
    recorded: Mutex<Recorded>,
}

/// Commands that may still come at once, in thousandths.
#[derive(Default)]
struct Bucket {
    thousandths: u64,
    filled_at: Option<Millis>,
}

#[derive(Default)]
struct Recorded {
    day: u64,
    bytes: u64,
}

impl Bucket {
    /// Takes one command if there is one: as many as one second allows may come at once.
    fn take(&mut self, rate: u32, now: Millis) -> bool {
        let most = u64::from(rate).saturating_mul(SECOND).max(SECOND);
        let since = match self.filled_at {
            None => SECOND,
            Some(at) => now.0.saturating_sub(at.0),
        };
        self.filled_at = Some(now);
        self.thousandths = since
            .saturating_mul(u64::from(rate))
            .saturating_add(self.thousandths)
            .min(most);
        match self.thousandths.checked_sub(SECOND) {
            Some(rest) => {
                self.thousandths = rest;
                true
            }
            None => false,
        }
    }
}

const fn day(now: Now) -> u64 {
    now.wall.0 / Millis::DAY.0
}

/// A command under way; it is over when this is dropped.
pub(crate) struct InFlight(Arc<Meter>);

impl InFlight {
    /// Counts the record that the command leaves.
    pub(crate) fn recorded(&self, bytes: u64, now: Now) {
        let mut recorded = self.0.recorded.lock();
        if recorded.day != day(now) {
            *recorded = Recorded {
                day: day(now),
                bytes: 0,
            };
        }
        recorded.bytes = recorded.bytes.saturating_add(bytes);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The meters of all realms.
#[derive(Default)]
pub(crate) struct Meters {
    realms: RwLock<HashMap<RealmId, Arc<Meter>>>,
    /// Turned away since they were last recorded, in all realms: lets the usual case look at one number.
    turned_away: AtomicU64,
    /// The minute in which they were last taken.
    minute: AtomicU64,
}

impl Meters {
    fn of(&self, realm: RealmId) -> Arc<Meter> {
        if let Some(meter) = self.realms.read().get(&realm) {
            return Arc::clone(meter);
        }
        Arc::clone(self.realms.write().entry(realm).or_default())
    }

    /// Lets a command in, or says which quota it meets.
    pub(crate) fn admit(
        &self,
        realm: RealmId,
        quotas: &Quotas,
        now: Now,
        stops_harm: bool,
    ) -> Result<InFlight, Problem> {
        let meter = self.of(realm);
        let under_way = meter.in_flight.fetch_add(1, Ordering::AcqRel);
        let admitted = InFlight(Arc::clone(&meter));
        if stops_harm {
            return Ok(admitted);
        }
        let refusal = if under_way >= quotas.in_flight {
            Some(Problem::new(ErrorCode::TooManyInFlight))
        } else if quotas.rate_per_second < RATE_UNLIMITED
            && !meter
                .bucket
                .lock()
                .take(quotas.rate_per_second, now.service)
        {
            Some(Problem::new(ErrorCode::RateLimited))
        } else {
            meter.log_is_full(quotas.audit_bytes_per_day, now)
        };
        match refusal {
            None => Ok(admitted),
            Some(problem) => {
                meter.turned_away.fetch_add(1, Ordering::AcqRel);
                self.turned_away.fetch_add(1, Ordering::AcqRel);
                Err(problem)
            }
        }
    }

    /// How many commands each realm's quotas turned away since this was last asked; once a minute.
    pub(crate) fn take_turned_away(&self, minute: u64) -> Vec<(RealmId, u32)> {
        if self.minute.swap(minute, Ordering::AcqRel) == minute {
            return Vec::new();
        }
        if self.turned_away.swap(0, Ordering::AcqRel) == 0 {
            return Vec::new();
        }
        let realms = self.realms.read();
        let counted = realms
            .iter()
            .map(|(realm, meter)| (*realm, meter.turned_away.swap(0, Ordering::AcqRel)));
        counted.filter(|(_, count)| *count > 0).collect()
    }
}

impl Meter {
    fn log_is_full(&self, limit: u64, now: Now) -> Option<Problem> {
        let recorded = self.recorded.lock();
        (recorded.day == day(now) && recorded.bytes >= limit).then(|| {
            Problem::new(ErrorCode::QuotaExceeded)
                .with("limit", limit.to_string())
                .with("quota", "bytes of audit records a day")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyward_core::time::Timestamp;

    const REALM: RealmId = RealmId([7; 16]);

    fn at(service: u64) -> Now {
        Now {
            wall: Timestamp(1_795_000_000_000 + service),
            service: Millis(service),
        }
    }

    fn quotas(rate: u32, in_flight: u32, bytes: u64) -> Quotas {
        Quotas {
            rate_per_second: rate,
            in_flight,
            audit_bytes_per_day: bytes,
            ..Quotas::default()
        }
    }

    fn admit(meters: &Meters, quotas: &Quotas, now: u64) -> Result<InFlight, ErrorCode> {
        let admitted = meters.admit(REALM, quotas, at(now), false);
        admitted.map_err(|problem| problem.code)
    }

    #[test]
    fn a_rate_lets_through_one_second_at_once_and_then_what_it_says_and_never_more() {
        let (meters, quotas) = (Meters::default(), quotas(10, 1_000, u64::MAX));
        let passed = (0..50)
            .filter(|_| admit(&meters, &quotas, 5_000).is_ok())
            .count();
        assert_eq!(passed, 10);
        let passed = (0..30_000_u64)
            .filter(|ms| admit(&meters, &quotas, 5_000 + ms).is_ok())
            .count();
        assert!((299..=300).contains(&passed), "{passed} in 30 seconds");
        let rest = (0..50)
            .filter(|_| admit(&meters, &quotas, 100_000).is_ok())
            .count();
        assert_eq!(rest, 10, "a pause saves up one second and no more");
    }

    #[test]
    fn as_many_are_under_way_as_may_be_and_a_place_is_free_when_one_ends() {
        let (meters, quotas) = (Meters::default(), quotas(RATE_UNLIMITED, 2, u64::MAX));
        let first = admit(&meters, &quotas, 1).ok();
        let _second = admit(&meters, &quotas, 1).ok();
        assert_eq!(
            admit(&meters, &quotas, 1).err(),
            Some(ErrorCode::TooManyInFlight)
        );
        drop(first);
        assert!(admit(&meters, &quotas, 1).is_ok());
        let urgent = meters.admit(REALM, &quotas, at(1), true);
        assert!(urgent.is_ok(), "what stops harm is let in");
    }

    #[test]
    fn a_realm_whose_records_are_used_up_waits_for_the_next_day() {
        let (meters, quotas) = (Meters::default(), quotas(RATE_UNLIMITED, 9, 1_000));
        admit(&meters, &quotas, 1).unwrap().recorded(999, at(1));
        admit(&meters, &quotas, 1).unwrap().recorded(1, at(1));
        assert_eq!(
            admit(&meters, &quotas, 1).err(),
            Some(ErrorCode::QuotaExceeded)
        );
        assert!(admit(&meters, &quotas, Millis::DAY.0).is_ok());
    }

    #[test]
    fn what_is_turned_away_is_counted_per_realm_and_told_once() {
        let (meters, quotas) = (Meters::default(), quotas(1, 9, u64::MAX));
        assert!(admit(&meters, &quotas, 1).is_ok());
        for _ in 0..7 {
            assert_eq!(
                admit(&meters, &quotas, 1).err(),
                Some(ErrorCode::RateLimited)
            );
        }
        assert_eq!(meters.take_turned_away(1), [(REALM, 7)]);
        assert_eq!(meters.take_turned_away(2), []);
        assert_eq!(
            admit(&meters, &quotas, 1).err(),
            Some(ErrorCode::RateLimited)
        );
        assert_eq!(meters.take_turned_away(2), [], "once a minute");
        assert_eq!(meters.take_turned_away(3), [(REALM, 1)]);
    }
}
