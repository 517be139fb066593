//! One request: route, body, caller, command, answer.
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body as _, Incoming};
use keyward_core::command::Command;
use keyward_core::ids::CorrelationId;
use keyward_core::{ErrorCode, Problem};
use keyward_engine::{Caller, Engine, Presented, PresentedCertificate};
use keyward_protocol::rest::{
    Call, Decoded, Headers, Health, Matched, Readiness, Reply, Response, Route, decode, find,
};

use crate::gate::{Gate, Place};
use crate::metrics;
use crate::peers::Peers;
use tokio::runtime::Handle;

/// What all requests of a connection share.
pub(crate) struct Connection {
    pub(crate) engine: Arc<Engine>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) source: SocketAddr,
    pub(crate) certificate: Option<PresentedCertificate>,
    pub(crate) gate: Arc<Gate>,
    /// What the benchmark's route answers; absent in every server but the benchmark's own.
    pub(crate) constant: Option<Bytes>,
}

fn source_bytes(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

impl Connection {
    /// Answers one request.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> http::Response<Full<Bytes>> {
        let begun = crate::clock::stopwatch();
        let (route, response) = self.routed(request).await;
        metrics::answered(route, response.status().as_u16(), begun.elapsed());
        response
    }

    async fn routed(
        &self,
        request: Request<Incoming>,
    ) -> (Option<Route>, http::Response<Full<Bytes>>) {
        let (parts, body) = request.into_parts();
        if let Some(constant) = &self.constant
            && parts.uri.path() == crate::bench::CONSTANT_PATH
        {
            return (None, crate::bench::constant(constant.clone(), body).await);
        }
        let fallback = new_id(self.source);
        let headers = Headers::read(|name| parts.headers.get(name).map(HeaderValue::as_bytes));
        let matched = match find(parts.method.as_str(), parts.uri.path()) {
            Ok(matched) => matched,
            Err(problem) => {
                let reply = Reply::unrouted(parts.uri.path(), fallback);
                return (None, sent(reply.problem(&problem, None)));
            }
        };
        let request_id = headers.request_id().ok().flatten().unwrap_or(fallback);
        let reply = Reply::to(&matched, &headers, request_id);
        // Who asks is settled before a body is read, so that strangers cannot make the server hold large ones.
        let caller = if matched.is_open() {
            Ok(None)
        } else {
            self.caller(&parts.headers).map(Some)
        };
        let answered = match caller {
            Err(problem) => Err(problem),
            Ok(caller) => match collect(&self.gate, &matched, body).await {
                Err(problem) => Err(problem),
                // The place is held until the answer is made.
                Ok((bytes, _place)) => {
                    match decode(&matched, parts.uri.query(), &headers, &bytes) {
                        Err(problem) => Err(problem),
                        Ok(decoded) => self.perform(caller, decoded, request_id, reply).await,
                    }
                }
            },
        };
        let response = answered.unwrap_or_else(|problem| reply.problem(&problem, None));
        (Some(matched.route()), sent(response))
    }

    fn caller(&self, headers: &http::HeaderMap) -> Result<Caller, Problem> {
        let source = Some(source_bytes(self.source.ip()));
        if let Some(value) = headers.get(http::header::AUTHORIZATION) {
            let token = value.to_str().ok().and_then(|text| {
                let (scheme, token) = text.split_once(' ')?;
                scheme
                    .eq_ignore_ascii_case("bearer")
                    .then_some(token.trim())
            });
            let token = token.ok_or_else(|| {
                self.engine.note_unproven(source_bytes(self.source.ip()));
                Problem::new(ErrorCode::CredentialRejected)
            })?;
            return self.engine.authenticate(&Presented::Token(token), source);
        }
        match &self.certificate {
            Some(certificate) => self
                .engine
                .authenticate(&Presented::Certificate(certificate), source),
            None if self.engine.is_sealed() => Err(Problem::new(ErrorCode::Sealed)),
            None => {
                self.engine.note_unproven(source_bytes(self.source.ip()));
                Err(Problem::new(ErrorCode::Unauthenticated))
            }
        }
    }

    async fn perform(
        &self,
        caller: Option<Caller>,
        decoded: Decoded,
        request_id: CorrelationId,
        reply: Reply<'_>,
    ) -> Result<Response, Problem> {
        match decoded.call {
            Call::Command {
                command,
                mut envelope,
            } => {
                let caller = caller.ok_or_else(|| Problem::new(ErrorCode::Unauthenticated))?;
                envelope.correlation = Some(request_id);
                let outcome = self.engine.execute(&caller, &command, &envelope).await?;
                if matches!(command, Command::RegisterAnchor(_)) {
                    self.peers.refresh(&self.engine);
                }
                Ok(reply.outcome(outcome))
            }
            Call::Unseal {
                command, secret, ..
            } => {
                let source = Some(source_bytes(self.source.ip()));
                let (engine, runtime) = (Arc::clone(&self.engine), Handle::current());
                // Stretching a passphrase takes its time: not on the threads that serve connections.
                let unsealing = tokio::task::spawn_blocking(move || {
                    runtime.block_on(engine.unseal(&command.kind, &secret, source))
                });
                unsealing
                    .await
                    .unwrap_or_else(|_| Err(Problem::new(ErrorCode::Internal)))?;
                self.peers.refresh(&self.engine);
                Ok(reply.outcome(keyward_core::outcome::Outcome::Done))
            }
            Call::Health => Ok(reply.health(&Health {
                sealed: self.engine.is_sealed(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            })),
            Call::Ready => Ok(reply.readiness(&Readiness {
                reasons: self.engine.readiness(),
            })),
            Call::OpenApi => Ok(reply.openapi()),
        }
    }
}

/// How long a body may take to arrive; who is slower gives up a place that others need.
const BODY_PATIENCE: Duration = Duration::from_secs(60);

async fn collect(
    gate: &Arc<Gate>,
    matched: &Matched<'_>,
    body: Incoming,
) -> Result<(Bytes, Place), Problem> {
    let limit = matched.body_limit();
    // Without a length the body may be as long as is allowed.
    let length = body.size_hint().upper().unwrap_or(u64::MAX);
    let place = gate.enter(usize::try_from(length).unwrap_or(usize::MAX).min(limit))?;
    let too_large = || Problem::new(ErrorCode::BodyTooLarge).with("limit_bytes", limit.to_string());
    let collected = Limited::new(body, limit).collect();
    match tokio::time::timeout(BODY_PATIENCE, collected).await {
        Ok(Ok(collected)) => Ok((collected.to_bytes(), place)),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) | Err(_) => Err(Problem::new(ErrorCode::MalformedRequest)),
    }
}

/// A name for a request that brought none: unique enough to be searched for, no secret.
fn new_id(source: SocketAddr) -> CorrelationId {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut id = [0u8; 16];
    let (start, rest) = id.split_at_mut(8);
    start.copy_from_slice(&number.to_be_bytes());
    rest.copy_from_slice(
        &(u64::from(source.port()) | u64::from(std::process::id()) << 16).to_be_bytes(),
    );
    CorrelationId(id)
}

fn sent(response: Response) -> http::Response<Full<Bytes>> {
    let mut headers = http::HeaderMap::with_capacity(8);
    response.for_each_header(|name, value| {
        // The values that nearly every answer has are not copied.
        let value = match value {
            "no-store" => HeaderValue::from_static("no-store"),
            "nosniff" => HeaderValue::from_static("nosniff"),
            "application/json" => HeaderValue::from_static("application/json"),
            other => match HeaderValue::from_str(other) {
                Ok(value) => value,
                Err(_) => return,
            },
        };
        headers.insert(name, value);
    });
    let status = http::StatusCode::from_u16(response.status);
    let mut answer = http::Response::new(Full::new(Bytes::from_owner(response.body)));
    *answer.status_mut() = status.unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    *answer.headers_mut() = headers;
    answer
}
