//! Reads one file: small ones whole, large ones in pieces, holes of sparse files stepped over.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::atomic::Ordering;

use super::Progress;
use crate::detect::{self, Scan, archive};

/// Reads one file and scans it.
pub fn read(
    scan: &mut Scan<'_>,
    mut file: File,
    size: u64,
    buffer: &mut Vec<u8>,
    progress: &Progress,
) {
    let limit = scan.limits.in_memory;
    if size <= limit {
        buffer.clear();
        buffer.reserve(usize::try_from(size).unwrap_or(0) + 1);
        let result = (&mut file).take(limit + 1).read_to_end(buffer);
        scan.coverage.bytes_read += buffer.len() as u64;
        progress
            .bytes
            .fetch_add(buffer.len() as u64, Ordering::Relaxed);
        if let Err(error) = result {
            scan.gap("unreadable", error.to_string());
        }
        scan.size = buffer.len() as u64;
        detect::bytes(scan, buffer);
        return;
    }
    let mut start = [0_u8; 512];
    if let Err(error) = file
        .read_exact(&mut start)
        .and_then(|()| file.seek(SeekFrom::Start(0)).map(|_| ()))
    {
        scan.gap("unreadable", error.to_string());
        return;
    }
    if archive::is_zip(&start) {
        scan.coverage.bytes_read += size;
        archive::zip_file(scan, file);
        return;
    }
    scan.budget = scan.budget.saturating_add(size);
    let mut sparse = Sparse::new(file);
    archive::reader(scan, &mut sparse, Some(size));
    scan.coverage.bytes_read += sparse.read;
    progress.bytes.fetch_add(sparse.read, Ordering::Relaxed);
    if sparse.jumped() > 0 {
        scan.gap(
            "hole",
            format!(
                "{} bytes of a sparse file hold no data and were not read",
                sparse.jumped()
            ),
        );
        for finding in scan
            .findings
            .iter_mut()
            .filter(|finding| finding.location.members.is_empty())
        {
            finding.location.offset = finding
                .location
                .offset
                .map(|offset| sparse.file_offset(offset));
        }
    }
}

/// A file whose large holes are jumped over. Holes near the start are read as the zeros they are, because
/// headers and partition tables address into them; later ones are remembered, so that offsets can be told.
struct Sparse {
    file: File,
    at: u64,
    data_until: u64,
    read: u64,
    given: u64,
    jumps: Vec<(u64, u64)>,
}

/// Holes before this offset are read as zeros.
const READ_HOLES_BELOW: u64 = 64 << 20;

impl Sparse {
    fn new(file: File) -> Self {
        Self {
            file,
            at: 0,
            data_until: 0,
            read: 0,
            given: 0,
            jumps: Vec::new(),
        }
    }

    /// Bytes of holes that were jumped over.
    fn jumped(&self) -> u64 {
        self.jumps.last().map_or(0, |(_, moved)| *moved)
    }

    /// File offset of a position in the stream that was given out.
    fn file_offset(&self, given: u64) -> u64 {
        let moved = self
            .jumps
            .iter()
            .rev()
            .find(|(from, _)| *from <= given)
            .map_or(0, |(_, moved)| *moved);
        given + moved
    }

    /// Finds the next stretch of data; false at the end of the file.
    fn next_stretch(&mut self) -> io::Result<bool> {
        if self.at < READ_HOLES_BELOW {
            self.data_until = READ_HOLES_BELOW;
            return Ok(true);
        }
        match rustix::fs::seek(&self.file, rustix::fs::SeekFrom::Data(self.at)) {
            Ok(data) => {
                if data > self.at {
                    self.jumps
                        .push((self.given, self.jumped() + data - self.at));
                }
                self.at = data;
                self.data_until = rustix::fs::seek(&self.file, rustix::fs::SeekFrom::Hole(data))
                    .unwrap_or(u64::MAX)
                    .max(data + 1);
                self.file.seek(SeekFrom::Start(data))?;
                Ok(true)
            }
            Err(rustix::io::Errno::NXIO) => Ok(false),
            Err(_) => {
                self.data_until = u64::MAX;
                Ok(true)
            }
        }
    }
}

impl Read for Sparse {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.data_until && !self.next_stretch()? {
            return Ok(0);
        }
        let most = usize::try_from(self.data_until - self.at)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let count = self.file.read(buffer.get_mut(..most).unwrap_or_default())?;
        self.at += count as u64;
        self.read += count as u64;
        self.given += count as u64;
        Ok(count)
    }
}
