//! The engine: load, decide, record, act, commit, release (DESIGN §2). [`Engine::execute`] is the only verb.
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use arc_swap::ArcSwapOption;
use futures_channel::oneshot;
use keyward_core::command::{Command, CommandKind, Envelope, ServerEvent, ServerEventKind, Unseal};
use keyward_core::ids::{DeploymentId, NodeId, PrincipalId, RealmId};
use keyward_core::outcome::Outcome;
use keyward_core::record::{Body, Credential};
use keyward_core::secret::Secret;
use keyward_core::{ErrorCode, Problem};
use parking_lot::Mutex;

use crate::cache::CacheSizes;
use crate::caller::{Caller, Presented};
use crate::committer::{Answer, Committer, Pending};
use crate::crypto::Crypto;
use crate::custody;
use crate::open::{Open, Parts, open_problem};
use crate::ports::clock::Clock;
use crate::ports::module::Module;
use crate::ports::seal::Seal;
use crate::ports::store::Store;
use crate::problems::store_problem;
use crate::recording::{Draft, Facts};
use crate::work::Work;

pub(crate) use crate::stop::Stop;

/// How often a command is decided again because something it rests on changed meanwhile.
const ATTEMPTS: usize = 16;
/// Failed attempts to unseal from one source in a minute; each costs the server a second of work.
const UNSEALS_A_MINUTE: u32 = 10;

/// Who runs the writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// A thread of its own.
    Thread,
    /// Whoever calls [`Engine::pump`]: for simulation.
    Manual,
}

/// What an engine is made of.
pub struct EngineParts {
    /// The module.
    pub module: Arc<dyn Module>,
    /// The store.
    pub store: Arc<dyn Store>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Kinds of seals it can open.
    pub seals: Vec<Arc<dyn Seal>>,
    /// Cache sizes.
    pub sizes: CacheSizes,
    /// Who runs the writer.
    pub writer: Writer,
}

/// The engine. Its ports are private: nobody who holds it reaches a store or a module through it, so nothing changes
/// without a record.
/// ```compile_fail,E0616
/// fn behind_the_door(engine: &keyward_engine::Engine) {
///     let _ = engine.store.commit(Vec::new());
/// }
/// ```
/// ```compile_fail,E0603
/// use keyward_engine::committer::Committer;
/// ```
pub struct Engine {
    crypto: Crypto,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    seals: Vec<Arc<dyn Seal>>,
    sizes: CacheSizes,
    writer: Writer,
    deployment: DeploymentId,
    node: NodeId,
    open: ArcSwapOption<Open>,
    changing_seal: Mutex<()>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
    failed_unseals: AtomicU32,
    rejections: crate::rejections::Rejections,
    witnesses: Arc<crate::witnessing::Witnesses>,
    pub(crate) postponed: crate::scheduler::Postponed,
    pub(crate) settings: crate::settings::Settings,
    pub(crate) sweep: crate::sweep::Sweep,
}

/// How one attempt ended.
enum Attempt {
    Finished(Result<Outcome, Problem>),
    Again,
}

impl Engine {
    /// An engine over an initialised store, sealed.
    ///
    /// # Errors
    /// `not_initialised`, or the store's fault.
    pub fn new(parts: EngineParts) -> Result<Self, Problem> {
        let installation = crate::init::installation(&*parts.store)?;
        Ok(Self {
            crypto: Crypto::new(parts.module),
            store: parts.store,
            clock: parts.clock,
            seals: parts.seals,
            sizes: parts.sizes,
            writer: parts.writer,
            deployment: installation.deployment,
            node: installation.node,
            open: ArcSwapOption::empty(),
            changing_seal: Mutex::new(()),
            thread: Mutex::new(None),
            failed_unseals: AtomicU32::new(0),
            rejections: crate::rejections::Rejections::default(),
            witnesses: Arc::default(),
            postponed: crate::scheduler::Postponed::default(),
            settings: Arc::default(),
            sweep: crate::sweep::Sweep::default(),
        })
    }

    /// The installation's id.
    #[must_use]
    pub const fn deployment(&self) -> DeploymentId {
        self.deployment
    }

