//! `.tlog-proof` files and the policies they are judged by.

use crate::support::{Log, Real, Signer, entry};
use keyward_core::tlog::{
    HistoryError, LogProof, LogProofError, NoteError, Policy, PolicyError, ProofError, SignedNote,
    VerifierKey, leaf_hash,
};
use proptest::prelude::*;

const TIME: u64 = 1_790_000_000;

fn witnesses(count: u8) -> Vec<Signer> {
    (0..count)
        .map(|at| Signer::witness(&format!("witness.example/w{at}"), 100 + at))
        .collect()
}

fn keys(signers: &[Signer]) -> Vec<VerifierKey> {
    signers.iter().map(|signer| signer.key.clone()).collect()
}

fn cosigned(log: &Log, size: u64, witnesses: &[Signer]) -> SignedNote {
    let mut note = log.checkpoint(size);
    witnesses
        .iter()
        .for_each(|witness| note.cosign(&witness.key, TIME, witness).unwrap());
    note
}

fn proof(log: &Log, index: u64, size: u64, witnesses: &[Signer]) -> LogProof {
    LogProof {
        index,
        hashes: log.inclusion(index, size),
        checkpoint: cosigned(log, size, witnesses),
        extra: None,
    }
}

#[test]
fn a_proof_file_shows_the_entry_offline() {
    let (log, witnesses) = (Log::with_entries("example.com/log", 1, 1000), witnesses(3));
    let policy = Policy::new(vec![log.keys()], keys(&witnesses), 2).unwrap();
    let file = proof(&log, 321, 1000, &witnesses).to_string();
    assert!(file.len() < 4096, "the file has {} bytes", file.len());
    let read = LogProof::parse(file.as_bytes()).unwrap();
    assert_eq!(read.to_string(), file);
    let shown = read
        .verify(&Real, &Real, &policy, leaf_hash(&Real, &entry(321)))
        .unwrap();
    assert_eq!(shown.index, 321);
    assert_eq!(shown.witnessed.checkpoint.head, log.head(1000));
    let cosigners: Vec<_> = shown
        .witnessed
        .cosigners
        .iter()
        .map(|cosigner| (cosigner.name.as_str(), cosigner.timestamp))
        .collect();
    assert_eq!(
        cosigners,
        [
            ("witness.example/w0", TIME),
            ("witness.example/w1", TIME),
            ("witness.example/w2", TIME)
        ]
    );

    let other = read.verify(&Real, &Real, &policy, leaf_hash(&Real, &entry(322)));
    assert_eq!(
        other,
        Err(LogProofError::Inclusion(ProofError::RootMismatch))
    );
}

#[test]
fn every_altered_byte_of_a_proof_file_is_found() {
    let (log, witnesses) = (Log::with_entries("example.com/log", 1, 11), witnesses(1));
    let policy = Policy::new(vec![log.keys()], keys(&witnesses), 1).unwrap();
    let leaf = leaf_hash(&Real, &entry(6));
    let file = proof(&log, 6, 11, &witnesses).to_string().into_bytes();
    let holds = |bytes: &[u8]| {
        LogProof::parse(bytes).is_ok_and(|proof| proof.verify(&Real, &Real, &policy, leaf).is_ok())
    };
    assert!(holds(&file));
    for at in 0..file.len() {
        for flip in [1, 8, 32] {
            let mut altered = file.clone();
            altered[at] ^= flip;
            assert!(!holds(&altered), "bit {flip} of byte {at}");
        }
        assert!(!holds(&file[..at]), "cut to {at} bytes");
        let mut dropped = file.clone();
        dropped.remove(at);
        assert!(!holds(&dropped), "byte {at} dropped");
    }
}

#[test]
fn too_few_or_unknown_or_repeated_witnesses_do_not_count() {
    let (log, all) = (Log::with_entries("example.com/log", 1, 20), witnesses(4));
    let policy = Policy::new(vec![log.keys()], keys(&all[..3]), 2).unwrap();
    for signed_by in 0..=4usize {
        let verdict = policy.open(&Real, &cosigned(&log, 20, &all[..signed_by]));
        match signed_by {
            0 | 1 => assert_eq!(
                verdict,
                Err(PolicyError::TooFewWitnesses {
                    found: signed_by,
                    needed: 2
                })
            ),
            // The fourth is unknown to the policy.
            _ => assert_eq!(verdict.unwrap().cosigners.len(), signed_by.min(3)),
        }
    }
    let unknown = policy.open(&Real, &cosigned(&log, 20, &all[2..]));
    assert_eq!(
        unknown,
        Err(PolicyError::TooFewWitnesses {
            found: 1,
            needed: 2
        })
    );

    // The same witness twice, with different times, is no two witnesses, and leaves open which time
    // is meant.
    let mut later = cosigned(&log, 20, &[]);
    later.cosign(&all[0].key, TIME + 5, &all[0]).unwrap();
    let twice = format!("{}{}", cosigned(&log, 20, &all[..1]), later.signatures()[1]);
    let twice = SignedNote::parse(twice.as_bytes()).unwrap();
    assert!(matches!(
        policy.open(&Real, &twice),
        Err(PolicyError::Cosignature(NoteError::SignedTwice { .. }))
    ));
}

