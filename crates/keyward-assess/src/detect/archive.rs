//! Archives and compression: ZIP (JAR, WAR, …), tar (also container images), ar (Debian packages), gzip and
//! zstd, nested. Everything is streamed and counted against the limits, so a bomb ends in a coverage line.

use std::io::{self, Cursor, Read, Seek};

use super::{Scan, embedded, git, head};

/// Bytes that two neighbouring pieces of a large file share, so that a block across the border is found.
const OVERLAP: usize = 64 << 10;
/// Most memory the decoder of xz may ask for.
const XZ_MEMORY_KIB: u32 = 72 << 10;
/// Size of one piece.
const PIECE: usize = 4 << 20;

/// A reader that draws on a budget and watches the ratio to what was packed.
struct Bounded<'r> {
    inner: &'r mut dyn Read,
    left: u64,
    read: u64,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other("unpacked size limit"));
        }
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let count = self
            .inner
            .read(buffer.get_mut(..most).unwrap_or_default())?;
        self.left -= count as u64;
        self.read += count as u64;
        Ok(count)
    }
}

/// What the first bytes say a stream is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Packing {
    Zip,
    Tar,
    Ar,
    Gzip,
    Zstd,
    Xz,
    Cpio,
    Rpm,
    GitPack,
    Unsupported(&'static str),
    None,
}

/// Tells the packing from the first 512 bytes.
fn packing(start: &[u8]) -> Packing {
    if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
        Packing::Zip
    } else if start.get(257..262) == Some(b"ustar") {
        Packing::Tar
    } else if start.starts_with(b"!<arch>\n") {
        Packing::Ar
    } else if start.starts_with(&[0x1f, 0x8b, 8]) {
        Packing::Gzip
    } else if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Packing::Zstd
    } else if start.starts_with(b"PACK\0\0\0") {
        Packing::GitPack
    } else if start.starts_with(b"BZh")
        && start.get(4..10) == Some(&[0x31, 0x41, 0x59, 0x26, 0x53, 0x59])
    {
        Packing::Unsupported("bzip2")
    } else if start.starts_with(b"\xfd7zXZ\0") {
        Packing::Xz
    } else if start.starts_with(b"7z\xbc\xaf\x27\x1c") {
        Packing::Unsupported("7z")
    } else if start.starts_with(b"Rar!\x1a\x07") {
        Packing::Unsupported("rar")
    } else if start.starts_with(b"070701") || start.starts_with(b"070702") {
        Packing::Cpio
    } else if start.starts_with(b"hsqs") {
        Packing::Unsupported("squashfs")
    } else if start.starts_with(&[0xed, 0xab, 0xee, 0xdb]) {
        Packing::Rpm
    } else {
        Packing::None
    }
}

/// Looks into an archive held in memory. True if it was one.
pub fn member(scan: &mut Scan<'_>, data: &[u8]) -> bool {
    let kind = packing(data.get(..data.len().min(512)).unwrap_or_default());
    if kind == Packing::None {
        return git::loose(scan, data);
    }
    unpack_guarded(scan, kind, |scan| match kind {
        Packing::Zip => zip(scan, Cursor::new(data)),
        Packing::GitPack => git::pack(scan, data),
        other => stream(scan, other, &mut Cursor::new(data)),
    });
    true
}

/// Whether the first bytes of a file on disk are those of a ZIP, which needs to seek.
pub fn is_zip(start: &[u8]) -> bool {
    packing(start) == Packing::Zip
}

/// Looks into a ZIP file on disk.
pub fn zip_file(scan: &mut Scan<'_>, file: std::fs::File) {
    unpack_guarded(scan, Packing::Zip, |scan| {
        zip(scan, io::BufReader::new(file))
    });
}

/// Checks depth and whether archives are wanted, then unpacks one level deeper.
fn unpack_guarded(scan: &mut Scan<'_>, kind: Packing, unpack: impl FnOnce(&mut Scan<'_>)) {
    if let Packing::Unsupported(name) = kind {
        scan.gap("compression-unsupported", format!("{name} is not unpacked"));
        return;
    }
    if !scan.limits.archives {
        scan.gap("archives-off", "archives are not looked into (option)");
        return;
    }
    if scan.depth >= scan.limits.depth {
        scan.gap(
            "archive-limit",
            format!("nested deeper than {}", scan.limits.depth),
        );
        return;
    }
    scan.depth += 1;
    unpack(scan);
    scan.depth -= 1;
}

