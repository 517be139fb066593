//! An installation in a directory of its own, with its server.
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub const PASSPHRASE: &str = "correct horse battery staple";

pub struct World {
    directory: TempDir,
    server: Option<Child>,
}

impl World {
    /// Nothing made yet but the passphrase file.
    pub fn empty() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let world = Self {
            directory,
            server: None,
        };
        world.write_private("pass", PASSPHRASE);
        world
    }

    /// Initialised and running.
    pub fn running() -> Self {
        let mut world = Self::empty();
        world.good(&["init", "--data-dir", "data", "--passphrase-file", "pass"]);
        world.start(true);
        world
    }

    /// Running, with a realm `shop`, and the tokens `officer.token`, `billing.token` and `auditor.token`.
    pub fn with_people() -> Self {
        let world = Self::running();
        world.good(&["realm", "create", "shop"]);
        for (name, role, realm) in [
            ("officer", "crypto-officer", "shop"),
            ("billing", "crypto-user", "shop"),
            ("auditor", "auditor", "system"),
        ] {
            world.good(&["workload", "create", name, "--role", role, "-r", realm]);
            let file = format!("{name}.token");
            world.good(&[
                "workload", "token", name, "--days", "1", "-o", &file, "-r", realm,
            ]);
        }
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write_private(&self, name: &str, text: &str) {
        let path = self.path(name);
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyward"));
        command.current_dir(self.directory.path()).env_clear();
        command.env("XDG_CONFIG_HOME", self.directory.path().join("config"));
        command.stdin(Stdio::null());
        command
    }

    /// Starts the server and points the context at it.
    pub fn start(&mut self, unsealed: bool) {
        let _ = std::fs::remove_file(self.path("port"));
        let log = std::fs::File::create(self.path("server.log")).unwrap();
        let mut command = self.command();
        command.args([
            "server",
            "--data-dir",
            "data",
            "--listen",
            "127.0.0.1:0",
            "--port-file",
            "port",
        ]);
        if unsealed {
            command.args(["--passphrase-file", "pass"]);
        }
        self.server = Some(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        let patience = Instant::now() + Duration::from_secs(60);
        let port = loop {
            if let Ok(text) = std::fs::read_to_string(self.path("port"))
                && let Ok(port) = text
                    .trim()
                    .rsplit(':')
                    .next()
                    .unwrap_or_default()
                    .parse::<u16>()
            {
                break port;
            }
            let log = std::fs::read_to_string(self.path("server.log")).unwrap();
            assert!(
                Instant::now() < patience,
                "the server does not start: {}",
                log
            );
            if let Some(status) = self
                .server
                .as_mut()
                .and_then(|child| child.try_wait().unwrap())
            {
                panic!("the server ended with {status}: {}", log);
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        self.good(&[
            "context",
            "set",
            "default",
            "--server",
            &format!("https://localhost:{port}"),
        ]);
    }

    /// The server's process id.
    #[allow(dead_code, reason = "for the tests that look into the process")]
    pub fn process(&self) -> u32 {
        self.server.as_ref().expect("a running server").id()
    }

    /// Stops it in good order.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.server.take() {
            let id = rustix::process::Pid::from_child(&child);
            rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
            child.wait().unwrap();
        }
    }

    /// Runs a command with something on standard input.
    pub fn fed(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut child = self
            .command()
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        // A command that does not read its input must not hang the test.
        let feeding = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        feeding.join().unwrap();
        output
    }

    /// Runs a command.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    /// Runs a command with settings in the environment.
    pub fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        self.command()
            .args(arguments)
            .envs(environment.iter().copied())
            .output()
            .unwrap()
    }

    /// Runs a command that must succeed; its standard output.
    pub fn good(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// As somebody, in the realm `shop`.
    pub fn by(&self, who: &str, arguments: &[&str]) -> Output {
        let token = format!("{who}.token");
        let mut all = vec!["--token-file", &token, "-r", "shop"];
        all.extend_from_slice(arguments);
        self.run(&all)
    }

    pub fn root(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(mut child) = self.server.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The exit code.
pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

/// Standard error as text.
pub fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
