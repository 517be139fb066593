//! Messages between a log and its witnesses.

use crate::support::Log;
use crate::witness::{NAME, decide, request, watching};
use keyward_core::tlog::{
    AddCheckpoint, AddCheckpointReply, NoteError, Refusal, RequestError, SignedNote,
};

#[test]
fn malformed_requests_are_refused_before_anything_else() {
    let log = Log::with_entries(NAME, 1, 8);
    let good = request(&log, 3, 8).to_string();
    let refused = |body: &str| AddCheckpoint::parse(body.as_bytes()).unwrap_err();
    for bad in [
        "", "\n", "old", "old \n", "old 03\n", "old -3\n", "old 3", "new 3\n", "old  3\n",
        "old 3 \n",
    ] {
        assert_eq!(
            refused(&good.replace("old 3\n", bad)),
            RequestError::OldSize,
            "{bad:?}"
        );
    }
    assert_eq!(
        refused(&good.replace("old 3\n", "old 3\nAAAA\n")),
        RequestError::Proof
    );
    assert_eq!(refused("old 3\n"), RequestError::Proof);
    let line = format!("{}\n", log.leaves[0]);
    let with = |lines: usize| format!("old 0\n{}\n{}", line.repeat(lines), log.checkpoint(8));
    assert_eq!(
        AddCheckpoint::parse(with(63).as_bytes())
            .unwrap()
            .proof
            .len(),
        63
    );
    assert_eq!(refused(&with(64)), RequestError::TooManyProofLines);
    assert_eq!(
        refused(&good.replace('—', "-")),
        RequestError::Note(NoteError::SignatureLine)
    );
    assert_eq!(
        AddCheckpoint::parse(b"old 3\n\xff"),
        Err(RequestError::Note(NoteError::NotUtf8))
    );
    assert_eq!(
        AddCheckpoint::parse(&vec![b'a'; 2_000_001]),
        Err(RequestError::TooLong)
    );
    assert_eq!(Refusal::from(refused("")).reply().status, 400);

    let mut not_a_checkpoint = SignedNote::new("just a note\n".into()).unwrap();
    not_a_checkpoint.sign(&log.signer.key, &log.signer).unwrap();
    let request = AddCheckpoint {
        old_size: 0,
        proof: vec![],
        checkpoint: not_a_checkpoint,
    };
    let refusal = decide(&watching(&log, 0), &request).unwrap_err();
    assert_eq!(refusal.reply().status, 400);
}

#[test]
fn answers_that_make_no_sense_are_not_taken_for_cosignatures() {
    assert_eq!(
        AddCheckpointReply::parse(200, b""),
        AddCheckpointReply::Unexpected(200)
    );
    assert_eq!(
        AddCheckpointReply::parse(200, b"ok\n"),
        AddCheckpointReply::Unexpected(200)
    );
    assert_eq!(
        AddCheckpointReply::parse(200, b"\xff"),
        AddCheckpointReply::Unexpected(200)
    );
    assert_eq!(
        AddCheckpointReply::parse(500, b"20\n"),
        AddCheckpointReply::Unexpected(500)
    );
    assert_eq!(
        AddCheckpointReply::parse(409, b"20\n"),
        AddCheckpointReply::Conflict(Some(20))
    );
    for body in [&b""[..], b"20", b"020\n", b"\n", b"20\n\n", b"conflict\n"] {
        assert_eq!(
            AddCheckpointReply::parse(409, body),
            AddCheckpointReply::Conflict(None)
        );
    }
}
