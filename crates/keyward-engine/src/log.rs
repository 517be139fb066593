//! Reading the log: records by index, tiles, proofs, checkpoints.
use std::collections::BTreeSet;

use keyward_core::cbor;
use keyward_core::record::{Body, Header, RecordView, StoredRecord};
use keyward_core::tlog::{
    self, Hash, LogPath, Node, TILE_WIDTH, Tile, TileId, Tiles, TreeHead, append_entry,
};

use crate::committer::LogBatchRow;
use crate::crypto::Crypto;
use crate::ports::store::{Store, StoreFault, Table};
use crate::rows;

/// One lane's stored log.
pub(crate) struct LogReader<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) crypto: &'a Crypto,
    pub(crate) lane: u32,
}

const DAMAGED: StoreFault = StoreFault::Corrupt("the log does not decode");

impl LogReader<'_> {
    /// Stored records from an index on, at most `limit`, in order. What was archived is left out.
    pub(crate) fn records(
        &self,
        from: u64,
        limit: usize,
    ) -> Result<Vec<(u64, StoredRecord)>, StoreFault> {
        let prefix = self.lane.to_be_bytes();
        let mut after = from
            .checked_sub(1)
            .map(|before| rows::log_batch(self.lane, before).key);
        let mut found = Vec::new();
        while found.len() < limit {
            let page = self
                .store
                .scan(Table::LogBatch, &prefix, after.as_deref(), 64)?;
            let Some((last_key, _)) = page.last() else {
                break;
            };
            after = Some(last_key.clone());
            for (_, row) in &page {
                let batch: LogBatchRow = cbor::from_slice(&row.value).map_err(|_| DAMAGED)?;
                for (index, record) in (batch.first..).zip(batch.records) {
                    if index >= from && found.len() < limit {
                        found.push((index, record));
                    }
                }
            }
        }
        Ok(found)
    }

    /// The blob that holds an index, with its row key.
    pub(crate) fn batch_of(
        &self,
        index: u64,
    ) -> Result<
        Option<(
            crate::ports::store::RowKey,
            crate::ports::store::Row,
            LogBatchRow,
        )>,
        StoreFault,
    > {
        let prefix = self.lane.to_be_bytes();
        let after = index
            .checked_sub(1)
            .map(|before| rows::log_batch(self.lane, before).key);
        let page = self
            .store
            .scan(Table::LogBatch, &prefix, after.as_deref(), 1)?;
        let Some((key, row)) = page.into_iter().next() else {
            return Ok(None);
        };
        let batch: LogBatchRow = cbor::from_slice(&row.value).map_err(|_| DAMAGED)?;
        if batch.first > index {
            return Ok(None);
        }
        Ok(Some((
            crate::ports::store::RowKey {
                table: Table::LogBatch,
                key,
            },
            row,
            batch,
        )))
    }

    /// One record as read.
    pub(crate) fn view(index: u64, stored: &StoredRecord) -> Result<RecordView, StoreFault> {
        let header: Header = cbor::from_slice(&stored.entry).map_err(|_| DAMAGED)?;
        let body = stored
            .body
            .as_deref()
            .map(cbor::from_slice::<Body>)
            .transpose()
            .map_err(|_| DAMAGED)?;
        Ok(RecordView {
            index,
            header,
            body,
        })
    }

    /// A tile of the tree of this size; full tiles are stored, partial ones follow from what is.
    pub(crate) fn tile(&self, id: TileId) -> Result<Tile, StoreFault> {
        if id.is_full() {
            let row = rows::log_tile(self.lane, id.level(), id.index());
            if let Some(row) = self.store.get(&row)? {
                return Tile::from_bytes(id, &row.value).map_err(|_| DAMAGED);
            }
        } else if let Some(row) =
            self.store
                .get(&rows::log_tile(self.lane, id.level(), id.index()))?
        {
            // The tile has filled up since: its beginning is the partial one.
            let hashes: Vec<Hash> = row
                .value
                .chunks_exact(32)
                .take(usize::from(id.width()))
                .filter_map(|chunk| <[u8; 32]>::try_from(chunk).ok().map(Hash::from))
                .collect();
            return Tile::new(id, hashes).map_err(|_| DAMAGED);
        }
        let width = u64::from(TILE_WIDTH);
        let first = id.index().checked_mul(width).ok_or(DAMAGED)?;
        let count = usize::from(id.width());
        let hashes = if id.level() == 0 {
            let records = self.records(first, count)?;
            if records.first().is_some_and(|(index, _)| *index != first) || records.len() < count {
                return Err(StoreFault::Corrupt("a part of the log is missing"));
            }
            records
                .iter()
                .map(|(_, record)| tlog::leaf_hash(self.crypto, &record.entry))
                .collect()
        } else {
            let mut hashes = Vec::with_capacity(count);
            for index in (first..).take(count) {
                let below = TileId::new(id.level().saturating_sub(1), index, TILE_WIDTH)
                    .map_err(|_| DAMAGED)?;
                hashes.push(self.tile_root(&self.tile(below)?)?);
            }
            hashes
        };
        Tile::new(id, hashes).map_err(|_| DAMAGED)
    }

    fn tile_root(&self, tile: &Tile) -> Result<Hash, StoreFault> {
        let leaves = tlog::LeafHashes::new(self.crypto, tile.hashes());
        tlog::tree_root(self.crypto, &leaves, tile.hashes().len() as u64).map_err(|_| DAMAGED)
    }

    /// The right edge of the tree of a size: what a writer goes on from.
    pub(crate) fn right_edge(&self, size: u64) -> Result<Vec<Tile>, StoreFault> {
        TileId::right_edge(size).map(|id| self.tile(id)).collect()
    }

    /// The tiles that hold these nodes, and the right edge against which they can be checked.
    pub(crate) fn verified_tiles(
        &self,
        head: &TreeHead,
        nodes: &[Node],
    ) -> Result<Tiles, StoreFault> {
        let mut tiles = Tiles::new(head.size).map_err(|_| DAMAGED)?;
        let mut needed: BTreeSet<TileId> = Tiles::needed(head.size, nodes);
        needed.extend(TileId::right_edge(head.size));
        for id in needed {
            tiles
                .insert(id, &self.tile(id)?.to_bytes())
                .map_err(|_| DAMAGED)?;
        }
        Ok(tiles)
    }

    /// A resource of the tlog-tiles interface.
    pub(crate) fn resource(&self, path: LogPath, size: u64) -> Result<Option<Vec<u8>>, StoreFault> {
        match path {
            LogPath::Tile(id) => {
                let within = TileId::in_tree(id.level(), id.index(), size)
                    .is_some_and(|now| now.width() >= id.width());
                if within {
                    Ok(Some(self.tile(id)?.to_bytes()))
                } else {
                    Ok(None)
                }
            }
            LogPath::Entries(id) => {
                let first = id.index().saturating_mul(u64::from(TILE_WIDTH));
                let count = usize::from(id.width());
                if first.saturating_add(count as u64) > size {
                    return Ok(None);
                }
                let mut bundle = Vec::new();
                let records = self.records(first, count)?;
                if records.first().is_none_or(|(index, _)| *index != first) {
                    return Ok(None);
                }
                for (_, record) in records {
                    append_entry(&mut bundle, &record.entry).map_err(|_| DAMAGED)?;
                }
                Ok(Some(bundle))
            }
            LogPath::Checkpoint => Ok(None),
        }
    }
}
