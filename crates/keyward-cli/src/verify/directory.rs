//! A downloaded log, laid out as in C2SP tlog-tiles: `checkpoint`, `keys`, `tile/entries/…`, and `tile/0/…` where the
//! entries were archived.
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use keyward_core::tlog::{
    BundleId, Frontier, Hash, KeyHistory, LogPath, TILE_WIDTH, Tile, TileId, WitnessedCheckpoint,
    leaf_hash, read_bundle,
};

use super::sequence::Sequence;
use super::{Report, Trust};
use crate::exit::Failure;

/// Blocks of 256 entries, the last one perhaps partial.
pub fn block_count(size: u64) -> u64 {
    size.div_ceil(u64::from(TILE_WIDTH))
}

/// Where the entries of a block are, relative to the log.
pub fn entries_path(block: u64, size: u64) -> Option<String> {
    BundleId::in_tree(block, size).map(|id| LogPath::Entries(id).to_string())
}

/// Where the hashes of a block are.
pub fn tile_path(block: u64, size: u64) -> Option<String> {
    TileId::in_tree(0, block, size).map(|id| LogPath::Tile(id).to_string())
}

/// A directory with a log in it.
pub struct Downloaded<'a> {
    pub root: &'a Path,
}

/// One block as it was found.
enum Block {
    Entries(Vec<u8>, u16),
    Hashes(Tile),
}

impl Downloaded<'_> {
    /// A file of it, if it is there.
    pub fn file(&self, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        let path: PathBuf = self.root.join(path);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::file(&path, &error)),
        }
    }

    fn needed(&self, path: &str) -> Result<Vec<u8>, Failure> {
        self.file(path)?
            .ok_or_else(|| Failure::integrity(format!("`{path}` is missing")))
    }

    fn text(&self, path: &str) -> Result<String, Failure> {
        String::from_utf8(self.needed(path)?)
            .map_err(|_| Failure::integrity(format!("`{path}` is not text")))
    }

    /// A block: its entries, else its hashes.
    fn block(&self, block: u64, size: u64) -> Result<Block, Failure> {
        let missing =
            || Failure::integrity(format!("the entries from {} on are missing", block * 256));
        if let Some(id) = BundleId::in_tree(block, size)
            && let Some(bytes) = self.file(&LogPath::Entries(id).to_string())?
        {
            return Ok(Block::Entries(bytes, id.width()));
        }
        let id = TileId::in_tree(0, block, size).ok_or_else(missing)?;
        let path = LogPath::Tile(id).to_string();
        let bytes = self.file(&path)?.ok_or_else(missing)?;
        let tile = Tile::from_bytes(id, &bytes)
            .map_err(|error| Failure::integrity(format!("`{path}`: {error}")))?;
        Ok(Block::Hashes(tile))
    }
}

/// Verifies a downloaded log from its first entry to its checkpoint.
pub fn verify(trust: &Trust, path: &Path) -> Result<Report, Failure> {
    let log = Downloaded { root: path };
    let history = trust.history(&log.text("keys")?)?;
    let witnessed = trust.checkpoint(&history, &log.needed("checkpoint")?)?;
    recompute(trust, &log, &history, &witnessed)
}

fn recompute(
    trust: &Trust,
    log: &Downloaded<'_>,
    history: &KeyHistory,
    witnessed: &WitnessedCheckpoint,
) -> Result<Report, Failure> {
    let head = witnessed.checkpoint.head;
    let mut report = Report::of("log", history, witnessed);
    let mut sequence = Sequence::from(0);
    let expected = trust.expected(history, head.size)?;
    let mut tree = Kept {
        trust,
        tree: Frontier::new(),
        expected,
    };
    tree.compare()?;
    for block in 0..block_count(head.size) {
        match log.block(block, head.size)? {
            Block::Entries(bytes, width) => {
                report.first.get_or_insert(tree.tree.size());
                let broken = |error: &dyn ToString| {
                    Failure::integrity(format!(
                        "the entries from {} on: {}",
                        block * 256,
                        error.to_string()
                    ))
                };
                for entry in read_bundle(&bytes, width).map_err(|error| broken(&error))? {
                    sequence.take(tree.tree.size(), entry)?;
                    tree.add(leaf_hash(&trust.crypto, entry))?;
                    report.records += 1;
                }
            }
            Block::Hashes(tile) => {
                sequence.skip();
                for hash in tile.hashes() {
                    tree.add(*hash)?;
                    report.hashes_only += 1;
                }
            }
        }
    }
    if tree.tree.head(&trust.crypto) == head {
        sequence.finish(history, head.size)?;
        Ok(report)
    } else {
        Err(Failure::integrity(
            "the entries do not lead to the root that the checkpoint signs",
        ))
    }
}

/// The tree as it grows, compared with every checkpoint that was kept.
struct Kept<'t> {
    trust: &'t Trust,
    tree: Frontier,
    expected: BTreeMap<u64, Vec<(&'t str, Hash)>>,
}

impl Kept<'_> {
    fn add(&mut self, leaf: Hash) -> Result<(), Failure> {
        self.tree
            .append(&self.trust.crypto, leaf)
            .map_err(|error| Failure::integrity(error.to_string()))?;
        self.compare()
    }

    fn compare(&mut self) -> Result<(), Failure> {
        let size = self.tree.size();
        let Some(expected) = self.expected.remove(&size) else {
            return Ok(());
        };
        let root = self.tree.head(&self.trust.crypto).root;
        match expected.iter().find(|(_, kept)| *kept != root) {
            None => Ok(()),
            Some((name, _)) => Err(Failure::integrity(format!(
                "`{name}` is of another log at {size} records: this one was changed or forked"
            ))),
        }
    }
}
