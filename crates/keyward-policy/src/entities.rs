//! Facts as Cedar entities.
use std::collections::{HashMap, HashSet};
use std::str::FromStr;

use cedar_policy::{Context, Entity, EntityId, EntityTypeName, EntityUid, RestrictedExpression};
use keyward_core::ids::{PrincipalId, RealmId};
use keyward_core::policy_facts::{ContextFacts, PrincipalFacts, ResourceFacts, ResourceKind};
use keyward_core::role::Role;

pub(crate) fn realm_text(realm: RealmId) -> String {
    if realm == RealmId::SYSTEM {
        "system".to_owned()
    } else {
        realm.to_string()
    }
}

fn type_name(name: &str) -> Option<EntityTypeName> {
    EntityTypeName::from_str(&format!("Keyward::{name}")).ok()
}

pub(crate) fn uid(kind: &str, id: &str) -> Option<EntityUid> {
    Some(EntityUid::from_type_name_and_id(
        type_name(kind)?,
        EntityId::new(id),
    ))
}

fn principal_id(id: PrincipalId) -> String {
    match id {
        PrincipalId::SCHEDULER => "scheduler".to_owned(),
        PrincipalId::SERVER => "server".to_owned(),
        PrincipalId::UNSEALER => "unsealer".to_owned(),
        other => other.to_string(),
    }
}

pub(crate) fn principal_uid(facts: &PrincipalFacts) -> Option<EntityUid> {
    uid("Principal", &principal_id(facts.id))
}

fn text(value: impl Into<String>) -> RestrictedExpression {
    RestrictedExpression::new_string(value.into())
}

fn principal_attributes(facts: &PrincipalFacts) -> Option<HashMap<String, RestrictedExpression>> {
    let roles = Role::ALL.map(|role| {
        let realms = facts
            .grants
            .iter()
            .filter(|(_, r)| *r == role)
            .map(|(realm, _)| text(realm_text(*realm)));
        (
            role.as_str().to_owned(),
            RestrictedExpression::new_set(realms),
        )
    });
    Some(HashMap::from([
        ("realm".to_owned(), text("")),
        ("kind".to_owned(), text(facts.kind)),
        ("name".to_owned(), text(facts.name.as_str())),
        (
            "roles".to_owned(),
            RestrictedExpression::new_record(roles).ok()?,
        ),
    ]))
}

/// The principal as an entity.
pub(crate) fn principal(facts: &PrincipalFacts) -> Option<Entity> {
    Entity::new(
        principal_uid(facts)?,
        principal_attributes(facts)?,
        HashSet::new(),
    )
    .ok()
}

const fn kind_name(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::System => "System",
        ResourceKind::Realm => "Realm",
        ResourceKind::Key => "Key",
        ResourceKind::Principal => "Principal",
        ResourceKind::Log => "Log",
    }
}

/// The resource as an entity.
pub(crate) fn resource(facts: &ResourceFacts<'_>) -> Option<Entity> {
    let id = uid(kind_name(facts.kind), &keyward_core::ids::hex(&facts.id))?;
    let realm = realm_text(facts.realm);
    if facts.kind == ResourceKind::Principal {
        let shown = PrincipalFacts {
            id: PrincipalId(facts.id),
            epoch: 0,
            kind: "",
            name: facts.name.unwrap_or_default().to_owned(),
            grants: Vec::new(),
        };
        let mut attributes = principal_attributes(&shown)?;
        attributes.insert("realm".to_owned(), text(realm));
        return Entity::new(id, attributes, HashSet::new()).ok();
    }
    let mut attributes = HashMap::from([("realm".to_owned(), text(realm))]);
    let mut tags = Vec::new();
    if facts.kind == ResourceKind::Key {
        let optional = [
            ("name", facts.name.map(str::to_owned)),
            ("spec", facts.spec.map(str::to_owned)),
            ("purpose", facts.purpose.map(str::to_owned)),
            ("owner", facts.owner.map(|owner| owner.to_string())),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                attributes.insert(name.to_owned(), text(value));
            }
        }
        tags.extend(
            facts
                .tags
                .into_iter()
                .flatten()
                .map(|(key, value)| (key.clone(), text(value.as_str()))),
        );
    }
    Entity::new_with_tags(id, attributes, HashSet::new(), tags).ok()
}

/// The circumstances.
pub(crate) fn context(facts: ContextFacts) -> Option<Context> {
    let address = std::net::Ipv6Addr::from(facts.source);
    let address = address
        .to_ipv4_mapped()
        .map_or_else(|| address.to_string(), |v4| v4.to_string());
    Context::from_pairs([
        (
            "strong_authentication".to_owned(),
            RestrictedExpression::new_bool(facts.strong_authentication),
        ),
        (
            "now_ms".to_owned(),
            RestrictedExpression::new_long(i64::try_from(facts.now_ms).unwrap_or(i64::MAX)),
        ),
        ("source".to_owned(), RestrictedExpression::new_ip(address)),
    ])
    .ok()
}
