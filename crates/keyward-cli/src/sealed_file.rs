//! Files of any size, encrypted on this machine under a data key that only Keyward can open again.
//!
//! ```text
//! magic "KWF" (3) | format 1 (1) | suite 1 (1) | log2 of the chunk size (1) | length of the wrapped key (2, big-endian)
//! | file id (16) | wrapped key: a ciphertext of Keyward with the data key in it | chunks
//! chunk: IV (12) | body | tag (16)
//! ```
//! The data key is encrypted by the server with these first 24 bytes and the caller's context as associated data. Each
//! chunk has as its own: file id, index (8, big-endian), 1 if it is the last and else 0. So chunks cannot be left out,
//! put in another order or taken from another file, and an end that is not the file's end is noticed. All chunks but the
//! last are full; an empty file has one empty chunk. `docs/concepts/files.md` says the same for people.
//!
//! What is read is never kept whole: memory does not grow with the file. Nothing here decides who may do it; that is the
//! server's decision when it opens the data key. Read next: `seal`, `open`, `part` (how no half file comes to be).
mod blocks;
mod format;
pub mod open;
pub mod part;
pub mod progress;
pub mod seal;
#[cfg(test)]
mod tests;

pub use blocks::fill;
pub use format::{MAGIC, PREFIX_BYTES, Prefix};
use keyward_module_awslc::{AwsLcModule, Config, harden_process};

use crate::exit::Failure;

/// The validated module in this process: version, integrity and self-tests are checked before it computes anything.
pub fn module() -> Result<AwsLcModule, Failure> {
    // What cannot be hardened here is no reason to stop: the machine is the user's own.
    let _ = harden_process();
    AwsLcModule::start(Config::default()).map_err(|fault| {
        Failure::local(
            fault.to_string(),
            "Run the release as it was built; nothing is encrypted without its module.",
        )
    })
}
