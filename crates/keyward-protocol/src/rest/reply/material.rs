//! Answers with key material, keys made from keys, and what needs no key.
use keyward_core::algorithm::KeySpec;
use keyward_core::ids::ObjectId;
use keyward_core::outcome::Outcome;

use super::super::views;
use super::super::write::Writer;
use super::{Body, JSON, Reply, Response};
use crate::rest::jwk;
use crate::rest::pem;

const fn room(bytes: usize) -> usize {
    bytes.div_ceil(3).saturating_mul(4).saturating_add(192)
}

fn owner(w: &mut Writer, key: ObjectId, version: u32) {
    w.hex("key", key.as_bytes());
    w.whole("version", version);
}

impl Reply<'_> {
    /// Writes one of these outcomes, or gives it back.
    pub(super) fn material(self, outcome: Outcome) -> Result<Response, Outcome> {
        Ok(match outcome {
            Outcome::DataKey {
                plaintext,
                ciphertext,
                spec,
                key,
                version,
            } => {
                let bytes = plaintext.as_ref().map_or(0, |secret| room(secret.len()));
                let body = Writer::document(bytes.saturating_add(room(ciphertext.len())), |w| {
                    if let Some(plaintext) = &plaintext {
                        w.base64("plaintext", plaintext.expose());
                    }
                    w.base64("ciphertext", &ciphertext);
                    w.plain("spec", spec.as_str());
                    owner(w, key, version);
                });
                self.response(200, Some(JSON), Body::secret(body))
            }
            Outcome::DataKeyPair {
                public,
                wrapped,
                spec,
                key,
                version,
            } => {
                let bytes = room(public.len()).saturating_add(room(wrapped.len()));
                let body = Writer::document(bytes, |w| {
                    w.base64("public_key", &public);
                    w.base64("wrapped_private_key", &wrapped);
                    w.plain("spec", spec.as_str());
                    owner(w, key, version);
                });
                self.json(200, body)
            }
            Outcome::Wrapped {
                wrapped,
                key,
                version,
            } => {
                let body = Writer::document(room(wrapped.len()), |w| {
                    w.base64("wrapped", &wrapped);
                    owner(w, key, version);
                });
                self.json(200, body)
            }
            Outcome::Unwrapped {
                material,
                key,
                version,
            } => {
                let body = Writer::document(room(material.len()), |w| {
                    w.base64("material", material.expose());
                    owner(w, key, version);
                });
                self.response(200, Some(JSON), Body::secret(body))
            }
            other => return self.keyless(other),
        })
    }

    fn keyless(self, outcome: Outcome) -> Result<Response, Outcome> {
        Ok(match outcome {
            Outcome::Encapsulated { ciphertext, key } => {
                let body = Writer::document(room(ciphertext.len()).saturating_add(2048), |w| {
                    w.base64("ciphertext", &ciphertext);
                    w.object("new_key", |w| views::key(w, &key));
                });
                self.json(201, body)
            }
            Outcome::VerifiedExternal { scheme } => {
                let body = Writer::document(64, |w| {
                    w.flag("valid", true);
                    w.plain("scheme", scheme.as_str());
                });
                self.json(200, body)
            }
            Outcome::Random(bytes) => {
                let body = Writer::document(room(bytes.len()), |w| {
                    w.base64("bytes", bytes.expose());
                });
                self.response(200, Some(JSON), Body::secret(body))
            }
            Outcome::Hash { algorithm, digest } => {
                let body = Writer::document(256, |w| {
                    w.plain("algorithm", algorithm.as_str());
                    w.hex("digest", &digest);
                });
                self.json(200, body)
            }
            Outcome::PublicKey {
                der,
                spec,
                key,
                version,
            } => self.json(200, public_key(&der, spec, key, version)),
            other => return Err(other),
        })
    }
}

fn public_key(der: &[u8], spec: KeySpec, key: ObjectId, version: u32) -> Vec<u8> {
    Writer::document(room(der.len()).saturating_mul(4), |w| {
        owner(w, key, version);
        w.plain("spec", spec.as_str());
        w.base64("der", der);
        w.text("pem", &pem::public_key(der));
        if let Some(members) = jwk::members(spec, der) {
            w.object("jwk", |w| {
                for (name, value) in &members {
                    w.text(name, value);
                }
            });
        }
    })
}
