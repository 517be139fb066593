//! What is measured: an installation of its own, served by a process of its own, with keys, policies and a workload.
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use keyward_client::{Blocking, Client, ClientError, Credential, Settings};
use keyward_core::algorithm::{KeySpec, Protection};
use keyward_core::command::{
    CreateKey, CreateRealm, CreateWorkload, IssueToken, PutPolicy, RealmRef,
};
use keyward_core::ids::PrincipalId;
use keyward_core::name::Name;
use keyward_core::object::{ExportClass, Sensitivity};
use keyward_core::role::Role;
use keyward_core::secret::Secret;
use keyward_core::time::Millis;
use keyward_tls::{Alpn, Anchors, client_config};
use tokio_rustls::rustls::ClientConfig;

use super::load::now;
use super::requests::Sender;
use crate::exit::Failure;
use crate::files::{Existing, write_private};
use crate::server_side;

/// Protects nothing: the installation is thrown away, or holds keys that were made to be counted.
const PASSPHRASE: &str = "for measuring only, never for keys\n";
/// How long a server may take to listen.
const PATIENCE: Duration = Duration::from_secs(120);

/// A data directory.
pub struct Installation {
    pub root: PathBuf,
}

impl Installation {
    /// Makes one in a directory that is not there yet.
    pub fn make(root: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(root).map_err(|error| Failure::file(root, &error))?;
        let made = server_side::init(
            root.join("data"),
            Self::secret(),
            vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
        )?;
        write_private(
            &root.join("passphrase"),
            PASSPHRASE.as_bytes(),
            Existing::Keep,
        )?;
        write_private(
            &root.join("token"),
            made.admin_token.expose(),
            Existing::Keep,
        )?;
        write_private(
            &root.join("log.key"),
            made.log_key.as_bytes(),
            Existing::Keep,
        )?;
        Ok(Self {
            root: root.to_owned(),
        })
    }

    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    pub fn passphrase(&self) -> PathBuf {
        self.root.join("passphrase")
    }

    /// What opens its seal.
    pub fn secret() -> Secret {
        Secret::new(PASSPHRASE.trim_end().as_bytes().to_vec())
    }

    fn text(&self, name: &str) -> Result<String, Failure> {
        let path = self.root.join(name);
        std::fs::read_to_string(&path)
            .map(|text| text.trim().to_owned())
            .map_err(|error| Failure::file(&path, &error))
    }

    pub fn token(&self) -> Result<String, Failure> {
        self.text("token")
    }

    /// A token kept by an earlier run for the realm of many keys.
    pub fn kept(&self, name: &str) -> Result<String, Failure> {
        self.text(name)
    }

    pub fn log_key(&self) -> Result<String, Failure> {
        self.text("log.key")
    }

    fn anchors(&self) -> Result<Anchors, Failure> {
        Ok(Anchors::from_pem_file(&self.data().join("tls/ca.crt")).map_err(ClientError::from)?)
    }
}

/// Which server.
#[derive(Debug, Clone, Copy)]
pub enum Kind<'c> {
    /// Keyward, perhaps with a configuration.
    Keyward(Option<&'c Path>),
    /// The least there can be on the same TLS.
    Bare,
}

/// A server in a process of its own.
pub struct Served {
    child: Child,
    pub address: SocketAddr,
    pub tls: Arc<ClientConfig>,
}

impl Served {
    /// Starts this program again as the server and waits until it listens.
    pub fn start(installation: &Installation, kind: Kind<'_>) -> Result<Self, Failure> {
        let verb = match kind {
            Kind::Keyward(_) => "serve",
            Kind::Bare => "bare",
        };
        let program = std::env::current_exe()
            .map_err(|error| Failure::local(error.to_string(), "Run the program by its path."))?;
        let port_file = installation.root.join("port");
        let _ = std::fs::remove_file(&port_file);
        let log_path = installation.root.join(format!("{verb}.log"));
        let log =
            std::fs::File::create(&log_path).map_err(|error| Failure::file(&log_path, &error))?;
        let mut command = Command::new(program);
        command
            .args(["bench", verb, "--data-dir"])
            .arg(installation.data())
            .arg("--port-file")
            .arg(&port_file);
        if let Kind::Keyward(config) = kind {
            command
                .arg("--passphrase-file")
                .arg(installation.passphrase());
            if let Some(config) = config {
                command.arg("--server-config").arg(config);
            }
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| Failure::local(error.to_string(), "Check the program's file."))?;
        let tls =
            client_config(&installation.anchors()?, None, Alpn::None).map_err(ClientError::from)?;
        let mut served = Self {
            child,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls,
        };
        served.wait_for_port(&port_file, &log_path)?;
        Ok(served)
    }

