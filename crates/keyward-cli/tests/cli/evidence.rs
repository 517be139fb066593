//! The log, downloaded, archived and proven, verified without the server; and every kind of tampering found.
use std::path::{Path, PathBuf};

use keyward_client::{Blocking, Credential, Settings};
use keyward_core::command::{Encrypt, KeyRef, RealmRef};
use keyward_core::name::Name;
use keyward_core::secret::Secret;

use crate::transcript::Transcript;
use crate::world::{World, code, errors};

/// A world with more than `records` records, made through the client.
fn busy(records: usize) -> World {
    let world = World::with_people();
    assert_eq!(code(&world.by("officer", &["key", "create", "orders"])), 0);
    let config = std::fs::read_to_string(world.path("config/keyward/config.toml")).unwrap();
    let server = config
        .lines()
        .find_map(|line| line.strip_prefix("server = "))
        .unwrap()
        .trim_matches('"');
    let anchors = keyward_tls::Anchors::from_pem_file(&world.path("data/tls/ca.crt")).unwrap();
    let token = Secret::new(std::fs::read(world.path("billing.token")).unwrap());
    let client =
        Blocking::new(Settings::new(server, anchors, Credential::Token(token)).unwrap()).unwrap();
    for number in 0..records {
        let command = Encrypt {
            realm: RealmRef::Name(Name::new("shop").unwrap()),
            key: KeyRef::Name(Name::new("orders").unwrap()),
            context: Vec::new(),
            plaintext: Secret::new(number.to_be_bytes().to_vec()),
        };
        client
            .run(async |client| client.encrypt(command).await)
            .unwrap();
    }
    world
}

const AUDITOR: [&str; 2] = ["--token-file", "auditor.token"];

fn audit(world: &World, arguments: &[&str]) -> String {
    world.good(&[&AUDITOR[..], &["audit"], arguments].concat())
}

/// The exit code and what was said, without the line breaks of a terminal.
fn verified(world: &World, path: &Path) -> (i32, String) {
    let output = world.run(&["audit", "verify", path.to_str().unwrap()]);
    let words: Vec<String> = errors(&output)
        .split_ascii_whitespace()
        .map(str::to_owned)
        .collect();
    (code(&output), words.join(" "))
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
    all.sort();
    all
}

#[test]
fn a_session_of_an_auditor() {
    let world = World::with_people();
    let mut session = Transcript::new(&world);
    let auditor = "--token-file auditor.token";
    session.run(&format!("audit records --last 4 {auditor}"));
    session.run(&format!("audit records --refused -r system {auditor}"));
    session.run(&format!("audit records --command frobnicate {auditor}"));
    session.run(&format!("audit proof 3 -o p.json {auditor}"));
    session.run("audit verify p.json");
    session.run("audit verify p.json --json");
    session.run(&format!("audit download log {auditor}"));
    session.run("audit verify log");
    session.run("audit verify log --log-key nothing");
    session.run(&format!("audit proof 9999 {auditor}"));
    session.run("audit records");
    session.run("audit verify pass");
    session.check("audit.txt");
}

#[test]
fn a_download_verifies_grows_and_every_changed_byte_in_it_is_found() {
    let world = busy(600);
    audit(&world, &["download", "log"]);
    let log = world.path("log");
    assert_eq!(verified(&world, &log), (0, String::new()));
    assert_eq!(code(&world.by("officer", &["key", "rotate", "orders"])), 0);
    audit(&world, &["download", "log"]);
    assert_eq!(verified(&world, &log), (0, String::new()));
    for file in files_below(&log) {
        let good = std::fs::read(&file).unwrap();
        let step = (good.len() / 25).max(1);
        for place in (0..good.len()).step_by(step) {
            let mut bad = good.clone();
            bad[place] ^= 1;
            std::fs::write(&file, &bad).unwrap();
            let (code, text) = verified(&world, &log);
            // The narrower blocks of an earlier download are superseded and no longer read.
            let superseded = file.to_str().unwrap().contains(".p/") && code == 0;
            assert!(
                code == 5 || superseded,
                "{} at {place}: {code} {text}",
                file.display()
            );
        }
        std::fs::write(&file, &good).unwrap();
    }
    assert_eq!(verified(&world, &log), (0, String::new()));
    for file in ["keys", "checkpoint", "tile/entries/000"] {
        let path = log.join(file);
        let good = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(verified(&world, &log).0, 5, "{file} missing");
        std::fs::write(&path, &good[..good.len() - 1]).unwrap();
        assert_eq!(verified(&world, &log).0, 5, "{file} cut short");
        std::fs::write(&path, good).unwrap();
    }
}

