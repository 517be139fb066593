//! What can go wrong for a caller.
use std::collections::BTreeMap;
use std::fmt;

use keyward_core::ErrorCode;
use serde::Deserialize;

use crate::address::AddressError;
use crate::token::TokenError;

/// A request that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server said no, and why.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// No connection; nothing was sent.
    #[error("no connection to {server}: {reason}")]
    Unreachable {
        /// Which server.
        server: String,
        /// What the system said.
        reason: String,
    },
    /// The server could not prove that it is the one meant, or did not accept how this client speaks TLS.
    #[error("no trusted connection to {server}: {reason}")]
    Untrusted {
        /// Which server.
        server: String,
        /// What TLS said.
        reason: String,
    },
    /// The connection ended, or the time ran out, after the request was sent: whether it took effect is not known.
    #[error("no answer from {server}: {reason}")]
    NoAnswer {
        /// Which server.
        server: String,
        /// What happened.
        reason: String,
    },
    /// The answer is not one of this interface.
    #[error("the answer is not understood: {reason}")]
    Answer {
        /// What is wrong with it.
        reason: String,
    },
    /// The command cannot be asked of a server over this interface.
    #[error("`{command}` is not a command of this interface")]
    NotCallable {
        /// Which.
        command: &'static str,
    },
    /// The address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Certificates and keys.
    #[error(transparent)]
    Tls(#[from] keyward_tls::TlsError),
    /// The runtime under [`crate::Blocking`].
    #[error("cannot start: {0}")]
    Runtime(std::io::Error),
}

impl ClientError {
    /// The code of the server's refusal, if this is one and this release knows it.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(refusal) => refusal.known(),
            _ => None,
        }
    }
}

/// The server's refusal (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Refusal {
    /// Stable name of the reason.
    pub code: String,
    /// Status.
    pub status: u16,
    /// Short text.
    pub title: String,
    /// What happened.
    pub detail: String,
    /// What to do next.
    pub help: String,
    /// Values in the detail.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// Whether the identical request may succeed later by itself.
    #[serde(default)]
    pub retryable: bool,
    /// The request's id, which is in the audit record.
    #[serde(default)]
    pub request_id: String,
    /// How long to wait, in seconds, if the server said so.
    #[serde(skip)]
    pub retry_after_s: Option<u32>,
}

impl Refusal {
    /// The code, if this release knows it.
    #[must_use]
    pub fn known(&self) -> Option<ErrorCode> {
        ErrorCode::parse(&self.code)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Refusal {}
