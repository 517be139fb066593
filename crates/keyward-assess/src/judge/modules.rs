//! Validated modules: which active FIPS 140-3 certificates exist for builds of a library. A name tells the family, not
//! the build; whether this very file is a validated one is for its vendor's security policy to show, and said so.

use std::sync::LazyLock;

use crate::finding::{Finding, Kind, Severity};

/// The day of the list.
pub const AS_OF: &str = "2026-04-15";

/// One certificate.
struct Certificate {
    family: &'static str,
    number: &'static str,
    module: &'static str,
    /// Last day, `YYYY-MM-DD`.
    sunset: String,
}

/// The table: family, certificate, module, level, sunset as M/D/YYYY.
static TABLE: LazyLock<Vec<Certificate>> = LazyLock::new(|| {
    include_str!("modules.tsv")
        .lines()
        .filter_map(|line| {
            let cells: Vec<&'static str> = line.split('\t').collect();
            let [family, number, module, _, sunset] = cells.as_slice() else {
                return None;
            };
            let parts: Vec<u32> = sunset
                .split('/')
                .filter_map(|part| part.parse().ok())
                .collect();
            let [month, day, year] = parts.as_slice() else {
                return None;
            };
            Some(Certificate {
                family,
                number,
                module,
                sunset: format!("{year:04}-{month:02}-{day:02}"),
            })
        })
        .collect()
});

/// Starts of library names, and the family of modules they belong to; none: no module of it is validated.
const FAMILIES: &[(&str, Option<&str>)] = &[
    ("fips.so", Some("openssl")),
    ("libcrypto", Some("openssl")),
    ("libssl.so", Some("openssl")),
    ("libssl1", Some("openssl")),
    ("libssl3", Some("openssl")),
    ("openssl", Some("openssl")),
    ("libgnutls", Some("gnutls")),
    ("gnutls", Some("gnutls")),
    ("libgcrypt", Some("libgcrypt")),
    ("libnss3", Some("nss")),
    ("libsoftokn3", Some("nss")),
    ("libfreebl", Some("nss")),
    ("aws-lc-fips-sys", Some("aws-lc")),
    ("amazoncorrettocryptoprovider", Some("aws-lc")),
    ("bc-fips", Some("bouncycastle")),
    ("boringssl", Some("boringcrypto")),
    ("wolfssl", Some("wolfcrypt")),
    ("libwolfssl", Some("wolfcrypt")),
    ("aws-lc-sys", None),
    ("ring", None),
    ("rustls", None),
    ("libsodium", None),
    ("pycryptodome", None),
    ("pynacl", None),
    ("crypto-js", None),
    ("node-forge", None),
    ("tweetnacl", None),
    ("libnettle", None),
    ("libhogweed", None),
    ("bcprov-", None),
    ("golang.org/x/crypto", None),
    ("libmbedcrypto", None),
    ("libargon2", None),
];

/// Says for a library whether validated builds of it exist on a day.
pub fn judge(finding: &mut Finding, day: &str) {
    if finding.kind != Kind::Library {
        return;
    }
    let name = finding
        .properties
        .get("library")
        .or_else(|| finding.properties.get("identity"))
        .cloned()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let Some((_, family)) = FAMILIES.iter().find(|(start, _)| name.starts_with(start)) else {
        return;
    };
    let source = format!("CMVP list of {AS_OF}");
    let Some(family) = family else {
        finding
            .properties
            .insert("validated-module".to_owned(), format!("none ({source})"));
        finding.add_issue(
            "KA-NO-VALIDATED-MODULE",
            Severity::Info,
            "no FIPS 140-3 certificate is known for this library: not for data that must be protected by a validated module",
            &source,
        );
        return;
    };
    let active: Vec<&Certificate> = TABLE
        .iter()
        .filter(|certificate| certificate.family == *family && certificate.sunset.as_str() >= day)
        .collect();
    let ended = TABLE.iter().filter(|c| c.family == *family).count() - active.len();
    let named: Vec<String> = active
        .iter()
        .take(4)
        .map(|certificate| {
            format!(
                "#{} {} (until {})",
                certificate.number, certificate.module, certificate.sunset
            )
        })
        .collect();
    finding.properties.insert(
        "validated-module".to_owned(),
        format!(
            "{} active FIPS 140-3 certificates for builds of this family, {ended} ended since: {}; whether this build is one of them is for its vendor to show ({source})",
            active.len(),
            named.join("; ")
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_told_which_certificates_exist_and_never_that_it_is_validated() {
        assert!(TABLE.len() > 90);
        let mut known =
            Finding::new(Kind::Library, "elf", "x").property("library", "libcrypto.so.3");
        judge(&mut known, "2026-11-24");
        let text = known
            .properties
            .get("validated-module")
            .cloned()
            .unwrap_or_default();
        assert!(
            text.contains("#4985") || text.contains("active FIPS 140-3"),
            "{text}"
        );
        assert!(text.contains("for its vendor to show"));
        let mut none = Finding::new(Kind::Library, "manifest", "x").property("library", "ring");
        judge(&mut none, "2026-11-24");
        assert_eq!(none.issues.len(), 1);
        let mut late =
            Finding::new(Kind::Library, "elf", "x").property("library", "libcrypto.so.3");
        judge(&mut late, "2040-01-01");
        assert!(
            late.properties
                .get("validated-module")
                .is_some_and(|text| text.starts_with("0 active"))
        );
    }
}
