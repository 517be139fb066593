//! A puncture epoch: the one way a key is destroyed (DESIGN §6).
//!
//! Leaves go from the realm's tree; the tree gets a new state key, the keyring a new ring key, every slot wraps that ring key
//! anew. All of it is one commit together with the rows of the destroyed versions, the ledger entry and the record; then the
//! store scrubs its files. Whoever holds only what is on disk afterwards finds neither the leaf nor a key that opens an
//! older copy of the tree, as far as the seal's row in DESIGN §6 promises.
//!
//! CRASH: before the commit nothing changed; after it a restart reads the new rows; the scrub is repeated at each start.
use std::sync::Arc;

use keyward_core::algorithm::KeySpec;
use keyward_core::ids::RealmId;
use keyward_core::time::Timestamp;
use minicbor::{Decode, Encode};

use super::{Custody, KeyringRow, OpenSlot, RingName, Root, SlotRow, Tree, TreeRow, row_after};
use crate::crypto::Held;
use crate::ports::module::{ModuleFault, Operation};
use crate::ports::seal::{OpenSeal, Seal, SealFault};
use crate::rows::{self, ChangeFault, SealedChange};

/// One line of the puncture ledger: what was punctured when, so that a recovery can do it again.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct LedgerEntry {
    #[n(0)]
    pub(crate) epoch: u64,
    #[n(1)]
    pub(crate) realm: RealmId,
    #[n(2)]
    pub(crate) leaves: Vec<u64>,
    /// SHA-256 of the tree's shape afterwards.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub(crate) tree_digest: [u8; 32],
    #[n(4)]
    pub(crate) at: Timestamp,
    /// Ed25519 by the log key over the entry with this field empty.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub(crate) signature: Vec<u8>,
}

/// An epoch that is prepared: commit its rows, then adopt it.
pub(crate) struct Epoch {
    pub(crate) number: u64,
    pub(crate) changes: Vec<SealedChange>,
    realm: RealmId,
    tree: Arc<Tree>,
    ring: Held,
    keys: Vec<(RingName, Arc<Held>)>,
    slots: Vec<OpenSlot>,
    keyring_row: crate::ports::store::Row,
}

impl Custody {
    /// Prepares a puncture of one realm's leaves.
    pub(crate) fn puncture(
        &self,
        seals: &[Arc<dyn Seal>],
        tree_row: &crate::ports::store::Row,
        realm: RealmId,
        leaves: &[u64],
        at: Timestamp,
    ) -> Result<Epoch, ChangeFault> {
        let root = self.root.lock();
        let number = root
            .epoch
            .checked_add(1)
            .ok_or(ModuleFault::Failed("no epochs left"))?;
        let old = self.trees.read().get(&realm).cloned();
        let old = old.ok_or(ModuleFault::Failed("a realm without its tree"))?;
        let handle = self.crypto.key(Operation::TreePuncture {
            tree: old.handle.handle(),
            leaves,
        })?;
        let state_key = Arc::new(self.crypto.generate(KeySpec::Aes256)?);
        let aad = Self::aad(self.deployment, realm.as_bytes());
        let sealed = self.crypto.bytes(Operation::TreeSeal {
            tree: handle.handle(),
            key: state_key.handle(),
            aad: &aad,
        })?;
        let mut changes =
            vec![
                self.sealer
                    .put(rows::tree(realm), Some(tree_row), &TreeRow { sealed })?,
            ];

        let ring = self.crypto.generate(KeySpec::Aes256)?;
        let keys: Vec<(RingName, Arc<Held>)> = root
            .keys
            .iter()
            .map(|(name, key)| {
                let replaced = *name == RingName::State(realm);
                (*name, Arc::clone(if replaced { &state_key } else { key }))
            })
            .collect();
        let keyring = KeyringRow {
            epoch: number,
            entries: super::entries_of(&self.crypto, &ring, &keys)?,
        };
        let keyring_change = self
            .sealer
            .put(rows::keyring(), Some(&root.keyring_row), &keyring)?;
        let keyring_row =
            row_after(&keyring_change).ok_or(ModuleFault::Failed("a row without a value"))?;
        changes.push(keyring_change);
        let slots = self.slots_anew(&root, seals, &keys, &ring, &mut changes)?;

        let tree_digest = self.crypto.digest(Operation::TreeDigest {
            tree: handle.handle(),
        })?;
        let entry = self.signed(
            &root,
            LedgerEntry {
                epoch: number,
                realm,
                leaves: leaves.to_vec(),
                tree_digest,
                at,
                signature: Vec::new(),
            },
        )?;
        changes.push(self.sealer.put(rows::ledger(number), None, &entry)?);
        Ok(Epoch {
            number,
            changes,
            realm,
            tree: Arc::new(Tree { handle }),
            ring,
            keys,
            slots,
            keyring_row,
        })
    }

