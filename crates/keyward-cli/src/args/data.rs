//! `encrypt`, `decrypt`.
use std::path::PathBuf;

use clap::Args;

/// Encrypt a file or standard input
///
/// The key's current version does it. Up to 4 MiB go to the server in one
/// operation, and the API decrypts the result too. Longer data stay here: they are encrypted on this machine, in
/// the same validated module, under a data key that only the server can open.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    keyward encrypt -k orders -r shop card.txt -o card.kwc\n  \
    pg_dump shop | gzip | keyward encrypt -k backups -r shop -o dump.kwc\n  \
    keyward encrypt -k orders -r shop --aad \"order 17\" --base64 < card.txt\n  \
    keyward encrypt -k backups -r shop disk.img -o disk.kwf --resume")]
pub struct Encrypt {
    /// File to encrypt [default: standard input]
    pub file: Option<PathBuf>,
    /// Key, by name or id
    #[arg(long, short, value_name = "KEY")]
    pub key: String,
    #[command(flatten)]
    pub bound: Bound,
    #[command(flatten)]
    pub output: Output,
    /// Write base64 instead of bytes; up to 4 MiB
    #[arg(long)]
    pub base64: bool,
    /// Encrypt short data on this machine too
    #[arg(long)]
    pub chunked: bool,
    /// Show no progress bar
    #[arg(long)]
    pub no_progress: bool,
}

/// Decrypt what `keyward encrypt` or the API made
///
/// The ciphertext says under which key and version. Nothing is given out that
/// was not verified, and no file gets its name before it is complete.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    keyward decrypt -r shop card.kwc -o card.txt\n  \
    keyward decrypt -r shop --aad \"order 17\" --base64 < card.b64")]
pub struct Decrypt {
    /// File to decrypt [default: standard input]
    pub file: Option<PathBuf>,
    /// Key, by name or id [default: the one the ciphertext names]
    #[arg(long, short, value_name = "KEY")]
    pub key: Option<String>,
    #[command(flatten)]
    pub bound: Bound,
    #[command(flatten)]
    pub output: Output,
    /// Read base64 instead of bytes
    #[arg(long)]
    pub base64: bool,
    /// Show no progress bar
    #[arg(long)]
    pub no_progress: bool,
    /// Knowingly process with a compromised key; recorded
    #[arg(long)]
    pub accept_compromised: bool,
}

/// Data bound to the ciphertext without being in it.
#[derive(Debug, Args)]
pub struct Bound {
    /// Text bound to the ciphertext, not secret; needed again to decrypt
    #[arg(long, value_name = "TEXT", conflicts_with = "aad_file")]
    pub aad: Option<String>,
    /// File with such data, at most 8 KiB
    #[arg(long, value_name = "FILE")]
    pub aad_file: Option<PathBuf>,
}

/// Where the result goes.
#[derive(Debug, Args)]
pub struct Output {
    /// File to write, readable by you only [default: standard output]
    #[arg(id = "output", long = "output", short, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Replace the file if it is there
    #[arg(long)]
    pub force: bool,
    /// Go on with what an earlier, failed run left; it is verified first
    #[arg(long, requires = "output")]
    pub resume: bool,
}
