//! The chapter of what keys are used for.
use keyward_core::ciphertext::OVERHEAD_BYTES;
use keyward_core::limits::{BATCH_ITEMS_MAX, CONTEXT_MAX_BYTES, MESSAGE_MAX_BYTES};

use super::super::bodies::{DECRYPT, ENCRYPT};
use super::super::data::{
    DECRYPT_BATCH, ENCRYPT_BATCH, MAC, MAC_BATCH, SIGN, SIGN_BATCH, VERIFY, VERIFY_BATCH,
    VERIFY_MAC,
};
use super::super::material::{
    AGREE, DATA_KEY, DATA_KEY_PAIR, DECAPSULATE, DERIVE, ENCAPSULATE, HASH, PUBLIC_KEY, RANDOM,
    RE_ENCRYPT, UNWRAP, VERIFY_EXTERNAL, WRAP,
};
use super::super::spec::{RouteSpec, Success, get, post};
use super::Route;

/// The largest message and context in base64, and room for names.
const MESSAGE: usize =
    (MESSAGE_MAX_BYTES + OVERHEAD_BYTES + CONTEXT_MAX_BYTES).div_ceil(3) * 4 + 1024;

/// A batch holds no more bytes than one message; each of its items may need some more for names and padding.
const BATCH: usize = MESSAGE + BATCH_ITEMS_MAX * (OVERHEAD_BYTES * 4 / 3 + 256);

pub(super) const USE: &[RouteSpec] = &[
    post(
        Route::Encrypt,
        key_path!("encrypt"),
        Success::Json("Ciphertext"),
        "Encrypt under the key's current version.",
    )
    .takes(ENCRYPT)
    .up_to(MESSAGE),
    post(
        Route::Decrypt,
        key_path!("decrypt"),
        Success::Json("Plaintext"),
        "Decrypt what a version of the key encrypted; the ciphertext says which.",
    )
    .takes(DECRYPT)
    .up_to(MESSAGE),
    post(
        Route::Sign,
        key_path!("sign"),
        Success::Json("Signature"),
        "Sign a message with the key's current version.",
    )
    .takes(SIGN)
    .up_to(MESSAGE),
    post(
        Route::Verify,
        key_path!("verify"),
        Success::Json("Verified"),
        "Verify a signature; one that does not verify is refused with `signature_invalid`.",
    )
    .takes(VERIFY)
    .up_to(MESSAGE),
    post(
        Route::Mac,
        key_path!("mac"),
        Success::Json("Mac"),
        "Make a message authentication code (HMAC) with the key's current version.",
    )
    .takes(MAC)
    .up_to(MESSAGE),
    post(
        Route::VerifyMac,
        key_path!("verify-mac"),
        Success::Json("VerifiedMac"),
        "Check a message authentication code; one that does not fit is refused with `mac_invalid`.",
    )
    .takes(VERIFY_MAC)
    .up_to(MESSAGE),
    post(
        Route::EncryptBatch,
        key_path!("encrypt", "batch"),
        Success::Json("CiphertextBatch"),
        "Encrypt several items: one decision, one record, an answer for each item in its order.",
    )
    .takes(ENCRYPT_BATCH)
    .up_to(BATCH),
    post(
        Route::DecryptBatch,
        key_path!("decrypt", "batch"),
        Success::Json("PlaintextBatch"),
        "Decrypt several items; each ciphertext names its version.",
    )
    .takes(DECRYPT_BATCH)
    .up_to(BATCH),
    post(
        Route::SignBatch,
        key_path!("sign", "batch"),
        Success::Json("SignatureBatch"),
        "Sign several messages.",
    )
    .takes(SIGN_BATCH)
    .up_to(BATCH),
    post(
        Route::VerifyBatch,
        key_path!("verify", "batch"),
        Success::Json("VerifiedBatch"),
        "Verify several signatures.",
    )
    .takes(VERIFY_BATCH)
    .up_to(BATCH),
    post(
        Route::MacBatch,
        key_path!("mac", "batch"),
        Success::Json("MacBatch"),
        "Make message authentication codes for several messages.",
    )
    .takes(MAC_BATCH)
    .up_to(BATCH),
    post(
        Route::ReEncrypt,
        key_path!("re-encrypt"),
        Success::Json("Ciphertext"),
        "Decrypt and encrypt again, under another key or the newest version; the plaintext never leaves.",
    )
    .takes(RE_ENCRYPT)
    .up_to(MESSAGE),
    post(
        Route::GenerateDataKey,
        key_path!("data-key"),
        Success::Json("DataKey"),
        "Make a data key: in the clear, and encrypted under the key.",
    )
    .takes(DATA_KEY),
    post(
        Route::GenerateDataKeyWithoutPlaintext,
        key_path!("data-key-without-plaintext"),
        Success::Json("DataKey"),
        "Make a data key that is given encrypted only.",
    )
    .takes(DATA_KEY),
    post(
        Route::GenerateDataKeyPair,
        key_path!("data-key-pair"),
        Success::Json("DataKeyPair"),
        "Make a pair that is not kept: its public key, and its private key wrapped.",
    )
    .takes(DATA_KEY_PAIR),
    post(
        Route::Wrap,
        key_path!("wrap"),
        Success::Json("Wrapped"),
        "Wrap key material (AES-KWP, SP 800-38F).",
    )
    .takes(WRAP),
    post(
        Route::Unwrap,
        key_path!("unwrap"),
        Success::Json("Unwrapped"),
        "Unwrap key material.",
    )
    .takes(UNWRAP),
    post(
        Route::DeriveKey,
        key_path!("derive"),
        Success::Created("Key"),
        "Derive a key (SP 800-108) and keep it as an object of its own.",
    )
    .takes(DERIVE),
    post(
        Route::AgreeKey,
        key_path!("agree"),
        Success::Created("Key"),
        "Agree on a key (ECDH and the one-step KDF of SP 800-56C) and keep it; only with a key that has a non-approved exception.",
    )
    .takes(AGREE),
    post(
        Route::Encapsulate,
        key_path!("encapsulate"),
        Success::Created("Encapsulated"),
        "Encapsulate a shared key (ML-KEM, FIPS 203) and keep it.",
    )
    .takes(ENCAPSULATE),
    post(
        Route::Decapsulate,
        key_path!("decapsulate"),
        Success::Created("Key"),
        "Decapsulate a shared key and keep it.",
    )
    .takes(DECAPSULATE),
    get(
        Route::ExportPublicKey,
        key_path!("public-key"),
        Success::Json("PublicKey"),
        "Show the public key of a pair: DER, PEM, JSON Web Key.",
    )
    .asks(PUBLIC_KEY),
    post(
        Route::Random,
        &["v1", "realms", "{realm}", "random"],
        Success::Json("Random"),
        "Bytes from the module's generator.",
    )
    .takes(RANDOM),
    post(
        Route::Hash,
        &["v1", "realms", "{realm}", "hash"],
        Success::Json("HashValue"),
        "Hash a message in the module.",
    )
    .takes(HASH)
    .up_to(MESSAGE),
    post(
        Route::VerifyExternal,
        &["v1", "realms", "{realm}", "verify"],
        Success::Json("VerifiedExternal"),
        "Verify another party's signature with a public key that is not kept here.",
    )
    .takes(VERIFY_EXTERNAL)
    .up_to(MESSAGE),
];
