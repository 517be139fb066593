//! Checkpoints and verifier keys as texts.

use crate::support::{Real, Signer};
use keyward_core::tlog::{
    Checkpoint, CheckpointError, EMPTY_ROOT, KeyError, MAX_TREE_SIZE, NoteVerifier, Origin,
    SignatureType, SignedNote, TreeHead, VerifierKey,
};
use proptest::prelude::*;

#[test]
fn checkpoints_have_one_spelling() {
    let root = EMPTY_ROOT;
    for good in [
        format!("example.com/log\n0\n{root}\n"),
        format!("e\n9223372036854775807\n{root}\n"),
        format!("a log+with spaces\n7\n{root}\nextension\nanother\n"),
    ] {
        assert_eq!(Checkpoint::parse(&good).unwrap().to_string(), good);
    }
    let refused = |text: String| Checkpoint::parse(&text).unwrap_err();
    assert_eq!(refused(format!("\n1\n{root}\n")), CheckpointError::Origin);
    assert_eq!(
        refused(format!("{}\n1\n{root}\n", "o".repeat(256))),
        CheckpointError::Origin
    );
    assert_eq!(
        refused(format!("o\u{7}\n1\n{root}\n")),
        CheckpointError::Origin
    );
    for size in [
        "",
        "01",
        "-1",
        "+1",
        "1 ",
        "0x1",
        "9223372036854775808",
        "18446744073709551616",
    ] {
        assert_eq!(
            refused(format!("o\n{size}\n{root}\n")),
            CheckpointError::Size,
            "{size:?}"
        );
    }
    for root in [
        "",
        "AAAA",
        "not base64",
        &root.to_string()[..43],
        &format!("{root}AAAA"),
    ] {
        assert_eq!(
            refused(format!("o\n1\n{root}\n")),
            CheckpointError::Root,
            "{root:?}"
        );
    }
    for text in [
        format!("o\n1\n{root}"),
        format!("o\n1\n{root}\nx"),
        format!("o\n1\n{root}\n\n"),
        format!("o\n1\n{root}\nx\n\n"),
        "o\n1\n".into(),
        "o".into(),
        String::new(),
    ] {
        assert_eq!(refused(text), CheckpointError::Lines);
    }
}

#[test]
fn origins_are_short_lines() {
    assert_eq!(
        Origin::new(&"é".repeat(128)),
        Err(CheckpointError::Origin),
        "bytes count, not characters"
    );
    assert!(Origin::new(&"é".repeat(127)).is_ok());
    assert_eq!(Origin::new("a\nb"), Err(CheckpointError::Origin));
    let head = TreeHead {
        size: MAX_TREE_SIZE,
        root: EMPTY_ROOT,
    };
    let written = Checkpoint::new(Origin::new("example.com/log").unwrap(), head);
    assert_eq!(Checkpoint::parse(&written.to_string()), Ok(written));
}

#[test]
fn every_altered_character_of_a_verifier_key_is_found() {
    let key = Signer::witness("example.com/w", 9).key;
    let text = key.to_string();
    assert_eq!(VerifierKey::parse(&Real, &text), Ok(key));
    for at in 0..text.len() {
        let mut altered = text.clone().into_bytes();
        altered[at] = altered[at].wrapping_add(1);
        let altered = String::from_utf8(altered).unwrap();
        assert!(VerifierKey::parse(&Real, &altered).is_err(), "{altered}");
        assert!(VerifierKey::parse(&Real, &text[..at]).is_err());
        assert!(at == 0 || VerifierKey::parse(&Real, &text[at..]).is_err());
    }
    assert!(VerifierKey::parse(&Real, &text.to_uppercase()).is_err());
    assert!(VerifierKey::parse(&Real, &format!("{text}\n")).is_err());
}

#[test]
fn key_names_follow_the_rules() {
    let public_key = *Signer::log("example.com/log", 1).key.public_key();
    let new =
        |name: &str| VerifierKey::new(&Real, name, SignatureType::Ed25519, public_key).map(|_| ());
    for bad in [
        "",
        "a b",
        "a+b",
        "a\tb",
        "a\nb",
        "a\u{1}b",
        "a\u{a0}b",
        "a\u{2003}b",
        &"a".repeat(256),
    ] {
        assert_eq!(new(bad), Err(KeyError::Name), "{bad:?}");
    }
    for good in ["a", "example.com/log42", "Grüße", &"a".repeat(255)] {
        assert_eq!(new(good), Ok(()));
    }
}

#[test]
fn public_keys_under_which_anyone_can_sign_are_refused() {
    // The identity: with it, R = identity and S = 0 is a signature over anything.
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut forged = [0; 64];
    forged[0] = 1;
    // Two messages of different lengths, so that this is not one lucky hash.
    let accepted = [&b"anything"[..], b"anything else"]
        .iter()
        .all(|message| Real.verify(&identity, message, &forged));
    assert!(
        accepted,
        "if the module itself comes to refuse these keys, this check may go"
    );

    let mut order_two = [0xff; 32];
    (order_two[0], order_two[31]) = (0xec, 0x7f);
    let mut not_canonical = [0xff; 32];
    (not_canonical[0], not_canonical[31]) = (0xee, 0x7f);
    for weak in [identity, [0; 32], order_two, not_canonical, [0xff; 32]] {
        let mut negative = weak;
        negative[31] |= 0x80;
        for key in [weak, negative] {
            let verdict = VerifierKey::new(&Real, "example.com/log", SignatureType::Ed25519, key);
            assert_eq!(verdict, Err(KeyError::WeakKey), "{key:02x?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_bytes_never_panic_and_what_is_read_is_written_alike(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in "[a-z— \n=A-Z0-9+/]{0,200}") {
        for bytes in [&bytes[..], text.as_bytes()] {
            if let Ok(note) = SignedNote::parse(bytes) {
                prop_assert_eq!(note.to_string().into_bytes(), bytes);
            }
            let text = String::from_utf8_lossy(bytes);
            if let Ok(checkpoint) = Checkpoint::parse(&text) {
                prop_assert_eq!(checkpoint.to_string(), &*text);
            }
            let _ = VerifierKey::parse(&Real, &text);
        }
    }
}
