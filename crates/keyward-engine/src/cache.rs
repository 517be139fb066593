//! What is remembered of rows, bounded, and emptied by the committer before a change is answered.
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::OnceLock;

use keyward_core::ids::{ObjectId, PrincipalId, RealmId, TokenId};
use keyward_core::object::{Object, Realm, Token, Version};
use keyward_core::policy_facts::PrincipalFacts;
use parking_lot::{Mutex, RwLock};
use quick_cache::sync::Cache;

use crate::committer::Invalidate;
use crate::crypto::Held;
use crate::ports::store::{RowKey, Table};
use crate::usage::Counter;

/// A version with its material, once loaded, and its counter.
pub(crate) struct VersionEntry {
    pub(crate) version: Version,
    pub(crate) held: OnceLock<Arc<Held>>,
    pub(crate) counter: Mutex<Option<Arc<Counter>>>,
}

/// An object and its row's version.
pub(crate) struct ObjectEntry {
    pub(crate) object: Object,
    pub(crate) row: RowKey,
    pub(crate) row_version: u64,
}

/// A principal that can act.
pub(crate) struct PrincipalEntry {
    pub(crate) facts: PrincipalFacts,
    pub(crate) enabled: bool,
}

/// How many of each are kept.
#[derive(Debug, Clone, Copy)]
pub struct CacheSizes {
    /// Objects, versions with their keys, and names.
    pub keys: usize,
    /// Principals and tokens.
    pub principals: usize,
}

impl Default for CacheSizes {
    fn default() -> Self {
        Self {
            keys: 100_000,
            principals: 50_000,
        }
    }
}

/// All caches.
pub(crate) struct Caches {
    pub(crate) objects: Cache<(RealmId, ObjectId), Arc<ObjectEntry>>,
    pub(crate) versions: Cache<(ObjectId, u32), Arc<VersionEntry>>,
    pub(crate) names: Cache<Vec<u8>, [u8; 16]>,
    pub(crate) realms: RwLock<HashMap<RealmId, Arc<Realm>>>,
    pub(crate) principals: Cache<PrincipalId, Arc<PrincipalEntry>>,
    pub(crate) tokens: Cache<TokenId, Arc<Token>>,
}

impl Caches {
    pub(crate) fn new(sizes: CacheSizes) -> Self {
        Self {
            objects: Cache::new(sizes.keys),
            versions: Cache::new(sizes.keys),
            names: Cache::new(sizes.keys),
            realms: RwLock::new(HashMap::new()),
            principals: Cache::new(sizes.principals),
            tokens: Cache::new(sizes.principals),
        }
    }
}

fn id16(key: &[u8], at: usize) -> Option<[u8; 16]> {
    key.get(at..)?.first_chunk::<16>().copied()
}

impl Invalidate for Caches {
    fn invalidate(&self, row: &RowKey) {
        let key = &row.key;
        match row.table {
            Table::Object => {
                if let (Some(realm), Some(object)) = (id16(key, 0), id16(key, 16)) {
                    self.objects.remove(&(RealmId(realm), ObjectId(object)));
                }
            }
            Table::Version => {
                if let (Some(object), Some(number)) = (id16(key, 16), key.last_chunk::<4>()) {
                    self.versions
                        .remove(&(ObjectId(object), u32::from_be_bytes(*number)));
                }
            }
            Table::Name => {
                self.names.remove(key);
            }
            Table::Realm => {
                if let Some(realm) = id16(key, 0) {
                    self.realms.write().remove(&RealmId(realm));
                }
            }
            Table::Principal => {
                if let Some(principal) = id16(key, 0) {
                    self.principals.remove(&PrincipalId(principal));
                }
            }
            Table::Token => {
                if let Some(token) = id16(key, 0) {
                    self.tokens.remove(&TokenId(token));
                }
            }
            _ => {}
        }
    }
}
