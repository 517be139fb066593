//! One certificate out of PEM (RFC 7468): only the envelope; what is inside is read by whoever validates it.
use keyward_core::Problem;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The DER of every certificate in a text, one after the other.
pub(super) fn chain(text: &str) -> Result<Vec<u8>, Problem> {
    let refuse = |reason: &str| Problem::invalid_field("chain", reason);
    let mut all = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let (inner, after) = after
            .split_once(END)
            .ok_or_else(|| refuse("its PEM has no end line"))?;
        let base64: String = inner
            .chars()
            .filter(|character| !character.is_ascii_whitespace())
            .collect();
        let der = base64_simd::STANDARD
            .decode_to_vec(base64)
            .map_err(|_| refuse("its PEM is not valid base64"))?;
        all.extend(der);
        rest = after;
    }
    if all.is_empty() {
        Err(refuse("it must be certificates in PEM, the newest first"))
    } else {
        Ok(all)
    }
}

/// The DER of the only certificate in a text.
pub(super) fn certificate(text: &str) -> Result<Vec<u8>, Problem> {
    let refuse = |reason: &str| Problem::invalid_field("certificate", reason);
    let (_, rest) = text
        .split_once(BEGIN)
        .ok_or_else(|| refuse("it must be one certificate in PEM"))?;
    let (inner, after) = rest
        .split_once(END)
        .ok_or_else(|| refuse("its PEM has no end line"))?;
    if after.contains("-----BEGIN") {
        return Err(refuse("it must hold one certificate only"));
    }
    let base64: String = inner
        .chars()
        .filter(|character| !character.is_ascii_whitespace())
        .collect();
    let der = base64_simd::STANDARD
        .decode_to_vec(base64)
        .map_err(|_| refuse("its PEM is not valid base64"))?;
    if der.is_empty() {
        Err(refuse("its PEM is empty"))
    } else {
        Ok(der)
    }
}

/// A public key in PEM (RFC 7468 §13).
pub(super) fn public_key(der: &[u8]) -> String {
    let base64 = base64_simd::STANDARD.encode_to_string(der);
    let mut text = "-----BEGIN PUBLIC KEY-----\n".to_owned();
    for (place, character) in base64.chars().enumerate() {
        if place > 0 && place.is_multiple_of(64) {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str("\n-----END PUBLIC KEY-----\n");
    text
}
