//! The server from start to stop.
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use keyward_core::command::ServerEventKind;
use keyward_core::secret::Secret;
use keyward_engine::Engine;
use keyward_store::SqliteOptions;
use keyward_tls::{Alpn, ClientAuth, Identity, ReloadableIdentity, server_config};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;

use crate::archive::{ArchivePolicy, keep_archived};
use crate::listener::{Serving, serve};
use crate::parts::{Layout, StartError, engine_on};
use crate::peers::Peers;
use crate::witnesses::{WitnessConfig, keep_witnessed};

/// How to run.
pub struct ServerOptions {
    /// Data directory.
    pub data_dir: PathBuf,
    /// Configuration file.
    pub config: Option<PathBuf>,
    /// Address; wins over the configuration.
    pub listen: Option<SocketAddr>,
    /// Opens the seal at start.
    pub passphrase: Option<Secret>,
    /// Where to write the port actually listened on.
    pub port_file: Option<PathBuf>,
    /// Witnesses beside those in the configuration.
    pub witnesses: Vec<WitnessConfig>,
    /// How many of them must keep up; wins over the configuration.
    pub witnesses_needed: Option<usize>,
}

/// Why the server ended.
pub type RunError = StartError;

/// The configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Address to listen on.
    pub listen: Option<SocketAddr>,
    /// Certificate chain, PEM.
    pub certificate: Option<PathBuf>,
    /// Private key, PEM.
    pub private_key: Option<PathBuf>,
    /// Witnesses that the log is shown to.
    #[serde(default)]
    pub witness: Vec<WitnessConfig>,
    /// How many of them must keep up for the server to call itself ready; none if not given.
    pub witnesses_needed: Option<usize>,
    /// Seconds between two rounds; 10 if not given.
    pub witness_every_seconds: Option<u32>,
    /// Archiving and expiring of old records; none if not given.
    pub archive: Option<ArchivePolicy>,
    /// After how many pages of 4 KiB the store's journal is emptied: fewer make the longest waits shorter, more make the
    /// average commit cheaper.
    pub journal_pages: Option<u32>,
    /// Loopback address to serve measurements for Prometheus on; not served if not given.
    pub metrics: Option<SocketAddr>,
    /// Form of the log on standard error.
    #[serde(default)]
    pub log: LogForm,
}

/// Form of the log on standard error.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogForm {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line, for programs.
    Json,
}

fn start_log(form: LogForm) {
    let builder = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    // A second server in one process keeps the first one's log.
    let _ = match form {
        LogForm::Text => builder.try_init(),
        LogForm::Json => builder.json().try_init(),
    };
}

const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8443);
/// How often due work is looked for.
const TICK: Duration = Duration::from_secs(1);
/// Records taken into the search index at a time.
const INDEX_STEP: usize = 50_000;

/// Reads and checks a configuration file.
///
/// # Errors
/// [`StartError::Config`], naming the line.
pub fn read_config(path: &Path) -> Result<Config, StartError> {
    let text = std::fs::read_to_string(path).map_err(|error| StartError::File {
        path: path.to_owned(),
        error,
    })?;
    let refused = |reason: String| StartError::Config {
        path: path.to_owned(),
        reason,
    };
    let config: Config = toml::from_str(&text).map_err(|error| refused(error.to_string()))?;
    match config.metrics {
        Some(address) if !address.ip().is_loopback() => {
            Err(refused(crate::metrics::NOT_LOOPBACK.to_owned()))
        }
        _ => Ok(config),
    }
}

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// [`StartError`].
pub fn run(options: ServerOptions) -> Result<(), RunError> {
    run_with(options, None)
}

