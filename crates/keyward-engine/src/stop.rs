//! Why performing a command stopped before it had an outcome.
use std::sync::Arc;

use keyward_core::Problem;
use keyward_core::ids::RealmId;

use crate::pool::Task;
use crate::usage::Counter;

/// Why performing stopped.
pub(crate) enum Stop {
    /// Refused.
    Refused(Problem),
    /// No leaf of this realm is reserved: reserve, then decide again.
    NeedLeaves(RealmId),
    /// This takes long: let the pool do it, then decide again with the result.
    Compute(Task),
    /// Another command is reserving uses of the same version.
    WaitFor(Arc<Counter>),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}
