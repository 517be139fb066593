//! What faults of the ports mean to a caller: the only place where they become error codes.
use keyward_core::{ErrorCode, Problem};

use crate::ports::module::ModuleFault;
use crate::ports::seal::SealFault;
use crate::ports::store::StoreFault;
use crate::rows::ChangeFault;

/// A store's fault as its caller sees it.
#[must_use]
pub fn store_problem(fault: &StoreFault) -> Problem {
    Problem::new(match fault {
        StoreFault::Full => ErrorCode::DiskFull,
        StoreFault::ReadOnly => ErrorCode::StorageReadOnly,
        StoreFault::Locked => ErrorCode::StorageLocked,
        StoreFault::Corrupt(_) => ErrorCode::StorageCorrupted,
        StoreFault::Unavailable(_) => ErrorCode::StorageUnavailable,
        StoreFault::TooNew { .. } => ErrorCode::SchemaTooNew,
        StoreFault::Unknown(_) => ErrorCode::OutcomeUnknown,
    })
}

/// A module's fault as its caller sees it, where the input is not the caller's own (custody, generation).
#[must_use]
pub fn module_problem(fault: ModuleFault) -> Problem {
    Problem::new(match fault {
        ModuleFault::Gone => ErrorCode::KeyDestroyed,
        ModuleFault::Unsupported => ErrorCode::ModuleOperationUnsupported,
        ModuleFault::NotApproved => ErrorCode::ModuleNotApproved,
        ModuleFault::Unavailable => ErrorCode::ModuleUnavailable,
        ModuleFault::Full => ErrorCode::ModuleBusy,
        ModuleFault::Refused | ModuleFault::NoSuchKey | ModuleFault::Failed(_) => {
            ErrorCode::ModuleFault
        }
    })
}

/// A fault while sealing a change.
pub(crate) fn change_problem(fault: &ChangeFault) -> Problem {
    match fault {
        ChangeFault::Module(fault) => module_problem(*fault),
        ChangeFault::Store(fault) => store_problem(fault),
    }
}

/// A seal's fault: whoever guesses learns only that it did not open.
#[must_use]
pub fn seal_problem(fault: &SealFault) -> Problem {
    match fault {
        SealFault::Wrong | SealFault::Unacceptable(_) | SealFault::Incomplete(_) => {
            Problem::new(ErrorCode::UnsealFailed)
        }
        SealFault::Malformed(_) => Problem::new(ErrorCode::StorageCorrupted),
        SealFault::Module(fault) => module_problem(*fault),
    }
}
