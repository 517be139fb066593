//! `secret` and `opaque`.
use std::path::PathBuf;

use clap::{Args, Subcommand};
use keyward_core::command::Alphabet;
use keyward_core::object::Sensitivity;
use keyward_core::state::State;

use super::Paging;
use super::key::attributes::Filter;
use super::key::{Change, sensitivity, state, tag};

/// Values that are kept encrypted and read by those who may.
#[derive(Debug, Subcommand)]
pub enum Secret {
    /// Keep a new value
    #[command(
        after_help = "Without --from-file and --generate the value is read from standard input,\n\
        as it is.\n\n\
        Examples:\n  \
        keyward secret create db-password --generate 32 -r shop\n  \
        keyward secret create api-token --from-file token.txt -r shop"
    )]
    Create {
        /// Name, unique in the realm; without one it goes by its id
        name: Option<String>,
        #[command(flatten)]
        value: Value,
        /// Impact if it were seen or lost: low, moderate, high
        #[arg(long, default_value = "moderate", value_parser = sensitivity)]
        sensitivity: Sensitivity,
        /// Application that uses it; may be repeated
        #[arg(long = "application", value_name = "NAME")]
        applications: Vec<String>,
        /// Tag as KEY=VALUE; may be repeated
        #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
        tags: Vec<(String, String)>,
    },
    /// Keep another value; older ones stay readable by their number
    #[command(after_help = "Example:\n  keyward secret put db-password --generate 32 -r shop")]
    Put {
        /// Name or id
        key: String,
        #[command(flatten)]
        value: Value,
    },
    /// Read a value, as it is; recorded
    #[command(after_help = "Examples:\n  \
        keyward secret read db-password -r shop\n  \
        keyward secret read api-token --version 1 -o token.txt -r shop")]
    Read {
        /// Name or id
        key: String,
        /// Version [default: the current one]
        #[arg(long, value_name = "NUMBER")]
        version: Option<u32>,
        /// File to write, readable by you only [default: standard output]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// List them, without values
    List {
        /// Only those in this state
        #[arg(long, value_parser = state)]
        state: Option<State>,
        /// Only those whose name starts so
        #[arg(long, value_name = "TEXT")]
        prefix: Option<String>,
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show one and its versions, without values
    Show {
        /// Name or id
        key: String,
    },
    #[command(flatten)]
    Change(Change),
}

/// Where a value comes from.
#[derive(Debug, Args)]
pub struct Value {
    /// File with the value
    #[arg(long, value_name = "FILE", conflicts_with = "generate")]
    pub from_file: Option<PathBuf>,
    /// Let the module make one of so many characters
    #[arg(long, value_name = "LENGTH")]
    pub generate: Option<u16>,
    /// Of which characters: alphanumeric, printable, hexadecimal, digits, bytes
    #[arg(long, requires = "generate", value_parser = alphabet)]
    pub alphabet: Option<Alphabet>,
}

fn alphabet(text: &str) -> Result<Alphabet, String> {
    Alphabet::parse(text).ok_or_else(|| {
        format!(
            "it is one of {}",
            Alphabet::ALL.map(Alphabet::as_str).join(", ")
        )
    })
}
