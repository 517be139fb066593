//! Object identifiers of algorithms and curves, as data: `oids.tsv` holds one row per identifier.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::finding::Algorithm;

/// The table's text.
const TEXT: &str = include_str!("oids.tsv");

/// What an algorithm is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Public-key algorithm of a key.
    Key,
    /// Signature algorithm (key algorithm and hash).
    Signature,
    /// Symmetric encryption.
    Cipher,
    /// Digest.
    Hash,
    /// Key derivation or password-based encryption.
    Kdf,
    /// Message authentication.
    Mac,
}

/// One algorithm.
struct Row {
    role: Role,
    family: &'static str,
    bits: Option<u32>,
    mode: &'static str,
    set: &'static str,
}

/// Both tables, read once.
struct Tables {
    algorithms: HashMap<&'static str, Row>,
    curves: HashMap<&'static str, (&'static str, u32)>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let mut tables = Tables {
        algorithms: HashMap::new(),
        curves: HashMap::new(),
    };
    for line in TEXT.lines().filter(|line| !line.starts_with('#')) {
        let cells: Vec<&'static str> = line.split('\t').collect();
        let [oid, role, family, bits, mode, set] = cells.as_slice() else {
            continue;
        };
        let bits = bits.parse().ok();
        let role = match *role {
            "key" => Role::Key,
            "signature" => Role::Signature,
            "cipher" => Role::Cipher,
            "hash" => Role::Hash,
            "kdf" => Role::Kdf,
            "mac" => Role::Mac,
            _ => {
                tables.curves.insert(oid, (family, bits.unwrap_or(0)));
                continue;
            }
        };
        let row = Row {
            role,
            family,
            bits,
            mode,
            set,
        };
        tables.algorithms.insert(oid, row);
    }
    tables
});

/// Looks an algorithm up; an unknown identifier keeps its dotted form as the name.
pub fn algorithm(oid: &str) -> (Option<Role>, Algorithm) {
    let Some(row) = TABLES.algorithms.get(oid) else {
        return (
            None,
            Algorithm {
                name: format!("OID {oid}"),
                oid: Some(oid.to_owned()),
                ..Algorithm::default()
            },
        );
    };
    let algorithm = Algorithm {
        name: row.family.to_owned(),
        bits: row.bits,
        curve: (!row.set.is_empty()).then(|| row.set.to_owned()),
        mode: (!row.mode.is_empty()).then(|| row.mode.to_owned()),
        oid: Some(oid.to_owned()),
    };
    (Some(row.role), algorithm)
}

/// Whether the identifier is one the table knows.
pub fn known(oid: &str) -> bool {
    TABLES.algorithms.contains_key(oid)
}

/// Name and size of a curve.
pub fn curve(oid: &str) -> Option<(&'static str, u32)> {
    TABLES.curves.get(oid).copied()
}

/// Name and size of a curve by one of its names.
pub fn curve_by_name(name: &str) -> Option<(&'static str, u32)> {
    let alias = match name {
        "nistp256" | "secp256r1" | "prime256v1" => "P-256",
        "nistp384" | "secp384r1" => "P-384",
        "nistp521" | "secp521r1" => "P-521",
        "secp224r1" => "P-224",
        "secp192r1" | "prime192v1" => "P-192",
        "cv25519" => "X25519",
        other => other,
    };
    TABLES
        .curves
        .values()
        .find(|(known, _)| known.eq_ignore_ascii_case(alias))
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_read() {
        let rows = TEXT.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(rows, TABLES.algorithms.len() + TABLES.curves.len());
        assert!(TABLES.algorithms.len() > 120 && TABLES.curves.len() > 40);
    }

    #[test]
    fn a_curve_has_the_same_size_by_identifier_and_by_name() {
        assert_eq!(curve("1.2.840.10045.3.1.7"), curve_by_name("prime256v1"));
        assert_eq!(curve_by_name("secp256k1"), Some(("secp256k1", 256)));
    }
}
