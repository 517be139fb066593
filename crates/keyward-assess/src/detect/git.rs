//! Version-control history: loose Git objects and pack files are inflated and scanned, because a key that
//! was ever committed is still there. Delta objects are applied to their bases; where a base is not at hand they are
//! scanned as the inserts they carry, and the coverage says so.

use std::collections::{HashMap, VecDeque};
use std::io::Read;

use flate2::{Decompress, FlushDecompress, Status};

use super::{Scan, embedded};

/// Most bytes of objects kept for deltas.
const MAX_KEPT: usize = 48 << 20;
/// Largest object that is inflated.
const MAX_OBJECT: usize = 16 << 20;

/// A loose object: a zlib stream under `.git/objects`.
pub fn loose(scan: &mut Scan<'_>, data: &[u8]) -> bool {
    if data.first() != Some(&0x78)
        || !scan.place.path.contains("/objects/")
        || !scan.place.members.is_empty()
    {
        return false;
    }
    let mut plain = Vec::new();
    let decoder = flate2::read::ZlibDecoder::new(data);
    if decoder
        .take(MAX_OBJECT as u64)
        .read_to_end(&mut plain)
        .is_err()
        || !plain.starts_with(b"blob ")
    {
        return plain.starts_with(b"tree ") || plain.starts_with(b"commit ");
    }
    let Some(start) = memchr::memchr(0, plain.get(..plain.len().min(64)).unwrap_or_default())
    else {
        return false;
    };
    let before = scan.findings.len();
    scan.nested("git-blob", plain.get(start + 1..).unwrap_or_default());
    mark(scan, before);
    true
}

/// Marks findings as coming from history.
fn mark(scan: &mut Scan<'_>, from: usize) {
    for finding in scan.findings.iter_mut().skip(from) {
        finding
            .properties
            .insert("version-control".to_owned(), "git history".to_owned());
    }
}

/// Object header of a pack: type and size; returns the position after it.
fn object_header(data: &[u8], mut at: usize) -> Option<(u8, u64, usize)> {
    let mut byte = *data.get(at)?;
    at += 1;
    let kind = (byte >> 4) & 7;
    let mut size = u64::from(byte & 0x0f);
    let mut shift = 4_u32;
    while byte & 0x80 != 0 {
        byte = *data.get(at)?;
        at += 1;
        size |= u64::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if shift > 56 {
            return None;
        }
    }
    Some((kind, size, at))
}

/// One object of a pack that deltas may refer to.
struct Object {
    blob: bool,
    plain: Vec<u8>,
}

/// Objects of a pack kept for the deltas that build on them, by their offset; the oldest go first.
#[derive(Default)]
struct Bases {
    objects: HashMap<u64, Object>,
    order: VecDeque<u64>,
    bytes: usize,
}

impl Bases {
    fn keep(&mut self, at: u64, object: Object) {
        self.bytes += object.plain.len();
        self.objects.insert(at, object);
        self.order.push_back(at);
        while self.bytes > MAX_KEPT {
            let Some(oldest) = self.order.pop_front() else {
                return;
            };
            if let Some(gone) = self.objects.remove(&oldest) {
                self.bytes -= gone.plain.len();
            }
        }
    }
}

/// What a pack held, in numbers.
#[derive(Default)]
struct Unread {
    deltas: u64,
    large: u64,
}

/// A pack file held in memory. Deltas are applied to their bases while these are kept; the rest are scanned
/// by the bytes they insert.
pub fn pack(scan: &mut Scan<'_>, data: &[u8]) {
    let Some(count) = data
        .get(8..12)
        .and_then(|b| b.try_into().ok())
        .map(u32::from_be_bytes)
    else {
        return;
    };
    let mut at = 12_usize;
    let mut unread = Unread::default();
    let mut bases = Bases::default();
    for _ in 0..count {
        let Some(next) = object(scan, data, at, &mut bases, &mut unread) else {
            break;
        };
        at = next;
    }
    if unread.deltas > 0 {
        scan.gap(
            "git-delta",
            format!(
                "{} delta objects were scanned by their inserted bytes only",
                unread.deltas
            ),
        );
    }
    if unread.large > 0 {
        scan.gap(
            "too-large",
            format!(
                "{} git objects larger than {MAX_OBJECT} bytes",
                unread.large
            ),
        );
    }
}

/// One object; returns where the next begins.
fn object(
    scan: &mut Scan<'_>,
    data: &[u8],
    at: usize,
    bases: &mut Bases,
    unread: &mut Unread,
) -> Option<usize> {
    let Some((kind, size, mut body)) = object_header(data, at) else {
        scan.gap("malformed", "git pack: object header");
        return None;
    };
    let base = if kind == 6 {
        let (distance, after) = distance(data, body)?;
        body = after;
        (at as u64).checked_sub(distance)
    } else {
        None
    };
    if kind == 7 {
        body += 20;
    }
    let Some((plain, used)) = inflate(data.get(body..).unwrap_or_default(), size) else {
        scan.gap("malformed", "git pack: object could not be inflated");
        return None;
    };
    if scan.budget < plain.len() as u64 {
        scan.gap(
            "archive-limit",
            "unpacked size limit; the rest of the git pack was not read",
        );
        return None;
    }
    scan.budget -= plain.len() as u64;
    let before = scan.findings.len();
    match kind {
        1..=4 if plain.len() as u64 == size => {
            let blob = kind == 3;
            if blob {
                scan.nested(&format!("git-object@{at}"), &plain);
            }
            bases.keep(at as u64, Object { blob, plain });
        }
        1..=4 => unread.large += 1,
        6 | 7 => delta(scan, at, base, &plain, bases, unread),
        _ => {}
    }
    mark(scan, before);
    Some(body + used)
}