    /// Whether the seal is closed.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.open.load().is_none()
    }

    /// Whether the outcome of a commit became unknown: the process must end and start again.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.opened().is_ok_and(|open| open.committer.is_dead())
    }

    /// Opens the seal with a slot's secret. The secret is the credential.
    ///
    /// # Errors
    /// `unseal_failed`, `already_unsealed`, or what the store says.
    pub async fn unseal(
        &self,
        kind: &str,
        secret: &Secret,
        source: Option<[u8; 16]>,
    ) -> Result<(), Problem> {
        let (from, now) = (source.unwrap_or_default(), self.clock.now().wall);
        if self.rejections.count(from, now) >= UNSEALS_A_MINUTE {
            return Err(Problem::new(ErrorCode::LoginThrottled));
        }
        self.unseal_now(kind, secret).inspect_err(|problem| {
            if problem.code == ErrorCode::UnsealFailed {
                self.rejections.note(from, now);
            }
        })?;
        let failures = self.failed_unseals.swap(0, Ordering::AcqRel);
        let caller = Caller::system(PrincipalId::UNSEALER, "unsealer")
            .with_credential(Credential::Seal(kind.to_owned()), source);
        let command = Command::Unseal(Unseal {
            kind: kind.to_owned(),
        });
        self.execute(&caller, &command, &Envelope::default())
            .await?;
        let detail = format!(
            "{} {}; {failures} failed attempts to unseal before; the log is signed by {}",
            env!("CARGO_PKG_NAME"),
            env!("CARGO_PKG_VERSION"),
            self.opened()?.identity.read().history.current().1
        );
        self.server_event(ServerEventKind::Started, detail).await
    }

    fn unseal_now(&self, kind: &str, secret: &Secret) -> Result<(), Problem> {
        // One at a time, and nobody waits: each attempt is made to be slow.
        let Some(_changing) = self.changing_seal.try_lock() else {
            return Err(Problem::new(ErrorCode::Overloaded));
        };
        if self.open.load().is_some() {
            return Err(Problem::new(ErrorCode::AlreadyUnsealed));
        }
        let open = Arc::new(self.open_without_writer(kind, secret)?);
        self.start_writer(&open.committer);
        self.open.store(Some(open));
        Ok(())
    }

    /// Opens everything, changes nothing.
    pub(crate) fn open_without_writer(&self, kind: &str, secret: &Secret) -> Result<Open, Problem> {
        let seal = self.seals.iter().find(|seal| seal.kind() == kind);
        let seal = seal.ok_or_else(|| Problem::new(ErrorCode::UnsealFailed))?;
        let opened = custody::open(&self.crypto, &*self.store, self.deployment, &**seal, secret);
        let (custody, log_keys) = opened.map_err(|fault| {
            self.failed_unseals.fetch_add(1, Ordering::AcqRel);
            open_problem(&fault)
        })?;
        let parts = Parts {
            crypto: self.crypto.clone(),
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            seals: self.seals.clone(),
            sizes: self.sizes,
            deployment: self.deployment,
            node: self.node,
            settings: Arc::clone(&self.settings),
            pool: match self.writer {
                Writer::Thread => crate::pool::Pool::start(),
                Writer::Manual => None,
            },
            witnesses: Arc::clone(&self.witnesses),
        };
        Open::assemble(parts, custody, &log_keys)
    }

    pub(crate) fn witnesses(&self) -> &crate::witnessing::Witnesses {
        &self.witnesses
    }

    pub(crate) const fn crypto(&self) -> &Crypto {
        &self.crypto
    }

    fn start_writer(&self, committer: &Arc<Committer>) {
        if self.writer == Writer::Thread {
            let committer = Arc::clone(committer);
            let spawned = thread::Builder::new()
                .name("keyward-writer".to_owned())
                .spawn(move || committer.run());
            *self.thread.lock() = spawned.ok();
        }
    }

    /// Runs the writer once, in [`Writer::Manual`] mode; how many commands it committed.
    pub fn pump(&self) -> usize {
        self.open
            .load()
            .as_ref()
            .map_or(0, |open| open.committer.run_once())
    }

    /// Closes the seal: what is under way is still committed and answered, then keys leave memory.
    pub fn close(&self) {
        let _changing = self.changing_seal.lock();
        let Some(open) = self.open.swap(None) else {
            return;
        };
        open.committer.stop();
        if let Some(thread) = self.thread.lock().take() {
            let _ = thread.join();
        }
        while open.committer.run_once() > 0 {}
    }

    /// Records something the server itself did.
    ///
    /// # Errors
    /// As [`Engine::execute`].
    pub async fn server_event(
        &self,
        event: ServerEventKind,
        detail: String,
    ) -> Result<(), Problem> {
        let caller = Caller::system(PrincipalId::SERVER, "server");
        let command = Command::ServerEvent(ServerEvent { event, detail });
        self.execute(&caller, &command, &Envelope::default())
            .await
            .map(|_| ())
    }

    /// Proves a credential: the only way to a [`Caller`] from outside.
    ///
    /// # Errors
    /// `sealed`, or why the credential is not accepted.
    pub fn authenticate(
        &self,
        presented: &Presented<'_>,
        source: Option<[u8; 16]>,
    ) -> Result<Caller, Problem> {
        let open = self.open.load();
        let open = open
            .as_ref()
            .ok_or_else(|| Problem::new(ErrorCode::Sealed))?;
        let result = open.authenticate(presented, source);
        if result.is_err() {
            self.rejections
                .note(source.unwrap_or_default(), self.clock.now().wall);
        }
        result
    }

    /// Counts an attempt that brought no credential at all, or none that can be read.
    pub fn note_unproven(&self, source: [u8; 16]) {
        self.rejections.note(source, self.clock.now().wall);
    }

    /// Records attempts that proved no identity, one record per source and minute; all of them if `everything`.
    ///
    /// # Errors
    /// As [`Engine::execute`].
    pub async fn record_rejections(&self, everything: bool) -> Result<usize, Problem> {
        let now = self.clock.now().wall;
        let finished = self.rejections.take(now, everything);
        let count = finished.len();
        for attempts in finished {
            let caller = Caller::system(PrincipalId::SERVER, "server")
                .with_credential(Credential::Unproven, Some(attempts.source));
            self.execute(
                &caller,
                &Command::RejectedAttempts(attempts),
                &Envelope::default(),
            )
            .await?;
        }
        Ok(count)
    }

    pub(crate) fn opened(&self) -> Result<Arc<Open>, Problem> {
        self.open
            .load_full()
            .ok_or_else(|| Problem::new(ErrorCode::Sealed))
    }

    /// Executes one command: exactly one record, durable before this returns.
    ///
    /// # Errors
    /// The refusal, with its code.
    pub async fn execute(
        &self,
        caller: &Caller,
        command: &Command,
        envelope: &Envelope,
    ) -> Result<Outcome, Problem> {
        let open = self.opened()?;
        for _ in 0..ATTEMPTS {
            if let Attempt::Finished(result) = attempt(&open, caller, command, envelope).await {
                if result.is_ok() {
                    self.postponed.after(command);
                }
                if result.is_ok() && matches!(command, Command::Seal(_)) {
                    drop(open);
                    self.close();
                }
                return result;
            }
        }
        let conflict = Problem::new(ErrorCode::Conflict)
            .with("reason", "it kept changing while this was decided");
        let work = Work::new(&open, caller, command.kind());
        finish(work, command, envelope, Err(conflict))
            .await
            .unwrap_or_else(|| Err(Problem::new(ErrorCode::Conflict)))
    }
}

