//! Scheduling and executing destruction.
use std::sync::Arc;

use keyward_core::command::{
    CancelDestruction, ConfirmDestruction, ExecuteDestruction, ScheduleDestruction,
};
use keyward_core::decide::destroy::{self, Execution};
use keyward_core::decide::life::Transitioned;
use keyward_core::object::{Object, RealmCounters, Version};
use keyward_core::outcome::Outcome;
use keyward_core::time::Timestamp;
use keyward_core::{ErrorCode, Problem};

use super::life::plain;
use crate::cache::ObjectEntry;
use crate::committer::Invalidate;
use crate::ports::store::Row;
use crate::problems::change_problem;
use crate::rows::{self, DueJob, DueKind};
use crate::work::Work;

impl Work<'_> {
    pub(super) fn schedule_destruction(
        &mut self,
        command: &ScheduleDestruction,
    ) -> Result<Outcome, Problem> {
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        let versions = self.versions(&entry.object)?;
        let transition = destroy::schedule(
            &entry.object,
            &plain(&versions),
            command.version,
            command.after_days,
            &command.reason,
            &realm,
            self.moment,
        )?;
        let due = transition
            .versions
            .iter()
            .filter_map(|v| v.destruction.as_ref())
            .map(|d| d.due_at)
            .max();
        if let Some(at) = due {
            self.put_due(&entry.object, at)?;
        }
        self.transitioned(&entry, &versions, transition)
    }

    fn put_due(&mut self, object: &Object, at: Timestamp) -> Result<(), Problem> {
        let key = rows::due(at, DueKind::Destroy, object.realm, object.id);
        self.replace(
            key,
            &DueJob {
                kind: DueKind::Destroy,
                realm: object.realm,
                object: object.id,
                at,
            },
        )
    }

    /// Removes the due rows of these versions' destructions; versions scheduled together share one.
    fn drop_destroy_due(&mut self, object: &Object, versions: &[Version]) -> Result<(), Problem> {
        let mut dates: Vec<Timestamp> = versions
            .iter()
            .filter_map(|v| v.destruction.as_ref())
            .flat_map(|d| [Some(d.due_at), d.held_until])
            .flatten()
            .collect();
        dates.sort_unstable();
        dates.dedup();
        for at in dates {
            let key = rows::due(at, DueKind::Destroy, object.realm, object.id);
            if let Some(row) = self.row(&key)? {
                self.delete(key, &row)?;
            }
        }
        Ok(())
    }

    pub(super) fn cancel_destruction(
        &mut self,
        command: &CancelDestruction,
    ) -> Result<Outcome, Problem> {
        let (_, entry) = self.decided_key(&command.realm, &command.key)?;
        let versions = self.versions(&entry.object)?;
        let plain = plain(&versions);
        let transition = destroy::cancel(&entry.object, &plain, command.version, self.moment)?;
        let still_due = plain.iter().any(|v| {
            v.destruction.is_some()
                && !transition
                    .versions
                    .iter()
                    .any(|changed| changed.number == v.number)
        });
        if !still_due {
            self.drop_destroy_due(&entry.object, &plain)?;
        }
        self.transitioned(&entry, &versions, transition)
    }

    pub(super) fn confirm_destruction(
        &mut self,
        command: &ConfirmDestruction,
    ) -> Result<Outcome, Problem> {
        let (_, entry) = self.decided_key(&command.realm, &command.key)?;
        let versions = self.versions(&entry.object)?;
        let transition = destroy::confirm(&entry.object, &plain(&versions), self.moment)?;
        self.transitioned(&entry, &versions, transition)
    }

    pub(super) fn execute_destruction(
        &mut self,
        command: &ExecuteDestruction,
    ) -> Result<Outcome, Problem> {
        let (_, entry) = self.decided_key(&command.realm, &command.key)?;
        let versions = self.versions(&entry.object)?;
        let before = plain(&versions);
        match destroy::execute(
            &entry.object,
            &before,
            self.moment,
            self.open.clock_evidence(),
        )? {
            Execution::Hold {
                versions: held,
                until,
            } => {
                for version in &held {
                    let row = versions
                        .iter()
                        .find(|(v, _)| v.number == version.number)
                        .map(|(_, row)| row);
                    self.put(
                        rows::version(version.realm, version.object, version.number),
                        row,
                        version,
                    )?;
                }
                self.drop_destroy_due(&entry.object, &before)?;
                self.put_due(&entry.object, until)?;
                self.refuse_after = Some(destroy::hold(until));
                Ok(Outcome::Done)
            }
            Execution::Destroy(transition) => self.destroy(&entry, &versions, transition),
        }
    }

    /// Punctures the leaves and writes the rows, all in one commit.
    fn destroy(
        &mut self,
        entry: &Arc<ObjectEntry>,
        versions: &[(Version, Row)],
        transition: Transitioned,
    ) -> Result<Outcome, Problem> {
        let object = &entry.object;
        let doomed: Vec<u32> = transition.versions.iter().map(|v| v.number).collect();
        let leaves: Vec<u64> = transition.versions.iter().map(|v| v.leaf).collect();
        let tree_key = rows::tree(object.realm);
        let tree_row = self
            .row(&tree_key)?
            .ok_or_else(|| Problem::new(ErrorCode::StorageCorrupted))?;
        let mut epoch = self
            .open
            .custody
            .puncture(
                &self.open.seals,
                &tree_row,
                object.realm,
                &leaves,
                self.moment.now.wall,
            )
            .map_err(|f| change_problem(&f))?;
        self.changes.append(&mut epoch.changes);
        self.count_destroyed(object, leaves.len() as u64)?;
        self.drop_usage(object, &doomed)?;
        self.drop_destroy_due(object, &super::life::plain(versions))?;
        self.detail = Some(format!(
            "puncture epoch {}, leaves {leaves:?}",
            epoch.number
        ));
        self.scrub = true;
        let outcome = self.transitioned(entry, versions, transition)?;
        let open = Arc::clone(self.open);
        let (realm, id) = (object.realm, object.id);
        self.after.push(Box::new(move || {
            open.custody.adopt_epoch(epoch);
            // Somebody else should know of it at once.
            open.witness_wish
                .store(true, std::sync::atomic::Ordering::Release);
            for number in doomed {
                // The key leaves memory with the last use that is under way.
                open.caches.invalidate(&rows::version(realm, id, number));
            }
        }));
        Ok(outcome)
    }

    fn count_destroyed(&mut self, object: &Object, count: u64) -> Result<(), Problem> {
        let key = rows::realm_counters(object.realm);
        let stored = self.decoded::<RealmCounters>(&key)?;
        let (counters, row) =
            stored.map_or((RealmCounters::default(), None), |(c, row)| (c, Some(row)));
        let destroyed = counters.destroyed.saturating_add(count);
        self.put(
            key,
            row.as_ref(),
            &RealmCounters {
                destroyed,
                ..counters
            },
        )
    }

    fn drop_usage(&mut self, object: &Object, versions: &[u32]) -> Result<(), Problem> {
        for number in versions {
            let key = rows::usage(object.realm, object.id, *number);
            if let Some(row) = self.row(&key)? {
                self.delete(key, &row)?;
            }
        }
        Ok(())
    }
}
