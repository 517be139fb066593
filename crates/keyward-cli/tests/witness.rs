//! Witnesses, with the real processes: cosignatures that offline verification can ask for; a restored old disk, a forked log
//! and a dropped tail that are refused and said; a witness that is killed and does not forget.
#[path = "cli/world.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod world;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use world::{World, code, errors};

const PATIENCE: Duration = Duration::from_secs(90);

/// A witness process with its directory.
struct Witness {
    name: &'static str,
    key: String,
    port: u16,
    child: Child,
}

impl Drop for Witness {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn keyward(world: &World, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyward"));
    command
        .current_dir(world.root())
        .env_clear()
        .stdin(Stdio::null())
        .args(arguments);
    command
}

fn log_key(world: &World) -> String {
    let text = std::fs::read_to_string(world.path("data/log.key")).unwrap();
    text.trim().to_owned()
}

impl Witness {
    fn made(world: &World, name: &'static str) -> Self {
        let made = world.good(&[
            "witness",
            "init",
            "--state-dir",
            name,
            "--name",
            &format!("witness.example/{name}"),
            "--log",
            "data/log.key",
            "--passphrase-file",
            "pass",
            "--json",
        ]);
        let made: serde_json::Value = serde_json::from_str(&made).unwrap();
        let (port, child) = Self::run(world, name, 0);
        Self {
            name,
            key: made["key"].as_str().unwrap().to_owned(),
            port,
            child,
        }
    }

    fn run(world: &World, name: &str, port: u16) -> (u16, Child) {
        let port_file = world.path(&format!("{name}.port"));
        let _ = std::fs::remove_file(&port_file);
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(world.path(&format!("{name}.log")))
            .unwrap();
        let listen = format!("127.0.0.1:{port}");
        let mut command = keyward(
            world,
            &[
                "witness",
                "run",
                "--state-dir",
                name,
                "--listen",
                &listen,
                "--passphrase-file",
                "pass",
                "--port-file",
                port_file.to_str().unwrap(),
            ],
        );
        let mut child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let begun = Instant::now();
        loop {
            if let Ok(text) = std::fs::read_to_string(&port_file)
                && let Ok(port) = text.trim().parse()
            {
                return (port, child);
            }
            assert!(child.try_wait().unwrap().is_none() && begun.elapsed() < PATIENCE);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Killed without warning, and started again at the same port.
    fn crash_and_restart(&mut self, world: &World) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let (_, child) = Self::run(world, self.name, self.port);
        self.child = child;
    }

    fn table(&self) -> String {
        format!(
            "[[witness]]\nurl = \"https://localhost:{}\"\nkey = \"{}\"\nca = \"{}/tls/ca.crt\"\n",
            self.port, self.key, self.name
        )
    }

    /// What it answers to a request: status line and headers, body.
    fn asked(&self, world: &World, method: &str, path: &str, body: &[u8]) -> (String, String) {
        let ca = world.path(self.name).join("tls/ca.crt");
        let anchors = keyward_tls::Anchors::from_pem_file(&ca).unwrap();
        let config = keyward_tls::client_config(&anchors, None, keyward_tls::Alpn::None).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let tcp = tokio::net::TcpStream::connect(("127.0.0.1", self.port))
                .await
                .unwrap();
            let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
            let connector = tokio_rustls::TlsConnector::from(config);
            let mut tls = connector.connect(name, tcp).await.unwrap();
            let head = format!(
                "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            tls.write_all(head.as_bytes()).await.unwrap();
            tls.write_all(body).await.unwrap();
            tls.flush().await.unwrap();
            let mut answer = Vec::new();
            // A server that closes without a TLS goodbye is not what is tested here.
            let _ = tls.read_to_end(&mut answer).await;
            let answer = String::from_utf8(answer).unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            (head.to_ascii_lowercase(), body.to_owned())
        })
    }

