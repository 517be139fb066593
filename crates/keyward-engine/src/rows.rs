//! Rows: where each is stored, and how it is authenticated.
//!
//! A stored value is `mac (32) ‖ payload`. One HMAC-SHA-512 over table, key, version and payload gives both halves: the first
//! is stored, the second, never stored, is the row's element of the set-hash. So a flipped byte or a row moved to another key
//! fails by itself, and a row that was replaced by an older one, or removed, no longer fits the set-hash in the lane's head.
use keyward_core::cbor;
use keyward_core::ids::{ObjectId, PrincipalId, RealmId, TokenId};
use keyward_core::name::Name;
use keyward_core::object::{EdgeKind, Object, ObjectKind};
use keyward_core::time::Timestamp;
use minicbor::{Decode, Encode};

use crate::crypto::{Crypto, Held};
use crate::ports::module::ModuleFault;
use crate::ports::store::{Row, RowKey, StoreFault, Table};

#[cfg(test)]
mod golden;

/// XOR of the elements of all live rows; secret, see [`crate::committer`].
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SetHash(pub(crate) [u8; 32]);

impl SetHash {
    pub(crate) fn mix(&mut self, element: &Self) {
        for (byte, other) in self.0.iter_mut().zip(element.0) {
            *byte ^= other;
        }
    }
}

/// A row as read and checked.
#[derive(Debug, Clone)]
pub(crate) struct Opened<T> {
    pub(crate) value: T,
    pub(crate) version: u64,
}

/// A change, sealed and ready to commit.
pub(crate) struct SealedChange {
    pub(crate) row: RowKey,
    /// Version the row must have now (0: absent).
    pub(crate) expected: u64,
    /// New value, or none to delete.
    pub(crate) value: Option<Vec<u8>>,
    /// What the set-hash changes by.
    pub(crate) delta: SetHash,
}

/// Whether a table's rows are part of the set-hash: everything but the log itself and the heads that hold the set-hash.
pub(crate) const fn in_set(table: Table) -> bool {
    !matches!(
        table,
        Table::Lane
            | Table::LaneRealm
            | Table::LogBatch
            | Table::LogTile
            | Table::LogCheckpoint
            | Table::LogIndex
            | Table::LogSegment
    )
}

/// Authenticates rows.
pub(crate) struct RowSealer {
    crypto: Crypto,
    key: Held,
}

impl RowSealer {
    pub(crate) const fn new(crypto: Crypto, key: Held) -> Self {
        Self { crypto, key }
    }

    fn mac(
        &self,
        row: &RowKey,
        version: u64,
        payload: &[u8],
    ) -> Result<([u8; 32], SetHash), ModuleFault> {
        let length = u32::try_from(row.key.len())
            .map_err(|_| ModuleFault::Refused)?
            .to_be_bytes();
        let mac = self.crypto.mac(
            &self.key,
            &[
                &[row.table.number()],
                &length,
                &row.key,
                &version.to_be_bytes(),
                payload,
            ],
        )?;
        let (tag, element) = mac
            .split_first_chunk::<32>()
            .ok_or(ModuleFault::Failed("a short MAC"))?;
        let element = element
            .first_chunk::<32>()
            .ok_or(ModuleFault::Failed("a short MAC"))?;
        Ok((*tag, SetHash(*element)))
    }

    /// Seals a payload for a version of a row.
    pub(crate) fn seal(
        &self,
        row: &RowKey,
        version: u64,
        payload: &[u8],
    ) -> Result<(Vec<u8>, SetHash), ModuleFault> {
        let (tag, element) = self.mac(row, version, payload)?;
        let mut value = Vec::with_capacity(payload.len().saturating_add(32));
        value.extend_from_slice(&tag);
        value.extend_from_slice(payload);
        Ok((value, element))
    }

