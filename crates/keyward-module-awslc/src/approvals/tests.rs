//! Every row against the real indicator.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
use std::collections::BTreeSet;

use aws_lc_rs::aead::{
    AES_192_GCM, AES_256_GCM, AES_256_GCM_SIV, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce,
    UnboundKey,
};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, Pkcs1PublicEncryptingKey,
    PrivateDecryptingKey,
};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256K1_SHA256_ASN1_SIGNING, EcdsaKeyPair,
    RSA_PKCS1_SHA256, RsaKeyPair,
};
use aws_lc_rs::{agreement, cmac, hkdf, tls_prf};
use keyward_core::algorithm::SignatureScheme;
use keyward_core::secret::Secret;
use keyward_engine::permit::{PermitScope, danger_permit};
use keyward_engine::ports::module::{KeyHandle, Module, Operation, Output};

use super::*;
use crate::shim::bracket;
use crate::{AwsLcModule, Config};

/// What the indicator says of a row's service, each time the row's service runs.
fn observe(module: &AwsLcModule, subject: Subject) -> Vec<Indicator> {
    match subject {
        Subject::Key(spec, service) => key_service(module, spec, service),
        Subject::Hash(algorithm) => {
            vec![word(
                module,
                Operation::Hash {
                    algorithm,
                    message: b"m",
                },
            )]
        }
        Subject::Random => vec![word(module, Operation::Random { length: 32 })],
        Subject::Passphrase {
            length,
            salt,
            iterations,
        } => {
            let passphrase = Secret::new(vec![b'p'; length.into()]);
            let salt = vec![1; salt.into()];
            let operation = Operation::DerivePassphrase {
                passphrase: &passphrase,
                salt: &salt,
                iterations,
            };
            vec![word(module, operation)]
        }
        Subject::EphemeralAgreement(spec) => {
            let (own, made) = run(module, Operation::GenerateEphemeral { spec });
            let (other, _) = run(module, Operation::GenerateEphemeral { spec });
            let (own, other) = (key_of(own), key_of(other));
            let (public, _) = run(module, Operation::PublicKey { key: other });
            let agree = Operation::AgreeEphemeral {
                key: own,
                peer: &bytes_of(public),
                info: b"info",
            };
            vec![made, word(module, agree)]
        }
        Subject::OneStepKdf => vec![one_step()],
        Subject::NotOffered(what) => vec![said(not_offered(what))],
    }
}

/// Runs an operation under a permit that lets non-approved results out, so that the answer is seen either way.
fn run(module: &AwsLcModule, operation: Operation<'_>) -> (Output, Indicator) {
    let scope = PermitScope::Command {
        number: 0,
        exception: true,
        reveal: false,
    };
    let done = module
        .operate(&danger_permit(scope), operation)
        .expect("the row's service works");
    (done.output, done.indicator)
}

fn word(module: &AwsLcModule, operation: Operation<'_>) -> Indicator {
    run(module, operation).1
}

fn key_of(output: Output) -> KeyHandle {
    match output {
        Output::Key(key) => key,
        other => panic!("not a key: {other:?}"),
    }
}

fn bytes_of(output: Output) -> Vec<u8> {
    match output {
        Output::Bytes(bytes) => bytes,
        other => panic!("not bytes: {other:?}"),
    }
}

fn said(approved: bool) -> Indicator {
    if approved { Approved } else { NotApproved }
}

fn key_service(module: &AwsLcModule, spec: KeySpec, service: Service) -> Vec<Indicator> {
    let (output, generated) = run(module, Operation::Generate { spec });
    let key = key_of(output);
    match service {
        Service::Generate => vec![generated],
        Service::Encrypt | Service::Decrypt => sealing(module, key, service),
        Service::Wrap | Service::Unwrap => wrapping(module, key, spec, service),
        Service::Mac | Service::VerifyMac => codes(module, key, service),
        Service::Derive => {
            let spec = KeySpec::Aes256;
            vec![word(
                module,
                Operation::DeriveKey {
                    key,
                    info: b"info",
                    spec,
                },
            )]
        }
        Service::Sign | Service::Verify => signatures(module, spec, key, service),
        Service::Agree => vec![agreement_alone(spec)],
        Service::Encapsulate | Service::Decapsulate => encapsulation(module, key, spec, service),
    }
}

