//! Answers of commands that use keys.
use keyward_core::Problem;
use keyward_core::algorithm::SignatureScheme;
use keyward_core::ids::ObjectId;
use keyward_core::outcome::{BatchItem, Outcome};

use super::super::write::Writer;
use super::{Body, JSON, Reply, Response};

/// Room for bytes in base64 and the members around them.
const fn room(bytes: usize) -> usize {
    bytes.div_ceil(3).saturating_mul(4).saturating_add(160)
}

/// `{"<name>":"<base64>","key":…,"version":…[,"scheme":…]}`.
fn bytes_of_key(
    name: &str,
    bytes: &[u8],
    key: ObjectId,
    version: u32,
    scheme: Option<SignatureScheme>,
) -> Vec<u8> {
    Writer::document(room(bytes.len()), |w| {
        w.base64(name, bytes);
        w.hex("key", key.as_bytes());
        w.whole("version", version);
        if let Some(scheme) = scheme {
            w.plain("scheme", scheme.as_str());
        }
    })
}

impl Reply<'_> {
    /// Writes one of these outcomes, or gives it back.
    pub(super) fn data(self, outcome: Outcome) -> Result<Response, Outcome> {
        Ok(match outcome {
            Outcome::Ciphertext {
                ciphertext,
                key,
                version,
            } => self.json(
                200,
                bytes_of_key("ciphertext", &ciphertext, key, version, None),
            ),
            Outcome::Plaintext {
                plaintext,
                key,
                version,
            } => {
                let body = bytes_of_key("plaintext", plaintext.expose(), key, version, None);
                self.response(200, Some(JSON), Body::secret(body))
            }
            Outcome::Signature {
                signature,
                scheme,
                key,
                version,
            } => self.json(
                200,
                bytes_of_key("signature", &signature, key, version, Some(scheme)),
            ),
            Outcome::Mac { mac, key, version } => {
                self.json(200, bytes_of_key("mac", &mac, key, version, None))
            }
            Outcome::Verified {
                scheme,
                key,
                version,
            } => {
                let body = Writer::document(160, |w| {
                    w.flag("valid", true);
                    w.hex("key", key.as_bytes());
                    w.whole("version", version);
                    if let Some(scheme) = scheme {
                        w.plain("scheme", scheme.as_str());
                    }
                });
                self.json(200, body)
            }
            Outcome::Batch { key, scheme, items } => {
                let bytes = items.iter().map(|item| room(item_bytes(item)));
                let bytes = bytes.fold(128, usize::saturating_add);
                let body = Writer::document(bytes, |w| {
                    w.hex("key", key.as_bytes());
                    if let Some(scheme) = scheme {
                        w.plain("scheme", scheme.as_str());
                    }
                    w.list("items", &items, |w, item| w.item_object(|w| one(w, item)));
                });
                self.response(200, Some(JSON), Body::secret(body))
            }
            other => return Err(other),
        })
    }
}

fn item_bytes(item: &Result<BatchItem, Problem>) -> usize {
    match item {
        Ok(BatchItem::Ciphertext { ciphertext, .. }) => ciphertext.len(),
        Ok(BatchItem::Plaintext { plaintext, .. }) => plaintext.len(),
        Ok(BatchItem::Signature { signature, .. }) => signature.len(),
        Ok(BatchItem::Mac { mac, .. }) => mac.len(),
        Ok(BatchItem::Verified { .. }) => 0,
        // A sentence and a few short values.
        Err(_) => 1024,
    }
}

fn one(w: &mut Writer, item: &Result<BatchItem, Problem>) {
    let version = match item {
        Ok(BatchItem::Ciphertext {
            ciphertext,
            version,
        }) => {
            w.base64("ciphertext", ciphertext);
            version
        }
        Ok(BatchItem::Plaintext { plaintext, version }) => {
            w.base64("plaintext", plaintext.expose());
            version
        }
        Ok(BatchItem::Signature { signature, version }) => {
            w.base64("signature", signature);
            version
        }
        Ok(BatchItem::Mac { mac, version }) => {
            w.base64("mac", mac);
            version
        }
        Ok(BatchItem::Verified { version }) => {
            w.flag("valid", true);
            version
        }
        Err(problem) => {
            w.object("error", |w| {
                w.plain("code", problem.code);
                w.text("detail", &problem.detail());
                w.object("params", |w| {
                    for (name, value) in &problem.params {
                        w.text(name, value);
                    }
                });
            });
            return;
        }
    };
    w.whole("version", *version);
}
