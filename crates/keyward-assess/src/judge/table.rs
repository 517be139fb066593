//! The approval table: reads `spec/algorithm-status.toml`, which is built in, and answers what an algorithm's
//! status is on a day.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::finding::Algorithm;

/// The table's text.
const TEXT: &str = include_str!("../../../../spec/algorithm-status.toml");

/// Status words of SP 800-131A, and `NotApproved` for what never was approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
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

impl Status {
    /// The stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acceptable => "acceptable",
            Self::Deprecated => "deprecated",
            Self::Legacy => "legacy",
            Self::Disallowed => "disallowed",
            Self::NotApproved => "not-approved",
        }
    }
}

/// One row.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Family name.
    pub family: String,
    /// Use it is limited to.
    #[serde(rename = "use")]
    pub usage: Option<String>,
    /// Smallest size.
    pub min_bits: Option<u32>,
    /// Largest size.
    pub max_bits: Option<u32>,
    /// Curves it is limited to.
    pub curves: Option<Vec<String>>,
    /// Status for applying protection.
    pub protect: Status,
    /// Status for processing what is already protected.
    pub process: Status,
    /// Last day of the status before deprecation.
    pub deprecated_after: Option<String>,
    /// Last day on which it is allowed.
    pub disallowed_after: Option<String>,
    /// Whether the dates come from a draft.
    #[serde(default)]
    pub draft: bool,
    /// Where the row comes from.
    pub source: String,
}

/// A date that drives plans.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Milestone {
    /// The day.
    pub date: String,
    /// What happens.
    pub name: String,
    /// To whom.
    pub applies: String,
    /// Where it is said.
    pub source: String,
}

/// The whole table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The day its facts were gathered.
    pub as_of: String,
    /// Rows, first match wins.
    pub row: Vec<Row>,
    /// Dates.
    pub milestone: Vec<Milestone>,
}

/// The built-in table. A test proves that it parses; should it not, everything is judged unknown.
pub static TABLE: LazyLock<Table> = LazyLock::new(|| {
    toml::from_str(TEXT).unwrap_or_else(|_| Table {
        as_of: String::new(),
        row: Vec::new(),
        milestone: Vec::new(),
    })
});

/// What the table says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// For applying protection.
    pub protect: Status,
    /// For processing.
    pub process: Status,
    /// Whether a date from a draft decided, or will.
    pub draft: bool,
    /// Next day on which it gets worse.
    pub until: Option<String>,
    /// Where it is said.
    pub source: String,
}

/// Status on a day (`YYYY-MM-DD`). None: the table does not know the algorithm, or its size is unknown and
/// decides.
pub fn status(algorithm: &Algorithm, usage: &str, day: &str) -> Option<Verdict> {
    let family = match algorithm.name.as_str() {
        "ECDSA" | "ECDH" => "EC",
        other => other,
    };
    let row = TABLE.row.iter().find(|row| {
        row.family == family
            && row.usage.as_deref().is_none_or(|wanted| wanted == usage)
            && row
                .min_bits
                .is_none_or(|least| algorithm.bits.is_some_and(|bits| bits >= least))
            && row
                .max_bits
                .is_none_or(|most| algorithm.bits.is_some_and(|bits| bits <= most))
            && row.curves.as_ref().is_none_or(|all| {
                algorithm
                    .curve
                    .as_ref()
                    .is_some_and(|curve| all.contains(curve))
            })
    })?;
    if family == "EC" && algorithm.curve.is_none() && algorithm.bits.is_none() {
        return None;
    }
    let past = |date: &Option<String>| date.as_deref().is_some_and(|date| day > date);
    let (protect, process) = if past(&row.disallowed_after) {
        (Status::Disallowed, Status::Legacy)
    } else if past(&row.deprecated_after) {
        (row.protect.max(Status::Deprecated), row.process)
    } else {
        (row.protect, row.process)
    };
    let until = [&row.deprecated_after, &row.disallowed_after]
        .into_iter()
        .flatten()
        .find(|date| day <= date.as_str());
    Some(Verdict {
        protect,
        process,
        draft: row.draft,
        until: until.cloned(),
        source: row.source.clone(),
    })
}

