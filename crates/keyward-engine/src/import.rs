//! Import keys: pairs for one transfer each, in memory only. They end with the process, with the seal, after an hour, or
//! with the commit of the command that used them, whichever comes first; none is ever stored, not even wrapped.
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use keyward_core::command::TransferScheme;
use keyward_core::decide::Moment;
use keyward_core::ids::{PrincipalId, RealmId};
use keyward_core::time::Timestamp;
use parking_lot::Mutex;

use crate::crypto::Held;

/// Import keys that one principal may have open at once.
pub(crate) const OPEN_MAX: usize = 32;
/// Import keys of all together: guarded memory is short.
const ALL_MAX: usize = 1024;

const FREE: u8 = 0;
const CLAIMED: u8 = 1;
const SPENT: u8 = 2;

/// One of them.
pub(crate) struct ImportKeyEntry {
    pub(crate) realm: RealmId,
    pub(crate) principal: PrincipalId,
    pub(crate) scheme: TransferScheme,
    pub(crate) key: Held,
    pub(crate) info: Vec<u8>,
    pub(crate) expires_at: Timestamp,
}

struct Slot {
    entry: ImportKeyEntry,
    state: AtomicU8,
}

/// All of them.
#[derive(Default)]
pub(crate) struct ImportKeys {
    slots: Mutex<HashMap<[u8; 16], Arc<Slot>>>,
}

impl ImportKeys {
    /// Whether one more is acceptable; those that are over go first.
    pub(crate) fn has_room(&self, now: Timestamp, principal: PrincipalId) -> bool {
        self.forget_old(now);
        let slots = self.slots.lock();
        let own = slots
            .values()
            .filter(|slot| slot.entry.principal == principal)
            .count();
        own < OPEN_MAX && slots.len() < ALL_MAX
    }

    /// Drops those that are over.
    pub(crate) fn forget_old(&self, now: Timestamp) {
        self.slots.lock().retain(|_, slot| {
            slot.entry.expires_at > now && slot.state.load(Ordering::Acquire) != SPENT
        });
    }

    /// Keeps one whose record is durable.
    pub(crate) fn keep(&self, id: [u8; 16], entry: ImportKeyEntry) {
        let state = AtomicU8::new(FREE);
        self.slots
            .lock()
            .insert(id, Arc::new(Slot { entry, state }));
    }

    /// Takes one for a command, if it is there for this caller and realm and nobody else is using it.
    pub(crate) fn claim(&self, id: &[u8; 16], realm: RealmId, moment: Moment) -> Option<Claim> {
        let slot = Arc::clone(self.slots.lock().get(id)?);
        let entry = &slot.entry;
        if entry.realm != realm
            || entry.principal != moment.actor
            || entry.expires_at <= moment.now.wall
        {
            return None;
        }
        slot.state
            .compare_exchange(FREE, CLAIMED, Ordering::AcqRel, Ordering::Acquire)
            .ok()?;
        Some(Claim { slot })
    }
}

/// The use of an import key by one attempt at a command: free again when it is dropped, unless it was spent.
pub(crate) struct Claim {
    slot: Arc<Slot>,
}

impl Claim {
    pub(crate) fn entry(&self) -> &ImportKeyEntry {
        &self.slot.entry
    }

    /// What to call after the commit.
    pub(crate) fn spender(&self, all: &Arc<ImportKeys>, id: [u8; 16]) -> Spender {
        Spender {
            all: Arc::clone(all),
            id,
            slot: Arc::clone(&self.slot),
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let _ =
            self.slot
                .state
                .compare_exchange(CLAIMED, FREE, Ordering::AcqRel, Ordering::Acquire);
    }
}

/// Uses an import key up.
pub(crate) struct Spender {
    all: Arc<ImportKeys>,
    id: [u8; 16],
    slot: Arc<Slot>,
}

impl Spender {
    pub(crate) fn spend(self) {
        self.slot.state.store(SPENT, Ordering::Release);
        // Its private key leaves memory with the command that used it.
        self.all.slots.lock().remove(&self.id);
    }
}
