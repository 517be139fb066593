//! What a witness cosigns and what it refuses.

use crate::support::{Log, Real, Signer, spoiled};
use keyward_core::tlog::{
    AddCheckpoint, AddCheckpointReply, Checkpoint, Cosigning, EMPTY_ROOT, Hash, NoteSignature,
    NoteSigner, Origin, ProofError, Refusal, Rotation, TreeHead, WireReply, WitnessState,
    leaf_hash,
};
use proptest::prelude::*;

pub const NAME: &str = "example.com/log";

pub fn request(log: &Log, old_size: u64, new_size: u64) -> AddCheckpoint {
    AddCheckpoint {
        old_size,
        proof: log.consistency(old_size, new_size),
        checkpoint: log.checkpoint(new_size),
    }
}

pub fn watching(log: &Log, size: u64) -> WitnessState {
    let mut state = WitnessState::new();
    state.watch(log.keys(), log.head(size));
    state
}

pub fn decide(state: &WitnessState, request: &AddCheckpoint) -> Result<Cosigning, Refusal> {
    // By way of the wire, as it happens.
    let request =
        AddCheckpoint::parse(request.to_string().as_bytes()).expect("own requests can be read");
    state.decide(&Real, &Real, &request)
}

#[test]
fn a_growing_log_is_cosigned_step_by_step() {
    let log = Log::with_entries(NAME, 1, 300);
    let witness = Signer::witness("witness.example/w", 7);
    let mut state = watching(&log, 0);
    let mut size = 0;
    for next in [0, 1, 2, 3, 4, 7, 8, 8, 64, 255, 256, 257, 300] {
        let request = request(&log, size, next);
        let cosigning = decide(&state, &request).unwrap();
        assert_eq!(
            (cosigning.from, cosigning.to),
            (log.head(size), log.head(next))
        );
        assert_eq!(
            state.latest(&log.origin),
            Some(log.head(size)),
            "deciding changes nothing"
        );
        state.commit(&cosigning).unwrap();
        size = next;

        // What the witness sends, the log can add to its checkpoint and anyone can verify.
        let signature = witness.sign(&cosigning.message(1_790_000_000)).unwrap();
        let line = NoteSignature::cosignature(&witness.key, 1_790_000_000, &signature).unwrap();
        let reply = WireReply::cosigned(&[line]);
        assert_eq!(reply.status, 200);
        let AddCheckpointReply::Cosigned(lines) =
            AddCheckpointReply::parse(reply.status, reply.body.as_bytes())
        else {
            panic!("{reply:?}")
        };
        let mut note = request.checkpoint;
        let trusted = [witness.key.clone()];
        assert_eq!(note.add_cosignatures(&Real, &trusted, &lines), Ok(1));
        assert_eq!(
            note.verify(&Real, &trusted).unwrap()[0].timestamp,
            Some(1_790_000_000)
        );
    }
    assert_eq!(state.latest(&log.origin), Some(log.head(300)));
}

#[test]
fn refusals_have_the_status_of_the_specification() {
    let log = Log::with_entries(NAME, 1, 50);
    let state = watching(&log, 20);
    let status = |request: &AddCheckpoint| {
        let refusal = decide(&state, request).unwrap_err();
        (
            refusal.reply().status,
            AddCheckpointReply::parse(refusal.reply().status, refusal.reply().body.as_bytes()),
        )
    };

    let unknown = Log::with_entries("example.com/unknown", 1, 50);
    assert_eq!(
        status(&request(&unknown, 20, 30)),
        (404, AddCheckpointReply::UnknownLog)
    );

    let impostor = Log::with_entries(NAME, 2, 50);
    assert_eq!(
        status(&request(&impostor, 20, 30)),
        (403, AddCheckpointReply::Forbidden)
    );
    let mut wrong_line = request(&log, 20, 30);
    wrong_line
        .checkpoint
        .add(log.checkpoint(31).signatures()[0].clone());
    assert_eq!(status(&wrong_line), (403, AddCheckpointReply::Forbidden));

    let above = AddCheckpoint {
        old_size: 31,
        ..request(&log, 20, 30)
    };
    assert_eq!(status(&above), (400, AddCheckpointReply::BadRequest));

    for old in [0, 19, 21, 30] {
        assert_eq!(
            status(&request(&log, old, 30)),
            (409, AddCheckpointReply::Conflict(Some(20)))
        );
    }
    let reply = decide(&state, &request(&log, 0, 30)).unwrap_err().reply();
    assert_eq!(
        (reply.content_type, reply.body.as_str()),
        ("text/x.tlog.size", "20\n")
    );

    for (what, proof) in spoiled(&log.consistency(20, 30)) {
        let spoiled = AddCheckpoint {
            proof,
            ..request(&log, 20, 30)
        };
        assert_eq!(
            status(&spoiled),
            (422, AddCheckpointReply::Inconsistent),
            "{what}"
        );
    }
}

