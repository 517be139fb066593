//! The search index: which records a filter can mean, so that a search reads only those.
//!
//! It is made of chunks of 65,536 records, each with five columns of 32-bit values: realm, target, principal, command with
//! outcome, time. Full chunks are stored, one row per column, each with its own code; what is beyond the last full chunk is in
//! memory. It is filled beside the writer and never waited for.
//!
//! It only proposes: every record is read from the log's own blobs and compared with the filter itself, so a column that says
//! too much costs time and nothing else. One that is missing or whose code is wrong is made again from the log. Columns of a
//! range never change but by redaction, so an older copy of a row can only propose too much.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keyward_core::cbor;
use keyward_core::command::ReadAudit;
use keyward_core::record::{Body, Header, RecordView, StoredRecord};
use parking_lot::Mutex;
use quick_cache::sync::Cache;

use crate::committer::LogBatchRow;
use crate::log::LogReader;
use crate::open::{LANE, Open};
use crate::ports::store::{Batch, Change, Expect, RowKey, StoreFault};
use crate::rows;

/// Records of one chunk.
pub(crate) const CHUNK: u64 = 1 << 16;
/// Columns kept in memory: 64 MiB of them.
const COLUMNS_KEPT: usize = 256;
/// Chunks that one search makes anew before it hands out what it has.
const BUILD_MAX: usize = 8;
/// Records that one search reads before it hands out what it has.
const LOOK_MAX: usize = 20_000;
/// Records read at a time when a chunk is made.
const PAGE: usize = 2_048;

/// What a column holds. Numbers are part of the stored keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
enum Column {
    Realm = 1,
    Target = 2,
    Principal = 3,
    Command = 4,
    Second = 5,
}

impl Column {
    const ALL: [Self; 5] = [
        Self::Realm,
        Self::Target,
        Self::Principal,
        Self::Command,
        Self::Second,
    ];
}

/// The bit beside the command's number that says "not done".
const REFUSED: u32 = 1 << 16;

type Values = Arc<Vec<u32>>;

/// An id as a column has it; zero stands for none.
fn folded(id: &[u8; 16]) -> u32 {
    let words = id
        .chunks_exact(4)
        .filter_map(|word| word.first_chunk::<4>());
    words
        .fold(0, |all, word| all ^ u32::from_be_bytes(*word))
        .max(1)
}

/// One record's values, in the order of [`Column::ALL`]; all zero for a record that is not there.
fn values(record: &StoredRecord) -> [u32; 5] {
    let Ok(header) = cbor::from_slice::<Header>(&record.entry) else {
        return [0; 5];
    };
    let principal = record
        .body
        .as_deref()
        .and_then(|body| cbor::from_slice::<Body>(body).ok())
        .map_or(0, |body| folded(&body.principal.0));
    let refused = if header.outcome == 0 { 0 } else { REFUSED };
    [
        folded(&header.realm.0),
        header.target.as_ref().map_or(0, folded),
        principal,
        u32::from(header.command) | refused,
        u32::try_from(header.time.0 / 1_000).unwrap_or(u32::MAX),
    ]
}

/// The columns of records that do not fill a chunk yet.
#[derive(Default)]
struct Tail {
    /// First index of its chunk.
    first: u64,
    columns: [Vec<u32>; 5],
}

impl Tail {
    fn next(&self) -> u64 {
        let [realms, ..] = &self.columns;
        self.first.saturating_add(realms.len() as u64)
    }

    fn push(&mut self, values: [u32; 5]) {
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.push(value);
        }
    }

    /// Fills up for records that are no longer there.
    fn skip_to(&mut self, index: u64) {
        while self.next() < index && self.next() < self.first.saturating_add(CHUNK) {
            self.push([0; 5]);
        }
    }

    fn is_full(&self) -> bool {
        self.next() >= self.first.saturating_add(CHUNK)
    }
}

/// The index of one lane.
pub(crate) struct Index {
    columns: Cache<(u64, Column), Values>,
    tail: Mutex<Tail>,
    /// Chunks before this one were found stored, or made, since the start.
    seen: AtomicU64,
    /// Counts redactions, so that nothing made from what was read before one is kept after it.
    redactions: Mutex<u64>,
}

/// One page of a search.
pub(crate) struct Found {
    pub(crate) records: Vec<RecordView>,
    pub(crate) next: u64,
}

impl Index {
    pub(crate) fn new() -> Self {
        Self {
            columns: Cache::new(COLUMNS_KEPT),
            tail: Mutex::new(Tail::default()),
            seen: AtomicU64::new(0),
            redactions: Mutex::new(0),
        }
    }

