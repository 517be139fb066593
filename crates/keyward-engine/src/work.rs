//! One attempt at one command: what it read, what it would change, what its record says.
use std::sync::{Arc, OnceLock};

use keyward_core::algorithm::Indicator;
use keyward_core::command::{CommandKind, KeyRef, RealmRef};
use keyward_core::decide::Moment;
use keyward_core::ids::{ObjectId, RealmId};
use keyward_core::name::Name;
use keyward_core::object::{Object, ObjectKind, Realm, Version};
use keyward_core::policy_facts::{ContextFacts, PolicyRequest, ResourceFacts, ResourceKind};
use keyward_core::record::{Credential, StateChange};
use keyward_core::{ErrorCode, Problem};
use minicbor::Encode;
use parking_lot::Mutex;

use crate::cache::{ObjectEntry, VersionEntry};
use crate::caller::Caller;
use crate::committer::AfterCommit;
use crate::import::Claim;
use crate::open::Open;
use crate::permit::{Permit, PermitScope};
use crate::pool::{Computed, Stamp};
use crate::ports::clock::Clock as _;
use crate::ports::store::{Row, RowKey, Table};
use crate::problems::{change_problem, store_problem};
use crate::quotas::InFlight;
use crate::reads::Reads;
use crate::rows::{self, Pointer, SealedChange};
use crate::usage::Reservation;

/// The state of one attempt.
pub(crate) struct Work<'a> {
    pub(crate) open: &'a Arc<Open>,
    pub(crate) caller: &'a Caller,
    pub(crate) kind: CommandKind,
    pub(crate) moment: Moment,
    pub(crate) position: u64,
    pub(crate) reads: Reads,
    pub(crate) changes: Vec<SealedChange>,
    pub(crate) after: Vec<AfterCommit>,
    pub(crate) realm: RealmId,
    pub(crate) target: Option<[u8; 16]>,
    pub(crate) target_version: Option<u32>,
    pub(crate) indicator: Indicator,
    pub(crate) policies: Vec<String>,
    pub(crate) detail: Option<String>,
    pub(crate) change: Option<StateChange>,
    pub(crate) payload_bytes: Option<u64>,
    pub(crate) reservation: Option<Reservation>,
    pub(crate) used_module: bool,
    /// Whether a key with a non-approved exception takes part.
    pub(crate) exceptional: bool,
    /// What the pool computed for an earlier attempt at this command.
    pub(crate) computed: Option<(Stamp, Computed)>,
    /// A refusal that nevertheless writes something (a hold): what the caller is told after the commit.
    pub(crate) refuse_after: Option<Problem>,
    /// Revisions of the object at which the caller wants the change.
    pub(crate) if_match: Option<Vec<u64>>,
    /// The import key that this attempt uses: free for others again when the attempt comes to nothing.
    pub(crate) claim: Option<Claim>,
    /// Files hold what must not stay readable: scrub them after the commit.
    pub(crate) scrub: bool,
    /// The place among what the realm has under way.
    pub(crate) admission: Option<InFlight>,
    /// A quota refused it: it is counted instead of recorded.
    pub(crate) turned_away: bool,
}

impl<'a> Work<'a> {
    pub(crate) fn new(open: &'a Arc<Open>, caller: &'a Caller, kind: CommandKind) -> Self {
        let position = open.committer.position();
        let moment = Moment {
            now: open.clock.now(),
            actor: caller.principal(),
        };
        let mut reads = Reads::with_capacity(12);
        caller.reads.iter().for_each(|row| reads.note(row));
        Self {
            open,
            caller,
            kind,
            moment,
            position,
            reads,
            changes: Vec::new(),
            after: Vec::new(),
            realm: RealmId::SYSTEM,
            target: None,
            target_version: None,
            indicator: Indicator::NotApplicable,
            policies: Vec::new(),
            detail: None,
            change: None,
            payload_bytes: None,
            reservation: None,
            used_module: false,
            exceptional: false,
            computed: None,
            refuse_after: None,
            if_match: None,
            claim: None,
            scrub: false,
            admission: None,
            turned_away: false,
        }
    }

