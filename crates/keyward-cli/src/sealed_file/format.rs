//! The bytes before the chunks, and what each chunk is bound to.

/// What a file of this format starts with.
pub const MAGIC: [u8; 3] = *b"KWF";
const FORMAT: u8 = 1;
/// AES-256-GCM, 96-bit IV from the module's generator, 128-bit tag.
const SUITE: u8 = 1;
/// Chunks of 1 MiB are written.
const CHUNK_LOG2: u8 = 20;
/// Chunks that are read: larger ones would let a file decide over this program's memory.
const CHUNK_LOG2_READ: core::ops::RangeInclusive<u8> = 12..=24;
/// Bytes before the wrapped key.
pub const PREFIX_BYTES: usize = 24;
/// Longest wrapped key that is read.
const WRAPPED_MAX_BYTES: usize = 4096;
/// Sets what wraps a data key apart from every other use of the key.
const PURPOSE: &[u8] = b"keyward file data key\0";
/// AES-GCM with random IVs: so many under one key and no more (SP 800-38D).
pub const CHUNKS_MAX: u64 = 1 << 32;

/// Why the start of a file is not one of this format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Another magic.
    #[error("it is not a file that `keyward encrypt` made")]
    NotOurs,
    /// A newer format, suite or chunk size.
    #[error("its format is not known to this release")]
    Unknown,
}

/// The bytes before the wrapped key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    chunk_log2: u8,
    wrapped_bytes: u16,
    file: [u8; 16],
}

impl Prefix {
    /// Of a new file.
    pub const fn new(file: [u8; 16], wrapped_bytes: u16) -> Self {
        Self {
            chunk_log2: CHUNK_LOG2,
            wrapped_bytes,
            file,
        }
    }

    /// With chunks of another size, for tests.
    #[cfg(test)]
    pub const fn with_chunks_of(self, chunk_log2: u8) -> Self {
        Self { chunk_log2, ..self }
    }

    pub fn to_bytes(self) -> [u8; PREFIX_BYTES] {
        let mut out = [0; PREFIX_BYTES];
        let kind = [FORMAT, SUITE, self.chunk_log2];
        let length = self.wrapped_bytes.to_be_bytes();
        let fields = MAGIC.iter().chain(&kind).chain(&length).chain(&self.file);
        for (to, from) in out.iter_mut().zip(fields) {
            *to = *from;
        }
        out
    }

    pub fn parse(bytes: &[u8; PREFIX_BYTES]) -> Result<Self, FormatError> {
        let [m0, m1, m2, format, suite, chunk_log2, l0, l1, file @ ..] = *bytes;
        if [m0, m1, m2] != MAGIC {
            return Err(FormatError::NotOurs);
        }
        let wrapped_bytes = u16::from_be_bytes([l0, l1]);
        let known = format == FORMAT
            && suite == SUITE
            && CHUNK_LOG2_READ.contains(&chunk_log2)
            && usize::from(wrapped_bytes) <= WRAPPED_MAX_BYTES;
        known
            .then_some(Self {
                chunk_log2,
                wrapped_bytes,
                file,
            })
            .ok_or(FormatError::Unknown)
    }

    /// Bytes of plaintext in every chunk but the last.
    pub const fn chunk_bytes(&self) -> usize {
        1 << self.chunk_log2
    }

    pub const fn wrapped_bytes(&self) -> usize {
        self.wrapped_bytes as usize
    }

    /// What the data key is bound to when the server encrypts it.
    pub fn context(&self, of_caller: &[u8]) -> Vec<u8> {
        [PURPOSE, &self.to_bytes(), of_caller].concat()
    }

    /// Bytes that [`Self::context`] adds to the caller's.
    pub const fn context_overhead() -> usize {
        PURPOSE.len() + PREFIX_BYTES
    }

    /// What a chunk is bound to.
    pub fn associated(&self, index: u64, last: bool) -> [u8; 25] {
        let mut out = [0; 25];
        let index = index.to_be_bytes();
        let last = [u8::from(last)];
        for (to, from) in out
            .iter_mut()
            .zip(self.file.iter().chain(&index).chain(&last))
        {
            *to = *from;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_reads_back_and_what_is_not_known_is_refused() {
        let prefix = Prefix::new([7; 16], 102);
        let bytes = prefix.to_bytes();
        assert_eq!(Prefix::parse(&bytes), Ok(prefix));
        assert_eq!(&bytes[..8], b"KWF\x01\x01\x14\x00\x66");
        let with = |place: usize, value: u8| {
            let mut changed = bytes;
            changed[place] = value;
            Prefix::parse(&changed)
        };
        assert_eq!(with(2, b'C'), Err(FormatError::NotOurs));
        for (place, value) in [
            (3, 0),
            (3, 2),
            (4, 0),
            (4, 2),
            (5, 11),
            (5, 25),
            (5, 255),
            (6, 0xff),
        ] {
            assert_eq!(
                with(place, value),
                Err(FormatError::Unknown),
                "{place} {value}"
            );
        }
    }

    #[test]
    fn chunks_are_bound_to_their_file_place_and_end() {
        let (one, other) = (Prefix::new([1; 16], 102), Prefix::new([2; 16], 102));
        let all = [
            one.associated(0, false),
            one.associated(0, true),
            one.associated(1, false),
            one.associated(u64::MAX, true),
            other.associated(0, false),
        ];
        for (index, a) in all.iter().enumerate() {
            assert!(all.iter().skip(index + 1).all(|b| a != b));
        }
    }
}
