//! Birth, rotation and the states of keys: what is to be written, or why not.
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::check::check_words;
pub(super) use super::check::{check_applications, check_interval};
pub(super) use super::check::{check_cryptoperiod, field};
pub use super::check::{check_reason, check_tags};
use super::{ModuleFacts, Moment, approved_today, module_fits};
use crate::algorithm::{Protection, Purpose, Service};
use crate::command::CreateKey;
use crate::ids::ObjectId;
use crate::limits::{TRANSITIONS_KEPT, VERSIONS_MAX};
use crate::object::{
    Component, Cryptoperiod, ExportClass, Object, ObjectKind, Origin, Part, Realm, Transition,
    Version,
};
use crate::record::StateChange;
use crate::state::State;
use crate::time::Timestamp;
use crate::{ErrorCode, Problem};

/// Everything about a new object but its material.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Birth {
    /// The object row.
    pub object: Object,
    /// The state its first version is born into.
    pub state: State,
}

/// Decides on a new key.
///
/// # Errors
/// Any rule of kind, purpose, export class, cryptoperiod, level or approval that is not met.
pub fn create(
    command: &CreateKey,
    realm: &Realm,
    module: &ModuleFacts,
    id: ObjectId,
    moment: Moment,
) -> Result<Birth, Problem> {
    realm_open(realm)?;
    let spec = command.spec;
    let purpose = purpose_of(command)?;
    offered(command, module)?;
    approved_today(spec, Service::Generate, moment)?;
    module_fits(realm, module)?;
    let exception = within_rules(command, realm)?;
    let rotate_every = command
        .rotate_every
        .or_else(|| realm.rules.and_then(|rules| rules.rotate_every));
    let cryptoperiod = command
        .cryptoperiod
        .unwrap_or(Cryptoperiod::default_for(purpose));
    check_cryptoperiod(&cryptoperiod)?;
    check_words(command)?;
    let now = moment.now.wall;
    Ok(Birth {
        object: Object {
            id,
            realm: realm.id,
            kind: if spec.is_pair() {
                ObjectKind::Pair
            } else {
                ObjectKind::Symmetric
            },
            spec: Some(spec),
            purpose: Some(purpose),
            protection: command.protection,
            owner: command.owner.unwrap_or(moment.actor),
            name: command.name.clone(),
            aliases: Vec::new(),
            tags: command.tags.clone(),
            sensitivity: command.sensitivity,
            applications: command.applications.clone(),
            export: command.export,
            exception,
            cryptoperiod,
            rotate_every,
            rotate_at: rotate_every.map(|every| now.plus(every)),
            current: 1,
            min_protect: 1,
            min_process: 1,
            suspended_at: None,
            created_at: now,
            created_by: moment.actor,
            changed_at: now,
        },
        state: if command.activate {
            State::Active
        } else {
            State::PreActivation
        },
    })
}

fn purpose_of(command: &CreateKey) -> Result<Purpose, Problem> {
    let possible = command.spec.purposes();
    match command.purpose {
        Some(purpose) if possible.contains(&purpose) => Ok(purpose),
        Some(_) => Err(field("purpose", "this kind of key has no such purpose")),
        None => possible
            .first()
            .copied()
            .ok_or_else(|| field("spec", "this kind of key has no purpose")),
    }
}

fn offered(command: &CreateKey, module: &ModuleFacts) -> Result<(), Problem> {
    if command.protection != Protection::Software {
        return Err(Problem::new(ErrorCode::ProtectionUnavailable)
            .with("protection", command.protection.as_str()));
    }
    if module.services.contains(&(command.spec, Service::Generate)) {
        Ok(())
    } else {
        Err(Problem::new(ErrorCode::AlgorithmNotSupported).with("algorithm", command.spec.as_str()))
    }
}

