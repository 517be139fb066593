//! Reading, proving, archiving and redacting the log; its signing key.
use std::sync::Arc;

use keyward_core::algorithm::KeySpec;
use keyward_core::cbor;
use keyward_core::command::{ArchiveLog, ProveRecord, ReadAudit, ReadLog, RedactRecord};
use keyward_core::ids::RealmId;
use keyward_core::outcome::{Outcome, RecordProof};
use keyward_core::policy_facts::ResourceKind;
use keyward_core::tlog::{LogPath, LogProof, SignedNote, TreeHead, inclusion_nodes};
use keyward_core::{ErrorCode, Problem};

use super::page;
use crate::index;
use crate::log::LogReader;
use crate::ports::store::StoreFault;
use crate::problems::store_problem;
use crate::rows::SealedChange;
use crate::segment;
use crate::work::Work;

impl Work<'_> {
    fn log_access(&mut self) -> Result<(), Problem> {
        self.authorise_in(RealmId::SYSTEM, ResourceKind::Log, [0; 16])
    }

    pub(super) fn read_audit(&mut self, command: &ReadAudit) -> Result<Outcome, Problem> {
        self.log_access()?;
        let limit = page(command.limit);
        if index::is_search(command) {
            let found = self
                .open
                .search(command, limit)
                .map_err(|f| store_problem(&f))?;
            return Ok(Outcome::Records {
                records: found.records,
                next: found.next,
                size: self.open.committer.head().size,
            });
        }
        let size = self.open.committer.head().size;
        let found = self
            .open
            .log()
            .records(command.from, limit)
            .map_err(|f| store_problem(&f))?;
        let mut next = command.from;
        let mut records = Vec::with_capacity(found.len());
        for (index, stored) in found {
            next = index.saturating_add(1);
            records.push(LogReader::view(index, &stored).map_err(|f| store_problem(&f))?);
        }
        Ok(Outcome::Records {
            records,
            next,
            size,
        })
    }

    pub(super) fn read_checkpoint(&mut self) -> Result<Outcome, Problem> {
        self.log_access()?;
        Ok(Outcome::Checkpoint(self.open.checkpoint()?.1))
    }

    pub(super) fn prove_record(&mut self, command: &ProveRecord) -> Result<Outcome, Problem> {
        self.log_access()?;
        let (head, note) = self.open.covering(command.index)?;
        if command.index >= head.size {
            return Err(Problem::new(ErrorCode::NotFound));
        }
        let log = self.open.log();
        let found = log.batch_of(command.index).map_err(|f| store_problem(&f))?;
        let Some((_, _, batch)) = found else {
            return Err(Problem::new(ErrorCode::SegmentArchived));
        };
        let offset =
            usize::try_from(command.index.saturating_sub(batch.first)).unwrap_or(usize::MAX);
        let stored = batch
            .records
            .into_iter()
            .nth(offset)
            .ok_or_else(|| Problem::new(ErrorCode::NotFound))?;
        let internal = || Problem::new(ErrorCode::AuditInconsistent);
        let nodes = inclusion_nodes(command.index, head.size).map_err(|_| internal())?;
        let hashes = log
            .inclusion(command.index, &head, &nodes)
            .map_err(|f| store_problem(&f))?;
        let checkpoint = SignedNote::parse(note.as_bytes()).map_err(|_| internal())?;
        let proof = LogProof {
            index: command.index,
            hashes,
            checkpoint,
            extra: None,
        };
        Ok(Outcome::Proof(Box::new(RecordProof {
            index: command.index,
            entry: stored.entry,
            body: stored.body.zip(stored.salt).map(|(body, mut salted)| {
                salted.extend_from_slice(&body);
                salted
            }),
            proof: proof.to_string(),
        })))
    }

    pub(super) fn read_log(&mut self, command: &ReadLog) -> Result<Outcome, Problem> {
        self.log_access()?;
        if command.path == "keys" {
            return Ok(Outcome::LogData(
                self.open.identity.read().history.to_string().into_bytes(),
            ));
        }
        let absent = || Problem::new(ErrorCode::NotFound);
        if let Some(before) = command.path.strip_prefix("segment/") {
            let before: u64 = before.parse().map_err(|_| absent())?;
            return Ok(Outcome::LogData(self.segment(before)?.bytes));
        }
        let path = LogPath::parse(&command.path).ok_or_else(absent)?;
        if path == LogPath::Checkpoint {
            return Ok(Outcome::LogData(self.open.published()?.into_bytes()));
        }
        let size = self.open.committer.head().size;
        let data = self
            .open
            .log()
            .resource(path, size)
            .map_err(|f| store_problem(&f))?;
        data.map(Outcome::LogData).ok_or_else(absent)
    }

    /// Hands out a segment that verifies on its own, and takes its blobs out of the store. Tiles stay, so every proof does.
    pub(super) fn archive_log(&mut self, command: &ArchiveLog) -> Result<Outcome, Problem> {
        self.log_access()?;
        let segment = self.segment(command.before)?;
        for (row, stored) in segment.blobs {
            self.changes.push(SealedChange {
                row,
                expected: stored.version,
                value: None,
                delta: crate::rows::SetHash::default(),
            });
        }
        self.detail = Some(format!(
            "archived records {} to {}",
            segment.from, segment.to
        ));
        Ok(Outcome::Segment {
            from: segment.from,
            to: segment.to,
            bytes: segment.bytes,
        })
    }

    /// Everything before an index that can be archived, as far as one segment goes.
    fn segment(&self, before: u64) -> Result<segment::Collected, Problem> {
        let (head, note) = self.open.checkpoint()?;
        let invalid = |reason: &str| {
            Problem::new(ErrorCode::InvalidField)
                .with("field", "before")
                .with("reason", reason)
        };
        if before > head.size {
            return Err(invalid("beyond the end of the log"));
        }
        let history = &self.open.identity.read().history;
        segment::collect(&self.open.log(), &head, before, &note, history)
            .map_err(|f| store_problem(&f))?
            .ok_or_else(|| invalid("nothing before it is in whole tiles and whole commits"))
    }

    pub(super) fn redact_record(&mut self, command: &RedactRecord) -> Result<Outcome, Problem> {
        self.log_access()?;
        keyward_core::decide::life::check_reason(Some(&command.reason))?;
        let found = self
            .open
            .log()
            .batch_of(command.index)
            .map_err(|f| store_problem(&f))?;
        let absent = || Problem::new(ErrorCode::NotFound);
        let (row, stored, mut batch) = found.ok_or_else(|| {
            let archived = command.index < self.open.committer.head().size;
            Problem::new(if archived {
                ErrorCode::SegmentArchived
            } else {
                ErrorCode::NotFound
            })
        })?;
        let offset =
            usize::try_from(command.index.saturating_sub(batch.first)).unwrap_or(usize::MAX);
        let record = batch.records.get_mut(offset).ok_or_else(absent)?;
        if record.body.is_none() {
            return Err(Problem::new(ErrorCode::RecordRedacted));
        }
        record.body = None;
        record.salt = None;
        self.detail = Some(format!(
            "body of record {} removed: {}",
            command.index, command.reason
        ));
        self.scrub = true;
        self.changes.push(SealedChange {
            row,
            expected: stored.version,
            value: Some(cbor::to_vec(&batch)),
            delta: crate::rows::SetHash::default(),
        });
        let (open, index) = (Arc::clone(self.open), command.index);
        self.after.push(Box::new(move || {
            // If it fails, what stays is four bytes mixed from an id; the next redaction or rebuild takes them away.
            let _ = open.forget_chunk(index);
        }));
        Ok(Outcome::Done)
    }

    /// Makes a new log key; the statement that it follows is signed by both and stands in the history.
    pub(super) fn rotate_log_key(&mut self) -> Result<Outcome, Problem> {
        self.log_access()?;
        let open = Arc::clone(self.open);
        let key = Arc::new(
            open.crypto
                .generate(KeySpec::Ed25519)
                .map_err(crate::problems::module_problem)?,
        );
        // The old key signs everything up to here once more, so that the two periods meet without a gap.
        let (head, held) = open.hold_signing()?;
        let prepared = crate::log_key::prepare(&open, &key, head.size)?;
        self.changes.extend(prepared.changes);
        self.detail = Some(prepared.statement);
        let (number, history, row) = (prepared.number, prepared.history, prepared.keyring_row);
        self.after.push(Box::new(move || {
            crate::log_key::adopt(&open, key, number, history, row);
            drop(held);
        }));
        Ok(Outcome::Done)
    }
}

impl LogReader<'_> {
    /// An inclusion proof from the stored tiles, which are checked against the root on the way.
    pub(crate) fn inclusion(
        &self,
        index: u64,
        head: &TreeHead,
        nodes: &[keyward_core::tlog::Node],
    ) -> Result<Vec<keyward_core::tlog::Hash>, StoreFault> {
        let tiles = self.verified_tiles(head, nodes)?;
        let verified = tiles
            .verify(self.crypto, &head.root)
            .map_err(|_| StoreFault::Corrupt("the log's tiles do not lead to its root"))?;
        keyward_core::tlog::prove_inclusion(self.crypto, &verified, index, head.size)
            .map_err(|_| StoreFault::Corrupt("the log cannot prove one of its records"))
    }
}
