//! Guarded memory for key material: fixed-size slots in pages that are locked, left out of core dumps, absent from child
//! processes and fenced by guard pages, as far as the system grants it.
//!
//! A slot is wiped before it goes back to the free list and before it is first used; the report says what the system did
//! not grant.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use zeroize::Zeroize;

use crate::shim::{Grants, Slot};

/// Slot sizes. The largest holds every key of the product: an RSA-4096 private key is about 2.4 KiB as PKCS#8, an
/// ML-KEM-1024 decapsulation key 3168 bytes.
const CLASSES: [usize; 9] = [32, 64, 128, 256, 512, 1024, 2048, 4096, 8192];
/// Bytes of slots mapped at a time.
const CHUNK: usize = 64 * 1024;

/// What the guarded memory consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoryReport {
    /// Bytes mapped for slots.
    pub mapped: usize,
    /// Of these, bytes the system did not lock (see `RLIMIT_MEMLOCK`): they may be swapped out.
    pub unlocked: usize,
    /// Of these, bytes the system did not exclude from core dumps.
    pub dumpable: usize,
    /// Of these, bytes the system did not withhold from child processes.
    pub inherited: usize,
    /// Bytes that may be mapped in all.
    pub limit: usize,
}

/// The allocator. Cheap to clone by reference count; one per module.
pub(crate) struct Slab {
    classes: [Mutex<Vec<Slot>>; CLASSES.len()],
    limit: usize,
    mapped: AtomicUsize,
    unlocked: AtomicUsize,
    dumpable: AtomicUsize,
    inherited: AtomicUsize,
}

impl Slab {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            classes: core::array::from_fn(|_| Mutex::new(Vec::new())),
            limit,
            mapped: AtomicUsize::new(0),
            unlocked: AtomicUsize::new(0),
            dumpable: AtomicUsize::new(0),
            inherited: AtomicUsize::new(0),
        })
    }

    /// Room for `length` bytes, all zero; none if the limit is reached, the system refuses or the length fits no slot.
    pub(crate) fn allocate(self: &Arc<Self>, length: usize) -> Option<Guarded> {
        let class = CLASSES.iter().position(|size| *size >= length)?;
        let mut free = self.classes.get(class)?.lock();
        let slot = match free.pop() {
            Some(slot) => slot,
            None => {
                let mut fresh = self.grow(*CLASSES.get(class)?)?;
                let slot = fresh.pop()?;
                // Room for every slot of the class is reserved here, so that giving one back never allocates.
                free.reserve(fresh.len().saturating_add(1));
                free.append(&mut fresh);
                slot
            }
        };
        drop(free);
        Some(Guarded {
            slot: Some(slot),
            length,
            class,
            slab: Arc::clone(self),
        })
    }

    /// A guarded copy of `bytes`; the caller wipes its own.
    pub(crate) fn keep(self: &Arc<Self>, bytes: &[u8]) -> Option<Guarded> {
        let mut guarded = self.allocate(bytes.len())?;
        guarded.bytes_mut().copy_from_slice(bytes);
        Some(guarded)
    }

    fn grow(&self, size: usize) -> Option<Vec<Slot>> {
        self.mapped
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |mapped| {
                mapped
                    .checked_add(CHUNK)
                    .filter(|mapped| *mapped <= self.limit)
            })
            .ok()?;
        let Some((
            slots,
            Grants {
                locked,
                undumped,
                unforked,
            },
        )) = Slot::map(size, CHUNK / size)
        else {
            self.mapped.fetch_sub(CHUNK, Ordering::Relaxed);
            return None;
        };
        for (granted, missing) in [
            (locked, &self.unlocked),
            (undumped, &self.dumpable),
            (unforked, &self.inherited),
        ] {
            if !granted {
                missing.fetch_add(CHUNK, Ordering::Relaxed);
            }
        }
        Some(slots)
    }

    pub(crate) fn report(&self) -> MemoryReport {
        MemoryReport {
            mapped: self.mapped.load(Ordering::Relaxed),
            unlocked: self.unlocked.load(Ordering::Relaxed),
            dumpable: self.dumpable.load(Ordering::Relaxed),
            inherited: self.inherited.load(Ordering::Relaxed),
            limit: self.limit,
        }
    }
}

/// Bytes in guarded memory, owned; wiped when dropped. Not clonable, not printable.
pub(crate) struct Guarded {
    slot: Option<Slot>,
    length: usize,
    class: usize,
    slab: Arc<Slab>,
}

impl Guarded {
    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        let slot = self.slot.as_ref().map(Slot::bytes).unwrap_or_default();
        slot.get(..self.length).unwrap_or_default()
    }

    /// The bytes, to write.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        let slot = self.slot.as_mut().map(Slot::bytes_mut).unwrap_or_default();
        slot.get_mut(..self.length).unwrap_or_default()
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if let Some(mut slot) = self.slot.take() {
            // The whole slot, not only the length: nothing of an earlier use may stay either.
            slot.bytes_mut().zeroize();
            if let Some(free) = self.slab.classes.get(self.class) {
                free.lock().push(slot);
            }
        }
    }
}

#[cfg(test)]
mod tests;
