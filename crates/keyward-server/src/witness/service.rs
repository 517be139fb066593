//! The witness over HTTPS: `POST /add-checkpoint` as the specification says, and two things of our own under `/keyward/`:
//! `log-keys` (a log shows that its key was replaced) and `checkpoint/ORIGIN` (the newest one cosigned).
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use keyward_core::tlog::WireReply;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::memory::Memory;

/// A request is a few kilobytes; a key history grows by one with each rotation.
const BODY_MAX: usize = 256 << 10;
const CONNECTIONS_MAX: usize = 256;
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves until `stop` resolves.
pub(super) async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    memory: Arc<Memory>,
    stop: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue;
        };
        let (acceptor, memory) = (acceptor.clone(), Arc::clone(&memory));
        tokio::spawn(async move {
            connection(stream, acceptor, memory).await;
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, acceptor: TlsAcceptor, memory: Arc<Memory>) {
    let _ = stream.set_nodelay(true);
    let Ok(Ok(tls)) = tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await else {
        return;
    };
    let service = service_fn(move |request| {
        let memory = Arc::clone(&memory);
        async move { Ok::<_, Infallible>(answer(request, memory).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(60))
        .max_buf_size(64 << 10);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(16);
    if let Err(error) = builder.serve_connection(TokioIo::new(tls), service).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn answer(request: Request<Incoming>, memory: Arc<Memory>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    let to_cosign = path == "/add-checkpoint";
    match (path.as_str(), method) {
        ("/add-checkpoint" | "/keyward/log-keys", Method::POST) => {
            let Some(body) = collect(request.into_body()).await else {
                return text(
                    StatusCode::BAD_REQUEST,
                    "the body is too long or broken off\n",
                );
            };
            // Syncing a file blocks: not on the threads that serve connections.
            let asked = tokio::task::spawn_blocking(move || {
                if to_cosign {
                    return memory.add_checkpoint(&body);
                }
                memory.learn_keys(std::str::from_utf8(&body).unwrap_or_default())
            });
            asked.await.map_or_else(
                |_| text(StatusCode::INTERNAL_SERVER_ERROR, "failed\n"),
                written,
            )
        }
        (path, Method::GET) if path.starts_with("/keyward/checkpoint/") => {
            let origin = path
                .strip_prefix("/keyward/checkpoint/")
                .unwrap_or_default();
            match memory.checkpoint(origin) {
                Some(note) => text(StatusCode::OK, &note),
                None => text(StatusCode::NOT_FOUND, "nothing cosigned for this log\n"),
            }
        }
        ("/add-checkpoint" | "/keyward/log-keys", _) => {
            text(StatusCode::METHOD_NOT_ALLOWED, "use POST\n")
        }
        _ => text(StatusCode::NOT_FOUND, "no such path\n"),
    }
}

async fn collect(body: Incoming) -> Option<Bytes> {
    let collecting = Limited::new(body, BODY_MAX).collect();
    let collected = tokio::time::timeout(PATIENCE, collecting)
        .await
        .ok()?
        .ok()?;
    Some(collected.to_bytes())
}

fn written(reply: WireReply) -> Response<Full<Bytes>> {
    let response = Response::builder()
        .status(reply.status)
        .header(http::header::CONTENT_TYPE, reply.content_type)
        .body(Full::new(Bytes::from(reply.body)));
    response.unwrap_or_default()
}

fn text(status: StatusCode, body: &str) -> Response<Full<Bytes>> {
    written(WireReply {
        status: status.as_u16(),
        content_type: "text/plain; charset=utf-8",
        body: body.to_owned(),
    })
}
