//! An archived segment: records, the tiles that lead from them to a signed root, and the key history. It verifies on its own.
use keyward_core::cbor;
use keyward_core::record::StoredRecord;
use keyward_core::tlog::{KeyHistory, TILE_WIDTH, TileId, TreeHead};
use minicbor::{Decode, Encode};

use crate::log::LogReader;
use crate::ports::store::{Row, RowKey, StoreFault, Table};

/// The segment file.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Segment {
    /// Format, 1.
    #[n(0)]
    pub format: u8,
    /// First index.
    #[n(1)]
    pub from: u64,
    /// The records.
    #[n(2)]
    pub records: Vec<StoredRecord>,
    /// Tiles of the tree of the checkpoint: level, index, width, hashes.
    #[n(3)]
    pub tiles: Vec<SegmentTile>,
    /// Signed checkpoint.
    #[n(4)]
    pub checkpoint: String,
    /// Key history.
    #[n(5)]
    pub keys: String,
}

/// One tile in a segment.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct SegmentTile {
    /// Level.
    #[n(0)]
    pub level: u8,
    /// Index at the level.
    #[n(1)]
    pub index: u64,
    /// Hashes in it.
    #[n(2)]
    pub width: u16,
    /// The hashes, 32 bytes each.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub hashes: Vec<u8>,
}

/// A segment with the blobs it takes out of the store.
pub(crate) struct Collected {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) blobs: Vec<(RowKey, Row)>,
}

/// Bytes of blobs in one segment: it is made in memory.
pub(crate) const SEGMENT_MAX_BYTES: usize = 64 << 20;

/// Collects whole commits before an index, as far as their level-0 tiles are full (and so stay provable from tiles alone).
pub(crate) fn collect(
    log: &LogReader<'_>,
    head: &TreeHead,
    before: u64,
    checkpoint: &str,
    history: &KeyHistory,
) -> Result<Option<Collected>, StoreFault> {
    let width = u64::from(TILE_WIDTH);
    let full = head
        .size
        .checked_div(width)
        .unwrap_or_default()
        .saturating_mul(width);
    let end = before.min(full);
    let (mut blobs, mut records, mut from, mut to) = (Vec::new(), Vec::new(), None, 0);
    let mut bytes = 0_usize;
    let mut after: Option<Vec<u8>> = None;
    'pages: loop {
        let page = log.store.scan(
            Table::LogBatch,
            &log.lane.to_be_bytes(),
            after.as_deref(),
            64,
        )?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        for (key, row) in page {
            let batch: crate::committer::LogBatchRow = cbor::from_slice(&row.value)
                .map_err(|_| StoreFault::Corrupt("the log does not decode"))?;
            let next = batch.first.saturating_add(batch.records.len() as u64);
            let full = bytes >= SEGMENT_MAX_BYTES && from.is_some();
            if next > end || full {
                break 'pages;
            }
            bytes = bytes.saturating_add(row.value.len());
            from.get_or_insert(batch.first);
            to = next;
            records.extend(batch.records);
            blobs.push((
                RowKey {
                    table: Table::LogBatch,
                    key,
                },
                row,
            ));
        }
    }
    let Some(from) = from else { return Ok(None) };
    let tiles = tiles_of(log, head, from, to)?;
    let segment = Segment {
        format: 1,
        from,
        records,
        tiles,
        checkpoint: checkpoint.to_owned(),
        keys: history.to_string(),
    };
    Ok(Some(Collected {
        from,
        to,
        bytes: cbor::to_vec(&segment),
        blobs,
    }))
}

/// Every tile above the records up to the root, and the right edge.
fn tiles_of(
    log: &LogReader<'_>,
    head: &TreeHead,
    from: u64,
    to: u64,
) -> Result<Vec<SegmentTile>, StoreFault> {
    let width = u64::from(TILE_WIDTH);
    let mut ids: std::collections::BTreeSet<TileId> = TileId::right_edge(head.size).collect();
    let (mut low, mut high) = (from, to.saturating_sub(1));
    for level in 0..8u8 {
        low = low.checked_div(width).unwrap_or_default();
        high = high.checked_div(width).unwrap_or_default();
        ids.extend((low..=high).filter_map(|index| TileId::in_tree(level, index, head.size)));
    }
    ids.into_iter()
        .map(|id| {
            let tile = log.tile(id)?;
            Ok(SegmentTile {
                level: id.level(),
                index: id.index(),
                width: id.width(),
                hashes: tile.to_bytes(),
            })
        })
        .collect()
}