    /// The newest checkpoint it cosigned, kept in a file as an auditor would.
    fn checkpoint(&self, world: &World, file: &str) -> PathBuf {
        let origin = log_key(world);
        let origin = origin.split('+').next().unwrap().to_owned();
        let (head, note) = self.asked(world, "GET", &format!("/keyward/checkpoint/{origin}"), b"");
        assert!(head.starts_with("http/1.1 200"), "{head}");
        let path = world.path(file);
        std::fs::write(&path, note).unwrap();
        path
    }
}

/// A server with these witnesses, started.
fn witnessed(world: &mut World, witnesses: &[&Witness], more: &str) {
    let tables: String = witnesses.iter().map(|witness| witness.table()).collect();
    let config = format!("witness_every_seconds = 1\n{more}\n{tables}");
    std::fs::write(world.path("data/keyward.toml"), config).unwrap();
    world.start(true);
}

fn status(world: &World) -> serde_json::Value {
    let output = world.run(&["status", "--json"]);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", errors(&output)))
}

fn check_of(world: &World, name: &str) -> (bool, String) {
    let status = status(world);
    let checks = status["checks"].as_array().unwrap();
    let found = checks
        .iter()
        .find(|check| check["check"].as_str().unwrap().contains(name))
        .unwrap_or_else(|| panic!("{name} in {status}"));
    (
        found["ok"].as_bool().unwrap(),
        found["detail"].as_str().unwrap().to_owned(),
    )
}

/// Waits until status says something of a witness.
fn until(world: &World, name: &str, wanted: impl Fn(bool, &str) -> bool) -> String {
    let begun = Instant::now();
    loop {
        let (ok, detail) = check_of(world, name);
        if wanted(ok, &detail) {
            return detail;
        }
        assert!(begun.elapsed() < PATIENCE, "{name}: {ok} {detail}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// The size that a checkpoint states.
fn size_of(note: &Path) -> u64 {
    let text = std::fs::read_to_string(note).unwrap();
    text.lines().nth(1).unwrap().parse().unwrap()
}

/// Waits until the witness has cosigned at least so many records; the checkpoint.
fn cosigned(world: &World, witness: &Witness, records: u64, file: &str) -> PathBuf {
    let begun = Instant::now();
    until(world, witness.name, |ok, detail| {
        ok && detail.contains("cosigned")
    });
    loop {
        let path = witness.checkpoint(world, file);
        if size_of(&path) >= records {
            return path;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "{} of {records}",
            size_of(&path)
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn log_size(world: &World) -> u64 {
    status(world)["log"]["size"].as_u64().unwrap()
}

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp")
        .arg("-a")
        .arg(from)
        .arg(to)
        .status()
        .unwrap();
    assert!(done.success());
}

fn with_auditor() -> World {
    let mut world = World::empty();
    world.good(&["init", "--data-dir", "data", "--passphrase-file", "pass"]);
    world.start(true);
    world.good(&[
        "workload", "create", "auditor", "--role", "auditor", "-r", "system",
    ]);
    world.good(&[
        "workload",
        "token",
        "auditor",
        "--days",
        "1",
        "-o",
        "auditor.token",
        "-r",
        "system",
    ]);
    world.stop();
    world
}

#[test]
fn proofs_and_downloads_carry_cosignatures_that_verification_can_demand() {
    let mut world = with_auditor();
    let (first, second) = (Witness::made(&world, "w1"), Witness::made(&world, "w2"));
    witnessed(&mut world, &[&first, &second], "witnesses_needed = 2");
    cosigned(&world, &first, 8, "w1.note");
    cosigned(&world, &second, 8, "w2.note");
    let audit = |arguments: &[&str]| {
        world.good(&[&["--token-file", "auditor.token", "audit"], arguments].concat())
    };
    audit(&["proof", "3", "-o", "three.json"]);
    audit(&["download", "log", "--cosigned"]);
    for path in ["three.json", "log"] {
        let both = [
            "audit",
            "verify",
            path,
            "--witness",
            &first.key,
            "--witness",
            &second.key,
        ];
        let report = world.good(&[&both[..], &["--json"]].concat());
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!(
            report["items"][0]["witnesses"].as_array().unwrap().len(),
            2,
            "{report}"
        );
        let one_of_two = [&both[..], &["--quorum", "1"]].concat();
        world.good(&one_of_two);
    }
    // A witness that never saw this log is not counted.
    let other = with_auditor();
    let stranger = Witness::made(&other, "w3");
    let refused = world.run(&["audit", "verify", "log", "--witness", &stranger.key]);
    assert_eq!(code(&refused), 5, "{}", errors(&refused));
}

#[test]
fn a_restored_old_disk_is_refused_by_the_witness_and_found_offline_and_its_fork_too() {
    let mut world = with_auditor();
    let witness = Witness::made(&world, "w1");
    witnessed(&mut world, &[&witness], "");
    let early = log_size(&world);
    cosigned(&world, &witness, early, "early.note");
    world.stop();
    copy(&world.path("data"), &world.path("old"));

    world.start(true);
    for number in 0..20 {
        world.good(&["realm", "create", &format!("realm-{number}")]);
    }
    cosigned(&world, &witness, log_size(&world), "kept.note");
    world.stop();
    let kept_size = size_of(&witness.checkpoint(&world, "kept.note"));
    let check = |world: &World| {
        world.run(&[
            "server",
            "--check",
            "--data-dir",
            "data",
            "--passphrase-file",
            "pass",
            "--checkpoint",
            "kept.note",
            "--json",
        ])
    };
    let well = check(&world);
    assert_eq!(code(&well), 0, "{}", String::from_utf8_lossy(&well.stdout));

    // The disk of an earlier day.
    std::fs::rename(world.path("data"), world.path("new")).unwrap();
    std::fs::rename(world.path("old"), world.path("data")).unwrap();
    let found = check(&world);
    let text = String::from_utf8_lossy(&found.stdout).into_owned();
    assert_eq!(code(&found), 5, "{text}");
    assert!(text.contains("an old copy was put back"), "{text}");

    world.start(true);
    let said = until(&world, "w1", |ok, _| !ok);
    assert!(
        said.contains(&format!("has seen {kept_size} records")),
        "{said}"
    );
    let log = std::fs::read_to_string(world.path("server.log")).unwrap();
    assert!(log.contains("A WITNESS REFUSES THIS LOG"), "{log}");
    let ready = ready(&world);
    assert!(
        ready.starts_with("http/1.1 503") && ready.contains("audit_inconsistent"),
        "{ready}"
    );
    world.good(&["--token-file", "auditor.token", "audit", "download", "log"]);
    let extends = ["audit", "verify", "log", "--extends", "kept.note", "--json"];
    let found = world.run(&extends);
    assert_eq!(code(&found), 5);
    assert!(
        errors(&found).contains("is missing, or an old copy was put back"),
        "{}",
        errors(&found)
    );

    // It grows beyond what the witness has seen: now it is a fork, and stays one.
    while log_size(&world) <= kept_size {
        world.good(&["realm", "list"]);
    }
    let said = until(&world, "w1", |ok, detail| {
        !ok && detail.contains("another log")
    });
    assert!(said.contains(&format!("at {kept_size} records")), "{said}");
    world.good(&["--token-file", "auditor.token", "audit", "download", "log"]);
    let found = world.run(&extends);
    assert_eq!(code(&found), 5);
    assert!(
        errors(&found).contains("changed or forked"),
        "{}",
        errors(&found)
    );
    let evidence = std::fs::read_dir(world.path("w1/evidence"))
        .unwrap()
        .count();
    assert!(evidence > 0, "the witness keeps what the forked log signed");
    let unmoved = witness.checkpoint(&world, "after.note");
    assert_eq!(size_of(&unmoved), kept_size, "no other past was cosigned");
    world.stop();
    assert_eq!(code(&check(&world)), 5);
}

/// The whole answer of `/v1/ready`, in lower case.
fn ready(world: &World) -> String {
    let config = std::fs::read_to_string(world.path("config/keyward/config.toml")).unwrap();
    let port: u16 = config
        .lines()
        .find_map(|line| line.strip_prefix("server = \"https://localhost:"))
        .and_then(|rest| rest.trim_end_matches('"').parse().ok())
        .unwrap();
    let stand_in = Plain { port };
    stand_in.get(world, "/v1/ready")
}

struct Plain {
    port: u16,
}

impl Plain {
    fn get(&self, world: &World, path: &str) -> String {
        let anchors = keyward_tls::Anchors::from_pem_file(&world.path("data/tls/ca.crt")).unwrap();
        let config = keyward_tls::client_config(&anchors, None, keyward_tls::Alpn::None).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let tcp = tokio::net::TcpStream::connect(("127.0.0.1", self.port))
                .await
                .unwrap();
            let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
            let connector = tokio_rustls::TlsConnector::from(config);
            let mut tls = connector.connect(name, tcp).await.unwrap();
            let head =
                format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
            tls.write_all(head.as_bytes()).await.unwrap();
            tls.flush().await.unwrap();
            let mut answer = Vec::new();
            let _ = tls.read_to_end(&mut answer).await;
            String::from_utf8_lossy(&answer).to_ascii_lowercase()
        })
    }
}

#[test]
fn a_witness_that_is_killed_remembers_and_follows_a_replaced_log_key() {
    let mut world = with_auditor();
    let mut witness = Witness::made(&world, "w1");
    witnessed(&mut world, &[&witness], "");
    let before = cosigned(&world, &witness, log_size(&world), "before.note");
    for _ in 0..3 {
        witness.crash_and_restart(&world);
        world.good(&["realm", "list"]);
        let size = log_size(&world);
        until(&world, "w1", |ok, _| ok);
        cosigned(&world, &witness, size, "later.note");
    }
    world.good(&["audit", "rotate-key"]);
    let size = log_size(&world);
    let rotated = cosigned(&world, &witness, size, "rotated.note");
    assert!(size_of(&rotated) > size_of(&before));
    world.good(&[
        "--token-file",
        "auditor.token",
        "audit",
        "download",
        "log",
        "--cosigned",
    ]);
    world.good(&[
        "audit",
        "verify",
        "log",
        "--witness",
        &witness.key,
        "--extends",
        "before.note",
        "--extends",
        "later.note",
    ]);
}

#[test]
fn a_witness_answers_over_https_as_the_specification_says() {
    let mut world = with_auditor();
    let witness = Witness::made(&world, "w1");
    witnessed(&mut world, &[&witness], "");
    let kept = cosigned(&world, &witness, 8, "kept.note");
    world.stop();
    let note = std::fs::read_to_string(&kept).unwrap();
    let ask = |body: &str| witness.asked(&world, "POST", "/add-checkpoint", body.as_bytes());
    let status = |answer: &(String, String)| answer.0.split(' ').nth(1).unwrap().to_owned();

    let conflict = ask(&format!("old 1\n\n{note}"));
    assert_eq!(status(&conflict), "409");
    assert!(
        conflict.0.contains("content-type: text/x.tlog.size"),
        "{}",
        conflict.0
    );
    assert_eq!(conflict.1, format!("{}\n", size_of(&kept)));

    let again = ask(&format!("old {}\n\n{note}", size_of(&kept)));
    assert_eq!(status(&again), "200", "{again:?}");
    assert!(
        again.1.starts_with("— witness.example/w1 ") && again.1.ends_with('\n'),
        "{}",
        again.1
    );

    let proof = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let wrong_proof = ask(&format!("old {}\n{proof}\n\n{note}", size_of(&kept)));
    assert_eq!(status(&wrong_proof), "422");
    assert_eq!(
        status(&ask(&format!("old {}\n\n{note}", u64::MAX / 2))),
        "400"
    );
    assert_eq!(status(&ask(&format!("old 01\n\n{note}"))), "400");
    assert_eq!(status(&ask("nonsense")), "400");
    let (text, signatures) = note.split_once("\n\n").unwrap();
    let foreign = note.replacen("keyward/", "kexward/", 1);
    assert_eq!(status(&ask(&format!("old 8\n\n{foreign}"))), "404");
    let altered = text.replacen(&format!("\n{}\n", size_of(&kept)), "\n9999\n", 1);
    assert_eq!(
        status(&ask(&format!("old 8\n\n{altered}\n\n{signatures}"))),
        "403"
    );
    assert_eq!(
        status(&witness.asked(&world, "GET", "/add-checkpoint", b"")),
        "405"
    );
    assert_eq!(
        status(&witness.asked(&world, "POST", "/elsewhere", b"")),
        "404"
    );
    // A history that does not begin with the pinned key is not believed.
    let history = witness.asked(&world, "POST", "/keyward/log-keys", b"nonsense");
    assert_eq!(status(&history), "400");
}

#[test]
fn a_cosigned_checkpoint_verifies_with_another_implementation() {
    use signed_note::{Note, StandardVerifier, Verifier, VerifierList};
    let mut world = with_auditor();
    let witness = Witness::made(&world, "w1");
    witnessed(&mut world, &[&witness], "");
    let kept = cosigned(&world, &witness, 8, "kept.note");
    /// Their own Ed25519 over the message of a cosignature: the kinds of signatures are left to their callers.
    struct Cosigner(StandardVerifier, String, u32);
    impl Verifier for Cosigner {
        fn name(&self) -> &str {
            &self.1
        }
        fn key_id(&self) -> u32 {
            self.2
        }
        fn verify(&self, text: &[u8], signature: &[u8]) -> bool {
            let (time, signature) = signature.split_at(8);
            let time = u64::from_be_bytes(time.try_into().unwrap());
            let message = [format!("cosignature/v1\ntime {time}\n").as_bytes(), text].concat();
            self.0.verify(&message, signature)
        }
    }
    let (name, rest) = witness.key.split_once('+').unwrap();
    let (id, material) = rest.split_once('+').unwrap();
    let mut bytes = base64_simd::STANDARD.decode_to_vec(material).unwrap();
    assert_eq!(bytes[0], 4, "a key that cosigns");
    bytes[0] = 1;
    let as_log = format!(
        "{name}+{:08x}+{}",
        signed_note::key_id(name, &bytes),
        base64_simd::STANDARD.encode_to_string(&bytes)
    );
    let cosigner = Cosigner(
        StandardVerifier::new(&as_log).unwrap(),
        name.to_owned(),
        u32::from_str_radix(id, 16).unwrap(),
    );
    let log = StandardVerifier::new(&log_key(&world)).unwrap();
    let note = Note::from_bytes(&std::fs::read(&kept).unwrap()).unwrap();
    let known = VerifierList::new(vec![Box::new(log), Box::new(cosigner)]);
    let (verified, _) = note.verify(&known).unwrap();
    assert_eq!(verified.len(), 2);
    let checkpoint = tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap();
    assert_eq!(checkpoint.size(), size_of(&kept));

    // And a `.tlog-proof`, read by hand and computed by them.
    world.good(&[
        "--token-file",
        "auditor.token",
        "audit",
        "proof",
        "3",
        "-o",
        "three.json",
    ]);
    let file: serde_json::Value =
        serde_json::from_slice(&std::fs::read(world.path("three.json")).unwrap()).unwrap();
    let proof = file["proof"].as_str().unwrap();
    let (lines, note) = proof.split_once("\n\n").unwrap();
    let mut lines = lines.lines();
    assert_eq!(lines.next(), Some("c2sp.org/tlog-proof@v1"));
    assert_eq!(lines.next(), Some("index 3"));
    let hashes: Vec<tlog_tiles::Hash> = lines
        .map(|line| tlog_tiles::Hash::parse_hash(line).unwrap())
        .collect();
    let note = Note::from_bytes(note.as_bytes()).unwrap();
    assert_eq!(
        note.verify(&known).unwrap().0.len(),
        2,
        "it carries the cosignature"
    );
    let checkpoint = tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap();
    let entry = base64_simd::STANDARD
        .decode_to_vec(file["entry"].as_str().unwrap())
        .unwrap();
    let leaf = tlog_tiles::record_hash(&entry);
    tlog_tiles::check_record(&hashes, checkpoint.size(), *checkpoint.hash(), 3, leaf).unwrap();
}

#[test]
fn a_witness_whose_memory_is_gone_or_changed_does_not_start_and_two_do_not_share_one() {
    let mut world = with_auditor();
    let witness = Witness::made(&world, "w1");
    witnessed(&mut world, &[&witness], "");
    cosigned(&world, &witness, 8, "kept.note");
    let run = |world: &World| {
        world.run(&[
            "witness",
            "run",
            "--state-dir",
            "w1",
            "--listen",
            "127.0.0.1:0",
            "--passphrase-file",
            "pass",
            "--json",
        ])
    };
    let second = run(&world);
    assert_ne!(code(&second), 0);
    assert!(
        errors(&second).contains("another witness"),
        "{}",
        errors(&second)
    );
    drop(witness);
    let memory = world.path("w1/memory");
    let good = std::fs::read(&memory).unwrap();
    for place in [0, 31, 32, 40, good.len() - 1] {
        let mut bad = good.clone();
        bad[place] ^= 1;
        std::fs::write(&memory, bad).unwrap();
        assert_eq!(code(&run(&world)), 5, "byte {place}");
    }
    std::fs::remove_file(&memory).unwrap();
    let gone = run(&world);
    assert_ne!(code(&gone), 0);
    assert!(errors(&gone).contains("memory"), "{}", errors(&gone));
}

#[test]
fn a_destruction_is_witnessed_at_once_and_a_silent_witness_is_said() {
    let mut world = with_auditor();
    let witness = Witness::made(&world, "w1");
    witnessed(&mut world, &[&witness], "witnesses_needed = 1");
    // From here on only a destruction asks for a round.
    cosigned(&world, &witness, 1, "first.note");
    world.stop();
    let config = std::fs::read_to_string(world.path("data/keyward.toml")).unwrap();
    let slow = config.replace(
        "witness_every_seconds = 1\n",
        "witness_every_seconds = 86400\n",
    );
    assert_ne!(slow, config);
    std::fs::write(world.path("data/keyward.toml"), slow).unwrap();
    world.start(true);
    until(&world, "w1", |ok, detail| ok && detail.contains("cosigned"));
    world.good(&["realm", "create", "trial", "--rehearsal"]);
    world.good(&[
        "workload",
        "create",
        "officer",
        "--role",
        "crypto-officer",
        "-r",
        "trial",
    ]);
    world.good(&[
        "workload",
        "token",
        "officer",
        "--days",
        "1",
        "-o",
        "officer.token",
        "-r",
        "trial",
    ]);
    let officer = |arguments: &[&str]| {
        world.good(&[&["--token-file", "officer.token", "-r", "trial"], arguments].concat())
    };
    officer(&["key", "create", "doomed"]);
    let before = size_of(&witness.checkpoint(&world, "before.note"));
    officer(&[
        "key",
        "destroy",
        "schedule",
        "doomed",
        "--after-days",
        "0",
        "--reason",
        "rehearsal",
    ]);
    let begun = Instant::now();
    while size_of(&witness.checkpoint(&world, "after.note")) <= before {
        assert!(
            begun.elapsed() < PATIENCE,
            "the destruction was not shown to the witness"
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(
        ready(&world).starts_with("http/1.1 200"),
        "{}",
        ready(&world)
    );
    drop(witness);
    world.stop();
    world.start(true);
    let said = until(&world, "w1", |ok, _| !ok);
    assert!(said.contains("does not answer"), "{said}");
    let ready = ready(&world);
    assert!(
        ready.starts_with("http/1.1 503") && ready.contains("witness_unavailable"),
        "{ready}"
    );
}
