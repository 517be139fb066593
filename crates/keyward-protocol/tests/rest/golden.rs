//! Golden files: what the wire looks like, kept in the repository. `KEYWARD_BLESS=1 cargo test` writes them anew, which
//! the diff then shows.
use std::path::{Path, PathBuf};

/// Where this crate's golden files are.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Compares with the file, or writes it.
#[allow(clippy::disallowed_methods, reason = "a test may read its environment")]
pub fn check(file: &Path, actual: &str) {
    if std::env::var_os("KEYWARD_BLESS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, actual).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(file).unwrap_or_default();
    if let Some((number, (was, is))) = expected
        .lines()
        .zip(actual.lines())
        .enumerate()
        .find(|(_, (was, is))| was != is)
    {
        panic!(
            "{}:{}\n  golden: {was}\n  now:    {is}",
            file.display(),
            number + 1
        );
    }
    assert_eq!(
        expected.len(),
        actual.len(),
        "{} differs in length",
        file.display()
    );
}
