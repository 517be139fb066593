//! Due work: rotations and destructions whose time has come, done as commands of the scheduler.
use keyward_core::Problem;
use keyward_core::cbor;
use keyward_core::command::{Command, Envelope, ExecuteDestruction, KeyRef, RealmRef, RotateKey};

use crate::engine::Engine;
use crate::ports::clock::Clock;
use crate::ports::store::Table;
use crate::problems::store_problem;
use crate::rows::{DueJob, DueKind};

/// Jobs looked at in one pass.
const PASS_MAX: usize = 256;

impl Engine {
    /// Executes what is due now; how many jobs were done. A job that is refused stays due and is tried in the next pass.
    ///
    /// # Errors
    /// `sealed`, or the store's fault while looking.
    pub async fn run_due(&self) -> Result<usize, Problem> {
        let open = self.opened()?;
        self.record_rejections(false).await?;
        self.record_turned_away().await?;
        let now = open.clock.now().wall;
        let rows = open
            .store
            .scan(Table::Due, &[], None, PASS_MAX)
            .map_err(|f| store_problem(&f))?;
        let caller = self.scheduler();
        let mut done = 0usize;
        for (_, row) in rows {
            let Some(Ok(job)) = row.value.get(32..).map(cbor::from_slice::<DueJob>) else {
                continue;
            };
            if job.at > now {
                break;
            }
            let (realm, key) = (RealmRef::Id(job.realm), KeyRef::Id(job.object));
            let command = match job.kind {
                DueKind::Destroy => Command::ExecuteDestruction(ExecuteDestruction { realm, key }),
                DueKind::Rotate => Command::RotateKey(RotateKey { realm, key }),
            };
            if self
                .execute(&caller, &command, &Envelope::default())
                .await
                .is_ok()
            {
                done = done.saturating_add(1);
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
