//! Configuration files: which cryptography they choose. One tokeniser of `directive value` lines serves most
//! servers; which directives matter, and which values are weak, is a table.

use crate::detect::Scan;
use crate::finding::{Algorithm, Finding, Kind, Severity};

/// Largest file taken for a configuration.
const MAX_FILE: usize = 4 << 20;

/// How a program writes its settings.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Syntax {
    /// `Directive value…`, case-insensitive, `#` comments.
    Words,
    /// `key = value`.
    Assign,
    /// `key: value`.
    Colon,
}

/// One program: name, what its path ends with or contains, syntax, directives of interest (lower case).
struct Program {
    name: &'static str,
    ends: &'static [&'static str],
    contains: &'static [&'static str],
    syntax: Syntax,
    directives: &'static [&'static str],
}

const PROGRAMS: &[Program] = &[
    Program {
        name: "sshd",
        ends: &["sshd_config", "ssh_config"],
        contains: &["/sshd_config.d/", "/ssh_config.d/"],
        syntax: Syntax::Words,
        directives: &[
            "ciphers",
            "macs",
            "kexalgorithms",
            "hostkeyalgorithms",
            "pubkeyacceptedalgorithms",
            "pubkeyacceptedkeytypes",
            "casignaturealgorithms",
            "hostkey",
            "requiredrsasize",
        ],
    },
    Program {
        name: "nginx",
        ends: &["nginx.conf"],
        contains: &["/nginx/"],
        syntax: Syntax::Words,
        directives: &[
            "ssl_protocols",
            "ssl_ciphers",
            "ssl_certificate",
            "ssl_certificate_key",
            "ssl_ecdh_curve",
            "ssl_dhparam",
            "ssl_conf_command",
        ],
    },
    Program {
        name: "apache",
        ends: &["httpd.conf", "apache2.conf", "ssl.conf"],
        contains: &["/apache2/", "/httpd/"],
        syntax: Syntax::Words,
        directives: &[
            "sslprotocol",
            "sslciphersuite",
            "sslcertificatefile",
            "sslcertificatekeyfile",
            "sslproxyprotocol",
            "sslproxyciphersuite",
            "sslopensslconfcmd",
            "sslengine",
        ],
    },
    Program {
        name: "haproxy",
        ends: &["haproxy.cfg"],
        contains: &["/haproxy/"],
        syntax: Syntax::Words,
        directives: &[
            "ssl-default-bind-ciphers",
            "ssl-default-bind-ciphersuites",
            "ssl-default-bind-options",
            "ssl-default-server-ciphers",
            "ssl-default-server-options",
            "bind",
        ],
    },
    Program {
        name: "postfix",
        ends: &["postfix/main.cf", "main.cf"],
        contains: &[],
        syntax: Syntax::Assign,
        directives: &[
            "smtpd_tls_protocols",
            "smtpd_tls_mandatory_protocols",
            "smtp_tls_protocols",
            "smtp_tls_mandatory_protocols",
            "smtpd_tls_ciphers",
            "smtpd_tls_mandatory_ciphers",
            "smtpd_tls_security_level",
            "smtp_tls_security_level",
            "smtpd_tls_key_file",
            "smtpd_tls_cert_file",
            "tls_high_cipherlist",
            "tls_medium_cipherlist",
        ],
    },
    Program {
        name: "dovecot",
        ends: &["dovecot.conf", "10-ssl.conf"],
        contains: &["/dovecot/"],
        syntax: Syntax::Assign,
        directives: &[
            "ssl",
            "ssl_min_protocol",
            "ssl_protocols",
            "ssl_cipher_list",
            "ssl_cipher_suites",
            "ssl_curve_list",
            "ssl_cert",
            "ssl_key",
        ],
    },
    Program {
        name: "openssl",
        ends: &["openssl.cnf", "openssl.conf"],
        contains: &[],
        syntax: Syntax::Assign,
        directives: &[
            "minprotocol",
            "maxprotocol",
            "cipherstring",
            "ciphersuites",
            "default_md",
            "default_bits",
            "groups",
            "signaturealgorithms",
            "activate",
        ],
    },
    Program {
        name: "java",
        ends: &["java.security"],
        contains: &[],
        syntax: Syntax::Assign,
        directives: &[
            "jdk.tls.disabledalgorithms",
            "jdk.certpath.disabledalgorithms",
            "jdk.jar.disabledalgorithms",
            "jdk.tls.legacyalgorithms",
            "keystore.type",
            "security.provider.1",
            "crypto.policy",
        ],
    },
    Program {
        name: "crypto-policies",
        ends: &[".pol", ".pmod"],
        contains: &[],
        syntax: Syntax::Assign,
        directives: &[
            "hash",
            "sign",
            "group",
            "cipher",
            "protocol",
            "min_rsa_size",
            "min_dh_size",
            "mac",
            "key_exchange",
            "min_tls_version",
            "min_dtls_version",
        ],
    },
    Program {
        name: "strongswan",
        ends: &["ipsec.conf", "swanctl.conf"],
        contains: &["/swanctl/"],
        syntax: Syntax::Assign,
        directives: &[
            "ike",
            "esp",
            "ah",
            "proposals",
            "esp_proposals",
            "ah_proposals",
        ],
    },
    Program {
        name: "openvpn",
        ends: &[".ovpn"],
        contains: &["/openvpn/"],
        syntax: Syntax::Words,
        directives: &[
            "cipher",
            "data-ciphers",
            "data-ciphers-fallback",
            "ncp-ciphers",
            "auth",
            "tls-cipher",
            "tls-ciphersuites",
            "tls-version-min",
            "secret",
            "tls-auth",
            "tls-crypt",
        ],
    },
    Program {
        name: "kerberos",
        ends: &["krb5.conf", "kdc.conf"],
        contains: &["/krb5.conf.d/"],
        syntax: Syntax::Assign,
        directives: &[
            "default_tkt_enctypes",
            "default_tgs_enctypes",
            "permitted_enctypes",
            "supported_enctypes",
            "master_key_type",
            "allow_weak_crypto",
        ],
    },
    Program {
        name: "postgresql",
        ends: &["postgresql.conf"],
        contains: &[],
        syntax: Syntax::Assign,
        directives: &[
            "ssl",
            "ssl_ciphers",
            "ssl_min_protocol_version",
            "ssl_max_protocol_version",
            "ssl_ecdh_curve",
            "ssl_groups",
            "ssl_key_file",
            "ssl_cert_file",
            "password_encryption",
        ],
    },
    Program {
        name: "mysql",
        ends: &["my.cnf", "mysqld.cnf", "mariadb.cnf", "50-server.cnf"],
        contains: &["/mysql/conf.d/", "/mariadb.conf.d/"],
        syntax: Syntax::Assign,
        directives: &[
            "tls_version",
            "tls-version",
            "ssl-cipher",
            "ssl_cipher",
            "ssl-key",
            "ssl-cert",
            "require_secure_transport",
            "innodb_encrypt_tables",
            "innodb-encrypt-tables",
            "default_table_encryption",
            "early-plugin-load",
        ],
    },
    Program {
        name: "redis",
        ends: &["redis.conf"],
        contains: &[],
        syntax: Syntax::Words,
        directives: &[
            "tls-port",
            "tls-protocols",
            "tls-ciphers",
            "tls-ciphersuites",
            "tls-key-file",
            "tls-cert-file",
        ],
    },
    Program {
        name: "mongodb",
        ends: &["mongod.conf"],
        contains: &[],
        syntax: Syntax::Colon,
        directives: &[
            "mode",
            "certificatekeyfile",
            "disabledprotocols",
            "enableencryption",
            "encryptionciphermode",
            "encryptionkeyfile",
        ],
    },
    Program {
        name: "kafka",
        ends: &["server.properties"],
        contains: &["/kafka/"],
        syntax: Syntax::Assign,
        directives: &[
            "ssl.enabled.protocols",
            "ssl.protocol",
            "ssl.cipher.suites",
            "ssl.keystore.type",
            "security.inter.broker.protocol",
            "listeners",
        ],
    },
    Program {
        name: "ldap",
        ends: &["ldap.conf", "slapd.conf"],
        contains: &[],
        syntax: Syntax::Words,
        directives: &[
            "tls_cipher_suite",
            "tlsciphersuite",
            "tls_protocol_min",
            "tlsprotocolmin",
            "tls_reqcert",
        ],
    },
];

