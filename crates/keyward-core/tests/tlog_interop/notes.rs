//! Signed notes and checkpoints, both ways round.

use crate::support::{Log, Real, Signer};
use crate::theirs;
use keyward_core::tlog::{
    AddCheckpoint, Checkpoint, NoteSigner, SignatureType, SignedNote, VerifierKey,
};
use signed_note::{
    Note, Signer as _, StandardSigner, StandardVerifier, Verifier as _, VerifierList,
};

/// Their signer and verifier of one of our test keys.
fn their_keys(name: &str, seed: u8) -> (StandardSigner, StandardVerifier) {
    let key = Signer::log(name, seed).key;
    // Their private key text is base64 of type byte and seed: what a verifier key of the seed's
    // bytes ends in.
    let seed = VerifierKey::new(&Real, "seed", SignatureType::Ed25519, [seed; 32])
        .unwrap()
        .to_string();
    let (_, encoded) = seed.strip_prefix("seed+").unwrap().split_once('+').unwrap();
    let private = format!("PRIVATE+KEY+{name}+{:08x}+{encoded}", key.id());
    (
        StandardSigner::new(&private).unwrap(),
        StandardVerifier::new(&key.to_string()).unwrap(),
    )
}

#[test]
fn signed_checkpoints_are_the_same_bytes() {
    let log = Log::with_entries("example.com/log", 5, 777);
    let note = log.checkpoint(777);
    let (their_signer, their_verifier) = their_keys("example.com/log", 5);
    assert_eq!(their_verifier.key_id(), log.signer.key.id());
    assert_eq!(
        their_signer.sign(b"text").unwrap(),
        log.signer.sign(b"text").unwrap()
    );

    // They read and verify ours.
    let read = Note::from_bytes(note.to_string().as_bytes()).unwrap();
    let known = VerifierList::new(vec![Box::new(
        StandardVerifier::new(&log.signer.key.to_string()).unwrap(),
    )]);
    assert_eq!(read.verify(&known).unwrap().0.len(), 1);
    let head = log.head(777);
    let checkpoint = tlog_tiles::Checkpoint::from_bytes(read.text()).unwrap();
    assert_eq!(
        (checkpoint.origin(), checkpoint.size()),
        ("example.com/log", 777)
    );
    assert_eq!(*checkpoint.hash(), theirs(head.root));

    // They write it themselves; we read and verify that, and it is ours byte for byte.
    let text = tlog_tiles::Checkpoint::new("example.com/log", 777, theirs(head.root), "")
        .unwrap()
        .to_bytes();
    let mut written = Note::new(&text, &[]).unwrap();
    written.add_sigs(&[&their_signer]).unwrap();
    assert_eq!(written.to_bytes(), note.to_string().into_bytes());
    let read = SignedNote::parse(&written.to_bytes()).unwrap();
    assert_eq!(
        log.keys().open(&Real, &read).unwrap(),
        Checkpoint::new(log.origin.clone(), head)
    );
}

/// A witness' key for their verifier, which leaves the kinds of signatures to its callers.
struct Cosigner(VerifierKey);

impl signed_note::Verifier for Cosigner {
    fn name(&self) -> &str {
        self.0.name()
    }
    fn key_id(&self) -> u32 {
        // Their own computation, over type byte and public key.
        signed_note::key_id(
            self.0.name(),
            &[&[0x04], self.0.public_key().as_slice()].concat(),
        )
    }
    fn verify(&self, text: &[u8], signature: &[u8]) -> bool {
        let (time, signature) = signature.split_at(8);
        let time = u64::from_be_bytes(time.try_into().unwrap());
        let message = [format!("cosignature/v1\ntime {time}\n").as_bytes(), text].concat();
        let as_log =
            VerifierKey::new(&Real, "x", SignatureType::Ed25519, *self.0.public_key()).unwrap();
        StandardVerifier::new(&as_log.to_string())
            .unwrap()
            .verify(&message, signature)
    }
}

#[test]
fn a_cosigned_checkpoint_in_a_request_verifies_with_them() {
    let log = Log::with_entries("example.com/log", 5, 90);
    let witness = Signer::witness("witness.example/w", 6);
    let mut note = log.checkpoint(90);
    note.cosign(&witness.key, 1_790_000_000, &witness).unwrap();
    let request = AddCheckpoint {
        old_size: 40,
        proof: log.consistency(40, 90),
        checkpoint: note,
    };
    let body = request.to_string();
    let (lines, note) = body.split_once("\n\n").unwrap();
    let proof: Vec<tlog_tiles::Hash> = lines
        .lines()
        .skip(1)
        .map(|line| tlog_tiles::Hash::parse_hash(line).unwrap())
        .collect();
    let read = Note::from_bytes(note.as_bytes()).unwrap();
    let log_key = StandardVerifier::new(&log.signer.key.to_string()).unwrap();
    let known = VerifierList::new(vec![
        Box::new(log_key),
        Box::new(Cosigner(witness.key.clone())),
    ]);
    assert_eq!(read.verify(&known).unwrap().0.len(), 2);
    let checkpoint = tlog_tiles::Checkpoint::from_bytes(read.text()).unwrap();
    let old = log.head(40);
    tlog_tiles::check_tree(
        &proof,
        checkpoint.size(),
        *checkpoint.hash(),
        old.size,
        theirs(old.root),
    )
    .unwrap();
}

#[test]
fn both_refuse_the_same_malformed_notes() {
    let log = Log::with_entries("example.com/log", 5, 3);
    let good = log.checkpoint(3).to_string();
    for bad in [
        good.replace("\n\n", "\n"),
        good.replace('—', "-"),
        good.replace("— ", "—  "),
        good.trim_end().to_owned(),
        format!("{good}\n"),
        good.replace("log\n3", "log\t\n3"),
        good.replace("— example.com/log", "— example.com+log"),
    ] {
        assert!(Note::from_bytes(bad.as_bytes()).is_err(), "{bad}");
        assert!(SignedNote::parse(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn their_verifier_keys_are_ours() {
    for (name, seed) in [("a", 1), ("example.com/log", 2), ("Grüße/log", 3)] {
        let key = Signer::log(name, seed).key;
        let (signer, verifier) = their_keys(name, seed);
        assert_eq!((verifier.name(), verifier.key_id()), (key.name(), key.id()));
        assert_eq!((signer.name(), signer.key_id()), (key.name(), key.id()));
        assert_eq!(
            signed_note::key_id(name, &[&[1], key.public_key().as_slice()].concat()),
            key.id()
        );
        let altered = key.to_string().replace(name, "other");
        assert!(
            StandardVerifier::new(&altered).is_err()
                && VerifierKey::parse(&Real, &altered).is_err()
        );
    }
}
