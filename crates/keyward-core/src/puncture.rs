//! The puncturable tree: one secret from which 2^40 leaf keys derive, and from which leaves can be removed for ever.
//!
//! It is the tree of Goldreich, Goldwasser and Micali used as a puncturable PRF (Backendal, Günther, Paterson,
//! ASIACRYPT 2022, "Puncturable Key Wrapping and Its Applications"): the state is the set of the highest nodes whose
//! subtrees are still whole. Removing a leaf replaces the node above it by the siblings along the path and forgets the
//! path; nobody who holds only the new state can derive the leaf again.
//!
//! What stands here is the shape and nothing else. Seeds are an opaque type, the PRF is handed in ([`TreePrf`]), and
//! seeds pass in and out of the stored form only through the caller's own visitor, so that this crate never sees one.
//!
//! Sizes: one leaf removed costs 40 nodes of 32 bytes; a removed contiguous range costs no more than about 80.
use alloc::vec::Vec;
use core::ops::Range;

/// Levels of the tree below the root.
pub const HEIGHT: u8 = 40;
/// How many leaves there are.
pub const LEAVES: u64 = 1 << HEIGHT;
/// Bytes of one seed in the stored form.
pub const SEED_LEN: usize = 32;
/// Version of the stored form.
pub const ENCODING_VERSION: u8 = 1;

const MAGIC: [u8; 4] = *b"KWPT";
const HEADER_LEN: usize = 4 + 1 + 1 + 4;
const LABEL_LEN: usize = 6;
const NODE_LEN: usize = LABEL_LEN + SEED_LEN;

/// The place of a node: its depth and the path that leads to it from the root, as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeLabel {
    depth: u8,
    prefix: u64,
}

impl NodeLabel {
    /// The root, which covers every leaf.
    pub const ROOT: Self = Self {
        depth: 0,
        prefix: 0,
    };

    /// A node by depth (0 to [`HEIGHT`]) and prefix (below 2^depth).
    #[must_use]
    pub const fn new(depth: u8, prefix: u64) -> Option<Self> {
        if depth <= HEIGHT && prefix < (1 << depth) {
            Some(Self { depth, prefix })
        } else {
            None
        }
    }

    /// The node of one leaf.
    #[must_use]
    pub const fn of_leaf(leaf: u64) -> Option<Self> {
        Self::new(HEIGHT, leaf)
    }

    /// Levels below the root.
    #[must_use]
    pub const fn depth(self) -> u8 {
        self.depth
    }

    /// Path from the root, most significant step first.
    #[must_use]
    pub const fn prefix(self) -> u64 {
        self.prefix
    }

    /// The leaves below this node.
    #[must_use]
    pub const fn leaves(self) -> Range<u64> {
        let span = HEIGHT - self.depth;
        // INVARIANT: prefix < 2^depth, so both ends are at most 2^HEIGHT.
        (self.prefix << span)..((self.prefix + 1) << span)
    }

    /// The ancestor (or itself) at a depth not below this node's own.
    const fn ancestor(self, depth: u8) -> Self {
        let depth = if depth < self.depth {
            depth
        } else {
            self.depth
        };
        Self {
            depth,
            prefix: self.prefix >> (self.depth - depth),
        }
    }

    /// Left and right child; none below a leaf.
    const fn children(self) -> Option<(Self, Self)> {
        if self.depth == HEIGHT {
            return None;
        }
        let depth = self.depth + 1;
        let prefix = self.prefix << 1;
        Some((
            Self { depth, prefix },
            Self {
                depth,
                prefix: prefix | 1,
            },
        ))
    }

    /// The stored and derived-from form: depth, then the prefix as 40 bits, big-endian.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; LABEL_LEN] {
        let p = self.prefix.to_be_bytes();
        [self.depth, p[3], p[4], p[5], p[6], p[7]]
    }

    fn from_bytes(bytes: &[u8; LABEL_LEN]) -> Option<Self> {
        let [depth, p0, p1, p2, p3, p4] = *bytes;
        Self::new(depth, u64::from_be_bytes([0, 0, 0, p0, p1, p2, p3, p4]))
    }
}

/// The way down from a node whose seed is known to a node below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path {
    from: NodeLabel,
    to: NodeLabel,
}

impl Path {
    /// Where it ends.
    #[must_use]
    pub const fn end(self) -> NodeLabel {
        self.to
    }

    /// One label per step, each a child of the one before; the last is [`Path::end`].
    pub fn labels(self) -> impl ExactSizeIterator<Item = NodeLabel> {
        (self.from.depth + 1..self.to.depth + 1).map(move |depth| self.to.ancestor(depth))
    }
}

/// The pseudo-random function of the tree, injected by whoever holds seeds.
pub trait TreePrf {
    /// A seed. A clone must share the one guarded copy (a counted reference), never duplicate the bytes.
    type Seed: Clone;
    /// Why it could not derive.
    type Error;

    /// The seed at the end of `path`: one PRF step per label, keyed by the seed above, separated by the label.
    ///
    /// # Errors
    /// Whatever the holder of the seeds reports.
    fn descend(&self, from: &Self::Seed, path: Path) -> Result<Self::Seed, Self::Error>;
}

