//! The bounds of a scan. Every parser and unpacker obeys them, and what they cut is said in the coverage.

/// Bounds; the defaults hold memory below 300 MB on any tree.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest file held in memory at once; larger ones are read in pieces.
    pub in_memory: u64,
    /// Largest file read at all.
    pub file_bytes: u64,
    /// Bytes unpacked out of one file, all nesting together.
    pub unpacked_bytes: u64,
    /// Largest member of an archive held in memory.
    pub member_bytes: u64,
    /// Most members of one archive.
    pub members: u64,
    /// Unpacked bytes per packed byte before an archive counts as a bomb.
    pub ratio: u64,
    /// Deepest nesting of archives and encodings.
    pub depth: u32,
    /// Most findings of one file.
    pub findings_per_file: usize,
    /// Whether archives are looked into.
    pub archives: bool,
    /// Whether source code is parsed.
    pub source: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            in_memory: 16 << 20,
            file_bytes: 64 << 30,
            unpacked_bytes: 8 << 30,
            member_bytes: 16 << 20,
            members: 1_000_000,
            ratio: 1000,
            depth: 6,
            findings_per_file: 100_000,
            archives: true,
            source: true,
        }
    }
}
