//! Answers with key material, keys made from keys, and what needs no key.
use keyward_core::algorithm::HashAlgorithm;
use serde_json::{Value, json};

use super::{object, reference, whole};

pub(super) fn schemas() -> Value {
    let of_key = |members: &[(&'static str, Value)]| {
        let mut all = members.to_vec();
        all.push(("key", reference("Id")));
        all.push(("version", whole()));
        object(&all)
    };
    let base64 = || reference("Base64");
    let hashes: Vec<&str> = HashAlgorithm::ALL.iter().map(|one| one.as_str()).collect();
    let text = || json!({ "type": "string" });
    json!({
        "HashAlgorithm": { "type": "string", "enum": hashes },
        "DataKey": of_key(&[
            ("plaintext?", json!({ "$ref": "#/components/schemas/Base64", "description": "The key itself; shown once." })),
            ("ciphertext", json!({ "$ref": "#/components/schemas/Base64", "description": "The same under the key; decrypt gives it back." })),
            ("spec", reference("KeySpec")),
        ]),
        "DataKeyPair": of_key(&[
            ("public_key", json!({ "$ref": "#/components/schemas/Base64", "description": "SubjectPublicKeyInfo, DER." })),
            ("wrapped_private_key", json!({ "$ref": "#/components/schemas/Base64", "description": "AES-KWP of the private key; unwrap gives PKCS #8." })),
            ("spec", reference("KeySpec")),
        ]),
        "Wrapped": of_key(&[("wrapped", base64())]),
        "Unwrapped": of_key(&[("material", base64())]),
        "Encapsulated": object(&[("ciphertext", base64()), ("new_key", reference("Key"))]),
        "VerifiedExternal": object(&[
            ("valid", json!({ "type": "boolean", "description": "Always true; what does not verify is refused." })),
            ("scheme", reference("SignatureScheme")),
        ]),
        "Random": object(&[("bytes", base64())]),
        "HashValue": object(&[
            ("algorithm", reference("HashAlgorithm")),
            ("digest", json!({ "type": "string", "description": "Hexadecimal." })),
        ]),
        "PublicKey": of_key(&[
            ("spec", reference("KeySpec")),
            ("der", json!({ "$ref": "#/components/schemas/Base64", "description": "SubjectPublicKeyInfo." })),
            ("pem", text()),
            ("jwk?", object(&[
                ("kty", text()), ("crv?", text()), ("x?", text()), ("y?", text()), ("n?", text()), ("e?", text()),
            ])),
        ]),
    })
}
