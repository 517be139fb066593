//! `keyward bench`: what each row measures, and against what.
//!
//! The server runs in a process of its own, so its processor time is its own; the load is one thread of this process. A row
//! and its ceiling are measured in turn (row, ceiling, ceiling, row, …) on a machine that may have other things to do: only
//! ratios within one run mean anything, and of the rounds the medians are shown.
//!
//! Read next: `load` (the load), `world` (the server and its keys), `requests` (what is sent).
mod extra;
mod file;
mod load;
mod requests;
mod world;

use std::path::PathBuf;
use std::time::Duration;

use keyward_client::Blocking;
use keyward_core::algorithm::KeySpec;
use serde::Serialize;

use self::load::{Load, Loaded, Requests};
use self::requests::{Choice, OneOf, Sender, Zipf};
use self::world::{Installation, Kind, Served, Tenant};
use crate::exit::Failure;
use crate::server_side::{CONSTANT_PATH, Measured, key_name, module_rate};

/// Keys of the rows that do not say otherwise.
const KEYS: usize = 1000;
/// Bytes of a message.
const MESSAGE: usize = 1024;
/// Items of a batch.
const BATCH: usize = 100;
/// Bytes of a message to sign.
const SIGNED: usize = 64;
/// Before each measurement, not counted.
const WARM_UP: Duration = Duration::from_millis(400);
/// The skew of keys that are used unequally.
const SKEW: f64 = 0.99;

/// What to measure and how.
pub struct Settings {
    pub rows: Vec<String>,
    pub length: Duration,
    pub rounds: u32,
    pub connections: usize,
    pub directory: PathBuf,
    pub many_keys: Option<PathBuf>,
    pub many_keys_count: usize,
    pub server_config: Option<PathBuf>,
    pub file_mib: u32,
}

/// One line of the result.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    pub name: &'static str,
    pub ops_per_s: f64,
    pub cpu_us_per_op: Option<f64>,
    pub ceiling: String,
    pub ceiling_ops_per_s: Option<f64>,
    /// To what the row must reach.
    pub ratio: Option<f64>,
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    /// The ratio it must reach.
    pub needed: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A row: its name, the ratio it needs, whether it is measured unless asked for.
struct Known(&'static str, f64, bool);

const KNOWN: &[Known] = &[
    Known("constant_1k", 0.8, true),
    Known("encrypt_1k", 0.5, true),
    Known("encrypt_1k_c16", 0.35, true),
    Known("encrypt_1k_1000_policies", 0.9, true),
    Known("decrypt_1k", 0.5, true),
    Known("encrypt_batch_100", 5.0, true),
    Known("sign_rsa2048", 0.7, true),
    Known("sign_p256", 0.45, true),
    Known("sign_ed25519", 0.45, true),
    Known("create_aes", 1.0, true),
    Known("latency_half_load", 1.0, true),
    Known("audit_verify", 1.0, true),
    Known("encrypt_1k_1m_keys", 0.9, false),
    Known("encrypt_1k_1m_keys_uniform", 0.4, false),
    Known("start_1m_keys", 1.0, false),
    Known("file_encrypt", 0.7, false),
];

/// What a load goes to, and with what.
struct Side<'s> {
    served: &'s Served,
    connections: usize,
    requests: Box<dyn Requests>,
    /// Operations in one request.
    weight: f64,
}

/// A measurement of both sides, round by round.
#[derive(Default)]
struct Pair {
    row: Vec<Loaded>,
    ceiling: Vec<Loaded>,
}

/// The measurements, one after the other.
pub struct Rows {
    settings: Settings,
    wanted: Vec<&'static Known>,
    // Servers end before their directory goes.
    served: Served,
    bare: Option<Served>,
    client: Blocking,
    installation: Installation,
    scratch: Scratch,
    plain: Tenant,
    policied: Option<Tenant>,
    many: Option<Many>,
}

/// The installation with many keys.
struct Many {
    installation: Installation,
    sender: Sender,
    served: Option<Served>,
}

/// A directory that goes with the benchmark.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn wanted(names: &[String]) -> Result<Vec<&'static Known>, Failure> {
    if names.is_empty() {
        return Ok(KNOWN.iter().filter(|known| known.2).collect());
    }
    let known = |name: &String| {
        KNOWN.iter().find(|known| known.0 == name).ok_or_else(|| {
            let all: Vec<_> = KNOWN.iter().map(|known| known.0).collect();
            Failure::usage(
                format!("there is no row `{name}`"),
                format!("Rows are {}.", all.join(", ")),
            )
        })
    };
    names.iter().map(known).collect()
}

