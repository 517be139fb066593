//! What stands in the way of serving, said plainly; and work that runs beside the commands.
use keyward_core::command::ServerEventKind;
use keyward_core::{ErrorCode, Problem};

use crate::engine::Engine;
use crate::ports::clock::Clock as _;
use crate::ports::store::StoreDescription;
use crate::problems::store_problem;

const MINUTE_MS: u64 = 60_000;

impl Engine {
    /// Why this server is not ready; empty when it is.
    #[must_use]
    pub fn readiness(&self) -> Vec<ErrorCode> {
        let Ok(open) = self.opened() else {
            return vec![ErrorCode::Sealed];
        };
        let mut reasons = Vec::new();
        if open.committer.is_dead() {
            reasons.push(ErrorCode::OutcomeUnknown);
        }
        reasons.extend(open.committer.trouble());
        if open.clock.drifted() {
            reasons.push(ErrorCode::ClockUntrusted);
        }
        reasons.extend(self.witnesses().reasons());
        reasons
    }

    /// Whether records were refused for want of room; [`Engine::try_disk`] finds out whether that is over.
    #[must_use]
    pub fn is_short_of_room(&self) -> bool {
        self.opened()
            .is_ok_and(|open| open.committer.trouble().is_some())
    }

    /// Records that there is room again, which works only if there is.
    ///
    /// # Errors
    /// There is none, or what [`Engine::execute`] says.
    pub async fn try_disk(&self) -> Result<(), Problem> {
        let detail = "the disk takes records again".to_owned();
        self.server_event(ServerEventKind::Notice, detail).await
    }

    /// Takes up to `limit` records more into the search index; how many that were.
    ///
    /// # Errors
    /// `sealed`, or the store's fault.
    pub fn index_step(&self, limit: usize) -> Result<usize, Problem> {
        let open = self.opened()?;
        open.index_more(limit).map_err(|f| store_problem(&f))
    }

    /// Records in the log; none while the seal is closed.
    #[must_use]
    pub fn log_size(&self) -> Option<u64> {
        let open = self.opened().ok()?;
        Some(open.committer.head().size)
    }

    /// What the store is and how full.
    ///
    /// # Errors
    /// `sealed`, or the store's fault.
    pub fn describe_store(&self) -> Result<StoreDescription, Problem> {
        let open = self.opened()?;
        open.store.describe().map_err(|f| store_problem(&f))
    }

    /// Records that are not in the search index yet.
    #[must_use]
    pub fn index_lag(&self) -> u64 {
        self.opened()
            .map_or(0, |open| open.index.lag(open.committer.head().size))
    }

    /// Records, once a minute, how many commands each realm's quotas turned away.
    ///
    /// # Errors
    /// As [`Engine::execute`].
    pub async fn record_turned_away(&self) -> Result<(), Problem> {
        let open = self.opened()?;
        let minute = open.clock.now().wall.0 / MINUTE_MS;
        for (realm, count) in open.meters.take_turned_away(minute) {
            let detail = format!("the quotas of realm {realm} turned away {count} commands");
            self.server_event(ServerEventKind::Notice, detail).await?;
        }
        Ok(())
    }
}
