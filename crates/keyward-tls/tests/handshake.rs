//! A real handshake, in memory, for everything that can be negotiated, with the service indicator watched.

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use keyward_tls::indicator::{Observation, mismatches};
use keyward_tls::provider::{CIPHER_SUITES, KX_GROUPS};
use keyward_tls::rows::{self, Component, Row};
use keyward_tls::{Alpn, ClientAnchors, ClientAuth, client_config_on, server_config_on};
use rustls::crypto::SupportedKxGroup;
use rustls::{
    CipherSuite, HandshakeKind, NamedGroup, ProtocolVersion, SignatureScheme, SupportedCipherSuite,
};
use support::{
    AUTHORITY, Connected, Kind, client_identity, connect, narrowed, only_scheme, server_identity,
};

/// Every signature scheme with the kind of key that makes it and the rows of making and checking it.
const SCHEMES: &[(SignatureScheme, Kind, &Row, &Row)] = &[
    (
        SignatureScheme::ECDSA_NISTP256_SHA256,
        Kind::P256,
        &rows::SIGN_ECDSA_P256_SHA256,
        &rows::VERIFY_ECDSA_P256_SHA256,
    ),
    (
        SignatureScheme::ECDSA_NISTP384_SHA384,
        Kind::P384,
        &rows::SIGN_ECDSA_P384_SHA384,
        &rows::VERIFY_ECDSA_P384_SHA384,
    ),
    (
        SignatureScheme::ECDSA_NISTP521_SHA512,
        Kind::P521,
        &rows::SIGN_ECDSA_P521_SHA512,
        &rows::VERIFY_ECDSA_P521_SHA512,
    ),
    (
        SignatureScheme::ED25519,
        Kind::Ed25519,
        &rows::SIGN_ED25519,
        &rows::VERIFY_ED25519,
    ),
    (
        SignatureScheme::RSA_PSS_SHA256,
        Kind::Rsa2048,
        &rows::SIGN_RSA_PSS_SHA256,
        &rows::VERIFY_RSA_PSS_SHA256,
    ),
    (
        SignatureScheme::RSA_PSS_SHA384,
        Kind::Rsa3072,
        &rows::SIGN_RSA_PSS_SHA384,
        &rows::VERIFY_RSA_PSS_SHA384,
    ),
    (
        SignatureScheme::RSA_PSS_SHA512,
        Kind::Rsa4096,
        &rows::SIGN_RSA_PSS_SHA512,
        &rows::VERIFY_RSA_PSS_SHA512,
    ),
    (
        SignatureScheme::RSA_PKCS1_SHA256,
        Kind::Rsa2048,
        &rows::SIGN_RSA_PKCS1_SHA256,
        &rows::VERIFY_RSA_PKCS1_SHA256,
    ),
    (
        SignatureScheme::RSA_PKCS1_SHA384,
        Kind::Rsa3072,
        &rows::SIGN_RSA_PKCS1_SHA384,
        &rows::VERIFY_RSA_PKCS1_SHA384,
    ),
    (
        SignatureScheme::RSA_PKCS1_SHA512,
        Kind::Rsa4096,
        &rows::SIGN_RSA_PKCS1_SHA512,
        &rows::VERIFY_RSA_PKCS1_SHA512,
    ),
];

/// One combination.
#[derive(Clone, Copy)]
struct Case {
    suite: SupportedCipherSuite,
    group: &'static dyn SupportedKxGroup,
    scheme: &'static (SignatureScheme, Kind, &'static Row, &'static Row),
    client_certificate: bool,
}

impl Case {
    fn is_tls13(&self) -> bool {
        self.suite.tls13().is_some()
    }

    /// Whether the protocol allows the combination at all.
    fn exists(&self) -> bool {
        let pkcs1 = self.scheme.2.algorithm.contains("PKCS#1");
        let hybrid = is_hybrid(self.group);
        if self.is_tls13() {
            !pkcs1
        } else {
            let rsa = self.scheme.2.algorithm.starts_with("RSA");
            let rsa_suite = format!("{:?}", self.suite.suite()).contains("ECDHE_RSA");
            !hybrid && rsa == rsa_suite
        }
    }

