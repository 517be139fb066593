//! What must hold after every life, whatever happened in it.
//!
//! 1. The store agrees with itself: every row, the set-hash, every record, tile and counter (`Engine::check`).
//!    Only a torn commit may break that, and then it is found.
//! 2. The log goes on: what was in it before is its beginning. Only a disk that lies takes something away, from the end,
//!    so that whoever remembers a checkpoint sees it.
//! 3. Every acknowledged command has exactly one record, with its outcome; every other one has at most one, and one that was
//!    told that nothing was stored has none that says otherwise.
//! 4. The rows are exactly what the records lead to: no change without a record, no record without its change, none by half.
//! 5. Every change of state is an edge of SP 800-57.
//! 6. A request that is repeated with its idempotency key within 24 hours takes effect once.
//! 7. Reserved uses never go back and cover every ciphertext that was given out.
//! 8. No destroyed key comes back, and none is destroyed before its time by the clock that does not step.
//! 9. At the end the keys work exactly as their states say.
use std::collections::BTreeMap;
use std::sync::Arc;

use keyward_core::ErrorCode;
use keyward_core::command::*;
use keyward_core::ids::{CorrelationId, ObjectId, RealmId};
use keyward_core::object::Usage;
use keyward_core::outcome::Outcome;
use keyward_core::state::State;
use keyward_core::time::Millis;
use keyward_engine::ports::store::Table;
use keyward_testkit::store_conformance::Model as Rows;

use crate::model::{self, Keys, Record};
use crate::schedule::{Answer, Ask, Schedule, Sent};
use crate::world::{PASSPHRASE, drive, engine, login, secret};

/// A ciphertext that was given out.
#[derive(Debug, Clone)]
pub struct Protected {
    pub key: ObjectId,
    pub realm: RealmId,
    pub version: u32,
    pub ciphertext: Vec<u8>,
    pub text: u64,
}

/// What is known from outside: by clients, and by whoever looked at the disk after the last life.
pub struct Known {
    pub records: Vec<Record>,
    pub keys: Keys,
    pub protected: Vec<Protected>,
    /// Keys whose creation was acknowledged in this life.
    fresh: Vec<(RealmId, ObjectId)>,
    /// Keys whose destruction was asked for and acknowledged.
    doomed: Vec<(RealmId, ObjectId)>,
    reserved: BTreeMap<Vec<u8>, u64>,
}

impl Known {
    pub fn new(rows: &Rows) -> Self {
        Self {
            records: model::records(rows),
            keys: Keys::new(),
            protected: Vec::new(),
            fresh: Vec::new(),
            doomed: Vec::new(),
            reserved: BTreeMap::new(),
        }
    }

    pub fn ids(&self, realm: RealmId) -> Vec<ObjectId> {
        let stored = self.keys.iter().filter(|(_, key)| key.realm == realm);
        let fresh = self.fresh.iter().filter(|(of, _)| *of == realm);
        let mut ids: Vec<ObjectId> = stored.map(|(id, _)| *id).collect();
        ids.extend(fresh.map(|(_, id)| *id));
        ids
    }

    pub fn ciphertext_of(&self, key: ObjectId, choice: u64) -> Option<Vec<u8>> {
        let of_key: Vec<&Protected> = self.protected.iter().filter(|p| p.key == key).collect();
        let index = choice.checked_rem(of_key.len() as u64)?;
        Some(of_key[index as usize].ciphertext.clone())
    }

    pub fn scheduled(&self, realm: RealmId, choice: u64) -> Option<ObjectId> {
        let of_realm: Vec<ObjectId> = self
            .doomed
            .iter()
            .filter(|(of, _)| *of == realm)
            .map(|(_, id)| *id)
            .collect();
        let index = choice.checked_rem(of_realm.len() as u64)?;
        Some(of_realm[index as usize])
    }

    pub fn learn(&mut self, sent: &Sent, answer: &Answer) {
        match (&sent.ask, answer) {
            (Ask::Create { .. }, Answer::Key(id)) => self.fresh.push((sent.realm, *id)),
            (Ask::Schedule(id, _), _) => self.doomed.push((sent.realm, *id)),
            (Ask::Encrypt(key, text), Answer::Ciphertext(ciphertext, version)) => {
                self.protected.push(Protected {
                    key: *key,
                    realm: sent.realm,
                    version: *version,
                    ciphertext: ciphertext.clone(),
                    text: *text,
                });
            }
            (Ask::Decrypt(_, ciphertext), Answer::Plaintext(text)) => {
                let known = self.protected.iter().find(|p| p.ciphertext == *ciphertext);
                let expected = known
                    .expect("only given out ciphertexts are asked for")
                    .text;
                assert_eq!(
                    *text,
                    expected.to_string().into_bytes(),
                    "another plaintext"
                );
            }
            _ => {}
        }
    }
}

