//! What several test programs share.
use tempfile::TempDir;

/// A temporary directory in memory where there is one: for tests that commit a lot and are not about durability.
pub fn fast_directory() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a temporary directory")
}
