//! Commands on workloads and their credentials.
use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use super::RealmRef;
use crate::ids::{PrincipalId, TokenId};
use crate::name::Name;
use crate::role::Role;
use crate::time::Millis;

/// Makes a workload.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CreateWorkload {
    /// Home realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Unique in it.
    #[n(1)]
    pub name: Name,
    /// Roles in it.
    #[n(2)]
    pub roles: Vec<Role>,
}

/// Shows a principal.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DescribePrincipal {
    /// Which.
    #[n(0)]
    pub principal: PrincipalId,
}

/// Lists a realm's principals in id order.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ListPrincipals {
    /// Whose.
    #[n(0)]
    pub realm: RealmRef,
    /// Continue after this one.
    #[n(1)]
    pub after: Option<PrincipalId>,
    /// At most so many.
    #[n(2)]
    pub limit: u16,
}

/// Issues a bearer token; its text is in the outcome once and stored nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct IssueToken {
    /// For whom.
    #[n(0)]
    pub principal: PrincipalId,
    /// How long it is good.
    #[n(1)]
    pub lifetime: Millis,
}

/// Revokes a bearer token.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RevokeToken {
    /// Which.
    #[n(0)]
    pub token: TokenId,
}

/// Registers a certificate authority.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RegisterAnchor {
    /// Realm it identifies workloads of.
    #[n(0)]
    pub realm: RealmRef,
    /// Certificate, DER.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub certificate: Vec<u8>,
}

/// Binds a certificate name under an anchor to a workload.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct BindCertificate {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// The anchor's fingerprint.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub anchor: [u8; 32],
    /// `dns:…`, `uri:…` or `cn:…`.
    #[n(2)]
    pub name: String,
    /// Workload of the same realm.
    #[n(3)]
    pub principal: PrincipalId,
}

/// Enables or disables a principal: effective before it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SetPrincipalEnabled {
    /// Whom.
    #[n(0)]
    pub principal: PrincipalId,
    /// Whether it may act.
    #[n(1)]
    pub enabled: bool,
}
