//! The decision: a pure function of the command, what was read, and the time. Nothing here acts.
//!
//! Authorisation has been answered by policy before these functions run; they judge lifecycle, cryptoperiods, limits,
//! approval and the assurance level, and say exactly what is to be written.
//!
//! Read next: `life.rs` (birth, rotation, states), `use_key.rs` (may this version work now), `destroy.rs` (the clock rule).
pub mod attributes;
mod check;
pub mod destroy;
pub mod life;
pub mod new_key;
pub mod realm;
pub mod secret;
pub mod transfer;
pub mod use_key;

use crate::algorithm::{KeySpec, Service};
use crate::approval;
use crate::ids::PrincipalId;
use crate::object::Realm;
use crate::time::Now;
use crate::{ErrorCode, Problem};

/// Who decides what when: the facts every decision needs.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Both clocks.
    pub now: Now,
    /// Who asks.
    pub actor: PrincipalId,
}

/// The module that would do the work, as far as a decision depends on it.
#[derive(Debug, Clone)]
pub struct ModuleFacts {
    /// Certificate level; 0 without a certificate.
    pub level: u8,
    /// What it offers.
    pub services: alloc::vec::Vec<(KeySpec, Service)>,
}

/// Whether new protection by this algorithm is acceptable today (SP 800-131A, by the one table).
///
/// # Errors
/// `algorithm_not_approved`, naming the algorithm.
pub fn approved_today(spec: KeySpec, service: Service, moment: Moment) -> Result<(), Problem> {
    if approval::permits(spec, service, moment.now.wall) {
        Ok(())
    } else {
        Err(Problem::new(ErrorCode::AlgorithmNotApproved)
            .with("algorithm", spec.as_str())
            .with("service", service.as_str()))
    }
}

/// Whether a module may be used in a realm (DESIGN §5, assurance levels).
///
/// # Errors
/// `level_rule_unmet`, naming the rule.
pub fn module_fits(realm: &Realm, module: &ModuleFacts) -> Result<(), Problem> {
    if module.level == 0 && !realm.rehearsal {
        return Err(unmet(
            realm,
            "keys are used only in modules with an active certificate; this one has none and the realm is no rehearsal",
        ));
    }
    if module.level < realm.level && !realm.rehearsal {
        return Err(unmet(
            realm,
            "keys are used only in a module certified at the realm's level or higher",
        ));
    }
    Ok(())
}

fn unmet(realm: &Realm, rule: &str) -> Problem {
    Problem::new(ErrorCode::LevelRuleUnmet)
        .with("level", alloc::format!("{}", realm.level))
        .with("rule", rule)
}

#[cfg(test)]
mod tests;
