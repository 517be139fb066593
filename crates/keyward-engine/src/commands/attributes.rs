//! Attributes and names of keys.
use keyward_core::command::{Edit, PutAlias, RemoveAlias, UpdateKey};
use keyward_core::decide::attributes as decide;
use keyward_core::ids::ObjectId;
use keyward_core::object::{Object, Version};
use keyward_core::outcome::Outcome;
use keyward_core::{ErrorCode, Problem};

use super::life::plain;
use crate::cache::ObjectEntry;
use crate::ports::store::Row;
use crate::rows::{self, Pointer};
use crate::work::Work;

impl Work<'_> {
    pub(super) fn update_key(&mut self, command: &UpdateKey) -> Result<Outcome, Problem> {
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        let object = &entry.object;
        let versions = self.versions(object)?;
        if let Some(owner) = command.owner
            && self.open.principal(owner)?.is_none()
        {
            return Err(Problem::invalid_field(
                "owner",
                "there is no such principal",
            ));
        }
        let updated = decide::update(object, &plain(&versions), command, &realm, self.moment)?;
        self.rename(object, command)?;
        if updated.object.rotate_at != object.rotate_at {
            self.drop_due(object)?;
            self.schedule_rotation(&updated.object)?;
        }
        self.put_versions(&versions, &updated.versions)?;
        if updated.object == *object {
            return self.key_outcome(object, entry.row_version);
        }
        self.detail = Some(changed_fields(object, &updated.object));
        let row_version = self.put_object(&entry, &updated.object)?;
        self.shown(&updated.object, row_version, &versions, &updated.versions)
    }

    /// Moves the pointer of the first name.
    fn rename(&mut self, object: &Object, command: &UpdateKey) -> Result<(), Problem> {
        let wanted = match &command.name {
            None => return Ok(()),
            Some(Edit::Set(name)) => Some(name),
            Some(Edit::Clear) => None,
        };
        if wanted == object.name.as_ref() {
            return Ok(());
        }
        if let Some(name) = wanted {
            let key = rows::object_name(object.realm, object.kind, name);
            match self.decoded::<Pointer>(&key)? {
                None => self.put(key, None, &Pointer { id: object.id.0 })?,
                // One of its own aliases becomes its name.
                Some((pointer, _)) if pointer.id == object.id.0 => {}
                Some(_) => {
                    return Err(Problem::new(ErrorCode::NameTaken).with("name", name.as_str()));
                }
            }
        }
        if let Some(old) = &object.name {
            self.forget_name(object, old)?;
        }
        Ok(())
    }

    fn forget_name(
        &mut self,
        object: &Object,
        name: &keyward_core::name::Name,
    ) -> Result<(), Problem> {
        let key = rows::object_name(object.realm, object.kind, name);
        match self.row(&key)? {
            Some(row) => self.delete(key, &row),
            None => Err(Problem::new(ErrorCode::StorageCorrupted)),
        }
    }

    pub(super) fn put_alias(&mut self, command: &PutAlias) -> Result<Outcome, Problem> {
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        let object = &entry.object;
        let versions = plain(&self.versions(object)?);
        let next = decide::with_alias(object, &versions, &command.alias, &realm, self.moment)?;
        let Some(next) = next else {
            return self.key_outcome(object, entry.row_version);
        };
        let key = rows::object_name(realm.id, object.kind, &command.alias);
        let pointer = Pointer { id: object.id.0 };
        match self.decoded::<Pointer>(&key)? {
            None => self.put(key, None, &pointer)?,
            Some((before, row)) => {
                self.take_alias(object, command, ObjectId(before.id))?;
                self.put(key, Some(&row), &pointer)?;
            }
        }
        let row_version = self.put_object(&entry, &next)?;
        self.detail
            .get_or_insert_with(|| format!("alias {}", command.alias));
        self.key_outcome(&next, row_version)
    }

    /// Takes an alias from the key that has it, if the caller may change that key too.
    fn take_alias(
        &mut self,
        object: &Object,
        command: &PutAlias,
        from: ObjectId,
    ) -> Result<(), Problem> {
        let taken = || Problem::new(ErrorCode::NameTaken).with("name", command.alias.as_str());
        if !command.take {
            return Err(taken());
        }
        let target = self.target;
        let other = self.object_of(object.realm, from)?;
        self.target = target;
        self.authorise_key(&other).map_err(|_| taken())?;
        let realm = self.realm(&command.realm)?;
        let mut stripped = decide::without_alias(&other.object, &command.alias, &realm, self.moment)
                // It is that key's first name: a key is not left without the name it was made with.
                .map_err(|_| taken())?;
        stripped.changed_at = self.moment.now.wall;
        self.put_object(&other, &stripped)?;
        self.detail = Some(format!("alias {} taken from {from}", command.alias));
        Ok(())
    }

    pub(super) fn remove_alias(&mut self, command: &RemoveAlias) -> Result<Outcome, Problem> {
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        let object = &entry.object;
        let next = decide::without_alias(object, &command.alias, &realm, self.moment)?;
        self.forget_name(object, &command.alias)?;
        self.detail = Some(format!("alias {}", command.alias));
        let row_version = self.put_object(&entry, &next)?;
        self.key_outcome(&next, row_version)
    }

    /// Writes the version rows that changed.
    pub(super) fn put_versions(
        &mut self,
        before: &[(Version, Row)],
        changed: &[Version],
    ) -> Result<(), Problem> {
        for version in changed {
            let row = before
                .iter()
                .find(|(v, _)| v.number == version.number)
                .map(|(_, row)| row);
            self.put(
                rows::version(version.realm, version.object, version.number),
                row,
                version,
            )?;
        }
        Ok(())
    }

    /// Refuses a conditional change of an object that changed meanwhile.
    pub(super) fn check_revision(&self, entry: &ObjectEntry) -> Result<(), Problem> {
        match &self.if_match {
            Some(wanted) if !wanted.contains(&entry.row_version) => {
                Err(Problem::new(ErrorCode::PreconditionFailed).with("header", "If-Match"))
            }
            _ => Ok(()),
        }
    }
}

/// The names of what changed, for the record; values stay with the key.
fn changed_fields(before: &Object, after: &Object) -> String {
    let fields = [
        ("name", before.name != after.name),
        ("aliases", before.aliases != after.aliases),
        ("tags", before.tags != after.tags),
        ("owner", before.owner != after.owner),
        ("applications", before.applications != after.applications),
        ("sensitivity", before.sensitivity != after.sensitivity),
        ("export", before.export != after.export),
        ("cryptoperiod", before.cryptoperiod != after.cryptoperiod),
        ("rotation", before.rotate_every != after.rotate_every),
        (
            "min_protect_version",
            before.min_protect != after.min_protect,
        ),
        (
            "min_process_version",
            before.min_process != after.min_process,
        ),
    ];
    let changed: Vec<&str> = fields
        .iter()
        .filter_map(|(name, differs)| differs.then_some(*name))
        .collect();
    format!("changed {}", changed.join(", "))
}
