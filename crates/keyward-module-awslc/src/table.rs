//! Handles to keys: numbers never reused, looked up under a lock that covers a 64th of them.
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keyward_engine::ports::module::ModuleFault;
use parking_lot::RwLock;

use crate::material::Material;

const SHARDS: usize = 64;

/// One held key. The lock is shared by users and taken exclusively only to forget the key, so that when a release
/// returns no user is left and the material is gone.
pub(crate) struct Entry {
    material: RwLock<Option<Material>>,
}

impl Entry {
    /// Works with the material.
    ///
    /// The lock is taken recursively: an operation may name the same key twice while another thread waits to release it.
    pub(crate) fn with<T>(
        &self,
        work: impl FnOnce(&Material) -> Result<T, ModuleFault>,
    ) -> Result<T, ModuleFault> {
        match self.material.read_recursive().as_ref() {
            Some(material) => work(material),
            None => Err(ModuleFault::NoSuchKey),
        }
    }
}

/// All held keys.
pub(crate) struct Table {
    shards: [RwLock<HashMap<u64, Arc<Entry>>>; SHARDS],
    next: AtomicU64,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self {
            shards: core::array::from_fn(|_| RwLock::new(HashMap::new())),
            next: AtomicU64::new(1),
        }
    }

    /// Takes a key in.
    pub(crate) fn insert(&self, material: Material) -> u64 {
        // INVARIANT: 2^64 keys take longer than any process lives, so a number never comes back.
        let slot = self.next.fetch_add(1, Ordering::Relaxed);
        let entry = Arc::new(Entry {
            material: RwLock::new(Some(material)),
        });
        self.shard(slot).write().insert(slot, entry);
        slot
    }

    pub(crate) fn find(&self, slot: u64) -> Result<Arc<Entry>, ModuleFault> {
        self.shard(slot)
            .read()
            .get(&slot)
            .cloned()
            .ok_or(ModuleFault::NoSuchKey)
    }

    /// Forgets a key: waits for the operations that use it, then wipes it.
    pub(crate) fn remove(&self, slot: u64) {
        let entry = self.shard(slot).write().remove(&slot);
        if let Some(entry) = entry {
            let material = entry.material.write().take();
            drop(material);
        }
    }

    /// How many keys are held.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().len()).sum()
    }

    fn shard(&self, slot: u64) -> &RwLock<HashMap<u64, Arc<Entry>>> {
        // INVARIANT: the remainder is below SHARDS; the array is never empty.
        let index = usize::try_from(slot % (SHARDS as u64)).unwrap_or(0);
        self.shards.get(index).unwrap_or(&self.shards[0])
    }
}
