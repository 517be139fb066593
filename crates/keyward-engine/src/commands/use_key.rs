//! Encrypt and decrypt.
use std::sync::Arc;

use keyward_core::algorithm::Service;
use keyward_core::ciphertext::{self, CiphertextError, CiphertextHeader, OVERHEAD_BYTES, Suite};
use keyward_core::command::{Decrypt, Encrypt};
use keyward_core::decide::use_key::{Use, may_use};
use keyward_core::limits::{CONTEXT_MAX_BYTES, GCM_INVOCATIONS_MAX, MESSAGE_MAX_BYTES};
use keyward_core::object::{Object, Realm, Usage};
use keyward_core::outcome::Outcome;
use keyward_core::secret::Secret;
use keyward_core::{ErrorCode, Problem};

use crate::cache::{ObjectEntry, VersionEntry};
use crate::crypto::Held;
use crate::engine::Stop;
use crate::ports::module::{ModuleFault, Operation, Output};
use crate::problems::module_problem;
use crate::rows;
use crate::usage::{Counter, Reservation, Ticket};
use crate::work::Work;

pub(super) fn sizes(payload: usize, context: usize) -> Result<(), Problem> {
    if payload > MESSAGE_MAX_BYTES {
        return Err(Problem::new(ErrorCode::DataTooLarge)
            .with("limit_bytes", MESSAGE_MAX_BYTES.to_string()));
    }
    if context > CONTEXT_MAX_BYTES {
        return Err(Problem::new(ErrorCode::InvalidField)
            .with("field", "context")
            .with("reason", format!("at most {CONTEXT_MAX_BYTES} bytes")));
    }
    Ok(())
}

/// A version that is about to encrypt: decided, counted, loaded.
pub(super) struct Sealer {
    header: CiphertextHeader,
    key: Arc<Held>,
    exception: bool,
}

impl Sealer {
    pub(super) const fn version(&self) -> u32 {
        self.header.version
    }
}

