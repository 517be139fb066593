//! Commands about certificates.
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use super::{KeyRef, RealmRef};
use crate::ids::PrincipalId;
use crate::name::Name;
use crate::time::Timestamp;

/// Keeps a certificate with its chain, as an object of its own or as the next version of one.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PutCertificate {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// The certificate object that it renews; a new object if not given.
    #[n(1)]
    pub renews: Option<KeyRef>,
    /// Name of a new object.
    #[n(2)]
    pub name: Option<Name>,
    /// The certificate and those that issued it, DER, one after the other.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub chain: Vec<u8>,
    /// Key of this realm whose public part it certifies.
    #[n(4)]
    pub subject_key: Option<KeyRef>,
    /// Tags of a new object.
    #[n(5)]
    pub tags: BTreeMap<String, String>,
    /// Owner of a new object; the caller if not given.
    #[n(6)]
    pub owner: Option<PrincipalId>,
}

/// Makes a certificate request (PKCS#10, RFC 2986), signed by a pair.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CreateCertificateRequest {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// The pair; its purpose is to sign.
    #[n(1)]
    pub key: KeyRef,
    /// Distinguished name (RFC 4514), e.g. `CN=till.example,O=Shop`.
    #[n(2)]
    pub subject: String,
    /// Subject alternative names: `dns:…`, `uri:…`, `email:…`, `ip:…`.
    #[n(3)]
    pub alternative_names: Vec<String>,
}

/// Says that something of an object nears its end; the scheduler's own command.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct GiveNotice {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// When the notice was due.
    #[n(2)]
    pub due_at: Timestamp,
}
