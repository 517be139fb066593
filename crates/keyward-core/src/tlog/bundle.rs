//! Entry bundles: up to 256 entries, each behind its length (c2sp.org/tlog-tiles, "Log entries").

use alloc::vec::Vec;

use super::tile::{TILE_WIDTH, TileError, hashes_at, width_at};

/// The longest entry a bundle can hold: its length is stored in 16 bits.
pub const MAX_ENTRY_BYTES: usize = u16::MAX as usize;

/// Where a bundle stands and how many entries it has; the entries are those under the level-0 tile
/// at the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BundleId {
    index: u64,
    width: u16,
}

/// Why bytes are not an entry bundle, or an entry does not fit one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The entry is longer than [`MAX_ENTRY_BYTES`].
    #[error("entry is longer than 65535 bytes")]
    EntryTooLong,
    /// The bundle ends within an entry.
    #[error("bundle is cut off")]
    Truncated,
    /// The bundle has more or fewer entries than its width says.
    #[error("bundle has the wrong number of entries")]
    WrongCount,
}

impl BundleId {
    /// The bundle of `width` entries at this place.
    pub fn new(index: u64, width: u16) -> Result<Self, TileError> {
        if (1..=TILE_WIDTH).contains(&width) {
            Ok(Self { index, width })
        } else {
            Err(TileError::WidthOutOfRange)
        }
    }

    /// The bundle at this place as a tree of `size` makes it; `None` if that tree does not reach
    /// it.
    #[must_use]
    pub fn in_tree(index: u64, size: u64) -> Option<Self> {
        Some(Self {
            index,
            width: width_at(index, hashes_at(0, size))?,
        })
    }

    /// Position among the bundles; entry `i` of the log is in bundle `i / 256`.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Number of entries, 1 to 256.
    #[must_use]
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Whether the bundle has all its entries and will never change.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }
}

/// Adds an entry to the end of a bundle.
pub fn append_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), BundleError> {
    let length = u16::try_from(entry.len()).map_err(|_| BundleError::EntryTooLong)?;
    bundle.extend(length.to_be_bytes());
    bundle.extend(entry);
    Ok(())
}

/// The entries of a bundle that must have exactly `count` of them.
pub fn read_bundle(bundle: &[u8], count: u16) -> Result<Vec<&[u8]>, BundleError> {
    let mut entries = Vec::with_capacity(count.min(TILE_WIDTH).into());
    let mut rest = bundle;
    while !rest.is_empty() {
        if entries.len() == usize::from(count) {
            return Err(BundleError::WrongCount);
        }
        let (length, after) = rest
            .split_first_chunk::<2>()
            .ok_or(BundleError::Truncated)?;
        let (entry, after) = after
            .split_at_checked(u16::from_be_bytes(*length).into())
            .ok_or(BundleError::Truncated)?;
        entries.push(entry);
        rest = after;
    }
    if entries.len() == usize::from(count) {
        Ok(entries)
    } else {
        Err(BundleError::WrongCount)
    }
}