    fn wait_for_port(&mut self, port_file: &Path, log: &Path) -> Result<(), Failure> {
        let until = now() + PATIENCE;
        while now() < until {
            let port = std::fs::read_to_string(port_file)
                .ok()
                .and_then(|text| text.trim().parse().ok());
            if let Some(port) = port {
                self.address.set_port(port);
                return Ok(());
            }
            if self.child.try_wait().ok().flatten().is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Err(Failure::local(
            "the measured server does not start",
            format!("Look at `{}`.", log.display()),
        ))
    }

    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Bytes of memory it holds.
    pub fn resident(&self) -> Option<u64> {
        resident(self.process())
    }

    pub fn client(&self, installation: &Installation, token: &str) -> Result<Blocking, Failure> {
        let settings = Settings::new(
            &format!("https://localhost:{}", self.address.port()),
            installation.anchors()?,
            Credential::Token(Secret::new(token.as_bytes().to_vec())),
        )?;
        Ok(Blocking::new(settings)?)
    }
}

impl Drop for Served {
    /// Ends it in good order.
    fn drop(&mut self) {
        if let Some(process) = i32::try_from(self.process())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

/// Bytes of memory that a process holds.
pub fn resident(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: u64 = line.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(kib.saturating_mul(1024))
}

fn name(text: &str) -> Result<Name, Failure> {
    crate::session::name(text)
}

/// A realm and who may do what in it: nobody may both make keys and use them.
pub struct Tenant {
    /// Uses keys.
    pub user: Sender,
    /// Makes keys.
    pub officer: Sender,
}

/// Makes a realm, an officer who makes keys, and a workload that uses them.
pub fn realm(client: &Blocking, realm: &str) -> Result<Tenant, Failure> {
    let create = CreateRealm {
        name: name(realm)?,
        level: 1,
        rehearsal: false,
        quotas: None,
    };
    client.run(async |client: &Client| client.create_realm(create).await)?;
    let member = |called: &str, role: Role| -> Result<Sender, Failure> {
        let create = CreateWorkload {
            realm: RealmRef::Name(name(realm)?),
            name: name(called)?,
            roles: vec![role],
        };
        Ok(Sender {
            token: token_of_new(client, create)?,
            realm: realm.to_owned(),
        })
    };
    Ok(Tenant {
        user: member("load", Role::CryptoUser)?,
        officer: member("officer", Role::CryptoOfficer)?,
    })
}

/// Makes someone who may read the log; the token.
pub fn auditor(client: &Blocking) -> Result<String, Failure> {
    let create = CreateWorkload {
        realm: RealmRef::SYSTEM,
        name: name("auditor")?,
        roles: vec![Role::Auditor],
    };
    token_of_new(client, create)
}

fn token_of_new(client: &Blocking, create: CreateWorkload) -> Result<String, Failure> {
    let workload = client.run(async |client: &Client| client.create_workload(create).await)?;
    let principal = PrincipalId::parse(&workload.id)
        .map_err(|_| Failure::usage("the server gave no id", "Use the matching release."))?;
    let issue = IssueToken {
        principal,
        lifetime: Millis::days(30),
    };
    let token = client.run(async |client: &Client| client.issue_token(issue).await)?;
    Ok(String::from_utf8_lossy(token.token.expose()).into_owned())
}

/// Makes keys of a kind, named as the requests name them.
pub fn keys(
    client: &Blocking,
    realm: &str,
    spec: KeySpec,
    count: usize,
    named: fn(usize) -> String,
) -> Result<(), Failure> {
    for number in 0..count {
        let create = CreateKey {
            realm: RealmRef::Name(name(realm)?),
            name: Some(name(&named(number))?),
            spec,
            purpose: None,
            protection: Protection::Software,
            export: ExportClass::Never,
            activate: true,
            cryptoperiod: None,
            rotate_every: None,
            sensitivity: Sensitivity::Moderate,
            applications: Vec::new(),
            tags: std::collections::BTreeMap::new(),
            owner: None,
            exception: None,
        };
        client.run(async |client: &Client| client.create_key(create).await)?;
    }
    Ok(())
}

/// Puts a thousand policies in force: half of them about other workloads, half about other keys, none about this one.
pub fn thousand_policies(client: &Blocking, realm: &str) -> Result<(), Failure> {
    for document in 0..100 {
        let text: String = (0..10)
            .map(|line| {
                let number = document * 10 + line;
                if number % 2 == 0 {
                    format!(
                        "permit (principal == Keyward::Principal::\"{:032x}\", action == Keyward::Action::\"encrypt\", resource) when {{ resource.realm == principal.realm }};\n",
                        0xfeed_0000_u64 + number
                    )
                } else {
                    format!(
                        "forbid (principal, action in Keyward::Action::\"key-use\", resource) when {{ resource has name && resource.name == \"retired-{number}\" }};\n"
                    )
                }
            })
            .collect();
        let put = PutPolicy {
            realm: RealmRef::Name(name(realm)?),
            name: name(&format!("team-{document}"))?,
            text,
        };
        client.run(async |client: &Client| client.put_policy(put).await)?;
    }
    Ok(())
}
