//! What is known about a key, changed without touching its material: only ever towards more caution where caution is at
//! stake (export class, cryptoperiods).
use alloc::string::ToString;
use alloc::vec::Vec;

use super::Moment;
use super::life::{
    check_applications, check_cryptoperiod, check_interval, check_tags, field, realm_open,
};
use crate::command::{Edit, KeyFilter, UpdateKey};
use crate::limits::ALIASES_MAX;
use crate::name::Name;
use crate::object::{Cryptoperiod, Object, Realm, Version};
use crate::state::State;
use crate::time::{Millis, Timestamp};
use crate::{ErrorCode, Problem};

/// Rows after a change of attributes; names are the engine's to move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Updated {
    /// The object row; the same as before if nothing changed.
    pub object: Object,
    /// Version rows that changed.
    pub versions: Vec<Version>,
}

/// Applies a change of attributes.
///
/// # Errors
/// The first thing that may not be, naming the field.
pub fn update(
    object: &Object,
    versions: &[Version],
    command: &UpdateKey,
    realm: &Realm,
    moment: Moment,
) -> Result<Updated, Problem> {
    realm_open(realm)?;
    alive(versions)?;
    let mut next = object.clone();
    describe(&mut next, command)?;
    if let Some(export) = command.export {
        if export > object.export {
            return Err(Problem::new(ErrorCode::ExportClassWidening)
                .with("from", object.export.as_str())
                .with("to", export.as_str()));
        }
        next.export = export;
    }
    minima(&mut next, command)?;
    schedule(&mut next, versions, command)?;
    let versions = match command.cryptoperiod {
        Some(period) => {
            narrower(&object.cryptoperiod, &period)?;
            next.cryptoperiod = period;
            shortened(versions, &period)
        }
        None => Vec::new(),
    };
    if next != *object || !versions.is_empty() {
        next.changed_at = moment.now.wall;
    }
    Ok(Updated {
        object: next,
        versions,
    })
}

/// Refuses when every version is destroyed: what is then known about the key stays as it is.
fn alive(versions: &[Version]) -> Result<(), Problem> {
    if versions.iter().all(|v| v.state() == State::Destroyed) {
        Err(Problem::new(ErrorCode::KeyDestroyed))
    } else {
        Ok(())
    }
}

fn describe(next: &mut Object, command: &UpdateKey) -> Result<(), Problem> {
    match &command.name {
        Some(Edit::Set(name)) => {
            next.aliases.retain(|alias| alias != name);
            next.name = Some(name.clone());
        }
        Some(Edit::Clear) => next.name = None,
        None => {}
    }
    for (key, value) in &command.tags {
        match value {
            Some(value) => {
                next.tags.insert(key.clone(), value.clone());
            }
            None => {
                next.tags.remove(key);
            }
        }
    }
    check_tags(&next.tags)?;
    if let Some(applications) = &command.applications {
        check_applications(applications)?;
        next.applications.clone_from(applications);
    }
    if let Some(owner) = command.owner {
        next.owner = owner;
    }
    if let Some(sensitivity) = command.sensitivity {
        next.sensitivity = sensitivity;
    }
    Ok(())
}

fn minima(next: &mut Object, command: &UpdateKey) -> Result<(), Problem> {
    let within = |name: &str, wanted: Option<u32>, present: u32| match wanted {
        Some(number) if number == 0 || number > next.current => Err(field(
            name,
            &alloc::format!("it must be from 1 to the current version, {}", next.current),
        )),
        Some(number) => Ok(number),
        None => Ok(present),
    };
    let protect = within("min_protect_version", command.min_protect, next.min_protect)?;
    let process = within("min_process_version", command.min_process, next.min_process)?;
    if process > protect {
        let name = if command.min_process.is_some() {
            "min_process_version"
        } else {
            "min_protect_version"
        };
        return Err(field(
            name,
            "a version that may protect must be one that may process",
        ));
    }
    (next.min_protect, next.min_process) = (protect, process);
    Ok(())
}

/// The interval counts from the birth of the current version, so that a shorter one can be overdue at once.
fn schedule(next: &mut Object, versions: &[Version], command: &UpdateKey) -> Result<(), Problem> {
    let Some(edit) = &command.rotate_every else {
        return Ok(());
    };
    match edit {
        Edit::Clear => (next.rotate_every, next.rotate_at) = (None, None),
        Edit::Set(every) => {
            check_interval(Some(*every))?;
            if next.spec.is_none() {
                return Err(field("rotate_every_days", "only keys are rotated"));
            }
            let born = versions
                .iter()
                .find(|v| v.number == next.current)
                .map_or(next.created_at, |v| v.created_at);
            next.rotate_every = Some(*every);
            next.rotate_at = Some(born.plus(*every));
        }
    }
    Ok(())
}

