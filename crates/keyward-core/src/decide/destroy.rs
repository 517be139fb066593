//! Destruction: scheduling, the clock rule for irreversible jobs (DESIGN §5), and what remains.
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::Moment;
use super::life::{Transitioned, check_reason, current_of, field, move_to, touched};
use crate::limits::{CLOCK_HOLD_MS, DESTROY_AFTER_DAYS};
use crate::object::{Destruction, Object, Realm, Version};
use crate::record::StateChange;
use crate::state::State;
use crate::time::{Millis, Timestamp};
use crate::{ErrorCode, Problem};

/// Sets the date: an active version becomes suspended, every other state stays as it is.
///
/// # Errors
/// `destroy_window`, `destruction_pending`, `key_destroyed`.
pub fn schedule(
    object: &Object,
    versions: &[Version],
    only: Option<u32>,
    after_days: u16,
    reason: &str,
    realm: &Realm,
    moment: Moment,
) -> Result<Transitioned, Problem> {
    check_reason(Some(reason))?;
    if reason.is_empty() {
        return Err(field("reason", "a destruction needs a reason"));
    }
    // A rehearsal realm trains people: there the wait may be shorter, down to none.
    let minimum = if realm.rehearsal {
        0
    } else {
        *DESTROY_AFTER_DAYS.start()
    };
    if after_days < minimum || after_days > *DESTROY_AFTER_DAYS.end() {
        return Err(Problem::new(ErrorCode::DestroyWindow)
            .with("minimum_days", minimum.to_string())
            .with("maximum_days", DESTROY_AFTER_DAYS.end().to_string()));
    }
    let wait = Millis::days(u64::from(after_days));
    let mut change = None;
    let mut changed = Vec::new();
    for version in versions
        .iter()
        .filter(|v| only.is_none_or(|n| n == v.number))
    {
        let from = version.state();
        if from == State::Destroyed || version.destruction.is_some() {
            continue;
        }
        let mut next = version.clone();
        if from == State::Active {
            move_to(&mut next, State::Suspended, moment, Some(reason));
        }
        next.destruction = Some(Destruction {
            scheduled_at: moment.now.wall,
            due_at: moment.now.wall.plus(wait),
            due_service: Millis(moment.now.service.0.saturating_add(wait.0)),
            by: moment.actor,
            reason: String::from(reason),
            held_until: None,
            confirmed_by: None,
        });
        change = Some(StateChange {
            from,
            to: next.state(),
        });
        changed.push(next);
    }
    let Some(change) = change else {
        return Err(why_nothing(versions, only));
    };
    let stops_current = changed.iter().any(|v| v.number == object.current);
    Ok(Transitioned {
        object: touched(object, moment, |object| {
            if stops_current {
                object.rotate_at = None;
            }
        }),
        versions: changed,
        change,
    })
}

fn why_nothing(versions: &[Version], only: Option<u32>) -> Problem {
    let mut concerned = versions
        .iter()
        .filter(|v| only.is_none_or(|n| n == v.number))
        .peekable();
    if concerned.peek().is_none() {
        return Problem::new(ErrorCode::VersionNotFound)
            .with("version", only.unwrap_or_default().to_string());
    }
    match concerned.find_map(|v| v.destruction.as_ref()) {
        Some(destruction) => super::life::pending(destruction.due_at),
        None => Problem::new(ErrorCode::KeyDestroyed),
    }
}

/// Clears the date and nothing else: what was suspended stays so until it is resumed.
///
/// # Errors
/// `destruction_not_pending`.
pub fn cancel(
    object: &Object,
    versions: &[Version],
    only: Option<u32>,
    moment: Moment,
) -> Result<Transitioned, Problem> {
    let changed: Vec<Version> = versions
        .iter()
        .filter(|v| only.is_none_or(|n| n == v.number) && v.destruction.is_some())
        .map(|version| Version {
            destruction: None,
            ..version.clone()
        })
        .collect();
    let state = changed.first().map(Version::state);
    let state = state.ok_or_else(|| Problem::new(ErrorCode::DestructionNotPending))?;
    Ok(Transitioned {
        object: touched(object, moment, |_| ()),
        versions: changed,
        change: StateChange {
            from: state,
            to: state,
        },
    })
}

/// What the server knows about its own clocks when an irreversible job is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockEvidence {
    /// Wall and service time parted by more than 60 s since the start.
    pub drifted: bool,
    /// The wall clock when the server started: what was due before then passed while it was down.
    pub started_at: Timestamp,
}

/// What is to happen with one scheduled version now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// The date has not come by both clocks.
    NotYet,
    /// It has come, but the clocks cannot be trusted: write the hold.
    Hold(Timestamp),
    /// Held: until then, and until confirmed.
    Held(Timestamp),
    /// Now.
    Now,
}

