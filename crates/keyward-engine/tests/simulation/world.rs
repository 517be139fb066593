//! The machine a schedule runs on: the module with seeded ids, a clock, and an installation to start from.
use std::fmt::Debug;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use keyward_core::algorithm::Indicator;
use keyward_core::command::*;
use keyward_core::ids::RealmId;
use keyward_core::name::Name;
use keyward_core::outcome::Outcome;
use keyward_core::role::Role;
use keyward_core::secret::Secret;
use keyward_core::time::{Millis, Now, Timestamp};
use keyward_engine::permit::{Permit, PermitScope};
use keyward_engine::ports::clock::Clock;
use keyward_engine::ports::module::{
    Done, KeyHandle, Module, ModuleDescription, ModuleFault, Operation, Output, SelfTest,
};
use keyward_engine::ports::seal::Seal;
use keyward_engine::ports::store::Store;
use keyward_engine::{
    CacheSizes, Caller, Engine, EngineParts, PassphraseSeal, Presented, Writer, init,
};
use keyward_module_awslc::AwsLcModule;
use keyward_testkit::faulty_store::{SimDisk, SplitMix};
use keyward_testkit::store_conformance::Model;
use parking_lot::Mutex;

pub const PASSPHRASE: &str = "a passphrase for simulations";
pub const START: u64 = 1_795_000_000_000;

/// The real module, but what becomes ids and salts follows from the seed, and it fails when told to.
pub struct SimModule {
    inner: AwsLcModule,
    random: Mutex<SplitMix>,
    failures: AtomicU64,
}

impl SimModule {
    pub fn seed(&self, seed: u64) {
        *self.random.lock() = SplitMix::new(seed ^ 0x5157_a11d_0000_0001);
        self.failures.store(0, Ordering::SeqCst);
    }
    /// The next operations of decided commands, so many, fail.
    pub fn fail(&self, count: u64) {
        self.failures.store(count, Ordering::SeqCst);
    }
    pub fn held_keys(&self) -> usize {
        self.inner.held_keys()
    }
}

impl Module for SimModule {
    fn describe(&self) -> ModuleDescription {
        self.inner.describe()
    }
    fn self_test(&self, which: SelfTest) -> Result<(), ModuleFault> {
        self.inner.self_test(which)
    }
    fn operate(&self, permit: &Permit, operation: Operation<'_>) -> Result<Done, ModuleFault> {
        if let Operation::Random { length } = operation {
            let mut random = self.random.lock();
            let bytes = std::iter::repeat_with(|| random.next_u64().to_le_bytes())
                .flatten()
                .take(length)
                .collect();
            return Ok(Done {
                output: Output::Bytes(bytes),
                indicator: Indicator::Approved,
            });
        }
        if matches!(permit.scope(), PermitScope::Command { .. }) {
            let failing = self
                .failures
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
            if failing.is_ok() {
                return Err(ModuleFault::Unavailable);
            }
        }
        self.inner.operate(permit, operation)
    }
    fn release(&self, key: KeyHandle) {
        self.inner.release(key);
    }
}

/// Both clocks. Service time starts at zero with each process, as a monotonic clock does.
#[derive(Default)]
pub struct SimClock {
    pub wall: AtomicU64,
    pub service: AtomicU64,
}

impl Clock for SimClock {
    fn now(&self) -> Now {
        Now {
            wall: Timestamp(self.wall.load(Ordering::SeqCst)),
            service: Millis(self.service.load(Ordering::SeqCst)),
        }
    }
}

/// What one thread runs its schedules on.
pub struct Machine {
    pub module: Arc<SimModule>,
    pub seals: Vec<Arc<dyn Seal>>,
}

/// An installation with two realms and people, made once; every schedule starts from a copy of its disk.
pub struct Base {
    pub rows: Model,
    pub officer: Secret,
    pub user: Secret,
    pub slow_officer: Secret,
    pub slow_user: Secret,
    /// Destroys at once.
    pub fast: RealmId,
    /// Waits seven days.
    pub slow: RealmId,
}

fn seals() -> Vec<Arc<dyn Seal>> {
    vec![Arc::new(PassphraseSeal { iterations: 1_000 })]
}

pub fn machine() -> Machine {
    let inner = AwsLcModule::start(keyward_module_awslc::Config::default()).unwrap();
    Machine {
        module: Arc::new(SimModule {
            inner,
            random: Mutex::new(SplitMix::new(0)),
            failures: AtomicU64::new(0),
        }),
        seals: seals(),
    }
}