/// Weak words in a list of algorithms: token (lower case, matched whole or as a part), severity, why.
const WEAK: &[(&str, Severity, &str)] = &[
    ("sslv2", Severity::Critical, "SSL 2.0 is broken (RFC 6176)"),
    ("sslv3", Severity::High, "SSL 3.0 is broken (RFC 7568)"),
    ("tlsv1", Severity::High, "TLS 1.0 is forbidden (RFC 8996)"),
    ("tlsv1.0", Severity::High, "TLS 1.0 is forbidden (RFC 8996)"),
    ("tls1.0", Severity::High, "TLS 1.0 is forbidden (RFC 8996)"),
    ("tlsv1.1", Severity::High, "TLS 1.1 is forbidden (RFC 8996)"),
    ("tls1.1", Severity::High, "TLS 1.1 is forbidden (RFC 8996)"),
    ("rc4", Severity::High, "RC4 is forbidden (RFC 7465)"),
    ("arcfour", Severity::High, "RC4 is forbidden (RFC 8758)"),
    ("arcfour128", Severity::High, "RC4 is forbidden (RFC 8758)"),
    ("arcfour256", Severity::High, "RC4 is forbidden (RFC 8758)"),
    ("des", Severity::High, "DES has 56 bits"),
    ("des-cbc-crc", Severity::High, "DES has 56 bits (RFC 6649)"),
    ("des-cbc-md5", Severity::High, "DES has 56 bits (RFC 6649)"),
    (
        "arcfour-hmac",
        Severity::High,
        "RC4 is forbidden (RFC 8429)",
    ),
    ("rc4-hmac", Severity::High, "RC4 is forbidden (RFC 8429)"),
    (
        "des3-cbc-sha1",
        Severity::Medium,
        "3DES is disallowed (SP 800-131A Rev. 2)",
    ),
    (
        "3des",
        Severity::Medium,
        "3DES is disallowed (SP 800-131A Rev. 2)",
    ),
    (
        "des-ede3-cbc",
        Severity::Medium,
        "3DES is disallowed (SP 800-131A Rev. 2)",
    ),
    (
        "des-cbc3-sha",
        Severity::Medium,
        "3DES is disallowed (SP 800-131A Rev. 2)",
    ),
    (
        "3des-cbc",
        Severity::Medium,
        "3DES is disallowed (SP 800-131A Rev. 2)",
    ),
    (
        "blowfish-cbc",
        Severity::Medium,
        "Blowfish has 64-bit blocks and is not approved",
    ),
    (
        "bf-cbc",
        Severity::Medium,
        "Blowfish has 64-bit blocks and is not approved",
    ),
    (
        "cast128-cbc",
        Severity::Medium,
        "CAST-128 has 64-bit blocks and is not approved",
    ),
    ("md5", Severity::High, "MD5 is broken"),
    (
        "hmac-md5",
        Severity::Medium,
        "HMAC with MD5 is not approved",
    ),
    (
        "hmac-md5-96",
        Severity::Medium,
        "HMAC with MD5 is not approved",
    ),
    ("hmac-sha1-96", Severity::Low, "truncated HMAC-SHA-1"),
    (
        "ssh-dss",
        Severity::High,
        "DSA signatures are disallowed (FIPS 186-5)",
    ),
    (
        "ssh-rsa",
        Severity::High,
        "RSA signatures with SHA-1 are disallowed (SP 800-131A Rev. 2)",
    ),
    (
        "diffie-hellman-group1-sha1",
        Severity::High,
        "1024-bit Diffie-Hellman (RFC 9142)",
    ),
    (
        "diffie-hellman-group14-sha1",
        Severity::Medium,
        "key exchange with SHA-1 (RFC 9142)",
    ),
    (
        "diffie-hellman-group-exchange-sha1",
        Severity::Medium,
        "key exchange with SHA-1 (RFC 9142)",
    ),
    (
        "modp1024",
        Severity::High,
        "1024-bit Diffie-Hellman (RFC 8247)",
    ),
    (
        "modp768",
        Severity::High,
        "768-bit Diffie-Hellman (RFC 8247)",
    ),
    ("null", Severity::High, "no encryption"),
    ("enull", Severity::High, "no encryption"),
    ("anull", Severity::High, "no authentication"),
    ("adh", Severity::High, "no authentication"),
    ("export", Severity::High, "export-grade keys"),
    ("low", Severity::High, "weak cipher class"),
    (
        "sha1",
        Severity::Low,
        "SHA-1 retires by the end of 2030 (NIST 2022)",
    ),
];