#[test]
fn the_log_of_another_installation_does_not_pass_for_this_one() {
    let (world, other) = (World::with_people(), World::with_people());
    audit(&other, &["download", "log"]);
    let (code, text) = verified(&world, &other.path("log"));
    assert_eq!(code, 5);
    assert!(
        text.contains("does not begin with the key that you trust"),
        "{text}"
    );
}

#[test]
fn archived_segments_verify_with_bodies_and_what_stays_verifies_without_them() {
    let world = busy(600);
    for part in [
        "workload create keeper --role backup-operator",
        "workload token keeper --days 1 -o keeper.token",
    ] {
        let words: Vec<&str> = part.split(' ').collect();
        world.good(&[&words[..], &["-r", "system"]].concat());
    }
    let archive = ["audit", "archive", "--before", "512", "-o", "one.kwseg"];
    // Backup Operators of the installation archive: administrators do not remove evidence, auditors only read it.
    for who in ["data/admin.token", "auditor.token", "billing.token"] {
        let refused = world.run(&[&archive[..], &["--token-file", who]].concat());
        assert_eq!(code(&refused), 1, "{who}");
        assert!(
            errors(&refused).contains("permission_denied"),
            "{who}: {}",
            errors(&refused)
        );
        assert!(!world.path("one.kwseg").exists(), "{who} got a segment");
    }
    let archived = world.run(&[&archive[..], &["--token-file", "keeper.token"]].concat());
    assert_eq!(code(&archived), 0, "{}", errors(&archived));
    let segment = world.path("one.kwseg");
    assert_eq!(verified(&world, &segment), (0, String::new()));
    audit(&world, &["download", "log"]);
    assert_eq!(verified(&world, &world.path("log")), (0, String::new()));
    let report = world.good(&["audit", "verify", "one.kwseg", "log", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let (segment_report, log_report) = (&report["items"][0], &report["items"][1]);
    assert_eq!(segment_report["bodies"], segment_report["records"]);
    assert_eq!(segment_report["first"], 0);
    assert!(log_report["hashes_only"].as_u64().unwrap() > 0, "{report}");
    let sum = log_report["hashes_only"].as_u64().unwrap() + log_report["records"].as_u64().unwrap();
    assert_eq!(sum, log_report["size"].as_u64().unwrap());

    let good = std::fs::read(&segment).unwrap();
    for place in (0..good.len()).step_by(good.len() / 150) {
        let mut bad = good.clone();
        bad[place] ^= 0x10;
        std::fs::write(&segment, bad).unwrap();
        let (code, text) = verified(&world, &segment);
        assert!(matches!(code, 5 | 6), "byte {place}: {code} {text}");
    }
}

#[test]
fn a_redacted_record_still_proves_and_a_rotated_log_key_is_followed() {
    let world = busy(5);
    audit(&world, &["proof", "4", "-o", "before.json"]);
    let redacted = world.run(&[
        "audit",
        "redact",
        "4",
        "--reason",
        "erasure request 12",
        "--yes",
    ]);
    assert_eq!(code(&redacted), 0, "{}", errors(&redacted));
    let rotated = world.run(&["audit", "rotate-key"]);
    assert_eq!(code(&rotated), 0, "{}", errors(&rotated));
    audit(&world, &["proof", "4", "-o", "after.json"]);
    audit(&world, &["download", "log"]);
    for path in ["before.json", "after.json", "log"] {
        assert_eq!(
            verified(&world, &world.path(path)),
            (0, String::new()),
            "{path}"
        );
    }
    let report: serde_json::Value =
        serde_json::from_str(&world.good(&["audit", "verify", "after.json", "--json"])).unwrap();
    assert_eq!(
        (
            &report["items"][0]["redacted"],
            &report["items"][0]["bodies"]
        ),
        (&1.into(), &0.into())
    );
    assert_eq!(report["items"][0]["key_rotations"], 1);
}

#[test]
fn a_proof_of_one_record_does_not_prove_another() {
    let world = busy(3);
    audit(&world, &["proof", "4", "-o", "four.json"]);
    audit(&world, &["proof", "5", "-o", "five.json"]);
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(world.path(name)).unwrap()).unwrap()
    };
    let (four, five) = (read("four.json"), read("five.json"));
    for member in ["entry", "body", "proof", "index"] {
        let mut mixed = four.clone();
        mixed[member] = five[member].clone();
        std::fs::write(world.path("mixed.json"), mixed.to_string()).unwrap();
        let (code, text) = verified(&world, &world.path("mixed.json"));
        assert_eq!(code, 5, "{member}: {text}");
    }
    assert_eq!(
        verified(&world, &world.path("four.json")),
        (0, String::new())
    );
}

#[test]
fn the_log_survives_a_restart_of_the_server() {
    let mut world = busy(3);
    audit(&world, &["download", "log"]);
    world.stop();
    world.start(true);
    audit(&world, &["download", "log"]);
    assert_eq!(verified(&world, &world.path("log")), (0, String::new()));
}
