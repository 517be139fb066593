//! Verifier keys: who may have signed a note (c2sp.org/signed-note, "Verifier keys").
//!
//! `<name>+<key id, 8 hex digits>+<base64 of type byte and public key>`. The key id is a short
//! hint, not a digest to trust: trust comes from having been given the whole key.

use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::fmt;

use super::{base64, hash::Sha256, line::has_control};

/// Longest key name; c2sp.org/tlog-cosignature gives names one length byte.
const MAX_NAME_BYTES: usize = 255;

/// What a key signs and how (the signature type byte of c2sp.org/signed-note).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignatureType {
    /// `0x01`: Ed25519 over the note text; how a log signs its checkpoints.
    Ed25519,
    /// `0x04`: Ed25519 over a timestamp and the checkpoint; how a witness cosigns (cosignature/v1).
    CosignatureV1,
}

impl SignatureType {
    /// The assigned byte.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::CosignatureV1 => 0x04,
        }
    }

    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0x01 => Some(Self::Ed25519),
            0x04 => Some(Self::CosignatureV1),
            _ => None,
        }
    }
}

/// A named Ed25519 public key and what it signs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VerifierKey {
    name: String,
    id: u32,
    signs: SignatureType,
    public_key: [u8; 32],
}

/// Why something is not a verifier key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text is not `name+id+base64`.
    #[error("verifier key is malformed")]
    Malformed,
    /// The name is empty, too long, or has spaces, control characters or a plus sign.
    #[error("key name is not allowed")]
    Name,
    /// The signature type byte is not one of [`SignatureType`].
    #[error("signature type of the verifier key is not supported")]
    UnsupportedType,
    /// The key id is not that of this name, type and public key.
    #[error("key id does not belong to the verifier key")]
    WrongId,
    /// The public key is a point for which anyone can make signatures, or is not canonically
    /// encoded.
    #[error("public key is weak or not canonical")]
    WeakKey,
}

impl VerifierKey {
    /// A key from its parts.
    pub fn new(
        sha: &dyn Sha256,
        name: &str,
        signs: SignatureType,
        public_key: [u8; 32],
    ) -> Result<Self, KeyError> {
        if !is_name(name) || name.len() > MAX_NAME_BYTES {
            return Err(KeyError::Name);
        }
        if is_weak(&public_key) {
            return Err(KeyError::WeakKey);
        }
        let [a, b, c, d, ..] = sha.sha256(&[name.as_bytes(), b"\n", &[signs.byte()], &public_key]);
        Ok(Self {
            name: name.to_owned(),
            id: u32::from_be_bytes([a, b, c, d]),
            signs,
            public_key,
        })
    }

    /// A key from its text form.
    pub fn parse(sha: &dyn Sha256, text: &str) -> Result<Self, KeyError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(material)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(KeyError::Malformed);
        };
        let material = base64::decode(material).ok_or(KeyError::Malformed)?;
        let (byte, public_key) = material.split_first().ok_or(KeyError::Malformed)?;
        let signs = SignatureType::from_byte(*byte).ok_or(KeyError::UnsupportedType)?;
        let public_key = public_key.try_into().map_err(|_| KeyError::Malformed)?;
        let key = Self::new(sha, name, signs, public_key)?;
        // Written again rather than parsed: eight lower-case digits are the only spelling.
        if key.id_text() == id {
            Ok(key)
        } else {
            Err(KeyError::WrongId)
        }
    }

    /// Name of the signer, by convention a URL without scheme; for a log, its origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The short hint that tells signatures of this key from others.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// What the key signs.
    #[must_use]
    pub const fn signs(&self) -> SignatureType {
        self.signs
    }

    /// The Ed25519 public key (RFC 8032).
    #[must_use]
    pub const fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }

    fn id_text(&self) -> String {
        alloc::format!("{:08x}", self.id)
    }
}

/// The text form.
impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let material: Vec<u8> = [self.signs.byte()]
            .into_iter()
            .chain(self.public_key)
            .collect();
        write!(
            f,
            "{}+{}+{}",
            self.name,
            self.id_text(),
            base64::encode(&material)
        )
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

/// Whether a text may be a key name (c2sp.org/signed-note, "Format").
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !has_control(name)
        && !name.contains(|character: char| character.is_whitespace() || character == '+')
}

/// Encodings of the points of small order, sign bit cleared: under them a signature can be made
/// without any private key.
const SMALL_ORDER: [[u8; 32]; 5] = [
    small(0x00),
    small(0x01),
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0x7f,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

/// A y coordinate below 256.
const fn small(first: u8) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[0] = first;
    bytes
}

/// Whether a public key encodes a point of small order, or a y coordinate not below 2^255 − 19.
fn is_weak(public_key: &[u8; 32]) -> bool {
    let mut y = *public_key;
    let [first, middle @ .., last] = &mut y;
    *last &= 0x7f;
    let above_prime = *last == 0x7f && middle.iter().all(|byte| *byte == 0xff) && *first >= 0xed;
    above_prime || SMALL_ORDER.contains(&y)
}