/// Reads a configuration file if its path says it is one.
pub fn file(scan: &mut Scan<'_>, data: &[u8]) {
    if data.len() > MAX_FILE {
        return;
    }
    let path = scan
        .place
        .members
        .last()
        .unwrap_or(&scan.place.path)
        .clone();
    if path.ends_with(".yaml") || path.ends_with(".yml") || path.ends_with(".json") {
        kubernetes(scan, data);
    }
    if path == "/proc/sys/crypto/fips_enabled" || path.ends_with("crypto-policies/state/current") {
        let value = String::from_utf8_lossy(data).trim().to_owned();
        scan.report(
            Finding::new(Kind::Configuration, "host", format!("{path} = {value}"))
                .property("setting", path)
                .property("value", value),
        );
        return;
    }
    let Some(program) = PROGRAMS.iter().find(|program| {
        program.ends.iter().any(|end| path.ends_with(end))
            || program.contains.iter().any(|part| path.contains(part))
    }) else {
        return;
    };
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut joined = String::new();
    let mut first = 0_u32;
    for (number, line) in (1_u32..).zip(text.lines()) {
        if joined.is_empty() {
            first = number;
        }
        let piece = line.trim();
        if let Some(head) = piece.strip_suffix('\\').filter(|_| !piece.starts_with('#')) {
            joined.push_str(head);
            continue;
        }
        joined.push_str(piece);
        setting(scan, program, &joined, first);
        joined.clear();
    }
}

