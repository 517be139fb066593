//! `unsafe` stands in named files only, every use with its reason, and the number of uses only shrinks.
use super::bans::has_word;
use super::rust_source::RustSource;
use super::violation::Violation;

/// The files that may hold it: one per crate that talks to C.
const HOMES: &[&str] = &[
    "crates/keyward-module-awslc/src/shim.rs",
    "crates/keyward-tls/src/indicator.rs",
    "crates/keyward-module-pkcs11/src/shim.rs",
    "crates/keyward-pkcs11/src/ffi.rs",
];

/// Crates that hold such a file and therefore cannot forbid it as a whole.
const HOLDERS: &[&str] = &[
    "crates/keyward-module-awslc/",
    "crates/keyward-tls/",
    "crates/keyward-module-pkcs11/",
    "crates/keyward-pkcs11/",
];

/// How far above a use its reason may begin.
const REASON_WITHIN_LINES: usize = 12;

/// Checks one file.
pub fn check(file: &str, source: &RustSource) -> Vec<Violation> {
    let mut found = Vec::new();
    let home = HOMES.contains(&file);
    for number in uses(source) {
        if !home {
            found.push(Violation::new(
                file,
                number + 1,
                "`unsafe` outside its files",
                "what the compiler cannot check is kept where it is reviewed as a whole",
                format!(
                    "move it into one of {}, behind a safe function",
                    HOMES.join(", ")
                ),
            ));
        } else if !has_reason(source, number) {
            found.push(Violation::new(
                file,
                number + 1,
                "`unsafe` without `SAFETY:`",
                "the next reader must be able to check the claim",
                "say above it, as `// SAFETY: ...`, which conditions hold and why",
            ));
        }
    }
    found.extend(check_root(file, source));
    found
}

/// The lines that use the keyword, counted from 0.
pub fn uses(source: &RustSource) -> Vec<usize> {
    source
        .code
        .iter()
        .enumerate()
        .filter(|(_, code)| is_use(code))
        .map(|(number, _)| number)
        .collect()
}

/// The type of a function pointer does nothing by itself; attributes such as `#[unsafe(no_mangle)]` do count.
fn is_use(code: &str) -> bool {
    let Some((_, rest)) = code
        .split_once("unsafe")
        .filter(|_| has_word(code, "unsafe"))
    else {
        return false;
    };
    let rest = rest.trim_start();
    !rest
        .strip_prefix("extern")
        .unwrap_or(rest)
        .trim_start()
        .starts_with("fn(")
}

/// Whether the comment above (attributes between are skipped), or on the line, gives the reason.
fn has_reason(source: &RustSource, number: usize) -> bool {
    let says = |line: usize| {
        source
            .raw
            .get(line)
            .is_some_and(|raw| raw.contains("SAFETY:") || raw.contains("# Safety"))
    };
    if says(number) {
        return true;
    }
    (number.saturating_sub(REASON_WITHIN_LINES)..number)
        .rev()
        .take_while(|line| {
            source
                .code
                .get(*line)
                .is_some_and(|code| !ends_statement(code))
        })
        .any(says)
}

/// Whether a statement or block ends on this line, so that a comment above it is about something else.
fn ends_statement(code: &str) -> bool {
    let code = code.trim_end();
    code.ends_with(';') || code.ends_with('}')
}

/// Every crate without such a file says that it has none.
fn check_root(file: &str, source: &RustSource) -> Vec<Violation> {
    let root = file.ends_with("/src/lib.rs") || file.ends_with("/src/main.rs");
    let exempt = HOLDERS.iter().any(|holder| file.starts_with(holder));
    let forbids = source
        .code
        .iter()
        .any(|code| code.trim() == "#![forbid(unsafe_code)]");
    if !root || exempt || forbids {
        return Vec::new();
    }
    vec![Violation::new(
        file,
        1,
        "the crate does not forbid `unsafe`",
        "a lint that is only denied can be allowed again in a corner",
        "write #![forbid(unsafe_code)] below the header of the crate",
    )]
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: &str = "crates/keyward-module-awslc/src/shim.rs";

    fn count(file: &str, text: &str) -> usize {
        check(file, &RustSource::new(text)).len()
    }

    #[test]
    fn it_is_found_outside_its_files_and_not_in_comments() {
        assert_eq!(
            count(
                "crates/keyward-core/src/a.rs",
                "// SAFETY: none\nunsafe { f() }"
            ),
            1
        );
        assert_eq!(
            count(
                "crates/keyward-core/src/a.rs",
                "// unsafe\n#[expect(unsafe_code)] let a = \"unsafe\";"
            ),
            0
        );
    }

    #[test]
    fn each_use_needs_its_own_reason() {
        assert_eq!(
            count(
                HOME,
                "// SAFETY: f takes no pointer.\nlet a = unsafe { f() };"
            ),
            0
        );
        assert_eq!(count(HOME, "let a = unsafe { f() };"), 1);
        assert_eq!(
            count(
                HOME,
                "// SAFETY: f takes no pointer.\nlet a = unsafe { f() };\nlet b = unsafe { g() };"
            ),
            1
        );
        assert_eq!(
            count(
                HOME,
                "// SAFETY: both live as long.\n#[inline]\nunsafe impl Send for A {}"
            ),
            0
        );
    }

    #[test]
    fn the_type_of_a_function_pointer_is_no_use() {
        assert_eq!(
            count(HOME, "fn f(reader: unsafe extern \"C\" fn(*mut A)) {}"),
            0
        );
        assert_eq!(
            count(HOME, "unsafe extern \"C\" fn f(reader: *mut A) {}"),
            1
        );
    }

    #[test]
    fn a_crate_says_that_it_has_none() {
        assert_eq!(count("crates/keyward-core/src/lib.rs", "//! Core.\n"), 1);
        assert_eq!(
            count(
                "crates/keyward-core/src/lib.rs",
                "//! Core.\n#![forbid(unsafe_code)]\n"
            ),
            0
        );
        assert_eq!(count("crates/keyward-tls/src/lib.rs", "//! TLS.\n"), 0);
    }
}