    fn run(&self) -> Connected {
        let (scheme, kind, ..) = *self.scheme;
        let provider = narrowed(|provider| {
            provider.cipher_suites = vec![self.suite];
            provider.kx_groups = vec![self.group];
            only_scheme(provider, scheme);
        });
        let anchors = AUTHORITY.anchors().unwrap();
        let client_auth = if self.client_certificate {
            ClientAuth::Required(ClientAnchors::new(anchors.clone()).unwrap())
        } else {
            ClientAuth::None
        };
        // The verifier of client certificates offers every scheme, so the server's own choice is narrowed by the
        // client and the client's by what the server's key kind allows: both use the same kind here.
        let server = server_config_on(
            Arc::clone(&provider),
            &server_identity(kind),
            &client_auth,
            Alpn::Http,
        )
        .unwrap();
        let identity = self.client_certificate.then(|| client_identity(kind));
        let client = client_config_on(provider, &anchors, identity.as_ref(), Alpn::Http).unwrap();
        connect(&client, &server).unwrap()
    }

    /// The rows both sides use, whatever their role.
    fn shared_rows(&self) -> Vec<&'static Row> {
        let sha384 = matches!(
            self.suite.suite(),
            CipherSuite::TLS13_AES_256_GCM_SHA384
                | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
                | CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
        );
        let mut rows: Vec<&'static Row> = match (self.is_tls13(), sha384) {
            (true, false) => vec![
                &rows::SHA256,
                &rows::HKDF_SHA256,
                &rows::HKDF_EXPAND_SHA256,
                &rows::HMAC_SHA256,
                &rows::TLS13_AES128_SEAL,
                &rows::TLS13_AES128_OPEN,
            ],
            (true, true) => vec![
                &rows::SHA384,
                &rows::HKDF_SHA384,
                &rows::HKDF_EXPAND_SHA384,
                &rows::HMAC_SHA384,
                &rows::TLS13_AES256_SEAL,
                &rows::TLS13_AES256_OPEN,
            ],
            (false, false) => vec![
                &rows::SHA256,
                &rows::PRF_EMS_SHA256,
                &rows::PRF_KEYS_SHA256,
                &rows::TLS12_AES128_SEAL,
                &rows::TLS12_AES128_OPEN,
            ],
            (false, true) => vec![
                &rows::SHA384,
                &rows::PRF_EMS_SHA384,
                &rows::PRF_KEYS_SHA384,
                &rows::TLS12_AES256_SEAL,
                &rows::TLS12_AES256_OPEN,
            ],
        };
        rows.push(&rows::RANDOM);
        rows.extend(match self.group.name() {
            NamedGroup::secp256r1 | NamedGroup::secp256r1MLKEM768 => {
                [&rows::KEYGEN_P256, &rows::ECDH_P256]
            }
            NamedGroup::secp521r1 => [&rows::KEYGEN_P521, &rows::ECDH_P521],
            _ => [&rows::KEYGEN_P384, &rows::ECDH_P384],
        });
        rows
    }

    fn client_rows(&self) -> BTreeSet<String> {
        let (.., sign, verify) = *self.scheme;
        let mut rows = self.shared_rows();
        rows.extend([verify, AUTHORITY_SIGNATURE]);
        match self.group.name() {
            NamedGroup::secp256r1MLKEM768 => {
                rows.extend([&rows::MLKEM768_KEYGEN, &rows::MLKEM768_DECAPSULATE]);
            }
            NamedGroup::Unknown(_) => {
                rows.extend([&rows::MLKEM1024_KEYGEN, &rows::MLKEM1024_DECAPSULATE]);
            }
            _ => {}
        }
        if self.client_certificate {
            rows.push(sign_row(sign));
        }
        names(rows)
    }

    fn server_rows(&self) -> BTreeSet<String> {
        let (.., sign, verify) = *self.scheme;
        let mut rows = self.shared_rows();
        rows.push(sign);
        match self.group.name() {
            NamedGroup::secp256r1MLKEM768 => rows.push(&rows::MLKEM768_ENCAPSULATE),
            NamedGroup::Unknown(_) => rows.push(&rows::MLKEM1024_ENCAPSULATE),
            _ => {}
        }
        if self.client_certificate {
            rows.extend([verify_row(verify), AUTHORITY_SIGNATURE]);
        }
        names(rows)
    }
}