#[test]
fn a_restored_old_disk_a_fork_and_a_dropped_tail_are_refused() {
    let log = Log::with_entries(NAME, 1, 50);
    let mut state = watching(&log, 0);
    state
        .commit(&decide(&state, &request(&log, 0, 40)).unwrap())
        .unwrap();

    // The disk of an earlier day: the log is honest about what it has, and is told what it once
    // had.
    assert_eq!(
        decide(&state, &request(&log, 30, 35)),
        Err(Refusal::Conflict(log.head(40)))
    );
    // A dropped tail, with the size known to the witness: no smaller tree is ever cosigned.
    assert_eq!(
        decide(
            &state,
            &AddCheckpoint {
                old_size: 40,
                proof: vec![],
                checkpoint: log.checkpoint(39)
            }
        ),
        Err(Refusal::OldSizeAboveNew)
    );
    // The tail written anew, to the same size and to a larger one.
    let mut forked = Log::with_entries(NAME, 1, 35);
    (35..50).for_each(|at| {
        forked
            .leaves
            .push(leaf_hash(&Real, format!("forged {at}").as_bytes()))
    });
    assert_eq!(
        decide(&state, &request(&forked, 40, 40)),
        Err(Refusal::Forked(log.head(40)))
    );
    assert_eq!(
        decide(&state, &request(&forked, 40, 50)),
        Err(Refusal::Inconsistent(ProofError::RootMismatch))
    );
    // Two roots for one size are proof of the fork, whatever old size came along, and no invitation
    // to try again.
    for old in [0, 10, 40] {
        let refusal = decide(&state, &request(&forked, old, 40)).unwrap_err();
        assert_eq!(
            (&refusal, refusal.reply().status),
            (&Refusal::Forked(log.head(40)), 422)
        );
    }
    assert_eq!(state.latest(&log.origin), Some(log.head(40)));
}

/// The table of statuses for empty trees that another implementation checks itself by
/// (FiloSottile/torchwood, internal/witness/witness_test.go, TestZeroSize).
#[test]
fn empty_trees_are_treated_as_by_another_witness() {
    let mut log = Log::new(NAME, 1);
    let leaf = leaf_hash(&Real, b"leaf");
    log.leaves.push(leaf);
    let empty = TreeHead::EMPTY;
    let one = TreeHead {
        size: 1,
        root: leaf,
    };
    let no_proof: &[Hash] = &[];
    for (what, known, old_size, new, proof, expected) in [
        ("empty tree", empty, 0, empty, no_proof, 200),
        (
            "invalid empty root",
            empty,
            0,
            TreeHead {
                size: 0,
                root: leaf,
            },
            no_proof,
            422,
        ),
        (
            "zero empty root",
            empty,
            0,
            TreeHead {
                size: 0,
                root: Hash::from([0; 32]),
            },
            no_proof,
            422,
        ),
        ("empty tree with proof", empty, 0, empty, &[leaf], 422),
        ("first nonempty tree", empty, 0, one, no_proof, 200),
        (
            "first nonempty tree with proof",
            empty,
            0,
            one,
            &[leaf],
            422,
        ),
        ("old size mismatch", one, 0, one, &[leaf], 409),
        ("old size greater than new", one, 1, empty, no_proof, 400),
    ] {
        let mut state = WitnessState::new();
        state.watch(log.keys(), known);
        let checkpoint = log.sign(&Checkpoint::new(log.origin.clone(), new));
        let request = AddCheckpoint {
            old_size,
            proof: proof.to_vec(),
            checkpoint,
        };
        let status =
            decide(&state, &request).map_or_else(|refusal| refusal.reply().status, |_| 200);
        assert_eq!(status, expected, "{what}");
    }
    assert_eq!(empty.root, EMPTY_ROOT);
}

