//! What people read.
use crate::transcript::check;
use crate::world::{World, code};

/// Every command with its path, found by asking for help as a person would.
fn commands(world: &World, path: &[String], all: &mut Vec<(Vec<String>, String)>) {
    let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
    arguments.push("--help");
    let help = world.good(&arguments);
    all.push((path.to_vec(), help.clone()));
    let listed = help.split("Commands:\n").nth(1).unwrap_or_default();
    for line in listed.lines().take_while(|line| line.starts_with("  ")) {
        let Some(name) = line
            .split_ascii_whitespace()
            .next()
            .filter(|name| *name != "help")
        else {
            continue;
        };
        if line.starts_with("   ") {
            continue;
        }
        let mut deeper = path.to_vec();
        deeper.push(name.to_owned());
        commands(world, &deeper, all);
    }
}

#[test]
fn the_help_of_every_command_fits_80_columns_and_is_the_golden_one() {
    let world = World::empty();
    let mut all = Vec::new();
    commands(&world, &[], &mut all);
    assert!(all.len() > 40, "only {} commands", all.len());
    let mut text = String::new();
    for (path, help) in &all {
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{path:?}: {line}");
        }
        text.push_str(&format!("==== keyward {}\n{help}\n", path.join(" ")));
    }
    check("help.txt", &text);
}

#[test]
fn the_reference_names_every_command() {
    let reference = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    let reference = std::fs::read_to_string(reference).unwrap();
    let world = World::empty();
    let mut all = Vec::new();
    commands(&world, &[], &mut all);
    for (path, _) in all.iter().filter(|(path, _)| !path.is_empty()) {
        let line = format!("`keyward {}", path.join(" "));
        assert!(
            reference.contains(&line),
            "docs/cli.md does not name {line}`"
        );
    }
}

#[test]
fn no_secret_can_be_given_as_an_argument() {
    let world = World::empty();
    let mut all = Vec::new();
    commands(&world, &[], &mut all);
    for (path, help) in &all {
        for word in help
            .split_ascii_whitespace()
            .filter(|word| word.starts_with("--"))
        {
            let secret = ["passphrase", "password", "secret", "token", "private-key"]
                .iter()
                .any(|s| word.contains(s));
            let harmless = ["-file", "-fd", "private-key"]
                .iter()
                .any(|end| word.trim_end_matches(',').ends_with(end));
            assert!(!secret || harmless, "{path:?}: {word}");
        }
    }
}

#[test]
fn completions_and_manual_pages_come_out_whole() {
    let world = World::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(
            world.good(&["completions", shell]).contains("keyward"),
            "{shell}"
        );
    }
    world.good(&["man", "--out", "share/man"]);
    let page = std::fs::read_to_string(world.path("share/man/keyward-key-create.1")).unwrap();
    assert!(page.contains("rotate\\-every\\-days"), "{page}");
    assert_eq!(code(&world.run(&["man", "--out", "pass/man"])), 6);
}
