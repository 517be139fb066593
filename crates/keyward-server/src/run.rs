//! The server from start to stop.
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keyward_core::command::ServerEventKind;
use keyward_core::secret::Secret;
use keyward_engine::Engine;
use keyward_tls::{Alpn, ClientAuth, Identity, ReloadableIdentity, server_config};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;

use crate::listener::serve;
use crate::parts::{Layout, StartError, engine};
use crate::peers::Peers;

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
}

const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8443);
/// How often due work is looked for.
const TICK: Duration = Duration::from_secs(1);

/// Reads and checks a configuration file.
///
/// # Errors
/// [`StartError::Config`], naming the line.
pub fn read_config(path: &Path) -> Result<Config, StartError> {
    let text = std::fs::read_to_string(path).map_err(|error| StartError::File {
        path: path.to_owned(),
        error,
    })?;
    toml::from_str(&text).map_err(|error| StartError::Config {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// [`StartError`].
pub fn run(options: ServerOptions) -> Result<(), RunError> {
    let _ = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_target(false)
        .try_init();
    let hardening = keyward_module_awslc::harden_process();
    tracing::info!(?hardening, "process hardened");
    let config = options
        .config
        .as_deref()
        .map(read_config)
        .transpose()?
        .unwrap_or_default();
    let layout = Layout {
        root: options.data_dir.clone(),
    };
    let engine = Arc::new(engine(&layout)?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(StartError::Runtime)?;
    runtime.block_on(serve_until_stopped(options, config, layout, engine))
}

async fn serve_until_stopped(
    options: ServerOptions,
    config: Config,
    layout: Layout,
    engine: Arc<Engine>,
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
        let pending = path.with_extension("new");
        std::fs::write(&pending, format!("{}\n", bound.port()))
            .and_then(|()| std::fs::rename(&pending, path))
            .map_err(|error| StartError::File {
                path: path.clone(),
                error,
            })?;
    }
    tracing::info!(address = %bound, sealed = engine.is_sealed(), "listening");
    let work = tokio::spawn(keep_working(Arc::clone(&engine), Arc::clone(&peers)));
    let reload = tokio::spawn(reload_on_hangup(identity, certificate, key));
    serve(
        listener,
        TlsAcceptor::from(tls),
        Arc::clone(&engine),
        peers,
        stopped(),
    )
    .await;
    work.abort();
    reload.abort();
    if !engine.is_sealed() {
        let _ = engine
            .server_event(ServerEventKind::Stopped, "in good order".to_owned())
            .await;
    }
    let closing = Arc::clone(&engine);
    let _ = tokio::task::spawn_blocking(move || closing.close()).await;
    tracing::info!("stopped");
    Ok(())
}

/// Due work once a second; and the end of the process when the outcome of a commit is unknown.
async fn keep_working(engine: Arc<Engine>, peers: Arc<Peers>) {
    let mut tick = tokio::time::interval(TICK);
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
        }
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

async fn stopped() {
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
