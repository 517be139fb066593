//! Version-control history: loose Git objects and pack files are inflated and scanned, because a key that
//! was ever committed is still there. Delta objects are scanned as the inserts they carry; what that cannot
//! see is said in the coverage.

use std::io::Read;

use flate2::{Decompress, FlushDecompress, Status};

use super::{Scan, embedded};

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

/// A pack file held in memory.
pub fn pack(scan: &mut Scan<'_>, data: &[u8]) {
    let Some(count) = data
        .get(8..12)
        .and_then(|b| b.try_into().ok())
        .map(u32::from_be_bytes)
    else {
        return;
    };
    let (mut at, mut deltas, mut unread) = (12_usize, 0_u64, 0_u64);
    for _ in 0..count {
        let Some((kind, size, mut body)) = object_header(data, at) else {
            scan.gap("malformed", "git pack: object header");
            return;
        };
        match kind {
            6 => {
                while data.get(body).is_some_and(|byte| byte & 0x80 != 0) {
                    body += 1;
                }
                body += 1;
            }
            7 => body += 20,
            _ => {}
        }
        let Some((plain, used)) = inflate(data.get(body..).unwrap_or_default(), size) else {
            scan.gap("malformed", "git pack: object could not be inflated");
            return;
        };
        if scan.budget < plain.len() as u64 {
            scan.gap(
                "archive-limit",
                "unpacked size limit; the rest of the git pack was not read",
            );
            return;
        }
        scan.budget -= plain.len() as u64;
        let before = scan.findings.len();
        match kind {
            3 if plain.len() as u64 == size => scan.nested(&format!("git-object@{at}"), &plain),
            3 => unread += 1,
            6 | 7 => {
                deltas += 1;
                let inserts = delta_inserts(&plain);
                scan.place.members.push(format!("git-delta@{at}"));
                embedded(scan, &inserts, 0, 0..inserts.len());
                scan.place.members.pop();
            }
            _ => {}
        }
        mark(scan, before);
        at = body + used;
    }
    if deltas > 0 {
        scan.gap(
            "git-delta",
            format!("{deltas} delta objects were scanned by their inserted bytes only"),
        );
    }
    if unread > 0 {
        scan.gap(
            "too-large",
            format!("{unread} git objects larger than {MAX_OBJECT} bytes"),
        );
    }
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
