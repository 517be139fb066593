//! Commands about secrets of applications and opaque data: versioned values, encrypted at rest like every material.
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use super::{KeyFilter, KeyRef, RealmRef, Transfer};
use crate::ids::{ObjectId, PrincipalId};
use crate::name::Name;
use crate::object::{ObjectKind, Sensitivity};
use crate::secret::Secret;
use crate::state::State;

/// The characters of a generated value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Alphabet {
    /// A–Z, a–z, 0–9.
    #[n(0)]
    Alphanumeric,
    /// The printable characters of ASCII but the blank.
    #[n(1)]
    Printable,
    /// 0–9, a–f.
    #[n(2)]
    Hexadecimal,
    /// 0–9.
    #[n(3)]
    Digits,
    /// Any byte.
    #[n(4)]
    Bytes,
}

impl Alphabet {
    /// All alphabets.
    pub const ALL: [Self; 5] = [
        Self::Alphanumeric,
        Self::Printable,
        Self::Hexadecimal,
        Self::Digits,
        Self::Bytes,
    ];

    /// The name used in every interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alphanumeric => "alphanumeric",
            Self::Printable => "printable",
            Self::Hexadecimal => "hexadecimal",
            Self::Digits => "digits",
            Self::Bytes => "bytes",
        }
    }

    /// Reads the interface name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// How many characters there are.
    #[must_use]
    pub const fn size(self) -> u16 {
        match self {
            Self::Alphanumeric => 62,
            Self::Printable => 94,
            Self::Hexadecimal => 16,
            Self::Digits => 10,
            Self::Bytes => 256,
        }
    }

    /// The character with this number, below [`Alphabet::size`].
    #[must_use]
    pub const fn character(self, number: u8) -> u8 {
        match self {
            Self::Alphanumeric => match number {
                0..26 => b'A'.wrapping_add(number),
                26..52 => b'a'.wrapping_add(number.wrapping_sub(26)),
                _ => b'0'.wrapping_add(number.wrapping_sub(52)),
            },
            Self::Printable => b'!'.wrapping_add(number),
            Self::Hexadecimal => match number {
                0..10 => b'0'.wrapping_add(number),
                _ => b'a'.wrapping_add(number.wrapping_sub(10)),
            },
            Self::Digits => b'0'.wrapping_add(number),
            Self::Bytes => number,
        }
    }
}

/// Where a value comes from.
#[derive(Debug)]
pub enum Value {
    /// The caller gives it inside TLS; no record holds it, not even as a digest.
    Given(Secret),
    /// The module makes it.
    Generated(Alphabet, u16),
    /// The caller gives it wrapped for a key of this server.
    Wrapped(Transfer),
}

impl<C> Encode<C> for Value {
    /// `[0]`, `[1, alphabet, length]` or `[2, transfer]`: the value itself is in none of them.
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        match self {
            Self::Given(_) => {
                e.array(1)?.u8(0)?;
            }
            Self::Generated(alphabet, length) => {
                e.array(3)?.u8(1)?;
                alphabet.encode(e, ctx)?;
                e.u16(*length)?;
            }
            Self::Wrapped(transfer) => {
                e.array(2)?.u8(2)?;
                transfer.encode(e, ctx)?;
            }
        }
        Ok(())
    }
}

/// Makes a secret or an opaque object.
#[derive(Debug, Encode)]
#[cbor(map)]
pub struct CreateSecret {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// [`ObjectKind::Secret`] or [`ObjectKind::Opaque`].
    #[n(1)]
    pub kind: ObjectKind,
    /// Name, unique per realm and kind.
    #[n(2)]
    pub name: Option<Name>,
    /// First value.
    #[n(3)]
    pub value: Value,
    /// Impact level.
    #[n(4)]
    pub sensitivity: Sensitivity,
    /// Applications.
    #[n(5)]
    pub applications: Vec<String>,
    /// Tags.
    #[n(6)]
    pub tags: BTreeMap<String, String>,
    /// Owner; the caller if not given.
    #[n(7)]
    pub owner: Option<PrincipalId>,
}

/// Gives a secret another value; the one before stays readable by its number.
#[derive(Debug, Encode)]
#[cbor(map)]
pub struct PutSecretVersion {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// The value.
    #[n(2)]
    pub value: Value,
}

/// Reads a value.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ReadSecret {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Which.
    #[n(1)]
    pub key: KeyRef,
    /// The current version if not given.
    #[n(2)]
    pub version: Option<u32>,
}

/// Lists objects of one kind that are no keys, in id order: stable under writes.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ListObjects {
    /// Realm.
    #[n(0)]
    pub realm: RealmRef,
    /// Kind.
    #[n(1)]
    pub kind: ObjectKind,
    /// Continue after this one.
    #[n(2)]
    pub after: Option<ObjectId>,
    /// At most so many.
    #[n(3)]
    pub limit: u16,
    /// Only objects whose current version is in this state.
    #[n(4)]
    pub state: Option<State>,
    /// Only objects whose name starts so.
    #[n(5)]
    pub name_prefix: Option<String>,
    /// What else must hold.
    #[n(6)]
    pub filter: Option<KeyFilter>,
}
