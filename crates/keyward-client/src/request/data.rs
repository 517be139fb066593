//! Requests of commands that sign, verify and authenticate, and of batches.
use keyward_core::algorithm::SignatureScheme;
use keyward_core::command::Command;

use crate::payload::{Members, Payload, room};

/// What stands behind the key's own path.
pub(super) const fn action(command: &Command) -> Option<&'static str> {
    Some(match command {
        Command::Sign(_) => "/sign",
        Command::Verify(_) => "/verify",
        Command::Mac(_) => "/mac",
        Command::VerifyMac(_) => "/verify-mac",
        Command::EncryptBatch(_) => "/encrypt/batch",
        Command::DecryptBatch(_) => "/decrypt/batch",
        Command::SignBatch(_) => "/sign/batch",
        Command::VerifyBatch(_) => "/verify/batch",
        Command::MacBatch(_) => "/mac/batch",
        _ => return None,
    })
}

fn scheme(members: &mut Members, scheme: Option<SignatureScheme>) {
    members.value("scheme", scheme.map(SignatureScheme::as_str));
}

/// The body.
pub(super) fn body(command: &Command) -> Option<Payload> {
    Some(match command {
        Command::Sign(c) => Payload::object(room(c.message.len()), |m| {
            m.base64("message", c.message.expose());
            scheme(m, c.scheme);
        }),
        Command::Mac(c) => Payload::object(room(c.message.len()), |m| {
            m.base64("message", c.message.expose());
        }),
        Command::Verify(c) => {
            Payload::object(room(c.message.len()) + room(c.signature.len()), |m| {
                m.base64("message", c.message.expose());
                m.base64("signature", &c.signature);
                m.value("version", c.version);
                scheme(m, c.scheme);
                m.set("accept_compromised", c.accept_compromised);
            })
        }
        Command::VerifyMac(c) => Payload::object(room(c.message.len()) + room(c.mac.len()), |m| {
            m.base64("message", c.message.expose());
            m.base64("mac", &c.mac);
            m.value("version", c.version);
            m.set("accept_compromised", c.accept_compromised);
        }),
        other => return batch(other),
    })
}

fn batch(command: &Command) -> Option<Payload> {
    Some(match command {
        Command::EncryptBatch(c) => {
            let size = |item: &keyward_core::command::EncryptItem| {
                room(item.plaintext.len()) + room(item.context.len())
            };
            Payload::object(c.items.iter().map(size).sum(), |m| {
                m.list("items", &c.items, |m, item| {
                    m.base64("plaintext", item.plaintext.expose());
                    m.some_base64("context", &item.context);
                });
            })
        }
        Command::DecryptBatch(c) => {
            let size = |item: &keyward_core::command::DecryptItem| {
                room(item.ciphertext.len()) + room(item.context.len())
            };
            Payload::object(c.items.iter().map(size).sum(), |m| {
                m.list("items", &c.items, |m, item| {
                    m.base64("ciphertext", &item.ciphertext);
                    m.some_base64("context", &item.context);
                });
                m.set("accept_compromised", c.accept_compromised);
            })
        }
        Command::SignBatch(c) => {
            let size = c.items.iter().map(|message| room(message.len())).sum();
            Payload::object(size, |m| {
                m.list("items", &c.items, |m, message| {
                    m.base64("message", message.expose());
                });
                scheme(m, c.scheme);
            })
        }
        Command::MacBatch(c) => {
            let size = c.items.iter().map(|message| room(message.len())).sum();
            Payload::object(size, |m| {
                m.list("items", &c.items, |m, message| {
                    m.base64("message", message.expose());
                });
            })
        }
        Command::VerifyBatch(c) => {
            let size = |item: &keyward_core::command::VerifyItem| {
                room(item.message.len()) + room(item.signature.len())
            };
            Payload::object(c.items.iter().map(size).sum(), |m| {
                m.list("items", &c.items, |m, item| {
                    m.base64("message", item.message.expose());
                    m.base64("signature", &item.signature);
                    m.value("version", item.version);
                });
                scheme(m, c.scheme);
                m.set("accept_compromised", c.accept_compromised);
            })
        }
        _ => return None,
    })
}