fn sealing(module: &AwsLcModule, key: KeyHandle, service: Service) -> Vec<Indicator> {
    let mut sealed = Vec::new();
    let (aad, plaintext, out) = (&b"aad"[..], &b"text"[..], &mut sealed);
    let sealing = word(
        module,
        Operation::Encrypt {
            key,
            aad,
            plaintext,
            out,
        },
    );
    let opening = word(
        module,
        Operation::Decrypt {
            key,
            aad,
            sealed: &sealed,
        },
    );
    vec![if service == Service::Encrypt {
        sealing
    } else {
        opening
    }]
}

fn wrapping(
    module: &AwsLcModule,
    key: KeyHandle,
    spec: KeySpec,
    service: Service,
) -> Vec<Indicator> {
    let (blob, wrapping) = run(module, Operation::WrapKey { kek: key, key });
    let blob = bytes_of(blob);
    let unwrapping = word(
        module,
        Operation::UnwrapKey {
            kek: key,
            blob: &blob,
            spec,
        },
    );
    vec![if service == Service::Wrap {
        wrapping
    } else {
        unwrapping
    }]
}

fn codes(module: &AwsLcModule, key: KeyHandle, service: Service) -> Vec<Indicator> {
    let parts: &[&[u8]] = &[b"m"];
    let (mac, making) = run(module, Operation::Mac { key, parts });
    let mac = bytes_of(mac);
    let checking = word(
        module,
        Operation::VerifyMac {
            key,
            parts,
            mac: &mac,
        },
    );
    vec![if service == Service::Mac {
        making
    } else {
        checking
    }]
}

fn encapsulation(
    module: &AwsLcModule,
    key: KeyHandle,
    spec: KeySpec,
    service: Service,
) -> Vec<Indicator> {
    let public = bytes_of(run(module, Operation::PublicKey { key }).0);
    let (output, sending) = run(
        module,
        Operation::Encapsulate {
            spec,
            public: &public,
        },
    );
    let Output::Encapsulated { ciphertext, .. } = output else {
        panic!("not an encapsulation")
    };
    let receiving = word(
        module,
        Operation::Decapsulate {
            key,
            ciphertext: &ciphertext,
        },
    );
    vec![if service == Service::Encapsulate {
        sending
    } else {
        receiving
    }]
}

/// Under every scheme. Verification here is of good signatures, where the indicator speaks for itself.
fn signatures(
    module: &AwsLcModule,
    spec: KeySpec,
    key: KeyHandle,
    service: Service,
) -> Vec<Indicator> {
    let public = bytes_of(run(module, Operation::PublicKey { key }).0);
    let mut seen = Vec::new();
    for scheme in SignatureScheme::of(spec) {
        let (scheme, message) = (*scheme, &b"message"[..]);
        let (signature, signing) = run(
            module,
            Operation::Sign {
                key,
                scheme,
                message,
            },
        );
        let signature = bytes_of(signature);
        let (public, signature) = (&public[..], &signature[..]);
        let operation = Operation::Verify {
            spec,
            public,
            scheme,
            message,
            signature,
        };
        let (verdict, verifying) = run(module, operation);
        assert!(matches!(verdict, Output::Verdict(true)));
        seen.push(if service == Service::Sign {
            signing
        } else {
            verifying
        });
    }
    seen
}

/// The raw indicator of the agreement: the port already reports the lesser of indicator and policy.
fn agreement_alone(spec: KeySpec) -> Indicator {
    let algorithm = match spec {
        KeySpec::EcP256 => &ECDSA_P256_SHA256_ASN1_SIGNING,
        KeySpec::EcP384 => &aws_lc_rs::signature::ECDSA_P384_SHA384_ASN1_SIGNING,
        _ => &aws_lc_rs::signature::ECDSA_P521_SHA512_ASN1_SIGNING,
    };
    use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
    use aws_lc_rs::signature::KeyPair;
    let pair = EcdsaKeyPair::generate(algorithm).expect("a pair");
    let private = pair.to_pkcs8v1().expect("an encoding");
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("an encoding");
    let mut shared = [0; crate::shim::SHARED_MAX];
    let (done, approved) =
        bracket(|| crate::shim::ecdh(private.as_ref(), public.as_ref(), &mut shared));
    assert!(done.is_some());
    said(approved)
}

