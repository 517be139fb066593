//! Signed notes: a text and the signatures over it (c2sp.org/signed-note), with both Ed25519
//! signature types.
//!
//! A note's text must be ignored until a trusted key's signature over it has been verified.
//! Signatures of unknown keys are ignored but kept; a wrong signature of a known key condemns the
//! whole note.

use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::fmt;

use super::{
    base64,
    key::{SignatureType, VerifierKey, is_name},
    line::{has_control, take_line},
};

/// Longest note that is read.
pub const MAX_NOTE_BYTES: usize = 1_000_000;
/// Most signatures that a note is read with.
pub const MAX_NOTE_SIGNATURES: usize = 100;
/// What a signature line begins with: an em dash and a space.
const SIGNATURE_PREFIX: &str = "— ";
const ED25519_SIGNATURE_BYTES: usize = 64;

/// Makes Ed25519 signatures with one key; implemented by the validated module.
pub trait NoteSigner {
    /// The Ed25519 signature (RFC 8032) over `message`.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignerFailed>;
}

/// The signer could not sign; it has logged why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("signer failed")]
pub struct SignerFailed;

/// Checks Ed25519 signatures; implemented by the validated module.
pub trait NoteVerifier {
    /// Whether `signature` is the Ed25519 signature (RFC 8032) over `message` by `public_key`.
    fn verify(&self, public_key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool;
}

/// A text with signatures, well-formed but not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    name: String,
    key_id: u32,
    signature: Vec<u8>,
}

/// A signature that was found to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedSignature<'k> {
    /// Whose it is.
    pub key: &'k VerifierKey,
    /// For a cosignature the time it states, in seconds since 1970.
    pub timestamp: Option<u64>,
}

/// Why something is not a signed note, or not one to believe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The note is longer than [`MAX_NOTE_BYTES`].
    #[error("note is too long")]
    TooLong,
    /// The note is not UTF-8.
    #[error("note is not UTF-8")]
    NotUtf8,
    /// The text has control characters or does not end in a newline.
    #[error("note text is malformed")]
    Text,
    /// No empty line with signature lines after it.
    #[error("note has no signatures")]
    NoSignatures,
    /// A signature line is malformed.
    #[error("signature line is malformed")]
    SignatureLine,
    /// The note has more than [`MAX_NOTE_SIGNATURES`].
    #[error("note has too many signatures")]
    TooManySignatures,
    /// A signature under a known key is wrong.
    #[error("signature of {name}+{key_id:08x} is wrong")]
    WrongSignature {
        /// The key's name.
        name: String,
        /// The key's id.
        key_id: u32,
    },
    /// A known key has signed more than once, which would leave open which timestamp is meant.
    #[error("note is signed more than once by {name}+{key_id:08x}")]
    SignedTwice {
        /// The key's name.
        name: String,
        /// The key's id.
        key_id: u32,
    },
    /// No signature is by a known key.
    #[error("note is not signed by a known key")]
    NotSigned,
    /// The key is of the other signature type.
    #[error("key is not for this type of signature")]
    WrongKeyType,
    /// The timestamp is above 2^63 − 1.
    #[error("timestamp is out of range")]
    Timestamp,
    /// No signature could be made.
    #[error(transparent)]
    Signer(#[from] SignerFailed),
}

