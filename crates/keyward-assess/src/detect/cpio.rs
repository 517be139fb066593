//! cpio archives (initial RAM disks, the payload of RPM packages) and RPM packages themselves. Streamed.

use std::io::{self, Read};

use super::Scan;
use super::archive::{enter, reader};

/// Longest name that is taken.
const MAX_NAME: u64 = 4096;

/// Eight hexadecimal digits of a header.
fn number(header: &[u8], field: usize) -> Option<u64> {
    let text = header.get(6 + field * 8..14 + field * 8)?;
    u64::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok()
}

/// Steps over bytes; false if there are fewer.
fn skip(input: &mut dyn Read, count: u64) -> bool {
    io::copy(&mut input.take(count), &mut io::sink()).is_ok_and(|copied| copied == count)
}

/// The members of a "new ASCII" cpio archive.
pub fn members(scan: &mut Scan<'_>, input: &mut dyn Read) {
    for _ in 0..scan.limits.members {
        let mut header = [0_u8; 110];
        if input.read_exact(&mut header).is_err() {
            return;
        }
        let (Some(mode), Some(size), Some(name_size)) =
            (number(&header, 1), number(&header, 6), number(&header, 11))
        else {
            scan.gap("malformed", "cpio: header is not hexadecimal");
            return;
        };
        if !header.starts_with(b"07070") || name_size > MAX_NAME {
            scan.gap("malformed", "cpio: not a header");
            return;
        }
        let mut name = vec![0_u8; usize::try_from(name_size).unwrap_or(0)];
        if input.read_exact(&mut name).is_err() {
            return;
        }
        let name = String::from_utf8_lossy(&name)
            .trim_end_matches('\0')
            .to_owned();
        // names and bodies end on multiples of four
        if !skip(input, (4 - (110 + name_size) % 4) % 4) || name == "TRAILER!!!" {
            return;
        }
        let mut body = input.take(size);
        if mode & 0o170_000 == 0o100_000 && size > 0 {
            enter(scan, &name, |scan| reader(scan, &mut body, Some(size)));
        }
        if io::copy(&mut body, &mut io::sink()).is_err() || !skip(input, (4 - size % 4) % 4) {
            return;
        }
        if scan.budget == 0 {
            scan.gap(
                "archive-limit",
                "unpacked size limit; the rest of the archive was not read",
            );
            return;
        }
    }
}

/// An RPM package: lead, two headers, then a compressed cpio archive.
pub fn rpm(scan: &mut Scan<'_>, input: &mut dyn Read) {
    if !skip(input, 96) {
        return;
    }
    for which in 0..2 {
        let mut head = [0_u8; 16];
        if input.read_exact(&mut head).is_err() || !head.starts_with(&[0x8e, 0xad, 0xe8]) {
            scan.gap("malformed", "rpm: header");
            return;
        }
        let be = |at: usize| {
            head.get(at..at + 4)
                .and_then(|bytes| bytes.try_into().ok())
                .map_or(0, u32::from_be_bytes)
        };
        let length = u64::from(be(8)) * 16 + u64::from(be(12));
        // the signature header is padded to eight bytes
        let padding = if which == 0 { (8 - length % 8) % 8 } else { 0 };
        if !skip(input, length + padding) {
            scan.gap("malformed", "rpm: header ends early");
            return;
        }
    }
    enter(scan, "payload", |scan| reader(scan, input, None));
}
