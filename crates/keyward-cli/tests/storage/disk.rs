//! Disks that take nothing more.
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use keyward_client::{Client, ClientError};
use keyward_core::command as c;
use keyward_core::command::KeyRef;
use keyward_core::name::Name;
use keyward_core::secret::Secret;

use crate::world::{World, code, errors};
use crate::{client, runtime, shop};

/// Runs the rest of the named test again, as a process of its own whose temporary directories lie on a file system in memory
/// of this size. The caller must be the test of that name. A machine that cannot do it fails the test.
fn on_small_disk(test: &str, megabytes: u32, body: impl FnOnce(&Path)) {
    const INSIDE: &str = "KEYWARD_TEST_SMALL_DISK";
    #[expect(clippy::disallowed_methods, reason = "a test finds out where it runs")]
    let inside = std::env::var_os(INSIDE);
    if let Some(directory) = inside {
        return body(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    let mut arguments: Vec<OsString> = vec!["--mount".into()];
    if !rustix::process::geteuid().is_root() {
        arguments.extend(["--user".into(), "--map-root-user".into()]);
    }
    let script = format!("mount -t tmpfs -o size={megabytes}m tmpfs \"$0\" && exec \"$@\"");
    arguments.extend(["sh".into(), "-c".into(), script.into()]);
    arguments.push(directory.path().into());
    arguments.push(std::env::current_exe().unwrap().into());
    arguments.extend(["--exact".into(), test.into(), "--nocapture".into()]);
    let output = Command::new("unshare")
        .args(arguments)
        .env(INSIDE, directory.path())
        .env("TMPDIR", directory.path())
        .output()
        .expect("unshare(1) of util-linux runs");
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "on a small disk:\n{text}");
    assert!(
        text.contains("1 passed"),
        "it did not run on a small disk:\n{text}"
    );
}

/// Writes until nothing more fits.
fn fill(path: &Path) {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    for size in [1 << 20, 4096, 1] {
        while file.write_all(&vec![7; size]).is_ok() {}
    }
}

fn orders() -> KeyRef {
    KeyRef::Name(Name::new("orders").unwrap())
}

async fn encrypt(user: &Client) -> Result<(), ClientError> {
    let command = c::Encrypt {
        realm: shop(),
        key: orders(),
        context: Vec::new(),
        plaintext: Secret::new(vec![1; 64]),
    };
    user.encrypt(command).await.map(|_| ())
}

/// The code and status of a refusal.
fn refusal(result: Result<(), ClientError>) -> Option<(String, u16)> {
    match result {
        Ok(()) => None,
        Err(ClientError::Refused(refusal)) => Some((refusal.code, refusal.status)),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn on_a_full_disk_use_is_refused_by_name_what_stops_harm_passes_and_space_heals_it() {
    let this =
        "disk::on_a_full_disk_use_is_refused_by_name_what_stops_harm_passes_and_space_heals_it";
    on_small_disk(this, 120, |disk| {
        let mut world = World::with_people();
        let made = world.by("officer", &["key", "create", "orders"]);
        assert_eq!(code(&made), 0, "{}", errors(&made));
        let (user, officer) = (
            client(&world, "billing.token"),
            client(&world, "officer.token"),
        );
        let admin = client(&world, "data/admin.token");
        let ballast = disk.join("ballast");
        runtime().block_on(async {
            assert_eq!(refusal(encrypt(&user).await), None);
            fill(&ballast);
            let mut refused = None;
            for _ in 0..3_000 {
                refused = refusal(encrypt(&user).await);
                if refused.is_some() {
                    break;
                }
            }
            let full = Some(("disk_full".to_owned(), 503));
            assert_eq!(
                refused, full,
                "use goes on although nothing can be recorded"
            );
            // It stays refused, and reading is no way around the record either.
            assert_eq!(refusal(encrypt(&user).await), full);
            let describe = c::DescribeKey {
                realm: shop(),
                key: orders(),
            };
            assert_eq!(
                refusal(officer.describe_key(describe).await.map(|_| ())),
                full
            );
            // What stops harm is done, from the reserve.
            let suspend = c::SuspendKey {
                realm: shop(),
                key: orders(),
                reason: Some("disk full".to_owned()),
            };
            assert_eq!(
                refusal(officer.suspend_key(suspend).await.map(|_| ())),
                None
            );
            assert!(
                admin.health().await.is_ok(),
                "a full disk is no reason to be silent"
            );

            std::fs::remove_file(&ballast).unwrap();
            let resume = c::ResumeKey {
                realm: shop(),
                key: orders(),
                reason: None,
            };
            assert_eq!(refusal(officer.resume_key(resume).await.map(|_| ())), None);
            assert_eq!(refusal(encrypt(&user).await), None);
        });
        world.stop();
        world.good(&[
            "server",
            "--check",
            "--data-dir",
            "data",
            "--passphrase-file",
            "pass",
        ]);
    });
}

#[test]
fn a_server_on_a_read_only_disk_says_so_and_does_not_start() {
    let this = "disk::a_server_on_a_read_only_disk_says_so_and_does_not_start";
    on_small_disk(this, 120, |disk| {
        let mut world = World::running();
        world.stop();
        let remount = |how: &str| {
            let status = Command::new("mount")
                .args(["-o", &format!("remount,{how}")])
                .arg(disk)
                .status();
            assert!(status.unwrap().success());
        };
        remount("ro");
        let start = [
            "server",
            "--data-dir",
            "data",
            "--listen",
            "127.0.0.1:0",
            "--passphrase-file",
            "pass",
        ];
        let refused = world.run(&start);
        assert_ne!(code(&refused), 0);
        assert!(
            errors(&refused).contains("read-only"),
            "{}",
            errors(&refused)
        );
        remount("rw");
        world.start(true);
        world.good(&["realm", "create", "shop"]);
    });
}

#[test]
fn a_second_server_and_a_check_are_refused_while_the_first_runs() {
    let world = World::running();
    for arguments in [
        ["server", "--data-dir", "data", "--listen", "127.0.0.1:0"],
        ["server", "--check", "--data-dir", "data", "--json"],
    ] {
        let refused = world.run(&arguments);
        assert_ne!(code(&refused), 0, "{arguments:?}");
        let said: Vec<String> = errors(&refused)
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        let said = said.join(" ");
        assert!(
            said.contains("another server holds the data directory"),
            "{said}"
        );
    }
    // The first one goes on.
    world.good(&["status"]);
}
