//! Checkpoints: what a log says about itself, to be signed (c2sp.org/tlog-checkpoint).

use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::fmt;

use super::{
    base64,
    hash::TreeHead,
    line::{decimal, has_control, take_line},
    node::MAX_TREE_SIZE,
};

/// Longest origin; c2sp.org/tlog-cosignature gives origins one length byte.
pub const MAX_ORIGIN_BYTES: usize = 255;

/// The name by which a log is known: the first line of each of its checkpoints.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(String);

/// A log's statement of its size and root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: Origin,
    /// Its size and root.
    pub head: TreeHead,
    /// Further lines without meaning to us; we never write any, others may.
    extensions: Vec<String>,
}

/// Why a text is not a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The origin is empty, longer than [`MAX_ORIGIN_BYTES`], or has control characters.
    #[error("origin of the checkpoint is not allowed")]
    Origin,
    /// The size is not a canonical decimal up to 2^63 − 1.
    #[error("size of the checkpoint is malformed")]
    Size,
    /// The root is not the base64 of 32 bytes.
    #[error("root of the checkpoint is malformed")]
    Root,
    /// An extension line is empty or the last line is cut off.
    #[error("lines of the checkpoint are malformed")]
    Lines,
}

impl Origin {
    /// An origin from its text.
    pub fn new(text: &str) -> Result<Self, CheckpointError> {
        if text.is_empty()
            || text.len() > MAX_ORIGIN_BYTES
            || text.contains('\n')
            || has_control(text)
        {
            return Err(CheckpointError::Origin);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Checkpoint {
    /// The statement that the log `origin` is at `head`.
    #[must_use]
    pub const fn new(origin: Origin, head: TreeHead) -> Self {
        Self {
            origin,
            head,
            extensions: Vec::new(),
        }
    }

    /// Reads a note text.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let mut rest = text;
        let mut line = || take_line(&mut rest).ok_or(CheckpointError::Lines);
        let origin = Origin::new(line()?)?;
        let size = decimal(line()?)
            .filter(|size| *size <= MAX_TREE_SIZE)
            .ok_or(CheckpointError::Size)?;
        let root = base64::decode_hash(line()?).ok_or(CheckpointError::Root)?;
        let mut extensions = Vec::new();
        while let Some(extension) = take_line(&mut rest) {
            if extension.is_empty() || has_control(extension) {
                return Err(CheckpointError::Lines);
            }
            extensions.push(extension.to_owned());
        }
        if rest.is_empty() {
            Ok(Self {
                origin,
                head: TreeHead { size, root },
                extensions,
            })
        } else {
            Err(CheckpointError::Lines)
        }
    }

    /// Further lines after the root; no consensus is to be assumed about them.
    #[must_use]
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }
}

/// The note text to sign.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.head.size, self.head.root)?;
        self.extensions
            .iter()
            .try_for_each(|line| writeln!(f, "{line}"))
    }
}