    /// The permit of this command, once it is decided.
    pub(crate) const fn permit(&self, exception: bool) -> Permit {
        Permit::new(PermitScope::Command {
            number: self.kind.number(),
            exception,
            reveal: false,
        })
    }

    // --- reading ---

    /// A row as stored, checked; noted as something the decision rests on.
    pub(crate) fn row(&mut self, key: &RowKey) -> Result<Option<Row>, Problem> {
        self.reads.note(key);
        let row = self.open.store.get(key).map_err(|f| store_problem(&f))?;
        if let Some(row) = &row {
            self.open
                .custody
                .sealer
                .open(key, row)
                .map_err(|f| store_problem(&f))?;
        }
        Ok(row)
    }

    /// A row that is there, decoded, with its stored form.
    pub(crate) fn decoded<T: for<'b> minicbor::Decode<'b, ()>>(
        &mut self,
        key: &RowKey,
    ) -> Result<Option<(T, Row)>, Problem> {
        let Some(row) = self.row(key)? else {
            return Ok(None);
        };
        let opened = self
            .open
            .custody
            .sealer
            .decode::<T>(key, &row)
            .map_err(|f| store_problem(&f))?;
        Ok(Some((opened.value, row)))
    }

    pub(crate) fn realm(&mut self, wanted: &RealmRef) -> Result<Arc<Realm>, Problem> {
        let absent = || Problem::new(ErrorCode::NotFound);
        let id = match wanted {
            RealmRef::Id(id) => *id,
            RealmRef::Name(name) if name.as_str() == "system" => RealmId::SYSTEM,
            RealmRef::Name(name) => {
                RealmId(self.pointer(rows::realm_name(name))?.ok_or_else(absent)?)
            }
        };
        let key = rows::realm(id);
        self.reads.note(&key);
        let cached = self.open.caches.realms.read().get(&id).cloned();
        let realm = match cached {
            Some(realm) => realm,
            None => {
                let opened = self.open.read::<Realm>(&key)?.ok_or_else(absent)?;
                let realm = Arc::new(opened.value);
                let copy = Arc::clone(&realm);
                self.open.remember(&key, self.position, || {
                    self.open.caches.realms.write().insert(id, copy);
                });
                realm
            }
        };
        if !self.caller.knows(id) {
            return Err(absent());
        }
        self.realm = id;
        self.admit(&realm)?;
        Ok(realm)
    }

    /// Takes a place among what the realm may ask for; once per command.
    fn admit(&mut self, realm: &Realm) -> Result<(), Problem> {
        if self.admission.is_some() || self.caller.facts.facts.kind == "system" {
            return Ok(());
        }
        let stops_harm = crate::engine::stops_harm(self.kind);
        let meters = &self.open.meters;
        match meters.admit(realm.id, &realm.quotas, self.moment.now, stops_harm) {
            Ok(admission) => {
                self.admission = Some(admission);
                Ok(())
            }
            Err(problem) => {
                self.turned_away = true;
                Err(problem)
            }
        }
    }

    fn pointer(&mut self, key: RowKey) -> Result<Option<[u8; 16]>, Problem> {
        if let Some(id) = self.open.caches.names.get(&key.key) {
            self.reads.push(key);
            return Ok(Some(id));
        }
        let found = self
            .open
            .read::<Pointer>(&key)?
            .map(|opened| opened.value.id);
        if let Some(id) = found {
            self.open.remember(&key, self.position, || {
                self.open.caches.names.insert(key.key.clone(), id)
            });
        }
        self.reads.push(key);
        Ok(found)
    }