impl SignedNote {
    /// A note without signatures yet.
    pub fn new(text: String) -> Result<Self, NoteError> {
        if text.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLong);
        }
        if !text.ends_with('\n') || has_control(&text) {
            return Err(NoteError::Text);
        }
        Ok(Self {
            text,
            signatures: Vec::new(),
        })
    }

    /// Reads a note with at least one signature. Writing it again gives the same bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLong);
        }
        let whole = core::str::from_utf8(bytes).map_err(|_| NoteError::NotUtf8)?;
        // The last empty line is the separator: the text itself may have empty lines.
        let (text, signatures) = whole.rsplit_once("\n\n").ok_or(NoteError::NoSignatures)?;
        let mut note = Self::new(alloc::format!("{text}\n"))?;
        note.signatures = NoteSignature::parse_lines(signatures)?;
        Ok(note)
    }

    /// The text, final newline included. Not to be believed before [`SignedNote::verify`].
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All signatures, of whatever keys and types.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Checks every signature by one of `keys`. At least one is needed; a wrong or a repeated one
    /// condemns the note.
    pub fn verify<'k>(
        &self,
        verifier: &dyn NoteVerifier,
        keys: &'k [VerifierKey],
    ) -> Result<Vec<VerifiedSignature<'k>>, NoteError> {
        let mut verified: Vec<VerifiedSignature<'k>> = Vec::new();
        for signature in &self.signatures {
            let Some(by_known) = signature.verify(verifier, keys, &self.text)? else {
                continue;
            };
            if verified.iter().any(|earlier| earlier.key == by_known.key) {
                let (name, key_id) = (signature.name.clone(), signature.key_id);
                return Err(NoteError::SignedTwice { name, key_id });
            }
            verified.push(by_known);
        }
        if verified.is_empty() {
            Err(NoteError::NotSigned)
        } else {
            Ok(verified)
        }
    }

    /// Signs the text with a log's key.
    pub fn sign(&mut self, key: &VerifierKey, signer: &dyn NoteSigner) -> Result<(), NoteError> {
        let signature = signer.sign(self.text.as_bytes())?;
        self.add(NoteSignature::ed25519(key, &signature)?);
        Ok(())
    }

    /// Cosigns the text with a witness' key.
    pub fn cosign(
        &mut self,
        key: &VerifierKey,
        timestamp: u64,
        signer: &dyn NoteSigner,
    ) -> Result<(), NoteError> {
        let signature = signer.sign(&cosignature_message(timestamp, &self.text))?;
        self.add(NoteSignature::cosignature(key, timestamp, &signature)?);
        Ok(())
    }

    /// Adds those of a witness' `cosignatures` that are by one of `keys`; others are ignored, a
    /// wrong one is an error. Returns how many were added.
    pub fn add_cosignatures(
        &mut self,
        verifier: &dyn NoteVerifier,
        keys: &[VerifierKey],
        cosignatures: &[NoteSignature],
    ) -> Result<usize, NoteError> {
        let mut right = Vec::new();
        for cosignature in cosignatures {
            if cosignature.verify(verifier, keys, &self.text)?.is_some() {
                right.push(cosignature.clone());
            }
        }
        let count = right.len();
        for cosignature in right {
            self.add(cosignature);
        }
        Ok(count)
    }

    /// Adds a signature in place of an earlier one by the same key.
    pub fn add(&mut self, signature: NoteSignature) {
        self.signatures
            .retain(|other| (&other.name, other.key_id) != (&signature.name, signature.key_id));
        self.signatures.push(signature);
    }
}

/// The note as it is stored and sent.
impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures
            .iter()
            .try_for_each(|signature| signature.fmt(f))
    }
}

impl NoteSignature {
    /// The signature line of a log's signature over the note text.
    pub fn ed25519(key: &VerifierKey, signature: &[u8; 64]) -> Result<Self, NoteError> {
        if key.signs() != SignatureType::Ed25519 {
            return Err(NoteError::WrongKeyType);
        }
        Ok(Self {
            name: key.name().to_owned(),
            key_id: key.id(),
            signature: signature.to_vec(),
        })
    }

    /// The signature line of a witness' signature over [`cosignature_message`].
    pub fn cosignature(
        key: &VerifierKey,
        timestamp: u64,
        signature: &[u8; 64],
    ) -> Result<Self, NoteError> {
        if key.signs() != SignatureType::CosignatureV1 {
            return Err(NoteError::WrongKeyType);
        }
        if i64::try_from(timestamp).is_err() {
            return Err(NoteError::Timestamp);
        }
        let signature = timestamp
            .to_be_bytes()
            .into_iter()
            .chain(*signature)
            .collect();
        Ok(Self {
            name: key.name().to_owned(),
            key_id: key.id(),
            signature,
        })
    }

