//! Each component against a published answer or a hostile input, without a handshake around it.

mod support;

use keyward_tls::provider::{
    CIPHER_SUITES, KX_GROUPS, SECP256R1, SECP256R1MLKEM768, SECP384R1MLKEM1024,
    TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384,
};
use keyward_tls::{Identity, TlsError, default_provider, pem};
use proptest::prelude::*;
use rustls::crypto::hash::Hash;
use rustls::crypto::tls13::Hkdf;
use rustls::crypto::{ActiveKeyExchange, SupportedKxGroup};
use rustls::{Error, NamedGroup, PeerIncompatible, PeerMisbehaved, SupportedCipherSuite};
use support::{Kind, hex, private_key, server_identity};

fn hkdf(suite: SupportedCipherSuite) -> &'static dyn Hkdf {
    suite.tls13().unwrap().hkdf_provider
}

fn hash(suite: SupportedCipherSuite) -> &'static dyn Hash {
    suite.tls13().unwrap().common.hash_provider
}

#[test]
fn hkdf_gives_the_answer_of_rfc_5869_case_1() {
    let ikm = [0x0b; 22];
    let salt = hex("000102030405060708090a0b0c");
    let info = hex("f0f1f2f3f4f5f6f7f8f9");
    let mut okm = [0; 42];
    hkdf(TLS13_AES_128_GCM_SHA256)
        .extract_from_secret(Some(&salt), &ikm)
        .expand_slice(&[&info[..3], &info[3..]], &mut okm)
        .unwrap();
    let expected =
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865";
    assert_eq!(okm.as_slice(), hex(expected));
}

#[test]
fn the_key_schedule_gives_the_derived_secret_of_rfc_8448() {
    let empty = hash(TLS13_AES_128_GCM_SHA256).hash(b"");
    let mut label = vec![0, 32, 13];
    label.extend(b"tls13 derived");
    label.push(32);
    let derived = hkdf(TLS13_AES_128_GCM_SHA256)
        .extract_from_zero_ikm(None)
        .expand_block(&[&label, empty.as_ref()]);
    let expected = "6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba";
    assert_eq!(derived.as_ref(), hex(expected));
}

#[test]
fn a_missing_salt_is_hash_length_zeros_and_expanding_a_block_again_is_another_key() {
    for suite in [TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384] {
        let hkdf = hkdf(suite);
        let length = hash(suite).output_len();
        let without = hkdf
            .extract_from_secret(None, b"secret")
            .expand_block(&[b"i"]);
        let zeros = vec![0; length];
        let with = hkdf
            .extract_from_secret(Some(&zeros), b"secret")
            .expand_block(&[b"i"]);
        assert_eq!(without.as_ref(), with.as_ref());
        assert_eq!(without.as_ref().len(), length);
        let again = hkdf.expander_for_okm(&without).expand_block(&[b"i"]);
        assert_ne!(again.as_ref(), without.as_ref());
    }
}

#[test]
fn an_expansion_longer_than_255_blocks_is_refused() {
    let expander = hkdf(TLS13_AES_128_GCM_SHA256).extract_from_secret(None, b"secret");
    let mut longest = vec![0; 255 * 32];
    assert!(expander.expand_slice(&[b"i"], &mut longest).is_ok());
    longest.push(0);
    assert!(expander.expand_slice(&[b"i"], &mut longest).is_err());
}

#[test]
fn a_forked_hash_goes_on_by_itself() {
    for suite in [TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384] {
        let hash = hash(suite);
        let mut context = hash.start();
        context.update(b"one");
        let fork = context.fork();
        context.update(b"two");
        assert_eq!(fork.fork_finish().as_ref(), hash.hash(b"one").as_ref());
        assert_eq!(fork.finish().as_ref(), hash.hash(b"one").as_ref());
        assert_eq!(context.finish().as_ref(), hash.hash(b"onetwo").as_ref());
    }
}

#[test]
fn tls_1_2_refuses_a_master_secret_that_is_not_extended() {
    for &suite in CIPHER_SUITES {
        let SupportedCipherSuite::Tls12(suite) = suite else {
            continue;
        };
        let derive = |label: &[u8]| {
            let ours = SECP256R1.start().unwrap();
            let theirs = SECP256R1.start().unwrap();
            let mut master = [0; 48];
            suite
                .prf_provider
                .for_key_exchange(&mut master, ours, theirs.pub_key(), label, &[1; 32])
                .map(|()| master)
        };
        assert_ne!(derive(b"extended master secret").unwrap(), [0; 48]);
        for label in [&b"master secret"[..], b"extended master secret ", b""] {
            assert_eq!(
                derive(label).unwrap_err(),
                Error::PeerIncompatible(PeerIncompatible::ExtendedMasterSecretExtensionRequired)
            );
        }
    }
}

