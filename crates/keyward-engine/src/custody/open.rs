//! Making the hierarchy once, and opening it at every start.
use std::collections::HashMap;
use std::sync::Arc;

use keyward_core::algorithm::KeySpec;
use keyward_core::cbor;
use keyward_core::ids::{DeploymentId, RealmId};
use keyward_core::secret::Secret;
use parking_lot::{Mutex, RwLock};

use super::{Custody, KeyringRow, OpenSlot, RingName, Root, SlotRow, Tree, TreeRow};
use crate::crypto::{Crypto, Held};
use crate::ports::module::{ModuleFault, Operation};
use crate::ports::seal::{Seal, SealFault};
use crate::ports::store::{Row, RowKey, Store, StoreFault, Table};
use crate::rows::{self, ChangeFault, RowSealer, SealedChange};

/// Why the hierarchy could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OpenFault {
    #[error(transparent)]
    Seal(#[from] SealFault),
    #[error(transparent)]
    Store(#[from] StoreFault),
    #[error(transparent)]
    Module(#[from] ModuleFault),
    #[error("no slot of this kind")]
    NoSlot,
}

impl From<ChangeFault> for OpenFault {
    fn from(fault: ChangeFault) -> Self {
        match fault {
            ChangeFault::Module(fault) => Self::Module(fault),
            ChangeFault::Store(fault) => Self::Store(fault),
        }
    }
}

/// What a new installation is made with.
pub(crate) struct CreateParameters<'a> {
    pub(crate) deployment: DeploymentId,
    pub(crate) seal: &'a dyn Seal,
    pub(crate) secret: &'a Secret,
}

/// A hierarchy that was just made, and the rows that make it last.
pub(crate) struct Created {
    pub(crate) custody: Custody,
    pub(crate) changes: Vec<SealedChange>,
    pub(crate) log_key: Arc<Held>,
}

/// The keyring of a new installation.
const FIRST_KEYS: [RingName; 5] = [
    RingName::Rows,
    RingName::StateTag,
    RingName::SetHash,
    RingName::Log(1),
    RingName::Backup,
];

/// Makes ring key, keyring and the first seal slot. The caller commits the rows.
pub(crate) fn create(
    crypto: &Crypto,
    parameters: &CreateParameters<'_>,
) -> Result<Created, OpenFault> {
    let CreateParameters {
        deployment,
        seal,
        secret,
    } = *parameters;
    let ring = crypto.generate(KeySpec::Aes256)?;
    let mut keys = Vec::new();
    for name in FIRST_KEYS {
        keys.push((name, Arc::new(crypto.generate(name.spec())?)));
    }
    let aad = Custody::aad(deployment, b"slot");
    let closed = seal.close(
        crypto.permit(),
        crypto.module(),
        ring.handle(),
        secret,
        &aad,
    )?;
    let open = seal.open(crypto.permit(), crypto.module(), &closed, secret, &aad)?;
    crypto.module().release(open.ring);
    keys.push((RingName::SlotRoot(1), Arc::new(crypto.hold(open.root))));

    let find = |wanted: RingName| {
        keys.iter()
            .find(|(name, _)| *name == wanted)
            .map(|(_, key)| Arc::clone(key))
    };
    let missing = || ModuleFault::Failed("a keyring without one of its keys");
    let custody_key = |name: RingName| -> Result<Held, OpenFault> {
        let key = find(name).ok_or_else(missing)?;
        copy_of(crypto, &ring, &key, name).map_err(OpenFault::Module)
    };
    let sealer = RowSealer::new(crypto.clone(), custody_key(RingName::Rows)?);
    let entries = super::entries_of(crypto, &ring, &keys)?;
    let keyring_change = sealer.put(rows::keyring(), None, &KeyringRow { epoch: 1, entries })?;
    let slot = SlotRow {
        kind: seal.kind().to_owned(),
        bytes: closed,
    };
    let slot_change = sealer.put(rows::seal_slot(1), None, &slot)?;
    let after = |change: &SealedChange| {
        super::row_after(change).ok_or(StoreFault::Corrupt("a row without a value"))
    };
    let log_key = find(RingName::Log(1)).ok_or_else(missing)?;
    let custody = Custody {
        crypto: crypto.clone(),
        deployment,
        state_tag: custody_key(RingName::StateTag)?,
        set_hash: custody_key(RingName::SetHash)?,
        trees: RwLock::new(HashMap::new()),
        root: Mutex::new(Root {
            epoch: 1,
            ring,
            keyring_row: after(&keyring_change)?,
            keys,
            slots: vec![OpenSlot {
                number: 1,
                kind: slot.kind.clone(),
                stored: after(&slot_change)?,
                parameters: open.parameters,
            }],
        }),
        sealer,
    };
    Ok(Created {
        custody,
        changes: vec![keyring_change, slot_change],
        log_key,
    })
}

/// A second handle on a ring key, with its own life: wrapping and unwrapping keeps the material inside the module.
fn copy_of(crypto: &Crypto, ring: &Held, key: &Held, name: RingName) -> Result<Held, ModuleFault> {
    let wrapped = crypto.wrap(ring, key)?;
    crypto.unwrap_key(ring, &wrapped, name.spec())
}

/// The log's signing keys with their numbers.
pub(crate) type LogKeys = Vec<(u32, Arc<Held>)>;

/// Opens a slot with a secret, then everything below it.
pub(crate) fn open(
    crypto: &Crypto,
    store: &dyn Store,
    deployment: DeploymentId,
    seal: &dyn Seal,
    secret: &Secret,
) -> Result<(Custody, LogKeys), OpenFault> {
    let slots = store.scan(Table::Custody, b"slot", None, 64)?;
    let aad = Custody::aad(deployment, b"slot");
    let mut fault = OpenFault::NoSlot;
    for (_, row) in &slots {
        // The row's MAC needs the ring; the seal's own wrapping protects the slot until then.
        let slot = unchecked_slot(row)?;
        if slot.kind != seal.kind() {
            continue;
        }
        match seal.open(crypto.permit(), crypto.module(), &slot.bytes, secret, &aad) {
            Ok(opened) => {
                let root = crypto.hold(opened.root);
                let ring = crypto.hold(opened.ring);
                drop(root);
                return below(crypto, store, deployment, ring, slots);
            }
            Err(refused) => fault = refused.into(),
        }
    }
    Err(fault)
}

fn unchecked_slot(row: &Row) -> Result<SlotRow, StoreFault> {
    let payload = row
        .value
        .get(32..)
        .ok_or(StoreFault::Corrupt("a seal slot is too short"))?;
    cbor::from_slice(payload).map_err(|_| StoreFault::Corrupt("a seal slot does not decode"))
}

type Slots = Vec<(Vec<u8>, Row)>;

fn below(
    crypto: &Crypto,
    store: &dyn Store,
    deployment: DeploymentId,
    ring: Held,
    slots: Slots,
) -> Result<(Custody, LogKeys), OpenFault> {
    let keyring_row = store
        .get(&rows::keyring())?
        .ok_or(StoreFault::Corrupt("there is no keyring"))?;
    let payload = keyring_row
        .value
        .get(32..)
        .ok_or(StoreFault::Corrupt("the keyring is too short"))?;
    let keyring: KeyringRow = cbor::from_slice(payload)
        .map_err(|_| StoreFault::Corrupt("the keyring does not decode"))?;
    let mut keys = Vec::new();
    for entry in &keyring.entries {
        let key = crypto
            .unwrap_key(&ring, &entry.wrapped, entry.name.spec())
            .map_err(unreadable)?;
        keys.push((entry.name, Arc::new(key)));
    }
    let find = |wanted: RingName| {
        let found = keys
            .iter()
            .find(|(name, _)| *name == wanted)
            .map(|(_, key)| key);
        let key = found.ok_or(StoreFault::Corrupt("the keyring lacks a key"))?;
        copy_of(crypto, &ring, key, wanted).map_err(OpenFault::Module)
    };
    let sealer = RowSealer::new(crypto.clone(), find(RingName::Rows)?);
    sealer.open(&rows::keyring(), &keyring_row)?;
    let mut open_slots = Vec::new();
    for (key, row) in slots {
        let slot_key = RowKey {
            table: Table::Custody,
            key,
        };
        let slot = sealer.decode::<SlotRow>(&slot_key, &row)?.value;
        let number = slot_key
            .key
            .last_chunk::<2>()
            .map_or(0, |n| u16::from_be_bytes(*n));
        open_slots.push(OpenSlot {
            number,
            kind: slot.kind,
            parameters: slot.bytes,
            stored: row,
        });
    }
    let trees = open_trees(crypto, store, &sealer, deployment, &keys)?;
    let log_keys = keys
        .iter()
        .filter_map(|(name, key)| match name {
            RingName::Log(number) => Some((*number, Arc::clone(key))),
            _ => None,
        })
        .collect();
    let custody = Custody {
        crypto: crypto.clone(),
        deployment,
        state_tag: find(RingName::StateTag)?,
        set_hash: find(RingName::SetHash)?,
        trees: RwLock::new(trees),
        root: Mutex::new(Root {
            epoch: keyring.epoch,
            ring,
            keyring_row,
            keys,
            slots: open_slots,
        }),
        sealer,
    };
    Ok((custody, log_keys))
}

fn open_trees(
    crypto: &Crypto,
    store: &dyn Store,
    sealer: &RowSealer,
    deployment: DeploymentId,
    keys: &[(RingName, Arc<Held>)],
) -> Result<HashMap<RealmId, Arc<Tree>>, OpenFault> {
    let mut trees = HashMap::new();
    for (name, key) in keys {
        let RingName::State(realm) = name else {
            continue;
        };
        let row_key = rows::tree(*realm);
        let row = store
            .get(&row_key)?
            .ok_or(StoreFault::Corrupt("a realm without its puncturable state"))?;
        let sealed = sealer.decode::<TreeRow>(&row_key, &row)?.value.sealed;
        let aad = Custody::aad(deployment, realm.as_bytes());
        let open = Operation::TreeOpen {
            key: key.handle(),
            aad: &aad,
            blob: &sealed,
        };
        let handle = crypto.key(open).map_err(unreadable)?;
        trees.insert(*realm, Arc::new(Tree { handle }));
    }
    Ok(trees)
}

/// Wrapped bytes that do not open under the right key were changed.
fn unreadable(fault: ModuleFault) -> OpenFault {
    if fault == ModuleFault::Refused {
        OpenFault::Store(StoreFault::Corrupt("wrapped key material does not open"))
    } else {
        OpenFault::Module(fault)
    }
}