/// What the realm's level and rules say about export and exceptions; whether the key has one.
fn within_rules(command: &CreateKey, realm: &Realm) -> Result<bool, Problem> {
    let rules = realm.rules.unwrap_or_default();
    let too_wide = rules
        .widest_export
        .is_some_and(|widest| command.export > widest);
    if too_wide || (realm.level >= 3 && command.export == ExportClass::Session) {
        return Err(Problem::new(ErrorCode::ExportForbidden).with("class", command.export.as_str()));
    }
    let exception = command.exception.unwrap_or(false);
    if exception && rules.exceptions != Some(true) {
        return Err(field(
            "non_approved_exception",
            "this realm does not allow keys with an exception",
        ));
    }
    Ok(exception)
}

/// A version around material that the module just made.
#[derive(Debug)]
pub struct Material {
    /// Its leaf.
    pub leaf: u64,
    /// Wrapped.
    pub wrapped: Vec<u8>,
    /// Public key of a pair.
    pub public: Option<Vec<u8>>,
    /// Circumstances.
    pub origin: Origin,
}

/// The first or next version of an object, in its first state.
#[must_use]
pub fn version(
    object: &Object,
    number: u32,
    state: State,
    material: Material,
    moment: Moment,
) -> Version {
    let now = moment.now.wall;
    let active = state == State::Active;
    let history = vec![Transition {
        to: state,
        at: now,
        by: moment.actor,
        reason: None,
        approval: None,
    }];
    let parts: &[Part] = match object.kind {
        ObjectKind::Pair => &[Part::Private, Part::Public],
        ObjectKind::Certificate => &[Part::Public],
        _ => &[Part::Secret],
    };
    let mut version = Version {
        object: object.id,
        realm: object.realm,
        number,
        leaf: material.leaf,
        material: Some(material.wrapped),
        public: material.public,
        components: parts
            .iter()
            .map(|part| Component {
                part: *part,
                state,
                history: history.clone(),
            })
            .collect(),
        origin: material.origin,
        created_at: now,
        activated_at: None,
        activate_at: None,
        protect_until: None,
        process_until: None,
        destruction: None,
        destroyed_at: None,
        compromise_found_after_destruction: false,
        was_exported: false,
        puncture_epoch: None,
        hsm_reference: None,
    };
    if active {
        start_periods(object, &mut version, now);
    }
    version
}

fn start_periods(object: &Object, version: &mut Version, now: Timestamp) {
    version.activated_at = Some(now);
    version.protect_until = object
        .cryptoperiod
        .originator
        .map(|period| now.plus(period));
    version.process_until = object.cryptoperiod.recipient.map(|period| now.plus(period));
}

/// Rows after a change of state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transitioned {
    /// The object row, if it changed.
    pub object: Option<Object>,
    /// Version rows that changed.
    pub versions: Vec<Version>,
    /// What the record says.
    pub change: StateChange,
}

/// Whether the key may get a new version, and in which state it is born.
///
/// # Errors
/// `rotation_not_possible` with the reason, or the module's or table's refusal.
pub fn rotate(
    object: &Object,
    current: &Version,
    realm: &Realm,
    module: &ModuleFacts,
    moment: Moment,
) -> Result<State, Problem> {
    realm_open(realm)?;
    let refuse =
        |reason: &str| Err(Problem::new(ErrorCode::RotationNotPossible).with("reason", reason));
    let Some(spec) = object.spec else {
        return refuse("it is not a key");
    };
    approved_today(spec, Service::Generate, moment)?;
    module_fits(realm, module)?;
    if object.current >= VERSIONS_MAX {
        return refuse("it has as many versions as one object may have");
    }
    if current.destruction.is_some() {
        return refuse("its destruction is scheduled; cancel that first");
    }
    match current.state() {
        State::PreActivation => refuse("it has not been activated yet"),
        State::Suspended => refuse("it is suspended; resume it first"),
        State::Destroyed => refuse("it was destroyed"),
        State::Active | State::Deactivated | State::Compromised => Ok(State::Active),
    }
}

/// The rows after a rotation: the new version protects, the one before it only processes.
#[must_use]
pub fn rotated(
    object: &Object,
    previous: &Version,
    next: &Version,
    moment: Moment,
) -> (Object, Option<Version>) {
    let now = moment.now.wall;
    let mut object = object.clone();
    object.current = next.number;
    object.rotate_at = object.rotate_every.map(|every| now.plus(every));
    object.changed_at = now;
    let previous = (previous.state() == State::Active).then(|| {
        let mut previous = previous.clone();
        move_to(&mut previous, State::Deactivated, moment, Some("rotated"));
        previous
    });
    (object, previous)
}

