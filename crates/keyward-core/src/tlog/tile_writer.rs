//! Producing tiles while appending: which tiles have to be stored after a batch, and their
//! contents.
//!
//! The writer keeps the right edge in memory (at most 255 hashes a level) and computes each tree
//! hash once. It is rebuilt after a restart from the stored partial tiles alone.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "levels are at most 7 for trees of at most 2^63 - 1 leaves"
)]

use alloc::vec::Vec;

use super::{
    frontier::Frontier,
    hash::{Hash, Sha256, TreeHead},
    node::{MAX_TREE_SIZE, Node},
    prove::{TreeError, root_nodes},
    tile::{Place, TILE_HEIGHT, TILE_WIDTH, Tile, TileError, TileId, hashes_at},
};

/// A log's right edge, to which leaves are appended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TileWriter {
    frontier: Frontier,
    /// Per level of tiles the hashes of its last, partial tile; empty if the level ends in a full
    /// tile.
    edge: Vec<Vec<Hash>>,
}

/// Why a writer cannot go on from stored tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResumeError {
    /// The size is above [`MAX_TREE_SIZE`].
    #[error("tree size is above 2^63 - 1")]
    ImpossibleSize,
    /// A partial tile of the right edge is not among those given.
    #[error("tile {0} is missing")]
    Missing(TileId),
    /// The tiles are of another tree than the one to go on from.
    #[error("tiles do not lead to the root")]
    RootMismatch,
    /// A tile could not be built.
    #[error(transparent)]
    Tile(#[from] TileError),
}

impl TileWriter {
    /// A writer for an empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A writer that goes on from `head`, given the tiles of [`TileId::right_edge`] of its size in
    /// any order.
    pub fn resume(sha: &dyn Sha256, head: &TreeHead, tiles: &[Tile]) -> Result<Self, ResumeError> {
        if head.size > MAX_TREE_SIZE {
            return Err(ResumeError::ImpossibleSize);
        }
        let mut edge = Vec::new();
        for id in TileId::right_edge(head.size) {
            let tile = tiles
                .iter()
                .find(|tile| tile.id() == id)
                .ok_or(ResumeError::Missing(id))?;
            // Levels between this and the last one that end in a full tile have no partial tile.
            edge.resize(usize::from(id.level()), Vec::new());
            edge.push(tile.hashes().to_vec());
        }
        let roots = root_nodes(head.size).into_iter().filter_map(|node| {
            let place = Place::of(node)?;
            let id = TileId::in_tree(place.level, place.index, head.size)?;
            tiles.iter().find(|tile| tile.id() == id)?.read(sha, &place)
        });
        let frontier = Frontier::from_roots(head.size, roots.collect())
            .map_err(|_| ResumeError::RootMismatch)?;
        if frontier.head(sha) != *head {
            return Err(ResumeError::RootMismatch);
        }
        Ok(Self { frontier, edge })
    }

    /// Appends a batch of leaves and returns the tiles to store: those it filled, then the new
    /// partial ones.
    ///
    /// The tiles must be durable before a checkpoint of the new size is published. Partial tiles of
    /// earlier sizes may be deleted only when the full tile at their place is durable
    /// (c2sp.org/tlog-tiles, "Partial Tiles").
    pub fn append(&mut self, sha: &dyn Sha256, leaves: &[Hash]) -> Result<Vec<Tile>, TreeError> {
        let old_size = self.frontier.size();
        let room = MAX_TREE_SIZE - old_size;
        // Before anything is changed, so that a refused batch leaves the writer as it was.
        if u64::try_from(leaves.len()).map_or(true, |count| count > room) {
            return Err(TreeError::TooLarge);
        }
        let mut filled = Vec::new();
        for leaf in leaves {
            let edge = &mut self.edge;
            self.frontier.append_with(sha, *leaf, |node, hash| {
                filled.extend(put(edge, node, hash));
            })?;
        }
        filled.extend(self.partial_tiles(old_size));
        Ok(filled)
    }

    /// Size and root of the tree so far.
    #[must_use]
    pub fn head(&self, sha: &dyn Sha256) -> TreeHead {
        self.frontier.head(sha)
    }

    /// The compact range of the tree so far.
    #[must_use]
    pub const fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// The partial tiles that are wider than, or not at the place of, those of a tree of
    /// `old_size`.
    fn partial_tiles(&self, old_size: u64) -> impl Iterator<Item = Tile> {
        let size = self.frontier.size();
        TileId::right_edge(size)
            .filter(move |id| hashes_at(id.level(), old_size) != hashes_at(id.level(), size))
            .filter_map(|id| Tile::new(id, self.edge.get(usize::from(id.level()))?.clone()).ok())
    }
}

/// Puts a completed subtree into the edge; returns the tile it fills. Only roots of 256^n leaves
/// stand in tiles.
fn put(edge: &mut Vec<Vec<Hash>>, node: Node, hash: Hash) -> Option<Tile> {
    if !node.level.is_multiple_of(TILE_HEIGHT) {
        return None;
    }
    let level = node.level / TILE_HEIGHT;
    if edge.len() <= usize::from(level) {
        edge.resize(usize::from(level) + 1, Vec::new());
    }
    let partial = edge.get_mut(usize::from(level))?;
    partial.push(hash);
    if partial.len() < usize::from(TILE_WIDTH) {
        return None;
    }
    let id = TileId::new(level, node.index >> TILE_HEIGHT, TILE_WIDTH).ok()?;
    Tile::new(id, core::mem::take(partial)).ok()
}
