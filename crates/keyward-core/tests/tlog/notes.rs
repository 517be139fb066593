//! Verifier keys, signed notes, checkpoints and cosignatures.

use crate::support::{Log, Real, Signer, base64};
use keyward_core::tlog::{
    MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES, NoteError, NoteSignature, NoteSigner, SignedNote,
    SignerFailed, VerifierKey, cosignature_message,
};
use proptest::prelude::*;

fn note(text: &str) -> SignedNote {
    SignedNote::new(text.to_owned()).unwrap()
}

fn signed_by(text: &str, signers: &[&Signer]) -> SignedNote {
    let mut note = note(text);
    signers
        .iter()
        .for_each(|signer| note.sign(&signer.key, *signer).unwrap());
    note
}

fn keys(signers: &[&Signer]) -> Vec<VerifierKey> {
    signers.iter().map(|signer| signer.key.clone()).collect()
}

#[test]
fn every_altered_byte_of_a_signed_note_is_found() {
    let signer = Signer::log("example.com/log", 1);
    let bytes = signed_by("one\n\ntwo\n", &[&signer])
        .to_string()
        .into_bytes();
    for at in 0..bytes.len() {
        for flip in [1, 2, 4, 8, 16, 32, 64, 128] {
            let mut altered = bytes.clone();
            altered[at] ^= flip;
            let verdict = SignedNote::parse(&altered)
                .and_then(|note| note.verify(&Real, &keys(&[&signer])).map(|_| ()));
            assert!(verdict.is_err(), "bit {flip} of byte {at}");
        }
    }
    for length in 0..bytes.len() {
        assert!(
            SignedNote::parse(&bytes[..length]).is_err(),
            "{length} bytes"
        );
    }
}

#[test]
fn unknown_signatures_are_kept_and_ignored_and_wrong_ones_of_known_keys_condemn() {
    let (known, other) = (
        Signer::log("example.com/log", 1),
        Signer::log("example.com/log", 2),
    );
    let stranger = Signer::log("example.com/other", 1);
    let both = signed_by("text\n", &[&other, &known, &stranger]);
    let read = SignedNote::parse(both.to_string().as_bytes()).unwrap();
    assert_eq!(read, both);
    assert_eq!(read.signatures().len(), 3);
    let trusted = keys(&[&known]);
    let verified = read.verify(&Real, &trusted).unwrap();
    assert_eq!(verified.len(), 1);
    assert_eq!((verified[0].key, verified[0].timestamp), (&known.key, None));

    // Same name or same key bytes as a known key, but not both: a stranger.
    assert_eq!(
        signed_by("text\n", &[&other, &stranger]).verify(&Real, &trusted),
        Err(NoteError::NotSigned)
    );

    // A right signature line twice: of a stranger no matter, of a known key too much.
    let line = |signer: &Signer| signed_by("text\n", &[signer]).signatures()[0].to_string();
    let repeated = |signer| format!("text\n\n{}{}{}", line(&known), line(signer), line(signer));
    let verify = |text: String| {
        SignedNote::parse(text.as_bytes())
            .unwrap()
            .verify(&Real, &trusted)
            .map(|_| ())
    };
    assert_eq!(verify(repeated(&stranger)), Ok(()));
    assert!(matches!(
        verify(repeated(&known)),
        Err(NoteError::SignedTwice { .. })
    ));

    // A wrong signature line beside a right one, in either order.
    let wrong = signed_by("other text\n", &[&known]).signatures()[0].to_string();
    let right = signed_by("text\n", &[&known]).signatures()[0].to_string();
    for lines in [format!("{wrong}{right}"), format!("{right}{wrong}")] {
        let note = SignedNote::parse(format!("text\n\n{lines}").as_bytes()).unwrap();
        assert!(matches!(
            note.verify(&Real, &trusted),
            Err(NoteError::WrongSignature { .. })
        ));
    }
}

#[test]
fn signing_again_replaces_the_signature_of_the_same_key_only() {
    let (log, witness) = (
        Log::with_entries("example.com/log", 1, 5),
        Signer::witness("example.com/w", 2),
    );
    let mut note = log.checkpoint(5);
    note.cosign(&witness.key, 100, &witness).unwrap();
    note.cosign(&witness.key, 200, &witness).unwrap();
    assert_eq!(note.signatures().len(), 2);
    let trusted = [witness.key.clone()];
    let verified = note.verify(&Real, &trusted).unwrap();
    assert_eq!(verified[0].timestamp, Some(200));
}

