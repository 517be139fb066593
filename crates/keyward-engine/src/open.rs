//! What exists only while the seal is open: keys, caches, the writer, policy.
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use keyward_core::decide::ModuleFacts;
use keyward_core::decide::destroy::ClockEvidence;
use keyward_core::ids::{DeploymentId, NodeId, RealmId};
use keyward_core::limits::CLOCK_DRIFT_MAX_MS;
use keyward_core::outcome::PolicyText;
use keyward_core::time::{Millis, Now, Timestamp};
use keyward_core::tlog::{Frontier, KeyHistory, TileWriter, VerifierKey};
use keyward_core::{ErrorCode, Problem};
use keyward_policy::Decider;
use parking_lot::{Mutex, RwLock};

use crate::cache::{CacheSizes, Caches};
use crate::checkpoint::Signing;
use crate::committer::{Committer, Invalidate, LaneRow, LaneStart};
use crate::crypto::{Crypto, Held};
use crate::custody::{Custody, OpenFault};
use crate::import::ImportKeys;
use crate::index::Index;
use crate::log::LogReader;
use crate::pool::{Computed, Pool, Stamp, Task};
use crate::ports::clock::Clock;
use crate::ports::module::{ModuleDescription, Operation};
use crate::ports::seal::Seal;
use crate::ports::store::{RowKey, Store, StoreFault, Table};
use crate::problems::{module_problem, seal_problem, store_problem};
use crate::quotas::Meters;
use crate::rows::{self, SetHash};
use crate::settings::Settings;
use crate::witnessing::{Newest, Witnesses};

/// The lane this node writes. One node, one lane; more come with the cluster.
pub(crate) const LANE: u32 = 1;

/// The clock with service time that goes on across restarts.
pub(crate) struct ServiceClock {
    inner: Arc<dyn Clock>,
    /// Service time when this process opened the log, and the inner clock then.
    base: Millis,
    start: Now,
}

impl ServiceClock {
    pub(crate) fn new(inner: Arc<dyn Clock>, base: Millis) -> Self {
        let start = inner.now();
        Self { inner, base, start }
    }

    pub(crate) const fn started_at(&self) -> Timestamp {
        self.start.wall
    }

    /// Whether wall and service time have parted since the start.
    pub(crate) fn drifted(&self) -> bool {
        let now = self.inner.now();
        let wall = i128::from(now.wall.0).saturating_sub(i128::from(self.start.wall.0));
        let service = i128::from(now.service.0).saturating_sub(i128::from(self.start.service.0));
        wall.saturating_sub(service).unsigned_abs() > u128::from(CLOCK_DRIFT_MAX_MS)
    }
}

impl Clock for ServiceClock {
    fn now(&self) -> Now {
        let now = self.inner.now();
        let elapsed = now.service.0.saturating_sub(self.start.service.0);
        Now {
            wall: now.wall,
            service: Millis(self.base.0.saturating_add(elapsed)),
        }
    }
}

/// Leaves reserved for one realm and not used yet.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LeafBlock {
    pub(crate) next: u64,
    pub(crate) end: u64,
}

/// How the log signs now and which keys it had.
pub(crate) struct LogIdentity {
    pub(crate) history: KeyHistory,
    pub(crate) number: u32,
    pub(crate) key: Arc<Held>,
}

/// The open engine.
pub(crate) struct Open {
    pub(crate) crypto: Crypto,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<ServiceClock>,
    pub(crate) custody: Arc<Custody>,
    pub(crate) caches: Arc<Caches>,
    pub(crate) committer: Arc<Committer>,
    pub(crate) policy: Decider,
    pub(crate) leaves: Mutex<HashMap<RealmId, LeafBlock>>,
    pub(crate) identity: RwLock<LogIdentity>,
    pub(crate) module: ModuleDescription,
    pub(crate) facts: ModuleFacts,
    pub(crate) deployment: DeploymentId,
    pub(crate) node: NodeId,
    pub(crate) seals: Vec<Arc<dyn Seal>>,
    /// For what takes long; none where nothing may run by itself (simulation).
    pub(crate) pool: Option<Pool>,
    pub(crate) signing: Mutex<Signing>,
    pub(crate) cosigned: Newest,
    pub(crate) witnesses: Arc<Witnesses>,
    /// A record was made that should be witnessed at once.
    pub(crate) witness_wish: AtomicBool,
    pub(crate) index: Index,
    pub(crate) meters: Meters,
    pub(crate) imports: Arc<ImportKeys>,
    pub(crate) settings: Settings,
}

