//! A Rust file seen twice: as written, and with comments and literals blanked out, line for line.
//!
//! Rules look at the blanked text, so that a banned name in a comment or a string is no finding. This is a scanner of
//! the lexical surface and no parser; it must never fail on a file the compiler accepts.
use std::ops::Range;

/// One file, split into lines.
pub struct RustSource {
    /// The lines as written.
    pub raw: Vec<String>,
    /// The same lines with comments and the insides of literals replaced by spaces.
    pub code: Vec<String>,
    /// Lines that are compiled only for tests.
    tests: Vec<Range<usize>>,
    /// Written by a program.
    pub generated: bool,
}

impl RustSource {
    /// Scans the text of a file.
    pub fn new(text: &str) -> Self {
        let raw: Vec<String> = text.lines().map(str::to_owned).collect();
        let code: Vec<String> = blanked(text).lines().map(str::to_owned).collect();
        let tests = test_ranges(&code);
        let generated = raw.iter().take(10).any(|line| line.contains("@generated"));
        Self {
            raw,
            code,
            tests,
            generated,
        }
    }

    /// Whether the line (counted from 0) is compiled only for tests.
    pub fn is_test_line(&self, line: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&line))
    }

    /// How many lines are not test code.
    pub fn shipped_lines(&self) -> usize {
        (0..self.raw.len())
            .filter(|line| !self.is_test_line(*line))
            .count()
    }
}

/// Where the scanner is.
#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Code,
    LineComment,
    BlockComment(u32),
    Text,
    RawText(usize),
}

/// The text with comments and the insides of literals replaced by spaces; line breaks stay.
fn blanked(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut inside = Inside::Code;
    let mut place = 0;
    while place < letters.len() {
        let (taken, next) = match inside {
            Inside::Code => step_code(&letters, place),
            other => step_blank(&letters, place, other),
        };
        // A character literal is taken whole, so that a brace in quotes is not counted as one.
        let character = taken > 1 && letters.get(place) == Some(&'\'');
        let code = inside == Inside::Code && next == Inside::Code && !character;
        for letter in letters.iter().skip(place).take(taken) {
            let keep = *letter == '\n' || code;
            out.push(if keep { *letter } else { ' ' });
        }
        place += taken;
        inside = next;
    }
    out
}

/// One step in code: how many letters it takes and what follows.
fn step_code(letters: &[char], place: usize) -> (usize, Inside) {
    let at = |offset: usize| letters.get(place + offset).copied().unwrap_or(' ');
    let after_name = place > 0
        && letters
            .get(place - 1)
            .is_some_and(|letter| letter.is_alphanumeric() || *letter == '_');
    match at(0) {
        '/' if at(1) == '/' => (2, Inside::LineComment),
        '/' if at(1) == '*' => (2, Inside::BlockComment(1)),
        '"' => (1, Inside::Text),
        'r' | 'b' | 'c' if !after_name => prefixed(letters, place),
        '\'' => (quoted_letter(letters, place), Inside::Code),
        _ => (1, Inside::Code),
    }
}

/// A word that may be the prefix of a literal: `r"`, `r#"`, `b"`, `br#"`, `c"`, `cr"`.
fn prefixed(letters: &[char], place: usize) -> (usize, Inside) {
    let mut end = place;
    let mut raw = false;
    while let Some('r' | 'b' | 'c') = letters.get(end) {
        raw |= letters.get(end) == Some(&'r');
        end += 1;
    }
    let hashes = letters
        .iter()
        .skip(end)
        .take_while(|letter| **letter == '#')
        .count();
    match letters.get(end + hashes) {
        Some('"') if raw && end - place <= 2 => (end + hashes + 1 - place, Inside::RawText(hashes)),
        Some('"') if hashes == 0 && end - place == 1 => (2, Inside::Text),
        _ => (end - place, Inside::Code),
    }
}

/// How long a character literal is; 1 for the quote of a lifetime.
fn quoted_letter(letters: &[char], place: usize) -> usize {
    if letters.get(place + 1) == Some(&'\\') {
        let close = letters
            .iter()
            .skip(place + 3)
            .take(10)
            .position(|letter| *letter == '\'');
        return close.map_or(1, |offset| offset + 4);
    }
    if letters.get(place + 2) == Some(&'\'') {
        3
    } else {
        1
    }
}

