//! What several test files share: an authority with a certificate for every kind of key, and handshakes in memory.

#![allow(
    dead_code,
    reason = "each test file is its own crate and uses a part of this one"
)]

use std::sync::{Arc, LazyLock};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self as sig, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use der::asn1::{AnyRef, BitStringRef, UintRef};
use der::{Decode, Encode, Sequence};
use keyward_tls::indicator::{Observation, record};
use keyward_tls::issue::{Lifetime, LocalAuthority};
use keyward_tls::{Identity, ReloadableIdentity, default_provider, pem};
use rustls::crypto::CryptoProvider;
use rustls::{
    ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection, SignatureScheme,
};
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer,
    UnixTime,
};

/// The name of every test server.
pub const SERVER: &str = "server.test";

/// The one authority of a test process.
pub static AUTHORITY: LazyLock<LocalAuthority> =
    LazyLock::new(|| LocalAuthority::generate("Test authority", days(7)).unwrap());

/// A lifetime that starts now.
pub fn days(days: u32) -> Lifetime {
    Lifetime::days(UnixTime::now(), days)
}

/// A kind of certificate key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Rsa2048,
    Rsa3072,
    Rsa4096,
    P256,
    P384,
    P521,
    Ed25519,
}

/// The private key of `kind` in PKCS#8, made once per process by the module.
pub fn pkcs8(kind: Kind) -> &'static [u8] {
    static RSA2048: LazyLock<Vec<u8>> = LazyLock::new(|| rsa(aws_lc_rs::rsa::KeySize::Rsa2048));
    static RSA3072: LazyLock<Vec<u8>> = LazyLock::new(|| rsa(aws_lc_rs::rsa::KeySize::Rsa3072));
    static RSA4096: LazyLock<Vec<u8>> = LazyLock::new(|| rsa(aws_lc_rs::rsa::KeySize::Rsa4096));
    static P256: LazyLock<Vec<u8>> = LazyLock::new(|| ec(&sig::ECDSA_P256_SHA256_ASN1_SIGNING));
    static P384: LazyLock<Vec<u8>> = LazyLock::new(|| ec(&sig::ECDSA_P384_SHA384_ASN1_SIGNING));
    static P521: LazyLock<Vec<u8>> = LazyLock::new(|| ec(&sig::ECDSA_P521_SHA512_ASN1_SIGNING));
    static ED25519: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let pair = Ed25519KeyPair::generate().unwrap();
        pair.to_pkcs8v1().unwrap().as_ref().to_vec()
    });
    match kind {
        Kind::Rsa2048 => &RSA2048,
        Kind::Rsa3072 => &RSA3072,
        Kind::Rsa4096 => &RSA4096,
        Kind::P256 => &P256,
        Kind::P384 => &P384,
        Kind::P521 => &P521,
        Kind::Ed25519 => &ED25519,
    }
}

fn rsa(size: aws_lc_rs::rsa::KeySize) -> Vec<u8> {
    let pair = RsaKeyPair::generate(size).unwrap();
    AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair)
        .unwrap()
        .as_ref()
        .to_vec()
}

fn ec(algorithm: &'static sig::EcdsaSigningAlgorithm) -> Vec<u8> {
    let pair = EcdsaKeyPair::generate(algorithm).unwrap();
    pair.to_pkcs8v1().unwrap().as_ref().to_vec()
}

/// As `PrivateKeyDer`.
pub fn private_key(kind: Kind) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8(kind).to_vec()))
}

/// The public half, as certificates carry it.
pub fn spki(kind: Kind) -> SubjectPublicKeyInfoDer<'static> {
    let key = default_provider()
        .key_provider
        .load_private_key(private_key(kind))
        .unwrap();
    key.public_key().unwrap().into_owned()
}

/// A server certificate for [`SERVER`] with a key of `kind`, by [`AUTHORITY`].
pub fn server_identity(kind: Kind) -> Arc<ReloadableIdentity> {
    let template = AUTHORITY.issue_server(&[SERVER], days(2)).unwrap();
    let leaf = reissue(template.certificate(), &spki(kind));
    ReloadableIdentity::new(Identity::new(vec![leaf], &private_key(kind)).unwrap())
}

/// A client certificate with a key of `kind`, by [`AUTHORITY`].
pub fn client_identity(kind: Kind) -> Arc<ReloadableIdentity> {
    let template = AUTHORITY
        .issue_client("client", Some("urn:test:client"), days(2))
        .unwrap();
    let leaf = reissue(template.certificate(), &spki(kind));
    ReloadableIdentity::new(Identity::new(vec![leaf], &private_key(kind)).unwrap())
}

#[derive(Sequence)]
struct Certificate<'a> {
    tbs: Tbs<'a>,
    algorithm: AnyRef<'a>,
    signature: BitStringRef<'a>,
}

#[derive(Sequence)]
struct Tbs<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: u8,
    serial: UintRef<'a>,
    algorithm: AnyRef<'a>,
    issuer: AnyRef<'a>,
    validity: AnyRef<'a>,
    subject: AnyRef<'a>,
    public_key: AnyRef<'a>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    extensions: AnyRef<'a>,
}

