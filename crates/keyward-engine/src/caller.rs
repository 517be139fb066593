//! Who asks: the one place where a [`Caller`] is made, from a credential that was proven here.
use std::sync::Arc;

use keyward_core::ids::{PrincipalId, RealmId, TokenId};
use keyward_core::object::{CertificateBinding, Principal, Token};
use keyward_core::policy_facts::PrincipalFacts;
use keyward_core::record::Credential;
use keyward_core::role::Role;
use keyward_core::{ErrorCode, Problem};

use crate::cache::PrincipalEntry;
use crate::crypto::digests_equal;
use crate::open::Open;
use crate::ports::clock::Clock as _;
use crate::ports::store::{RowKey, Table};
use crate::problems::{module_problem, store_problem};
use crate::rows;

/// What a listener received as proof.
#[derive(Debug)]
pub enum Presented<'a> {
    /// An `Authorization: Bearer` text.
    Token(&'a str),
    /// A client certificate whose path was verified.
    Certificate(&'a PresentedCertificate),
}

/// A verified client certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentedCertificate {
    /// SHA-256 of the leaf.
    pub fingerprint: [u8; 32],
    /// SHA-256 of each registered anchor the path leads to.
    pub anchors: Vec<[u8; 32]>,
    /// Names in it, as `dns:…`, `uri:…`, `cn:…`.
    pub names: Vec<String>,
}

/// Someone who proved an identity. It cannot be made anywhere else:
/// ```compile_fail,E0451
/// use keyward_engine::Caller;
/// fn forge(known: Caller) -> Caller {
///     Caller { credential: unreachable!(), ..known }
/// }
/// ```
/// ```compile_fail,E0624
/// let forged = keyward_engine::Caller::system(keyward_core::ids::PrincipalId::SCHEDULER, "scheduler");
/// ```
pub struct Caller {
    pub(crate) facts: Arc<PrincipalEntry>,
    pub(crate) credential: Credential,
    pub(crate) source: Option<[u8; 16]>,
    /// Rows the identity rests on.
    pub(crate) reads: Vec<RowKey>,
    /// The commit count before they were read.
    pub(crate) position: u64,
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller")
            .field("principal", &self.facts.facts.id)
            .finish_non_exhaustive()
    }
}

impl Caller {
    /// The principal.
    #[must_use]
    pub fn principal(&self) -> PrincipalId {
        self.facts.facts.id
    }

    pub(crate) fn system(id: PrincipalId, name: &str) -> Self {
        let facts = PrincipalFacts {
            id,
            epoch: 0,
            kind: "system",
            name: name.to_owned(),
            grants: Vec::new(),
        };
        Self {
            facts: Arc::new(PrincipalEntry {
                facts,
                enabled: true,
            }),
            credential: Credential::System,
            source: None,
            reads: Vec::new(),
            position: 0,
        }
    }

    pub(crate) fn with_credential(
        mut self,
        credential: Credential,
        source: Option<[u8; 16]>,
    ) -> Self {
        self.credential = credential;
        self.source = source;
        self
    }

    /// Whether it holds any role in a realm or in the installation.
    pub(crate) fn knows(&self, realm: RealmId) -> bool {
        self.facts.facts.kind == "system"
            || self.facts.facts.grants.iter().any(|(at, role)| {
                *at == realm
                    || (*at == RealmId::SYSTEM
                        && matches!(role, Role::Administrator | Role::Auditor))
            })
    }
}

/// How a token's text looks: `kwt_<id>_<secret>`, both hexadecimal.
pub(crate) const TOKEN_PREFIX: &str = "kwt_";

fn token_parts(text: &str) -> Option<(TokenId, &str)> {
    let (id, secret) = text.strip_prefix(TOKEN_PREFIX)?.split_once('_')?;
    (secret.len() == 64).then_some(())?;
    Some((TokenId::parse(id).ok()?, secret))
}

impl Open {
    /// Proves a credential.
    pub(crate) fn authenticate(
        &self,
        presented: &Presented<'_>,
        source: Option<[u8; 16]>,
    ) -> Result<Caller, Problem> {
        let position = self.committer.position();
        let (principal, credential, mut reads) = match presented {
            Presented::Token(text) => self.by_token(text)?,
            Presented::Certificate(certificate) => self.by_certificate(certificate)?,
        };
        let facts = self
            .principal(principal)?
            .ok_or_else(|| Problem::new(ErrorCode::CredentialRejected))?;
        if !facts.enabled {
            return Err(Problem::new(ErrorCode::CallerDisabled));
        }
        reads.push(rows::principal(principal));
        Ok(Caller {
            facts,
            credential,
            source,
            reads,
            position,
        })
    }

