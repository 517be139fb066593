//! Connections: accept, handshake within a time limit, serve HTTP/1.1 or HTTP/2, end in good order.
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use keyward_engine::Engine;
use keyward_engine::ports::clock::Clock as _;
use rustls_pki_types::UnixTime;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::clock::SystemClock;
use crate::gate::Gate;
use crate::handler::Connection;
use crate::metrics;
use crate::peers::Peers;
use crate::wire::{Wire, linger};

/// Connections at once.
const CONNECTIONS_MAX: usize = 10_000;
/// A handshake that takes longer is ended.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// So long are open requests waited for at the end.
const DRAIN: Duration = Duration::from_secs(20);

/// What every connection is served with.
#[derive(Clone)]
pub(crate) struct Serving {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) engine: Arc<Engine>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) gate: Arc<Gate>,
    /// The benchmark's fixed answer: none in `keyward server`.
    pub(crate) constant: Option<Bytes>,
}

/// Serves until `stop` resolves.
pub(crate) async fn serve(listener: TcpListener, serving: Serving, stop: impl Future<Output = ()>) {
    let graceful = Arc::new(GracefulShutdown::new());
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, source) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: pause, so that others can end.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue;
        };
        let serving = serving.clone();
        let watcher = graceful.watcher();
        tokio::spawn(async move {
            connection(stream, source, serving, watcher).await;
            drop(place);
        });
    }
    drop(listener);
    if let Some(graceful) = Arc::into_inner(graceful) {
        let _ = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
    }
}

async fn connection(
    stream: TcpStream,
    source: std::net::SocketAddr,
    serving: Serving,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let _ = stream.set_nodelay(true);
    let handshake = serving.acceptor.accept(stream).into_fallible();
    let tls = match tokio::time::timeout(HANDSHAKE, handshake).await {
        Ok(Ok(tls)) => tls,
        Ok(Err((error, stream))) => {
            tracing::debug!(%error, "a handshake failed");
            metrics::handshake_failed();
            return linger(stream).await;
        }
        Err(_) => return metrics::handshake_failed(),
    };
    let _counted = metrics::CountedConnection::new();
    let now = UnixTime::since_unix_epoch(Duration::from_millis(SystemClock::new().now().wall.0));
    let certificate = tls
        .get_ref()
        .1
        .peer_certificates()
        .and_then(|chain| serving.peers.presented(chain, now));
    let shared = Arc::new(Connection {
        engine: serving.engine,
        peers: serving.peers,
        source,
        certificate,
        gate: serving.gate,
        constant: serving.constant,
    });
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, std::convert::Infallible>(shared.answer(request).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(30))
        .max_buf_size(64 << 10);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(128)
        .max_header_list_size(16 << 10);
    let served = builder.serve_connection(TokioIo::new(Wire::new(tls)), service);
    if let Err(error) = watcher.watch(served.into_owned()).await {
        tracing::debug!(%error, "a connection ended early");
    }
}
