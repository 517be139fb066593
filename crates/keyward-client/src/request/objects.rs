//! Requests about objects that are no keys, and about material on its way in and out.
use http::Method;
use keyward_core::command::{
    Command, CreateSecret, KeyRef, ListObjects, PutCertificate, Recipient, Transfer, Value as Given,
};
use keyward_core::object::ObjectKind;
use serde_json::{Value, json};

use super::{attributes, maybe, new_key, object, query};
use crate::payload::Payload;

/// The segment of a kind.
pub(super) const fn family(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Secret => "secrets",
        ObjectKind::Opaque => "opaque",
        ObjectKind::Certificate => "certs",
        ObjectKind::Symmetric | ObjectKind::Pair | ObjectKind::Split => "keys",
    }
}

/// Method and address under an object's own; none for commands that are not of this kind.
pub(super) fn route(command: &Command, path: &str) -> Option<(Method, String)> {
    let post = |tail: &str| (Method::POST, format!("{path}{tail}"));
    Some(match command {
        Command::PutSecretVersion(_) | Command::PutCertificate(_) => post("/versions"),
        Command::ReadSecret(c) => {
            let version = query(&[("version", c.version.map(|version| version.to_string()))]);
            (Method::GET, format!("{path}/value{version}"))
        }
        Command::CreateCertificateRequest(_) => post("/certificate-request"),
        Command::ExportKey(_) => post("/export"),
        Command::ReleaseKey(_) => post("/release"),
        _ => return None,
    })
}

/// Method and address under a realm's own.
pub(super) fn realm_route(command: &Command, realm: &str) -> Option<(Method, String)> {
    let post = |tail: &str| (Method::POST, format!("{realm}/{tail}"));
    Some(match command {
        Command::CreateSecret(c) => post(family(c.kind)),
        Command::PutCertificate(_) => post("certs"),
        Command::CreateImportKey(_) => post("import-keys"),
        Command::ImportKey(_) => post("import"),
        Command::ListObjects(c) => (
            Method::GET,
            format!("{realm}/{}{}", family(c.kind), listing(c)),
        ),
        _ => return None,
    })
}

fn listing(c: &ListObjects) -> String {
    let mut pairs = vec![
        ("after", c.after.map(|id| id.to_string())),
        ("limit", Some(c.limit.to_string())),
        ("state", c.state.map(|state| state.as_str().to_owned())),
        ("name_prefix", c.name_prefix.clone()),
    ];
    pairs.extend(c.filter.iter().flat_map(attributes::filter));
    query(&pairs)
}

/// The body, where there is one.
pub(super) fn body(command: &Command) -> Option<Payload> {
    let value = match command {
        Command::CreateSecret(c) => return Some(valued(&c.value, &about(c))),
        Command::PutSecretVersion(c) => return Some(valued(&c.value, &json!({}))),
        Command::PutCertificate(c) => certificate(c),
        Command::CreateCertificateRequest(c) => json!({
            "subject": c.subject, "alternative_names": c.alternative_names,
        }),
        Command::CreateImportKey(c) => json!({ "scheme": c.scheme.as_str() }),
        Command::ImportKey(c) => {
            let mut members = new_key(&c.create);
            if let Some(members) = members.as_object_mut() {
                members.insert("transfer".to_owned(), transfer(&c.transfer));
            }
            members
        }
        Command::ExportKey(c) => object(&[
            ("version", maybe(&c.version)),
            ("recipient", Some(recipient(&c.recipient))),
        ]),
        Command::ReleaseKey(c) => object(&[("version", maybe(&c.version))]),
        _ => return None,
    };
    Some(Payload::json(&value))
}

fn base64(bytes: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(bytes)
}

fn transfer(transfer: &Transfer) -> Value {
    json!({
        "import_key": keyward_core::ids::hex(&transfer.import_key),
        "encapsulated": base64(&transfer.encapsulated),
        "wrapped": base64(&transfer.wrapped),
    })
}

fn key_text(key: &KeyRef) -> String {
    match key {
        KeyRef::Id(id) | KeyRef::Object(_, id) => id.to_string(),
        KeyRef::Name(name) | KeyRef::Named(_, name) => name.as_str().to_owned(),
    }
}

fn recipient(recipient: &Recipient) -> Value {
    match recipient {
        Recipient::Key(key) => json!({ "wrapping_key": key_text(key) }),
        Recipient::Public(scheme, public) => {
            json!({ "scheme": scheme.as_str(), "public_key": base64(public) })
        }
    }
}

fn about(c: &CreateSecret) -> Value {
    object(&[
        ("name", c.name.as_ref().map(|name| name.as_str().into())),
        ("sensitivity", Some(c.sensitivity.as_str().into())),
        (
            "applications",
            (!c.applications.is_empty()).then(|| json!(c.applications)),
        ),
        ("tags", (!c.tags.is_empty()).then(|| json!(c.tags))),
        ("owner", c.owner.map(|owner| owner.to_string().into())),
    ])
}

fn certificate(c: &PutCertificate) -> Value {
    object(&[
        ("name", c.name.as_ref().map(|name| name.as_str().into())),
        ("chain", Some(chain(&c.chain).into())),
        (
            "subject_key",
            c.subject_key.as_ref().map(|key| key_text(key).into()),
        ),
        ("tags", (!c.tags.is_empty()).then(|| json!(c.tags))),
        ("owner", c.owner.map(|owner| owner.to_string().into())),
    ])
}

/// A value beside other members; one that is given is written once, into a buffer that is wiped.
fn valued(value: &Given, others: &Value) -> Payload {
    let mut others = others.clone();
    match value {
        Given::Given(secret) => {
            let text = others.to_string();
            let inner = text
                .strip_prefix('{')
                .and_then(|text| text.strip_suffix('}'))
                .unwrap_or_default();
            let more = if inner.is_empty() {
                String::new()
            } else {
                format!(",{inner}")
            };
            return Payload::data("value", secret.expose(), &[], &more);
        }
        Given::Generated(alphabet, length) => {
            if let Some(members) = others.as_object_mut() {
                let generate = json!({ "alphabet": alphabet.as_str(), "length": length });
                members.insert("generate".to_owned(), generate);
            }
        }
        Given::Wrapped(wrapped) => {
            if let Some(members) = others.as_object_mut() {
                members.insert("transfer".to_owned(), transfer(wrapped));
            }
        }
    }
    Payload::json(&others)
}

/// Certificates in DER, one after the other, as PEM.
fn chain(der: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = der;
    while let Some(length) = length_of(rest) {
        let (one, after) = rest.split_at(length);
        text.push_str(&super::pem(one));
        rest = after;
    }
    text
}

/// How long the first DER structure is; none at the end, or where it makes no sense.
fn length_of(der: &[u8]) -> Option<usize> {
    let (header, rest) = der.split_at_checked(2)?;
    let short = usize::from(*header.get(1)?);
    let total = if short < 0x80 {
        2 + short
    } else {
        let count = short & 0x7f;
        let digits = rest.get(..count).filter(|_| (1..=4).contains(&count))?;
        let length = digits
            .iter()
            .fold(0usize, |length, digit| length << 8 | usize::from(*digit));
        2 + count + length
    };
    (total <= der.len()).then_some(total)
}
