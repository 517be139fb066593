use super::{PROGRAMS, judge};
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

#[test]
fn the_tables_parse_and_no_directive_is_written_in_capitals() {
    assert!(PROGRAMS.len() > 50);
    for program in PROGRAMS.iter() {
        assert!(
            program
                .directives
                .iter()
                .all(|directive| directive == &directive.to_ascii_lowercase()),
            "{}",
            program.name
        );
    }
    assert!(judge::tables_are_read());
}

#[test]
fn a_secret_in_a_configuration_is_found_and_never_shown() {
    let limits = Limits::default();
    let text =
        "key \"rndc-key\" {\n algorithm hmac-md5;\n secret \"c2VjcmV0IGtleSBtYXRlcmlhbA==\";\n};\n";
    let mut scan = Scan::new(&limits, "/etc/bind/rndc.key", None, text.len() as u64);
    bytes(&mut scan, text.as_bytes());
    assert!(
        scan.findings
            .iter()
            .any(|found| found.kind == crate::finding::Kind::SecretKey)
    );
    let written = serde_json::to_string(&scan.findings).expect("JSON");
    assert!(!written.contains("c2VjcmV0"));
}

#[test]
fn a_configuration_with_a_foreign_name_is_told_by_its_directives() {
    assert_eq!(
        rules(
            "site-weak.conf",
            "server { ssl_protocols SSLv3 TLSv1.2; }\n"
        ),
        ["KA-CONFIG-WEAK-SSLV3"]
    );
}

#[test]
fn a_list_of_ssh_algorithms_that_begins_with_minus_takes_away() {
    assert!(rules("/etc/ssh/sshd_config", "Ciphers -3des-cbc,arcfour\n").is_empty());
}
