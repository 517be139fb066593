//! From an outcome or a problem to a response.
mod data;
mod material;

use keyward_core::ErrorCode;
use keyward_core::Problem;
use keyward_core::ids::CorrelationId;
use keyward_core::object::{ObjectKind, Principal, Realm};
use keyward_core::outcome::{KeyView, Outcome, Page};
use zeroize::Zeroize;

use super::headers::Headers;
use super::route::{Matched, allowed};
use super::table::{Of, Route};
use super::write::{Writer, hex_text};
use super::{openapi, views};

/// Seconds in `Retry-After` when whoever refuses does not know better.
const RETRY_AFTER_DEFAULT: u32 = 1;

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// The bytes of a response; wiped on drop when they hold a secret.
#[derive(Default)]
pub struct Body {
    bytes: Vec<u8>,
    secret: bool,
}

impl Body {
    fn open(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            secret: false,
        }
    }

    fn secret(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            secret: true,
        }
    }
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if self.secret {
            self.bytes.zeroize();
        }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Body({} bytes)", self.bytes.len())
    }
}

/// A response, ready to be sent.
#[derive(Debug)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Media type; none without a body.
    pub content_type: Option<&'static str>,
    /// The request's id, always told.
    pub request_id: CorrelationId,
    /// Further headers, by lower-case name.
    pub headers: Vec<(&'static str, String)>,
    /// Bytes.
    pub body: Body,
}

impl Response {
    /// Hands over every header but those about the connection and the length.
    pub fn for_each_header(&self, mut take: impl FnMut(&'static str, &str)) {
        take("x-request-id", &hex_text(self.request_id.as_bytes()));
        // Nothing of a key server may be kept by a cache, and no browser may guess a type.
        take("cache-control", "no-store");
        take("x-content-type-options", "nosniff");
        if let Some(content_type) = self.content_type {
            take("content-type", content_type);
        }
        for (name, value) in &self.headers {
            take(name, value);
        }
    }
}

/// What liveness tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Whether the seal is closed.
    pub sealed: bool,
    /// Product version.
    pub version: String,
}

/// What readiness tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// What stands in the way; ready when empty.
    pub reasons: Vec<ErrorCode>,
}

/// Writes the answer to one request.
#[derive(Debug, Clone, Copy)]
pub struct Reply<'r> {
    route: Option<Route>,
    path: &'r str,
    if_none_match: Option<&'r [u8]>,
    request_id: CorrelationId,
}

impl<'r> Reply<'r> {
    /// To a request whose route was found.
    #[must_use]
    pub const fn to(
        matched: &Matched<'r>,
        headers: &Headers<'r>,
        request_id: CorrelationId,
    ) -> Self {
        Self {
            route: Some(matched.spec.route),
            path: matched.path(),
            if_none_match: headers.if_none_match,
            request_id,
        }
    }

    /// To a request without a route.
    #[must_use]
    pub const fn unrouted(path: &'r str, request_id: CorrelationId) -> Self {
        Self {
            route: None,
            path,
            if_none_match: None,
            request_id,
        }
    }

    fn json(self, status: u16, body: Vec<u8>) -> Response {
        self.response(status, Some(JSON), Body::open(body))
    }

    fn response(self, status: u16, content_type: Option<&'static str>, body: Body) -> Response {
        Response {
            status,
            content_type,
            request_id: self.request_id,
            headers: Vec::new(),
            body,
        }
    }