    fn forget(&self, index: u64) {
        let chunk = index / CHUNK;
        for column in Column::ALL {
            self.columns.remove(&(chunk, column));
        }
        let mut tail = self.tail.lock();
        if tail.first / CHUNK == chunk {
            let first = tail.first;
            *tail = Tail {
                first,
                ..Tail::default()
            };
        }
    }

    /// The rows of the chunk that holds an index.
    fn rows_of(index: u64) -> [RowKey; 5] {
        Column::ALL.map(|column| row(index / CHUNK, column))
    }

    /// Records that are not in it yet.
    pub(crate) fn lag(&self, size: u64) -> u64 {
        size.saturating_sub(self.tail.lock().next())
    }
}

fn row(chunk: u64, column: Column) -> RowKey {
    rows::log_index(LANE, chunk, column as u8)
}

impl Open {
    /// Takes up to `limit` records more into the index; how many that were. Never holds up the writer.
    pub(crate) fn index_more(&self, limit: usize) -> Result<usize, StoreFault> {
        let size = self.committer.head().size;
        let mut tail = self.index.tail.lock();
        let redactions = *self.index.redactions.lock();
        if tail.next() == 0 && size > CHUNK {
            // A new process goes on after the last full chunk; whatever is not stored before it is made when it is asked for.
            tail.first = size / CHUNK * CHUNK;
        }
        let mut taken = 0_usize;
        while taken < limit && tail.next() < size {
            let room = limit.saturating_sub(taken).min(PAGE);
            let from = tail.next();
            let page = self.log().records(from, room)?;
            if page.is_empty() {
                break;
            }
            for (index, record) in page {
                tail.skip_to(index);
                if tail.is_full() {
                    break;
                }
                tail.push(values(&record));
                taken = taken.saturating_add(1);
            }
            if tail.is_full() {
                let chunk = tail.first / CHUNK;
                let columns = std::mem::take(&mut tail.columns);
                tail.first = tail.first.saturating_add(CHUNK);
                self.store_chunk(chunk, columns, redactions)?;
            }
        }
        let newest = tail.first / CHUNK;
        drop(tail);
        if taken < limit {
            self.mend_one(newest)?;
        }
        Ok(taken)
    }

    /// Looks at one more of the stored chunks and makes it if it is not there: what another process left undone, or somebody
    /// deleted.
    fn mend_one(&self, newest: u64) -> Result<(), StoreFault> {
        let chunk = self.index.seen.load(Ordering::Acquire);
        if chunk >= newest {
            return Ok(());
        }
        for column in Column::ALL {
            if self.stored_column(chunk, column)?.is_none() {
                let redactions = *self.index.redactions.lock();
                let columns = self.build(chunk)?;
                self.store_chunk(chunk, columns, redactions)?;
                break;
            }
        }
        self.index
            .seen
            .store(chunk.saturating_add(1), Ordering::Release);
        Ok(())
    }

    /// Stores a full chunk: rows outside the set-hash, each with a code of its own.
    fn store_chunk(&self, chunk: u64, columns: [Vec<u32>; 5], seen: u64) -> Result<(), StoreFault> {
        let mut batch = Batch::default();
        let mut made = Vec::with_capacity(columns.len());
        for (column, values) in Column::ALL.into_iter().zip(columns) {
            let key = row(chunk, column);
            let payload: Vec<u8> = values
                .iter()
                .flat_map(|value| value.to_be_bytes())
                .collect();
            let stored = self.store.get(&key)?.map_or(0, |row| row.version);
            let version = stored.saturating_add(1);
            let (value, _) = self
                .custody
                .sealer
                .seal(&key, version, &payload)
                .map_err(|_| StoreFault::Unavailable("the module cannot authenticate the index"))?;
            batch.expect.push(Expect {
                row: key.clone(),
                version: stored,
            });
            batch.changes.push(Change::Put {
                row: key,
                version,
                value,
            });
            made.push((column, Arc::new(values)));
        }
        let redactions = self.index.redactions.lock();
        if *redactions != seen {
            // A body went while the log was read: what was made may still know of it.
            return Ok(());
        }
        self.store.commit(vec![batch])?;
        for (column, values) in made {
            self.index.columns.insert((chunk, column), values);
        }
        Ok(())
    }

