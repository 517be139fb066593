//! Standard base64 with padding (RFC 4648 §4), strict: one text for each value and one value for
//! each text.
//!
//! Strictness matters here: a note that two parsers can write differently would let a relay alter
//! what was signed over in ways a byte comparison does not see.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "positions within groups of four; letters and digits minus the first of their range"
)]

use alloc::{string::String, vec::Vec};

use super::hash::Hash;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PAD: u8 = b'=';

/// Encodes with padding.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3).saturating_mul(4));
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            text.push(if at <= chunk.len() {
                symbol(group >> (18 - 6 * at))
            } else {
                char::from(PAD)
            });
        }
    }
    text
}

/// Decodes; `None` for a wrong length, a foreign character, misplaced padding or padding bits that
/// are not zero.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let symbols = text.as_bytes();
    if !symbols.len().is_multiple_of(4) {
        return None;
    }
    let padding = symbols
        .iter()
        .rev()
        .take_while(|symbol| **symbol == PAD)
        .count();
    if padding > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(symbols.len() / 4 * 3);
    for chunk in symbols
        .get(..symbols.len().checked_sub(padding)?)?
        .chunks(4)
    {
        let mut group = 0u32;
        for at in 0..4 {
            group = group << 6 | chunk.get(at).map_or(Some(0), |symbol| value(*symbol))?;
        }
        let [_, first, second, third] = group.to_be_bytes();
        match chunk.len() {
            4 => bytes.extend([first, second, third]),
            3 if third == 0 => bytes.extend([first, second]),
            2 if second == 0 && third == 0 => bytes.push(first),
            _ => return None,
        }
    }
    Some(bytes)
}

/// Decodes exactly one hash.
pub(super) fn decode_hash(text: &str) -> Option<Hash> {
    let bytes: [u8; Hash::BYTES] = decode(text)?.try_into().ok()?;
    Some(Hash::from(bytes))
}

/// The character for the low six bits.
fn symbol(bits: u32) -> char {
    ALPHABET
        .get((bits & 0x3f) as usize)
        .copied()
        .map_or('A', char::from)
}

/// The six bits of one character.
fn value(symbol: u8) -> Option<u32> {
    let bits = match symbol {
        b'A'..=b'Z' => symbol - b'A',
        b'a'..=b'z' => symbol - b'a' + 26,
        b'0'..=b'9' => symbol - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(bits))
}

#[cfg(test)]
mod tests {
    use super::{decode, decode_hash, encode};
    use alloc::{string::String, vec::Vec};

    /// RFC 4648 §10.
    const VECTORS: [(&str, &str); 7] = [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ];

    #[test]
    fn rfc_4648_vectors_encode_and_decode() {
        for (plain, text) in VECTORS {
            assert_eq!(encode(plain.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(plain.as_bytes()));
        }
    }

    #[test]
    fn every_byte_value_survives_at_every_position() {
        let all: Vec<u8> = (0..=255).collect();
        for start in 0..4 {
            assert_eq!(
                decode(&encode(&all[start..])).as_deref(),
                Some(&all[start..])
            );
        }
    }

    #[test]
    fn only_one_text_decodes_to_a_value() {
        // Every text of four characters from an alphabet with the interesting ones either fails or is what encoding gives.
        let interesting = [
            'A', 'B', 'Q', 'g', 'h', 'w', '/', '+', '9', '=', '-', '_', ' ', '\n',
        ];
        for a in interesting {
            for b in interesting {
                for c in interesting {
                    for d in interesting {
                        let text: String = [a, b, c, d].into_iter().collect();
                        if let Some(bytes) = decode(&text) {
                            assert_eq!(encode(&bytes), text);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn malformed_texts_are_refused() {
        for text in [
            "Z", "Zg", "Zg=", "Zg===", "=", "====", "Z===", "Zm8=Zm8=", "Zh==", "Zm9=", "Zm9v\n",
            "Zm 9v", "é===",
        ] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_hash_has_exactly_32_bytes() {
        assert!(decode_hash(&encode(&[7; 32])).is_some());
        assert!(decode_hash(&encode(&[7; 31])).is_none());
        assert!(decode_hash(&encode(&[7; 33])).is_none());
    }
}
