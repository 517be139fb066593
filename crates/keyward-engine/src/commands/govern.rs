//! Realms, workloads, credentials, policies.
use std::sync::Arc;

use keyward_core::command::{
    BindCertificate, ConfigureRealm, CreateRealm, CreateWorkload, DeletePolicy, DescribePrincipal,
    DescribeRealm, IssueToken, ListPolicies, ListPrincipals, ListRealms, PutPolicy, RealmRef,
    RegisterAnchor, ResumeRealm, RevokeToken, SetPrincipalEnabled, SuspendRealm,
};
use keyward_core::decide::realm as decide;
use keyward_core::ids::{PrincipalId, RealmId};
use keyward_core::limits::POLICY_MAX_BYTES;
use keyward_core::object::{Anchor, CertificateBinding, Principal, Realm, Token};
use keyward_core::outcome::{Outcome, Page, PolicyText};
use keyward_core::policy_facts::ResourceKind;
use keyward_core::{ErrorCode, Problem};

use super::page;
use crate::custody::row_after;
use crate::ports::store::{Row, RowKey, Table};
use crate::problems::{change_problem, module_problem, store_problem};
use crate::rows::{self, EpochRow, Pointer};
use crate::work::Work;

impl Work<'_> {
    pub(super) fn create_realm(&mut self, command: &CreateRealm) -> Result<Outcome, Problem> {
        self.authorise_in(RealmId::SYSTEM, ResourceKind::System, [0; 16])?;
        let name = rows::realm_name(&command.name);
        if self.row(&name)?.is_some() {
            return Err(Problem::new(ErrorCode::NameTaken).with("name", command.name.as_str()));
        }
        let random: [u8; 20] = self.open.crypto.random().map_err(module_problem)?;
        let (id, alias) = random
            .split_first_chunk::<16>()
            .ok_or_else(|| Problem::new(ErrorCode::Internal))?;
        let id = RealmId(*id);
        let alias = alias
            .first_chunk::<4>()
            .map_or(1, |bytes| u32::from_be_bytes(*bytes) >> 1);
        let realm = decide::create_realm(command, id, alias, self.moment)?;
        self.target = Some(id.0);
        self.put(name, None, &Pointer { id: id.0 })?;
        self.put(rows::realm(id), None, &realm)?;
        let new = {
            let root = self.open.custody.root.lock();
            self.open
                .custody
                .new_realm(&root, id)
                .map_err(|f| change_problem(&f))?
        };
        let mut new = new;
        self.changes.append(&mut new.changes);
        let keyring = self
            .changes
            .iter()
            .find(|change| change.row == rows::keyring())
            .and_then(row_after);
        let keyring = keyring.ok_or_else(|| Problem::new(ErrorCode::Internal))?;
        let custody = Arc::clone(&self.open.custody);
        self.after.push(Box::new(move || {
            let mut root = custody.root.lock();
            custody.adopt_realm(&mut root, new, keyring);
        }));
        Ok(Outcome::Realm(realm))
    }

    pub(super) fn describe_realm(&mut self, command: &DescribeRealm) -> Result<Outcome, Problem> {
        let realm = self.realm(&command.realm)?;
        self.authorise_in(realm.id, ResourceKind::Realm, realm.id.0)?;
        Ok(Outcome::Realm(Realm::clone(&realm)))
    }

    pub(super) fn configure_realm(&mut self, command: &ConfigureRealm) -> Result<Outcome, Problem> {
        let realm = self.realm(&command.realm)?;
        self.authorise_in(realm.id, ResourceKind::Realm, realm.id.0)?;
        let objects = self
            .open
            .store
            .scan(Table::Object, realm.id.as_bytes(), None, 1)
            .map_err(|f| store_problem(&f))?;
        let next = decide::configure_realm(command, &realm, !objects.is_empty())?;
        self.detail = Some(format!("level {}", next.level));
        self.put_realm(next)
    }

    pub(super) fn suspend_realm(&mut self, command: &SuspendRealm) -> Result<Outcome, Problem> {
        let realm = self.realm(&command.realm)?;
        self.authorise_in(realm.id, ResourceKind::Realm, realm.id.0)?;
        let next = decide::set_realm_suspended(&realm, true, command.reason.as_deref())?;
        self.detail.clone_from(&command.reason);
        self.put_realm(next)
    }

    pub(super) fn resume_realm(&mut self, command: &ResumeRealm) -> Result<Outcome, Problem> {
        let realm = self.realm(&command.realm)?;
        self.authorise_in(realm.id, ResourceKind::Realm, realm.id.0)?;
        let next = decide::set_realm_suspended(&realm, false, command.reason.as_deref())?;
        self.detail.clone_from(&command.reason);
        self.put_realm(next)
    }

    fn put_realm(&mut self, next: Realm) -> Result<Outcome, Problem> {
        let key = rows::realm(next.id);
        self.target = Some(next.id.0);
        let row = self
            .row(&key)?
            .ok_or_else(|| Problem::new(ErrorCode::NotFound))?;
        self.put(key, Some(&row), &next)?;
        Ok(Outcome::Realm(next))
    }

    pub(super) fn list_realms(&mut self, command: &ListRealms) -> Result<Outcome, Problem> {
        self.authorise_in(RealmId::SYSTEM, ResourceKind::System, [0; 16])?;
        let after = command.after.map(|id| rows::realm(id).key);
        let (items, more) = self.listing::<Realm>(Table::Realm, &[], after, command.limit)?;
        Ok(Outcome::Realms(Page { items, more }))
    }

    fn listing<T: for<'b> minicbor::Decode<'b, ()>>(
        &self,
        table: Table,
        prefix: &[u8],
        after: Option<Vec<u8>>,
        limit: u16,
    ) -> Result<(Vec<T>, bool), Problem> {
        let limit = page(limit);
        let found = self
            .open
            .store
            .scan(table, prefix, after.as_deref(), limit.saturating_add(1));
        let found = found.map_err(|f| store_problem(&f))?;
        let more = found.len() > limit;
        let mut items = Vec::with_capacity(found.len());
        for (key, row) in found.into_iter().take(limit) {
            let key = RowKey { table, key };
            items.push(
                self.open
                    .custody
                    .sealer
                    .decode::<T>(&key, &row)
                    .map_err(|f| store_problem(&f))?
                    .value,
            );
        }
        Ok((items, more))
    }

    // --- principals ---

    pub(super) fn create_workload(&mut self, command: &CreateWorkload) -> Result<Outcome, Problem> {
        let realm = self.realm(&command.realm)?;
        self.authorise_in(realm.id, ResourceKind::Realm, realm.id.0)?;
        let name = rows::principal_name(realm.id, &command.name);
        if self.row(&name)?.is_some() {
            return Err(Problem::new(ErrorCode::NameTaken).with("name", command.name.as_str()));
        }
        let id = PrincipalId(self.open.crypto.random().map_err(module_problem)?);
        let principal = decide::create_workload(command, &realm, id, self.moment)?;
        self.target = Some(id.0);
        self.put(name, None, &Pointer { id: id.0 })?;
        self.put(
            rows::principal_of_realm(realm.id, id),
            None,
            &Pointer { id: id.0 },
        )?;
        self.put(rows::principal(id), None, &principal)?;
        Ok(Outcome::Principal(principal))
    }

    /// A principal, if the caller may act on it; one of a realm it does not know is not there.
    fn principal(&mut self, id: PrincipalId) -> Result<(Principal, Row), Problem> {
        let absent = || Problem::new(ErrorCode::NotFound);
        self.target = Some(id.0);
        let (principal, row) = self
            .decoded::<Principal>(&rows::principal(id))?
            .ok_or_else(absent)?;
        self.realm(&RealmRef::Id(principal.realm))?;
        self.authorise_in(principal.realm, ResourceKind::Principal, id.0)?;
        Ok((principal, row))
    }

    pub(super) fn describe_principal(
        &mut self,
        command: &DescribePrincipal,
    ) -> Result<Outcome, Problem> {
        Ok(Outcome::Principal(self.principal(command.principal)?.0))
    }

    pub(super) fn list_principals(&mut self, command: &ListPrincipals) -> Result<Outcome, Problem> {
        let realm = self.realm(&command.realm)?;
        self.authorise_in(realm.id, ResourceKind::Realm, realm.id.0)?;
        let prefix = [b"p".as_slice(), realm.id.as_bytes()].concat();
        let after = command
            .after
            .map(|id| rows::principal_of_realm(realm.id, id).key);
        let (pointers, more) =
            self.listing::<Pointer>(Table::Edge, &prefix, after, command.limit)?;
        let mut items = Vec::with_capacity(pointers.len());
        for pointer in pointers {
            let opened = self
                .open
                .read::<Principal>(&rows::principal(PrincipalId(pointer.id)))?;
            items.extend(opened.map(|opened| opened.value));
        }
        Ok(Outcome::Principals(Page { items, more }))
    }

    pub(super) fn set_principal_enabled(
        &mut self,
        command: &SetPrincipalEnabled,
    ) -> Result<Outcome, Problem> {
        if !command.enabled && command.principal == self.caller.principal() {
            // The last administrator would lock everybody out, themselves included.
            self.target = Some(command.principal.0);
            return Err(Problem::new(ErrorCode::Conflict).with(
                "reason",
                "an account cannot disable itself; let another administrator do it",
            ));
        }
        let (mut principal, row) = self.principal(command.principal)?;
        if principal.enabled == command.enabled {
            return Err(Problem::new(ErrorCode::StateUnchanged).with(
                "state",
                if command.enabled {
                    "enabled"
                } else {
                    "disabled"
                },
            ));
        }
        principal.enabled = command.enabled;
        self.put(rows::principal(command.principal), Some(&row), &principal)?;
        Ok(Outcome::Principal(principal))
    }

    // --- credentials ---

    pub(super) fn issue_token(&mut self, command: &IssueToken) -> Result<Outcome, Problem> {
        let (principal, _) = self.principal(command.principal)?;
        let expires_at = decide::token_end(command, &principal, self.moment)?;
        let (text, token) = crate::init::new_token(
            &self.open.crypto,
            principal.id,
            self.moment.now.wall,
            expires_at,
        )?;
        self.detail = Some(format!("token {}", token.id));
        self.put(rows::token(token.id), None, &token)?;
        Ok(Outcome::Token {
            id: token.id,
            text,
            expires_at,
        })
    }

    pub(super) fn revoke_token(&mut self, command: &RevokeToken) -> Result<Outcome, Problem> {
        let key = rows::token(command.token);
        self.target = Some(command.token.0);
        let found = self.decoded::<Token>(&key)?;
        let (mut token, row) = found.ok_or_else(|| Problem::new(ErrorCode::NotFound))?;
        self.principal(token.principal)?;
        self.target = Some(command.token.0);
        if token.revoked_at.is_some() {
            return Err(Problem::new(ErrorCode::StateUnchanged).with("state", "revoked"));
        }
        token.revoked_at = Some(self.moment.now.wall);
        self.put(key, Some(&row), &token)?;
        Ok(Outcome::Done)
    }

    pub(super) fn register_anchor(&mut self, command: &RegisterAnchor) -> Result<Outcome, Problem> {
        let realm = self.realm(&command.realm)?;
        self.authorise_in(realm.id, ResourceKind::Realm, realm.id.0)?;
        let fingerprint = self
            .open
            .crypto
            .sha(&[&command.certificate])
            .map_err(module_problem)?;
        let key = rows::anchor(realm.id, &fingerprint);
        if self.row(&key)?.is_none() {
            let anchor = Anchor {
                realm: realm.id,
                fingerprint,
                certificate: command.certificate.clone(),
                created_at: self.moment.now.wall,
            };
            self.put(key, None, &anchor)?;
        }
        Ok(Outcome::Anchor { fingerprint })
    }

    pub(super) fn bind_certificate(
        &mut self,
        command: &BindCertificate,
    ) -> Result<Outcome, Problem> {
        let realm = self.realm(&command.realm)?;
        self.authorise_in(realm.id, ResourceKind::Realm, realm.id.0)?;
        let field = |field: &str, reason: &str| {
            Problem::new(ErrorCode::InvalidField)
                .with("field", field)
                .with("reason", reason)
        };
        let named = ["dns:", "uri:", "cn:"]
            .iter()
            .any(|kind| command.name.starts_with(kind));
        if !named || command.name.len() > 512 || command.name.chars().any(char::is_control) {
            return Err(field("name", "dns:…, uri:… or cn:…, at most 512 bytes"));
        }
        if self
            .row(&rows::anchor(realm.id, &command.anchor))?
            .is_none()
        {
            return Err(field("anchor", "this realm has no such anchor"));
        }
        let (principal, _) = self
            .decoded::<Principal>(&rows::principal(command.principal))?
            .filter(|(principal, _)| principal.realm == realm.id)
            .ok_or_else(|| field("principal", "this realm has no such workload"))?;
        self.target = Some(principal.id.0);
        let binding = CertificateBinding {
            anchor: command.anchor,
            name: command.name.clone(),
            principal: principal.id,
            created_at: self.moment.now.wall,
        };
        self.replace(rows::binding(&command.anchor, &command.name), &binding)?;
        Ok(Outcome::Done)
    }

    // --- policies ---

    fn new_policy_epoch(&mut self, realm: RealmId) -> Result<(), Problem> {
        self.replace(
            rows::policy_epoch(realm),
            &EpochRow {
                changed_at: self.moment.now.wall,
            },
        )
    }

    pub(super) fn put_policy(&mut self, command: &PutPolicy) -> Result<Outcome, Problem> {
        let realm = self.realm(&command.realm)?;
        self.authorise_in(realm.id, ResourceKind::Realm, realm.id.0)?;
        let invalid =
            |reason: String| Problem::new(ErrorCode::InvalidPolicy).with("reason", reason);
        if command.text.len() > POLICY_MAX_BYTES {
            return Err(invalid(format!("at most {POLICY_MAX_BYTES} bytes")));
        }
        let open = Arc::clone(self.open);
        open.policy
            .check(realm.id, command.name.as_str(), &command.text)
            .map_err(|reason| invalid(reason.to_string()))?;
        let row = PolicyText {
            name: command.name.clone(),
            text: command.text.clone(),
            changed_at: self.moment.now.wall,
            changed_by: self.moment.actor,
        };
        self.replace(rows::policy(realm.id, &command.name), &row)?;
        self.new_policy_epoch(realm.id)?;
        let (id, name, text) = (realm.id, command.name.clone(), command.text.clone());
        self.after.push(Box::new(move || {
            // It was checked before; what was accepted then is accepted now.
            let _ = open.policy.put(id, name.as_str(), &text);
        }));
        Ok(Outcome::Done)
    }

    pub(super) fn delete_policy(&mut self, command: &DeletePolicy) -> Result<Outcome, Problem> {
        let realm = self.realm(&command.realm)?;
        self.authorise_in(realm.id, ResourceKind::Realm, realm.id.0)?;
        let key = rows::policy(realm.id, &command.name);
        let row = self
            .row(&key)?
            .ok_or_else(|| Problem::new(ErrorCode::NotFound))?;
        self.delete(key, &row)?;
        self.new_policy_epoch(realm.id)?;
        let open = Arc::clone(self.open);
        let (id, name) = (realm.id, command.name.clone());
        self.after
            .push(Box::new(move || open.policy.remove(id, name.as_str())));
        Ok(Outcome::Done)
    }

    pub(super) fn list_policies(&mut self, command: &ListPolicies) -> Result<Outcome, Problem> {
        let realm = self.realm(&command.realm)?;
        self.authorise_in(realm.id, ResourceKind::Realm, realm.id.0)?;
        let (items, _) =
            self.listing::<PolicyText>(Table::Policy, realm.id.as_bytes(), None, u16::MAX)?;
        Ok(Outcome::Policies(items))
    }
}
