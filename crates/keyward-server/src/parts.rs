//! What every way of running needs: the data directory, the module, the store.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyward_engine::ports::clock::Clock;
use keyward_engine::ports::module::Module;
use keyward_engine::ports::store::{Store, StoreFault};
use keyward_engine::{CacheSizes, Engine, EngineParts, PassphraseSeal, Writer};
use keyward_module_awslc::{AwsLcModule, StartFault};
use keyward_store::{SqliteOptions, SqliteStore};
use keyward_tls::TlsError;

use crate::clock::SystemClock;

/// Why something could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The module does not start: nothing may go on.
    #[error("the cryptographic module does not start: {0}")]
    Module(#[from] StartFault),
    /// The store does not open.
    #[error("the store in {path} does not open: {fault}")]
    Store {
        /// Where.
        path: PathBuf,
        /// Why.
        fault: StoreFault,
    },
    /// The engine refuses.
    #[error("{}: {}; {}", .0.code.as_str(), .0.detail(), .0.code.help())]
    Engine(keyward_core::Problem),
    /// TLS files or settings.
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
    /// Files.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The network.
    #[error("cannot listen on {address}: {error}; is another server running there?")]
    Listen {
        /// Where.
        address: std::net::SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// The runtime.
    #[error("the system gives no threads: {0}")]
    Runtime(std::io::Error),
    /// The archive in the configuration.
    #[error("archive {path}: {reason}")]
    Archive {
        /// Which directory.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A witness in the configuration.
    #[error("witness {url}: {reason}")]
    Witness {
        /// Which.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The configuration file.
    #[error("configuration {path}: {reason}")]
    Config {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl From<keyward_core::Problem> for StartError {
    fn from(problem: keyward_core::Problem) -> Self {
        Self::Engine(problem)
    }
}

/// Where things are in a data directory.
pub(crate) struct Layout {
    pub(crate) root: PathBuf,
}

impl Layout {
    pub(crate) fn store(&self) -> PathBuf {
        self.root.join("store")
    }
    pub(crate) fn certificate(&self) -> PathBuf {
        self.root.join("tls").join("server.crt")
    }
    pub(crate) fn key(&self) -> PathBuf {
        self.root.join("tls").join("server.key")
    }
    pub(crate) fn authority(&self) -> PathBuf {
        self.root.join("tls").join("ca.crt")
    }
}

pub(crate) fn module() -> Result<Arc<dyn Module>, StartError> {
    Ok(Arc::new(AwsLcModule::start(
        keyward_module_awslc::Config::default(),
    )?))
}

pub(crate) fn open_store(
    path: &Path,
    options: &SqliteOptions,
) -> Result<Arc<dyn Store>, StartError> {
    let store = SqliteStore::open_with(path, options).map_err(|fault| StartError::Store {
        path: path.to_owned(),
        fault,
    })?;
    Ok(Arc::new(store))
}

pub(crate) fn engine(layout: &Layout) -> Result<Engine, StartError> {
    engine_on(layout, &SqliteOptions::default())
}

pub(crate) fn engine_on(layout: &Layout, options: &SqliteOptions) -> Result<Engine, StartError> {
    let parts = EngineParts {
        module: module()?,
        store: open_store(&layout.store(), options)?,
        clock: Arc::new(SystemClock::new()) as Arc<dyn Clock>,
        seals: vec![Arc::new(PassphraseSeal::default())],
        sizes: CacheSizes::default(),
        writer: Writer::Thread,
    };
    Ok(Engine::new(parts)?)
}
