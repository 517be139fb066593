//! The whole of a data directory, checked without serving and without writing: every row, the set of all rows, the whole
//! log, its realms' numbers, its bodies, its tiles, and every checkpoint that somebody kept.
//!
//! A data directory that was put back from an old copy is in itself without fault: only somebody who kept a newer
//! checkpoint can tell. That is what `known` checkpoints are for.
mod keys;

use std::collections::{BTreeMap, BTreeSet};

use keyward_core::Problem;
use keyward_core::cbor;
use keyward_core::command::CommandKind;
use keyward_core::ids::{RealmId, hex};
use keyward_core::record::{Body, Header, StoredRecord};
use keyward_core::secret::Secret;
use keyward_core::tlog::{
    self, Checkpoint, Hash, SignedNote, TILE_WIDTH, TileId, TileWriter, TreeHead,
};

use crate::committer::{LaneRealmRow, LogBatchRow};
use crate::engine::Engine;
use crate::open::{LANE, Open};
use crate::ports::store::{RowKey, StoreFault, Table};
use crate::problems::store_problem;
use crate::rows::{self, SetHash, in_set};
use crate::signing::ModuleVerifier;

/// Findings told of one check; the rest is counted.
const FINDINGS_MAX: usize = 20;
/// Rows read at a time.
const PAGE: usize = 1_000;

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckLine {
    /// Stable name, e.g. `rows.authentic`.
    pub check: String,
    /// Whether it is met.
    pub ok: bool,
    /// Facts, or what was found.
    pub detail: String,
}

/// A checkpoint that somebody kept, under the name to report it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownCheckpoint {
    /// For example the file it was read from.
    pub name: String,
    /// The signed note.
    pub note: String,
}

#[derive(Default)]
struct Findings {
    told: Vec<String>,
    more: u64,
}

impl Findings {
    fn add(&mut self, finding: String) {
        if self.told.len() < FINDINGS_MAX {
            self.told.push(finding);
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    fn line(self, check: &str, well: String) -> CheckLine {
        let ok = self.told.is_empty();
        let detail = if ok {
            well
        } else if self.more == 0 {
            self.told.join("; ")
        } else {
            format!("{}; and {} more", self.told.join("; "), self.more)
        };
        CheckLine {
            check: check.to_owned(),
            ok,
            detail,
        }
    }
}

impl Engine {
    /// Opens everything with a slot's secret, checks it, and closes it again. Nothing is recorded and nothing written.
    ///
    /// # Errors
    /// The seal does not open, or the store or the log is damaged in a way that nothing more can be said.
    pub fn check(
        &self,
        kind: &str,
        secret: &Secret,
        known: &[KnownCheckpoint],
    ) -> Result<Vec<CheckLine>, Problem> {
        let open = self.open_without_writer(kind, secret)?;
        let mut lines = vec![CheckLine {
            check: "custody.opens".to_owned(),
            ok: true,
            detail: "seal, keyring, trees and the log's head open and agree".to_owned(),
        }];
        lines.extend(check_rows(&open).map_err(|f| store_problem(&f))?);
        lines.extend(keys::check_keys(&open).map_err(|f| store_problem(&f))?);
        lines.extend(check_log(&open, known).map_err(|f| store_problem(&f))?);
        Ok(lines)
    }
}

/// Every row's own code, and that together they are the set that the log's head stands for.
fn check_rows(open: &Open) -> Result<Vec<CheckLine>, StoreFault> {
    let (mut findings, mut count) = (Findings::default(), 0_u64);
    let mut set = SetHash::default();
    for table in Table::ALL.into_iter().filter(|table| in_set(*table)) {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = open.store.scan(table, &[], after.as_deref(), PAGE)?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            for (key, row) in page {
                let key = RowKey { table, key };
                match open.custody.sealer.open(&key, &row) {
                    Ok((_, element)) => set.mix(&element),
                    Err(_) => findings.add(format!("row {table:?} {} was changed", hex(&key.key))),
                }
                count = count.saturating_add(1);
            }
        }
    }
    let authentic = findings.told.is_empty();
    let rows = findings.line(
        "rows.authentic",
        format!("{count} rows are as they were written"),
    );
    let mut complete = Findings::default();
    if authentic && set != open.committer.set_hash() {
        complete.add(
            "a row was removed, or replaced by an older one: the rows are not the set that the log stands for".to_owned(),
        );
    } else if !authentic {
        complete.add("cannot be told while rows are damaged".to_owned());
    }
    Ok(vec![
        rows,
        complete.line(
            "rows.complete",
            "no row is missing and none is an older one".to_owned(),
        ),
    ])
}

/// A root that the log must have had at a size.
struct Expected {
    name: String,
    root: Hash,
}

struct LogWalk<'a> {
    open: &'a Open,
    writer: TileWriter,
    expected: BTreeMap<u64, Vec<Expected>>,
    sequence: BTreeMap<RealmId, u64>,
    whole: bool,
    findings: Findings,
    checkpoints: Findings,
    compared: u64,
    bodies: u64,
    redacted: u64,
    /// Index and tag of the last change.
    tagged: Option<(u64, [u8; 32])>,
    /// Where the stored records begin.
    begins: u64,
    /// One past the last record that a record says was archived; none once a body that may say more is redacted.
    archived: Option<u64>,
}

