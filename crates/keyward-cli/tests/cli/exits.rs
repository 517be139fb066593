//! How commands end when something is not right.
use std::os::unix::fs::PermissionsExt;

use crate::world::{World, code, errors};

#[test]
fn a_line_that_is_not_right_ends_with_2_and_does_nothing() {
    let world = World::empty();
    for line in [
        &["key", "create", "--spec", "aes-257"][..],
        &[
            "key",
            "destroy",
            "schedule",
            "k",
            "--after-days",
            "6",
            "--reason",
            "x",
        ],
        &["workload", "create", "x", "--role", "root"],
        &["frobnicate"],
        &["status"],
        &[
            "key",
            "list",
            "--server",
            "http://localhost:1",
            "--ca",
            "pass",
        ],
        &["context", "use", "nowhere"],
        &[
            "unseal",
            "--passphrase-file",
            "pass",
            "--passphrase-fd",
            "0",
        ],
    ] {
        let output = world.run(line);
        assert!(
            matches!(code(&output), 2 | 6),
            "{line:?}: {} {}",
            code(&output),
            errors(&output)
        );
        assert!(output.stdout.is_empty(), "{line:?}");
    }
}

#[test]
fn every_failure_says_what_happened_its_code_and_what_to_do_next() {
    let world = World::empty();
    let text = errors(&world.run(&["status"]));
    assert!(
        text.contains("error: ") && text.contains(" code: ") && text.contains(" next: "),
        "{text}"
    );
    let json: serde_json::Value =
        serde_json::from_str(&errors(&world.run(&["status", "--json"]))).unwrap();
    for member in ["code", "detail", "help", "exit"] {
        assert!(!json["error"][member].is_null(), "{member}: {json}");
    }
}

#[test]
fn a_server_that_is_not_there_ends_with_3() {
    let world = World::empty();
    world.good(&["init", "--data-dir", "data", "--passphrase-file", "pass"]);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let output = world.run(&["status", "--server", &format!("https://localhost:{port}")]);
    assert_eq!(code(&output), 3, "{}", errors(&output));
}

#[test]
fn a_server_that_another_authority_vouches_for_ends_with_3() {
    let world = World::running();
    let other = World::empty();
    other.good(&["init", "--data-dir", "data", "--passphrase-file", "pass"]);
    let ca = other.path("data/tls/ca.crt");
    let output = world.run(&["status", "--ca", ca.to_str().unwrap()]);
    assert_eq!(code(&output), 3);
    assert!(errors(&output).contains("untrusted"), "{}", errors(&output));
}

#[test]
fn a_sealed_server_ends_with_4_whatever_is_asked_until_it_is_unsealed() {
    let mut world = World::empty();
    world.good(&["init", "--data-dir", "data", "--passphrase-file", "pass"]);
    world.start(false);
    for line in [
        &["status"][..],
        &["realm", "list"],
        &["key", "list", "-r", "shop"],
        &["audit", "records"],
    ] {
        assert_eq!(code(&world.run(line)), 4, "{line:?}");
    }
    world.write_private("wrong", "incorrect horse battery staple");
    let output = world.run(&["unseal", "--passphrase-file", "wrong"]);
    assert_eq!(code(&output), 1);
    assert!(
        errors(&output).contains("unseal_failed"),
        "{}",
        errors(&output)
    );
    world.good(&["unseal", "--passphrase-file", "pass"]);
    assert_eq!(code(&world.run(&["status"])), 0);
    assert_eq!(
        code(&world.run(&["unseal", "--passphrase-file", "pass"])),
        1
    );
}

#[test]
fn a_passphrase_comes_through_a_descriptor_too() {
    let world = World::empty();
    let made = world.fed(
        &["init", "--data-dir", "data", "--passphrase-fd", "0"],
        b"correct horse battery staple\n",
    );
    assert_eq!(code(&made), 0, "{}", errors(&made));
    let checked = world.good(&[
        "server",
        "--data-dir",
        "data",
        "--check",
        "--passphrase-file",
        "pass",
    ]);
    assert!(checked.contains("custody."), "{checked}");
}

