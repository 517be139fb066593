//! Cryptographic libraries: in dependency manifests and lock files, and linked into ELF programs. Source code
//! itself is searched for key material like any file; its calls are not analysed.

use object::read::elf::{FileHeader, SectionHeader};

use crate::detect::Scan;
use crate::finding::{Confidence, Finding, Kind};

/// Libraries known to be cryptographic: name as registries spell it, and what it is.
const LIBRARIES: &[&str] = &[
    "openssl",
    "openssl-sys",
    "ring",
    "aws-lc-rs",
    "aws-lc-sys",
    "aws-lc-fips-sys",
    "rustls",
    "rsa",
    "p256",
    "p384",
    "ed25519-dalek",
    "x25519-dalek",
    "aes",
    "aes-gcm",
    "chacha20poly1305",
    "sha1",
    "sha2",
    "md-5",
    "hmac",
    "argon2",
    "cryptography",
    "pycryptodome",
    "pycrypto",
    "pyopenssl",
    "pynacl",
    "paramiko",
    "rsa-python",
    "ecdsa",
    "m2crypto",
    "bcrypt",
    "passlib",
    "node-forge",
    "crypto-js",
    "tweetnacl",
    "elliptic",
    "jsonwebtoken",
    "jose",
    "libsodium",
    "sodium-native",
    "bcprov-jdk15on",
    "bcprov-jdk18on",
    "bcpkix-jdk18on",
    "bc-fips",
    "conscrypt-openjdk-uber",
    "tink",
    "nimbus-jose-jwt",
    "golang.org/x/crypto",
    "github.com/cloudflare/circl",
    "github.com/golang-jwt/jwt",
    "mbedtls",
    "wolfssl",
    "boringssl",
];

/// Shared libraries that carry cryptography, by the start of their file name.
const SHARED: &[&str] = &[
    "libcrypto.so",
    "libssl.so",
    "libgnutls.so",
    "libgcrypt.so",
    "libnss3.so",
    "libsoftokn3.so",
    "libfreebl",
    "libsodium.so",
    "libmbedcrypto.so",
    "libwolfssl.so",
    "libnettle.so",
    "libhogweed.so",
    "libbotan",
    "libp11-kit.so",
    "libkrb5.so",
    "libk5crypto.so",
    "libssh.so",
    "libssh2.so",
    "libtss2",
    "libargon2.so",
    "libcrypt.so",
];

/// Reads manifests and ELF files.
pub fn file(scan: &mut Scan<'_>, data: &[u8]) {
    if data.starts_with(b"\x7fELF") {
        elf(scan, data);
        return;
    }
    let name = scan.name().to_ascii_lowercase();
    let known = matches!(
        name.as_str(),
        "cargo.lock"
            | "poetry.lock"
            | "requirements.txt"
            | "pipfile.lock"
            | "package-lock.json"
            | "yarn.lock"
            | "package.json"
            | "go.mod"
            | "go.sum"
            | "pom.xml"
            | "build.gradle"
    );
    if !known || data.len() > 32 << 20 {
        return;
    }
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let lines: Vec<&str> = text.lines().collect();
    let mut seen = std::collections::BTreeSet::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(library) = named(&name, line) else {
            continue;
        };
        let near = lines
            .get(index..lines.len().min(index + 3))
            .unwrap_or_default()
            .join(" ");
        let version = version(&near);
        if !seen.insert((library, version.clone())) {
            continue;
        }
        let text = format!(
            "cryptographic library {library} {}",
            version.as_deref().unwrap_or("(version not said)")
        );
        scan.report(
            Finding::new(Kind::Library, "manifest", text)
                .property("library", library)
                .property_opt("version", version.clone())
                .property(
                    "identity",
                    format!("{library}@{}", version.unwrap_or_default()),
                )
                .confidence(Confidence::Likely)
                .line(u32::try_from(index + 1).unwrap_or(u32::MAX)),
        );
    }
}