fn narrower(before: &Cryptoperiod, after: &Cryptoperiod) -> Result<(), Problem> {
    check_cryptoperiod(after)?;
    let longer = |before: Option<Millis>, after: Option<Millis>| match (before, after) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(before), Some(after)) => after > before,
    };
    if longer(before.originator, after.originator) || longer(before.recipient, after.recipient) {
        return Err(Problem::new(ErrorCode::CryptoperiodInvalid).with(
            "reason",
            "a period may be made shorter, never longer; make a new key for a longer one",
        ));
    }
    Ok(())
}

/// Versions whose periods now end earlier.
fn shortened(versions: &[Version], period: &Cryptoperiod) -> Vec<Version> {
    let earlier = |end: Option<Timestamp>, start: Timestamp, length: Option<Millis>| match (
        end,
        length.map(|length| start.plus(length)),
    ) {
        (Some(end), Some(other)) => Some(end.min(other)),
        (end, other) => end.or(other),
    };
    versions
        .iter()
        .filter(|version| version.state() != State::Destroyed)
        .filter_map(|version| {
            let start = version.activated_at?;
            let next = Version {
                protect_until: earlier(version.protect_until, start, period.originator),
                process_until: earlier(version.process_until, start, period.recipient),
                ..version.clone()
            };
            (next != *version).then_some(next)
        })
        .collect()
}

/// The object with one more name; none if it has that name already as a further one.
///
/// # Errors
/// `conflict` when the name is its first one, `too_many_items`, `key_destroyed`.
pub fn with_alias(
    object: &Object,
    versions: &[Version],
    alias: &Name,
    realm: &Realm,
    moment: Moment,
) -> Result<Option<Object>, Problem> {
    realm_open(realm)?;
    alive(versions)?;
    if object.name.as_ref() == Some(alias) {
        return Err(Problem::new(ErrorCode::Conflict)
            .with("reason", "it is the name of this key, not an alias"));
    }
    if object.aliases.contains(alias) {
        return Ok(None);
    }
    if object.aliases.len() >= ALIASES_MAX {
        return Err(Problem::new(ErrorCode::TooManyItems)
            .with("field", "aliases")
            .with("limit", ALIASES_MAX.to_string()));
    }
    let mut next = object.clone();
    next.aliases.push(alias.clone());
    next.changed_at = moment.now.wall;
    Ok(Some(next))
}

/// The object without one of its further names.
///
/// # Errors
/// `not_found` when it has no such alias.
pub fn without_alias(
    object: &Object,
    alias: &Name,
    realm: &Realm,
    moment: Moment,
) -> Result<Object, Problem> {
    realm_open(realm)?;
    if !object.aliases.contains(alias) {
        return Err(Problem::new(ErrorCode::NotFound));
    }
    let mut next = object.clone();
    next.aliases.retain(|known| known != alias);
    next.changed_at = moment.now.wall;
    Ok(next)
}

/// Whether an object passes a filter, as far as its own row says.
#[must_use]
pub fn passes(filter: &KeyFilter, object: &Object) -> bool {
    let KeyFilter {
        spec,
        purpose,
        tag,
        owner,
        rotation_due_before,
        destruction_due_before: _,
    } = filter;
    spec.is_none_or(|spec| object.spec == Some(spec))
        && purpose.is_none_or(|purpose| object.purpose == Some(purpose))
        && owner.is_none_or(|owner| object.owner == owner)
        && rotation_due_before.is_none_or(|end| object.rotate_at.is_some_and(|at| at < end))
        && tag.as_ref().is_none_or(|(key, value)| {
            object
                .tags
                .get(key)
                .is_some_and(|has| value.as_ref().is_none_or(|value| has == value))
        })
}

/// Whether any of an object's versions is to be destroyed before then.
#[must_use]
pub fn destroyed_before(versions: &[Version], end: Timestamp) -> bool {
    versions
        .iter()
        .filter_map(|version| version.destruction.as_ref())
        .any(|destruction| destruction.due_at < end)
}
