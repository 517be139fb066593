//! Decrypting a stream: every chunk is verified before any of it is given out.
use std::io::Read;

use keyward_module_awslc::CHUNK_OVERHEAD;
use zeroize::Zeroizing;

use super::blocks::Blocks;
use super::format::CHUNKS_MAX;
use super::part::{Sink, left_exactly};
use super::progress::Progress;
use super::seal::{Source, Unlocked, cut};
use crate::exit::{Exit, Failure};

/// Opens everything. The source stands behind the header.
pub fn open<R: Read>(
    source: Source<'_, R>,
    sink: &mut Sink,
    file: &Unlocked,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let Source { from, name } = source;
    let mut blocks = Blocks::new(from, file.prefix.chunk_bytes() + CHUNK_OVERHEAD);
    let mut buffer = Zeroizing::new(Vec::new());
    let mut resuming = file.resuming;
    let mut at = 0;
    for index in 0..CHUNKS_MAX {
        let last = blocks
            .next(0, &mut buffer)
            .map_err(|error| Failure::file(std::path::Path::new(name), &error))?;
        let sealed = buffer.len();
        // Opening wipes what does not open; to say what is wrong with the end, it is tried in another way too.
        let mut end = last.then(|| buffer.to_vec());
        let plaintext = match file
            .key
            .open(&file.prefix.associated(index, last), &mut buffer)
        {
            Ok(plaintext) => &*plaintext,
            Err(_) => return Err(broken(name, sink, file, index, end.as_deref_mut())),
        };
        let there = resuming && is_there(sink, plaintext)?;
        if resuming && !there {
            resuming = false;
            cut(sink, at)?;
        }
        if !there {
            sink.write(plaintext)?;
        }
        at = at.saturating_add(plaintext.len() as u64);
        progress.add(sealed);
        if last {
            return if resuming { cut(sink, at) } else { Ok(()) };
        }
    }
    Err(broken(name, sink, file, CHUNKS_MAX, None))
}

fn is_there(sink: &mut Sink, plaintext: &[u8]) -> Result<bool, Failure> {
    let Some(part) = sink.left() else {
        return Ok(false);
    };
    let mut left = Zeroizing::new(Vec::new());
    Ok(left_exactly(part, plaintext.len(), &mut left)? && left.as_slice() == plaintext)
}

fn broken(name: &str, sink: &Sink, file: &Unlocked, index: u64, end: Option<&mut [u8]>) -> Failure {
    let size = file.prefix.chunk_bytes() as u64;
    let place = super::progress::amount(index.saturating_mul(size));
    let cut_off = end.is_some_and(|chunk| {
        chunk.is_empty()
            || file
                .key
                .open(&file.prefix.associated(index, false), chunk)
                .is_ok()
    });
    let what = if cut_off {
        format!("`{name}` ends too early: what follows after {place} of data is missing")
    } else {
        format!(
            "`{name}` is damaged or cut off: the part that begins after {place} of data does not verify"
        )
    };
    let next = match sink {
        Sink::Part(_) => "Nothing was written. Get the file again from where it came from.",
        Sink::Standard => {
            "What was written so far is right but not the whole: discard it, and get the file again."
        }
    };
    Failure::new(Exit::Integrity, "not_verified", what, next)
}