    /// What a command came to.
    #[must_use]
    pub fn outcome(self, outcome: Outcome) -> Response {
        let outcome = match self.data(outcome).or_else(|outcome| self.material(outcome)) {
            Ok(response) => return response,
            Err(outcome) => outcome,
        };
        match outcome {
            Outcome::Done => self.response(204, None, Body::default()),
            Outcome::Key(view) => self.key(&view),
            Outcome::SecretValue {
                value,
                object,
                version,
            } => self.secret_bytes("value", &value, object, version),
            Outcome::Released {
                material,
                object,
                version,
            } => self.secret_bytes("material", &material, object, version),
            Outcome::Realm(realm) => {
                let body = Writer::document(512, |w| views::realm(w, &realm));
                self.made(body, || format!("/v1/realms/{}", realm.id))
            }
            Outcome::Principal(principal) => {
                let body = Writer::document(512, |w| views::principal(w, &principal));
                self.made(body, || format!("/v1/principals/{}", principal.id))
            }
            Outcome::Token {
                id,
                text,
                expires_at,
            } => {
                let body = Writer::document(text.len().saturating_add(256), |w| {
                    w.plain("id", id);
                    // A token's text is ASCII of our own making.
                    w.text(
                        "token",
                        std::str::from_utf8(text.expose()).unwrap_or_default(),
                    );
                    w.time("expires_at", expires_at);
                });
                self.response(201, Some(JSON), Body::secret(body))
            }
            Outcome::Anchor { fingerprint } => self.json(
                201,
                Writer::document(96, |w| w.hex("fingerprint", &fingerprint)),
            ),
            other => self.listing(other),
        }
    }

    /// A secret with whose it is.
    fn secret_bytes(
        self,
        name: &str,
        bytes: &keyward_core::secret::Secret,
        object: keyward_core::ids::ObjectId,
        version: u32,
    ) -> Response {
        let room = bytes
            .len()
            .div_ceil(3)
            .saturating_mul(4)
            .saturating_add(128);
        let body = Writer::document(room, |w| {
            w.base64(name, bytes.expose());
            w.hex("object", object.as_bytes());
            w.whole("version", version);
        });
        self.response(200, Some(JSON), Body::secret(body))
    }

    /// Outcomes of transfers and certificates.
    #[expect(clippy::too_many_lines, reason = "one arm for each outcome")]
    fn transfer(self, outcome: Outcome) -> Response {
        match outcome {
            Outcome::ImportKey {
                id,
                scheme,
                public,
                info,
                expires_at,
            } => {
                let body = Writer::document(4096, |w| {
                    w.hex("id", &id);
                    w.plain("scheme", scheme.as_str());
                    w.base64("public_key", &public);
                    if scheme == keyward_core::command::TransferScheme::EcdhP384 {
                        w.base64("kdf_info", &info);
                    }
                    w.time("expires_at", expires_at);
                });
                self.json(201, body)
            }
            Outcome::Exported {
                object,
                version,
                wrapped,
                encapsulated,
                info,
            } => {
                let body = Writer::document(8192, |w| {
                    w.hex("object", object.as_bytes());
                    w.whole("version", version);
                    w.base64("wrapped", &wrapped);
                    if let Some(encapsulated) = &encapsulated {
                        w.base64("encapsulated", encapsulated);
                    }
                    if let Some(info) = &info {
                        w.base64("kdf_info", info);
                    }
                });
                self.json(200, body)
            }
            Outcome::Destruction(view) => {
                let room = view
                    .destroyed
                    .len()
                    .saturating_mul(512)
                    .saturating_add(1024);
                self.json(
                    200,
                    Writer::document(room, |w| views::destruction_certificate(w, &view)),
                )
            }
            Outcome::CertificateRequest { pem, key, version } => {
                let body = Writer::document(pem.len().saturating_add(256), |w| {
                    w.text("pem", &pem);
                    w.hex("key", key.as_bytes());
                    w.whole("version", version);
                });
                self.json(200, body)
            }
            Outcome::Certificate(view) => {
                let tag = format!("\"{}\"", view.key.row_version);
                let unchanged =
                    self.route == Some(Route::Certificate(Of::Describe)) && self.has_tag(&tag);
                let mut response = if unchanged {
                    self.response(304, None, Body::default())
                } else {
                    let room = view.pem.len().saturating_add(4096);
                    self.json(
                        200,
                        Writer::document(room, |w| views::certificate(w, &view)),
                    )
                };
                response.headers.push(("etag", tag));
                response
            }
            Outcome::Modules(modules) => {
                let body = Writer::document(8192, |w| {
                    w.list("items", &modules, |w, one| {
                        w.item_object(|w| views::module(w, one))
                    });
                });
                self.json(200, body)
            }
            Outcome::Settings(settings) => {
                let body = Writer::document(1024, |w| {
                    w.object("settings", |w| {
                        for (name, value) in &settings {
                            w.text(name, value);
                        }
                    });
                });
                self.json(200, body)
            }
            // Those of `listing`: it hands over only what it does not write itself.
            _ => self.problem(&Problem::new(ErrorCode::Internal), None),
        }
    }

