//! The main path on the real module and the real store: one command, decided once, recorded, then answered.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_executor::block_on;
use keyward_core::ErrorCode;
use keyward_core::algorithm::{KeySpec, Protection};
use keyward_core::command::*;
use keyward_core::ids::{ObjectId, RealmId};
use keyward_core::name::Name;
use keyward_core::object::{ExportClass, Sensitivity};
use keyward_core::outcome::Outcome;
use keyward_core::role::Role;
use keyward_core::secret::Secret;
use keyward_core::state::State;
use keyward_core::time::{Millis, Now, Timestamp};
use keyward_engine::ports::clock::Clock;
use keyward_engine::ports::module::Module;
use keyward_engine::ports::store::Store;
use keyward_engine::{CacheSizes, Caller, Engine, EngineParts, PassphraseSeal, Presented, Writer, init};
use keyward_module_awslc::AwsLcModule;
use keyward_store::{MemoryStore, SqliteStore};

struct TestClock {
    wall: AtomicU64,
    service: AtomicU64,
}

impl TestClock {
    fn new() -> Arc<Self> {
        Arc::new(Self { wall: AtomicU64::new(1_795_000_000_000), service: AtomicU64::new(0) })
    }
    fn pass(&self, time: Millis) {
        self.wall.fetch_add(time.0, Ordering::SeqCst);
        self.service.fetch_add(time.0, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Now {
        Now {
            wall: Timestamp(self.wall.load(Ordering::SeqCst)),
            service: Millis(self.service.load(Ordering::SeqCst)),
        }
    }
}

const PASSPHRASE: &str = "correct horse battery staple";

struct World {
    engine: Engine,
    clock: Arc<TestClock>,
    store: Arc<dyn Store>,
    module: Arc<dyn Module>,
    admin: Caller,
    officer: Caller,
    user: Caller,
    realm: RealmId,
}

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn engine(module: &Arc<dyn Module>, store: &Arc<dyn Store>, clock: &Arc<TestClock>) -> Engine {
    Engine::new(EngineParts {
        module: Arc::clone(module),
        store: Arc::clone(store),
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        seals: vec![Arc::new(PassphraseSeal { iterations: 1_000 })],
        sizes: CacheSizes::default(),
        writer: Writer::Thread,
    })
    .unwrap()
}

fn run(engine: &Engine, caller: &Caller, command: impl Into<Command>) -> Result<Outcome, ErrorCode> {
    block_on(engine.execute(caller, &command.into(), &Envelope::default())).map_err(|problem| problem.code)
}

fn login(engine: &Engine, token: &Secret) -> Caller {
    let text = core::str::from_utf8(token.expose()).unwrap();
    engine.authenticate(&Presented::Token(text), None).unwrap()
}

fn workload(engine: &Engine, admin: &Caller, realm: RealmId, called: &str, role: Role) -> Caller {
    let create = CreateWorkload { realm: RealmRef::Id(realm), name: name(called), roles: vec![role] };
    let Outcome::Principal(principal) = run(engine, admin, create).unwrap() else { panic!("a principal") };
    let issue = IssueToken { principal: principal.id, lifetime: Millis::days(30) };
    let Outcome::Token { text, .. } = run(engine, admin, issue).unwrap() else { panic!("a token") };
    login(engine, &text)
}

fn world(store: Arc<dyn Store>, rehearsal: bool) -> World {
    let module: Arc<dyn Module> = Arc::new(AwsLcModule::start(keyward_module_awslc::Config::default()).unwrap());
    let clock = TestClock::new();
    let seal = PassphraseSeal { iterations: 1_000 };
    let made = init::initialise(Arc::clone(&module), &*store, &*clock, &seal, &secret(PASSPHRASE)).unwrap();
    let engine = engine(&module, &store, &clock);
    block_on(engine.unseal("passphrase", &secret(PASSPHRASE), None)).unwrap();
    let admin = login(&engine, &made.admin_token);
    let create = CreateRealm { name: name("orders"), level: 1, rehearsal, quotas: None };
    let Outcome::Realm(realm) = run(&engine, &admin, create).unwrap() else { panic!("a realm") };
    let officer = workload(&engine, &admin, realm.id, "officer", Role::CryptoOfficer);
    let user = workload(&engine, &admin, realm.id, "app", Role::CryptoUser);
    World { engine, clock, store, module, admin, officer, user, realm: realm.id }
}

impl World {
    fn create(&self, spec: KeySpec) -> ObjectId {
        let create = CreateKey {
            realm: RealmRef::Id(self.realm),
            name: None,
            spec,
            purpose: None,
            protection: Protection::Software,
            export: ExportClass::Never,
            activate: true,
            cryptoperiod: None,
            rotate_every: None,
            sensitivity: Sensitivity::Moderate,
            applications: Vec::new(),
            tags: Default::default(),
            owner: None,
        };
        let Outcome::Key(view) = run(&self.engine, &self.officer, create).unwrap() else { panic!("a key") };
        view.object.id
    }
    fn encrypt(&self, key: ObjectId, text: &str) -> Result<Vec<u8>, ErrorCode> {
        let command = Encrypt {
            realm: RealmRef::Id(self.realm),
            key: KeyRef::Id(key),
            context: b"row 7".to_vec(),
            plaintext: secret(text),
        };
        run(&self.engine, &self.user, command).map(|outcome| match outcome {
            Outcome::Ciphertext { ciphertext, .. } => ciphertext,
            other => panic!("{other:?}"),
        })
    }
    fn decrypt(&self, key: ObjectId, ciphertext: &[u8]) -> Result<Vec<u8>, ErrorCode> {
        self.decrypt_with(&self.engine, key, ciphertext)
    }
    fn decrypt_with(&self, engine: &Engine, key: ObjectId, ciphertext: &[u8]) -> Result<Vec<u8>, ErrorCode> {
        let command = Decrypt {
            realm: RealmRef::Id(self.realm),
            key: KeyRef::Id(key),
            accept_compromised: false,
            context: b"row 7".to_vec(),
            ciphertext: ciphertext.to_vec(),
        };
        run(engine, &self.user, command).map(|outcome| match outcome {
            Outcome::Plaintext { plaintext, .. } => plaintext.into_inner(),
            other => panic!("{other:?}"),
        })
    }
    fn at(&self, key: ObjectId) -> (RealmRef, KeyRef) {
        (RealmRef::Id(self.realm), KeyRef::Id(key))
    }
    fn state(&self, key: ObjectId) -> Vec<State> {
        let (realm, key) = self.at(key);
        match run(&self.engine, &self.officer, DescribeKey { realm, key }).unwrap() {
            Outcome::Key(view) => view.versions.iter().map(|v| v.version.state()).collect(),
            other => panic!("{other:?}"),
        }
    }
}

fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

#[test]
fn a_key_lives_through_use_rotation_suspension_and_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::create(directory.path()).unwrap());
    let world = world(store, false);
    let key = world.create(KeySpec::Aes256);
    let old = world.encrypt(key, "hello").unwrap();
    let (realm, reference) = world.at(key);
    run(&world.engine, &world.officer, RotateKey { realm: realm.clone(), key: reference.clone() }).unwrap();
    assert_eq!(world.state(key), [State::Deactivated, State::Active]);
    let new = world.encrypt(key, "again").unwrap();
    assert_eq!(world.decrypt(key, &old).unwrap(), b"hello");
    assert_eq!(world.decrypt(key, &new).unwrap(), b"again");
    run(&world.engine, &world.officer, SuspendKey { realm: realm.clone(), key: reference.clone(), reason: None }).unwrap();
    assert_eq!(world.decrypt(key, &old), Err(ErrorCode::KeySuspended));
    run(&world.engine, &world.officer, ResumeKey { realm, key: reference, reason: None }).unwrap();
    world.engine.close();
    assert!(world.engine.is_sealed());
    let again = engine(&world.module, &world.store, &world.clock);
    assert_eq!(
        block_on(again.unseal("passphrase", &secret("not the right passphrase"), None)).unwrap_err().code,
        ErrorCode::UnsealFailed
    );
    block_on(again.unseal("passphrase", &secret(PASSPHRASE), None)).unwrap();
    assert_eq!(world.decrypt_with(&again, key, &old).unwrap(), b"hello");
    assert_eq!(world.decrypt_with(&again, key, &new).unwrap(), b"again");
    again.close();
}