fn body() -> Vec<u8> {
    let plaintext = base64_simd::STANDARD.encode_to_string([0x5a; MESSAGE]);
    format!("{{\"plaintext\":\"{plaintext}\"}}").into_bytes()
}

impl Rows {
    /// Makes the installation and starts its server.
    pub fn prepare(settings: Settings) -> Result<Self, Failure> {
        let mut wanted = wanted(&settings.rows)?;
        wanted.reverse();
        let needs_many = |known: &&Known| known.0.contains("1m_keys");
        if wanted.iter().any(needs_many) && settings.many_keys.is_none() {
            return Err(Failure::usage(
                "rows of many keys need an installation with many keys",
                "Name its directory with --many-keys; it is made if it is not there.",
            ));
        }
        let scratch = Scratch(
            settings
                .directory
                .join(format!("keyward-bench-{}", std::process::id())),
        );
        let installation = Installation::make(&scratch.0)?;
        let served = Served::start(
            &installation,
            Kind::Keyward(settings.server_config.as_deref()),
        )?;
        let client = served.client(&installation, &installation.token()?)?;
        let plain = world::realm(&client, "bench")?;
        world::keys(
            &served.client(&installation, &plain.officer.token)?,
            "bench",
            KeySpec::Aes256,
            KEYS,
            key_name,
        )?;
        let many = match &settings.many_keys {
            Some(root) => Some(Many::open(root, &settings)?),
            None => None,
        };
        Ok(Self {
            settings,
            wanted,
            served,
            bare: None,
            client,
            installation,
            scratch,
            plain,
            policied: None,
            many,
        })
    }

    /// Measures the next row; none when all are measured.
    pub fn next_row(&mut self) -> Result<Option<Row>, Failure> {
        let Some(known) = self.wanted.pop() else {
            return Ok(None);
        };
        let mut row = match known.0 {
            "constant_1k" => self.constant()?,
            "encrypt_1k" => self.encrypt(self.settings.connections)?,
            "encrypt_1k_c16" => self.encrypt(16)?,
            "encrypt_1k_1000_policies" => self.policies()?,
            "decrypt_1k" => self.decrypt()?,
            "encrypt_batch_100" => self.batch()?,
            "sign_rsa2048" => self.sign(KeySpec::Rsa2048)?,
            "sign_p256" => self.sign(KeySpec::EcP256)?,
            "sign_ed25519" => self.sign(KeySpec::Ed25519)?,
            "create_aes" => self.create()?,
            "latency_half_load" => self.half_load()?,
            "file_encrypt" => self.file_encrypt()?,
            "audit_verify" => self.audit_verify()?,
            "encrypt_1k_1m_keys" => {
                let count = self.settings.many_keys_count;
                self.many_keys(Choice::Zipf(Zipf::new(count, SKEW)))?
            }
            "encrypt_1k_1m_keys_uniform" => {
                self.many_keys(Choice::Uniform(self.settings.many_keys_count))?
            }
            _ => self.start_many()?,
        };
        row.name = known.0;
        row.needed = Some(known.1);
        Ok(Some(row))
    }

    // --- sides ---

