//! What the policy language is told about a request: plain facts, no secrets.
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use crate::command::CommandKind;
use crate::ids::{PrincipalId, RealmId};
use crate::role::Role;

/// One request as policy sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRequest<'a> {
    /// Who asks.
    pub principal: &'a PrincipalFacts,
    /// What is asked; the Cedar action is `Keyward::Action::"<kind.as_str()>"`.
    pub action: CommandKind,
    /// Of what.
    pub resource: ResourceFacts<'a>,
    /// Under which circumstances.
    pub context: ContextFacts,
}

/// A principal and its grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrincipalFacts {
    /// Its id.
    pub id: PrincipalId,
    /// Changes whenever anything else here does: cached decisions are keyed by it.
    pub epoch: u64,
    /// `workload`, `person` or `system`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Roles per realm; a role in [`RealmId::SYSTEM`] holds for the installation, not for the realms in it.
    pub grants: Vec<(RealmId, Role)>,
}

/// What is acted upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceFacts<'a> {
    /// The realm it belongs to.
    pub realm: RealmId,
    /// What it is.
    pub kind: ResourceKind,
    /// Its id (for a realm its own; for [`ResourceKind::System`] zeros).
    pub id: [u8; 16],
    /// Version of the row these facts were read from; cached decisions are keyed by it.
    pub row_version: u64,
    /// Name, where it has one.
    pub name: Option<&'a str>,
    /// Tags, where it has any.
    pub tags: Option<&'a BTreeMap<String, String>>,
    /// Interface name of the key's algorithm, for keys.
    pub spec: Option<&'static str>,
    /// Interface name of the key's purpose, for keys.
    pub purpose: Option<&'static str>,
    /// The owner.
    pub owner: Option<PrincipalId>,
}

/// Kinds of resources in the policy schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    /// The installation.
    System,
    /// A realm.
    Realm,
    /// A key or other object.
    Key,
    /// A principal or one of its credentials.
    Principal,
    /// The log.
    Log,
}

/// Facts about the moment and the connection. A policy that reads any of them is never cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContextFacts {
    /// Whether a second factor or a client certificate was shown.
    pub strong_authentication: bool,
    /// Milliseconds since 1970.
    pub now_ms: u64,
    /// IPv4-mapped or IPv6 source address, zeros when there is none.
    pub source: [u8; 16],
}