impl Work<'_> {
    pub(super) fn encrypt(&mut self, command: &Encrypt) -> Result<Outcome, Stop> {
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        self.payload_bytes = Some(command.plaintext.len() as u64);
        sizes(command.plaintext.len(), command.context.len())?;
        let sealer = self.sealer(&realm, &entry, 1)?;
        let ciphertext = self.sealed(&sealer, &command.context, command.plaintext.expose())?;
        Ok(Outcome::Ciphertext {
            ciphertext,
            key: entry.object.id,
            version: sealer.version(),
        })
    }

    /// Decides that the current version may encrypt so many times, and counts them.
    pub(super) fn sealer(
        &mut self,
        realm: &Realm,
        entry: &ObjectEntry,
        uses: u64,
    ) -> Result<Sealer, Stop> {
        let object = &entry.object;
        let version = self.version(object, object.current)?;
        let wanted = Use {
            service: Service::Encrypt,
            accept_compromised: false,
        };
        let spec = may_use(
            object,
            &version.version,
            realm,
            &self.open.facts,
            wanted,
            self.moment,
        )?;
        let suite = Suite::of(spec).ok_or_else(|| {
            Problem::new(ErrorCode::UsageNotPermitted).with("usage", Service::Encrypt.as_str())
        })?;
        self.count_uses(object, &version, uses)?;
        Ok(Sealer {
            header: CiphertextHeader {
                suite,
                deployment: self.open.deployment,
                key: object.id,
                version: version.version.number,
            },
            key: self.material(object, &version)?,
            exception: object.exception,
        })
    }

    /// One ciphertext.
    pub(super) fn sealed(
        &mut self,
        sealer: &Sealer,
        context: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Problem> {
        let mut out = Vec::with_capacity(plaintext.len().saturating_add(OVERHEAD_BYTES));
        out.extend_from_slice(&sealer.header.to_bytes());
        let operation = Operation::Encrypt {
            key: sealer.key.handle(),
            aad: &sealer.header.associated_data(context),
            plaintext,
            out: &mut out,
        };
        let done = self
            .open
            .crypto
            .operate(&self.permit(sealer.exception), operation)
            .map_err(module_problem)?;
        self.used(done.indicator);
        Ok(out)
    }

    pub(super) fn decrypt(&mut self, command: &Decrypt) -> Result<Outcome, Problem> {
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        self.payload_bytes = Some(command.ciphertext.len() as u64);
        let object = &entry.object;
        let (plaintext, version) = self.opened(
            &realm,
            object,
            command.accept_compromised,
            &command.context,
            &command.ciphertext,
        )?;
        Ok(Outcome::Plaintext {
            plaintext,
            key: object.id,
            version,
        })
    }

    /// Opens one ciphertext with the version it names.
    pub(super) fn opened(
        &mut self,
        realm: &Realm,
        object: &Object,
        accept_compromised: bool,
        context: &[u8],
        ciphertext: &[u8],
    ) -> Result<(Secret, u32), Problem> {
        sizes(
            ciphertext.len().saturating_sub(OVERHEAD_BYTES),
            context.len(),
        )?;
        let invalid = || Problem::new(ErrorCode::InvalidCiphertext);
        let (header, sealed) = ciphertext::parse(ciphertext).map_err(|fault| match fault {
            CiphertextError::NotOurs => invalid(),
            CiphertextError::Format | CiphertextError::Suite => {
                Problem::new(ErrorCode::UnsupportedSuite)
            }
        })?;
        if header.deployment != self.open.deployment {
            return Err(Problem::new(ErrorCode::CiphertextForeign));
        }
        // Another key's ciphertext is not told apart from a damaged one.
        if header.key != object.id || header.version == 0 || header.version > object.current {
            return Err(invalid());
        }
        let version = self.version(object, header.version)?;
        let wanted = Use {
            service: Service::Decrypt,
            accept_compromised,
        };
        let spec = may_use(
            object,
            &version.version,
            realm,
            &self.open.facts,
            wanted,
            self.moment,
        )?;
        if Suite::of(spec) != Some(header.suite) {
            return Err(invalid());
        }
        let key = self.material(object, &version)?;
        let operation = Operation::Decrypt {
            key: key.handle(),
            aad: &header.associated_data(context),
            sealed,
        };
        let done = self
            .open
            .crypto
            .operate(&self.permit(object.exception), operation)
            .map_err(|fault| {
                if fault == ModuleFault::Refused {
                    invalid()
                } else {
                    module_problem(fault)
                }
            })?;
        self.used(done.indicator);
        match done.output {
            Output::Secret(plaintext) => Ok((plaintext, header.version)),
            _ => Err(Problem::new(ErrorCode::ModuleFault)),
        }
    }

    /// The version's material in the module, loaded once while it stays in the cache.
    pub(super) fn material(
        &self,
        object: &Object,
        entry: &VersionEntry,
    ) -> Result<Arc<Held>, Problem> {
        if let Some(held) = entry.held.get() {
            return Ok(Arc::clone(held));
        }
        let held = self
            .open
            .custody
            .unwrap_material(object, &entry.version)
            .map_err(|fault| match fault {
                // The blob was authentic as a row, so a leaf or blob that does not open is damage, not misuse.
                ModuleFault::Refused => Problem::new(ErrorCode::StorageCorrupted),
                other => module_problem(other),
            })?;
        let held = Arc::new(held);
        Ok(Arc::clone(entry.held.get_or_init(|| held)))
    }

    /// Counts encryptions against the limit of 2^32; may put a reservation into this command's own commit.
    fn count_uses(&mut self, object: &Object, entry: &VersionEntry, uses: u64) -> Result<(), Stop> {
        let key = rows::usage(object.realm, object.id, entry.version.number);
        let counter = {
            let mut slot = entry.counter.lock();
            if let Some(counter) = &*slot {
                Arc::clone(counter)
            } else {
                let usage = self
                    .open
                    .read::<Usage>(&key)?
                    .map(|o| o.value)
                    .unwrap_or_default();
                if usage.unbounded {
                    return Err(Problem::new(ErrorCode::UseUnbounded).into());
                }
                let counter = Counter::new(usage.reserved);
                *slot = Some(Arc::clone(&counter));
                counter
            }
        };
        match counter.take(uses) {
            Ticket::Counted => Ok(()),
            Ticket::Wait => Err(Stop::WaitFor(counter)),
            Ticket::Exhausted => Err(Problem::new(ErrorCode::UsageLimitReached)
                .with("limit", GCM_INVOCATIONS_MAX.to_string())
                .into()),
            Ticket::Reserve(up_to) => {
                let reservation = Reservation::new(counter, up_to);
                let stored = self.decoded::<Usage>(&key)?;
                let (known, row) =
                    stored.map_or((0, None), |(usage, row)| (usage.reserved, Some(row)));
                // A reservation whose caller went away may be stored although it was not settled here: never go back.
                let reserved = up_to.max(known);
                let usage = Usage {
                    reserved,
                    reserved_at: self.moment.now.wall,
                    unbounded: false,
                };
                self.put(key, row.as_ref(), &usage)?;
                self.reservation = Some(reservation);
                Ok(())
            }
        }
    }
}
