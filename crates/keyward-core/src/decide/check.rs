//! Checks of what callers write: words, numbers, periods.
use alloc::collections::BTreeMap;
use alloc::string::String;

use crate::command::CreateKey;
use crate::limits::{APPLICATIONS_MAX, REASON_MAX_BYTES, TAG_MAX_BYTES, TAGS_MAX};
use crate::object::Cryptoperiod;
use crate::time::Millis;
use crate::{ErrorCode, Problem};

pub(super) fn check_cryptoperiod(period: &Cryptoperiod) -> Result<(), Problem> {
    let bad = |reason: &str| Problem::new(ErrorCode::CryptoperiodInvalid).with("reason", reason);
    if period.originator.is_some_and(|p| p.0 == 0) || period.recipient.is_some_and(|p| p.0 == 0) {
        return Err(bad("a period must be longer than nothing"));
    }
    match (period.originator, period.recipient) {
        (Some(originator), Some(recipient)) if recipient < originator => Err(bad(
            "the recipient-usage period must not end before the originator-usage period",
        )),
        (None, Some(_)) => Err(bad(
            "a recipient-usage period needs an originator-usage period",
        )),
        _ => Ok(()),
    }
}

pub(super) fn check_words(command: &CreateKey) -> Result<(), Problem> {
    check_tags(&command.tags)?;
    check_applications(&command.applications)?;
    check_interval(command.rotate_every)
}

fn is_no_word(text: &str) -> bool {
    text.is_empty() || text.len() > TAG_MAX_BYTES || text.chars().any(char::is_control)
}

/// Checks tags.
///
/// # Errors
/// `invalid_field`.
pub fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), Problem> {
    if tags.len() > TAGS_MAX {
        return Err(field("tags", "at most 50 tags"));
    }
    if tags
        .iter()
        .any(|(key, value)| is_no_word(key) || value.len() > TAG_MAX_BYTES)
    {
        return Err(field(
            "tags",
            "keys have 1 to 256 bytes, values at most 256, no control characters",
        ));
    }
    Ok(())
}

pub(super) fn check_applications(applications: &[String]) -> Result<(), Problem> {
    if applications.len() > APPLICATIONS_MAX || applications.iter().any(|word| is_no_word(word)) {
        return Err(field(
            "applications",
            "at most 32 of 1 to 256 bytes, no control characters",
        ));
    }
    Ok(())
}

pub(super) fn check_interval(rotate_every: Option<Millis>) -> Result<(), Problem> {
    if rotate_every.is_some_and(|every| every < Millis::HOUR) {
        return Err(field("rotate_every_days", "at least one hour"));
    }
    Ok(())
}

/// Checks a stated reason.
///
/// # Errors
/// `invalid_field`.
pub fn check_reason(reason: Option<&str>) -> Result<(), Problem> {
    match reason {
        Some(text) if text.len() > REASON_MAX_BYTES => Err(field("reason", "at most 1000 bytes")),
        Some(text) if text.chars().any(|c| c.is_control() && c != '\n') => {
            Err(field("reason", "no control characters"))
        }
        _ => Ok(()),
    }
}

pub(super) fn field(name: &str, reason: &str) -> Problem {
    Problem::new(ErrorCode::InvalidField)
        .with("field", name)
        .with("reason", reason)
}