fn one_step() -> Indicator {
    use aws_lc_rs::kdf::{SskdfDigestAlgorithmId, get_sskdf_digest_algorithm, sskdf_digest};
    let algorithm = get_sskdf_digest_algorithm(SskdfDigestAlgorithmId::Sha256).expect("offered");
    let mut out = [0; 32];
    let (done, approved) = bracket(|| sskdf_digest(algorithm, &[1; 32], b"info", &mut out));
    done.expect("the kdf works");
    said(approved)
}

fn seal_with_own_iv(key: LessSafeKey) -> bool {
    let nonce = Nonce::assume_unique_for_key([1; 12]);
    let mut text = b"text".to_vec();
    let (done, approved) = bracket(|| key.seal_in_place_append_tag(nonce, Aad::empty(), &mut text));
    done.expect("the cipher works");
    approved
}

fn not_offered(what: NotOffered) -> bool {
    let less_safe =
        |algorithm, key: &[u8]| LessSafeKey::new(UnboundKey::new(algorithm, key).expect("a key"));
    match what {
        NotOffered::GcmCallerIv => seal_with_own_iv(less_safe(&AES_256_GCM, &[1; 32])),
        NotOffered::Gcm192 => seal_with_own_iv(less_safe(&AES_192_GCM, &[1; 24])),
        NotOffered::ChaCha20Poly1305 => seal_with_own_iv(less_safe(&CHACHA20_POLY1305, &[1; 32])),
        NotOffered::GcmSiv => seal_with_own_iv(less_safe(&AES_256_GCM_SIV, &[1; 32])),
        NotOffered::RsaOaep | NotOffered::RsaPkcs1Encryption => rsa_encryption(what),
        NotOffered::RsaDigest => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a pair");
            let mut signature = vec![0; pair.public_modulus_len()];
            let hash = digest(&SHA256, b"message");
            let (done, approved) =
                bracket(|| pair.sign_digest(&RSA_PKCS1_SHA256, &hash, &mut signature));
            done.expect("a signature");
            approved
        }
        NotOffered::EcdsaDigest => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a pair");
            let hash = digest(&SHA256, b"message");
            let (done, approved) = bracket(|| pair.sign_digest(&hash));
            done.expect("a signature");
            approved
        }
        NotOffered::Secp256k1 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256K1_SHA256_ASN1_SIGNING).expect("a pair");
            let (done, approved) = bracket(|| pair.sign(&SystemRandom::new(), b"m"));
            done.expect("a signature");
            approved
        }
        NotOffered::X25519 => x25519(),
        NotOffered::HkdfEmptySalt => hkdf_with(&[], b"info"),
        NotOffered::HkdfEmptyInfo => hkdf_with(&[1; 32], b""),
        NotOffered::TlsPrfWithoutEms => {
            let secret = tls_prf::Secret::new(&tls_prf::P_SHA256, &[1; 48]).expect("a secret");
            let (done, approved) = bracket(|| secret.derive(b"master secret", b"seed", 48));
            done.expect("a secret");
            approved
        }
        NotOffered::Cmac192 => {
            let key = cmac::Key::new(cmac::AES_192, &[1; 24]).expect("a key");
            let (done, approved) = bracket(|| cmac::sign(&key, b"m"));
            done.expect("a code");
            approved
        }
    }
}