/// Where the stored form is written: public bytes and seeds come in the order in which they are stored.
pub trait TreeWriter<S> {
    /// Header and labels.
    fn public(&mut self, bytes: &[u8]);
    /// One seed, [`SEED_LEN`] bytes.
    fn seed(&mut self, seed: &S);
}

/// Why a tree did not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TreeFault<E> {
    /// This leaf was removed: nothing derives it any more.
    #[error("the leaf is punctured")]
    Punctured,
    /// There is no such leaf.
    #[error("the leaf number is out of range")]
    OutOfRange,
    /// The PRF failed.
    #[error("the tree's prf failed")]
    Prf(E),
}

/// Why a stored tree was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TreeDecodeFault<E> {
    /// Not a stored tree, or shorter or longer than it says.
    #[error("the stored tree is malformed: {0}")]
    Malformed(&'static str),
    /// Written by another version.
    #[error("the stored tree has an unknown version")]
    Version,
    /// A seed could not be taken in.
    #[error("a seed of the stored tree was refused")]
    Seed(E),
}

/// The tree: the highest whole nodes, ordered by their first leaf, none inside another, no two of them siblings
/// (two siblings would be their whole parent, which puncturing never splits).
///
/// The order makes the form canonical: the same set of removed leaves gives the same shape, whatever the order of removal.
pub struct PuncturableTree<S> {
    nodes: Vec<(NodeLabel, S)>,
}

impl<S: Clone> PuncturableTree<S> {
    /// A whole tree over a fresh root seed.
    #[must_use]
    pub fn create(root: S) -> Self {
        Self {
            nodes: alloc::vec![(NodeLabel::ROOT, root)],
        }
    }

    /// How many nodes the state holds.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// Whether a leaf can no longer be derived. What is not a leaf cannot be derived either.
    #[must_use]
    pub fn is_punctured(&self, leaf: u64) -> bool {
        self.covering(leaf).is_none()
    }

    /// The seed of a leaf, in at most [`HEIGHT`] PRF steps.
    ///
    /// # Errors
    /// [`TreeFault`].
    pub fn leaf<P: TreePrf<Seed = S>>(&self, prf: &P, leaf: u64) -> Result<S, TreeFault<P::Error>> {
        let to = NodeLabel::of_leaf(leaf).ok_or(TreeFault::OutOfRange)?;
        let (from, seed) = self.covering(leaf).ok_or(TreeFault::Punctured)?;
        prf.descend(seed, Path { from: *from, to })
            .map_err(TreeFault::Prf)
    }

    /// A new tree without these leaves; those already gone are ignored. The old tree is untouched: whoever replaces it
    /// must forget it.
    ///
    /// # Errors
    /// [`TreeFault::OutOfRange`] or the PRF's own fault; then there is no new tree.
    pub fn puncture<P: TreePrf<Seed = S>>(
        &self,
        prf: &P,
        leaves: &[u64],
    ) -> Result<Self, TreeFault<P::Error>> {
        if leaves.iter().any(|leaf| *leaf >= LEAVES) {
            return Err(TreeFault::OutOfRange);
        }
        let mut sorted = leaves.to_vec();
        sorted.sort_unstable();
        let mut holes: Vec<Range<u64>> = Vec::new();
        for leaf in sorted {
            match holes.last_mut() {
                // Equal or adjacent: one hole.
                Some(last) if leaf <= last.end => last.end = last.end.max(leaf + 1),
                _ => holes.push(leaf..leaf + 1),
            }
        }
        self.without(prf, &holes)
    }

    /// A new tree without the leaves of a range: what a restore uses to make sure that numbers which may have been given
    /// out after the backup are never used again. Costs no more than two paths, however long the range.
    ///
    /// # Errors
    /// As [`PuncturableTree::puncture`].
    pub fn puncture_range<P: TreePrf<Seed = S>>(
        &self,
        prf: &P,
        leaves: Range<u64>,
    ) -> Result<Self, TreeFault<P::Error>> {
        if leaves.end > LEAVES {
            return Err(TreeFault::OutOfRange);
        }
        if leaves.is_empty() {
            return Ok(Self {
                nodes: self.nodes.clone(),
            });
        }
        self.without(prf, core::slice::from_ref(&leaves))
    }

    /// Writes the stored form.
    pub fn encode(&self, writer: &mut impl TreeWriter<S>) {
        self.header(|bytes| writer.public(bytes));
        for (label, seed) in &self.nodes {
            writer.public(&label.to_bytes());
            writer.seed(seed);
        }
    }

