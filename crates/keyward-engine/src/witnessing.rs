//! Showing the log to witnesses, and remembering what they cosigned.
//!
//! A witness knows how far the log had come. One that has seen more than this log has, or something else, is proof that the
//! log was rolled back or forked, and that is said wherever anybody looks: readiness, status, the server's own log.
//!
//! Nothing here delays a command: a round runs beside the writer, every few seconds.
use std::collections::BTreeMap;
use std::sync::Arc;

use keyward_core::time::Timestamp;
use keyward_core::tlog::{
    Checkpoint, NoteSignature, SignedNote, TreeHead, VerifierKey, consistency_nodes,
    prove_consistency,
};
use keyward_core::{ErrorCode, Problem};
use parking_lot::{Mutex, RwLock};

use crate::engine::Engine;
use crate::log::LogReader;
use crate::open::{LANE, Open};
use crate::ports::clock::Clock as _;
use crate::ports::store::{Batch, Change, Expect, RowKey, Store, StoreFault, Table};
use crate::ports::witness::{Witness, WitnessAnswer, WitnessFault, WitnessRequest};
use crate::problems::store_problem;
use crate::rows;
use crate::signing::ModuleVerifier;

/// Cosigned checkpoints kept; older ones add nothing that newer ones do not show.
const KEPT: usize = 1_024;
/// How often old ones are dropped, in stored ones.
const PRUNE_EVERY: u64 = 128;
/// Questions to one witness in one round: its size may have to be learnt, and a new key shown.
const QUESTIONS: usize = 4;

/// Why a witness has not cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// No answer that makes sense.
    Unavailable(&'static str),
    /// It does not watch this log, or does not accept its key.
    Refused,
    /// It cosigned a larger tree than this log has: the log lost its newest part, or an old copy was put back.
    RolledBack {
        /// Records it has seen.
        seen: u64,
    },
    /// It cosigned another tree of that size: the log has two pasts.
    Forked {
        /// Size at which that shows.
        at: u64,
    },
}

impl Trouble {
    /// Whether it says that the log is not what it was.
    #[must_use]
    pub const fn is_evidence(&self) -> bool {
        matches!(self, Self::RolledBack { .. } | Self::Forked { .. })
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unavailable(reason) => write!(f, "does not answer: {reason}"),
            Self::Refused => f.write_str("does not watch this log or does not accept its key"),
            Self::RolledBack { seen } => write!(
                f,
                "has seen {seen} records, more than this log has: the log lost its newest part or an old copy was put back"
            ),
            Self::Forked { at } => write!(
                f,
                "has seen another log at {at} records: the log was changed or forked"
            ),
        }
    }
}

/// How one witness stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// Largest size it cosigned, as far as this process knows.
    pub cosigned: Option<u64>,
    /// When.
    pub at: Option<Timestamp>,
    /// Records it has not cosigned yet.
    pub behind: u64,
    /// What is wrong.
    pub trouble: Option<Trouble>,
}

struct Watched {
    witness: Arc<dyn Witness>,
    key: VerifierKey,
    cosigned: Option<u64>,
    at: Option<Timestamp>,
    trouble: Option<Trouble>,
}

/// The witnesses of this server.
#[derive(Default)]
pub(crate) struct Witnesses {
    all: Mutex<Vec<Watched>>,
    needed: std::sync::atomic::AtomicUsize,
    /// One round at a time.
    round: Mutex<()>,
}

/// A checkpoint with cosignatures.
#[derive(Debug, Clone)]
pub(crate) struct Cosigned {
    pub(crate) head: TreeHead,
    pub(crate) note: String,
}

/// The newest checkpoint that witnesses cosigned.
#[derive(Default)]
pub(crate) struct Newest {
    cosigned: RwLock<Option<Cosigned>>,
    stored: std::sync::atomic::AtomicU64,
}

impl Newest {
    pub(crate) fn get(&self) -> Option<Cosigned> {
        self.cosigned.read().clone()
    }

    /// Whether it is time to drop old ones: now and then, because counting them reads them.
    fn prune(&self) -> bool {
        let stored = self
            .stored
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        stored.is_multiple_of(PRUNE_EVERY)
    }

    fn offer(&self, cosigned: Cosigned) {
        let mut newest = self.cosigned.write();
        if newest
            .as_ref()
            .is_none_or(|known| known.head.size <= cosigned.head.size)
        {
            *newest = Some(cosigned);
        }
    }
}

