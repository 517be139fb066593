//! What the linker put into the server: the validated module's symbols, and nobody else's cryptography.
use std::path::{Path, PathBuf};

use super::{PRODUCT, built};
use crate::{Outcome, fail, workspace};

/// The name of the server's executable.
const BINARY: &str = "keyward";
/// Every symbol of the pinned module carries the version of its crate.
const MODULE_CRATE: &str = "aws-lc-fips-sys";
/// Prefixes of cryptography that must not be there. The unvalidated build of the same library differs in its prefix.
const BANNED: &[(&str, &str)] = &[
    ("ring_core_", "ring"),
    (
        "aws_lc_0_",
        "aws-lc-sys, the same library without its validated module",
    ),
    ("OPENSSL_init_ssl", "OpenSSL"),
    ("gnutls_", "GnuTLS"),
    ("mbedtls_", "Mbed TLS"),
    ("wolfSSL_", "wolfSSL"),
    ("sodium_init", "libsodium"),
];
/// Shared libraries that must not be asked for.
const BANNED_LIBRARIES: &[&str] = &[
    "libcrypto.",
    "libssl.",
    "libgnutls.",
    "libnettle.",
    "libsodium.",
    "libgcrypt.",
];

/// Checks the executables that are there; at least one must be.
pub fn run() -> Outcome {
    let root = workspace::root();
    let target = workspace::target_directory(&root)?;
    let binaries: Vec<PathBuf> = ["debug", "release"]
        .iter()
        .map(|profile| target.join(profile).join(BINARY))
        .filter(|path| path.is_file())
        .collect();
    if binaries.is_empty() {
        return fail(format!(
            "symbols: no executable `{BINARY}` has been built; run `cargo build -p {PRODUCT}` first"
        ));
    }
    let module = module_prefix(&root)?;
    let mut found = Vec::new();
    for binary in &binaries {
        let name = workspace::relative(&root, binary);
        let path = binary.to_string_lossy();
        let symbols = workspace::output(&root, "nm", &["--defined-only", &path])?;
        let dynamic = workspace::output(&root, "readelf", &["--dynamic", "--wide", &path])?;
        found.extend(
            objections(&symbols, &dynamic, module.as_deref())
                .into_iter()
                .map(|text| format!("{name}: {text}")),
        );
        println!("symbols: {name}: {} names read", symbols.lines().count());
    }
    if found.is_empty() {
        Ok(())
    } else {
        fail(format!("symbols: {}", found.join("\n         ")))
    }
}

/// The prefix the module's symbols must have, from the version cargo resolved; none while nothing links it.
fn module_prefix(root: &Path) -> Outcome<Option<String>> {
    let crates = built(root, &[PRODUCT], "normal")?;
    let module = crates.iter().find(|built| built.name == MODULE_CRATE);
    Ok(module.map(|built| prefix_of(&built.version)))
}

/// `v0.13.11` becomes `aws_lc_fips_0_13_11_`.
fn prefix_of(version: &str) -> String {
    format!(
        "aws_lc_fips_{}_",
        version.trim_start_matches('v').replace('.', "_")
    )
}

/// What is wrong with an executable, from its symbols and its dynamic section.
fn objections(symbols: &str, dynamic: &str, module: Option<&str>) -> Vec<String> {
    let names: Vec<&str> = symbols
        .lines()
        .filter_map(|line| line.split_whitespace().next_back())
        .collect();
    let mut found = Vec::new();
    for (prefix, whose) in BANNED {
        let count = names.iter().filter(|name| name.starts_with(prefix)).count();
        if count > 0 {
            found.push(format!("{count} symbols `{prefix}...` of {whose}"));
        }
    }
    // Without this a stripped executable would pass because nothing can be seen in it.
    if let Some(prefix) = module.filter(|prefix| !names.iter().any(|name| name.starts_with(prefix)))
    {
        found.push(format!(
            "no symbol `{prefix}...`: it is stripped, or not linked with the pinned module"
        ));
    }
    let stray = names.iter().find(|name| {
        name.starts_with("aws_lc_fips_") && module.is_none_or(|prefix| !name.starts_with(prefix))
    });
    if let Some(name) = stray {
        found.push(format!(
            "symbol `{name}` is of another version of the module than the pinned one"
        ));
    }
    for line in dynamic.lines().filter(|line| line.contains("(NEEDED)")) {
        if BANNED_LIBRARIES
            .iter()
            .any(|library| line.contains(library))
        {
            found.push(format!("asks for a shared library: {}", line.trim()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: &str = "aws_lc_fips_0_13_11_";
    const GOOD: &str = "0000 T aws_lc_fips_0_13_11_FIPS_mode\n0001 t main\n";
    const LIBC: &str = " 0x01 (NEEDED)  Shared library: [libc.so.6]\n";

    fn count(symbols: &str, dynamic: &str) -> usize {
        objections(symbols, dynamic, Some(MODULE)).len()
    }

    #[test]
    fn the_module_alone_is_fine() {
        assert_eq!(prefix_of("v0.13.11"), MODULE);
        assert_eq!(count(GOOD, LIBC), 0);
    }

    #[test]
    fn anybody_elses_cryptography_is_found() {
        for symbol in [
            "ring_core_0_17_8_bn_mul_mont",
            "aws_lc_0_30_0_EVP_sha256",
            "OPENSSL_init_ssl",
        ] {
            assert_eq!(
                count(&format!("{GOOD}0002 T {symbol}\n"), LIBC),
                1,
                "{symbol}"
            );
        }
        assert_eq!(
            count(GOOD, " 0x01 (NEEDED)  Shared library: [libcrypto.so.3]\n"),
            1
        );
    }

    #[test]
    fn an_executable_in_which_nothing_can_be_seen_does_not_pass() {
        assert_eq!(count("0001 t main\n", LIBC), 1);
        assert_eq!(count("", LIBC), 1);
    }

    #[test]
    fn another_version_of_the_module_is_found() {
        assert_eq!(
            count(
                &format!("{GOOD}0002 T aws_lc_fips_0_13_17_FIPS_mode\n"),
                LIBC
            ),
            1
        );
    }
}
