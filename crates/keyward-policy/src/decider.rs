//! Deciding: the policies of one realm and one action only, and a cache for what does not depend on the moment.
use std::collections::HashMap;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use cedar_policy::{
    ActionConstraint, Authorizer, Decision, Entities, EntityUid, Policy, PolicyId, PolicySet,
    Request, Schema, ValidationMode, Validator,
};
use keyward_core::command::CommandKind;
use keyward_core::ids::{PrincipalId, RealmId};
use keyward_core::policy_facts::{PolicyRequest, ResourceKind};
use parking_lot::RwLock;
use quick_cache::sync::Cache;

use crate::entities;
use crate::schema::{groups, schema_text};

const BUILT_IN: &str = include_str!("../../../spec/policy/builtin.cedar");
/// Decisions remembered.
const CACHE: usize = 100_000;
/// Policies of one realm.
const POLICIES_MAX: usize = 10_000;

/// The schema and the built-in policies, parsed and validated once for the process.
#[expect(
    clippy::expect_used,
    reason = "constant text, covered by tests: a program whose own policies do not parse must not start"
)]
static PARSED: LazyLock<(Schema, Vec<Policy>)> = LazyLock::new(|| {
    let (schema, _) =
        Schema::from_cedarschema_str(&schema_text()).expect("the built-in schema parses");
    let built_in = named(BUILT_IN, |id, _| id.to_owned()).expect("the built-in policies parse");
    validate(&schema, &built_in).expect("the built-in policies fit the schema");
    (schema, built_in)
});

/// Why a policy is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// It does not parse.
    #[error("it does not parse: {0}")]
    Syntax(String),
    /// It does not fit the schema.
    #[error("it does not fit the schema: {0}")]
    Schema(String),
    /// There are too many.
    #[error("the realm has as many policies as it may have")]
    TooMany,
}

/// What policy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyAnswer {
    /// Whether the request is allowed.
    pub allowed: bool,
    /// Stable names of the policies that decided: `role:…`, `guard:…`, `realm:<name>`.
    pub determining: Arc<[String]>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct CacheKey {
    set: u64,
    principal: PrincipalId,
    epoch: u64,
    action: CommandKind,
    realm: RealmId,
    kind: ResourceKind,
    /// Zero where no policy of the slice looks at more than the realm.
    resource: ([u8; 16], u64),
}

/// The policies that can apply to one action in one realm: those whose answer can be remembered, and those that look at
/// the moment and are asked every time. One of the latter does not make the former expensive.
struct Slice {
    lasting: PolicySet,
    momentary: PolicySet,
    reads_resource: bool,
}

/// What a part of a slice says: with `Allow` the permits that are satisfied, with `Deny` the forbids.
#[derive(Clone)]
struct Part {
    decision: Decision,
    satisfied: Arc<[String]>,
    failed: bool,
}

impl Part {
    fn answer(self) -> PolicyAnswer {
        PolicyAnswer {
            allowed: self.decision == Decision::Allow && !self.failed,
            determining: self.satisfied,
        }
    }

    /// What both would say as one set: a forbid of either wins, else a permit of either is enough.
    fn and(self, other: Self) -> Self {
        let failed = self.failed || other.failed;
        let forbids = |part: &Self| part.decision == Decision::Deny && !part.satisfied.is_empty();
        let decision = match (
            forbids(&self) || forbids(&other),
            self.decision,
            other.decision,
        ) {
            (true, _, _) | (false, Decision::Deny, Decision::Deny) => Decision::Deny,
            _ => Decision::Allow,
        };
        let mut satisfied: Vec<String> = [&self, &other]
            .into_iter()
            .filter(|part| part.decision == decision)
            .flat_map(|part| part.satisfied.iter().cloned())
            .collect();
        satisfied.sort_unstable();
        satisfied.dedup();
        Self {
            decision,
            satisfied: satisfied.into(),
            failed,
        }
    }
}

type RealmPolicies = HashMap<String, Vec<Policy>>;

