//! Commands on a realm's policies.
use alloc::string::String;

use minicbor::{Decode, Encode};

use super::RealmRef;
use crate::name::Name;

/// Writes a policy.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PutPolicy {
    /// Realm it governs.
    #[n(0)]
    pub realm: RealmRef,
    /// Name in the realm.
    #[n(1)]
    pub name: Name,
    /// Cedar text, checked strictly against the schema.
    #[n(2)]
    pub text: String,
}

/// Removes a policy.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DeletePolicy {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Name.
    #[n(1)]
    pub name: Name,
}

/// Lists a realm's policies.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ListPolicies {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
}
