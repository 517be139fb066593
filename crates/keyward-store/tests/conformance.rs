//! Both stores keep the port's promises, as the shared suite understands them.
use std::sync::Arc;

use keyward_engine::ports::store::Store;
use keyward_store::{MemoryStore, SqliteStore};
use keyward_testkit::store_conformance::{self, Place};
use tempfile::TempDir;

struct InMemory;

impl Place for InMemory {
    fn create(&self) -> Arc<dyn Store> {
        Arc::new(MemoryStore::new())
    }

    fn reopen(&self) -> Option<Arc<dyn Store>> {
        None
    }
}

struct InDirectory(TempDir);

impl Place for InDirectory {
    fn create(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::create(self.0.path()).unwrap())
    }

    fn reopen(&self) -> Option<Arc<dyn Store>> {
        Some(Arc::new(SqliteStore::open(self.0.path()).unwrap()))
    }
}

#[test]
fn the_memory_store_keeps_the_ports_promises() {
    store_conformance::run(&|| Box::new(InMemory));
}

#[test]
fn the_sqlite_store_keeps_the_ports_promises() {
    store_conformance::run(&|| Box::new(InDirectory(tempfile::tempdir().unwrap())));
}
