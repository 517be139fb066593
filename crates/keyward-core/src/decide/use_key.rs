//! Whether one version of a key may do one thing now.
use alloc::string::ToString;

use super::life::{pending, realm_open};
use super::{ModuleFacts, Moment, approved_today, module_fits};
use crate::algorithm::{KeySpec, Service};
use crate::object::{Object, Realm, Version};
use crate::state::State;
use crate::{ErrorCode, Problem};

/// What a use asks for.
#[derive(Debug, Clone, Copy)]
pub struct Use {
    /// Service of the module.
    pub service: Service,
    /// Whether the caller knowingly processes with a compromised key.
    pub accept_compromised: bool,
}

/// Judges a use: realm, purpose, approval table, level, minimum versions, destruction, suspension, state, cryptoperiod.
///
/// # Errors
/// The first rule that is not met, in that order.
pub fn may_use(
    object: &Object,
    version: &Version,
    realm: &Realm,
    module: &ModuleFacts,
    wanted: Use,
    moment: Moment,
) -> Result<KeySpec, Problem> {
    realm_open(realm)?;
    let service = wanted.service;
    let spec = match (object.spec, object.purpose) {
        (Some(spec), Some(purpose)) if purpose.permits(service) => spec,
        _ => return Err(Problem::new(ErrorCode::UsageNotPermitted).with("usage", service.as_str())),
    };
    // A destroyed key says so before anything else about it.
    if version.state() == State::Destroyed {
        return Err(Problem::new(ErrorCode::KeyDestroyed));
    }
    approved_today(spec, service, moment)?;
    module_fits(realm, module)?;
    let minimum = if service.is_protection() {
        object.min_protect
    } else {
        object.min_process
    };
    if version.number < minimum {
        return Err(Problem::new(ErrorCode::VersionBelowMinimum)
            .with("version", version.number.to_string())
            .with("minimum", minimum.to_string()));
    }
    if let Some(destruction) = &version.destruction {
        return Err(pending(destruction.due_at));
    }
    if object.suspended_at.is_some() {
        return Err(Problem::new(ErrorCode::KeySuspended));
    }
    state_allows(version.state(), wanted)?;
    period_allows(version, service, moment)?;
    Ok(spec)
}

fn state_allows(state: State, wanted: Use) -> Result<(), Problem> {
    let protects = wanted.service.is_protection();
    match state {
        State::Active => Ok(()),
        State::Deactivated if !protects => Ok(()),
        State::Compromised if !protects && wanted.accept_compromised => Ok(()),
        State::PreActivation => Err(Problem::new(ErrorCode::KeyPreActive)),
        State::Suspended => Err(Problem::new(ErrorCode::KeySuspended)),
        State::Deactivated => Err(Problem::new(ErrorCode::KeyDeactivated)),
        State::Compromised => Err(Problem::new(ErrorCode::KeyCompromised)),
        State::Destroyed => Err(Problem::new(ErrorCode::KeyDestroyed)),
    }
}

fn period_allows(version: &Version, service: Service, moment: Moment) -> Result<(), Problem> {
    let (period, end) = if service.is_protection() {
        ("originator-usage", version.protect_until)
    } else {
        ("recipient-usage", version.process_until)
    };
    match end {
        Some(end) if moment.now.wall >= end => Err(Problem::new(ErrorCode::CryptoperiodOver)
            .with("period", period)
            .with("ended_at", end.to_string())),
        _ => Ok(()),
    }
}
