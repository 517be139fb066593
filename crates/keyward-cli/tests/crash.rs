//! The crash harness: the real server is killed with SIGKILL at random moments under mixed load, started again, and must hold
//! everything it acknowledged.
//!
//! `KEYWARD_CRASH_RUNS` sets how often (20), `KEYWARD_CRASH_SEED` replays a seed that a failure printed. The moments of the
//! kill follow from the seed; the interleaving of threads does not, so a replay repeats the load, not every instruction.
#![expect(
    clippy::disallowed_methods,
    reason = "a test measures time and reads its environment"
)]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use keyward_client::{Client, ClientError, Credential, Settings};
use keyward_core::algorithm::{KeySpec, Protection};
use keyward_core::command as c;
use keyward_core::command::{KeyRef, RealmRef};
use keyward_core::ids::{ObjectId, PrincipalId};
use keyward_core::name::Name;
use keyward_core::object::{ExportClass, Sensitivity};
use keyward_core::role::Role;
use keyward_core::secret::Secret;
use keyward_core::time::Millis;
use keyward_tls::Anchors;

/// A small generator for test schedules only.
#[derive(Clone)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// What the server acknowledged about one key.
#[derive(Debug, Clone, Default)]
struct Known {
    ciphertexts: Vec<(Vec<u8>, Vec<u8>)>,
    versions: u32,
    /// A change of state was under way when the server died: either answer is right.
    unsure: bool,
    suspended: bool,
    destroyed: bool,
    /// Used since it was last checked.
    touched: bool,
}

struct World {
    data: PathBuf,
    passphrase: PathBuf,
    port: u16,
    log_key: String,
}

impl World {
    fn new(root: &Path) -> Self {
        let passphrase = root.join("passphrase");
        fs::write(&passphrase, "a passphrase for the crash harness\n").unwrap();
        restrict(&passphrase);
        let config = root.join("config.toml");
        fs::write(&config, "").unwrap();
        let data = root.join("data");
        let made = Command::new(env!("CARGO_BIN_EXE_keyward"))
            .args(["init", "--no-context", "--json", "--data-dir"])
            .arg(&data)
            .arg("--passphrase-file")
            .arg(&passphrase)
            .env("KEYWARD_CONFIG", &config)
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let made: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
        let log_key = made["log_key"].as_str().unwrap().to_owned();
        Self {
            data,
            passphrase,
            port: 0,
            log_key,
        }
    }

