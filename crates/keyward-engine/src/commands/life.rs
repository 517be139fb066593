//! Birth and states of keys.
use std::sync::Arc;

use keyward_core::algorithm::KeySpec;
use keyward_core::command::{
    ActivateKey, DeactivateKey, DescribeKey, KeyRef, RealmRef, ReportCompromise, ResumeKey,
    RotateKey, SuspendKey,
};
use keyward_core::decide::life::{self, Transitioned};
use keyward_core::object::{Object, ObjectKind, Realm, Usage, Version};
use keyward_core::outcome::{KeyView, Outcome, VersionView};
use keyward_core::{ErrorCode, Problem};

use crate::cache::ObjectEntry;
use crate::engine::Stop;
use crate::ports::store::Row;
use crate::rows::{self, DueJob, DueKind};
use crate::work::Work;

impl Work<'_> {
    /// Notes when to say that a version nears its end, unless it will have been rotated by then.
    pub(super) fn watch(&mut self, object: &Object, version: &Version) -> Result<(), Problem> {
        match (version.protect_until, object.rotate_at) {
            (Some(end), Some(rotation)) if rotation < end => Ok(()),
            (Some(end), _) => self.schedule_notice(object, end),
            (None, _) => Ok(()),
        }
    }

    /// Something new as it is shown.
    pub(super) fn born(&self, object: &Object, version: Version) -> Outcome {
        outcome(object, 1, vec![view(version, 0)])
    }

    /// An object with one more version, as it is shown.
    pub(super) fn grown(
        &self,
        object: &Object,
        row_version: u64,
        before: &[(Version, Row)],
        changed: &[Version],
        newest: Version,
    ) -> Result<Outcome, Problem> {
        let mut shown = self.shown(object, row_version, before, changed)?;
        if let Outcome::Key(key) = &mut shown {
            key.versions.push(view(newest, 0));
        }
        Ok(shown)
    }

    pub(super) fn rotate_key(&mut self, command: &RotateKey) -> Result<Outcome, Stop> {
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        let object = &entry.object;
        let versions = self.versions(object)?;
        let (current, current_row) = versions
            .iter()
            .find(|(v, _)| v.number == object.current)
            .ok_or_else(|| Problem::new(ErrorCode::StorageCorrupted))?;
        let state = life::rotate(object, current, &realm, &self.open.facts, self.moment)?;
        let number = object.current.saturating_add(1);
        self.target_version = Some(number);
        let material = self.new_material(object, number, &realm)?;
        let next = life::version(object, number, state, material, self.moment);
        let (changed, previous) = life::rotated(object, current, &next, self.moment);
        if let Some(previous) = &previous {
            self.put(
                rows::version(object.realm, object.id, previous.number),
                Some(current_row),
                previous,
            )?;
        }
        self.put(rows::version(object.realm, object.id, number), None, &next)?;
        let row_version = self.put_object(&entry, &changed)?;
        // In this order: when no time has passed since the last rotation, both are the same row, and it must stay.
        self.drop_due(object)?;
        self.watch(&changed, &next)?;
        let views = versions
            .iter()
            .map(|(v, _)| {
                previous
                    .clone()
                    .filter(|p| p.number == v.number)
                    .unwrap_or_else(|| v.clone())
            })
            .chain([next])
            .map(|v| view(v, 0))
            .collect();
        Ok(outcome(&changed, row_version, views))
    }

    /// A leaf that was never used, from a block that is durably reserved.
    pub(super) fn next_leaf(&mut self, realm: &Realm) -> Result<u64, Stop> {
        let mut blocks = self.open.leaves.lock();
        let block = blocks.entry(realm.id).or_default();
        if block.next >= block.end {
            return Err(Stop::NeedLeaves(realm.id));
        }
        let leaf = block.next;
        block.next = block.next.saturating_add(1);
        Ok(leaf)
    }

    pub(super) fn schedule_rotation(&mut self, object: &Object) -> Result<(), Problem> {
        let Some(at) = object.rotate_at else {
            return Ok(());
        };
        let key = rows::due(at, DueKind::Rotate, object.realm, object.id);
        self.replace(key, &DueJob::about(object, DueKind::Rotate, at))
    }

    pub(super) fn drop_due(&mut self, object: &Object) -> Result<(), Problem> {
        let Some(at) = object.rotate_at else {
            return Ok(());
        };
        let key = rows::due(at, DueKind::Rotate, object.realm, object.id);
        match self.row(&key)? {
            Some(row) => self.delete(key, &row),
            None => Ok(()),
        }
    }

    // --- states ---

    /// Resolves realm and key and asks policy.
    pub(super) fn decided_key(
        &mut self,
        realm: &RealmRef,
        key: &KeyRef,
    ) -> Result<(Arc<Realm>, Arc<ObjectEntry>), Problem> {
        let realm = self.realm(realm)?;
        let entry = self.object(realm.id, key)?;
        self.authorise_key(&entry)?;
        self.check_revision(&entry)?;
        Ok((realm, entry))
    }

    pub(super) fn put_object(
        &mut self,
        entry: &ObjectEntry,
        object: &Object,
    ) -> Result<u64, Problem> {
        let before = self
            .row(&entry.row)?
            .ok_or_else(|| Problem::new(ErrorCode::NotFound))?;
        self.put(entry.row.clone(), Some(&before), object)?;
        Ok(before.version.saturating_add(1))
    }

    /// Writes the rows of a transition and shows the key as it is then.
    pub(super) fn transitioned(
        &mut self,
        entry: &ObjectEntry,
        versions: &[(Version, Row)],
        transition: Transitioned,
    ) -> Result<Outcome, Problem> {
        self.change = Some(transition.change);
        let mut row_version = entry.row_version;
        let object = match transition.object {
            Some(object) => {
                row_version = self.put_object(entry, &object)?;
                object
            }
            None => entry.object.clone(),
        };
        if object.rotate_at != entry.object.rotate_at {
            self.drop_due(&entry.object)?;
            self.schedule_rotation(&object)?;
        }
        self.put_versions(versions, &transition.versions)?;
        self.shown(&object, row_version, versions, &transition.versions)
    }

    /// A key as it is after some of its versions changed.
    pub(super) fn shown(
        &self,
        object: &Object,
        row_version: u64,
        before: &[(Version, Row)],
        changed: &[Version],
    ) -> Result<Outcome, Problem> {
        let mut views = Vec::with_capacity(before.len());
        for (version, _) in before {
            let now = changed.iter().find(|c| c.number == version.number);
            let used = self.reserved(object, version.number)?;
            views.push(view(now.unwrap_or(version).clone(), used));
        }
        Ok(outcome(object, row_version, views))
    }

    fn one_version(
        &mut self,
        entry: &ObjectEntry,
        wanted: Option<u32>,
    ) -> Result<(Vec<(Version, Row)>, Version), Problem> {
        let number = wanted.unwrap_or(entry.object.current);
        self.target_version = Some(number);
        let versions = self.versions(&entry.object)?;
        let found = versions
            .iter()
            .find(|(v, _)| v.number == number)
            .map(|(v, _)| v.clone());
        let found = found.ok_or_else(|| {
            Problem::new(ErrorCode::VersionNotFound).with("version", number.to_string())
        })?;
        Ok((versions, found))
    }

    pub(super) fn activate_key(&mut self, command: &ActivateKey) -> Result<Outcome, Problem> {
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        let (versions, version) = self.one_version(&entry, command.version)?;
        let transition = life::activate(&entry.object, &version, &realm, self.moment)?;
        for activated in &transition.versions {
            self.watch(&entry.object, activated)?;
        }
        self.transitioned(&entry, &versions, transition)
    }

    pub(super) fn suspend_key(&mut self, command: &SuspendKey) -> Result<Outcome, Problem> {
        let (_, entry) = self.decided_key(&command.realm, &command.key)?;
        let versions = self.versions(&entry.object)?;
        let transition = life::suspend(
            &entry.object,
            &plain(&versions),
            command.reason.as_deref(),
            self.moment,
        )?;
        self.transitioned(&entry, &versions, transition)
    }

    pub(super) fn resume_key(&mut self, command: &ResumeKey) -> Result<Outcome, Problem> {
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        let versions = self.versions(&entry.object)?;
        let transition = life::resume(
            &entry.object,
            &plain(&versions),
            &realm,
            command.reason.as_deref(),
            self.moment,
        )?;
        self.transitioned(&entry, &versions, transition)
    }

    pub(super) fn deactivate_key(&mut self, command: &DeactivateKey) -> Result<Outcome, Problem> {
        let (_, entry) = self.decided_key(&command.realm, &command.key)?;
        let (versions, version) = self.one_version(&entry, command.version)?;
        let transition = life::deactivate(
            &entry.object,
            &version,
            command.reason.as_deref(),
            self.moment,
        )?;
        self.transitioned(&entry, &versions, transition)
    }

    pub(super) fn report_compromise(
        &mut self,
        command: &ReportCompromise,
    ) -> Result<Outcome, Problem> {
        let (_, entry) = self.decided_key(&command.realm, &command.key)?;
        let versions = self.versions(&entry.object)?;
        let concerned: Vec<Version> = plain(&versions)
            .into_iter()
            .filter(|v| command.version.is_none_or(|n| n == v.number))
            .collect();
        let transition = life::compromise(&entry.object, &concerned, &command.reason, self.moment)?;
        let radius = self.blast_radius(entry.object.realm, entry.object.id)?;
        let since = command.since.map(|since| format!("since {since}; "));
        self.detail = Some(format!(
            "{}{}{} other objects concerned",
            since.unwrap_or_default(),
            if radius.more { "more than " } else { "" },
            radius.concerned.len()
        ));
        self.transitioned(&entry, &versions, transition)
    }

    // --- reading ---

    pub(super) fn describe_key(&mut self, command: &DescribeKey) -> Result<Outcome, Problem> {
        let (_, entry) = self.decided_key(&command.realm, &command.key)?;
        let shown = self.key_outcome(&entry.object, entry.row_version)?;
        match shown {
            Outcome::Key(view) if view.object.kind == ObjectKind::Certificate => {
                self.certificate_outcome(*view)
            }
            shown => Ok(shown),
        }
    }

    pub(super) fn key_outcome(
        &mut self,
        object: &Object,
        row_version: u64,
    ) -> Result<Outcome, Problem> {
        let mut views = Vec::new();
        for (version, _) in self.versions(object)? {
            let used = self.reserved(object, version.number)?;
            views.push(view(version, used));
        }
        Ok(outcome(object, row_version, views))
    }

    pub(super) fn reserved(&self, object: &Object, number: u32) -> Result<u64, Problem> {
        if object.spec.is_none_or(KeySpec::is_pair) {
            return Ok(0);
        }
        let usage = self
            .open
            .read::<Usage>(&rows::usage(object.realm, object.id, number))?;
        Ok(usage.map_or(0, |opened| opened.value.reserved))
    }
}

pub(super) fn plain(versions: &[(Version, Row)]) -> Vec<Version> {
    versions
        .iter()
        .map(|(version, _)| version.clone())
        .collect()
}

pub(super) fn view(mut version: Version, uses_reserved: u64) -> VersionView {
    version.material = None;
    VersionView {
        version,
        uses_reserved,
    }
}

fn outcome(object: &Object, row_version: u64, versions: Vec<VersionView>) -> Outcome {
    Outcome::Key(Box::new(KeyView {
        object: object.clone(),
        row_version,
        versions,
    }))
}
