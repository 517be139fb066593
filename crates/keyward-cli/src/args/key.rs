//! `key`.
pub mod attributes;
pub mod made;
pub mod transfer;

use clap::{Args, Subcommand};
use keyward_core::algorithm::{KeySpec, Protection, Purpose};
use keyward_core::object::{ExportClass, Sensitivity};
use keyward_core::state::State;
use keyward_core::time::Timestamp;

use super::Paging;

/// Keys.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Make a key
    Create(Create),
    /// List keys
    #[command(after_help = "Examples:\n  \
        keyward key list -r shop\n  \
        keyward key list -r shop --state suspended\n  \
        keyward key list -r shop --json | jq -r '.items[].id'")]
    List {
        /// Only keys in this state
        #[arg(long, value_parser = state)]
        state: Option<State>,
        /// Only keys whose name or alias starts so
        #[arg(long, value_name = "TEXT")]
        prefix: Option<String>,
        #[command(flatten)]
        filter: attributes::Filter,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a key and its versions
    #[command(after_help = "Example:\n  keyward key show orders -r shop")]
    Show {
        /// Name or id
        key: String,
    },
    /// Change attributes: name, tags, owner, rotation, limits
    Update(Box<attributes::Update>),
    /// Further names: add, move, remove
    #[command(subcommand)]
    Alias(attributes::Alias),
    /// Show what is known about the destruction of a key
    #[command(
        after_help = "Example:\n  keyward key destruction orders -r shop --json > orders-destroyed.json"
    )]
    Destruction {
        /// Name or id
        key: String,
    },
    /// Show what depends on a key
    #[command(after_help = "Example:\n  keyward key blast-radius orders -r shop")]
    BlastRadius {
        /// Name or id
        key: String,
    },
    #[command(flatten)]
    Transfer(transfer::Transfer),
    #[command(flatten)]
    Made(made::Made),
    #[command(flatten)]
    Change(Change),
}

/// What answers with the key as it is afterwards.
#[derive(Debug, Subcommand)]
pub enum Change {
    /// Make a new version that protects from now on
    #[command(
        after_help = "Older versions go on decrypting what they encrypted.\n\n\
        Example:\n  keyward key rotate orders -r shop"
    )]
    Rotate {
        /// Name or id
        key: String,
    },
    /// Pre-activation to active
    Activate {
        /// Name or id
        key: String,
        /// Version [default: the current one]
        #[arg(long, value_name = "NUMBER")]
        version: Option<u32>,
    },
    /// Stop all use for the time being
    #[command(
        after_help = "Example:\n  keyward key suspend orders --reason \"incident 17\" -r shop"
    )]
    Suspend(WithReason),
    /// Allow use again
    Resume(WithReason),
    /// End protection by a version for good; it still decrypts
    Deactivate {
        #[command(flatten)]
        key: WithReason,
        /// Version [default: the current one]
        #[arg(long, value_name = "NUMBER")]
        version: Option<u32>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Record that others may know the key
    #[command(
        after_help = "Cannot be undone: a compromised key never protects again, and processes\n\
        only where the caller says so each time.\n\n\
        Example:\n  keyward key compromise orders --reason \"laptop lost\" \\\n      \
        --since 2026-11-20T00:00:00Z -r shop"
    )]
    Compromise {
        /// Name or id
        key: String,
        /// What is known; kept with the key
        #[arg(long)]
        reason: String,
        /// Since when it may have been known to others (RFC 3339)
        #[arg(long, value_name = "TIME", value_parser = time)]
        since: Option<Timestamp>,
        /// Version [default: all]
        #[arg(long, value_name = "NUMBER")]
        version: Option<u32>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Destroy: schedule, cancel, execute, confirm
    #[command(subcommand)]
    Destroy(Destroy),
}

