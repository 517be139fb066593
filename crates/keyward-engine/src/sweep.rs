//! Removing what is kept for a time only: idempotency keys whose day is over.
use std::sync::Arc;

use keyward_core::Problem;
use keyward_core::command::{Command, CommandKind, Envelope, ServerEvent, ServerEventKind};
use keyward_core::ids::PrincipalId;
use keyward_core::outcome::Outcome;
use keyward_core::time::Millis;
use parking_lot::Mutex;

use crate::caller::Caller;
use crate::commands::IDEMPOTENCY;
use crate::engine::{Engine, finish};
use crate::open::Open;
use crate::ports::clock::Clock;
use crate::ports::store::{RowKey, Table};
use crate::problems::store_problem;
use crate::rows::IdempotencyRow;
use crate::work::Work;

/// Where the search for expired idempotency keys goes on, and when, in service time, the next one begins.
#[derive(Default)]
pub(crate) struct Sweep(Mutex<(Option<Vec<u8>>, Millis)>);

/// Idempotency keys looked at in one pass.
const PAGE: usize = 1_000;

impl Engine {
    /// Removes idempotency keys whose time is over, a page in each pass, all of them once an hour.
    pub(crate) async fn sweep_idempotency(&self, open: &Arc<Open>) -> Result<(), Problem> {
        let now = open.clock.now();
        let (after, begins) = self.sweep.0.lock().clone();
        // A wall clock that stepped ahead would make young keys look old.
        if now.service < begins || open.clock.drifted() {
            return Ok(());
        }
        let page = open
            .store
            .scan(Table::Idempotency, &[], after.as_deref(), PAGE)
            .map_err(|f| store_problem(&f))?;
        let next = (page.len() >= PAGE)
            .then(|| page.last().map(|(key, _)| key.clone()))
            .flatten();
        let begins = match next {
            Some(_) => begins,
            None => Millis(now.service.0.saturating_add(Millis::HOUR.0)),
        };
        let server = Caller::system(PrincipalId::SERVER, "server");
        let mut work = Work::new(open, &server, CommandKind::ServerEvent);
        for (key, row) in page {
            let at = RowKey {
                table: Table::Idempotency,
                key,
            };
            let Ok(known) = open.custody.sealer.decode::<IdempotencyRow>(&at, &row) else {
                continue;
            };
            if now.wall.since(known.value.created_at) > IDEMPOTENCY {
                work.delete(at, &row)?;
            }
        }
        let count = work.changes.len();
        if count > 0 {
            let detail = format!("removed {count} expired idempotency keys");
            work.detail = Some(detail.clone());
            let command = Command::ServerEvent(ServerEvent {
                event: ServerEventKind::Notice,
                detail,
            });
            // One that was used again meanwhile is left to the next pass.
            if let Some(Err(problem)) =
                finish(work, &command, &Envelope::default(), Ok(Outcome::Done)).await
            {
                return Err(problem);
            }
        }
        *self.sweep.0.lock() = (next, begins);
        Ok(())
    }
}
