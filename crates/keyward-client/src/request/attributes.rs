//! Requests about attributes of keys and the rules of realms.
use http::Method;
use keyward_core::command::{Command, ConfigureRealm, Edit, KeyFilter, UpdateKey};
use keyward_protocol::rest::format_time;
use serde_json::{Map, Value, json};

use super::{duration, encoded, maybe, object};
use crate::payload::Payload;

/// Method and address under a key's own; none for commands that are not of this kind.
pub(super) fn route(command: &Command, key: &str) -> Option<(Method, String)> {
    Some(match command {
        Command::UpdateKey(_) => (Method::PATCH, key.to_owned()),
        Command::PutAlias(c) => (
            Method::PUT,
            format!("{key}/aliases/{}", encoded(c.alias.as_str())),
        ),
        Command::RemoveAlias(c) => (
            Method::DELETE,
            format!("{key}/aliases/{}", encoded(c.alias.as_str())),
        ),
        Command::ReadBlastRadius(_) => (Method::GET, format!("{key}/blast-radius")),
        Command::ReadDestruction(_) => (Method::GET, format!("{key}/destruction")),
        _ => return None,
    })
}

/// The body, where there is one.
pub(super) fn body(command: &Command) -> Option<Payload> {
    let value = match command {
        Command::UpdateKey(c) => update(c),
        Command::PutAlias(c) => json!({ "take": c.take }),
        Command::ConfigureRealm(c) => configure(c),
        Command::SuspendRealm(c) => object(&[("reason", maybe(&c.reason))]),
        Command::ResumeRealm(c) => object(&[("reason", maybe(&c.reason))]),
        _ => return None,
    };
    Some(Payload::json(&value))
}

fn update(c: &UpdateKey) -> Value {
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| {
        members.insert(name.to_owned(), value);
    };
    match &c.name {
        Some(Edit::Set(name)) => put("name", name.as_str().into()),
        Some(Edit::Clear) => put("name", Value::Null),
        None => {}
    }
    if !c.tags.is_empty() {
        put("tags", json!(c.tags));
    }
    if let Some(owner) = c.owner {
        put("owner", owner.to_string().into());
    }
    if let Some(applications) = &c.applications {
        put("applications", json!(applications));
    }
    if let Some(sensitivity) = c.sensitivity {
        put("sensitivity", sensitivity.as_str().into());
    }
    if let Some(export) = c.export {
        put("export", export.as_str().into());
    }
    if let Some(number) = c.min_protect {
        put("min_protect_version", number.into());
    }
    if let Some(number) = c.min_process {
        put("min_process_version", number.into());
    }
    if let Some(period) = c.cryptoperiod {
        let mut inner = Map::new();
        duration(&mut inner, "originator", period.originator);
        duration(&mut inner, "recipient", period.recipient);
        put("cryptoperiod", Value::Object(inner));
    }
    match c.rotate_every {
        Some(Edit::Set(every)) => duration(&mut members, "rotate_every", Some(every)),
        Some(Edit::Clear) => put("rotate_every_days", Value::Null),
        None => {}
    }
    Value::Object(members)
}

fn configure(c: &ConfigureRealm) -> Value {
    let quotas = c.quotas.map(|q| {
        json!({
            "keys": q.keys, "rate_per_second": q.rate_per_second, "in_flight": q.in_flight,
            "audit_bytes_per_day": q.audit_bytes_per_day,
        })
    });
    let rules = c.rules.map(|rules| {
        let mut inner = Map::new();
        duration(&mut inner, "rotate_every", rules.rotate_every);
        if let Some(widest) = rules.widest_export {
            inner.insert("widest_export".to_owned(), widest.as_str().into());
        }
        if let Some(exceptions) = rules.exceptions {
            inner.insert("exceptions".to_owned(), exceptions.into());
        }
        Value::Object(inner)
    });
    object(&[
        ("level", maybe(&c.level)),
        ("quotas", quotas),
        ("rules", rules),
    ])
}

/// Parameters of a listing.
pub(super) fn filter(filter: &KeyFilter) -> Vec<(&'static str, Option<String>)> {
    let tag = filter.tag.as_ref().map(|(key, value)| match value {
        Some(value) => format!("{key}={value}"),
        None => key.clone(),
    });
    vec![
        ("spec", filter.spec.map(|spec| spec.as_str().to_owned())),
        (
            "purpose",
            filter.purpose.map(|purpose| purpose.as_str().to_owned()),
        ),
        ("owner", filter.owner.map(|owner| owner.to_string())),
        ("tag", tag),
        (
            "rotation_due_before",
            filter.rotation_due_before.map(format_time),
        ),
        (
            "destruction_due_before",
            filter.destruction_due_before.map(format_time),
        ),
    ]
}