/// Make a key.
#[derive(Debug, Args)]
#[command(
    after_help = "Specifications: aes-128, aes-192, aes-256, hmac-sha-256, hmac-sha-384,\n\
    hmac-sha-512, rsa-2048, rsa-3072, rsa-4096, ec-p256, ec-p384, ec-p521,\n\
    ed25519, ml-kem-512, ml-kem-768, ml-kem-1024.\n\
    Purposes: encrypt, wrap, mac, sign, derive, agree, encapsulate.\n\n\
    Examples:\n  \
    keyward key create orders -r shop\n  \
    keyward key create orders --rotate-every-days 90 --tag env=prod -r shop\n  \
    keyward key create archive --inactive --sensitivity high -r shop"
)]
pub struct Create {
    /// Name, unique in the realm; without one the key goes by its id
    pub name: Option<String>,
    /// Algorithm and size
    #[arg(long, default_value = "aes-256", value_parser = spec)]
    pub spec: KeySpec,
    /// The one purpose for life [default: the specification's first]
    #[arg(long, value_parser = purpose)]
    pub purpose: Option<Purpose>,
    /// Where it lives: software, hsm-bound, hsm-recoverable
    #[arg(long, default_value = "software", value_parser = protection)]
    pub protection: Protection,
    /// How material may leave: never, wrapped, session
    #[arg(long, default_value = "never", value_parser = export)]
    pub export: ExportClass,
    /// Leave it in pre-activation
    #[arg(long)]
    pub inactive: bool,
    /// Days from activation on for new protection [default: the standard's]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub protect_days: Option<u64>,
    /// Days from activation on for processing [default: the standard's]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub process_days: Option<u64>,
    /// Make a new version so often
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub rotate_every_days: Option<u64>,
    /// Impact if what it protects were seen or lost: low, moderate, high
    #[arg(long, default_value = "moderate", value_parser = sensitivity)]
    pub sensitivity: Sensitivity,
    /// Application that uses it; may be repeated
    #[arg(long = "application", value_name = "NAME")]
    pub applications: Vec<String>,
    /// Tag as KEY=VALUE; may be repeated
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    pub tags: Vec<(String, String)>,
    /// Who answers for it, by id [default: you]
    #[arg(long, value_name = "ID", value_parser = principal)]
    pub owner: Option<keyward_core::ids::PrincipalId>,
    /// Let services that are not approved be used with it, for life; only
    /// where the realm allows that
    #[arg(long)]
    pub non_approved_exception: bool,
}

/// A key and perhaps a reason.
#[derive(Debug, Args)]
pub struct WithReason {
    /// Name or id
    pub key: String,
    /// Why; kept with the key and in the audit log
    #[arg(long)]
    pub reason: Option<String>,
}

/// Destruction.
#[derive(Debug, Subcommand)]
pub enum Destroy {
    /// Set a date; an active key is suspended until then
    #[command(after_help = "Example:\n  \
        keyward key destroy schedule orders --after-days 7 --reason \"shop closed\" -r shop")]
    Schedule {
        /// Name or id
        key: String,
        /// How long to wait: 7 to 30, in a rehearsal realm also less
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(0..=30))]
        after_days: u16,
        /// Why; kept with the key
        #[arg(long)]
        reason: String,
        /// Version [default: all]
        #[arg(long, value_name = "NUMBER")]
        version: Option<u32>,
    },
    /// Clear the date, and nothing else: the key stays suspended
    Cancel {
        /// Name or id
        key: String,
        /// Version [default: all that are scheduled]
        #[arg(long, value_name = "NUMBER")]
        version: Option<u32>,
    },
    /// Destroy the versions that are due now, instead of at the next round
    Execute {
        /// Name or id
        key: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Let a destruction go on that is held because the clocks disagreed
    Confirm {
        /// Name or id
        key: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

fn choice<T>(text: &str, parse: impl Fn(&str) -> Option<T>, all: &[&str]) -> Result<T, String> {
    parse(text).ok_or_else(|| format!("it is one of {}", all.join(", ")))
}

pub fn spec(text: &str) -> Result<KeySpec, String> {
    choice(text, KeySpec::parse, &KeySpec::ALL.map(KeySpec::as_str))
}

pub fn purpose(text: &str) -> Result<Purpose, String> {
    choice(text, Purpose::parse, &Purpose::ALL.map(Purpose::as_str))
}

fn protection(text: &str) -> Result<Protection, String> {
    choice(
        text,
        Protection::parse,
        &["software", "hsm-bound", "hsm-recoverable"],
    )
}

pub fn export(text: &str) -> Result<ExportClass, String> {
    choice(text, ExportClass::parse, &["never", "wrapped", "session"])
}

pub fn sensitivity(text: &str) -> Result<Sensitivity, String> {
    choice(text, Sensitivity::parse, &["low", "moderate", "high"])
}

pub fn state(text: &str) -> Result<State, String> {
    choice(text, State::parse, &State::ALL.map(State::as_str))
}

pub fn time(text: &str) -> Result<Timestamp, String> {
    keyward_client::parse_time(text)
        .ok_or_else(|| "it is a time as in 2026-11-20T08:00:00Z".to_owned())
}

pub fn tag(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("it is KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

pub fn principal(text: &str) -> Result<keyward_core::ids::PrincipalId, String> {
    keyward_core::ids::PrincipalId::parse(text).map_err(|error| error.to_string())
}
