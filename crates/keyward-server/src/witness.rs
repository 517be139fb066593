//! `keyward witness`: a process of its own that remembers how far logs had come, and cosigns only what extends that
//! (c2sp.org/tlog-witness).
//!
//! Its key is made in the module and kept sealed under a passphrase; its memory is authenticated, and durable before it
//! answers. A witness whose memory is gone must be retired, so a missing one is refused, never made anew.
//!
//! Read next: `memory.rs` (what is durable when), `service.rs` (HTTP).
mod memory;
mod service;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyward_core::secret::Secret;
use keyward_engine::cosigner::{Cosigner, WitnessMemory};
use keyward_engine::{PassphraseSeal, ports::clock::Clock as _, ports::seal::Seal};
use keyward_tls::issue::{Lifetime, LocalAuthority};
use keyward_tls::{Alpn, ClientAuth, Identity, ReloadableIdentity, server_config};
use rustls_pki_types::UnixTime;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::clock::SystemClock;
use crate::parts::{StartError, module};
use memory::Memory;

/// What to make.
pub struct WitnessInit {
    /// Directory; must not hold a witness yet.
    pub state_dir: PathBuf,
    /// Its name, by convention a URL without scheme: `witness.example/w1`.
    pub name: String,
    /// Seals its key.
    pub passphrase: Secret,
    /// Logs to watch: verifier keys or key histories.
    pub logs: Vec<String>,
    /// Names and addresses it is reached by, for its certificate.
    pub server_names: Vec<String>,
}

/// What was made.
pub struct WitnessMade {
    /// The key by which its cosignatures are believed.
    pub verifier_key: String,
    /// The authority that its clients have to trust.
    pub ca_file: PathBuf,
}

/// How to run.
pub struct WitnessOptions {
    /// Its directory.
    pub state_dir: PathBuf,
    /// Address.
    pub listen: SocketAddr,
    /// Opens its key.
    pub passphrase: Secret,
    /// Further logs to watch.
    pub logs: Vec<String>,
    /// Where to write the port actually listened on.
    pub port_file: Option<PathBuf>,
}

/// Where things are in a witness' directory.
struct Layout(PathBuf);

impl Layout {
    fn key(&self) -> PathBuf {
        self.0.join("witness.key")
    }
    fn memory(&self) -> PathBuf {
        self.0.join("memory")
    }
    fn evidence(&self) -> PathBuf {
        self.0.join("evidence")
    }
    fn tls(&self, file: &str) -> PathBuf {
        self.0.join("tls").join(file)
    }
}

fn seals() -> Vec<Arc<dyn Seal>> {
    vec![Arc::new(PassphraseSeal::default())]
}

fn now() -> UnixTime {
    UnixTime::since_unix_epoch(std::time::Duration::from_millis(
        SystemClock::new().now().wall.0,
    ))
}

/// Makes a witness: key, memory, a local certificate authority for its listener.
///
/// # Errors
/// [`StartError`]; what is there already is left as it is.
pub fn init(options: WitnessInit) -> Result<WitnessMade, StartError> {
    let _ = keyward_module_awslc::harden_process();
    let layout = Layout(options.state_dir);
    crate::init::directory(&layout.0)?;
    crate::init::directory(&layout.0.join("tls"))?;
    crate::init::directory(&layout.evidence())?;
    let made = Cosigner::create(
        module()?,
        &PassphraseSeal::default(),
        &options.passphrase,
        &options.name,
    )?;
    let mut known = WitnessMemory::default();
    for log in &options.logs {
        memory::watch(&made.cosigner, &mut known, log)?;
    }
    let authority =
        LocalAuthority::generate("Keyward witness authority", Lifetime::days(now(), 3_650))?;
    let names: Vec<&str> = options.server_names.iter().map(String::as_str).collect();
    let server = authority.issue_server(&names, Lifetime::days(now(), 397))?;
    // The key file comes first and is never replaced: a directory that holds a witness is refused here.
    crate::init::write(&layout.key(), 0o600, &made.file)?;
    crate::init::write(&layout.memory(), 0o600, &made.cosigner.seal_memory(&known)?)?;
    let authority_key = authority.private_key_pem()?;
    let files: [(&str, u32, &[u8]); 4] = [
        ("ca.crt", 0o644, authority.certificate_pem().as_bytes()),
        ("server.crt", 0o644, server.certificate_pem().as_bytes()),
        ("server.key", 0o600, server.private_key_pem().as_bytes()),
        ("ca.key", 0o600, authority_key.as_bytes()),
    ];
    for (name, mode, bytes) in files {
        crate::init::write(&layout.tls(name), mode, bytes)?;
    }
    Ok(WitnessMade {
        verifier_key: made.cosigner.verifier_key().to_string(),
        ca_file: layout.tls("ca.crt"),
    })
}

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// [`StartError`].
pub fn run(options: WitnessOptions) -> Result<(), StartError> {
    let _ = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_target(false)
        .try_init();
    let _ = keyward_module_awslc::harden_process();
    let layout = Layout(options.state_dir);
    let file = read(&layout.key())?;
    let cosigner = Cosigner::open(module()?, &seals(), &options.passphrase, &file)?;
    let memory = Memory::open(cosigner, layout.memory(), layout.evidence())?;
    for log in &options.logs {
        memory.add(log)?;
    }
    let identity = ReloadableIdentity::new(Identity::from_pem_files(
        &layout.tls("server.crt"),
        &layout.tls("server.key"),
    )?);
    let tls = server_config(&identity, &ClientAuth::None, Alpn::Http)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(StartError::Runtime)?;
    runtime.block_on(async move {
        let address = options.listen;
        let failed = |error| StartError::Listen { address, error };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        if let Some(path) = &options.port_file {
            crate::run::write_port(path, bound.port())?;
        }
        tracing::info!(address = %bound, witness = %memory.name(), logs = memory.count(), "witnessing");
        let stop = crate::run::stopped();
        service::serve(listener, TlsAcceptor::from(tls), Arc::new(memory), stop).await;
        tracing::info!("stopped");
        Ok(())
    })
}

fn read(path: &Path) -> Result<Vec<u8>, StartError> {
    std::fs::read(path).map_err(|error| StartError::File {
        path: path.to_owned(),
        error,
    })
}
