//! Realms, workloads and their credentials.
use alloc::vec::Vec;

use super::Moment;
use super::life::{check_reason, field, realm_open};
use crate::command::{ConfigureRealm, CreateRealm, CreateWorkload, IssueToken};
use crate::ids::{PrincipalId, RealmId};
use crate::limits::TOKEN_MAX_DAYS;
use crate::object::{ExportClass, Grant, Principal, PrincipalKind, Quotas, Realm};
use crate::role::Role;
use crate::time::{Millis, Timestamp};
use crate::{ErrorCode, Problem};

/// Decides on a new realm.
///
/// # Errors
/// `invalid_field`.
pub fn create_realm(
    command: &CreateRealm,
    id: RealmId,
    alias: u32,
    moment: Moment,
) -> Result<Realm, Problem> {
    if !(1..=3).contains(&command.level) {
        return Err(field("level", "1, 2 or 3"));
    }
    if command.name.as_str() == "system" {
        return Err(field("name", "`system` names the installation itself"));
    }
    let quotas = command.quotas.unwrap_or_default();
    check_quotas(&quotas)?;
    Ok(Realm {
        id,
        name: command.name.clone(),
        alias,
        level: command.level,
        rehearsal: command.rehearsal,
        suspended: false,
        quotas,
        created_at: moment.now.wall,
        created_by: moment.actor,
        rules: None,
    })
}

fn check_quotas(quotas: &Quotas) -> Result<(), Problem> {
    if quotas.keys == 0
        || quotas.rate_per_second == 0
        || quotas.in_flight == 0
        || quotas.audit_bytes_per_day == 0
    {
        return Err(field("quotas", "a quota must be greater than zero"));
    }
    Ok(())
}

/// Decides on other rules for a realm.
///
/// # Errors
/// `invalid_field`; `conflict` when the level would sink below what its keys were made under.
pub fn configure_realm(
    command: &ConfigureRealm,
    realm: &Realm,
    holds_keys: bool,
) -> Result<Realm, Problem> {
    let mut next = realm.clone();
    if let Some(level) = command.level {
        if !(1..=3).contains(&level) {
            return Err(field("level", "1, 2 or 3"));
        }
        if level < realm.level && holds_keys {
            return Err(Problem::new(ErrorCode::Conflict).with(
                "reason",
                "the level may sink only while the realm holds no object",
            ));
        }
        next.level = level;
    }
    if let Some(quotas) = command.quotas {
        check_quotas(&quotas)?;
        next.quotas = quotas;
    }
    if let Some(rules) = command.rules {
        if rules.rotate_every.is_some_and(|every| every < Millis::HOUR) {
            return Err(field("rules.rotate_every_days", "at least one hour"));
        }
        if next.level >= 3 && rules.widest_export == Some(ExportClass::Session) {
            return Err(field(
                "rules.widest_export",
                "a realm of level 3 has no export in the clear",
            ));
        }
        next.rules = Some(rules);
    }
    Ok(next)
}

/// Stops or allows every use in a realm.
///
/// # Errors
/// `state_unchanged`; `conflict` for the installation's own realm.
pub fn set_realm_suspended(
    realm: &Realm,
    suspended: bool,
    reason: Option<&str>,
) -> Result<Realm, Problem> {
    check_reason(reason)?;
    if realm.id == RealmId::SYSTEM {
        return Err(Problem::new(ErrorCode::Conflict).with(
            "reason",
            "the installation's own realm holds no keys and cannot be suspended",
        ));
    }
    if realm.suspended == suspended {
        let state = if suspended { "suspended" } else { "active" };
        return Err(Problem::new(ErrorCode::StateUnchanged).with("state", state));
    }
    Ok(Realm {
        suspended,
        ..realm.clone()
    })
}

/// Decides on a new workload.
///
/// # Errors
/// `role_conflict`, `invalid_field`, `realm_suspended`.
pub fn create_workload(
    command: &CreateWorkload,
    realm: &Realm,
    id: PrincipalId,
    moment: Moment,
) -> Result<Principal, Problem> {
    realm_open(realm)?;
    if command.roles.is_empty() {
        return Err(field("roles", "at least one role"));
    }
    let mut roles: Vec<Role> = command.roles.clone();
    roles.sort_unstable();
    roles.dedup();
    if let Some((first, second)) = Role::first_conflict(&roles) {
        return Err(Problem::new(ErrorCode::RoleConflict)
            .with("first", first.as_str())
            .with("second", second.as_str()));
    }
    Ok(Principal {
        id,
        realm: realm.id,
        name: command.name.clone(),
        kind: PrincipalKind::Workload,
        grants: roles
            .into_iter()
            .map(|role| Grant {
                realm: realm.id,
                role,
            })
            .collect(),
        enabled: true,
        created_at: moment.now.wall,
        created_by: moment.actor,
    })
}

/// When a new token ends.
///
/// # Errors
/// `invalid_field`, `caller_disabled`.
pub fn token_end(
    command: &IssueToken,
    principal: &Principal,
    moment: Moment,
) -> Result<Timestamp, Problem> {
    if !principal.enabled {
        return Err(Problem::new(ErrorCode::CallerDisabled));
    }
    if command.lifetime < Millis::SECOND
        || command.lifetime > Millis::days(u64::from(TOKEN_MAX_DAYS))
    {
        return Err(field(
            "lifetime_days",
            "at least a second and at most 366 days",
        ));
    }
    Ok(moment.now.wall.plus(command.lifetime))
}
