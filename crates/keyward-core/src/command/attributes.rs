//! Commands that change what is known about a key, not its material; and the filters of listings.
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use super::{KeyRef, RealmRef};
use crate::algorithm::{KeySpec, Purpose};
use crate::ids::PrincipalId;
use crate::name::Name;
use crate::object::{Cryptoperiod, ExportClass, Quotas, RealmRules, Sensitivity};
use crate::time::{Millis, Timestamp};

/// A value for something that may also be without one.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Edit<T> {
    /// This value from now on.
    #[n(0)]
    Set(#[n(0)] T),
    /// None from now on.
    #[n(1)]
    Clear,
}

/// Changes attributes; what is not given stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct UpdateKey {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// Another name, or none.
    #[n(2)]
    pub name: Option<Edit<Name>>,
    /// Tags to write, or to remove where there is no value; the others stay.
    #[n(3)]
    pub tags: BTreeMap<String, Option<String>>,
    /// Who answers for it.
    #[n(4)]
    pub owner: Option<PrincipalId>,
    /// All applications that use it.
    #[n(5)]
    pub applications: Option<Vec<String>>,
    /// Impact level.
    #[n(6)]
    pub sensitivity: Option<Sensitivity>,
    /// A narrower export class.
    #[n(7)]
    pub export: Option<ExportClass>,
    /// Shorter periods; those of the versions there are end earlier too.
    #[n(8)]
    pub cryptoperiod: Option<Cryptoperiod>,
    /// Rotation interval, counted from the birth of the current version.
    #[n(9)]
    pub rotate_every: Option<Edit<Millis>>,
    /// Lowest version that may protect.
    #[n(10)]
    pub min_protect: Option<u32>,
    /// Lowest version that may process.
    #[n(11)]
    pub min_process: Option<u32>,
}

impl UpdateKey {
    /// One that changes nothing yet.
    #[must_use]
    pub const fn nothing(realm: RealmRef, key: KeyRef) -> Self {
        Self {
            realm,
            key,
            name: None,
            tags: BTreeMap::new(),
            owner: None,
            applications: None,
            sensitivity: None,
            export: None,
            cryptoperiod: None,
            rotate_every: None,
            min_protect: None,
            min_process: None,
        }
    }
}

/// Gives a key one more name, taking it from another key only if that is said.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PutAlias {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// The key that has it afterwards.
    #[n(1)]
    pub key: KeyRef,
    /// The further name.
    #[n(2)]
    pub alias: Name,
    /// Whether to take it from the key that has it now: at once, no moment without it.
    #[n(3)]
    pub take: bool,
}

/// Takes a further name away.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RemoveAlias {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which key.
    #[n(1)]
    pub key: KeyRef,
    /// The further name.
    #[n(2)]
    pub alias: Name,
}

/// Shows what depends on a key: what it wraps, what was derived from it, what it certifies, and so on from there.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ReadBlastRadius {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
}

/// Shows what is known about the destruction of a key's versions: for whoever must prove it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ReadDestruction {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
}

/// What a listing is narrowed to; all that is given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Default)]
#[cbor(map)]
pub struct KeyFilter {
    /// Algorithm and size.
    #[n(0)]
    pub spec: Option<KeySpec>,
    /// Purpose.
    #[n(1)]
    pub purpose: Option<Purpose>,
    /// A tag with this key, and this value if one is given.
    #[n(2)]
    pub tag: Option<(String, Option<String>)>,
    /// Who answers for it.
    #[n(3)]
    pub owner: Option<PrincipalId>,
    /// A scheduled rotation falls due before then.
    #[n(4)]
    pub rotation_due_before: Option<Timestamp>,
    /// A scheduled destruction of any version falls due before then.
    #[n(5)]
    pub destruction_due_before: Option<Timestamp>,
}

/// Changes the rules of a realm; what is not given stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ConfigureRealm {
    /// Which.
    #[n(0)]
    pub realm: RealmRef,
    /// Assurance level 1–3; lower only while the realm holds no key.
    #[n(1)]
    pub level: Option<u8>,
    /// Limits.
    #[n(2)]
    pub quotas: Option<Quotas>,
    /// Rules for new keys.
    #[n(3)]
    pub rules: Option<RealmRules>,
}

/// Stops every use in a realm.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SuspendRealm {
    /// Which.
    #[n(0)]
    pub realm: RealmRef,
    /// Why.
    #[n(1)]
    pub reason: Option<String>,
}

/// Allows use in a realm again.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ResumeRealm {
    /// Which.
    #[n(0)]
    pub realm: RealmRef,
    /// Why.
    #[n(1)]
    pub reason: Option<String>,
}
