//! The TLS 1.3 key schedule on the module's HKDF and HMAC (RFC 8446 §7.1).
//!
//! The module reports HKDF as an approved service only when extract and expand are one call with a salt and an info
//! that are not empty, so an extracted secret stays inside one `hkdf::Prk` and each expansion of it repeats the
//! extraction (two hash blocks more, no approval lost). A missing salt is passed as hash-length zeros, which is what
//! RFC 8446 and SP 800-56C say it means; the info is never empty, because a TLS 1.3 label is in it.
//!
//! What `aws-lc-rs` keeps of an extraction until the expander is dropped: the input secret, which it wipes, and the
//! salt (in the later steps a value derived from the handshake), which it does not.

use aws_lc_rs::{hkdf, hmac};
use rustls::Error;
use rustls::crypto::tls13::{Hkdf, HkdfExpander, OkmBlock, OutputLengthError};
use zeroize::Zeroize;

use crate::indicator::bracket;
use crate::provider::module_failed;
use crate::rows::{self, Row};

/// The key schedule of the SHA-256 suite.
pub(super) static SCHEDULE_SHA256: Schedule = Schedule {
    hkdf: hkdf::HKDF_SHA256,
    hmac: hmac::HMAC_SHA256,
    hash_len: 32,
    extract_expand: &rows::HKDF_SHA256,
    expand: &rows::HKDF_EXPAND_SHA256,
    mac: &rows::HMAC_SHA256,
};

/// The key schedule of the SHA-384 suite.
pub(super) static SCHEDULE_SHA384: Schedule = Schedule {
    hkdf: hkdf::HKDF_SHA384,
    hmac: hmac::HMAC_SHA384,
    hash_len: 48,
    extract_expand: &rows::HKDF_SHA384,
    expand: &rows::HKDF_EXPAND_SHA384,
    mac: &rows::HMAC_SHA384,
};

const ZEROS: [u8; OkmBlock::MAX_LEN] = [0; OkmBlock::MAX_LEN];

/// One hash function's key schedule.
pub(super) struct Schedule {
    hkdf: hkdf::Algorithm,
    hmac: hmac::Algorithm,
    hash_len: usize,
    extract_expand: &'static Row,
    expand: &'static Row,
    mac: &'static Row,
}

impl Schedule {
    fn zeros(&self) -> &'static [u8] {
        ZEROS.get(..self.hash_len).unwrap_or(&ZEROS)
    }
}

impl Hkdf for Schedule {
    fn extract_from_zero_ikm(&self, salt: Option<&[u8]>) -> Box<dyn HkdfExpander> {
        self.extract_from_secret(salt, self.zeros())
    }

    fn extract_from_secret(&self, salt: Option<&[u8]>, secret: &[u8]) -> Box<dyn HkdfExpander> {
        let salt = salt.unwrap_or(self.zeros());
        Box::new(Expander {
            prk: hkdf::Salt::new(self.hkdf, salt).extract(secret),
            hash_len: self.hash_len,
            row: self.extract_expand,
        })
    }

    fn expander_for_okm(&self, okm: &OkmBlock) -> Box<dyn HkdfExpander> {
        Box::new(Expander {
            prk: hkdf::Prk::new_less_safe(self.hkdf, okm.as_ref()),
            hash_len: self.hash_len,
            row: self.expand,
        })
    }

    fn hmac_sign(&self, key: &OkmBlock, message: &[u8]) -> rustls::crypto::hmac::Tag {
        let key = hmac::Key::new(self.hmac, key.as_ref());
        let tag = bracket(self.mac, || Ok::<_, Error>(hmac::sign(&key, message)))
            .unwrap_or_else(|_| module_failed("HMAC"));
        rustls::crypto::hmac::Tag::new(tag.as_ref())
    }

    fn fips(&self) -> bool {
        self.extract_expand.approved() && self.expand.approved() && self.mac.approved()
    }
}

struct Expander {
    prk: hkdf::Prk,
    hash_len: usize,
    row: &'static Row,
}

/// An output length in the form `aws-lc-rs` asks for.
struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl HkdfExpander for Expander {
    fn expand_slice(&self, info: &[&[u8]], output: &mut [u8]) -> Result<(), OutputLengthError> {
        let okm = self
            .prk
            .expand(info, Length(output.len()))
            .map_err(|_| OutputLengthError)?;
        bracket(self.row, || okm.fill(output)).map_err(|_| OutputLengthError)
    }

    fn expand_block(&self, info: &[&[u8]]) -> OkmBlock {
        let mut block = ZEROS;
        let filled = match block.get_mut(..self.hash_len) {
            Some(block) => self.expand_slice(info, block).is_ok(),
            None => false,
        };
        if !filled {
            module_failed("HKDF-Expand");
        }
        let okm = OkmBlock::new(block.get(..self.hash_len).unwrap_or_default());
        block.zeroize();
        okm
    }

    fn hash_len(&self) -> usize {
        self.hash_len
    }
}
