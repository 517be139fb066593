//! Identifiers: random, never reused, never derived from what they name.
use alloc::string::String;
use core::fmt;

use minicbor::{Decode, Encode};

/// Why a text is not an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an identifier is 32 lower-case hexadecimal digits")]
pub struct IdError;

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
        #[cbor(transparent)]
        pub struct $name(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 16]);

        impl $name {
            /// The sixteen bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
            /// Reads 32 lower-case hexadecimal digits.
            ///
            /// # Errors
            /// [`IdError`] when the text has another length or another digit.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let mut out = [0u8; 16];
                parse_hex(text.as_bytes(), &mut out)?;
                Ok(Self(out))
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

random_id!(
    /// A key, pair, certificate, secret or opaque object.
    ObjectId
);
random_id!(
    /// A realm (tenant).
    RealmId
);
random_id!(
    /// Someone who can act: a person's account, a workload, or a part of the system itself.
    PrincipalId
);
random_id!(
    /// One bearer token.
    TokenId
);
random_id!(
    /// One installation of Keyward: what its ciphertexts and commands are bound to.
    DeploymentId
);
random_id!(
    /// One server process' place in the cluster.
    NodeId
);
random_id!(
    /// One request, as the caller or the listener named it.
    CorrelationId
);

impl PrincipalId {
    /// The scheduler: due rotations, destructions and expiries are its commands.
    pub const SCHEDULER: Self = Self(*b"\0system:schedule");
    /// The server's own start, recovery and bookkeeping.
    pub const SERVER: Self = Self(*b"\0system:server\0\0");
    /// Whoever opened the seal: the proof is the seal's secret itself.
    pub const UNSEALER: Self = Self(*b"\0system:unseal\0\0");
    /// Whoever failed to prove an identity.
    pub const UNPROVEN: Self = Self(*b"\0system:unproven");
}

impl RealmId {
    /// The realm of the installation itself: realms, principals, policy, log, status.
    pub const SYSTEM: Self = Self([0; 16]);
}

fn parse_hex(text: &[u8], out: &mut [u8]) -> Result<(), IdError> {
    if text.len() != out.len() * 2 {
        return Err(IdError);
    }
    for (byte, pair) in out.iter_mut().zip(text.chunks_exact(2)) {
        let (Some(high), Some(low)) = (pair.first(), pair.get(1)) else {
            return Err(IdError);
        };
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Ok(())
}

const fn digit(c: u8) -> Result<u8, IdError> {
    match c {
        b'0'..=b'9' => Ok(c - b'0'),
        b'a'..=b'f' => Ok(c - b'a' + 10),
        _ => Err(IdError),
    }
}

/// Lower-case hexadecimal of any bytes.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn an_id_reads_back_what_it_prints() {
        let id = ObjectId([0xa5; 16]);
        assert_eq!(ObjectId::parse(&id.to_string()), Ok(id));
    }

    #[test]
    fn an_id_of_another_length_case_or_digit_is_refused() {
        for bad in [
            "",
            "a5",
            "A5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5",
            "g5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5",
        ] {
            assert_eq!(ObjectId::parse(bad), Err(IdError), "{bad}");
        }
    }
}