fn rsa_encryption(what: NotOffered) -> bool {
    let public = PrivateDecryptingKey::generate(KeySize::Rsa2048)
        .expect("a pair")
        .public_key();
    let mut out = [0; 256];
    let (done, approved) = if what == NotOffered::RsaOaep {
        let key = OaepPublicEncryptingKey::new(public).expect("a key");
        bracket(|| {
            key.encrypt(&OAEP_SHA256_MGF1SHA256, b"m", &mut out, None)
                .is_ok()
        })
    } else {
        let key = Pkcs1PublicEncryptingKey::new(public).expect("a key");
        bracket(|| key.encrypt(b"m", &mut out).is_ok())
    };
    assert!(done);
    approved
}

fn x25519() -> bool {
    let pair = agreement::PrivateKey::generate(&agreement::X25519).expect("a pair");
    let peer = agreement::PrivateKey::generate(&agreement::X25519).expect("a pair");
    let peer = peer.compute_public_key().expect("a public key");
    let peer = agreement::UnparsedPublicKey::new(&agreement::X25519, peer.as_ref());
    let (done, approved) = bracket(|| agreement::agree(&pair, peer, (), |_| Ok(())));
    done.expect("an agreement");
    approved
}

fn hkdf_with(salt: &[u8], info: &[u8]) -> bool {
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(&[1; 32]);
    let info = [info];
    let okm = prk.expand(&info, hkdf::HKDF_SHA256).expect("a length");
    let mut out = [0; 32];
    let (done, approved) = bracket(|| okm.fill(&mut out));
    done.expect("a key");
    approved
}

#[test]
fn every_row_says_what_the_indicator_says_and_explains_where_the_policy_differs() {
    let module = AwsLcModule::start(Config::default()).expect("the certified module is linked");
    let mut wrong = Vec::new();
    let mut differences = Vec::new();
    for row in ROWS {
        for seen in observe(&module, row.subject) {
            if seen != row.indicator {
                wrong.push(format!("{:?}: the indicator says {seen:?}", row.subject));
            }
        }
        match (row.indicator == row.policy, row.difference) {
            (false, Some(why)) => differences.push(format!("{:?}: {why}", row.subject)),
            (false, None) => wrong.push(format!("{:?}: unexplained difference", row.subject)),
            (true, Some(_)) => wrong.push(format!("{:?}: stale explanation", row.subject)),
            (true, None) => {}
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // The list is part of the documentation: docs/cryptography.md names each of these.
    assert_eq!(differences.len(), 5, "{differences:#?}");
}

#[test]
fn the_policy_function_says_what_the_rows_say() {
    for row in ROWS {
        if let Subject::Key(spec, service) = row.subject {
            assert_eq!(policy(spec, service), row.policy, "{:?}", row.subject);
        }
    }
}

#[test]
fn no_subject_has_two_rows_and_every_row_names_its_source() {
    let mut seen = BTreeSet::new();
    for row in ROWS {
        assert!(
            seen.insert(format!("{:?}", row.subject)),
            "{:?}",
            row.subject
        );
        assert!(!row.source.is_empty());
    }
}

/// The purposes of the core are what the module must serve; a row is missing if a purpose has no service here.
#[test]
fn every_service_of_every_purpose_has_a_row() {
    let services = [
        Service::Generate,
        Service::Encrypt,
        Service::Decrypt,
        Service::Sign,
        Service::Verify,
        Service::Mac,
        Service::VerifyMac,
        Service::Wrap,
        Service::Unwrap,
        Service::Derive,
        Service::Agree,
        Service::Encapsulate,
        Service::Decapsulate,
    ];
    for spec in KeySpec::ALL {
        // Not in this module version.
        if matches!(spec, KeySpec::MlDsa44 | KeySpec::MlDsa65 | KeySpec::MlDsa87) {
            continue;
        }
        for service in services {
            let needed = service == Service::Generate
                || spec
                    .purposes()
                    .iter()
                    .any(|purpose| purpose.permits(service));
            let row = ROWS
                .iter()
                .any(|row| row.subject.key_service() == Some((spec, service)));
            // AES-256 derives as well: the ring key does, under the engine's own permit.
            let custody = spec == KeySpec::Aes256 && service == Service::Derive;
            assert_eq!(row, needed || custody, "{spec:?} {service:?}");
        }
    }
}
