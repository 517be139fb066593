//! Merkle tree hashing of RFC 6962 §2.1 over an injected SHA-256.
//!
//! Leaves and inner nodes are hashed under different prefixes, so that no inner node can be passed
//! off as an entry.

use core::fmt;

use super::base64;

/// Domain-separation prefix of a leaf.
const LEAF_PREFIX: &[u8] = &[0x00];
/// Domain-separation prefix of an inner node.
const NODE_PREFIX: &[u8] = &[0x01];

/// The root of the tree without leaves: SHA-256 of the empty string (RFC 6962 §2.1).
pub const EMPTY_ROOT: Hash = Hash([
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
]);

/// SHA-256 as the tree needs it; implemented by the validated module.
pub trait Sha256 {
    /// The digest of the concatenation of `parts`.
    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32];
}

/// A SHA-256 value in the tree: of a leaf, of an inner node, or of a root.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// Length in bytes.
    pub const BYTES: usize = 32;

    /// The raw bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Hash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl From<Hash> for [u8; 32] {
    fn from(hash: Hash) -> Self {
        hash.0
    }
}

/// Base64, as every C2SP text form writes a hash.
impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64::encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// How large a log is and what it then contains: everything a proof is checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeHead {
    /// Number of leaves.
    pub size: u64,
    /// Root of the tree with that many leaves.
    pub root: Hash,
}

impl TreeHead {
    /// The head of a log without entries.
    pub const EMPTY: Self = Self {
        size: 0,
        root: EMPTY_ROOT,
    };

    /// Whether the head claims no entries and yet another root than the empty tree has.
    #[must_use]
    pub fn is_false_empty(&self) -> bool {
        self.size == 0 && self.root != EMPTY_ROOT
    }
}

/// The hash of an entry as a leaf.
#[must_use]
pub fn leaf_hash(sha: &dyn Sha256, entry: &[u8]) -> Hash {
    Hash(sha.sha256(&[LEAF_PREFIX, entry]))
}

/// The hash of an inner node from its two children.
#[must_use]
pub fn node_hash(sha: &dyn Sha256, left: &Hash, right: &Hash) -> Hash {
    Hash(sha.sha256(&[NODE_PREFIX, &left.0, &right.0]))
}

/// The root of several neighbouring subtrees, each left one at least as high as its right
/// neighbour.
pub(super) fn fold(sha: &dyn Sha256, subtrees: &[Hash]) -> Hash {
    let mut from_the_right = subtrees.iter().rev();
    let Some(last) = from_the_right.next() else {
        return EMPTY_ROOT;
    };
    from_the_right.fold(*last, |right, left| node_hash(sha, left, &right))
}

/// The root of a complete subtree from its leaves (or from the roots of equally high subtrees);
/// their number is a power of two.
pub(super) fn complete_subtree(sha: &dyn Sha256, leaves: &[Hash]) -> Option<Hash> {
    match leaves {
        [] => None,
        [only] => Some(*only),
        _ => {
            let (left, right) = leaves.split_at(leaves.len() / 2);
            Some(node_hash(
                sha,
                &complete_subtree(sha, left)?,
                &complete_subtree(sha, right)?,
            ))
        }
    }
}