async fn attempt(
    open: &Arc<Open>,
    caller: &Caller,
    command: &Command,
    envelope: &Envelope,
) -> Attempt {
    let mut computed = None;
    let mut admission = None;
    loop {
        // Taken before the caller is looked at again: what changes after that is found by the commit.
        let position = open.committer.position();
        let current = open.current(caller);
        let caller = match &current {
            Ok(Some(renewed)) => renewed,
            Ok(None) | Err(_) => caller,
        };
        let mut work = Work::new(open, caller, command.kind());
        work.position = position;
        work.computed = computed.take();
        work.admission = admission.take();
        let performed = match &current {
            Err(problem) => Err(Stop::Refused(problem.clone())),
            Ok(_) => work.perform(command, envelope),
        };
        if work.turned_away
            && let Err(Stop::Refused(problem)) = performed
        {
            // Counted, and recorded together with others like it: a flood must not pass its quota in the log.
            return Attempt::Finished(Err(problem));
        }
        let decided = match performed {
            Err(Stop::WaitFor(counter)) => {
                computed = work.computed.take();
                admission = work.admission.take();
                drop(work);
                counter.wait().await;
                continue;
            }
            Err(Stop::Compute(task)) => match open.compute(task).await {
                Ok(done) => {
                    (computed, admission) = (Some(done), work.admission.take());
                    continue;
                }
                Err(problem) => Err(problem),
            },
            Err(Stop::NeedLeaves(realm)) => {
                computed = work.computed.take();
                admission = work.admission.take();
                drop(work);
                let Err(problem) = reserve_leaves(open, realm).await else {
                    continue;
                };
                work = Work::new(open, caller, command.kind());
                work.realm = realm;
                Err(problem)
            }
            Err(Stop::Refused(problem)) => Err(problem),
            Ok(outcome) => Ok(outcome),
        };
        return match finish(work, command, envelope, decided).await {
            Some(result) => Attempt::Finished(result),
            None => Attempt::Again,
        };
    }
}

/// Leaves reserved at a time: what a crash can waste.
const LEAF_BLOCK: u64 = 4_096;