pub fn engine(machine: &Machine, store: Arc<dyn Store>, clock: Arc<SimClock>) -> Engine {
    Engine::new(EngineParts {
        module: Arc::clone(&machine.module) as Arc<dyn Module>,
        store,
        clock,
        seals: machine.seals.clone(),
        sizes: CacheSizes {
            keys: 64,
            principals: 64,
        },
        writer: Writer::Manual,
    })
    .unwrap()
}

/// Polls a future to its end; the writer runs whenever it waits.
pub fn drive<T>(engine: &Engine, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..10_000 {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        engine.pump();
    }
    panic!("a command neither ends nor waits for the writer");
}

pub fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

pub fn login(engine: &Engine, token: &Secret) -> Result<Caller, keyward_core::ErrorCode> {
    let text = core::str::from_utf8(token.expose()).unwrap();
    engine
        .authenticate(&Presented::Token(text), None)
        .map_err(|problem| problem.code)
}

impl Base {
    pub fn new() -> Self {
        let machine = machine();
        machine.module.seed(0);
        let disk = SimDisk::new(0);
        let clock = Arc::new(SimClock {
            wall: AtomicU64::new(START),
            service: AtomicU64::new(0),
        });
        let store: Arc<dyn Store> = Arc::new(disk.open());
        let seal = PassphraseSeal { iterations: 1_000 };
        let made = init::initialise(
            Arc::clone(&machine.module) as Arc<dyn Module>,
            &*store,
            &*clock,
            &seal,
            &secret(PASSPHRASE),
        )
        .unwrap();
        let engine = engine(&machine, store, clock);
        drive(
            &engine,
            engine.unseal("passphrase", &secret(PASSPHRASE), None),
        )
        .unwrap();
        let admin = login(&engine, &made.admin_token).unwrap();
        let run = |command: Command| {
            drive(
                &engine,
                engine.execute(&admin, &command, &Envelope::default()),
            )
            .unwrap()
        };
        let realm = |name: &str, rehearsal| {
            let create = CreateRealm {
                name: Name::new(name).unwrap(),
                level: 1,
                rehearsal,
                quotas: None,
            };
            match run(create.into()) {
                Outcome::Realm(realm) => realm.id,
                other => panic!("{other:?}"),
            }
        };
        let token = |realm, role: Role| {
            let create = CreateWorkload {
                realm: RealmRef::Id(realm),
                name: Name::new(role.as_str()).unwrap(),
                roles: vec![role],
            };
            let Outcome::Principal(principal) = run(create.into()) else {
                panic!("a principal")
            };
            let issue = IssueToken {
                principal: principal.id,
                lifetime: Millis::days(300),
            };
            match run(issue.into()) {
                Outcome::Token { text, .. } => text,
                other => panic!("{other:?}"),
            }
        };
        let (fast, slow) = (realm("fast", true), realm("slow", false));
        let (officer, user) = (
            token(fast, Role::CryptoOfficer),
            token(fast, Role::CryptoUser),
        );
        let (slow_officer, slow_user) = (
            token(slow, Role::CryptoOfficer),
            token(slow, Role::CryptoUser),
        );
        engine.close();
        Self {
            rows: disk.contents(),
            officer,
            user,
            slow_officer,
            slow_user,
            fast,
            slow,
        }
    }

    pub fn machine(&self) -> Machine {
        machine()
    }
}

/// How often a schedule got where.
#[derive(Default, Clone)]
pub struct Tally {
    counts: std::collections::BTreeMap<&'static str, u64>,
}

impl Tally {
    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }
    pub fn add(&mut self, other: &Self) {
        for (what, count) in &other.counts {
            *self.counts.entry(what).or_default() += count;
        }
    }
    pub fn reached_everything(&self) {
        for what in [
            "acknowledged",
            "refused",
            "crash with commands in flight",
            "closed in good order",
            "full disk refused",
            "urgent on a full disk",
            "read-only refused",
            "unknown outcome",
            "unknown outcome that stands",
            "unknown outcome that is gone",
            "acknowledged commits lost by a lying disk",
            "torn commit found",
            "torn commit that is none",
            "module fault",
            "answered again by idempotency key",
            "destroyed",
            "destroyed after seven days",
            "held by the clock rule",
            "rotated",
            "decrypted at the end",
            "refused at the end",
            "unseal failed by a fault",
        ] {
            assert!(
                self.counts.get(what).copied().unwrap_or(0) > 0,
                "no schedule ever reached: {what}\n{self:?}"
            );
        }
    }
}

impl Debug for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(&self.counts).finish()
    }
}
