//! Material from outside and on its way out: import keys, import, wrapped export, release in the clear.
use std::sync::Arc;

use keyward_core::algorithm::{Indicator, KeySpec, Service};
use keyward_core::command::{
    CreateImportKey, ExportKey, ImportKey, Recipient, ReleaseKey, Transfer, TransferScheme,
};
use keyward_core::decide::life::{self, Material};
use keyward_core::decide::transfer as decide;
use keyward_core::decide::use_key::{Use, may_use};
use keyward_core::ids::{ObjectId, RealmId};
use keyward_core::object::{Birth, EdgeKind, ExportClass, Object, Version};
use keyward_core::outcome::Outcome;
use keyward_core::policy_facts::ResourceKind;
use keyward_core::record::Credential;
use keyward_core::secret::Secret;
use keyward_core::time::Millis;
use keyward_core::{ErrorCode, Problem};

use crate::crypto::Held;
use crate::engine::Stop;
use crate::import::ImportKeyEntry;
use crate::permit::{Permit, PermitScope};
use crate::ports::module::{ModuleFault, Operation, Output};
use crate::problems::module_problem;
use crate::rows;
use crate::work::Work;

/// How long an import key is good.
const IMPORT_KEY_LIFE: Millis = Millis::HOUR;

/// A wrapping key, what its recipient needs to make it again, and the fixed info both sides derive with.
type SealedFor = (Held, Vec<u8>, Option<Vec<u8>>);

