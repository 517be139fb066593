//! From a command to an HTTP request: the inverse of the server's decoding, and tested as such.
mod data;
mod material;

use http::{Method, Uri};
use keyward_core::command::{Command, CommandKind, CreateKey, Effect, KeyRef, ReadAudit, RealmRef};
use keyward_core::ids::RealmId;
use keyward_core::time::Millis;
use serde_json::{Map, Value, json};

use crate::error::ClientError;
use crate::payload::Payload;

mod attributes;
mod objects;

/// One request, ready to be sent any number of times.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) target: Uri,
    pub(crate) body: Option<Payload>,
    pub(crate) accept: &'static str,
    pub(crate) effect: Effect,
    /// Whether the server takes an idempotency key for it.
    pub(crate) keyed: bool,
    pub(crate) idempotency_key: Option<String>,
    /// Revision at which the change is wanted.
    pub(crate) if_match: Option<u64>,
}

const JSON: &str = "application/json";

impl Request {
    /// A request for something that is not a command.
    pub(crate) fn get(path: &'static str) -> Self {
        Self {
            method: Method::GET,
            target: Uri::from_static(path),
            body: None,
            accept: JSON,
            effect: Effect::Read,
            keyed: false,
            idempotency_key: None,
            if_match: None,
        }
    }

    /// The request for opening the seal, which proves itself: no key, and safe to repeat only if nothing was sent.
    pub(crate) fn unseal(body: Payload) -> Self {
        Self {
            method: Method::POST,
            target: Uri::from_static("/v1/unseal"),
            body: Some(body),
            accept: JSON,
            effect: Effect::Change,
            keyed: false,
            idempotency_key: None,
            if_match: None,
        }
    }

    /// The request for a command.
    pub(crate) fn of(command: &Command) -> Result<Self, ClientError> {
        let kind = command.kind();
        let not_callable = || ClientError::NotCallable {
            command: kind.as_str(),
        };
        let (method, target) = route(command).ok_or_else(not_callable)?;
        Ok(Self {
            method,
            target: Uri::try_from(target).map_err(|_| not_callable())?,
            body: body(command),
            accept: match kind {
                CommandKind::ReadCheckpoint => "text/plain",
                CommandKind::ReadLog | CommandKind::ArchiveLog => "application/octet-stream",
                _ => JSON,
            },
            effect: kind.effect(),
            keyed: kind.effect() == Effect::Change,
            idempotency_key: None,
            if_match: None,
        })
    }
}

/// Percent-encodes what is not unreserved (RFC 3986 §2.3).
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            use std::fmt::Write as _;
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn realm_segment(realm: &RealmRef) -> String {
    match realm {
        RealmRef::Id(RealmId::SYSTEM) => "system".to_owned(),
        RealmRef::Id(id) => id.to_string(),
        RealmRef::Name(name) => encoded(name.as_str()),
    }
}

fn key_path(realm: &RealmRef, key: &KeyRef) -> String {
    let (family, key) = match key {
        KeyRef::Id(id) => ("keys", id.to_string()),
        KeyRef::Name(name) => ("keys", encoded(name.as_str())),
        KeyRef::Object(kind, id) => (objects::family(*kind), id.to_string()),
        KeyRef::Named(kind, name) => (objects::family(*kind), encoded(name.as_str())),
    };
    format!("/v1/realms/{}/{family}/{key}", realm_segment(realm))
}

/// `?a=b&c=d` of those that are given.
fn query(pairs: &[(&str, Option<String>)]) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if let Some(value) = value {
            out.push(if out.is_empty() { '?' } else { '&' });
            out.push_str(name);
            out.push('=');
            out.push_str(&encoded(value));
        }
    }
    out
}

