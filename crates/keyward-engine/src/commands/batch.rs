//! Several items in one command: one decision about the key, one record, an answer for each item in its order.
//!
//! What is wrong with the key or the caller refuses the whole command; what is wrong with an item refuses that item. The
//! record says how many items there were and why how many were refused.
use std::collections::BTreeMap;
use std::sync::Arc;

use keyward_core::algorithm::{Service, SignatureScheme};
use keyward_core::command::{DecryptBatch, EncryptBatch, MacBatch, SignBatch, VerifyBatch};
use keyward_core::decide::use_key::{Use, batch_fits};
use keyward_core::ids::ObjectId;
use keyward_core::outcome::{BatchItem, Outcome};
use keyward_core::secret::Secret;
use keyward_core::{ErrorCode, Problem};

use super::sign::{Check, Made};
use super::use_key::sizes;
use crate::engine::Stop;
use crate::work::Work;

type Each<T> = Vec<Result<T, Problem>>;

impl Work<'_> {
    pub(super) fn encrypt_batch(&mut self, command: &EncryptBatch) -> Result<Outcome, Stop> {
        let items = &command.items;
        let bytes = items
            .iter()
            .map(|item| item.plaintext.len().saturating_add(item.context.len()));
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        self.measured(items.len(), bytes)?;
        // Every item counts against the limit of the version, refused ones too: they are never undercounted.
        let sealer = self.sealer(&realm, &entry, items.len() as u64)?;
        let mut each = Vec::with_capacity(items.len());
        for item in items {
            let fits = sizes(item.plaintext.len(), item.context.len());
            each.push(match fits {
                Err(problem) => Err(problem),
                Ok(()) => Ok(BatchItem::Ciphertext {
                    ciphertext: self.sealed(&sealer, &item.context, item.plaintext.expose())?,
                    version: sealer.version(),
                }),
            });
        }
        Ok(self.batch(entry.object.id, None, each))
    }

    pub(super) fn decrypt_batch(&mut self, command: &DecryptBatch) -> Result<Outcome, Stop> {
        let items = &command.items;
        let bytes = items
            .iter()
            .map(|item| item.ciphertext.len().saturating_add(item.context.len()));
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        self.measured(items.len(), bytes)?;
        let mut each = Vec::with_capacity(items.len());
        for item in items {
            let opened = self.opened(
                &realm,
                &entry.object,
                command.accept_compromised,
                &item.context,
                &item.ciphertext,
            );
            each.push(match opened {
                Ok((plaintext, version)) => Ok(BatchItem::Plaintext { plaintext, version }),
                Err(problem) if is_of_item(problem.code) => Err(problem),
                Err(problem) => return Err(problem.into()),
            });
        }
        self.target_version = None;
        Ok(self.batch(entry.object.id, None, each))
    }

    pub(super) fn sign_batch(&mut self, command: &SignBatch) -> Result<Outcome, Stop> {
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        self.measured(command.items.len(), command.items.iter().map(Secret::len))?;
        let messages: Vec<&Secret> = command.items.iter().collect();
        let Made {
            version,
            scheme,
            each,
        } = self.made(
            &realm,
            &entry.object,
            Service::Sign,
            command.scheme,
            &messages,
        )?;
        let signed = |signature| BatchItem::Signature { signature, version };
        let each = each.into_iter().map(|one| one.map(signed)).collect();
        Ok(self.batch(entry.object.id, scheme, each))
    }

    pub(super) fn mac_batch(&mut self, command: &MacBatch) -> Result<Outcome, Stop> {
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        self.measured(command.items.len(), command.items.iter().map(Secret::len))?;
        let messages: Vec<&Secret> = command.items.iter().collect();
        let made = self.made(&realm, &entry.object, Service::Mac, None, &messages)?;
        let version = made.version;
        let code = |mac| BatchItem::Mac { mac, version };
        let each = made.each.into_iter().map(|one| one.map(code)).collect();
        Ok(self.batch(entry.object.id, None, each))
    }

    pub(super) fn verify_batch(&mut self, command: &VerifyBatch) -> Result<Outcome, Stop> {
        let items = &command.items;
        let bytes = items
            .iter()
            .map(|item| item.message.len().saturating_add(item.signature.len()));
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        self.measured(items.len(), bytes)?;
        let object = &entry.object;
        let wanted = Use {
            service: Service::Verify,
            accept_compromised: command.accept_compromised,
        };
        let mut known = BTreeMap::new();
        let (mut checks, mut refused) = (Vec::with_capacity(items.len()), Vec::new());
        for (place, item) in items.iter().enumerate() {
            let candidates = match known.get(&item.version) {
                Some(found) => Result::clone(found),
                None => {
                    let found = self.candidates(&realm, object, wanted, item.version);
                    known.insert(item.version, found.clone());
                    found
                }
            };
            match candidates {
                Ok(candidates) => checks.push(Check {
                    candidates: Arc::clone(&candidates),
                    message: item.message.expose(),
                    proof: &item.signature,
                }),
                Err(problem) if is_of_item(problem.code) => refused.push((place, problem)),
                Err(problem) => return Err(problem.into()),
            }
        }
        let scheme = self.scheme(object, command.scheme)?;
        let mut each = self.checked(object, Service::Verify, Some(scheme), &checks)?;
        for (place, problem) in refused {
            each.insert(place.min(each.len()), Err(problem));
        }
        let good = |version| BatchItem::Verified { version };
        let each = each.into_iter().map(|one| one.map(good)).collect();
        self.target_version = None;
        Ok(self.batch(object.id, Some(scheme), each))
    }

    /// Notes the size of a batch and judges it.
    fn measured(
        &mut self,
        items: usize,
        bytes: impl Iterator<Item = usize>,
    ) -> Result<(), Problem> {
        let bytes = bytes.fold(0_usize, usize::saturating_add);
        self.payload_bytes = Some(bytes as u64);
        self.detail = Some(format!("{items} items"));
        batch_fits(items, bytes)
    }

    /// The outcome, with its counts in the record.
    fn batch(
        &mut self,
        key: ObjectId,
        scheme: Option<SignatureScheme>,
        items: Each<BatchItem>,
    ) -> Outcome {
        let mut refused: BTreeMap<&str, u32> = BTreeMap::new();
        for problem in items.iter().filter_map(|item| item.as_ref().err()) {
            let count = refused.entry(problem.code.as_str()).or_default();
            *count = count.saturating_add(1);
        }
        let mut detail = format!("{} items", items.len());
        if let Some(scheme) = scheme {
            detail.push_str(", ");
            detail.push_str(scheme.as_str());
        }
        for (code, count) in refused {
            detail.push_str(&format!(", {count} refused: {code}"));
        }
        self.detail = Some(detail);
        Outcome::Batch { key, scheme, items }
    }
}

/// Whether a refusal is about one item; any other would meet every item alike, or is a fault of ours.
const fn is_of_item(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::DataTooLarge
            | ErrorCode::InvalidField
            | ErrorCode::InvalidCiphertext
            | ErrorCode::UnsupportedSuite
            | ErrorCode::CiphertextForeign
            | ErrorCode::VersionNotFound
            | ErrorCode::VersionBelowMinimum
            | ErrorCode::DestructionPending
            | ErrorCode::KeyPreActive
            | ErrorCode::KeyDeactivated
            | ErrorCode::KeyCompromised
            | ErrorCode::KeyDestroyed
            | ErrorCode::CryptoperiodOver
    )
}