    /// Checks a stored row and gives its payload and element.
    pub(crate) fn open<'r>(
        &self,
        row: &RowKey,
        stored: &'r Row,
    ) -> Result<(&'r [u8], SetHash), StoreFault> {
        let (tag, payload) = stored
            .value
            .split_first_chunk::<32>()
            .ok_or(StoreFault::Corrupt("a row is too short"))?;
        let (expected, element) = self
            .mac(row, stored.version, payload)
            .map_err(|_| StoreFault::Unavailable("the module cannot authenticate rows"))?;
        if !crate::crypto::digests_equal(tag, &expected) {
            return Err(StoreFault::Corrupt("a row does not authenticate"));
        }
        Ok((payload, element))
    }

    /// Checks and decodes a stored row.
    pub(crate) fn decode<T: for<'b> Decode<'b, ()>>(
        &self,
        row: &RowKey,
        stored: &Row,
    ) -> Result<Opened<T>, StoreFault> {
        let (payload, _) = self.open(row, stored)?;
        let value =
            cbor::from_slice(payload).map_err(|_| StoreFault::Corrupt("a row does not decode"))?;
        Ok(Opened {
            value,
            version: stored.version,
        })
    }

    /// Seals the writing of a row that must now be as `before` (none: absent).
    pub(crate) fn put<T: Encode<()>>(
        &self,
        row: RowKey,
        before: Option<&Row>,
        value: &T,
    ) -> Result<SealedChange, ChangeFault> {
        let mut delta = self.element(&row, before)?;
        let expected = before.map_or(0, |stored| stored.version);
        let version = expected.checked_add(1).ok_or(ModuleFault::Refused)?;
        let (value, element) = self.seal(&row, version, &cbor::to_vec(value))?;
        if in_set(row.table) {
            delta.mix(&element);
        }
        Ok(SealedChange {
            row,
            expected,
            value: Some(value),
            delta,
        })
    }

    /// Seals the removal of a row.
    pub(crate) fn delete(&self, row: RowKey, before: &Row) -> Result<SealedChange, ChangeFault> {
        let delta = self.element(&row, Some(before))?;
        Ok(SealedChange {
            row,
            expected: before.version,
            value: None,
            delta,
        })
    }

    fn element(&self, row: &RowKey, before: Option<&Row>) -> Result<SetHash, ChangeFault> {
        match before {
            Some(stored) if in_set(row.table) => Ok(self.open(row, stored)?.1),
            _ => Ok(SetHash::default()),
        }
    }
}