    /// The caller as it stands now: `None` if nothing it rests on changed since it was proven, otherwise proven anew from
    /// the rows. Between a proof and the command it is for, the credential can have been revoked.
    pub(crate) fn current(&self, caller: &Caller) -> Result<Option<Caller>, Problem> {
        let stale = {
            let changed = self.committer.changed.read();
            !changed.nothing_after(caller.position)
                && caller
                    .reads
                    .iter()
                    .any(|row| changed.after(row, caller.position))
        };
        if !stale {
            return Ok(None);
        }
        let position = self.committer.position();
        match &caller.credential {
            Credential::Token(id) => {
                let token = self.token(*id)?;
                self.still_good(&*token.ok_or_else(|| Problem::new(ErrorCode::TokenInvalid))?)?;
            }
            Credential::Certificate(_) => self.still_bound(caller)?,
            Credential::System | Credential::Seal(_) | Credential::Unproven => {}
        }
        let facts = self
            .principal(caller.principal())?
            .ok_or_else(|| Problem::new(ErrorCode::CredentialRejected))?;
        if !facts.enabled {
            return Err(Problem::new(ErrorCode::CallerDisabled));
        }
        Ok(Some(Caller {
            facts,
            credential: caller.credential.clone(),
            source: caller.source,
            reads: caller.reads.clone(),
            position,
        }))
    }

    fn still_bound(&self, caller: &Caller) -> Result<(), Problem> {
        let bindings = caller
            .reads
            .iter()
            .filter(|row| row.table == Table::CertificateBinding);
        for row in bindings {
            if let Some(binding) = self.read::<CertificateBinding>(row)?
                && binding.value.principal == caller.principal()
            {
                return Ok(());
            }
        }
        Err(Problem::new(ErrorCode::CertificateUnknown))
    }

    fn still_good(&self, token: &Token) -> Result<(), Problem> {
        if token.revoked_at.is_some() {
            return Err(Problem::new(ErrorCode::TokenRevoked));
        }
        if self.clock.now().wall >= token.expires_at {
            return Err(Problem::new(ErrorCode::TokenExpired));
        }
        Ok(())
    }

    fn by_token(&self, text: &str) -> Result<(PrincipalId, Credential, Vec<RowKey>), Problem> {
        let invalid = || Problem::new(ErrorCode::TokenInvalid);
        let (id, secret) = token_parts(text).ok_or_else(invalid)?;
        let token = self.token(id)?.ok_or_else(invalid)?;
        let digest = self
            .crypto
            .sha(&[secret.as_bytes()])
            .map_err(module_problem)?;
        if !digests_equal(&digest, &token.digest) {
            return Err(invalid());
        }
        self.still_good(&token)?;
        Ok((
            token.principal,
            Credential::Token(id),
            vec![rows::token(id)],
        ))
    }

    fn by_certificate(
        &self,
        certificate: &PresentedCertificate,
    ) -> Result<(PrincipalId, Credential, Vec<RowKey>), Problem> {
        for anchor in &certificate.anchors {
            for name in &certificate.names {
                let key = rows::binding(anchor, name);
                if let Some(binding) = self.read::<CertificateBinding>(&key)? {
                    let credential = Credential::Certificate(certificate.fingerprint);
                    return Ok((binding.value.principal, credential, vec![key]));
                }
            }
        }
        Err(Problem::new(ErrorCode::CertificateUnknown))
    }

    fn token(&self, id: TokenId) -> Result<Option<Arc<Token>>, Problem> {
        if let Some(token) = self.caches.tokens.get(&id) {
            return Ok(Some(token));
        }
        let position = self.committer.position();
        let key = rows::token(id);
        let Some(opened) = self.read::<Token>(&key)? else {
            return Ok(None);
        };
        let token = Arc::new(opened.value);
        self.remember(&key, position, || {
            self.caches.tokens.insert(id, Arc::clone(&token))
        });
        Ok(Some(token))
    }

    pub(crate) fn principal(
        &self,
        id: PrincipalId,
    ) -> Result<Option<Arc<PrincipalEntry>>, Problem> {
        if let Some(entry) = self.caches.principals.get(&id) {
            return Ok(Some(entry));
        }
        let position = self.committer.position();
        let key = rows::principal(id);
        let Some(opened) = self.read::<Principal>(&key)? else {
            return Ok(None);
        };
        let entry = Arc::new(PrincipalEntry {
            facts: PrincipalFacts {
                id,
                epoch: opened.version,
                kind: opened.value.kind.as_str(),
                name: opened.value.name.as_str().to_owned(),
                grants: opened
                    .value
                    .grants
                    .iter()
                    .map(|grant| (grant.realm, grant.role))
                    .collect(),
            },
            enabled: opened.value.enabled,
        });
        self.remember(&key, position, || {
            self.caches.principals.insert(id, Arc::clone(&entry))
        });
        Ok(Some(entry))
    }

    /// Reads and checks one row.
    pub(crate) fn read<T: for<'b> minicbor::Decode<'b, ()>>(
        &self,
        key: &RowKey,
    ) -> Result<Option<crate::rows::Opened<T>>, Problem> {
        let Some(row) = self.store.get(key).map_err(|f| store_problem(&f))? else {
            return Ok(None);
        };
        self.custody
            .sealer
            .decode::<T>(key, &row)
            .map(Some)
            .map_err(|f| store_problem(&f))
    }

    /// Fills a cache, unless the row changed since `position`.
    pub(crate) fn remember(&self, key: &RowKey, position: u64, insert: impl FnOnce()) {
        let changed = self.committer.changed.read();
        if !changed.after(key, position) {
            insert();
        }
    }
}