    fn encrypting<'s>(&self, served: &'s Served, sender: &Sender, connections: usize) -> Side<'s> {
        let choice = Choice::Uniform(KEYS);
        Side {
            served,
            connections,
            requests: Box::new(sender.to_keys("encrypt", &body(), key_name, choice)),
            weight: 1.0,
        }
    }

    fn constant_side<'s>(&self, served: &'s Served, connections: usize) -> Side<'s> {
        Side {
            served,
            connections,
            requests: Box::new(OneOf::new(vec![
                self.plain.user.post(CONSTANT_PATH, &body()),
            ])),
            weight: 1.0,
        }
    }

    // --- rows ---

    fn constant(&mut self) -> Result<Row, Failure> {
        if self.bare.is_none() {
            self.bare = Some(Served::start(&self.installation, Kind::Bare)?);
        }
        let bare = self.bare.as_ref().unwrap_or(&self.served);
        let connections = self.settings.connections;
        let mut row = self.constant_side(&self.served, connections);
        let mut ceiling = self.constant_side(bare, connections);
        self.compare(&mut row, &mut ceiling, "C0")
    }

    fn encrypt(&self, connections: usize) -> Result<Row, Failure> {
        let mut row = self.encrypting(&self.served, &self.plain.user, connections);
        let mut ceiling = self.constant_side(&self.served, connections);
        self.compare(&mut row, &mut ceiling, "C1")
    }

    fn policies(&mut self) -> Result<Row, Failure> {
        if self.policied.is_none() {
            let tenant = world::realm(&self.client, "policied")?;
            let maker = self
                .served
                .client(&self.installation, &tenant.officer.token)?;
            world::keys(&maker, "policied", KeySpec::Aes256, KEYS, key_name)?;
            world::thousand_policies(&self.client, "policied")?;
            self.policied = Some(tenant);
        }
        let tenant = self.policied.as_ref().unwrap_or(&self.plain);
        let connections = self.settings.connections;
        let mut row = self.encrypting(&self.served, &tenant.user, connections);
        let mut ceiling = self.encrypting(&self.served, &self.plain.user, connections);
        // The steady state: the first use of each key after a change of policy evaluates all of them.
        self.load(&mut row, None)?;
        self.compare(&mut row, &mut ceiling, "encrypt_1k")
    }

    fn decrypt(&self) -> Result<Row, Failure> {
        let sealed = extra::ciphertexts(
            &self
                .served
                .client(&self.installation, &self.plain.user.token)?,
            &self.plain.user.realm,
            KEYS.min(256),
            MESSAGE,
        )?;
        let requests = sealed
            .iter()
            .map(|(key, ciphertext)| {
                let path = format!("/v1/realms/{}/keys/{key}/decrypt", self.plain.user.realm);
                let text = base64_simd::STANDARD.encode_to_string(ciphertext);
                self.plain
                    .user
                    .post(&path, format!("{{\"ciphertext\":\"{text}\"}}").as_bytes())
            })
            .collect();
        let connections = self.settings.connections;
        let mut row = Side {
            served: &self.served,
            connections,
            requests: Box::new(OneOf::new(requests)),
            weight: 1.0,
        };
        let mut ceiling = self.constant_side(&self.served, connections);
        self.compare(&mut row, &mut ceiling, "C1")
    }

    fn batch(&self) -> Result<Row, Failure> {
        let item = String::from_utf8_lossy(&body()).into_owned();
        let items = vec![item; BATCH].join(",");
        let batch = format!("{{\"items\":[{items}]}}");
        let connections = self.settings.connections;
        let choice = Choice::Uniform(KEYS);
        let user = &self.plain.user;
        let mut row = Side {
            served: &self.served,
            connections,
            requests: Box::new(user.to_keys("encrypt/batch", batch.as_bytes(), key_name, choice)),
            #[expect(clippy::cast_precision_loss, reason = "a small number")]
            weight: BATCH as f64,
        };
        let mut ceiling = self.encrypting(&self.served, user, connections);
        self.compare(&mut row, &mut ceiling, "encrypt_1k")
    }

    fn sign(&self, spec: KeySpec) -> Result<Row, Failure> {
        let (count, named): (usize, fn(usize) -> String) = match spec {
            KeySpec::Rsa2048 => (8, |number| format!("rsa{number}")),
            KeySpec::EcP256 => (64, |number| format!("p256-{number}")),
            _ => (64, |number| format!("ed25519-{number}")),
        };
        let officer = self
            .served
            .client(&self.installation, &self.plain.officer.token)?;
        world::keys(&officer, &self.plain.officer.realm, spec, count, named)?;
        let message = base64_simd::STANDARD.encode_to_string([0x5a; SIGNED]);
        let body = format!("{{\"message\":\"{message}\"}}");
        let connections = self.settings.connections;
        let choice = Choice::Uniform(count);
        let user = &self.plain.user;
        let mut row = Side {
            served: &self.served,
            connections,
            requests: Box::new(user.to_keys("sign", body.as_bytes(), named, choice)),
            weight: 1.0,
        };
        if spec == KeySpec::Rsa2048 {
            return self.compare_module(&mut row, Measured::Sign(spec));
        }
        let mut ceiling = self.constant_side(&self.served, connections);
        self.compare(&mut row, &mut ceiling, "C1")
    }

    fn create(&self) -> Result<Row, Failure> {
        let path = format!("/v1/realms/{}/keys", self.plain.officer.realm);
        let request = self.plain.officer.post(&path, b"{\"spec\":\"aes-256\"}");
        let mut row = Side {
            served: &self.served,
            connections: self.settings.connections,
            requests: Box::new(OneOf::new(vec![request])),
            weight: 1.0,
        };
        let measured = self.repeat(&mut row)?;
        let mut row = self.row_of(&measured, 1.0);
        row.against("5000/s", 5000.0, row.ops_per_s / 5000.0);
        Ok(row)
    }

    fn half_load(&self) -> Result<Row, Failure> {
        let connections = self.settings.connections;
        let mut side = self.encrypting(&self.served, &self.plain.user, connections);
        let most = median(self.repeat(&mut side)?.iter().map(Loaded::rate));
        let paced: Vec<Loaded> = (0..self.settings.rounds)
            .map(|_| self.load(&mut side, Some(most / 2.0)))
            .collect::<Result<_, _>>()?;
        let mut row = self.row_of(&paced, 1.0);
        let p99 = row.p99_ms.unwrap_or(f64::INFINITY);
        row.against("p99 5 ms", most, 5.0 / p99);
        Ok(row)
    }

    // --- measuring ---

    fn load(&self, side: &mut Side<'_>, pace: Option<f64>) -> Result<Loaded, Failure> {
        let load = Load {
            address: side.served.address,
            tls: std::sync::Arc::clone(&side.served.tls),
            connections: side.connections,
            warm_up: WARM_UP,
            length: self.settings.length,
            pace,
            process: side.served.process(),
        };
        let loaded = load::run(&load, &mut *side.requests).map_err(|error| {
            Failure::local(
                format!("a connection to the measured server failed: {error}"),
                "Look at its log in the benchmark's directory.",
            )
        })?;
        if let Some(refusal) = &loaded.first_refusal {
            return Err(Failure::local(
                format!("{} requests were refused: {refusal}", loaded.refused),
                "A benchmark counts only what is done; see what was refused.",
            ));
        }
        Ok(loaded)
    }

    fn repeat(&self, side: &mut Side<'_>) -> Result<Vec<Loaded>, Failure> {
        (0..self.settings.rounds)
            .map(|_| self.load(side, None))
            .collect()
    }

    /// Row, ceiling, ceiling, row, …: whatever drifts hits both.
    fn compare(
        &self,
        row: &mut Side<'_>,
        ceiling: &mut Side<'_>,
        name: &str,
    ) -> Result<Row, Failure> {
        let mut pair = Pair::default();
        for round in 0..self.settings.rounds {
            if round % 2 == 0 {
                pair.row.push(self.load(row, None)?);
                pair.ceiling.push(self.load(ceiling, None)?);
            } else {
                pair.ceiling.push(self.load(ceiling, None)?);
                pair.row.push(self.load(row, None)?);
            }
        }
        let pairs = pair.row.iter().zip(&pair.ceiling);
        let ratio = median(pairs.map(|(row, other)| row.rate() / other.rate().max(1e-9)))
            * row.weight
            / ceiling.weight;
        let top = median(pair.ceiling.iter().map(Loaded::rate)) * ceiling.weight;
        let mut result = self.row_of(&pair.row, row.weight);
        result.against(name, top, ratio);
        result.note = Some(format!(
            "ceiling {:.1} µs of CPU per operation, load {:.1}",
            median(pair.ceiling.iter().map(server_micros)),
            median(
                pair.row
                    .iter()
                    .map(|one| { one.own_cpu * 1e6 / (one.rate() * one.seconds).max(1.0) })
            ),
        ));
        Ok(result)
    }

    /// As [`Self::compare`], against the module called in a loop on every core.
    fn compare_module(&self, row: &mut Side<'_>, what: Measured) -> Result<Row, Failure> {
        let (mut loads, mut rates) = (Vec::new(), Vec::new());
        for round in 0..self.settings.rounds {
            if round % 2 == 0 {
                loads.push(self.load(row, None)?);
                rates.push(module_rate(what, self.settings.length)?);
            } else {
                rates.push(module_rate(what, self.settings.length)?);
                loads.push(self.load(row, None)?);
            }
        }
        let pairs = loads.iter().zip(&rates);
        let ratio = median(pairs.map(|(load, rate)| load.rate() / rate.max(1e-9)));
        let mut result = self.row_of(&loads, 1.0);
        result.against("C2", median(rates.into_iter()), ratio);
        Ok(result)
    }

    fn row_of(&self, measured: &[Loaded], weight: f64) -> Row {
        Row {
            name: "",
            ops_per_s: median(measured.iter().map(Loaded::rate)) * weight,
            cpu_us_per_op: Some(median(measured.iter().map(server_micros)) / weight),
            ceiling: String::new(),
            ceiling_ops_per_s: None,
            ratio: None,
            p50_ms: Some(median(measured.iter().map(|one| one.quantile_ms(0.5)))),
            p99_ms: Some(median(measured.iter().map(|one| one.quantile_ms(0.99)))),
            needed: None,
            note: None,
        }
    }
}

impl Row {
    fn against(&mut self, name: &str, rate: f64, ratio: f64) {
        self.ceiling = name.to_owned();
        self.ceiling_ops_per_s = Some(rate);
        self.ratio = Some(ratio);
    }
}

fn server_micros(loaded: &Loaded) -> f64 {
    loaded.server_cpu * 1e6 / (loaded.rate() * loaded.seconds).max(1.0)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    let lower = sorted.get(sorted.len().saturating_sub(1) / 2).copied();
    (upper + lower.unwrap_or(upper)) / 2.0
}
