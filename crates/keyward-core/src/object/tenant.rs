//! Realms, principals and their credentials.
use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use super::ExportClass;
use crate::ids::{PrincipalId, RealmId, TokenId};
use crate::name::Name;
use crate::role::Role;
use crate::time::{Millis, Timestamp};

/// A tenant: its own names, keys, policies, quotas and assurance level.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Realm {
    /// Id; [`RealmId::SYSTEM`] for the installation itself.
    #[n(0)]
    pub id: RealmId,
    /// Unique in the installation.
    #[n(1)]
    pub name: Name,
    /// Numeric alias for account-shaped interfaces (ARNs).
    #[n(2)]
    pub alias: u32,
    /// Assurance level 1–3 (DESIGN §5).
    #[n(3)]
    pub level: u8,
    /// Whether it is for rehearsals: only there do uncertified tokens work.
    #[n(4)]
    pub rehearsal: bool,
    /// Whether every use in it is stopped.
    #[n(5)]
    pub suspended: bool,
    /// Limits.
    #[n(6)]
    pub quotas: Quotas,
    /// When it was made.
    #[n(7)]
    pub created_at: Timestamp,
    /// By whom.
    #[n(8)]
    pub created_by: PrincipalId,
    /// Rules for new keys; none: the standard's.
    #[n(9)]
    pub rules: Option<RealmRules>,
}

/// What a realm says about its new keys. Keys that are there already keep what they were made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Default)]
#[cbor(map)]
pub struct RealmRules {
    /// Rotation interval of a key that was made without one.
    #[n(0)]
    pub rotate_every: Option<Millis>,
    /// Widest export class that a new key may have; any that the level allows if not given.
    #[n(1)]
    pub widest_export: Option<ExportClass>,
    /// Whether keys may be made with an exception for services that are not approved.
    #[n(2)]
    pub exceptions: Option<bool>,
}

/// What a realm counts: apart from [`Realm`], so that making a key does not disturb those who only read the realm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Default)]
#[cbor(map)]
pub struct RealmCounters {
    /// First leaf of its puncturable state that no block was reserved for; only grows.
    #[n(0)]
    pub next_leaf: u64,
    /// Leaves punctured.
    #[n(1)]
    pub destroyed: u64,
}

/// Limits of one realm, so that a noisy one does not slow another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Quotas {
    /// Key versions that are not destroyed (counted by reserved leaves, so up to one block high).
    #[n(0)]
    pub keys: u64,
    /// Commands a second, sustained.
    #[n(1)]
    pub rate_per_second: u32,
    /// Commands under way at once.
    #[n(2)]
    pub in_flight: u32,
    /// Bytes of log a day.
    #[n(3)]
    pub audit_bytes_per_day: u64,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            keys: 10_000_000,
            rate_per_second: 1_000_000,
            in_flight: 10_000,
            audit_bytes_per_day: 1 << 40,
        }
    }
}

/// What kind of actor a principal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum PrincipalKind {
    /// A program.
    #[n(0)]
    Workload,
    /// A human's account.
    #[n(1)]
    Person,
    /// A part of Keyward.
    #[n(2)]
    System,
}

impl PrincipalKind {
    /// The name used in every interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Workload => "workload",
            Self::Person => "person",
            Self::System => "system",
        }
    }
}

/// A role in a realm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Grant {
    /// Where.
    #[n(0)]
    pub realm: RealmId,
    /// What.
    #[n(1)]
    pub role: Role,
}

/// Someone or something that can be authenticated.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Principal {
    /// Id.
    #[n(0)]
    pub id: PrincipalId,
    /// Home realm; names are unique in it.
    #[n(1)]
    pub realm: RealmId,
    /// Name.
    #[n(2)]
    pub name: Name,
    /// Kind.
    #[n(3)]
    pub kind: PrincipalKind,
    /// Roles.
    #[n(4)]
    pub grants: Vec<Grant>,
    /// Whether it may act.
    #[n(5)]
    pub enabled: bool,
    /// When it was made.
    #[n(6)]
    pub created_at: Timestamp,
    /// By whom.
    #[n(7)]
    pub created_by: PrincipalId,
}

/// A bearer token, of which only a digest is kept.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Token {
    /// Id: the public part of the token's text.
    #[n(0)]
    pub id: TokenId,
    /// Whose.
    #[n(1)]
    pub principal: PrincipalId,
    /// SHA-256 of the secret part (256 random bits: no stretching needed).
    #[cbor(n(2), with = "minicbor::bytes")]
    pub digest: [u8; 32],
    /// When it was issued.
    #[n(3)]
    pub created_at: Timestamp,
    /// When it ends.
    #[n(4)]
    pub expires_at: Timestamp,
    /// When it was revoked, if it was.
    #[n(5)]
    pub revoked_at: Option<Timestamp>,
}

/// A certificate authority whose certificates identify a realm's workloads.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Anchor {
    /// Realm it speaks for.
    #[n(0)]
    pub realm: RealmId,
    /// SHA-256 of the certificate.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub fingerprint: [u8; 32],
    /// The certificate, DER.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub certificate: Vec<u8>,
    /// When it was registered.
    #[n(3)]
    pub created_at: Timestamp,
}

/// Which workload a certificate name under an anchor is.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CertificateBinding {
    /// The anchor's fingerprint.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub anchor: [u8; 32],
    /// Subject alternative name (`dns:…`, `uri:…`) or `cn:…`.
    #[n(1)]
    pub name: String,
    /// The workload.
    #[n(2)]
    pub principal: PrincipalId,
    /// When it was bound.
    #[n(3)]
    pub created_at: Timestamp,
}
