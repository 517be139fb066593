//! Reasons a command can fail: one closed, generated table, and a [`Problem`] that carries one with its parameters.
//!
//! This is the only place where a reason meets the status of another interface (HTTP, KMIP, AWS-style, Vault-style,
//! PKCS #11). A problem is meant for the caller: nothing secret goes into a parameter, and what only an operator should
//! see belongs into the log instead. Change `spec/errors.toml`, then run `cargo xtask codegen`.
mod generated;
mod problem;

pub use generated::ErrorCode;
pub use problem::{PARAM_MAX_CHARS, Problem};

use minicbor::decode::{Decode, Decoder, Error as DecodeError};
use minicbor::encode::{Encode, Encoder, Error as EncodeError, Write};

/// One row of the table.
#[derive(Debug)]
struct Row {
    code: &'static str,
    http: u16,
    kmip: &'static str,
    kmip1: &'static str,
    aws: &'static str,
    vault: u16,
    ckr: &'static str,
    ckr_value: u32,
    retry: bool,
    title: &'static str,
    detail: &'static str,
    params: &'static [&'static str],
    help: &'static str,
}

impl ErrorCode {
    /// The stable name that clients match.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().code
    }

    /// The stable number, for records and binary protocols.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The status over REST.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        self.row().http
    }

    /// The result reason of KMIP 2.x.
    #[must_use]
    pub const fn kmip_reason(self) -> &'static str {
        self.row().kmip
    }

    /// The result reason of KMIP 1.x, which lacks many of 2.x'.
    #[must_use]
    pub const fn kmip1_reason(self) -> &'static str {
        self.row().kmip1
    }

    /// The exception of an AWS KMS-style API.
    #[must_use]
    pub const fn aws_exception(self) -> &'static str {
        self.row().aws
    }

    /// The status over a Vault-style API.
    #[must_use]
    pub const fn vault_status(self) -> u16 {
        self.row().vault
    }

    /// The name of the PKCS #11 return value.
    #[must_use]
    pub const fn ckr(self) -> &'static str {
        self.row().ckr
    }

    /// The PKCS #11 return value as a number.
    #[must_use]
    pub const fn ckr_value(self) -> u32 {
        self.row().ckr_value
    }

    /// Whether the identical request may succeed later without anybody changing anything.
    #[must_use]
    pub const fn retryable(self) -> bool {
        self.row().retry
    }

    /// A short text for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.row().title
    }

    /// The sentence, with `{parameter}` where a value goes.
    #[must_use]
    pub const fn detail_template(self) -> &'static str {
        self.row().detail
    }

    /// The names of the parameters, in order of first use in the sentence.
    #[must_use]
    pub const fn params(self) -> &'static [&'static str] {
        self.row().params
    }

    /// What the caller should do next.
    #[must_use]
    pub const fn help(self) -> &'static str {
        self.row().help
    }

    /// Reads the stable name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }

    /// Reads the stable number.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        let place = Self::ALL
            .binary_search_by_key(&number, |code| code.number())
            .ok()?;
        Self::ALL.get(place).copied()
    }
}

impl core::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Records hold the number.
impl<C> Encode<C> for ErrorCode {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.u16(self.number())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for ErrorCode {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, DecodeError> {
        let at = d.position();
        let number = d.u16()?;
        Self::from_number(number)
            .ok_or_else(|| DecodeError::message("no error has this number").at(at))
    }
}

#[cfg(test)]
mod tests;