impl Work<'_> {
    pub(super) fn create_import_key(
        &mut self,
        command: &CreateImportKey,
    ) -> Result<Outcome, Problem> {
        let realm = self.realm(&command.realm)?;
        self.authorise_in(realm.id, ResourceKind::Realm, realm.id.0)?;
        life::realm_open(&realm)?;
        keyward_core::decide::module_fits(&realm, &self.open.facts)?;
        let id: [u8; 16] = self.open.crypto.random().map_err(module_problem)?;
        let key = self.ephemeral(command.scheme)?;
        let public = self
            .open
            .crypto
            .bytes(Operation::PublicKey { key: key.handle() })
            .map_err(module_problem)?;
        let expires_at = self.moment.now.wall.plus(IMPORT_KEY_LIFE);
        let info = fixed_info(b"keyward import v1", realm.id, &id, &public);
        self.detail = Some(format!(
            "import key {} for {}",
            keyward_core::ids::hex(&id),
            command.scheme.as_str()
        ));
        let entry = ImportKeyEntry {
            realm: realm.id,
            principal: self.moment.actor,
            scheme: command.scheme,
            key,
            info: info.clone(),
            expires_at,
        };
        let imports = Arc::clone(&self.open.imports);
        let now = self.moment.now.wall;
        if !imports.has_room(now, self.moment.actor) {
            return Err(Problem::new(ErrorCode::TooManyInFlight));
        }
        self.after.push(Box::new(move || imports.keep(id, entry)));
        Ok(Outcome::ImportKey {
            id,
            scheme: command.scheme,
            public,
            info,
            expires_at,
        })
    }

    /// A pair for one transfer.
    fn ephemeral(&mut self, scheme: TransferScheme) -> Result<Held, Problem> {
        let spec = scheme.spec();
        let operation = match scheme {
            TransferScheme::EcdhP384 => Operation::GenerateEphemeral { spec },
            TransferScheme::MlKem768 | TransferScheme::MlKem1024 => Operation::Generate { spec },
        };
        let done = self
            .open
            .crypto
            .operate(&self.permit(false), operation)
            .map_err(module_problem)?;
        self.used_module = true;
        self.indicator = done.indicator;
        match done.output {
            Output::Key(handle) => Ok(self.open.crypto.hold(handle)),
            _ => Err(Problem::new(ErrorCode::ModuleFault)),
        }
    }

    /// The key under which a transfer was wrapped. The import key is used up by the commit of this command; until then
    /// nobody else can use it.
    fn transfer_key(&mut self, realm: RealmId, transfer: &Transfer) -> Result<Held, Problem> {
        let claim = self
            .open
            .imports
            .claim(&transfer.import_key, realm, self.moment)
            .ok_or_else(|| {
                Problem::invalid_field(
                    "transfer.import_key",
                    "there is no such import key for this caller and realm, or it was used or is over",
                )
            })?;
        let entry = claim.entry();
        let operation = match entry.scheme {
            TransferScheme::EcdhP384 => Operation::AgreeEphemeral {
                key: entry.key.handle(),
                peer: &transfer.encapsulated,
                info: &entry.info,
            },
            TransferScheme::MlKem768 | TransferScheme::MlKem1024 => Operation::Decapsulate {
                key: entry.key.handle(),
                ciphertext: &transfer.encapsulated,
            },
        };
        let done = self.open.crypto.operate(&self.permit(false), operation);
        let done = done.map_err(|fault| match fault {
            ModuleFault::Refused => Problem::new(ErrorCode::PublicKeyInvalid),
            other => module_problem(other),
        })?;
        let Output::Key(handle) = done.output else {
            return Err(Problem::new(ErrorCode::ModuleFault));
        };
        self.used_module = true;
        self.indicator = self.indicator.and(done.indicator);
        self.detail = Some(format!("by {}", entry.scheme.as_str()));
        let spender = claim.spender(&self.open.imports, transfer.import_key);
        self.after.push(Box::new(move || spender.spend()));
        self.claim = Some(claim);
        Ok(self.open.crypto.hold(handle))
    }

    /// Bytes that came wrapped for an import key.
    pub(super) fn transferred_bytes(
        &mut self,
        realm: RealmId,
        transfer: &Transfer,
    ) -> Result<Secret, Problem> {
        let kek = self.transfer_key(realm, transfer)?;
        let operation = Operation::UnwrapBytes {
            kek: kek.handle(),
            blob: &transfer.wrapped,
        };
        let done = self.open.crypto.operate(&self.permit(false), operation);
        let done = done.map_err(wrapped_problem)?;
        self.indicator = self.indicator.and(done.indicator);
        match done.output {
            Output::Secret(bytes) => Ok(bytes),
            _ => Err(Problem::new(ErrorCode::ModuleFault)),
        }
    }

    pub(super) fn import_key(&mut self, command: &ImportKey) -> Result<Outcome, Stop> {
        let create = &command.create;
        let realm = self.realm(&create.realm)?;
        self.authorise_in(realm.id, ResourceKind::Realm, realm.id.0)?;
        let id = ObjectId(self.open.crypto.random().map_err(module_problem)?);
        let birth = life::create(create, &realm, &self.open.facts, id, self.moment)?;
        self.check_owner(create.owner)?;
        self.target = Some(id.0);
        self.target_version = Some(1);
        let object = birth.object;
        self.claim_name(&object)?;
        let kek = self.transfer_key(realm.id, &command.transfer)?;
        let key = self.imported(&kek, &command.transfer.wrapped, create.spec)?;
        let leaf = self.next_leaf(&realm)?;
        let custody = &self.open.custody;
        let wrapped = custody
            .wrap_material(&object, 1, leaf, &key)
            .map_err(module_problem)?;
        let public = create
            .spec
            .is_pair()
            .then(|| {
                self.open
                    .crypto
                    .bytes(Operation::PublicKey { key: key.handle() })
            })
            .transpose()
            .map_err(module_problem)?;
        let material = Material {
            leaf,
            wrapped,
            public,
            origin: self.origin(Birth::Imported, false),
        };
        let version = life::version(&object, 1, birth.state, material, self.moment);
        self.put(rows::object(realm.id, id), None, &object)?;
        self.put(rows::version(realm.id, id, 1), None, &version)?;
        self.schedule_rotation(&object)?;
        Ok(self.born(&object, version))
    }

    /// The key inside a wrapping: of the kind it is said to be, and consistent, by the module's word.
    fn imported(&mut self, kek: &Held, blob: &[u8], spec: KeySpec) -> Result<Held, Problem> {
        let operation = Operation::UnwrapKey {
            kek: kek.handle(),
            blob,
            spec,
        };
        match self.open.crypto.operate(&self.permit(false), operation) {
            Ok(done) => {
                self.indicator = self.indicator.and(done.indicator);
                match done.output {
                    Output::Key(handle) => Ok(self.open.crypto.hold(handle)),
                    _ => Err(Problem::new(ErrorCode::ModuleFault)),
                }
            }
            Err(ModuleFault::Refused) => Err(self.why_refused(kek, blob, spec)),
            Err(fault) => Err(module_problem(fault)),
        }
    }

    /// Whether the wrapping does not open, or what is in it is no such key.
    fn why_refused(&self, kek: &Held, blob: &[u8], spec: KeySpec) -> Problem {
        let opens = self.open.crypto.operate(
            &self.permit(false),
            Operation::UnwrapBytes {
                kek: kek.handle(),
                blob,
            },
        );
        if opens.is_err() {
            return Problem::new(ErrorCode::WrappedKeyInvalid);
        }
        Problem::new(ErrorCode::KeyMaterialInvalid).with(
            "reason",
            format!(
                "what was wrapped is no {} key that holds together",
                spec.as_str()
            ),
        )
    }

    // --- out ---

    /// Loads the version that is to leave, if it may.
    fn leaving(
        &mut self,
        object: &Object,
        realm: &keyward_core::object::Realm,
        wanted: Option<u32>,
        class: ExportClass,
    ) -> Result<(Arc<crate::cache::VersionEntry>, KeySpec), Problem> {
        let number = wanted.unwrap_or(object.current);
        let version = self.version(object, number)?;
        let spec = decide::may_leave(object, &version.version, realm, &self.open.facts, class)?;
        Ok((version, spec))
    }

    pub(super) fn export_key(&mut self, command: &ExportKey) -> Result<Outcome, Problem> {
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        let object = &entry.object;
        let (version, _) = self.leaving(object, &realm, command.version, ExportClass::Wrapped)?;
        let number = version.version.number;
        let key = self.material(object, &version)?;
        let (kek, encapsulated, info) = match &command.recipient {
            Recipient::Key(wrapping) => {
                let wrapping = self.wrapping_key(&realm, object, number, wrapping)?;
                (wrapping, None, None)
            }
            Recipient::Public(scheme, public) => {
                let (kek, encapsulated, info) =
                    self.sealed_for(*scheme, public, realm.id, &object.id.0)?;
                self.detail = Some(format!(
                    "version {number} wrapped by {} for another key",
                    scheme.as_str()
                ));
                (Arc::new(kek), Some(encapsulated), info)
            }
        };
        let operation = Operation::WrapKey {
            kek: kek.handle(),
            key: key.handle(),
        };
        let done = self
            .open
            .crypto
            .operate(&self.permit(object.exception), operation);
        let done = done.map_err(module_problem)?;
        self.used_module = true;
        self.indicator = self.indicator.and(done.indicator);
        let Output::Bytes(wrapped) = done.output else {
            return Err(Problem::new(ErrorCode::ModuleFault));
        };
        self.target = Some(object.id.0);
        self.target_version = Some(number);
        Ok(Outcome::Exported {
            object: object.id,
            version: number,
            wrapped,
            encapsulated,
            info,
        })
    }

    /// A wrapping key of the realm, which the caller must be allowed to export with too.
    fn wrapping_key(
        &mut self,
        realm: &keyward_core::object::Realm,
        object: &Object,
        number: u32,
        wrapping: &keyward_core::command::KeyRef,
    ) -> Result<Arc<Held>, Problem> {
        let unsuitable =
            |reason: &str| Problem::new(ErrorCode::WrappingKeyUnsuitable).with("reason", reason);
        let entry = self.object(realm.id, wrapping).map_err(|problem| {
            if problem.code == ErrorCode::NotFound {
                unsuitable("there is none of this name")
            } else {
                problem
            }
        })?;
        self.authorise_key(&entry).map_err(|problem| {
            if problem.code == ErrorCode::NotFound {
                unsuitable("there is none of this name")
            } else {
                problem
            }
        })?;
        if entry.object.id == object.id {
            return Err(unsuitable("a key cannot wrap itself"));
        }
        let version = self.version(&entry.object, entry.object.current)?;
        let wanted = Use {
            service: Service::Wrap,
            accept_compromised: false,
        };
        let spec = may_use(
            &entry.object,
            &version.version,
            realm,
            &self.open.facts,
            wanted,
            self.moment,
        )?;
        if object
            .spec
            .is_some_and(|inner| inner.strength_bits() > spec.strength_bits())
        {
            return Err(unsuitable("it is weaker than the key it would wrap"));
        }
        self.put_edge(
            realm.id,
            EdgeKind::Wraps,
            (entry.object.id, version.version.number),
            object.id,
        )?;
        self.detail = Some(format!(
            "version {number} wrapped by version {} of {}",
            version.version.number, entry.object.id
        ));
        self.material(&entry.object, &version)
    }

    /// A wrapping key that only the holder of a private key can make again, and what it needs for that.
    fn sealed_for(
        &mut self,
        scheme: TransferScheme,
        public: &[u8],
        realm: RealmId,
        object: &[u8; 16],
    ) -> Result<SealedFor, Problem> {
        let refused = |fault| match fault {
            ModuleFault::Refused => Problem::new(ErrorCode::PublicKeyInvalid),
            other => module_problem(other),
        };
        if scheme == TransferScheme::EcdhP384 {
            let own = self.ephemeral(scheme)?;
            let own_public = self
                .open
                .crypto
                .bytes(Operation::PublicKey { key: own.handle() })
                .map_err(module_problem)?;
            let info = fixed_info(b"keyward export v1", realm, object, &own_public);
            let operation = Operation::AgreeEphemeral {
                key: own.handle(),
                peer: public,
                info: &info,
            };
            let done = self.open.crypto.operate(&self.permit(false), operation);
            let done = done.map_err(refused)?;
            self.indicator = self.indicator.and(done.indicator);
            let Output::Key(handle) = done.output else {
                return Err(Problem::new(ErrorCode::ModuleFault));
            };
            return Ok((self.open.crypto.hold(handle), own_public, Some(info)));
        }
        let operation = Operation::Encapsulate {
            spec: scheme.spec(),
            public,
        };
        let done = self.open.crypto.operate(&self.permit(false), operation);
        let done = done.map_err(refused)?;
        self.indicator = self.indicator.and(done.indicator);
        match done.output {
            Output::Encapsulated { ciphertext, key } => {
                Ok((self.open.crypto.hold(key), ciphertext, None))
            }
            _ => Err(Problem::new(ErrorCode::ModuleFault)),
        }
    }

    pub(super) fn release_key(&mut self, command: &ReleaseKey) -> Result<Outcome, Problem> {
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        let object = &entry.object;
        let (version, _) = self.leaving(object, &realm, command.version, ExportClass::Session)?;
        if !matches!(self.caller.credential, Credential::Certificate(_)) {
            return Err(Problem::new(ErrorCode::ChannelInsufficient));
        }
        let number = version.version.number;
        let key = self.material(object, &version)?;
        let permit = Permit::new(PermitScope::Command {
            number: self.kind.number(),
            exception: object.exception,
            reveal: true,
        });
        let done = self
            .open
            .crypto
            .operate(&permit, Operation::Reveal { key: key.handle() })
            .map_err(module_problem)?;
        let Output::Secret(material) = done.output else {
            return Err(Problem::new(ErrorCode::ModuleFault));
        };
        self.used_module = true;
        self.indicator = Indicator::NotApplicable;
        self.mark_exported(&version.version)?;
        Ok(Outcome::Released {
            material,
            object: object.id,
            version: number,
        })
    }

    /// Notes for ever that a version was seen in the clear outside.
    fn mark_exported(&mut self, version: &Version) -> Result<(), Problem> {
        let key = rows::version(version.realm, version.object, version.number);
        let (mut stored, row) = self
            .decoded::<Version>(&key)?
            .ok_or_else(|| Problem::new(ErrorCode::StorageCorrupted))?;
        if stored.was_exported {
            return Ok(());
        }
        stored.was_exported = true;
        self.put(key, Some(&row), &stored)
    }
}

fn wrapped_problem(fault: ModuleFault) -> Problem {
    match fault {
        ModuleFault::Refused => Problem::new(ErrorCode::WrappedKeyInvalid),
        other => module_problem(other),
    }
}

/// What both sides of an agreement put into the KDF: for what, where, which, and whose public key.
fn fixed_info(label: &[u8], realm: RealmId, id: &[u8; 16], public: &[u8]) -> Vec<u8> {
    [label, realm.as_bytes(), id, public].concat()
}
