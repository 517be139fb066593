//! Source code.
use crate::detect::Scan;
/// Reads a source file if the name says it is one.
pub fn file(_scan: &mut Scan<'_>, _data: &[u8]) {}
