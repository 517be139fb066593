//! What the table and its problems promise.
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{ErrorCode, PARAM_MAX_CHARS, Problem};

#[test]
fn every_code_reads_back_by_name_and_by_number() {
    for code in ErrorCode::ALL {
        assert_eq!(ErrorCode::parse(code.as_str()), Some(code));
        assert_eq!(ErrorCode::from_number(code.number()), Some(code));
    }
    assert_eq!(ErrorCode::parse("no_such_code"), None);
    assert_eq!(ErrorCode::from_number(0), None);
    assert_eq!(ErrorCode::from_number(u16::MAX), None);
}

#[test]
fn numbers_ascend_so_that_they_can_be_searched() {
    assert!(ErrorCode::ALL.is_sorted_by(|left, right| left.number() < right.number()));
}

/// Clients and stored records rely on these; the list may grow, no line of it may change.
#[test]
fn numbers_that_were_released_never_change() {
    for (code, name, number) in [
        (ErrorCode::MalformedRequest, "malformed_request", 100),
        (ErrorCode::Unauthenticated, "unauthenticated", 200),
        (ErrorCode::PermissionDenied, "permission_denied", 300),
        (ErrorCode::NotFound, "not_found", 400),
        (ErrorCode::SecretNotReplayable, "secret_not_replayable", 406),
        (ErrorCode::KeySuspended, "key_suspended", 502),
        (ErrorCode::KeyDestroyed, "key_destroyed", 505),
        (
            ErrorCode::AlgorithmNotApproved,
            "algorithm_not_approved",
            600,
        ),
        (ErrorCode::InvalidCiphertext, "invalid_ciphertext", 606),
        (ErrorCode::UsageLimitReached, "usage_limit_reached", 700),
        (ErrorCode::DiskFull, "disk_full", 804),
        (ErrorCode::AuditUnavailable, "audit_unavailable", 820),
        (ErrorCode::ModuleFault, "module_fault", 900),
        (ErrorCode::Sealed, "sealed", 1000),
        (ErrorCode::Internal, "internal", 1013),
    ] {
        assert_eq!((code.as_str(), code.number()), (name, number));
    }
}

#[test]
fn a_missing_object_and_a_hidden_one_look_alike() {
    // Nothing in the answer may depend on which of the two it was, so the code has nothing to fill in.
    assert!(ErrorCode::NotFound.params().is_empty());
    assert_eq!(ErrorCode::NotFound.http_status(), 404);
}

#[test]
fn a_ciphertext_that_does_not_decrypt_never_says_why() {
    assert!(ErrorCode::InvalidCiphertext.params().is_empty());
    assert_eq!(ErrorCode::InvalidCiphertext.http_status(), 400);
}

#[test]
fn a_full_disk_and_a_seal_answer_503() {
    for code in [
        ErrorCode::DiskFull,
        ErrorCode::Sealed,
        ErrorCode::Overloaded,
        ErrorCode::StorageReadOnly,
    ] {
        assert_eq!(code.http_status(), 503);
    }
}

#[test]
fn the_sentence_takes_its_values() {
    let problem = Problem::invalid_field("size", "not a multiple of 8");
    assert_eq!(
        problem.detail(),
        "field `size` is not acceptable: not a multiple of 8"
    );
    assert_eq!(
        problem.to_string(),
        "invalid_field: field `size` is not acceptable: not a multiple of 8"
    );
    assert_eq!(problem.param("size"), None);
    assert_eq!(problem.param("field"), Some("size"));
    let moved = Problem::transition_not_allowed("destroyed", "active");
    assert_eq!(
        moved.detail(),
        "a key that is destroyed cannot become active"
    );
}

#[test]
fn a_sentence_never_shows_a_bare_placeholder() {
    for code in ErrorCode::ALL {
        let detail = Problem::new(code).detail();
        assert!(!detail.contains(['{', '}']), "{code}: {detail}");
    }
}

#[test]
fn a_value_that_holds_braces_is_shown_and_not_expanded() {
    let problem = Problem::invalid_field("{reason}", "{field}");
    assert_eq!(
        problem.detail(),
        "field `{reason}` is not acceptable: {field}"
    );
}

#[test]
fn hostile_values_are_cut_and_kept_to_one_line() {
    let problem = Problem::unknown_field("a\r\nb".to_string() + &"é".repeat(10_000));
    let value = problem.param("field").unwrap_or_default();
    assert!(value.starts_with("a\u{fffd}\u{fffd}bé"));
    assert_eq!(value.chars().count(), PARAM_MAX_CHARS + 1);
    assert!(value.ends_with('…'));
}

#[test]
fn a_value_given_twice_is_the_last_one() {
    let problem = Problem::name_taken("first").with("name", "second");
    assert_eq!(problem.params, [("name", String::from("second"))]);
}

#[test]
fn a_problem_from_the_wire_keeps_what_this_release_knows() {
    let told = [
        ("field", String::from("size")),
        ("added_later", String::from("x")),
    ];
    let problem = Problem::restore(ErrorCode::UnknownField, told);
    assert_eq!(problem, Problem::unknown_field("size"));
}

#[test]
fn what_may_be_retried_says_so_to_every_protocol() {
    for code in ErrorCode::ALL.into_iter().filter(|code| code.retryable()) {
        assert!(
            matches!(code.http_status(), 409 | 429 | 503 | 504),
            "{code}"
        );
    }
}

#[test]
fn a_code_is_stored_as_its_number_and_read_back() {
    for code in ErrorCode::ALL {
        let bytes: Vec<u8> = minicbor::to_vec(code).unwrap_or_default();
        assert_eq!(bytes, minicbor::to_vec(code.number()).unwrap_or_default());
        assert_eq!(minicbor::decode::<ErrorCode>(&bytes).ok(), Some(code));
    }
    assert!(minicbor::decode::<ErrorCode>(&minicbor::to_vec(1u16).unwrap_or_default()).is_err());
}
