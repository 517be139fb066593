//! One commit: which of the waiting commands still stand, their records, the rows, and what follows from the store's answer.
use std::collections::HashMap;
use std::sync::atomic::Ordering;

use keyward_core::cbor;
use keyward_core::ids::{NodeId, RealmId};
use keyward_core::record::StoredRecord;
use keyward_core::tlog::TreeHead;
use keyward_core::tlog::{self, Hash, Tile, TileWriter};
use minicbor::{Decode, Encode, Encoder};

use super::{Answer, Committer, Lane, LaneRealmRow, LaneRow, Pending};
use crate::ports::module::{ModuleFault, Operation};
use crate::ports::store::{Batch, Change, Commit, Expect, RowKey, StoreFault};
use crate::problems::store_problem;
use crate::reads::{Mark, Marks};
use crate::rows::{self, SetHash};

/// One blob of the log: all records of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct LogBatchRow {
    #[n(0)]
    pub(crate) first: u64,
    #[n(1)]
    pub(crate) records: Vec<StoredRecord>,
}

/// Writes a [`LogBatchRow`] record by record: the same bytes, without a copy of each record in between.
struct BlobWriter {
    bytes: Vec<u8>,
    entry: Vec<u8>,
}

/// Bytes of a record beside its body, roughly.
const RECORD_ROOM: usize = 256;

impl BlobWriter {
    fn new(first: u64, standing: &[Pending]) -> Self {
        let bodies: usize = standing
            .iter()
            .map(|pending| pending.draft.body().len())
            .sum();
        let room = standing.len().saturating_mul(RECORD_ROOM);
        let mut bytes = Vec::with_capacity(bodies.saturating_add(room));
        // Writing into a vector cannot fail.
        let _ = Encoder::new(&mut bytes)
            .map(2)
            .and_then(|e| e.u8(0)?.u64(first)?.u8(1)?.array(standing.len() as u64));
        Self {
            bytes,
            entry: Vec::with_capacity(RECORD_ROOM),
        }
    }

    /// Adds a record at its place; its leaf entry.
    fn add(
        &mut self,
        pending: &Pending,
        (node, lane): (NodeId, u32),
        realm_seq: u64,
        state_tag: Option<[u8; 32]>,
    ) -> &[u8] {
        let header = pending.draft.placed(node, lane, realm_seq, state_tag);
        self.entry.clear();
        let _ = minicbor::encode(&header, &mut self.entry);
        let _ = Encoder::new(&mut self.bytes).array(3).and_then(|e| {
            e.bytes(&self.entry)?
                .bytes(pending.draft.salt())?
                .bytes(pending.draft.body())
        });
        &self.entry
    }

    fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// A lane after a round, not yet durable.
struct Next {
    tiles: TileWriter,
    head: TreeHead,
    realms: HashMap<RealmId, (u64, u64)>,
    set_hash: SetHash,
    set_wrapped: Vec<u8>,
    batch: Batch,
}

impl Committer {
    pub(super) fn commit(&self, round: Vec<Pending>) {
        let mut lane = self.lane.lock();
        let mut standing = self.still_standing(round);
        while !standing.is_empty() {
            if self.is_dead() {
                return fail(standing, &StoreFault::Unknown("an earlier commit"), false);
            }
            let mut next = match self.assemble(&lane, &standing) {
                Ok(next) => next,
                Err(fault) => return fail(standing, &fault, false),
            };
            let batch = std::mem::take(&mut next.batch);
            match self
                .store
                .commit(vec![batch])
                .map(|answers| answers.into_iter().next())
            {
                Ok(Some(Commit::Done)) => {
                    return self.done(&mut lane, next, standing, &Answer::Committed);
                }
                Ok(Some(Commit::Conflict { row, .. })) => {
                    let before = standing.len();
                    standing = without(standing, &row);
                    if standing.len() == before {
                        // Someone else writes this lane: two servers on one store.
                        self.dead.store(true, Ordering::Release);
                        return fail(standing, &StoreFault::Locked, false);
                    }
                }
                Ok(None) => {
                    return self.fatal(standing, StoreFault::Unknown("the store did not answer"));
                }
                Err(fault @ StoreFault::Unknown(_)) => return self.fatal(standing, fault),
                Err(fault) => {
                    self.note_trouble(&fault);
                    return self.record_refusals(&mut lane, standing, &fault);
                }
            }
        }
    }

