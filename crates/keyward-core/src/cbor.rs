//! Canonical CBOR in one place: definite lengths, integer-keyed maps in ascending order, shortest forms.
//!
//! Types derive `minicbor::Encode` with ascending indexes, which is exactly that; decoding then checks that nothing
//! trails, and that encoding again gives the same bytes, so one meaning has one encoding.
use alloc::vec::Vec;

use minicbor::{Decode, Encode};

/// Why bytes are not a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// Not CBOR, or not of this type.
    #[error("the bytes are not a well-formed value of this type")]
    Malformed,
    /// Well-formed, but followed by more.
    #[error("bytes trail the value")]
    Trailing,
    /// Readable, but not in the one canonical form.
    #[error("the value is not in canonical form")]
    NotCanonical,
}

/// Encodes a value.
#[must_use]
pub fn to_vec<T: Encode<()>>(value: &T) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    // Writing to a Vec cannot fail, and no Encode implementation of ours refuses a value.
    let _ = minicbor::encode(value, &mut out);
    out
}

/// Decodes one value and demands that it fills the bytes.
///
/// # Errors
/// [`CborError::Malformed`] or [`CborError::Trailing`].
pub fn from_slice<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, CborError> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let value = decoder.decode().map_err(|_| CborError::Malformed)?;
    if decoder.position() == bytes.len() {
        Ok(value)
    } else {
        Err(CborError::Trailing)
    }
}

/// Decodes one value and demands the canonical form.
///
/// # Errors
/// [`CborError`].
pub fn from_canonical<'b, T: Decode<'b, ()> + Encode<()>>(bytes: &'b [u8]) -> Result<T, CborError> {
    let value = from_slice::<T>(bytes)?;
    if to_vec(&value) == bytes {
        Ok(value)
    } else {
        Err(CborError::NotCanonical)
    }
}
