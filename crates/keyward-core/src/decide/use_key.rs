//! Whether one version of a key may do one thing now.
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use super::life::{pending, realm_open};
use super::{ModuleFacts, Moment, approved_today, module_fits};
use crate::algorithm::{KeySpec, Service, SignatureScheme};
use crate::limits::{BATCH_ITEMS_MAX, BATCH_MAX_BYTES, VERSIONS_TRIED_MAX};
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

/// How a key of this kind signs: as asked for, or by its kind's first scheme.
///
/// # Errors
/// `invalid_field` with the schemes there are, or `usage_not_permitted` for a kind that does not sign.
pub fn scheme(spec: KeySpec, wanted: Option<SignatureScheme>) -> Result<SignatureScheme, Problem> {
    let offered = SignatureScheme::of(spec);
    let Some(first) = offered.first() else {
        return Err(
            Problem::new(ErrorCode::UsageNotPermitted).with("usage", Service::Sign.as_str())
        );
    };
    match wanted {
        None => Ok(*first),
        Some(scheme) if offered.contains(&scheme) => Ok(scheme),
        Some(_) => {
            let names: Vec<&str> = offered.iter().map(|scheme| scheme.as_str()).collect();
            let reason = format!(
                "a key of kind {spec} has: {}",
                names.join(", "),
                spec = spec.as_str()
            );
            Err(Problem::invalid_field("scheme", reason))
        }
    }
}

/// Decides on verifying another party's signature: realm, level, approval table, scheme.
///
/// # Errors
/// The first rule that is not met.
pub fn external(
    spec: KeySpec,
    wanted: Option<SignatureScheme>,
    realm: &Realm,
    module: &ModuleFacts,
    moment: Moment,
) -> Result<SignatureScheme, Problem> {
    realm_open(realm)?;
    if SignatureScheme::of(spec).is_empty() || !module.services.contains(&(spec, Service::Verify)) {
        return Err(Problem::new(ErrorCode::AlgorithmNotSupported).with("algorithm", spec.as_str()));
    }
    let scheme = scheme(spec, wanted)?;
    approved_today(spec, Service::Verify, moment)?;
    module_fits(realm, module)?;
    Ok(scheme)
}

/// The versions that may have made a signature or code which does not name its version, as numbers in ascending order;
/// they are tried from the end. Older ones have to be named: work for one request is bounded.
#[must_use]
pub const fn candidates(current: u32) -> RangeInclusive<u32> {
    let oldest = current.saturating_sub(VERSIONS_TRIED_MAX - 1);
    (if oldest == 0 { 1 } else { oldest })..=current
}

/// Whether a batch has a size that one command takes: items, and bytes of all of them together.
///
/// # Errors
/// `invalid_field` for none, `too_many_items`, `data_too_large`.
pub fn batch_fits(items: usize, bytes: usize) -> Result<(), Problem> {
    if items == 0 {
        return Err(Problem::invalid_field(
            "items",
            "there must be at least one",
        ));
    }
    if items > BATCH_ITEMS_MAX {
        return Err(Problem::too_many_items(
            "items",
            BATCH_ITEMS_MAX.to_string(),
        ));
    }
    if bytes > BATCH_MAX_BYTES {
        return Err(
            Problem::new(ErrorCode::DataTooLarge).with("limit_bytes", BATCH_MAX_BYTES.to_string())
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_signs_by_its_own_schemes_only_and_by_the_first_if_none_is_named() {
        for spec in KeySpec::ALL {
            let offered = SignatureScheme::of(spec);
            assert_eq!(
                scheme(spec, None).ok(),
                offered.first().copied(),
                "{spec:?}"
            );
            for wanted in SignatureScheme::ALL {
                let found = scheme(spec, Some(wanted));
                if offered.contains(&wanted) {
                    assert_eq!(found, Ok(wanted));
                } else if offered.is_empty() {
                    assert_eq!(found.unwrap_err().code, ErrorCode::UsageNotPermitted);
                } else {
                    let problem = found.unwrap_err();
                    assert_eq!(
                        problem.param("field"),
                        Some("scheme"),
                        "{spec:?} {wanted:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_newest_eight_versions_are_candidates_and_there_is_no_version_0() {
        assert_eq!(candidates(1), 1..=1);
        assert_eq!(candidates(7), 1..=7);
        assert_eq!(candidates(8), 1..=8);
        assert_eq!(candidates(9), 2..=9);
        assert_eq!(candidates(u32::MAX).count(), 8);
    }

    #[test]
    fn a_batch_has_1_to_256_items_and_no_more_bytes_than_one_message_and_its_context() {
        assert!(batch_fits(1, 0).is_ok());
        assert!(batch_fits(BATCH_ITEMS_MAX, BATCH_MAX_BYTES).is_ok());
        let code = |items, bytes| batch_fits(items, bytes).unwrap_err().code;
        assert_eq!(code(0, 0), ErrorCode::InvalidField);
        assert_eq!(code(BATCH_ITEMS_MAX + 1, 0), ErrorCode::TooManyItems);
        assert_eq!(code(1, BATCH_MAX_BYTES + 1), ErrorCode::DataTooLarge);
    }
}
