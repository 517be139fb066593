//! Keys from keys, and public keys.
use std::path::PathBuf;

use clap::{Args, Subcommand};
use keyward_core::algorithm::{KeySpec, Purpose};
use keyward_core::object::ExportClass;

/// What makes a key out of another, or shows what may be public of one.
#[derive(Debug, Subcommand)]
pub enum Made {
    /// Show the public key of a pair
    #[command(after_help = "Examples:\n  \
        keyward key public releases -r shop > releases.pem\n  \
        keyward key public releases -r shop --json | jq .jwk")]
    Public {
        /// Name or id
        key: String,
        /// Version [default: the current one]
        #[arg(long, value_name = "NUMBER")]
        version: Option<u32>,
    },
    /// Derive a key (SP 800-108); it becomes a key of its own
    #[command(after_help = "Example:\n  \
        keyward key derive master -r shop --info \"tenant 7\" --name tenant-7")]
    Derive {
        /// The key-derivation key, by name or id
        key: String,
        /// Text that separates this key from all others derived from it
        #[arg(long, value_name = "TEXT")]
        info: String,
        #[command(flatten)]
        new: New,
    },
    /// Agree on a key with another party (ECDH); it becomes a key of its own
    ///
    /// Only with a key made with a non-approved exception: static key agreement
    /// is no approved service of the module.
    #[command(after_help = "Example:\n  \
        keyward key agree ours -r shop --peer theirs.der --info \"link 1\" --name link-1")]
    Agree {
        /// The pair, by name or id
        key: String,
        /// File with the other party's public key, DER
        #[arg(long, value_name = "FILE")]
        peer: PathBuf,
        /// Text on which both parties agree
        #[arg(long, value_name = "TEXT")]
        info: String,
        #[command(flatten)]
        new: New,
    },
    /// Encapsulate a shared key to a pair (ML-KEM); it becomes a key of its own
    #[command(after_help = "Example:\n  \
        keyward key encapsulate kem -r shop --name session -o session.ct")]
    Encapsulate {
        /// The pair, by name or id
        key: String,
        /// File for the encapsulation
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
        #[command(flatten)]
        new: New,
    },
    /// Decapsulate a shared key; it becomes a key of its own
    #[command(after_help = "Example:\n  \
        keyward key decapsulate kem session.ct -r shop --name session-2")]
    Decapsulate {
        /// The pair, by name or id
        key: String,
        /// File with the encapsulation
        file: PathBuf,
        /// Version encapsulated to [default: the current one]
        #[arg(long, value_name = "NUMBER")]
        version: Option<u32>,
        /// Knowingly process with a compromised key; recorded
        #[arg(long)]
        accept_compromised: bool,
        #[command(flatten)]
        new: New,
    },
}

/// The key that comes of it.
#[derive(Debug, Args)]
pub struct New {
    /// Its name; without one it goes by its id
    #[arg(long)]
    pub name: Option<String>,
    /// Its algorithm and size
    #[arg(long, default_value = "aes-256", value_parser = super::spec)]
    pub spec: KeySpec,
    /// Its purpose [default: the specification's first]
    #[arg(long, value_parser = super::purpose)]
    pub purpose: Option<Purpose>,
    /// How material may leave, no wider than that of the key it comes from
    #[arg(long, default_value = "never", value_parser = super::export)]
    pub export: ExportClass,
}
