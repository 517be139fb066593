//! Measurements for Prometheus, on a listener of their own that is off unless the configuration names its address.
//!
//! No secrets and no names: operations, status codes, counts and times, nothing about who asks for which key. The
//! listener speaks plain HTTP, so it takes loopback addresses only; whoever wants more puts something with access control
//! in front of it.
use std::convert::Infallible;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use keyward_engine::Engine;
use keyward_protocol::rest::Route;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use tokio::net::TcpListener;

/// Scrapes at once; more wait.
const SCRAPES_MAX: usize = 8;
const TEXT: &str = "text/plain; charset=utf-8";
/// A scraper that takes longer is hung up on.
const PATIENCE: Duration = Duration::from_secs(10);

/// A route as a label: its operation id in the description of the interface, or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Operation(Option<Route>);

impl EncodeLabelValue for Operation {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(route) = self.0 else {
            return encoder.write_str("none");
        };
        for (place, character) in format!("{route:?}").char_indices() {
            if character.is_ascii_uppercase() && place > 0 {
                encoder.write_char('_')?;
            }
            encoder.write_char(character.to_ascii_lowercase())?;
        }
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    operation: Operation,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Timed {
    operation: Operation,
}

/// From 50 µs to about 6.5 s.
fn times() -> Histogram {
    Histogram::new(exponential_buckets(0.000_05, 2.5, 14))
}

struct Metrics {
    on: AtomicBool,
    requests: Family<Answered, Counter>,
    durations: Family<Timed, Histogram, fn() -> Histogram>,
    connections: Counter,
    open_connections: Gauge,
    failed_handshakes: Counter,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics {
    on: AtomicBool::new(false),
    requests: Family::default(),
    durations: Family::new_with_constructor(times),
    connections: Counter::default(),
    open_connections: Gauge::default(),
    failed_handshakes: Counter::default(),
});

fn active() -> Option<&'static Metrics> {
    let metrics = &*METRICS;
    metrics.on.load(Ordering::Relaxed).then_some(metrics)
}

/// A request was answered.
pub(crate) fn answered(route: Option<Route>, status: u16, took: Duration) {
    if let Some(metrics) = active() {
        let operation = Operation(route);
        let requests = Answered { operation, status };
        metrics.requests.get_or_create(&requests).inc();
        let timed = Timed { operation };
        let duration = metrics.durations.get_or_create(&timed);
        duration.observe(took.as_secs_f64());
    }
}

/// A handshake failed.
pub(crate) fn handshake_failed() {
    if let Some(metrics) = active() {
        metrics.failed_handshakes.inc();
    }
}

/// A connection, counted as long as it is held.
pub(crate) struct CountedConnection(Option<&'static Metrics>);

impl CountedConnection {
    pub(crate) fn new() -> Self {
        let metrics = active();
        if let Some(metrics) = metrics {
            metrics.connections.inc();
            metrics.open_connections.inc();
        }
        Self(metrics)
    }
}

impl Drop for CountedConnection {
    fn drop(&mut self) {
        if let Some(metrics) = self.0 {
            metrics.open_connections.dec();
        }
    }
}

/// What is true now.
fn standing(registry: &mut Registry, engine: &Engine) {
    let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("build", "What runs", build);
    let flag = |registry: &mut Registry, name: &str, help: &str, value: bool| {
        let gauge = Gauge::<i64>::default();
        gauge.set(i64::from(value));
        registry.register(name, help, gauge);
    };
    flag(
        registry,
        "sealed",
        "Whether the seal is closed",
        engine.is_sealed(),
    );
    let number = |registry: &mut Registry, name: &str, help: &str, value: Option<u64>| {
        if let Some(value) = value {
            let gauge = Gauge::<i64>::default();
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
            registry.register(name, help, gauge);
        }
    };
    let log = engine.log_size();
    number(registry, "log_records", "Records in the audit log", log);
    let store = engine.describe_store().ok();
    let used = store.as_ref().map(|store| store.used_bytes);
    number(
        registry,
        "store_used_bytes",
        "Bytes the store occupies",
        used,
    );
    let free = store.as_ref().and_then(|store| store.free_bytes);
    number(
        registry,
        "store_free_bytes",
        "Bytes free on its medium",
        free,
    );
}

/// The exposition: what is true now, and what was counted.
fn exposition(engine: &Engine) -> String {
    let metrics = &*METRICS;
    let mut registry = Registry::with_prefix("keyward");
    standing(&mut registry, engine);
    registry.register(
        "requests",
        "Requests answered, by operation and status",
        metrics.requests.clone(),
    );
    registry.register_with_unit(
        "request_duration",
        "From the head of a request to its answer",
        Unit::Seconds,
        metrics.durations.clone(),
    );
    registry.register(
        "connections",
        "Connections whose handshake succeeded",
        metrics.connections.clone(),
    );
    registry.register(
        "open_connections",
        "Connections open now",
        metrics.open_connections.clone(),
    );
    registry.register(
        "failed_handshakes",
        "TLS handshakes that failed",
        metrics.failed_handshakes.clone(),
    );
    let mut text = String::with_capacity(8 << 10);
    if encode(&mut text, &registry).is_err() {
        text.clear();
    }
    text
}

fn answer(engine: &Engine, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let plain = |status: StatusCode, media: &'static str, text: String| {
        let mut response = Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = status;
        let media = http::HeaderValue::from_static(media);
        response
            .headers_mut()
            .insert(http::header::CONTENT_TYPE, media);
        response
    };
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => plain(
            StatusCode::OK,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            exposition(engine),
        ),
        (_, "/metrics") => plain(
            StatusCode::METHOD_NOT_ALLOWED,
            TEXT,
            "only GET\n".to_owned(),
        ),
        _ => plain(
            StatusCode::NOT_FOUND,
            TEXT,
            "only /metrics is here\n".to_owned(),
        ),
    }
}

/// Why an address is refused.
pub(crate) const NOT_LOOPBACK: &str = "`metrics` must be a loopback address: the measurements are served without TLS and without asking who reads them";

/// Listens; measuring begins with it.
pub(crate) async fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind(address).await?;
    METRICS.on.store(true, Ordering::Relaxed);
    Ok(listener)
}

/// Answers scrapes until it is dropped.
pub(crate) async fn serve(listener: TcpListener, engine: Arc<Engine>) {
    let places = Arc::new(tokio::sync::Semaphore::new(SCRAPES_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let engine = Arc::clone(&engine);
        tokio::spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let response = answer(&engine, &request);
                async move { Ok::<_, Infallible>(response) }
            });
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            let _ = tokio::time::timeout(PATIENCE, served).await;
            drop(place);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_labelled_with_its_operation_id() {
        let family = Family::<Timed, Counter>::default();
        for route in [Some(Route::ScheduleDestruction), Some(Route::Encrypt), None] {
            family
                .get_or_create(&Timed {
                    operation: Operation(route),
                })
                .inc();
        }
        let mut registry = Registry::default();
        registry.register("x", "x", family);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for label in ["schedule_destruction", "encrypt", "none"] {
            assert!(text.contains(&format!("operation=\"{label}\"")), "{text}");
        }
    }
}
