//! Rows that are more than one load: many keys, the start, the log.
use std::path::Path;
use std::process::{Command, Stdio};

use keyward_client::{Blocking, Client};
use keyward_core::command::{Encrypt, KeyRef, RealmRef};
use keyward_core::secret::Secret;

use super::load::{now, processor_seconds};
use super::requests::{Choice, Sender};
use super::world::{self, Installation, Kind, Served};
use super::{Many, Row, Rows, Settings, Side, body, median};
use crate::exit::Failure;
use crate::files::{Existing, write_private};
use crate::server_side::{self, key_name};

/// Name of the realm with many keys.
const MANY: &str = "many";
/// Records per second that offline verification must reach.
const VERIFIED_PER_SECOND: f64 = 200_000.0;
/// Milliseconds that a start may take.
const START_MS: f64 = 1000.0;
/// Bytes that a server with many keys may hold after its start.
const START_BYTES: f64 = 300.0 * 1024.0 * 1024.0;

/// Encrypts one message under each of the first keys.
pub fn ciphertexts(
    client: &Blocking,
    realm: &str,
    count: usize,
    length: usize,
) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut made = Vec::with_capacity(count);
    for number in 0..count {
        let command = Encrypt {
            realm: RealmRef::Name(crate::session::name(realm)?),
            key: KeyRef::Name(crate::session::name(&key_name(number))?),
            context: Vec::new(),
            plaintext: Secret::new(vec![0x5a; length]),
        };
        let sealed = client.run(async |client: &Client| client.encrypt(command).await)?;
        made.push((key_name(number), sealed.ciphertext));
    }
    Ok(made)
}

impl Many {
    /// Opens the installation, or makes it and its keys.
    pub(super) fn open(root: &Path, settings: &Settings) -> Result<Self, Failure> {
        let count = settings.many_keys_count;
        let marker = root.join("keys");
        let installation = Installation {
            root: root.to_owned(),
        };
        if marker.exists() {
            let found = installation.kept("keys")?;
            if found != count.to_string() {
                return Err(Failure::usage(
                    format!("`{}` holds {found} keys", root.display()),
                    format!("Say --many-keys-count {found}, or name another directory."),
                ));
            }
            return Ok(Self {
                sender: Sender {
                    token: installation.kept("load.token")?,
                    realm: MANY.to_owned(),
                },
                installation,
                served: None,
            });
        }
        let installation = Installation::make(root)?;
        let tenant = {
            let served = Served::start(&installation, Kind::Keyward(None))?;
            let client = served.client(&installation, &installation.token()?)?;
            world::realm(&client, MANY)?
        };
        write_private(
            &root.join("load.token"),
            tenant.user.token.as_bytes(),
            Existing::Keep,
        )?;
        server_side::fill(&server_side::Filling {
            data_dir: &installation.data(),
            passphrase: &Installation::secret(),
            token: &tenant.officer.token,
            realm: crate::session::name(MANY)?,
            count,
        })?;
        write_private(&marker, count.to_string().as_bytes(), Existing::Keep)?;
        Ok(Self {
            installation,
            sender: tenant.user,
            served: None,
        })
    }
}

impl Rows {
    fn many(&mut self) -> Result<&mut Many, Failure> {
        self.many
            .as_mut()
            .ok_or_else(|| Failure::usage("no many keys", "Say --many-keys."))
    }

    pub(super) fn many_keys(&mut self, choice: Choice) -> Result<Row, Failure> {
        let connections = self.settings.connections;
        let config = self.settings.server_config.clone();
        let many = self.many()?;
        if many.served.is_none() {
            let kind = Kind::Keyward(config.as_deref());
            many.served = Some(Served::start(&many.installation, kind)?);
        }
        let Some(Many {
            served: Some(served),
            sender,
            ..
        }) = &self.many
        else {
            return Err(Failure::usage("no many keys", "Say --many-keys."));
        };
        let mut row = Side {
            served,
            connections,
            requests: Box::new(sender.to_keys("encrypt", &body(), key_name, choice)),
            weight: 1.0,
        };
        // The steady state of a server that has run for a while: what is used often is in memory.
        self.load(&mut row, None)?;
        let mut ceiling = self.encrypting(&self.served, &self.plain.user, connections);
        let mut result = self.compare(&mut row, &mut ceiling, "encrypt_1k")?;
        let resident = served.resident().unwrap_or(0) / (1 << 20);
        result.note = Some(format!("the server holds {resident} MiB"));
        Ok(result)
    }

