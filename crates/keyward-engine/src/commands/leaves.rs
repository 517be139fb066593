//! Blocks of leaves, and how many keys a realm has: a leaf is given out once, and never again.
use keyward_core::command::RealmRef;
use keyward_core::ids::RealmId;
use keyward_core::limits::LEAVES_MAX;
use keyward_core::object::{RealmCounters, Version};
use keyward_core::state::State;
use keyward_core::{ErrorCode, Problem};

use crate::open::LeafBlock;
use crate::ports::store::{RowKey, Table};
use crate::problems::store_problem;
use crate::rows;
use crate::work::Work;

/// A block of leaves is at most this part of a realm's quota.
const QUOTA_SHARE: u64 = 16;
/// Up to this quota the keys are counted when it seems used up.
const QUOTA_COUNTED: u64 = 100_000;

impl Work<'_> {
    /// The next block of leaves, as a change of the realm's counters.
    pub(crate) fn leaf_block(&mut self, realm: RealmId, size: u64) -> Result<LeafBlock, Problem> {
        let described = self.realm(&RealmRef::Id(realm))?;
        let key = rows::realm_counters(realm);
        let stored = self.decoded::<RealmCounters>(&key)?;
        let (mut counters, row) =
            stored.map_or((RealmCounters::default(), None), |(c, row)| (c, Some(row)));
        let quota = described.quotas.keys;
        if counters.next_leaf.saturating_sub(counters.destroyed) >= quota {
            counters.destroyed = self.leaves_without_key(realm, quota, counters)?;
        }
        let alive = counters.next_leaf.saturating_sub(counters.destroyed);
        // A small quota gets small blocks, so that a restart does not eat it up.
        let size = size
            .min((quota / QUOTA_SHARE).max(1))
            .min(quota.saturating_sub(alive));
        if size == 0 || counters.next_leaf.saturating_add(size) > LEAVES_MAX {
            return Err(Problem::new(ErrorCode::QuotaExceeded)
                .with("limit", described.quotas.keys.to_string())
                .with("quota", "keys"));
        }
        let end = counters.next_leaf.saturating_add(size);
        self.put(
            key,
            row.as_ref(),
            &RealmCounters {
                next_leaf: end,
                ..counters
            },
        )?;
        Ok(LeafBlock {
            next: counters.next_leaf,
            end,
        })
    }

    /// How many of the leaves given out stand for no key: punctured, or reserved by a process that ended. Counted only where
    /// a quota seems used up and is small enough to count.
    fn leaves_without_key(
        &self,
        realm: RealmId,
        quota: u64,
        counters: RealmCounters,
    ) -> Result<u64, Problem> {
        if quota > QUOTA_COUNTED {
            return Ok(counters.destroyed);
        }
        let mut keys = 0_u64;
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self
                .open
                .store
                .scan(Table::Version, &realm.0, after.as_deref(), 1_000)
                .map_err(|f| store_problem(&f))?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            for (key, row) in page {
                let key = RowKey {
                    table: Table::Version,
                    key,
                };
                let version = self.open.custody.sealer.decode::<Version>(&key, &row);
                let version = version.map_err(|f| store_problem(&f))?.value;
                if version.state() != State::Destroyed {
                    keys = keys.saturating_add(1);
                }
            }
        }
        Ok(counters
            .next_leaf
            .saturating_sub(keys)
            .max(counters.destroyed))
    }
}
