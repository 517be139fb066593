//! A TLS server with the real codec and scripted answers.
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use keyward_core::Problem;
use keyward_core::ids::CorrelationId;
use keyward_core::outcome::Outcome;
use keyward_protocol::rest::{self, Call, Headers, Reply};
use keyward_tls::issue::{Lifetime, LocalAuthority};
use keyward_tls::{Alpn, Anchors, ClientAnchors, ClientAuth, ReloadableIdentity, server_config};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::UnixTime;

/// What the server does with one request.
pub enum Act {
    /// Decodes it and answers with the outcome.
    Answer(Outcome),
    /// Refuses it.
    Refuse(Problem, Option<u32>),
    /// Reads it and closes the connection without a word.
    Hang,
    /// Says nothing for longer than the client waits.
    Silence,
    /// Answers something that is not of this interface.
    Nonsense,
    /// Answers, and closes the connection afterwards.
    AnswerAndClose(Outcome),
}

/// One request as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub line: String,
    pub authorization: Option<String>,
    pub idempotency_key: Option<String>,
    pub call: String,
    pub certificate: bool,
}

pub struct Server {
    pub address: SocketAddr,
    pub authority: LocalAuthority,
    pub seen: Arc<Mutex<Vec<Seen>>>,
    pub connections: Arc<AtomicUsize>,
}

struct Shared {
    script: Mutex<VecDeque<Act>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub async fn start(script: Vec<Act>) -> Self {
        let authority = LocalAuthority::generate("test authority", today()).unwrap();
        let identity = authority
            .issue_server(&["localhost", "127.0.0.1"], today())
            .unwrap()
            .identity()
            .unwrap();
        let auth = ClientAuth::Offered(ClientAnchors::new(authority.anchors().unwrap()).unwrap());
        let config = server_config(&ReloadableIdentity::new(identity), &auth, Alpn::Http).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::new(Shared {
            script: Mutex::new(script.into()),
            seen: Arc::clone(&seen),
        });
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        tokio::spawn(async move {
            let acceptor = TlsAcceptor::from(config);
            while let Ok((tcp, _)) = listener.accept().await {
                let (acceptor, shared, counter) =
                    (acceptor.clone(), Arc::clone(&shared), Arc::clone(&counter));
                tokio::spawn(async move {
                    let Ok(tls) = acceptor.accept(tcp).await else {
                        return;
                    };
                    counter.fetch_add(1, Ordering::SeqCst);
                    let certificate = tls.get_ref().1.peer_certificates().is_some();
                    let service = service_fn(move |request| {
                        answer(Arc::clone(&shared), certificate, request)
                    });
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(tls), service)
                        .await;
                });
            }
        });
        Self {
            address,
            authority,
            seen,
            connections,
        }
    }

    pub fn anchors(&self) -> Anchors {
        self.authority.anchors().unwrap()
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn answer(
    shared: Arc<Shared>,
    certificate: bool,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let headers = Headers::read(|name| head.headers.get(name).map(http::HeaderValue::as_bytes));
    let matched = rest::find(head.method.as_str(), head.uri.path())?;
    let decoded = rest::decode(&matched, head.uri.query(), &headers, &body)?;
    let text = |name: &str| {
        head.headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    shared.seen.lock().unwrap().push(Seen {
        line: format!("{} {}", head.method, head.uri),
        authorization: text("authorization"),
        idempotency_key: text("idempotency-key"),
        call: match decoded.call {
            Call::Command { command, .. } => command.kind().as_str().to_owned(),
            Call::Unseal { .. } => "unseal".to_owned(),
            other => format!("{other:?}"),
        },
        certificate,
    });
    let act = shared
        .script
        .lock()
        .unwrap()
        .pop_front()
        .expect("a request that the script does not know");
    let reply = Reply::to(&matched, &headers, CorrelationId([0xee; 16]));
    let (response, close) = match act {
        Act::Answer(outcome) => (reply.outcome(outcome), false),
        Act::AnswerAndClose(outcome) => (reply.outcome(outcome), true),
        Act::Refuse(problem, after) => (reply.problem(&problem, after), false),
        Act::Hang => return Err("hanging up".into()),
        Act::Silence => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            return Err("too late".into());
        }
        Act::Nonsense => {
            return Ok(hyper::Response::builder()
                .status(502)
                .body(Full::from("<html>bad gateway</html>"))?);
        }
    };
    let mut out = hyper::Response::new(Full::new(Bytes::copy_from_slice(response.body.as_ref())));
    *out.status_mut() = http::StatusCode::from_u16(response.status)?;
    response.for_each_header(|name, value| {
        out.headers_mut().insert(name, value.parse().unwrap());
    });
    if close {
        out.headers_mut().insert("connection", "close".parse()?);
    }
    Ok(out)
}

/// Good for a day from now on.
pub fn today() -> Lifetime {
    Lifetime::days(UnixTime::now(), 1)
}
