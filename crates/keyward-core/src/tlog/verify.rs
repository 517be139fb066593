//! Checking proofs, without any of the log's data (RFC 9162 §2.1.3.2 and §2.1.4.2).
//!
//! Hashes are public, so comparing them needs no constant time.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "only shifts right by one and decrements of values checked not to be zero"
)]

use super::{
    hash::{Hash, Sha256, TreeHead, node_hash},
    node::MAX_TREE_SIZE,
};

/// Why a proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// A size is above [`MAX_TREE_SIZE`], or a head of size zero has not the empty root.
    #[error("tree head is impossible")]
    ImpossibleHead,
    /// There is no such leaf in a tree of that size.
    #[error("leaf index is not below the tree size")]
    IndexOutOfRange,
    /// The older tree is larger than the newer one.
    #[error("older tree is larger than the newer one")]
    SizesOutOfOrder,
    /// The proof has too few or too many hashes for these sizes.
    #[error("proof has the wrong number of hashes")]
    WrongLength,
    /// The proof leads to another root.
    #[error("proof does not lead to the root")]
    RootMismatch,
}

/// Checks that `leaf` stands at `index` in the tree `head`.
pub fn verify_inclusion(
    sha: &dyn Sha256,
    leaf: Hash,
    index: u64,
    head: &TreeHead,
    proof: &[Hash],
) -> Result<(), ProofError> {
    check_head(head)?;
    if index >= head.size {
        return Err(ProofError::IndexOutOfRange);
    }
    let mut path = Path {
        node: index,
        last: head.size - 1,
    };
    let mut root = leaf;
    for sibling in proof {
        root = if path.step_is_left()? {
            node_hash(sha, sibling, &root)
        } else {
            node_hash(sha, &root, sibling)
        };
    }
    path.end_at(root == head.root)
}

/// Checks that the tree `new` begins with the tree `old`.
pub fn verify_consistency(
    sha: &dyn Sha256,
    old: &TreeHead,
    new: &TreeHead,
    proof: &[Hash],
) -> Result<(), ProofError> {
    check_head(old)?;
    check_head(new)?;
    if old.size > new.size {
        return Err(ProofError::SizesOutOfOrder);
    }
    if old.size == 0 || old.size == new.size {
        return check_trivial(old, new, proof);
    }
    let mut path = Path {
        node: old.size - 1,
        last: new.size - 1,
    };
    path.skip_right_children();
    // An old tree of 2^n leaves is a subtree of the new one: its root, which the verifier has, is
    // left out of the proof.
    let (start, rest) = if old.size.is_power_of_two() {
        (old.root, proof)
    } else {
        let (first, rest) = proof.split_first().ok_or(ProofError::WrongLength)?;
        (*first, rest)
    };
    let (mut old_root, mut new_root) = (start, start);
    for sibling in rest {
        if path.step_is_left()? {
            old_root = node_hash(sha, sibling, &old_root);
            new_root = node_hash(sha, sibling, &new_root);
        } else {
            new_root = node_hash(sha, &new_root, sibling);
        }
    }
    path.end_at(old_root == old.root && new_root == new.root)
}

/// From nothing, or between a tree and itself, there is nothing to prove and the proof is empty.
fn check_trivial(old: &TreeHead, new: &TreeHead, proof: &[Hash]) -> Result<(), ProofError> {
    if !proof.is_empty() {
        return Err(ProofError::WrongLength);
    }
    if old.size == new.size && old.root != new.root {
        return Err(ProofError::RootMismatch);
    }
    Ok(())
}

fn check_head(head: &TreeHead) -> Result<(), ProofError> {
    if head.size > MAX_TREE_SIZE || head.is_false_empty() {
        Err(ProofError::ImpossibleHead)
    } else {
        Ok(())
    }
}

/// The way from a node up to the root, kept as the positions of the node and of the last node of
/// its level.
struct Path {
    node: u64,
    last: u64,
}

impl Path {
    /// Leaves the levels where the node is a right child, whose parents belong to the older tree as
    /// well.
    fn skip_right_children(&mut self) {
        while self.node & 1 == 1 {
            self.node >>= 1;
            self.last >>= 1;
        }
    }

    /// Goes up by one proof hash; true if that hash stands to the left.
    fn step_is_left(&mut self) -> Result<bool, ProofError> {
        if self.last == 0 {
            return Err(ProofError::WrongLength);
        }
        let left = self.node & 1 == 1 || self.node == self.last;
        if left {
            // A last node without a right sibling is handed up unchanged until it becomes a right
            // child.
            while self.node & 1 == 0 && self.node != 0 {
                self.node >>= 1;
                self.last >>= 1;
            }
        }
        self.node >>= 1;
        self.last >>= 1;
        Ok(left)
    }

    /// The path must be at the root, and the roots must agree.
    fn end_at(&self, roots_agree: bool) -> Result<(), ProofError> {
        match (self.last, roots_agree) {
            (0, true) => Ok(()),
            (0, false) => Err(ProofError::RootMismatch),
            _ => Err(ProofError::WrongLength),
        }
    }
}
