//! Least rights for a file scan: no new privileges, no writing except to the named output, no TCP. What the
//! kernel cannot enforce is said, not hidden.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetStatus,
};

/// Locks the process down; returns a warning if the platform could not do all of it.
pub fn enter(writable: &[&Path]) -> Option<String> {
    if let Err(error) = rustix::thread::set_no_new_privs(true) {
        return Some(format!("no_new_privs: {error}"));
    }
    match restrict(writable) {
        Ok(RulesetStatus::FullyEnforced) => None,
        Ok(status) => Some(format!(
            "file and network restrictions are {status:?} on this kernel"
        )),
        Err(error) => Some(format!("file and network restrictions are off: {error}")),
    }
}

/// Reading is allowed everywhere, writing below the given directories, TCP nowhere.
fn restrict(writable: &[&Path]) -> Result<RulesetStatus, landlock::RulesetError> {
    let abi = ABI::V4;
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .create()?;
    if let Ok(root) = PathFd::new("/") {
        rules = rules.add_rule(PathBeneath::new(
            root,
            AccessFs::ReadFile | AccessFs::ReadDir,
        ))?;
    }
    for path in writable {
        if let Ok(directory) = PathFd::new(path) {
            rules = rules.add_rule(PathBeneath::new(
                directory,
                AccessFs::from_all(abi) & !AccessFs::Execute,
            ))?;
        }
    }
    Ok(rules.restrict_self()?.ruleset)
}