    /// Name of the key that is said to have signed.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Id of the key that is said to have signed.
    #[must_use]
    pub const fn key_id(&self) -> u32 {
        self.key_id
    }

    /// Reads signature lines, each ending in a newline, and nothing else; at least one.
    pub fn parse_lines(text: &str) -> Result<Vec<Self>, NoteError> {
        let mut rest = text;
        let mut signatures = Vec::new();
        while let Some(line) = take_line(&mut rest) {
            if signatures.len() == MAX_NOTE_SIGNATURES {
                return Err(NoteError::TooManySignatures);
            }
            signatures.push(Self::parse_line(line).ok_or(NoteError::SignatureLine)?);
        }
        if !rest.is_empty() {
            return Err(NoteError::SignatureLine);
        }
        if signatures.is_empty() {
            Err(NoteError::NoSignatures)
        } else {
            Ok(signatures)
        }
    }

    fn parse_line(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix(SIGNATURE_PREFIX)?.split_once(' ')?;
        let decoded = base64::decode(encoded)?;
        let (key_id, signature) = decoded.split_first_chunk::<4>()?;
        if !is_name(name) || signature.is_empty() {
            return None;
        }
        Some(Self {
            name: name.to_owned(),
            key_id: u32::from_be_bytes(*key_id),
            signature: signature.to_vec(),
        })
    }

    /// `None` if no key of `keys` is meant, an error if one is and the signature is wrong.
    fn verify<'k>(
        &self,
        verifier: &dyn NoteVerifier,
        keys: &'k [VerifierKey],
        text: &str,
    ) -> Result<Option<VerifiedSignature<'k>>, NoteError> {
        let mut known = keys
            .iter()
            .filter(|key| key.name() == self.name && key.id() == self.key_id)
            .peekable();
        if known.peek().is_none() {
            return Ok(None);
        }
        known
            .find_map(|key| self.verify_by(verifier, key, text))
            .map(Some)
            .ok_or_else(|| NoteError::WrongSignature {
                name: self.name.clone(),
                key_id: self.key_id,
            })
    }

    fn verify_by<'k>(
        &self,
        verifier: &dyn NoteVerifier,
        key: &'k VerifierKey,
        text: &str,
    ) -> Option<VerifiedSignature<'k>> {
        let (timestamp, signature) = match key.signs() {
            SignatureType::Ed25519 => (None, self.signature.as_slice()),
            SignatureType::CosignatureV1 => {
                let (timestamp, signature) = self.signature.split_first_chunk::<8>()?;
                let timestamp = u64::from_be_bytes(*timestamp);
                i64::try_from(timestamp).ok()?;
                (Some(timestamp), signature)
            }
        };
        let signature: &[u8; ED25519_SIGNATURE_BYTES] = signature.try_into().ok()?;
        let right = match timestamp {
            None => verifier.verify(key.public_key(), text.as_bytes(), signature),
            Some(time) => verifier.verify(
                key.public_key(),
                &cosignature_message(time, text),
                signature,
            ),
        };
        right.then_some(VerifiedSignature { key, timestamp })
    }
}

/// The signature line, newline included.
impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: Vec<u8> = self
            .key_id
            .to_be_bytes()
            .into_iter()
            .chain(self.signature.iter().copied())
            .collect();
        writeln!(
            f,
            "{SIGNATURE_PREFIX}{} {}",
            self.name,
            base64::encode(&bytes)
        )
    }
}

/// What a witness signs: that at `timestamp`, in seconds since 1970, this checkpoint was the
/// largest consistent one it had seen.
#[must_use]
pub fn cosignature_message(timestamp: u64, checkpoint_text: &str) -> Vec<u8> {
    alloc::format!("cosignature/v1\ntime {timestamp}\n{checkpoint_text}").into_bytes()
}