/// Unpacks a streamable kind.
fn stream(scan: &mut Scan<'_>, kind: Packing, input: &mut dyn Read) {
    match kind {
        Packing::Tar => tar(scan, input),
        Packing::Ar => ar(scan, input),
        Packing::Gzip => reader(scan, &mut flate2::read::MultiGzDecoder::new(input), None),
        Packing::Zstd => match ruzstd::decoding::StreamingDecoder::new(input) {
            Ok(mut decoder) => reader(scan, &mut decoder, None),
            Err(error) => scan.gap("malformed", format!("zstd: {error}")),
        },
        // the dictionary a hostile header asks for is bounded
        Packing::Xz => reader(
            scan,
            &mut lzma_rust2::XzReader::new_mem_limit(input, true, XZ_MEMORY_KIB),
            None,
        ),
        Packing::Cpio => super::cpio::members(scan, input),
        Packing::Rpm => super::cpio::rpm(scan, input),
        Packing::Zip | Packing::GitPack => {
            scan.gap(
                "archive-limit",
                "an archive that needs random access is too large to hold in memory",
            );
        }
        Packing::Unsupported(_) | Packing::None => {}
    }
}

/// Scans a stream: wholly in memory if it fits, in overlapping pieces if not; archives are looked into.
/// `size` is the known size, if any.
pub fn reader(scan: &mut Scan<'_>, input: &mut dyn Read, size: Option<u64>) {
    let budget = scan.budget;
    let mut bounded = Bounded {
        inner: input,
        left: budget,
        read: 0,
    };
    let mut buffer = Vec::new();
    let limit = scan.limits.member_bytes;
    let result = (&mut bounded).take(limit + 1).read_to_end(&mut buffer);
    scan.budget = bounded.left;
    if let Err(error) = result {
        broken(scan, &error);
    }
    if (buffer.len() as u64) <= limit {
        let before = std::mem::replace(&mut scan.size, size.unwrap_or(buffer.len() as u64));
        super::bytes(scan, &buffer);
        scan.size = before;
        return;
    }
    let kind = packing(buffer.get(..512).unwrap_or_default());
    if kind == Packing::None {
        pieces(scan, buffer, &mut bounded, size);
        scan.budget = bounded.left;
    } else {
        let mut chained = Cursor::new(buffer).chain(&mut bounded);
        unpack_guarded(scan, kind, |scan| stream(scan, kind, &mut chained));
    }
}

/// Says why a stream ended early.
fn broken(scan: &mut Scan<'_>, error: &io::Error) {
    let reason = if error.to_string().contains("unpacked size limit") {
        "archive-limit"
    } else {
        "malformed"
    };
    scan.gap(reason, format!("not read to the end: {error}"));
}

/// Scans a large stream piece by piece.
fn pieces(scan: &mut Scan<'_>, first: Vec<u8>, rest: &mut dyn Read, size: Option<u64>) {
    let before = std::mem::replace(&mut scan.size, size.unwrap_or(u64::MAX));
    head(scan, &first);
    scan.size = before;
    let mut window = first;
    let mut base = 0_u64;
    loop {
        let searched = window.len().saturating_sub(OVERLAP);
        let known = scan.findings.len();
        embedded(scan, &window, base, 0..window.len());
        drop_repeats(scan, known);
        let tail = window.split_off(searched);
        base += searched as u64;
        window = tail;
        let kept = window.len();
        match rest.take(PIECE as u64).read_to_end(&mut window) {
            Ok(0) => return,
            Ok(_) if window.len() > kept => {}
            Ok(_) => return,
            Err(error) => {
                broken(scan, &error);
                return;
            }
        }
    }
}

/// Removes findings that the overlap made twice.
pub fn drop_repeats(scan: &mut Scan<'_>, known: usize) {
    if known == 0 || known > scan.findings.len() {
        return;
    }
    let fresh = scan.findings.split_off(known);
    for finding in fresh {
        let twice = scan.findings.iter().rev().take(64).any(|old| {
            old.kind == finding.kind
                && old.format == finding.format
                && old.location == finding.location
        });
        if !twice {
            scan.findings.push(finding);
        }
    }
}

