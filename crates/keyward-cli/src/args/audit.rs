//! `audit`.
use std::path::PathBuf;

use clap::{Args, Subcommand};
use keyward_core::time::Timestamp;

/// The audit log.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Read records, or search them
    #[command(visible_alias = "search")]
    Records(Records),
    /// Prove that a record is in the log
    #[command(
        after_help = "Example:\n  keyward audit proof 17 -o record-17.proof.json\n  \
        keyward audit verify record-17.proof.json"
    )]
    Proof {
        /// Index of the record
        index: u64,
        /// File to write [default: standard output]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Show the newest signed checkpoint
    Checkpoint {
        /// File to write [default: standard output]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Download the log, or what was added since the last download
    #[command(
        after_help = "Example:\n  keyward audit download ./log && keyward audit verify ./log"
    )]
    Download {
        /// Directory; its layout is that of C2SP tlog-tiles
        directory: PathBuf,
        /// Only up to the newest checkpoint that witnesses cosigned
        #[arg(long)]
        cosigned: bool,
    },
    /// Verify a download, archived segments or proofs, without a server
    Verify(Verify),
    /// Archive everything before an index into a file, and remove it here
    #[command(after_help = "Example:\n  keyward audit archive --before 100000 -o log-1.kwseg")]
    Archive {
        /// First index that stays
        #[arg(long, value_name = "INDEX")]
        before: u64,
        /// File to write
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
    },
    /// Remove the body of a record; its proof stays
    #[command(after_help = "Example:\n  keyward audit redact 17 --reason \"erasure request 12\"")]
    Redact {
        /// Index of the record
        index: u64,
        /// Why; recorded
        #[arg(long)]
        reason: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Replace the log-signing key; the statement is signed by both
    RotateKey,
}

/// Read records, oldest first.
#[derive(Debug, Args)]
#[command(
    after_help = "With --realm only records about that realm. Ids are shortened in the table;\n\
    --json has all of everything.\n\n\
    Examples:\n  \
    keyward audit records --last 20\n  \
    keyward audit records --refused\n  \
    keyward audit records --command decrypt --by 5f0c… --from 1000 --json"
)]
pub struct Records {
    /// First index
    #[arg(
        long,
        value_name = "INDEX",
        default_value_t = 0,
        conflicts_with = "last"
    )]
    pub from: u64,
    /// The last so many records
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub last: Option<u64>,
    /// At most so many records [default: 100]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Only about this key, principal or token, by id
    #[arg(long, value_name = "ID")]
    pub target: Option<String>,
    /// Only by this principal, by id
    #[arg(long = "by", value_name = "ID")]
    pub principal: Option<String>,
    /// Only this command, e.g. decrypt
    #[arg(long, value_name = "NAME")]
    pub command: Option<String>,
    /// Only refusals
    #[arg(long)]
    pub refused: bool,
    /// Only from this time on, e.g. 2026-11-23T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Option<Timestamp>,
    /// Only up to this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Option<Timestamp>,
}

/// A time as in RFC 3339.
fn moment(text: &str) -> Result<Timestamp, String> {
    keyward_client::parse_time(text)
        .ok_or_else(|| "give it as in RFC 3339, e.g. 2026-11-23T08:00:00Z".to_owned())
}

/// Verify a download, archived segments or proofs, without a server.
#[derive(Debug, Args)]
#[command(
    after_help = "What is verified: that every record is what the signed checkpoint stands for,\n\
    that the checkpoint is signed by the key pinned when the installation was made\n\
    (or one that it vouches for), that no record is missing in any realm, and that\n\
    bodies that are there are the ones recorded.\n\n\
    Examples:\n  \
    keyward audit verify ./log\n  \
    keyward audit verify log-1.kwseg log-2.kwseg --log-key pinned.key\n  \
    keyward audit verify record-17.proof.json --witness witness.key --quorum 1"
)]
pub struct Verify {
    /// Downloaded directories, segments, proofs
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The log's verifier key, or a file with it [default: the context's]
    #[arg(long, value_name = "KEY")]
    pub log_key: Option<String>,
    /// A witness' verifier key, or a file with it; may be repeated
    #[arg(long = "witness", value_name = "KEY")]
    pub witnesses: Vec<String>,
    /// How many of the witnesses must have cosigned [default: all]
    #[arg(long, value_name = "COUNT", requires = "witnesses")]
    pub quorum: Option<usize>,
    /// Checkpoint kept earlier, which a download must extend; may be repeated
    #[arg(long, value_name = "FILE")]
    pub extends: Vec<PathBuf>,
}
