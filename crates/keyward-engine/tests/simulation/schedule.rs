//! One schedule: lives of a process, steps in each, all drawn from the seed.
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use keyward_core::ErrorCode;
use keyward_core::algorithm::{KeySpec, Protection};
use keyward_core::command::*;
use keyward_core::ids::{CorrelationId, ObjectId, RealmId};
use keyward_core::object::{ExportClass, Sensitivity};
use keyward_core::outcome::Outcome;
use keyward_core::time::Millis;
use keyward_engine::ports::store::StoreFault;
use keyward_engine::{Caller, Engine};
use keyward_testkit::faulty_store::{Medium, SimDisk, SplitMix};

use crate::model::Keys;
use crate::verdict::Known;
use crate::world::{Base, Machine, PASSPHRASE, SimClock, Tally, engine, login, secret};

/// What a client asks for, so that it can ask again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    Create { activate: bool, rotate: bool },
    Rotate(ObjectId),
    Activate(ObjectId),
    Suspend(ObjectId),
    Resume(ObjectId),
    Deactivate(ObjectId),
    Compromise(ObjectId),
    Schedule(ObjectId, u16),
    Cancel(ObjectId),
    Execute(ObjectId),
    Confirm(ObjectId),
    Encrypt(ObjectId, u64),
    Decrypt(ObjectId, Vec<u8>),
    Describe(ObjectId),
}

impl Ask {
    fn command(&self, realm: RealmId) -> Command {
        let realm = RealmRef::Id(realm);
        let key = |id: &ObjectId| KeyRef::Id(*id);
        match self {
            Self::Create { activate, rotate } => CreateKey {
                realm,
                name: None,
                spec: KeySpec::Aes256,
                purpose: None,
                protection: Protection::Software,
                export: ExportClass::Never,
                activate: *activate,
                cryptoperiod: None,
                rotate_every: rotate.then_some(Millis::days(1)),
                sensitivity: Sensitivity::Low,
                applications: Vec::new(),
                tags: Default::default(),
                owner: None,
                exception: None,
            }
            .into(),
            Self::Rotate(id) => RotateKey {
                realm,
                key: key(id),
            }
            .into(),
            Self::Activate(id) => ActivateKey {
                realm,
                key: key(id),
                version: None,
            }
            .into(),
            Self::Suspend(id) => SuspendKey {
                realm,
                key: key(id),
                reason: None,
            }
            .into(),
            Self::Resume(id) => ResumeKey {
                realm,
                key: key(id),
                reason: None,
            }
            .into(),
            Self::Deactivate(id) => DeactivateKey {
                realm,
                key: key(id),
                version: None,
                reason: None,
            }
            .into(),
            Self::Compromise(id) => ReportCompromise {
                realm,
                key: key(id),
                version: None,
                since: None,
                reason: "seen".to_owned(),
            }
            .into(),
            Self::Schedule(id, after_days) => ScheduleDestruction {
                realm,
                key: key(id),
                version: None,
                after_days: *after_days,
                reason: "old".to_owned(),
            }
            .into(),
            Self::Cancel(id) => CancelDestruction {
                realm,
                key: key(id),
                version: None,
            }
            .into(),
            Self::Execute(id) => ExecuteDestruction {
                realm,
                key: key(id),
            }
            .into(),
            Self::Confirm(id) => ConfirmDestruction {
                realm,
                key: key(id),
            }
            .into(),
            Self::Encrypt(id, text) => Encrypt {
                realm,
                key: key(id),
                context: Vec::new(),
                plaintext: secret(&text.to_string()),
            }
            .into(),
            Self::Decrypt(id, ciphertext) => Decrypt {
                realm,
                key: key(id),
                accept_compromised: false,
                context: Vec::new(),
                ciphertext: ciphertext.clone(),
            }
            .into(),
            Self::Describe(id) => DescribeKey {
                realm,
                key: key(id),
            }
            .into(),
        }
    }

    const fn by_user(&self) -> bool {
        matches!(self, Self::Encrypt(..) | Self::Decrypt(..))
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Key(ObjectId),
    Ciphertext(Vec<u8>, u32),
    Plaintext(Vec<u8>),
    Other,
}

/// One request and what its client knows about it.
#[derive(Debug, Clone)]
pub struct Sent {
    pub correlation: CorrelationId,
    pub realm: RealmId,
    pub ask: Ask,
    pub idempotency: Option<String>,
    pub answer: Option<Result<Answer, ErrorCode>>,
    /// True service time when it was sent.
    pub sent_at: u64,
}

type Flight = Pin<Box<dyn Future<Output = Result<Answer, ErrorCode>>>>;

struct InFlight {
    /// Which request; none for the scheduler's own pass.
    sent: Option<usize>,
    future: Flight,
}

/// Callers of one life.
struct Callers {
    fast: [Arc<Caller>; 2],
    slow: [Arc<Caller>; 2],
}

pub struct Schedule<'a> {
    pub base: &'a Base,
    pub machine: &'a Machine,
    pub disk: SimDisk,
    pub clock: Arc<SimClock>,
    pub random: SplitMix,
    pub sent: Vec<Sent>,
    pub known: Known,
    /// Service time of the lives before this one.
    pub served: u64,
    pub tally: Tally,
    trace: Vec<String>,
    /// Nothing breaks and no clock steps, but days pass: so that what takes a week happens too.
    patient: bool,
}

