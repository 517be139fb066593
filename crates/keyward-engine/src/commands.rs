//! What each command does, by area. Every function here reads, decides, acts and lists its changes; none of them commits.
mod attributes;
mod audit;
mod batch;
mod birth;
mod certificate;
mod convert;
mod destruction;
mod edges;
mod govern;
mod leaves;
mod life;
mod list;
mod new_key;
mod notice;
mod secret;
mod sign;
mod status;
mod transfer;
mod use_key;

use keyward_core::command::{Command, Effect, Envelope};
use keyward_core::ids::{ObjectId, PrincipalId, RealmId};
use keyward_core::limits::PAGE_MAX;
use keyward_core::outcome::Outcome;
use keyward_core::policy_facts::ResourceKind;
use keyward_core::time::Millis;
use keyward_core::{ErrorCode, Problem};

use crate::engine::Stop;
use crate::rows::{self, IdempotencyRow};
use crate::work::Work;

/// How long an idempotency key is remembered.
pub(crate) const IDEMPOTENCY: Millis = Millis::DAY;

impl Work<'_> {
    /// Reads, decides and acts; what is to be committed is left in `self`.
    pub(crate) fn perform(
        &mut self,
        command: &Command,
        envelope: &Envelope,
    ) -> Result<Outcome, Stop> {
        self.if_match.clone_from(&envelope.if_match);
        if let Some(replay) = self.replayed(command, envelope)? {
            return Ok(replay);
        }
        let outcome = self.dispatch(command)?;
        self.remember_idempotency(command, envelope)?;
        Ok(outcome)
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each command")]
    fn dispatch(&mut self, command: &Command) -> Result<Outcome, Stop> {
        let outcome = match command {
            Command::Encrypt(c) => return self.encrypt(c),
            Command::Decrypt(c) => self.decrypt(c),
            Command::Sign(c) => return self.sign(c),
            Command::Verify(c) => return self.verify(c),
            Command::Mac(c) => return self.mac(c),
            Command::VerifyMac(c) => return self.verify_mac(c),
            Command::EncryptBatch(c) => return self.encrypt_batch(c),
            Command::DecryptBatch(c) => return self.decrypt_batch(c),
            Command::SignBatch(c) => return self.sign_batch(c),
            Command::VerifyBatch(c) => return self.verify_batch(c),
            Command::MacBatch(c) => return self.mac_batch(c),
            Command::ReEncrypt(c) => return self.re_encrypt(c),
            Command::GenerateDataKey(c) => return self.data_key(c),
            Command::GenerateDataKeyWithoutPlaintext(c) => {
                return self.data_key_without_plaintext(c);
            }
            Command::GenerateDataKeyPair(c) => return self.data_key_pair(c),
            Command::Wrap(c) => return self.wrap(c),
            Command::Unwrap(c) => return self.unwrap(c),
            Command::DeriveKey(c) => return self.derive_key(c),
            Command::AgreeKey(c) => return self.agree_key(c),
            Command::Encapsulate(c) => return self.encapsulate(c),
            Command::Decapsulate(c) => return self.decapsulate(c),
            Command::Random(c) => self.random(c),
            Command::Hash(c) => return self.hash(c),
            Command::VerifyExternal(c) => return self.verify_external(c),
            Command::ExportPublicKey(c) => self.export_public_key(c),
            Command::CreateKey(c) => return self.create_key(c),
            Command::DescribeKey(c) => self.describe_key(c),
            Command::ListKeys(c) => self.list_keys(c),
            Command::RotateKey(c) => return self.rotate_key(c),
            Command::ActivateKey(c) => self.activate_key(c),
            Command::SuspendKey(c) => self.suspend_key(c),
            Command::ResumeKey(c) => self.resume_key(c),
            Command::DeactivateKey(c) => self.deactivate_key(c),
            Command::ReportCompromise(c) => self.report_compromise(c),
            Command::ScheduleDestruction(c) => self.schedule_destruction(c),
            Command::CancelDestruction(c) => self.cancel_destruction(c),
            Command::ExecuteDestruction(c) => self.execute_destruction(c),
            Command::ConfirmDestruction(c) => self.confirm_destruction(c),
            Command::UpdateKey(c) => self.update_key(c),
            Command::PutAlias(c) => self.put_alias(c),
            Command::RemoveAlias(c) => self.remove_alias(c),
            Command::ReadBlastRadius(c) => self.read_blast_radius(c),
            Command::ReadDestruction(c) => self.read_destruction(c),
            Command::ConfigureRealm(c) => self.configure_realm(c),
            Command::SuspendRealm(c) => self.suspend_realm(c),
            Command::ResumeRealm(c) => self.resume_realm(c),
            Command::CreateSecret(c) => return self.create_secret(c),
            Command::PutSecretVersion(c) => return self.put_secret_version(c),
            Command::ReadSecret(c) => self.read_secret(c),
            Command::ListObjects(c) => self.list_objects(c),
            Command::PutCertificate(c) => return self.put_certificate(c),
            Command::CreateCertificateRequest(c) => self.create_certificate_request(c),
            Command::GiveNotice(c) => self.give_notice(c),
            Command::CreateImportKey(c) => self.create_import_key(c),
            Command::ImportKey(c) => return self.import_key(c),
            Command::ExportKey(c) => self.export_key(c),
            Command::ReleaseKey(c) => self.release_key(c),
            Command::CreateRealm(c) => self.create_realm(c),
            Command::DescribeRealm(c) => self.describe_realm(c),
            Command::ListRealms(c) => self.list_realms(c),
            Command::CreateWorkload(c) => self.create_workload(c),
            Command::DescribePrincipal(c) => self.describe_principal(c),
            Command::ListPrincipals(c) => self.list_principals(c),
            Command::IssueToken(c) => self.issue_token(c),
            Command::RevokeToken(c) => self.revoke_token(c),
            Command::RegisterAnchor(c) => self.register_anchor(c),
            Command::BindCertificate(c) => self.bind_certificate(c),
            Command::SetPrincipalEnabled(c) => self.set_principal_enabled(c),
            Command::PutPolicy(c) => self.put_policy(c),
            Command::DeletePolicy(c) => self.delete_policy(c),
            Command::ListPolicies(c) => self.list_policies(c),
            Command::Status(_) => self.status(),
            Command::ListModules(_) => self.list_modules(),
            Command::ReadSettings(_) => self.read_settings(),
            Command::ReadAudit(c) => self.read_audit(c),
            Command::ProveRecord(c) => self.prove_record(c),
            Command::ReadCheckpoint(_) => self.read_checkpoint(),
            Command::ReadLog(c) => self.read_log(c),
            Command::ArchiveLog(c) => self.archive_log(c),
            Command::RedactRecord(c) => self.redact_record(c),
            Command::RotateLogKey(_) => self.rotate_log_key(),
            Command::Unseal(_) | Command::Seal(_) => self.system(ResourceKind::System),
            Command::ServerEvent(c) => {
                self.detail = Some(format!("{:?}: {}", c.event, c.detail));
                self.system(ResourceKind::System)
            }
            Command::RejectedAttempts(c) => {
                self.detail = Some(format!("{} attempts in minute {}", c.count, c.minute));
                self.target = Some(c.source);
                self.system(ResourceKind::System)
            }
        };
        outcome.map_err(Stop::Refused)
    }

    /// A command about the installation that changes no row.
    fn system(&mut self, kind: ResourceKind) -> Result<Outcome, Problem> {
        self.authorise_in(RealmId::SYSTEM, kind, [0; 16])?;
        Ok(Outcome::Done)
    }

    // --- idempotency ---

    fn idempotency_row(
        &self,
        envelope: &Envelope,
    ) -> Result<Option<crate::ports::store::RowKey>, Problem> {
        let Some(key) = envelope
            .idempotency_key
            .as_deref()
            .filter(|_| self.kind.effect() == Effect::Change)
        else {
            return Ok(None);
        };
        let digest = self
            .open
            .crypto
            .sha(&[key.as_bytes()])
            .map_err(crate::problems::module_problem)?;
        Ok(Some(rows::idempotency(self.caller.principal(), &digest)))
    }

    /// The answer to a repeated change: what it came to, never its secret.
    fn replayed(
        &mut self,
        command: &Command,
        envelope: &Envelope,
    ) -> Result<Option<Outcome>, Problem> {
        let Some(key) = self.idempotency_row(envelope)? else {
            return Ok(None);
        };
        let Some((known, _)) = self.decoded::<IdempotencyRow>(&key)? else {
            return Ok(None);
        };
        if self.moment.now.wall.since(known.created_at) > IDEMPOTENCY {
            return Ok(None);
        }
        if known.command_digest != self.command_digest(command)? {
            return Err(Problem::new(ErrorCode::IdempotencyConflict));
        }
        self.detail = Some("repeated by idempotency key".to_owned());
        self.target = known.target;
        match command {
            // The first answer was for once: a token, or material on its way out.
            Command::IssueToken(_)
            | Command::Encapsulate(_)
            | Command::CreateImportKey(_)
            | Command::ExportKey(_)
            | Command::ReleaseKey(_) => Err(Problem::new(ErrorCode::SecretNotReplayable)),
            // Whatever acts on a key shows it, as it is now.
            c if c.key().is_some() || makes_an_object(c) => {
                let realm = self.realm(command.realm())?;
                let id = ObjectId(known.target.unwrap_or_default());
                let entry = self.object_of(realm.id, id)?;
                // Asked for as it was the first time: a key is created in its realm.
                if c.key().is_some() {
                    self.authorise_key(&entry)?;
                } else {
                    self.authorise_in(realm.id, ResourceKind::Realm, realm.id.0)?;
                }
                Ok(Some(self.key_outcome(&entry.object, entry.row_version)?))
            }
            Command::CreateRealm(_)
            | Command::ConfigureRealm(_)
            | Command::SuspendRealm(_)
            | Command::ResumeRealm(_) => {
                let id = RealmId(known.target.unwrap_or_default());
                let opened = self
                    .open
                    .read(&rows::realm(id))?
                    .ok_or_else(|| Problem::new(ErrorCode::NotFound))?;
                Ok(Some(Outcome::Realm(opened.value)))
            }
            Command::CreateWorkload(_) => {
                let id = PrincipalId(known.target.unwrap_or_default());
                let opened = self
                    .open
                    .read(&rows::principal(id))?
                    .ok_or_else(|| Problem::new(ErrorCode::NotFound))?;
                Ok(Some(Outcome::Principal(opened.value)))
            }
            Command::RegisterAnchor(c) => {
                let fingerprint = self
                    .open
                    .crypto
                    .sha(&[&c.certificate])
                    .map_err(crate::problems::module_problem)?;
                Ok(Some(Outcome::Anchor { fingerprint }))
            }
            _ => Ok(Some(Outcome::Done)),
        }
    }

    fn remember_idempotency(
        &mut self,
        command: &Command,
        envelope: &Envelope,
    ) -> Result<(), Problem> {
        let Some(key) = self.idempotency_row(envelope)? else {
            return Ok(());
        };
        if self.changes.is_empty() {
            return Ok(());
        }
        let row = IdempotencyRow {
            command_digest: self.command_digest(command)?,
            target: self.target,
            created_at: self.moment.now.wall,
        };
        self.replace(key, &row)
    }

    fn command_digest(&self, command: &Command) -> Result<[u8; 32], Problem> {
        let canonical = command.canonical(self.open.deployment);
        self.open
            .crypto
            .sha(&[&canonical])
            .map_err(crate::problems::module_problem)
    }
}

/// Whether a command makes an object, which its answer shows.
const fn makes_an_object(command: &Command) -> bool {
    matches!(
        command,
        Command::CreateKey(_)
            | Command::CreateSecret(_)
            | Command::ImportKey(_)
            | Command::PutCertificate(_)
    )
}

/// A page size within bounds.
fn page(limit: u16) -> usize {
    usize::from(limit).clamp(1, PAGE_MAX)
}
