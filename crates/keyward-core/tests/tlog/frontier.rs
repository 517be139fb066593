//! The compact range: appending, storing, going on.

use crate::support::{Real, head, leaves, model};
use keyward_core::tlog::{
    EMPTY_ROOT, Frontier, FrontierError, Hash, HashReader, MAX_TREE_SIZE, Node, TreeError,
    consistency_nodes, inclusion_nodes, prove_consistency, prove_inclusion, root_nodes, tree_root,
};
use proptest::prelude::*;
use std::collections::HashMap;

fn frontier(leaves: &[Hash]) -> Frontier {
    let mut frontier = Frontier::new();
    leaves
        .iter()
        .for_each(|leaf| frontier.append(&Real, *leaf).unwrap());
    frontier
}

#[test]
fn the_frontier_has_the_root_of_the_naive_tree_at_every_size() {
    let all = leaves(600);
    let mut growing = Frontier::new();
    for size in 0..=all.len() {
        assert_eq!(growing.size(), size as u64);
        if size <= 130 || size.is_power_of_two() || size % 37 == 0 {
            assert_eq!(growing.head(&Real), head(&all[..size]), "size {size}");
        }
        if let Some(leaf) = all.get(size) {
            growing.append(&Real, *leaf).unwrap();
        }
    }
}

#[test]
fn a_full_tree_takes_no_further_leaf() {
    let roots = vec![EMPTY_ROOT; 63];
    let mut full = Frontier::from_roots(MAX_TREE_SIZE, roots).unwrap();
    let before = full.clone();
    assert_eq!(full.append(&Real, EMPTY_ROOT), Err(TreeError::TooLarge));
    assert_eq!(full, before);
}

#[test]
fn a_stored_frontier_with_any_byte_cut_or_a_size_changed_is_refused() {
    let stored = frontier(&leaves(77)).to_bytes();
    for length in 0..stored.len() {
        assert!(
            Frontier::from_bytes(&stored[..length]).is_err(),
            "{length} bytes"
        );
    }
    assert_eq!(
        Frontier::from_bytes(&[&stored[..], &[0]].concat()),
        Err(FrontierError::WrongLength)
    );
    let mut unknown = stored.clone();
    unknown[0] = 2;
    assert_eq!(
        Frontier::from_bytes(&unknown),
        Err(FrontierError::UnknownVersion)
    );
    let mut larger = stored.clone();
    larger[8] ^= 2;
    assert_eq!(
        Frontier::from_bytes(&larger),
        Err(FrontierError::WrongLength)
    );
    let huge = [&[1][..], &u64::MAX.to_be_bytes(), &[0; 64 * 32]].concat();
    assert_eq!(
        Frontier::from_bytes(&huge),
        Err(FrontierError::ImpossibleSize)
    );
}

#[test]
fn the_stored_frontier_keeps_its_form() {
    // Golden: version 1, size 3, the root of leaves 0 and 1, leaf 2.
    let all = leaves(3);
    let expected = [
        &[1, 0, 0, 0, 0, 0, 0, 0, 3][..],
        model::root(&all[..2]).as_bytes(),
        all[2].as_bytes(),
    ]
    .concat();
    assert_eq!(frontier(&all).to_bytes(), expected);
}

struct Stored(HashMap<Node, Hash>);

impl HashReader for Stored {
    fn read(&self, node: Node) -> Option<Hash> {
        self.0.get(&node).copied()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_frontier_stored_and_read_goes_on_to_the_same_root(before in 0usize..300, after in 0usize..100) {
        let all = leaves((before + after) as u64);
        let mut resumed = Frontier::from_bytes(&frontier(&all[..before]).to_bytes()).unwrap();
        all[before..].iter().for_each(|leaf| resumed.append(&Real, *leaf).unwrap());
        prop_assert_eq!(&resumed, &frontier(&all));
        prop_assert_eq!(resumed.head(&Real), head(&all));
    }

    #[test]
    fn the_nodes_reported_while_appending_are_all_that_proofs_need(
        (size, index) in (1u64..300).prop_flat_map(|size| (Just(size), 0..size)),
    ) {
        let mut stored = HashMap::new();
        let mut growing = Frontier::new();
        for leaf in leaves(size) {
            growing.append_with(&Real, leaf, |node, hash| assert!(stored.insert(node, hash).is_none())).unwrap();
        }
        let reader = Stored(stored);
        let tree = leaves(size);
        prop_assert_eq!(tree_root(&Real, &reader, size).unwrap(), model::root(&tree));
        prop_assert_eq!(prove_inclusion(&Real, &reader, index, size).unwrap(), model::path(index as usize, &tree));
        let proof = prove_consistency(&Real, &reader, index + 1, size).unwrap();
        prop_assert_eq!(proof, model::proof(index as usize + 1, &tree));
        let needed = inclusion_nodes(index, size).unwrap().into_iter()
            .chain(consistency_nodes(index + 1, size).unwrap()).chain(root_nodes(size));
        for node in needed {
            prop_assert!(reader.0.contains_key(&node), "{:?}", node);
        }
    }
}
