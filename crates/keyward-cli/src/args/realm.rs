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
    /// Change level, limits and rules for new keys
    #[command(
        after_help = "Keys that are there already keep what they were made with.\n\n\
        Examples:\n  \
        keyward realm configure shop --max-keys 1000\n  \
        keyward realm configure shop --level 2 --widest-export never"
    )]
    Configure {
        /// Name or id
        realm: String,
        /// Assurance level; lower only while the realm holds nothing
        #[arg(long, value_parser = clap::value_parser!(u8).range(1..=3))]
        level: Option<u8>,
        /// Most keys it may hold
        #[arg(long, value_name = "COUNT")]
        max_keys: Option<u64>,
        /// Most commands a second
        #[arg(long, value_name = "COUNT")]
        max_rate: Option<u32>,
        /// Most commands under way at once
        #[arg(long, value_name = "COUNT")]
        max_in_flight: Option<u32>,
        /// Days between rotations of a key that is made without an interval
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=100_000))]
        rotate_every_days: Option<u64>,
        /// Widest export class of new keys: never, wrapped, session
        #[arg(long, value_name = "CLASS", value_parser = super::key::export)]
        widest_export: Option<keyward_core::object::ExportClass>,
        /// Whether keys may have an exception for services that are not approved
        #[arg(long, value_name = "BOOL")]
        exceptions: Option<bool>,
    },
    /// Stop every use in a realm
    #[command(after_help = "Example:\n  keyward realm suspend shop --reason \"incident 17\"")]
    Suspend {
        /// Name or id
        realm: String,
        /// Why; kept in the audit log
        #[arg(long)]
        reason: Option<String>,
    },
    /// Allow use in a realm again
    Resume {
        /// Name or id
        realm: String,
        /// Why; kept in the audit log
        #[arg(long)]
        reason: Option<String>,
    },
}
