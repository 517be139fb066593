//! Names that may not be written, each with the reason and the replacement.
use super::rust_source::RustSource;
use super::violation::Violation;

/// One banned name.
struct Ban {
    /// What is looked for in code, at the boundary of a word.
    name: &'static str,
    why: &'static str,
    instead: &'static str,
    /// Where the ban holds; empty means everywhere.
    only_in: &'static [&'static str],
    /// Where it does not hold.
    except_in: &'static [&'static str],
    /// Whether tests are bound by it too.
    tests: bool,
}

const CLOCK: &str = "time is an input: a decision must be replayable from what was recorded";
const CLOCK_INSTEAD: &str =
    "take the time from the Clock port; its one real implementation is keyward-server's clock";
/// The programs beside the server only measure and show time; nothing they decide is replayed.
const CLOCK_HOMES: &[&str] = &[
    "crates/keyward-server/src/clock",
    "crates/keyward-assess/",
    "crates/keyward-report/",
    "crates/keyward-cli/",
    "crates/keyward-testkit/",
    "xtask/",
];
/// Programs whose purpose is to print.
const PRINTERS: &[&str] = &[
    "crates/keyward-cli/",
    "crates/keyward-assess/",
    "crates/keyward-report/",
    "xtask/",
];
const CODECS: &[&str] = &["crates/keyward-protocol/", "crates/keyward-kmip/"];

const BANS: &[Ban] = &[
    Ban {
        name: "SystemTime::now",
        why: CLOCK,
        instead: CLOCK_INSTEAD,
        only_in: &[],
        except_in: CLOCK_HOMES,
        tests: false,
    },
    Ban {
        name: "Instant::now",
        why: CLOCK,
        instead: CLOCK_INSTEAD,
        only_in: &[],
        except_in: CLOCK_HOMES,
        tests: false,
    },
    Ban {
        name: "Timestamp::now",
        why: CLOCK,
        instead: CLOCK_INSTEAD,
        only_in: &[],
        except_in: CLOCK_HOMES,
        tests: false,
    },
    Ban {
        name: "Zoned::now",
        why: CLOCK,
        instead: CLOCK_INSTEAD,
        only_in: &[],
        except_in: CLOCK_HOMES,
        tests: false,
    },
    Ban {
        name: "env::var",
        why: "settings are read in one place, which refuses unknown and malformed ones and reports what it read",
        instead: "read it in the configuration module and pass the value on",
        only_in: &[],
        except_in: &["/config", "xtask/", "/build.rs"],
        tests: false,
    },
    Ban {
        name: "env::vars",
        why: "the environment may hold secrets of others",
        instead: "read the one setting you need in the configuration module",
        only_in: &[],
        except_in: &["xtask/"],
        tests: false,
    },
    Ban {
        name: "println!",
        why: "a library that prints cannot be composed, and a log line without fields cannot be searched",
        instead: "tracing::info! and its kin; results are returned",
        only_in: &[],
        except_in: PRINTERS,
        tests: false,
    },
    Ban {
        name: "print!",
        why: "a library that prints cannot be composed",
        instead: "return the text",
        only_in: &[],
        except_in: PRINTERS,
        tests: false,
    },
    Ban {
        name: "eprintln!",
        why: "a log line without fields and level cannot be searched, and may carry what a log must not",
        instead: "tracing::warn! and its kin",
        only_in: &[],
        except_in: PRINTERS,
        tests: false,
    },
    Ban {
        name: "from_utf8_lossy",
        why: "two different inputs become one text, and a signature or a name is then about something else",
        instead: "refuse what is not UTF-8 with `malformed_request`",
        only_in: CODECS,
        except_in: &[],
        tests: false,
    },
    Ban {
        name: "unbounded_channel",
        why: "a queue without a bound grows until the process dies",
        instead: "a bounded channel, and `overloaded` when it is full",
        only_in: &[],
        except_in: &[],
        tests: true,
    },
    Ban {
        name: "mpsc::unbounded",
        why: "a queue without a bound grows until the process dies",
        instead: "a bounded channel, and `overloaded` when it is full",
        only_in: &[],
        except_in: &[],
        tests: true,
    },
    Ban {
        name: "process::exit",
        why: "it skips the destructors that wipe secrets",
        instead: "return an ExitCode from main",
        only_in: &[],
        except_in: &[],
        tests: false,
    },
    Ban {
        name: "todo!",
        why: "it is a crash with a plan",
        instead: "write it, or return an error the caller can act on",
        only_in: &[],
        except_in: &[],
        tests: true,
    },
    Ban {
        name: "unimplemented!",
        why: "it is a crash with an excuse",
        instead: "write it, or return `operation_not_supported`",
        only_in: &[],
        except_in: &[],
        tests: true,
    },
    Ban {
        name: "dbg!",
        why: "it prints whatever it is given, secrets too",
        instead: "a test, or tracing with chosen fields",
        only_in: &[],
        except_in: &[],
        tests: true,
    },
    Ban {
        name: "#[ignore",
        why: "a test that does not run proves nothing and looks as if it did",
        instead: "make it run, move it to the soak tier, or delete it",
        only_in: &[],
        except_in: &[],
        tests: true,
    },
    Ban {
        name: "mem::forget",
        why: "what is forgotten is never wiped",
        instead: "let it be dropped",
        only_in: &[],
        except_in: &[],
        tests: true,
    },
];

/// Words in comments that say a thing is not finished; written in two parts so that this line is none.
const UNFINISHED: &[&str] = &[
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("HA", "CK:"),
];