#[test]
fn a_destroyed_key_is_gone_and_the_others_still_work() {
    let world = world(memory(), true);
    let doomed = world.create(KeySpec::Aes256);
    let kept = world.create(KeySpec::Aes256);
    let lost = world.encrypt(doomed, "gone").unwrap();
    let safe = world.encrypt(kept, "safe").unwrap();
    let (realm, key) = world.at(doomed);
    let schedule = ScheduleDestruction {
        realm: realm.clone(),
        key: key.clone(),
        version: None,
        after_days: 0,
        reason: "rehearsal".to_owned(),
    };
    run(&world.engine, &world.officer, schedule).unwrap();
    assert_eq!(world.decrypt(doomed, &lost), Err(ErrorCode::DestructionPending));
    run(&world.engine, &world.officer, ExecuteDestruction { realm, key }).unwrap();
    assert_eq!(world.decrypt(doomed, &lost), Err(ErrorCode::KeyDestroyed));
    assert_eq!(world.state(doomed), [State::Destroyed]);
    assert_eq!(world.decrypt(kept, &safe).unwrap(), b"safe");
    world.engine.close();
    let again = engine(&world.module, &world.store, &world.clock);
    block_on(again.unseal("passphrase", &secret(PASSPHRASE), None)).unwrap();
    assert_eq!(world.decrypt_with(&again, kept, &safe).unwrap(), b"safe");
    assert_eq!(world.decrypt_with(&again, doomed, &lost), Err(ErrorCode::KeyDestroyed));
    again.close();
}

