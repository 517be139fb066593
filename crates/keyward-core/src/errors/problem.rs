//! One failure as the caller sees it: a code of the table with the values of its parameters.
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::ErrorCode;

/// The longest value of a parameter in characters; what is longer is cut, so that hostile input cannot fill answers and logs.
pub const PARAM_MAX_CHARS: usize = 200;

/// Why a command failed, for its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The reason.
    pub code: ErrorCode,
    /// The values that go into the sentence, by name.
    pub params: Vec<(&'static str, String)>,
}

impl Problem {
    /// A problem whose sentence has no parameters; those with parameters have a constructor named after the code.
    #[must_use]
    pub const fn new(code: ErrorCode) -> Self {
        Self {
            code,
            params: Vec::new(),
        }
    }

    /// Sets a parameter; a name the code does not have is left out, control characters are replaced and long values cut.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        let Some(known) = self
            .code
            .params()
            .iter()
            .copied()
            .find(|known| *known == name)
        else {
            debug_assert!(false, "`{}` has no parameter `{name}`", self.code);
            return self;
        };
        self.params.retain(|(present, _)| *present != known);
        self.params.push((known, cleaned(&value.into())));
        self
    }

    /// Rebuilds a problem that came over the wire; names this release does not know are left out.
    #[must_use]
    pub fn restore<'a>(
        code: ErrorCode,
        params: impl IntoIterator<Item = (&'a str, String)>,
    ) -> Self {
        params
            .into_iter()
            .filter(|(name, _)| code.params().contains(name))
            .fold(Self::new(code), |problem, (name, value)| {
                problem.with(name, value)
            })
    }

    /// The value of a parameter.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .find(|(present, _)| *present == name)
            .map(|(_, value)| value.as_str())
    }

    /// The sentence with the values in their places; a value that was not given reads `unknown`.
    #[must_use]
    pub fn detail(&self) -> String {
        let mut rest = self.code.detail_template();
        let mut text = String::with_capacity(rest.len());
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let (name, tail) = after.split_once('}').unwrap_or((after, ""));
            text.push_str(self.param(name).unwrap_or("unknown"));
            rest = tail;
        }
        text.push_str(rest);
        text
    }
}

/// One line of printable text, cut at the limit.
fn cleaned(value: &str) -> String {
    let mut characters = value.chars();
    let mut text: String = characters
        .by_ref()
        .take(PARAM_MAX_CHARS)
        .map(|character| {
            if character.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                character
            }
        })
        .collect();
    if characters.next().is_some() {
        text.push('…');
    }
    text
}

impl From<ErrorCode> for Problem {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail())
    }
}

impl core::error::Error for Problem {}
