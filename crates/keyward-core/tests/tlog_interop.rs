//! Our log against an independent implementation: the crates `tlog_tiles` and `signed_note`
//! (Cloudflare's azul).
//!
//! Both ways round: they read, verify and prove from what we write, and we from what they write.

#[path = "tlog/support.rs"]
mod support;

#[path = "tlog_interop/notes.rs"]
mod notes;

use keyward_core::tlog::{
    self, Hash, LeafHashes, Node, TileId, TileWriter, Tiles, TreeHead, consistency_nodes,
    inclusion_nodes, prove_consistency, prove_inclusion, verify_consistency, verify_inclusion,
};
use proptest::prelude::*;
use std::{cell::RefCell, collections::BTreeMap};
use support::{Real, leaves};
use tlog_tiles::{Error, HashReader, Tile, TileHashReader, TileReader};

const HEIGHT: u8 = 8;

/// A hash as their type.
pub fn theirs(hash: Hash) -> tlog_tiles::Hash {
    tlog_tiles::Hash(hash.into())
}

fn ours(hash: tlog_tiles::Hash) -> Hash {
    hash.0.into()
}

fn all_theirs(hashes: &[Hash]) -> Vec<tlog_tiles::Hash> {
    hashes.iter().copied().map(theirs).collect()
}

fn all_ours(hashes: &[tlog_tiles::Hash]) -> Vec<Hash> {
    hashes.iter().copied().map(ours).collect()
}

/// A log as they keep it: every hash of every complete subtree, in their order.
struct TheirLog(Vec<tlog_tiles::Hash>);

impl TheirLog {
    fn new(leaves: &[Hash]) -> Self {
        let mut log = Self(Vec::new());
        for (index, leaf) in leaves.iter().enumerate() {
            let hashes =
                tlog_tiles::stored_hashes_for_record_hash(index as u64, theirs(*leaf), &log)
                    .unwrap();
            log.0.extend(hashes);
        }
        log
    }
}

impl HashReader for TheirLog {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, Error> {
        Ok(indexes
            .iter()
            .map(|index| self.0[*index as usize])
            .collect())
    }
}

/// Our tiles, for their reader. Keeps what their reader found valid.
struct OurTiles {
    tiles: BTreeMap<TileId, Vec<u8>>,
    authenticated: RefCell<Vec<TileId>>,
}

impl OurTiles {
    fn new(leaves: &[Hash]) -> (Self, TreeHead) {
        let mut writer = TileWriter::new();
        let tiles = writer.append(&Real, leaves).unwrap();
        let tiles = tiles
            .into_iter()
            .map(|tile| (tile.id(), tile.to_bytes()))
            .collect();
        (
            Self {
                tiles,
                authenticated: RefCell::default(),
            },
            writer.head(&Real),
        )
    }
}

fn our_id(tile: &Tile) -> TileId {
    TileId::new(
        tile.level(),
        tile.level_index(),
        tile.width().try_into().unwrap(),
    )
    .unwrap()
}

impl TileReader for OurTiles {
    fn height(&self) -> u8 {
        HEIGHT
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        Ok(tiles
            .iter()
            .map(|tile| self.tiles[&our_id(tile)].clone())
            .collect())
    }

    fn save_tiles(&self, tiles: &[Tile], _: &[Vec<u8>]) {
        self.authenticated
            .borrow_mut()
            .extend(tiles.iter().map(our_id));
    }
}