#[test]
fn destruction_waits_for_both_clocks_and_a_stepped_wall_clock_holds_it() {
    let world = world(memory(), false);
    let key = world.create(KeySpec::Aes256);
    let (realm, reference) = world.at(key);
    let schedule = ScheduleDestruction {
        realm: realm.clone(),
        key: reference.clone(),
        version: None,
        after_days: 7,
        reason: "retired".to_owned(),
    };
    run(&world.engine, &world.officer, schedule).unwrap();
    let execute = || ExecuteDestruction { realm: realm.clone(), key: reference.clone() };
    assert_eq!(run(&world.engine, &world.officer, execute()).unwrap_err(), ErrorCode::DestructionPending);
    // The wall clock jumps ahead: service time has not passed.
    world.clock.wall.fetch_add(Millis::days(8).0, Ordering::SeqCst);
    assert_eq!(run(&world.engine, &world.officer, execute()).unwrap_err(), ErrorCode::DestructionPending);
    world.clock.service.fetch_add(Millis::days(7).0, Ordering::SeqCst);
    // Both have come, but they have parted by a day: held, and it needs a confirmation.
    assert_eq!(run(&world.engine, &world.officer, execute()).unwrap_err(), ErrorCode::ClockHold);
    world.clock.pass(Millis::days(2));
    assert_eq!(run(&world.engine, &world.officer, execute()).unwrap_err(), ErrorCode::ClockHold);
    run(&world.engine, &world.officer, ConfirmDestruction { realm: realm.clone(), key: reference.clone() }).unwrap();
    assert_eq!(block_on(world.engine.run_due()).unwrap(), 1);
    assert_eq!(world.state(key), [State::Destroyed]);
    world.engine.close();
}

