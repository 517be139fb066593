//! ELF programs and libraries: linked cryptographic libraries, version strings, and the constants algorithms cannot do
//! without (S-boxes, initial values), which tell what is compiled in.

use std::sync::LazyLock;

use object::read::elf::{FileHeader, SectionHeader};

use aho_corasick::AhoCorasick;

use crate::detect::Scan;
use crate::finding::{Algorithm, Confidence, Finding, Kind};

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

/// Whether a file name is that of a cryptographic library.
pub fn is_library(name: &str) -> bool {
    SHARED.iter().any(|known| name.starts_with(known))
}

/// Linked cryptographic libraries and version strings of an ELF file.
pub fn file(scan: &mut Scan<'_>, data: &[u8]) {
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
        return;
    }
    if !libraries.is_empty() {
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
    built_in(scan, data, &libraries);
}

/// Constants by which an algorithm is known: bytes, what they are, and whether the algorithm is weak by itself.
const CONSTANTS: &[(&[u8], &str)] = &[
    (
        b"\x63\x7c\x77\x7b\xf2\x6b\x6f\xc5\x30\x01\x67\x2b\xfe\xd7\xab\x76",
        "AES",
    ),
    (b"\xa5\x63\x63\xc6\x84\x7c\x7c\xf8\x99\x77\x77\xee", "AES"),
    (b"\xc6\x63\x63\xa5\xf8\x7c\x7c\x84\xee\x77\x77\x99", "AES"),
    (
        b"\x98\x2f\x8a\x42\x91\x44\x37\x71\xcf\xfb\xc0\xb5",
        "SHA-256",
    ),
    (
        b"\x42\x8a\x2f\x98\x71\x37\x44\x91\xb5\xc0\xfb\xcf",
        "SHA-256",
    ),
    (
        b"\x22\xae\x28\xd7\x98\x2f\x8a\x42\xcd\x65\xef\x23\x91\x44\x37\x71",
        "SHA-512",
    ),
    (b"\x78\xa4\x6a\xd7\x56\xb7\xc7\xe8\xdb\x70\x20\x24", "MD5"),
    (
        b"\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10\xf0\xe1\xd2\xc3",
        "SHA-1",
    ),
    (
        b"\x88\x6a\x3f\x24\xd3\x08\xa3\x85\x2e\x8a\x19\x13",
        "Blowfish",
    ),
    (b"expand 32-byte k", "ChaCha20-Poly1305"),
    (
        b"\x82\x80\x00\x00\x00\x00\x00\x00\x8a\x80\x00\x00\x00\x00\x00\x80",
        "SHA3-256",
    ),
    (
        b"\x08\xc9\xbc\xf3\x67\xe6\x09\x6a\x3b\xa7\xca\x84\x85\xae\x67\xbb",
        "SHA-512",
    ),
    // S-box 1 of DES, one value a byte, and OpenSSL's merged table
    (
        b"\x0e\x04\x0d\x01\x02\x0f\x0b\x08\x03\x0a\x06\x0c\x05\x09\x00\x07",
        "DES",
    ),
    (
        b"\x00\x08\x08\x02\x00\x00\x08\x00\x02\x00\x00\x02\x02\x08\x08\x02",
        "DES",
    ),
    // S-box of Camellia and of SM4
    (
        b"\x70\x82\x2c\xec\xb3\x27\xc0\xe5\xe4\x85\x57\x35",
        "Camellia",
    ),
    (b"\xd6\x90\xe9\xfe\xcc\xe1\x3d\xb7\x16\xb6\x14\xc2", "SM4"),
];

static AUTOMATON: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::new(CONSTANTS.iter().map(|(bytes, _)| *bytes)).ok());

/// Algorithms and libraries that are part of a program itself.
fn built_in(scan: &mut Scan<'_>, data: &[u8], linked: &[String]) {
    let mut names: Vec<&str> = Vec::new();
    let mut first = 0;
    if let Some(automaton) = AUTOMATON.as_ref() {
        for found in automaton.find_iter(data) {
            let Some((_, name)) = CONSTANTS.get(found.pattern().as_usize()) else {
                continue;
            };
            if names.is_empty() {
                first = found.start();
            }
            if !names.contains(name) {
                names.push(name);
            }
            if names.len() == 10 {
                break;
            }
        }
    }
    names.sort_unstable();
    if !names.is_empty() {
        let list = names.join(", ");
        let mut finding = Finding::new(
            Kind::Use,
            "elf-constants",
            format!("program with built-in {list} (constants of the algorithm)"),
        )
        .confidence(Confidence::Likely)
        .property("algorithms", list.clone())
        .property("identity", format!("constants:{list}"))
        .at(first as u64);
        if let [only] = names.as_slice() {
            finding = finding.algorithm(Algorithm::named(only));
        }
        scan.report(finding);
    }
    if names.is_empty() && linked.is_empty() {
        return;
    }
    // a version string of a library that is not linked dynamically: it is linked statically
    if let Some(version) = release(data) {
        let dynamic = linked.iter().any(|name| {
            (version.starts_with("OpenSSL")
                && (name.starts_with("libssl") || name.starts_with("libcrypto")))
                || (version.starts_with("GnuTLS") && name.starts_with("libgnutls"))
                || (version.starts_with("Libgcrypt") && name.starts_with("libgcrypt"))
                || (version.starts_with("libsodium") && name.starts_with("libsodium"))
        });
        if !dynamic && !names.is_empty() {
            scan.report(
                Finding::new(
                    Kind::Library,
                    "elf-static",
                    format!("cryptographic library {version}, linked statically"),
                )
                .confidence(Confidence::Likely)
                .property("identity", format!("static:{version}"))
                .property("version", version),
            );
        }
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
pub fn release(data: &[u8]) -> Option<String> {
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
