//! No second cryptographic library among the crates the server is built from.
use std::path::Path;

use super::{Built, PRODUCT_PARTS, built};
use crate::{Outcome, fail, workspace};

/// Why a crate is kept out.
const ANOTHER_LIBRARY: &str = "a cryptographic library that is not the validated module";
const LOOSE_CIPHER: &str = "computes cryptography in Rust, outside the validated module";

/// Whole libraries, and bindings to them.
const LIBRARIES: &[&str] = &[
    "ring",
    "aws-lc-sys",
    "openssl",
    "openssl-sys",
    "native-tls",
    "boring",
    "boring-sys",
    "botan",
    "gnutls",
    "libsodium-sys",
    "libsodium-sys-stable",
    "mbedtls",
    "mbedtls-sys-auto",
    "nettle",
    "nettle-sys",
    "graviola",
    "wolfssl",
    "wolfcrypt",
    "wolfcrypt-rs",
    "rustls-ring",
    "rustls-rustcrypto",
    "orion",
    "sodiumoxide",
    "dryoc",
];

/// Single algorithms.
const ALGORITHMS: &[&str] = &[
    "aead",
    "aes",
    "aes-gcm",
    "aes-gcm-siv",
    "aes-kw",
    "aes-siv",
    "argon2",
    "bcrypt",
    "blake2",
    "blake3",
    "blowfish",
    "cbc",
    "ccm",
    "chacha20",
    "chacha20poly1305",
    "cipher",
    "cmac",
    "crypto-bigint",
    "ctr",
    "curve25519-dalek",
    "des",
    "digest",
    "dsa",
    "ecdsa",
    "ed25519",
    "ed25519-dalek",
    "elliptic-curve",
    "ghash",
    "hkdf",
    "hmac",
    "k256",
    "keccak",
    "md-5",
    "md5",
    "ml-dsa",
    "ml-kem",
    "p256",
    "p384",
    "p521",
    "pbkdf2",
    "poly1305",
    "polyval",
    "rand",
    "rand_chacha",
    "rc4",
    "ripemd",
    "rsa",
    "salsa20",
    "scrypt",
    "sha-1",
    "sha1",
    "sha1_smol",
    "sha2",
    "sha3",
    "signature",
    "slh-dsa",
    "universal-hash",
    "x25519-dalek",
    "xsalsa20poly1305",
];

/// What is there all the same: on which edges, and why it may stay.
struct Allowed {
    name: &'static str,
    /// True when it runs while building and is no part of the program.
    build_only: bool,
    why: &'static str,
}

const ALLOWED: &[Allowed] = &[
    Allowed {
        name: "sha3",
        build_only: true,
        why: "lalrpop fingerprints the grammar of the policy language while it is compiled",
    },
    Allowed {
        name: "keccak",
        build_only: true,
        why: "part of sha3",
    },
    Allowed {
        name: "digest",
        build_only: true,
        why: "the trait sha3 implements",
    },
];

/// Checks the crates of the product.
pub fn run() -> Outcome {
    let root = workspace::root();
    let linked = built(&root, PRODUCT_PARTS, "normal")?;
    let all = built(&root, PRODUCT_PARTS, "normal,build")?;
    let found = objections(&linked, &all);
    if found.is_empty() {
        println!(
            "tree: {} crates linked, {} built; no second cryptographic library",
            linked.len(),
            all.len()
        );
        return Ok(());
    }
    for (name, why) in &found {
        println!(
            "{name}: {why}; it comes in through\n{}",
            path_to(&root, name)
        );
    }
    fail(format!(
        "tree: {} crates that must not be there; turn off the feature that brings them, use the Module port, or explain one in {}",
        found.len(),
        file!(),
    ))
}

/// The crates that must not be there, with the reason.
fn objections(linked: &[Built], all: &[Built]) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for built in all {
        let Some(reason) = reason_against(&built.name) else {
            continue;
        };
        let in_program = linked.iter().any(|other| other.name == built.name);
        let allowed = ALLOWED.iter().find(|allowed| allowed.name == built.name);
        match allowed {
            Some(allowed) if !(allowed.build_only && in_program) => {}
            Some(allowed) => {
                let text = format!(
                    "allowed only while building ({}), and now linked into the program",
                    allowed.why
                );
                found.push((built.name.clone(), text));
            }
            None => found.push((built.name.clone(), reason.to_owned())),
        }
    }
    found.dedup();
    found
}

fn reason_against(name: &str) -> Option<&'static str> {
    if LIBRARIES.contains(&name) {
        return Some(ANOTHER_LIBRARY);
    }
    ALGORITHMS.contains(&name).then_some(LOOSE_CIPHER)
}

/// How the crate gets in, as cargo tells it.
fn path_to(root: &Path, name: &str) -> String {
    let mut arguments = vec!["tree", "--locked", "-e", "normal,build", "-i", name];
    arguments.extend(PRODUCT_PARTS.iter().flat_map(|package| ["-p", package]));
    workspace::output(root, "cargo", &arguments).unwrap_or_else(|failure| failure.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crates(names: &[&str]) -> Vec<Built> {
        let built = |name: &&str| Built {
            name: (*name).to_owned(),
            version: "v1.0.0".into(),
            licence: "MIT".into(),
        };
        names.iter().map(built).collect()
    }

    #[test]
    fn a_second_library_is_found_wherever_it_hides() {
        for name in [
            "ring",
            "aws-lc-sys",
            "openssl-sys",
            "native-tls",
            "aes-gcm",
            "sha2",
        ] {
            assert_eq!(
                objections(&[], &crates(&["serde", name])).len(),
                1,
                "{name}"
            );
        }
        assert!(
            objections(
                &crates(&["serde"]),
                &crates(&["serde", "aws-lc-fips-sys", "aws-lc-rs"])
            )
            .is_empty()
        );
    }

    #[test]
    fn what_is_allowed_while_building_is_not_allowed_in_the_program() {
        assert!(objections(&[], &crates(&["sha3"])).is_empty());
        assert_eq!(objections(&crates(&["sha3"]), &crates(&["sha3"])).len(), 1);
    }

    #[test]
    fn every_exception_is_for_something_that_is_banned() {
        for allowed in ALLOWED {
            assert!(
                reason_against(allowed.name).is_some(),
                "{} needs no exception",
                allowed.name
            );
        }
    }
}