/// Classical security strength in bits, SP 800-57 Part 1 Rev. 5 table 2.
pub fn strength(algorithm: &Algorithm) -> Option<u32> {
    let bits = algorithm.bits;
    Some(match algorithm.name.as_str() {
        "RSA" | "DSA" | "DH" | "ElGamal" => match bits? {
            0..1024 => 0,
            1024..2048 => 80,
            2048..3072 => 112,
            3072..7680 => 128,
            7680..15360 => 192,
            _ => 256,
        },
        "EC" | "ECDSA" | "ECDH" | "SM2" => match bits? {
            0..160 => 0,
            160..224 => 80,
            224..256 => 112,
            256..384 => 128,
            384..512 => 192,
            _ => 256,
        },
        "Ed25519" | "X25519" => 128,
        "Ed448" | "X448" => 224,
        "AES" | "Camellia" | "Twofish" | "Serpent" | "ChaCha20-Poly1305" | "HMAC" => bits?.min(256),
        "3DES" => 112,
        "2TDEA" => 80,
        "DES" => 56,
        "SHA-1" => 80,
        "MD5" | "MD4" | "MD2" => 0,
        "SHA-224" => 112,
        "SHA-256" => 128,
        "SHA-384" => 192,
        "SHA-512" => 256,
        "ML-KEM" => match bits? {
            512 => 128,
            768 => 192,
            _ => 256,
        },
        "ML-DSA" => match bits? {
            44 => 128,
            65 => 192,
            _ => 256,
        },
        "SLH-DSA" => bits?,
        _ => return None,
    })
}

/// Whether Shor's algorithm breaks it. Symmetric algorithms and hashes: no.
pub fn quantum_vulnerable(algorithm: &Algorithm) -> Option<bool> {
    match algorithm.name.as_str() {
        "RSA" | "DSA" | "DH" | "ElGamal" | "EC" | "ECDSA" | "ECDH" | "Ed25519" | "Ed448"
        | "X25519" | "X448" | "SM2" | "GOST-R-34.10-2012" | "GOST-R-34.10-2001" => Some(true),
        "ML-KEM" | "ML-DSA" | "SLH-DSA" | "LMS" | "XMSS" | "Falcon" | "Dilithium" | "SPHINCS+"
        | "AES" | "3DES" | "2TDEA" | "DES" | "RC2" | "RC4" | "Blowfish" | "Twofish" | "Serpent"
        | "Camellia" | "ChaCha20-Poly1305" | "HMAC" | "MD2" | "MD4" | "MD5" | "SHA-1"
        | "SHA-224" | "SHA-256" | "SHA-384" | "SHA-512" | "RIPEMD-160" | "SEED" | "SM4"
        | "CAST5" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_table_parses_and_every_row_names_its_source() {
        let table: Table =
            toml::from_str(TEXT).expect("the table is valid TOML of the expected shape");
        assert!(table.row.len() > 40);
        assert!(table.row.iter().all(|row| !row.source.is_empty()));
    }

    #[test]
    fn rsa_2048_is_acceptable_today_deprecated_after_2030_and_disallowed_after_2035() {
        let rsa = Algorithm::sized("RSA", 2048);
        let on = |day| status(&rsa, "key", day).map(|verdict| verdict.protect);
        assert_eq!(on("2026-11-23"), Some(Status::Acceptable));
        assert_eq!(on("2030-12-31"), Some(Status::Acceptable));
        assert_eq!(on("2031-01-01"), Some(Status::Deprecated));
        assert_eq!(on("2036-01-01"), Some(Status::Disallowed));
        assert_eq!(
            status(&rsa, "key", "2026-11-23").and_then(|v| v.until),
            Some("2030-12-31".to_owned())
        );
    }

    #[test]
    fn an_unknown_size_is_not_judged_when_the_size_decides() {
        assert_eq!(status(&Algorithm::named("RSA"), "key", "2026-11-23"), None);
    }

    #[test]
    fn curves_outside_sp_800_186_are_not_approved() {
        let curve = Algorithm {
            curve: Some("secp256k1".into()),
            ..Algorithm::sized("EC", 256)
        };
        assert_eq!(
            status(&curve, "key", "2026-11-23").map(|v| v.protect),
            Some(Status::NotApproved)
        );
    }

    #[test]
    fn sha1_is_disallowed_for_signatures_but_not_yet_elsewhere() {
        let sha1 = Algorithm::sized("SHA-1", 160);
        assert_eq!(
            status(&sha1, "signature", "2026-11-23").map(|v| v.protect),
            Some(Status::Disallowed)
        );
        assert_eq!(
            status(&sha1, "mac", "2026-11-23").map(|v| v.protect),
            Some(Status::Acceptable)
        );
        assert_eq!(
            status(&sha1, "mac", "2031-01-01").map(|v| v.protect),
            Some(Status::Disallowed)
        );
    }
}
