//! Hardening of the whole process, once, at start: nothing of its memory is to end up in a core dump or under a debugger.
//!
//! What the platform does not have is reported, never a reason not to start: the report goes into status and into the
//! evidence, and the operator decides.
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};

/// Whether one measure is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// It is.
    InForce,
    /// The system refused or does not have it.
    Unavailable,
}

/// What hardening achieved and what the system adds to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HardeningReport {
    /// No core file is written (`RLIMIT_CORE` is 0, soft and hard).
    pub no_core_file: Measure,
    /// The process is not dumpable: no core dump by any handler, no attaching by another process of the same user,
    /// `/proc/self/mem` owned by root.
    pub not_dumpable: Measure,
    /// The system-wide restriction on attaching (`kernel.yama.ptrace_scope`): 1 or more is recommended; none where the
    /// kernel has no Yama.
    pub ptrace_scope: Option<u8>,
    /// How much memory this process may lock, in bytes; none means no limit.
    pub lockable_bytes: Option<u64>,
    /// Whether swap is in use on this machine, if it can be told: what could not be locked may then reach a disk.
    pub swap: Option<bool>,
}

/// Applies what the platform allows and says what came of it.
#[must_use]
pub fn harden_process() -> HardeningReport {
    let core = setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    );
    let dumpable = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    HardeningReport {
        no_core_file: measure(core.is_ok()),
        not_dumpable: measure(dumpable.is_ok()),
        ptrace_scope: std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope")
            .ok()
            .and_then(|scope| scope.trim().parse().ok()),
        lockable_bytes: getrlimit(Resource::Memlock).current,
        // The first line is the heading; each further line is a swap device or file.
        swap: std::fs::read_to_string("/proc/swaps")
            .ok()
            .map(|swaps| swaps.lines().count() > 1),
    }
}

const fn measure(in_force: bool) -> Measure {
    if in_force {
        Measure::InForce
    } else {
        Measure::Unavailable
    }
}
