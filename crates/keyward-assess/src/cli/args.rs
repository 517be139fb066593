//! What can be asked on the command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// Finds the cryptography on a system, judges it, and says what to do.
#[derive(Parser, Debug)]
#[command(name = "keyward-assess", version)]
pub struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    /// Scan files, directories, images, the running host and endpoints, read-only.
    Scan(ScanArgs),
    /// Write a saved JSON assessment in another format.
    Convert {
        /// Assessment in JSON.
        assessment: PathBuf,
        /// What to write.
        #[arg(long, value_enum)]
        format: Format,
        /// Filled-in questionnaire: HTML and PDF get a section for each system.
        #[arg(long)]
        interview: Option<PathBuf>,
        /// Where to write it instead of standard output.
        #[arg(long, short)]
        output: Option<PathBuf>,
    },
    /// Ask the questionnaire on the terminal, or print it to fill in.
    Interview {
        /// Ask, and write the answers to this file.
        #[arg(long)]
        ask: Option<PathBuf>,
    },
    /// Write gaps and a dated roadmap (Markdown) from an assessment and a filled-in questionnaire.
    Plan {
        /// Assessment in JSON.
        assessment: PathBuf,
        /// The filled-in questionnaire.
        interview: PathBuf,
    },
    /// Compare two JSON assessments.
    Diff {
        /// Earlier assessment.
        old: PathBuf,
        /// Later assessment.
        new: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Say which FIPS 140 level data demands, with the reasons.
    Level {
        /// FIPS 199 impact.
        #[arg(long, value_enum)]
        impact: ImpactArg,
        /// Regime, such as "federal", "PCI DSS", "HIPAA"; may be repeated.
        #[arg(long)]
        regime: Vec<String>,
        /// The system holds root, CA or key-encryption keys.
        #[arg(long)]
        root_keys: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
    #[value(name = "cbom-1.6")]
    Cbom16,
    #[value(name = "cbom-1.7", alias = "cbom")]
    Cbom17,
    Sarif,
    Csv,
    Html,
    Pdf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Level {
    Low,
    Medium,
    High,
    Critical,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ImpactArg {
    Low,
    Moderate,
    High,
}

/// Arguments of `scan`.
#[derive(clap::Args, Debug)]
pub(super) struct ScanArgs {
    /// Files, directories, container images; `host:` for the running host; endpoints such as tls://HOST:PORT,
    /// ssh://HOST, smtp://, imap://, pop3://, ftp://, ldap://, postgres://, mysql://.
    #[arg(required = true)]
    pub(super) targets: Vec<String>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// Where to write it instead of standard output.
    #[arg(long, short)]
    pub(super) output: Option<PathBuf>,
    /// Judge for this day (YYYY-MM-DD) instead of today.
    #[arg(long)]
    pub(super) at: Option<String>,
    /// Exit with code 2 if a finding is at least this bad.
    #[arg(long, value_enum)]
    pub(super) fail_on: Option<Level>,
    /// Journal of unchanged files: makes the scan resumable and the next one faster.
    #[arg(long)]
    pub(super) journal: Option<PathBuf>,
    /// Directory to leave out; may be repeated.
    #[arg(long)]
    pub(super) exclude: Vec<PathBuf>,
    /// List of compromised keys: SHA-256 of the SubjectPublicKeyInfo, one a line.
    #[arg(long)]
    pub(super) weak_keys: Option<PathBuf>,
    /// Filled-in questionnaire for HTML and PDF.
    #[arg(long)]
    pub(super) interview: Option<PathBuf>,
    /// Stay on the file system of each target.
    #[arg(long)]
    pub(super) one_file_system: bool,
    /// Do not look into archives.
    #[arg(long)]
    pub(super) no_archives: bool,
    /// Do not parse source code.
    #[arg(long)]
    pub(super) no_source: bool,
    /// Threads; 0 is one per processor.
    #[arg(long, default_value_t = 0)]
    pub(super) threads: usize,
}