/// As [`run`]; with a fixed answer for the benchmark's route if one is given.
pub(crate) fn run_with(options: ServerOptions, constant: Option<Bytes>) -> Result<(), RunError> {
    let config = options
        .config
        .as_deref()
        .map(read_config)
        .transpose()?
        .unwrap_or_default();
    start_log(config.log);
    let hardening = keyward_module_awslc::harden_process();
    tracing::info!(?hardening, "process hardened");
    let layout = Layout {
        root: options.data_dir.clone(),
    };
    let mut store = SqliteOptions::default();
    store.journal_pages = config.journal_pages.unwrap_or(store.journal_pages).max(16);
    let engine = Arc::new(engine_on(&layout, &store)?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(StartError::Runtime)?;
    let ended = runtime.block_on(serve_until_stopped(
        options, config, layout, engine, constant,
    ));
    // A witness that does not answer must not hold up the end.
    runtime.shutdown_timeout(Duration::from_secs(2));
    ended
}

async fn serve_until_stopped(
    options: ServerOptions,
    config: Config,
    layout: Layout,
    engine: Arc<Engine>,
    constant: Option<Bytes>,
) -> Result<(), RunError> {
    let certificate = config.certificate.unwrap_or_else(|| layout.certificate());
    let key = config.private_key.unwrap_or_else(|| layout.key());
    let identity = ReloadableIdentity::new(Identity::from_pem_files(&certificate, &key)?);
    let peers = Arc::new(Peers::new()?);
    let tls = server_config(
        &identity,
        &ClientAuth::Offered(peers.anchors.clone()),
        Alpn::Http,
    )?;
    let witnesses = [config.witness, options.witnesses.clone()].concat();
    let needed = options.witnesses_needed.or(config.witnesses_needed);
    if let Some(policy) = &config.archive {
        policy.check()?;
    }
    crate::witnesses::configure(&engine, &witnesses, needed.unwrap_or(0))?;
    let address = options.listen.or(config.listen).unwrap_or(LISTEN);
    let listen = |error| StartError::Listen { address, error };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let bound = listener.local_addr().map_err(listen)?;
    if let Some(passphrase) = &options.passphrase {
        engine.unseal("passphrase", passphrase, None).await?;
        peers.refresh(&engine);
    }
    drop(options.passphrase);
    if let Some(path) = &options.port_file {
        write_port(path, bound.port())?;
    }
    let told = Told {
        layout: &layout,
        bound,
        certificate: &certificate,
        key: &key,
        config: options.config.as_deref(),
    };
    engine.describe_settings(told.settings());
    let measured = measure(config.metrics, &engine).await?;
    tracing::info!(address = %bound, sealed = engine.is_sealed(), "listening");
    let every = Duration::from_secs(config.witness_every_seconds.map_or(10, u64::from).max(1));
    let mut beside = vec![
        tokio::spawn(keep_working(Arc::clone(&engine), Arc::clone(&peers))),
        tokio::spawn(keep_witnessed(Arc::clone(&engine), every)),
        tokio::spawn(reload_on_hangup(identity, certificate, key)),
    ];
    beside.extend(measured);
    if let Some(policy) = config.archive {
        beside.push(tokio::spawn(keep_archived(Arc::clone(&engine), policy)));
    }
    serve(
        listener,
        Serving {
            acceptor: TlsAcceptor::from(tls),
            engine: Arc::clone(&engine),
            peers,
            gate: Arc::default(),
            constant,
        },
        stopped(),
    )
    .await;
    for task in beside {
        task.abort();
    }
    end(engine).await;
    Ok(())
}

/// Records what is still to be recorded, then closes the seal.
async fn end(engine: Arc<Engine>) {
    if !engine.is_sealed() {
        let _ = engine.record_rejections(true).await;
        let _ = engine
            .server_event(ServerEventKind::Stopped, "in good order".to_owned())
            .await;
    }
    let _ = tokio::task::spawn_blocking(move || engine.close()).await;
    tracing::info!("stopped");
}

/// What the server tells about its settings.
struct Told<'t> {
    layout: &'t Layout,
    bound: SocketAddr,
    certificate: &'t Path,
    key: &'t Path,
    config: Option<&'t Path>,
}

impl Told<'_> {
    fn settings(&self) -> Vec<(String, String)> {
        let config = self
            .config
            .map_or_else(|| "none".to_owned(), |path| path.display().to_string());
        vec![
            (
                "data_dir".to_owned(),
                self.layout.root.display().to_string(),
            ),
            ("listen".to_owned(), self.bound.to_string()),
            (
                "certificate".to_owned(),
                self.certificate.display().to_string(),
            ),
            ("private_key".to_owned(), self.key.display().to_string()),
            ("config".to_owned(), config),
        ]
    }
}

/// Writes the port in one step, so that nobody reads half a number.
pub(crate) fn write_port(path: &Path, port: u16) -> Result<(), StartError> {
    let pending = path.with_extension("new");
    std::fs::write(&pending, format!("{port}\n"))
        .and_then(|()| std::fs::rename(&pending, path))
        .map_err(|error| StartError::File {
            path: path.to_owned(),
            error,
        })
}

/// Serves measurements, if an address is given.
async fn measure(
    address: Option<SocketAddr>,
    engine: &Arc<Engine>,
) -> Result<Option<tokio::task::JoinHandle<()>>, StartError> {
    let Some(address) = address else {
        return Ok(None);
    };
    let listener = crate::metrics::listen(address)
        .await
        .map_err(|error| StartError::Listen { address, error })?;
    tracing::info!(%address, "measurements");
    let serving = crate::metrics::serve(listener, Arc::clone(engine));
    Ok(Some(tokio::spawn(serving)))
}

/// Due work once a second; and the end of the process when the outcome of a commit is unknown.
async fn keep_working(engine: Arc<Engine>, peers: Arc<Peers>) {
    let mut tick = tokio::time::interval(TICK);
    let mut ticks = 0_u64;
    loop {
        tick.tick().await;
        if engine.is_dead() {
            tracing::error!(
                "the outcome of a commit is unknown; ending so that the next start finds out"
            );
            std::process::abort();
        }
        if !engine.is_sealed() {
            if let Err(problem) = engine.run_due().await {
                tracing::warn!(
                    code = problem.code.as_str(),
                    "due work could not be looked for"
                );
            }
            peers.refresh(&engine);
            keep_up(&engine, &mut ticks).await;
        }
    }
}

/// What runs beside the commands: the search index, and finding out whether a full disk has room again.
async fn keep_up(engine: &Arc<Engine>, ticks: &mut u64) {
    *ticks = ticks.wrapping_add(1);
    if engine.is_short_of_room() && ticks.is_multiple_of(5) && engine.try_disk().await.is_ok() {
        tracing::info!("the disk takes records again");
    }
    let indexing = Arc::clone(engine);
    // Reading the log and storing a chunk block: not on the threads that serve connections.
    let indexed = tokio::task::spawn_blocking(move || indexing.index_step(INDEX_STEP)).await;
    if let Ok(Err(problem)) = indexed {
        tracing::warn!(
            code = problem.code.as_str(),
            "the search index does not keep up"
        );
    }
}

async fn reload_on_hangup(identity: Arc<ReloadableIdentity>, certificate: PathBuf, key: PathBuf) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else {
        return;
    };
    while hangup.recv().await.is_some() {
        match Identity::from_pem_files(&certificate, &key) {
            Ok(new) => {
                identity.replace(new);
                tracing::info!("certificate reloaded");
            }
            Err(error) => {
                tracing::error!(%error, "the certificate was not reloaded; the old one stays")
            }
        }
    }
}

/// Resolves when the process is told to stop.
pub(crate) async fn stopped() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