#[test]
fn a_key_makes_only_its_own_type_of_signature() {
    let (log, witness) = (
        Signer::log("example.com/x", 1),
        Signer::witness("example.com/x", 1),
    );
    assert_ne!(
        log.key.id(),
        witness.key.id(),
        "the type is part of the key id"
    );
    let mut one = note("text\n");
    assert_eq!(
        one.sign(&witness.key, &witness),
        Err(NoteError::WrongKeyType)
    );
    assert_eq!(one.cosign(&log.key, 1, &log), Err(NoteError::WrongKeyType));
    assert_eq!(
        NoteSignature::ed25519(&witness.key, &[0; 64]),
        Err(NoteError::WrongKeyType)
    );
    assert_eq!(
        NoteSignature::cosignature(&log.key, 1, &[0; 64]),
        Err(NoteError::WrongKeyType)
    );

    // A log's signature presented under the witness' key id, and the other way round.
    one.sign(&log.key, &log).unwrap();
    let plain: [u8; 64] = log.sign(b"text\n").unwrap();
    let mut passed_off = note("text\n");
    passed_off.add(NoteSignature::cosignature(&witness.key, 0, &plain).unwrap());
    assert!(passed_off.verify(&Real, &keys(&[&witness])).is_err());
    let cosignature: [u8; 64] = witness.sign(&cosignature_message(0, "text\n")).unwrap();
    let mut passed_off = note("text\n");
    passed_off.add(NoteSignature::ed25519(&log.key, &cosignature).unwrap());
    assert!(passed_off.verify(&Real, &keys(&[&log])).is_err());
}

#[test]
fn a_cosignature_holds_only_for_its_timestamp() {
    let witness = Signer::witness("example.com/w", 3);
    let text = Log::with_entries("example.com/log", 1, 9)
        .checkpoint(9)
        .text()
        .to_owned();
    let mut cosigned = note(&text);
    cosigned
        .cosign(&witness.key, 1_700_000_000, &witness)
        .unwrap();
    let signature: [u8; 64] = witness
        .sign(&cosignature_message(1_700_000_000, &text))
        .unwrap();
    let trusted = keys(&[&witness]);
    assert!(cosigned.verify(&Real, &trusted).is_ok());
    for other in [0, 1_699_999_999, 1_700_000_001] {
        let mut moved = note(&text);
        moved.add(NoteSignature::cosignature(&witness.key, other, &signature).unwrap());
        assert!(moved.verify(&Real, &trusted).is_err(), "time {other}");
    }
    assert_eq!(
        NoteSignature::cosignature(&witness.key, 1 << 63, &signature),
        Err(NoteError::Timestamp)
    );
    assert_eq!(
        cosigned.cosign(&witness.key, u64::MAX, &witness),
        Err(NoteError::Timestamp)
    );
    assert!(
        cosigned
            .cosign(&witness.key, (1 << 63) - 1, &witness)
            .is_ok()
    );
    assert!(cosigned.verify(&Real, &trusted).is_ok());
}

#[test]
fn a_received_cosignature_with_an_impossible_timestamp_is_wrong() {
    let witness = Signer::witness("example.com/w", 3);
    let text = Log::with_entries("example.com/log", 1, 9)
        .checkpoint(9)
        .text()
        .to_owned();
    let received = |time: u64| {
        let signature: [u8; 64] = witness.sign(&cosignature_message(time, &text)).unwrap();
        let bytes = [
            &witness.key.id().to_be_bytes()[..],
            &time.to_be_bytes(),
            &signature,
        ]
        .concat();
        let line = format!("— {} {}\n", witness.key.name(), base64(&bytes));
        SignedNote::parse(format!("{text}\n{line}").as_bytes()).unwrap()
    };
    let trusted = keys(&[&witness]);
    assert!(received((1 << 63) - 1).verify(&Real, &trusted).is_ok());
    assert!(matches!(
        received(1 << 63).verify(&Real, &trusted),
        Err(NoteError::WrongSignature { .. })
    ));
}