/// Reads the newest stored one. A log that does not contain what its own witnesses cosigned is not opened.
pub(crate) fn load(
    store: &dyn Store,
    reader: &LogReader<'_>,
    head: &TreeHead,
) -> Result<Newest, Problem> {
    let prefix = LANE.to_be_bytes();
    let found = store
        .last(Table::LogCheckpoint, &prefix)
        .map_err(|f| store_problem(&f))?;
    let newest = Newest::default();
    if let Some((_, row)) = found {
        let note = SignedNote::parse(&row.value)
            .map_err(|_| inconsistent("a stored checkpoint is not one"))?;
        let stated = Checkpoint::parse(note.text())
            .map_err(|_| inconsistent("a stored checkpoint is not one"))?
            .head;
        if stated.size > head.size {
            return Err(inconsistent(&format!(
                "witnesses cosigned {} records and the log has {}",
                stated.size, head.size
            )));
        }
        if reader
            .root_at(&stated, head)
            .map_err(|f| store_problem(&f))?
            != stated.root
        {
            return Err(inconsistent(&format!(
                "the log is another one than witnesses cosigned at {} records",
                stated.size
            )));
        }
        newest.offer(Cosigned {
            head: stated,
            note: note.to_string(),
        });
    }
    Ok(newest)
}

fn inconsistent(reason: &str) -> Problem {
    Problem::new(ErrorCode::AuditInconsistent).with("reason", reason)
}

impl LogReader<'_> {
    /// The root that the log of `head` had when it was as large as `then`.
    pub(crate) fn root_at(
        &self,
        then: &TreeHead,
        head: &TreeHead,
    ) -> Result<keyward_core::tlog::Hash, StoreFault> {
        if then.size == head.size {
            return Ok(head.root);
        }
        let nodes = keyward_core::tlog::root_nodes(then.size);
        let tiles = self.verified_tiles(head, &nodes)?;
        let verified = tiles
            .verify(self.crypto, &head.root)
            .map_err(|_| StoreFault::Corrupt("the log's tiles do not lead to its root"))?;
        keyward_core::tlog::tree_root(self.crypto, &verified, then.size)
            .map_err(|_| StoreFault::Corrupt("the log cannot say what it was"))
    }

    /// The proof that the log of `head` begins with its first `old` records.
    pub(crate) fn consistency(
        &self,
        old: u64,
        head: &TreeHead,
    ) -> Result<Vec<[u8; 32]>, StoreFault> {
        if old == 0 || old == head.size {
            return Ok(Vec::new());
        }
        let broken = |_| StoreFault::Corrupt("the log cannot prove its past");
        let nodes = consistency_nodes(old, head.size).map_err(broken)?;
        let tiles = self.verified_tiles(head, &nodes)?;
        let verified = tiles
            .verify(self.crypto, &head.root)
            .map_err(|_| StoreFault::Corrupt("the log's tiles do not lead to its root"))?;
        let proof = prove_consistency(self.crypto, &verified, old, head.size).map_err(broken)?;
        Ok(proof.into_iter().map(<[u8; 32]>::from).collect())
    }
}

impl Engine {
    /// Names the witnesses, and how many of them must keep up for the server to call itself ready (0: none must).
    ///
    /// # Errors
    /// A key is not a witness' key, or two are the same, or more are needed than there are.
    pub fn set_witnesses(
        &self,
        witnesses: Vec<Arc<dyn Witness>>,
        needed: usize,
    ) -> Result<(), Problem> {
        let unusable =
            |reason: &str| Problem::new(ErrorCode::ConfigurationInvalid).with("reason", reason);
        let mut all: Vec<Watched> = Vec::new();
        for witness in witnesses {
            let key = VerifierKey::parse(self.crypto(), witness.verifier_key())
                .map_err(|error| unusable(&format!("witness key: {error}")))?;
            if key.signs() != keyward_core::tlog::SignatureType::CosignatureV1 {
                return Err(unusable("a witness' key is one that cosigns (type 4)"));
            }
            if all
                .iter()
                .any(|other| other.key.public_key() == key.public_key())
            {
                return Err(unusable("the same witness is named twice"));
            }
            all.push(Watched {
                witness,
                key,
                cosigned: None,
                at: None,
                trouble: None,
            });
        }
        if needed > all.len() {
            return Err(unusable("more witnesses are needed than are named"));
        }
        let state = self.witnesses();
        *state.all.lock() = all;
        state
            .needed
            .store(needed, std::sync::atomic::Ordering::Release);
        Ok(())
    }

