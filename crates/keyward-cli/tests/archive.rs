//! Archiving by policy, with the real server: segments that verify on their own, a log that still verifies, expiry that is
//! recorded; and redaction, after which the body is in no file.
#[path = "cli/world.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod world;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use keyward_client::{Blocking, Credential, Settings};
use keyward_core::command::ListRealms;
use keyward_core::secret::Secret;
use world::{World, code, errors};

const PATIENCE: Duration = Duration::from_secs(120);

fn client(world: &World, token: &str) -> Blocking {
    let port = std::fs::read_to_string(world.path("port")).unwrap();
    let anchors = keyward_tls::Anchors::from_pem_file(&world.path("data/tls/ca.crt")).unwrap();
    let token = Secret::new(
        std::fs::read(world.path(token))
            .unwrap()
            .trim_ascii()
            .to_vec(),
    );
    let server = format!("https://localhost:{}", port.trim());
    Blocking::new(Settings::new(&server, anchors, Credential::Token(token)).unwrap()).unwrap()
}

/// Makes so many records.
fn records(world: &World, count: usize) {
    let client = client(world, "data/admin.token");
    for _ in 0..count {
        let list = ListRealms {
            after: None,
            limit: 1,
        };
        client
            .run(async |client| client.list_realms(list).await)
            .unwrap();
    }
}

fn segments(world: &World) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(world.path("archive"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "kwseg"))
        .collect();
    found.sort();
    found
}

fn until(what: &str, wanted: impl Fn() -> bool) {
    let begun = Instant::now();
    while !wanted() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

const AUDITOR: [&str; 2] = ["--token-file", "auditor.token"];

#[test]
fn old_records_go_into_segments_that_verify_and_expire_and_the_log_still_verifies() {
    let mut world = World::with_people();
    world.stop();
    std::fs::create_dir(world.path("archive")).unwrap();
    let policy = "[archive]\ndirectory = \"archive\"\nafter_days = 0\nevery_seconds = 1\n";
    std::fs::write(world.path("data/keyward.toml"), policy).unwrap();
    world.start(true);
    records(&world, 600);
    until("two tiles are archived", || {
        segments(&world)
            .iter()
            .any(|path| path.to_str().unwrap().contains("-0000000000000000051"))
            || segments(&world).len() > 1
    });
    world.good(&[&AUDITOR[..], &["audit", "download", "log"]].concat());
    world.good(&["audit", "verify", "log"]);
    for segment in segments(&world) {
        world.good(&["audit", "verify", segment.to_str().unwrap()]);
    }
    world.good(&[&AUDITOR[..], &["audit", "proof", "600", "-o", "young.json"]].concat());
    world.good(&["audit", "verify", "young.json"]);
    let gone = world.run(&[&AUDITOR[..], &["audit", "proof", "3", "--json"]].concat());
    assert_eq!(code(&gone), 1);
    assert!(
        errors(&gone).contains("segment_archived"),
        "{}",
        errors(&gone)
    );
    world.stop();
    let check = [
        "server",
        "--check",
        "--data-dir",
        "data",
        "--passphrase-file",
        "pass",
    ];
    let checked = world.run(&check);
    assert_eq!(
        code(&checked),
        0,
        "{}",
        String::from_utf8_lossy(&checked.stdout)
    );

    // A segment of long ago, by its name, expires; a file that is none of ours stays.
    let policy = "[archive]\ndirectory = \"archive\"\nafter_days = 1\nexpire_after_days = 2\nevery_seconds = 1\n";
    std::fs::write(world.path("data/keyward.toml"), policy).unwrap();
    let first = segments(&world).remove(0);
    let old =
        world.path("archive/keyward-00000000000000000000-00000000000000000256-1000000000.kwseg");
    std::fs::rename(&first, &old).unwrap();
    std::fs::write(world.path("archive/mine.kwseg"), "kept").unwrap();
    world.start(true);
    until("the old segment expires", || !old.exists());
    assert!(world.path("archive/mine.kwseg").exists());
    let found = world.good(
        &[
            &AUDITOR[..],
            &["audit", "search", "--command", "server-event", "--json"],
        ]
        .concat(),
    );
    assert!(
        found.contains("archived records 0 to 256 expire by policy"),
        "{found}"
    );
}

#[test]
fn a_policy_that_would_lose_records_is_refused_at_the_start() {
    let world = World::empty();
    world.good(&["init", "--data-dir", "data", "--passphrase-file", "pass"]);
    for (policy, said) in [
        ("directory = \"nowhere\"\nafter_days = 1", "not a directory"),
        (
            "directory = \"data\"\nafter_days = 5\nexpire_after_days = 5",
            "must be more than",
        ),
        (
            "directory = \"data\"\nafter_days = 5\nexpires = 5",
            "unknown field",
        ),
    ] {
        std::fs::write(
            world.path("data/keyward.toml"),
            format!("[archive]\n{policy}\n"),
        )
        .unwrap();
        let refused = world.run(&[
            "server",
            "--data-dir",
            "data",
            "--listen",
            "127.0.0.1:0",
            "--passphrase-file",
            "pass",
            "--json",
        ]);
        assert_ne!(code(&refused), 0);
        assert!(
            errors(&refused).contains(said),
            "{said}: {}",
            errors(&refused)
        );
    }
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files_below(&path));
        } else {
            all.push(path);
        }
    }
    all
}

/// Files of the data directory that hold these bytes.
fn holding(world: &World, needle: &[u8]) -> Vec<PathBuf> {
    let has = |path: &PathBuf| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(needle.len()).any(|window| window == needle)
    };
    files_below(&world.path("data"))
        .into_iter()
        .filter(has)
        .collect()
}

#[test]
fn a_redacted_body_is_in_no_file_of_the_data_directory_and_its_proof_stays() {
    let mut world = World::with_people();
    // The body of a record of an unsealing has nothing of its own; that of a policy's name has its detail only in the record.
    let reason = "erasure-request-of-a-person-whose-name-must-go";
    world.good(&["audit", "redact", "2", "--reason", reason, "--yes"]);
    assert!(
        !holding(&world, reason.as_bytes()).is_empty(),
        "it was written somewhere"
    );
    let found = world.good(
        &[
            &AUDITOR[..],
            &["audit", "search", "--command", "redact-record", "--json"],
        ]
        .concat(),
    );
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    let index = found["items"][0]["index"].as_u64().unwrap().to_string();
    world.good(&["audit", "redact", &index, "--reason", "request 12", "--yes"]);
    assert_eq!(holding(&world, reason.as_bytes()), Vec::<PathBuf>::new());
    world.good(&[&AUDITOR[..], &["audit", "proof", &index, "-o", "p.json"]].concat());
    world.good(&["audit", "verify", "p.json"]);
    world.good(&[&AUDITOR[..], &["audit", "download", "log"]].concat());
    world.good(&["audit", "verify", "log"]);
    world.stop();
    assert_eq!(holding(&world, reason.as_bytes()), Vec::<PathBuf>::new());
    world.start(true);
    let again = world.run(&[
        "audit", "redact", &index, "--reason", "again", "--yes", "--json",
    ]);
    assert!(
        errors(&again).contains("record_redacted"),
        "{}",
        errors(&again)
    );
}
