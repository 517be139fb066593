//! The certificates of the first start, and reading PEM with errors that say what to do.

mod support;

use std::io::Write;

use keyward_tls::issue::{LocalAuthority, self_signed};
use keyward_tls::{
    Alpn, Anchors, ClientAuth, Identity, ReloadableIdentity, TlsError, client_config, pem,
    server_config,
};
use rustls_pki_types::UnixTime;
use support::{AUTHORITY, SERVER, connect, days};

#[test]
fn a_self_signed_certificate_is_trusted_by_naming_it() {
    let issued = self_signed(&[SERVER, "127.0.0.1", "::1"], days(30)).unwrap();
    let identity = ReloadableIdentity::new(issued.identity().unwrap());
    let server = server_config(&identity, &ClientAuth::None, Alpn::Http).unwrap();
    let anchors = Anchors::new(&[issued.certificate().clone()], "test").unwrap();
    let client = client_config(&anchors, None, Alpn::Http).unwrap();
    assert!(connect(&client, &server).is_ok());
    let other = self_signed(&[SERVER], days(30)).unwrap();
    let anchors = Anchors::new(&[other.certificate().clone()], "test").unwrap();
    let client = client_config(&anchors, None, Alpn::Http).unwrap();
    assert!(connect(&client, &server).is_err());
}

#[test]
fn an_authority_read_back_from_its_files_issues_certificates_its_anchor_trusts() {
    let made = LocalAuthority::generate("Keyward local authority", days(365)).unwrap();
    let key = made.private_key_pem().unwrap();
    let read = LocalAuthority::from_pem(made.certificate_pem(), &key).unwrap();
    let issued = read.issue_server(&[SERVER], days(30)).unwrap();
    let identity = ReloadableIdentity::new(issued.identity().unwrap());
    let server = server_config(&identity, &ClientAuth::None, Alpn::Http).unwrap();
    let client = client_config(&made.anchors().unwrap(), None, Alpn::Http).unwrap();
    assert!(connect(&client, &server).is_ok());
    assert_eq!(read.certificate(), made.certificate());
}

#[test]
fn an_authority_with_the_key_of_another_is_refused() {
    let one = LocalAuthority::generate("One", days(1)).unwrap();
    let two = LocalAuthority::generate("Two", days(1)).unwrap();
    let key = two.private_key_pem().unwrap();
    let mixed = LocalAuthority::from_pem(one.certificate_pem(), &key);
    assert!(matches!(mixed.map(|_| ()), Err(TlsError::KeyMismatch)));
}

#[test]
fn issued_certificates_are_unique_and_last_as_long_as_asked() {
    let one = AUTHORITY.issue_server(&[SERVER], days(30)).unwrap();
    let two = AUTHORITY.issue_server(&[SERVER], days(30)).unwrap();
    assert_ne!(one.certificate(), two.certificate());
    assert_ne!(one.private_key_pem(), two.private_key_pem());
    let left = one.identity().unwrap().not_after().as_secs() - UnixTime::now().as_secs();
    let day = 24 * 60 * 60;
    assert!((29 * day..=30 * day).contains(&left), "{left}");
}

#[test]
fn names_that_are_none_are_refused() {
    for bad in [
        "",
        "a b",
        "-x",
        "exa_mple..test",
        "http://x",
        "münchen.test",
    ] {
        let refused = AUTHORITY
            .issue_server(&[bad], days(1))
            .map(|_| ())
            .unwrap_err();
        assert!(
            matches!(refused, TlsError::BadName { .. }),
            "{bad:?}: {refused}"
        );
    }
    assert!(AUTHORITY.issue_server(&[], days(1)).is_err());
    for good in ["localhost", "a.b.c", "*.example.test", "10.0.0.1", "::1"] {
        AUTHORITY.issue_server(&[good], days(1)).unwrap();
    }
    assert!(
        AUTHORITY
            .issue_client("x", Some("spiffe://ü"), days(1))
            .is_err()
    );
}

#[test]
fn an_identity_comes_from_files_and_every_mistake_has_its_own_message() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::File::create(&path)
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        path
    };
    let issued = AUTHORITY.issue_server(&[SERVER], days(1)).unwrap();
    let other = AUTHORITY.issue_server(&[SERVER], days(1)).unwrap();
    let (cert, key) = (issued.certificate_pem(), issued.private_key_pem());
    let chain = file(
        "chain.pem",
        &format!("{cert}\n{}", AUTHORITY.certificate_pem()),
    );
    let key_file = file("key.pem", key);
    let both = file("both.pem", &format!("{key}{cert}"));
    assert_eq!(
        Identity::from_pem_files(&chain, &key_file)
            .unwrap()
            .chain()
            .len(),
        2
    );
    assert!(Identity::from_pem_files(&both, &both).is_ok());

    let message = |chain, key| {
        Identity::from_pem_files(chain, key)
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    let missing = directory.path().join("missing.pem");
    let foreign = file("foreign.pem", other.private_key_pem());
    let two_keys = file("two.pem", &format!("{key}{}", other.private_key_pem()));
    let encrypted = file("encrypted.pem", include_str!("data/encrypted.pem"));
    let no_end = file("no_end.pem", key.trim_end().trim_end_matches('-'));
    let no_base64 = file("no_base64.pem", &key.replace("MIG", "M!G"));
    let empty = file("empty.pem", "");
    for (chain, key, says) in [
        (&missing, &key_file, "cannot read"),
        (&chain, &missing, "missing.pem"),
        (&key_file, &key_file, "holds no certificate"),
        (&chain, &chain, "holds no private key"),
        (&empty, &key_file, "holds no certificate"),
        (&chain, &empty, "holds no private key"),
        (&chain, &foreign, "does not belong to the first certificate"),
        (&chain, &two_keys, "more than one private key"),
        (&chain, &encrypted, "openssl pkey -in FILE"),
        (&chain, &no_end, "no end line"),
        (&chain, &no_base64, "not base64"),
    ] {
        let message = message(chain, key);
        assert!(message.contains(says), "{message}");
    }
}

#[test]
fn anchors_that_are_no_certificates_are_refused_by_position() {
    let text = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let list = format!("{}{text}", AUTHORITY.certificate_pem());
    let certificates = pem::certificates(list.as_bytes(), "anchors.pem").unwrap();
    let refused = Anchors::new(&certificates, "anchors.pem").unwrap_err();
    let message = refused.to_string();
    assert!(
        message.contains("certificate 2 of `anchors.pem`"),
        "{message}"
    );
}

#[test]
fn no_debug_text_shows_a_private_key() {
    let issued = AUTHORITY.issue_server(&[SERVER], days(1)).unwrap();
    let identity = ReloadableIdentity::new(issued.identity().unwrap());
    let text = format!("{identity:?} {:?}", identity.current());
    let secret = pem::private_key(issued.private_key_pem().as_bytes(), "test").unwrap();
    let bytes: Vec<String> = secret.secret_der().iter().map(u8::to_string).collect();
    assert!(!text.contains(&bytes[36..44].join(", ")));
    assert!(!text.contains("PRIVATE KEY"));
}
