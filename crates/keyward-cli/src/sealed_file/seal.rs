//! Encrypting a stream.
use std::io::Read;

use keyward_module_awslc::{CHUNK_IV_LEN, CHUNK_OVERHEAD, DataKey};
use zeroize::Zeroizing;

use super::blocks::Blocks;
use super::format::{CHUNKS_MAX, Prefix};
use super::part::{Sink, left_exactly};
use super::progress::Progress;
use crate::exit::{Exit, Failure};

/// The code of a failure that going on would meet again.
pub const OTHER_DATA: &str = "other_data";

/// A file whose data key is at hand.
pub struct Unlocked {
    pub prefix: Prefix,
    pub key: DataKey,
    /// Bytes before the chunks.
    pub header_bytes: u64,
    /// Whether the sink holds what an earlier run left of the same file.
    pub resuming: bool,
}

/// Where data come from, and what to call it.
pub struct Source<'n, R> {
    pub from: R,
    pub name: &'n str,
}

/// Seals everything. The sink stands behind the header.
///
/// Going on with what an earlier run left, every chunk of it is opened and compared with the data: a file that changed
/// in between never becomes a mixture.
pub fn seal<R: Read>(
    source: Source<'_, R>,
    sink: &mut Sink,
    file: &Unlocked,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let size = file.prefix.chunk_bytes();
    let Source { from, name } = source;
    let mut blocks = Blocks::new(from, size);
    let mut buffer = Zeroizing::new(Vec::with_capacity(size + CHUNK_OVERHEAD));
    let mut resuming = file.resuming;
    let mut at = file.header_bytes;
    for index in 0..CHUNKS_MAX {
        let last = blocks
            .next(CHUNK_IV_LEN, &mut buffer)
            .map_err(|error| Failure::file(std::path::Path::new(name), &error))?;
        let length = buffer.len().saturating_sub(CHUNK_IV_LEN);
        let associated = file.prefix.associated(index, last);
        let data = buffer.get(CHUNK_IV_LEN..).unwrap_or_default();
        let there = resuming && is_there(sink, file, &associated, data)?;
        if resuming && !there {
            resuming = false;
            cut(sink, at)?;
        }
        if !there {
            file.key
                .seal(&associated, &mut buffer)
                .map_err(|fault| module_failed(&fault))?;
            sink.write(&buffer)?;
        }
        at = at.saturating_add((length + CHUNK_OVERHEAD) as u64);
        progress.add(length);
        if last {
            return if resuming { cut(sink, at) } else { Ok(()) };
        }
    }
    Err(Failure::local(
        "the data are longer than 4 PiB, which is as much as one file may hold",
        "Split the data.",
    ))
}

/// Whether the next of what was left is this chunk.
fn is_there(
    sink: &mut Sink,
    file: &Unlocked,
    associated: &[u8],
    data: &[u8],
) -> Result<bool, Failure> {
    let Some(part) = sink.left() else {
        return Ok(false);
    };
    let mut left = Zeroizing::new(Vec::new());
    if !left_exactly(part, data.len() + CHUNK_OVERHEAD, &mut left)? {
        return Ok(false);
    }
    match file.key.open(associated, &mut left) {
        Ok(before) if before == data => Ok(true),
        Ok(_) => Err(Failure::new(
            Exit::Local,
            OTHER_DATA,
            "what an earlier run left was made of other data",
            "Leave --resume out to begin anew.",
        )),
        Err(_) => Ok(false),
    }
}

pub fn cut(sink: &mut Sink, at: u64) -> Result<(), Failure> {
    match sink {
        Sink::Part(part) => part.cut(at),
        Sink::Standard => Ok(()),
    }
}

pub fn module_failed(fault: &dyn std::fmt::Display) -> Failure {
    Failure::local(
        format!("the module does not do it: {fault}"),
        "Nothing was written. Report this.",
    )
}
