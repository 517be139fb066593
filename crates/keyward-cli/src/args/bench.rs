//! `bench`.
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Passphrase;

/// Measure this machine: a real server in a process of its own, over TLS, every
/// answer recorded durably, each row interleaved with its ceiling.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    after_help = "Each row is a rate, its ratio to a ceiling measured in the same run, and the\n\
    server's processor time per operation. docs/performance.md explains them.\n\n\
    Examples:\n  \
    keyward bench\n  \
    keyward bench --rows encrypt_1k,decrypt_1k --seconds 5 --rounds 7\n  \
    keyward bench --json > rows.jsonl\n  \
    keyward bench --rows encrypt_1k_1m_keys,start_1m_keys --many-keys ./million"
)]
pub struct Bench {
    /// Rows to measure, by name [default: all but those of many keys and files]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub rows: Vec<String>,
    /// Seconds of each measurement
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    pub seconds: f64,
    /// How often a row and its ceiling are measured in turn; medians are shown
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: u32,
    /// Keep-alive connections of the rows that do not say otherwise
    #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub connections: u16,
    /// Directory on the disk to measure; a new one is made in it and removed
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// Directory of an installation with many keys; made if it is not there, and kept
    #[arg(long, value_name = "DIR")]
    pub many_keys: Option<PathBuf>,
    /// How many keys to make there
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000)]
    pub many_keys_count: usize,
    /// Size of the file to encrypt; twice as much room is needed
    #[arg(long, value_name = "MIB", default_value_t = 10_240)]
    pub file_mib: u32,
    /// Configuration of the measured server, as for `keyward server`
    #[arg(long = "server-config", value_name = "FILE")]
    pub server_config: Option<PathBuf>,
    #[command(subcommand)]
    pub part: Option<Part>,
}

/// The processes a benchmark starts.
#[derive(Debug, Subcommand)]
pub enum Part {
    /// The server under measurement: as `keyward server`, and a fixed answer at one path
    #[command(hide = true)]
    Serve {
        #[arg(long, value_name = "DIR")]
        data_dir: PathBuf,
        #[arg(long, value_name = "FILE")]
        port_file: PathBuf,
        #[arg(long = "server-config", value_name = "FILE")]
        server_config: Option<PathBuf>,
        #[command(flatten)]
        passphrase: Passphrase,
    },
    /// The least server on the same TLS
    #[command(hide = true)]
    Bare {
        #[arg(long, value_name = "DIR")]
        data_dir: PathBuf,
        #[arg(long, value_name = "FILE")]
        port_file: PathBuf,
    },
}
