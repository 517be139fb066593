//! Files longer than one operation takes.
use std::path::Path;
use std::process::Command;

use crate::world::{World, code, errors};

fn world() -> World {
    let world = World::with_people();
    assert_eq!(code(&world.by("officer", &["key", "create", "backups"])), 0);
    world
}

fn data(length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| (index * 31 + index / 251) as u8)
        .collect()
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("sealed") || name.contains("opened"))
        .collect();
    names.sort();
    names
}

const ENCRYPT: [&str; 6] = ["encrypt", "-k", "backups", "in", "-o", "sealed"];

/// The same with limits of the shell on it, as a full disk or a kill would stop it.
fn limited(world: &World, limits: &str, arguments: &[&str]) -> std::process::Output {
    let script = format!("{limits}; exec \"$0\" --token-file billing.token -r shop \"$@\"");
    Command::new("bash")
        .args(["-c", &script, env!("CARGO_BIN_EXE_keyward")])
        .args(arguments)
        .current_dir(world.root())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("XDG_CONFIG_HOME", world.path("config"))
        .output()
        .unwrap()
}

#[test]
fn a_long_file_comes_back_through_files_and_pipes_and_needs_its_context() {
    let world = world();
    let data = data((9 << 20) + 12_345);
    std::fs::write(world.path("in"), &data).unwrap();
    let sealed = world.by("billing", &[&ENCRYPT[..], &["--aad", "17"]].concat());
    assert_eq!(code(&sealed), 0, "{}", errors(&sealed));
    let bytes = std::fs::read(world.path("sealed")).unwrap();
    assert_eq!(bytes.len(), data.len() + 126 + 10 * 28);
    assert_eq!(&bytes[..4], b"KWF\x01");
    let open = ["decrypt", "sealed", "-o", "opened"];
    let refused = world.by("billing", &open);
    assert_eq!(
        code(&refused),
        1,
        "without its context: {}",
        errors(&refused)
    );
    assert_eq!(names(world.root()), ["sealed"]);
    let opened = world.by("billing", &[&open[..], &["--aad", "17"]].concat());
    assert_eq!(code(&opened), 0, "{}", errors(&opened));
    assert_eq!(std::fs::read(world.path("opened")).unwrap(), data);

    let user = ["--token-file", "billing.token", "-r", "shop"];
    let sealed = world.fed(&[&user[..], &["encrypt", "-k", "backups"]].concat(), &data);
    assert_eq!(code(&sealed), 0, "{}", errors(&sealed));
    // An older version opens what it protects.
    assert_eq!(code(&world.by("officer", &["key", "rotate", "backups"])), 0);
    let opened = world.fed(&[&user[..], &["decrypt"]].concat(), &sealed.stdout);
    assert_eq!(code(&opened), 0, "{}", errors(&opened));
    assert!(opened.stdout == data);
    let cut = &sealed.stdout[..sealed.stdout.len() - 5];
    assert_eq!(
        code(&world.fed(&[&user[..], &["decrypt"]].concat(), cut)),
        5
    );
}

#[test]
fn short_data_become_a_file_if_asked_to_and_empty_data_too() {
    let world = world();
    for length in [0, 5] {
        std::fs::write(world.path("in"), data(length)).unwrap();
        let sealed = world.by(
            "billing",
            &[&ENCRYPT[..], &["--chunked", "--force"]].concat(),
        );
        assert_eq!(code(&sealed), 0, "{}", errors(&sealed));
        let opened = world.by(
            "billing",
            &["decrypt", "sealed", "--json", "-o", "opened", "--force"],
        );
        assert_eq!(code(&opened), 0, "{}", errors(&opened));
        let said: serde_json::Value = serde_json::from_slice(&opened.stdout).unwrap();
        assert_eq!(said["bytes"], length);
        assert_eq!(std::fs::read(world.path("opened")).unwrap(), data(length));
    }
}