/// The library a line of a manifest names, as a whole word in the place a name stands.
fn named(file: &str, line: &str) -> Option<&'static str> {
    let line = line.trim();
    let word = match file {
        "cargo.lock" | "poetry.lock" => line.strip_prefix("name = ")?.trim_matches('"'),
        "requirements.txt" => line
            .split(['=', '<', '>', '~', '!', '[', ';', ' '])
            .next()?,
        "go.mod" | "go.sum" => line.trim_start_matches("require ").split(' ').next()?,
        "pom.xml" => line
            .strip_prefix("<artifactId>")?
            .strip_suffix("</artifactId>")?,
        "build.gradle" => line.split(['\'', '"']).nth(1)?.split(':').nth(1)?,
        "yarn.lock" => line
            .trim_matches('"')
            .split_once('@')
            .map(|(name, _)| name)?,
        _ => line
            .trim_matches(['"', ' ', ','])
            .split('"')
            .next()?
            .rsplit("node_modules/")
            .next()?,
    };
    let word = word.to_ascii_lowercase();
    LIBRARIES
        .iter()
        .copied()
        .find(|library| *library == word || (library.contains('/') && word.starts_with(library)))
}

/// The first version-like word.
fn version(text: &str) -> Option<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || ".-+".contains(c)))
        .map(|word| word.strip_prefix('v').unwrap_or(word))
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'))
        .map(|word| word.chars().take(40).collect())
}

/// Linked cryptographic libraries and version strings of an ELF file.
fn elf(scan: &mut Scan<'_>, data: &[u8]) {
    let needed = match data.get(4) {
        Some(2) => linked::<object::elf::FileHeader64<object::Endianness>>(data),
        Some(1) => linked::<object::elf::FileHeader32<object::Endianness>>(data),
        _ => None,
    };
    let libraries: Vec<String> = needed
        .unwrap_or_default()
        .into_iter()
        .filter(|name| SHARED.iter().any(|known| name.starts_with(known)))
        .collect();
    let itself = SHARED.iter().any(|known| scan.name().starts_with(known));
    if itself {
        let version = release(data);
        let text = format!(
            "cryptographic library {} {}",
            scan.name(),
            version.as_deref().unwrap_or("(version not found)")
        );
        scan.report(
            Finding::new(Kind::Library, "elf", text)
                .property("identity", scan.name().to_owned())
                .property_opt("version", version),
        );
    } else if !libraries.is_empty() {
        let list = libraries.join(", ");
        scan.report(
            Finding::new(
                Kind::Use,
                "elf-linked",
                format!("program linked with {list}"),
            )
            .property("libraries", list.clone())
            .property("identity", format!("linked:{list}")),
        );
    }
}

/// The DT_NEEDED names.
fn linked<E: FileHeader<Endian = object::Endianness>>(data: &[u8]) -> Option<Vec<String>> {
    use object::read::elf::Dyn;
    let header = E::parse(data).ok()?;
    let endian = header.endian().ok()?;
    let sections = header.sections(endian, data).ok()?;
    let mut names = Vec::new();
    for section in sections.iter() {
        let Ok(Some((entries, link))) = section.dynamic(endian, data) else {
            continue;
        };
        let strings = sections.strings(endian, data, link).ok()?;
        for entry in entries.iter().take(10_000) {
            if entry.tag(endian) == object::elf::DT_NEEDED
                && let Ok(name) = entry.string(endian, strings)
            {
                names.push(String::from_utf8_lossy(name).into_owned());
            }
        }
    }
    Some(names)
}

/// A version string that libraries carry.
fn release(data: &[u8]) -> Option<String> {
    for mark in [
        &b"OpenSSL "[..],
        b"GnuTLS ",
        b"Libgcrypt ",
        b"libsodium ",
        b"AWS-LC ",
    ] {
        for at in memchr::memmem::find_iter(data, mark).take(64) {
            let window = data.get(at + mark.len()..data.len().min(at + 64))?;
            if window.first().is_some_and(u8::is_ascii_digit) {
                let end = window
                    .iter()
                    .position(|byte| !byte.is_ascii_graphic())
                    .unwrap_or(window.len());
                let name = String::from_utf8_lossy(mark).trim().to_owned();
                return Some(format!(
                    "{name} {}",
                    String::from_utf8_lossy(window.get(..end)?)
                ));
            }
        }
    }
    None
}
