//! The vocabulary of the route table: what a route takes and gives.
use super::route::Method;
use super::table::Route;

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct RouteSpec {
    /// Which route.
    pub route: Route,
    /// Its method.
    pub method: Method,
    /// Path segments; `{x}` stands for one segment, `{x*}` at the end for all that remain.
    pub path: &'static [&'static str],
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// Query parameters.
    pub query: &'static [Field],
    /// Members of the JSON body; `None`: no body at all.
    pub body: Option<&'static [Field]>,
    /// What a success looks like.
    pub success: Success,
    /// Whether it needs no caller (health, readiness, this description, and unsealing, whose secret is in the body).
    pub open: bool,
    /// Longest body.
    pub body_limit: usize,
    /// Whether it takes `If-Match` with the ETag of what it changes.
    pub conditional: bool,
}

/// Bodies without data.
const SMALL_BODY: usize = 64 << 10;

const fn row(
    method: Method,
    route: Route,
    path: &'static [&'static str],
    success: Success,
    summary: &'static str,
) -> RouteSpec {
    RouteSpec {
        route,
        method,
        path,
        summary,
        query: &[],
        body: None,
        success,
        open: false,
        body_limit: SMALL_BODY,
        conditional: false,
    }
}

macro_rules! methods {
    ($($name:ident $method:ident $doc:literal)*) => { $(
        #[doc = $doc]
        pub(super) const fn $name(
            route: Route,
            path: &'static [&'static str],
            success: Success,
            summary: &'static str,
        ) -> RouteSpec {
            row(Method::$method, route, path, success, summary)
        }
    )* };
}

methods! {
    get Get "A row that reads."
    post Post "A row that does or makes something."
    put Put "A row that writes the whole of something."
    patch Patch "A row that changes the members that are given."
    delete Delete "A row that removes."
}

impl RouteSpec {
    /// With members of a body.
    pub(super) const fn takes(self, body: &'static [Field]) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }

    /// With query parameters.
    pub(super) const fn asks(self, query: &'static [Field]) -> Self {
        Self { query, ..self }
    }

    /// With another limit of the body.
    pub(super) const fn up_to(self, body_limit: usize) -> Self {
        Self { body_limit, ..self }
    }

    /// With a condition on the present state.
    pub(super) const fn conditional(self) -> Self {
        Self {
            conditional: true,
            ..self
        }
    }

    /// Without a caller.
    pub(super) const fn open(self) -> Self {
        Self { open: true, ..self }
    }
}

/// A success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Success {
    /// 204.
    Nothing,
    /// 200 with the named schema as JSON.
    Json(&'static str),
    /// 201 with the named schema as JSON.
    Created(&'static str),
    /// 200, `text/plain`.
    Text,
    /// 200, `application/octet-stream`.
    Bytes,
}

/// One member of a body, or one query parameter.
#[derive(Debug)]
pub struct Field {
    /// Name.
    pub name: &'static str,
    /// Type.
    pub kind: Kind,
    /// Whether it must be given.
    pub required: bool,
    /// What it means, in one sentence.
    pub about: &'static str,
}

/// The types of members and parameters.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Any text.
    Text,
    /// A name (`Name` of the core).
    Name,
    /// A text that must not be shown.
    Password,
    /// Bytes in padded standard base64.
    Base64,
    /// `true` or `false`.
    Bool,
    /// A whole number from the first to the second, both included.
    Whole(u64, u64),
    /// 32 lower-case hexadecimal digits.
    Id,
    /// The same, or the word of a part of Keyward.
    Principal,
    /// A text that this regular expression (ECMA 262) finds.
    Pattern(&'static str),
    /// 64 lower-case hexadecimal digits.
    Digest,
    /// RFC 3339.
    Time,
    /// One of the named schema's values.
    Choice(&'static str),
    /// A list of texts.
    Texts,
    /// A list of the named schema's values.
    Choices(&'static str),
    /// An object whose values are texts.
    Map,
    /// An object whose values are texts, or null to remove a member.
    MapEdit,
    /// The other kind, or null to clear it.
    Nullable(&'static Kind),
    /// An object with these members.
    Object(&'static [Field]),
    /// A list of objects with these members, at least one.
    Objects(&'static [Field]),
}

/// A member that must be given.
pub(super) const fn required(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field {
        name,
        kind,
        required: true,
        about,
    }
}

/// A member that may be left out.
pub(super) const fn optional(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field {
        name,
        kind,
        required: false,
        about,
    }
}