/// How far before an object its base stands: seven bits a byte, each continuation adds one.
fn distance(data: &[u8], mut at: usize) -> Option<(u64, usize)> {
    let mut distance = 0_u64;
    loop {
        let byte = *data.get(at)?;
        at += 1;
        distance = distance.checked_mul(128)? | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((distance, at));
        }
        distance = distance.checked_add(1)?;
    }
}

/// A delta: applied if its base is at hand, else scanned by what it inserts.
fn delta(
    scan: &mut Scan<'_>,
    at: usize,
    base: Option<u64>,
    delta: &[u8],
    bases: &mut Bases,
    unread: &mut Unread,
) {
    let applied = base
        .and_then(|base| bases.objects.get(&base))
        .and_then(|base| Some((base.blob, apply(&base.plain, delta)?)));
    if let Some((blob, plain)) = applied {
        if blob && scan.budget >= plain.len() as u64 {
            scan.budget -= plain.len() as u64;
            scan.nested(&format!("git-object@{at}"), &plain);
        }
        bases.keep(at as u64, Object { blob, plain });
    } else {
        unread.deltas += 1;
        let inserts = delta_inserts(delta);
        scan.place.members.push(format!("git-delta@{at}"));
        embedded(scan, &inserts, 0, 0..inserts.len());
        scan.place.members.pop();
    }
}

/// A size at the start of a delta.
fn delta_size(delta: &[u8], at: &mut usize) -> Option<usize> {
    let (mut size, mut shift) = (0_u64, 0_u32);
    loop {
        let byte = *delta.get(*at)?;
        *at += 1;
        size |= u64::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            return usize::try_from(size).ok();
        }
        if shift > 56 {
            return None;
        }
    }
}

/// Applies a delta to its base; none if it is malformed or the result too large.
fn apply(base: &[u8], delta: &[u8]) -> Option<Vec<u8>> {
    let mut at = 0;
    if delta_size(delta, &mut at)? != base.len() {
        return None;
    }
    let size = delta_size(delta, &mut at).filter(|size| *size <= MAX_OBJECT)?;
    let mut out = Vec::with_capacity(size.min(1 << 20));
    while at < delta.len() {
        let code = *delta.get(at)?;
        at += 1;
        if code & 0x80 == 0 {
            let length = usize::from(code);
            if length == 0 {
                return None;
            }
            out.extend_from_slice(delta.get(at..at + length)?);
            at += length;
        } else {
            let mut value = [0_u8; 8];
            for bit in 0..7 {
                if code & (1 << bit) != 0 {
                    // four bytes of offset, then three of length
                    *value.get_mut(bit)? = *delta.get(at)?;
                    at += 1;
                }
            }
            let [o0, o1, o2, o3, l0, l1, l2, _] = value;
            let offset = u32::from_le_bytes([o0, o1, o2, o3]) as usize;
            let length = match u32::from_le_bytes([l0, l1, l2, 0]) {
                0 => 0x1_0000,
                length => length as usize,
            };
            out.extend_from_slice(base.get(offset..offset.checked_add(length)?)?);
        }
        if out.len() > size {
            return None;
        }
    }
    (out.len() == size).then_some(out)
}

/// Inflates one zlib stream; returns at most [`MAX_OBJECT`] bytes of it and how much input it took.
fn inflate(input: &[u8], size: u64) -> Option<(Vec<u8>, usize)> {
    let mut state = Decompress::new(true);
    let wanted = usize::try_from(size).ok()?.min(MAX_OBJECT);
    let mut plain = Vec::with_capacity(wanted.min(1 << 20));
    let mut piece = [0_u8; 16_384];
    loop {
        let taken = usize::try_from(state.total_in()).ok()?;
        let made = state.total_out();
        let status = state
            .decompress(input.get(taken..)?, &mut piece, FlushDecompress::None)
            .ok()?;
        let fresh = usize::try_from(state.total_out() - made).ok()?;
        if plain.len() < wanted {
            plain.extend_from_slice(piece.get(..fresh.min(wanted - plain.len()))?);
        }
        if status == Status::StreamEnd {
            return Some((plain, usize::try_from(state.total_in()).ok()?));
        }
        if fresh == 0 && usize::try_from(state.total_in()).ok()? == taken {
            return None;
        }
    }
}

/// The literal bytes a delta inserts, one after another.
fn delta_inserts(delta: &[u8]) -> Vec<u8> {
    let mut at = 0;
    for _ in 0..2 {
        while delta.get(at).is_some_and(|byte| byte & 0x80 != 0) {
            at += 1;
        }
        at += 1;
    }
    let mut out = Vec::new();
    while let Some(byte) = delta.get(at).copied() {
        at += 1;
        if byte & 0x80 != 0 {
            at += (byte & 0x7f).count_ones() as usize;
        } else {
            let length = usize::from(byte);
            if length == 0 {
                break;
            }
            out.extend_from_slice(
                delta
                    .get(at..(at + length).min(delta.len()))
                    .unwrap_or_default(),
            );
            at += length;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delta_copies_and_inserts() {
        // base of 10 bytes, result of 7: copy 4 from 2, insert "abc"
        let delta = [10, 7, 0x80 | 0x01 | 0x10, 2, 4, 3, b'a', b'b', b'c'];
        assert_eq!(apply(b"0123456789", &delta), Some(b"2345abc".to_vec()));
        assert_eq!(apply(b"012", &delta), None);
        assert_eq!(apply(b"0123456789", &[10, 7, 0x91, 9, 4]), None);
    }
}
