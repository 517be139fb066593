//! Tiles, bundles and their names.

use crate::support::{Real, entry, leaves, model};
use keyward_core::tlog::{
    BundleId, Hash, HashReader, MAX_TREE_SIZE, Node, ResumeError, Tile, TileError, TileId,
    TileSetError, TileWriter, Tiles, TreeHead, append_entry, consistency_nodes, inclusion_nodes,
    leaf_hash, prove_consistency, prove_inclusion, read_bundle, tree_root,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Where a log keeps its tiles.
type Store = BTreeMap<TileId, Vec<u8>>;

/// Writes leaves in batches, storing what the writer says.
fn write(batches: &[&[Hash]]) -> (TileWriter, Store) {
    let (mut writer, mut store) = (TileWriter::new(), Store::new());
    for batch in batches {
        for tile in writer.append(&Real, batch).unwrap() {
            let earlier = store.insert(tile.id(), tile.to_bytes());
            assert_eq!(earlier, None, "tile {} was written twice", tile.id());
        }
    }
    (writer, store)
}

/// The tile as c2sp.org/tlog-tiles defines it: hashes of the leaves i · 256^level onwards.
fn defined_tile(leaves: &[Hash], id: TileId) -> Vec<u8> {
    let span = 256usize.pow(id.level().into());
    let first = id.index() as usize * 256;
    (first..first + usize::from(id.width()))
        .flat_map(|at| *model::root(&leaves[at * span..(at + 1) * span]).as_bytes())
        .collect()
}

fn fetch(store: &Store, size: u64, nodes: &[Node]) -> Tiles {
    let mut tiles = Tiles::new(size).unwrap();
    for id in Tiles::needed(size, nodes) {
        tiles.insert(id, &store[&id]).unwrap();
    }
    tiles
}

fn fetch_all(store: &Store, size: u64) -> Tiles {
    let mut tiles = Tiles::new(size).unwrap();
    TileId::new_in(0, size).for_each(|id| tiles.insert(id, &store[&id]).unwrap());
    tiles
}

#[test]
fn a_tree_of_70000_has_the_tiles_that_the_specification_says() {
    // c2sp.org/tlog-tiles, "Partial Tiles".
    let ids: Vec<TileId> = TileId::new_in(0, 70_000).collect();
    let full = |level| {
        ids.iter()
            .filter(|id| id.level() == level && id.is_full())
            .count()
    };
    let partial: Vec<_> = TileId::right_edge(70_000)
        .map(|id| (id.level(), id.width()))
        .collect();
    assert_eq!((full(0), full(1), full(2)), (273, 1, 0));
    assert_eq!(partial, [(0, 112), (1, 17), (2, 1)]);
    assert_eq!(ids.len(), 273 + 1 + 3);

    let of_256: Vec<_> = TileId::new_in(0, 256)
        .map(|id| (id.level(), id.width()))
        .collect();
    assert_eq!(of_256, [(0, 256), (1, 1)]);
    assert_eq!(TileId::new_in(0, 0).count(), 0);
}

#[test]
fn written_tiles_are_those_of_the_definition_through_three_levels() {
    let all = leaves(66_000);
    let (writer, store) = write(&[&all[..65_000], &all[65_000..65_536], &all[65_536..]]);
    let size = all.len() as u64;
    for id in TileId::new_in(0, size) {
        if id.level() > 0 || id.index() % 50 == 0 || !id.is_full() {
            assert_eq!(store[&id], defined_tile(&all, id), "tile {id}");
        }
    }
    let root = model::root(&all);
    assert_eq!(writer.head(&Real), TreeHead { size, root });
    assert_eq!(writer.frontier().size(), size);
    assert!(fetch_all(&store, size).verify(&Real, &root).is_ok());
}

#[test]
fn a_proof_needs_few_tiles_of_a_large_tree() {
    let all = leaves(66_000);
    let (_, store) = write(&[&all]);
    let head = TreeHead {
        size: 66_000,
        root: model::root(&all),
    };
    let nodes = inclusion_nodes(300, 66_000).unwrap();
    let tiles = fetch(&store, 66_000, &nodes);
    // The leaf's tile, the full level-1 tile over it, and the three partial tiles of the edge.
    assert_eq!(Tiles::needed(66_000, &nodes).len(), 5);
    let verified = tiles.verify(&Real, &head.root).unwrap();
    assert_eq!(
        prove_inclusion(&Real, &verified, 300, 66_000).unwrap(),
        model::path(300, &all)
    );
    assert_eq!(verified.head(), head);
    assert_eq!(verified.tile(0, 1).unwrap().hashes(), &all[256..512]);
}

#[test]
fn a_single_hash_is_read_with_the_tiles_that_vouch_for_it() {
    let all = leaves(66_000);
    let (_, store) = write(&[&all]);
    let leaf = Node {
        level: 0,
        index: 300,
    };
    // The tile over the leaf's is full as well and has no hash that is asked for.
    let verified = fetch(&store, 66_000, &[leaf])
        .verify(&Real, &model::root(&all))
        .unwrap();
    assert_eq!(verified.read(leaf), Some(all[300]));
}

#[test]
fn any_flipped_byte_of_any_tile_is_found() {
    let all = leaves(600);
    let (_, store) = write(&[&all]);
    let root = model::root(&all);
    for id in TileId::new_in(0, 600) {
        for at in (0..store[&id].len()).step_by(7) {
            let mut tampered = store.clone();
            tampered.get_mut(&id).unwrap()[at] ^= 0x10;
            let verdict = fetch_all(&tampered, 600).verify(&Real, &root).map(|_| ());
            // Where it is noticed depends on the tile; that it is noticed does not.
            assert!(
                matches!(
                    verdict,
                    Err(TileSetError::Altered(_) | TileSetError::RootMismatch)
                ),
                "byte {at} of {id}: {verdict:?}"
            );
        }
    }
}

/// The root of a tree of 600 is made of four hashes, which lie in two tiles. A reader that takes
/// the number of the hashes for that of the tiles leaves as many full tiles unchecked.
#[test]
fn an_altered_tile_is_found_even_if_it_is_the_only_one_fetched_besides_the_edge() {
    let all = leaves(600);
    let (_, store) = write(&[&all]);
    let root = model::root(&all);
    for id in store.keys() {
        let mut altered = store.clone();
        altered.get_mut(id).unwrap()[3] ^= 1;
        let index = if id.level() == 0 { id.index() * 256 } else { 0 };
        let tiles = fetch(&altered, 600, &inclusion_nodes(index, 600).unwrap());
        assert!(tiles.verify(&Real, &root).is_err(), "{id}");
    }
}

#[test]
fn swapped_dropped_or_foreign_tiles_are_found() {
    let all = leaves(700);
    let (_, store) = write(&[&all]);
    let root = model::root(&all);
    let (first, second) = (
        TileId::new(0, 0, 256).unwrap(),
        TileId::new(0, 1, 256).unwrap(),
    );

    let mut swapped = store.clone();
    swapped.insert(first, store[&second].clone());
    swapped.insert(second, store[&first].clone());
    assert_eq!(
        fetch_all(&swapped, 700).verify(&Real, &root).map(|_| ()),
        Err(TileSetError::Altered(second))
    );

    for dropped in TileId::right_edge(700) {
        let mut tiles = Tiles::new(700).unwrap();
        for id in TileId::new_in(0, 700).filter(|id| *id != dropped) {
            tiles.insert(id, &store[&id]).unwrap();
        }
        assert_eq!(
            tiles.verify(&Real, &root).map(|_| ()),
            Err(TileSetError::Missing(dropped))
        );
    }

    let earlier = model::root(&all[..699]);
    assert_eq!(
        fetch_all(&store, 700).verify(&Real, &earlier).map(|_| ()),
        Err(TileSetError::RootMismatch)
    );
    let mut tiles = Tiles::new(700).unwrap();
    let beyond = TileId::new(0, 3, 1).unwrap();
    assert_eq!(
        tiles.insert(beyond, &[0; 32]),
        Err(TileSetError::NotInTree(beyond))
    );
    let narrower = TileId::new(0, 2, 187).unwrap();
    assert_eq!(
        tiles.insert(narrower, &[0; 187 * 32]),
        Err(TileSetError::NotInTree(narrower))
    );
    assert_eq!(
        tiles.insert(first, &[0; 255 * 32]),
        Err(TileSetError::Tile(TileError::WrongLength))
    );
    assert_eq!(
        tiles.insert(first, &[0; 255 * 32 + 31]),
        Err(TileSetError::Tile(TileError::WrongLength))
    );
    assert!(matches!(
        Tiles::new(MAX_TREE_SIZE + 1),
        Err(TileSetError::ImpossibleSize)
    ));
}

#[test]
fn a_full_tile_serves_for_its_deleted_partial_self() {
    let all = leaves(512);
    let (_, store) = write(&[&all]);
    let mut tiles = Tiles::new(300).unwrap();
    tiles
        .insert(
            TileId::new(0, 0, 256).unwrap(),
            &store[&TileId::new(0, 0, 256).unwrap()],
        )
        .unwrap();
    tiles
        .insert(
            TileId::new(0, 1, 256).unwrap(),
            &store[&TileId::new(0, 1, 256).unwrap()],
        )
        .unwrap();
    tiles
        .insert(
            TileId::new(1, 0, 2).unwrap(),
            &store[&TileId::new(1, 0, 2).unwrap()],
        )
        .unwrap();
    let verified = tiles.verify(&Real, &model::root(&all[..300])).unwrap();
    assert_eq!(
        prove_inclusion(&Real, &verified, 299, 300).unwrap(),
        model::path(299, &all[..300])
    );
    // What the tree of 300 has not is not read from it.
    assert_eq!(
        verified.read(Node {
            level: 0,
            index: 300
        }),
        None
    );
}

#[test]
fn the_empty_tree_has_no_tiles_and_verifies() {
    let verified = Tiles::new(0)
        .unwrap()
        .verify(&Real, &model::root(&[]))
        .unwrap();
    assert_eq!(tree_root(&Real, &verified, 0), Ok(model::root(&[])));
    assert!(Tiles::new(0).unwrap().verify(&Real, &leaves(1)[0]).is_err());
}

#[test]
fn a_writer_does_not_resume_from_wrong_or_missing_tiles() {
    let all = leaves(600);
    let (writer, store) = write(&[&all]);
    let head = writer.head(&Real);
    let edge: Vec<Tile> = TileId::right_edge(600)
        .map(|id| Tile::from_bytes(id, &store[&id]).unwrap())
        .collect();
    assert_eq!(TileWriter::resume(&Real, &head, &edge), Ok(writer));
    for (at, tile) in edge.iter().enumerate() {
        let mut missing = edge.clone();
        missing.remove(at);
        let verdict = TileWriter::resume(&Real, &head, &missing);
        assert_eq!(verdict, Err(ResumeError::Missing(tile.id())));
        let mut altered = edge.clone();
        let mut bytes = tile.to_bytes();
        bytes[5] ^= 1;
        altered[at] = Tile::from_bytes(tile.id(), &bytes).unwrap();
        assert_eq!(
            TileWriter::resume(&Real, &head, &altered),
            Err(ResumeError::RootMismatch)
        );
    }
    let huge = TreeHead {
        size: MAX_TREE_SIZE + 1,
        ..head
    };
    assert_eq!(
        TileWriter::resume(&Real, &huge, &edge),
        Err(ResumeError::ImpossibleSize)
    );
    let false_empty = TreeHead { size: 0, ..head };
    assert_eq!(
        TileWriter::resume(&Real, &false_empty, &[]),
        Err(ResumeError::RootMismatch)
    );
    assert_eq!(
        TileWriter::resume(&Real, &TreeHead::EMPTY, &[]),
        Ok(TileWriter::new())
    );
}

#[test]
fn entries_of_a_bundle_are_those_under_the_tile_at_its_place() {
    let all = leaves(300);
    let (_, store) = write(&[&all]);
    let verified = fetch_all(&store, 300)
        .verify(&Real, &model::root(&all))
        .unwrap();
    for index in 0..2 {
        let id = BundleId::in_tree(index, 300).unwrap();
        let mut bundle = Vec::new();
        (index * 256..index * 256 + u64::from(id.width()))
            .for_each(|at| append_entry(&mut bundle, &entry(at)).unwrap());
        let hashes: Vec<Hash> = read_bundle(&bundle, id.width())
            .unwrap()
            .into_iter()
            .map(|entry| leaf_hash(&Real, entry))
            .collect();
        assert_eq!(hashes, verified.tile(0, index).unwrap().hashes());
        assert_eq!(id.is_full(), index == 0);
    }
    assert_eq!(BundleId::in_tree(2, 300), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn however_leaves_are_batched_the_tiles_and_the_resumed_writer_are_the_same(
        sizes in proptest::collection::vec(0u64..400, 1..6),
    ) {
        let total = sizes.iter().sum();
        let all = leaves(total);
        let (mut writer, mut store) = (TileWriter::new(), Store::new());
        let mut done = 0u64;
        for batch in sizes {
            let until = done + batch;
            for tile in writer.append(&Real, &all[done as usize..until as usize]).unwrap() {
                store.insert(tile.id(), tile.to_bytes());
            }
            let expected: Vec<TileId> = TileId::new_in(done, until).collect();
            for id in &expected {
                prop_assert_eq!(&store[id], &defined_tile(&all, *id));
            }
            // A restart between any two batches changes nothing.
            let head = writer.head(&Real);
            prop_assert_eq!(head.root, model::root(&all[..until as usize]));
            let edge: Vec<Tile> = TileId::right_edge(until)
                .map(|id| Tile::from_bytes(id, &store[&id]).unwrap()).collect();
            let resumed = TileWriter::resume(&Real, &head, &edge).unwrap();
            prop_assert_eq!(resumed.frontier(), writer.frontier());
            writer = resumed;
            done = until;
        }
        prop_assert!(fetch_all(&store, total).verify(&Real, &model::root(&all)).is_ok());
    }

    #[test]
    fn proofs_from_just_the_needed_tiles_are_the_naive_ones(
        (size, index) in (1u64..1500).prop_flat_map(|size| (Just(size), 0..size)),
    ) {
        let all = leaves(size);
        let (_, store) = write(&[&all]);
        let root = model::root(&all);
        let tiles = fetch(&store, size, &inclusion_nodes(index, size).unwrap()).verify(&Real, &root).unwrap();
        let proof = prove_inclusion(&Real, &tiles, index, size).unwrap();
        prop_assert_eq!(&proof, &model::path(index as usize, &all));
        let tiles = fetch(&store, size, &consistency_nodes(index + 1, size).unwrap()).verify(&Real, &root).unwrap();
        let proof = prove_consistency(&Real, &tiles, index + 1, size).unwrap();
        prop_assert_eq!(&proof, &model::proof(index as usize + 1, &all));
    }
}
