//! `cert`.
use std::path::PathBuf;

use clap::Subcommand;
use keyward_core::state::State;

use super::Paging;
use super::key::attributes::Filter;
use super::key::{Change, state, tag};

/// Certificates with their chains, watched until they end.
#[derive(Debug, Subcommand)]
pub enum Cert {
    /// Make a certificate request (PKCS#10), signed by a key
    #[command(after_help = "Example:\n  \
        keyward cert request till-key --subject CN=till.example,O=Shop \\\n      \
        --san dns:till.example -o till.csr -r shop")]
    Request {
        /// Name or id of a key pair that signs
        key: String,
        /// Distinguished name, e.g. CN=till.example,O=Shop
        #[arg(long, default_value = "")]
        subject: String,
        /// Alternative name as dns:…, uri:…, email:… or ip:…; may be repeated
        #[arg(long = "san", value_name = "NAME")]
        names: Vec<String>,
        /// File to write [default: standard output]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Keep a certificate with its chain
    #[command(after_help = "Example:\n  keyward cert put till till.pem --for till-key -r shop")]
    Put {
        /// Name, unique in the realm
        name: String,
        /// File with the certificate, then those that issued it, PEM
        file: PathBuf,
        /// Key whose public part it certifies; checked and linked
        #[arg(long = "for", value_name = "KEY")]
        subject_key: Option<String>,
        /// Tag as KEY=VALUE; may be repeated
        #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
        tags: Vec<(String, String)>,
    },
    /// Keep the certificate that renews one
    Renew {
        /// Name or id of the certificate
        key: String,
        /// File with the new certificate and its chain, PEM
        file: PathBuf,
        /// Key whose public part it certifies; checked and linked
        #[arg(long = "for", value_name = "KEY")]
        subject_key: Option<String>,
    },
    /// List certificates
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
    /// Show a certificate and what it says
    Show {
        /// Name or id
        key: String,
        /// Only the chain, in PEM
        #[arg(long)]
        pem: bool,
    },
    #[command(flatten)]
    Change(Change),
}