    /// Outcomes of several rows, and those that are not JSON.
    fn listing(self, outcome: Outcome) -> Response {
        match outcome {
            Outcome::Realms(page) => {
                self.page(&page, views::realm, |realm: &Realm| realm.id.to_string())
            }
            Outcome::Principals(page) => self.page(&page, views::principal, |one: &Principal| {
                one.id.to_string()
            }),
            Outcome::Keys(page) => {
                self.page(&page, views::key, |key: &KeyView| key.object.id.to_string())
            }
            Outcome::BlastRadius(radius) => {
                let room = radius
                    .concerned
                    .len()
                    .saturating_mul(400)
                    .saturating_add(64);
                self.json(
                    200,
                    Writer::document(room, |w| views::blast_radius(w, &radius)),
                )
            }
            Outcome::Policies(policies) => {
                let body = Writer::document(1024, |w| {
                    w.list("items", &policies, |w, one| {
                        w.item_object(|w| views::policy(w, one))
                    });
                });
                self.json(200, body)
            }
            Outcome::Status(status) => {
                self.json(200, Writer::document(2048, |w| views::status(w, &status)))
            }
            Outcome::Records {
                records,
                next,
                size,
            } => {
                let body =
                    Writer::document(records.len().saturating_mul(900).saturating_add(64), |w| {
                        w.list("items", &records, |w, one| {
                            w.item_object(|w| views::record(w, one))
                        });
                        w.whole("next", next);
                        w.whole("size", size);
                    });
                self.json(200, body)
            }
            Outcome::Proof(proof) => {
                self.json(200, Writer::document(4096, |w| views::proof(w, &proof)))
            }
            Outcome::Checkpoint(note) => self.response(
                200,
                Some("text/plain; charset=utf-8"),
                Body::open(note.into_bytes()),
            ),
            Outcome::LogData(bytes) => self.bytes(bytes),
            Outcome::Segment { from, to, bytes } => {
                let mut response = self.bytes(bytes);
                response
                    .headers
                    .push(("keyward-log-from", from.to_string()));
                response.headers.push(("keyward-log-to", to.to_string()));
                response
            }
            other => self.transfer(other),
        }
    }

    fn bytes(self, bytes: Vec<u8>) -> Response {
        self.response(200, Some("application/octet-stream"), Body::open(bytes))
    }

    /// 201 with the address if the route makes things, else 200.
    fn made(self, body: Vec<u8>, address: impl FnOnce() -> String) -> Response {
        let made = matches!(
            self.route,
            Some(
                Route::CreateRealm
                    | Route::CreateWorkload
                    | Route::CreateKey
                    | Route::ImportKey
                    | Route::Secret(Of::Create)
                    | Route::Opaque(Of::Create)
                    | Route::Certificate(Of::Create)
                    | Route::DeriveKey
                    | Route::AgreeKey
                    | Route::Decapsulate
            )
        );
        let mut response = self.json(if made { 201 } else { 200 }, body);
        if made {
            response.headers.push(("location", address()));
        }
        response
    }

