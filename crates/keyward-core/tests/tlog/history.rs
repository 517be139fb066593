//! A log's keys over time.

use crate::support::{Log, Real, Signer};
use keyward_core::tlog::{
    HistoryError, KeyHistory, MAX_TREE_SIZE, NoteError, Origin, Rotation, RotationError,
    SignedNote, VerifierKey,
};

const NAME: &str = "example.com/log";

fn rotation(from_size: u64, old: &Signer, new: &Signer) -> Rotation {
    Rotation {
        origin: Origin::new(NAME).unwrap(),
        from_size,
        old: old.key.clone(),
        new: new.key.clone(),
    }
}

fn signed(rotation: &Rotation, signers: &[&Signer]) -> SignedNote {
    let mut note = rotation.to_note().unwrap();
    signers
        .iter()
        .for_each(|signer| note.sign(&signer.key, *signer).unwrap());
    note
}

fn pinned(key: &Signer) -> KeyHistory {
    KeyHistory::pinned(Origin::new(NAME).unwrap(), key.key.clone()).unwrap()
}

/// First, second and third key, which sign from sizes 0, 10 and 25.
fn rotated_twice() -> (KeyHistory, [Signer; 3]) {
    let keys = [
        Signer::log(NAME, 1),
        Signer::log(NAME, 2),
        Signer::log(NAME, 3),
    ];
    let mut history = pinned(&keys[0]);
    for (from, old, new) in [(10, &keys[0], &keys[1]), (25, &keys[1], &keys[2])] {
        history
            .rotate(&Real, &Real, signed(&rotation(from, old, new), &[old, new]))
            .unwrap();
    }
    (history, keys)
}

#[test]
fn each_key_speaks_for_its_own_sizes_only() {
    let (history, keys) = rotated_twice();
    let mut log = Log::with_entries(NAME, 1, 40);
    for signer in 0..3u8 {
        log.signer = Signer::log(NAME, signer + 1);
        for size in 0..=40 {
            let owner = if size < 10 {
                0
            } else if size < 25 {
                1
            } else {
                2
            };
            let verdict = history.open(&Real, &log.checkpoint(size));
            assert_eq!(history.key_at(size), &keys[owner].key);
            match usize::from(signer) == owner {
                true => assert_eq!(verdict.unwrap().head, log.head(size)),
                false => assert_eq!(
                    verdict,
                    Err(HistoryError::Note(NoteError::NotSigned)),
                    "key {signer}, size {size}"
                ),
            }
        }
    }
    assert_eq!(history.key_at(MAX_TREE_SIZE), &keys[2].key);
    assert_eq!(history.current(), (25, &keys[2].key));
    let listed: Vec<(u64, &VerifierKey)> = history.keys().collect();
    assert_eq!(
        listed,
        [(0, &keys[0].key), (10, &keys[1].key), (25, &keys[2].key)]
    );
    let places: Vec<u64> = history
        .rotations()
        .map(|(rotation, _)| rotation.entry_index())
        .collect();
    assert_eq!(places, [9, 24]);
}

#[test]
fn a_checkpoint_of_another_log_by_the_same_key_is_refused() {
    let (log, other) = (
        Log::with_entries(NAME, 1, 5),
        Log::with_entries("example.com/other", 1, 5),
    );
    let mut note = SignedNote::new(other.checkpoint(5).text().to_owned()).unwrap();
    note.sign(&log.signer.key, &log.signer).unwrap();
    assert_eq!(log.keys().open(&Real, &note), Err(HistoryError::OtherLog));
}

#[test]
fn a_statement_with_a_line_more_or_less_is_none() {
    let (old, new) = (Signer::log(NAME, 1), Signer::log(NAME, 2));
    let text = rotation(10, &old, &new).to_string();
    let lines: Vec<&str> = text.lines().collect();
    let mut wrong = vec![
        format!("{text}more\n"),
        format!("{text}\n"),
        format!("\n{text}"),
    ];
    wrong.extend(
        (0..lines.len()).map(|at| [&lines[..at], &lines[at + 1..]].concat().join("\n") + "\n"),
    );
    for text in wrong {
        let mut note = SignedNote::new(text.clone()).unwrap();
        note.sign(&old.key, &old).unwrap();
        note.sign(&new.key, &new).unwrap();
        assert_eq!(
            Rotation::open(&Real, &Real, &note),
            Err(RotationError::Malformed),
            "{text}"
        );
    }
}

#[test]
fn a_checkpoint_signed_by_both_keys_is_good_for_old_and_new_readers() {
    let (history, [first, second, _]) = rotated_twice();
    let log = Log::with_entries(NAME, 1, 10);
    let mut note = log.checkpoint(10);
    note.sign(&second.key, &second).unwrap();
    assert!(history.open(&Real, &note).is_ok());
    assert!(pinned(&first).open(&Real, &note).is_ok());
}

#[test]
fn a_rotation_needs_both_signatures() {
    let (old, new, other) = (
        Signer::log(NAME, 1),
        Signer::log(NAME, 2),
        Signer::log(NAME, 3),
    );
    let statement = rotation(10, &old, &new);
    for signers in [
        &[][..],
        &[&old],
        &[&new],
        &[&other],
        &[&old, &other],
        &[&new, &other],
    ] {
        let mut history = pinned(&old);
        let verdict = history.rotate(&Real, &Real, signed(&statement, signers));
        assert_eq!(
            verdict,
            Err(HistoryError::Rotation(RotationError::NotSignedByBoth))
        );
        assert_eq!(history, pinned(&old), "a refused rotation changes nothing");
    }
    // A right line of the old key beside a wrong one of the new key.
    let mut wrong = signed(&statement, &[&old]);
    wrong.add(signed(&rotation(11, &old, &new), &[&new]).signatures()[0].clone());
    let verdict = pinned(&old).rotate(&Real, &Real, wrong);
    assert!(matches!(
        verdict,
        Err(HistoryError::Rotation(RotationError::Note(
            NoteError::WrongSignature { .. }
        )))
    ));
}

