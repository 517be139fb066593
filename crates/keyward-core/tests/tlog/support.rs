//! What the tests share: real SHA-256 and Ed25519, keys from a number, a log in memory, and a tree
//! written down as RFC 6962 defines it.
#![allow(dead_code, reason = "two test programs use different halves of it")]

use aws_lc_rs::{
    digest,
    signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey},
};
use keyward_core::tlog::{
    Checkpoint, Hash, KeyHistory, LeafHashes, NoteSigner, NoteVerifier, Origin, Sha256,
    SignatureType, SignedNote, SignerFailed, TreeHead, VerifierKey, leaf_hash, prove_consistency,
    prove_inclusion, tree_root,
};

/// The real hash and the real signature check.
pub struct Real;

impl Sha256 for Real {
    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = digest::Context::new(&digest::SHA256);
        parts.iter().for_each(|part| context.update(part));
        context.finish().as_ref().try_into().unwrap()
    }
}

impl NoteVerifier for Real {
    fn verify(&self, public_key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
        UnparsedPublicKey::new(&ED25519, public_key)
            .verify(message, signature)
            .is_ok()
    }
}

/// A named key pair made from a number.
pub struct Signer {
    pub key: VerifierKey,
    pair: Ed25519KeyPair,
}

impl Signer {
    pub fn log(name: &str, seed: u8) -> Self {
        Self::from_seed(name, SignatureType::Ed25519, [seed; 32])
    }

    pub fn witness(name: &str, seed: u8) -> Self {
        Self::from_seed(name, SignatureType::CosignatureV1, [seed; 32])
    }

    pub fn from_seed(name: &str, signs: SignatureType, seed: [u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let public_key = pair.public_key().as_ref().try_into().unwrap();
        Self {
            key: VerifierKey::new(&Real, name, signs, public_key).unwrap(),
            pair,
        }
    }
}

impl NoteSigner for Signer {
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignerFailed> {
        Ok(self.pair.sign(message).as_ref().try_into().unwrap())
    }
}

/// A log whose entries are numbered texts.
pub struct Log {
    pub origin: Origin,
    pub signer: Signer,
    pub leaves: Vec<Hash>,
}

impl Log {
    pub fn new(name: &str, seed: u8) -> Self {
        Self {
            origin: Origin::new(name).unwrap(),
            signer: Signer::log(name, seed),
            leaves: Vec::new(),
        }
    }

    pub fn with_entries(name: &str, seed: u8, count: u64) -> Self {
        let mut log = Self::new(name, seed);
        log.grow_to(count);
        log
    }

    pub fn grow_to(&mut self, size: u64) {
        for index in self.leaves.len() as u64..size {
            self.leaves.push(leaf_hash(&Real, &entry(index)));
        }
    }

    pub fn keys(&self) -> KeyHistory {
        KeyHistory::pinned(self.origin.clone(), self.signer.key.clone()).unwrap()
    }

    pub fn head(&self, size: u64) -> TreeHead {
        TreeHead {
            size,
            root: tree_root(&Real, &LeafHashes::new(&Real, &self.leaves), size).unwrap(),
        }
    }

    pub fn checkpoint(&self, size: u64) -> SignedNote {
        self.sign(&Checkpoint::new(self.origin.clone(), self.head(size)))
    }

    pub fn sign(&self, checkpoint: &Checkpoint) -> SignedNote {
        let mut note = SignedNote::new(checkpoint.to_string()).unwrap();
        note.sign(&self.signer.key, &self.signer).unwrap();
        note
    }

    pub fn inclusion(&self, index: u64, size: u64) -> Vec<Hash> {
        prove_inclusion(&Real, &LeafHashes::new(&Real, &self.leaves), index, size).unwrap()
    }

