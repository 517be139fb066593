//! The few rules that all C2SP text forms share: lines end in a newline, numbers have one spelling.

/// Takes the first line, without its newline, off `text`.
pub(super) fn take_line<'a>(text: &mut &'a str) -> Option<&'a str> {
    let (line, rest) = text.split_once('\n')?;
    *text = rest;
    Some(line)
}

/// ASCII decimal without sign and without leading zeroes; zero is `0`.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with('0');
    (canonical && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Whether a text has a character below U+0020 other than a newline; no signed note may.
pub(super) fn has_control(text: &str) -> bool {
    text.bytes().any(|byte| byte < 0x20 && byte != b'\n')
}

#[cfg(test)]
mod tests {
    use super::{decimal, has_control, take_line};

    #[test]
    fn numbers_have_one_spelling() {
        assert_eq!(decimal("0"), Some(0));
        assert_eq!(decimal("18446744073709551615"), Some(u64::MAX));
        for text in [
            "",
            "00",
            "01",
            "+1",
            "-1",
            " 1",
            "1 ",
            "0x1",
            "1e3",
            "18446744073709551616",
            "١",
        ] {
            assert_eq!(decimal(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_line_without_newline_is_no_line() {
        let mut text = "one\n\ntwo";
        assert_eq!(take_line(&mut text), Some("one"));
        assert_eq!(take_line(&mut text), Some(""));
        assert_eq!(take_line(&mut text), None);
        assert_eq!(text, "two");
    }

    #[test]
    fn only_the_newline_is_an_allowed_control_character() {
        assert!(!has_control("a\nb\u{7f}\u{85}"));
        for control in (0..0x20u8).filter(|byte| *byte != b'\n') {
            assert!(has_control(&alloc::format!("a{}b", char::from(control))));
        }
    }
}
