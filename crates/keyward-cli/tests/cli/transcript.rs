//! A session as a golden file: each command with what it wrote and how it ended. What differs from run to run (ids, times,
//! digests, ports) is replaced by marks of the same length, so that widths stay true.
use std::fmt::Write as _;
use std::path::Path;
use std::process::Output;

use crate::world::{World, code};

pub struct Transcript<'w> {
    world: &'w World,
    text: String,
}

impl<'w> Transcript<'w> {
    pub fn new(world: &'w World) -> Self {
        Self {
            world,
            text: String::new(),
        }
    }

    /// Runs `line` (words without blanks in them, or in double quotes) and notes it.
    pub fn run(&mut self, line: &str) {
        let words = words(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = self.world.run(&words);
        self.note(line, &output);
    }

    /// The same with something on standard input.
    pub fn fed(&mut self, line: &str, input: &[u8]) {
        let words = words(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = self.world.fed(&words, input);
        self.note(line, &output);
    }

    fn note(&mut self, line: &str, output: &Output) {
        let _ = writeln!(self.text, "$ keyward {line}");
        let root = self.world.root().display().to_string();
        for bytes in [&output.stdout, &output.stderr] {
            let shown = String::from_utf8_lossy(bytes).replace(&root, "DIR");
            self.text.push_str(&masked(&shown));
        }
        if !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        if code(output) != 0 {
            let _ = writeln!(self.text, "[exit {}]", code(output));
        }
        self.text.push('\n');
    }

    /// Compares with the golden file, or writes it (`KEYWARD_BLESS=1`); the text for further checks.
    pub fn check(self, name: &str) -> String {
        check(name, &self.text);
        self.text
    }
}

/// Compares a text with a golden file, or writes it.
#[allow(clippy::disallowed_methods, reason = "a test may read its environment")]
pub fn check(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("KEYWARD_BLESS").is_some() {
        std::fs::write(file, text).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    for (number, (was, is)) in expected.lines().zip(text.lines()).enumerate() {
        assert_eq!(
            was,
            is,
            "{}:{} (left: golden, right: now)",
            file.display(),
            number + 1
        );
    }
    assert_eq!(
        expected.lines().count(),
        text.lines().count(),
        "{} differs in length",
        file.display()
    );
}

fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('"').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_ascii_whitespace().map(str::to_owned));
        }
    }
    words
}

/// Replaces runs of hexadecimal digits of the lengths of ids and digests, everything that looks like a time, base64 of
/// some length, and ports.
fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let run = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || "+/=_".contains(c)))
            .unwrap_or(rest.len());
        if run == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (token, after) = rest.split_at(run);
        let is_alias = out.trim_end_matches([' ', ':', '"']).ends_with("alias");
        match mark(token, out.ends_with("localhost:")) {
            _ if is_alias => out.push_str("NUMBER"),
            marked => out.push_str(&marked),
        }
        rest = after;
    }
    times_masked(&out)
}

fn mark(token: &str, is_port: bool) -> String {
    let hex = token
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let large = token.len() >= 8 && token.bytes().all(|byte| byte.is_ascii_digit());
    let long = token.len() >= 40 && token.bytes().any(|byte| byte.is_ascii_digit());
    if is_port {
        "PORT".to_owned()
    } else if hex && matches!(token.len(), 8 | 32 | 64) {
        // Before numbers: by chance an id has no letter in it.
        "x".repeat(token.len())
    } else if large {
        "NUMBER".to_owned()
    } else if long && !token.starts_with("DIR") {
        "B".repeat(token.len())
    } else {
        token.to_owned()
    }
}

/// `2026-11-23T08:15:30.250Z`, `2026-11-23 08:15:30Z`, `2026-11-23`, `11-23 08:15:30`: digits become nines.
fn times_masked(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    for pattern in [
        "dddd-dd-ddTdd:dd:dd.dddZ",
        "dddd-dd-dd dd:dd:ddZ",
        "dddd-dd-dd",
        "dd-dd dd:dd:dd",
    ] {
        for start in 0..bytes.len().saturating_sub(pattern.len() - 1) {
            let place = &bytes[start..start + pattern.len()];
            let fits = place.iter().zip(pattern.bytes()).all(|(byte, p)| {
                if p == b'd' {
                    byte.is_ascii_digit()
                } else {
                    *byte == p
                }
            });
            if fits {
                for (to, byte) in out[start..].iter_mut().zip(place) {
                    if byte.is_ascii_digit() {
                        *to = b'9';
                    }
                }
            }
        }
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn only_what_differs_from_run_to_run_is_masked() {
    let text = "key `orders` made, id 0123456789abcdef0123456789abcdef at 2026-11-23 08:15:30Z\nversion 2 of 1024 https://localhost:4711\n";
    let shown = "key `orders` made, id xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx at 9999-99-99 99:99:99Z\nversion 2 of 1024 https://localhost:PORT\n";
    assert_eq!(masked(text), shown);
    assert_eq!(masked("01234567 and 12345678901"), "xxxxxxxx and NUMBER");
}