#[test]
fn cosignatures_are_taken_from_known_witnesses_only_and_a_wrong_one_is_reported() {
    let log = Log::with_entries("example.com/log", 1, 5);
    let (known, unknown) = (
        Signer::witness("example.com/w", 2),
        Signer::witness("example.com/u", 3),
    );
    let checkpoint = log.checkpoint(5);
    let cosign = |signer: &Signer, size| {
        let mut note = log.checkpoint(size);
        note.cosign(&signer.key, 7, signer).unwrap();
        note.signatures()[1].clone()
    };
    let trusted = [known.key.clone()];
    let mut collected = checkpoint.clone();
    assert_eq!(
        collected.add_cosignatures(&Real, &trusted, &[cosign(&unknown, 5), cosign(&known, 5)]),
        Ok(1)
    );
    assert_eq!(collected.signatures().len(), 2);
    assert!(collected.verify(&Real, &trusted).is_ok());
    let mut refused = checkpoint.clone();
    let verdict =
        refused.add_cosignatures(&Real, &trusted, &[cosign(&known, 5), cosign(&known, 4)]);
    assert!(matches!(verdict, Err(NoteError::WrongSignature { .. })));
    assert_eq!(refused, checkpoint, "nothing is added beside a wrong one");
}

#[test]
fn a_failing_signer_leaves_the_note_unsigned() {
    struct Broken;
    impl NoteSigner for Broken {
        fn sign(&self, _: &[u8]) -> Result<[u8; 64], SignerFailed> {
            Err(SignerFailed)
        }
    }
    let mut one = note("text\n");
    let key = Signer::log("example.com/log", 1).key;
    assert_eq!(
        one.sign(&key, &Broken),
        Err(NoteError::Signer(SignerFailed))
    );
    assert!(one.signatures().is_empty());
}

#[test]
fn malformed_notes_are_refused() {
    let line =
        signed_by("text\n", &[&Signer::log("example.com/log", 1)]).signatures()[0].to_string();
    let refused = |bytes: &[u8]| SignedNote::parse(bytes).unwrap_err();
    assert_eq!(refused(b""), NoteError::NoSignatures);
    assert_eq!(refused(b"text\n"), NoteError::NoSignatures);
    assert_eq!(refused(b"text\n\n"), NoteError::NoSignatures);
    assert_eq!(
        refused(format!("text\n{line}").as_bytes()),
        NoteError::NoSignatures
    );
    assert_eq!(
        refused(format!("te\txt\n\n{line}").as_bytes()),
        NoteError::Text
    );
    assert_eq!(
        refused(format!("text\r\n\n{line}").as_bytes()),
        NoteError::Text
    );
    assert_eq!(refused(b"\xff\n\n"), NoteError::NotUtf8);
    assert_eq!(refused(&vec![b'a'; MAX_NOTE_BYTES + 1]), NoteError::TooLong);
    for bad in [
        line.trim_end().to_owned(),
        line.replace('—', "-"),
        line.replace("— ", "—"),
        line.replace("— ", "—  "),
        line.replace("example.com/log", ""),
        line.replace("example.com/log", "example.com+log"),
        line.replace("example.com/log", "example.com log"),
        line.replace("example.com/log", "example.com\u{a0}log"),
        line.replace('\n', " \n"),
        line.replace('\n', "=\n"),
        "— example.com/log \n".to_owned(),
        "— example.com/log AAAAAA==\n".to_owned(),
        "— example.com/log\n".to_owned(),
        format!("{line}text\n"),
        format!("text\n{line}"),
    ] {
        assert_eq!(
            refused(format!("text\n\n{bad}").as_bytes()),
            NoteError::SignatureLine,
            "{bad:?}"
        );
    }
    assert_eq!(SignedNote::new("text".into()), Err(NoteError::Text));
    assert_eq!(SignedNote::new("te\u{1}xt\n".into()), Err(NoteError::Text));
}

#[test]
fn a_note_has_at_most_100_signatures() {
    let line =
        signed_by("text\n", &[&Signer::log("example.com/log", 1)]).signatures()[0].to_string();
    let with = |count| format!("text\n\n{}", line.repeat(count));
    assert_eq!(
        SignedNote::parse(with(MAX_NOTE_SIGNATURES).as_bytes())
            .unwrap()
            .signatures()
            .len(),
        100
    );
    assert_eq!(
        SignedNote::parse(with(101).as_bytes()),
        Err(NoteError::TooManySignatures)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_signed_is_read_and_verified_whatever_it_says(text in "(\\PC{0,30}\n){1,5}", seed in any::<u8>()) {
        let (log, witness) = (Signer::log("example.com/log", seed), Signer::witness("example.com/w", seed));
        let mut note = signed_by(&text, &[&log]);
        note.cosign(&witness.key, u64::from(seed), &witness).unwrap();
        let read = SignedNote::parse(note.to_string().as_bytes()).unwrap();
        prop_assert_eq!(read.text(), &text);
        prop_assert_eq!(&read, &note);
        prop_assert_eq!(read.verify(&Real, &keys(&[&log, &witness])).unwrap().len(), 2);
    }
}
