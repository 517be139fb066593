//! Software: calls in source code, cryptographic libraries in manifests and lock files, ELF programs.

pub mod code;
pub mod elf;
pub mod manifest;

use crate::detect::Scan;

/// Reads source code, manifests and programs.
pub fn file(scan: &mut Scan<'_>, data: &[u8]) {
    if data.starts_with(b"\x7fELF") {
        elf::file(scan, data);
        return;
    }
    manifest::file(scan, data);
    if scan.limits.source {
        code::file(scan, data);
    }
}
