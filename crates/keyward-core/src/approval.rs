//! The approval table: which algorithm and size may do what, from when on, and by which source.
//!
//! One table for the whole product: the engine decides by it ([`permits`]), the scanner judges by it ([`status`] by
//! name), the documents print it ([`ROWS`]). It holds dated rules; what holds on a day is the strictest of the rules
//! in force ([`Standing`] is ordered, the minimum wins). Rules from drafts are told apart and never refuse anything.
//!
//! What a *module* approves is a second table beside the module; the result of both is again the minimum.
use alloc::vec::Vec;

use crate::algorithm::{KeySpec, Purpose, Service};
use crate::time::Timestamp;

mod day;
mod family;
mod rows;
#[cfg(test)]
mod tests;

pub use day::Day;
pub use family::Family;
pub use rows::{MILESTONES, ROWS};

/// How an algorithm stands: the words of SP 800-131A, from best to worst, and one for what never was approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// May be used.
    Acceptable,
    /// May be used; the user accepts a risk.
    Deprecated,
    /// Only to process what is already protected.
    Legacy,
    /// May not be used.
    Disallowed,
    /// Never was approved.
    NotApproved,
}

impl Standing {
    /// The name used in every interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acceptable => "acceptable",
            Self::Deprecated => "deprecated",
            Self::Legacy => "legacy",
            Self::Disallowed => "disallowed",
            Self::NotApproved => "not-approved",
        }
    }

    /// The stricter of two.
    #[must_use]
    pub fn minimum(self, other: Self) -> Self {
        core::cmp::max(self, other)
    }

    /// Whether new protection may be applied.
    #[must_use]
    pub const fn may_protect(self) -> bool {
        matches!(self, Self::Acceptable | Self::Deprecated)
    }

    /// Whether what is already protected may be processed.
    #[must_use]
    pub const fn may_process(self) -> bool {
        matches!(self, Self::Acceptable | Self::Deprecated | Self::Legacy)
    }
}

/// What an algorithm is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Usage {
    /// Keeping data confidential.
    Encryption,
    /// Wrapping keys with a symmetric key.
    KeyWrapping,
    /// Encrypting keys to a public key with RSA-OAEP.
    KeyTransport,
    /// Encrypting keys to a public key with RSA PKCS#1 v1.5.
    KeyTransportPkcs1,
    /// Agreeing on keys (Diffie-Hellman).
    KeyAgreement,
    /// Encapsulating keys.
    KeyEncapsulation,
    /// Signing, and hashing for a signature.
    Signature,
    /// Message authentication codes.
    Authentication,
    /// Deriving keys from keys or shared secrets.
    Derivation,
    /// Hashing that is no part of a signature.
    Hash,
    /// Deriving keys from passwords.
    PasswordDerivation,
    /// Generating random bits.
    RandomBits,
}

impl Usage {
    /// Every usage.
    pub const ALL: [Self; 12] = [
        Self::Encryption,
        Self::KeyWrapping,
        Self::KeyTransport,
        Self::KeyTransportPkcs1,
        Self::KeyAgreement,
        Self::KeyEncapsulation,
        Self::Signature,
        Self::Authentication,
        Self::Derivation,
        Self::Hash,
        Self::PasswordDerivation,
        Self::RandomBits,
    ];

    /// The name used in every interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Encryption => "encryption",
            Self::KeyWrapping => "key-wrapping",
            Self::KeyTransport => "key-transport",
            Self::KeyTransportPkcs1 => "key-transport-pkcs1",
            Self::KeyAgreement => "key-agreement",
            Self::KeyEncapsulation => "key-encapsulation",
            Self::Signature => "signature",
            Self::Authentication => "authentication",
            Self::Derivation => "derivation",
            Self::Hash => "hash",
            Self::PasswordDerivation => "password-derivation",
            Self::RandomBits => "random-bits",
        }
    }

    /// Reads the interface name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|usage| usage.as_str() == text)
    }
}

/// Sizes a row is about, in bits: key, modulus, order of the curve, output of the hash, parameter set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sizes {
    /// Whatever the size, known or not.
    Any,
    /// At most this many.
    UpTo(u32),
    /// From the first to the last, both included.
    Between(u32, u32),
    /// At least this many.
    From(u32),
}

/// Curves a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curves {
    /// The row does not look at the curve.
    Any,
    /// One of these.
    Only(&'static [&'static str]),
    /// A known curve that is none of these.
    OtherThan(&'static [&'static str]),
}

