//! The query string, as strict as a body.
use std::borrow::Cow;

use keyward_core::Problem;

use super::spec::Field;
use super::text::{Plus, percent_decoded};

/// The parameters that were not taken yet.
pub(super) struct Query<'q> {
    parameters: Vec<(Cow<'q, str>, Cow<'q, str>)>,
}

impl<'q> Query<'q> {
    /// Reads `a=b&c=d`; unknown and repeated names are refused, so that a misspelt filter cannot be ignored.
    pub(super) fn parse(query: &'q str, spec: &[Field]) -> Result<Self, Problem> {
        let mut parameters: Vec<(Cow<'q, str>, Cow<'q, str>)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = percent_decoded(name, Plus::IsBlank)?;
            if !spec.iter().any(|field| field.name == name) {
                return Err(Problem::unknown_field(name));
            }
            if parameters.iter().any(|(present, _)| *present == name) {
                return Err(Problem::invalid_field(name, "it is given twice"));
            }
            parameters.push((name, percent_decoded(value, Plus::IsBlank)?));
        }
        Ok(Self { parameters })
    }

    /// The text of a parameter.
    pub(super) fn text(&mut self, name: &str) -> Option<Cow<'q, str>> {
        let place = self
            .parameters
            .iter()
            .position(|(present, _)| present == name)?;
        Some(self.parameters.swap_remove(place).1)
    }

    /// What a parameter reads as.
    pub(super) fn parsed<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Option<T>,
        expected: &str,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        read(&text)
            .map(Some)
            .ok_or_else(|| Problem::invalid_field(name, expected))
    }

    /// A whole number of the type asked for.
    pub(super) fn whole<T: TryFrom<u64>>(&mut self, name: &str) -> Result<Option<T>, Problem> {
        let read = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            digits
                .then(|| text.parse().ok())
                .flatten()
                .and_then(|value: u64| T::try_from(value).ok())
        };
        self.parsed(
            name,
            read,
            "it must be a whole number, not negative and not too large",
        )
    }

    /// How many rows: the default, or what is asked for within the limit.
    pub(super) fn limit(&mut self) -> Result<u16, Problem> {
        let most = u16::try_from(keyward_core::limits::PAGE_MAX).unwrap_or(u16::MAX);
        match self.whole::<u16>("limit")? {
            None => Ok(LIMIT_DEFAULT.min(most)),
            Some(limit) if (1..=most).contains(&limit) => Ok(limit),
            Some(_) => Err(Problem::invalid_field(
                "limit",
                format!("it must be from 1 to {most}"),
            )),
        }
    }
}

/// Rows of a page when the caller does not say.
pub(super) const LIMIT_DEFAULT: u16 = 100;
