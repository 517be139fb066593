//! `key update`, `key alias`, and the filters of `key list`.
use clap::{Args, Subcommand};
use keyward_core::algorithm::{KeySpec, Purpose};
use keyward_core::ids::PrincipalId;
use keyward_core::object::{ExportClass, Sensitivity};
use keyward_core::time::Timestamp;

use super::{export, principal, purpose, sensitivity, spec, tag, time};

/// What a listing is narrowed to.
#[derive(Debug, Args)]
pub struct Filter {
    /// Only this algorithm and size
    #[arg(long, value_parser = spec)]
    pub spec: Option<KeySpec>,
    /// Only this purpose
    #[arg(long, value_parser = purpose)]
    pub purpose: Option<Purpose>,
    /// Only keys with this tag, of any value or of this one
    #[arg(long, value_name = "KEY[=VALUE]")]
    pub tag: Option<String>,
    /// Only those this principal answers for, by id
    #[arg(long, value_name = "ID", value_parser = principal)]
    pub owner: Option<PrincipalId>,
    /// Only those whose rotation falls due before then (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub rotation_due_before: Option<Timestamp>,
    /// Only those with a destruction that falls due before then
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub destruction_due_before: Option<Timestamp>,
}

/// Change attributes; what is not named stays as it is.
#[derive(Debug, Args)]
#[command(
    after_help = "Export classes and periods can only become narrower.\n\n\
    Examples:\n  \
    keyward key update orders --tag env=prod --untag old -r shop\n  \
    keyward key update orders --rotate-every-days 30 -r shop\n  \
    keyward key update orders --min-process 3 --if-revision 7 -r shop"
)]
pub struct Update {
    /// Name or id
    pub key: String,
    /// Another name
    #[arg(long, value_name = "NAME", conflicts_with = "no_name")]
    pub name: Option<String>,
    /// No name: the key goes by its id and aliases
    #[arg(long)]
    pub no_name: bool,
    /// Tag to write, as KEY=VALUE; may be repeated
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    pub tags: Vec<(String, String)>,
    /// Tag to remove; may be repeated
    #[arg(long = "untag", value_name = "KEY")]
    pub untags: Vec<String>,
    /// Who answers for it, by id
    #[arg(long, value_name = "ID", value_parser = principal)]
    pub owner: Option<PrincipalId>,
    /// Application that uses it; repeated, they replace those there are
    #[arg(long = "application", value_name = "NAME")]
    pub applications: Vec<String>,
    /// Impact if what it protects were seen or lost: low, moderate, high
    #[arg(long, value_parser = sensitivity)]
    pub sensitivity: Option<Sensitivity>,
    /// A narrower export class: never, wrapped
    #[arg(long, value_parser = export)]
    pub export: Option<ExportClass>,
    /// Fewer days from activation on for new protection
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub protect_days: Option<u64>,
    /// Fewer days from activation on for processing
    #[arg(long, value_name = "DAYS", requires = "protect_days", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub process_days: Option<u64>,
    /// Make a new version so often
    #[arg(long, value_name = "DAYS", conflicts_with = "no_rotation", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub rotate_every_days: Option<u64>,
    /// Rotate only when asked to
    #[arg(long)]
    pub no_rotation: bool,
    /// Lowest version that may protect
    #[arg(long, value_name = "NUMBER")]
    pub min_protect: Option<u32>,
    /// Lowest version that may process
    #[arg(long, value_name = "NUMBER")]
    pub min_process: Option<u32>,
    /// Only if the key is still at this revision (see `key show`)
    #[arg(long, value_name = "NUMBER")]
    pub if_revision: Option<u64>,
}

/// Further names.
#[derive(Debug, Subcommand)]
pub enum Alias {
    /// Give a key one more name
    #[command(
        after_help = "Example:\n  keyward key alias add orders-2027 orders-current --take -r shop"
    )]
    Add {
        /// Name or id of the key
        key: String,
        /// The further name
        alias: String,
        /// Take it from the key that has it now, without a moment in between
        #[arg(long)]
        take: bool,
    },
    /// Take a further name away
    Remove {
        /// Name or id of the key
        key: String,
        /// The further name
        alias: String,
    },
}
