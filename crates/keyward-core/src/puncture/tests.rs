//! The tree against a naive model: a set of removed leaves, and a path walked from the root.
use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;
use core::convert::Infallible;

use proptest::prelude::*;

use super::*;

/// A stand-in for the PRF: the shape logic does not depend on its strength, only on its being a function of seed and label.
struct Mix;

type Seed = [u8; SEED_LEN];

const ROOT: Seed = [7; SEED_LEN];

fn step(seed: &Seed, label: NodeLabel) -> Seed {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    let mut out = [0; SEED_LEN];
    for round in 0..4_u8 {
        for byte in seed.iter().chain(&label.to_bytes()).chain(&[round]) {
            state = (state ^ u64::from(*byte))
                .wrapping_mul(0x0000_0100_0000_01b3)
                .rotate_left(23);
        }
        for (to, from) in out
            .iter_mut()
            .skip(usize::from(round) * 8)
            .zip(state.to_be_bytes())
        {
            *to = from;
        }
    }
    out
}

impl TreePrf for Mix {
    type Seed = Seed;
    type Error = Infallible;

    fn descend(&self, from: &Seed, path: Path) -> Result<Seed, Infallible> {
        Ok(path.labels().fold(*from, |seed, label| step(&seed, label)))
    }
}

/// The naive model: walks from the root bit by bit.
fn model_leaf(leaf: u64) -> Seed {
    (1..=HEIGHT).fold(ROOT, |seed, depth| {
        step(
            &seed,
            NodeLabel::new(depth, leaf >> (HEIGHT - depth)).expect("a node on the path"),
        )
    })
}

struct Collect(Vec<u8>);