/// The members of a tar stream; unpacks nothing to disk.
fn tar(scan: &mut Scan<'_>, input: &mut dyn Read) {
    let mut archive = tar::Archive::new(input);
    let entries = match archive.entries() {
        Ok(entries) => entries,
        Err(error) => {
            scan.gap("malformed", format!("tar: {error}"));
            return;
        }
    };
    let mut count = 0_u64;
    for entry in entries {
        let mut entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                broken(scan, &error);
                return;
            }
        };
        count += 1;
        if count > scan.limits.members {
            scan.gap(
                "archive-limit",
                format!("more than {} members", scan.limits.members),
            );
            return;
        }
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        scan.layers.note(&scan.place.members, &name);
        let size = entry.size();
        let facts = entry
            .header()
            .mode()
            .ok()
            .map(|mode| crate::finding::FileFacts {
                mode: mode & 0o7777,
                uid: entry
                    .header()
                    .uid()
                    .ok()
                    .and_then(|uid| u32::try_from(uid).ok())
                    .unwrap_or(0),
                gid: entry
                    .header()
                    .gid()
                    .ok()
                    .and_then(|gid| u32::try_from(gid).ok())
                    .unwrap_or(0),
            });
        let outer = std::mem::replace(&mut scan.facts, facts);
        enter(scan, &name, |scan| reader(scan, &mut entry, Some(size)));
        scan.facts = outer;
        if scan.budget == 0 {
            scan.gap(
                "archive-limit",
                "unpacked size limit; the rest of the archive was not read",
            );
            return;
        }
    }
}

/// Runs with a member's name pushed onto the place.
pub fn enter(scan: &mut Scan<'_>, name: &str, run: impl FnOnce(&mut Scan<'_>)) {
    scan.coverage.members_read += 1;
    scan.place
        .members
        .push(crate::finding::clip(name.to_owned(), 512));
    run(scan);
    scan.place.members.pop();
}

/// The members of a ZIP.
fn zip<R: Read + Seek>(scan: &mut Scan<'_>, input: R) {
    let mut archive = match zip::ZipArchive::new(input) {
        Ok(archive) => archive,
        Err(error) => {
            scan.gap("malformed", format!("zip: {error}"));
            return;
        }
    };
    let members = archive.len() as u64;
    if members > scan.limits.members {
        scan.gap(
            "archive-limit",
            format!("{members} members, {} are read", scan.limits.members),
        );
    }
    for index in 0..archive
        .len()
        .min(usize::try_from(scan.limits.members).unwrap_or(usize::MAX))
    {
        let mut entry = match archive.by_index(index) {
            Ok(entry) => entry,
            Err(error) => {
                let detail = format!("member {index}: {error}");
                let reason = if detail.contains("assword") {
                    "encrypted"
                } else {
                    "compression-unsupported"
                };
                scan.gap(reason, detail);
                continue;
            }
        };
        if entry.is_dir() {
            continue;
        }
        let name = entry
            .name()
            .map_or_else(|_| format!("member {index}"), std::borrow::Cow::into_owned);
        let (packed, size) = (entry.compressed_size(), entry.size());
        let ratio = scan.limits.ratio;
        if size > scan.limits.member_bytes && size / packed.max(1) > ratio {
            scan.gap(
                "archive-limit",
                format!("'{name}' claims {size} bytes out of {packed}: a bomb"),
            );
            continue;
        }
        enter(scan, &name, |scan| reader(scan, &mut entry, Some(size)));
        if scan.budget == 0 {
            scan.gap(
                "archive-limit",
                "unpacked size limit; the rest of the archive was not read",
            );
            return;
        }
    }
}

/// The members of an ar archive (static libraries, Debian packages).
fn ar(scan: &mut Scan<'_>, input: &mut dyn Read) {
    let mut magic = [0_u8; 8];
    if input.read_exact(&mut magic).is_err() {
        return;
    }
    for _ in 0..scan.limits.members {
        let mut header = [0_u8; 60];
        if input.read_exact(&mut header).is_err() {
            return;
        }
        let text = |from: usize, to: usize| {
            String::from_utf8_lossy(header.get(from..to).unwrap_or_default())
                .trim()
                .trim_end_matches('/')
                .to_owned()
        };
        let Ok(size) = text(48, 58).parse::<u64>() else {
            scan.gap("malformed", "ar: member size is no number");
            return;
        };
        let name = text(0, 16);
        let mut body = input.take(size);
        enter(scan, &name, |scan| reader(scan, &mut body, Some(size)));
        // what the scan did not need is stepped over, with the padding byte
        let mut rest = body.take(u64::MAX);
        if io::copy(&mut rest, &mut io::sink()).is_err() {
            return;
        }
        if size % 2 == 1 {
            let mut pad = [0_u8; 1];
            let _ = input.read(&mut pad);
        }
    }
}