/// One dated rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Algorithm.
    pub family: Family,
    /// Sizes it is about.
    pub sizes: Sizes,
    /// Curves it is about.
    pub curves: Curves,
    /// Mode of operation it is about, if only one.
    pub mode: Option<&'static str>,
    /// Uses it is about; none named means all.
    pub usages: &'static [Usage],
    /// First day it holds.
    pub from: Day,
    /// Last day it holds, if it ends.
    pub until: Option<Day>,
    /// Standing for applying protection.
    pub protect: Standing,
    /// Standing for processing what is already protected.
    pub process: Standing,
    /// Whether the rule stands in a draft only.
    pub draft: bool,
    /// Document it comes from.
    pub document: &'static str,
    /// Place in the document.
    pub section: &'static str,
}

/// A date that drives plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Milestone {
    /// The last day before it holds.
    pub day: Day,
    /// What happens.
    pub name: &'static str,
    /// To whom.
    pub applies: &'static str,
    /// Where it is said.
    pub source: &'static str,
}

/// What is asked about: as much as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query<'a> {
    /// Algorithm.
    pub family: Family,
    /// Size in bits, if known.
    pub bits: Option<u32>,
    /// Curve, if the algorithm has one and it is known.
    pub curve: Option<&'a str>,
    /// Mode of operation, if known.
    pub mode: Option<&'a str>,
    /// Use.
    pub usage: Usage,
}

impl<'a> Query<'a> {
    /// An algorithm of which only family and use are known.
    #[must_use]
    pub const fn of(family: Family, usage: Usage) -> Self {
        Self {
            family,
            bits: None,
            curve: None,
            mode: None,
            usage,
        }
    }

    /// With a size.
    #[must_use]
    pub const fn bits(self, bits: u32) -> Self {
        Self {
            bits: Some(bits),
            ..self
        }
    }

    /// With a curve.
    #[must_use]
    pub const fn curve(self, curve: &'a str) -> Self {
        Self {
            curve: Some(curve),
            ..self
        }
    }

    /// With a mode of operation.
    #[must_use]
    pub const fn mode(self, mode: &'a str) -> Self {
        Self {
            mode: Some(mode),
            ..self
        }
    }
}

/// What the rules in force on a day say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// For applying protection, by what is final.
    pub protect: Standing,
    /// For processing, by what is final.
    pub process: Standing,
    /// For applying protection if every draft were final as it stands.
    pub protect_with_drafts: Standing,
    /// For processing if every draft were final as it stands.
    pub process_with_drafts: Standing,
    /// The rules in force, in table order.
    pub rows: Vec<&'static Row>,
}

/// The status on a day; none if the table does not know the algorithm, or a size or curve that decides is not known.
#[must_use]
pub fn status(query: &Query<'_>, day: Day) -> Option<Status> {
    // A size or curve that is not known leaves the rules that need it out. What remains must not be an acquittal: only
    // rules that hold whatever the size may answer then, and if there is no such rule there is no answer.
    let (protect, process) = standing(query, day, false)?;
    let (protect_with_drafts, process_with_drafts) = standing(query, day, true)?;
    let rows = in_force(query, day).collect();
    Some(Status {
        protect,
        process,
        protect_with_drafts,
        process_with_drafts,
        rows,
    })
}

/// The next day after `day` on which a rule for this query begins to make its standing worse, and that rule.
#[must_use]
pub fn next_change(query: &Query<'_>, day: Day) -> Option<(Day, &'static Row)> {
    let now = status(query, day)?;
    ROWS.iter()
        .filter(|row| row.from > day && applies(row, query))
        .filter(|row| {
            row.protect > now.protect_with_drafts || row.process > now.process_with_drafts
        })
        .map(|row| (row.from, row))
        .min_by_key(|(from, _)| *from)
}