/// Applies the clock rule to one scheduled destruction.
#[must_use]
pub fn judge(destruction: &Destruction, moment: Moment, clock: ClockEvidence) -> Due {
    let now = moment.now;
    if let Some(until) = destruction.held_until {
        return if now.wall >= until && destruction.confirmed_by.is_some() {
            Due::Now
        } else {
            Due::Held(until)
        };
    }
    if now.wall < destruction.due_at || now.service < destruction.due_service {
        return Due::NotYet;
    }
    let passed_while_down =
        destruction.scheduled_at < clock.started_at && destruction.due_at < clock.started_at;
    if clock.drifted || passed_while_down {
        return Due::Hold(now.wall.plus(Millis(CLOCK_HOLD_MS)));
    }
    Due::Now
}

/// What executing the destruction of an object comes to.
#[expect(
    clippy::large_enum_variant,
    reason = "made once for each destruction, and taken apart at once"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Execution {
    /// Destroy these versions: puncture their leaves, then write the rows.
    Destroy(Transitioned),
    /// Write the hold and refuse.
    Hold {
        /// Version rows with the hold in them.
        versions: Vec<Version>,
        /// Until when.
        until: Timestamp,
    },
}

/// Decides what is destroyed now.
///
/// # Errors
/// `destruction_not_pending`, `destruction_pending` (not due yet) or `clock_hold`.
pub fn execute(
    object: &Object,
    versions: &[Version],
    moment: Moment,
    clock: ClockEvidence,
) -> Result<Execution, Problem> {
    let mut destroyed = Vec::new();
    let mut held = Vec::new();
    let mut change = None;
    let mut refusal = Problem::new(ErrorCode::DestructionNotPending);
    let mut hold_until = moment.now.wall;
    for version in versions {
        let Some(destruction) = &version.destruction else {
            continue;
        };
        match judge(destruction, moment, clock) {
            Due::NotYet => refusal = super::life::pending(destruction.due_at),
            Due::Held(until) => refusal = hold(until),
            Due::Hold(until) => {
                let mut next = version.clone();
                if let Some(destruction) = &mut next.destruction {
                    destruction.held_until = Some(until);
                }
                hold_until = until;
                held.push(next);
            }
            Due::Now => {
                change = Some(StateChange {
                    from: version.state(),
                    to: State::Destroyed,
                });
                destroyed.push(gone(version, moment));
            }
        }
    }
    if let Some(change) = change {
        let object = touched(object, moment, |_| ());
        return Ok(Execution::Destroy(Transitioned {
            object,
            versions: destroyed,
            change,
        }));
    }
    if held.is_empty() {
        Err(refusal)
    } else {
        Ok(Execution::Hold {
            versions: held,
            until: hold_until,
        })
    }
}

/// The refusal while a job is held.
#[must_use]
pub fn hold(until: Timestamp) -> Problem {
    Problem::new(ErrorCode::ClockHold)
        .with("until", until.to_string())
        .with(
            "reason",
            "the clocks disagreed, or the date passed while the server was down",
        )
}

/// A version after destruction: what it was stays known, what it consisted of is gone.
fn gone(version: &Version, moment: Moment) -> Version {
    let mut next = version.clone();
    let reason = version.destruction.as_ref().map(|d| d.reason.clone());
    move_to(&mut next, State::Destroyed, moment, reason.as_deref());
    next.material = None;
    next.hsm_reference = None;
    next.destruction = None;
    next.destroyed_at = Some(moment.now.wall);
    next
}

/// Confirms a held destruction; it then runs when the hold is over.
///
/// # Errors
/// `destruction_not_pending`, or `conflict` when nothing is held.
pub fn confirm(
    object: &Object,
    versions: &[Version],
    moment: Moment,
) -> Result<Transitioned, Problem> {
    if versions.iter().all(|v| v.destruction.is_none()) {
        return Err(Problem::new(ErrorCode::DestructionNotPending));
    }
    let mut changed = Vec::new();
    for version in versions {
        let mut next = version.clone();
        if let Some(destruction) = &mut next.destruction
            && destruction.held_until.is_some()
            && destruction.confirmed_by.is_none()
        {
            destruction.confirmed_by = Some(moment.actor);
            changed.push(next);
        }
    }
    if changed.is_empty() {
        return Err(Problem::new(ErrorCode::Conflict).with(
            "reason",
            "the destruction is not held, so there is nothing to confirm",
        ));
    }
    let state = current_of(object, versions)?.state();
    Ok(Transitioned {
        object: touched(object, moment, |_| ()),
        versions: changed,
        change: StateChange {
            from: state,
            to: state,
        },
    })
}
