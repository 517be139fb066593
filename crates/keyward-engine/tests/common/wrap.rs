//! The other side of a transfer: what a client does with standard primitives.
#![allow(dead_code, reason = "each test file uses its own part")]
use aws_lc_rs::agreement::{self, ECDH_P384, EphemeralPrivateKey, UnparsedPublicKey};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::encoding::PublicKeyX509Der;
use aws_lc_rs::kdf::{SskdfDigestAlgorithmId, get_sskdf_digest_algorithm, sskdf_digest};
use aws_lc_rs::kem::{self, EncapsulationKey};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded as _};
use aws_lc_rs::rand::SystemRandom;
use keyward_core::command::{Transfer, TransferScheme};
use keyward_core::outcome::Outcome;

/// SP 800-56C one-step KDF with SHA-256.
pub fn one_step(shared: &[u8], info: &[u8]) -> [u8; 32] {
    let algorithm = get_sskdf_digest_algorithm(SskdfDigestAlgorithmId::Sha256).unwrap();
    let mut kek = [0; 32];
    sskdf_digest(algorithm, shared, info, &mut kek).unwrap();
    kek
}

pub fn kwp(kek: &[u8], plain: &[u8]) -> Vec<u8> {
    let kek = AesKek::new(&AES_256, kek).unwrap();
    let mut out = vec![0; plain.len() + 15];
    kek.wrap_with_padding(plain, &mut out).unwrap().to_vec()
}

pub fn unwrap_kwp(kek: &[u8], blob: &[u8]) -> Vec<u8> {
    let kek = AesKek::new(&AES_256, kek).unwrap();
    let mut out = vec![0; blob.len()];
    kek.unwrap_with_padding(blob, &mut out).unwrap().to_vec()
}

/// An ephemeral pair of the client's.
pub fn ephemeral() -> (EphemeralPrivateKey, Vec<u8>) {
    let private = EphemeralPrivateKey::generate(&ECDH_P384, &SystemRandom::new()).unwrap();
    let public = private.compute_public_key().unwrap();
    let der: PublicKeyX509Der<'_> = public.as_der().unwrap();
    let der = der.as_ref().to_vec();
    (private, der)
}

pub fn agreed(private: EphemeralPrivateKey, peer: &[u8], info: &[u8]) -> [u8; 32] {
    let peer = UnparsedPublicKey::new(&ECDH_P384, peer);
    agreement::agree_ephemeral(private, peer, (), |shared| Ok(one_step(shared, info))).unwrap()
}

/// Wraps for what `create-import-key` answered.
pub fn wrap_for(answer: &Outcome, material: &[u8]) -> Transfer {
    let Outcome::ImportKey {
        id,
        scheme,
        public,
        info,
        ..
    } = answer
    else {
        panic!("{answer:?}")
    };
    let (encapsulated, kek) = match scheme {
        TransferScheme::EcdhP384 => {
            let (private, own) = ephemeral();
            (own, agreed(private, public, info).to_vec())
        }
        TransferScheme::MlKem768 | TransferScheme::MlKem1024 => {
            let algorithm = if *scheme == TransferScheme::MlKem768 {
                &kem::ML_KEM_768
            } else {
                &kem::ML_KEM_1024
            };
            let key = EncapsulationKey::new(algorithm, public).unwrap();
            let (ciphertext, shared) = key.encapsulate().unwrap();
            (ciphertext.as_ref().to_vec(), shared.as_ref().to_vec())
        }
    };
    Transfer {
        import_key: *id,
        encapsulated,
        wrapped: kwp(&kek, material),
    }
}