#[test]
fn a_false_empty_root_is_no_proof_of_a_fork() {
    let log = Log::new(NAME, 1);
    let false_empty = TreeHead {
        size: 0,
        root: leaf_hash(&Real, b"leaf"),
    };
    let mut state = WitnessState::new();
    state.watch(log.keys(), TreeHead::EMPTY);
    let checkpoint = log.sign(&Checkpoint::new(log.origin.clone(), false_empty));
    let request = AddCheckpoint {
        old_size: 0,
        proof: vec![],
        checkpoint,
    };
    assert_eq!(
        decide(&state, &request),
        Err(Refusal::Inconsistent(ProofError::ImpossibleHead))
    );
}

#[test]
fn of_two_racing_requests_only_one_is_committed() {
    let log = Log::with_entries(NAME, 1, 50);
    let mut state = watching(&log, 10);
    let (shorter, longer) = (
        decide(&state, &request(&log, 10, 20)).unwrap(),
        decide(&state, &request(&log, 10, 30)).unwrap(),
    );
    state.commit(&longer).unwrap();
    assert_eq!(state.commit(&shorter), Err(Refusal::Conflict(log.head(30))));
    assert_eq!(
        state.latest(&log.origin),
        Some(log.head(30)),
        "not rolled back"
    );
    let mut stranger = WitnessState::new();
    assert_eq!(stranger.commit(&longer), Err(Refusal::UnknownLog));
    assert_eq!(stranger.latest(&log.origin), None);
}

#[test]
fn a_rotated_key_signs_from_its_size_on() {
    let mut log = Log::with_entries(NAME, 1, 50);
    let new = Signer::log(NAME, 2);
    let mut statement = Rotation {
        origin: Origin::new(NAME).unwrap(),
        from_size: 30,
        old: log.signer.key.clone(),
        new: new.key.clone(),
    }
    .to_note()
    .unwrap();
    statement.sign(&log.signer.key, &log.signer).unwrap();
    statement.sign(&new.key, &new).unwrap();
    let mut keys = log.keys();
    keys.rotate(&Real, &Real, statement).unwrap();
    let mut state = WitnessState::new();
    state.watch(keys, log.head(20));
    assert!(decide(&state, &request(&log, 20, 29)).is_ok());
    assert_eq!(
        decide(&state, &request(&log, 20, 30)),
        Err(Refusal::NotSigned)
    );
    log.signer = new;
    assert_eq!(
        decide(&state, &request(&log, 20, 29)),
        Err(Refusal::NotSigned)
    );
    assert!(decide(&state, &request(&log, 20, 30)).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_is_asked_in_whatever_order_the_cosigned_heads_form_one_log(
        attempts in proptest::collection::vec((any::<bool>(), 0u64..60, 0u64..60), 1..30),
    ) {
        // An honest log and a fork of it from entry 20 on, which take turns.
        let honest = Log::with_entries(NAME, 1, 60);
        let mut forked = Log::with_entries(NAME, 1, 20);
        (20..60).for_each(|at| forked.leaves.push(leaf_hash(&Real, &[at])));
        let mut state = watching(&honest, 0);
        let mut cosigned = vec![TreeHead::EMPTY];
        for (fork, old, new) in attempts {
            let log = if fork { &forked } else { &honest };
            let latest = cosigned.last().unwrap();
            // Half the time the right old size is sent, so that something gets through.
            let old = if old % 2 == 0 { latest.size } else { old };
            let proof = if old <= new { log.consistency(old, new) } else { vec![] };
            let request = AddCheckpoint { old_size: old, proof, checkpoint: log.checkpoint(new) };
            if let Ok(cosigning) = decide(&state, &request) {
                state.commit(&cosigning).unwrap();
                cosigned.push(cosigning.to);
            }
        }
        prop_assert!(cosigned.windows(2).all(|pair| pair[0].size <= pair[1].size));
        let of = |log: &Log| cosigned.iter().all(|head| *head == log.head(head.size));
        prop_assert!(of(&honest) || of(&forked), "both branches were cosigned: {:?}", cosigned);
    }
}