#[test]
fn a_rotation_must_follow_from_what_is_known() {
    let (history, [first, second, third]) = rotated_twice();
    let (fourth, stranger) = (Signer::log(NAME, 4), Signer::log(NAME, 5));
    let refused = |rotation: &Rotation, signers: &[&Signer]| {
        history
            .clone()
            .rotate(&Real, &Real, signed(rotation, signers))
            .unwrap_err()
    };
    for (from, old, new) in [
        (30, &first, &fourth),
        (30, &second, &fourth),
        (30, &stranger, &fourth),
        (25, &third, &fourth),
        (24, &third, &fourth),
        (30, &third, &first),
        (30, &third, &second),
    ] {
        assert_eq!(
            refused(&rotation(from, old, new), &[old, new]),
            HistoryError::DoesNotFollow
        );
    }
    let elsewhere = Rotation {
        origin: Origin::new("example.com/other").unwrap(),
        ..rotation(30, &third, &fourth)
    };
    assert_eq!(
        refused(&elsewhere, &[&third, &fourth]),
        HistoryError::OtherLog
    );
    let mut goes_on = history.clone();
    assert_eq!(
        goes_on.rotate(
            &Real,
            &Real,
            signed(&rotation(26, &third, &fourth), &[&third, &fourth])
        ),
        Ok(())
    );
}

#[test]
fn impossible_rotations_are_not_even_written() {
    let (old, new, witness) = (
        Signer::log(NAME, 1),
        Signer::log(NAME, 2),
        Signer::witness(NAME, 3),
    );
    assert_eq!(
        rotation(0, &old, &new).to_note(),
        Err(RotationError::Malformed)
    );
    assert_eq!(
        rotation(MAX_TREE_SIZE + 1, &old, &new).to_note(),
        Err(RotationError::Malformed)
    );
    assert_eq!(rotation(5, &old, &old).to_note(), Err(RotationError::Keys));
    assert_eq!(
        rotation(5, &old, &witness).to_note(),
        Err(RotationError::Keys)
    );
    assert_eq!(
        rotation(5, &witness, &new).to_note(),
        Err(RotationError::Keys)
    );
    let renamed = Signer::log("example.com/renamed", 1);
    assert_eq!(
        rotation(5, &old, &renamed).to_note(),
        Err(RotationError::Keys),
        "the same key under another name"
    );
    assert_eq!(
        KeyHistory::pinned(Origin::new(NAME).unwrap(), witness.key),
        Err(HistoryError::NotALogKey)
    );
}

#[test]
fn a_stored_history_is_read_back_and_any_altered_byte_is_found() {
    let (history, _) = rotated_twice();
    let stored = history.to_string();
    assert_eq!(
        KeyHistory::parse(&Real, &Real, &stored),
        Ok(history.clone())
    );
    let origin_line = stored.find("origin").unwrap()..stored.find("pinned").unwrap();
    for at in 0..stored.len() {
        let mut altered = stored.clone().into_bytes();
        altered[at] ^= 1;
        let Ok(altered) = String::from_utf8(altered) else {
            continue;
        };
        let verdict = KeyHistory::parse(&Real, &Real, &altered);
        assert!(verdict.is_err(), "byte {at} of {origin_line:?}: {altered}");
    }
    for length in 0..stored.len() {
        // Whole lines may be missing at the end: that is an earlier history, not an altered one.
        let cut = &stored[..length];
        match KeyHistory::parse(&Real, &Real, cut) {
            Ok(earlier) => assert!(cut.ends_with('\n') && earlier.keys().count() < 3),
            Err(_) => assert!(!cut.ends_with('\n') || cut.lines().count() < 3),
        }
    }
    let mut lines: Vec<&str> = stored.lines().collect();
    lines.swap(3, 4);
    assert!(
        KeyHistory::parse(&Real, &Real, &(lines.join("\n") + "\n")).is_err(),
        "rotations out of order"
    );
}

#[test]
fn a_statement_of_rotation_is_never_a_checkpoint() {
    let (old, new) = (Signer::log(NAME, 1), Signer::log(NAME, 2));
    let note = signed(&rotation(10, &old, &new), &[&old, &new]);
    assert!(matches!(
        pinned(&old).open(&Real, &note),
        Err(HistoryError::Checkpoint(_))
    ));
    // And a checkpoint whose origin imitates the statement's header is no statement.
    let log = Log::with_entries("keyward-log-key-rotation/v1", 1, 3);
    assert_eq!(
        Rotation::open(&Real, &Real, &log.checkpoint(3)),
        Err(RotationError::Malformed)
    );
}

#[test]
fn the_statement_keeps_its_form() {
    let (old, new) = (Signer::log(NAME, 1), Signer::log(NAME, 2));
    let expected = "keyward-log-key-rotation/v1\norigin example.com/log\nfrom 10\n\
        old example.com/log+9be5d3c6+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c\n\
        new example.com/log+b07fbc77+AYE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU\n";
    let note = rotation(10, &old, &new).to_note().unwrap();
    assert_eq!(note.text(), expected);
}
