//! TLS: which versions, suites and groups a server takes, and its certificates.

use std::io;

use super::{Endpoint, read_until, send, starttls, wire};
use crate::detect::{Scan, x509};
use crate::finding::{Algorithm, Finding, Kind, Severity, clip};

/// Versions asked for, newest first.
const VERSIONS: &[(u16, &str)] = &[
    (0x0304, "TLS 1.3"),
    (0x0303, "TLS 1.2"),
    (0x0302, "TLS 1.1"),
    (0x0301, "TLS 1.0"),
    (0x0300, "SSL 3.0"),
];

/// Suites of TLS 1.3.
const NEW_SUITES: &[(u16, &str)] = &[
    (0x1302, "TLS_AES_256_GCM_SHA384"),
    (0x1301, "TLS_AES_128_GCM_SHA256"),
    (0x1303, "TLS_CHACHA20_POLY1305_SHA256"),
    (0x1304, "TLS_AES_128_CCM_SHA256"),
    (0x1305, "TLS_AES_128_CCM_8_SHA256"),
];

/// Suites of TLS 1.2 and before.
const SUITES: &[(u16, &str)] = &[
    (0xc030, "ECDHE-RSA-AES256-GCM-SHA384"),
    (0xc02f, "ECDHE-RSA-AES128-GCM-SHA256"),
    (0xc02c, "ECDHE-ECDSA-AES256-GCM-SHA384"),
    (0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256"),
    (0xcca8, "ECDHE-RSA-CHACHA20-POLY1305"),
    (0xcca9, "ECDHE-ECDSA-CHACHA20-POLY1305"),
    (0x009f, "DHE-RSA-AES256-GCM-SHA384"),
    (0x009e, "DHE-RSA-AES128-GCM-SHA256"),
    (0xccaa, "DHE-RSA-CHACHA20-POLY1305"),
    (0xc028, "ECDHE-RSA-AES256-SHA384"),
    (0xc027, "ECDHE-RSA-AES128-SHA256"),
    (0xc024, "ECDHE-ECDSA-AES256-SHA384"),
    (0xc023, "ECDHE-ECDSA-AES128-SHA256"),
    (0xc014, "ECDHE-RSA-AES256-SHA"),
    (0xc013, "ECDHE-RSA-AES128-SHA"),
    (0xc00a, "ECDHE-ECDSA-AES256-SHA"),
    (0xc009, "ECDHE-ECDSA-AES128-SHA"),
    (0x006b, "DHE-RSA-AES256-SHA256"),
    (0x0067, "DHE-RSA-AES128-SHA256"),
    (0x0039, "DHE-RSA-AES256-SHA"),
    (0x0033, "DHE-RSA-AES128-SHA"),
    (0x009d, "AES256-GCM-SHA384"),
    (0x009c, "AES128-GCM-SHA256"),
    (0x003d, "AES256-SHA256"),
    (0x003c, "AES128-SHA256"),
    (0x0035, "AES256-SHA"),
    (0x002f, "AES128-SHA"),
    (0x0084, "CAMELLIA256-SHA"),
    (0x0041, "CAMELLIA128-SHA"),
    (0x0096, "SEED-SHA"),
    (0xc012, "ECDHE-RSA-DES-CBC3-SHA"),
    (0xc008, "ECDHE-ECDSA-DES-CBC3-SHA"),
    (0x0016, "DHE-RSA-DES-CBC3-SHA"),
    (0x000a, "DES-CBC3-SHA"),
    (0x0007, "IDEA-CBC-SHA"),
    (0xc011, "ECDHE-RSA-RC4-SHA"),
    (0xc007, "ECDHE-ECDSA-RC4-SHA"),
    (0x0005, "RC4-SHA"),
    (0x0004, "RC4-MD5"),
    (0x0015, "DHE-RSA-DES-CBC-SHA"),
    (0x0009, "DES-CBC-SHA"),
    (0x0003, "EXP-RC4-MD5"),
    (0x0008, "EXP-DES-CBC-SHA"),
    (0x0006, "EXP-RC2-CBC-MD5"),
    (0x003b, "NULL-SHA256"),
    (0x0002, "NULL-SHA"),
    (0x0001, "NULL-MD5"),
    (0xc018, "AECDH-AES128-SHA"),
    (0xc019, "AECDH-AES256-SHA"),
    (0x0034, "ADH-AES128-SHA"),
    (0x003a, "ADH-AES256-SHA"),
    (0x0018, "ADH-RC4-MD5"),
];

/// Groups: number, name, whether a quantum computer breaks it.
const GROUPS: &[(u16, &str, bool)] = &[
    (0x11ec, "X25519MLKEM768", false),
    (0x11eb, "SecP256r1MLKEM768", false),
    (0x11ed, "SecP384r1MLKEM1024", false),
    (0x0202, "MLKEM1024", false),
    (0x001d, "X25519", true),
    (0x0017, "P-256", true),
    (0x0018, "P-384", true),
    (0x0019, "P-521", true),
    (0x001e, "X448", true),
    (0x0100, "ffdhe2048", true),
    (0x0101, "ffdhe3072", true),
    (0x0102, "ffdhe4096", true),
];

/// Most questions asked of one version.
const MAX_ROUNDS: usize = 60;

/// Asks once.
fn ask(
    endpoint: &Endpoint,
    version: u16,
    suites: &[u16],
    groups: &[u16],
) -> io::Result<Option<wire::Answer>> {
    let mut stream = endpoint.connect()?;
    starttls::upgrade(&mut stream, &endpoint.scheme)?;
    send(
        &mut stream,
        &wire::hello(version, suites, groups, &endpoint.host),
    )?;
    let complete = |got: &[u8]| {
        got.first().is_some_and(|kind| *kind != 22) && got.len() >= 7
            || wire::answer(got).is_some_and(|answer| answer.done)
    };
    // a server that closes without an answer refuses, too
    let got = read_until(&mut stream, 256 << 10, complete).unwrap_or_default();
    Ok(wire::answer(&got).filter(|answer| answer.version == version))
}

/// Probes an endpoint.
pub fn probe(scan: &mut Scan<'_>, endpoint: &Endpoint) -> io::Result<()> {
    // the first connection tells whether there is anything
    drop(endpoint.connect()?);
    if endpoint.scheme == "mysql" || endpoint.scheme == "postgres" {
        starttls::database(scan, endpoint)?;
    }
    let groups: Vec<u16> = GROUPS.iter().map(|(group, ..)| *group).collect();
    let mut any = false;
    for (version, name) in VERSIONS {
        let table = if *version == 0x0304 {
            NEW_SUITES
        } else {
            SUITES
        };
        let mut left: Vec<u16> = table.iter().map(|(suite, _)| *suite).collect();
        let mut taken = Vec::new();
        let mut first = None;
        for _ in 0..MAX_ROUNDS {
            let answer = match ask(endpoint, *version, &left, &groups) {
                Ok(answer) => answer,
                Err(error) if any || !taken.is_empty() => {
                    scan.gap("unreachable", format!("{name}: {error}"));
                    break;
                }
                Err(error) => return Err(error),
            };
            let Some(answer) = answer.filter(|answer| left.contains(&answer.suite)) else {
                break;
            };
            left.retain(|suite| *suite != answer.suite);
            taken.push(answer.suite);
            first.get_or_insert(answer);
            if left.is_empty() {
                break;
            }
        }
        let Some(first) = first else { continue };
        any = true;
        let names: Vec<&str> = taken
            .iter()
            .filter_map(|suite| table.iter().find(|(known, _)| known == suite))
            .map(|(_, name)| *name)
            .collect();
        version_found(scan, name, &names, &first);
        if *version == 0x0304 {
            groups_found(scan, endpoint)?;
        }
        if scan
            .findings
            .iter()
            .all(|finding| finding.kind != Kind::Certificate)
        {
            for der in &first.certificates {
                if let Some(found) = x509::certificate(der) {
                    scan.report(found.property("encoding", "tls"));
                }
            }
        }
    }
    if !any {
        scan.gap("no-tls", "no version of TLS was answered");
    }
    Ok(())
}

/// One version the server takes.
fn version_found(scan: &mut Scan<'_>, name: &str, suites: &[&str], first: &wire::Answer) {
    let mut finding = Finding::new(
        Kind::Protocol,
        "tls",
        clip(format!("{name} with {}", suites.join(", ")), 400),
    )
    .property("setting", name)
    .property("protocol-version", name)
    .property("suites", suites.join(","))
    .property("preferred", suites.first().copied().unwrap_or_default());
    match name {
        "SSL 3.0" => finding.add_issue(
            "KA-TLS-VERSION",
            Severity::High,
            "SSL 3.0 is broken",
            "RFC 7568",
        ),
        "TLS 1.0" | "TLS 1.1" => finding.add_issue(
            "KA-TLS-VERSION",
            Severity::High,
            format!("{name} must not be used"),
            "RFC 8996; SP 800-52 Rev. 2 §3.1",
        ),
        _ => {}
    }
    for suite in suites {
        crate::config::judge::setting(&mut finding, "tls", "ciphers", suite);
    }
    let static_rsa = suites.iter().any(|suite| {
        suite.starts_with("AES") || suite.starts_with("CAMELLIA") || suite.starts_with("SEED")
    });
    if static_rsa {
        finding.add_issue(
            "KA-TLS-NO-FORWARD-SECRECY",
            Severity::Low,
            "suites without forward secrecy: RSA key transport with PKCS#1 v1.5 padding",
            "SP 800-131A Rev. 2 §6; RFC 9325 §4.1",
        );
    }
    if let Some(bits) = first.prime_bits {
        finding = finding.property("dh-bits", bits.to_string());
        if bits < 2048 {
            finding.add_issue(
                "KA-TLS-DH",
                Severity::High,
                format!("Diffie-Hellman with {bits} bits"),
                "SP 800-131A Rev. 2 §5; RFC 9325 §4.1",
            );
        }
    }
    scan.report(finding);
}

/// Which groups a TLS 1.3 server takes, each asked for alone.
fn groups_found(scan: &mut Scan<'_>, endpoint: &Endpoint) -> io::Result<()> {
    let suites: Vec<u16> = NEW_SUITES.iter().map(|(suite, _)| *suite).collect();
    let mut names = Vec::new();
    let mut safe = false;
    for (group, name, vulnerable) in GROUPS {
        let Some(answer) = ask(endpoint, 0x0304, &suites, &[*group])? else {
            continue;
        };
        if answer.group == Some(*group) {
            names.push(*name);
            safe |= !vulnerable;
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    let mut finding = Finding::new(
        Kind::Protocol,
        "tls-groups",
        format!("TLS 1.3 key establishment with {}", names.join(", ")),
    )
    .property("setting", "groups")
    .property("groups", names.join(","));
    if safe {
        finding = finding.algorithm(Algorithm::sized("ML-KEM", 768));
    }
    finding.quantum_vulnerable = Some(!safe);
    if !safe {
        finding.add_issue(
            "KA-QUANTUM",
            Severity::Low,
            "no post-quantum group: what is recorded today can be read once there is a large quantum computer",
            "EO 14412; NIST IR 8547 ipd",
        );
    }
    scan.report(finding);
    Ok(())
}
