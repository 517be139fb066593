//! What can be archived, for a server that archives by policy.
use keyward_core::cbor;
use keyward_core::command::{ArchiveLog, Command, Envelope};
use keyward_core::outcome::Outcome;
use keyward_core::record::Header;
use keyward_core::time::Timestamp;
use keyward_core::{ErrorCode, Problem};

use crate::committer::LogBatchRow;
use crate::engine::Engine;
use crate::log::LogReader;
use crate::open::Open;
use crate::ports::store::{StoreFault, Table};
use crate::problems::store_problem;
use crate::segment::{self, Segment};

/// A segment that can be written down before the store lets go of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archivable {
    /// First index.
    pub from: u64,
    /// One past the last.
    pub to: u64,
    /// Time of its last record.
    pub newest: Timestamp,
    /// The file.
    pub bytes: Vec<u8>,
}

impl Archivable {
    /// Whether another rendering of the segment has the same records: bodies can have been redacted in between.
    #[must_use]
    pub fn has_same_records(&self, other: &[u8]) -> bool {
        match (
            cbor::from_slice::<Segment>(&self.bytes),
            cbor::from_slice::<Segment>(other),
        ) {
            (Ok(ours), Ok(theirs)) => ours.records == theirs.records,
            _ => false,
        }
    }
}

impl Engine {
    /// The next segment of records made before a time; none if nothing is old enough.
    ///
    /// # Errors
    /// `sealed`, or the store's fault.
    pub fn archivable(&self, before: Timestamp) -> Result<Option<Archivable>, Problem> {
        let open = self.opened()?;
        let end = end_of(&open, before).map_err(|f| store_problem(&f))?;
        if end == 0 {
            return Ok(None);
        }
        let (head, note) = open.checkpoint()?;
        let history = open.identity.read().history.clone();
        let collected = segment::collect(&open.log(), &head, end, &note, &history)
            .map_err(|f| store_problem(&f))?;
        let Some(collected) = collected else {
            return Ok(None);
        };
        let last = collected
            .to
            .checked_sub(1)
            .and_then(|last| time_of(&open.log(), last).ok().flatten());
        Ok(Some(Archivable {
            from: collected.from,
            to: collected.to,
            newest: last.unwrap_or(before),
            bytes: collected.bytes,
        }))
    }

    /// Takes everything before an index out of the store, as the scheduler, and gives it as a segment.
    ///
    /// # Errors
    /// As [`Engine::execute`].
    pub async fn archive(&self, before: u64) -> Result<Vec<u8>, Problem> {
        let command = Command::ArchiveLog(ArchiveLog { before });
        let outcome = self
            .execute(&self.scheduler(), &command, &Envelope::default())
            .await?;
        match outcome {
            Outcome::Segment { bytes, .. } => Ok(bytes),
            _ => Err(Problem::new(ErrorCode::Internal)),
        }
    }
}

/// One past the last blob that has only records from before a time.
fn end_of(open: &Open, before: Timestamp) -> Result<u64, StoreFault> {
    let (mut end, mut bytes) = (0, 0_usize);
    let mut after: Option<Vec<u8>> = None;
    loop {
        let prefix = crate::open::LANE.to_be_bytes();
        let page = open
            .store
            .scan(Table::LogBatch, &prefix, after.as_deref(), 64)?;
        let Some((last, _)) = page.last() else {
            return Ok(end);
        };
        after = Some(last.clone());
        for (_, row) in page {
            let batch: LogBatchRow = cbor::from_slice(&row.value)
                .map_err(|_| StoreFault::Corrupt("the log does not decode"))?;
            let young = batch.records.iter().any(|record| {
                cbor::from_slice::<Header>(&record.entry).is_ok_and(|header| header.time >= before)
            });
            // One segment at a time is all that is asked for.
            if young || bytes > segment::SEGMENT_MAX_BYTES {
                return Ok(end);
            }
            bytes = bytes.saturating_add(row.value.len());
            end = batch.first.saturating_add(batch.records.len() as u64);
        }
    }
}

fn time_of(log: &LogReader<'_>, index: u64) -> Result<Option<Timestamp>, StoreFault> {
    let records = log.records(index, 1)?;
    let Some((_, record)) = records.first() else {
        return Ok(None);
    };
    Ok(cbor::from_slice::<Header>(&record.entry)
        .ok()
        .map(|header| header.time))
}
