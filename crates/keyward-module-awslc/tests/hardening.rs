//! Hardening does what it reports, checked against the system's own view of the process.
#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, reason = "a test fails by panicking")]
use keyward_module_awslc::{Measure, harden_process};
use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};

// One test: it changes the process it runs in, and cannot change it back.
#[test]
fn what_is_reported_in_force_is_in_force() {
    let report = harden_process();
    assert_eq!(report.no_core_file, Measure::InForce);
    let core = getrlimit(Resource::Core);
    assert_eq!((core.current, core.maximum), (Some(0), Some(0)));
    assert_eq!(report.not_dumpable, Measure::InForce);
    assert_eq!(
        dumpable_behavior().expect("linux"),
        DumpableBehavior::NotDumpable
    );
    // The platform's own part is reported as it is, present or not.
    let scope = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").ok();
    assert_eq!(
        report.ptrace_scope,
        scope.and_then(|scope| scope.trim().parse().ok())
    );
    assert_eq!(report.lockable_bytes, getrlimit(Resource::Memlock).current);
    assert!(report.swap.is_some());
    // A second time changes nothing.
    assert_eq!(harden_process(), report);
}