/// Reserves a block of leaves by a commit of its own: no leaf is given out before its block is durable, so none is ever
/// used twice.
async fn reserve_leaves(open: &Arc<Open>, realm: RealmId) -> Result<(), Problem> {
    let server = Caller::system(PrincipalId::SERVER, "server");
    let mut work = Work::new(open, &server, CommandKind::ServerEvent);
    let block = work.leaf_block(realm, LEAF_BLOCK)?;
    let detail = format!("reserved leaves {} to {}", block.next, block.end);
    work.detail = Some(detail.clone());
    let command = Command::ServerEvent(ServerEvent {
        event: ServerEventKind::Notice,
        detail,
    });
    match finish(work, &command, &Envelope::default(), Ok(Outcome::Done)).await {
        // Someone else reserved meanwhile; whether that is enough shows when it is tried again.
        None => Ok(()),
        Some(Err(problem)) => Err(problem),
        Some(Ok(_)) => {
            let mut blocks = open.leaves.lock();
            let current = blocks.entry(realm).or_default();
            if current.next >= current.end {
                *current = block;
            }
            Ok(())
        }
    }
}

/// Records and commits what was decided; none when it has to be decided again.
pub(crate) async fn finish(
    mut work: Work<'_>,
    command: &Command,
    envelope: &Envelope,
    decided: Result<Outcome, Problem>,
) -> Option<Result<Outcome, Problem>> {
    let open = Arc::clone(work.open);
    if decided.is_err() {
        work.changes.clear();
        work.after.clear();
    }
    let refusal = decided
        .as_ref()
        .err()
        .or(work.refuse_after.as_ref())
        .map(|problem| problem.code);
    let draft = match draft(&work, command, envelope, refusal) {
        Ok(draft) => draft,
        Err(problem) => return Some(Err(problem)),
    };
    if let Some(admission) = &work.admission {
        admission.recorded(draft.bytes(), work.moment.now);
    }
    let reservation = work.reservation.take();
    let (reply, answer) = oneshot::channel();
    let hooks = std::mem::take(&mut work.after);
    let after: Option<crate::committer::AfterCommit> = if hooks.is_empty() {
        None
    } else {
        Some(Box::new(move || hooks.into_iter().for_each(|hook| hook())))
    };
    let urgent = stops_harm(command.kind());
    // A refusal of what was read is recorded whatever changes meanwhile: it was true when it was decided.
    let reads = if decided.is_err() {
        crate::reads::Reads::default()
    } else {
        std::mem::take(&mut work.reads)
    };
    let pending = Pending {
        reads,
        decided_at: work.position,
        changes: std::mem::take(&mut work.changes),
        draft,
        urgent,
        after,
        reply,
    };
    let answer = if open.committer.submit(pending) {
        answer.await.ok().map(|answered| answered.answer)
    } else {
        None
    };
    if let Some(reservation) = reservation {
        reservation.settle(answer == Some(Answer::Committed) && decided.is_ok());
    }
    match answer {
        Some(Answer::Committed) => {
            if work.scrub
                && let Err(fault) = open.store.scrub()
            {
                return Some(Err(store_problem(&fault)));
            }
            Some(work.refuse_after.map_or(decided, Err))
        }
        Some(Answer::Retry) => None,
        Some(Answer::Failed { fault, .. }) => Some(Err(store_problem(&fault))),
        None => Some(Err(Problem::new(if open.committer.is_dead() {
            ErrorCode::OutcomeUnknown
        } else {
            ErrorCode::Overloaded
        }))),
    }
}

/// What stops harm: it may use the disk reserve, and no quota turns it away.
pub(crate) const fn stops_harm(kind: CommandKind) -> bool {
    matches!(
        kind,
        CommandKind::SuspendKey
            | CommandKind::SuspendRealm
            | CommandKind::RevokeToken
            | CommandKind::SetPrincipalEnabled
            | CommandKind::ReportCompromise
            | CommandKind::ArchiveLog
    )
}

fn draft(
    work: &Work<'_>,
    command: &Command,
    envelope: &Envelope,
    refusal: Option<ErrorCode>,
) -> Result<Draft, Problem> {
    let open = work.open;
    let canonical = command.canonical(open.deployment);
    let digest = open
        .crypto
        .sha(&[&canonical])
        .map_err(crate::problems::module_problem)?;
    let body = Body {
        principal: work.caller.principal(),
        credential: work.caller.credential.clone(),
        source: work.caller.source,
        correlation: envelope.correlation,
        command_digest: Some(digest),
        module: work
            .used_module
            .then(|| format!("{} {}", open.module.module, open.module.version)),
        policies: work.policies.clone(),
        approval: None,
        change: work.change,
        detail: work.detail.clone(),
        payload_bytes: work.payload_bytes,
    };
    let facts = Facts {
        time: work.moment.now.wall,
        realm: work.realm,
        command: command.kind().number(),
        target: work.target,
        target_version: work.target_version,
        indicator: work.indicator,
        body,
    };
    Draft::new(&open.crypto, facts, refusal, &work.changes)
}
