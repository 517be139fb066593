//! The puncturable tree through the port: what is removed never derives again, whatever was sealed before.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Rig, bytes, digest, hex, key};
use keyward_core::algorithm::KeySpec;
use keyward_engine::ports::module::{KeyHandle, Module, ModuleFault, Operation};

fn leaf(rig: &Rig, tree: KeyHandle, leaf: u64, info: &[u8]) -> Result<Vec<u8>, ModuleFault> {
    let held = key(rig.done(Operation::TreeLeaf { tree, leaf, info })?.output);
    let material = rig.export(held);
    rig.module.release(held);
    Ok(material)
}

fn puncture(rig: &Rig, tree: KeyHandle, leaves: &[u64]) -> KeyHandle {
    key(rig.approved(Operation::TreePuncture { tree, leaves }))
}

#[test]
fn a_punctured_leaf_is_gone_and_every_other_gives_the_key_it_always_gave() {
    let rig = Rig::start();
    let tree = key(rig.approved(Operation::TreeCreate));
    let probes = [0, 1, 2, 3, 1000, (1 << 40) - 1];
    let before: Vec<_> = probes
        .iter()
        .map(|n| leaf(&rig, tree, *n, b"info").unwrap())
        .collect();
    let next = puncture(&rig, tree, &[2, 1000, 2]);
    for (probe, expected) in probes.iter().zip(&before) {
        let now = leaf(&rig, next, *probe, b"info");
        if [2, 1000].contains(probe) {
            assert_eq!(now, Err(ModuleFault::Gone));
        } else {
            assert_eq!(now.as_ref(), Ok(expected));
        }
        assert_eq!(
            leaf(&rig, tree, *probe, b"info").as_ref(),
            Ok(expected),
            "the old handle still works"
        );
    }
    rig.module.release(tree);
    assert_eq!(leaf(&rig, tree, 0, b"info"), Err(ModuleFault::NoSuchKey));
    assert_eq!(
        leaf(&rig, next, 0, b"info").as_ref(),
        Ok(&before[0]),
        "what the two shared is still held"
    );
}

#[test]
fn a_leaf_key_depends_on_tree_leaf_and_info() {
    let rig = Rig::start();
    let one = key(rig.approved(Operation::TreeCreate));
    let two = key(rig.approved(Operation::TreeCreate));
    let base = leaf(&rig, one, 5, b"a").unwrap();
    assert_ne!(base, leaf(&rig, one, 5, b"b").unwrap());
    assert_ne!(base, leaf(&rig, one, 6, b"a").unwrap());
    assert_ne!(base, leaf(&rig, two, 5, b"a").unwrap());
}

#[test]
fn a_sealed_tree_opens_only_with_its_key_and_context_and_is_the_same_tree() {
    let rig = Rig::start();
    let state = rig.generate(KeySpec::Aes256);
    let tree = key(rig.approved(Operation::TreeCreate));
    let tree = puncture(&rig, tree, &[7, 8, 9, 123_456]);
    let blob = bytes(rig.approved(Operation::TreeSeal {
        tree,
        key: state,
        aad: b"realm",
    }));
    let again = key(rig.approved(Operation::TreeOpen {
        key: state,
        aad: b"realm",
        blob: &blob,
    }));
    assert_eq!(leaf(&rig, again, 7, b""), Err(ModuleFault::Gone));
    assert_eq!(leaf(&rig, again, 10, b""), leaf(&rig, tree, 10, b""));
    let shape = |tree| digest(rig.approved(Operation::TreeDigest { tree }));
    assert_eq!(shape(again), shape(tree));
    assert_ne!(shape(puncture(&rig, tree, &[10])), shape(tree));

    let open =
        |key, aad: &[u8], blob: &[u8]| rig.done(Operation::TreeOpen { key, aad, blob }).err();
    assert_eq!(open(state, b"other", &blob), Some(ModuleFault::Refused));
    assert_eq!(
        open(rig.generate(KeySpec::Aes256), b"realm", &blob),
        Some(ModuleFault::Refused)
    );
    assert_eq!(
        open(state, b"realm", &blob[..blob.len() - 1]),
        Some(ModuleFault::Refused)
    );
    // Properly encrypted, but no tree inside.
    let other = rig.encrypt(state, b"realm", b"no tree");
    assert_eq!(open(state, b"realm", &other), Some(ModuleFault::Refused));
}

#[test]
fn the_sealed_state_after_one_puncture_is_forty_seeds() {
    let rig = Rig::start();
    let state = rig.generate(KeySpec::Aes256);
    let tree = puncture(&rig, key(rig.approved(Operation::TreeCreate)), &[99]);
    let blob = bytes(rig.approved(Operation::TreeSeal {
        tree,
        key: state,
        aad: b"",
    }));
    assert_eq!(blob.len(), 12 + 10 + 40 * (6 + 32) + 16);
}

#[test]
fn a_leaf_that_does_not_exist_is_refused() {
    let rig = Rig::start();
    let tree = key(rig.approved(Operation::TreeCreate));
    assert_eq!(leaf(&rig, tree, 1 << 40, b""), Err(ModuleFault::Refused));
    let fault = rig
        .done(Operation::TreePuncture {
            tree,
            leaves: &[1 << 40],
        })
        .err();
    assert_eq!(fault, Some(ModuleFault::Refused));
}

/// A known answer, computed with an independent implementation of SP 800-108 (see `tests/vectors/kbkdf.py`): stored data
/// depends on this derivation for ever.
#[test]
fn leaf_and_derived_keys_are_those_of_the_documented_derivation() {
    let rig = Rig::start();
    let state = rig.generate(KeySpec::Aes256);
    // A tree whose root seed is 32 bytes of 0x42, in its stored form.
    let mut stored = b"KWPT\x01\x28\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00".to_vec();
    stored.extend([0x42; 32]);
    let blob = rig.encrypt(state, b"aad", &stored);
    let tree = key(rig.approved(Operation::TreeOpen {
        key: state,
        aad: b"aad",
        blob: &blob,
    }));
    assert_eq!(leaf(&rig, tree, 0x12_3456_789a, b"info"), Ok(hex(LEAF)));
    let root = rig.import(KeySpec::HmacSha256, &[0x42; 32]).unwrap();
    for (spec, expected) in [
        (KeySpec::Aes256, DERIVED_AES_256),
        (KeySpec::HmacSha512, DERIVED_HMAC_SHA_512),
    ] {
        let derived = key(rig.approved(Operation::DeriveKey {
            key: root,
            info: b"info",
            spec,
        }));
        assert_eq!(rig.export(derived), hex(expected));
    }
}

include!("vectors/kbkdf.in");
