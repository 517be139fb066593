//! Files that can be read: at most 600 lines without tests, never more than 1000.
use super::bans::is_test_file;
use super::ratchet::Ratchet;
use super::rust_source::RustSource;
use super::violation::Violation;

/// What every new file keeps to.
pub const AIMED: usize = 600;
/// What no file exceeds, listed or not.
pub const HARD: usize = 1000;

/// How many lines count for this file; tests and generated code do not.
pub fn counted(file: &str, source: &RustSource) -> usize {
    if source.generated || is_test_file(file) {
        0
    } else {
        source.shipped_lines()
    }
}

/// Checks one file against the limits and the list of those that are longer for now.
pub fn check(file: &str, source: &RustSource, ratchet: &Ratchet) -> Vec<Violation> {
    let lines = counted(file, source);
    let listed = ratchet.file_lines.get(file).copied();
    let limit = listed.unwrap_or(AIMED).min(HARD);
    let mut found = Vec::new();
    if lines > limit {
        found.push(Violation::new(
            file,
            0,
            format!("{lines} lines without tests; its limit is {limit}"),
            "a file that holds one idea is read in one sitting",
            "split it by idea, and move tests to a file of their own; xtask/ratchet.toml lists the longer ones, which may only shrink",
        ));
    }
    found.extend(check_header(file, source));
    found
}

/// A module says what it is for.
fn check_header(file: &str, source: &RustSource) -> Vec<Violation> {
    let first = source
        .raw
        .iter()
        .map(|line| line.trim())
        .find(|line| !line.is_empty() && !line.starts_with("#!"));
    if is_test_file(file) || first.is_none_or(|line| line.starts_with("//!")) {
        return Vec::new();
    }
    vec![Violation::new(
        file,
        1,
        "no header",
        "a reader decides by the header whether to read on",
        "begin the file with `//!`: what it is for, what it must never do, where to read next",
    )]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize) -> RustSource {
        RustSource::new(&format!("//! A.\n{}", "fn f() {}\n".repeat(count - 1)))
    }

    fn listed(file: &str, lines: usize) -> Ratchet {
        let mut ratchet = Ratchet::default();
        ratchet.file_lines.insert(file.to_owned(), lines);
        ratchet
    }

    #[test]
    fn a_new_file_keeps_to_the_aim() {
        assert!(check("a.rs", &lines(AIMED), &Ratchet::default()).is_empty());
        assert_eq!(
            check("a.rs", &lines(AIMED + 1), &Ratchet::default()).len(),
            1
        );
    }

    #[test]
    fn a_listed_file_may_not_grow_and_none_passes_the_hard_limit() {
        assert!(check("a.rs", &lines(700), &listed("a.rs", 700)).is_empty());
        assert_eq!(check("a.rs", &lines(701), &listed("a.rs", 700)).len(), 1);
        assert_eq!(
            check("a.rs", &lines(HARD + 1), &listed("a.rs", 2000)).len(),
            1
        );
    }

    #[test]
    fn tests_and_generated_code_do_not_count() {
        assert!(check("crates/a/tests/a.rs", &lines(2000), &Ratchet::default()).is_empty());
        let generated = RustSource::new(&format!(
            "//! A.\n//! @generated\n{}",
            "fn f() {}\n".repeat(2000)
        ));
        assert!(check("a.rs", &generated, &Ratchet::default()).is_empty());
    }

    #[test]
    fn a_file_without_a_header_is_found() {
        assert_eq!(
            check("a.rs", &RustSource::new("use a::b;\n"), &Ratchet::default()).len(),
            1
        );
        assert!(
            check(
                "a.rs",
                &RustSource::new("#![no_std]\n//! A.\n"),
                &Ratchet::default()
            )
            .is_empty()
        );
    }
}