    pub(crate) fn object(
        &mut self,
        realm: RealmId,
        wanted: &KeyRef,
    ) -> Result<Arc<ObjectEntry>, Problem> {
        let absent = || Problem::new(ErrorCode::NotFound);
        let (id, kind) = match wanted {
            KeyRef::Id(id) => (*id, None),
            KeyRef::Object(kind, id) => (*id, Some(*kind)),
            KeyRef::Name(name) => {
                let id = self.pointer(key_name(realm, name))?;
                (ObjectId(id.ok_or_else(absent)?), None)
            }
            KeyRef::Named(kind, name) => {
                let id = self.pointer(rows::object_name(realm, *kind, name))?;
                (ObjectId(id.ok_or_else(absent)?), Some(*kind))
            }
        };
        let entry = self.object_of(realm, id)?;
        let found = entry.object.kind;
        let fits = kind.map_or(
            matches!(found, ObjectKind::Symmetric | ObjectKind::Pair),
            |kind| kind == found,
        );
        if fits { Ok(entry) } else { Err(absent()) }
    }

    /// An object of any kind by its id.
    pub(crate) fn object_of(
        &mut self,
        realm: RealmId,
        id: ObjectId,
    ) -> Result<Arc<ObjectEntry>, Problem> {
        let absent = || Problem::new(ErrorCode::NotFound);
        self.target = Some(id.0);
        let row = rows::object(realm, id);
        self.reads.note(&row);
        if let Some(entry) = self.open.caches.objects.get(&(realm, id)) {
            self.exceptional |= entry.object.exception;
            return Ok(entry);
        }
        let opened = self.open.read::<Object>(&row)?.ok_or_else(absent)?;
        self.exceptional |= opened.value.exception;
        let entry = Arc::new(ObjectEntry {
            object: opened.value,
            row: row.clone(),
            row_version: opened.version,
        });
        self.open.remember(&row, self.position, || {
            self.open
                .caches
                .objects
                .insert((realm, id), Arc::clone(&entry));
        });
        Ok(entry)
    }

    pub(crate) fn version(
        &mut self,
        object: &Object,
        number: u32,
    ) -> Result<Arc<VersionEntry>, Problem> {
        self.target_version = Some(number);
        let row = rows::version(object.realm, object.id, number);
        self.reads.note(&row);
        if let Some(entry) = self.open.caches.versions.get(&(object.id, number)) {
            return Ok(entry);
        }
        let opened = self.open.read::<Version>(&row)?.ok_or_else(|| {
            Problem::new(ErrorCode::VersionNotFound).with("version", number.to_string())
        })?;
        let entry = Arc::new(VersionEntry {
            version: opened.value,
            held: OnceLock::new(),
            counter: Mutex::new(None),
        });
        self.open.remember(&row, self.position, || {
            self.open
                .caches
                .versions
                .insert((object.id, number), Arc::clone(&entry));
        });
        Ok(entry)
    }

    /// Every version of an object with its stored row, oldest first.
    pub(crate) fn versions(&mut self, object: &Object) -> Result<Vec<(Version, Row)>, Problem> {
        let prefix = rows::versions_prefix(object.realm, object.id);
        let page = self
            .open
            .store
            .scan(
                Table::Version,
                &prefix,
                None,
                keyward_core::limits::VERSIONS_MAX as usize,
            )
            .map_err(|f| store_problem(&f))?;
        let mut versions = Vec::with_capacity(page.len());
        for (key, row) in page {
            let key = RowKey {
                table: Table::Version,
                key,
            };
            let opened = self
                .open
                .custody
                .sealer
                .decode(&key, &row)
                .map_err(|f| store_problem(&f))?;
            self.reads.push(key);
            versions.push((opened.value, row));
        }
        Ok(versions)
    }

    // --- deciding ---