/// The authority of the tests signs with this.
const AUTHORITY_SIGNATURE: &Row = &rows::VERIFY_ECDSA_P256_SHA256;

/// The server asks for every scheme, so an RSA client picks its first preference.
fn sign_row(sign: &'static Row) -> &'static Row {
    if sign.algorithm.starts_with("RSA") {
        &rows::SIGN_RSA_PSS_SHA256
    } else {
        sign
    }
}

fn verify_row(verify: &'static Row) -> &'static Row {
    if verify.algorithm.starts_with("RSA") {
        &rows::VERIFY_RSA_PSS_SHA256
    } else {
        verify
    }
}

fn is_hybrid(group: &dyn SupportedKxGroup) -> bool {
    !group.usable_for_version(ProtocolVersion::TLSv1_2)
}

fn names(rows: Vec<&Row>) -> BTreeSet<String> {
    rows.into_iter().map(|row| format!("{row:?}")).collect()
}

fn observed(observations: &[Observation]) -> BTreeSet<String> {
    for observation in observations {
        assert!(observation.as_expected(), "{observation:?}");
        assert!(observation.row.approved(), "{observation:?}");
    }
    names(observations.iter().map(|seen| seen.row).collect())
}

#[test]
fn every_combination_is_negotiated_and_uses_exactly_the_approved_rows_it_should() {
    let mut count = 0;
    for &suite in CIPHER_SUITES {
        for &group in KX_GROUPS {
            for scheme in SCHEMES {
                for client_certificate in [false, true] {
                    let case = Case {
                        suite,
                        group,
                        scheme,
                        client_certificate,
                    };
                    if case.exists() {
                        check(&case);
                        count += 1;
                    }
                }
            }
        }
    }
    // 2 suites × 5 groups × 7 schemes, and 2 × 3 × 4 with EC, 2 × 3 × 6 with RSA; each without and with certificate
    assert_eq!(count, (2 * 5 * 7 + 2 * 3 * 4 + 2 * 3 * 6) * 2);
    assert_eq!(mismatches().count(), 0);
    println!("{count} handshakes");
}

fn check(case: &Case) {
    let connected = case.run();
    let version = if case.is_tls13() {
        ProtocolVersion::TLSv1_3
    } else {
        ProtocolVersion::TLSv1_2
    };
    let Connected { client, server, .. } = &connected;
    for negotiated in [client.protocol_version(), server.protocol_version()] {
        assert_eq!(negotiated, Some(version));
    }
    for suite in [
        client.negotiated_cipher_suite(),
        server.negotiated_cipher_suite(),
    ] {
        assert_eq!(suite, Some(case.suite));
    }
    for group in [
        client.negotiated_key_exchange_group(),
        server.negotiated_key_exchange_group(),
    ] {
        assert_eq!(group.map(|group| group.name()), Some(case.group.name()));
    }
    assert_eq!(client.alpn_protocol(), Some(&b"h2"[..]));
    assert_eq!(client.handshake_kind(), Some(HandshakeKind::Full));
    assert_eq!(
        server.peer_certificates().is_some(),
        case.client_certificate
    );
    assert!(client.fips() && server.fips());
    if !case.is_tls13() {
        for saw in [&connected.client_saw, &connected.server_saw] {
            master_secret_comes_first(saw);
        }
    }
    assert_eq!(observed(&connected.client_saw), case.client_rows());
    assert_eq!(observed(&connected.server_saw), case.server_rows());
}

/// The rows of the key block are reported by the row of the extended master secret, so that one has to come first,
/// once, in every handshake.
fn master_secret_comes_first(saw: &[Observation]) {
    let derivations: Vec<_> = saw
        .iter()
        .filter(|seen| seen.row.component == Component::Tls12KeyDerivation)
        .map(|seen| seen.raised)
        .collect();
    assert!(derivations.len() > 1);
    assert!(derivations[0]);
    assert!(derivations[1..].iter().all(|raised| !raised));
}
