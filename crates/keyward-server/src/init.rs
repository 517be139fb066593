//! Making a data directory: store, keys, the first administrator, a local certificate authority for the listener.
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use keyward_core::secret::Secret;
use keyward_engine::PassphraseSeal;
use keyward_engine::ports::clock::Clock as _;
use keyward_store::SqliteStore;
use keyward_tls::issue::{Lifetime, LocalAuthority};
use rustls_pki_types::UnixTime;

use crate::clock::SystemClock;
use crate::parts::{Layout, StartError, module};

/// What to make.
pub struct InitOptions {
    /// Directory; must not hold an installation yet.
    pub data_dir: PathBuf,
    /// Opens the seal from now on.
    pub passphrase: Secret,
    /// Names and addresses of the server, for its certificate.
    pub server_names: Vec<String>,
}

/// What was made; the token is shown here and never again.
pub struct InitReport {
    /// The administrator's bearer token, good for 30 days.
    pub admin_token: Secret,
    /// The installation's id.
    pub deployment: String,
    /// The authority that clients have to trust.
    pub ca_certificate_pem: String,
    /// Pin it: everything in the log is believed by this key.
    pub log_verifier_key: String,
    /// The directory.
    pub data_dir: PathBuf,
}

/// Why it was not made.
pub type InitError = StartError;

fn file_error(path: &Path) -> impl FnOnce(std::io::Error) -> StartError + '_ {
    move |error| StartError::File {
        path: path.to_owned(),
        error,
    }
}

pub(crate) fn directory(path: &Path) -> Result<(), StartError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(file_error(path))
}

pub(crate) fn write(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), StartError> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .map_err(file_error(path))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(file_error(path))
}

/// Makes it.
///
/// # Errors
/// [`StartError`]; a directory that already holds an installation is left as it is.
pub fn init(options: InitOptions) -> Result<InitReport, InitError> {
    let _ = keyward_module_awslc::harden_process();
    let layout = Layout {
        root: options.data_dir,
    };
    directory(&layout.root)?;
    directory(&layout.store())?;
    directory(&layout.root.join("tls"))?;
    let module = module()?;
    let store = SqliteStore::create(&layout.store()).map_err(|fault| StartError::Store {
        path: layout.store(),
        fault,
    })?;
    let clock = SystemClock::new();
    let seal = PassphraseSeal::default();
    let made =
        keyward_engine::init::initialise(module, &store, &clock, &seal, &options.passphrase)?;

    let now = UnixTime::since_unix_epoch(std::time::Duration::from_millis(clock.now().wall.0));
    let authority =
        LocalAuthority::generate("Keyward local authority", Lifetime::days(now, 3_650))?;
    let names: Vec<&str> = options.server_names.iter().map(String::as_str).collect();
    let server = authority.issue_server(&names, Lifetime::days(now, 397))?;
    write(
        &layout.authority(),
        0o644,
        authority.certificate_pem().as_bytes(),
    )?;
    write(
        &layout.certificate(),
        0o644,
        server.certificate_pem().as_bytes(),
    )?;
    write(&layout.key(), 0o600, server.private_key_pem().as_bytes())?;
    write(
        &layout.root.join("tls").join("ca.key"),
        0o600,
        authority.private_key_pem()?.as_bytes(),
    )?;
    Ok(InitReport {
        admin_token: made.admin_token,
        deployment: made.deployment.to_string(),
        ca_certificate_pem: authority.certificate_pem().to_owned(),
        log_verifier_key: made.log_verifier_key,
        data_dir: layout.root,
    })
}
