//! Commands on the seal and on realms.
use alloc::string::String;

use minicbor::{Decode, Encode};

use super::RealmRef;
use crate::ids::RealmId;
use crate::name::Name;
use crate::object::Quotas;

/// Opens the seal. The secret itself travels beside the command, never in it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Unseal {
    /// Kind of slot to try.
    #[n(0)]
    pub kind: String,
}

/// Closes the seal.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Seal {
    /// Why.
    #[n(0)]
    pub reason: Option<String>,
}

/// Makes a realm.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CreateRealm {
    /// Unique name.
    #[n(0)]
    pub name: Name,
    /// Assurance level 1–3.
    #[n(1)]
    pub level: u8,
    /// For rehearsals only.
    #[n(2)]
    pub rehearsal: bool,
    /// Limits; the defaults if not given.
    #[n(3)]
    pub quotas: Option<Quotas>,
}

/// Shows a realm.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DescribeRealm {
    /// Which.
    #[n(0)]
    pub realm: RealmRef,
}

/// Lists realms in id order.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ListRealms {
    /// Continue after this one.
    #[n(0)]
    pub after: Option<RealmId>,
    /// At most so many.
    #[n(1)]
    pub limit: u16,
}
