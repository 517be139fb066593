//! Roots, inclusion and consistency proofs.

use crate::support::{Real, head, leaves, model, spoiled};
use keyward_core::tlog::{
    EMPTY_ROOT, Frontier, Hash, HashReader, LeafHashes, MAX_TREE_SIZE, Node, ProofError, TreeError,
    TreeHead, consistency_nodes, inclusion_nodes, leaf_hash, prove_consistency, prove_inclusion,
    root_nodes, tree_root, verify_consistency, verify_inclusion,
};
use proptest::prelude::*;

/// Trees this small are checked completely.
const SMALL: u64 = 70;

#[test]
fn the_root_of_nothing_is_the_hash_of_nothing() {
    assert_eq!(model::root(&[]), EMPTY_ROOT);
    assert_eq!(Frontier::new().head(&Real), TreeHead::EMPTY);
    assert_eq!(
        tree_root(&Real, &LeafHashes::new(&Real, &[]), 0),
        Ok(EMPTY_ROOT)
    );
}

#[test]
fn a_leaf_never_hashes_like_a_node() {
    let (left, right) = (leaf_hash(&Real, b"left"), leaf_hash(&Real, b"right"));
    let node = keyward_core::tlog::node_hash(&Real, &left, &right);
    let forged = [left.as_bytes().as_slice(), right.as_bytes()].concat();
    assert_ne!(node, leaf_hash(&Real, &forged));
}

#[test]
fn every_inclusion_proof_of_small_trees_is_the_naive_one_and_holds() {
    let all = leaves(SMALL);
    for size in 1..=SMALL {
        let tree = &all[..size as usize];
        let (head, reader) = (head(tree), LeafHashes::new(&Real, tree));
        for index in 0..size {
            let proof = prove_inclusion(&Real, &reader, index, size).unwrap();
            assert_eq!(
                proof,
                model::path(index as usize, tree),
                "{index} of {size}"
            );
            for (candidate, leaf) in tree.iter().enumerate() {
                let verdict = verify_inclusion(&Real, *leaf, index, &head, &proof);
                assert_eq!(
                    verdict.is_ok(),
                    candidate as u64 == index,
                    "leaf {candidate} as {index} of {size}"
                );
            }
            for other in (0..=size).filter(|other| *other != index) {
                let verdict = verify_inclusion(&Real, tree[index as usize], other, &head, &proof);
                assert!(verdict.is_err(), "{index} of {size} passed as {other}");
            }
        }
    }
}

#[test]
fn every_consistency_proof_of_small_trees_is_the_naive_one_and_holds() {
    let all = leaves(SMALL);
    let heads: Vec<TreeHead> = (0..=all.len()).map(|size| head(&all[..size])).collect();
    for (new_size, new) in heads.iter().enumerate() {
        let reader = LeafHashes::new(&Real, &all[..new_size]);
        for (old_size, old) in heads[..=new_size].iter().enumerate() {
            let proof = prove_consistency(&Real, &reader, old.size, new.size).unwrap();
            if old_size > 0 {
                assert_eq!(
                    proof,
                    model::proof(old_size, &all[..new_size]),
                    "{old_size} to {new_size}"
                );
            }
            assert_eq!(
                verify_consistency(&Real, old, new, &proof),
                Ok(()),
                "{old_size} to {new_size}"
            );
            for wrong in heads
                .iter()
                .filter(|wrong| wrong.size != old.size && wrong.size != 0)
            {
                let claimed = TreeHead {
                    size: wrong.size,
                    root: old.root,
                };
                assert!(verify_consistency(&Real, &claimed, new, &proof).is_err());
                assert!(old_size == 0 || verify_consistency(&Real, wrong, new, &proof).is_err());
            }
        }
    }
}

#[test]
fn a_log_that_changed_an_old_entry_cannot_prove_consistency() {
    let honest = leaves(41);
    for changed in 0..29 {
        let mut forked = honest.clone();
        forked[changed] = leaf_hash(&Real, b"forged");
        let old = head(&honest[..29]);
        for new_size in 29..=41 {
            let reader = LeafHashes::new(&Real, &forked[..new_size]);
            let proof = prove_consistency(&Real, &reader, 29, new_size as u64).unwrap();
            let verdict = verify_consistency(&Real, &old, &head(&forked[..new_size]), &proof);
            assert_eq!(
                verdict,
                Err(ProofError::RootMismatch),
                "entry {changed}, size {new_size}"
            );
        }
    }
}