/// One step inside a comment or a literal.
fn step_blank(letters: &[char], place: usize, inside: Inside) -> (usize, Inside) {
    let at = |offset: usize| letters.get(place + offset).copied().unwrap_or(' ');
    match (inside, at(0)) {
        (Inside::LineComment, '\n') | (Inside::Text, '"') => (1, Inside::Code),
        (Inside::BlockComment(1), '*') if at(1) == '/' => (2, Inside::Code),
        (Inside::BlockComment(depth), '*') if at(1) == '/' => (2, Inside::BlockComment(depth - 1)),
        (Inside::BlockComment(depth), '/') if at(1) == '*' => (2, Inside::BlockComment(depth + 1)),
        (Inside::Text, '\\') => (2, Inside::Text),
        (Inside::RawText(hashes), '"') if (1..=hashes).all(|offset| at(offset) == '#') => {
            (1 + hashes, Inside::Code)
        }
        (same, _) => (1, same),
    }
}

/// The lines of items under `#[cfg(test)]`.
fn test_ranges(code: &[String]) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (start, line) in code.iter().enumerate() {
        let within = ranges
            .last()
            .is_some_and(|range: &Range<usize>| range.contains(&start));
        if !within && line.trim_start().starts_with("#[cfg(test)]") {
            ranges.push(start..item_end(code, start));
        }
    }
    ranges
}

/// The line after the item that starts here: after its closing brace, or after its semicolon.
fn item_end(code: &[String], start: usize) -> usize {
    let mut depth = 0_usize;
    for (number, line) in code.iter().enumerate().skip(start) {
        for letter in line.chars() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 1 => return number + 1,
                '}' => depth = depth.saturating_sub(1),
                ';' if depth == 0 => return number + 1,
                _ => {}
            }
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(text: &str) -> String {
        let lines: Vec<String> = RustSource::new(text)
            .code
            .iter()
            .map(|line| line.trim().to_owned())
            .collect();
        lines.join("\n")
    }

    #[test]
    fn comments_and_literals_are_blanked_and_code_stays() {
        assert_eq!(code_of("a(); // b()"), "a();");
        assert_eq!(
            code_of("a(/* b /* c */ d */);"),
            format!("a({});", " ".repeat(17))
        );
        assert!(!code_of("f(\"unsafe \\\" still\"); g();").contains("unsafe"));
        assert!(code_of("f(\"unsafe \\\" still\"); g();").contains("g();"));
        assert!(!code_of("f(r#\"unsafe \" x\"#); g();").contains("unsafe"));
        assert!(code_of("f(r#\"unsafe \" x\"#); g();").contains("g();"));
        assert!(!code_of("f(br\"unsafe\", b\"unsafe\", c\"unsafe\")").contains("unsafe"));
    }

    #[test]
    fn a_quote_as_a_character_or_a_lifetime_opens_no_text() {
        for text in [
            "f('\"'); g(\"x\"); h();",
            "f::<'a>(b'\\''); h();",
            "f('\\u{1f600}'); h();",
            "for<'a> fn(&'a str); h();",
        ] {
            assert!(code_of(text).contains("h();"), "{text}: {}", code_of(text));
        }
    }

    #[test]
    fn a_name_that_ends_like_a_prefix_opens_no_raw_text() {
        assert!(code_of("let bar = r; abr(\"x\"); h();").contains("h();"));
        assert!(code_of("let r#type = 1; h();").contains("h();"));
    }

    #[test]
    fn every_line_keeps_its_place() {
        let text = "a\n/* b\nc */ d\n\"e\nf\" g\n";
        let source = RustSource::new(text);
        assert_eq!(source.code.len(), source.raw.len());
        assert_eq!(
            source
                .code
                .iter()
                .map(|line| line.trim())
                .collect::<Vec<_>>(),
            ["a", "", "d", "", "g"]
        );
    }

    #[test]
    fn items_for_tests_are_told_apart() {
        let source = RustSource::new(
            "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n#[cfg(test)]\nmod more;\nfn c() {}\n",
        );
        let tests: Vec<bool> = (0..8).map(|line| source.is_test_line(line)).collect();
        assert_eq!(tests, [false, true, true, true, true, true, true, false]);
        assert_eq!(source.shipped_lines(), 2);
    }

    #[test]
    fn a_brace_in_quotes_closes_nothing() {
        let source = RustSource::new(
            "#[cfg(test)]\nmod tests {\n    const A: char = '}';\n    const B: &str = \"}\";\n}\nfn c() {}\n",
        );
        assert!(source.is_test_line(3));
        assert!(!source.is_test_line(5));
    }
}