    /// Asks policy. What a caller may not see is answered like what is not there.
    pub(crate) fn authorise(&mut self, resource: ResourceFacts<'_>) -> Result<(), Problem> {
        self.reads.push(rows::policy_epoch(resource.realm));
        let hidden = resource.kind == ResourceKind::Key;
        let mut request = PolicyRequest {
            principal: &self.caller.facts.facts,
            action: self.kind,
            resource,
            context: self.context(),
        };
        let answer = self.open.policy.decide(&request);
        self.policies = answer.determining.iter().map(ToString::to_string).collect();
        if answer.allowed {
            return Ok(());
        }
        if hidden {
            request.action = CommandKind::DescribeKey;
            if !self.open.policy.decide(&request).allowed {
                return Err(Problem::new(ErrorCode::NotFound));
            }
        }
        Err(Problem::new(ErrorCode::PermissionDenied))
    }

    pub(crate) fn authorise_key(&mut self, entry: &ObjectEntry) -> Result<(), Problem> {
        self.authorise(resource_of(&entry.object, entry.row_version))
    }

    /// Whether the caller may know of an object: what listings leave out otherwise.
    pub(crate) fn is_visible(&mut self, object: &Object, row_version: u64) -> bool {
        self.reads.push(rows::policy_epoch(object.realm));
        let request = PolicyRequest {
            principal: &self.caller.facts.facts,
            action: CommandKind::DescribeKey,
            resource: resource_of(object, row_version),
            context: self.context(),
        };
        self.open.policy.decide(&request).allowed
    }

    fn context(&self) -> ContextFacts {
        ContextFacts {
            strong_authentication: matches!(self.caller.credential, Credential::Certificate(_)),
            now_ms: self.moment.now.wall.0,
            source: self.caller.source.unwrap_or_default(),
        }
    }

    pub(crate) fn authorise_in(
        &mut self,
        realm: RealmId,
        kind: ResourceKind,
        id: [u8; 16],
    ) -> Result<(), Problem> {
        self.authorise(ResourceFacts {
            realm,
            kind,
            id,
            row_version: 0,
            name: None,
            tags: None,
            spec: None,
            purpose: None,
            owner: None,
        })
    }

    // --- changing ---

    /// Writes a row that must now be as `before`.
    pub(crate) fn put<T: Encode<()>>(
        &mut self,
        key: RowKey,
        before: Option<&Row>,
        value: &T,
    ) -> Result<(), Problem> {
        let change = self
            .open
            .custody
            .sealer
            .put(key, before, value)
            .map_err(|f| change_problem(&f))?;
        self.change_once(change);
        Ok(())
    }

    /// Removes a row.
    pub(crate) fn delete(&mut self, key: RowKey, before: &Row) -> Result<(), Problem> {
        let change = self
            .open
            .custody
            .sealer
            .delete(key, before)
            .map_err(|f| change_problem(&f))?;
        self.change_once(change);
        Ok(())
    }

    /// A row changes at most once in a command: both changes start from the stored row, so the later one replaces the
    /// earlier one. Two of them would spoil the set-hash.
    fn change_once(&mut self, change: SealedChange) {
        match self
            .changes
            .iter_mut()
            .find(|known| known.row == change.row)
        {
            Some(known) => *known = change,
            None => self.changes.push(change),
        }
    }

    /// Writes a row read just now, whatever its version is.
    pub(crate) fn replace<T: Encode<()>>(&mut self, key: RowKey, value: &T) -> Result<(), Problem> {
        let before = self.row(&key)?;
        self.put(key, before.as_ref(), value)
    }
}

/// An object as policy sees it.
fn resource_of(object: &Object, row_version: u64) -> ResourceFacts<'_> {
    ResourceFacts {
        realm: object.realm,
        kind: ResourceKind::Key,
        id: object.id.0,
        row_version,
        name: object.name.as_ref().map(Name::as_str),
        tags: Some(&object.tags),
        spec: object.spec.map(keyward_core::algorithm::KeySpec::as_str),
        purpose: object.purpose.map(keyward_core::algorithm::Purpose::as_str),
        owner: Some(object.owner),
    }
}

/// Keys share one space of names.
pub(crate) fn key_name(realm: RealmId, name: &Name) -> RowKey {
    rows::object_name(realm, ObjectKind::Symmetric, name)
}