fn check_log(open: &Open, known: &[KnownCheckpoint]) -> Result<Vec<CheckLine>, StoreFault> {
    let head = open.committer.head();
    let mut walk = LogWalk {
        open,
        writer: TileWriter::new(),
        expected: BTreeMap::new(),
        sequence: BTreeMap::new(),
        whole: true,
        findings: Findings::default(),
        checkpoints: Findings::default(),
        compared: 0,
        bodies: 0,
        redacted: 0,
        tagged: None,
        begins: 0,
        archived: Some(0),
    };
    walk.expect_stored()?;
    for checkpoint in known {
        walk.expect_known(checkpoint, &head);
    }
    walk.walk()?;
    let end = walk.writer.head(&open.crypto);
    if end != head {
        walk.findings.add(format!(
            "the records lead to another root at {} records than the head at {}",
            end.size, head.size
        ));
    }
    walk.check_numbers()?;
    walk.check_end();
    let (bodies, redacted, compared) = (walk.bodies, walk.redacted, walk.compared);
    Ok(vec![
        walk.findings.line(
            "log.whole",
            format!(
                "{} records lead to the root, {bodies} bodies are the ones recorded, {redacted} are redacted",
                head.size
            ),
        ),
        walk.checkpoints.line(
            "log.checkpoints",
            format!("{compared} kept checkpoints are of this log"),
        ),
    ])
}

