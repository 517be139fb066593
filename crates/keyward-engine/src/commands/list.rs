//! Listings: pages in id order, which stay what they are while others write.
use keyward_core::Problem;
use keyward_core::command::{KeyFilter, ListKeys, ListObjects};
use keyward_core::decide::attributes;
use keyward_core::ids::{ObjectId, RealmId};
use keyward_core::object::{Object, ObjectKind, Version};
use keyward_core::outcome::{KeyView, Outcome, Page};
use keyward_core::policy_facts::ResourceKind;
use keyward_core::state::State;

use super::life::{plain, view};
use super::page;
use crate::ports::store::{Row, RowKey, Table};
use crate::problems::store_problem;
use crate::rows;
use crate::work::Work;

/// What is asked for, of whichever kind.
struct Listing<'a> {
    realm: RealmId,
    is_wanted: fn(ObjectKind, Option<ObjectKind>) -> bool,
    kind: Option<ObjectKind>,
    after: Option<ObjectId>,
    limit: u16,
    state: Option<State>,
    name_prefix: Option<&'a str>,
    filter: Option<&'a KeyFilter>,
}

impl Work<'_> {
    pub(super) fn list_keys(&mut self, command: &ListKeys) -> Result<Outcome, Problem> {
        let realm = self.realm(&command.realm)?;
        self.authorise_in(realm.id, ResourceKind::Realm, realm.id.0)?;
        self.listed(&Listing {
            realm: realm.id,
            is_wanted: |kind, _| matches!(kind, ObjectKind::Symmetric | ObjectKind::Pair),
            kind: None,
            after: command.after,
            limit: command.limit,
            state: command.state,
            name_prefix: command.name_prefix.as_deref(),
            filter: command.filter.as_ref(),
        })
    }

    pub(super) fn list_objects(&mut self, command: &ListObjects) -> Result<Outcome, Problem> {
        let realm = self.realm(&command.realm)?;
        self.authorise_in(realm.id, ResourceKind::Realm, realm.id.0)?;
        self.listed(&Listing {
            realm: realm.id,
            is_wanted: |kind, wanted| Some(kind) == wanted,
            kind: Some(command.kind),
            after: command.after,
            limit: command.limit,
            state: command.state,
            name_prefix: command.name_prefix.as_deref(),
            filter: command.filter.as_ref(),
        })
    }

    fn listed(&mut self, listing: &Listing<'_>) -> Result<Outcome, Problem> {
        let limit = page(listing.limit);
        let mut after = listing.after.map(|id| rows::object(listing.realm, id).key);
        let mut items = Vec::new();
        loop {
            let rows = self
                .open
                .store
                .scan(
                    Table::Object,
                    listing.realm.as_bytes(),
                    after.as_deref(),
                    limit.saturating_add(1),
                )
                .map_err(|f| store_problem(&f))?;
            let Some((last, _)) = rows.last() else { break };
            after = Some(last.clone());
            for (key, row) in rows {
                if let Some(view) = self.listed_row(listing, key, &row)? {
                    items.push(view);
                    if items.len() > limit {
                        items.truncate(limit);
                        return Ok(Outcome::Keys(Page { items, more: true }));
                    }
                }
            }
        }
        Ok(Outcome::Keys(Page { items, more: false }))
    }

    /// Whether everything but the state of its current version speaks for showing an object.
    fn is_listed(
        &mut self,
        listing: &Listing<'_>,
        object: &Object,
        row_version: u64,
    ) -> Result<bool, Problem> {
        if !(listing.is_wanted)(object.kind, listing.kind) {
            return Ok(false);
        }
        if let Some(prefix) = listing.name_prefix
            && !object
                .name
                .iter()
                .chain(&object.aliases)
                .any(|name| name.as_str().starts_with(prefix))
        {
            return Ok(false);
        }
        if let Some(filter) = listing.filter {
            if !attributes::passes(filter, object) {
                return Ok(false);
            }
            if let Some(end) = filter.destruction_due_before
                && !attributes::destroyed_before(&plain(&self.versions(object)?), end)
            {
                return Ok(false);
            }
        }
        Ok(self.is_visible(object, row_version))
    }

    fn listed_row(
        &mut self,
        listing: &Listing<'_>,
        key: Vec<u8>,
        row: &Row,
    ) -> Result<Option<KeyView>, Problem> {
        let key = RowKey {
            table: Table::Object,
            key,
        };
        let opened = self
            .open
            .custody
            .sealer
            .decode::<Object>(&key, row)
            .map_err(|f| store_problem(&f))?;
        let object = opened.value;
        if !self.is_listed(listing, &object, opened.version)? {
            return Ok(None);
        }
        let current = rows::version(listing.realm, object.id, object.current);
        let Some(version) = self.open.read::<Version>(&current)? else {
            return Ok(None);
        };
        if listing
            .state
            .is_some_and(|state| version.value.state() != state)
        {
            return Ok(None);
        }
        let used = self.reserved(&object, object.current)?;
        Ok(Some(KeyView {
            object,
            row_version: opened.version,
            versions: vec![view(version.value, used)],
        }))
    }
}
