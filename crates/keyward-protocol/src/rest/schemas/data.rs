//! Answers of commands that use keys.
use keyward_core::algorithm::SignatureScheme;
use serde_json::{Value, json};

use super::{list_of, object, reference, whole};

/// What one item of a batch came to: its result, or why there is none.
fn batch(members: &[(&str, Value)], with_scheme: bool) -> Value {
    let mut item = members.to_vec();
    item.push(("version?", whole()));
    item.push(("error?", reference("ItemError")));
    let mut all = vec![("key", reference("Id")), ("items", list_of(&object(&item)))];
    if with_scheme {
        all.push(("scheme", reference("SignatureScheme")));
    }
    object(&all)
}

pub(super) fn schemas() -> Value {
    let of_key =
        |first: (&'static str, Value)| vec![first, ("key", reference("Id")), ("version", whole())];
    let valid = || json!({ "type": "boolean", "description": "Always true; what does not verify is refused." });
    let scheme = ("scheme", reference("SignatureScheme"));
    let mut signature = of_key(("signature", reference("Base64")));
    signature.push(scheme.clone());
    let mut verified = of_key(("valid", valid()));
    verified.push(scheme);
    let schemes: Vec<&str> = SignatureScheme::ALL
        .iter()
        .map(|one| one.as_str())
        .collect();
    json!({
        "SignatureScheme": { "type": "string", "enum": schemes },
        "Signature": object(&signature),
        "Verified": object(&verified),
        "Mac": object(&of_key(("mac", reference("Base64")))),
        "VerifiedMac": object(&of_key(("valid", valid()))),
        "ItemError": object(&[
            ("code", reference("ErrorCode")), ("detail", json!({ "type": "string" })),
            ("params", json!({ "type": "object", "additionalProperties": { "type": "string" } })),
        ]),
        "CiphertextBatch": batch(&[("ciphertext?", reference("Base64"))], false),
        "PlaintextBatch": batch(&[("plaintext?", reference("Base64"))], false),
        "SignatureBatch": batch(&[("signature?", reference("Base64"))], true),
        "VerifiedBatch": batch(&[("valid?", valid())], true),
        "MacBatch": batch(&[("mac?", reference("Base64"))], false),
    })
}