#[test]
fn impossible_questions_are_refused() {
    let all = leaves(4);
    let reader = LeafHashes::new(&Real, &all);
    let too_large = MAX_TREE_SIZE + 1;
    assert_eq!(
        prove_inclusion(&Real, &reader, 4, 4),
        Err(TreeError::IndexOutOfRange)
    );
    assert_eq!(
        prove_inclusion(&Real, &reader, 0, 0),
        Err(TreeError::IndexOutOfRange)
    );
    assert_eq!(
        prove_inclusion(&Real, &reader, 0, too_large),
        Err(TreeError::TooLarge)
    );
    assert_eq!(
        prove_consistency(&Real, &reader, 3, 2),
        Err(TreeError::SizesOutOfOrder)
    );
    assert_eq!(
        prove_consistency(&Real, &reader, 0, too_large),
        Err(TreeError::TooLarge)
    );
    assert_eq!(
        tree_root(&Real, &reader, too_large),
        Err(TreeError::TooLarge)
    );
    let beyond = Node { level: 2, index: 1 };
    assert_eq!(
        prove_inclusion(&Real, &reader, 0, 8),
        Err(TreeError::MissingNode(beyond))
    );

    let head = head(&all);
    assert_eq!(
        verify_inclusion(&Real, all[0], 4, &head, &[]),
        Err(ProofError::IndexOutOfRange)
    );
    assert_eq!(
        verify_inclusion(&Real, all[0], 0, &TreeHead::EMPTY, &[]),
        Err(ProofError::IndexOutOfRange)
    );
    let larger = TreeHead { size: 5, ..head };
    assert_eq!(
        verify_consistency(&Real, &larger, &head, &[]),
        Err(ProofError::SizesOutOfOrder)
    );
    let false_empty = TreeHead {
        size: 0,
        root: all[0],
    };
    assert_eq!(
        verify_consistency(&Real, &false_empty, &head, &[]),
        Err(ProofError::ImpossibleHead)
    );
    assert_eq!(
        verify_consistency(&Real, &false_empty, &false_empty, &[]),
        Err(ProofError::ImpossibleHead)
    );
    let huge = TreeHead {
        size: too_large,
        ..head
    };
    assert_eq!(
        verify_consistency(&Real, &head, &huge, &[]),
        Err(ProofError::ImpossibleHead)
    );
    assert_eq!(
        verify_inclusion(&Real, all[0], 0, &huge, &[]),
        Err(ProofError::ImpossibleHead)
    );
}

#[test]
fn trivial_consistency_needs_an_empty_proof_and_equal_roots() {
    let all = leaves(7);
    let (tree, other) = (head(&all), head(&all[..6]));
    let impostor = TreeHead {
        size: 7,
        root: other.root,
    };
    assert_eq!(
        verify_consistency(&Real, &TreeHead::EMPTY, &tree, &[]),
        Ok(())
    );
    assert_eq!(
        verify_consistency(&Real, &TreeHead::EMPTY, &TreeHead::EMPTY, &[]),
        Ok(())
    );
    assert_eq!(verify_consistency(&Real, &tree, &tree, &[]), Ok(()));
    assert_eq!(
        verify_consistency(&Real, &tree, &impostor, &[]),
        Err(ProofError::RootMismatch)
    );
    assert_eq!(
        verify_consistency(&Real, &TreeHead::EMPTY, &tree, &all[..1]),
        Err(ProofError::WrongLength)
    );
    assert_eq!(
        verify_consistency(&Real, &tree, &tree, &all[..1]),
        Err(ProofError::WrongLength)
    );
    assert_eq!(
        verify_consistency(&Real, &other, &tree, &[]),
        Err(ProofError::WrongLength)
    );
}

#[test]
fn proofs_in_the_largest_tree_are_no_longer_than_its_height_allows() {
    for index in [
        0,
        1,
        MAX_TREE_SIZE / 2,
        MAX_TREE_SIZE - 2,
        MAX_TREE_SIZE - 1,
    ] {
        assert!(inclusion_nodes(index, MAX_TREE_SIZE).is_ok());
        // With a reader that has every hash the proof can be made and checked, whatever the hashes
        // are.
        let proof = prove_inclusion(&Real, &Same, index, MAX_TREE_SIZE).unwrap();
        assert!(proof.len() <= 63);
    }
    assert_eq!(root_nodes(MAX_TREE_SIZE).len(), 63);
    for old in [1, 2, 3, MAX_TREE_SIZE / 2, MAX_TREE_SIZE - 1, MAX_TREE_SIZE] {
        assert!(consistency_nodes(old, MAX_TREE_SIZE).is_ok());
        // One more than the height: the old tree's own last subtree. At half this size they fit a
        // witness' 63 lines.
        assert!(
            prove_consistency(&Real, &Same, old, MAX_TREE_SIZE)
                .unwrap()
                .len()
                <= 64
        );
        assert!(
            prove_consistency(&Real, &Same, old / 2 + 1, MAX_TREE_SIZE / 2 + 1)
                .unwrap()
                .len()
                <= 63
        );
    }
}

/// Has the same hash for every node.
struct Same;

impl HashReader for Same {
    fn read(&self, _: Node) -> Option<Hash> {
        Some(EMPTY_ROOT)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_inclusion_proof_is_the_naive_one_and_no_spoiled_one_holds(
        (size, index) in (1u64..600).prop_flat_map(|size| (Just(size), 0..size)),
    ) {
        let tree = leaves(size);
        let proof = prove_inclusion(&Real, &LeafHashes::new(&Real, &tree), index, size).unwrap();
        prop_assert_eq!(&proof, &model::path(index as usize, &tree));
        let (head, leaf) = (head(&tree), tree[index as usize]);
        prop_assert_eq!(verify_inclusion(&Real, leaf, index, &head, &proof), Ok(()));
        for (what, wrong) in spoiled(&proof) {
            prop_assert!(verify_inclusion(&Real, leaf, index, &head, &wrong).is_err(), "{}", what);
        }
    }

    #[test]
    fn any_consistency_proof_is_the_naive_one_and_no_spoiled_one_holds(
        (new, old) in (1u64..600).prop_flat_map(|new| (Just(new), 1..=new)),
    ) {
        let tree = leaves(new);
        let proof = prove_consistency(&Real, &LeafHashes::new(&Real, &tree), old, new).unwrap();
        prop_assert_eq!(&proof, &model::proof(old as usize, &tree));
        let (old, new) = (head(&tree[..old as usize]), head(&tree));
        prop_assert_eq!(verify_consistency(&Real, &old, &new, &proof), Ok(()));
        for (what, wrong) in spoiled(&proof) {
            prop_assert!(verify_consistency(&Real, &old, &new, &wrong).is_err(), "{}", what);
        }
    }
}
