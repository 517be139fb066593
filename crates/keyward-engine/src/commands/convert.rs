//! Re-encryption, data keys, wrapping of foreign material, and what needs no key: random bytes, hashes, public keys.
use keyward_core::algorithm::{KeySpec, Service};
use keyward_core::command::{
    ExportPublicKey, GenerateDataKey, GenerateDataKeyPair, GenerateDataKeyWithoutPlaintext, Hash,
    KeyRef, Random, ReEncrypt, RealmRef, Unwrap, VerifyExternal, Wrap,
};
use keyward_core::decide::new_key::{data_key, keyless, may_hash, random_fits, wrap_fits};
use keyward_core::decide::use_key::{Use, external, may_use};
use keyward_core::outcome::Outcome;
use keyward_core::policy_facts::ResourceKind;
use keyward_core::secret::Secret;
use keyward_core::{ErrorCode, Problem, spki};

use super::use_key::sizes;
use crate::cost::is_long;
use crate::crypto::Held;
use crate::engine::Stop;
use crate::permit::{Permit, PermitScope};
use crate::pool::{Computed, Stamp, Task};
use crate::ports::module::{ModuleFault, Operation, Output};
use crate::problems::module_problem;
use crate::work::Work;

impl Work<'_> {
    pub(super) fn re_encrypt(&mut self, command: &ReEncrypt) -> Result<Outcome, Stop> {
        let (realm, from) = self.decided_key(&command.realm, &command.key)?;
        let to = match &command.to {
            // The caller must be allowed this on both keys.
            Some(key) => self.decided_key(&command.realm, key)?.1,
            None => std::sync::Arc::clone(&from),
        };
        self.payload_bytes = Some(command.ciphertext.len() as u64);
        let new_context = command.new_context.as_ref().unwrap_or(&command.context);
        sizes(0, new_context.len())?;
        let (plaintext, version) = self.opened(
            &realm,
            &from.object,
            command.accept_compromised,
            &command.context,
            &command.ciphertext,
        )?;
        let sealer = self.sealer(&realm, &to, 1)?;
        let ciphertext = self.sealed(&sealer, new_context, plaintext.expose())?;
        self.target = Some(from.object.id.0);
        self.target_version = Some(version);
        let (key, to_version) = (to.object.id, sealer.version());
        self.detail = Some(format!("to version {to_version} of {key}"));
        Ok(Outcome::Ciphertext {
            ciphertext,
            key,
            version: to_version,
        })
    }

    pub(super) fn data_key(&mut self, command: &GenerateDataKey) -> Result<Outcome, Stop> {
        let (realm, key) = (&command.realm, &command.key);
        self.new_data_key(realm, key, command.spec, &command.context, true)
    }

    pub(super) fn data_key_without_plaintext(
        &mut self,
        command: &GenerateDataKeyWithoutPlaintext,
    ) -> Result<Outcome, Stop> {
        let (realm, key) = (&command.realm, &command.key);
        self.new_data_key(realm, key, command.spec, &command.context, false)
    }

    fn new_data_key(
        &mut self,
        realm: &RealmRef,
        key: &KeyRef,
        spec: KeySpec,
        context: &[u8],
        give: bool,
    ) -> Result<Outcome, Stop> {
        let (realm, entry) = self.decided_key(realm, key)?;
        sizes(0, context.len())?;
        data_key(spec, false, &self.open.facts, self.moment)?;
        let sealer = self.sealer(&realm, &entry, 1)?;
        let (made, indicator) = self.generated(spec, entry.object.exception)?;
        self.used(indicator);
        // The only place beside a session export where material becomes bytes: it is what the caller asked for, or it
        // is encrypted here and wiped.
        let permit = Permit::new(PermitScope::Command {
            number: self.kind.number(),
            exception: entry.object.exception,
            reveal: true,
        });
        let reveal = Operation::Reveal { key: made.handle() };
        let revealed = self.open.crypto.operate(&permit, reveal);
        let Output::Secret(plaintext) = revealed.map_err(module_problem)?.output else {
            return Err(Problem::new(ErrorCode::ModuleFault).into());
        };
        let ciphertext = self.sealed(&sealer, context, plaintext.expose())?;
        self.detail = Some(format!("data key {}", spec.as_str()));
        Ok(Outcome::DataKey {
            plaintext: give.then_some(plaintext),
            ciphertext,
            spec,
            key: entry.object.id,
            version: sealer.version(),
        })
    }

    pub(super) fn data_key_pair(&mut self, command: &GenerateDataKeyPair) -> Result<Outcome, Stop> {
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        let object = &entry.object;
        data_key(command.spec, true, &self.open.facts, self.moment)?;
        let (kek, version) = self.wrapping_version(&realm, &entry)?;
        let (pair, indicator) = self.generated(command.spec, object.exception)?;
        self.used(indicator);
        let permit = self.permit(object.exception);
        let crypto = &self.open.crypto;
        let public = crypto.operate(&permit, Operation::PublicKey { key: pair.handle() });
        let Output::Bytes(public) = public.map_err(module_problem)?.output else {
            return Err(Problem::new(ErrorCode::ModuleFault).into());
        };
        let wrap = Operation::WrapKey {
            kek: kek.handle(),
            key: pair.handle(),
        };
        let done = crypto.operate(&permit, wrap).map_err(module_problem)?;
        self.used(done.indicator);
        let Output::Bytes(wrapped) = done.output else {
            return Err(Problem::new(ErrorCode::ModuleFault).into());
        };
        self.detail = Some(format!("data key pair {}", command.spec.as_str()));
        Ok(Outcome::DataKeyPair {
            public: spki::wrapped(command.spec, &public),
            wrapped,
            spec: command.spec,
            key: object.id,
            version,
        })
    }

    pub(super) fn wrap(&mut self, command: &Wrap) -> Result<Outcome, Stop> {
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        self.payload_bytes = Some(command.material.len() as u64);
        wrap_fits("material", command.material.len())?;
        let (kek, version) = self.wrapping_version(&realm, &entry)?;
        let operation = Operation::WrapBytes {
            kek: kek.handle(),
            bytes: &command.material,
        };
        let permit = self.permit(entry.object.exception);
        let done = self.open.crypto.operate(&permit, operation);
        let done = done.map_err(module_problem)?;
        self.used(done.indicator);
        match done.output {
            Output::Bytes(wrapped) => Ok(Outcome::Wrapped {
                wrapped,
                key: entry.object.id,
                version,
            }),
            _ => Err(Problem::new(ErrorCode::ModuleFault).into()),
        }
    }

    fn wrapping_version(
        &mut self,
        realm: &keyward_core::object::Realm,
        entry: &crate::cache::ObjectEntry,
    ) -> Result<(std::sync::Arc<Held>, u32), Problem> {
        let object = &entry.object;
        let version = self.version(object, object.current)?;
        let wanted = Use {
            service: Service::Wrap,
            accept_compromised: false,
        };
        let facts = &self.open.facts;
        may_use(object, &version.version, realm, facts, wanted, self.moment)?;
        let key = self.material(object, &version)?;
        Ok((key, version.version.number))
    }

    pub(super) fn unwrap(&mut self, command: &Unwrap) -> Result<Outcome, Stop> {
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        self.payload_bytes = Some(command.wrapped.len() as u64);
        wrap_fits("wrapped", command.wrapped.len().saturating_sub(15).max(1))?;
        let wanted = Use {
            service: Service::Unwrap,
            accept_compromised: command.accept_compromised,
        };
        let object = &entry.object;
        let permit = self.permit(object.exception);
        // A blob names no version; its integrity check tells whether a version fits.
        for candidate in &*self.candidates(&realm, object, wanted, command.version)? {
            let (key, number) = candidate.key()?;
            let operation = Operation::UnwrapBytes {
                kek: key.handle(),
                blob: &command.wrapped,
            };
            let done = match self.open.crypto.operate(&permit, operation) {
                Err(ModuleFault::Refused) => continue,
                other => other.map_err(module_problem)?,
            };
            self.used(done.indicator);
            self.target_version = Some(number);
            return match done.output {
                Output::Secret(material) => Ok(Outcome::Unwrapped {
                    material,
                    key: object.id,
                    version: number,
                }),
                _ => Err(Problem::new(ErrorCode::ModuleFault).into()),
            };
        }
        Err(Problem::new(ErrorCode::WrappedKeyInvalid).into())
    }

    pub(super) fn random(&mut self, command: &Random) -> Result<Outcome, Problem> {
        let realm = self.realm(&command.realm)?;
        self.authorise_in(realm.id, ResourceKind::Realm, realm.id.0)?;
        keyless(&realm)?;
        random_fits(command.length)?;
        self.payload_bytes = Some(u64::from(command.length));
        let length = usize::try_from(command.length).unwrap_or_default();
        let done = self
            .open
            .crypto
            .operate(&self.permit(false), Operation::Random { length })
            .map_err(module_problem)?;
        self.used(done.indicator);
        match done.output {
            Output::Bytes(bytes) => Ok(Outcome::Random(Secret::new(bytes))),
            _ => Err(Problem::new(ErrorCode::ModuleFault)),
        }
    }

    pub(super) fn hash(&mut self, command: &Hash) -> Result<Outcome, Stop> {
        let realm = self.realm(&command.realm)?;
        self.authorise_in(realm.id, ResourceKind::Realm, realm.id.0)?;
        self.payload_bytes = Some(command.message.len() as u64);
        sizes(command.message.len(), 0)?;
        keyless(&realm)?;
        may_hash(command.algorithm, self.moment)?;
        self.detail = Some(command.algorithm.as_str().to_owned());
        let algorithm = command.algorithm;
        let stamp = Stamp::Command;
        // Hashing is what long messages cost in every service: any kind of key will do for the estimate.
        let long = is_long(KeySpec::HmacSha256, Service::Mac, 1, command.message.len());
        let permit = self.permit(false);
        let done = if let Some(Computed::Each(mut each)) = self.computed_for(stamp) {
            each.pop()
                .unwrap_or(Err(ModuleFault::Failed("nothing was hashed")))
        } else if self.open.pool.is_some() && long {
            let crypto = self.open.crypto.clone();
            let message = Secret::new(command.message.expose().to_vec());
            let run = Box::new(move || {
                let message = message.expose();
                let operation = Operation::Hash { algorithm, message };
                Computed::Each(vec![crypto.operate(&permit, operation)])
            });
            let bytes = command.message.len();
            return Err(Stop::Compute(Task { stamp, bytes, run }));
        } else {
            let message = command.message.expose();
            let operation = Operation::Hash { algorithm, message };
            self.open.crypto.operate(&permit, operation)
        };
        let done = done.map_err(module_problem)?;
        self.used(done.indicator);
        match done.output {
            Output::Bytes(digest) => Ok(Outcome::Hash { algorithm, digest }),
            _ => Err(Problem::new(ErrorCode::ModuleFault).into()),
        }
    }

    pub(super) fn verify_external(&mut self, command: &VerifyExternal) -> Result<Outcome, Stop> {
        let realm = self.realm(&command.realm)?;
        self.authorise_in(realm.id, ResourceKind::Realm, realm.id.0)?;
        self.payload_bytes = Some(command.message.len() as u64);
        sizes(command.message.len(), 0)?;
        let spec = command.spec;
        let scheme = external(spec, command.scheme, &realm, &self.open.facts, self.moment)?;
        self.detail = Some(format!("{} by {}", scheme.as_str(), spec.as_str()));
        let permit = self.permit(false);
        let long = is_long(spec, Service::Verify, 1, command.message.len());
        let done = if let Some(Computed::Each(mut each)) = self.computed_for(Stamp::Command) {
            each.pop()
                .unwrap_or(Err(ModuleFault::Failed("nothing was verified")))
        } else if self.open.pool.is_some() && long {
            let crypto = self.open.crypto.clone();
            let message = Secret::new(command.message.expose().to_vec());
            let (public, signature) = (command.public.clone(), command.signature.clone());
            let run = Box::new(move || {
                let operation = Operation::Verify {
                    spec,
                    public: &public,
                    scheme,
                    message: message.expose(),
                    signature: &signature,
                };
                Computed::Each(vec![crypto.operate(&permit, operation)])
            });
            let stamp = Stamp::Command;
            let bytes = command.message.len();
            return Err(Stop::Compute(Task { stamp, bytes, run }));
        } else {
            let operation = Operation::Verify {
                spec,
                public: &command.public,
                scheme,
                message: command.message.expose(),
                signature: &command.signature,
            };
            self.open.crypto.operate(&permit, operation)
        };
        let done = done.map_err(|fault| match fault {
            ModuleFault::Refused => Problem::new(ErrorCode::PublicKeyInvalid),
            other => module_problem(other),
        })?;
        self.used(done.indicator);
        match done.output {
            Output::Verdict(true) => Ok(Outcome::VerifiedExternal { scheme }),
            Output::Verdict(false) => Err(Problem::new(ErrorCode::SignatureInvalid).into()),
            _ => Err(Problem::new(ErrorCode::ModuleFault).into()),
        }
    }

    pub(super) fn export_public_key(
        &mut self,
        command: &ExportPublicKey,
    ) -> Result<Outcome, Problem> {
        let (_, entry) = self.decided_key(&command.realm, &command.key)?;
        let object = &entry.object;
        let number = command.version.unwrap_or(object.current);
        let spec = object.spec.filter(|spec| spec.is_pair()).ok_or_else(|| {
            let actual = object.spec.map_or(object.kind.as_str(), KeySpec::as_str);
            Problem::new(ErrorCode::WrongKeyType)
                .with("expected", "a pair")
                .with("actual", actual)
        })?;
        let version = self.version(object, number)?;
        let public = version.version.public.as_deref();
        let public = public.ok_or_else(|| Problem::new(ErrorCode::KeyDestroyed))?;
        Ok(Outcome::PublicKey {
            der: spki::wrapped(spec, public),
            spec,
            key: object.id,
            version: number,
        })
    }
}