/// Method and address; none for what only the server itself does.
fn route(command: &Command) -> Option<(Method, String)> {
    if matches!(command, Command::GiveNotice(_)) {
        return None;
    }
    if let Some(key) = command.key() {
        let path = key_path(command.realm(), key);
        return Some(
            attributes::route(command, &path)
                .or_else(|| objects::route(command, &path))
                .unwrap_or_else(|| key_route(command, &path)),
        );
    }
    let realm = || format!("/v1/realms/{}", realm_segment(command.realm()));
    let get = |target: String| Some((Method::GET, target));
    let post = |target: String| Some((Method::POST, target));
    if let Some(action) = material::keyless(command) {
        return post(format!("{}{action}", realm()));
    }
    match command {
        Command::Seal(_) => post("/v1/seal".to_owned()),
        Command::Status(_) => get("/v1/status".to_owned()),
        Command::ListModules(_) => get("/v1/modules".to_owned()),
        Command::ReadSettings(_) => get("/v1/settings".to_owned()),
        Command::CreateRealm(_) => post("/v1/realms".to_owned()),
        Command::ListRealms(c) => get(format!("/v1/realms{}", page(c.after.as_ref(), c.limit))),
        Command::DescribeRealm(_) => get(realm()),
        Command::ConfigureRealm(_) => Some((Method::PATCH, realm())),
        Command::SuspendRealm(_) => post(format!("{}/suspend", realm())),
        Command::ResumeRealm(_) => post(format!("{}/resume", realm())),
        Command::CreateWorkload(_) => post(format!("{}/workloads", realm())),
        Command::ListPrincipals(c) => get(format!(
            "{}/workloads{}",
            realm(),
            page(c.after.as_ref(), c.limit)
        )),
        Command::DescribePrincipal(c) => get(format!("/v1/principals/{}", c.principal)),
        Command::IssueToken(c) => post(format!("/v1/principals/{}/tokens", c.principal)),
        Command::SetPrincipalEnabled(c) => post(format!(
            "/v1/principals/{}/{}",
            c.principal,
            if c.enabled { "enable" } else { "disable" }
        )),
        Command::RevokeToken(c) => Some((Method::DELETE, format!("/v1/tokens/{}", c.token))),
        Command::RegisterAnchor(_) => post(format!("{}/anchors", realm())),
        Command::BindCertificate(_) => post(format!("{}/certificates", realm())),
        Command::ListPolicies(_) => get(format!("{}/policies", realm())),
        Command::PutPolicy(c) => Some((
            Method::PUT,
            format!("{}/policies/{}", realm(), encoded(c.name.as_str())),
        )),
        Command::DeletePolicy(c) => Some((
            Method::DELETE,
            format!("{}/policies/{}", realm(), encoded(c.name.as_str())),
        )),
        Command::CreateKey(_) => post(format!("{}/keys", realm())),
        Command::ListKeys(c) => {
            let mut pairs = vec![
                ("after", c.after.map(|id| id.to_string())),
                ("limit", Some(c.limit.to_string())),
                ("state", c.state.map(|state| state.as_str().to_owned())),
                ("name_prefix", c.name_prefix.clone()),
            ];
            pairs.extend(c.filter.iter().flat_map(attributes::filter));
            get(format!("{}/keys{}", realm(), query(&pairs)))
        }
        other => objects::realm_route(other, &realm()).or_else(|| audit_route(other)),
    }
}

fn page(after: Option<&impl ToString>, limit: u16) -> String {
    query(&[
        ("after", after.map(ToString::to_string)),
        ("limit", Some(limit.to_string())),
    ])
}

fn key_route(command: &Command, key: &str) -> (Method, String) {
    if let Some(question) = material::question(command) {
        return (Method::GET, format!("{key}{question}"));
    }
    if let Some(action) = data::action(command).or_else(|| material::action(command)) {
        return (Method::POST, format!("{key}{action}"));
    }
    let action = match command {
        Command::Encrypt(_) => "/encrypt",
        Command::Decrypt(_) => "/decrypt",
        Command::RotateKey(_) => "/rotate",
        Command::ActivateKey(_) => "/activate",
        Command::SuspendKey(_) => "/suspend",
        Command::ResumeKey(_) => "/resume",
        Command::DeactivateKey(_) => "/deactivate",
        Command::ReportCompromise(_) => "/compromise",
        Command::ScheduleDestruction(_) => "/destruction",
        Command::ExecuteDestruction(_) => "/destruction/execute",
        Command::ConfirmDestruction(_) => "/destruction/confirm",
        Command::CancelDestruction(c) => {
            let version = query(&[("version", c.version.map(|version| version.to_string()))]);
            return (Method::DELETE, format!("{key}/destruction{version}"));
        }
        _ => return (Method::GET, key.to_owned()),
    };
    (Method::POST, format!("{key}{action}"))
}