    /// Takes every trace of a chunk away because a body in it was redacted; it is made again when it is asked for.
    pub(crate) fn forget_chunk(&self, index: u64) -> Result<(), StoreFault> {
        let mut redactions = self.index.redactions.lock();
        *redactions = redactions.saturating_add(1);
        let mut batch = Batch::default();
        for row in Index::rows_of(index) {
            if let Some(stored) = self.store.get(&row)? {
                batch.expect.push(Expect {
                    row: row.clone(),
                    version: stored.version,
                });
                batch.changes.push(Change::Delete { row });
            }
        }
        let deleted = if batch.changes.is_empty() {
            Ok(())
        } else {
            self.store.commit(vec![batch]).map(|_| ())
        };
        // Before the tail is asked for: who fills the index holds the tail and then looks at the redactions.
        drop(redactions);
        self.index.forget(index);
        deleted
    }

    /// A column of a full chunk: from memory, else from the store, else made from the log.
    fn column(&self, chunk: u64, column: Column, built: &mut usize) -> Result<Values, StoreFault> {
        if let Some(values) = self.index.columns.get(&(chunk, column)) {
            return Ok(values);
        }
        if let Some(values) = self.stored_column(chunk, column)? {
            self.index
                .columns
                .insert((chunk, column), Arc::clone(&values));
            return Ok(values);
        }
        *built = built.saturating_add(1);
        let redactions = *self.index.redactions.lock();
        let columns = self.build(chunk)?;
        let wanted = columns
            .iter()
            .zip(Column::ALL)
            .find(|(_, one)| *one == column)
            .map(|(values, _)| Arc::new(values.clone()))
            .unwrap_or_default();
        match self.store_chunk(chunk, columns, redactions) {
            // That it cannot be kept (a full disk) does not change what it says.
            Ok(()) | Err(StoreFault::Full | StoreFault::ReadOnly) => Ok(wanted),
            Err(fault) => Err(fault),
        }
    }

    /// `None` if it is not there, or not as it was written.
    fn stored_column(&self, chunk: u64, column: Column) -> Result<Option<Values>, StoreFault> {
        let key = row(chunk, column);
        let Some(stored) = self.store.get(&key)? else {
            return Ok(None);
        };
        let Ok((payload, _)) = self.custody.sealer.open(&key, &stored) else {
            return Ok(None);
        };
        let values: Vec<u32> = payload
            .chunks_exact(4)
            .filter_map(|value| value.first_chunk::<4>())
            .map(|value| u32::from_be_bytes(*value))
            .collect();
        Ok((values.len() as u64 == CHUNK).then(|| Arc::new(values)))
    }

    fn build(&self, chunk: u64) -> Result<[Vec<u32>; 5], StoreFault> {
        let mut tail = Tail {
            first: chunk.saturating_mul(CHUNK),
            ..Tail::default()
        };
        while !tail.is_full() {
            let page = self.log().records(tail.next(), PAGE)?;
            if page.is_empty() {
                break;
            }
            for (index, record) in page {
                tail.skip_to(index);
                if tail.is_full() {
                    break;
                }
                tail.push(values(&record));
            }
        }
        let end = tail.first.saturating_add(CHUNK);
        tail.skip_to(end);
        Ok(tail.columns)
    }

    /// Searches from an index on.
    pub(crate) fn search(&self, filter: &ReadAudit, limit: usize) -> Result<Found, StoreFault> {
        // What is missing at the end is taken in first, as far as that is quick; the rest is read without the index.
        let _ = self.index_more(PAGE.saturating_mul(32))?;
        let size = self.committer.head().size;
        let mut found = Found {
            records: Vec::new(),
            next: filter.from,
        };
        let mut built = 0_usize;
        let mut blob = None;
        let mut looked_at = 0_usize;
        while found.next < size && found.records.len() < limit {
            if built >= BUILD_MAX {
                break;
            }
            let chunk = found.next / CHUNK;
            let candidates = self.candidates(chunk, filter, &mut built)?;
            let first = chunk.saturating_mul(CHUNK);
            let end = first.saturating_add(candidates.len() as u64).min(size);
            let from = found.next;
            found.next = end.max(from);
            for (index, _) in (first..end)
                .zip(&candidates)
                .filter(|(index, fits)| **fits && *index >= from)
            {
                looked_at = looked_at.saturating_add(1);
                if looked_at > LOOK_MAX {
                    found.next = index;
                    return Ok(found);
                }
                let Some(view) = self.record_at(index, &mut blob)? else {
                    continue;
                };
                if matches(filter, &view) {
                    found.records.push(view);
                    if found.records.len() >= limit {
                        found.next = index.saturating_add(1);
                        break;
                    }
                }
            }
            if candidates.is_empty() {
                break;
            }
        }
        Ok(found)
    }

