//! Names that users give: NFC, case-sensitive, at most 255 bytes, unique per realm and kind.
use alloc::string::String;
use core::fmt;

use minicbor::{Decode, Encode};
use unicode_normalization::UnicodeNormalization;

/// The longest name in bytes after normalisation.
pub const NAME_MAX_BYTES: usize = 255;

/// A checked, normalised name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Name(#[n(0)] String);

/// Why a text is not a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing in it.
    #[error("a name must not be empty")]
    Empty,
    /// Over the limit.
    #[error("a name has at most 255 bytes after normalisation")]
    TooLong,
    /// Control characters, or white space at an end.
    #[error("a name has no control characters and no white space at its ends")]
    Characters,
    /// Reads as an identifier, and would hide the object that has it.
    #[error("a name must not look like an identifier (32 hexadecimal digits)")]
    LooksLikeId,
}

impl Name {
    /// Normalises and checks.
    ///
    /// # Errors
    /// [`NameError`] says which rule is broken.
    pub fn new(text: &str) -> Result<Self, NameError> {
        // NFC can lengthen a text at most threefold; refuse absurd input before doing the work.
        if text.len() > NAME_MAX_BYTES * 4 {
            return Err(NameError::TooLong);
        }
        let normal: String = text.nfc().collect();
        if normal.is_empty() {
            return Err(NameError::Empty);
        }
        if normal.len() > NAME_MAX_BYTES {
            return Err(NameError::TooLong);
        }
        if normal.chars().any(char::is_control) || normal.trim() != normal {
            return Err(NameError::Characters);
        }
        if normal.len() == 32 && normal.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(NameError::LooksLikeId);
        }
        Ok(Self(normal))
    }
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn composed_and_decomposed_spellings_are_one_name() {
        assert_eq!(Name::new("e\u{301}t\u{e9}"), Name::new("\u{e9}te\u{301}"));
    }

    #[test]
    fn case_is_kept_and_distinguishes() {
        assert_ne!(Name::new("Orders"), Name::new("orders"));
    }

    #[test]
    fn names_that_mislead_are_refused() {
        assert_eq!(Name::new(""), Err(NameError::Empty));
        assert_eq!(Name::new(" a"), Err(NameError::Characters));
        assert_eq!(Name::new("a\n"), Err(NameError::Characters));
        assert_eq!(Name::new(&"x".repeat(256)), Err(NameError::TooLong));
        assert_eq!(
            Name::new("0123456789abcdef0123456789ABCDEF"),
            Err(NameError::LooksLikeId)
        );
    }
}
