//! The customer ciphertext: a header that says how to read it, then IV, body and tag as the module made them.
//!
//! ```text
//! magic "KWC" (3) | format 1 (1) | suite (1) | commitment kind 0 (1) | deployment (16) | key (16) | version (4, big-endian)
//! | IV (12) | body | tag (16)
//! ```
//! Everything before the IV is authenticated together with the caller's context. The commitment kind is reserved: a later
//! suite may bind the ciphertext to its key; today's is 0 and any other value is refused.
use alloc::vec::Vec;

use crate::algorithm::KeySpec;
use crate::ids::{DeploymentId, ObjectId};

const MAGIC: [u8; 3] = *b"KWC";
const FORMAT: u8 = 1;
/// Bytes before the IV.
pub const HEADER_BYTES: usize = 3 + 1 + 1 + 1 + 16 + 16 + 4;
/// Bytes a ciphertext is longer than its plaintext.
pub const OVERHEAD_BYTES: usize = HEADER_BYTES + 12 + 16;

/// How the body was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Suite {
    /// AES-256-GCM, 96-bit IV from the module's generator, 128-bit tag.
    Aes256Gcm = 1,
    /// AES-128-GCM, likewise.
    Aes128Gcm = 2,
}

impl Suite {
    /// The suite a key encrypts with.
    #[must_use]
    pub const fn of(spec: KeySpec) -> Option<Self> {
        match spec {
            KeySpec::Aes256 => Some(Self::Aes256Gcm),
            KeySpec::Aes128 => Some(Self::Aes128Gcm),
            _ => None,
        }
    }

    const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Aes256Gcm),
            2 => Some(Self::Aes128Gcm),
            _ => None,
        }
    }
}

/// The readable part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CiphertextHeader {
    /// How the body was made.
    pub suite: Suite,
    /// Which installation made it.
    pub deployment: DeploymentId,
    /// Under which key.
    pub key: ObjectId,
    /// Under which version.
    pub version: u32,
}

/// Why bytes are not a ciphertext of this format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CiphertextError {
    /// Shorter than the shortest one, or another magic.
    #[error("this is not a Keyward ciphertext")]
    NotOurs,
    /// A format this release does not know.
    #[error("the ciphertext's format is not known to this release")]
    Format,
    /// A suite or commitment kind this release does not know.
    #[error("the ciphertext's suite is not known to this release")]
    Suite,
}

impl CiphertextHeader {
    /// The header bytes: what a ciphertext starts with.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0u8; HEADER_BYTES];
        let version = self.version.to_be_bytes();
        let kind = [FORMAT, self.suite as u8, 0];
        let fields = MAGIC
            .iter()
            .chain(&kind)
            .chain(self.deployment.as_bytes())
            .chain(self.key.as_bytes())
            .chain(&version);
        for (to, from) in out.iter_mut().zip(fields) {
            *to = *from;
        }
        out
    }

    /// What is authenticated: the header, then the caller's context. The header has a fixed length, so the two cannot be
    /// shifted against each other.
    #[must_use]
    pub fn associated_data(&self, context: &[u8]) -> Vec<u8> {
        let mut aad = Vec::with_capacity(HEADER_BYTES.saturating_add(context.len()));
        aad.extend_from_slice(&self.to_bytes());
        aad.extend_from_slice(context);
        aad
    }
}

/// Splits a ciphertext into its header and what the module takes (IV ‖ body ‖ tag).
///
/// # Errors
/// [`CiphertextError`].
pub fn parse(bytes: &[u8]) -> Result<(CiphertextHeader, &[u8]), CiphertextError> {
    let (header, sealed) = bytes
        .split_at_checked(HEADER_BYTES)
        .ok_or(CiphertextError::NotOurs)?;
    let [m0, m1, m2, format, suite, commitment, rest @ ..] = header else {
        return Err(CiphertextError::NotOurs);
    };
    if [*m0, *m1, *m2] != MAGIC || sealed.len() < 28 {
        return Err(CiphertextError::NotOurs);
    }
    if *format != FORMAT {
        return Err(CiphertextError::Format);
    }
    let suite = Suite::from_number(*suite).ok_or(CiphertextError::Suite)?;
    if *commitment != 0 {
        return Err(CiphertextError::Suite);
    }
    let (deployment, rest) = rest
        .split_first_chunk::<16>()
        .ok_or(CiphertextError::NotOurs)?;
    let (key, rest) = rest
        .split_first_chunk::<16>()
        .ok_or(CiphertextError::NotOurs)?;
    let version = rest.first_chunk::<4>().ok_or(CiphertextError::NotOurs)?;
    Ok((
        CiphertextHeader {
            suite,
            deployment: DeploymentId(*deployment),
            key: ObjectId(*key),
            version: u32::from_be_bytes(*version),
        },
        sealed,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> CiphertextHeader {
        CiphertextHeader {
            suite: Suite::Aes256Gcm,
            deployment: DeploymentId([1; 16]),
            key: ObjectId([2; 16]),
            version: 0x0102_0304,
        }
    }

    fn sample() -> Vec<u8> {
        let mut bytes = header().to_bytes().to_vec();
        bytes.extend_from_slice(&[9; 40]);
        bytes
    }

    #[test]
    fn a_header_reads_back() {
        assert_eq!(parse(&sample()), Ok((header(), &[9u8; 40][..])));
    }

    #[test]
    fn the_layout_is_frozen() {
        assert_eq!(
            crate::ids::hex(&header().to_bytes()),
            "4b57430101000101010101010101010101010101010102020202020202020202020202020202"
                .to_owned()
                + "01020304"
        );
    }

    #[test]
    fn unknown_formats_suites_and_commitments_are_refused() {
        for (at, expected) in [
            (0, CiphertextError::NotOurs),
            (3, CiphertextError::Format),
            (4, CiphertextError::Suite),
            (5, CiphertextError::Suite),
        ] {
            let mut bytes = sample();
            bytes[at] ^= 0x80;
            assert_eq!(parse(&bytes), Err(expected), "byte {at}");
        }
    }

    #[test]
    fn every_shorter_ciphertext_is_refused() {
        let bytes = sample();
        for length in 0..HEADER_BYTES + 28 {
            assert!(parse(&bytes[..length]).is_err(), "{length}");
        }
    }

    use alloc::borrow::ToOwned;
}
