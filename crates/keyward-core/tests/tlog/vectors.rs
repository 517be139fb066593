//! Vectors that others have published, and answers that other implementations gave.

use crate::support::{Real, Signer};
use keyward_core::tlog::{
    AddCheckpoint, AddCheckpointReply, Checkpoint, Frontier, Hash, NoteError, SignatureType,
    SignedNote, TreeHead, VerifierKey, leaf_hash, prove_consistency, prove_inclusion,
    verify_consistency, verify_inclusion,
};
use std::collections::BTreeMap;

const ARGON: &str = include_str!("../testdata/tlog/argon2020.txt");

pub fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

pub fn hash(text: &str) -> Hash {
    Hash::from(<[u8; 32]>::try_from(hex(text)).unwrap())
}

/// A hash from base64, by way of a checkpoint, which is where one is read from base64.
pub fn base64_hash(text: &str) -> Hash {
    Checkpoint::parse(&format!("o\n1\n{text}\n"))
        .unwrap()
        .head
        .root
}

pub fn hashes(text: &str) -> Vec<Hash> {
    text.split(',')
        .filter(|text| !text.is_empty())
        .map(base64_hash)
        .collect()
}

pub fn key(text: &str) -> VerifierKey {
    VerifierKey::parse(&Real, text).unwrap()
}