impl<'a> Schedule<'a> {
    pub fn new(base: &'a Base, machine: &'a Machine, seed: u64) -> Self {
        machine.module.seed(seed);
        let disk = SimDisk::new(seed);
        disk.restore(base.rows.clone());
        let clock = Arc::new(SimClock::default());
        clock.wall.store(crate::world::START, Ordering::SeqCst);
        Self {
            base,
            machine,
            disk,
            clock,
            random: SplitMix::new(seed),
            sent: Vec::new(),
            known: Known::new(&base.rows),
            served: 0,
            tally: Tally::default(),
            trace: Vec::new(),
            patient: seed.is_multiple_of(8),
        }
    }

    pub fn trace(&self) -> &[String] {
        &self.trace
    }

    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    pub fn note(&mut self, line: impl FnOnce() -> String) {
        self.trace.push(line());
    }

    pub fn run(&mut self) {
        let lives = 1 + self.random.below(3);
        for life in 0..lives {
            self.note(|| format!("life {life}"));
            self.live();
            self.served += self.clock.service.swap(0, Ordering::SeqCst);
            let lost = self.disk.crash();
            self.disk.lose_fsyncs(false);
            self.disk.set_medium(Medium::Healthy);
            self.machine.module.fail(0);
            self.note(|| format!("the process is gone, the disk lost {lost} commits"));
            assert_eq!(
                self.machine.module.held_keys(),
                0,
                "a process that ended left keys in the module"
            );
            if !self.judge(lost) {
                return;
            }
        }
        self.last_use();
    }

    /// One life of the process, until it crashes or is closed.
    fn live(&mut self) {
        if self.random.below(8) == 0 && !self.patient {
            self.disk.lose_fsyncs(true);
            self.note(|| "syncs lie from now on".to_owned());
        }
        let store = Arc::new(self.disk.open());
        let engine = Arc::new(engine(self.machine, store, Arc::clone(&self.clock)));
        if self.random.below(12) == 0 {
            self.break_something();
        }
        let passphrase = secret(PASSPHRASE);
        let mut unseal: Pin<Box<dyn Future<Output = _>>> =
            Box::pin(engine.unseal("passphrase", &passphrase, None));
        let opened = crate::world::drive(&engine, unseal.as_mut());
        drop(unseal);
        if let Err(problem) = opened {
            self.note(|| format!("unseal: {}", problem.code.as_str()));
            self.tally.count("unseal failed by a fault");
            engine.close();
            return;
        }
        let Some(callers) = self.callers(&engine) else {
            engine.close();
            return;
        };
        let mut flights: Vec<InFlight> = Vec::new();
        let steps = 6 + self.random.below(30);
        for _ in 0..steps {
            if !self.step(&engine, &callers, &mut flights) {
                if !flights.is_empty() {
                    self.tally.count("crash with commands in flight");
                }
                self.note(|| format!("crash, {} in flight", flights.len()));
                // The process is gone: nobody learns anything any more, and nothing reaches the disk.
                let _ = self.disk.open();
                drop(flights);
                engine.close();
                return;
            }
        }
        self.note(|| "close".to_owned());
        engine.close();
        for index in (0..flights.len()).rev() {
            self.poll(&mut flights, index);
        }
        // What was submitted is committed by closing. Whoever had to decide again finds the seal closed, or waits in vain.
        self.tally.count("closed in good order");
    }

    fn callers(&mut self, engine: &Engine) -> Option<Callers> {
        let base = self.base;
        let tokens = [
            &base.officer,
            &base.user,
            &base.slow_officer,
            &base.slow_user,
        ];
        let mut callers = Vec::new();
        for token in tokens {
            match login(engine, token) {
                Ok(caller) => callers.push(Arc::new(caller)),
                Err(code) => {
                    self.note(|| format!("login: {}", code.as_str()));
                    return None;
                }
            }
        }
        let [a, b, c, d] = callers.try_into().ok()?;
        Some(Callers {
            fast: [a, b],
            slow: [c, d],
        })
    }

