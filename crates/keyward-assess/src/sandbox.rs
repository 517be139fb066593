//! Least rights for a file scan: no new privileges, no writing except to the named output, no TCP. What the
//! kernel cannot enforce is said, not hidden.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetStatus,
};

/// What the process still has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Reading files; no network.
    Files,
    /// Asking endpoints, too.
    Network,
}

/// Locks the process down; returns a warning if the platform could not do all of it. It can be called again for
/// less, never for more.
pub fn enter(writable: &[&Path], need: Need) -> Option<String> {
    if let Err(error) = rustix::thread::set_no_new_privs(true) {
        return Some(format!("no_new_privs: {error}"));
    }
    match restrict(writable, need) {
        Ok(RulesetStatus::FullyEnforced) => None,
        Ok(status) => Some(format!(
            "file and network restrictions are {status:?} on this kernel"
        )),
        Err(error) => Some(format!("file and network restrictions are off: {error}")),
    }
}

/// Reading is allowed everywhere, writing below the given directories, TCP nowhere unless it is needed.
fn restrict(writable: &[&Path], need: Need) -> Result<RulesetStatus, landlock::RulesetError> {
    let abi = ABI::V4;
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?;
    rules = match need {
        Need::Files => rules.handle_access(AccessNet::from_all(abi))?,
        // listening is never needed
        Need::Network => rules.handle_access(AccessNet::BindTcp)?,
    };
    let mut rules = rules.create()?;
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
