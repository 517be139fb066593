//! The approval table against the real module: every row is run, and every place where the module's indicator says
//! something else than the certificate's policy must be explained in its row.

mod support;

use std::collections::BTreeMap;

use aws_lc_rs::agreement::{self, EphemeralPrivateKey, UnparsedPublicKey};
use aws_lc_rs::rand::SystemRandom;
use keyward_tls::indicator::{Observation, measure, record};
use keyward_tls::provider::{CIPHER_SUITES, KX_GROUPS};
use keyward_tls::rows::{self, Policy, ROWS, Row};
use keyward_tls::{Alpn, ClientAuth, client_config_on, default_provider, server_config_on};
use rustls::SignatureScheme;
use support::{AUTHORITY, Kind, connect, hex, narrowed, only_scheme, server_identity};

/// What the module did for each row, by the row's text.
type Measured = BTreeMap<String, bool>;

fn name(row: &Row) -> String {
    format!("{row:?}")
}

/// Compares the table with what was measured. Gives each explained difference, or everything that is wrong.
fn compare(rows: &[&Row], measured: &Measured) -> Result<Vec<String>, Vec<String>> {
    let mut differences = Vec::new();
    let mut wrong = Vec::new();
    for row in rows {
        let Some(&raised) = measured.get(&name(row)) else {
            wrong.push(format!("{row:?}: never run"));
            continue;
        };
        if raised != row.indicator.raised_by_the_call() {
            wrong.push(format!(
                "{row:?}: the row says {:?}, the indicator was raised: {raised}",
                row.indicator
            ));
        }
        match (raised == (row.policy == Policy::Approved), row.difference) {
            (true, None) => {}
            (false, Some(why)) => differences.push(format!("{row:?}: {why}")),
            (false, None) => wrong.push(format!("{row:?}: differs from the policy, unexplained")),
            (true, Some(_)) => wrong.push(format!("{row:?}: explains a difference that is gone")),
        }
    }
    if wrong.is_empty() {
        Ok(differences)
    } else {
        Err(wrong)
    }
}

/// Runs every row at least once and says whether the indicator went up each time.
fn measure_everything() -> Measured {
    let mut observations = run_handshakes();
    observations.extend(record(run_every_verification).1);
    let mut measured = Measured::new();
    for observation in observations {
        let before = measured.insert(name(observation.row), observation.raised);
        assert!(
            before.is_none_or(|before| before == observation.raised),
            "{observation:?} changed between two calls"
        );
    }
    run_x25519(&mut measured);
    measured
}

fn run_handshakes() -> Vec<Observation> {
    let mut observations = Vec::new();
    let schemes = default_provider()
        .signature_verification_algorithms
        .supported_schemes();
    for &suite in CIPHER_SUITES {
        for &group in KX_GROUPS {
            for &scheme in &schemes {
                let provider = narrowed(|provider| {
                    provider.cipher_suites = vec![suite];
                    provider.kx_groups = vec![group];
                    only_scheme(provider, scheme);
                });
                let server = server_config_on(
                    provider.clone(),
                    &server_identity(kind_of(scheme)),
                    &ClientAuth::None,
                    Alpn::None,
                )
                .unwrap();
                let anchors = AUTHORITY.anchors().unwrap();
                let client = client_config_on(provider, &anchors, None, Alpn::None).unwrap();
                // combinations the protocol does not have fail here; `compare` finds a row that was never run
                if let Ok(connected) = connect(&client, &server) {
                    observations.extend(connected.client_saw);
                    observations.extend(connected.server_saw);
                }
            }
        }
    }
    observations
}

fn kind_of(scheme: SignatureScheme) -> Kind {
    match scheme {
        SignatureScheme::ECDSA_NISTP256_SHA256 => Kind::P256,
        SignatureScheme::ECDSA_NISTP384_SHA384 => Kind::P384,
        SignatureScheme::ECDSA_NISTP521_SHA512 => Kind::P521,
        SignatureScheme::ED25519 => Kind::Ed25519,
        _ => Kind::Rsa2048,
    }
}

/// Verifies a foreign signature with every curve under every hash: no handshake of ours reaches them all.
fn run_every_verification() {
    let algorithms = default_provider().signature_verification_algorithms.all;
    let vectors: Vec<Vec<&str>> = include_str!("data/ecdsa.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(' ').collect())
        .collect();
    assert_eq!(vectors.len(), 9);
    for vector in vectors {
        let (key, signature) = (hex(vector[2]), hex(vector[3]));
        let taken = algorithms
            .iter()
            .filter(|algorithm| {
                algorithm
                    .verify_signature(&key, b"message", &signature)
                    .is_ok()
            })
            .count();
        assert_eq!(taken, 1, "{} {}", vector[0], vector[1]);
    }
}

fn run_x25519(measured: &mut Measured) {
    let alg = &agreement::X25519;
    let random = SystemRandom::new();
    let generate = || EphemeralPrivateKey::generate(alg, &random).unwrap();
    let (ours, keygen) = measure(generate);
    let theirs = generate().compute_public_key().unwrap();
    let peer = UnparsedPublicKey::new(alg, theirs);
    let (agreed, agree) = measure(|| agreement::agree_ephemeral(ours, peer, (), |_| Ok(())));
    agreed.unwrap();
    measured.insert(name(&rows::X25519_KEYGEN), keygen);
    measured.insert(name(&rows::X25519), agree);
}

#[test]
fn the_indicator_of_every_row_is_what_the_row_says_and_differences_from_the_policy_are_explained() {
    let differences = compare(ROWS, &measure_everything()).unwrap_or_else(|wrong| {
        panic!("the table is wrong:\n{}", wrong.join("\n"));
    });
    for difference in &differences {
        println!("differs: {difference}");
    }
    assert_eq!(differences.len(), 2);
}

#[test]
fn the_comparison_finds_a_wrong_row_an_unexplained_difference_and_a_stale_explanation() {
    let truth: Measured = ROWS
        .iter()
        .map(|row| (name(row), row.indicator.raised_by_the_call()))
        .collect();
    assert!(compare(ROWS, &truth).is_ok());
    for row in ROWS {
        let mut lie = truth.clone();
        lie.insert(name(row), !row.indicator.raised_by_the_call());
        let wrong = compare(ROWS, &lie).unwrap_err();
        assert!(wrong[0].contains(row.algorithm), "{wrong:?}");
        let explained = row.difference.is_some();
        let stale = wrong.iter().any(|line| line.contains("that is gone"));
        let unexplained = wrong.iter().any(|line| line.contains("unexplained"));
        assert_eq!((stale, unexplained), (explained, !explained), "{row:?}");
        lie.remove(&name(row));
        assert!(compare(ROWS, &lie).unwrap_err()[0].contains("never run"));
    }
}

#[test]
fn no_two_rows_have_the_same_name() {
    let names: std::collections::BTreeSet<_> = ROWS.iter().map(|row| name(row)).collect();
    assert_eq!(names.len(), ROWS.len());
}

#[test]
fn everything_in_the_default_provider_is_approved_and_x25519_is_not() {
    let provider = default_provider();
    assert!(provider.fips());
    for group in &provider.kx_groups {
        assert!(group.fips(), "{:?}", group.name());
    }
    assert!(!rows::X25519.approved() && !rows::X25519_KEYGEN.approved());
}