/// Pre-activation to active.
///
/// # Errors
/// `transition_not_allowed` or `state_unchanged`.
pub fn activate(
    object: &Object,
    version: &Version,
    realm: &Realm,
    moment: Moment,
) -> Result<Transitioned, Problem> {
    realm_open(realm)?;
    no_destruction(version)?;
    if version.state() == State::Suspended {
        // Suspended to active is resuming, which is another command with other reasons.
        return Err(Problem::new(ErrorCode::KeySuspended));
    }
    let mut next = version.clone();
    let change = checked_move(&mut next, State::Active, moment, None)?;
    start_periods(object, &mut next, moment.now.wall);
    Ok(Transitioned {
        object: touched(object, moment, |_| ()),
        versions: vec![next],
        change,
    })
}

/// Stops all use of an object: its active versions become suspended, the others keep their state and are held by the object.
///
/// # Errors
/// `transition_not_allowed` or `state_unchanged`.
pub fn suspend(
    object: &Object,
    versions: &[Version],
    reason: Option<&str>,
    moment: Moment,
) -> Result<Transitioned, Problem> {
    check_reason(reason)?;
    let current = current_of(object, versions)?;
    if object.suspended_at.is_some() {
        return Err(unchanged(State::Suspended));
    }
    let from = current.state();
    if matches!(from, State::Destroyed | State::PreActivation) {
        return Err(not_allowed(from, State::Suspended));
    }
    let changed = versions
        .iter()
        .filter(|version| version.state() == State::Active)
        .map(|version| moved(version, State::Suspended, moment, reason))
        .collect();
    Ok(Transitioned {
        object: touched(object, moment, |object| {
            object.suspended_at = Some(moment.now.wall)
        }),
        versions: changed,
        change: StateChange {
            from,
            to: if from == State::Active {
                State::Suspended
            } else {
                from
            },
        },
    })
}

/// Allows use again.
///
/// # Errors
/// `conflict` when it is not suspended, `destruction_pending` while a destruction is scheduled.
pub fn resume(
    object: &Object,
    versions: &[Version],
    realm: &Realm,
    reason: Option<&str>,
    moment: Moment,
) -> Result<Transitioned, Problem> {
    realm_open(realm)?;
    check_reason(reason)?;
    let current = current_of(object, versions)?;
    let from = current.state();
    if object.suspended_at.is_none() && from != State::Suspended {
        return Err(if from == State::Active {
            unchanged(State::Active)
        } else {
            not_allowed(from, State::Active)
        });
    }
    no_destruction(current)?;
    let changed: Vec<Version> = versions
        .iter()
        .filter(|version| version.state() == State::Suspended && version.destruction.is_none())
        .map(|version| moved(version, State::Active, moment, reason))
        .collect();
    let to = if from == State::Suspended {
        State::Active
    } else {
        from
    };
    Ok(Transitioned {
        object: touched(object, moment, |object| {
            object.suspended_at = None;
            // What a scheduled destruction had stopped goes on; if it is overdue by now, at once.
            if object.rotate_at.is_none() {
                object.rotate_at = object
                    .rotate_every
                    .map(|every| current.created_at.plus(every));
            }
        }),
        versions: changed,
        change: StateChange { from, to },
    })
}

/// Ends protection by one version for good.
///
/// # Errors
/// `transition_not_allowed` or `state_unchanged`.
pub fn deactivate(
    object: &Object,
    version: &Version,
    reason: Option<&str>,
    moment: Moment,
) -> Result<Transitioned, Problem> {
    check_reason(reason)?;
    let mut next = version.clone();
    let change = checked_move(&mut next, State::Deactivated, moment, reason)?;
    Ok(Transitioned {
        object: touched(object, moment, |object| {
            // A key that was ended by hand does not begin anew by itself.
            if version.number == object.current {
                object.rotate_at = None;
            }
        }),
        versions: vec![next],
        change,
    })
}