    /// One step; false when the process crashes now.
    fn step(
        &mut self,
        engine: &Arc<Engine>,
        callers: &Callers,
        flights: &mut Vec<InFlight>,
    ) -> bool {
        match self.random.below(100) {
            0..=43 => {
                let (realm, ask, idempotency) = self.choose();
                self.send(engine, callers, flights, realm, ask, idempotency);
            }
            44..=51 => self.send_again(engine, callers, flights),
            52..=57 if self.patient => self.move_clock(),
            52..=64 => {
                if !flights.is_empty() {
                    let index = self.random.below(flights.len() as u64) as usize;
                    self.poll(flights, index);
                }
            }
            65..=84 => {
                let count = engine.pump();
                self.note(|| format!("pump: {count}"));
                for index in (0..flights.len()).rev() {
                    self.poll(flights, index);
                }
            }
            85..=89 => self.move_clock(),
            90..=92 => self.break_something(),
            93..=95 => {
                self.disk.set_medium(Medium::Healthy);
                self.disk.persist();
                self.note(|| "the disk is well again".to_owned());
            }
            96 => {
                let engine = Arc::clone(engine);
                let future: Flight = Box::pin(async move {
                    engine
                        .run_due()
                        .await
                        .map(|_| Answer::Other)
                        .map_err(|problem| problem.code)
                });
                self.note(|| "scheduler".to_owned());
                flights.push(InFlight { sent: None, future });
                self.poll(flights, flights.len() - 1);
            }
            97 => {
                if !flights.is_empty() {
                    let index = self.random.below(flights.len() as u64) as usize;
                    let flight = flights.swap_remove(index);
                    self.note(|| format!("the caller of {:?} goes away", flight.sent));
                }
            }
            _ => return false,
        }
        true
    }

    fn choose(&mut self) -> (RealmId, Ask, Option<String>) {
        let realm = if self.random.below(4) == 0 || self.patient {
            self.base.slow
        } else {
            self.base.fast
        };
        let keys: Vec<ObjectId> = self.known.ids(realm);
        let create = Ask::Create {
            activate: self.random.below(6) != 0,
            rotate: self.random.below(4) == 0,
        };
        let doomed = self.known.scheduled(realm, self.random.next_u64());
        let ask = if let Some(key) = doomed
            && self.random.below(if self.patient { 2 } else { 4 }) == 0
        {
            match self.random.below(5) {
                0 => Ask::Confirm(key),
                1 => Ask::Decrypt(key, self.known.ciphertext_of(key, 0).unwrap_or_default()),
                _ => Ask::Execute(key),
            }
        } else if keys.is_empty() || self.random.below(9) == 0 {
            create
        } else {
            let key = keys[self.random.below(keys.len() as u64) as usize];
            match self.random.below(34) {
                0..=2 => Ask::Rotate(key),
                3 => Ask::Activate(key),
                4..=5 => Ask::Suspend(key),
                6..=8 => Ask::Resume(key),
                9 => Ask::Deactivate(key),
                10 => Ask::Compromise(key),
                11..=13 => {
                    let days = if realm == self.base.slow { 7 } else { 0 };
                    Ask::Schedule(key, days)
                }
                14 => Ask::Cancel(key),
                15..=17 => Ask::Execute(key),
                18 => Ask::Confirm(key),
                19..=27 => Ask::Encrypt(key, self.random.next_u64()),
                28 => Ask::Describe(key),
                _ => match self.known.ciphertext_of(key, self.random.next_u64()) {
                    Some(ciphertext) => Ask::Decrypt(key, ciphertext),
                    None => Ask::Encrypt(key, self.random.next_u64()),
                },
            }
        };
        let idempotency =
            (self.random.below(2) == 0).then(|| format!("{:016x}", self.random.next_u64()));
        (realm, ask, idempotency)
    }

    /// The same request once more, as a client does that heard nothing.
    fn send_again(&mut self, engine: &Arc<Engine>, callers: &Callers, flights: &mut Vec<InFlight>) {
        let keyed: Vec<usize> = (0..self.sent.len())
            .filter(|index| self.sent[*index].idempotency.is_some())
            .collect();
        if keyed.is_empty() {
            return;
        }
        let again = self.sent[keyed[self.random.below(keyed.len() as u64) as usize]].clone();
        self.send(
            engine,
            callers,
            flights,
            again.realm,
            again.ask,
            again.idempotency,
        );
    }