    fn slots_anew(
        &self,
        root: &Root,
        seals: &[Arc<dyn Seal>],
        keys: &[(RingName, Arc<Held>)],
        ring: &Held,
        changes: &mut Vec<SealedChange>,
    ) -> Result<Vec<OpenSlot>, ChangeFault> {
        let aad = Self::aad(self.deployment, b"slot");
        let mut slots = Vec::with_capacity(root.slots.len());
        for slot in &root.slots {
            let seal = seals.iter().find(|seal| seal.kind() == slot.kind);
            let seal = seal.ok_or(ModuleFault::Failed(
                "a seal slot of a kind this program lacks",
            ))?;
            let slot_root = keys
                .iter()
                .find(|(name, _)| *name == RingName::SlotRoot(slot.number));
            let (_, slot_root) =
                slot_root.ok_or(ModuleFault::Failed("a seal slot without its root"))?;
            // The handles are only lent: `ring` and the slot's root are released by their owners.
            let lent = OpenSeal {
                root: slot_root.handle(),
                ring: ring.handle(),
                parameters: slot.parameters.clone(),
            };
            let bytes = seal
                .rewrap(
                    self.crypto.permit(),
                    self.crypto.module(),
                    &lent,
                    ring.handle(),
                    &aad,
                )
                .map_err(|fault| match fault {
                    SealFault::Module(fault) => fault,
                    _ => ModuleFault::Failed("a seal slot could not be written anew"),
                })?;
            let row = SlotRow {
                kind: slot.kind.clone(),
                bytes,
            };
            let change = self
                .sealer
                .put(rows::seal_slot(slot.number), Some(&slot.stored), &row)?;
            let stored = row_after(&change).ok_or(ModuleFault::Failed("a row without a value"))?;
            changes.push(change);
            slots.push(OpenSlot {
                number: slot.number,
                kind: row.kind,
                parameters: row.bytes,
                stored,
            });
        }
        Ok(slots)
    }

    fn signed(&self, root: &Root, mut entry: LedgerEntry) -> Result<LedgerEntry, ModuleFault> {
        let newest = root
            .keys
            .iter()
            .filter(|(name, _)| matches!(name, RingName::Log(_)))
            .max_by_key(|(name, _)| *name);
        let (_, key) = newest.ok_or(ModuleFault::Failed("a keyring without a log key"))?;
        entry.signature = self.crypto.bytes(Operation::Sign {
            key: key.handle(),
            scheme: keyward_core::algorithm::SignatureScheme::Ed25519,
            message: &keyward_core::cbor::to_vec(&entry),
        })?;
        Ok(entry)
    }

    /// Takes a committed epoch over; the old tree, state key and ring key are released with it.
    pub(crate) fn adopt_epoch(&self, epoch: Epoch) {
        let mut root = self.root.lock();
        self.trees.write().insert(epoch.realm, epoch.tree);
        root.epoch = epoch.number;
        root.ring = epoch.ring;
        root.keys = epoch.keys;
        root.slots = epoch.slots;
        root.keyring_row = epoch.keyring_row;
    }
}