/// Marks versions as compromised; for one already destroyed the discovery is recorded as a flag.
///
/// # Errors
/// `state_unchanged` when nothing would change.
pub fn compromise(
    object: &Object,
    versions: &[Version],
    reason: &str,
    moment: Moment,
) -> Result<Transitioned, Problem> {
    check_reason(Some(reason))?;
    let mut change = None;
    let mut changed = Vec::new();
    for version in versions {
        let from = version.state();
        let mut next = version.clone();
        match from {
            State::Compromised => continue,
            State::Destroyed if version.compromise_found_after_destruction => continue,
            State::Destroyed => {
                next.compromise_found_after_destruction = true;
                change.get_or_insert(StateChange {
                    from,
                    to: State::Destroyed,
                });
            }
            _ => {
                move_to(&mut next, State::Compromised, moment, Some(reason));
                change = Some(StateChange {
                    from,
                    to: State::Compromised,
                });
            }
        }
        changed.push(next);
    }
    let change = change.ok_or_else(|| unchanged(State::Compromised))?;
    Ok(Transitioned {
        object: touched(object, moment, |_| ()),
        versions: changed,
        change,
    })
}

// --- shared pieces ---

/// The object's current version among those read.
///
/// # Errors
/// `version_not_found`, which for the current version means a damaged store.
pub fn current_of<'v>(object: &Object, versions: &'v [Version]) -> Result<&'v Version, Problem> {
    find(versions, object.current)
}

/// A version by number.
///
/// # Errors
/// `version_not_found`.
pub fn find(versions: &[Version], number: u32) -> Result<&Version, Problem> {
    versions
        .iter()
        .find(|version| version.number == number)
        .ok_or_else(|| Problem::new(ErrorCode::VersionNotFound).with("version", number.to_string()))
}

/// Refuses everything but reading in a suspended realm.
///
/// # Errors
/// `realm_suspended`.
pub fn realm_open(realm: &Realm) -> Result<(), Problem> {
    if realm.suspended {
        Err(Problem::new(ErrorCode::RealmSuspended))
    } else {
        Ok(())
    }
}

pub(super) fn moved(version: &Version, to: State, moment: Moment, reason: Option<&str>) -> Version {
    let mut next = version.clone();
    move_to(&mut next, to, moment, reason);
    next
}

/// Moves every component for which the standard has that edge.
pub(super) fn move_to(version: &mut Version, to: State, moment: Moment, reason: Option<&str>) {
    for component in &mut version.components {
        if component.state.may_become(to) {
            component.state = to;
            component.history.push(Transition {
                to,
                at: moment.now.wall,
                by: moment.actor,
                reason: reason.map(String::from),
                approval: None,
            });
            let excess = component.history.len().saturating_sub(TRANSITIONS_KEPT);
            component.history.drain(..excess);
        }
    }
}

fn checked_move(
    version: &mut Version,
    to: State,
    moment: Moment,
    reason: Option<&str>,
) -> Result<StateChange, Problem> {
    let from = version.state();
    if from == to {
        return Err(unchanged(to));
    }
    if !from.may_become(to) {
        return Err(not_allowed(from, to));
    }
    move_to(version, to, moment, reason);
    Ok(StateChange { from, to })
}

pub(super) fn touched(
    object: &Object,
    moment: Moment,
    edit: impl FnOnce(&mut Object),
) -> Option<Object> {
    let mut object = object.clone();
    object.changed_at = moment.now.wall;
    edit(&mut object);
    Some(object)
}

fn no_destruction(version: &Version) -> Result<(), Problem> {
    match &version.destruction {
        Some(destruction) => Err(pending(destruction.due_at)),
        None => Ok(()),
    }
}

pub(super) fn pending(due: Timestamp) -> Problem {
    Problem::new(ErrorCode::DestructionPending).with("destroy_at", due.to_string())
}

fn not_allowed(from: State, to: State) -> Problem {
    Problem::new(ErrorCode::TransitionNotAllowed)
        .with("from", from.as_str())
        .with("to", to.as_str())
}

fn unchanged(state: State) -> Problem {
    Problem::new(ErrorCode::StateUnchanged).with("state", state.as_str())
}
