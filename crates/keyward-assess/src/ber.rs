//! A forgiving view of BER and DER: elements and their children, nothing copied, depth and count bounded.
//!
//! The element headers are read by `asn1-rs`; this file only walks.

use x509_parser::asn1_rs::{Any, Class, FromBer, Oid};

/// One element.
#[derive(Clone, Copy, Debug)]
pub struct Element<'a> {
    /// Tag number.
    pub tag: u32,
    /// Class of the tag.
    pub class: Class,
    /// Whether it holds further elements.
    pub constructed: bool,
    /// Its content.
    pub content: &'a [u8],
    /// Header and content.
    pub whole: &'a [u8],
}

/// Universal tag numbers used here.
pub mod tag {
    /// INTEGER.
    pub const INTEGER: u32 = 2;
    /// BIT STRING.
    pub const BIT_STRING: u32 = 3;
    /// OCTET STRING.
    pub const OCTET_STRING: u32 = 4;
    /// OBJECT IDENTIFIER.
    pub const OID: u32 = 6;
    /// SEQUENCE.
    pub const SEQUENCE: u32 = 16;
    /// SET.
    pub const SET: u32 = 17;
}

/// Most children of one element that are looked at.
const MAX_CHILDREN: usize = 100_000;

/// Reads the element at the start of `input` and returns it with the rest.
pub fn read(input: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (rest, any) = Any::from_ber(input).ok()?;
    let used = input.len().checked_sub(rest.len())?;
    Some((
        Element {
            tag: any.tag().0,
            class: any.class(),
            constructed: any.header.is_constructed(),
            content: any.data,
            whole: input.get(..used)?,
        },
        rest,
    ))
}

/// Length of the DER SEQUENCE at the start of `input` by its header alone; `None` if it is none, or if
/// it claims more than there is.
pub fn sequence_len(input: &[u8]) -> Option<usize> {
    let first = *input.first()?;
    if first != 0x30 {
        return None;
    }
    let length = *input.get(1)?;
    let (header, content) = match length {
        0..=0x7f => (2, usize::from(length)),
        0x81..=0x84 => {
            let count = usize::from(length & 0x7f);
            let bytes = input.get(2..2 + count)?;
            (
                2 + count,
                bytes
                    .iter()
                    .fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte)),
            )
        }
        _ => return None,
    };
    let total = header.checked_add(content)?;
    (total <= input.len()).then_some(total)
}

impl<'a> Element<'a> {
    /// Whether it is a universal element of this tag.
    pub fn is(&self, tag: u32) -> bool {
        self.class == Class::Universal && self.tag == tag
    }

    /// Whether it is context-specific with this number.
    pub fn is_context(&self, number: u32) -> bool {
        self.class == Class::ContextSpecific && self.tag == number
    }

    /// Its children; stops quietly at the first that cannot be read.
    pub fn children(&self) -> Vec<Element<'a>> {
        let mut children = Vec::new();
        let mut rest = self.content;
        while !rest.is_empty() && children.len() < MAX_CHILDREN {
            let Some((element, next)) = read(rest) else {
                break;
            };
            if element.tag == 0 && element.class == Class::Universal && element.content.is_empty() {
                break; // end-of-contents of an indefinite length
            }
            children.push(element);
            rest = next;
        }
        children
    }

    /// Its children, only if they fill it exactly.
    pub fn children_exact(&self) -> Option<Vec<Element<'a>>> {
        let children = self.children();
        let used: usize = children.iter().map(|child| child.whole.len()).sum();
        (used == self.content.len() || self.whole.get(1) == Some(&0x80)).then_some(children)
    }

    /// Children of a SEQUENCE.
    pub fn sequence(&self) -> Option<Vec<Element<'a>>> {
        (self.is(tag::SEQUENCE) && self.constructed).then(|| self.children())
    }

    /// The dotted form of an OBJECT IDENTIFIER.
    pub fn oid(&self) -> Option<String> {
        if !self.is(tag::OID) || self.content.is_empty() || self.content.len() > 64 {
            return None;
        }
        Some(Oid::new(self.content.into()).to_id_string())
    }

    /// The magnitude of an INTEGER without leading zeros; negative ones are refused.
    pub fn unsigned(&self) -> Option<&'a [u8]> {
        if !self.is(tag::INTEGER) || self.content.is_empty() || self.content[0] & 0x80 != 0 {
            return None;
        }
        let zeros = self.content.iter().take_while(|byte| **byte == 0).count();
        self.content.get(zeros..)
    }

    /// A small INTEGER.
    pub fn small(&self) -> Option<u64> {
        let bytes = self.unsigned()?;
        (bytes.len() <= 8).then(|| {
            bytes
                .iter()
                .fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
        })
    }

    /// The bytes of a BIT STRING without its unused-bits byte.
    pub fn bits(&self) -> Option<&'a [u8]> {
        if !self.is(tag::BIT_STRING) {
            return None;
        }
        self.content.get(1..)
    }

    /// The bytes of an OCTET STRING; a constructed one (BER) is joined.
    pub fn octets(&self) -> Option<std::borrow::Cow<'a, [u8]>> {
        if !self.is(tag::OCTET_STRING) {
            return None;
        }
        if !self.constructed {
            return Some(self.content.into());
        }
        let mut joined = Vec::new();
        for part in self.children() {
            joined.extend_from_slice(part.content);
        }
        Some(joined.into())
    }
}

/// Bits of a big-endian magnitude.
pub fn bit_length(magnitude: &[u8]) -> u32 {
    let zeros = magnitude.iter().take_while(|byte| **byte == 0).count();
    match magnitude.get(zeros) {
        None => 0,
        Some(first) => {
            let bytes = u32::try_from(magnitude.len() - zeros).unwrap_or(u32::MAX / 8);
            bytes.saturating_mul(8) - first.leading_zeros()
        }
    }
}
