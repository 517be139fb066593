//! Codecs between bytes and commands: they translate, and do nothing else.
//!
//! No I/O, no clock, no decision: a codec never learns who calls, and never says whether a command is allowed. Neither the
//! engine nor any adapter can be reached from here:
//! ```compile_fail,E0432
//! use keyward_engine::Engine;
//! ```
//! ```compile_fail,E0432
//! use keyward_store::SqliteStore;
//! ```
//!
//! # REST in four steps (see [`rest`])
//! ```
//! use keyward_core::ids::CorrelationId;
//! use keyward_protocol::rest::{self, Call, Headers, Reply};
//!
//! // 1. Before the body is read: is there such a route, who may call it, how long may the body be?
//! let matched = rest::find("POST", "/v1/realms/shop/keys/orders/encrypt")?;
//! assert!(!matched.is_open() && matched.body_limit() > 4 << 20);
//! // 2. With the body: a command, or one of the few calls that are not commands.
//! let headers = Headers { content_type: Some(b"application/json"), ..Headers::default() };
//! let decoded = rest::decode(&matched, None, &headers, br#"{"plaintext":"aGVsbG8="}"#)?;
//! let Call::Command { command, envelope } = decoded.call else { unreachable!() };
//! // 3. The engine executes `command` under `envelope` ... 4. and its outcome is written.
//! let reply = Reply::to(&matched, &headers, CorrelationId([7; 16]));
//! let response = reply.outcome(keyward_core::outcome::Outcome::Done);
//! assert_eq!(response.status, 204);
//! # let _ = (command, envelope);
//! # Ok::<(), keyward_core::Problem>(())
//! ```
//! When a step fails, [`rest::Reply::problem`] writes the [`keyward_core::Problem`]; without a route use
//! [`rest::Reply::unrouted`]. [`rest::Response::for_each_header`] and [`rest::Response::body`] are what goes out;
//! the body wipes itself when it held a secret. Whoever owns the request's body wipes it: `decode` only borrows it.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects
    )
)]

pub mod rest;
