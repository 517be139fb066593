//! `realm`.
use clap::Subcommand;

use super::Paging;

/// Realms.
#[derive(Debug, Subcommand)]
pub enum Realm {
    /// Make a realm
    #[command(
        after_help = "Examples:\n  keyward realm create shop\n  keyward realm create trial --rehearsal"
    )]
    Create {
        /// Unique name
        name: String,
        /// Assurance level
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=3))]
        level: u8,
        /// For rehearsals only: uncertified tokens work there
        #[arg(long)]
        rehearsal: bool,
        /// Most keys it may hold
        #[arg(long, value_name = "COUNT")]
        max_keys: Option<u64>,
        /// Most commands a second
        #[arg(long, value_name = "COUNT")]
        max_rate: Option<u32>,
        /// Most commands under way at once
        #[arg(long, value_name = "COUNT")]
        max_in_flight: Option<u32>,
    },
    /// List realms
    List(Paging),
    /// Show a realm
    #[command(after_help = "Example:\n  keyward realm show shop")]
    Show {
        /// Name or id; `system` is the installation's own
        realm: String,
    },
}
