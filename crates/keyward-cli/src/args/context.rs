//! `context`.
use clap::Subcommand;

/// Contexts.
#[derive(Debug, Subcommand)]
pub enum Context {
    /// List contexts
    List,
    /// Make a context the current one
    Use {
        /// Name
        name: String,
    },
    /// Make or change a context from the global options given
    #[command(after_help = "Example:\n  \
        keyward context set prod --server https://keys.example.com:8443 \\\n      \
        --ca corp-ca.pem --token-file ~/.keyward/prod.token --realm shop")]
    Set {
        /// Name
        name: String,
        /// The log's verifier key: what offline verification trusts
        #[arg(long, value_name = "KEY")]
        log_key: Option<String>,
    },
    /// Remove a context
    Remove {
        /// Name
        name: String,
    },
}
