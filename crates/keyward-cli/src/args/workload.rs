//! `workload`.
use std::path::PathBuf;

use clap::Subcommand;

use super::Paging;

/// Workloads.
#[derive(Debug, Subcommand)]
pub enum Workload {
    /// Make a workload
    #[command(
        after_help = "Roles: administrator, crypto-officer, crypto-user, auditor, custodian,\n\
        backup-operator. Who governs keys never uses them, and who audits does\n\
        nothing else: conflicting roles are refused.\n\n\
        Examples:\n  \
        keyward workload create billing --role crypto-user -r shop\n  \
        keyward workload create officer --role crypto-officer -r shop"
    )]
    Create {
        /// Unique name in the realm
        name: String,
        /// Role in the realm; may be repeated
        #[arg(long = "role", value_name = "ROLE", required = true, value_parser = role)]
        roles: Vec<keyward_core::role::Role>,
    },
    /// List the realm's workloads
    List(Paging),
    /// Show a workload
    Show {
        /// Name or id
        workload: String,
    },
    /// Issue a bearer token
    #[command(after_help = "The token is shown once and stored nowhere.\n\n\
        Examples:\n  \
        keyward workload token billing --days 30 -o billing.token -r shop\n  \
        keyward workload token billing --hours 8 -r shop")]
    Token {
        /// Name or id
        workload: String,
        /// How many days it is good
        #[arg(long, value_parser = clap::value_parser!(u64).range(1..=366), required_unless_present = "hours")]
        days: Option<u64>,
        /// How many hours it is good, instead of days
        #[arg(long, value_parser = clap::value_parser!(u64).range(1..=8784), conflicts_with = "days")]
        hours: Option<u64>,
        /// File to write it to, readable by you only [default: standard output]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Revoke a bearer token
    #[command(after_help = "The id is the first part of the token, and in the audit log.")]
    Revoke {
        /// Id of the token
        token: String,
    },
    /// Let client certificates of an authority with a certain name be this workload
    #[command(
        override_usage = "keyward workload certificate --authority FILE --name NAME WORKLOAD",
        after_help = "Example:\n  \
        keyward workload certificate billing --authority corp-ca.pem \\\n      \
        --name dns:billing.example.com -r shop"
    )]
    Certificate {
        /// Name or id
        workload: String,
        /// Certificate of the authority, PEM; registered if it is not yet
        #[arg(long, value_name = "FILE")]
        authority: PathBuf,
        /// Name in the certificate: dns:…, uri:… or cn:…
        #[arg(long, value_name = "NAME")]
        name: String,
    },
    /// Stop a workload at once
    Disable {
        /// Name or id
        workload: String,
    },
    /// Let a workload act again
    Enable {
        /// Name or id
        workload: String,
    },
}

fn role(text: &str) -> Result<keyward_core::role::Role, String> {
    keyward_core::role::Role::parse(text).ok_or_else(|| {
        let all: Vec<&str> = keyward_core::role::Role::ALL
            .iter()
            .map(|role| role.as_str())
            .collect();
        format!("roles are {}", all.join(", "))
    })
}
