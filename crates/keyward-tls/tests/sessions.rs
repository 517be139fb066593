//! What a listener does over time: optional client certificates, anchors and identities that change, resumption,
//! records that were tampered with.

mod support;

use std::sync::Arc;
use std::time::Duration;

use keyward_tls::issue::LocalAuthority;
use keyward_tls::{
    Alpn, AlternativeName, AnchorId, Anchors, ClientAnchors, ClientAuth, Fingerprint, TlsError,
    client_config, client_config_on, default_provider, server_config, server_config_on,
};
use rustls::client::Resumption;
use rustls::{
    CertificateError, ClientConfig, Error, HandshakeKind, PeerIncompatible, ProtocolVersion,
    ServerConfig, SupportedCipherSuite,
};
use rustls_pki_types::{CertificateDer, UnixTime};
use support::{
    AUTHORITY, Kind, SERVER, client_identity, connect, days, narrowed, server_identity, tampered,
};

fn other_authority() -> LocalAuthority {
    LocalAuthority::generate("Other authority", days(7)).unwrap()
}

type Chain<'a> = &'a [CertificateDer<'static>];

fn chain(certificates: Option<Chain<'_>>) -> Chain<'_> {
    certificates.unwrap()
}

fn server(client_auth: &ClientAuth) -> Arc<ServerConfig> {
    server_config(&server_identity(Kind::P256), client_auth, Alpn::Http).unwrap()
}

fn client() -> Arc<ClientConfig> {
    client_config(&AUTHORITY.anchors().unwrap(), None, Alpn::Http).unwrap()
}

fn client_with_certificate() -> Arc<ClientConfig> {
    let identity = client_identity(Kind::P384);
    client_config(&AUTHORITY.anchors().unwrap(), Some(&identity), Alpn::Http).unwrap()
}

/// Only one version of the protocol.
fn only(version: ProtocolVersion) -> Arc<rustls::crypto::CryptoProvider> {
    narrowed(|provider| {
        provider
            .cipher_suites
            .retain(|suite| suite.version().version == version);
    })
}

#[test]
fn the_default_configuration_negotiates_the_strongest_of_everything() {
    let connected = connect(&client(), &server(&ClientAuth::None)).unwrap();
    let server = connected.server;
    assert_eq!(server.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    let suite = server.negotiated_cipher_suite().unwrap();
    assert_eq!(format!("{:?}", suite.suite()), "TLS13_AES_256_GCM_SHA384");
    let group = server.negotiated_key_exchange_group().unwrap();
    assert_eq!(format!("{:?}", group.name()), "secp256r1MLKEM768");
    assert_eq!(server.alpn_protocol(), Some(&b"h2"[..]));
    assert!(server.fips());
}

#[test]
fn the_server_chooses_the_suite_by_its_own_order() {
    let reversed = narrowed(|provider| provider.cipher_suites.reverse());
    let anchors = AUTHORITY.anchors().unwrap();
    let client = client_config_on(reversed, &anchors, None, Alpn::Http).unwrap();
    let connected = connect(&client, &server(&ClientAuth::None)).unwrap();
    let suite = connected.server.negotiated_cipher_suite().unwrap();
    assert_eq!(format!("{:?}", suite.suite()), "TLS13_AES_256_GCM_SHA384");
}

#[test]
fn tls_1_2_without_the_extended_master_secret_is_refused_by_configuration() {
    assert!(server(&ClientAuth::None).require_ems);
    assert!(client().require_ems);
    assert_eq!(server(&ClientAuth::None).max_early_data_size, 0);
    assert!(!server(&ClientAuth::None).enable_secret_extraction);
    assert!(!server(&ClientAuth::None).ticketer.enabled());
}

#[test]
fn a_server_without_ml_kem_costs_no_second_round_trip() {
    let classical = narrowed(|provider| provider.kx_groups.drain(..2).for_each(drop));
    let identity = server_identity(Kind::P256);
    let server = server_config_on(classical, &identity, &ClientAuth::None, Alpn::Http).unwrap();
    let connected = connect(&client(), &server).unwrap();
    assert_eq!(connected.client.handshake_kind(), Some(HandshakeKind::Full));
    let group = connected.client.negotiated_key_exchange_group().unwrap();
    assert_eq!(format!("{:?}", group.name()), "secp256r1");
}

#[test]
fn a_client_without_a_common_group_first_is_asked_again() {
    let p384_only = narrowed(|provider| {
        provider
            .kx_groups
            .retain(|group| format!("{:?}", group.name()) == "secp384r1");
    });
    let identity = server_identity(Kind::P256);
    let server = server_config_on(p384_only, &identity, &ClientAuth::None, Alpn::Http).unwrap();
    let connected = connect(&client(), &server).unwrap();
    let kind = connected.client.handshake_kind();
    assert_eq!(kind, Some(HandshakeKind::FullWithHelloRetryRequest));
}

#[test]
fn a_client_with_no_common_group_is_refused() {
    let only_group = |name: &str| {
        let name = name.to_owned();
        narrowed(move |provider| {
            provider
                .kx_groups
                .retain(|group| format!("{:?}", group.name()) == name);
        })
    };
    let identity = server_identity(Kind::P256);
    let p521 = only_group("secp521r1");
    let server = server_config_on(p521, &identity, &ClientAuth::None, Alpn::Http).unwrap();
    let anchors = AUTHORITY.anchors().unwrap();
    let client = client_config_on(only_group("secp384r1"), &anchors, None, Alpn::Http).unwrap();
    let refused = connect(&client, &server).map(|_| ()).unwrap_err();
    let expected = Error::PeerIncompatible(PeerIncompatible::NoKxGroupsInCommon);
    assert_eq!(refused, expected);
}

#[test]
fn an_offered_client_certificate_identifies_the_client_and_none_is_fine() {
    let anchors = ClientAnchors::new(AUTHORITY.anchors().unwrap()).unwrap();
    let server = server(&ClientAuth::Offered(anchors.clone()));
    let without = connect(&client(), &server).unwrap();
    assert!(without.server.peer_certificates().is_none());

    let with = connect(&client_with_certificate(), &server).unwrap();
    let certificates = chain(with.server.peer_certificates());
    let peer = anchors.identify(certificates, UnixTime::now()).unwrap();
    assert_eq!(peer.certificate(), &certificates[0]);
    assert_eq!(
        peer.fingerprint(),
        Fingerprint::of(&certificates[0]).unwrap()
    );
    assert_eq!(peer.subject(), "CN=client");
    assert_eq!(
        peer.alternative_names(),
        [AlternativeName::Uri("urn:test:client".into())]
    );
    let anchor = webpki::anchor_from_trusted_cert(AUTHORITY.certificate()).unwrap();
    assert_eq!(peer.anchor(), AnchorId::of(&anchor).unwrap());
    assert!(peer.not_after() > UnixTime::now());
}

#[test]
fn a_required_client_certificate_is_required() {
    let anchors = ClientAnchors::new(AUTHORITY.anchors().unwrap()).unwrap();
    let required = server(&ClientAuth::Required(anchors));
    let refused = connect(&client(), &required).map(|_| ()).unwrap_err();
    assert_eq!(refused, Error::NoCertificatesPresented);
    assert!(connect(&client_with_certificate(), &required).is_ok());
}

#[test]
fn a_client_certificate_of_a_foreign_authority_ends_the_handshake() {
    let anchors = ClientAnchors::new(other_authority().anchors().unwrap()).unwrap();
    let server = server(&ClientAuth::Offered(anchors));
    let refused = connect(&client_with_certificate(), &server).map(|_| ());
    let unknown = Error::InvalidCertificate(CertificateError::UnknownIssuer);
    assert_eq!(refused.unwrap_err(), unknown);
    assert!(connect(&client(), &server).is_ok());
}

#[test]
fn a_server_certificate_is_no_client_certificate_and_the_other_way_round() {
    let anchors = AUTHORITY.anchors().unwrap();
    let server_cert = server_identity(Kind::P256);
    let client_cert = client_identity(Kind::P256);
    let offered = ClientAuth::Offered(ClientAnchors::new(anchors.clone()).unwrap());
    let swapped_client = client_config(&anchors, Some(&server_cert), Alpn::Http).unwrap();
    assert!(connect(&swapped_client, &server(&offered)).is_err());
    let swapped_server = server_config(&client_cert, &ClientAuth::None, Alpn::Http).unwrap();
    assert!(connect(&client(), &swapped_server).is_err());
}

#[test]
fn an_empty_set_of_anchors_asks_for_nothing_until_one_is_added() {
    let anchors = ClientAnchors::new(Anchors::default()).unwrap();
    let server = server(&ClientAuth::Offered(anchors.clone()));
    let config = client_with_certificate();
    let before = connect(&config, &server).unwrap();
    assert!(before.server.peer_certificates().is_none());
    anchors.replace(AUTHORITY.anchors().unwrap()).unwrap();
    let fresh = client_with_certificate();
    let after = connect(&fresh, &server).unwrap();
    assert!(after.server.peer_certificates().is_some());
}

#[test]
fn an_anchor_that_was_taken_away_vouches_for_nobody_not_even_on_a_resumed_session() {
    for version in [ProtocolVersion::TLSv1_2, ProtocolVersion::TLSv1_3] {
        let anchors = ClientAnchors::new(AUTHORITY.anchors().unwrap()).unwrap();
        let server = server_config_on(
            only(version),
            &server_identity(Kind::P256),
            &ClientAuth::Offered(anchors.clone()),
            Alpn::Http,
        )
        .unwrap();
        let client = client_with_certificate();
        connect(&client, &server).unwrap();
        let resumed = connect(&client, &server).unwrap();
        let certificates = chain(resumed.server.peer_certificates());
        assert_eq!(
            resumed.server.handshake_kind(),
            Some(HandshakeKind::Resumed)
        );
        assert!(anchors.identify(certificates, UnixTime::now()).is_ok());

        anchors
            .replace(other_authority().anchors().unwrap())
            .unwrap();
        let resumed = connect(&client, &server).unwrap();
        assert_eq!(
            resumed.server.handshake_kind(),
            Some(HandshakeKind::Resumed)
        );
        let certificates = chain(resumed.server.peer_certificates());
        let refused = anchors.identify(certificates, UnixTime::now());
        assert!(matches!(refused, Err(TlsError::PeerNotTrusted { .. })));
    }
}

#[test]
fn identify_refuses_an_expired_certificate_and_an_empty_chain() {
    let anchors = ClientAnchors::new(AUTHORITY.anchors().unwrap()).unwrap();
    let issued = AUTHORITY.issue_client("client", None, days(1)).unwrap();
    let certificates = [issued.certificate().clone()];
    let now = UnixTime::now();
    assert!(anchors.identify(&certificates, now).is_ok());
    let two_days = Duration::from_secs(now.as_secs() + 2 * 24 * 60 * 60);
    let later = UnixTime::since_unix_epoch(two_days);
    let expired = anchors.identify(&certificates, later);
    assert!(matches!(expired, Err(TlsError::PeerNotTrusted { .. })));
    let empty = anchors.identify(&[], now);
    assert!(matches!(empty, Err(TlsError::NoCertificate { .. })));
    let rubbish = [CertificateDer::from(vec![0x30, 0])];
    assert!(anchors.identify(&rubbish, now).is_err());
}

#[test]
fn the_same_name_under_another_authority_is_another_peer() {
    let other = other_authority();
    let both = [AUTHORITY.certificate().clone(), other.certificate().clone()];
    let anchors = ClientAnchors::new(Anchors::new(&both, "test").unwrap()).unwrap();
    let identify = |authority: &LocalAuthority| {
        let issued = authority.issue_client("client", None, days(1)).unwrap();
        let certificates = [issued.certificate().clone()];
        anchors.identify(&certificates, UnixTime::now()).unwrap()
    };
    let (ours, theirs) = (identify(&AUTHORITY), identify(&other));
    assert_eq!(ours.subject(), theirs.subject());
    assert_ne!(ours.anchor(), theirs.anchor());
}

#[test]
fn a_replaced_identity_is_used_by_the_next_handshake() {
    let identity = server_identity(Kind::P256);
    let server = server_config(&identity, &ClientAuth::None, Alpn::Http).unwrap();
    let mut client = ClientConfig::clone(&client());
    client.resumption = Resumption::disabled();
    let client = Arc::new(client);
    let shown = || {
        let connected = connect(&client, &server).unwrap();
        chain(connected.client.peer_certificates())[0].clone()
    };
    assert_eq!(shown(), identity.current().chain()[0]);
    let next = server_identity(Kind::P521).current();
    identity.replace(keyward_tls::Identity::clone(&next));
    assert_eq!(shown(), next.chain()[0]);
}

#[test]
fn sessions_resume_from_the_cache_without_tickets() {
    for version in [ProtocolVersion::TLSv1_2, ProtocolVersion::TLSv1_3] {
        let identity = server_identity(Kind::P256);
        let server =
            server_config_on(only(version), &identity, &ClientAuth::None, Alpn::Http).unwrap();
        let client = client();
        let first = connect(&client, &server).unwrap();
        assert_eq!(first.client.handshake_kind(), Some(HandshakeKind::Full));
        let second = connect(&client, &server).unwrap();
        assert_eq!(second.client.handshake_kind(), Some(HandshakeKind::Resumed));
        for seen in second.client_saw.iter().chain(&second.server_saw) {
            assert!(seen.as_expected(), "{seen:?}");
        }
    }
}

#[test]
fn a_flipped_bit_anywhere_in_a_record_is_refused() {
    for suite in default_provider().cipher_suites.clone() {
        let provider = narrowed(|provider| provider.cipher_suites = vec![suite]);
        let kind = if format!("{suite:?}").contains("RSA") && tls12_with_rsa(suite) {
            Kind::Rsa2048
        } else {
            Kind::P256
        };
        let identity = server_identity(kind);
        let server =
            server_config_on(provider.clone(), &identity, &ClientAuth::None, Alpn::Http).unwrap();
        let anchors = AUTHORITY.anchors().unwrap();
        let client = client_config_on(provider, &anchors, None, Alpn::Http).unwrap();
        let length = tampered(&client, &server, None).unwrap().unwrap();
        for at in 5..length {
            let refused = tampered(&client, &server, Some(at)).unwrap();
            assert_eq!(refused, Err(Error::DecryptError), "byte {at} of {suite:?}");
        }
    }
}

fn tls12_with_rsa(suite: SupportedCipherSuite) -> bool {
    format!("{:?}", suite.suite()).contains("ECDHE_RSA")
}

#[test]
fn a_server_for_another_name_is_refused() {
    let issued = AUTHORITY
        .issue_server(&["elsewhere.test"], days(1))
        .unwrap();
    let identity = keyward_tls::ReloadableIdentity::new(issued.identity().unwrap());
    let server = server_config(&identity, &ClientAuth::None, Alpn::Http).unwrap();
    let refused = connect(&client(), &server).map(|_| ()).unwrap_err();
    let Error::InvalidCertificate(CertificateError::NotValidForNameContext { expected, .. }) =
        refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!(expected.to_str(), SERVER);
}

#[test]
fn a_client_without_anchors_cannot_be_configured() {
    let refused = client_config(&Anchors::default(), None, Alpn::Http);
    assert!(matches!(refused, Err(TlsError::NoAnchor)));
}

#[test]
fn a_provider_with_something_unapproved_is_refused() {
    #[derive(Debug)]
    struct Unapproved;
    impl rustls::crypto::SecureRandom for Unapproved {
        fn fill(&self, _: &mut [u8]) -> Result<(), rustls::crypto::GetRandomFailed> {
            Err(rustls::crypto::GetRandomFailed)
        }
    }
    let provider = narrowed(|provider| provider.secure_random = &Unapproved);
    let identity = server_identity(Kind::P256);
    let server = server_config_on(provider.clone(), &identity, &ClientAuth::None, Alpn::Http);
    assert!(server.unwrap_err().to_string().contains("not approved"));
    let anchors = AUTHORITY.anchors().unwrap();
    let client = client_config_on(provider, &anchors, None, Alpn::Http);
    assert!(client.unwrap_err().to_string().contains("not approved"));
}

#[test]
fn a_foreign_alpn_protocol_is_refused() {
    let mut client = ClientConfig::clone(&client());
    client.alpn_protocols = vec![b"spdy/3".to_vec()];
    let refused = connect(&Arc::new(client), &server(&ClientAuth::None)).map(|_| ());
    assert_eq!(refused.unwrap_err(), Error::NoApplicationProtocol);
}
