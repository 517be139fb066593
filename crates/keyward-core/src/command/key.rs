//! Commands on the life of keys.
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use super::{KeyFilter, KeyRef, RealmRef};
use crate::algorithm::{KeySpec, Protection, Purpose};
use crate::ids::{ObjectId, PrincipalId};
use crate::name::Name;
use crate::object::{Cryptoperiod, ExportClass, Sensitivity};
use crate::state::State;
use crate::time::{Millis, Timestamp};

/// Makes a key.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CreateKey {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Name, unique per realm and kind.
    #[n(1)]
    pub name: Option<Name>,
    /// Algorithm and size.
    #[n(2)]
    pub spec: KeySpec,
    /// Purpose; the kind's first if not given.
    #[n(3)]
    pub purpose: Option<Purpose>,
    /// Where it lives.
    #[n(4)]
    pub protection: Protection,
    /// Export class.
    #[n(5)]
    pub export: ExportClass,
    /// Whether to activate it at once; else it stays in pre-activation.
    #[n(6)]
    pub activate: bool,
    /// Cryptoperiod; the standard's for the purpose if not given.
    #[n(7)]
    pub cryptoperiod: Option<Cryptoperiod>,
    /// Rotation interval.
    #[n(8)]
    pub rotate_every: Option<Millis>,
    /// Impact level.
    #[n(9)]
    pub sensitivity: Sensitivity,
    /// Applications.
    #[n(10)]
    pub applications: Vec<String>,
    /// Tags.
    #[n(11)]
    pub tags: BTreeMap<String, String>,
    /// Owner; the caller if not given.
    #[n(12)]
    pub owner: Option<PrincipalId>,
    /// Whether services that are not approved may be used with it, for life; only where the realm allows that.
    #[n(13)]
    pub exception: Option<bool>,
}

/// Shows a key and its versions.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DescribeKey {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
}

/// Lists keys in id order: stable under writes.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ListKeys {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Continue after this one.
    #[n(1)]
    pub after: Option<ObjectId>,
    /// At most so many.
    #[n(2)]
    pub limit: u16,
    /// Only keys whose current version is in this state.
    #[n(3)]
    pub state: Option<State>,
    /// Only keys whose name starts so.
    #[n(4)]
    pub name_prefix: Option<String>,
    /// What else must hold.
    #[n(5)]
    pub filter: Option<KeyFilter>,
}

/// Makes a new version.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RotateKey {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
}

/// Activates a version.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ActivateKey {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// The current version if not given.
    #[n(2)]
    pub version: Option<u32>,
}

/// Stops all use.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SuspendKey {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// Why.
    #[n(2)]
    pub reason: Option<String>,
}

/// Allows use again.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ResumeKey {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// Why.
    #[n(2)]
    pub reason: Option<String>,
}

/// Ends protection by a version for good.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DeactivateKey {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// The current version if not given.
    #[n(2)]
    pub version: Option<u32>,
    /// Why.
    #[n(3)]
    pub reason: Option<String>,
}

/// Records a compromise, of all versions unless one is named.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ReportCompromise {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// One version, or all.
    #[n(2)]
    pub version: Option<u32>,
    /// Since when it may have been known to others.
    #[n(3)]
    pub since: Option<Timestamp>,
    /// What is known.
    #[n(4)]
    pub reason: String,
}

/// Sets a date for destruction, of all versions unless one is named.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ScheduleDestruction {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// One version, or all.
    #[n(2)]
    pub version: Option<u32>,
    /// 7 to 30.
    #[n(3)]
    pub after_days: u16,
    /// Why.
    #[n(4)]
    pub reason: String,
}

/// Clears the date, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CancelDestruction {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// One version, or all that are scheduled.
    #[n(2)]
    pub version: Option<u32>,
}

/// Destroys the versions of a key that are due.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ExecuteDestruction {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
}

/// Lets a held destruction go on.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ConfirmDestruction {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
}
