//! Places in the tree: complete subtrees, and how a range of leaves falls into them.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "sizes are at most 2^63 - 1 and levels at most 63: nothing leaves 64 bits"
)]

use alloc::vec::Vec;

/// The largest tree: 2^63 − 1 leaves, so that every number about a tree fits a signed 64-bit
/// column.
pub const MAX_TREE_SIZE: u64 = u64::MAX >> 1;

/// A complete subtree: the 2^`level` leaves from `index` · 2^`level` on. Its hash never changes
/// once it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// Height above the leaves, at most 63.
    pub level: u8,
    /// Position among the subtrees of that height.
    pub index: u64,
}

/// The complete subtrees that make up the leaves `start..end`, largest possible first from the
/// left.
pub(super) fn cover(start: u64, end: u64) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut at = start;
    while let Some(fitting) = end.checked_sub(at).and_then(u64::checked_ilog2) {
        let level = fitting.min(at.trailing_zeros());
        // At most 63, so the lowest byte is all of it.
        nodes.push(Node {
            level: level.to_le_bytes()[0],
            index: at >> level,
        });
        at += 1 << level;
    }
    nodes
}

/// Where RFC 6962 splits a tree of `size` > 1 leaves: the largest power of two below `size`.
pub(super) fn split(size: u64) -> u64 {
    size.saturating_sub(1)
        .checked_ilog2()
        .map_or(0, |level| 1 << level)
}
