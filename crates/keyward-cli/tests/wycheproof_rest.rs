//! The Wycheproof vectors of every signature algorithm, through the real server: REST, engine, log, module.
//!
//! Signatures are verified with the vectors' own public keys (`verify-external`). Vectors for secret and private keys need
//! those keys imported; through the module's port all of them run (`keyward-module-awslc/tests/wycheproof.rs`).
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[path = "cli/world.rs"]
#[allow(dead_code, reason = "each test file uses its own part")]
mod world;

use keyward_client::{Blocking, ClientError, Credential, Settings};
use keyward_core::ErrorCode;
use keyward_core::algorithm::{KeySpec, SignatureScheme};
use keyward_core::command::{RealmRef, VerifyExternal};
use keyward_core::name::Name;
use keyward_core::secret::Secret;
use wycheproof::{HashFunction, TestResult};

use world::World;

struct Rig {
    client: Blocking,
    _world: World,
}

impl Rig {
    fn start() -> Self {
        let world = World::with_people();
        let context = world.good(&["context", "list", "--json"]);
        let context: serde_json::Value = serde_json::from_str(&context).unwrap();
        let context = &context["contexts"]["default"];
        let ca = context["ca"].as_str().unwrap();
        let anchors = keyward_tls::Anchors::from_pem_file(ca.as_ref()).unwrap();
        let token = std::fs::read_to_string(world.path("billing.token")).unwrap();
        let credential = Credential::Token(Secret::new(token.trim().as_bytes().to_vec()));
        let server = context["server"].as_str().unwrap();
        let settings = Settings::new(server, anchors, credential).unwrap();
        Self {
            client: Blocking::new(settings).unwrap(),
            _world: world,
        }
    }

    /// Whether it verifies, or the refusal's code.
    fn verify(
        &self,
        spec: KeySpec,
        scheme: SignatureScheme,
        public: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, ErrorCode> {
        let command = VerifyExternal {
            realm: RealmRef::Name(Name::new("shop").unwrap()),
            spec,
            scheme: Some(scheme),
            public: public.to_vec(),
            message: Secret::new(message.to_vec()),
            signature: signature.to_vec(),
        };
        match self
            .client
            .run(async |client| client.verify_external(command).await)
        {
            Ok(verified) => Ok(verified.valid),
            Err(ClientError::Refused(refusal)) => match refusal.known() {
                Some(ErrorCode::SignatureInvalid) => Ok(false),
                Some(code) => Err(code),
                None => panic!("{refusal:?}"),
            },
            Err(other) => panic!("{other}"),
        }
    }
}

fn rsa(bits: usize) -> KeySpec {
    match bits {
        2048 => KeySpec::Rsa2048,
        3072 => KeySpec::Rsa3072,
        _ => KeySpec::Rsa4096,
    }
}

#[test]
fn ecdsa_and_ed25519_over_rest_accept_what_is_good_and_nothing_else() {
    let rig = Rig::start();
    let mut ran = 0;
    {
        use wycheproof::ecdsa::{TestName, TestSet};
        for (name, spec) in [
            (TestName::EcdsaSecp256r1Sha256, KeySpec::EcP256),
            (TestName::EcdsaSecp384r1Sha384, KeySpec::EcP384),
            (TestName::EcdsaSecp521r1Sha512, KeySpec::EcP521),
        ] {
            for group in TestSet::load(name).unwrap().test_groups {
                for test in group.tests {
                    ran += 1;
                    let found = rig.verify(
                        spec,
                        SignatureScheme::Ecdsa,
                        &group.der,
                        &test.msg,
                        &test.sig,
                    );
                    assert_eq!(
                        found,
                        Ok(test.result == TestResult::Valid),
                        "{spec:?} {}",
                        test.tc_id
                    );
                }
            }
        }
    }
    {
        use wycheproof::eddsa::{TestName, TestSet};
        for group in TestSet::load(TestName::Ed25519).unwrap().test_groups {
            for test in group.tests {
                ran += 1;
                let (spec, scheme) = (KeySpec::Ed25519, SignatureScheme::Ed25519);
                let found = rig.verify(spec, scheme, &group.der, &test.msg, &test.sig);
                assert_eq!(
                    found,
                    Ok(test.result == TestResult::Valid),
                    "{}",
                    test.tc_id
                );
            }
        }
    }
    assert!(ran >= 1550, "{ran}");
}

#[test]
fn rsa_over_rest_accepts_what_is_good_and_nothing_else() {
    let rig = Rig::start();
    let mut ran = 0;
    {
        use wycheproof::rsa_pkcs1_verify::{TestFlag, TestName, TestSet};
        for name in [
            TestName::Rsa2048Sha256,
            TestName::Rsa2048Sha512,
            TestName::Rsa3072Sha384,
            TestName::Rsa4096Sha512,
        ] {
            for group in TestSet::load(name).unwrap().test_groups {
                let scheme = match group.hash {
                    HashFunction::Sha2_256 => SignatureScheme::RsaPkcs1Sha256,
                    HashFunction::Sha2_384 => SignatureScheme::RsaPkcs1Sha384,
                    _ => SignatureScheme::RsaPkcs1Sha512,
                };
                for test in group.tests {
                    ran += 1;
                    let spec = rsa(group.key_size);
                    let found = rig.verify(spec, scheme, &group.der, &test.msg, &test.sig);
                    let expected = if test.flags.contains(&TestFlag::SmallPublicKey) {
                        // An exponent of 3: FIPS 186-5 does not allow it.
                        Err(ErrorCode::PublicKeyInvalid)
                    } else {
                        Ok(test.result == TestResult::Valid)
                    };
                    assert_eq!(found, expected, "{name:?} {}", test.tc_id);
                }
            }
        }
    }
    {
        use wycheproof::rsa_pss_verify::{TestName, TestSet};
        for (name, scheme) in [
            (
                TestName::RsaPss2048Sha256Mgf1SaltLen32,
                SignatureScheme::RsaPssSha256,
            ),
            (
                TestName::RsaPss3072Sha256Mgf1SaltLen32,
                SignatureScheme::RsaPssSha256,
            ),
            (
                TestName::RsaPss4096Sha512Mgf1SaltLen64,
                SignatureScheme::RsaPssSha512,
            ),
        ] {
            for group in TestSet::load(name).unwrap().test_groups {
                for test in group.tests {
                    ran += 1;
                    let spec = rsa(group.key_size);
                    let found = rig.verify(spec, scheme, &group.der, &test.msg, &test.sig);
                    assert_eq!(
                        found,
                        Ok(test.result == TestResult::Valid),
                        "{name:?} {}",
                        test.tc_id
                    );
                }
            }
        }
    }
    assert!(ran >= 1200, "{ran}");
}