/// Why a change could not be sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChangeFault {
    #[error(transparent)]
    Module(#[from] ModuleFault),
    #[error(transparent)]
    Store(#[from] StoreFault),
}

fn key(table: Table, parts: &[&[u8]]) -> RowKey {
    RowKey {
        table,
        key: parts.concat(),
    }
}

pub(crate) fn meta(name: &str) -> RowKey {
    key(Table::Meta, &[name.as_bytes()])
}
pub(crate) fn realm(id: RealmId) -> RowKey {
    key(Table::Realm, &[id.as_bytes()])
}
pub(crate) fn realm_name(name: &Name) -> RowKey {
    key(
        Table::Name,
        &[RealmId::SYSTEM.as_bytes(), b"r", name.as_str().as_bytes()],
    )
}
pub(crate) fn realm_counters(id: RealmId) -> RowKey {
    key(Table::Usage, &[id.as_bytes()])
}
pub(crate) fn principal(id: PrincipalId) -> RowKey {
    key(Table::Principal, &[id.as_bytes()])
}
pub(crate) fn principal_name(realm: RealmId, name: &Name) -> RowKey {
    key(
        Table::Name,
        &[realm.as_bytes(), b"p", name.as_str().as_bytes()],
    )
}
pub(crate) fn principal_of_realm(realm: RealmId, id: PrincipalId) -> RowKey {
    key(Table::Edge, &[b"p", realm.as_bytes(), id.as_bytes()])
}
pub(crate) fn token(id: TokenId) -> RowKey {
    key(Table::Token, &[id.as_bytes()])
}
pub(crate) fn anchor(realm: RealmId, fingerprint: &[u8; 32]) -> RowKey {
    key(Table::Anchor, &[realm.as_bytes(), fingerprint])
}
pub(crate) fn binding(anchor: &[u8; 32], name: &str) -> RowKey {
    key(Table::CertificateBinding, &[anchor, name.as_bytes()])
}
pub(crate) fn object(realm: RealmId, id: ObjectId) -> RowKey {
    key(Table::Object, &[realm.as_bytes(), id.as_bytes()])
}
pub(crate) fn version(realm: RealmId, id: ObjectId, number: u32) -> RowKey {
    key(
        Table::Version,
        &[realm.as_bytes(), id.as_bytes(), &number.to_be_bytes()],
    )
}
pub(crate) fn versions_prefix(realm: RealmId, id: ObjectId) -> Vec<u8> {
    [realm.as_bytes().as_slice(), id.as_bytes()].concat()
}
pub(crate) fn object_name(realm: RealmId, kind: ObjectKind, name: &Name) -> RowKey {
    // Symmetric keys and pairs share one space of names: callers say "key" for both.
    let space: &[u8] = match kind {
        ObjectKind::Symmetric | ObjectKind::Pair => b"k",
        ObjectKind::Certificate => b"c",
        ObjectKind::Secret => b"s",
        ObjectKind::Opaque => b"o",
        ObjectKind::Split => b"x",
    };
    key(
        Table::Name,
        &[realm.as_bytes(), space, name.as_str().as_bytes()],
    )
}
pub(crate) fn usage(realm: RealmId, id: ObjectId, number: u32) -> RowKey {
    key(
        Table::Usage,
        &[realm.as_bytes(), id.as_bytes(), &number.to_be_bytes()],
    )
}
/// Relations, by what they lead from.
pub(crate) fn edge(realm: RealmId, from: ObjectId, kind: EdgeKind, to: ObjectId) -> RowKey {
    key(
        Table::Edge,
        &[
            b"e",
            realm.as_bytes(),
            from.as_bytes(),
            &[kind as u8],
            to.as_bytes(),
        ],
    )
}
pub(crate) fn edges_prefix(realm: RealmId, from: ObjectId) -> Vec<u8> {
    [b"e".as_slice(), realm.as_bytes(), from.as_bytes()].concat()
}
pub(crate) fn policy(realm: RealmId, name: &Name) -> RowKey {
    key(Table::Policy, &[realm.as_bytes(), name.as_str().as_bytes()])
}
pub(crate) fn policy_epoch(realm: RealmId) -> RowKey {
    key(Table::Epoch, &[b"p", realm.as_bytes()])
}
pub(crate) fn due(at: Timestamp, kind: DueKind, realm: RealmId, id: ObjectId) -> RowKey {
    key(
        Table::Due,
        &[
            &at.0.to_be_bytes(),
            &[kind as u8],
            realm.as_bytes(),
            id.as_bytes(),
        ],
    )
}
pub(crate) fn seal_slot(number: u16) -> RowKey {
    key(Table::Custody, &[b"slot", &number.to_be_bytes()])
}
pub(crate) fn keyring() -> RowKey {
    key(Table::Custody, &[b"ring"])
}
pub(crate) fn tree(realm: RealmId) -> RowKey {
    key(Table::Custody, &[b"tree", realm.as_bytes()])
}
pub(crate) fn ledger(epoch: u64) -> RowKey {
    key(Table::Ledger, &[&epoch.to_be_bytes()])
}
pub(crate) fn lane(number: u32) -> RowKey {
    key(Table::Lane, &[&number.to_be_bytes()])
}
pub(crate) fn lane_realm(number: u32, realm: RealmId) -> RowKey {
    key(Table::LaneRealm, &[&number.to_be_bytes(), realm.as_bytes()])
}
/// By the batch's last index, so that the first key not below an index is the batch that holds it.
pub(crate) fn log_batch(number: u32, last: u64) -> RowKey {
    key(
        Table::LogBatch,
        &[&number.to_be_bytes(), &last.to_be_bytes()],
    )
}
pub(crate) fn log_tile(number: u32, level: u8, index: u64) -> RowKey {
    key(
        Table::LogTile,
        &[&number.to_be_bytes(), &[level], &index.to_be_bytes()],
    )
}
pub(crate) fn log_checkpoint(number: u32, size: u64) -> RowKey {
    key(
        Table::LogCheckpoint,
        &[&number.to_be_bytes(), &size.to_be_bytes()],
    )
}
pub(crate) fn log_index(number: u32, chunk: u64, column: u8) -> RowKey {
    key(
        Table::LogIndex,
        &[&number.to_be_bytes(), &chunk.to_be_bytes(), &[column]],
    )
}
pub(crate) fn idempotency(principal: PrincipalId, digest: &[u8; 32]) -> RowKey {
    key(Table::Idempotency, &[principal.as_bytes(), digest])
}

/// What falls due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
#[repr(u8)]
pub(crate) enum DueKind {
    /// A scheduled destruction.
    #[n(1)]
    Destroy = 1,
    /// A scheduled rotation.
    #[n(2)]
    Rotate = 2,
    /// A notice that something nears its end.
    #[n(3)]
    Notice = 3,
}

/// A due row's value: its key again in readable form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct DueJob {
    #[n(0)]
    pub(crate) kind: DueKind,
    #[n(1)]
    pub(crate) realm: RealmId,
    #[n(2)]
    pub(crate) object: ObjectId,
    #[n(3)]
    pub(crate) at: Timestamp,
    /// What the object is, unless it is a key.
    #[n(4)]
    pub(crate) object_kind: Option<ObjectKind>,
}

impl DueJob {
    /// A job about an object.
    pub(crate) fn about(object: &Object, kind: DueKind, at: Timestamp) -> Self {
        let is_key = matches!(object.kind, ObjectKind::Symmetric | ObjectKind::Pair);
        Self {
            kind,
            realm: object.realm,
            object: object.id,
            at,
            object_kind: (!is_key).then_some(object.kind),
        }
    }
}

/// A row that only points at an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Pointer {
    #[cbor(n(0), with = "minicbor::bytes")]
    pub(crate) id: [u8; 16],
}

/// A row that only counts: its own version is the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct EpochRow {
    #[n(0)]
    pub(crate) changed_at: Timestamp,
}

/// What an idempotency key stands for.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct IdempotencyRow {
    #[cbor(n(0), with = "minicbor::bytes")]
    pub(crate) command_digest: [u8; 32],
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(crate) target: Option<[u8; 16]>,
    #[n(2)]
    pub(crate) created_at: Timestamp,
}
