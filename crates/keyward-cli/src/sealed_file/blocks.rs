//! A stream in blocks of one size, of which the last may be shorter; of each it is known whether it is the last.
use std::io::{ErrorKind, Read};

/// Reads ahead by one byte, which is all it takes to know.
pub struct Blocks<R> {
    from: R,
    size: usize,
    ahead: Option<u8>,
}

impl<R: Read> Blocks<R> {
    pub const fn new(from: R, size: usize) -> Self {
        Self {
            from,
            size,
            ahead: None,
        }
    }

    /// Fills `buffer` behind `room` bytes left for others. Says whether this is the last block; it may be empty only if
    /// the whole stream is.
    pub fn next(&mut self, room: usize, buffer: &mut Vec<u8>) -> std::io::Result<bool> {
        buffer.resize(room + self.size, 0);
        let mut filled = 0;
        if let (Some(byte), Some(place)) = (self.ahead.take(), buffer.get_mut(room)) {
            *place = byte;
            filled = 1;
        }
        filled += fill(
            &mut self.from,
            buffer.get_mut(room + filled..).unwrap_or_default(),
        )?;
        buffer.truncate(room + filled);
        if filled < self.size {
            return Ok(true);
        }
        let mut ahead = [0];
        let more = fill(&mut self.from, &mut ahead)? == 1;
        let [byte] = ahead;
        self.ahead = more.then_some(byte);
        Ok(!more)
    }
}

/// Reads until the buffer is full or the stream ends.
pub fn fill(from: &mut impl Read, mut buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while !buffer.is_empty() {
        match from.read(buffer) {
            Ok(0) => break,
            Ok(count) => {
                filled += count;
                buffer = buffer.get_mut(count..).unwrap_or_default();
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One byte at a time, as a slow pipe may give them.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let count = buffer.len().min(1);
            self.0.read(&mut buffer[..count])
        }
    }

    #[test]
    fn every_length_is_cut_into_blocks_and_the_last_one_is_known() {
        for length in 0..20_usize {
            let data: Vec<u8> = (0..length as u8).collect();
            let mut blocks = Blocks::new(Slow(&data), 4);
            let (mut all, mut count, mut buffer) = (Vec::new(), 0, Vec::new());
            loop {
                let last = blocks.next(3, &mut buffer).unwrap();
                assert!(last || buffer.len() == 3 + 4);
                all.extend_from_slice(&buffer[3..]);
                count += 1;
                if last {
                    break;
                }
            }
            assert_eq!((all, count), (data, length.div_ceil(4).max(1)));
        }
    }
}
