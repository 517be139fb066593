//! When a request is sent again by itself.
use std::time::Duration;

use keyward_core::command::Effect;

use crate::error::ClientError;

/// How often at most, the first time included.
const ATTEMPTS: u32 = 4;
/// The wait before the second attempt, doubled each time, when the server does not say.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// A server that asks for more patience than this is not asked again here; the caller decides.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait before attempt number `next` (2, 3 …), or none if there must not be one.
///
/// After [`ClientError::NoAnswer`] it is not known whether the request took effect: reading and using may be repeated, and
/// a change that carries an idempotency key, for which the server answers as it did the first time.
pub(crate) fn wait_before(
    next: u32,
    effect: Effect,
    has_key: bool,
    error: &ClientError,
) -> Option<Duration> {
    if next > ATTEMPTS {
        return None;
    }
    let own = FIRST_WAIT * 2_u32.pow(next.saturating_sub(2));
    match error {
        ClientError::Unreachable { .. } => Some(own),
        ClientError::NoAnswer { .. } if effect != Effect::Change || has_key => Some(own),
        ClientError::Refused(refusal) if refusal.retryable => {
            let asked = refusal
                .retry_after_s
                .map(|s| Duration::from_secs(u64::from(s)));
            asked.or(Some(own)).filter(|wait| *wait <= PATIENCE)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Refusal;

    fn lost() -> ClientError {
        ClientError::NoAnswer {
            server: "s".into(),
            reason: "r".into(),
        }
    }

    fn refused(retryable: bool, retry_after_s: Option<u32>) -> ClientError {
        ClientError::Refused(Box::new(Refusal {
            code: "overloaded".into(),
            status: 503,
            title: String::new(),
            detail: String::new(),
            help: String::new(),
            params: Default::default(),
            retryable,
            request_id: String::new(),
            retry_after_s,
        }))
    }

    #[test]
    fn a_change_without_a_key_is_never_repeated_once_it_may_have_been_done() {
        assert_eq!(wait_before(2, Effect::Change, false, &lost()), None);
        assert!(wait_before(2, Effect::Change, true, &lost()).is_some());
        assert!(wait_before(2, Effect::Read, false, &lost()).is_some());
        assert!(wait_before(2, Effect::Use, false, &lost()).is_some());
    }

    #[test]
    fn a_refusal_is_repeated_only_if_it_says_so_and_after_the_time_it_names() {
        assert_eq!(
            wait_before(2, Effect::Read, false, &refused(false, Some(1))),
            None
        );
        assert_eq!(
            wait_before(2, Effect::Read, false, &refused(true, Some(2))),
            Some(Duration::from_secs(2))
        );
        assert_eq!(
            wait_before(2, Effect::Read, false, &refused(true, Some(60))),
            None
        );
    }

    #[test]
    fn attempts_end_and_waits_grow() {
        let wait = |next| wait_before(next, Effect::Read, false, &lost());
        assert!(wait(2) < wait(3) && wait(3) < wait(4));
        assert_eq!(wait(5), None);
    }
}