    fn send(
        &mut self,
        engine: &Arc<Engine>,
        callers: &Callers,
        flights: &mut Vec<InFlight>,
        realm: RealmId,
        ask: Ask,
        idempotency: Option<String>,
    ) {
        let of_realm = if realm == self.base.slow {
            &callers.slow
        } else {
            &callers.fast
        };
        let caller = Arc::clone(&of_realm[usize::from(ask.by_user())]);
        let number = self.sent.len();
        let mut correlation = [0; 16];
        correlation[..8].copy_from_slice(&(number as u64 + 1).to_be_bytes());
        let correlation = CorrelationId(correlation);
        let command = ask.command(realm);
        let envelope = Envelope {
            idempotency_key: idempotency.clone(),
            correlation: Some(correlation),
            ..Envelope::default()
        };
        self.note(|| format!("send {number}: {ask:?} {idempotency:?}"));
        self.sent.push(Sent {
            correlation,
            realm,
            ask,
            idempotency,
            answer: None,
            sent_at: self.served + self.clock.service.load(Ordering::SeqCst),
        });
        let engine = Arc::clone(engine);
        let future: Flight = Box::pin(async move {
            match engine.execute(&caller, &command, &envelope).await {
                Ok(Outcome::Key(view)) => Ok(Answer::Key(view.object.id)),
                Ok(Outcome::Ciphertext {
                    ciphertext,
                    version,
                    ..
                }) => Ok(Answer::Ciphertext(ciphertext, version)),
                Ok(Outcome::Plaintext { plaintext, .. }) => {
                    Ok(Answer::Plaintext(plaintext.into_inner()))
                }
                Ok(_) => Ok(Answer::Other),
                Err(problem) => Err(problem.code),
            }
        });
        flights.push(InFlight {
            sent: Some(number),
            future,
        });
        self.poll(flights, flights.len() - 1);
    }

    fn poll(&mut self, flights: &mut Vec<InFlight>, index: usize) {
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(answer) = flights[index].future.as_mut().poll(&mut context) else {
            return;
        };
        let flight = flights.swap_remove(index);
        let Some(number) = flight.sent else { return };
        self.note(|| format!("answer {number}: {}", shown(&answer)));
        self.tally.count(match &answer {
            Ok(_) => "acknowledged",
            Err(ErrorCode::DiskFull) => "full disk refused",
            Err(ErrorCode::StorageReadOnly) => "read-only refused",
            Err(ErrorCode::OutcomeUnknown) => "unknown outcome",
            Err(ErrorCode::ModuleUnavailable) => "module fault",
            Err(ErrorCode::ClockHold) => "held by the clock rule",
            Err(_) => "refused",
        });
        if let Ok(answer) = &answer {
            self.known.learn(&self.sent[number], answer);
        }
        self.sent[number].answer = Some(answer);
    }

    fn move_clock(&mut self) {
        const HOUR: u64 = 3_600_000;
        const DAY: u64 = 24 * HOUR;
        let both = [1, 61_000, HOUR, DAY, 8 * DAY, 8 * DAY];
        let choice = self.random.below(if self.patient { 6 } else { 9 });
        if let Some(passes) = both.get(choice as usize) {
            self.clock.wall.fetch_add(*passes, Ordering::SeqCst);
            self.clock.service.fetch_add(*passes, Ordering::SeqCst);
            self.note(|| format!("{passes} ms pass"));
            return;
        }
        let step = [2_000, 2 * HOUR, 9 * DAY][self.random.below(3) as usize];
        if choice == 6 {
            self.clock.wall.fetch_sub(step, Ordering::SeqCst);
            self.note(|| format!("the wall clock steps back {step} ms"));
        } else {
            self.clock.wall.fetch_add(step, Ordering::SeqCst);
            self.note(|| format!("the wall clock steps ahead {step} ms"));
        }
    }

    fn break_something(&mut self) {
        if self.patient {
            return;
        }
        let what = self.random.below(10);
        match what {
            0 => self.disk.fail_next_sync(),
            1 => self.disk.set_medium(Medium::Full),
            2 | 3 => self.disk.set_medium(Medium::ReserveOnly),
            4 => self.disk.set_medium(Medium::ReadOnly),
            5 => self
                .disk
                .fail_next_commit(StoreFault::Unavailable("an input/output error")),
            6 => self
                .disk
                .fail_next_commit(StoreFault::Unknown("a write failed in the journal")),
            7 => self.disk.fail_next_reads(1 + self.random.below(4) as u32),
            8 => self.machine.module.fail(1 + self.random.below(3)),
            _ => {
                if self.random.below(2) == 0 {
                    self.disk.tear_next_commit();
                } else {
                    self.disk.fail_next_sync();
                }
            }
        }
        self.note(|| format!("fault {what}"));
    }

    pub fn keys(&self) -> Keys {
        self.known.keys.clone()
    }
}

fn shown(answer: &Result<Answer, ErrorCode>) -> String {
    match answer {
        Ok(Answer::Ciphertext(_, version)) => format!("a ciphertext of version {version}"),
        Ok(other) => format!("{other:?}"),
        Err(code) => code.as_str().to_owned(),
    }
}