#[test]
fn cosignatures_of_another_checkpoint_condemn_the_note() {
    let (log, all) = (Log::with_entries("example.com/log", 1, 20), witnesses(2));
    let policy = Policy::new(vec![log.keys()], keys(&all), 1).unwrap();
    let mut note = cosigned(&log, 20, &all[..1]);
    note.add(cosigned(&log, 19, &all).signatures()[2].clone());
    assert!(matches!(
        policy.open(&Real, &note),
        Err(PolicyError::Cosignature(NoteError::WrongSignature { .. }))
    ));
}

#[test]
fn a_witness_cannot_speak_for_the_log_nor_a_stranger_for_either() {
    let (log, stranger) = (
        Log::with_entries("example.com/log", 1, 20),
        Log::with_entries("example.com/other", 2, 20),
    );
    let impostor = Log::with_entries("example.com/log", 9, 20);
    let all = witnesses(1);
    let policy = Policy::new(vec![log.keys()], keys(&all), 1).unwrap();
    assert_eq!(
        policy.open(&Real, &cosigned(&stranger, 20, &all)),
        Err(PolicyError::UnknownLog)
    );
    let not_signed = Err(PolicyError::Log(HistoryError::Note(NoteError::NotSigned)));
    assert_eq!(
        policy.open(&Real, &cosigned(&impostor, 20, &all)),
        not_signed
    );
    let mut unsigned = SignedNote::new(log.checkpoint(20).text().to_owned()).unwrap();
    unsigned.cosign(&all[0].key, TIME, &all[0]).unwrap();
    assert_eq!(policy.open(&Real, &unsigned), not_signed);
}

#[test]
fn policies_that_count_one_key_twice_are_refused() {
    let (log, witnesses) = (Log::new("example.com/log", 1), keys(&witnesses(2)));
    let logs = || vec![log.keys()];
    let renamed = Signer::witness("witness.example/renamed", 100).key;
    let log_as_witness = Signer::witness("witness.example/w", 1).key;
    let build = |logs, witnesses: &[VerifierKey], quorum| {
        Policy::new(logs, witnesses.to_vec(), quorum).map(|_| ())
    };
    assert_eq!(build(logs(), &witnesses, 2), Ok(()));
    assert_eq!(build(logs(), &[], 0), Ok(()));
    assert_eq!(
        build(vec![log.keys(), log.keys()], &witnesses, 1),
        Err(PolicyError::DuplicateLog)
    );
    assert_eq!(
        build(logs(), &[witnesses[0].clone(), renamed.clone()], 1),
        Err(PolicyError::NotIndependent(renamed))
    );
    assert_eq!(
        build(logs(), std::slice::from_ref(&log_as_witness), 1),
        Err(PolicyError::NotIndependent(log_as_witness))
    );
    assert_eq!(
        build(logs(), &witnesses, 3),
        Err(PolicyError::QuorumOutOfReach {
            needed: 3,
            known: 2
        })
    );
    let log_key = Signer::log("example.com/x", 7).key;
    assert_eq!(
        build(logs(), std::slice::from_ref(&log_key), 0),
        Err(PolicyError::NotAWitnessKey(log_key))
    );
}

#[test]
fn malformed_proof_files_are_refused() {
    let log = Log::with_entries("example.com/log", 1, 3);
    let good = proof(&log, 1, 3, &[]).to_string();
    assert!(LogProof::parse(good.as_bytes()).is_ok());
    for bad in [
        good.replace("@v1", "@v2"),
        good.replace("c2sp.org/tlog-proof@v1\n", ""),
        good.replace("index 1", "index 01"),
        good.replace("index 1", "index -1"),
        good.replace("index 1\n", ""),
        good.replace("index 1", "extra index 1"),
        good.replace("index 1", "extra AA=\nindex 1"),
        good.replace("index 1", "extra AAAA\nextra AAAA\nindex 1"),
        good.replace("index 1", "index 1\nAAAA"),
        good.replace(
            "index 1",
            &format!("index 1\n{}", format!("{}\n", log.leaves[0]).repeat(63)),
        ),
        good.replacen("\n\n", "\n", 1),
        good.replacen("\n\n", "\n\n\n", 1),
        good.trim_end().to_owned(),
        format!("{good}\n"),
        good.replace('\n', "\r\n"),
    ] {
        let verdict = LogProof::parse(bad.as_bytes()).and_then(|read| {
            read.verify(
                &Real,
                &Real,
                &Policy::new(vec![log.keys()], vec![], 0).unwrap(),
                log.leaves[1],
            )
        });
        assert!(verdict.is_err(), "{bad}");
    }
    assert_eq!(
        LogProof::parse(&vec![b'a'; 2_000_001]),
        Err(LogProofError::TooLong)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_entry_of_any_tree_can_be_shown(
        (size, index) in (1u64..400).prop_flat_map(|size| (Just(size), 0..size)),
        extra in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..50)),
    ) {
        let (log, witnesses) = (Log::with_entries("example.com/log", 1, size), witnesses(2));
        let policy = Policy::new(vec![log.keys()], keys(&witnesses), 2).unwrap();
        let proof = LogProof { extra, ..proof(&log, index, size, &witnesses) };
        let read = LogProof::parse(proof.to_string().as_bytes()).unwrap();
        prop_assert_eq!(&read, &proof);
        let leaf = log.leaves[index as usize];
        prop_assert!(read.verify(&Real, &Real, &policy, leaf).is_ok());
        let elsewhere = LogProof { index: (index + 1) % size, ..read };
        prop_assert_eq!(elsewhere.verify(&Real, &Real, &policy, leaf).is_ok(), size == 1);
    }
}
