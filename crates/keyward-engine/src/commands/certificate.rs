//! Certificates: kept with their chain, linked to their key, watched until they end; and requests for new ones.

use keyward_core::algorithm::{KeySpec, Service, SignatureScheme};
use keyward_core::command::{CreateCertificateRequest, KeyRef, PutCertificate};
use keyward_core::decide::life::{self, Material};
use keyward_core::decide::secret as decide;
use keyward_core::decide::use_key::{Use, may_use};
use keyward_core::ids::ObjectId;
use keyward_core::object::{Birth, EdgeKind, Object, ObjectKind, Realm, Version};
use keyward_core::outcome::{CertificateView, KeyView, Outcome};
use keyward_core::policy_facts::ResourceKind;
use keyward_core::state::State;
use keyward_core::time::Timestamp;
use keyward_core::{ErrorCode, Problem};

use super::life::plain;
use crate::engine::Stop;
use crate::pkix::{self, Chain};
use crate::ports::module::{Operation, Output};
use crate::problems::module_problem;
use crate::rows;
use crate::work::Work;

impl Work<'_> {
    pub(super) fn put_certificate(&mut self, command: &PutCertificate) -> Result<Outcome, Stop> {
        let realm = self.realm(&command.realm)?;
        self.authorise_in(realm.id, ResourceKind::Realm, realm.id.0)?;
        let Some(renews) = &command.renews else {
            let chain = chain_of(command)?;
            return self.new_certificate(command, &realm, &chain);
        };
        let entry = self.object(realm.id, renews)?;
        if !self.is_visible(&entry.object, entry.row_version) {
            return Err(Problem::new(ErrorCode::NotFound).into());
        }
        self.check_revision(&entry)?;
        let object = &entry.object;
        if object.kind != ObjectKind::Certificate {
            return Err(wrong_kind(object).into());
        }
        let chain = chain_of(command)?;
        let versions = self.versions(object)?;
        let (next, replaced) = decide::next_version(
            object,
            &plain(&versions),
            &realm,
            &self.open.facts,
            self.moment,
        )?;
        let version = self.certificate_version(command, &next, &realm, &chain)?;
        self.put_versions(&versions, &replaced)?;
        self.put(
            rows::version(next.realm, next.id, next.current),
            None,
            &version,
        )?;
        let row_version = self.put_object(&entry, &next)?;
        Ok(self.grown(&next, row_version, &versions, &replaced, version)?)
    }

    fn new_certificate(
        &mut self,
        command: &PutCertificate,
        realm: &Realm,
        chain: &Chain,
    ) -> Result<Outcome, Stop> {
        life::realm_open(realm)?;
        let id = ObjectId(self.open.crypto.random().map_err(module_problem)?);
        self.check_owner(command.owner)?;
        let kind = ObjectKind::Certificate;
        let mut object = decide::blank(
            realm,
            id,
            kind,
            command.name.clone(),
            command.owner,
            self.moment,
        );
        life::check_tags(&command.tags)?;
        object.tags.clone_from(&command.tags);
        self.target = Some(id.0);
        self.claim_name(&object)?;
        let version = self.certificate_version(command, &object, realm, chain)?;
        self.put(rows::object(realm.id, id), None, &object)?;
        self.put(rows::version(realm.id, id, 1), None, &version)?;
        Ok(self.born(&object, version))
    }

    fn certificate_version(
        &mut self,
        command: &PutCertificate,
        object: &Object,
        realm: &Realm,
        chain: &Chain,
    ) -> Result<Version, Stop> {
        let facts = chain.facts();
        if facts.not_after <= self.moment.now.wall {
            return Err(Problem::invalid_field("chain", "the certificate is over").into());
        }
        if let Some(key) = &command.subject_key {
            self.link(key, object, realm, chain)?;
        }
        self.target = Some(object.id.0);
        self.target_version = Some(object.current);
        let material = Material {
            leaf: self.next_leaf(realm)?,
            wrapped: Vec::new(),
            public: Some(command.chain.clone()),
            origin: self.origin(Birth::Imported, false),
        };
        let mut version =
            life::version(object, object.current, State::Active, material, self.moment);
        version.material = None;
        version.protect_until = Some(facts.not_after);
        self.schedule_notice(object, facts.not_after)?;
        self.detail = Some(format!(
            "serial {}, until {}",
            facts.serial, facts.not_after
        ));
        Ok(version)
    }

    /// Checks that the certificate is for a key of the realm and notes it.
    fn link(
        &mut self,
        key: &KeyRef,
        object: &Object,
        realm: &Realm,
        chain: &Chain,
    ) -> Result<(), Problem> {
        let absent = || Problem::invalid_field("subject_key", "there is no such key");
        let entry = self.object(realm.id, key).map_err(|problem| {
            if problem.code == ErrorCode::NotFound {
                absent()
            } else {
                problem
            }
        })?;
        if !self.is_visible(&entry.object, entry.row_version) {
            return Err(absent());
        }
        let versions = plain(&self.versions(&entry.object)?);
        let certified = versions
            .iter()
            .find(|version| version.public.as_deref() == Some(chain.public_key()));
        let Some(certified) = certified else {
            return Err(Problem::invalid_field(
                "subject_key",
                "the certificate is for another public key",
            ));
        };
        self.put_edge(
            realm.id,
            EdgeKind::Certifies,
            (entry.object.id, certified.number),
            object.id,
        )
    }

    /// A certificate object with what its current certificate says.
    pub(super) fn certificate_outcome(&self, view: KeyView) -> Result<Outcome, Problem> {
        let current = view
            .versions
            .iter()
            .find(|v| v.version.number == view.object.current)
            .and_then(|v| v.version.public.as_deref())
            .ok_or_else(|| Problem::new(ErrorCode::StorageCorrupted))?;
        let chain = Chain::parse(current).map_err(|_| Problem::new(ErrorCode::StorageCorrupted))?;
        let fingerprint = self
            .open
            .crypto
            .sha(&[chain.leaf_der()])
            .map_err(module_problem)?;
        Ok(Outcome::Certificate(Box::new(CertificateView {
            facts: chain.facts().clone(),
            fingerprint,
            pem: chain.pem(),
            key: view,
        })))
    }

    pub(super) fn create_certificate_request(
        &mut self,
        command: &CreateCertificateRequest,
    ) -> Result<Outcome, Problem> {
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        let object = &entry.object;
        let version = self.version(object, object.current)?;
        let wanted = Use {
            service: Service::Sign,
            accept_compromised: false,
        };
        let spec = may_use(
            object,
            &version.version,
            &realm,
            &self.open.facts,
            wanted,
            self.moment,
        )?;
        let scheme = request_scheme(spec)
            .ok_or_else(|| Problem::new(ErrorCode::UsageNotPermitted).with("usage", "sign"))?;
        let public = version
            .version
            .public
            .as_deref()
            .ok_or_else(|| Problem::new(ErrorCode::StorageCorrupted))?;
        let unsigned = pkix::request(&command.subject, &command.alternative_names, public)?;
        let key = self.material(object, &version)?;
        let operation = Operation::Sign {
            key: key.handle(),
            scheme,
            message: &unsigned.to_be_signed,
        };
        let done = self
            .open
            .crypto
            .operate(&self.permit(object.exception), operation)
            .map_err(module_problem)?;
        self.used_module = true;
        self.indicator = done.indicator;
        let Output::Bytes(signature) = done.output else {
            return Err(Problem::new(ErrorCode::ModuleFault));
        };
        self.detail = Some(format!("subject {}", unsigned.subject));
        Ok(Outcome::CertificateRequest {
            pem: unsigned.signed(scheme, spec, &signature)?,
            key: object.id,
            version: version.version.number,
        })
    }

    /// Notes when the next notice about an end is due, if one still is.
    pub(super) fn schedule_notice(
        &mut self,
        object: &Object,
        end: Timestamp,
    ) -> Result<(), Problem> {
        let Some(at) = super::notice::next_notice(end, self.moment.now.wall) else {
            return Ok(());
        };
        self.put_notice(object, at)
    }
}

fn chain_of(command: &PutCertificate) -> Result<Chain, Problem> {
    Chain::parse(&command.chain).map_err(|reason| Problem::invalid_field("chain", reason))
}

fn wrong_kind(object: &Object) -> Problem {
    Problem::new(ErrorCode::WrongObjectKind)
        .with("expected", ObjectKind::Certificate.as_str())
        .with("actual", object.kind.as_str())
}

/// How a key of a kind signs a request: for RSA the scheme that every authority takes.
const fn request_scheme(spec: KeySpec) -> Option<SignatureScheme> {
    match spec {
        KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => {
            Some(SignatureScheme::RsaPkcs1Sha256)
        }
        KeySpec::EcP256 | KeySpec::EcP384 | KeySpec::EcP521 => Some(SignatureScheme::Ecdsa),
        KeySpec::Ed25519 => Some(SignatureScheme::Ed25519),
        _ => None,
    }
}