    /// How long the stored form is.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        HEADER_LEN.saturating_add(self.nodes.len().saturating_mul(NODE_LEN))
    }

    /// Gives the public part of the stored form (header and labels, no seeds) to a hash: it says exactly which leaves
    /// can still be derived.
    pub fn shape(&self, mut sink: impl FnMut(&[u8])) {
        self.header(&mut sink);
        for (label, _) in &self.nodes {
            sink(&label.to_bytes());
        }
    }

    /// Reads the stored form; each seed is handed to `take` and kept as whatever that makes of it.
    ///
    /// # Errors
    /// [`TreeDecodeFault`]: anything but exactly what [`PuncturableTree::encode`] writes is refused.
    pub fn decode<E>(
        bytes: &[u8],
        mut take: impl FnMut(&[u8; SEED_LEN]) -> Result<S, E>,
    ) -> Result<Self, TreeDecodeFault<E>> {
        let (header, mut rest) = bytes
            .split_first_chunk::<HEADER_LEN>()
            .ok_or(TreeDecodeFault::Malformed("too short"))?;
        let [m0, m1, m2, m3, version, height, c0, c1, c2, c3] = *header;
        if [m0, m1, m2, m3] != MAGIC {
            return Err(TreeDecodeFault::Malformed("not a tree"));
        }
        if version != ENCODING_VERSION || height != HEIGHT {
            return Err(TreeDecodeFault::Version);
        }
        let count = usize::try_from(u32::from_be_bytes([c0, c1, c2, c3]))
            .map_err(|_| TreeDecodeFault::Malformed("count"))?;
        // The length is fixed by the count, so nothing is allocated on the word of the count alone.
        if count.checked_mul(NODE_LEN) != Some(rest.len()) {
            return Err(TreeDecodeFault::Malformed("length"));
        }
        let mut nodes: Vec<(NodeLabel, S)> = Vec::with_capacity(count);
        while let Some((label, tail)) = rest.split_first_chunk::<LABEL_LEN>() {
            let (seed, tail) = tail
                .split_first_chunk::<SEED_LEN>()
                .ok_or(TreeDecodeFault::Malformed("length"))?;
            rest = tail;
            let label = NodeLabel::from_bytes(label).ok_or(TreeDecodeFault::Malformed("label"))?;
            if let Some((before, _)) = nodes.last() {
                if before.leaves().end > label.leaves().start {
                    return Err(TreeDecodeFault::Malformed("order"));
                }
                if before.depth == label.depth && before.prefix ^ 1 == label.prefix {
                    return Err(TreeDecodeFault::Malformed("siblings"));
                }
            }
            nodes.push((label, take(seed).map_err(TreeDecodeFault::Seed)?));
        }
        Ok(Self { nodes })
    }

    fn header(&self, mut sink: impl FnMut(&[u8])) {
        sink(&MAGIC);
        sink(&[ENCODING_VERSION, HEIGHT]);
        // INVARIANT: 2^32 nodes would be 152 GiB of state; a tree never gets there because it is held in memory.
        sink(
            &u32::try_from(self.nodes.len())
                .unwrap_or(u32::MAX)
                .to_be_bytes(),
        );
    }

    fn covering(&self, leaf: u64) -> Option<&(NodeLabel, S)> {
        let after = self
            .nodes
            .partition_point(|(label, _)| label.leaves().start <= leaf);
        let candidate = self.nodes.get(after.checked_sub(1)?)?;
        candidate.0.leaves().contains(&leaf).then_some(candidate)
    }

    /// `holes` are sorted, disjoint and not empty.
    fn without<P: TreePrf<Seed = S>>(
        &self,
        prf: &P,
        holes: &[Range<u64>],
    ) -> Result<Self, TreeFault<P::Error>> {
        let mut nodes = Vec::with_capacity(self.nodes.len());
        for (label, seed) in &self.nodes {
            carve(prf, *label, seed, holes, &mut nodes).map_err(TreeFault::Prf)?;
        }
        Ok(Self { nodes })
    }
}

impl<S> core::fmt::Debug for PuncturableTree<S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "PuncturableTree({} nodes)", self.nodes.len())
    }
}

/// What of the holes lies below a node.
enum Cut {
    Nothing,
    Everything,
    Part,
}

fn cut(node: &Range<u64>, holes: &[Range<u64>]) -> Cut {
    let first = holes.partition_point(|hole| hole.end <= node.start);
    match holes.get(first) {
        Some(hole) if hole.start <= node.start && node.end <= hole.end => Cut::Everything,
        Some(hole) if hole.start < node.end => Cut::Part,
        _ => Cut::Nothing,
    }
}

/// Keeps what survives below one node. Recursion is at most [`HEIGHT`] deep; a child whose leaves are all gone is never
/// derived.
fn carve<P: TreePrf>(
    prf: &P,
    label: NodeLabel,
    seed: &P::Seed,
    holes: &[Range<u64>],
    kept: &mut Vec<(NodeLabel, P::Seed)>,
) -> Result<(), P::Error> {
    match cut(&label.leaves(), holes) {
        Cut::Nothing => kept.push((label, seed.clone())),
        Cut::Everything => {}
        Cut::Part => {
            // INVARIANT: a leaf covers one number, so it is never cut in part and always has children here.
            let Some((left, right)) = label.children() else {
                return Ok(());
            };
            for child in [left, right] {
                if !matches!(cut(&child.leaves(), holes), Cut::Everything) {
                    let below = prf.descend(
                        seed,
                        Path {
                            from: label,
                            to: child,
                        },
                    )?;
                    carve(prf, child, &below, holes, kept)?;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
