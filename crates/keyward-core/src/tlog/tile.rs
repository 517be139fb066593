//! Tiles: the form in which the tree is stored and served (c2sp.org/tlog-tiles).
//!
//! A tile is up to 256 consecutive hashes of one level, a "level" of tiles being eight levels of
//! the tree. A full tile never changes. The right edge of the tree ends in partial tiles, which a
//! larger tree replaces by wider ones.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "tile coordinates come from sizes of at most 2^63 - 1; in-tile offsets are below 256"
)]

use alloc::vec::Vec;

use super::{
    hash::{Hash, Sha256, complete_subtree},
    node::Node,
};

/// Number of hashes in a full tile.
pub const TILE_WIDTH: u16 = 256;
/// Levels of the tree in one level of tiles.
pub(super) const TILE_HEIGHT: u8 = 8;
/// Highest level of tiles that a path can name.
const MAX_TILE_LEVEL: u8 = 63;

/// Where a tile stands and how wide it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    level: u8,
    index: u64,
    width: u16,
}

/// A tile with its hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    id: TileId,
    hashes: Vec<Hash>,
}

/// Why something is not a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// Tile levels go from 0 to 63.
    #[error("tile level is above 63")]
    LevelOutOfRange,
    /// Tiles have from 1 to 256 hashes.
    #[error("tile width is not between 1 and 256")]
    WidthOutOfRange,
    /// The bytes are not as many hashes as the tile is wide.
    #[error("tile has the wrong length for its width")]
    WrongLength,
}

impl TileId {
    /// The tile of `width` hashes at this place.
    pub fn new(level: u8, index: u64, width: u16) -> Result<Self, TileError> {
        if level > MAX_TILE_LEVEL {
            return Err(TileError::LevelOutOfRange);
        }
        if !(1..=TILE_WIDTH).contains(&width) {
            return Err(TileError::WidthOutOfRange);
        }
        Ok(Self {
            level,
            index,
            width,
        })
    }

    /// The tile at this place as wide as a tree of `size` makes it; `None` if that tree does not
    /// reach it.
    #[must_use]
    pub fn in_tree(level: u8, index: u64, size: u64) -> Option<Self> {
        let width = width_at(index, hashes_at(level, size))?;
        Some(Self {
            level,
            index,
            width,
        })
    }

    /// The tile from which the hash of `node` can be computed in a tree of `size`.
    #[must_use]
    pub fn holding(node: Node, size: u64) -> Option<Self> {
        let place = Place::of(node)?;
        let tile = Self::in_tree(place.level, place.index, size)?;
        (place.end() <= usize::from(tile.width)).then_some(tile)
    }

    /// The partial tiles at the right edge of a tree of `size`, lowest level first.
    pub fn right_edge(size: u64) -> impl Iterator<Item = Self> {
        levels(size).filter_map(move |level| {
            Self::in_tree(level, hashes_at(level, size) >> TILE_HEIGHT, size)
        })
    }

    /// The tiles that a tree of `new_size` has and a tree of `old_size` did not have at that width.
    pub fn new_in(old_size: u64, new_size: u64) -> impl Iterator<Item = Self> {
        levels(new_size).flat_map(move |level| {
            let (old, new) = (hashes_at(level, old_size), hashes_at(level, new_size));
            let places = if old < new {
                old >> TILE_HEIGHT..new.div_ceil(TILE_WIDTH.into())
            } else {
                0..0
            };
            places.filter_map(move |index| Self::in_tree(level, index, new_size))
        })
    }

    /// Level of the tile; its hashes are roots of subtrees of 256^level leaves.
    #[must_use]
    pub const fn level(&self) -> u8 {
        self.level
    }

    /// Position in its level.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Number of hashes, 1 to 256.
    #[must_use]
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Whether the tile has all its hashes and will never change.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The full tile one level up that has this tile's root among its hashes, at
    /// [`TileId::slot_in_parent`].
    pub(super) fn parent_place(&self) -> (u8, u64) {
        (self.level + 1, self.index >> TILE_HEIGHT)
    }

    /// Which hash of its parent is this tile's root.
    pub(super) fn slot_in_parent(&self) -> usize {
        slot(self.index)
    }
}

impl Tile {
    /// A tile from its hashes.
    pub fn new(id: TileId, hashes: Vec<Hash>) -> Result<Self, TileError> {
        if hashes.len() != usize::from(id.width) {
            return Err(TileError::WrongLength);
        }
        Ok(Self { id, hashes })
    }

    /// A tile from its stored form, the concatenation of its hashes.
    pub fn from_bytes(id: TileId, bytes: &[u8]) -> Result<Self, TileError> {
        let (hashes, excess) = bytes.as_chunks::<{ Hash::BYTES }>();
        if !excess.is_empty() {
            return Err(TileError::WrongLength);
        }
        Self::new(id, hashes.iter().copied().map(Hash::from).collect())
    }

    /// The stored form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes
            .iter()
            .flat_map(|hash| *hash.as_bytes())
            .collect()
    }

    /// Where it stands.
    #[must_use]
    pub const fn id(&self) -> TileId {
        self.id
    }

    /// Its hashes from the left.
    #[must_use]
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The hash of a subtree within this tile.
    pub(super) fn read(&self, sha: &dyn Sha256, place: &Place) -> Option<Hash> {
        complete_subtree(sha, self.hashes.get(place.start..place.end())?)
    }

    /// The hash that stands for this tile one level up; `None` while it is partial.
    pub(super) fn root(&self, sha: &dyn Sha256) -> Option<Hash> {
        if self.id.is_full() {
            complete_subtree(sha, &self.hashes)
        } else {
            None
        }
    }

    /// The same tile as an earlier tree had it.
    pub(super) fn narrow(mut self, id: TileId) -> Self {
        self.hashes.truncate(id.width.into());
        Self {
            id,
            hashes: self.hashes,
        }
    }
}

/// Where in which tile a subtree lies.
pub(super) struct Place {
    pub(super) level: u8,
    pub(super) index: u64,
    start: usize,
    width: usize,
}

impl Place {
    /// `None` for a subtree beyond any tree.
    pub(super) fn of(node: Node) -> Option<Self> {
        let above = node.level % TILE_HEIGHT;
        // Position of the subtree's first hash within its level of tiles.
        let first = node.index.checked_mul(1 << above)?;
        Some(Self {
            level: node.level / TILE_HEIGHT,
            index: first >> TILE_HEIGHT,
            start: slot(first),
            width: 1 << above,
        })
    }

    fn end(&self) -> usize {
        self.start + self.width
    }
}

/// Where within its tile the hash at `position` of a level of tiles stands.
fn slot(position: u64) -> usize {
    // The lowest byte: tiles are 256 wide.
    usize::from(position.to_le_bytes()[0])
}

/// How many hashes a tree of `size` has at a level of tiles.
pub(super) fn hashes_at(level: u8, size: u64) -> u64 {
    size.checked_shr(u32::from(TILE_HEIGHT) * u32::from(level))
        .unwrap_or(0)
}

/// The levels of tiles that a tree of `size` has.
fn levels(size: u64) -> impl Iterator<Item = u8> {
    (0..=MAX_TILE_LEVEL).take_while(move |level| hashes_at(*level, size) > 0)
}

/// How wide the tile at `index` is in a level of `count` hashes; `None` if it would be empty.
pub(super) fn width_at(index: u64, count: u64) -> Option<u16> {
    let left = count.checked_sub(index.checked_mul(TILE_WIDTH.into())?)?;
    u16::try_from(left.min(TILE_WIDTH.into()))
        .ok()
        .filter(|width| *width > 0)
}