/// Their proofs from our tiles verify with us; our proofs from our tiles verify with them; and they
/// are the same.
fn check_proofs(leaves: &[Hash], index: u64) {
    let size = leaves.len() as u64;
    let (store, head) = OurTiles::new(leaves);
    let leaf = leaves[index as usize];
    let reader = TileHashReader::new(size, theirs(head.root), &store);
    assert_eq!(
        tlog_tiles::tree_hash(size, &reader).unwrap(),
        theirs(head.root)
    );

    let their_inclusion = tlog_tiles::prove_record(size, index, &reader).unwrap();
    let their_consistency = tlog_tiles::prove_tree(size, index + 1, &reader).unwrap();
    assert!(
        !store.authenticated.borrow().is_empty(),
        "their reader found our tiles valid"
    );

    let nodes = [
        inclusion_nodes(index, size).unwrap(),
        consistency_nodes(index + 1, size).unwrap(),
    ]
    .concat();
    let mut tiles = Tiles::new(size).unwrap();
    for id in Tiles::needed(size, &nodes) {
        tiles.insert(id, &store.tiles[&id]).unwrap();
    }
    let verified = tiles.verify(&Real, &head.root).unwrap();
    let inclusion = prove_inclusion(&Real, &verified, index, size).unwrap();
    let consistency = prove_consistency(&Real, &verified, index + 1, size).unwrap();
    assert_eq!(all_theirs(&inclusion), their_inclusion);
    assert_eq!(all_theirs(&consistency), their_consistency);

    let old = TreeHead {
        size: index + 1,
        root: tlog::tree_root(&Real, &LeafHashes::new(&Real, leaves), index + 1).unwrap(),
    };
    tlog_tiles::check_record(
        &their_inclusion,
        size,
        theirs(head.root),
        index,
        theirs(leaf),
    )
    .unwrap();
    tlog_tiles::check_tree(
        &their_consistency,
        size,
        theirs(head.root),
        old.size,
        theirs(old.root),
    )
    .unwrap();
    assert_eq!(
        verify_inclusion(&Real, leaf, index, &head, &all_ours(&their_inclusion)),
        Ok(())
    );
    assert_eq!(
        verify_consistency(&Real, &old, &head, &all_ours(&their_consistency)),
        Ok(())
    );
}

#[test]
fn leaf_and_node_hashes_agree() {
    for entry in [&b""[..], b"x", &[0; 1000]] {
        assert_eq!(
            theirs(tlog::leaf_hash(&Real, entry)),
            tlog_tiles::record_hash(entry)
        );
    }
    let all = leaves(2);
    assert_eq!(
        theirs(tlog::node_hash(&Real, &all[0], &all[1])),
        tlog_tiles::node_hash(theirs(all[0]), theirs(all[1]))
    );
    assert_eq!(theirs(tlog::EMPTY_ROOT), tlog_tiles::EMPTY_HASH);
}

#[test]
fn every_hash_they_store_is_the_one_we_report_while_appending() {
    let all = leaves(600);
    let their_log = TheirLog::new(&all);
    let mut frontier = tlog::Frontier::new();
    for leaf in &all {
        frontier
            .append_with(&Real, *leaf, |Node { level, index }, hash| {
                let at = tlog_tiles::stored_hash_index(level, index);
                assert_eq!(
                    their_log.0[at as usize],
                    theirs(hash),
                    "level {level}, index {index}"
                );
            })
            .unwrap();
    }
    assert_eq!(
        theirs(frontier.head(&Real).root),
        tlog_tiles::tree_hash(600, &their_log).unwrap()
    );
}

#[test]
fn the_tiles_are_the_same_tiles() {
    for size in [1, 255, 256, 257, 512, 700, 65_536, 65_900] {
        let all = leaves(size);
        let (store, _) = OurTiles::new(&all);
        let their_log = TheirLog::new(&all);
        let tiles = Tile::new_tiles(HEIGHT, 0, size);
        assert_eq!(
            tiles.iter().map(our_id).collect::<Vec<_>>().len(),
            store.tiles.len()
        );
        for tile in tiles {
            assert_eq!(
                store.tiles[&our_id(&tile)],
                tile.read_data(&their_log).unwrap(),
                "{}",
                tile.path()
            );
            // Their paths name the tile height, tlog-tiles leaves it out.
            assert_eq!(
                our_id(&tile).to_string(),
                tile.path().replacen("tile/8/", "tile/", 1)
            );
        }
    }
}

#[test]
fn which_tiles_are_new_after_growing_is_the_same() {
    for (old, new) in [
        (0, 1),
        (1, 2),
        (255, 256),
        (256, 257),
        (200, 700),
        (65_535, 65_536),
        (65_500, 66_100),
        (512, 512),
    ] {
        let ours: Vec<TileId> = TileId::new_in(old, new).collect();
        let theirs: Vec<TileId> = Tile::new_tiles(HEIGHT, old, new)
            .iter()
            .map(our_id)
            .collect();
        assert_eq!(ours, theirs, "{old} to {new}");
    }
}

#[test]
fn proofs_cross_verify_through_three_levels_of_tiles() {
    let all = leaves(65_900);
    for index in [0, 255, 256, 40_000, 65_535, 65_536, 65_899] {
        check_proofs(&all, index);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn proofs_cross_verify((size, index) in (1u64..1500).prop_flat_map(|size| (Just(size), 0..size))) {
        check_proofs(&leaves(size), index);
    }
}
