//! Every stored form that only this crate knows, read from arbitrary bytes: for the fuzz targets, which have no other way
//! to these types. It does nothing with what it reads.
use keyward_core::cbor;
use keyward_core::record::StoredRecord;
use minicbor::{Decode, Encode};

use crate::committer::{LaneRealmRow, LaneRow, LogBatchRow};
use crate::custody::{KeyringRow, SlotRow, TreeRow};
use crate::init::Installation;
use crate::rows::{DueJob, EpochRow, IdempotencyRow, Pointer};

/// How many of the stored forms the bytes are; each one that is accepted is written again and must read the same.
///
/// # Panics
/// If one does not.
#[must_use]
pub fn decode_stored(bytes: &[u8]) -> usize {
    [
        reads_back::<LaneRow>(bytes),
        reads_back::<LaneRealmRow>(bytes),
        reads_back::<LogBatchRow>(bytes),
        reads_back::<KeyringRow>(bytes),
        reads_back::<SlotRow>(bytes),
        reads_back::<TreeRow>(bytes),
        reads_back::<Installation>(bytes),
        reads_back::<DueJob>(bytes),
        reads_back::<EpochRow>(bytes),
        reads_back::<IdempotencyRow>(bytes),
        reads_back::<Pointer>(bytes),
        crate::custody::passphrase::reads_as_slot(bytes),
    ]
    .iter()
    .filter(|reads| **reads)
    .count()
}

fn reads_back<T: for<'b> Decode<'b, ()> + Encode<()>>(bytes: &[u8]) -> bool {
    let Ok(value) = cbor::from_slice::<T>(bytes) else {
        return false;
    };
    let written = cbor::to_vec(&value);
    assert!(
        cbor::from_canonical::<T>(&written).is_ok(),
        "what is written reads back"
    );
    true
}

/// The records of one stored blob of the log.
#[must_use]
pub fn stored_records(blob: &[u8]) -> Vec<StoredRecord> {
    cbor::from_slice::<LogBatchRow>(blob).map_or_else(|_| Vec::new(), |batch| batch.records)
}