/// Checks one file.
pub fn check(file: &str, source: &RustSource) -> Vec<Violation> {
    let mut found = Vec::new();
    let whole_test = is_test_file(file);
    for (number, code) in source.code.iter().enumerate() {
        let in_test = whole_test || source.is_test_line(number);
        for ban in BANS
            .iter()
            .filter(|ban| ban.holds(file, in_test) && has_word(code, ban.name))
        {
            found.push(Violation::new(
                file,
                number + 1,
                format!("`{}`", ban.name),
                ban.why,
                ban.instead,
            ));
        }
    }
    found.extend(check_unfinished(file, source));
    found
}

impl Ban {
    fn holds(&self, file: &str, in_test: bool) -> bool {
        (self.tests || !in_test)
            && (self.only_in.is_empty() || self.only_in.iter().any(|place| file.contains(place)))
            && !self.except_in.iter().any(|place| file.contains(place))
    }
}

fn check_unfinished(file: &str, source: &RustSource) -> Vec<Violation> {
    let mut found = Vec::new();
    for (number, (raw, code)) in source.raw.iter().zip(&source.code).enumerate() {
        let comment = raw
            .find("//")
            .is_some_and(|place| code.get(place..).is_none_or(|rest| rest.trim().is_empty()));
        for word in UNFINISHED
            .iter()
            .filter(|word| comment && has_word(raw, word))
        {
            found.push(Violation::new(
                file,
                number + 1,
                format!("`{word}`"),
                "what is known to be wrong is mended or written down where people look for it",
                "mend it, or open an issue and say in the comment what holds today",
            ));
        }
    }
    found
}

/// Whether the file as a whole is test code.
pub fn is_test_file(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file);
    ["/tests/", "/benches/", "/examples/"]
        .iter()
        .any(|place| file.contains(place))
        || file.starts_with("fuzz/")
        || name == "tests.rs"
        || name.ends_with("_tests.rs")
}

/// Whether the name stands in the line by itself and not as part of a longer one.
pub fn has_word(line: &str, name: &str) -> bool {
    let part_of_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    let starts_open = !name.starts_with(part_of_name);
    let ends_open = !name.ends_with(part_of_name);
    line.match_indices(name).any(|(place, _)| {
        let before = line.get(..place).and_then(|text| text.chars().next_back());
        let after = line
            .get(place + name.len()..)
            .and_then(|text| text.chars().next());
        (starts_open || !before.is_some_and(part_of_name))
            && (ends_open || !after.is_some_and(part_of_name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(file: &str, text: &str) -> usize {
        check(file, &RustSource::new(text)).len()
    }

    #[test]
    fn the_clock_is_read_in_one_place() {
        let text = "fn f() { let t = std::time::SystemTime::now(); let i = Instant::now(); }";
        assert_eq!(count("crates/keyward-engine/src/a.rs", text), 2);
        assert_eq!(count("crates/keyward-server/src/listener.rs", text), 2);
        assert_eq!(count("crates/keyward-server/src/clock.rs", text), 0);
        assert_eq!(count("crates/keyward-engine/tests/a.rs", text), 0);
        assert_eq!(count("crates/keyward-engine/src/a/tests.rs", text), 0);
    }

    #[test]
    fn names_in_comments_and_texts_are_no_findings() {
        assert_eq!(
            count(
                "crates/keyward-core/src/a.rs",
                "// todo!() println!\nconst A: &str = \"dbg!(x)\";"
            ),
            0
        );
    }

    #[test]
    fn a_longer_name_is_another_name() {
        assert_eq!(
            count(
                "crates/keyward-core/src/a.rs",
                "my_todo!(); eprintln_x!(); env::variable();"
            ),
            0
        );
        assert_eq!(count("crates/keyward-core/src/a.rs", "todo!();"), 1);
        assert_eq!(count("crates/keyward-core/src/a.rs", "eprintln!();"), 1);
    }

    #[test]
    fn an_ignored_test_is_found_in_tests_too() {
        assert_eq!(
            count(
                "crates/keyward-core/tests/a.rs",
                "#[ignore = \"slow\"]\nfn f() {}"
            ),
            1
        );
    }

    #[test]
    fn code_for_tests_inside_a_file_may_print() {
        assert_eq!(
            count(
                "crates/keyward-core/src/a.rs",
                "#[cfg(test)]\nmod tests {\n    fn f() { println!(); }\n}\n"
            ),
            0
        );
    }

    #[test]
    fn settings_are_read_in_the_configuration_alone() {
        assert_eq!(
            count(
                "crates/keyward-server/src/config.rs",
                "std::env::var(\"X\")"
            ),
            0
        );
        assert_eq!(
            count(
                "crates/keyward-server/src/listener.rs",
                "std::env::var(\"X\")"
            ),
            1
        );
    }

    #[test]
    fn a_codec_never_guesses_at_text() {
        assert_eq!(
            count(
                "crates/keyward-protocol/src/rest.rs",
                "String::from_utf8_lossy(b)"
            ),
            1
        );
        assert_eq!(
            count(
                "crates/keyward-assess/src/a.rs",
                "String::from_utf8_lossy(b)"
            ),
            0
        );
    }

    #[test]
    fn unfinished_work_is_found_in_comments_and_nowhere_else() {
        let word = concat!("FIX", "ME");
        assert_eq!(
            count(
                "crates/keyward-core/src/a.rs",
                &format!("f(); // {word}: later")
            ),
            1
        );
        assert_eq!(
            count("crates/keyward-core/src/a.rs", &format!("f(\"{word}\");")),
            0
        );
    }
}