/// Everything from outside that an open engine needs.
pub(crate) struct Parts {
    pub(crate) crypto: Crypto,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) seals: Vec<Arc<dyn Seal>>,
    pub(crate) sizes: CacheSizes,
    pub(crate) deployment: DeploymentId,
    pub(crate) node: NodeId,
    pub(crate) settings: Settings,
    pub(crate) pool: Option<Pool>,
    pub(crate) witnesses: Arc<Witnesses>,
}

/// The set-hash in a lane's head.
fn set_hash_of(custody: &Custody, lane: &LaneRow) -> Result<SetHash, Problem> {
    let corrupt = |what| store_problem(&StoreFault::Corrupt(what));
    let bytes = custody
        .crypto
        .secret(Operation::UnwrapBytes {
            kek: custody.set_hash.handle(),
            blob: &lane.set_hash,
        })
        .map_err(|_| corrupt("the set-hash does not open"))?;
    let bytes = bytes.expose().first_chunk::<32>().copied();
    bytes
        .map(SetHash)
        .ok_or_else(|| corrupt("the set-hash has another length"))
}

impl Open {
    /// Opens log, policy and caches over an opened hierarchy.
    #[expect(
        clippy::too_many_lines,
        reason = "puts every part together once, in the order they need each other"
    )]
    pub(crate) fn assemble(
        parts: Parts,
        custody: Custody,
        log_keys: &[(u32, Arc<Held>)],
    ) -> Result<Self, Problem> {
        let Parts {
            crypto,
            store,
            clock,
            seals,
            sizes,
            deployment,
            node,
            settings,
            pool,
            witnesses,
        } = parts;
        let corrupt = |what| store_problem(&StoreFault::Corrupt(what));
        let lane_key = rows::lane(LANE);
        let stored = store.get(&lane_key).map_err(|f| store_problem(&f))?;
        let stored = stored.ok_or_else(|| corrupt("the log has no head"))?;
        let lane = custody
            .sealer
            .decode::<LaneRow>(&lane_key, &stored)
            .map_err(|f| store_problem(&f))?;
        let tiles = resume(&crypto, &*store, &lane.value)?;
        let reader = LogReader {
            store: &*store,
            crypto: &crypto,
            lane: LANE,
        };
        let cosigned = crate::witnessing::load(&*store, &reader, &tiles.head(&crypto))?;
        let set_hash = set_hash_of(&custody, &lane.value)?;
        let identity = identity(&crypto, &custody, &*store, log_keys)?;
        let policy = load_policies(&*store, &custody)?;
        let custody = Arc::new(custody);
        let caches = Arc::new(Caches::new(sizes));
        let clock = Arc::new(ServiceClock::new(clock, lane.value.service));
        let start = LaneStart {
            number: LANE,
            node: lane.value.node,
            tiles,
            set_hash,
            set_wrapped: lane.value.set_hash,
            row_version: lane.version,
        };
        let committer = Committer::new(
            Arc::clone(&store),
            Arc::clone(&custody),
            Arc::clone(&clock) as Arc<dyn Clock>,
            Arc::clone(&caches) as Arc<dyn Invalidate>,
            start,
        );
        let module = crypto.module().describe();
        let facts = ModuleFacts {
            level: if module.certificates.is_empty() {
                0
            } else {
                module.level
            },
            services: module.services.clone(),
        };
        Ok(Self {
            crypto,
            store,
            clock,
            custody,
            caches,
            committer: Arc::new(committer),
            policy,
            leaves: Mutex::new(HashMap::new()),
            identity: RwLock::new(identity),
            module,
            facts,
            deployment,
            node,
            seals,
            pool,
            signing: Mutex::new(Signing::default()),
            cosigned,
            witnesses,
            witness_wish: AtomicBool::new(false),
            index: Index::new(),
            meters: Meters::default(),
            imports: Arc::default(),
            settings,
        })
    }

    /// Runs what takes long: in the pool, or here where there is none.
    ///
    /// # Errors
    /// As [`Pool::run`].
    pub(crate) async fn compute(&self, task: Task) -> Result<(Stamp, Computed), Problem> {
        match &self.pool {
            Some(pool) => pool.run(task).await,
            None => Ok((task.stamp, (task.run)())),
        }
    }

    /// What is known about the clocks.
    pub(crate) fn clock_evidence(&self) -> ClockEvidence {
        ClockEvidence {
            drifted: self.clock.drifted(),
            started_at: self.clock.started_at(),
        }
    }

    pub(crate) fn log(&self) -> LogReader<'_> {
        LogReader {
            store: &*self.store,
            crypto: &self.crypto,
            lane: LANE,
        }
    }
}

