//! No second cryptographic library comes in by the side door.

use std::collections::BTreeSet;
use std::process::Command;

const BANNED: &[&str] = &[
    "ring",
    "aws-lc-sys",
    "openssl",
    "openssl-sys",
    "native-tls",
    "rsa",
    "p256",
    "p384",
    "p521",
    "ecdsa",
    "ed25519-dalek",
    "x25519-dalek",
    "aes",
    "aes-gcm",
    "chacha20",
    "sha1",
    "sha2",
    "hmac",
    "md-5",
    "getrandom",
    "rand",
];

/// Every package this crate reaches, with its version.
fn tree() -> BTreeSet<(String, String)> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "-p", "keyward-tls"])
        .args([
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| {
            let mut words = line.split(' ');
            let mut word = || words.next().unwrap_or_default().to_owned();
            (word(), word())
        })
        .collect()
}

#[test]
fn the_validated_module_is_the_only_cryptography_in_the_tree() {
    let tree = tree();
    for (package, version) in [("aws-lc-rs", "v1.17.1"), ("aws-lc-fips-sys", "v0.13.11")] {
        let versions: Vec<_> = tree
            .iter()
            .filter(|(name, _)| name == package)
            .map(|(_, version)| version.as_str())
            .collect();
        assert_eq!(versions, [version], "{package}");
    }
    for (package, version) in &tree {
        assert!(!BANNED.contains(&package.as_str()), "{package} {version}");
    }
}
