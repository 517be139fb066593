//! `config`.
use std::path::PathBuf;

use clap::Subcommand;

/// Configuration.
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Check contexts, or a server's configuration, without using them
    #[command(
        after_help = "Nothing is sent, and no server is started. Ends with 6 if something is not\n\
        right.\n\n\
        Examples:\n  \
        keyward config check\n  \
        keyward config check --context prod\n  \
        keyward config check --data-dir /var/lib/keyward"
    )]
    Check {
        /// Check the configuration of the server in this directory instead
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
        /// Its configuration file [default: DIR/keyward.toml, if it is there]
        #[arg(long = "server-config", value_name = "FILE", requires = "data_dir")]
        server_config: Option<PathBuf>,
    },
}
