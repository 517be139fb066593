//! Keys made from keys: what may be derived, agreed or decapsulated, and what it inherits.
use alloc::format;
use alloc::string::ToString;

use super::life::{self, Birth};
use super::{ModuleFacts, Moment};
use crate::algorithm::{HashAlgorithm, KeySpec, Service};
use crate::approval::{self, Day, Query, Usage};
use crate::command::CreateKey;
use crate::ids::ObjectId;
use crate::limits::{CONTEXT_MAX_BYTES, RANDOM_MAX_BYTES, WRAP_MAX_BYTES};
use crate::object::{Object, Realm};
use crate::{ErrorCode, Problem};

/// Decides on a key that a service makes out of `parent`: by every rule of a new key, and two more. It leaves by no wider
/// way than its parent, and a non-approved exception is inherited: what came of a non-approved service never serves an
/// approved one.
///
/// # Errors
/// As [`life::create`]; `invalid_field` for a kind that the service does not make; `export_forbidden`.
pub fn from_key(
    service: Service,
    parent: &Object,
    new: &CreateKey,
    realm: &Realm,
    module: &ModuleFacts,
    id: ObjectId,
    moment: Moment,
) -> Result<Birth, Problem> {
    let makes = |spec: KeySpec| match service {
        Service::Derive => !spec.is_pair(),
        _ => spec == KeySpec::Aes256,
    };
    if !makes(new.spec) {
        let what = if service == Service::Derive {
            "a derived key is symmetric"
        } else {
            "the shared key is of kind aes-256"
        };
        return Err(Problem::invalid_field("new_key.spec", what));
    }
    if new.export > parent.export {
        return Err(Problem::new(ErrorCode::ExportForbidden).with("class", parent.export.as_str()));
    }
    let mut birth = life::create(new, realm, module, id, moment)?;
    birth.object.exception |= parent.exception;
    Ok(birth)
}

/// Whether a data key of this kind can be made: raw bytes of a symmetric key, or a pair.
///
/// # Errors
/// `invalid_field`, or `algorithm_not_supported` if the module has no such keys, or `algorithm_not_approved`.
pub fn data_key(
    spec: KeySpec,
    pair: bool,
    module: &ModuleFacts,
    moment: Moment,
) -> Result<(), Problem> {
    if spec.is_pair() != pair {
        let what = if pair {
            "it must be a kind of pair"
        } else {
            "it must be a symmetric kind"
        };
        return Err(Problem::invalid_field("spec", what));
    }
    if !module.services.contains(&(spec, Service::Generate)) {
        return Err(Problem::new(ErrorCode::AlgorithmNotSupported).with("algorithm", spec.as_str()));
    }
    super::approved_today(spec, Service::Generate, moment)
}

/// Whether material has a size that is wrapped in one piece.
///
/// # Errors
/// `data_too_large`, or `invalid_field` for none (KWP wraps at least one byte).
pub fn wrap_fits(field: &str, bytes: usize) -> Result<(), Problem> {
    match bytes {
        0 => Err(Problem::invalid_field(
            field,
            "there must be at least one byte",
        )),
        1..=WRAP_MAX_BYTES => Ok(()),
        _ => {
            Err(Problem::new(ErrorCode::DataTooLarge)
                .with("limit_bytes", WRAP_MAX_BYTES.to_string()))
        }
    }
}

/// Whether a realm allows work that needs no key.
///
/// # Errors
/// `realm_suspended`.
pub fn keyless(realm: &Realm) -> Result<(), Problem> {
    life::realm_open(realm)
}

/// Whether so many random bytes are given at once.
///
/// # Errors
/// `invalid_field`.
pub fn random_fits(length: u32) -> Result<(), Problem> {
    if (1..=RANDOM_MAX_BYTES).contains(&length) {
        return Ok(());
    }
    let reason = format!("it must be from 1 to {RANDOM_MAX_BYTES}");
    Err(Problem::invalid_field("length", reason))
}

/// Whether info for a derivation has an acceptable length.
///
/// # Errors
/// `invalid_field`.
pub fn info_fits(info: &[u8]) -> Result<(), Problem> {
    if info.is_empty() {
        return Err(Problem::invalid_field(
            "info",
            "there must be something that tells this key from all others",
        ));
    }
    if info.len() > CONTEXT_MAX_BYTES {
        let reason = format!("at most {CONTEXT_MAX_BYTES} bytes");
        return Err(Problem::invalid_field("info", reason));
    }
    Ok(())
}

/// Whether hashing by this algorithm is acceptable today.
///
/// # Errors
/// `algorithm_not_approved`.
pub fn may_hash(algorithm: HashAlgorithm, moment: Moment) -> Result<(), Problem> {
    let query = Query::of(algorithm.family(), Usage::Hash);
    let status = approval::status(&query, Day::of(moment.now.wall));
    if status.is_some_and(|status| status.protect.may_protect()) {
        return Ok(());
    }
    Err(Problem::new(ErrorCode::AlgorithmNotApproved)
        .with("algorithm", algorithm.as_str())
        .with("service", "hash"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_are_taken_and_those_just_beyond() {
        assert!(wrap_fits("material", 1).is_ok() && wrap_fits("material", WRAP_MAX_BYTES).is_ok());
        let code = |bytes| wrap_fits("material", bytes).unwrap_err().code;
        assert_eq!(code(0), ErrorCode::InvalidField);
        assert_eq!(code(WRAP_MAX_BYTES + 1), ErrorCode::DataTooLarge);
        assert!(random_fits(1).is_ok() && random_fits(RANDOM_MAX_BYTES).is_ok());
        for length in [0, RANDOM_MAX_BYTES + 1, u32::MAX] {
            assert_eq!(
                random_fits(length).unwrap_err().param("field"),
                Some("length")
            );
        }
        assert!(info_fits(b"x").is_ok() && info_fits(&[0; CONTEXT_MAX_BYTES]).is_ok());
        assert!(info_fits(b"").is_err() && info_fits(&[0; CONTEXT_MAX_BYTES + 1]).is_err());
    }
}