#[test]
fn tls_1_2_derives_the_published_answer() {
    // the known answer for P_SHA256 on https://mailarchive.ietf.org/arch/msg/tls/fzVCzk-z3FShgGJ6DOXqM1ydxms/
    let SupportedCipherSuite::Tls12(suite) = TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 else {
        unreachable!("a TLS 1.2 suite")
    };
    let secret = hex("9bbe436ba940f017b17652849a71db35");
    let seed = hex("a0ba9f936cda311827a6f796ffd5198c");
    let mut output = [0; 100];
    suite
        .prf_provider
        .for_secret(&mut output, &secret, b"test label", &seed);
    let expected = "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af\
                    0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66";
    assert_eq!(output.as_slice(), hex(expected));
}

/// A share that the group must refuse when it answers as a server.
fn refused_by_server(group: &dyn SupportedKxGroup, share: &[u8]) {
    let error = group.start_and_complete(share).map(|_| ()).unwrap_err();
    assert_eq!(
        error,
        Error::PeerMisbehaved(PeerMisbehaved::InvalidKeyShare)
    );
}

fn refused_by_client(exchange: Box<dyn ActiveKeyExchange>, share: &[u8]) {
    let error = exchange.complete(share).map(|_| ()).unwrap_err();
    assert_eq!(
        error,
        Error::PeerMisbehaved(PeerMisbehaved::InvalidKeyShare)
    );
}

#[test]
fn both_sides_of_every_group_agree_and_never_twice_on_the_same_secret() {
    for group in KX_GROUPS {
        let mut secrets = Vec::new();
        for _ in 0..2 {
            let client = group.start().unwrap();
            assert_eq!(client.group(), group.name());
            assert!(client.ffdhe_group().is_none() && group.ffdhe_group().is_none());
            let server = group.start_and_complete(client.pub_key()).unwrap();
            assert_eq!(server.group, group.name());
            let secret = client.complete(&server.pub_key).unwrap();
            assert_eq!(secret.secret_bytes(), server.secret.secret_bytes());
            secrets.push(secret);
        }
        assert_ne!(secrets[0].secret_bytes(), secrets[1].secret_bytes());
    }
}

#[test]
fn shares_and_secrets_of_the_hybrid_groups_have_the_lengths_of_the_draft() {
    for (group, code, client, server, secret) in [
        (SECP256R1MLKEM768, 0x11eb, 65 + 1184, 65 + 1088, 32 + 32),
        (SECP384R1MLKEM1024, 0x11ed, 97 + 1568, 97 + 1568, 48 + 32),
    ] {
        assert_eq!(u16::from(group.name()), code);
        let exchange = group.start().unwrap();
        assert_eq!(exchange.pub_key().len(), client);
        let answer = group.start_and_complete(exchange.pub_key()).unwrap();
        assert_eq!(answer.pub_key.len(), server);
        assert_eq!(answer.secret.secret_bytes().len(), secret);
    }
}

#[test]
fn the_classical_half_of_a_hybrid_works_alone() {
    for (group, half) in [
        (SECP256R1MLKEM768, NamedGroup::secp256r1),
        (SECP384R1MLKEM1024, NamedGroup::secp384r1),
    ] {
        let client = group.start().unwrap();
        let (name, share) = client.hybrid_component().unwrap();
        assert_eq!(name, half);
        let classical = KX_GROUPS.iter().find(|group| group.name() == half).unwrap();
        let server = classical.start_and_complete(share).unwrap();
        let secret = client.complete_hybrid_component(&server.pub_key).unwrap();
        assert_eq!(secret.secret_bytes(), server.secret.secret_bytes());
    }
}

/// Every way to spoil a point: length, form, not on the curve, out of range, infinity.
fn spoiled_points(point: &[u8]) -> Vec<Vec<u8>> {
    let half = (point.len() - 1) / 2;
    let mut off_curve = point.to_vec();
    *off_curve.last_mut().unwrap() ^= 1;
    let mut compressed = point[..=half].to_vec();
    compressed[0] = 2 | (point[point.len() - 1] & 1);
    let mut hybrid_form = point.to_vec();
    hybrid_form[0] = 6 | (point[point.len() - 1] & 1);
    let mut too_large = vec![0xff; point.len()];
    too_large[0] = 4;
    let mut zero = vec![0; point.len()];
    zero[0] = 4;
    vec![
        Vec::new(),
        vec![0],
        point[1..].to_vec(),
        point[..point.len() - 1].to_vec(),
        [point, &[0]].concat(),
        off_curve,
        compressed,
        hybrid_form,
        too_large,
        zero,
        vec![0; point.len()],
    ]
}