    /// From starting the process to the first encryption, and what it holds then.
    pub(super) fn start_many(&mut self) -> Result<Row, Failure> {
        let rounds = self.settings.rounds;
        let config = self.settings.server_config.clone();
        let many = self.many()?;
        drop(many.served.take());
        let (mut times, mut bytes, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..rounds {
            let start = now();
            let served = Served::start(&many.installation, Kind::Keyward(config.as_deref()))?;
            let client = served.client(&many.installation, &many.sender.token)?;
            let command = Encrypt {
                realm: RealmRef::Name(crate::session::name(MANY)?),
                key: KeyRef::Name(crate::session::name(&key_name(round as usize))?),
                context: Vec::new(),
                plaintext: Secret::new(vec![0; 16]),
            };
            client.run(async |client: &Client| client.encrypt(command).await)?;
            times.push(start.elapsed().as_secs_f64() * 1000.0);
            #[expect(clippy::cast_precision_loss, reason = "bytes of memory")]
            bytes.push(served.resident().unwrap_or(0) as f64);
            cpu.push(processor_seconds(served.process()).unwrap_or(0.0) * 1e6);
        }
        let (time, held) = (median(times.iter().copied()), median(bytes.into_iter()));
        let slowest = times.iter().copied().fold(0.0, f64::max);
        Ok(Row {
            name: "",
            ops_per_s: 1000.0 / time,
            cpu_us_per_op: Some(median(cpu.into_iter())),
            ceiling: "1 s, 300 MiB".to_owned(),
            ceiling_ops_per_s: Some(1000.0 / START_MS),
            ratio: Some((START_MS / time).min(START_BYTES / held.max(1.0))),
            p50_ms: Some(time),
            p99_ms: Some(slowest),
            needed: None,
            note: Some(format!(
                "started in {time:.0} ms, holds {:.0} MiB",
                held / (1 << 20) as f64
            )),
        })
    }

    /// Downloads the log of this run and verifies it offline, as an auditor does.
    pub(super) fn audit_verify(&self) -> Result<Row, Failure> {
        let auditor = world::auditor(&self.client)?;
        let token = self.scratch.0.join("auditor.token");
        write_private(&token, auditor.as_bytes(), Existing::Replace)?;
        let log = self.scratch.0.join("log");
        let server = format!("https://localhost:{}", self.served.address.port());
        let authority = self.installation.data().join("tls/ca.crt");
        let download = [
            "audit".as_ref(),
            "download".as_ref(),
            log.as_os_str(),
            "--server".as_ref(),
            server.as_ref(),
            "--ca".as_ref(),
            authority.as_os_str(),
            "--token-file".as_ref(),
            token.as_os_str(),
        ];
        this_program(&download)?;
        let key = self.installation.log_key()?;
        let verify = [
            "audit".as_ref(),
            "verify".as_ref(),
            log.as_os_str(),
            "--log-key".as_ref(),
            key.as_ref(),
            "--json".as_ref(),
        ];
        let (mut rates, mut cpu, mut records) = (Vec::new(), Vec::new(), 0.0);
        for _ in 0..self.settings.rounds {
            let (start, before) = (now(), children_seconds()?);
            let answer = this_program(&verify)?;
            let seconds = start.elapsed().as_secs_f64();
            records = verified(&answer)?;
            rates.push(records / seconds);
            cpu.push((children_seconds()? - before) * 1e6 / records.max(1.0));
        }
        let rate = median(rates.into_iter());
        Ok(Row {
            name: "",
            ops_per_s: rate,
            cpu_us_per_op: Some(median(cpu.into_iter())),
            ceiling: "200000/s".to_owned(),
            ceiling_ops_per_s: Some(VERIFIED_PER_SECOND),
            ratio: Some(rate / VERIFIED_PER_SECOND),
            p50_ms: None,
            p99_ms: None,
            needed: None,
            note: Some(format!("{records} records, the whole process counted")),
        })
    }
}

/// Runs this program and takes what it writes.
fn this_program(arguments: &[&std::ffi::OsStr]) -> Result<Vec<u8>, Failure> {
    let failed = |what: String| Failure::local(what, "Run the same command by hand to see why.");
    let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()))
    }
}

/// The number of records in the verifier's answer.
fn verified(answer: &[u8]) -> Result<f64, Failure> {
    let value: serde_json::Value = serde_json::from_slice(answer).unwrap_or_default();
    value
        .pointer("/items/0/records")
        .and_then(serde_json::Value::as_f64)
        .ok_or_else(|| Failure::local("the verifier counted nothing", "Verify by hand."))
}

/// Processor seconds of ended children.
fn children_seconds() -> Result<f64, Failure> {
    super::load::ended_children_seconds()
        .map_err(|error| Failure::local(error.to_string(), "Processor time is read from /proc."))
}