#[test]
fn wrong_roles_wrong_context_and_tampering_are_refused() {
    let world = world(memory(), false);
    let key = world.create(KeySpec::Aes256);
    let good = world.encrypt(key, "text").unwrap();
    let (realm, reference) = world.at(key);
    let rotate = || RotateKey { realm: realm.clone(), key: reference.clone() };
    assert_eq!(run(&world.engine, &world.user, rotate()).unwrap_err(), ErrorCode::PermissionDenied);
    assert_eq!(run(&world.engine, &world.admin, rotate()).unwrap_err(), ErrorCode::NotFound);
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    assert_eq!(world.decrypt(key, &bad), Err(ErrorCode::InvalidCiphertext));
    let other = world.create(KeySpec::Aes256);
    assert_eq!(world.decrypt(other, &good), Err(ErrorCode::InvalidCiphertext));
    assert_eq!(world.decrypt(ObjectId([3; 16]), &good), Err(ErrorCode::NotFound));
    world.engine.close();
}

#[test]
fn a_revoked_token_is_refused_at_once() {
    let world = world(memory(), false);
    let create = CreateWorkload { realm: RealmRef::Id(world.realm), name: name("late"), roles: vec![Role::CryptoUser] };
    let Outcome::Principal(principal) = run(&world.engine, &world.admin, create).unwrap() else { panic!() };
    let issue = IssueToken { principal: principal.id, lifetime: Millis::HOUR };
    let Outcome::Token { id, text, .. } = run(&world.engine, &world.admin, issue).unwrap() else { panic!() };
    let token = core::str::from_utf8(text.expose()).unwrap();
    assert!(world.engine.authenticate(&Presented::Token(token), None).is_ok());
    run(&world.engine, &world.admin, RevokeToken { token: id }).unwrap();
    let refused = world.engine.authenticate(&Presented::Token(token), None).unwrap_err();
    assert_eq!(refused.code, ErrorCode::TokenRevoked);
    world.engine.close();
}

#[test]
fn the_log_numbers_every_command_without_gaps_and_proves_each_record() {
    use keyward_core::tlog;
    let world = world(memory(), false);
    let key = world.create(KeySpec::Aes128);
    for i in 0..600 {
        world.encrypt(key, &i.to_string()).unwrap();
    }
    let create = CreateWorkload { realm: RealmRef::SYSTEM, name: name("auditor"), roles: vec![Role::Auditor] };
    let Outcome::Principal(principal) = run(&world.engine, &world.admin, create).unwrap() else { panic!() };
    let issue = IssueToken { principal: principal.id, lifetime: Millis::HOUR };
    let Outcome::Token { text, .. } = run(&world.engine, &world.admin, issue).unwrap() else { panic!() };
    let auditor = login(&world.engine, &text);
    let mut from = 0;
    let mut seqs = std::collections::HashMap::new();
    loop {
        let read = ReadAudit {
            from, limit: 1000, realm_filter: None, target: None, principal: None, command: None, refused_only: false,
        };
        let Outcome::Records { records, next, .. } = run(&world.engine, &auditor, read).unwrap() else { panic!() };
        if records.is_empty() || next > 650 {
            break;
        }
        for record in records {
            assert_eq!(record.index, from);
            from += 1;
            let seq = seqs.entry(record.header.realm).or_insert(0);
            *seq += 1;
            assert_eq!(record.header.realm_seq, *seq);
        }
    }
    assert!(from > 600);
    for index in [0, 1, 255, 256, 300, 511, 512, 599] {
        let Outcome::Proof(proof) = run(&world.engine, &auditor, ProveRecord { index }).unwrap() else { panic!() };
        let parsed = tlog::LogProof::parse(proof.proof.as_bytes()).unwrap();
        assert_eq!(parsed.index, index);
    }
    run(&world.engine, &world.admin, RotateLogKey {}).unwrap();
    assert!(run(&world.engine, &auditor, ReadCheckpoint {}).is_ok());
    world.engine.close();
}
