//! REST `/v1`: JSON over HTTP, as values. The server owns sockets, TLS, authentication and the engine.
//!
//! [`find`] picks the route from method and path alone; [`decode`] turns the rest of a request into a [`Call`]; [`Reply`]
//! turns what came of it into a [`Response`]. Every route stands once in `table.rs`, from which matching, the check for
//! unknown fields, and the `OpenAPI` document ([`openapi`]) are all derived.
//!
//! It is strict: unknown or repeated fields, wrong types, other media types and malformed base64 are refused with the
//! path of the field, because an ignored field is a wish that was silently not granted.
//!
//! What it must never do: hold a secret outside [`keyward_core::secret::Secret`], quote a value from a body in a problem,
//! or decide. (A JSON string that carries escapes passes through the parser's own buffer, which is not wiped; base64
//! needs no escapes.)
mod attributes;
mod bodies;
mod commands;
mod data;
mod fields;
mod headers;
mod json;
mod jwk;
mod keys;
mod material;
mod objects;
pub mod openapi;
mod pem;
mod query;
mod reply;
mod route;
mod schemas;
mod spec;
mod table;
mod text;
mod time;
mod views;
mod write;

pub use headers::Headers;
pub use reply::{Body, Health, Readiness, Reply, Response};
pub use route::{Matched, Method, find};
pub use spec::{Field, Kind, RouteSpec, Success};
pub use table::{CHAPTERS, Chapter, Of, Route, routes};
pub use time::{format_time, parse_time};

use keyward_core::Problem;
use keyward_core::command::{Command, Envelope, Unseal};
use keyward_core::ids::CorrelationId;
use keyward_core::secret::Secret;

/// A request, understood.
#[derive(Debug)]
pub struct Decoded {
    /// What is asked.
    pub call: Call,
    /// The caller's own name for the request, if it gave one; otherwise the listener makes one.
    pub request_id: Option<CorrelationId>,
}

/// What a request asks for.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every call is a command: a box would cost each of them an allocation"
)]
pub enum Call {
    /// A command for the engine.
    Command {
        /// What to do.
        command: Command,
        /// What accompanies it.
        envelope: Envelope,
    },
    /// Opening the seal: the only command whose credential is in its own body.
    Unseal {
        /// What to do.
        command: Unseal,
        /// The secret of the seal's slot.
        secret: Secret,
        /// What accompanies it.
        envelope: Envelope,
    },
    /// Liveness; open to everybody.
    Health,
    /// Readiness; open to everybody.
    Ready,
    /// The description of this interface; open to everybody.
    OpenApi,
}

/// Understands a request whose route was found.
///
/// # Errors
/// A [`Problem`] of the groups 100–199, naming the field at fault where there is one; nothing was done.
pub fn decode(
    matched: &Matched<'_>,
    query: Option<&str>,
    headers: &Headers<'_>,
    body: &[u8],
) -> Result<Decoded, Problem> {
    headers.check(matched.spec, body)?;
    let request_id = headers.request_id()?;
    let envelope = Envelope {
        idempotency_key: headers.idempotency_key()?,
        correlation: request_id,
        if_match: headers.revisions(),
    };
    let query = query::Query::parse(query.unwrap_or(""), matched.spec.query)?;
    let fields = fields::Fields::of_body(body, matched.spec.body)?;
    let call = commands::build(matched, query, fields, envelope)?;
    Ok(Decoded { call, request_id })
}