    /// Which records of a chunk can be meant. Those that the index does not know yet can all be.
    fn candidates(
        &self,
        chunk: u64,
        filter: &ReadAudit,
        built: &mut usize,
    ) -> Result<Vec<bool>, StoreFault> {
        let wanted = wanted(filter);
        let tail = self.index.tail.lock();
        let newest = tail.first / CHUNK;
        if chunk >= newest {
            let size = self.committer.head().size;
            let first = chunk.saturating_mul(CHUNK);
            let count = usize::try_from(size.saturating_sub(first).min(CHUNK)).unwrap_or(0);
            let mut fits = vec![true; count];
            let known = if chunk == newest {
                wanted.as_slice()
            } else {
                &[]
            };
            for (column, test) in known {
                let position = Column::ALL.iter().position(|one| one == column);
                let values = position.and_then(|at| tail.columns.get(at));
                for (fit, value) in fits.iter_mut().zip(values.into_iter().flatten()) {
                    *fit &= test.fits(*value);
                }
            }
            return Ok(fits);
        }
        drop(tail);
        let mut fits = vec![true; usize::try_from(CHUNK).unwrap_or(0)];
        for (column, test) in &wanted {
            let values = self.column(chunk, *column, built)?;
            for (fit, value) in fits.iter_mut().zip(values.iter()) {
                *fit &= test.fits(*value);
            }
        }
        Ok(fits)
    }

    /// A record with its blob kept at hand, because neighbours lie in one.
    fn record_at(
        &self,
        index: u64,
        blob: &mut Option<LogBatchRow>,
    ) -> Result<Option<RecordView>, StoreFault> {
        let holds = |batch: &LogBatchRow| {
            batch.first <= index && index < batch.first.saturating_add(batch.records.len() as u64)
        };
        if !blob.as_ref().is_some_and(holds) {
            *blob = self.log().batch_of(index)?.map(|(_, _, batch)| batch);
        }
        let Some(batch) = blob.as_ref().filter(|batch| holds(batch)) else {
            return Ok(None);
        };
        let offset = usize::try_from(index.saturating_sub(batch.first)).unwrap_or(usize::MAX);
        let stored = batch.records.get(offset);
        stored
            .map(|stored| LogReader::view(index, stored))
            .transpose()
    }
}

/// What a column's value must be.
enum Test {
    Is(u32),
    /// Command's number, whatever its outcome.
    Command(u16),
    Refused,
    Between(u32, u32),
}

impl Test {
    const fn fits(&self, value: u32) -> bool {
        match self {
            Self::Is(wanted) => value == *wanted,
            Self::Command(number) => value & (REFUSED - 1) == *number as u32,
            Self::Refused => value & REFUSED != 0,
            Self::Between(from, to) => *from <= value && value <= *to,
        }
    }
}

fn wanted(filter: &ReadAudit) -> Vec<(Column, Test)> {
    let mut wanted = Vec::new();
    if let Some(realm) = &filter.realm_filter {
        wanted.push((Column::Realm, Test::Is(folded(&realm.0))));
    }
    if let Some(target) = &filter.target {
        wanted.push((Column::Target, Test::Is(folded(target))));
    }
    if let Some(principal) = &filter.principal {
        wanted.push((Column::Principal, Test::Is(folded(&principal.0))));
    }
    if let Some(command) = filter.command {
        wanted.push((Column::Command, Test::Command(command)));
    }
    if filter.refused_only {
        wanted.push((Column::Command, Test::Refused));
    }
    if filter.since.is_some() || filter.until.is_some() {
        let second =
            |at: keyward_core::time::Timestamp| u32::try_from(at.0 / 1_000).unwrap_or(u32::MAX);
        let from = filter.since.map_or(0, second);
        let to = filter.until.map_or(u32::MAX, second);
        wanted.push((Column::Second, Test::Between(from, to)));
    }
    wanted
}

/// Whether a filter asks for anything.
pub(crate) fn is_search(filter: &ReadAudit) -> bool {
    !wanted(filter).is_empty()
}

/// The filter itself, on the record as it is in the log.
pub(crate) fn matches(filter: &ReadAudit, view: &RecordView) -> bool {
    let header = &view.header;
    filter
        .realm_filter
        .is_none_or(|realm| header.realm == realm)
        && filter
            .target
            .is_none_or(|target| header.target == Some(target))
        && filter.command.is_none_or(|number| header.command == number)
        && (!filter.refused_only || header.outcome != 0)
        && filter.since.is_none_or(|since| header.time >= since)
        && filter.until.is_none_or(|until| header.time <= until)
        && filter
            .principal
            .is_none_or(|principal| view.body.as_ref().is_some_and(|b| b.principal == principal))
}
