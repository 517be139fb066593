//! The key hierarchy (DESIGN §6) while the seal is open: ring key, keyring, puncturable states, leaf keys.
//!
//! Everything here is a handle into the module. What is stored is wrapped: the ring key by each seal slot, the keyring's keys
//! by the ring key (AES-KWP), each realm's tree by its state key (AES-GCM), each version's material by its leaf (AES-KWP).
//!
//! Read next: `passphrase.rs` (the first seal), `puncture.rs` (destruction), `open.rs` (start).
mod open;
pub mod passphrase;
mod puncture;

use std::collections::HashMap;
use std::sync::Arc;

use keyward_core::algorithm::KeySpec;
use keyward_core::cbor;
use keyward_core::ids::{DeploymentId, RealmId};
use keyward_core::object::{Object, Part, Version};
use minicbor::{Decode, Encode};
use parking_lot::{Mutex, RwLock};

use crate::crypto::{Crypto, Held};
use crate::ports::module::{ModuleFault, Operation};
use crate::ports::store::Row;
use crate::rows::{ChangeFault, RowSealer, SealedChange};
pub(crate) use open::{CreateParameters, OpenFault, create, open};
pub(crate) use puncture::LedgerEntry;

/// A keyring entry's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub(crate) enum RingName {
    /// Authenticates rows.
    #[n(0)]
    Rows,
    /// Tags the set-hash in records.
    #[n(1)]
    StateTag,
    /// Wraps the set-hash in the lane's head.
    #[n(2)]
    SetHash,
    /// Signs the log; the number grows with each rotation.
    #[n(3)]
    Log(#[n(0)] u32),
    /// Seals backups.
    #[n(4)]
    Backup,
    /// Seals one realm's tree.
    #[n(5)]
    State(#[n(0)] RealmId),
    /// A seal slot's root, so that every slot can be written anew whichever of them was opened.
    #[n(6)]
    SlotRoot(#[n(0)] u16),
}

impl RingName {
    const fn spec(self) -> KeySpec {
        match self {
            Self::Rows => KeySpec::HmacSha512,
            Self::StateTag => KeySpec::HmacSha256,
            Self::Log(_) => KeySpec::Ed25519,
            Self::SetHash | Self::Backup | Self::State(_) | Self::SlotRoot(_) => KeySpec::Aes256,
        }
    }
}

/// The stored keyring.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct KeyringRow {
    /// Grows with each puncture epoch.
    #[n(0)]
    pub(crate) epoch: u64,
    #[n(1)]
    pub(crate) entries: Vec<KeyringEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct KeyringEntry {
    #[n(0)]
    pub(crate) name: RingName,
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(crate) wrapped: Vec<u8>,
}

/// The keyring's keys, each wrapped by the ring key.
fn entries_of(
    crypto: &Crypto,
    ring: &Held,
    keys: &[(RingName, Arc<Held>)],
) -> Result<Vec<KeyringEntry>, ModuleFault> {
    let wrapped = keys.iter().map(|(name, key)| {
        Ok(KeyringEntry {
            name: *name,
            wrapped: crypto.wrap(ring, key)?,
        })
    });
    wrapped.collect()
}

/// A stored seal slot.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct SlotRow {
    #[n(0)]
    pub(crate) kind: String,
    /// The seal's own bytes.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(crate) bytes: Vec<u8>,
}

/// A stored tree.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct TreeRow {
    #[cbor(n(0), with = "minicbor::bytes")]
    pub(crate) sealed: Vec<u8>,
}

/// One realm's tree in the module.
pub(crate) struct Tree {
    pub(crate) handle: Held,
}

/// Keys and stored rows of the hierarchy.
pub(crate) struct Custody {
    pub(crate) crypto: Crypto,
    pub(crate) deployment: DeploymentId,
    pub(crate) sealer: RowSealer,
    pub(crate) state_tag: Held,
    pub(crate) set_hash: Held,
    pub(crate) trees: RwLock<HashMap<RealmId, Arc<Tree>>>,
    /// What a puncture epoch replaces: one at a time.
    pub(crate) root: Mutex<Root>,
}

/// The changing top of the hierarchy with the rows it was read from.
pub(crate) struct Root {
    pub(crate) epoch: u64,
    pub(crate) ring: Held,
    pub(crate) keyring_row: Row,
    /// Every key of the ring, so that it can be wrapped anew.
    pub(crate) keys: Vec<(RingName, Arc<Held>)>,
    pub(crate) slots: Vec<OpenSlot>,
}

/// A slot whose root is known.
pub(crate) struct OpenSlot {
    pub(crate) number: u16,
    pub(crate) kind: String,
    pub(crate) stored: Row,
    pub(crate) parameters: Vec<u8>,
}

/// Digest of what must never change about a component: it is bound into the wrapping key.
fn immutable_info(object: &Object, number: u32, part: Part) -> Vec<u8> {
    let mut info = Vec::with_capacity(96);
    info.extend_from_slice(b"keyward material v1");
    info.extend_from_slice(object.realm.as_bytes());
    info.extend_from_slice(object.id.as_bytes());
    info.extend_from_slice(&number.to_be_bytes());
    // Canonical CBOR of the immutable attributes; short, so it stands here itself instead of its digest.
    info.extend_from_slice(&cbor::to_vec(&(
        part,
        object.kind,
        object.spec,
        object.purpose,
        object.protection,
        object.exception,
    )));
    info
}

