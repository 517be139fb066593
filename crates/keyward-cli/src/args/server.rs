//! `init`, `server`, `unseal`, `seal`, `status`, `witness`.
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

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
    keyward server --data-dir ./data --check\n\n\
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
    /// Check every stored row and the whole log, then end
    #[arg(long, conflicts_with_all = ["listen", "port_file"])]
    pub check: bool,
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

/// Run a witness (C2SP tlog-witness): it remembers how far logs had come and
/// cosigns only what extends that.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keyward witness --state-dir ./witness --listen 127.0.0.1:7700")]
pub struct Witness {
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// Directory for its key and what it has seen
    #[arg(long, value_name = "DIR")]
    pub state_dir: PathBuf,
    /// File to write the port to once it listens
    #[arg(long, value_name = "FILE")]
    pub port_file: Option<PathBuf>,
}
