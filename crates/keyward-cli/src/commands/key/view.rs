//! How a key is shown to people.
use keyward_client::{Cryptoperiod, Key, KeyVersion};

use crate::exit::Failure;
use crate::out::{Out, day, moment};

pub fn called(key: &Key) -> String {
    key.name
        .as_ref()
        .map_or_else(|| key.id.clone(), |name| format!("`{name}`"))
}

/// One line about how a key stands after a change.
pub fn summary(key: &Key) -> String {
    let what = match key.kind.as_str() {
        "symmetric" | "pair" => "key",
        other => other,
    };
    let mut text = format!(
        "{what} {} is {}, version {}",
        called(key),
        key.state,
        key.current_version
    );
    let due = key
        .versions
        .iter()
        .filter_map(|version| version.destruction.as_ref())
        .map(|due| &due.due_at)
        .min();
    if let Some(due) = due {
        text.push_str(&format!(", to be destroyed {}", moment(due)));
    }
    text
}

pub fn row(key: &Key) -> Vec<String> {
    vec![
        key.name.clone().unwrap_or_else(|| key.id.clone()),
        key.spec.clone().unwrap_or_default(),
        key.purpose.clone().unwrap_or_default(),
        key.state.clone(),
        key.current_version.to_string(),
        day(&key.created_at),
    ]
}

/// A row of what is no key.
pub fn object_row(key: &Key) -> Vec<String> {
    vec![
        key.name.clone().unwrap_or_else(|| key.id.clone()),
        key.state.clone(),
        key.current_version.to_string(),
        day(&key.changed_at),
    ]
}

pub fn facts(out: Out, key: &Key) -> Result<(), Failure> {
    out.facts(&[identity(key), rules(key)].concat())?;
    out.line("")?;
    let rows: Vec<_> = key
        .versions
        .iter()
        .rev()
        .map(|version| version_row(key, version))
        .collect();
    out.table(
        5,
        &[
            "VERSION",
            "STATE",
            "MADE",
            "PROTECTS TO",
            "PROCESSES TO",
            "NOTES",
        ],
        &rows,
    )
}

/// What the key is.
fn identity(key: &Key) -> Vec<(&'static str, String)> {
    let suspended = key
        .suspended_at
        .as_deref()
        .map(|at| format!("since {}", moment(at)));
    vec![
        ("name", key.name.clone().unwrap_or_default()),
        ("aliases", key.aliases.join(", ")),
        ("id", key.id.clone()),
        ("realm", key.realm.clone()),
        ("spec", key.spec.clone().unwrap_or_default()),
        ("purpose", key.purpose.clone().unwrap_or_default()),
        ("state", key.state.clone()),
        ("suspended", suspended.unwrap_or_default()),
        ("owner", key.owner.clone()),
        (
            "made",
            format!("{} by {}", moment(&key.created_at), key.created_by),
        ),
        (
            "changed",
            format!("{}, revision {}", moment(&key.changed_at), key.revision),
        ),
    ]
}

/// What holds for it.
fn rules(key: &Key) -> Vec<(&'static str, String)> {
    let tags: Vec<String> = key
        .tags
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let exception = if key.non_approved_exception {
        "non-approved use was accepted at creation"
    } else {
        ""
    };
    let Cryptoperiod {
        originator_days,
        originator_seconds,
        recipient_days,
        recipient_seconds,
    } = &key.cryptoperiod;
    vec![
        ("protection", key.protection.clone()),
        ("export", key.export.clone()),
        ("exception", exception.to_owned()),
        ("sensitivity", key.sensitivity.clone()),
        (
            "protects for",
            period(*originator_days, *originator_seconds),
        ),
        ("processes for", period(*recipient_days, *recipient_seconds)),
        ("rotates", rotation(key)),
        ("minimum", minimum(key)),
        ("applications", key.applications.join(", ")),
        ("tags", tags.join(", ")),
    ]
}

fn period(days: Option<u64>, seconds: Option<u64>) -> String {
    match (days, seconds) {
        (Some(days), _) => format!("{days} days"),
        (None, Some(seconds)) => format!("{seconds} seconds"),
        (None, None) => "unlimited".to_owned(),
    }
}

/// Only where an older version is shut out.
fn minimum(key: &Key) -> String {
    if key.min_protect_version <= 1 && key.min_process_version <= 1 {
        return String::new();
    }
    format!(
        "version {} to protect, {} to process",
        key.min_protect_version, key.min_process_version
    )
}

fn rotation(key: &Key) -> String {
    if key.rotate_every_days.is_none() && key.rotate_every_seconds.is_none() {
        return "when asked to".to_owned();
    }
    let every = period(key.rotate_every_days, key.rotate_every_seconds);
    let next = key
        .rotate_at
        .as_deref()
        .map(|at| format!(", next {}", moment(at)))
        .unwrap_or_default();
    format!("every {every}{next}")
}

fn version_row(key: &Key, version: &KeyVersion) -> Vec<String> {
    let date = |time: &Option<String>| time.as_deref().map(day).unwrap_or_else(|| "-".to_owned());
    let mut notes = Vec::new();
    if version.version == key.current_version {
        notes.push("current".to_owned());
    }
    if let Some(due) = &version.destruction {
        notes.push(match &due.held_until {
            Some(held) => format!("destruction held until {}", day(held)),
            None => format!("destruction due {}", day(&due.due_at)),
        });
    }
    if let Some(at) = &version.destroyed_at {
        notes.push(format!("destroyed {}", day(at)));
    }
    if version.compromise_found_after_destruction {
        notes.push("compromise found later".to_owned());
    }
    if version.origin.birth != "generated" {
        notes.push(version.origin.birth.clone());
    }
    if version.was_exported {
        notes.push("was exported".to_owned());
    }
    vec![
        version.version.to_string(),
        version.state.clone(),
        day(&version.created_at),
        date(&version.protect_until),
        date(&version.process_until),
        notes.join(", "),
    ]
}
