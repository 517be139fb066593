//! What a rule reports: where, which rule, why the rule exists and what to do instead.
use std::fmt;

/// One place that breaks a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The file, from the root of the repository.
    pub file: String,
    /// The line counted from 1; 0 when the whole file is meant.
    pub line: usize,
    /// What was found.
    pub found: String,
    /// Why that is not wanted.
    pub why: String,
    /// What to do instead.
    pub instead: String,
}

impl Violation {
    /// A finding at a line, counted from 1; 0 means the whole file.
    pub fn new(
        file: &str,
        line: usize,
        found: impl Into<String>,
        why: impl Into<String>,
        instead: impl Into<String>,
    ) -> Self {
        Self {
            file: file.to_owned(),
            line,
            found: found.into(),
            why: why.into(),
            instead: instead.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            write!(f, "{}: ", self.file)?;
        } else {
            write!(f, "{}:{}: ", self.file, self.line)?;
        }
        write!(
            f,
            "{}\n    why      {}\n    instead  {}",
            self.found, self.why, self.instead
        )
    }
}