impl LogWalk<'_> {
    /// What witnesses cosigned and this server kept.
    fn expect_stored(&mut self) -> Result<(), StoreFault> {
        let prefix = LANE.to_be_bytes();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page =
                self.open
                    .store
                    .scan(Table::LogCheckpoint, &prefix, after.as_deref(), PAGE)?;
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            after = Some(last.clone());
            let head = self.open.committer.head();
            for (_, row) in page {
                let note = String::from_utf8(row.value.to_vec()).unwrap_or_default();
                let name = "a checkpoint stored here".to_owned();
                self.expect_known(&KnownCheckpoint { name, note }, &head);
            }
        }
    }

    fn expect_known(&mut self, known: &KnownCheckpoint, head: &TreeHead) {
        let parsed = SignedNote::parse(known.note.as_bytes())
            .ok()
            .and_then(|note| Some((Checkpoint::parse(note.text()).ok()?, note)));
        let Some((checkpoint, note)) = parsed else {
            self.checkpoints
                .add(format!("{} is no checkpoint", known.name));
            return;
        };
        let identity = self.open.identity.read();
        if checkpoint.origin != *identity.history.origin() {
            self.checkpoints
                .add(format!("{} is of another log", known.name));
            return;
        }
        let then = checkpoint.head;
        if then.size > head.size {
            // Its key may be one that this copy has never heard of, so the signature says nothing here.
            self.checkpoints.add(format!(
                "{} is of {} records and the log has {}: its newest part is missing, or an old copy was put back",
                known.name, then.size, head.size
            ));
            return;
        }
        let verifier = ModuleVerifier {
            crypto: &self.open.crypto,
        };
        if identity.history.open(&verifier, &note).is_err() {
            self.checkpoints
                .add(format!("{} is not signed by this log's key", known.name));
            return;
        }
        self.expected.entry(then.size).or_default().push(Expected {
            name: known.name.clone(),
            root: then.root,
        });
    }

    fn walk(&mut self) -> Result<(), StoreFault> {
        self.compare();
        let prefix = LANE.to_be_bytes();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self
                .open
                .store
                .scan(Table::LogBatch, &prefix, after.as_deref(), 64)?;
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            after = Some(last.clone());
            for (_, row) in page {
                let Ok(batch) = cbor::from_slice::<LogBatchRow>(&row.value) else {
                    self.findings
                        .add("a blob of records does not decode".to_owned());
                    return Ok(());
                };
                self.archived_until(batch.first)?;
                if batch.first != self.writer.frontier().size() {
                    self.findings.add(format!(
                        "after record {} follows record {}",
                        self.writer.frontier().size(),
                        batch.first
                    ));
                    return Ok(());
                }
                self.take(batch.first, &batch.records)?;
            }
        }
    }

    /// What was archived is still there as hashes.
    fn archived_until(&mut self, first: u64) -> Result<(), StoreFault> {
        let width = u64::from(TILE_WIDTH);
        while self.writer.frontier().size() < first {
            self.whole = false;
            self.begins = first;
            let at = self.writer.frontier().size();
            let index = at.checked_div(width).unwrap_or_default();
            let id = TileId::new(0, index, TILE_WIDTH)
                .map_err(|_| StoreFault::Corrupt("the log does not decode"))?;
            let begin = index.saturating_mul(width);
            let tile = self.open.log().tile(id)?;
            let skip = usize::try_from(at.saturating_sub(begin)).unwrap_or(usize::MAX);
            let count = usize::try_from(first.saturating_sub(at)).unwrap_or(usize::MAX);
            let leaves: Vec<Hash> = tile
                .hashes()
                .iter()
                .copied()
                .skip(skip)
                .take(count)
                .collect();
            if leaves.is_empty() {
                return Ok(());
            }
            self.append(&leaves)?;
        }
        Ok(())
    }

    fn take(&mut self, first: u64, records: &[StoredRecord]) -> Result<(), StoreFault> {
        let mut leaves = Vec::with_capacity(records.len());
        for (index, record) in (first..).zip(records) {
            leaves.push(tlog::leaf_hash(&self.open.crypto, &record.entry));
            self.check_record(index, record);
        }
        self.append(&leaves)
    }

    fn check_record(&mut self, index: u64, record: &StoredRecord) {
        let Ok(header) = cbor::from_canonical::<Header>(&record.entry) else {
            self.findings.add(format!("record {index} does not decode"));
            return;
        };
        let last = self.sequence.insert(header.realm, header.realm_seq);
        let expected = match last {
            Some(last) => Some(last.saturating_add(1)),
            None => self.whole.then_some(1),
        };
        if expected.is_some_and(|expected| expected != header.realm_seq) {
            self.findings
                .add(format!("record {index} is not the next one of its realm"));
        }
        if let Some(tag) = header.state_tag {
            self.tagged = Some((index, tag));
        }
        if header.command == CommandKind::ArchiveLog.number() && header.outcome == 0 {
            self.archived = self
                .archived
                .zip(archived_until(record))
                .map(|(a, b)| a.max(b));
        }
        match (&record.salt, &record.body) {
            (None, None) => self.redacted = self.redacted.saturating_add(1),
            (Some(salt), Some(body)) => {
                let digest = self.open.crypto.sha(&[salt, body]);
                if digest.is_ok_and(|digest| digest == header.body_digest) {
                    self.bodies = self.bodies.saturating_add(1);
                } else {
                    self.findings.add(format!(
                        "the body of record {index} is not the one recorded"
                    ));
                }
            }
            _ => self
                .findings
                .add(format!("record {index} has a salt or a body, not both")),
        }
    }

    /// Appends leaves, stopping at every size at which a root is expected, and compares the tiles that fill up.
    fn append(&mut self, leaves: &[Hash]) -> Result<(), StoreFault> {
        let mut rest = leaves;
        while !rest.is_empty() {
            let at = self.writer.frontier().size();
            let stop = self
                .expected
                .range(at.saturating_add(1)..)
                .next()
                .map_or(u64::MAX, |(size, _)| *size);
            let room = usize::try_from(stop.saturating_sub(at)).unwrap_or(usize::MAX);
            let (now, later) = rest.split_at(room.min(rest.len()));
            rest = later;
            let tiles = self
                .writer
                .append(&self.open.crypto, now)
                .map_err(|_| StoreFault::Corrupt("the log is too large"))?;
            for tile in tiles.iter().filter(|tile| tile.id().is_full()) {
                let id = tile.id();
                let row = rows::log_tile(LANE, id.level(), id.index());
                let stored = self.open.store.get(&row)?;
                if stored.is_none_or(|row| *row.value != *tile.to_bytes()) {
                    self.findings
                        .add(format!("tile {id} is not the one of these records"));
                }
            }
            self.compare();
        }
        Ok(())
    }

    fn compare(&mut self) {
        let size = self.writer.frontier().size();
        let Some(expected) = self.expected.remove(&size) else {
            return;
        };
        let root = self.writer.head(&self.open.crypto).root;
        for one in expected {
            self.compared = self.compared.saturating_add(1);
            if one.root != root {
                self.checkpoints.add(format!(
                    "{} is of another log at {size} records: this one was changed or forked",
                    one.name
                ));
            }
        }
    }

    /// The rows are those that the last change left behind, and only what was archived is not here.
    fn check_end(&mut self) {
        if let Some((index, tag)) = self.tagged {
            let set = self.open.committer.set_hash();
            let expected = self.open.crypto.mac(
                &self.open.custody.state_tag,
                &[b"set-hash v1", &index.to_be_bytes(), &set.0],
            );
            if !expected.is_ok_and(|mac| mac.first_chunk::<32>() == Some(&tag)) {
                self.findings.add(format!(
                    "the rows are not those that record {index}, the last change, left behind"
                ));
            }
        }
        if self
            .archived
            .is_some_and(|archived| archived != self.begins)
        {
            self.findings.add(format!(
                "records 0 to {} are not here, and the records say that those before {} were archived",
                self.begins,
                self.archived.unwrap_or_default()
            ));
        }
    }

    /// Each realm's last number is the one that its lane remembers.
    fn check_numbers(&mut self) -> Result<(), StoreFault> {
        let numbered = self.numbers()?;
        let unnumbered = self
            .sequence
            .keys()
            .filter(|realm| !numbered.contains(realm));
        for realm in unnumbered {
            self.findings
                .add(format!("the number of records of realm {realm} is missing"));
        }
        Ok(())
    }

    /// Compares the numbers that are stored, and says of which realms.
    fn numbers(&mut self) -> Result<BTreeSet<RealmId>, StoreFault> {
        let mut numbered = BTreeSet::new();
        let prefix = LANE.to_be_bytes();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self
                .open
                .store
                .scan(Table::LaneRealm, &prefix, after.as_deref(), PAGE)?;
            let Some((last, _)) = page.last() else {
                return Ok(numbered);
            };
            after = Some(last.clone());
            for (key, row) in page {
                let realm = key.last_chunk::<16>().copied().map(RealmId);
                let key = RowKey {
                    table: Table::LaneRealm,
                    key,
                };
                let stored = self.open.custody.sealer.decode::<LaneRealmRow>(&key, &row);
                let (Ok(stored), Some(realm)) = (stored, realm) else {
                    self.findings.add("a realm's number was changed".to_owned());
                    continue;
                };
                numbered.insert(realm);
                let seen = self.sequence.get(&realm);
                // A realm whose records are all archived has none left to compare.
                if seen.is_some_and(|seen| *seen != stored.value.seq)
                    || (seen.is_none() && self.whole)
                {
                    self.findings
                        .add(format!("records of realm {realm} are missing at the end"));
                }
            }
        }
    }
}

/// One past the last record that this one says was archived: what `archive_log` writes into its detail. None once redacted.
fn archived_until(record: &StoredRecord) -> Option<u64> {
    let body: Body = cbor::from_slice(record.body.as_deref()?).ok()?;
    let detail = body.detail?;
    let (_, until) = detail
        .strip_prefix("archived records ")?
        .split_once(" to ")?;
    until.parse().ok()
}
