//! Keys from keys: derived, agreed, encapsulated, decapsulated. Each becomes an object of its own; no secret leaves.
use keyward_core::algorithm::{Indicator, Service};
use keyward_core::command::{AgreeKey, CreateKey, Decapsulate, DeriveKey, Encapsulate};
use keyward_core::decide::new_key::{from_key, info_fits};
use keyward_core::decide::use_key::{Use, may_use};
use keyward_core::ids::ObjectId;
use keyward_core::object::{Birth, EdgeKind, Realm};
use keyward_core::outcome::Outcome;
use keyward_core::{ErrorCode, Problem};

use crate::cache::{ObjectEntry, VersionEntry};
use crate::crypto::Held;
use crate::engine::Stop;
use crate::ports::module::{Done, ModuleFault, Operation, Output};
use crate::problems::module_problem;
use crate::work::Work;

/// Longest public key or encapsulation that any kind has, with room.
const PEER_MAX_BYTES: usize = 4 << 10;

/// What a fault means where the other side's input is the caller's own.
fn peer_problem(fault: ModuleFault, refused: ErrorCode) -> Problem {
    match fault {
        ModuleFault::Refused => Problem::new(refused),
        other => module_problem(other),
    }
}

impl Work<'_> {
    pub(super) fn derive_key(&mut self, command: &DeriveKey) -> Result<Outcome, Stop> {
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        info_fits(&command.info)?;
        let (version, wanted) = self.origin_of(&realm, &entry, Service::Derive, None, false)?;
        let key = self.material(&entry.object, &version)?;
        let operation = Operation::DeriveKey {
            key: key.handle(),
            info: &command.info,
            spec: command.new.spec,
        };
        let permit = self.permit(entry.object.exception);
        // Decided before anything is made: a kind that cannot be derived never reaches the module.
        let (id, birth) = self.decided_birth(wanted, &realm, &entry, &command.new)?;
        let done = self.open.crypto.operate(&permit, operation);
        let made = self.key_of(done.map_err(module_problem)?)?;
        self.kept(&realm, id, birth, made, &entry, &version)
    }

    pub(super) fn agree_key(&mut self, command: &AgreeKey) -> Result<Outcome, Stop> {
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        info_fits(&command.info)?;
        if command.peer.len() > PEER_MAX_BYTES {
            return Err(Problem::new(ErrorCode::PublicKeyInvalid).into());
        }
        let (version, wanted) = self.origin_of(&realm, &entry, Service::Agree, None, false)?;
        let key = self.material(&entry.object, &version)?;
        let permit = self.permit(entry.object.exception);
        let (id, birth) = self.decided_birth(wanted, &realm, &entry, &command.new)?;
        let operation = Operation::Agree {
            key: key.handle(),
            peer: &command.peer,
            info: &command.info,
        };
        let done = self.open.crypto.operate(&permit, operation);
        let done = done.map_err(|fault| match (fault, entry.object.spec) {
            // The module's security policy has no static key agreement: only a key created for that may do it.
            (ModuleFault::NotApproved, Some(spec)) => Problem::new(ErrorCode::AlgorithmNotApproved)
                .with("algorithm", spec.as_str())
                .with("service", Service::Agree.as_str()),
            (fault, _) => peer_problem(fault, ErrorCode::PublicKeyInvalid),
        })?;
        let made = self.key_of(done)?;
        self.kept(&realm, id, birth, made, &entry, &version)
    }

    pub(super) fn encapsulate(&mut self, command: &Encapsulate) -> Result<Outcome, Stop> {
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        let (version, wanted) =
            self.origin_of(&realm, &entry, Service::Encapsulate, None, false)?;
        let (id, birth) = self.decided_birth(wanted, &realm, &entry, &command.new)?;
        let internal = || Problem::new(ErrorCode::Internal);
        let operation = Operation::Encapsulate {
            spec: entry.object.spec.ok_or_else(internal)?,
            public: version.version.public.as_deref().ok_or_else(internal)?,
        };
        let permit = self.permit(entry.object.exception);
        let crypto = &self.open.crypto;
        let done = crypto.operate(&permit, operation).map_err(module_problem)?;
        let Output::Encapsulated { ciphertext, key } = done.output else {
            return Err(Problem::new(ErrorCode::ModuleFault).into());
        };
        let made = (crypto.hold(key), done.indicator);
        self.used(made.1);
        match self.kept(&realm, id, birth, made, &entry, &version)? {
            Outcome::Key(key) => Ok(Outcome::Encapsulated { ciphertext, key }),
            _ => Err(internal().into()),
        }
    }

    pub(super) fn decapsulate(&mut self, command: &Decapsulate) -> Result<Outcome, Stop> {
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        let invalid = ErrorCode::InvalidCiphertext;
        if command.ciphertext.len() > PEER_MAX_BYTES {
            return Err(Problem::new(invalid).into());
        }
        let service = Service::Decapsulate;
        let accept = command.accept_compromised;
        let (version, wanted) = self.origin_of(&realm, &entry, service, command.version, accept)?;
        let key = self.material(&entry.object, &version)?;
        let (id, birth) = self.decided_birth(wanted, &realm, &entry, &command.new)?;
        let operation = Operation::Decapsulate {
            key: key.handle(),
            ciphertext: &command.ciphertext,
        };
        let permit = self.permit(entry.object.exception);
        let done = self.open.crypto.operate(&permit, operation);
        let done = done.map_err(|fault| peer_problem(fault, invalid))?;
        let made = self.key_of(done)?;
        self.kept(&realm, id, birth, made, &entry, &version)
    }

    /// The version of the key from which another is made, decided.
    fn origin_of(
        &mut self,
        realm: &Realm,
        entry: &ObjectEntry,
        service: Service,
        version: Option<u32>,
        accept_compromised: bool,
    ) -> Result<(std::sync::Arc<VersionEntry>, Service), Problem> {
        let object = &entry.object;
        let number = version.unwrap_or(object.current);
        if number == 0 || number > object.current {
            return Err(
                Problem::new(ErrorCode::VersionNotFound).with("version", number.to_string())
            );
        }
        let version = self.version(object, number)?;
        let wanted = Use {
            service,
            accept_compromised,
        };
        let facts = &self.open.facts;
        may_use(object, &version.version, realm, facts, wanted, self.moment)?;
        Ok((version, service))
    }

    fn decided_birth(
        &mut self,
        service: Service,
        realm: &Realm,
        parent: &ObjectEntry,
        new: &CreateKey,
    ) -> Result<(ObjectId, keyward_core::decide::life::Birth), Problem> {
        let id = ObjectId(self.open.crypto.random().map_err(module_problem)?);
        let facts = &self.open.facts;
        let birth = from_key(service, &parent.object, new, realm, facts, id, self.moment)?;
        let owner = birth.object.owner;
        self.check_owner(Some(owner).filter(|owner| *owner != self.moment.actor))?;
        self.claim_name(&birth.object)?;
        Ok((id, birth))
    }

    fn key_of(&mut self, done: Done) -> Result<(Held, Indicator), Problem> {
        match done.output {
            Output::Key(handle) => {
                let held = self.open.crypto.hold(handle);
                self.used(done.indicator);
                Ok((held, done.indicator))
            }
            _ => Err(Problem::new(ErrorCode::ModuleFault)),
        }
    }

    /// Keeps the key as an object whose record says what it came from.
    fn kept(
        &mut self,
        realm: &Realm,
        id: ObjectId,
        birth: keyward_core::decide::life::Birth,
        made: (Held, Indicator),
        parent: &ObjectEntry,
        version: &VersionEntry,
    ) -> Result<Outcome, Stop> {
        let number = version.version.number;
        self.detail = Some(format!("from version {number} of {}", parent.object.id));
        self.target = Some(id.0);
        self.target_version = Some(1);
        let from = (parent.object.id, number);
        self.put_edge(realm.id, EdgeKind::Derived, from, id)?;
        self.brought_to_life(realm, birth, made, Birth::Derived)
    }
}