/// How a key of this kind is asked about for a service.
#[must_use]
pub const fn query_of(spec: KeySpec, service: Service) -> Query<'static> {
    let (family, bits, curve) = match spec {
        KeySpec::Aes128 => (Family::Aes, 128, None),
        KeySpec::Aes192 => (Family::Aes, 192, None),
        KeySpec::Aes256 => (Family::Aes, 256, None),
        KeySpec::HmacSha256 => (Family::Hmac, 256, None),
        KeySpec::HmacSha384 => (Family::Hmac, 384, None),
        KeySpec::HmacSha512 => (Family::Hmac, 512, None),
        KeySpec::Rsa2048 => (Family::Rsa, 2048, None),
        KeySpec::Rsa3072 => (Family::Rsa, 3072, None),
        KeySpec::Rsa4096 => (Family::Rsa, 4096, None),
        KeySpec::EcP256 => (Family::Ec, 256, Some("P-256")),
        KeySpec::EcP384 => (Family::Ec, 384, Some("P-384")),
        KeySpec::EcP521 => (Family::Ec, 521, Some("P-521")),
        KeySpec::Ed25519 => (Family::Ed25519, 253, None),
        KeySpec::MlKem512 => (Family::MlKem, 512, None),
        KeySpec::MlKem768 => (Family::MlKem, 768, None),
        KeySpec::MlKem1024 => (Family::MlKem, 1024, None),
        KeySpec::MlDsa44 => (Family::MlDsa, 44, None),
        KeySpec::MlDsa65 => (Family::MlDsa, 65, None),
        KeySpec::MlDsa87 => (Family::MlDsa, 87, None),
    };
    Query {
        family,
        bits: Some(bits),
        curve,
        mode: None,
        usage: usage_of(spec, service),
    }
}

/// The status of a kind of key for a service on a day. Every kind is in the table; a test holds that.
#[must_use]
pub fn key_status(spec: KeySpec, service: Service, day: Day) -> Option<Status> {
    status(&query_of(spec, service), day)
}

/// Whether work of this kind may be done at an instant: protection if the standing allows new protection, anything else
/// if it allows processing. Drafts never refuse; what the table does not know is refused.
#[must_use]
pub fn permits(spec: KeySpec, service: Service, at: Timestamp) -> bool {
    // On the path of every use of a key: allocates nothing.
    standing(&query_of(spec, service), Day::of(at), false).is_some_and(|(protect, process)| {
        if service.is_protection() {
            protect.may_protect()
        } else {
            process.may_process()
        }
    })
}

const fn usage_of(spec: KeySpec, service: Service) -> Usage {
    match service {
        Service::Encrypt | Service::Decrypt => Usage::Encryption,
        Service::Wrap | Service::Unwrap => Usage::KeyWrapping,
        Service::Mac | Service::VerifyMac => Usage::Authentication,
        Service::Sign | Service::Verify => Usage::Signature,
        Service::Derive => Usage::Derivation,
        Service::Agree => Usage::KeyAgreement,
        Service::Encapsulate | Service::Decapsulate => Usage::KeyEncapsulation,
        // A key is generated for what its kind is chiefly for.
        Service::Generate => match spec.purposes() {
            [Purpose::Encrypt, ..] => Usage::Encryption,
            [Purpose::Wrap, ..] => Usage::KeyWrapping,
            [Purpose::Mac, ..] => Usage::Authentication,
            [Purpose::Derive, ..] => Usage::Derivation,
            [Purpose::Agree, ..] => Usage::KeyAgreement,
            [Purpose::Encapsulate, ..] => Usage::KeyEncapsulation,
            [Purpose::Sign, ..] | [] => Usage::Signature,
        },
    }
}

fn in_force(query: &Query<'_>, day: Day) -> impl Iterator<Item = &'static Row> {
    ROWS.iter().filter(move |row| {
        applies(row, query) && row.from <= day && row.until.is_none_or(|until| day <= until)
    })
}

/// The strictest of the rules in force, to protect and to process; none if no rule is in force.
fn standing(query: &Query<'_>, day: Day, drafts: bool) -> Option<(Standing, Standing)> {
    in_force(query, day)
        .filter(|row| drafts || !row.draft)
        .map(|row| (row.protect, row.process))
        .reduce(|one, other| (one.0.minimum(other.0), one.1.minimum(other.1)))
}

fn applies(row: &Row, query: &Query<'_>) -> bool {
    if row.family != query.family {
        return false;
    }
    let size = match row.sizes {
        Sizes::Any => true,
        Sizes::UpTo(most) => query.bits.is_some_and(|bits| bits <= most),
        Sizes::Between(least, most) => query
            .bits
            .is_some_and(|bits| (least..=most).contains(&bits)),
        Sizes::From(least) => query.bits.is_some_and(|bits| bits >= least),
    };
    let curve = match row.curves {
        Curves::Any => true,
        Curves::Only(named) => query.curve.is_some_and(|curve| named.contains(&curve)),
        Curves::OtherThan(named) => query.curve.is_some_and(|curve| !named.contains(&curve)),
    };
    size && curve
        && row.mode.is_none_or(|mode| query.mode == Some(mode))
        && (row.usages.is_empty() || row.usages.contains(&query.usage))
}
