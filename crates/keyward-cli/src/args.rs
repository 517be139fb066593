//! The command line: what can be typed, and the help for it. What is done stands in `commands`.
pub mod audit;
pub mod bench;
pub mod cert;
pub mod config;
pub mod context;
pub mod data;
pub mod key;
pub mod policy;
pub mod realm;
pub mod secret;
pub mod server;
mod usage;
pub mod use_key;
pub mod workload;

use std::path::PathBuf;

use clap::{Args, FromArgMatches as _, Parser, Subcommand};

use crate::exit::Failure;

pub use usage::command;

/// Reads the command line. Help, and for people a line that is not right, end here.
pub fn parse() -> Result<Line, Failure> {
    command()
        .try_get_matches()
        .and_then(|found| Line::from_arg_matches(&found))
        .map_err(|error| {
            let as_json = std::env::args_os().any(|word| word == "--json");
            if !as_json || !error.use_stderr() {
                error.exit();
            }
            let text = error.to_string();
            let what = text.split("\n\n").next().unwrap_or_default();
            let words: Vec<&str> = what
                .trim_start_matches("error: ")
                .split_whitespace()
                .collect();
            Failure::usage(words.join(" "), "Add --help to see what the command takes.")
        })
}

/// Key management with keys that are used only in a validated module, and evidence of every use.
#[derive(Debug, Parser)]
#[command(
    name = "keyward",
    version,
    max_term_width = 80,
    propagate_version = false,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Begin:\n  \
        keyward init --data-dir ./data        make an installation\n  \
        keyward server --data-dir ./data      run it\n  \
        keyward realm create shop             make a realm for keys\n\n\
        Exit codes: 0 done, 1 refused, 2 usage, 3 not reachable, 4 sealed,\n\
        5 does not verify, 6 local file or setting, 7 outcome not known."
)]
pub struct Line {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Flags that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Context to use instead of the current one
    #[arg(
        long,
        global = true,
        env = "KEYWARD_CONTEXT",
        value_name = "NAME",
        hide_env = true
    )]
    pub context: Option<String>,
    /// Configuration file [default: ~/.config/keyward/config.toml]
    #[arg(
        long,
        global = true,
        env = "KEYWARD_CONFIG",
        value_name = "FILE",
        hide_env = true
    )]
    pub config: Option<PathBuf>,
    /// Server, as https://HOST:PORT
    #[arg(
        long,
        global = true,
        env = "KEYWARD_SERVER",
        value_name = "URL",
        hide_env = true
    )]
    pub server: Option<String>,
    /// Authority of the server's certificate, PEM
    #[arg(
        long,
        global = true,
        env = "KEYWARD_CA",
        value_name = "FILE",
        hide_env = true
    )]
    pub ca: Option<PathBuf>,
    /// File with a bearer token
    #[arg(
        long,
        global = true,
        env = "KEYWARD_TOKEN_FILE",
        value_name = "FILE",
        hide_env = true
    )]
    pub token_file: Option<PathBuf>,
    /// Client certificate instead of a token, PEM
    #[arg(
        long,
        global = true,
        env = "KEYWARD_CERTIFICATE",
        value_name = "FILE",
        hide_env = true,
        conflicts_with = "token_file"
    )]
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(
        long,
        global = true,
        env = "KEYWARD_PRIVATE_KEY",
        value_name = "FILE",
        hide_env = true,
        requires = "certificate"
    )]
    pub private_key: Option<PathBuf>,
    /// Realm, by name or id; `system` is the installation's own
    #[arg(
        long,
        short = 'r',
        global = true,
        env = "KEYWARD_REALM",
        value_name = "REALM",
        hide_env = true
    )]
    pub realm: Option<String>,
    /// Write JSON for programs
    #[arg(long, global = true)]
    pub json: bool,
    /// Write without colours
    #[arg(long, global = true)]
    pub no_color: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make an installation in an empty directory
    Init(server::Init),
    /// Run the server, or check a data directory
    Server(server::Server),
    /// Open the seal of a running server
    Unseal(server::Unseal),
    /// Close the seal: keys leave memory
    Seal(server::Seal),
    /// Show how the server and what it runs on stand
    Status(server::Status),
    /// Show the modules the server uses and what each offers
    Modules,
    /// Show the settings the server runs with
    Settings,
    /// Realms: tenants with keys, people and policies of their own
    #[command(subcommand)]
    Realm(realm::Realm),
    /// Workloads: programs that use keys
    #[command(subcommand)]
    Workload(workload::Workload),
    /// Policies: who may do what, in Cedar
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Keys and their lives
    #[command(subcommand)]
    Key(key::Key),
    /// Secrets of applications: passwords, tokens
    #[command(subcommand)]
    Secret(secret::Secret),
    /// Opaque data, kept like secrets
    #[command(subcommand)]
    Opaque(secret::Secret),
    /// Certificates and requests for them
    #[command(subcommand)]
    Cert(cert::Cert),
    // Described where their flags are: a text here would hide the longer one there.
    Encrypt(data::Encrypt),
    Decrypt(data::Decrypt),
    /// Decrypt and encrypt again inside the server
    ReEncrypt(use_key::ReEncrypt),
    /// Sign a file or standard input
    Sign(use_key::Sign),
    /// Verify a signature
    Verify(use_key::Verify),
    /// Make a message authentication code
    Mac(use_key::Mac),
    /// Check a message authentication code
    VerifyMac(use_key::VerifyMac),
    /// Make a data key for encrypting elsewhere
    DataKey(use_key::DataKey),
    /// Make a pair whose private key is wrapped
    DataKeyPair(use_key::DataKeyPair),
    /// Wrap key material
    Wrap(use_key::Wrap),
    /// Unwrap key material
    Unwrap(use_key::Unwrap),
    /// Write random bytes
    Random(use_key::Random),
    /// Hash a file or standard input
    Hash(use_key::Hash),
    /// The audit log: read, prove, download, verify
    #[command(subcommand)]
    Audit(audit::Audit),
    /// A witness that cosigns logs: make one, run it
    #[command(subcommand)]
    Witness(server::Witness),
    /// Measure how fast this machine is, and against what ceiling
    Bench(bench::Bench),
    /// Contexts: servers and how to be known to them
    #[command(subcommand)]
    Context(context::Context),
    /// Configuration: check it
    #[command(subcommand)]
    Config(config::Config),
    /// Write a completion script for a shell
    Completions(Completions),
    /// Write the manual pages into a directory
    Man(Man),
}

/// Completion scripts.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keyward completions bash > /etc/bash_completion.d/keyward")]
pub struct Completions {
    /// Which shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Manual pages, one for each command.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  keyward man --out /usr/local/share/man/man1\n  man keyward-key-create"
)]
pub struct Man {
    /// Directory to write them to; made if it is not there
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// Where a passphrase comes from.
#[derive(Debug, Args)]
pub struct Passphrase {
    /// File with the passphrase, readable by you only [default: ask]
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_fd")]
    pub passphrase_file: Option<PathBuf>,
    /// Open file descriptor to read the passphrase from
    #[arg(long, value_name = "NUMBER")]
    pub passphrase_fd: Option<u32>,
}

impl Passphrase {
    pub fn source(&self) -> crate::secret_input::Source<'_> {
        crate::secret_input::Source {
            file: self.passphrase_file.as_deref(),
            descriptor: self.passphrase_fd,
        }
    }

    pub const fn is_given(&self) -> bool {
        self.passphrase_file.is_some() || self.passphrase_fd.is_some()
    }
}

/// Rows of a listing.
#[derive(Debug, Args)]
pub struct Paging {
    /// At most so many rows [default: all]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
}