fn audit_route(command: &Command) -> Option<(Method, String)> {
    Some(match command {
        Command::ReadAudit(c) => (Method::GET, format!("/v1/audit/records{}", audit_query(c))),
        Command::ProveRecord(c) => (Method::GET, format!("/v1/audit/records/{}/proof", c.index)),
        Command::ReadCheckpoint(_) => (Method::GET, "/v1/audit/checkpoint".to_owned()),
        Command::ReadLog(c) => {
            let path: Vec<String> = c.path.split('/').map(encoded).collect();
            (Method::GET, format!("/v1/log/{}", path.join("/")))
        }
        Command::ArchiveLog(_) => (Method::POST, "/v1/audit/archive".to_owned()),
        Command::RedactRecord(c) => (
            Method::POST,
            format!("/v1/audit/records/{}/redact", c.index),
        ),
        Command::RotateLogKey(_) => (Method::POST, "/v1/audit/log-key/rotate".to_owned()),
        _ => return None,
    })
}

fn audit_query(c: &ReadAudit) -> String {
    let realm = c.realm_filter.map(|id| realm_segment(&RealmRef::Id(id)));
    let command = c
        .command
        .and_then(CommandKind::from_number)
        .map(|kind| kind.as_str().to_owned());
    query(&[
        ("from", Some(c.from.to_string())),
        ("limit", Some(c.limit.to_string())),
        ("realm", realm),
        ("target", c.target.map(|id| keyward_core::ids::hex(&id))),
        ("principal", c.principal.map(|id| id.to_string())),
        ("command", command),
        ("refused_only", c.refused_only.then(|| "true".to_owned())),
        ("since", c.since.map(|at| at.to_string())),
        ("until", c.until.map(|at| at.to_string())),
    ])
}

/// An object of those that are given.
fn object(members: &[(&str, Option<Value>)]) -> Value {
    let given = members
        .iter()
        .filter_map(|(name, value)| Some(((*name).to_owned(), value.clone()?)));
    Value::Object(given.collect())
}

fn maybe<T: Into<Value> + Clone>(value: &Option<T>) -> Option<Value> {
    value.clone().map(Into::into)
}

/// The body; none where the route takes none or needs none.
fn body(command: &Command) -> Option<Payload> {
    if let Some(payload) = data::body(command).or_else(|| material::body(command)) {
        return Some(payload);
    }
    let value = match command {
        Command::Encrypt(c) => return Some(Payload::data("plaintext", c.plaintext.expose(), &c.context, "")),
        Command::Decrypt(c) => {
            let more = if c.accept_compromised { ",\"accept_compromised\":true" } else { "" };
            return Some(Payload::data("ciphertext", &c.ciphertext, &c.context, more));
        }
        Command::Seal(c) => object(&[("reason", maybe(&c.reason))]),
        Command::CreateRealm(c) => object(&[
            ("name", Some(c.name.as_str().into())),
            ("level", Some(c.level.into())),
            ("rehearsal", Some(c.rehearsal.into())),
            (
                "quotas",
                c.quotas.map(|q| {
                    json!({
                        "keys": q.keys, "rate_per_second": q.rate_per_second, "in_flight": q.in_flight,
                        "audit_bytes_per_day": q.audit_bytes_per_day,
                    })
                }),
            ),
        ]),
        Command::CreateWorkload(c) => {
            let roles: Vec<&str> = c.roles.iter().map(|role| role.as_str()).collect();
            json!({ "name": c.name.as_str(), "roles": roles })
        }
        Command::IssueToken(c) => lifetime(c.lifetime),
        Command::RegisterAnchor(c) => json!({ "certificate": pem(&c.certificate) }),
        Command::BindCertificate(c) => json!({
            "anchor": keyward_core::ids::hex(&c.anchor), "name": c.name, "principal": c.principal.to_string(),
        }),
        Command::PutPolicy(c) => json!({ "text": c.text }),
        Command::CreateKey(c) => new_key(c),
        Command::ArchiveLog(c) => json!({ "before": c.before }),
        Command::RedactRecord(c) => json!({ "reason": c.reason }),
        other => {
            return attributes::body(other)
                .or_else(|| objects::body(other))
                .or_else(|| change_body(other));
        }
    };
    Some(Payload::json(&value))
}