/// One logical line.
fn setting(scan: &mut Scan<'_>, program: &Program, line: &str, number: u32) {
    if line.starts_with(['#', ';']) || line.is_empty() {
        return;
    }
    let split = match program.syntax {
        Syntax::Words => line.split_once(char::is_whitespace),
        Syntax::Assign => line.split_once('='),
        Syntax::Colon => line.split_once(':'),
    };
    let Some((directive, value)) = split else {
        return;
    };
    let (directive, value) = (
        directive.trim().to_ascii_lowercase(),
        value.trim().trim_end_matches(';').trim_matches('"'),
    );
    if !program.directives.contains(&directive.as_str()) || value.is_empty() {
        return;
    }
    if directive == "bind" && !value.contains("ssl") {
        return;
    }
    let mut finding = Finding::new(
        Kind::Configuration,
        program.name,
        format!("{}: {directive} {value}", program.name),
    )
    .property("setting", format!("{directive}={value}"))
    .property("value", value)
    .line(number);
    finding.evidence = crate::finding::clip(finding.evidence, 300);
    judge(&mut finding, program.name, &directive, value);
    scan.report(finding);
}

/// Finds weak words. A list of what is disabled is the other way round: nothing in it is in use.
fn judge(finding: &mut Finding, program: &str, directive: &str, value: &str) {
    let lower = value.to_ascii_lowercase();
    if directive.contains("disabled") || directive.contains("legacyalgorithms") {
        return;
    }
    for part in lower.split([',', ':', ' ', ';', '+', '\t']) {
        let part = part
            .trim_matches(['"', '\'', '(', ')'])
            .trim_end_matches('!');
        // '!', '-' and 'no-' take away; Apache's "all -SSLv3" is split at the blank and falls here too
        if part.starts_with(['!', '-'])
            || part.starts_with("no-")
            || part.starts_with("no_")
            || part.is_empty()
        {
            continue;
        }
        let word = part.split('@').next().unwrap_or(part);
        // in proposals such as aes256-sha1-modp1024 each piece counts
        let pieces: Vec<&str> = if program == "strongswan" {
            word.split('-').collect()
        } else {
            vec![word]
        };
        for piece in pieces {
            if let Some((_, severity, why)) = WEAK
                .iter()
                .find(|(weak, ..)| *weak == piece || is_suite_of(piece, weak))
            {
                finding.add_issue(
                    &format!("KA-CONFIG-WEAK-{}", piece.to_ascii_uppercase()),
                    *severity,
                    format!("{piece}: {why}"),
                    "configuration table",
                );
            }
        }
    }
    let minimum = directive.contains("min") || directive.contains("minprotocol");
    if !minimum && (directive, lower.as_str()) == ("allow_weak_crypto", "true") {
        finding.add_issue(
            "KA-CONFIG-WEAK-KERBEROS",
            Severity::High,
            "weak Kerberos encryption types are allowed",
            "RFC 6649",
        );
    }
    if directive == "password_encryption" && lower.contains("md5") {
        finding.add_issue(
            "KA-CONFIG-WEAK-MD5",
            Severity::Medium,
            "passwords are hashed with MD5; use scram-sha-256",
            "PostgreSQL manual",
        );
    }
    if directive == "ssl" && matches!(lower.as_str(), "off" | "no" | "false") {
        finding.add_issue(
            "KA-CONFIG-NO-TLS",
            Severity::Medium,
            "TLS is off",
            "SP 800-52 Rev. 2 §3",
        );
    }
    let post_quantum = ["mlkem", "sntrup", "kyber"]
        .iter()
        .any(|word| lower.contains(word));
    if post_quantum {
        finding.quantum_vulnerable = Some(false);
    }
}