/// The same certificate with another public key, signed again by [`AUTHORITY`] (which itself issues P-256 only).
pub fn reissue(
    template: &CertificateDer<'_>,
    public_key: &SubjectPublicKeyInfoDer<'_>,
) -> CertificateDer<'static> {
    let mut certificate = Certificate::from_der(template).unwrap();
    certificate.tbs.public_key = AnyRef::from_der(public_key).unwrap();
    let tbs = certificate.tbs.to_der().unwrap();
    let authority = AUTHORITY.private_key_pem().unwrap();
    let authority = pem::private_key(authority.as_bytes(), "authority").unwrap();
    let authority = EcdsaKeyPair::from_private_key_der(
        &sig::ECDSA_P256_SHA256_ASN1_SIGNING,
        authority.secret_der(),
    )
    .unwrap();
    let signature = authority.sign(&SystemRandom::new(), &tbs).unwrap();
    certificate.signature = BitStringRef::from_bytes(signature.as_ref()).unwrap();
    CertificateDer::from(certificate.to_der().unwrap())
}

/// The default provider with less in it.
pub fn narrowed(change: impl FnOnce(&mut CryptoProvider)) -> Arc<CryptoProvider> {
    let mut provider = CryptoProvider::clone(&default_provider());
    change(&mut provider);
    Arc::new(provider)
}

/// Leaves only `scheme` among the signature schemes of the handshake; certificates keep all.
pub fn only_scheme(provider: &mut CryptoProvider, scheme: SignatureScheme) {
    let algorithms = &mut provider.signature_verification_algorithms;
    let kept: Vec<_> = algorithms
        .mapping
        .iter()
        .filter(|(candidate, _)| *candidate == scheme)
        .copied()
        .collect();
    assert_eq!(kept.len(), 1, "{scheme:?} is a scheme of the provider");
    algorithms.mapping = kept.leak();
}

/// A finished handshake, with what each side asked of the module.
pub struct Connected {
    pub client: ClientConnection,
    pub server: ServerConnection,
    pub client_saw: Vec<Observation>,
    pub server_saw: Vec<Observation>,
}

/// Runs a handshake and one exchange of data in memory.
pub fn connect(
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
) -> Result<Connected, rustls::Error> {
    let name = ServerName::try_from(SERVER).unwrap();
    let (client, mut client_saw) =
        record(|| ClientConnection::new(Arc::clone(client), name.to_owned()));
    let (server, mut server_saw) = record(|| ServerConnection::new(Arc::clone(server)));
    let (mut client, mut server) = (Connection::from(client?), Connection::from(server?));
    while client.is_handshaking() || server.is_handshaking() {
        step(&mut client, &mut server, &mut client_saw, &mut server_saw)?;
        step(&mut server, &mut client, &mut server_saw, &mut client_saw)?;
    }
    exchange(&mut client, &mut server, &mut client_saw, &mut server_saw);
    exchange(&mut server, &mut client, &mut server_saw, &mut client_saw);
    let (Connection::Client(client), Connection::Server(server)) = (client, server) else {
        unreachable!("made above")
    };
    Ok(Connected {
        client,
        server,
        client_saw,
        server_saw,
    })
}

/// Carries everything `from` wants to send to `to`.
fn step(
    from: &mut Connection,
    to: &mut Connection,
    from_saw: &mut Vec<Observation>,
    to_saw: &mut Vec<Observation>,
) -> Result<(), rustls::Error> {
    let mut wire = Vec::new();
    let ((), saw) = record(|| {
        while from.wants_write() {
            from.write_tls(&mut wire).unwrap();
        }
    });
    from_saw.extend(saw);
    let (result, saw) = record(|| {
        let mut wire = wire.as_slice();
        while !wire.is_empty() {
            to.read_tls(&mut wire).unwrap();
            to.process_new_packets()?;
        }
        Ok(())
    });
    to_saw.extend(saw);
    result
}

fn exchange(
    from: &mut Connection,
    to: &mut Connection,
    from_saw: &mut Vec<Observation>,
    to_saw: &mut Vec<Observation>,
) {
    use std::io::{Read, Write};
    for _ in 0..3 {
        let message = vec![7; 16_384]; // one full record
        let ((), saw) = record(|| from.writer().write_all(&message).unwrap());
        from_saw.extend(saw);
        step(from, to, from_saw, to_saw).unwrap();
        let mut got = vec![0; message.len()];
        to.reader().read_exact(&mut got).unwrap();
        assert_eq!(got, message);
    }
}

/// Bytes written in hexadecimal.
pub fn hex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}

/// Connects, lets the client send one small record and flips one bit of it at `at`, if given. The inner result is
/// the server's: the length of the record, or why it refused.
pub fn tampered(
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
    at: Option<usize>,
) -> Result<Result<usize, rustls::Error>, rustls::Error> {
    use std::io::Write;
    let Connected {
        mut client,
        mut server,
        ..
    } = connect(client, server)?;
    client.writer().write_all(b"transfer 1 to alice").unwrap();
    let mut wire = Vec::new();
    client.write_tls(&mut wire).unwrap();
    if let Some(at) = at {
        wire[at] ^= 1 << (at % 8);
    }
    server.read_tls(&mut wire.as_slice()).unwrap();
    Ok(server.process_new_packets().map(|_| wire.len()))
}
