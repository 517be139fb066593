//! The approval table is `keyward-core`'s, the one the whole product decides by; this adapter asks it in the
//! scanner's words: an algorithm as it was read, a use, a day.

use keyward_core::approval::{self, Day, Family, MILESTONES, Query, Standing, Usage};
use serde::{Deserialize, Serialize};

use crate::finding::Algorithm;

/// The day the table's facts were gathered.
pub const AS_OF: &str = "2026-11-23";

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

impl From<Standing> for Status {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Acceptable => Self::Acceptable,
            Standing::Deprecated => Self::Deprecated,
            Standing::Legacy => Self::Legacy,
            Standing::Disallowed => Self::Disallowed,
            Standing::NotApproved => Self::NotApproved,
        }
    }
}

/// A date that drives plans.
#[derive(Clone, Debug, Serialize)]
pub struct Milestone {
    /// The day.
    pub date: String,
    /// What happens.
    pub name: &'static str,
    /// To whom.
    pub applies: &'static str,
    /// Where it is said.
    pub source: &'static str,
}

/// The dates still to come on a day.
pub fn milestones(day: &str) -> Vec<Milestone> {
    MILESTONES
        .iter()
        .map(|milestone| Milestone {
            date: milestone.day.to_string(),
            name: milestone.name,
            applies: milestone.applies,
            source: milestone.source,
        })
        .filter(|milestone| milestone.date.as_str() >= day)
        .collect()
}

/// What the table says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// For applying protection.
    pub protect: Status,
    /// For processing.
    pub process: Status,
    /// Whether the next change stands in a draft only.
    pub draft: bool,
    /// Last day before it gets worse.
    pub until: Option<String>,
    /// Where it is said.
    pub source: String,
}

/// The family as the core spells it.
fn family(name: &str) -> Option<Family> {
    match name {
        "ECDSA" | "ECDH" => Some(Family::Ec),
        "Falcon" => Some(Family::FnDsa),
        other => Family::parse(other),
    }
}

/// The use in the core's words; a key is judged by what keys of its family are mainly for.
fn usage(family: Family, asked: &str) -> Usage {
    match asked {
        "signature" => Usage::Signature,
        "mac" => Usage::Authentication,
        "hash" => Usage::Hash,
        _ => match family {
            Family::Dh | Family::X25519 | Family::X448 => Usage::KeyAgreement,
            Family::MlKem => Usage::KeyEncapsulation,
            Family::Hmac | Family::Cmac | Family::Kmac | Family::Poly1305 => Usage::Authentication,
            Family::Rsa
            | Family::Dsa
            | Family::Ec
            | Family::Ed25519
            | Family::Ed448
            | Family::Sm2
            | Family::Gost2001
            | Family::Gost2012
            | Family::MlDsa
            | Family::SlhDsa
            | Family::Lms
            | Family::Xmss
            | Family::FnDsa => Usage::Signature,
            Family::Kbkdf | Family::Hkdf | Family::OneStepKdf => Usage::Derivation,
            Family::Pbkdf1 | Family::Pbkdf2 | Family::Scrypt | Family::Bcrypt | Family::Argon2 => {
                Usage::PasswordDerivation
            }
            Family::HashDrbg | Family::HmacDrbg | Family::CtrDrbg | Family::DualEcDrbg => {
                Usage::RandomBits
            }
            _ => Usage::Encryption,
        },
    }
}

/// Status on a day (`YYYY-MM-DD`). None: the table does not know the algorithm, or its size is unknown and
/// decides.
pub fn status(algorithm: &Algorithm, asked: &str, day: &str) -> Option<Verdict> {
    let family = family(&algorithm.name)?;
    let day = Day::parse(day)?;
    let query = Query {
        family,
        bits: algorithm.bits,
        curve: algorithm.curve.as_deref(),
        mode: algorithm.mode.as_deref(),
        usage: usage(family, asked),
    };
    let status = approval::status(&query, day)?;
    let next = approval::next_change(&query, day);
    let decisive = status
        .rows
        .iter()
        .filter(|row| !row.draft)
        .max_by_key(|row| (row.protect, row.process));
    Some(Verdict {
        protect: status.protect.into(),
        process: status.process.into(),
        draft: next.is_some_and(|(_, row)| row.draft),
        until: next.map(|(from, _)| day_before(&from.to_string())),
        source: decisive.map_or_else(String::new, |row| {
            format!("{} {}", row.document, row.section)
        }),
    })
}

/// The day before one.
fn day_before(day: &str) -> String {
    day.parse::<jiff::civil::Date>()
        .ok()
        .and_then(|date| date.yesterday().ok())
        .map_or_else(|| day.to_owned(), |date| date.to_string())
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
    fn every_algorithm_name_the_scanner_reads_is_judged_or_knowingly_not() {
        let unknown: Vec<&str> = ["Dilithium", "SPHINCS+", "JKS-KeyProtector", "PBES2"].to_vec();
        for line in include_str!("../oids.tsv").lines() {
            let cells: Vec<&str> = line.split('\t').collect();
            if let [_, role, name, ..] = cells.as_slice()
                && *role != "curve"
                && !line.starts_with('#')
                && !name.starts_with("HMAC-")
            {
                assert!(
                    family(name).is_some() || unknown.contains(name),
                    "{name} is not in the approval table"
                );
            }
        }
    }

    #[test]
    fn rsa_2048_is_acceptable_today_and_may_not_protect_once_112_bits_end_with_2030() {
        let rsa = Algorithm::sized("RSA", 2048);
        let on = |day| status(&rsa, "key", day).map(|verdict| verdict.protect);
        assert_eq!(on("2026-11-23"), Some(Status::Acceptable));
        assert_eq!(on("2030-12-31"), Some(Status::Acceptable));
        assert_eq!(on("2031-01-01"), Some(Status::Disallowed));
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
