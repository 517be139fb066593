//! Material on its way in and out.
use alloc::string::ToString;

use super::life::{pending, realm_open};
use super::{ModuleFacts, module_fits};
use crate::algorithm::KeySpec;
use crate::object::{ExportClass, Object, Realm, Version};
use crate::state::State;
use crate::{ErrorCode, Problem};

/// Whether a version's material may leave, and which way.
///
/// # Errors
/// `export_forbidden`, or the first rule of its life that is not met.
pub fn may_leave(
    object: &Object,
    version: &Version,
    realm: &Realm,
    module: &ModuleFacts,
    wanted: ExportClass,
) -> Result<KeySpec, Problem> {
    realm_open(realm)?;
    let spec = object.spec.ok_or_else(|| wrong_kind("a key", object))?;
    if wanted == ExportClass::Session && spec.is_pair() {
        return Err(wrong_kind("symmetric", object));
    }
    if version.state() == State::Destroyed {
        return Err(Problem::new(ErrorCode::KeyDestroyed));
    }
    module_fits(realm, module)?;
    let in_clear_at_level_3 = wanted == ExportClass::Session && realm.level >= 3;
    if object.export < wanted || in_clear_at_level_3 {
        return Err(Problem::new(ErrorCode::ExportForbidden).with("class", object.export.as_str()));
    }
    if version.number < object.min_process {
        return Err(Problem::new(ErrorCode::VersionBelowMinimum)
            .with("version", version.number.to_string())
            .with("minimum", object.min_process.to_string()));
    }
    if let Some(destruction) = &version.destruction {
        return Err(pending(destruction.due_at));
    }
    if object.suspended_at.is_some() {
        return Err(Problem::new(ErrorCode::KeySuspended));
    }
    match version.state() {
        State::Active | State::Deactivated => Ok(spec),
        State::PreActivation => Err(Problem::new(ErrorCode::KeyPreActive)),
        State::Suspended => Err(Problem::new(ErrorCode::KeySuspended)),
        State::Compromised => Err(Problem::new(ErrorCode::KeyCompromised)),
        State::Destroyed => Err(Problem::new(ErrorCode::KeyDestroyed)),
    }
}

fn wrong_kind(expected: &str, object: &Object) -> Problem {
    Problem::new(ErrorCode::WrongObjectKind)
        .with("expected", expected)
        .with("actual", object.kind.as_str())
}