    pub fn consistency(&self, old: u64, new: u64) -> Vec<Hash> {
        prove_consistency(&Real, &LeafHashes::new(&Real, &self.leaves), old, new).unwrap()
    }
}

/// The entry that every test log has at a position.
pub fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

/// The leaf hashes of a log of such entries.
pub fn leaves(count: u64) -> Vec<Hash> {
    (0..count)
        .map(|index| leaf_hash(&Real, &entry(index)))
        .collect()
}

/// Base64 for bytes whose number is a multiple of three plus one, as signatures with key id and timestamp have.
pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    assert_eq!(bytes.len() % 3, 1);
    let bits: Vec<bool> = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1))
        .collect();
    let symbol = |six: &[bool]| {
        let value = (0..6).fold(0, |value, at| {
            value << 1 | usize::from(six.get(at).copied().unwrap_or(false))
        });
        char::from(ALPHABET[value])
    };
    bits.chunks(6).map(symbol).collect::<String>() + "=="
}

/// Size and root of a tree.
pub fn head(leaves: &[Hash]) -> TreeHead {
    TreeHead {
        size: leaves.len() as u64,
        root: model::root(leaves),
    }
}

/// The definitions of RFC 6962 §2.1 word for word, over leaf hashes, sharing nothing with the code
/// under test.
pub mod model {
    use super::Real;
    use keyward_core::tlog::{Hash, Sha256};

    /// MTH.
    pub fn root(leaves: &[Hash]) -> Hash {
        match leaves.len() {
            0 => Hash::from(Real.sha256(&[])),
            1 => leaves[0],
            count => {
                let k = split(count);
                Hash::from(Real.sha256(&[
                    &[1],
                    root(&leaves[..k]).as_bytes(),
                    root(&leaves[k..]).as_bytes(),
                ]))
            }
        }
    }

    /// PATH(m, D[n]).
    pub fn path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let k = split(leaves.len());
        if m < k {
            [path(m, &leaves[..k]), vec![root(&leaves[k..])]].concat()
        } else {
            [path(m - k, &leaves[k..]), vec![root(&leaves[..k])]].concat()
        }
    }

    /// PROOF(m, D[n]).
    pub fn proof(m: usize, leaves: &[Hash]) -> Vec<Hash> {
        subproof(m, leaves, true)
    }

    fn subproof(m: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
        if m == leaves.len() {
            return if whole {
                Vec::new()
            } else {
                vec![root(leaves)]
            };
        }
        let k = split(leaves.len());
        if m <= k {
            [subproof(m, &leaves[..k], whole), vec![root(&leaves[k..])]].concat()
        } else {
            [
                subproof(m - k, &leaves[k..], false),
                vec![root(&leaves[..k])],
            ]
            .concat()
        }
    }

    /// The largest power of two smaller than n.
    fn split(n: usize) -> usize {
        let mut k = 1;
        while k * 2 < n {
            k *= 2;
        }
        k
    }
}

/// Every way to spoil a proof: a bit flipped, a hash dropped, doubled, swapped with its neighbour
/// or added.
pub fn spoiled(proof: &[Hash]) -> Vec<(String, Vec<Hash>)> {
    let mut spoiled = Vec::new();
    for at in 0..proof.len() {
        for bit in [0usize, 77, 255] {
            let mut bytes = *proof[at].as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let mut other = proof.to_vec();
            other[at] = Hash::from(bytes);
            spoiled.push((format!("bit {bit} of hash {at} flipped"), other));
        }
        let mut other = proof.to_vec();
        other.remove(at);
        spoiled.push((format!("hash {at} dropped"), other));
        let mut other = proof.to_vec();
        other.insert(at, proof[at]);
        spoiled.push((format!("hash {at} doubled"), other));
        if at + 1 < proof.len() && proof[at] != proof[at + 1] {
            let mut other = proof.to_vec();
            other.swap(at, at + 1);
            spoiled.push((format!("hashes {at} and {} swapped", at + 1), other));
        }
    }
    for (what, extra) in [
        ("zeroes", Hash::from([0; 32])),
        ("some hash", leaf_hash(&Real, b"x")),
    ] {
        spoiled.push((format!("{what} put before"), [&[extra], proof].concat()));
        spoiled.push((format!("{what} put after"), [proof, &[extra]].concat()));
    }
    spoiled
}