    /// How each witness stands.
    #[must_use]
    pub fn witness_standings(&self) -> Vec<Standing> {
        let size = self.opened().map_or(0, |open| open.committer.head().size);
        self.witnesses().standings(size)
    }

    /// Whether a record was made that should be witnessed at once (a destruction). Asking forgets it.
    #[must_use]
    pub fn take_witness_wish(&self) -> bool {
        self.opened().is_ok_and(|open| {
            open.witness_wish
                .swap(false, std::sync::atomic::Ordering::AcqRel)
        })
    }

    /// Shows the log to every witness that has not seen its newest state, and keeps what they cosign. Blocks on the network.
    /// Returns the witnesses whose trouble is new, with it.
    ///
    /// # Errors
    /// `sealed`, or that no checkpoint could be signed or stored.
    pub fn witness_round(&self) -> Result<Vec<(String, Trouble)>, Problem> {
        let open = self.opened()?;
        let state = self.witnesses();
        let _one = state.round.lock();
        let asked: Vec<(Arc<dyn Witness>, VerifierKey, Option<u64>)> = state
            .all
            .lock()
            .iter()
            .map(|w| (Arc::clone(&w.witness), w.key.clone(), w.cosigned))
            .collect();
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let (head, text) = open.checkpoint()?;
        let mut note =
            SignedNote::parse(text.as_bytes()).map_err(|_| Problem::new(ErrorCode::Internal))?;
        let mut results = BTreeMap::new();
        for (index, (witness, key, known)) in asked.iter().enumerate() {
            if *known == Some(head.size) {
                continue;
            }
            let question = Question {
                open: &open,
                witness: &**witness,
                key,
                head,
                note: &text,
            };
            let answered = question.ask(known.unwrap_or(0))?;
            if let Ok(lines) = &answered {
                let verifier = ModuleVerifier {
                    crypto: &open.crypto,
                };
                // They were verified by the question; this puts them in.
                let _ = note.add_cosignatures(&verifier, std::slice::from_ref(key), lines);
            }
            results.insert(index, answered.map(|_| head.size));
        }
        if results.values().any(Result::is_ok) {
            keep(&open, head, &note)?;
        }
        Ok(state.settle(results, open.clock.now().wall))
    }
}

impl Witnesses {
    fn settle(
        &self,
        results: BTreeMap<usize, Result<u64, Trouble>>,
        now: Timestamp,
    ) -> Vec<(String, Trouble)> {
        let mut new = Vec::new();
        let mut all = self.all.lock();
        for (index, result) in results {
            let Some(watched) = all.get_mut(index) else {
                continue;
            };
            match result {
                Ok(size) => {
                    (watched.cosigned, watched.at) = (Some(size), Some(now));
                    watched.trouble = None;
                }
                Err(trouble) => {
                    if watched.trouble.as_ref() != Some(&trouble) {
                        new.push((watched.key.name().to_owned(), trouble.clone()));
                    }
                    watched.trouble = Some(trouble);
                }
            }
        }
        new
    }

    pub(crate) fn standings(&self, size: u64) -> Vec<Standing> {
        let standing = |watched: &Watched| Standing {
            name: watched.key.name().to_owned(),
            cosigned: watched.cosigned,
            at: watched.at,
            behind: size.saturating_sub(watched.cosigned.unwrap_or(0)),
            trouble: watched.trouble.clone(),
        };
        self.all.lock().iter().map(standing).collect()
    }

    /// What stands in the way of being ready.
    pub(crate) fn reasons(&self) -> Vec<ErrorCode> {
        let all = self.all.lock();
        let mut reasons = Vec::new();
        let troubled = |watched: &Watched| watched.trouble.is_some();
        if all
            .iter()
            .any(|w| w.trouble.as_ref().is_some_and(Trouble::is_evidence))
        {
            reasons.push(ErrorCode::AuditInconsistent);
        }
        let well = all
            .iter()
            .filter(|w| w.cosigned.is_some() && !troubled(w))
            .count();
        if well < self.needed.load(std::sync::atomic::Ordering::Acquire) {
            reasons.push(ErrorCode::WitnessUnavailable);
        }
        reasons
    }
}

/// One witness asked about one checkpoint.
struct Question<'a> {
    open: &'a Open,
    witness: &'a dyn Witness,
    key: &'a VerifierKey,
    head: TreeHead,
    note: &'a str,
}

