//! Signatures over messages, never over digests: signing a caller's digest is not an approved service of this module.
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, RsaEncoding, UnparsedPublicKey, VerificationAlgorithm};
use keyward_core::algorithm::{KeySpec, Service, SignatureScheme};
use keyward_engine::permit::Permit;
use keyward_engine::ports::module::{Done, KeyHandle, ModuleFault, Output};

use crate::approvals;
use crate::material::{Pair, Prepared};
use crate::operate::give_bytes;
use crate::services::Services;
use crate::spki;
use crate::start::AwsLcModule;

impl AwsLcModule {
    pub(crate) fn sign(
        &self,
        permit: &Permit,
        key: KeyHandle,
        scheme: SignatureScheme,
        message: &[u8],
    ) -> Result<Done, ModuleFault> {
        let mut services = Services::new();
        let signature = self
            .find(key)?
            .with(|material| sign(&mut services, material.pair()?, scheme, message))?;
        give_bytes(permit, &services, signature)
    }
}

fn sign(
    services: &mut Services,
    pair: &Pair,
    scheme: SignatureScheme,
    message: &[u8],
) -> Result<Vec<u8>, ModuleFault> {
    let failed = |_| ModuleFault::Failed("signature");
    match (pair.prepared(), scheme) {
        (Prepared::Ec(pair), SignatureScheme::Ecdsa) => {
            let signature = services.run(|| pair.sign(&SystemRandom::new(), message));
            Ok(signature.map_err(failed)?.as_ref().to_vec())
        }
        (Prepared::Ed25519(pair), SignatureScheme::Ed25519) => {
            let signature = services.run(|| pair.try_sign(message));
            Ok(signature.map_err(failed)?.as_ref().to_vec())
        }
        (Prepared::Rsa(pair), scheme) => {
            let encoding = rsa_encoding(scheme).ok_or(ModuleFault::Unsupported)?;
            let mut signature = vec![0; pair.public_modulus_len()];
            services
                .run(|| pair.sign(encoding, &SystemRandom::new(), message, &mut signature))
                .map_err(failed)?;
            Ok(signature)
        }
        _ => Err(ModuleFault::Unsupported),
    }
}

/// Verifies with a public key that must be of exactly the kind named.
pub(crate) fn verify(
    permit: &Permit,
    spec: KeySpec,
    public: &[u8],
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> Result<Done, ModuleFault> {
    let algorithm = verification(spec, scheme).ok_or(ModuleFault::Unsupported)?;
    if !spki::matches(spec, public) {
        return Err(ModuleFault::Refused);
    }
    let key = UnparsedPublicKey::new(algorithm, public)
        .parse()
        .map_err(|_| ModuleFault::Refused)?;
    let mut services = Services::new();
    let rows_say = approvals::policy(spec, Service::Verify);
    let good = services.run_check(rows_say, || key.verify_sig(message, signature).is_ok());
    let indicator = services.conclude(permit)?;
    Ok(Done {
        output: Output::Verdict(good),
        indicator,
    })
}

fn rsa_encoding(scheme: SignatureScheme) -> Option<&'static dyn RsaEncoding> {
    Some(match scheme {
        SignatureScheme::RsaPssSha256 => &signature::RSA_PSS_SHA256,
        SignatureScheme::RsaPssSha384 => &signature::RSA_PSS_SHA384,
        SignatureScheme::RsaPssSha512 => &signature::RSA_PSS_SHA512,
        SignatureScheme::RsaPkcs1Sha256 => &signature::RSA_PKCS1_SHA256,
        SignatureScheme::RsaPkcs1Sha384 => &signature::RSA_PKCS1_SHA384,
        SignatureScheme::RsaPkcs1Sha512 => &signature::RSA_PKCS1_SHA512,
        SignatureScheme::Ecdsa | SignatureScheme::Ed25519 | SignatureScheme::MlDsa => return None,
    })
}

fn verification(
    spec: KeySpec,
    scheme: SignatureScheme,
) -> Option<&'static dyn VerificationAlgorithm> {
    let rsa = matches!(spec, KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096);
    Some(match (spec, scheme) {
        (KeySpec::EcP256, SignatureScheme::Ecdsa) => &signature::ECDSA_P256_SHA256_ASN1,
        (KeySpec::EcP384, SignatureScheme::Ecdsa) => &signature::ECDSA_P384_SHA384_ASN1,
        (KeySpec::EcP521, SignatureScheme::Ecdsa) => &signature::ECDSA_P521_SHA512_ASN1,
        (KeySpec::Ed25519, SignatureScheme::Ed25519) => &signature::ED25519,
        (_, SignatureScheme::RsaPssSha256) if rsa => &signature::RSA_PSS_2048_8192_SHA256,
        (_, SignatureScheme::RsaPssSha384) if rsa => &signature::RSA_PSS_2048_8192_SHA384,
        (_, SignatureScheme::RsaPssSha512) if rsa => &signature::RSA_PSS_2048_8192_SHA512,
        (_, SignatureScheme::RsaPkcs1Sha256) if rsa => &signature::RSA_PKCS1_2048_8192_SHA256,
        (_, SignatureScheme::RsaPkcs1Sha384) if rsa => &signature::RSA_PKCS1_2048_8192_SHA384,
        (_, SignatureScheme::RsaPkcs1Sha512) if rsa => &signature::RSA_PKCS1_2048_8192_SHA512,
        _ => return None,
    })
}
