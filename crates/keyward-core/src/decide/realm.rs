//! Realms, workloads and their credentials.
use alloc::vec::Vec;

use super::Moment;
use super::life::{field, realm_open};
use crate::command::{CreateRealm, CreateWorkload, IssueToken};
use crate::ids::{PrincipalId, RealmId};
use crate::limits::TOKEN_MAX_DAYS;
use crate::object::{Grant, Principal, PrincipalKind, Realm};
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
    if quotas.keys == 0
        || quotas.rate_per_second == 0
        || quotas.in_flight == 0
        || quotas.audit_bytes_per_day == 0
    {
        return Err(field("quotas", "a quota must be greater than zero"));
    }
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
