//! Secrets, opaque data and certificates: birth, further versions, reading.
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::life::{Birth, check_applications, check_tags, field, move_to, pending, realm_open};
use super::{ModuleFacts, Moment, module_fits};
use crate::algorithm::Protection;
use crate::command::{Alphabet, CreateSecret};
use crate::ids::{ObjectId, PrincipalId};
use crate::limits::{SECRET_MAX_BYTES, SECRET_VERSIONS_MAX};
use crate::name::Name;
use crate::object::{Cryptoperiod, ExportClass, Object, ObjectKind, Realm, Sensitivity, Version};
use crate::state::State;
use crate::{ErrorCode, Problem};

/// Bits of strength that a generated value has at least.
const GENERATED_BITS_MIN: u32 = 64;

/// Decides on a new secret or opaque object.
///
/// # Errors
/// Any rule that is not met, naming the field.
pub fn create(
    command: &CreateSecret,
    realm: &Realm,
    module: &ModuleFacts,
    id: ObjectId,
    moment: Moment,
) -> Result<Birth, Problem> {
    realm_open(realm)?;
    module_fits(realm, module)?;
    if !matches!(command.kind, ObjectKind::Secret | ObjectKind::Opaque) {
        return Err(field("kind", "it must be a secret or opaque data"));
    }
    check_tags(&command.tags)?;
    check_applications(&command.applications)?;
    let mut object = blank(
        realm,
        id,
        command.kind,
        command.name.clone(),
        command.owner,
        moment,
    );
    object.tags.clone_from(&command.tags);
    object.sensitivity = command.sensitivity;
    object.applications.clone_from(&command.applications);
    Ok(Birth {
        object,
        state: State::Active,
    })
}

/// An object that is no key, with nothing in it yet.
#[must_use]
pub fn blank(
    realm: &Realm,
    id: ObjectId,
    kind: ObjectKind,
    name: Option<Name>,
    owner: Option<PrincipalId>,
    moment: Moment,
) -> Object {
    let now = moment.now.wall;
    Object {
        id,
        realm: realm.id,
        kind,
        spec: None,
        purpose: None,
        protection: Protection::Software,
        owner: owner.unwrap_or(moment.actor),
        name,
        aliases: Vec::new(),
        tags: alloc::collections::BTreeMap::new(),
        sensitivity: Sensitivity::Moderate,
        applications: Vec::new(),
        export: ExportClass::Never,
        exception: false,
        cryptoperiod: Cryptoperiod {
            originator: None,
            recipient: None,
        },
        rotate_every: None,
        rotate_at: None,
        current: 1,
        min_protect: 1,
        min_process: 1,
        suspended_at: None,
        created_at: now,
        created_by: moment.actor,
        changed_at: now,
    }
}

/// Whether a value has a size that is kept.
///
/// # Errors
/// `invalid_field` or `data_too_large`.
pub fn check_value(length: usize) -> Result<(), Problem> {
    if length == 0 {
        return Err(field("value", "it must not be empty"));
    }
    if length > SECRET_MAX_BYTES {
        return Err(
            Problem::new(ErrorCode::DataTooLarge).with("limit_bytes", SECRET_MAX_BYTES.to_string())
        );
    }
    Ok(())
}

/// Whether a value may be generated so.
///
/// # Errors
/// `invalid_field`.
pub fn check_generated(alphabet: Alphabet, length: u16) -> Result<(), Problem> {
    if usize::from(length) > SECRET_MAX_BYTES || length > 4096 {
        return Err(field("generate.length", "at most 4096 characters"));
    }
    // Whole bits of one character, times 16, rounded down.
    let sixteenths = match alphabet {
        Alphabet::Alphanumeric => 95,
        Alphabet::Printable => 104,
        Alphabet::Hexadecimal => 64,
        Alphabet::Digits => 53,
        Alphabet::Bytes => 128,
    };
    let bits = u32::from(length).saturating_mul(sixteenths) / 16;
    if bits < GENERATED_BITS_MIN {
        return Err(field(
            "generate.length",
            &format!(
                "this would have {bits} bits of strength; at least {GENERATED_BITS_MIN} are needed"
            ),
        ));
    }
    Ok(())
}

/// Whether an object that is no key may get another version, and what becomes of the one before.
///
/// # Errors
/// `wrong_object_kind`, `key_suspended`, `destruction_pending`, `key_destroyed`, `rotation_not_possible`.
pub fn next_version(
    object: &Object,
    versions: &[Version],
    realm: &Realm,
    module: &ModuleFacts,
    moment: Moment,
) -> Result<(Object, Vec<Version>), Problem> {
    realm_open(realm)?;
    module_fits(realm, module)?;
    let current = super::life::current_of(object, versions)?;
    if let Some(destruction) = &current.destruction {
        return Err(pending(destruction.due_at));
    }
    if object.suspended_at.is_some() {
        return Err(Problem::new(ErrorCode::KeySuspended));
    }
    if current.state() == State::Destroyed {
        return Err(Problem::new(ErrorCode::KeyDestroyed));
    }
    let alive = versions.iter().filter(|v| v.destroyed_at.is_none()).count();
    if alive >= SECRET_VERSIONS_MAX || object.current >= crate::limits::VERSIONS_MAX {
        return Err(Problem::new(ErrorCode::RotationNotPossible).with(
            "reason",
            "it has as many versions as one object may have; destroy old ones first",
        ));
    }
    let mut next = object.clone();
    next.current = object.current.saturating_add(1);
    next.changed_at = moment.now.wall;
    let before = (current.state() == State::Active).then(|| {
        let mut before = current.clone();
        move_to(&mut before, State::Deactivated, moment, Some("replaced"));
        before
    });
    Ok((next, before.into_iter().collect()))
}

/// Whether a version may be read now.
///
/// # Errors
/// The first rule that is not met.
pub fn may_read(
    object: &Object,
    version: &Version,
    realm: &Realm,
    module: &ModuleFacts,
) -> Result<(), Problem> {
    realm_open(realm)?;
    if version.state() == State::Destroyed {
        return Err(Problem::new(ErrorCode::KeyDestroyed));
    }
    module_fits(realm, module)?;
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
        State::Active | State::Deactivated => Ok(()),
        State::PreActivation => Err(Problem::new(ErrorCode::KeyPreActive)),
        State::Suspended => Err(Problem::new(ErrorCode::KeySuspended)),
        State::Compromised => Err(Problem::new(ErrorCode::KeyCompromised)),
        State::Destroyed => Err(Problem::new(ErrorCode::KeyDestroyed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alphabet_has_as_many_different_characters_as_it_says() {
        for alphabet in Alphabet::ALL {
            let mut seen = alloc::collections::BTreeSet::new();
            for number in 0..alphabet.size() {
                let number = u8::try_from(number).unwrap();
                let character = alphabet.character(number);
                assert!(alphabet == Alphabet::Bytes || character.is_ascii_graphic());
                assert!(seen.insert(character), "{alphabet:?} {number}");
            }
        }
    }

    #[test]
    fn the_strength_of_a_generated_value_is_never_overstated() {
        for alphabet in Alphabet::ALL {
            let exact = f64::from(alphabet.size()).log2();
            for length in 1..=64_u16 {
                let allowed = check_generated(alphabet, length).is_ok();
                assert!(
                    !allowed || exact * f64::from(length) >= 64.0,
                    "{alphabet:?} {length}"
                );
            }
        }
    }
}