    fn key(self, view: &KeyView) -> Response {
        let tag = format!("\"{}\"", view.row_version);
        let reads = matches!(
            self.route,
            Some(Route::DescribeKey | Route::Secret(Of::Describe) | Route::Opaque(Of::Describe))
        );
        let mut response = if reads && self.has_tag(&tag) {
            self.response(304, None, Body::default())
        } else {
            let room = view
                .versions
                .len()
                .saturating_mul(1024)
                .saturating_add(1024);
            let body = Writer::document(room, |w| views::key(w, view));
            self.made(body, || {
                let family = match view.object.kind {
                    ObjectKind::Secret => "secrets",
                    ObjectKind::Opaque => "opaque",
                    ObjectKind::Certificate => "certs",
                    ObjectKind::Symmetric | ObjectKind::Pair | ObjectKind::Split => "keys",
                };
                format!(
                    "/v1/realms/{}/{family}/{}",
                    view.object.realm, view.object.id
                )
            })
        };
        response.headers.push(("etag", tag));
        response
    }

    /// Whether the caller said that it has this state already.
    fn has_tag(self, tag: &str) -> bool {
        self.if_none_match.is_some_and(|given| {
            given.split(|byte| *byte == b',').any(|one| {
                let one = one.trim_ascii();
                one == b"*" || one.strip_prefix(b"W/").unwrap_or(one) == tag.as_bytes()
            })
        })
    }

    fn page<T>(
        self,
        page: &Page<T>,
        each: impl Fn(&mut Writer, &T),
        id: impl Fn(&T) -> String,
    ) -> Response {
        let room = page.items.len().saturating_mul(1024).saturating_add(64);
        let body = Writer::document(room, |w| {
            w.list("items", &page.items, |w, one| {
                w.item_object(|w| each(w, one))
            });
            if let (true, Some(last)) = (page.more, page.items.last()) {
                w.plain("next", id(last));
            }
        });
        self.json(200, body)
    }

    /// Why nothing was done (RFC 9457). `retry_after_s` replaces the default where the problem may pass by itself.
    #[must_use]
    pub fn problem(self, problem: &Problem, retry_after_s: Option<u32>) -> Response {
        let code = problem.code;
        let body = Writer::document(512, |w| {
            w.plain("type", format_args!("urn:keyward:error:{code}"));
            w.text("title", code.title());
            w.whole("status", code.http_status());
            w.text("detail", &problem.detail());
            w.plain("code", code);
            w.whole("number", code.number());
            w.object("params", |w| {
                for (name, value) in &problem.params {
                    w.text(name, value);
                }
            });
            w.text("help", code.help());
            w.flag("retryable", code.retryable());
            w.hex("request_id", self.request_id.as_bytes());
        });
        let mut response = self.response(code.http_status(), Some(PROBLEM), Body::open(body));
        if code.retryable() {
            let seconds = retry_after_s.unwrap_or(RETRY_AFTER_DEFAULT);
            response.headers.push(("retry-after", seconds.to_string()));
        }
        if code == ErrorCode::MethodNotAllowed {
            response
                .headers
                .push(("allow", allowed(self.path).join(", ")));
        }
        if code.http_status() == 401 {
            // RFC 9110 §11.6.1: a 401 names a scheme.
            response
                .headers
                .push(("www-authenticate", "Bearer".to_owned()));
        }
        response
    }

    /// Liveness.
    #[must_use]
    pub fn health(self, health: &Health) -> Response {
        let body = Writer::document(96, |w| {
            w.plain("status", if health.sealed { "sealed" } else { "unsealed" });
            w.text("version", &health.version);
        });
        self.json(200, body)
    }

    /// Readiness: 200, or 503 with the reasons.
    #[must_use]
    pub fn readiness(self, readiness: &Readiness) -> Response {
        let ready = readiness.reasons.is_empty();
        let body = Writer::document(96, |w| {
            w.flag("ready", ready);
            w.list("reasons", &readiness.reasons, |w, code| {
                w.item_text(code.as_str())
            });
        });
        self.json(if ready { 200 } else { 503 }, body)
    }

    /// The description of this interface.
    #[must_use]
    pub fn openapi(self) -> Response {
        self.json(200, openapi::document().as_bytes().to_vec())
    }
}
