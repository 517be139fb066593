//! What the records say must be stored: keys and their states, computed from the log alone by rules written down a second time.
use std::collections::BTreeMap;

use keyward_core::command::CommandKind;
use keyward_core::ids::{ObjectId, RealmId};
use keyward_core::object::{Object, Version};
use keyward_core::record::{Body, Header, StoredRecord};
use keyward_core::state::State;
use keyward_engine::ports::store::Table;
use keyward_testkit::store_conformance::Model as Rows;
use minicbor::Decode;

/// A batch of the log as stored.
#[derive(Decode)]
#[cbor(map)]
struct Batch {
    #[n(0)]
    first: u64,
    #[n(1)]
    records: Vec<StoredRecord>,
}

/// One record with what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub entry: Vec<u8>,
    pub header: Header,
    pub body: Body,
}

impl Record {
    pub fn is_change(&self) -> bool {
        self.header.outcome == 0 && self.header.post_image.is_some()
    }
}

/// Every record on the disk, in order.
pub fn records(rows: &Rows) -> Vec<Record> {
    let mut records = Vec::new();
    for (at, row) in rows.rows() {
        if at.table != Table::LogBatch {
            continue;
        }
        let batch: Batch = minicbor::decode(&row.value).unwrap();
        assert_eq!(batch.first, records.len() as u64, "the log has a gap");
        for stored in batch.records {
            let header = keyward_core::cbor::from_slice(&stored.entry).unwrap();
            let body = keyward_core::cbor::from_slice(&stored.body.unwrap()).unwrap();
            records.push(Record {
                entry: stored.entry,
                header,
                body,
            });
        }
    }
    records
}

/// One version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionModel {
    pub state: State,
    pub scheduled: bool,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyModel {
    pub realm: RealmId,
    pub suspended: bool,
    /// Number 1 first.
    pub versions: Vec<VersionModel>,
}

pub type Keys = BTreeMap<ObjectId, KeyModel>;

/// The keys as they are stored.
pub fn stored(rows: &Rows) -> Keys {
    let mut keys = Keys::new();
    for (at, row) in rows.rows() {
        if at.table == Table::Object {
            let object: Object = keyward_core::cbor::from_slice(&row.value[32..]).unwrap();
            keys.insert(
                object.id,
                KeyModel {
                    realm: object.realm,
                    suspended: object.suspended_at.is_some(),
                    versions: Vec::new(),
                },
            );
        } else if at.table == Table::Version {
            let version: Version = keyward_core::cbor::from_slice(&row.value[32..]).unwrap();
            let key = keys.get_mut(&version.object).expect("a version's object");
            assert_eq!(
                version.number as usize,
                key.versions.len() + 1,
                "versions are numbered without a gap"
            );
            key.versions.push(VersionModel {
                state: version.state(),
                scheduled: version.destruction.is_some(),
            });
        }
    }
    keys
}

/// Applies one record. `activate` says whether a key was to be born active, which the record does not tell.
pub fn apply(keys: &mut Keys, record: &Record, activate: bool) {
    use CommandKind as K;
    let header = &record.header;
    if !record.is_change() {
        return;
    }
    let Some(kind) = K::from_number(header.command) else {
        panic!("a record of an unknown command {}", header.command)
    };
    let Some(target) = header.target.map(ObjectId) else {
        return;
    };
    if kind == K::CreateKey {
        let state = if activate {
            State::Active
        } else {
            State::PreActivation
        };
        let key = KeyModel {
            realm: header.realm,
            suspended: false,
            versions: vec![VersionModel {
                state,
                scheduled: false,
            }],
        };
        assert!(keys.insert(target, key).is_none(), "an id was used twice");
        return;
    }
    let Some(key) = keys.get_mut(&target) else {
        return;
    };
    let version = header
        .target_version
        .and_then(|number| (number as usize).checked_sub(1));
    let from = |versions: &mut Vec<VersionModel>, from: State, to: State| {
        for version in versions.iter_mut().filter(|v| v.state == from) {
            version.state = to;
        }
    };
    match kind {
        K::RotateKey => {
            if let Some(last) = key.versions.last_mut()
                && last.state == State::Active
            {
                last.state = State::Deactivated;
            }
            key.versions.push(VersionModel {
                state: State::Active,
                scheduled: false,
            });
        }
        K::ActivateKey => key.versions[version.unwrap()].state = State::Active,
        K::SuspendKey => {
            key.suspended = true;
            from(&mut key.versions, State::Active, State::Suspended);
        }
        K::ResumeKey => {
            key.suspended = false;
            for version in &mut key.versions {
                if version.state == State::Suspended && !version.scheduled {
                    version.state = State::Active;
                }
            }
        }
        K::DeactivateKey => key.versions[version.unwrap()].state = State::Deactivated,
        K::ReportCompromise => {
            for version in &mut key.versions {
                if version.state != State::Destroyed {
                    version.state = State::Compromised;
                }
            }
        }
        K::ScheduleDestruction => {
            for version in &mut key.versions {
                if version.state == State::Active {
                    version.state = State::Suspended;
                }
                version.scheduled = version.state != State::Destroyed;
            }
        }
        K::CancelDestruction => key.versions.iter_mut().for_each(|v| v.scheduled = false),
        K::ExecuteDestruction => {
            // Whatever was scheduled together falls due together: our schedules never name single versions.
            for version in key.versions.iter_mut().filter(|v| v.scheduled) {
                *version = VersionModel {
                    state: State::Destroyed,
                    scheduled: false,
                };
            }
        }
        _ => {}
    }
}
