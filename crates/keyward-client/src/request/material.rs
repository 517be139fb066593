//! Requests of commands that make key material or keys from keys, and of those that need no key.
use keyward_core::algorithm::SignatureScheme;
use keyward_core::command::{Command, KeyRef};

use super::{new_key, query};
use crate::payload::{Payload, room};

/// What stands behind the key's own path, for commands that send something.
pub(super) const fn action(command: &Command) -> Option<&'static str> {
    Some(match command {
        Command::ReEncrypt(_) => "/re-encrypt",
        Command::GenerateDataKey(_) => "/data-key",
        Command::GenerateDataKeyWithoutPlaintext(_) => "/data-key-without-plaintext",
        Command::GenerateDataKeyPair(_) => "/data-key-pair",
        Command::Wrap(_) => "/wrap",
        Command::Unwrap(_) => "/unwrap",
        Command::DeriveKey(_) => "/derive",
        Command::AgreeKey(_) => "/agree",
        Command::Encapsulate(_) => "/encapsulate",
        Command::Decapsulate(_) => "/decapsulate",
        _ => return None,
    })
}

/// What stands behind the key's own path, for commands that only ask.
pub(super) fn question(command: &Command) -> Option<String> {
    match command {
        Command::ExportPublicKey(c) => {
            let version = query(&[("version", c.version.map(|version| version.to_string()))]);
            Some(format!("/public-key{version}"))
        }
        _ => None,
    }
}

/// What stands behind the realm's own path.
pub(super) const fn keyless(command: &Command) -> Option<&'static str> {
    match command {
        Command::Random(_) => Some("/random"),
        Command::Hash(_) => Some("/hash"),
        Command::VerifyExternal(_) => Some("/verify"),
        _ => None,
    }
}

fn text(key: &KeyRef) -> String {
    match key {
        KeyRef::Id(id) | KeyRef::Object(_, id) => id.to_string(),
        KeyRef::Name(name) | KeyRef::Named(_, name) => name.as_str().to_owned(),
    }
}

/// The body.
pub(super) fn body(command: &Command) -> Option<Payload> {
    Some(match command {
        Command::ReEncrypt(c) => {
            let context = c.new_context.as_deref().unwrap_or_default();
            let bytes = room(c.ciphertext.len()) + room(c.context.len()) + room(context.len());
            Payload::object(bytes + 1024, |m| {
                m.base64("ciphertext", &c.ciphertext);
                m.some_base64("context", &c.context);
                if let Some(context) = &c.new_context {
                    m.base64("new_context", context);
                }
                m.value("to", c.to.as_ref().map(text));
                m.set("accept_compromised", c.accept_compromised);
            })
        }
        Command::GenerateDataKey(c) => Payload::object(room(c.context.len()), |m| {
            m.value("spec", Some(c.spec.as_str()));
            m.some_base64("context", &c.context);
        }),
        Command::GenerateDataKeyWithoutPlaintext(c) => {
            Payload::object(room(c.context.len()), |m| {
                m.value("spec", Some(c.spec.as_str()));
                m.some_base64("context", &c.context);
            })
        }
        Command::GenerateDataKeyPair(c) => Payload::object(64, |m| {
            m.value("spec", Some(c.spec.as_str()));
        }),
        Command::Wrap(c) => Payload::object(room(c.material.len()), |m| {
            m.base64("material", c.material.expose());
        }),
        Command::Unwrap(c) => Payload::object(room(c.wrapped.len()), |m| {
            m.base64("wrapped", &c.wrapped);
            m.value("version", c.version);
            m.set("accept_compromised", c.accept_compromised);
        }),
        other => return new_key_body(other),
    })
}

fn new_key_body(command: &Command) -> Option<Payload> {
    Some(match command {
        Command::DeriveKey(c) => Payload::object(room(c.info.len()) + 4096, |m| {
            m.base64("info", &c.info);
            m.value("new_key", Some(new_key(&c.new)));
        }),
        Command::AgreeKey(c) => {
            Payload::object(room(c.info.len()) + room(c.peer.len()) + 4096, |m| {
                m.base64("peer", &c.peer);
                m.base64("info", &c.info);
                m.value("new_key", Some(new_key(&c.new)));
            })
        }
        Command::Encapsulate(c) => Payload::object(4096, |m| {
            m.value("new_key", Some(new_key(&c.new)));
        }),
        Command::Decapsulate(c) => Payload::object(room(c.ciphertext.len()) + 4096, |m| {
            m.base64("ciphertext", &c.ciphertext);
            m.value("version", c.version);
            m.set("accept_compromised", c.accept_compromised);
            m.value("new_key", Some(new_key(&c.new)));
        }),
        Command::VerifyExternal(c) => {
            let bytes = room(c.message.len()) + room(c.public.len()) + room(c.signature.len());
            Payload::object(bytes, |m| {
                m.value("spec", Some(c.spec.as_str()));
                m.value("scheme", c.scheme.map(SignatureScheme::as_str));
                m.base64("public_key", &c.public);
                m.base64("message", c.message.expose());
                m.base64("signature", &c.signature);
            })
        }
        Command::Random(c) => Payload::object(64, |m| m.value("length", Some(c.length))),
        Command::Hash(c) => Payload::object(room(c.message.len()), |m| {
            m.value("algorithm", Some(c.algorithm.as_str()));
            m.base64("message", c.message.expose());
        }),
        _ => return None,
    })
}
