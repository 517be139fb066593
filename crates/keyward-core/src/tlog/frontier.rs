//! The compact range of a growing tree: the roots of its complete subtrees, one per bit of its
//! size.
//!
//! It is all an appender needs: about one hash per leaf to append, at most 63 to get the root, at
//! most 2 KiB to store.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "the size is kept at most MAX_TREE_SIZE, so neither it nor a level can overflow"
)]

use alloc::vec::Vec;

use super::{
    hash::{Hash, Sha256, TreeHead, fold, node_hash},
    node::{MAX_TREE_SIZE, Node},
    prove::TreeError,
};

/// Version of the stored form.
const VERSION: u8 = 1;

/// The state from which a log goes on appending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Roots of the complete subtrees, left to right; exactly one per set bit of `size`, highest
    /// first.
    roots: Vec<Hash>,
}

/// Why bytes are not a stored frontier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrontierError {
    /// The version byte is unknown or missing.
    #[error("unknown version of a stored frontier")]
    UnknownVersion,
    /// The number of hashes does not fit the size.
    #[error("stored frontier has the wrong length for its size")]
    WrongLength,
    /// The size is above [`MAX_TREE_SIZE`].
    #[error("stored frontier has an impossible size")]
    ImpossibleSize,
}

impl Default for Frontier {
    fn default() -> Self {
        Self::new()
    }
}

impl Frontier {
    /// The empty log.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            size: 0,
            roots: Vec::new(),
        }
    }

    /// From the roots of the complete subtrees of a tree of `size`, as
    /// [`root_nodes`](super::root_nodes) lists them.
    pub fn from_roots(size: u64, roots: Vec<Hash>) -> Result<Self, FrontierError> {
        if size > MAX_TREE_SIZE {
            return Err(FrontierError::ImpossibleSize);
        }
        if usize::try_from(size.count_ones()) != Ok(roots.len()) {
            return Err(FrontierError::WrongLength);
        }
        Ok(Self { size, roots })
    }

    /// Number of leaves so far.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Size and root of the tree so far.
    #[must_use]
    pub fn head(&self, sha: &dyn Sha256) -> TreeHead {
        TreeHead {
            size: self.size,
            root: fold(sha, &self.roots),
        }
    }

    /// Appends one leaf.
    pub fn append(&mut self, sha: &dyn Sha256, leaf: Hash) -> Result<(), TreeError> {
        self.append_with(sha, leaf, |_, _| {})
    }

    /// Appends one leaf and reports every subtree it completes, the leaf itself first.
    pub fn append_with(
        &mut self,
        sha: &dyn Sha256,
        leaf: Hash,
        mut completed: impl FnMut(Node, Hash),
    ) -> Result<(), TreeError> {
        if self.size >= MAX_TREE_SIZE {
            return Err(TreeError::TooLarge);
        }
        let mut node = Node {
            level: 0,
            index: self.size,
        };
        let mut hash = leaf;
        completed(node, hash);
        // A right child completes its parent; the left child is the last root kept.
        while node.index & 1 == 1 {
            let Some(left) = self.roots.pop() else { break };
            hash = node_hash(sha, &left, &hash);
            node = Node {
                level: node.level + 1,
                index: node.index >> 1,
            };
            completed(node, hash);
        }
        self.roots.push(hash);
        self.size += 1;
        Ok(())
    }

    /// The stored form: version, size (eight bytes, big-endian), hashes from the left.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(9 + self.roots.len() * Hash::BYTES);
        bytes.push(VERSION);
        bytes.extend(self.size.to_be_bytes());
        for root in &self.roots {
            bytes.extend(root.as_bytes());
        }
        bytes
    }

    /// Reads the stored form. Nothing is authenticated: compare [`Frontier::head`] with a signed
    /// checkpoint.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrontierError> {
        let Some((&VERSION, rest)) = bytes.split_first() else {
            return Err(FrontierError::UnknownVersion);
        };
        let (size, rest) = rest
            .split_first_chunk::<8>()
            .ok_or(FrontierError::WrongLength)?;
        let (hashes, excess) = rest.as_chunks::<{ Hash::BYTES }>();
        if !excess.is_empty() {
            return Err(FrontierError::WrongLength);
        }
        Self::from_roots(
            u64::from_be_bytes(*size),
            hashes.iter().copied().map(Hash::from).collect(),
        )
    }
}
