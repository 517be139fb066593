//! Reading hashes from tiles, after the tiles have been shown to belong to a given root.
//!
//! Tiles come from storage that is not trusted. [`Tiles::verify`] is the only way to a
//! [`VerifiedTiles`], so a proof can only be made from tiles that were checked. The check needs no
//! other hash than the root: the partial tiles of the right edge make up the root, and a full tile
//! is one hash of the tile above it.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use super::{
    hash::{EMPTY_ROOT, Hash, Sha256, TreeHead, fold},
    node::{MAX_TREE_SIZE, Node},
    prove::{HashReader, root_nodes},
    tile::{Place, Tile, TileError, TileId},
};

/// Tiles of one tree, not yet checked.
#[derive(Clone, Debug)]
pub struct Tiles {
    size: u64,
    /// By level and index.
    tiles: BTreeMap<(u8, u64), Tile>,
}

/// Tiles of one tree that are known to belong to its root.
pub struct VerifiedTiles<'a> {
    sha: &'a dyn Sha256,
    root: Hash,
    tiles: Tiles,
}

/// Why tiles are not those of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TileSetError {
    /// The bytes are not such a tile.
    #[error(transparent)]
    Tile(#[from] TileError),
    /// The tree is larger than [`MAX_TREE_SIZE`].
    #[error("tree size is above 2^63 - 1")]
    ImpossibleSize,
    /// The tree has no such tile, or has it wider.
    #[error("tile {0} is not a tile of this tree")]
    NotInTree(TileId),
    /// A tile that the check needs is not there.
    #[error("tile {0} is missing")]
    Missing(TileId),
    /// The partial tiles of the right edge do not make up the root.
    #[error("tiles of the right edge do not lead to the root")]
    RootMismatch,
    /// The tile's root is not the hash that the tile above it has.
    #[error("tile {0} differs from the tile above it")]
    Altered(TileId),
}

impl Tiles {
    /// An empty set for a tree of `size`.
    pub fn new(size: u64) -> Result<Self, TileSetError> {
        if size > MAX_TREE_SIZE {
            return Err(TileSetError::ImpossibleSize);
        }
        Ok(Self {
            size,
            tiles: BTreeMap::new(),
        })
    }

    /// The tiles to fetch so that the hashes of `nodes` can be read and all fetched tiles be
    /// checked.
    #[must_use]
    pub fn needed(size: u64, nodes: &[Node]) -> BTreeSet<TileId> {
        let mut needed: BTreeSet<TileId> = TileId::right_edge(size).collect();
        for node in nodes {
            let mut next = TileId::holding(*node, size);
            // Upwards until a tile is partial, hence on the edge, or already in.
            while let Some(tile) = next.filter(|tile| needed.insert(*tile) && tile.is_full()) {
                let (level, index) = tile.parent_place();
                next = TileId::in_tree(level, index, size);
            }
        }
        needed
    }

    /// Puts in a fetched tile. One that has since grown wider is accepted for its narrower self,
    /// which the log may have deleted.
    pub fn insert(&mut self, id: TileId, bytes: &[u8]) -> Result<(), TileSetError> {
        let tile = Tile::from_bytes(id, bytes)?;
        let here = TileId::in_tree(id.level(), id.index(), self.size)
            .filter(|here| here.width() <= id.width())
            .ok_or(TileSetError::NotInTree(id))?;
        self.tiles
            .insert((id.level(), id.index()), tile.narrow(here));
        Ok(())
    }

    /// Checks every tile in the set against the root.
    pub fn verify<'a>(
        self,
        sha: &'a dyn Sha256,
        root: &Hash,
    ) -> Result<VerifiedTiles<'a>, TileSetError> {
        if self.edge_root(sha)? != *root {
            return Err(TileSetError::RootMismatch);
        }
        // From the top down, so that the tile above has itself been checked.
        for tile in self.tiles.values().rev() {
            let Some(tile_root) = tile.root(sha) else {
                continue;
            };
            let (level, index) = tile.id().parent_place();
            let parent = self.get(level, index)?;
            if parent.hashes().get(tile.id().slot_in_parent()) != Some(&tile_root) {
                return Err(TileSetError::Altered(tile.id()));
            }
        }
        Ok(VerifiedTiles {
            sha,
            root: *root,
            tiles: self,
        })
    }

    /// The root that the partial tiles of the right edge make up; each of their hashes goes into
    /// it.
    fn edge_root(&self, sha: &dyn Sha256) -> Result<Hash, TileSetError> {
        let mut subtrees = Vec::new();
        for node in root_nodes(self.size) {
            let Some(place) = Place::of(node) else {
                return Err(TileSetError::ImpossibleSize);
            };
            let tile = self.get(place.level, place.index)?;
            subtrees.push(tile.read(sha, &place).ok_or(TileSetError::RootMismatch)?);
        }
        Ok(if subtrees.is_empty() {
            EMPTY_ROOT
        } else {
            fold(sha, &subtrees)
        })
    }

    fn get(&self, level: u8, index: u64) -> Result<&Tile, TileSetError> {
        let missing = || match TileId::in_tree(level, index, self.size) {
            Some(id) => TileSetError::Missing(id),
            None => TileSetError::RootMismatch,
        };
        self.tiles.get(&(level, index)).ok_or_else(missing)
    }
}

impl VerifiedTiles<'_> {
    /// The tree that these tiles were checked against.
    #[must_use]
    pub const fn head(&self) -> TreeHead {
        TreeHead {
            size: self.tiles.size,
            root: self.root,
        }
    }

    /// A tile that was put in, at the width it has in this tree; its level-0 hashes authenticate
    /// entry bundles.
    #[must_use]
    pub fn tile(&self, level: u8, index: u64) -> Option<&Tile> {
        self.tiles.tiles.get(&(level, index))
    }
}

impl HashReader for VerifiedTiles<'_> {
    fn read(&self, node: Node) -> Option<Hash> {
        let place = Place::of(node)?;
        self.tiles
            .tiles
            .get(&(place.level, place.index))?
            .read(self.sha, &place)
    }
}