#[test]
fn a_file_that_was_tampered_with_leaves_nothing() {
    let world = world();
    std::fs::write(world.path("in"), data(5 << 20)).unwrap();
    assert_eq!(code(&world.by("billing", &ENCRYPT)), 0);
    let good = std::fs::read(world.path("sealed")).unwrap();
    for place in [0, 3, 4, 6, 9, 30, 100, 126, 200, 3 << 20, good.len() - 1] {
        let mut bad = good.clone();
        bad[place] ^= 1;
        std::fs::write(world.path("sealed"), bad).unwrap();
        let output = world.by("billing", &["decrypt", "sealed", "-o", "opened"]);
        assert!(
            matches!(code(&output), 1 | 5 | 6),
            "{place}: {}",
            errors(&output)
        );
        assert_eq!(names(world.root()), ["sealed"], "{place}");
    }
}

#[test]
fn a_run_that_failed_or_was_killed_goes_on_with_resume_and_never_looks_finished() {
    let world = world();
    let bytes = data(12 << 20);
    std::fs::write(world.path("in"), &bytes).unwrap();
    // In units of 1024 bytes; with the signal ignored, writing fails as on a full disk.
    let full = limited(&world, "trap '' XFSZ; ulimit -f 6000", &ENCRYPT);
    assert_eq!(code(&full), 6, "{}", errors(&full));
    assert!(errors(&full).contains("--resume"), "{}", errors(&full));
    assert_eq!(names(world.root()), [".sealed.keyward-part"]);
    let resume = [&ENCRYPT[..], &["--resume"]].concat();
    let killed = limited(&world, "ulimit -f 9000", &resume);
    assert!(killed.status.code().is_none(), "it was killed");
    assert_eq!(names(world.root()), [".sealed.keyward-part"]);
    let other = world.by("officer", &["key", "create", "other"]);
    assert_eq!(code(&other), 0);
    let wrong = world.by(
        "billing",
        &["encrypt", "-k", "other", "in", "-o", "sealed", "--resume"],
    );
    assert_eq!(code(&wrong), 1, "another key: {}", errors(&wrong));
    assert_eq!(
        names(world.root()),
        [".sealed.keyward-part"],
        "it is still there"
    );
    let done = world.by("billing", &resume);
    assert_eq!(code(&done), 0, "{}", errors(&done));
    assert_eq!(names(world.root()), ["sealed"]);

    let open = ["decrypt", "sealed", "-o", "opened"];
    let full = limited(&world, "trap '' XFSZ; ulimit -f 6000", &open);
    assert_eq!(code(&full), 6, "{}", errors(&full));
    let done = world.by("billing", &[&open[..], &["--resume"]].concat());
    assert_eq!(code(&done), 0, "{}", errors(&done));
    assert!(std::fs::read(world.path("opened")).unwrap() == bytes);
    assert_eq!(names(world.root()), ["opened", "sealed"]);
}

#[test]
fn memory_does_not_grow_with_the_file() {
    let world = world();
    let file = std::fs::File::create(world.path("in")).unwrap();
    file.set_len(600 << 20).unwrap();
    // Less address space than the file is long.
    let sealed = limited(&world, "ulimit -v 500000", &ENCRYPT);
    assert_eq!(code(&sealed), 0, "{}", errors(&sealed));
    let opened = limited(
        &world,
        "ulimit -v 500000",
        &["decrypt", "sealed", "-o", "opened"],
    );
    assert_eq!(code(&opened), 0, "{}", errors(&opened));
    assert_eq!(
        std::fs::metadata(world.path("opened")).unwrap().len(),
        600 << 20
    );
}

#[test]
fn a_long_file_is_not_written_as_base64_or_json() {
    let world = world();
    std::fs::write(world.path("in"), data(5 << 20)).unwrap();
    for flags in [
        &["encrypt", "-k", "backups", "in", "--base64"][..],
        &["encrypt", "-k", "backups", "in", "--json"],
    ] {
        let output = world.by("billing", flags);
        assert_eq!(code(&output), 2, "{}", errors(&output));
        assert!(output.stdout.is_empty());
    }
    let directory = world.by(
        "billing",
        &["encrypt", "-k", "backups", ".", "-o", "sealed"],
    );
    assert_eq!(code(&directory), 6);
    assert!(errors(&directory).contains("tar"), "{}", errors(&directory));
}
