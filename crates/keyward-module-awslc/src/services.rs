//! The indicator bracket around every service, and what its answers add up to.
use keyward_core::algorithm::Indicator;
use keyward_engine::permit::Permit;
use keyward_engine::ports::module::ModuleFault;

use crate::shim;

/// Collects what the module's indicator said during one operation. Stays on the thread that made it.
pub(crate) struct Services {
    worst: Indicator,
}

impl Services {
    /// No service yet.
    pub(crate) const fn new() -> Self {
        Self {
            worst: Indicator::NotApplicable,
        }
    }

    /// Runs exactly one service of the module under its own bracket.
    pub(crate) fn run<T>(&mut self, service: impl FnOnce() -> T) -> T {
        let (result, approved) = shim::bracket(service);
        self.note(approved);
        result
    }

    /// Runs a service whose negative answer is a result too (a signature that does not verify). The module raises its
    /// indicator only for a positive answer; a negative one counts as what the approval rows say of the service, which a
    /// test compares with the indicator of the positive answer.
    pub(crate) fn run_check(
        &mut self,
        rows_say: Indicator,
        service: impl FnOnce() -> bool,
    ) -> bool {
        let (positive, approved) = shim::bracket(service);
        self.note(approved || (!positive && rows_say == Indicator::Approved));
        positive
    }

    /// Lowers the answer to what the security policy says where the indicator says more.
    pub(crate) fn limit(&mut self, policy: Indicator) {
        self.worst = self.worst.and(policy);
    }

    /// The lesser of what the services so far were.
    pub(crate) const fn indicator(&self) -> Indicator {
        self.worst
    }

    fn note(&mut self, approved: bool) {
        self.worst = self.worst.and(if approved {
            Indicator::Approved
        } else {
            Indicator::NotApproved
        });
    }

    /// The operation's indicator, if its result may be given out under this permit.
    pub(crate) fn conclude(&self, permit: &Permit) -> Result<Indicator, ModuleFault> {
        if self.worst == Indicator::NotApproved && !permit.allows_not_approved() {
            return Err(ModuleFault::NotApproved);
        }
        Ok(self.worst)
    }
}
