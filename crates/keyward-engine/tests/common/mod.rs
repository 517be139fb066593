//! A small world on the real module: an administrator, a realm, an officer and an application.
#![allow(dead_code, reason = "each test file uses its own part")]
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_executor::block_on;
use keyward_core::ErrorCode;
use keyward_core::algorithm::{KeySpec, Protection, Purpose};
use keyward_core::command::*;
use keyward_core::ids::{ObjectId, RealmId};
use keyward_core::name::Name;
use keyward_core::object::{ExportClass, Object, RealmRules, Sensitivity};
use keyward_core::outcome::Outcome;
use keyward_core::role::Role;
use keyward_core::secret::Secret;
use keyward_core::state::State;
use keyward_core::time::{Millis, Now, Timestamp};
use keyward_engine::ports::clock::Clock;
use keyward_engine::ports::module::Module;
use keyward_engine::ports::store::Store;
use keyward_engine::{
    CacheSizes, Caller, Engine, EngineParts, PassphraseSeal, Presented, Writer, init,
};
use keyward_module_awslc::AwsLcModule;
use keyward_store::MemoryStore;

pub struct TestClock {
    pub wall: AtomicU64,
    pub service: AtomicU64,
}

impl TestClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            wall: AtomicU64::new(1_795_000_000_000),
            service: AtomicU64::new(0),
        })
    }
    pub fn pass(&self, time: Millis) {
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

pub const PASSPHRASE: &str = "correct horse battery staple";

pub struct World {
    pub engine: Engine,
    pub clock: Arc<TestClock>,
    pub store: Arc<dyn Store>,
    pub module: Arc<dyn Module>,
    pub admin: Caller,
    pub officer: Caller,
    pub user: Caller,
    pub realm: RealmId,
}

pub fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub fn engine(module: &Arc<dyn Module>, store: &Arc<dyn Store>, clock: &Arc<TestClock>) -> Engine {
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

pub fn run(
    engine: &Engine,
    caller: &Caller,
    command: impl Into<Command>,
) -> Result<Outcome, ErrorCode> {
    block_on(engine.execute(caller, &command.into(), &Envelope::default()))
        .map_err(|problem| problem.code)
}

pub fn login(engine: &Engine, token: &Secret) -> Caller {
    let text = core::str::from_utf8(token.expose()).unwrap();
    engine.authenticate(&Presented::Token(text), None).unwrap()
}

pub fn workload(
    engine: &Engine,
    admin: &Caller,
    realm: RealmId,
    called: &str,
    role: Role,
) -> Caller {
    let create = CreateWorkload {
        realm: RealmRef::Id(realm),
        name: name(called),
        roles: vec![role],
    };
    let Outcome::Principal(principal) = run(engine, admin, create).unwrap() else {
        panic!("a principal")
    };
    let issue = IssueToken {
        principal: principal.id,
        lifetime: Millis::days(30),
    };
    let Outcome::Token { text, .. } = run(engine, admin, issue).unwrap() else {
        panic!("a token")
    };
    login(engine, &text)
}

/// A workload of the world's realm, known by its certificate.
pub fn certified(world: &World) -> Caller {
    let create = CreateWorkload {
        realm: RealmRef::Id(world.realm),
        name: name("database"),
        roles: vec![Role::CryptoUser],
    };
    let Outcome::Principal(principal) = run(&world.engine, &world.admin, create).unwrap() else {
        panic!("a principal")
    };
    let register = RegisterAnchor {
        realm: RealmRef::Id(world.realm),
        certificate: b"an authority".to_vec(),
    };
    let Outcome::Anchor { fingerprint } = run(&world.engine, &world.admin, register).unwrap()
    else {
        panic!("an anchor")
    };
    let bind = BindCertificate {
        realm: RealmRef::Id(world.realm),
        anchor: fingerprint,
        name: "cn:database".to_owned(),
        principal: principal.id,
    };
    run(&world.engine, &world.admin, bind).unwrap();
    let presented = keyward_engine::PresentedCertificate {
        fingerprint: [3; 32],
        anchors: vec![fingerprint],
        names: vec!["cn:database".to_owned()],
    };
    world
        .engine
        .authenticate(&Presented::Certificate(&presented), None)
        .unwrap()
}

pub fn world(store: Arc<dyn Store>, rehearsal: bool) -> World {
    let module = AwsLcModule::start(keyward_module_awslc::Config::default()).unwrap();
    world_on(Arc::new(module), store, rehearsal)
}

pub fn world_on(module: Arc<dyn Module>, store: Arc<dyn Store>, rehearsal: bool) -> World {
    let clock = TestClock::new();
    let seal = PassphraseSeal { iterations: 1_000 };
    let made = init::initialise(
        Arc::clone(&module),
        &*store,
        &*clock,
        &seal,
        &secret(PASSPHRASE),
    )
    .unwrap();
    let engine = engine(&module, &store, &clock);
    block_on(engine.unseal("passphrase", &secret(PASSPHRASE), None)).unwrap();
    let admin = login(&engine, &made.admin_token);
    let create = CreateRealm {
        name: name("orders"),
        level: 1,
        rehearsal,
        quotas: None,
    };
    let Outcome::Realm(realm) = run(&engine, &admin, create).unwrap() else {
        panic!("a realm")
    };
    let officer = workload(&engine, &admin, realm.id, "officer", Role::CryptoOfficer);
    let user = workload(&engine, &admin, realm.id, "app", Role::CryptoUser);
    World {
        engine,
        clock,
        store,
        module,
        admin,
        officer,
        user,
        realm: realm.id,
    }
}

impl World {
    pub fn create_command(&self, spec: KeySpec) -> CreateKey {
        CreateKey {
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
            exception: None,
        }
    }
    pub fn create(&self, spec: KeySpec) -> ObjectId {
        let create = self.create_command(spec);
        let Outcome::Key(view) = run(&self.engine, &self.officer, create).unwrap() else {
            panic!("a key")
        };
        view.object.id
    }
    pub fn create_for(&self, spec: KeySpec, purpose: Purpose) -> ObjectId {
        let create = CreateKey {
            purpose: Some(purpose),
            ..self.create_command(spec)
        };
        key_of(run(&self.engine, &self.officer, create).unwrap()).id
    }
    pub fn exceptional(&self, spec: KeySpec, purpose: Purpose) -> ObjectId {
        let allow = ConfigureRealm {
            realm: RealmRef::Id(self.realm),
            level: None,
            quotas: None,
            rules: Some(RealmRules {
                exceptions: Some(true),
                ..RealmRules::default()
            }),
        };
        run(&self.engine, &self.admin, allow).unwrap();
        let create = CreateKey {
            purpose: Some(purpose),
            exception: Some(true),
            ..self.create_command(spec)
        };
        key_of(run(&self.engine, &self.officer, create).unwrap()).id
    }
    pub fn public(&self, key: ObjectId) -> Vec<u8> {
        let (realm, key) = self.at(key);
        let export = ExportPublicKey {
            realm,
            key,
            version: None,
        };
        match run(&self.engine, &self.user, export).unwrap() {
            Outcome::PublicKey { der, .. } => der,
            other => panic!("{other:?}"),
        }
    }
    pub fn encrypt(&self, key: ObjectId, text: &str) -> Result<Vec<u8>, ErrorCode> {
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
    pub fn decrypt(&self, key: ObjectId, ciphertext: &[u8]) -> Result<Vec<u8>, ErrorCode> {
        self.decrypt_with(&self.engine, key, ciphertext)
    }
    pub fn decrypt_with(
        &self,
        engine: &Engine,
        key: ObjectId,
        ciphertext: &[u8],
    ) -> Result<Vec<u8>, ErrorCode> {
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
    pub fn at(&self, key: ObjectId) -> (RealmRef, KeyRef) {
        (RealmRef::Id(self.realm), KeyRef::Id(key))
    }
    pub fn state(&self, key: ObjectId) -> Vec<State> {
        let (realm, key) = self.at(key);
        match run(&self.engine, &self.officer, DescribeKey { realm, key }).unwrap() {
            Outcome::Key(view) => view.versions.iter().map(|v| v.version.state()).collect(),
            other => panic!("{other:?}"),
        }
    }
}

pub fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

pub fn sign(realm: RealmRef, key: KeyRef, text: &str) -> Sign {
    Sign {
        realm,
        key,
        scheme: None,
        message: secret(text),
    }
}

pub fn verify(realm: RealmRef, key: KeyRef, text: &str, signature: Vec<u8>) -> Verify {
    Verify {
        realm,
        key,
        version: None,
        scheme: None,
        accept_compromised: false,
        message: secret(text),
        signature,
    }
}

pub fn signature(
    engine: &Engine,
    caller: &Caller,
    realm: &RealmRef,
    key: &KeyRef,
    text: &str,
) -> Vec<u8> {
    match run(engine, caller, sign(realm.clone(), key.clone(), text)).unwrap() {
        Outcome::Signature { signature, .. } => signature,
        other => panic!("{other:?}"),
    }
}

pub fn key_of(outcome: Outcome) -> Object {
    match outcome {
        Outcome::Key(view) => view.object,
        other => panic!("{other:?}"),
    }
}