    /// Sends back whoever rests on a row that changed, in an earlier commit or earlier in this round.
    fn still_standing(&self, round: Vec<Pending>) -> Vec<Pending> {
        let changed = self.changed.read();
        let mut overlay = Marks::default();
        let mut standing = Vec::with_capacity(round.len());
        for pending in round {
            let untouched = overlay.is_empty() && changed.nothing_after(pending.decided_at);
            let changes = || pending.changes.iter().map(|change| Mark::of(&change.row));
            let stale = !untouched
                && pending.reads.marks().chain(changes()).any(|row| {
                    changed.after_mark(row, pending.decided_at) || overlay.contains(&row)
                });
            if stale {
                pending.answer(Answer::Retry);
                continue;
            }
            overlay.extend(changes());
            standing.push(pending);
        }
        standing
    }

    fn assemble(&self, lane: &Lane, standing: &[Pending]) -> Result<Next, StoreFault> {
        let custody = &self.custody;
        let unavailable =
            |_: ModuleFault| StoreFault::Unavailable("the module cannot authenticate the log");
        let first = lane.tiles.frontier().size();
        let mut realms: HashMap<RealmId, (u64, u64)> = HashMap::new();
        let mut set_hash = lane.set_hash;
        let mut blob = BlobWriter::new(first, standing);
        let mut leaves: Vec<Hash> = Vec::with_capacity(standing.len());
        let mut batch = Batch::default();
        for pending in standing {
            let place = match realms.get(&pending.draft.realm) {
                Some(place) => *place,
                None => self.place_of(lane, pending.draft.realm)?,
            };
            let seq = place.0.saturating_add(1);
            realms.insert(pending.draft.realm, (seq, place.1));
            for change in &pending.changes {
                set_hash.mix(&change.delta);
                push(
                    &mut batch,
                    change.row.clone(),
                    change.expected,
                    change.value.clone(),
                );
            }
            let state_tag = if pending.draft.is_change() {
                let index = first.saturating_add(leaves.len() as u64).to_be_bytes();
                let tag = custody
                    .crypto
                    .mac(&custody.state_tag, &[b"set-hash v1", &index, &set_hash.0]);
                tag.map_err(unavailable)?.first_chunk::<32>().copied()
            } else {
                None
            };
            let entry = blob.add(pending, (lane.node, lane.number), seq, state_tag);
            leaves.push(tlog::leaf_hash(&custody.crypto, entry));
            batch.urgent |= pending.urgent;
        }
        let mut tiles = lane.tiles.clone();
        let filled = tiles
            .append(&custody.crypto, &leaves)
            .map_err(|_| StoreFault::Unavailable("the log has reached its greatest size"))?;
        let head = tiles.head(&custody.crypto);
        let set_wrapped = if set_hash == lane.set_hash {
            lane.set_wrapped.clone()
        } else {
            wrap_set_hash(custody, &set_hash).map_err(unavailable)?
        };
        let mut next = Next {
            tiles,
            head,
            realms,
            set_hash,
            set_wrapped,
            batch,
        };
        self.add_log_rows(lane, &mut next, blob.finish(), &filled)?;
        Ok(next)
    }

    fn add_log_rows(
        &self,
        lane: &Lane,
        next: &mut Next,
        blob: Vec<u8>,
        filled: &[Tile],
    ) -> Result<(), StoreFault> {
        let sealer = &self.custody.sealer;
        let last = next.head.size.saturating_sub(1);
        push(
            &mut next.batch,
            rows::log_batch(lane.number, last),
            0,
            Some(blob),
        );
        for tile in filled.iter().filter(|tile| tile.id().is_full()) {
            let row = rows::log_tile(lane.number, tile.id().level(), tile.id().index());
            push(&mut next.batch, row, 0, Some(tile.to_bytes()));
        }
        let mut seal = |row: RowKey, expected: u64, payload: Vec<u8>| -> Result<(), StoreFault> {
            let (value, _) = sealer
                .seal(&row, expected.saturating_add(1), &payload)
                .map_err(|_| StoreFault::Unavailable("the module cannot authenticate the log"))?;
            push(&mut next.batch, row, expected, Some(value));
            Ok(())
        };
        for (realm, place) in &mut next.realms {
            let payload = cbor::to_vec(&LaneRealmRow { seq: place.0 });
            seal(rows::lane_realm(lane.number, *realm), place.1, payload)?;
            place.1 = place.1.saturating_add(1);
        }
        let now = self.clock.now();
        let row = LaneRow {
            size: next.head.size,
            frontier: next.tiles.frontier().to_bytes(),
            set_hash: next.set_wrapped.clone(),
            service: now.service,
            wall: now.wall,
            node: lane.node,
        };
        seal(
            rows::lane(lane.number),
            lane.row_version,
            cbor::to_vec(&row),
        )
    }