fn change_body(command: &Command) -> Option<Payload> {
    let value = match command {
        Command::ActivateKey(c) => object(&[("version", maybe(&c.version))]),
        Command::SuspendKey(c) => object(&[("reason", maybe(&c.reason))]),
        Command::ResumeKey(c) => object(&[("reason", maybe(&c.reason))]),
        Command::DeactivateKey(c) => {
            object(&[("version", maybe(&c.version)), ("reason", maybe(&c.reason))])
        }
        Command::ReportCompromise(c) => object(&[
            ("reason", Some(c.reason.as_str().into())),
            ("version", maybe(&c.version)),
            (
                "since",
                c.since
                    .map(|since| keyward_protocol::rest::format_time(since).into()),
            ),
        ]),
        Command::ScheduleDestruction(c) => object(&[
            ("after_days", Some(c.after_days.into())),
            ("reason", Some(c.reason.as_str().into())),
            ("version", maybe(&c.version)),
        ]),
        _ => return None,
    };
    Some(Payload::json(&value))
}

fn lifetime(lifetime: Millis) -> Value {
    if lifetime.0.is_multiple_of(Millis::DAY.0) {
        json!({ "lifetime_days": lifetime.0 / Millis::DAY.0 })
    } else {
        // The interface has no smaller unit; a token that lasts a little longer is not what was asked for, so cut.
        json!({ "lifetime_hours": lifetime.0 / Millis::HOUR.0 })
    }
}

fn pem(der: &[u8]) -> String {
    let base64 = base64_simd::STANDARD.encode_to_string(der);
    let mut text = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for (place, character) in base64.chars().enumerate() {
        if place > 0 && place % 64 == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str("\n-----END CERTIFICATE-----\n");
    text
}

/// `<stem>_days` or, if it is no whole number of days, `<stem>_seconds`.
fn duration(members: &mut Map<String, Value>, stem: &str, duration: Option<Millis>) {
    let Some(Millis(ms)) = duration else { return };
    if ms.is_multiple_of(Millis::DAY.0) {
        members.insert(format!("{stem}_days"), (ms / Millis::DAY.0).into());
    } else {
        members.insert(format!("{stem}_seconds"), (ms / Millis::SECOND.0).into());
    }
}

fn new_key(c: &CreateKey) -> Value {
    let mut members = Map::new();
    if let Some(name) = &c.name {
        members.insert("name".to_owned(), name.as_str().into());
    }
    members.insert("spec".to_owned(), c.spec.as_str().into());
    if let Some(purpose) = c.purpose {
        members.insert("purpose".to_owned(), purpose.as_str().into());
    }
    members.insert("protection".to_owned(), c.protection.as_str().into());
    members.insert("export".to_owned(), c.export.as_str().into());
    members.insert("activate".to_owned(), c.activate.into());
    if let Some(period) = c.cryptoperiod {
        let mut inner = Map::new();
        duration(&mut inner, "originator", period.originator);
        duration(&mut inner, "recipient", period.recipient);
        members.insert("cryptoperiod".to_owned(), Value::Object(inner));
    }
    duration(&mut members, "rotate_every", c.rotate_every);
    members.insert("sensitivity".to_owned(), c.sensitivity.as_str().into());
    if !c.applications.is_empty() {
        members.insert("applications".to_owned(), c.applications.clone().into());
    }
    if !c.tags.is_empty() {
        members.insert("tags".to_owned(), json!(c.tags));
    }
    if let Some(owner) = c.owner {
        members.insert("owner".to_owned(), owner.to_string().into());
    }
    if let Some(exception) = c.exception {
        members.insert("non_approved_exception".to_owned(), exception.into());
    }
    Value::Object(members)
}

#[cfg(test)]
mod tests;
