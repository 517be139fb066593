//! Scheduling and executing destruction.
use std::sync::Arc;

use keyward_core::command::{
    CancelDestruction, ConfirmDestruction, ExecuteDestruction, ReadDestruction, ScheduleDestruction,
};
use keyward_core::decide::destroy::{self, Execution};
use keyward_core::decide::life::Transitioned;
use keyward_core::ids::PrincipalId;
use keyward_core::object::{Object, RealmCounters, Version};
use keyward_core::outcome::{DestroyedVersion, DestructionCertificate, Outcome};
use keyward_core::state::State;
use keyward_core::time::Timestamp;
use keyward_core::{ErrorCode, Problem};

use super::life::plain;
use crate::cache::ObjectEntry;
use crate::committer::Invalidate;
use crate::custody::LedgerEntry;
use crate::ports::store::Row;
use crate::problems::change_problem;
use crate::rows::{self, DueJob, DueKind};
use crate::work::Work;

/// What somebody with an old copy of everything on disk could still do (DESIGN §6).
fn what_remains(seal: &str) -> &'static str {
    match seal {
        "passphrase" => {
            "an old copy of the data directory still opens with the passphrase: this seal does not protect against it"
        }
        "tpm" => {
            "nothing, if the seal's policy has an NV counter; otherwise an old copy still opens on this machine"
        }
        "custodians" => "nothing, once fewer shares of the old epoch survive than are needed",
        "hsm" => "nothing, once the old key in the HSM and the HSM's own backups of it are gone",
        _ => "not known for this kind of seal",
    }
}

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
        self.replace(key, &DueJob::about(object, DueKind::Destroy, at))
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
        mut transition: Transitioned,
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
        for version in &mut transition.versions {
            version.puncture_epoch = Some(epoch.number);
        }
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

    pub(super) fn read_destruction(
        &mut self,
        command: &ReadDestruction,
    ) -> Result<Outcome, Problem> {
        let (_, entry) = self.decided_key(&command.realm, &command.key)?;
        let versions = super::life::plain(&self.versions(&entry.object)?);
        let mut destroyed = Vec::new();
        for version in &versions {
            if let Some(at) = version.destroyed_at {
                destroyed.push(self.destroyed_version(version, at)?);
            }
        }
        if destroyed.is_empty() {
            return Err(
                Problem::new(ErrorCode::Conflict).with("reason", "no version of it was destroyed")
            );
        }
        let remaining = versions
            .iter()
            .filter(|version| version.destroyed_at.is_none())
            .map(|version| version.number)
            .collect();
        let seals = self.open.custody.root.lock();
        let seals = seals.slots.iter().map(|slot| {
            let remains = what_remains(&slot.kind);
            (slot.kind.clone(), remains.to_owned())
        });
        Ok(Outcome::Destruction(Box::new(DestructionCertificate {
            deployment: self.open.deployment.to_string(),
            object: entry.object.clone(),
            destroyed,
            remaining,
            seals: seals.collect(),
            issued_at: self.moment.now.wall,
        })))
    }

    fn destroyed_version(
        &self,
        version: &Version,
        destroyed_at: Timestamp,
    ) -> Result<DestroyedVersion, Problem> {
        let last = version
            .components
            .iter()
            .flat_map(|component| &component.history)
            .rfind(|change| change.to == State::Destroyed);
        let entry = match version.puncture_epoch {
            Some(epoch) => self.open.read::<LedgerEntry>(&rows::ledger(epoch))?,
            None => None,
        };
        Ok(DestroyedVersion {
            number: version.number,
            created_at: version.created_at,
            destroyed_at,
            by: last.map_or(PrincipalId::SERVER, |change| change.by),
            reason: last.and_then(|change| change.reason.clone()),
            leaf: version.leaf,
            epoch: version.puncture_epoch,
            tree_digest: entry.map(|entry| entry.value.tree_digest),
            compromise_found: version.compromise_found_after_destruction,
        })
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
