//! `policy`.
use std::path::PathBuf;

use clap::Subcommand;

/// Policies.
#[derive(Debug, Subcommand)]
pub enum Policy {
    /// Write a policy
    #[command(after_help = "Examples:\n  \
        keyward policy put nights nights.cedar -r shop\n  \
        keyward policy put nights - -r shop < nights.cedar")]
    Put {
        /// Name in the realm
        name: String,
        /// File with the policy in Cedar; `-` is standard input
        file: PathBuf,
    },
    /// List the realm's policies
    List,
    /// Show the text of a policy
    Show {
        /// Name
        name: String,
    },
    /// Remove a policy
    Delete {
        /// Name
        name: String,
    },
}
