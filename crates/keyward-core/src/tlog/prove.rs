//! Making proofs: which hashes an inclusion or consistency proof consists of (RFC 6962 §2.1.1,
//! §2.1.2).
//!
//! Planning and reading are apart: `*_nodes` name the stored hashes a proof needs, so that a caller
//! whose storage is asynchronous can fetch them first ([`Tiles::needed`](super::Tiles::needed) says
//! in which tiles they are), and `prove_*` assemble the proof from a [`HashReader`] that has them.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "every range lies within a tree of at most MAX_TREE_SIZE leaves, checked on entry"
)]

use alloc::vec::Vec;

use super::{
    hash::{Hash, Sha256, complete_subtree, fold},
    node::{MAX_TREE_SIZE, Node, cover, split},
};

/// Hashes of complete subtrees that are at hand.
pub trait HashReader {
    /// The hash of a complete subtree; `None` if it is not at hand.
    fn read(&self, node: Node) -> Option<Hash>;
}

/// Why a proof cannot be made or a tree not grown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// The tree would have more than [`MAX_TREE_SIZE`] leaves.
    #[error("tree size is above 2^63 - 1")]
    TooLarge,
    /// There is no such leaf in a tree of that size.
    #[error("leaf index is not below the tree size")]
    IndexOutOfRange,
    /// The older tree is larger than the newer one.
    #[error("older tree is larger than the newer one")]
    SizesOutOfOrder,
    /// The reader does not have a hash the proof needs.
    #[error("hash of the subtree at level {level}, index {index} is not at hand", level = .0.level, index = .0.index)]
    MissingNode(Node),
}

/// The hashes from which the root of a tree of `size` is computed.
#[must_use]
pub fn root_nodes(size: u64) -> Vec<Node> {
    cover(0, size)
}

/// The hashes from which an inclusion proof is made.
pub fn inclusion_nodes(index: u64, size: u64) -> Result<Vec<Node>, TreeError> {
    Ok(flatten(&inclusion_ranges(index, size)?))
}

/// The hashes from which a consistency proof is made.
pub fn consistency_nodes(old_size: u64, new_size: u64) -> Result<Vec<Node>, TreeError> {
    Ok(flatten(&consistency_ranges(old_size, new_size)?))
}

/// The root of the tree of `size`.
pub fn tree_root(sha: &dyn Sha256, reader: &dyn HashReader, size: u64) -> Result<Hash, TreeError> {
    if size > MAX_TREE_SIZE {
        return Err(TreeError::TooLarge);
    }
    range_hash(
        sha,
        reader,
        &Leaves {
            start: 0,
            end: size,
        },
    )
}

/// The proof that leaf `index` is in the tree of `size`, from the leaf's sibling up to the root's
/// child.
pub fn prove_inclusion(
    sha: &dyn Sha256,
    reader: &dyn HashReader,
    index: u64,
    size: u64,
) -> Result<Vec<Hash>, TreeError> {
    inclusion_ranges(index, size)?
        .iter()
        .map(|range| range_hash(sha, reader, range))
        .collect()
}

/// The proof that the tree of `new_size` begins with the tree of `old_size`; empty if that is empty
/// or the same tree.
pub fn prove_consistency(
    sha: &dyn Sha256,
    reader: &dyn HashReader,
    old_size: u64,
    new_size: u64,
) -> Result<Vec<Hash>, TreeError> {
    consistency_ranges(old_size, new_size)?
        .iter()
        .map(|range| range_hash(sha, reader, range))
        .collect()
}

/// A reader over all leaf hashes in memory, which computes every inner hash anew: for small trees
/// and rebuilds.
pub struct LeafHashes<'a> {
    sha: &'a dyn Sha256,
    leaves: &'a [Hash],
}

impl<'a> LeafHashes<'a> {
    /// A reader over `leaves`, the first of them being leaf 0.
    #[must_use]
    pub fn new(sha: &'a dyn Sha256, leaves: &'a [Hash]) -> Self {
        Self { sha, leaves }
    }
}

impl HashReader for LeafHashes<'_> {
    fn read(&self, node: Node) -> Option<Hash> {
        let width = 1usize.checked_shl(node.level.into())?;
        let start = usize::try_from(node.index).ok()?.checked_mul(width)?;
        complete_subtree(self.sha, self.leaves.get(start..start.checked_add(width)?)?)
    }
}

/// The leaves `start..end`.
#[derive(Clone, Copy)]
struct Leaves {
    start: u64,
    end: u64,
}

impl Leaves {
    fn len(self) -> u64 {
        self.end - self.start
    }

    /// The two halves as RFC 6962 splits them.
    fn halves(self) -> (Self, Self) {
        let middle = self.start + split(self.len());
        (
            Self {
                end: middle,
                ..self
            },
            Self {
                start: middle,
                ..self
            },
        )
    }
}

/// The leaves under each hash of an inclusion proof, in the proof's order.
fn inclusion_ranges(index: u64, size: u64) -> Result<Vec<Leaves>, TreeError> {
    if size > MAX_TREE_SIZE {
        return Err(TreeError::TooLarge);
    }
    if index >= size {
        return Err(TreeError::IndexOutOfRange);
    }
    let mut siblings = Vec::new();
    let mut here = Leaves {
        start: 0,
        end: size,
    };
    while here.len() > 1 {
        let (left, right) = here.halves();
        let (next, sibling) = if index < left.end {
            (left, right)
        } else {
            (right, left)
        };
        siblings.push(sibling);
        here = next;
    }
    siblings.reverse();
    Ok(siblings)
}

/// The leaves under each hash of a consistency proof, in the proof's order (SUBPROOF of RFC 6962
/// §2.1.2).
fn consistency_ranges(old_size: u64, new_size: u64) -> Result<Vec<Leaves>, TreeError> {
    if new_size > MAX_TREE_SIZE {
        return Err(TreeError::TooLarge);
    }
    if old_size > new_size {
        return Err(TreeError::SizesOutOfOrder);
    }
    let mut ranges = Vec::new();
    if old_size == 0 {
        return Ok(ranges);
    }
    let mut here = Leaves {
        start: 0,
        end: new_size,
    };
    while old_size != here.end {
        let (left, right) = here.halves();
        let (next, sibling) = if old_size <= left.end {
            (left, right)
        } else {
            (right, left)
        };
        ranges.push(sibling);
        here = next;
    }
    // A subtree that begins at the first leaf is the old tree itself, whose root the verifier
    // already has.
    if here.start != 0 {
        ranges.push(here);
    }
    ranges.reverse();
    Ok(ranges)
}

/// The Merkle tree hash of a range.
fn range_hash(
    sha: &dyn Sha256,
    reader: &dyn HashReader,
    range: &Leaves,
) -> Result<Hash, TreeError> {
    let subtrees = cover(range.start, range.end)
        .into_iter()
        .map(|node| reader.read(node).ok_or(TreeError::MissingNode(node)))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(fold(sha, &subtrees))
}

/// The complete subtrees of several ranges.
fn flatten(ranges: &[Leaves]) -> Vec<Node> {
    ranges
        .iter()
        .flat_map(|range| cover(range.start, range.end))
        .collect()
}
