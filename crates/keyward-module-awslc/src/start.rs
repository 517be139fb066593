//! The start-up gate: what is true of the linked module before the first operation, or a typed refusal.
use std::sync::Arc;

use keyward_engine::permit::Permit;
use keyward_engine::ports::module::{
    Done, KeyHandle, Module, ModuleDescription, ModuleFault, Operation, SelfTest,
};

use crate::describe::{self, Linkage};
use crate::material::Material;
use crate::shim;
use crate::slab::{MemoryReport, Slab};
use crate::table::{Entry, Table};

/// The version that certificates #5314 and #5298 name; no other is accepted.
pub const CERTIFIED_VERSION: &str = "AWS-LC FIPS 3.1.0";

/// How the module is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// This module's number in handles and records.
    pub module: u16,
    /// Most guarded memory for keys, in bytes; a 32-byte key takes 32 of them.
    pub memory_limit: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            module: 1,
            memory_limit: 1 << 30,
        }
    }
}

/// Why the module does not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartFault {
    /// The linked library was not built as a FIPS module.
    #[error("the linked cryptographic library is not a fips build")]
    NotFips,
    /// The linked library is another version than the certified one.
    #[error("the linked module reports version `{found}`, not the certified `{CERTIFIED_VERSION}`")]
    Version {
        /// What it reports.
        found: String,
    },
    /// The integrity test failed.
    #[error("the module's integrity test failed")]
    Integrity,
    /// A known-answer test failed.
    #[error("the module's self-tests failed")]
    SelfTest,
}

/// The validated module, started.
pub struct AwsLcModule {
    pub(crate) number: u16,
    pub(crate) slab: Arc<Slab>,
    pub(crate) table: Table,
    version: String,
    linkage: Linkage,
}

impl AwsLcModule {
    /// Checks the linked module (FIPS build, exact version, integrity, every self-test) and starts it.
    ///
    /// The lazily run self-tests (signatures, key agreement, ML-KEM) run here too, so that no request waits for them or
    /// is the one that finds them failing.
    ///
    /// # Errors
    /// [`StartFault`]; then nothing has been computed.
    pub fn start(config: Config) -> Result<Self, StartFault> {
        // Also initialises the library, before anything else calls it.
        if !describe::is_fips_mode() {
            return Err(StartFault::NotFips);
        }
        let version = certified(shim::version())?;
        if !shim::integrity_test() {
            return Err(StartFault::Integrity);
        }
        if !shim::self_test() {
            return Err(StartFault::SelfTest);
        }
        Ok(Self {
            number: config.module,
            slab: Slab::new(config.memory_limit),
            table: Table::new(),
            version,
            linkage: describe::linkage(),
        })
    }

    /// What the guarded memory consists of, and what the system did not grant.
    #[must_use]
    pub fn memory(&self) -> MemoryReport {
        self.slab.report()
    }

    /// How many keys are held.
    #[must_use]
    pub fn held_keys(&self) -> usize {
        self.table.len()
    }

    pub(crate) fn insert(&self, material: Material) -> KeyHandle {
        KeyHandle {
            module: self.number,
            slot: self.table.insert(material),
        }
    }

    pub(crate) fn find(&self, key: KeyHandle) -> Result<Arc<Entry>, ModuleFault> {
        if key.module != self.number {
            return Err(ModuleFault::NoSuchKey);
        }
        self.table.find(key.slot)
    }
}

/// Lets exactly the certified version through.
fn certified(found: String) -> Result<String, StartFault> {
    if found == CERTIFIED_VERSION {
        Ok(found)
    } else {
        Err(StartFault::Version { found })
    }
}

impl Module for AwsLcModule {
    fn describe(&self) -> ModuleDescription {
        describe::describe(self.number, &self.version, self.linkage)
    }

    fn self_test(&self, which: SelfTest) -> Result<(), ModuleFault> {
        let (passed, failure) = match which {
            SelfTest::Integrity => (shim::integrity_test(), "integrity test"),
            SelfTest::Algorithms => (shim::self_test(), "self-test"),
        };
        if passed {
            Ok(())
        } else {
            Err(ModuleFault::Failed(failure))
        }
    }

    fn operate(&self, permit: &Permit, operation: Operation<'_>) -> Result<Done, ModuleFault> {
        self.dispatch(permit, operation)
    }

    fn release(&self, key: KeyHandle) {
        if key.module == self.number {
            self.table.remove(key.slot);
        }
    }
}

impl core::fmt::Debug for AwsLcModule {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("AwsLcModule")
            .field("number", &self.number)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_certified_version_starts() {
        assert_eq!(
            certified(CERTIFIED_VERSION.into()),
            Ok(CERTIFIED_VERSION.into())
        );
        for other in [
            "AWS-LC FIPS 3.2.0",
            "AWS-LC FIPS 3.1.0-dev",
            "AWS-LC FIPS 3.1",
            "AWS-LC 1.40.0",
            "",
        ] {
            assert_eq!(
                certified(other.into()),
                Err(StartFault::Version {
                    found: other.into()
                })
            );
        }
    }
}