#[test]
fn no_group_takes_a_spoiled_point() {
    for group in KX_GROUPS {
        let good = group.start().unwrap();
        let point_len = good
            .hybrid_component()
            .map_or(good.pub_key().len(), |(_, point)| point.len());
        let (point, kem) = good.pub_key().split_at(point_len);
        let answer = group.start_and_complete(good.pub_key()).unwrap().pub_key;
        for spoiled in spoiled_points(point) {
            refused_by_server(*group, &[&spoiled, kem].concat());
            let share = [&spoiled, &answer[point_len..]].concat();
            refused_by_client(group.start().unwrap(), &share);
        }
    }
}

#[test]
fn the_hybrid_groups_take_no_encapsulation_key_that_fips_203_refuses() {
    for (group, point_len) in [(SECP256R1MLKEM768, 65), (SECP384R1MLKEM1024, 97)] {
        let good = group.start().unwrap();
        let (point, key) = good.pub_key().split_at(point_len);
        // a coefficient of 4095 is not below q = 3329
        let mut out_of_range = key.to_vec();
        out_of_range[0] = 0xff;
        out_of_range[1] |= 0x0f;
        for spoiled in [
            &key[1..],
            &key[..key.len() - 1],
            &[key, &[0]].concat(),
            &vec![0xff; key.len()],
            &out_of_range,
            &[],
        ] {
            refused_by_server(group, &[point, spoiled].concat());
        }
    }
}

#[test]
fn a_wrong_ciphertext_gives_another_secret_and_a_short_one_an_error() {
    for (group, point_len) in [(SECP256R1MLKEM768, 65), (SECP384R1MLKEM1024, 97)] {
        let client = group.start().unwrap();
        let server = group.start_and_complete(client.pub_key()).unwrap();
        let mut share = server.pub_key.clone();
        share[point_len] ^= 1;
        // implicit rejection (FIPS 203 §6.3): no error, no common secret
        let secret = client.complete(&share).unwrap();
        let (ours, theirs) = (secret.secret_bytes(), server.secret.secret_bytes());
        assert_eq!(ours[..ours.len() - 32], theirs[..ours.len() - 32]);
        assert_ne!(ours[ours.len() - 32..], theirs[ours.len() - 32..]);
        for length in [0, point_len, share.len() - 1] {
            refused_by_client(group.start().unwrap(), &share[..length]);
        }
        share.push(0);
        refused_by_client(group.start().unwrap(), &share);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_group_takes_random_bytes(
        length in prop_oneof![Just(65usize), Just(97), Just(133), Just(1249), Just(1665), 0usize..2000],
        seed in any::<u64>(),
        form in prop_oneof![Just(4u8), any::<u8>()],
    ) {
        let mut share: Vec<u8> = (0..length as u64)
            .map(|i| (seed ^ i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).rotate_left(i as u32) as u8)
            .collect();
        if let Some(first) = share.first_mut() {
            *first = form;
        }
        for group in KX_GROUPS {
            refused_by_server(*group, &share);
            refused_by_client(group.start().unwrap(), &share);
        }
    }
}

#[test]
fn keys_in_every_container_are_taken_and_belong_to_their_certificate() {
    for text in [
        include_str!("data/sec1_p256.pem"),
        include_str!("data/sec1_p384.pem"),
        include_str!("data/sec1_p521.pem"),
        include_str!("data/pkcs1_rsa2048.pem"),
    ] {
        let key = pem::private_key(text.as_bytes(), "test").unwrap();
        let loaded = default_provider()
            .key_provider
            .load_private_key(key.clone_key())
            .unwrap();
        assert!(loaded.public_key().is_some());
        assert!(!format!("{loaded:?}").contains("PRIVATE"));
    }
    for kind in [
        Kind::Rsa3072,
        Kind::P256,
        Kind::P384,
        Kind::P521,
        Kind::Ed25519,
    ] {
        let identity = server_identity(kind).current();
        assert!(Identity::new(identity.chain().to_vec(), &private_key(kind)).is_ok());
        let other = if kind == Kind::P256 {
            Kind::P384
        } else {
            Kind::P256
        };
        let refused = Identity::new(identity.chain().to_vec(), &private_key(other));
        assert!(matches!(refused, Err(TlsError::KeyMismatch)), "{refused:?}");
    }
}

#[test]
fn keys_outside_the_policy_are_refused_with_what_to_do() {
    let chain = server_identity(Kind::P256).current().chain().to_vec();
    for (text, says) in [
        (include_str!("data/rsa1024.pem"), "2048, 3072 or 4096"),
        (include_str!("data/rsa2560.pem"), "has 2560 bits"),
        (include_str!("data/secp256k1.pem"), "P-256, P-384 or P-521"),
        (include_str!("data/x25519.pem"), "Ed25519"),
    ] {
        let key = pem::private_key(text.as_bytes(), "test").unwrap();
        let refused = Identity::new(chain.clone(), &key).unwrap_err();
        assert!(matches!(refused, TlsError::PrivateKeyRefused { .. }));
        assert!(refused.to_string().contains(says), "{refused}");
    }
}
