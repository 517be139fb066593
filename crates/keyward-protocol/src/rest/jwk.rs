//! A public key as JSON Web Key (RFC 7517, 7518 §6, 8037), read out of its `SubjectPublicKeyInfo`.
use keyward_core::algorithm::KeySpec;

/// The members in the order in which they are shown; none for kinds that have no registered form, or for bytes that are
/// no such key.
pub(super) fn members(spec: KeySpec, der: &[u8]) -> Option<Vec<(&'static str, String)>> {
    let key = subject_public_key(der)?;
    let curve = |name: &str, field: usize| {
        let (x, y) = key.strip_prefix(&[4])?.split_at_checked(field)?;
        (y.len() == field).then(|| {
            vec![
                ("kty", "EC".to_owned()),
                ("crv", name.to_owned()),
                ("x", encoded(x)),
                ("y", encoded(y)),
            ]
        })
    };
    match spec {
        KeySpec::EcP256 => curve("P-256", 32),
        KeySpec::EcP384 => curve("P-384", 48),
        KeySpec::EcP521 => curve("P-521", 66),
        KeySpec::Ed25519 if key.len() == 32 => Some(vec![
            ("kty", "OKP".to_owned()),
            ("crv", "Ed25519".to_owned()),
            ("x", encoded(key)),
        ]),
        KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => {
            let (numbers, _) = element(0x30, key)?;
            let (modulus, rest) = element(0x02, numbers)?;
            let (exponent, _) = element(0x02, rest)?;
            Some(vec![
                ("kty", "RSA".to_owned()),
                ("n", encoded(unsigned(modulus))),
                ("e", encoded(unsigned(exponent))),
            ])
        }
        _ => None,
    }
}

fn encoded(bytes: &[u8]) -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// Without the zero that keeps a DER INTEGER positive.
fn unsigned(bytes: &[u8]) -> &[u8] {
    match bytes {
        [0, rest @ ..] if !rest.is_empty() => rest,
        other => other,
    }
}

fn subject_public_key(der: &[u8]) -> Option<&[u8]> {
    let (info, _) = element(0x30, der)?;
    let (_, rest) = element(0x30, info)?;
    let (bits, _) = element(0x03, rest)?;
    bits.strip_prefix(&[0])
}

/// The contents of the first element, which must have this tag, and what follows it.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match *length {
        short @ 0..=0x7f => (usize::from(short), rest),
        0x81 => {
            let (one, rest) = rest.split_first()?;
            (usize::from(*one), rest)
        }
        0x82 => {
            let (two, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*two)), rest)
        }
        _ => return None,
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    (*first == tag).then_some((contents, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_rfc_8037_is_shown_as_there() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let raw = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(x).unwrap();
        let start = [
            0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0,
        ];
        let der = [&start[..], &raw].concat();
        let shown = members(KeySpec::Ed25519, &der).unwrap();
        assert_eq!(shown[2], ("x", x.to_owned()));
        for length in 0..der.len() {
            assert_eq!(members(KeySpec::Ed25519, &der[..length]), None, "{length}");
        }
        assert_eq!(members(KeySpec::MlKem512, &der), None);
    }
}