/// The entries, roots and proofs of the reference implementation of Certificate Transparency
/// (google/certificate-transparency, cpp/merkletree; transparency-dev/merkle,
/// proof/verify_test.go).
mod reference {
    pub const ENTRIES: [&str; 8] = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    pub const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    /// Index (from zero), size, proof.
    pub const INCLUSION: [(u64, u64, &[&str]); 5] = [
        (0, 1, &[]),
        (
            0,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            5,
            8,
            &[
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2,
            3,
            &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
        ),
        (
            1,
            5,
            &[
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ];
    /// Old size, new size, proof.
    pub const CONSISTENCY: [(u64, u64, &[&str]); 5] = [
        (1, 1, &[]),
        (
            1,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            6,
            8,
            &[
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2,
            5,
            &[
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
        (
            6,
            7,
            &[
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
    ];
}

#[test]
fn roots_and_proofs_of_the_certificate_transparency_reference_agree() {
    let all: Vec<Hash> = reference::ENTRIES
        .iter()
        .map(|entry| leaf_hash(&Real, &hex(entry)))
        .collect();
    let reader = keyward_core::tlog::LeafHashes::new(&Real, &all);
    let head = |size: u64| TreeHead {
        size,
        root: hash(reference::ROOTS[size as usize - 1]),
    };
    let mut frontier = Frontier::new();
    for leaf in &all {
        frontier.append(&Real, *leaf).unwrap();
        assert_eq!(frontier.head(&Real), head(frontier.size()));
    }
    for (index, size, proof) in reference::INCLUSION {
        let proof: Vec<Hash> = proof.iter().map(|text| hash(text)).collect();
        assert_eq!(prove_inclusion(&Real, &reader, index, size).unwrap(), proof);
        assert_eq!(
            verify_inclusion(&Real, all[index as usize], index, &head(size), &proof),
            Ok(())
        );
    }
    for (old, new, proof) in reference::CONSISTENCY {
        let proof: Vec<Hash> = proof.iter().map(|text| hash(text)).collect();
        assert_eq!(prove_consistency(&Real, &reader, old, new).unwrap(), proof);
        assert_eq!(
            verify_consistency(&Real, &head(old), &head(new), &proof),
            Ok(())
        );
    }
}

#[test]
fn proofs_of_a_tree_of_a_billion_certificates_hold() {
    let field: BTreeMap<&str, &str> = ARGON
        .lines()
        .map(|line| line.split_once('\t').unwrap())
        .collect();
    let head = TreeHead {
        size: field["size"].parse().unwrap(),
        root: base64_hash(field["root"]),
    };
    let (leaf, index) = (base64_hash(field["leaf"]), field["index"].parse().unwrap());
    let inclusion = hashes(field["inclusion"]);
    assert_eq!(
        verify_inclusion(&Real, leaf, index, &head, &inclusion),
        Ok(())
    );
    assert!(verify_inclusion(&Real, leaf, index + 1, &head, &inclusion).is_err());
    let old = TreeHead {
        size: field["old size"].parse().unwrap(),
        root: base64_hash(field["old root"]),
    };
    let consistency = hashes(field["consistency"]);
    assert_eq!(verify_consistency(&Real, &old, &head, &consistency), Ok(()));
    assert!(
        verify_consistency(
            &Real,
            &TreeHead {
                size: old.size + 1,
                ..old
            },
            &head,
            &consistency
        )
        .is_err()
    );
}

/// golang.org/x/mod, sumdb/note/note_test.go.
const GO_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\n\
    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

#[test]
fn the_note_of_the_go_project_verifies() {
    let note = SignedNote::parse(GO_NOTE.as_bytes()).unwrap();
    assert_eq!(note.to_string(), GO_NOTE);
    let trusted = [key(GO_KEY)];
    assert_eq!(
        note.verify(&Real, &trusted).unwrap()[0].key.name(),
        "PeterNeumann"
    );
    // Manglings that their test refuses: wrong length and unknown algorithm, each with the key id
    // adjusted.
    for bad in [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ] {
        assert!(VerifierKey::parse(&Real, bad).is_err());
    }
}

#[test]
fn published_verifier_keys_are_read_and_written_alike() {
    // transparency-dev/formats, note/note_cosigv1_test.go; sumdb/note for the first.
    for (text, signs) in [
        (GO_KEY, SignatureType::Ed25519),
        (
            "TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6",
            SignatureType::Ed25519,
        ),
        (
            "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
            SignatureType::CosignatureV1,
        ),
    ] {
        assert_eq!(key(text).to_string(), text);
        assert_eq!(key(text).signs(), signs);
    }
}

#[test]
fn examples_in_the_specifications_are_read_and_written_alike() {
    // c2sp.org/signed-note.
    let note = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n\
        — quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
    let read = SignedNote::parse(note.as_bytes()).unwrap();
    assert_eq!(read.to_string(), note);
    assert!(
        read.text().ends_with("sole:\n\ned è subito sera.\n"),
        "the last empty line separates"
    );
    assert_eq!(
        (read.signatures()[0].name(), read.signatures()[0].key_id()),
        ("quasimodo.example/salvatore", 0x367b_a04b)
    );

    // c2sp.org/tlog-cosignature, with the timestamp 1679315147 in it.
    let cosigned = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        — witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    let read = SignedNote::parse(cosigned.as_bytes()).unwrap();
    assert_eq!(read.to_string(), cosigned);
    let checkpoint = Checkpoint::parse(read.text()).unwrap();
    assert_eq!(
        (checkpoint.origin.as_str(), checkpoint.head.size),
        ("example.com/behind-the-sofa", 20_852_163)
    );

    // c2sp.org/tlog-witness.
    let request = "old 20852014\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\njrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\
        5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\n\
        example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        — example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=\n";
    let read = AddCheckpoint::parse(request.as_bytes()).unwrap();
    assert_eq!(
        (
            read.old_size,
            read.proof.len(),
            read.checkpoint.signatures().len()
        ),
        (20_852_014, 4, 2)
    );
    assert_eq!(read.to_string(), request);
    let answer = "— witness.example/w1 CMp+6LWBU0anHGH5aNDTJkH/gj79sG+T6+iP2ThYN5krrDJbR1HDnucjL39QsZTSvVjyQLrdk3DXDqI5G2HgLatVs0pWh6Up69HVOw==\n\
        — witness.example/w1 I7rEps0pvK2UqkS2gSpVUDhrhVtQV9lgF6pRrWAvjJHjyWpW7VcE3SiOlVlbQNt64vWhO+DlkL0+UfzuOBMh9ChdMkP1vi/lCAsmlw==\n\
        — witness.example/w2 AWui8Sk55XjYLOijihBjhqEH6nS1ndDymE0a+6idX7pLcnoB+dhnz0854aLZgrrKbYKA7nC3HNJhm/kWl7oJlqU3rXXvpysAdyP3wQ==\n";
    let AddCheckpointReply::Cosigned(lines) = AddCheckpointReply::parse(200, answer.as_bytes())
    else {
        panic!()
    };
    assert_eq!(
        lines.iter().map(ToString::to_string).collect::<String>(),
        answer
    );
}

/// C2SP/C2SP issue 99: a checkpoint by the Ed25519 key whose seed is 11 followed by zeroes.
#[test]
fn the_checkpoint_vector_of_the_sigsum_project_is_reproduced() {
    let origin =
        "sigsum.org/v1/tree/e796172b92befd62d9dc67e41c2f5bc9d3100a3023b20b1ca40288dd1c679e69";
    let expected = format!(
        "{origin}\n10\nHA5HAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\
        — {origin} gJ2ho0n8F8olcerUF1FFdv235A/5as/coWrpLrtE7ovMeP5whgwouYExowG/lTznxu6OUGjjt5yJQ6bXtTcf718MqAQ=\n"
    );
    let mut seed = [0; 32];
    seed[0] = 0x11;
    let signer = Signer::from_seed(origin, SignatureType::Ed25519, seed);
    assert_eq!(
        signer.key.public_key().as_slice(),
        hex("66e0b858e462a609e66fe71370c816d8846ff103d5499a22a7fec37fdbc424a7")
    );
    let mut note = SignedNote::parse(expected.as_bytes()).unwrap();
    assert!(
        note.verify(&Real, std::slice::from_ref(&signer.key))
            .is_ok()
    );
    // Ed25519 is deterministic: signing anew must give the same bytes.
    note.sign(&signer.key, &signer).unwrap();
    assert_eq!(note.to_string(), expected);
}

#[test]
fn a_note_by_a_key_one_does_not_know_is_not_believed() {
    let note = SignedNote::parse(GO_NOTE.as_bytes()).unwrap();
    assert_eq!(
        note.verify(&Real, &[Signer::log("PeterNeumann", 1).key]),
        Err(NoteError::NotSigned)
    );
}