/// Decides requests; policies can be replaced while it works.
pub struct Decider {
    schema: &'static Schema,
    built_in: &'static [Policy],
    realms: RwLock<HashMap<RealmId, RealmPolicies>>,
    slices: Cache<(u64, RealmId, CommandKind), Arc<Slice>>,
    answers: Cache<CacheKey, Part>,
    principals: Cache<(PrincipalId, u64), Arc<Entities>>,
    set: AtomicU64,
    authorizer: Authorizer,
}

impl Default for Decider {
    fn default() -> Self {
        Self::new()
    }
}

impl Decider {
    /// A decider with the built-in roles only.
    ///
    /// # Panics
    /// If the built-in schema or policies, which are part of the program, do not validate.
    #[must_use]
    pub fn new() -> Self {
        let (schema, built_in) = &*PARSED;
        Self {
            schema,
            built_in,
            realms: RwLock::new(HashMap::new()),
            slices: Cache::new(10_000),
            answers: Cache::new(CACHE),
            principals: Cache::new(10_000),
            set: AtomicU64::new(1),
            authorizer: Authorizer::new(),
        }
    }

    /// Checks a realm's policy without taking it.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn check(&self, realm: RealmId, name: &str, text: &str) -> Result<(), PolicyError> {
        let known = self.realms.read();
        let count = known.get(&realm).map_or(0, HashMap::len);
        let replaces = known
            .get(&realm)
            .is_some_and(|policies| policies.contains_key(name));
        if count >= POLICIES_MAX && !replaces {
            return Err(PolicyError::TooMany);
        }
        drop(known);
        self.read(name, text).map(|_| ())
    }

    fn read(&self, name: &str, text: &str) -> Result<Vec<Policy>, PolicyError> {
        let policies = named(text, |_, index| format!("realm:{name}#{index}"))?;
        validate(self.schema, &policies)?;
        Ok(policies)
    }

    /// Takes or replaces a realm's policy.
    ///
    /// # Errors
    /// [`PolicyError`]; then nothing changed.
    pub fn put(&self, realm: RealmId, name: &str, text: &str) -> Result<(), PolicyError> {
        let policies = self.read(name, text)?;
        let mut realms = self.realms.write();
        realms
            .entry(realm)
            .or_default()
            .insert(name.to_owned(), policies);
        self.set.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// Removes a realm's policy.
    pub fn remove(&self, realm: RealmId, name: &str) {
        let mut realms = self.realms.write();
        if let Some(policies) = realms.get_mut(&realm) {
            policies.remove(name);
        }
        self.set.fetch_add(1, Ordering::AcqRel);
    }

    /// Decides.
    #[must_use]
    pub fn decide(&self, request: &PolicyRequest<'_>) -> PolicyAnswer {
        // The number is read first: an answer is never filed under a set newer than the one it was made from.
        let set = self.set.load(Ordering::Acquire);
        let slice = self.slice(set, request.resource.realm, request.action);
        let key = CacheKey {
            set,
            principal: request.principal.id,
            epoch: request.principal.epoch,
            action: request.action,
            realm: request.resource.realm,
            kind: request.resource.kind,
            resource: if slice.reads_resource {
                (request.resource.id, request.resource.row_version)
            } else {
                ([0; 16], 0)
            },
        };
        let lasting = match self.answers.get(&key) {
            Some(known) => known,
            None => {
                let made = self.evaluate(&slice.lasting, request);
                self.answers.insert(key, made.clone());
                made
            }
        };
        if slice.momentary.is_empty() {
            return lasting.answer();
        }
        lasting
            .and(self.evaluate(&slice.momentary, request))
            .answer()
    }

    fn slice(&self, set: u64, realm: RealmId, action: CommandKind) -> Arc<Slice> {
        let key = (set, realm, action);
        if let Some(slice) = self.slices.get(&key) {
            return slice;
        }
        let realms = self.realms.read();
        let own = realms
            .get(&realm)
            .into_iter()
            .flat_map(HashMap::values)
            .flatten();
        let (mut lasting, mut momentary, mut reads_resource) =
            (PolicySet::new(), PolicySet::new(), false);
        for policy in self
            .built_in
            .iter()
            .chain(own)
            .filter(|policy| can_match(policy, action))
        {
            let custom = policy.id().to_string().starts_with("realm:");
            // A custom policy's text decides what its answers may be filed under; the built-in ones read the realm only.
            let reads_context = custom && policy.to_string().contains("context");
            reads_resource |= custom && !reads_context;
            let part = if reads_context {
                &mut momentary
            } else {
                &mut lasting
            };
            // Ids are unique by construction; a clash would only leave the second one out, which denies.
            let _ = part.add(policy.clone());
        }
        let slice = Arc::new(Slice {
            lasting,
            momentary,
            reads_resource,
        });
        self.slices.insert(key, Arc::clone(&slice));
        slice
    }

    fn evaluate(&self, policies: &PolicySet, request: &PolicyRequest<'_>) -> Part {
        let (Some(question), Some(entities)) = (self.question(request), self.entities(request))
        else {
            return Part {
                decision: Decision::Deny,
                satisfied: Arc::new([]),
                failed: true,
            };
        };
        let response = self
            .authorizer
            .is_authorized(&question, policies, &entities);
        let mut satisfied: Vec<String> = response
            .diagnostics()
            .reason()
            .map(|id| short(id.as_ref()))
            .collect();
        satisfied.sort_unstable();
        satisfied.dedup();
        Part {
            decision: response.decision(),
            satisfied: satisfied.into(),
            failed: response.diagnostics().errors().next().is_some(),
        }
    }

    fn question(&self, request: &PolicyRequest<'_>) -> Option<Request> {
        let action = entities::uid("Action", request.action.as_str())?;
        Request::new(
            entities::principal_uid(request.principal)?,
            action,
            entities::resource(&request.resource)?.uid(),
            entities::context(request.context)?,
            Some(self.schema),
        )
        .ok()
    }

    fn entities(&self, request: &PolicyRequest<'_>) -> Option<Entities> {
        let key = (request.principal.id, request.principal.epoch);
        let principal = match self.principals.get(&key) {
            Some(entities) => entities,
            None => {
                let actions = self.schema.action_entities().ok()?;
                let entity = entities::principal(request.principal)?;
                let made = Arc::new(actions.add_entities([entity], Some(self.schema)).ok()?);
                self.principals.insert(key, Arc::clone(&made));
                made
            }
        };
        let resource = entities::resource(&request.resource)?;
        if Some(resource.uid()) == entities::principal_uid(request.principal) {
            // Someone acting on itself: its own facts, with the realm the resource is in.
            return principal
                .as_ref()
                .clone()
                .upsert_entities([resource], None)
                .ok();
        }
        principal
            .as_ref()
            .clone()
            .add_entities([resource], None)
            .ok()
    }
}