/// The log's right edge, checked against the head.
fn resume(crypto: &Crypto, store: &dyn Store, lane: &LaneRow) -> Result<TileWriter, Problem> {
    let corrupt = |what| store_problem(&StoreFault::Corrupt(what));
    let frontier = Frontier::from_bytes(&lane.frontier)
        .map_err(|_| corrupt("the log's head does not decode"))?;
    if frontier.size() != lane.size {
        return Err(corrupt("the log's head contradicts itself"));
    }
    let head = frontier.head(crypto);
    let reader = LogReader {
        store,
        crypto,
        lane: LANE,
    };
    let edge = reader
        .right_edge(lane.size)
        .map_err(|f| store_problem(&f))?;
    TileWriter::resume(crypto, &head, &edge)
        .map_err(|_| corrupt("the log's records do not lead to its head"))
}

/// The public key of an Ed25519 pair: the last 32 bytes of its SubjectPublicKeyInfo (RFC 8410 §4).
pub(crate) fn verifier_key(
    crypto: &Crypto,
    name: &str,
    key: &Held,
) -> Result<VerifierKey, Problem> {
    let spki = crypto
        .bytes(Operation::PublicKey { key: key.handle() })
        .map_err(module_problem)?;
    let public = spki
        .last_chunk::<32>()
        .ok_or_else(|| Problem::new(ErrorCode::ModuleFault))?;
    VerifierKey::new(
        crypto,
        name,
        keyward_core::tlog::SignatureType::Ed25519,
        *public,
    )
    .map_err(|_| Problem::new(ErrorCode::Internal))
}

fn identity(
    crypto: &Crypto,
    custody: &Custody,
    store: &dyn Store,
    log_keys: &[(u32, Arc<Held>)],
) -> Result<LogIdentity, Problem> {
    let corrupt = |what| store_problem(&StoreFault::Corrupt(what));
    let key = rows::meta("log-keys");
    let row = store
        .get(&key)
        .map_err(|f| store_problem(&f))?
        .ok_or_else(|| corrupt("no history of log keys"))?;
    let text = custody
        .sealer
        .decode::<String>(&key, &row)
        .map_err(|f| store_problem(&f))?
        .value;
    let verifier = crate::signing::ModuleVerifier { crypto };
    let history = KeyHistory::parse(crypto, &verifier, &text)
        .map_err(|_| corrupt("the history of log keys does not verify"))?;
    let (number, held) = log_keys
        .iter()
        .max_by_key(|(n, _)| *n)
        .ok_or_else(|| corrupt("no log key"))?;
    Ok(LogIdentity {
        history,
        number: *number,
        key: Arc::clone(held),
    })
}

fn load_policies(store: &dyn Store, custody: &Custody) -> Result<Decider, Problem> {
    let decider = Decider::new();
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = store
            .scan(Table::Policy, &[], after.as_deref(), 1_000)
            .map_err(|f| store_problem(&f))?;
        let Some((last, _)) = page.last() else {
            return Ok(decider);
        };
        after = Some(last.clone());
        for (key, row) in page {
            let realm = key.first_chunk::<16>().copied().unwrap_or_default();
            let key = RowKey {
                table: Table::Policy,
                key,
            };
            let text = custody
                .sealer
                .decode::<PolicyText>(&key, &row)
                .map_err(|f| store_problem(&f))?
                .value;
            decider
                .put(RealmId(realm), text.name.as_str(), &text.text)
                .map_err(|reason| {
                    Problem::new(ErrorCode::InvalidPolicy).with("reason", reason.to_string())
                })?;
        }
    }
}

/// A fault of opening as its caller sees it.
pub(crate) fn open_problem(fault: &OpenFault) -> Problem {
    match fault {
        OpenFault::Seal(fault) => seal_problem(fault),
        OpenFault::Store(fault) => store_problem(fault),
        OpenFault::Module(fault) => module_problem(*fault),
        OpenFault::NoSlot => Problem::new(ErrorCode::UnsealFailed),
    }
}
