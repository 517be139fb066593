//! What a server is given: its configuration, certificates, keys, policies.
use std::sync::LazyLock;

use keyward_core::ids::RealmId;
use keyward_policy::Decider;
use keyward_server::run::Config;
use keyward_tls::issue::{Lifetime, LocalAuthority};
use keyward_tls::{Anchors, ClientAnchors, pem, unverified_names};
use rustls_pki_types::{CertificateDer, UnixTime};

pub(crate) fn config(bytes: &[u8]) {
    let Ok(text) = core::str::from_utf8(bytes) else {
        return;
    };
    let _ = toml::from_str::<Config>(text);
}

pub(crate) fn config_seeds() -> Vec<Vec<u8>> {
    vec![
        b"listen = \"127.0.0.1:8443\"\ncertificate = \"/a.pem\"\nprivate_key = \"/b.pem\"\n"
            .to_vec(),
    ]
}

/// Certificates and private keys as PEM; what is read is used as an identity and as an anchor.
pub(crate) fn pem(bytes: &[u8]) {
    if let Ok(chain) = pem::certificates(bytes, "fuzz") {
        assert!(!chain.is_empty());
        let _ = Anchors::new(&chain, "fuzz");
        if let Ok(key) = pem::private_key(bytes, "fuzz") {
            let _ = keyward_tls::Identity::new(chain, &key);
        }
    } else if let Ok(key) = pem::private_key(bytes, "fuzz") {
        let _ = keyward_tls::Identity::new(Vec::new(), &key);
    }
}

pub(crate) fn pem_seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![
        include_bytes!("../../keyward-tls/tests/data/sec1_p256.pem").to_vec(),
        include_bytes!("../../keyward-tls/tests/data/pkcs1_rsa2048.pem").to_vec(),
        include_bytes!("../../keyward-tls/tests/data/encrypted.pem").to_vec(),
        include_bytes!("../../keyward-tls/tests/data/x25519.pem").to_vec(),
    ];
    seeds.push(AUTHORITY.certificate_pem().as_bytes().to_vec());
    seeds
}

const NOW: UnixTime = UnixTime::since_unix_epoch(core::time::Duration::from_secs(1_795_000_000));

static AUTHORITY: LazyLock<LocalAuthority> = LazyLock::new(|| {
    LocalAuthority::generate("fuzz", Lifetime::days(NOW, 365)).expect("an authority")
});

static ANCHORS: LazyLock<ClientAnchors> =
    LazyLock::new(|| ClientAnchors::new(AUTHORITY.anchors().expect("anchors")).expect("anchors"));

/// A client's certificate as it comes in a handshake, and its names.
pub(crate) fn certificates(bytes: &[u8]) {
    let leaf = CertificateDer::from(bytes);
    if let Ok((subject, names)) = unverified_names(&leaf) {
        assert!(subject.len() <= bytes.len() * 8);
        assert!(names.len() <= bytes.len());
    }
    let _ = ANCHORS.identify(&[leaf.clone(), leaf.clone()], NOW);
    let _ = Anchors::new(&[leaf], "fuzz");
}

pub(crate) fn certificate_seeds() -> Vec<Vec<u8>> {
    let lifetime = Lifetime::days(NOW, 30);
    let client = AUTHORITY
        .issue_client("fuzz", Some("spiffe://fuzz/client"), lifetime)
        .expect("a certificate");
    let server = AUTHORITY
        .issue_server(&["localhost", "127.0.0.1"], lifetime)
        .expect("a certificate");
    vec![
        client.certificate().to_vec(),
        server.certificate().to_vec(),
        AUTHORITY.certificate().to_vec(),
        include_bytes!("../../keyward-assess/tests/data/certificate.der").to_vec(),
    ]
}

static DECIDER: LazyLock<Decider> = LazyLock::new(Decider::new);

/// A realm's policy, as an administrator puts it.
pub(crate) fn policy(bytes: &[u8]) {
    if let Ok(text) = core::str::from_utf8(bytes) {
        let _ = DECIDER.check(RealmId([1; 16]), "nights", text);
    }
}

pub(crate) fn policy_seeds() -> Vec<Vec<u8>> {
    const BUILT_IN: &str = include_str!("../../../spec/policy/builtin.cedar");
    let mut seeds: Vec<Vec<u8>> = BUILT_IN
        .split(";\n")
        .map(|policy| format!("{policy};\n").into_bytes())
        .collect();
    seeds.push(b"forbid (principal, action, resource) when { context has now && 1 < 2 };".to_vec());
    seeds
}
