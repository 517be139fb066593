//! From method and path to a row of the table.
use std::borrow::Cow;

use keyward_core::{ErrorCode, Problem};

use super::spec::RouteSpec;
use super::table::{Route, routes};
use super::text;

/// The methods the table uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Does or makes something.
    Post,
    /// Writes the whole of something named by the path.
    Put,
    /// Changes the members that are given (RFC 7396).
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    /// As on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// More segments than any route has: longer paths are `{x*}` tails or nothing.
const SEGMENTS_MAX: usize = 8;

/// A route with what the path says.
#[derive(Debug, Clone, Copy)]
pub struct Matched<'p> {
    /// The row.
    pub spec: &'static RouteSpec,
    path: &'p str,
    parameters: [&'p str; 3],
}

impl<'p> Matched<'p> {
    /// Which route.
    #[must_use]
    pub const fn route(&self) -> Route {
        self.spec.route
    }

    /// Longest body it takes; whoever reads the body stops there with `body_too_large`.
    #[must_use]
    pub const fn body_limit(&self) -> usize {
        self.spec.body_limit
    }

    /// Whether it needs no caller.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.spec.open
    }

    /// The whole path as it came.
    #[must_use]
    pub const fn path(&self) -> &'p str {
        self.path
    }

    /// The first `{x}` of the path, percent-decoded.
    pub(super) fn first(&self) -> Result<Cow<'p, str>, Problem> {
        text::percent_decoded(self.parameters[0], text::Plus::IsPlus)
    }

    /// The second.
    pub(super) fn second(&self) -> Result<Cow<'p, str>, Problem> {
        text::percent_decoded(self.parameters[1], text::Plus::IsPlus)
    }

    /// The third.
    pub(super) fn third(&self) -> Result<Cow<'p, str>, Problem> {
        text::percent_decoded(self.parameters[2], text::Plus::IsPlus)
    }
}

/// Finds the route.
///
/// # Errors
/// `no_such_route`, or `method_not_allowed` where another method would do.
pub fn find<'p>(method: &str, path: &'p str) -> Result<Matched<'p>, Problem> {
    let mut known = false;
    for spec in rows_for(path) {
        if spec.method.as_str() == method {
            return Ok(Matched {
                spec,
                path,
                parameters: parameters(spec, path),
            });
        }
        known = true;
    }
    if known {
        Err(Problem::method_not_allowed(method))
    } else {
        Err(Problem::new(ErrorCode::NoSuchRoute))
    }
}

/// The methods a path takes, for the `Allow` header.
pub(super) fn allowed(path: &str) -> Vec<&'static str> {
    rows_for(path).map(|spec| spec.method.as_str()).collect()
}

fn rows_for(path: &str) -> impl Iterator<Item = &'static RouteSpec> {
    let (segments, count) = split(path);
    routes().filter(move |spec| count.is_some_and(|count| fits(spec, &segments, count)))
}

/// The segments up to the limit, and how many there are; none if the path does not start with a slash.
fn split(path: &str) -> ([&str; SEGMENTS_MAX], Option<usize>) {
    let mut segments = [""; SEGMENTS_MAX];
    let Some(rest) = path.strip_prefix('/') else {
        return (segments, None);
    };
    let mut count = 0_usize;
    for segment in rest.split('/') {
        if let Some(place) = segments.get_mut(count) {
            *place = segment;
        }
        count = count.saturating_add(1);
    }
    (segments, Some(count))
}

fn fits(spec: &RouteSpec, segments: &[&str; SEGMENTS_MAX], count: usize) -> bool {
    let open_ended = spec.path.last().is_some_and(|last| is_tail(last));
    if (count != spec.path.len() && !open_ended) || count < spec.path.len() {
        return false;
    }
    // From the end: siblings differ there, so most rows fall out at the first comparison.
    spec.path
        .iter()
        .zip(segments)
        .rev()
        .all(|(pattern, segment)| {
            if is_parameter(pattern) {
                !segment.is_empty()
            } else {
                pattern == segment
            }
        })
}

fn is_parameter(pattern: &str) -> bool {
    pattern.starts_with('{')
}

fn is_tail(pattern: &str) -> bool {
    pattern.ends_with("*}")
}

fn parameters<'p>(spec: &RouteSpec, path: &'p str) -> [&'p str; 3] {
    let mut found = [""; 3];
    let mut places = found.iter_mut();
    let mut rest = path.strip_prefix('/').unwrap_or(path);
    for pattern in spec.path {
        let (segment, after) = rest.split_once('/').unwrap_or((rest, ""));
        if is_parameter(pattern)
            && let Some(place) = places.next()
        {
            *place = if is_tail(pattern) { rest } else { segment };
        }
        rest = after;
    }
    found
}
