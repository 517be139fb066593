//! `init`, `server`, `unseal`, `seal`, `status`, `witness`.
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Passphrase;

/// Make an installation in an empty directory: its keys under a passphrase,
/// its log, its TLS authority, and an administrator's token.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    keyward init --data-dir ./data\n  \
    keyward init --data-dir /var/lib/keyward --server-name keys.example.com \\\n      \
    --passphrase-file /run/secrets/passphrase\n\n\
    Keep the passphrase: without it, everything in the directory is lost.")]
pub struct Init {
    /// Directory to make; it must be empty or not there yet
    #[arg(long, value_name = "DIR")]
    pub data_dir: PathBuf,
    #[command(flatten)]
    pub passphrase: Passphrase,
    /// Name or address the server is reached by; may be repeated
    #[arg(long = "server-name", value_name = "HOST", default_values = ["localhost", "127.0.0.1", "::1"])]
    pub server_names: Vec<String>,
    /// Port that the new context names
    #[arg(long, default_value_t = 8443)]
    pub port: u16,
    /// Name of the context to make for the administrator
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub context_name: String,
    /// Make no context
    #[arg(long)]
    pub no_context: bool,
}

/// Run the server, or check a data directory.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    keyward server --data-dir ./data\n  \
    keyward server --data-dir /var/lib/keyward --passphrase-file /run/secrets/passphrase\n  \
    keyward server --data-dir ./data --check --passphrase-file pass \\\n      \
    --checkpoint kept.note\n\n\
    Without a passphrase the server starts sealed: `keyward unseal` opens it.")]
pub struct Server {
    /// Directory made by `keyward init`
    #[arg(long, value_name = "DIR")]
    pub data_dir: PathBuf,
    /// Server configuration [default: DIR/keyward.toml, if it is there]
    #[arg(long = "server-config", value_name = "FILE")]
    pub server_config: Option<PathBuf>,
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// File to write the port to once the server listens
    #[arg(long, value_name = "FILE")]
    pub port_file: Option<PathBuf>,
    #[command(flatten)]
    pub passphrase: Passphrase,
    /// Witness to show the log to; may be repeated. KEY may be a file
    #[arg(long = "witness", value_name = "url=URL,key=KEY,ca=FILE", value_parser = witness_at)]
    pub witnesses: Vec<WitnessAt>,
    /// How many witnesses must keep up for the server to be ready [default: 0]
    #[arg(long, value_name = "COUNT")]
    pub witnesses_needed: Option<usize>,
    /// Check every stored row and the whole log, then end
    #[arg(long, conflicts_with_all = ["listen", "port_file", "witnesses"])]
    pub check: bool,
    /// Checkpoint that the log must contain, kept by a witness or an auditor; may be
    /// repeated
    #[arg(long = "checkpoint", value_name = "FILE", requires = "check")]
    pub checkpoints: Vec<PathBuf>,
}

/// Open the seal of a running server.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    keyward unseal\n  \
    keyward unseal --passphrase-file /run/secrets/passphrase")]
pub struct Unseal {
    #[command(flatten)]
    pub passphrase: Passphrase,
    /// Kind of seal to open
    #[arg(long, default_value = "passphrase")]
    pub kind: String,
}

/// Close the seal: keys leave memory, and nothing but unsealing is answered.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keyward seal --reason \"maintenance\"")]
pub struct Seal {
    /// Why; kept in the audit log
    #[arg(long)]
    pub reason: Option<String>,
}

/// Show how the server and what it runs on stand.
#[derive(Debug, Args)]
#[command(
    after_help = "Ends with 1 if a check is not met, with 4 if the server is sealed.\n\n\
    Example:\n  keyward status --json | jq '.checks[] | select(.ok | not)'"
)]
pub struct Status {}

/// A witness (C2SP tlog-witness): it remembers how far logs had come and cosigns
/// only what extends that.
#[derive(Debug, Subcommand)]
pub enum Witness {
    /// Make a witness in an empty directory
    Init(WitnessInit),
    /// Run it
    Run(WitnessRun),
}

/// Make a witness in an empty directory: its key, sealed by a passphrase, its
/// memory, and a TLS authority for its listener.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    keyward witness init --state-dir ./witness --name witness.example/w1 --log log.key\n\n\
    Run it on another machine than the server, under other people: a witness that\n\
    falls together with what it watches proves nothing.")]
pub struct WitnessInit {
    /// Directory to make
    #[arg(long, value_name = "DIR")]
    pub state_dir: PathBuf,
    /// Its name: a URL without scheme, by convention
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// Log to watch: its verifier key, or a file with it; may be repeated
    #[arg(long = "log", value_name = "KEY")]
    pub logs: Vec<String>,
    /// Name or address it is reached by; may be repeated
    #[arg(long = "server-name", value_name = "HOST", default_values = ["localhost", "127.0.0.1", "::1"])]
    pub server_names: Vec<String>,
    #[command(flatten)]
    pub passphrase: Passphrase,
}

/// Run a witness.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    keyward witness run --state-dir ./witness --listen 127.0.0.1:7700\n\n\
    A witness whose memory is lost must be retired: make a new one, under another\n\
    name.")]
pub struct WitnessRun {
    /// Directory made by `keyward witness init`
    #[arg(long, value_name = "DIR")]
    pub state_dir: PathBuf,
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// Log to watch as well: its verifier key, or a file with it; may be repeated
    #[arg(long = "log", value_name = "KEY")]
    pub logs: Vec<String>,
    /// File to write the port to once it listens
    #[arg(long, value_name = "FILE")]
    pub port_file: Option<PathBuf>,
    #[command(flatten)]
    pub passphrase: Passphrase,
}

/// A witness on the command line.
#[derive(Debug, Clone)]
pub struct WitnessAt {
    pub url: String,
    pub key: String,
    pub ca: PathBuf,
}

/// Reads `url=URL,key=KEY,ca=FILE`, in any order.
fn witness_at(text: &str) -> Result<WitnessAt, String> {
    let (mut url, mut key, mut ca) = (None, None, None);
    for part in text.split(',') {
        match part.split_once('=') {
            Some(("url", value)) => url = Some(value.to_owned()),
            Some(("key", value)) => key = Some(value.to_owned()),
            Some(("ca", value)) => ca = Some(PathBuf::from(value)),
            _ => return Err(format!("`{part}` is none of url=, key=, ca=")),
        }
    }
    match (url, key, ca) {
        (Some(url), Some(key), Some(ca)) => Ok(WitnessAt { url, key, ca }),
        _ => Err("url=, key= and ca= are all needed".to_owned()),
    }
}
