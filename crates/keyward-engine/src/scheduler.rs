//! Due work: rotations and destructions whose time has come, done as commands of the scheduler.
use std::collections::HashMap;

use keyward_core::Problem;
use keyward_core::cbor;
use keyward_core::command::{
    Command, Envelope, ExecuteDestruction, GiveNotice, KeyRef, RealmRef, RotateKey,
};
use keyward_core::ids::PrincipalId;
use keyward_core::time::{Millis, Timestamp};
use parking_lot::Mutex;

use crate::caller::Caller;
use crate::engine::Engine;
use crate::ports::clock::Clock;
use crate::ports::store::Table;
use crate::problems::store_problem;
use crate::rows::{DueJob, DueKind};

/// Jobs looked at in one pass.
const PASS_MAX: usize = 256;

/// Jobs that were refused wait longer each time, so that a key which may not be rotated now neither fills the log nor keeps
/// others from their turn. Known to this process only: the next one asks once more.
#[derive(Default)]
pub(crate) struct Postponed {
    jobs: Mutex<HashMap<Vec<u8>, (Timestamp, Millis)>>,
}

/// The first and the longest wait.
const WAIT_FIRST: Millis = Millis(10_000);
const WAIT_LONGEST: Millis = Millis(600_000);

impl Postponed {
    fn is_waiting(&self, job: &[u8], now: Timestamp) -> bool {
        self.jobs
            .lock()
            .get(job)
            .is_some_and(|(until, _)| *until > now)
    }

    fn refused(&self, job: Vec<u8>, now: Timestamp) {
        let mut jobs = self.jobs.lock();
        let wait = jobs.get(&job).map_or(WAIT_FIRST, |(_, wait)| {
            Millis(wait.0.saturating_mul(2).min(WAIT_LONGEST.0))
        });
        jobs.insert(job, (now.plus(wait), wait));
    }

    fn forget_old(&self, now: Timestamp) {
        let horizon = |until: &Timestamp| now.since(*until) < WAIT_LONGEST;
        self.jobs.lock().retain(|_, (until, _)| horizon(until));
    }

    /// Once something was resumed, what waited for that is tried at once.
    pub(crate) fn after(&self, command: &Command) {
        if matches!(
            command,
            Command::ResumeKey(_) | Command::ResumeRealm(_) | Command::ConfirmDestruction(_)
        ) {
            self.jobs.lock().clear();
        }
    }
}

fn command_of(job: &DueJob) -> Command {
    let realm = RealmRef::Id(job.realm);
    let key = match job.object_kind {
        Some(kind) => KeyRef::Object(kind, job.object),
        None => KeyRef::Id(job.object),
    };
    match job.kind {
        DueKind::Destroy => Command::ExecuteDestruction(ExecuteDestruction { realm, key }),
        DueKind::Rotate => Command::RotateKey(RotateKey { realm, key }),
        DueKind::Notice => Command::GiveNotice(GiveNotice {
            realm,
            key,
            due_at: job.at,
        }),
    }
}

impl Engine {
    /// The scheduler's caller, for due jobs only.
    pub(crate) fn scheduler(&self) -> Caller {
        Caller::system(PrincipalId::SCHEDULER, "scheduler")
    }

    /// Executes what is due now; how many jobs were done. A job that is refused stays due and is tried in the next pass.
    ///
    /// # Errors
    /// `sealed`, or the store's fault while looking.
    pub async fn run_due(&self) -> Result<usize, Problem> {
        let open = self.opened()?;
        self.record_rejections(false).await?;
        self.record_turned_away().await?;
        self.sweep_idempotency(&open).await?;
        let now = open.clock.now().wall;
        open.imports.forget_old(now);
        let caller = self.scheduler();
        let (mut done, mut tried) = (0usize, 0usize);
        let mut after: Option<Vec<u8>> = None;
        while tried < PASS_MAX {
            let rows = open
                .store
                .scan(Table::Due, &[], after.as_deref(), PASS_MAX)
                .map_err(|f| store_problem(&f))?;
            let Some((last, _)) = rows.last() else { break };
            after = Some(last.clone());
            for (key, row) in rows {
                let Some(Ok(job)) = row.value.get(32..).map(cbor::from_slice::<DueJob>) else {
                    continue;
                };
                if job.at > now {
                    self.postponed.forget_old(now);
                    return Ok(done);
                }
                if self.postponed.is_waiting(&key, now) {
                    continue;
                }
                tried = tried.saturating_add(1);
                let result = self
                    .execute(&caller, &command_of(&job), &Envelope::default())
                    .await;
                match result {
                    Ok(_) => done = done.saturating_add(1),
                    Err(_) => self.postponed.refused(key, now),
                }
            }
        }
        Ok(done)
    }

    /// Certificate authorities whose certificates identify workloads, DER; what the listener verifies clients against.
    ///
    /// # Errors
    /// `sealed`, or the store's fault.
    pub fn anchors(&self) -> Result<Vec<Vec<u8>>, Problem> {
        let open = self.opened()?;
        let rows = open
            .store
            .scan(Table::Anchor, &[], None, 100_000)
            .map_err(|f| store_problem(&f))?;
        let mut anchors = Vec::with_capacity(rows.len());
        for (key, row) in rows {
            let key = crate::ports::store::RowKey {
                table: Table::Anchor,
                key,
            };
            let anchor = open
                .custody
                .sealer
                .decode::<keyward_core::object::Anchor>(&key, &row);
            anchors.push(anchor.map_err(|f| store_problem(&f))?.value.certificate);
        }
        Ok(anchors)
    }
}
