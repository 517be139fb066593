//! Reading, proving, archiving and redacting the log; its signing key.
use std::sync::Arc;

use keyward_core::algorithm::KeySpec;
use keyward_core::cbor;
use keyward_core::command::{ArchiveLog, ProveRecord, ReadAudit, ReadLog, RedactRecord};
use keyward_core::ids::RealmId;
use keyward_core::limits::PAGE_MAX;
use keyward_core::outcome::{Outcome, RecordProof};
use keyward_core::policy_facts::ResourceKind;
use keyward_core::record::RecordView;
use keyward_core::tlog::{
    Checkpoint, LogPath, LogProof, Origin, SignedNote, TreeHead, inclusion_nodes,
};
use keyward_core::{ErrorCode, Problem};

use super::page;
use crate::log::LogReader;
use crate::ports::store::StoreFault;
use crate::problems::store_problem;
use crate::rows::SealedChange;
use crate::segment;
use crate::signing::ModuleSigner;
use crate::work::Work;

/// Records looked at for one filtered page.
const SCAN_MAX: usize = 20_000;

impl Work<'_> {
    fn log_access(&mut self) -> Result<(), Problem> {
        self.authorise_in(RealmId::SYSTEM, ResourceKind::Log, [0; 16])
    }

    pub(super) fn read_audit(&mut self, command: &ReadAudit) -> Result<Outcome, Problem> {
        self.log_access()?;
        let size = self.open.committer.head().size;
        let limit = page(command.limit);
        let mut records = Vec::new();
        let mut next = command.from;
        let mut looked_at = 0;
        while records.len() < limit && looked_at < SCAN_MAX && next < size {
            let found = self
                .open
                .log()
                .records(next, PAGE_MAX)
                .map_err(|f| store_problem(&f))?;
            if found.is_empty() {
                break;
            }
            for (index, stored) in found {
                next = index.saturating_add(1);
                looked_at = looked_at.saturating_add(1);
                let view = LogReader::view(index, &stored).map_err(|f| store_problem(&f))?;
                if matches_filter(command, &view) {
                    records.push(view);
                    if records.len() >= limit {
                        break;
                    }
                }
            }
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
        let (head, note) = self.open.checkpoint()?;
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
        let path = LogPath::parse(&command.path).ok_or_else(absent)?;
        if path == LogPath::Checkpoint {
            return Ok(Outcome::LogData(self.open.checkpoint()?.1.into_bytes()));
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
        let (head, note) = self.open.checkpoint()?;
        let invalid = |reason: &str| {
            Problem::new(ErrorCode::InvalidField)
                .with("field", "before")
                .with("reason", reason)
        };
        if command.before > head.size {
            return Err(invalid("beyond the end of the log"));
        }
        let log = self.open.log();
        let segment = segment::collect(
            &log,
            &head,
            command.before,
            &note,
            &self.open.identity.read().history,
        )
        .map_err(|f| store_problem(&f))?;
        let Some(segment) = segment else {
            return Err(invalid(
                "nothing before it is in whole tiles and whole commits",
            ));
        };
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

    pub(super) fn redact_record(&mut self, command: &RedactRecord) -> Result<Outcome, Problem> {
        self.log_access()?;
        keyward_core::decide::life::check_reason(Some(&command.reason))?;
        let found = self
            .open
            .log()
            .batch_of(command.index)
            .map_err(|f| store_problem(&f))?;
        let absent = || Problem::new(ErrorCode::NotFound);
        let (row, stored, mut batch) = found.ok_or_else(absent)?;
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
        let (head, _) = open.checkpoint()?;
        let prepared = crate::log_key::prepare(&open, &key, head.size)?;
        self.changes.extend(prepared.changes);
        self.detail = Some(prepared.statement);
        let (number, history, row) = (prepared.number, prepared.history, prepared.keyring_row);
        self.after.push(Box::new(move || {
            crate::log_key::adopt(&open, key, number, history, row)
        }));
        Ok(Outcome::Done)
    }
}

fn matches_filter(command: &ReadAudit, view: &RecordView) -> bool {
    let header = &view.header;
    command
        .realm_filter
        .is_none_or(|realm| header.realm == realm)
        && command
            .target
            .is_none_or(|target| header.target == Some(target))
        && command
            .command
            .is_none_or(|number| header.command == number)
        && (!command.refused_only || header.outcome != 0)
        && command
            .principal
            .is_none_or(|principal| view.body.as_ref().is_some_and(|b| b.principal == principal))
}

impl crate::open::Open {
    /// The newest checkpoint: signed now if the tree grew since the last one.
    pub(crate) fn checkpoint(&self) -> Result<(TreeHead, String), Problem> {
        let head = self.committer.head();
        let mut newest = self.checkpoint.lock();
        if let Some((size, note)) = &*newest
            && *size == head.size
        {
            return Ok((head, note.clone()));
        }
        let identity = self.identity.read();
        let internal = || Problem::new(ErrorCode::AuditUnavailable);
        let origin: Origin = identity.history.origin().clone();
        let text = Checkpoint::new(origin, head).to_string();
        let mut note = SignedNote::new(text).map_err(|_| internal())?;
        let signer = ModuleSigner {
            crypto: &self.crypto,
            key: &identity.key,
        };
        note.sign(identity.history.current().1, &signer)
            .map_err(|_| internal())?;
        let note = note.to_string();
        *newest = Some((head.size, note.clone()));
        Ok((head, note))
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
