//! The names under which a log's resources are stored and served (c2sp.org/tlog-tiles).
//!
//! Each resource has one name: a path that would be written differently is refused, so a name can
//! be used as a key.

use alloc::string::ToString;
use core::fmt;

use super::{
    bundle::BundleId,
    tile::{TILE_WIDTH, TileId},
};

/// Longest path: seven index elements of five characters, level and width included, fit well within
/// it.
const MAX_PATH_BYTES: usize = 64;
/// An index is written in groups of three digits.
const GROUP: u64 = 1000;

/// A resource of a tiled log, below the log's URL prefix or directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogPath {
    /// The latest signed checkpoint: `checkpoint`.
    Checkpoint,
    /// A tile of hashes: `tile/<level>/<index>[.p/<width>]`.
    Tile(TileId),
    /// An entry bundle: `tile/entries/<index>[.p/<width>]`.
    Entries(BundleId),
}

impl LogPath {
    /// Reads a path relative to the log; `None` for anything but the one right spelling of a
    /// resource.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        if path == "checkpoint" {
            return Some(Self::Checkpoint);
        }
        if path.len() > MAX_PATH_BYTES {
            return None;
        }
        let (level, place) = path.strip_prefix("tile/")?.split_once('/')?;
        let (index, width) = match place.split_once(".p/") {
            Some((index, width)) => (
                index,
                width
                    .parse::<u16>()
                    .ok()
                    .filter(|width| *width < TILE_WIDTH)?,
            ),
            None => (place, TILE_WIDTH),
        };
        let index = parse_index(index)?;
        let parsed = match level {
            "entries" => Self::Entries(BundleId::new(index, width).ok()?),
            _ => Self::Tile(TileId::new(level.parse().ok()?, index, width).ok()?),
        };
        // Leading zeroes, signs and needless groups are caught by writing it again.
        (parsed.to_string() == path).then_some(parsed)
    }
}

impl fmt::Display for LogPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkpoint => f.write_str("checkpoint"),
            Self::Tile(id) => {
                write!(f, "tile/{}/", id.level())?;
                write_place(f, id.index(), id.width())
            }
            Self::Entries(id) => {
                f.write_str("tile/entries/")?;
                write_place(f, id.index(), id.width())
            }
        }
    }
}

/// The tile's path below the log's prefix.
impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        LogPath::Tile(*self).fmt(f)
    }
}

/// The bundle's path below the log's prefix.
impl fmt::Display for BundleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        LogPath::Entries(*self).fmt(f)
    }
}

fn write_place(f: &mut fmt::Formatter<'_>, index: u64, width: u16) -> fmt::Result {
    write_groups(f, index / GROUP)?;
    write!(f, "{:03}", index % GROUP)?;
    if width < TILE_WIDTH {
        write!(f, ".p/{width}")
    } else {
        Ok(())
    }
}

/// All groups but the last begin with an `x`, so that no file is also a directory.
fn write_groups(f: &mut fmt::Formatter<'_>, index: u64) -> fmt::Result {
    if index == 0 {
        return Ok(());
    }
    write_groups(f, index / GROUP)?;
    write!(f, "x{:03}/", index % GROUP)
}

fn parse_index(text: &str) -> Option<u64> {
    text.split('/').try_fold(0u64, |index, group| {
        let digits = group.strip_prefix('x').unwrap_or(group);
        if digits.len() != 3 {
            return None;
        }
        index.checked_mul(GROUP)?.checked_add(digits.parse().ok()?)
    })
}