impl Custody {
    /// What the rows of this installation's seals and trees are bound to.
    pub(crate) fn aad(deployment: DeploymentId, what: &[u8]) -> Vec<u8> {
        [
            b"keyward custody v1".as_slice(),
            deployment.as_bytes(),
            what,
        ]
        .concat()
    }

    fn tree(&self, realm: RealmId) -> Result<Arc<Tree>, ModuleFault> {
        self.trees
            .read()
            .get(&realm)
            .cloned()
            .ok_or(ModuleFault::Failed("a realm without a puncturable state"))
    }

    /// The wrapping key of one version's material.
    pub(crate) fn leaf(
        &self,
        object: &Object,
        number: u32,
        leaf: u64,
    ) -> Result<Held, ModuleFault> {
        let part = if object.spec.is_some_and(KeySpec::is_pair) {
            Part::Private
        } else {
            Part::Secret
        };
        let info = immutable_info(object, number, part);
        let tree = self.tree(object.realm)?;
        self.crypto.key(Operation::TreeLeaf {
            tree: tree.handle.handle(),
            leaf,
            info: &info,
        })
    }

    /// Wraps new material under its leaf.
    pub(crate) fn wrap_material(
        &self,
        object: &Object,
        number: u32,
        leaf: u64,
        key: &Held,
    ) -> Result<Vec<u8>, ModuleFault> {
        let kek = self.leaf(object, number, leaf)?;
        self.crypto.wrap(&kek, key)
    }

    /// Opens stored material.
    pub(crate) fn unwrap_material(
        &self,
        object: &Object,
        version: &Version,
    ) -> Result<Held, ModuleFault> {
        let blob = version.material.as_deref().ok_or(ModuleFault::Gone)?;
        let spec = object.spec.ok_or(ModuleFault::Unsupported)?;
        let kek = self.leaf(object, version.number, version.leaf)?;
        self.crypto.unwrap_key(&kek, blob, spec)
    }

    /// Rows for a new realm: its tree, its state key in the keyring. The caller commits them and then calls
    /// [`Custody::adopt_realm`]; until then nothing changes here. The root lock is held in between.
    pub(crate) fn new_realm(&self, root: &Root, realm: RealmId) -> Result<NewRealm, ChangeFault> {
        let tree = self.crypto.key(Operation::TreeCreate)?;
        let state_key = Arc::new(self.crypto.generate(KeySpec::Aes256)?);
        let aad = Self::aad(self.deployment, realm.as_bytes());
        let sealed = self.crypto.bytes(Operation::TreeSeal {
            tree: tree.handle(),
            key: state_key.handle(),
            aad: &aad,
        })?;
        let tree_change = self
            .sealer
            .put(crate::rows::tree(realm), None, &TreeRow { sealed })?;
        let mut row = self.keyring(root)?;
        row.entries.push(KeyringEntry {
            name: RingName::State(realm),
            wrapped: self.crypto.wrap(&root.ring, &state_key)?,
        });
        let keyring_change =
            self.sealer
                .put(crate::rows::keyring(), Some(&root.keyring_row), &row)?;
        Ok(NewRealm {
            realm,
            tree: Arc::new(Tree { handle: tree }),
            state_key,
            changes: vec![tree_change, keyring_change],
        })
    }

    fn keyring(&self, root: &Root) -> Result<KeyringRow, ChangeFault> {
        Ok(self
            .sealer
            .decode::<KeyringRow>(&crate::rows::keyring(), &root.keyring_row)?
            .value)
    }

    /// Takes a committed realm over.
    pub(crate) fn adopt_realm(&self, root: &mut Root, new: NewRealm, keyring_row: Row) {
        self.trees.write().insert(new.realm, new.tree);
        root.keys.push((RingName::State(new.realm), new.state_key));
        root.keyring_row = keyring_row;
    }

    /// Rows for a new log key; adopt with [`Custody::adopt_key`] after the commit.
    pub(crate) fn new_ring_key(
        &self,
        root: &Root,
        name: RingName,
        key: &Held,
    ) -> Result<SealedChange, ChangeFault> {
        let mut row = self.keyring(root)?;
        row.entries.push(KeyringEntry {
            name,
            wrapped: self.crypto.wrap(&root.ring, key)?,
        });
        self.sealer
            .put(crate::rows::keyring(), Some(&root.keyring_row), &row)
    }

    /// Takes a committed ring key over.
    pub(crate) fn adopt_key(root: &mut Root, name: RingName, key: Arc<Held>, keyring_row: Row) {
        root.keys.push((name, key));
        root.keyring_row = keyring_row;
    }
}

/// What a new realm adds to the hierarchy.
pub(crate) struct NewRealm {
    pub(crate) realm: RealmId,
    tree: Arc<Tree>,
    state_key: Arc<Held>,
    pub(crate) changes: Vec<SealedChange>,
}

/// A stored row as it will be after a change.
pub(crate) fn row_after(change: &SealedChange) -> Option<Row> {
    let value = change.value.as_ref()?;
    Some(Row {
        version: change.expected.checked_add(1)?,
        value: value.as_slice().into(),
    })
}
