//! Birth of keys: generated, or put around material that another key gave.
use keyward_core::algorithm::{Indicator, KeySpec, Service};
use keyward_core::command::CreateKey;
use keyward_core::decide::life::{self, Material};
use keyward_core::ids::ObjectId;
use keyward_core::object::{Birth, Object, Origin, Realm};
use keyward_core::outcome::Outcome;
use keyward_core::policy_facts::ResourceKind;
use keyward_core::{ErrorCode, Problem};

use crate::cost::is_long;
use crate::crypto::{Crypto, Held};
use crate::engine::Stop;
use crate::permit::Permit;
use crate::pool::{Computed, Stamp, Task};
use crate::ports::module::{ModuleFault, Operation, Output};
use crate::problems::module_problem;
use crate::rows;
use crate::work::Work;

impl Work<'_> {
    pub(super) fn create_key(&mut self, command: &CreateKey) -> Result<Outcome, Stop> {
        let realm = self.realm(&command.realm)?;
        self.authorise_in(realm.id, ResourceKind::Realm, realm.id.0)?;
        let id = ObjectId(self.open.crypto.random().map_err(module_problem)?);
        let birth = life::create(command, &realm, &self.open.facts, id, self.moment)?;
        self.generated_and_born(&realm, birth)
    }

    fn generated_and_born(&mut self, realm: &Realm, birth: life::Birth) -> Result<Outcome, Stop> {
        let object = &birth.object;
        let spec = object
            .spec
            .ok_or_else(|| Problem::new(ErrorCode::Internal))?;
        self.exceptional |= object.exception;
        self.target = Some(object.id.0);
        self.target_version = Some(1);
        self.check_owner(Some(object.owner).filter(|owner| *owner != self.moment.actor))?;
        self.claim_name(object)?;
        let made = self.generated(spec, object.exception)?;
        self.brought_to_life(realm, birth, made, Birth::Generated)
    }

    /// The rows of a new key around material that is in the module.
    pub(super) fn brought_to_life(
        &mut self,
        realm: &Realm,
        birth: life::Birth,
        made: (Held, Indicator),
        how: Birth,
    ) -> Result<Outcome, Stop> {
        let object = birth.object;
        let material = self.material_of(&object, 1, realm, made, how)?;
        let version = life::version(&object, 1, birth.state, material, self.moment);
        self.put(rows::object(realm.id, object.id), None, &object)?;
        self.put(rows::version(realm.id, object.id, 1), None, &version)?;
        self.schedule_rotation(&object)?;
        self.watch(&object, &version)?;
        Ok(self.born(&object, version))
    }

    /// Generates a key in the module and wraps it under a fresh leaf.
    pub(super) fn new_material(
        &mut self,
        object: &Object,
        number: u32,
        realm: &Realm,
    ) -> Result<Material, Stop> {
        let spec = object
            .spec
            .ok_or_else(|| Problem::new(ErrorCode::Internal))?;
        let made = self.generated(spec, object.exception)?;
        self.material_of(object, number, realm, made, Birth::Generated)
    }

    /// Wraps a key in the module under a fresh leaf, and notes the circumstances.
    fn material_of(
        &mut self,
        object: &Object,
        number: u32,
        realm: &Realm,
        (key, indicator): (Held, Indicator),
        birth: Birth,
    ) -> Result<Material, Stop> {
        let spec = object
            .spec
            .ok_or_else(|| Problem::new(ErrorCode::Internal))?;
        let leaf = match self.next_leaf(realm) {
            Ok(leaf) => leaf,
            Err(stop) => {
                // What was generated is not generated again when a leaf is there.
                let made = Computed::Key(Ok((key, indicator)));
                self.computed = Some((Stamp::Generate(spec), made));
                return Err(stop);
            }
        };
        let crypto = &self.open.crypto;
        let wrapped = self
            .open
            .custody
            .wrap_material(object, number, leaf, &key)
            .map_err(module_problem)?;
        let public = if spec.is_pair() {
            Some(
                crypto
                    .bytes(Operation::PublicKey { key: key.handle() })
                    .map_err(module_problem)?,
            )
        } else {
            None
        };
        self.used(indicator);
        let module = &self.open.module;
        Ok(Material {
            leaf,
            wrapped,
            public,
            origin: Origin {
                birth,
                module: module.name.clone(),
                version: module.version.clone(),
                certificates: module.certificates.clone(),
                entropy: module.entropy.clone(),
                approved: indicator == Indicator::Approved && !object.exception,
                attestation: None,
            },
        })
    }

    /// A new key in the module; what takes long to generate is generated in the pool.
    pub(super) fn generated(
        &mut self,
        spec: KeySpec,
        exception: bool,
    ) -> Result<(Held, Indicator), Stop> {
        let stamp = Stamp::Generate(spec);
        if let Some(Computed::Key(made)) = self.computed_for(stamp) {
            return Ok(made.map_err(module_problem)?);
        }
        let permit = self.permit(exception);
        if self.open.pool.is_none() || !is_long(spec, Service::Generate, 1, 0) {
            return Ok(generate(&self.open.crypto, &permit, spec).map_err(module_problem)?);
        }
        let crypto = self.open.crypto.clone();
        let run = Box::new(move || Computed::Key(generate(&crypto, &permit, spec)));
        Err(Stop::Compute(Task {
            stamp,
            bytes: 0,
            run,
        }))
    }
}

fn generate(
    crypto: &Crypto,
    permit: &Permit,
    spec: KeySpec,
) -> Result<(Held, Indicator), ModuleFault> {
    let done = crypto.operate(permit, Operation::Generate { spec })?;
    match done.output {
        Output::Key(handle) => Ok((crypto.hold(handle), done.indicator)),
        _ => Err(ModuleFault::Failed(
            "another kind of output than the operation gives",
        )),
    }
}