    fn start(&mut self) -> Child {
        let port_file = self.data.join("port");
        let _ = fs::remove_file(&port_file);
        let mut server = Command::new(env!("CARGO_BIN_EXE_keyward"))
            .args(["server", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&self.data)
            .arg("--passphrase-file")
            .arg(&self.passphrase)
            .arg("--port-file")
            .arg(&port_file)
            .stderr(Stdio::from(
                fs::File::create(self.data.join("server.log")).unwrap(),
            ))
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while !port_file.exists() {
            if let Some(status) = server.try_wait().unwrap() {
                panic!(
                    "the server ended ({status}): {}",
                    fs::read_to_string(self.data.join("server.log")).unwrap()
                );
            }
            assert!(
                begun.elapsed() < Duration::from_secs(120),
                "the server does not start"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        self.port = fs::read_to_string(&port_file)
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        server
    }

    fn client(&self, token: &str) -> Client {
        let anchors = Anchors::from_pem_file(&self.data.join("tls/ca.crt")).unwrap();
        let server = format!("https://127.0.0.1:{}", self.port);
        let credential = Credential::Token(Secret::new(token.as_bytes().to_vec()));
        let mut settings = Settings::new(&server, anchors, credential).unwrap();
        settings.answer_timeout = Duration::from_secs(20);
        Client::new(settings).unwrap()
    }
}

fn restrict(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn realm() -> RealmRef {
    RealmRef::Name(Name::new("crash").unwrap())
}

async fn token(admin: &Client, realm: RealmRef, role: Role) -> String {
    let name = Name::new(role.as_str()).unwrap();
    let made = admin
        .create_workload(c::CreateWorkload {
            realm,
            name,
            roles: vec![role],
        })
        .await
        .unwrap();
    let principal = PrincipalId::parse(&made.id).unwrap();
    let issued = admin
        .issue_token(c::IssueToken {
            principal,
            lifetime: Millis::days(1),
        })
        .await
        .unwrap();
    String::from_utf8(issued.token.expose().to_vec()).unwrap()
}

fn create() -> c::CreateKey {
    c::CreateKey {
        realm: realm(),
        name: None,
        spec: KeySpec::Aes256,
        purpose: None,
        protection: Protection::Software,
        export: ExportClass::Never,
        activate: true,
        cryptoperiod: None,
        rotate_every: None,
        sensitivity: Sensitivity::Low,
        applications: Vec::new(),
        tags: Default::default(),
        owner: None,
        exception: None,
    }
}

type Ledger = Arc<Mutex<HashMap<ObjectId, Known>>>;

/// One client's load until the server dies. What is acknowledged goes into the ledger.
async fn load(officer: Arc<Client>, user: Arc<Client>, ledger: Ledger, mut dice: Dice) {
    let mut own: Vec<ObjectId> = Vec::new();
    loop {
        if own.len() < 2 || dice.roll(5) == 0 {
            let Ok(key) = officer.create_key(create()).await else {
                return;
            };
            let id = ObjectId::parse(&key.id).unwrap();
            ledger.lock().unwrap().insert(
                id,
                Known {
                    versions: 1,
                    touched: true,
                    ..Known::default()
                },
            );
            own.push(id);
            continue;
        }
        let id = own[dice.roll(own.len() as u64) as usize];
        let key = KeyRef::Id(id);
        let (destroyed, suspended) = {
            let ledger = ledger.lock().unwrap();
            let known = &ledger[&id];
            (known.destroyed, known.suspended)
        };
        if destroyed {
            continue;
        }
        let note = |edit: &dyn Fn(&mut Known)| {
            let mut ledger = ledger.lock().unwrap();
            let known = ledger.get_mut(&id).unwrap();
            known.touched = true;
            edit(known);
        };
        let choice = dice.roll(20);
        if suspended {
            note(&|k| k.unsure = true);
            if officer
                .resume_key(c::ResumeKey {
                    realm: realm(),
                    key,
                    reason: None,
                })
                .await
                .is_err()
            {
                return;
            }
            note(&|k| (k.suspended, k.unsure) = (false, false));
        } else if choice == 0 {
            note(&|k| k.unsure = true);
            if officer
                .suspend_key(c::SuspendKey {
                    realm: realm(),
                    key,
                    reason: None,
                })
                .await
                .is_err()
            {
                return;
            }
            note(&|k| (k.suspended, k.unsure) = (true, false));
        } else if choice == 1 {
            if officer
                .rotate_key(c::RotateKey {
                    realm: realm(),
                    key,
                })
                .await
                .is_err()
            {
                return;
            }
            note(&|k| k.versions += 1);
        } else if choice == 2 {
            note(&|k| k.unsure = true);
            let schedule = c::ScheduleDestruction {
                realm: realm(),
                key: key.clone(),
                version: None,
                after_days: 0,
                reason: "crash".to_owned(),
            };
            if officer.schedule_destruction(schedule).await.is_err() {
                return;
            }
            match officer
                .execute_destruction(c::ExecuteDestruction {
                    realm: realm(),
                    key,
                })
                .await
            {
                Ok(_) => note(&|k| (k.destroyed, k.unsure) = (true, false)),
                // The scheduler may have been first; either way it is gone, which is checked as unsure.
                Err(ClientError::Refused(_)) => {
                    own.retain(|other| *other != id);
                }
                Err(_) => return,
            }
        } else {
            let plaintext = dice.roll(u64::MAX).to_be_bytes().to_vec();
            let command = c::Encrypt {
                realm: realm(),
                key,
                context: Vec::new(),
                plaintext: Secret::new(plaintext.clone()),
            };
            let Ok(sealed) = user.encrypt(command).await else {
                return;
            };
            note(&|k| {
                k.ciphertexts
                    .push((sealed.ciphertext.clone(), plaintext.clone()))
            });
        }
    }
}

/// How many keys that were left alone since are checked again after each run; after the last one, all are.
const SAMPLE: usize = 20;

/// Everything acknowledged must be there, and nothing destroyed may work.
async fn check(
    officer: &Client,
    user: &Client,
    ledger: &Ledger,
    everything: bool,
    dice: &mut Dice,
) {
    let known: Vec<(ObjectId, Known)> = {
        let mut ledger = ledger.lock().unwrap();
        let odds = (ledger.len() / SAMPLE).max(1) as u64;
        let mut known = Vec::new();
        for (id, key) in ledger.iter_mut() {
            if everything || key.touched || dice.roll(odds) == 0 {
                key.touched = false;
                known.push((*id, key.clone()));
            }
        }
        known
    };
    for (id, known) in known {
        let key = KeyRef::Id(id);
        let shown = officer
            .describe_key(c::DescribeKey {
                realm: realm(),
                key: key.clone(),
            })
            .await;
        let shown =
            shown.unwrap_or_else(|error| panic!("acknowledged key {id} is not there: {error}"));
        assert!(
            shown.current_version >= known.versions,
            "{id} lost a version"
        );
        if known.destroyed {
            assert_eq!(shown.state, "destroyed", "{id}");
        }
        for (ciphertext, plaintext) in known.ciphertexts.iter().rev().take(3) {
            let command = c::Decrypt {
                realm: realm(),
                key: key.clone(),
                accept_compromised: false,
                context: Vec::new(),
                ciphertext: ciphertext.clone(),
            };
            match user.decrypt(command).await {
                Ok(opened) => {
                    assert!(!known.destroyed, "destroyed key {id} works again");
                    assert!(known.unsure || !known.suspended, "suspended key {id} works");
                    assert_eq!(opened.plaintext.expose(), plaintext, "{id}");
                }
                Err(ClientError::Refused(_)) => {
                    assert!(
                        known.destroyed || known.suspended || known.unsure,
                        "acknowledged ciphertext of {id} lost"
                    );
                }
                Err(error) => panic!("{id}: {error}"),
            }
        }
    }
}

fn verify_log(world: &World, auditor: &str, root: &Path) {
    let token_file = root.join("auditor.token");
    fs::write(&token_file, auditor).unwrap();
    restrict(&token_file);
    let run = |arguments: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_keyward"))
            .args(arguments)
            .env("KEYWARD_CONFIG", root.join("config.toml"))
            .env(
                "KEYWARD_SERVER",
                format!("https://127.0.0.1:{}", world.port),
            )
            .env("KEYWARD_CA", world.data.join("tls/ca.crt"))
            .env("KEYWARD_TOKEN_FILE", &token_file)
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    };
    // The same directory each time: each download must extend the one before it.
    let log = root.join("log");
    let log = log.to_str().unwrap();
    run(&["audit", "download", log]);
    run(&["audit", "verify", log, "--log-key", &world.log_key]);
}

#[test]
fn whatever_was_acknowledged_survives_sigkill_at_any_moment_and_the_log_goes_on() {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name)
            .ok()
            .map_or(otherwise, |text| text.parse().expect("a number"))
    };
    let runs = number("KEYWARD_CRASH_RUNS", 20);
    let seed = number(
        "KEYWARD_CRASH_SEED",
        u64::from(std::process::id()) * 2_654_435_761 + 1,
    );
    println!("seed {seed}: replay with KEYWARD_CRASH_SEED={seed}");
    let mut dice = Dice(seed);
    // Apart from the dice of the schedule, which must not depend on how many keys there are.
    let mut sampling = Dice(seed ^ 0x5a5a_5a5a);
    let root = tempfile::tempdir().unwrap();
    let mut world = World::new(root.path());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let ledger: Ledger = Arc::default();

    let mut server = world.start();
    let admin = world.client(
        fs::read_to_string(world.data.join("admin.token"))
            .unwrap()
            .trim(),
    );
    let (officer, user, auditor) = runtime.block_on(async {
        let name = Name::new("crash").unwrap();
        admin
            .create_realm(c::CreateRealm {
                name,
                level: 1,
                rehearsal: true,
                quotas: None,
            })
            .await
            .unwrap();
        (
            token(&admin, realm(), Role::CryptoOfficer).await,
            token(&admin, realm(), Role::CryptoUser).await,
            token(&admin, RealmRef::SYSTEM, Role::Auditor).await,
        )
    });
    for run in 0..runs {
        let (officer_client, user_client) = (
            Arc::new(world.client(&officer)),
            Arc::new(world.client(&user)),
        );
        let lifetime = Duration::from_millis(30 + dice.roll(500));
        runtime.block_on(async {
            let mut loads = tokio::task::JoinSet::new();
            for _ in 0..6 {
                let dice = Dice(dice.roll(u64::MAX) | 1);
                loads.spawn(load(
                    Arc::clone(&officer_client),
                    Arc::clone(&user_client),
                    Arc::clone(&ledger),
                    dice,
                ));
            }
            tokio::time::sleep(lifetime).await;
            server.kill().unwrap();
            server.wait().unwrap();
            while let Some(ended) = loads.join_next().await {
                ended.unwrap();
            }
        });
        server = world.start();
        println!(
            "run {run}: killed after {lifetime:?}, {} keys known",
            ledger.lock().unwrap().len()
        );
        let last = run + 1 == runs;
        std::thread::scope(|scope| {
            let verifying = scope.spawn(|| verify_log(&world, &auditor, root.path()));
            let (officer, user) = (world.client(&officer), world.client(&user));
            runtime.block_on(check(&officer, &user, &ledger, last, &mut sampling));
            verifying.join().expect("the log verifies");
        });
    }
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(
        ledger.lock().unwrap().len() as u64 >= runs,
        "the load never got going"
    );
}