impl Question<'_> {
    /// Asks until there is an answer to keep: its size may have to be learnt first, and new keys of the log shown.
    fn ask(&self, believed: u64) -> Result<Result<Vec<NoteSignature>, Trouble>, Problem> {
        let mut old = believed;
        let mut keys_shown = false;
        for _ in 0..QUESTIONS {
            if old > self.head.size {
                return Ok(Err(Trouble::RolledBack { seen: old }));
            }
            let proof = self
                .open
                .log()
                .consistency(old, &self.head)
                .map_err(|f| store_problem(&f))?;
            let request = WitnessRequest {
                old_size: old,
                proof,
                checkpoint: self.note.to_owned(),
            };
            match self.witness.add_checkpoint(&request) {
                Err(WitnessFault::Unavailable(reason)) => {
                    return Ok(Err(Trouble::Unavailable(reason)));
                }
                Ok(WitnessAnswer::Cosigned(lines)) => return Ok(self.verified(&lines)),
                // Witnesses of version 1.0 say "another tree of that size" like this.
                Ok(WitnessAnswer::Conflict { size }) if size == old => {
                    return Ok(Err(Trouble::Forked { at: old }));
                }
                Ok(WitnessAnswer::Conflict { size }) => old = size,
                Ok(WitnessAnswer::Inconsistent) => {
                    return Ok(Err(Trouble::Forked { at: old }));
                }
                Ok(WitnessAnswer::Refused) if !keys_shown => {
                    keys_shown = true;
                    let history = self.open.identity.read().history.to_string();
                    if self.witness.offer_keys(&history).is_err() {
                        return Ok(Err(Trouble::Refused));
                    }
                }
                Ok(WitnessAnswer::Refused) => return Ok(Err(Trouble::Refused)),
            }
        }
        Ok(Err(Trouble::Unavailable("it contradicts itself")))
    }

    /// The lines that are right cosignatures of this witness.
    fn verified(&self, lines: &str) -> Result<Vec<NoteSignature>, Trouble> {
        let wrong = Trouble::Unavailable("its cosignature is not right");
        let lines = NoteSignature::parse_lines(lines).map_err(|_| wrong.clone())?;
        let mut note = SignedNote::parse(self.note.as_bytes()).map_err(|_| wrong.clone())?;
        let verifier = ModuleVerifier {
            crypto: &self.open.crypto,
        };
        match note.add_cosignatures(&verifier, std::slice::from_ref(self.key), &lines) {
            Ok(count) if count > 0 => Ok(lines),
            _ => Err(wrong),
        }
    }
}

/// Stores a cosigned checkpoint and drops what is too old. It is outside the set-hash: it authenticates itself.
fn keep(open: &Open, head: TreeHead, note: &SignedNote) -> Result<(), Problem> {
    let problem = |f: StoreFault| store_problem(&f);
    let row = rows::log_checkpoint(LANE, head.size);
    let stored = open.store.get(&row).map_err(problem)?;
    let mut note = note.clone();
    if let Some(before) = &stored
        && let Ok(before) = SignedNote::parse(&before.value)
    {
        // Another round may have asked other witnesses about the same tree.
        for signature in before.signatures() {
            let known = note
                .signatures()
                .iter()
                .any(|one| (one.name(), one.key_id()) == (signature.name(), signature.key_id()));
            if !known {
                note.add(signature.clone());
            }
        }
    }
    let text = note.to_string();
    let version = stored.map_or(0, |row| row.version);
    let mut batch = Batch::default();
    batch.expect.push(Expect {
        row: row.clone(),
        version,
    });
    batch.changes.push(Change::Put {
        row,
        version: version.saturating_add(1),
        value: text.clone().into_bytes(),
    });
    if open.cosigned.prune() {
        drop_old(open, &mut batch).map_err(problem)?;
    }
    open.store.commit(vec![batch]).map_err(problem)?;
    open.cosigned.offer(Cosigned { head, note: text });
    Ok(())
}

fn drop_old(open: &Open, batch: &mut Batch) -> Result<(), StoreFault> {
    let most = KEPT.saturating_add(4 * PRUNE_EVERY as usize);
    let kept = open
        .store
        .scan(Table::LogCheckpoint, &LANE.to_be_bytes(), None, most)?;
    let surplus = kept.len().saturating_sub(KEPT);
    for (key, _) in kept.into_iter().take(surplus) {
        batch.changes.push(Change::Delete {
            row: RowKey {
                table: Table::LogCheckpoint,
                key,
            },
        });
    }
    Ok(())
}
