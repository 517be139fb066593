//! The only place that touches the server's code: everything else of this program talks to a server over TLS.
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use keyward_core::ErrorCode;
use keyward_core::secret::Secret;
use keyward_server::{check, init, run};

use crate::exit::{Exit, Failure};

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
    if let run::RunError::Engine(problem) = error {
        let exit = match problem.code {
            ErrorCode::StorageCorrupted | ErrorCode::AuditInconsistent => Exit::Integrity,
            ErrorCode::OutcomeUnknown => Exit::Unknown,
            _ => Exit::Local,
        };
        return Failure::new(
            exit,
            problem.code.as_str(),
            problem.detail(),
            problem.code.help(),
        );
    }
    let next = match error {
        run::RunError::Module(_) => {
            "Run the release as it was built; nothing works without its module."
        }
        run::RunError::Store { .. } => {
            "Check that the directory is one made by `keyward init`, and that no other server uses it."
        }
        run::RunError::Listen { .. } => "Choose another address with --listen.",
        run::RunError::Config { .. } => "Correct the file; docs/cli.md lists the settings.",
        _ => "Correct what is named and start again.",
    };
    Failure::local(error.to_string(), next)
}