/// Whether an OpenSSL or IANA cipher suite name carries a weak algorithm as one of its parts.
fn is_suite_of(name: &str, weak: &str) -> bool {
    const PARTS: &[&str] = &["rc4", "3des", "md5", "null", "des", "export"];
    PARTS.contains(&weak)
        && name.len() > weak.len()
        && name.split(['-', '_']).any(|part| part == weak)
        && !name.starts_with("hmac")
}

/// A Kubernetes `EncryptionConfiguration`, and what it says about secrets at rest.
fn kubernetes(scan: &mut Scan<'_>, data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if !text.contains("EncryptionConfiguration") || !text.contains("providers") {
        return;
    }
    let providers: Vec<&str> = ["identity", "aescbc", "aesgcm", "secretbox", "kms"]
        .into_iter()
        .filter(|name| text.contains(&format!("{name}:")) || text.contains(&format!("\"{name}\"")))
        .collect();
    let order = |name: &str| {
        text.find(&format!("{name}:"))
            .or_else(|| text.find(&format!("\"{name}\"")))
    };
    let first = providers
        .iter()
        .min_by_key(|name| order(name).unwrap_or(usize::MAX))
        .copied()
        .unwrap_or("none");
    let mut finding = Finding::new(
        Kind::Configuration,
        "kubernetes",
        format!(
            "Kubernetes encryption at rest: new secrets are written with {first}; providers {}",
            providers.join(", ")
        ),
    )
    .property("setting", "EncryptionConfiguration")
    .property("value", providers.join(","));
    match first {
        "identity" | "none" => {
            finding.add_issue(
                "KA-CONFIG-NO-ENCRYPTION",
                Severity::High,
                "secrets are written without encryption",
                "Kubernetes: Encrypting Confidential Data at Rest",
            );
        }
        "aescbc" | "aesgcm" | "secretbox" => {
            finding.add_issue(
                "KA-CONFIG-LOCAL-KEY",
                Severity::Medium,
                "the key stands in the file beside the data it protects; use the KMS v2 provider",
                "Kubernetes: Encrypting Confidential Data at Rest",
            );
            if first != "secretbox" {
                finding = finding.algorithm(Algorithm::named("AES"));
            }
        }
        _ => {}
    }
    scan.report(finding);
}

