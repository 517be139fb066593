//! An archived segment: records with bodies, the tiles that lead from them to a signed root, and the key history.
//!
//! The format is read here by hand, from its description in docs/cli.md, and not with the server's code: a verifier that
//! shares its reading with the writer shares its mistakes.
use keyward_core::cbor;
use keyward_core::record::StoredRecord;
use keyward_core::tlog::{HashReader as _, Node, TileId, Tiles, VerifiedTiles, leaf_hash};
use minicbor::{Decode, Encode};

use super::sequence::{Sequence, check_body};
use super::{Report, Trust};
use crate::exit::Failure;

/// The format this release reads.
const FORMAT: u8 = 1;

/// The file.
#[derive(Debug, Encode, Decode)]
#[cbor(map)]
pub struct Segment {
    #[n(0)]
    pub format: u8,
    #[n(1)]
    pub from: u64,
    #[n(2)]
    pub records: Vec<StoredRecord>,
    #[n(3)]
    pub tiles: Vec<SegmentTile>,
    #[n(4)]
    pub checkpoint: String,
    #[n(5)]
    pub keys: String,
}

/// One tile: level, index, width, hashes.
#[derive(Debug, Encode, Decode)]
#[cbor(array)]
pub struct SegmentTile {
    #[n(0)]
    pub level: u8,
    #[n(1)]
    pub index: u64,
    #[n(2)]
    pub width: u16,
    #[cbor(n(3), with = "minicbor::bytes")]
    pub hashes: Vec<u8>,
}

/// Verifies a segment on its own.
pub fn verify(trust: &Trust, bytes: &[u8]) -> Result<Report, Failure> {
    let segment: Segment = cbor::from_slice(bytes).map_err(|_| {
        Failure::integrity(
            "it is neither a segment of the log, nor a proof, nor a downloaded directory",
        )
    })?;
    if segment.format != FORMAT {
        return Err(Failure::local(
            format!(
                "the segment has format {}, and this release reads {FORMAT}",
                segment.format
            ),
            "Verify with a newer release.",
        ));
    }
    let history = trust.history(&segment.keys)?;
    let witnessed = trust.checkpoint(&history, segment.checkpoint.as_bytes())?;
    let tiles = verified_tiles(trust, &segment, &witnessed.checkpoint.head)?;
    let mut report = Report::of("segment", &history, &witnessed);
    report.first = segment.records.first().map(|_| segment.from);
    let mut sequence = Sequence::from(segment.from);
    for (index, record) in (segment.from..).zip(&segment.records) {
        if tiles.read(Node { level: 0, index }) != Some(leaf_hash(&trust.crypto, &record.entry)) {
            return Err(Failure::integrity(format!(
                "record {index} is not the one in the tree"
            )));
        }
        let header = sequence.take(index, &record.entry)?;
        match (&record.salt, &record.body) {
            (Some(salt), Some(body)) => {
                check_body(&trust.crypto, index, &header, salt, body)?;
                report.bodies += 1;
            }
            (None, None) => report.redacted += 1,
            _ => {
                return Err(Failure::integrity(format!(
                    "record {index} has a salt or a body, not both"
                )));
            }
        }
        report.records += 1;
    }
    Ok(report)
}

fn verified_tiles<'t>(
    trust: &'t Trust,
    segment: &Segment,
    head: &keyward_core::tlog::TreeHead,
) -> Result<VerifiedTiles<'t>, Failure> {
    let broken = |error: &dyn ToString| {
        Failure::integrity(format!("the segment's tiles: {}", error.to_string()))
    };
    let mut tiles = Tiles::new(head.size).map_err(|error| broken(&error))?;
    for tile in &segment.tiles {
        let id = TileId::new(tile.level, tile.index, tile.width).map_err(|error| broken(&error))?;
        tiles
            .insert(id, &tile.hashes)
            .map_err(|error| broken(&error))?;
    }
    tiles
        .verify(&trust.crypto, &head.root)
        .map_err(|error| broken(&error))
}
