//! JOSE: JSON Web Keys and key sets, and the header of JSON Web Tokens.

use serde_json::Value;

use super::Scan;
use super::keys::{self, PublicPart};
use super::ssh::line_of;
use crate::finding::{Algorithm, Finding, Kind, Severity, fingerprint};

/// Longest JSON object a key may be.
const MAX_OBJECT: usize = 64 << 10;

/// Decodes base64url without padding.
fn base64url(text: &str) -> Option<Vec<u8>> {
    base64_simd::URL_SAFE_NO_PAD
        .decode_to_vec(text.trim_end_matches('=').as_bytes())
        .ok()
}

/// Reads the JWK around `"kty"` at `start`.
pub fn key(scan: &mut Scan<'_>, data: &[u8], start: usize, base: u64) -> Option<usize> {
    let floor = start.saturating_sub(MAX_OBJECT);
    let mut open = start;
    for _ in 0..64 {
        open = floor + memchr::memrchr(b'{', data.get(floor..open)?)?;
        let window = data.get(open..data.len().min(open + MAX_OBJECT))?;
        let mut stream = serde_json::Deserializer::from_slice(window).into_iter::<Value>();
        let Some(Ok(value)) = stream.next() else {
            continue;
        };
        let end = open + stream.byte_offset();
        if end <= start || value.get("kty").is_none() {
            continue;
        }
        let found = jwk(&value)?;
        scan.report(found.at(base + open as u64).line(line_of(data, open)));
        return Some(start + 5);
    }
    None
}

/// A JWK object.
pub fn jwk(value: &Value) -> Option<Finding> {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let bytes = |name: &str| text(name).and_then(base64url);
    let private = value.get("d").is_some() || value.get("priv").is_some();
    let part = match text("kty")? {
        "RSA" => keys::rsa_part(&bytes("n").filter(|n| n.len() >= 32)?, &bytes("e")?),
        "EC" => {
            let (x, y) = (bytes("x")?, bytes("y")?);
            let (curve, bits) = crate::oid::curve_by_name(text("crv")?)?;
            let oid: &[u8] = match curve {
                "P-256" => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
                "P-384" => &[0x2b, 0x81, 0x04, 0x00, 0x22],
                "P-521" => &[0x2b, 0x81, 0x04, 0x00, 0x23],
                _ => &[0x2b, 0x81, 0x04, 0x00, 0x0a],
            };
            keys::ec_part(oid, curve, bits, &[vec![4], x, y].concat())
        }
        "OKP" => {
            let public = bytes("x")?;
            match text("crv")? {
                "Ed25519" => keys::edwards_part("Ed25519", 253, 112, &public),
                "X25519" => keys::edwards_part("X25519", 253, 110, &public),
                "Ed448" => keys::edwards_part("Ed448", 456, 113, &public),
                "X448" => keys::edwards_part("X448", 446, 111, &public),
                _ => return None,
            }
        }
        "AKP" => {
            let name = text("alg")?;
            let family = name.rsplit_once('-').map_or(name, |(family, _)| family);
            let mut algorithm = Algorithm::named(family);
            algorithm.curve = Some(name.to_owned());
            PublicPart {
                algorithm,
                modulus: None,
                exponent: None,
                fingerprint: fingerprint(&bytes("pub")?),
            }
        }
        "oct" => return octets(value, bytes("k")?.len()),
        _ => return None,
    };
    let what = if private { "private" } else { "public" };
    let kind = if private {
        Kind::PrivateKey
    } else {
        Kind::PublicKey
    };
    let display = part.algorithm.display();
    let mut finding = part
        .onto(Finding::new(
            kind,
            "jwk",
            format!("JSON Web Key, {display}, {what}"),
        ))
        .property_opt("key-id", text("kid"))
        .property_opt("jose-algorithm", text("alg"))
        .property_opt("jose-use", text("use"));
    if private {
        finding = finding.property("encrypted", "no");
    }
    Some(finding)
}

/// A symmetric JWK.
fn octets(value: &Value, length: usize) -> Option<Finding> {
    if length == 0 {
        return None;
    }
    let bits = u32::try_from(length.checked_mul(8)?).ok()?;
    let algorithm = value
        .get("alg")
        .and_then(Value::as_str)
        .unwrap_or("symmetric")
        .to_owned();
    let name = match algorithm.get(..1) {
        Some("A") => "AES",
        _ => "HMAC",
    };
    let mut finding = Finding::new(
        Kind::SecretKey,
        "jwk",
        format!("JSON Web Key, symmetric, {bits} bits, unencrypted"),
    )
    .algorithm(Algorithm::sized(name, bits))
    .property("encrypted", "no")
    .property("jose-algorithm", algorithm)
    .property_opt("key-id", value.get("kid").and_then(Value::as_str));
    if bits < 112 {
        finding.add_issue(
            "KA-KEY-SHORT",
            Severity::High,
            format!("symmetric key of {bits} bits; less than 112 is disallowed"),
            "SP 800-131A Rev. 2 §10",
        );
    }
    Some(finding)
}

/// A JSON Web Token: only its header is read.
pub fn token(scan: &mut Scan<'_>, data: &[u8], start: usize, base: u64) -> Option<usize> {
    let symbol = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    if start > 0
        && data
            .get(start - 1)
            .is_some_and(|byte| symbol(byte) || *byte == b'.')
    {
        return None;
    }
    let window = data.get(start..data.len().min(start + 16_384))?;
    let header_end = window.iter().position(|byte| !symbol(byte))?;
    if window.get(header_end) != Some(&b'.') || header_end > 4096 {
        return None;
    }
    let header = base64url(std::str::from_utf8(window.get(..header_end)?).ok()?)?;
    let header: Value = serde_json::from_slice(&header).ok()?;
    let algorithm = header.get("alg")?.as_str()?.to_owned();
    let end = window
        .iter()
        .position(|byte| !symbol(byte) && *byte != b'.')
        .unwrap_or(window.len());
    let parts = window.get(..end)?.split(|byte| *byte == b'.').count();
    if !matches!(parts, 3 | 5) {
        return None;
    }
    let (kind, format) = if parts == 5 {
        (Kind::EncryptedData, "jwe")
    } else {
        (Kind::SignedMessage, "jwt")
    };
    let name = match algorithm.get(..2) {
        Some("HS") => "HMAC",
        Some("RS" | "PS") => "RSA",
        Some("ES") => "ECDSA",
        Some("Ed") => "Ed25519",
        _ => algorithm.as_str(),
    };
    let mut finding = Finding::new(
        kind,
        format,
        format!("JSON Web Token, algorithm {algorithm}"),
    )
    .algorithm(Algorithm::named(name))
    .property("jose-algorithm", algorithm.clone())
    .property("identity", fingerprint(window.get(..end)?))
    .property_opt("jose-encryption", header.get("enc").and_then(Value::as_str));
    if algorithm.eq_ignore_ascii_case("none") {
        finding.add_issue(
            "KA-JWT-NONE",
            Severity::High,
            "unsigned token (algorithm 'none')",
            "RFC 8725 §3.2",
        );
    }
    scan.report(finding.at(base + start as u64).line(line_of(data, start)));
    Some(start + end)
}