    fn place_of(&self, lane: &Lane, realm: RealmId) -> Result<(u64, u64), StoreFault> {
        if let Some(place) = lane.realms.get(&realm) {
            return Ok(*place);
        }
        let key = rows::lane_realm(lane.number, realm);
        match self.store.get(&key)? {
            None => Ok((0, 0)),
            Some(row) => {
                let opened = self.custody.sealer.decode::<LaneRealmRow>(&key, &row)?;
                Ok((opened.value.seq, opened.version))
            }
        }
    }

    /// Durable: first the memory, then the answers.
    fn done(&self, lane: &mut Lane, next: Next, mut standing: Vec<Pending>, answer: &Answer) {
        if self.trouble.load(Ordering::Acquire) != 0
            && *answer == Answer::Committed
            && standing.iter().any(|pending| !pending.urgent)
        {
            self.trouble.store(0, Ordering::Release);
        }
        lane.tiles = next.tiles;
        lane.realms.extend(next.realms);
        lane.set_hash = next.set_hash;
        lane.set_wrapped = next.set_wrapped;
        lane.row_version = lane.row_version.saturating_add(1);
        *self.head.lock() = next.head;
        let position = self.committed.load(Ordering::Acquire).saturating_add(1);
        let changes_rows = standing
            .iter()
            .any(|p| !p.changes.is_empty() || p.after.is_some());
        if changes_rows {
            let mut changed = self.changed.write();
            for pending in &mut standing {
                for change in &pending.changes {
                    changed.mark(&change.row, position);
                    self.caches.invalidate(&change.row);
                }
                if let Some(after) = pending.after.take() {
                    after();
                }
            }
            self.committed.store(position, Ordering::Release);
        } else {
            self.committed.store(position, Ordering::Release);
        }
        for pending in standing {
            pending.answer(answer.clone());
        }
    }

    /// Nothing was stored. The commands did not happen; that they were asked for is recorded, if that is still possible.
    fn record_refusals(&self, lane: &mut Lane, mut standing: Vec<Pending>, fault: &StoreFault) {
        let code = store_problem(fault).code;
        for pending in &mut standing {
            pending.changes.clear();
            pending.after = None;
            pending.draft.refused(code);
        }
        let outcome = self.assemble(lane, &standing).and_then(|mut next| {
            let batch = std::mem::take(&mut next.batch);
            Ok((self.store.commit(vec![batch])?, next))
        });
        match outcome {
            Ok((answers, next)) if answers.first() == Some(&Commit::Done) => {
                self.done(
                    lane,
                    next,
                    standing,
                    &Answer::Failed {
                        fault: fault.clone(),
                        recorded: true,
                    },
                );
            }
            Err(unknown @ StoreFault::Unknown(_)) => self.fatal(standing, unknown),
            _ => fail(standing, fault, false),
        }
    }

    /// The outcome is unknown: this process must not go on (DESIGN §8).
    fn fatal(&self, standing: Vec<Pending>, fault: StoreFault) {
        self.dead.store(true, Ordering::Release);
        fail(standing, &fault, false);
    }
}

pub(crate) fn wrap_set_hash(
    custody: &crate::custody::Custody,
    set_hash: &SetHash,
) -> Result<Vec<u8>, ModuleFault> {
    let secret = keyward_core::secret::Secret::new(set_hash.0.to_vec());
    custody.crypto.bytes(Operation::WrapBytes {
        kek: custody.set_hash.handle(),
        bytes: &secret,
    })
}

fn push(batch: &mut Batch, row: RowKey, expected: u64, value: Option<Vec<u8>>) {
    batch.expect.push(Expect {
        row: row.clone(),
        version: expected,
    });
    batch.changes.push(match value {
        Some(value) => Change::Put {
            row,
            version: expected.saturating_add(1),
            value,
        },
        None => Change::Delete { row },
    });
}

fn without(standing: Vec<Pending>, row: &RowKey) -> Vec<Pending> {
    let (stale, rest): (Vec<_>, Vec<_>) = standing
        .into_iter()
        .partition(|pending| pending.changes.iter().any(|change| change.row == *row));
    for pending in stale {
        pending.answer(Answer::Retry);
    }
    rest
}

fn fail(standing: Vec<Pending>, fault: &StoreFault, recorded: bool) {
    for pending in standing {
        pending.answer(Answer::Failed {
            fault: fault.clone(),
            recorded,
        });
    }
}