#[test]
fn a_weak_passphrase_makes_no_installation() {
    let world = World::empty();
    world.write_private("weak", "short");
    let output = world.run(&["init", "--data-dir", "data", "--passphrase-file", "weak"]);
    assert_eq!(code(&output), 6);
    assert!(
        errors(&output).contains("passphrase"),
        "{}",
        errors(&output)
    );
    assert!(!world.path("config/keyward/config.toml").exists());
}

#[test]
fn an_installation_is_never_made_over_something_else() {
    let world = World::empty();
    world.good(&["init", "--data-dir", "data", "--passphrase-file", "pass"]);
    let again = [
        "init",
        "--data-dir",
        "data",
        "--passphrase-file",
        "pass",
        "--context-name",
        "other",
    ];
    assert_eq!(code(&world.run(&again)), 6);
    let other = ["init", "--data-dir", "data2", "--passphrase-file", "pass"];
    let output = world.run(&other);
    assert_eq!(
        code(&output),
        2,
        "the context `default` is taken: {}",
        errors(&output)
    );
    assert!(!world.path("data2").exists());
}

#[test]
fn secrets_that_others_can_read_are_not_used() {
    let world = World::running();
    let token = world.path("data/admin.token");
    std::fs::set_permissions(&token, PermissionsExt::from_mode(0o644)).unwrap();
    let output = world.run(&["realm", "list"]);
    assert_eq!(code(&output), 6);
    assert!(errors(&output).contains("chmod 600"), "{}", errors(&output));
}

#[test]
fn what_init_wrote_only_its_owner_can_read() {
    let world = World::empty();
    world.good(&["init", "--data-dir", "data", "--passphrase-file", "pass"]);
    for secret in [
        "data/admin.token",
        "data/tls/server.key",
        "data/tls/ca.key",
        "config/keyward/config.toml",
    ] {
        let mode = std::fs::metadata(world.path(secret))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{secret}: {mode:o}");
    }
    assert_eq!(
        std::fs::metadata(world.path("data"))
            .unwrap()
            .permissions()
            .mode()
            & 0o077,
        0
    );
}

#[test]
fn settings_come_from_flags_before_the_environment_before_the_context() {
    let world = World::with_people();
    world.good(&["context", "set", "default", "--realm", "nowhere"]);
    let list = ["key", "list", "--token-file", "officer.token"];
    assert_eq!(code(&world.run(&list)), 1);
    assert_eq!(
        code(&world.run_with(&list, &[("KEYWARD_REALM", "shop")])),
        0
    );
    let flagged = [&list[..], &["-r", "nowhere"]].concat();
    assert_eq!(
        code(&world.run_with(&flagged, &[("KEYWARD_REALM", "shop")])),
        1
    );
}

#[test]
fn a_server_on_the_same_directory_twice_is_refused() {
    let world = World::running();
    let output = world.run(&["server", "--data-dir", "data", "--listen", "127.0.0.1:0"]);
    assert_eq!(code(&output), 6);
    assert!(
        errors(&output).contains("another server"),
        "{}",
        errors(&output)
    );
}

#[test]
fn a_configuration_is_checked_without_a_server() {
    let world = World::empty();
    world.good(&["init", "--data-dir", "data", "--passphrase-file", "pass"]);
    let told = world.good(&["config", "check"]);
    for check in [
        "default.server",
        "default.authority",
        "default.credential",
        "default.log_key",
    ] {
        assert!(
            told.contains(check) && !told.contains("FAIL"),
            "{check}: {told}"
        );
    }
    let token = world.path("data/admin.token");
    std::fs::set_permissions(&token, PermissionsExt::from_mode(0o644)).unwrap();
    let broken = world.run(&["config", "check", "--json"]);
    assert_eq!(code(&broken), 6);
    let report: serde_json::Value = serde_json::from_slice(&broken.stdout).unwrap();
    let wrong: Vec<_> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["ok"] == false)
        .collect();
    assert_eq!(wrong.len(), 1, "{report}");
    assert_eq!(wrong[0]["check"], "default.credential");

    let server = ["config", "check", "--data-dir", "data"];
    assert!(world.good(&server).contains("server.crt"));
    std::fs::write(world.path("data/keyward.toml"), "lisen = \"127.0.0.1:1\"\n").unwrap();
    let misspelt = world.run(&server);
    assert_eq!(code(&misspelt), 6);
    assert!(String::from_utf8_lossy(&misspelt.stdout).contains("lisen"));
}