#[cfg(test)]
mod tests {
    use crate::detect::{Scan, bytes};
    use crate::limits::Limits;

    fn rules(path: &str, text: &str) -> Vec<String> {
        let limits = Limits::default();
        let mut scan = Scan::new(&limits, path, None, text.len() as u64);
        bytes(&mut scan, text.as_bytes());
        scan.findings
            .iter()
            .flat_map(|found| found.issues.iter().map(|issue| issue.rule.clone()))
            .collect()
    }

    #[test]
    fn weak_choices_are_named_in_each_syntax() {
        assert_eq!(
            rules(
                "/etc/ssh/sshd_config",
                "Ciphers aes256-gcm@openssh.com,3des-cbc\n"
            ),
            ["KA-CONFIG-WEAK-3DES-CBC"]
        );
        assert_eq!(
            rules("/etc/nginx/nginx.conf", "  ssl_protocols TLSv1 TLSv1.2;\n"),
            ["KA-CONFIG-WEAK-TLSV1"]
        );
        assert_eq!(
            rules(
                "/etc/krb5.conf",
                "[libdefaults]\n permitted_enctypes = aes256-cts rc4-hmac\n"
            ),
            ["KA-CONFIG-WEAK-RC4-HMAC"]
        );
        assert_eq!(
            rules("/etc/ipsec.conf", "conn a\n ike=aes256-sha1-modp1024!\n").len(),
            2
        );
        assert_eq!(
            rules("/etc/postgresql/postgresql.conf", "ssl = off\n"),
            ["KA-CONFIG-NO-TLS"]
        );
    }

    #[test]
    fn what_is_switched_off_or_commented_out_is_not_weak() {
        assert!(rules("/etc/apache2/ssl.conf", "SSLProtocol all -SSLv3 -TLSv1\n").is_empty());
        assert!(
            rules(
                "/etc/nginx/nginx.conf",
                "ssl_ciphers HIGH:!aNULL:!MD5:!RC4;\n# ssl_protocols SSLv3;\n"
            )
            .is_empty()
        );
        assert!(
            rules(
                "/jdk/java.security",
                "jdk.tls.disabledAlgorithms=SSLv3, RC4, \\\n DES, MD5withRSA\n"
            )
            .is_empty()
        );
        assert!(
            rules(
                "/etc/postfix/main.cf",
                "smtpd_tls_protocols = !SSLv2, !SSLv3, !TLSv1\n"
            )
            .is_empty()
        );
    }

    #[test]
    fn the_list_of_algorithms_java_tries_last_is_not_a_choice_of_them() {
        assert!(
            rules(
                "/jdk/java.security",
                "jdk.tls.legacyAlgorithms=NULL, RC4, DES\n"
            )
            .is_empty()
        );
    }

    #[test]
    fn kubernetes_secrets_without_encryption_are_said() {
        let text = "kind: EncryptionConfiguration\nresources:\n- providers:\n  - identity: {}\n  - aescbc:\n      keys: []\n";
        assert_eq!(
            rules("/etc/kubernetes/enc.yaml", text),
            ["KA-CONFIG-NO-ENCRYPTION"]
        );
    }
}
