//! The only place that touches the server's code: everything else of this program talks to a server over TLS.
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use keyward_core::secret::Secret;
use keyward_server::{check, init, run};

use crate::exit::Failure;

/// What `init` made.
pub struct Made {
    pub admin_token: Secret,
    pub deployment: String,
    pub log_key: String,
    pub ca_file: PathBuf,
}

/// Makes an installation.
pub fn init(
    data_dir: PathBuf,
    passphrase: Secret,
    server_names: Vec<String>,
) -> Result<Made, Failure> {
    let report = init::init(init::InitOptions {
        data_dir,
        passphrase,
        server_names,
    })
    .map_err(|e| failed(&e))?;
    let ca_file = report.data_dir.join("tls/ca.crt");
    Ok(Made {
        admin_token: report.admin_token,
        deployment: report.deployment,
        log_key: report.log_verifier_key,
        ca_file,
    })
}

/// Runs the server until it is told to stop.
pub fn run(
    data_dir: PathBuf,
    config: Option<PathBuf>,
    listen: Option<SocketAddr>,
    passphrase: Option<Secret>,
    port_file: Option<PathBuf>,
) -> Result<(), Failure> {
    run::run(run::ServerOptions {
        data_dir,
        config,
        listen,
        passphrase,
        port_file,
    })
    .map_err(|error| failed(&error))
}

/// Checks a data directory: name, verdict, facts.
pub fn check(
    data_dir: &Path,
    passphrase: Option<Secret>,
) -> Result<Vec<(String, bool, String)>, Failure> {
    check::check(data_dir, passphrase.as_ref())
        .map(|report| report.lines)
        .map_err(|error| failed(&error))
}

/// Runs a witness until it is told to stop.
pub fn witness(
    _listen: SocketAddr,
    _state_dir: PathBuf,
    _port_file: Option<PathBuf>,
) -> Result<(), Failure> {
    Err(Failure::local(
        "this build has no witness",
        "Use a later build.",
    ))
}

fn failed(error: &run::RunError) -> Failure {
    let text = error.to_string();
    Failure::local(text, "Correct what is named and start again.")
}