/// Answers that say that nothing was stored, without a record of their own being promised.
const fn is_unrecorded(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::DiskFull
            | ErrorCode::StorageReadOnly
            | ErrorCode::StorageUnavailable
            | ErrorCode::StorageLocked
            | ErrorCode::Overloaded
            | ErrorCode::Sealed
    )
}

impl Schedule<'_> {
    /// Judges the disk after a life; false if the schedule ends here because damage was found, as it must be.
    pub fn judge(&mut self, lost: usize) -> bool {
        let rows = self.disk.contents();
        if let Some((kept, total)) = self.disk.torn()
            && kept > 0
            && kept < total
        {
            assert!(
                !self.agrees_with_itself().is_empty(),
                "a torn commit was not found"
            );
            self.tally.count("torn commit found");
            return false;
        }
        if self.disk.torn().is_some() {
            self.tally.count("torn commit that is none");
        }
        let findings = self.agrees_with_itself();
        assert!(
            findings.is_empty(),
            "the store contradicts itself: {findings:?}"
        );
        let records = model::records(&rows);
        self.continues(&records, lost);
        if lost == 0 {
            self.answers_match(&records);
        } else {
            self.forget(&records);
        }
        self.rows_follow(&records, &rows);
        self.edges_are_legal(&records);
        self.repeated_once(&records);
        self.uses_are_covered(&rows, lost);
        self.known.records = records;
        self.known.fresh.clear();
        true
    }

    fn agrees_with_itself(&self) -> Vec<String> {
        let store = Arc::new(self.disk.open());
        let engine = engine(self.machine, store, Arc::clone(&self.clock));
        match engine.check("passphrase", &secret(PASSPHRASE), &[]) {
            Ok(lines) => lines
                .into_iter()
                .filter(|line| !line.ok)
                .map(|line| format!("{}: {}", line.check, line.detail))
                .collect(),
            Err(problem) => vec![problem.code.as_str().to_owned()],
        }
    }

    fn continues(&mut self, records: &[Record], lost: usize) {
        let known = &self.known.records;
        let common = known.len().min(records.len());
        assert_eq!(records[..common], known[..common], "the log was rewritten");
        if lost == 0 {
            assert!(records.len() >= known.len(), "the log became shorter");
        } else {
            self.tally
                .count("acknowledged commits lost by a lying disk");
        }
    }

    /// Every record of a request, by correlation.
    fn by_request(records: &[Record]) -> BTreeMap<CorrelationId, Vec<&Record>> {
        let mut found: BTreeMap<CorrelationId, Vec<&Record>> = BTreeMap::new();
        for record in records {
            if let Some(correlation) = record.body.correlation {
                found.entry(correlation).or_default().push(record);
            }
        }
        found
    }

    fn answers_match(&mut self, records: &[Record]) {
        let by_request = Self::by_request(records);
        for (number, sent) in self.sent.iter().enumerate() {
            let found = by_request
                .get(&sent.correlation)
                .map_or(&[][..], Vec::as_slice);
            let outcomes: Vec<u16> = found.iter().map(|record| record.header.outcome).collect();
            match &sent.answer {
                Some(Ok(_)) => assert_eq!(outcomes, [0], "request {number} was acknowledged"),
                Some(Err(
                    ErrorCode::PermissionDenied | ErrorCode::Internal | ErrorCode::StorageCorrupted,
                )) => panic!("request {number} was told {:?}", sent.answer),
                Some(Err(ErrorCode::OutcomeUnknown)) | None => {
                    assert!(
                        outcomes.len() <= 1,
                        "request {number} has records {outcomes:?}"
                    );
                    if sent.answer.is_some() {
                        let stands = !outcomes.is_empty();
                        self.tally.count(if stands {
                            "unknown outcome that stands"
                        } else {
                            "unknown outcome that is gone"
                        });
                    }
                }
                Some(Err(code)) if is_unrecorded(*code) => assert!(
                    outcomes.is_empty() || outcomes == [code.number()],
                    "request {number} was told {code:?} and has records {outcomes:?}"
                ),
                Some(Err(code)) => assert_eq!(
                    outcomes,
                    [code.number()],
                    "request {number} was told {code:?}"
                ),
            }
        }
        let mut created: BTreeMap<&str, (ObjectId, u64)> = BTreeMap::new();
        for sent in &self.sent {
            let (Some(key), Ask::Create { .. }, Some(Ok(Answer::Key(id)))) =
                (sent.idempotency.as_deref(), &sent.ask, &sent.answer)
            else {
                continue;
            };
            let time = by_request[&sent.correlation][0].header.time.0;
            let (first, at) = *created.entry(key).or_insert((*id, time));
            assert!(
                first == *id || time.abs_diff(at) > Millis::DAY.0,
                "{key} created two keys"
            );
        }
        for record in records.iter().skip(self.known.records.len()) {
            if record.body.detail.as_deref() == Some("repeated by idempotency key") {
                self.tally.count("answered again by idempotency key");
            }
        }
    }

    /// The disk took back what it had acknowledged. Nothing is asked of those requests; the state must still be one that was.
    fn forget(&mut self, records: &[Record]) {
        let by_request = Self::by_request(records);
        let lost: Vec<CorrelationId> = self
            .sent
            .iter()
            .filter(|sent| sent.answer.is_some() && !by_request.contains_key(&sent.correlation))
            .map(|sent| sent.correlation)
            .collect();
        for sent in &mut self.sent {
            if lost.contains(&sent.correlation) {
                sent.answer = None;
            }
        }
    }

    fn rows_follow(&mut self, records: &[Record], rows: &Rows) {
        let activates = |record: &Record| {
            let sent = self
                .sent
                .iter()
                .find(|sent| Some(sent.correlation) == record.body.correlation);
            !matches!(
                sent.map(|sent| &sent.ask),
                Some(Ask::Create {
                    activate: false,
                    ..
                })
            )
        };
        let mut expected = Keys::new();
        for record in records {
            model::apply(&mut expected, record, activates(record));
        }
        let stored = model::stored(rows);
        assert_eq!(
            stored, expected,
            "the rows are not what the records lead to"
        );
        for (id, before) in &self.known.keys {
            let Some(now) = stored.get(id) else {
                // Only a lying disk can lose a key; then its records are gone with it.
                continue;
            };
            for (was, is) in before.versions.iter().zip(&now.versions) {
                if was.state != State::Destroyed && is.state == State::Destroyed {
                    self.tally.count("destroyed");
                }
            }
        }
        for key in stored.values() {
            if key.versions.len() > 1 {
                self.tally.count("rotated");
            }
        }
        self.waited(&stored);
        self.known.keys = stored;
    }

    /// Nothing in the realm that waits seven days was destroyed in less service time.
    fn waited(&mut self, stored: &Keys) {
        for (id, key) in stored {
            let destroyed = key.versions.iter().any(|v| v.state == State::Destroyed);
            if key.realm != self.base.slow || !destroyed {
                continue;
            }
            let first = self
                .sent
                .iter()
                .filter(|sent| matches!(&sent.ask, Ask::Schedule(of, _) if of == id))
                .map(|sent| sent.sent_at)
                .min()
                .expect("nothing is destroyed unasked");
            assert!(
                self.served >= first + Millis::days(7).0,
                "{id} was destroyed after {} ms of service",
                self.served - first
            );
            self.tally.count("destroyed after seven days");
        }
    }

    fn edges_are_legal(&self, records: &[Record]) {
        for record in records.iter().filter(|record| record.is_change()) {
            if let Some(change) = record.body.change {
                assert!(
                    change.from == change.to || change.from.may_become(change.to),
                    "{change:?} is no edge"
                );
            }
        }
    }

    fn repeated_once(&self, records: &[Record]) {
        let by_request = Self::by_request(records);
        let mut effects: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
        for sent in &self.sent {
            let Some(key) = sent.idempotency.as_deref() else {
                continue;
            };
            if matches!(
                sent.ask,
                Ask::Encrypt(..) | Ask::Decrypt(..) | Ask::Describe(_)
            ) {
                continue;
            }
            let changes = by_request.get(&sent.correlation).into_iter().flatten();
            effects
                .entry(key)
                .or_default()
                .extend(changes.filter(|record| record.is_change()));
        }
        for (key, effects) in effects {
            let mut times: Vec<_> = effects.iter().map(|record| record.header.time).collect();
            times.sort_unstable();
            for pair in times.windows(2) {
                let apart = pair[1].since(pair[0]);
                assert!(
                    apart > Millis::DAY,
                    "{key} took effect twice, {} ms apart",
                    apart.0
                );
            }
        }
    }

    fn uses_are_covered(&mut self, rows: &Rows, lost: usize) {
        let mut reserved = BTreeMap::new();
        for (at, row) in rows.rows() {
            if at.table == Table::Usage && at.key.len() == 36 {
                let usage: Usage = keyward_core::cbor::from_slice(&row.value[32..]).unwrap();
                reserved.insert(at.key.clone(), usage.reserved);
            }
        }
        if lost == 0 {
            for (at, before) in &self.known.reserved {
                if let Some(now) = reserved.get(at) {
                    assert!(now >= before, "a count of uses went back");
                }
            }
            let mut given: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
            for p in &self.known.protected {
                let key = [p.realm.0.as_slice(), &p.key.0, &p.version.to_be_bytes()].concat();
                *given.entry(key).or_default() += 1;
            }
            for p in &self.known.protected {
                let key = [p.realm.0.as_slice(), &p.key.0, &p.version.to_be_bytes()].concat();
                let state = self.known.keys[&p.key].versions[p.version as usize - 1].state;
                let covered = reserved.get(&key).copied().unwrap_or(0);
                assert!(
                    state == State::Destroyed || covered >= given[&key],
                    "{} ciphertexts were given out and {covered} reserved",
                    given[&key]
                );
            }
        } else {
            let keys = &self.known.keys;
            self.known.protected.retain(|p| {
                keys.get(&p.key)
                    .is_some_and(|key| key.versions.len() >= p.version as usize)
            });
            // Their reservations may be lost with the commits: a disk that lies breaks this promise, and only a witness sees it.
            self.known.protected.clear();
        }
        self.known.reserved = reserved;
    }

    /// Opens the store once more on a well disk and uses every ciphertext that was ever given out.
    pub fn last_use(&mut self) {
        let store = Arc::new(self.disk.open());
        let engine = engine(self.machine, store, Arc::clone(&self.clock));
        let unseal = drive(
            &engine,
            engine.unseal("passphrase", &secret(PASSPHRASE), None),
        );
        unseal.expect("a well disk opens");
        let user = login(&engine, &self.base.user).unwrap();
        let slow_user = login(&engine, &self.base.slow_user).unwrap();
        let keys = self.keys();
        for p in self.known.protected.clone() {
            let key = &keys[&p.key];
            let version = key.versions[p.version as usize - 1];
            let caller = if p.realm == self.base.slow {
                &slow_user
            } else {
                &user
            };
            let command = Command::from(Decrypt {
                realm: RealmRef::Id(p.realm),
                key: KeyRef::Id(p.key),
                accept_compromised: false,
                context: Vec::new(),
                ciphertext: p.ciphertext.clone(),
            });
            let result = drive(
                &engine,
                engine.execute(caller, &command, &Envelope::default()),
            );
            let works = matches!(version.state, State::Active | State::Deactivated)
                && !key.suspended
                && !version.scheduled;
            match result {
                Ok(Outcome::Plaintext { plaintext, .. }) => {
                    assert!(works, "a key in {version:?} works");
                    assert_eq!(plaintext.expose(), p.text.to_string().as_bytes());
                    self.tally.count("decrypted at the end");
                }
                Ok(other) => panic!("{other:?}"),
                Err(problem) => {
                    assert!(!works, "{problem:?} in {version:?}");
                    if version.state == State::Destroyed {
                        assert_eq!(problem.code, ErrorCode::KeyDestroyed);
                    }
                    self.tally.count("refused at the end");
                }
            }
        }
        self.urgent_on_a_full_disk(&engine);
        engine.close();
    }

    /// What stops harm goes through when the disk is full; nothing else does.
    fn urgent_on_a_full_disk(&mut self, engine: &keyward_engine::Engine) {
        use keyward_testkit::faulty_store::Medium;
        let officer = login(engine, &self.base.officer).unwrap();
        let keys = self.keys();
        let active = keys.iter().find(|(_, key)| {
            key.realm == self.base.fast
                && !key.suspended
                && key
                    .versions
                    .last()
                    .is_some_and(|v| v.state == State::Active)
        });
        let Some((id, _)) = active else { return };
        self.disk.set_medium(Medium::ReserveOnly);
        let (realm, key) = (RealmRef::Id(self.base.fast), KeyRef::Id(*id));
        let run = |command: Command| {
            drive(
                engine,
                engine.execute(&officer, &command, &Envelope::default()),
            )
            .map(|_| ())
            .map_err(|problem| problem.code)
        };
        let rotate = RotateKey {
            realm: realm.clone(),
            key: key.clone(),
        };
        assert_eq!(run(rotate.into()), Err(ErrorCode::DiskFull));
        let suspend = SuspendKey {
            realm,
            key,
            reason: None,
        };
        assert_eq!(run(suspend.into()), Ok(()));
        self.tally.count("urgent on a full disk");
        self.disk.set_medium(Medium::Healthy);
    }
}