impl TreeWriter<Seed> for Collect {
    fn public(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
    fn seed(&mut self, seed: &Seed) {
        self.0.extend_from_slice(seed);
    }
}

fn stored(tree: &PuncturableTree<Seed>) -> Vec<u8> {
    let mut out = Collect(Vec::new());
    tree.encode(&mut out);
    assert_eq!(out.0.len(), tree.encoded_len());
    out.0
}

fn read(bytes: &[u8]) -> Result<PuncturableTree<Seed>, TreeDecodeFault<Infallible>> {
    PuncturableTree::decode(bytes, |seed| Ok(*seed))
}

fn shape_of(tree: &PuncturableTree<Seed>) -> Vec<u8> {
    let mut out = Vec::new();
    tree.shape(|bytes| out.extend_from_slice(bytes));
    out
}

fn fresh() -> PuncturableTree<Seed> {
    PuncturableTree::create(ROOT)
}

/// Leaves that meet often: a dense corner at either end, around a power of two, and anywhere.
fn leaf() -> impl Strategy<Value = u64> {
    prop_oneof![
        3 => 0..64_u64,
        1 => (LEAVES - 16)..LEAVES,
        1 => ((1 << 24) - 8)..((1 << 24) + 8_u64),
        1 => 0..LEAVES,
    ]
}

fn agrees_with(tree: &PuncturableTree<Seed>, gone: &BTreeSet<u64>, probes: &[u64]) {
    for probe in probes.iter().chain(gone) {
        if gone.contains(probe) {
            assert!(tree.is_punctured(*probe));
            assert_eq!(tree.leaf(&Mix, *probe), Err(TreeFault::Punctured));
        } else {
            assert!(!tree.is_punctured(*probe));
            assert_eq!(tree.leaf(&Mix, *probe), Ok(model_leaf(*probe)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn removed_leaves_never_derive_and_all_others_derive_what_they_always_did(
        batches in prop::collection::vec(prop::collection::vec(leaf(), 0..12), 0..6),
        probes in prop::collection::vec(leaf(), 1..24),
    ) {
        let mut tree = fresh();
        let mut gone = BTreeSet::new();
        for batch in &batches {
            tree = tree.puncture(&Mix, batch).expect("in range");
            gone.extend(batch.iter().copied());
            agrees_with(&tree, &gone, &probes);
        }
    }

    #[test]
    fn the_order_and_grouping_of_removals_leave_no_trace(
        leaves in prop::collection::vec(leaf(), 0..20),
        shuffled in any::<prop::sample::Index>(),
    ) {
        let at_once = fresh().puncture(&Mix, &leaves).expect("in range");
        let mut rotated = leaves.clone();
        if !rotated.is_empty() {
            let by = shuffled.index(rotated.len());
            rotated.rotate_left(by);
            rotated.reverse();
        }
        let mut one_by_one = fresh();
        for leaf in rotated {
            one_by_one = one_by_one.puncture(&Mix, &[leaf]).expect("in range");
        }
        prop_assert_eq!(stored(&at_once), stored(&one_by_one));
    }

    #[test]
    fn a_removed_range_is_the_same_as_its_leaves_removed_one_by_one(
        start in leaf(), length in 0..70_u64, before in prop::collection::vec(leaf(), 0..6),
    ) {
        let end = (start + length).min(LEAVES);
        let tree = fresh().puncture(&Mix, &before).expect("in range");
        let ranged = tree.puncture_range(&Mix, start..end).expect("in range");
        let listed = tree.puncture(&Mix, &(start..end).collect::<Vec<_>>()).expect("in range");
        prop_assert_eq!(stored(&ranged), stored(&listed));
    }

    #[test]
    fn what_is_stored_is_read_back_exactly(leaves in prop::collection::vec(leaf(), 0..20)) {
        let bytes = stored(&fresh().puncture(&Mix, &leaves).expect("in range"));
        prop_assert_eq!(stored(&read(&bytes).expect("own encoding")), bytes);
    }

    #[test]
    fn a_stored_tree_of_another_length_is_refused(
        leaves in prop::collection::vec(leaf(), 1..8), cut in any::<prop::sample::Index>(),
    ) {
        let bytes = stored(&fresh().puncture(&Mix, &leaves).expect("in range"));
        let mut longer = bytes.clone();
        longer.push(0);
        prop_assert!(read(&longer).is_err());
        prop_assert!(read(&bytes[..cut.index(bytes.len())]).is_err());
    }

    #[test]
    fn arbitrary_bytes_are_refused_or_read_as_a_canonical_tree(
        tail in prop::collection::vec(any::<u8>(), 0..200), count in 0..4_u32,
    ) {
        let mut bytes = b"KWPT\x01\x28".to_vec();
        bytes.extend(count.to_be_bytes());
        bytes.extend(tail);
        if let Ok(tree) = read(&bytes) {
            prop_assert_eq!(stored(&tree), bytes);
        }
    }

    #[test]
    fn the_shape_says_which_leaves_are_left_and_nothing_of_the_seeds(
        leaves in prop::collection::vec(leaf(), 0..12), extra in leaf(),
    ) {
        let tree = fresh().puncture(&Mix, &leaves).expect("in range");
        let other_seeds = PuncturableTree::create([9; SEED_LEN]).puncture(&Mix, &leaves).expect("in range");
        prop_assert_eq!(shape_of(&tree), shape_of(&other_seeds));
        let further = tree.puncture(&Mix, &[extra]).expect("in range");
        prop_assert_eq!(shape_of(&further) == shape_of(&tree), leaves.contains(&extra));
    }
}

fn node(depth: u8, prefix: u64) -> Vec<u8> {
    let mut bytes = NodeLabel::new(depth, prefix)
        .expect("a node")
        .to_bytes()
        .to_vec();
    bytes.extend([depth; SEED_LEN]);
    bytes
}

fn tree_of(nodes: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"KWPT\x01\x28".to_vec();
    bytes.extend(u32::try_from(nodes.len()).expect("few").to_be_bytes());
    bytes.extend(nodes.concat());
    bytes
}

#[test]
fn a_stored_tree_with_overlapping_misordered_repeated_or_sibling_nodes_is_refused() {
    assert!(read(&tree_of(&[node(2, 0), node(2, 2)])).is_ok());
    let refused = [
        ("order", tree_of(&[node(2, 2), node(2, 0)])),
        ("order", tree_of(&[node(1, 0), node(2, 1)])),
        ("order", tree_of(&[node(2, 1), node(1, 0)])),
        ("order", tree_of(&[node(2, 1), node(2, 1)])),
        ("order", tree_of(&[node(0, 0), node(40, 5)])),
        ("siblings", tree_of(&[node(2, 0), node(2, 1)])),
    ];
    for (why, bytes) in refused {
        assert_eq!(read(&bytes).err(), Some(TreeDecodeFault::Malformed(why)));
    }
}

#[test]
fn a_stored_tree_with_an_impossible_label_is_refused() {
    for label in [
        [41, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 1],
        [3, 0, 0, 0, 0, 8],
        [255; 6],
    ] {
        let mut bytes = label.to_vec();
        bytes.extend([1; SEED_LEN]);
        assert_eq!(
            read(&tree_of(&[bytes])).err(),
            Some(TreeDecodeFault::Malformed("label"))
        );
    }
}

#[test]
fn a_stored_tree_of_another_kind_version_height_or_count_is_refused() {
    let good = tree_of(&[node(0, 0)]);
    let mut other = good.clone();
    other[0] = b'X';
    assert_eq!(
        read(&other).err(),
        Some(TreeDecodeFault::Malformed("not a tree"))
    );
    for (at, value) in [(4, 0), (4, 2), (5, 39), (5, 41)] {
        let mut other = good.clone();
        other[at] = value;
        assert_eq!(read(&other).err(), Some(TreeDecodeFault::Version));
    }
    for count in [0_u32, 2, u32::MAX] {
        let mut other = good.clone();
        other[6..10].copy_from_slice(&count.to_be_bytes());
        assert_eq!(
            read(&other).err(),
            Some(TreeDecodeFault::Malformed("length"))
        );
    }
    assert_eq!(
        read(&[]).err(),
        Some(TreeDecodeFault::Malformed("too short"))
    );
}

#[test]
fn a_refused_seed_refuses_the_tree() {
    let taken = PuncturableTree::<Seed>::decode(&tree_of(&[node(0, 0)]), |_| Err("no room"));
    assert_eq!(taken.err(), Some(TreeDecodeFault::Seed("no room")));
}

#[test]
fn what_is_not_a_leaf_is_out_of_range() {
    let tree = fresh();
    assert!(tree.is_punctured(LEAVES));
    assert_eq!(tree.leaf(&Mix, LEAVES), Err(TreeFault::OutOfRange));
    assert_eq!(
        tree.puncture(&Mix, &[1, LEAVES]).err(),
        Some(TreeFault::OutOfRange)
    );
    assert_eq!(
        tree.puncture_range(&Mix, 0..LEAVES + 1).err(),
        Some(TreeFault::OutOfRange)
    );
}

#[test]
fn a_tree_without_leaves_is_stored_and_derives_nothing() {
    let empty = fresh().puncture_range(&Mix, 0..LEAVES).expect("in range");
    assert_eq!(empty.node_count(), 0);
    let again = read(&stored(&empty)).expect("own encoding");
    assert!(again.is_punctured(0) && again.is_punctured(LEAVES - 1));
}

/// The state sizes published for this construction with 2^40 leaves and a million given out in order.
#[test]
fn the_state_is_as_small_as_promised() {
    let million = 1_000_000_u64;
    let scattered = |count: u64| -> Vec<u64> {
        // A fixed multiplicative walk: spread evenly enough, and the same in every run.
        (0..count)
            .map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) % million)
            .collect()
    };
    let seeds = |leaves: &[u64]| {
        fresh()
            .puncture(&Mix, leaves)
            .expect("in range")
            .node_count()
    };
    assert_eq!(seeds(&[123_456]), 40);
    assert!(seeds(&scattered(1_000)) * SEED_LEN < 330_000);
    assert!(seeds(&scattered(10_000)) * SEED_LEN < 2_200_000);
    let oldest = fresh().puncture_range(&Mix, 0..100_000).expect("in range");
    assert!(oldest.node_count() <= 40, "{}", oldest.node_count());
}

#[test]
fn a_path_names_every_node_below_its_start_down_to_its_end() {
    let path = Path {
        from: NodeLabel::new(37, 1).expect("a node"),
        to: NodeLabel::of_leaf(0b1101).expect("a leaf"),
    };
    let labels: Vec<_> = path
        .labels()
        .map(|label| (label.depth(), label.prefix()))
        .collect();
    assert_eq!(labels, vec![(38, 0b11), (39, 0b110), (40, 0b1101)]);
    assert_eq!(path.labels().len(), 3);
}