fn short(id: &str) -> String {
    id.split_once('#').map_or(id, |(name, _)| name).to_owned()
}

/// Reads policies and gives each its stable name.
fn named(text: &str, name: impl Fn(&str, usize) -> String) -> Result<Vec<Policy>, PolicyError> {
    let set = PolicySet::from_str(text).map_err(|error| PolicyError::Syntax(readable(&error)))?;
    if set.templates().next().is_some() {
        return Err(PolicyError::Schema(
            "templates are not used here".to_owned(),
        ));
    }
    let mut policies: Vec<&Policy> = set.policies().collect();
    policies.sort_by_key(|policy| policy.id().to_string());
    Ok(policies
        .into_iter()
        .enumerate()
        .map(|(index, policy)| {
            let annotated = policy.annotation("id").unwrap_or_default();
            policy.new_id(PolicyId::new(name(annotated, index)))
        })
        .collect())
}

fn readable(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn validate(schema: &Schema, policies: &[Policy]) -> Result<(), PolicyError> {
    let set = PolicySet::from_policies(policies.iter().cloned())
        .map_err(|error| PolicyError::Schema(readable(&error)))?;
    let result = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
    match result.validation_errors().next() {
        None => Ok(()),
        Some(error) => Err(PolicyError::Schema(error.to_string())),
    }
}

/// Whether the policy's scope admits the action at all.
fn can_match(policy: &Policy, action: CommandKind) -> bool {
    let names = |uid: &EntityUid| {
        let id: &str = uid.id().as_ref();
        id == action.as_str() || groups(action).contains(&id)
    };
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::In(uids) => uids.iter().any(names),
        ActionConstraint::Eq(uid) => names(&uid),
    }
}

#[cfg(test)]
mod tests;
