//! Secrets of applications and opaque data.
use std::sync::Arc;

use keyward_core::algorithm::Indicator;
use keyward_core::command::{
    Alphabet, CreateSecret, KeyRef, PutSecretVersion, ReadSecret, RealmRef, Value,
};
use keyward_core::decide::life::{self, Material};
use keyward_core::decide::secret as decide;
use keyward_core::ids::{ObjectId, PrincipalId};
use keyward_core::object::{Birth, Object, ObjectKind, Origin, Realm, Version};
use keyward_core::outcome::Outcome;
use keyward_core::policy_facts::ResourceKind;
use keyward_core::secret::Secret;
use keyward_core::state::State;
use keyward_core::{ErrorCode, Problem};
use zeroize::Zeroizing;

use super::life::plain;
use crate::cache::ObjectEntry;
use crate::engine::Stop;
use crate::ports::module::{ModuleFault, Operation, Output};
use crate::problems::module_problem;
use crate::rows::{self, Pointer};
use crate::work::Work;

impl Work<'_> {
    pub(super) fn create_secret(&mut self, command: &CreateSecret) -> Result<Outcome, Stop> {
        let realm = self.realm(&command.realm)?;
        self.authorise_in(realm.id, ResourceKind::Realm, realm.id.0)?;
        let id = ObjectId(self.open.crypto.random().map_err(module_problem)?);
        let birth = decide::create(command, &realm, &self.open.facts, id, self.moment)?;
        self.check_owner(command.owner)?;
        self.target = Some(id.0);
        self.target_version = Some(1);
        let object = birth.object;
        self.claim_name(&object)?;
        let material = self.value_material(&object, 1, &realm, &command.value)?;
        let version = life::version(&object, 1, birth.state, material, self.moment);
        self.put(rows::object(realm.id, id), None, &object)?;
        self.put(rows::version(realm.id, id, 1), None, &version)?;
        Ok(self.born(&object, version))
    }

    /// The owner of something new must be somebody.
    pub(super) fn check_owner(&self, owner: Option<PrincipalId>) -> Result<(), Problem> {
        match owner {
            Some(owner) if self.open.principal(owner)?.is_none() => Err(Problem::invalid_field(
                "owner",
                "there is no such principal",
            )),
            _ => Ok(()),
        }
    }

    /// Takes the name of a new object.
    pub(super) fn claim_name(&mut self, object: &Object) -> Result<(), Problem> {
        let Some(name) = &object.name else {
            return Ok(());
        };
        let key = rows::object_name(object.realm, object.kind, name);
        if self.row(&key)?.is_some() {
            return Err(Problem::new(ErrorCode::NameTaken).with("name", name.as_str()));
        }
        self.put(key, None, &Pointer { id: object.id.0 })
    }

    pub(super) fn put_secret_version(
        &mut self,
        command: &PutSecretVersion,
    ) -> Result<Outcome, Stop> {
        let (realm, entry) = self.decided_secret(&command.realm, &command.key)?;
        self.check_revision(&entry)?;
        let object = &entry.object;
        let versions = self.versions(object)?;
        let (next, replaced) = decide::next_version(
            object,
            &plain(&versions),
            &realm,
            &self.open.facts,
            self.moment,
        )?;
        self.target_version = Some(next.current);
        let material = self.value_material(&next, next.current, &realm, &command.value)?;
        let version = life::version(&next, next.current, State::Active, material, self.moment);
        self.put_versions(&versions, &replaced)?;
        self.put(
            rows::version(next.realm, next.id, next.current),
            None,
            &version,
        )?;
        let row_version = self.put_object(&entry, &next)?;
        Ok(self.grown(&next, row_version, &versions, &replaced, version)?)
    }

    pub(super) fn read_secret(&mut self, command: &ReadSecret) -> Result<Outcome, Problem> {
        let (realm, entry) = self.decided_secret(&command.realm, &command.key)?;
        let object = &entry.object;
        let number = command.version.unwrap_or(object.current);
        self.target_version = Some(number);
        let key = rows::version(object.realm, object.id, number);
        let (version, _) = self.decoded::<Version>(&key)?.ok_or_else(|| {
            Problem::new(ErrorCode::VersionNotFound).with("version", number.to_string())
        })?;
        decide::may_read(object, &version, &realm, &self.open.facts)?;
        let value = self.unwrap_value(object, &version)?;
        self.payload_bytes = Some(value.len() as u64);
        Ok(Outcome::SecretValue {
            value,
            object: object.id,
            version: number,
        })
    }

    /// Resolves a secret or opaque object and asks policy. A key is none, by whatever name it was called.
    fn decided_secret(
        &mut self,
        realm: &RealmRef,
        key: &KeyRef,
    ) -> Result<(Arc<Realm>, Arc<ObjectEntry>), Problem> {
        let realm = self.realm(realm)?;
        let entry = self.object(realm.id, key)?;
        if !matches!(entry.object.kind, ObjectKind::Secret | ObjectKind::Opaque) {
            return Err(Problem::new(ErrorCode::NotFound));
        }
        self.authorise_key(&entry)?;
        Ok((realm, entry))
    }

    /// Wraps a value under a fresh leaf.
    fn value_material(
        &mut self,
        object: &Object,
        number: u32,
        realm: &Realm,
        value: &Value,
    ) -> Result<Material, Stop> {
        let made;
        let (value, birth) = match value {
            Value::Given(value) => (value, Birth::Imported),
            Value::Generated(alphabet, length) => {
                made = self.generated_value(*alphabet, *length)?;
                (&made, Birth::Generated)
            }
            Value::Wrapped(transfer) => {
                made = self.transferred_bytes(realm.id, transfer)?;
                (&made, Birth::Imported)
            }
        };
        decide::check_value(value.len())?;
        self.payload_bytes = Some(value.len() as u64);
        let leaf = self.next_leaf(realm)?;
        let kek = self
            .open
            .custody
            .leaf(object, number, leaf)
            .map_err(module_problem)?;
        let done = self
            .open
            .crypto
            .operate(
                &self.permit(false),
                Operation::WrapBytes {
                    kek: kek.handle(),
                    bytes: value,
                },
            )
            .map_err(module_problem)?;
        let Output::Bytes(wrapped) = done.output else {
            return Err(Problem::new(ErrorCode::ModuleFault).into());
        };
        self.used_module = true;
        self.indicator = self.indicator.and(done.indicator);
        let origin = self.origin(birth, birth == Birth::Generated);
        Ok(Material {
            leaf,
            wrapped,
            public: None,
            origin,
        })
    }

    /// The circumstances of a birth in this module, now.
    pub(super) fn origin(&self, birth: Birth, approved: bool) -> Origin {
        let module = &self.open.module;
        Origin {
            birth,
            module: module.name.clone(),
            version: module.version.clone(),
            certificates: module.certificates.clone(),
            entropy: if birth == Birth::Imported {
                "made elsewhere".to_owned()
            } else {
                module.entropy.clone()
            },
            approved: approved && self.indicator != Indicator::NotApproved,
            attestation: None,
        }
    }

    /// Opens a stored value.
    fn unwrap_value(&mut self, object: &Object, version: &Version) -> Result<Secret, Problem> {
        let blob = version
            .material
            .as_deref()
            .ok_or_else(|| Problem::new(ErrorCode::KeyDestroyed))?;
        let kek = self
            .open
            .custody
            .leaf(object, version.number, version.leaf)
            .map_err(module_problem)?;
        let operation = Operation::UnwrapBytes {
            kek: kek.handle(),
            blob,
        };
        let done = self
            .open
            .crypto
            .operate(&self.permit(false), operation)
            .map_err(|fault| match fault {
                ModuleFault::Refused => Problem::new(ErrorCode::StorageCorrupted),
                other => module_problem(other),
            })?;
        self.used_module = true;
        self.indicator = done.indicator;
        match done.output {
            Output::Secret(value) => Ok(value),
            _ => Err(Problem::new(ErrorCode::ModuleFault)),
        }
    }

    /// A value of the module's generator: every character as likely as every other.
    fn generated_value(&mut self, alphabet: Alphabet, length: u16) -> Result<Secret, Problem> {
        decide::check_generated(alphabet, length)?;
        let size = alphabet.size();
        // Bytes from here on would make the first characters likelier than the others.
        let limit = 256_u16.saturating_sub(256_u16.checked_rem(size).unwrap_or(0));
        let wanted = usize::from(length);
        let mut value = Zeroizing::new(Vec::with_capacity(wanted));
        while value.len() < wanted {
            let random = self
                .open
                .crypto
                .operate(
                    &self.permit(false),
                    Operation::Random {
                        length: wanted.saturating_mul(2).saturating_add(64),
                    },
                )
                .map_err(module_problem)?;
            self.indicator = random.indicator;
            let Output::Bytes(random) = random.output else {
                return Err(Problem::new(ErrorCode::ModuleFault));
            };
            let random = Zeroizing::new(random);
            let fitting = random.iter().filter(|byte| u16::from(**byte) < limit);
            for byte in fitting.take(wanted.saturating_sub(value.len())) {
                let number = u16::from(*byte).checked_rem(size).unwrap_or(0);
                value.push(alphabet.character(u8::try_from(number).unwrap_or(0)));
            }
        }
        Ok(Secret::new(std::mem::take(&mut *value)))
    }
}
