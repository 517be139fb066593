//! The only place that touches the server's code: everything else of this program talks to a server over TLS.
use std::path::{Path, PathBuf};

use keyward_core::ErrorCode;
use keyward_core::secret::Secret;
use keyward_server::{bench, check, init, run, witness};

pub use keyward_server::bench::{CONSTANT_PATH, key_name};
pub use keyward_server::measure::Measured;

use crate::exit::{Exit, Failure};

pub use keyward_server::run::ServerOptions;
pub use keyward_server::witness::{WitnessInit, WitnessOptions};
pub use keyward_server::witnesses::WitnessConfig;

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
pub fn run(options: run::ServerOptions) -> Result<(), Failure> {
    run::run(options).map_err(|error| failed(&error))
}

/// Runs the server of a benchmark: with a fixed answer beside everything else.
pub fn bench_server(
    data_dir: PathBuf,
    config: Option<PathBuf>,
    passphrase: Option<Secret>,
    port_file: PathBuf,
) -> Result<(), Failure> {
    bench::serve(run::ServerOptions {
        data_dir,
        config,
        listen: Some(std::net::SocketAddr::from((
            std::net::Ipv4Addr::LOCALHOST,
            0,
        ))),
        passphrase,
        port_file: Some(port_file),
        witnesses: Vec::new(),
        witnesses_needed: None,
    })
    .map_err(|error| failed(&error))
}

/// Runs the least server on the same TLS.
pub fn bench_bare(data_dir: PathBuf, port_file: PathBuf) -> Result<(), Failure> {
    bench::bare(data_dir, port_file).map_err(|error| failed(&error))
}

/// How often per second the module does one thing on every core.
pub fn module_rate(what: Measured, length: std::time::Duration) -> Result<f64, Failure> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    bench::module_rate(what, threads, length).map_err(|error| failed(&error))
}

/// Fills a realm of an installation that nobody serves.
pub fn fill(filling: &bench::Filling<'_>) -> Result<(), Failure> {
    bench::fill(filling).map_err(|error| failed(&error))
}

pub use keyward_server::bench::Filling;

/// Checks a data directory: name, verdict, facts.
pub fn check(
    data_dir: &Path,
    passphrase: Option<Secret>,
    kept: &[PathBuf],
) -> Result<Vec<(String, bool, String)>, Failure> {
    check::check(data_dir, passphrase.as_ref(), kept)
        .map(|report| report.lines)
        .map_err(|error| failed(&error))
}

/// Makes a witness.
pub fn witness_init(options: witness::WitnessInit) -> Result<witness::WitnessMade, Failure> {
    witness::init(options).map_err(|error| failed(&error))
}

/// Checks the configuration of a server without starting it.
pub fn check_config(data_dir: &Path, named: Option<&Path>) -> Vec<crate::commands::config::Line> {
    let usual = data_dir.join("keyward.toml");
    let file = named.or_else(|| usual.is_file().then_some(usual.as_path()));
    let mut lines = Vec::new();
    let config = match file.map(run::read_config).transpose() {
        Ok(config) => config.unwrap_or_default(),
        Err(error) => {
            lines.push(("configuration".to_owned(), false, error.to_string()));
            return lines;
        }
    };
    let place = file.map_or_else(
        || format!("`{}` is not there: defaults hold", usual.display()),
        |file| file.display().to_string(),
    );
    lines.push(("configuration".to_owned(), true, place));
    let listen = config.listen.map_or_else(
        || "127.0.0.1:8443 (default)".to_owned(),
        |address| address.to_string(),
    );
    lines.push(("listen".to_owned(), true, listen));
    let certificate = config
        .certificate
        .unwrap_or_else(|| data_dir.join("tls/server.crt"));
    let key = config
        .private_key
        .unwrap_or_else(|| data_dir.join("tls/server.key"));
    let (ok, facts) = match keyward_tls::Identity::from_pem_files(&certificate, &key) {
        Ok(_) => (
            true,
            format!("{} with its private key", certificate.display()),
        ),
        Err(error) => (false, error.to_string()),
    };
    lines.push(("certificate".to_owned(), ok, facts));
    lines
}

/// Runs a witness until it is told to stop.
pub fn witness_run(options: witness::WitnessOptions) -> Result<(), Failure> {
    witness::run(options).map_err(|error| failed(&error))
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
