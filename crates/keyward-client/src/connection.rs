//! Connections: TLS over TCP, HTTP/1.1 with keep-alive, idle ones kept for the next request.
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use zeroize::Zeroizing;

use crate::address::ServerAddress;
use crate::error::ClientError;

/// Idle connections kept.
const IDLE_MAX: usize = 64;
/// For TCP and TLS together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

type Sender = SendRequest<Full<Bytes>>;

/// Status, headers and body of an answer; the body is wiped.
pub(crate) struct Answer {
    pub(crate) head: http::response::Parts,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

/// Opens and keeps connections to one server.
pub(crate) struct Pool {
    address: ServerAddress,
    name: ServerName<'static>,
    connector: TlsConnector,
    idle: Mutex<Vec<Sender>>,
    answer_limit: usize,
    answer_timeout: Duration,
}

impl Pool {
    pub(crate) fn new(
        address: ServerAddress,
        config: &ClientConfig,
        answer_limit: usize,
        answer_timeout: Duration,
    ) -> Result<Self, ClientError> {
        let mut config = config.clone();
        // One request at a time per connection: what the pool is made for.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name = address.server_name()?;
        Ok(Self {
            address,
            name,
            connector: TlsConnector::from(Arc::new(config)),
            idle: Mutex::new(Vec::new()),
            answer_limit,
            answer_timeout,
        })
    }

    /// Sends one request. `build` may be called twice: the server may have closed an idle connection just before it was
    /// used, which says nothing about the server, so then a fresh one is tried at once.
    pub(crate) async fn exchange(
        &self,
        build: impl Fn() -> http::Request<Full<Bytes>>,
        repeatable: bool,
    ) -> Result<Answer, ClientError> {
        if let Some(sender) = self.take_idle().await {
            match self.exchange_on(sender, build()).await {
                Err(error) if error.nothing_sent || repeatable => {}
                other => return other.map_err(|error| error.error),
            }
        }
        let sender = self.connect().await?;
        self.exchange_on(sender, build())
            .await
            .map_err(|error| error.error)
    }

    async fn take_idle(&self) -> Option<Sender> {
        loop {
            let mut sender = self
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop()?;
            if sender.ready().await.is_ok() {
                return Some(sender);
            }
        }
    }

    fn keep(&self, sender: Sender) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX && !sender.is_closed() {
            idle.push(sender);
        }
    }

    async fn connect(&self) -> Result<Sender, ClientError> {
        let opening = async {
            let target = (self.address.host(), self.address.port());
            let tcp = TcpStream::connect(target)
                .await
                .map_err(|error| self.unreachable(&plain(&error)))?;
            tcp.set_nodelay(true)
                .map_err(|error| self.unreachable(&plain(&error)))?;
            let tls = self.connector.connect(self.name.clone(), tcp).await;
            let tls = tls.map_err(|error| self.untrusted(&error))?;
            let (sender, connection) = handshake(TokioIo::new(tls))
                .await
                .map_err(|error| self.unreachable(&error))?;
            // Ends with the connection: when the sender is dropped, or the server closes it.
            tokio::spawn(connection);
            Ok(sender)
        };
        timeout(CONNECT_TIMEOUT, opening)
            .await
            .unwrap_or_else(|_| Err(self.unreachable(&"no connection within 10 seconds")))
    }

    async fn exchange_on(
        &self,
        mut sender: Sender,
        request: http::Request<Full<Bytes>>,
    ) -> Result<Answer, Failed> {
        let asking = async {
            let response = match sender.try_send_request(request).await {
                Ok(response) => response,
                Err(mut error) => {
                    let nothing_sent = error.take_message().is_some();
                    let error = self.no_answer(error.error());
                    return Err(Failed {
                        error,
                        nothing_sent,
                    });
                }
            };
            self.collect(response).await.map_err(|error| Failed {
                error,
                nothing_sent: false,
            })
        };
        match timeout(self.answer_timeout, asking).await {
            Ok(Ok(answer)) => {
                self.keep(sender);
                Ok(answer)
            }
            Ok(Err(failed)) => Err(failed),
            Err(_) => {
                let reason = format!("nothing came within {} s", self.answer_timeout.as_secs());
                Err(Failed {
                    error: self.no_answer(&reason),
                    nothing_sent: false,
                })
            }
        }
    }

    async fn collect(
        &self,
        response: Response<hyper::body::Incoming>,
    ) -> Result<Answer, ClientError> {
        let (head, incoming) = response.into_parts();
        let mut limited = Limited::new(incoming, self.answer_limit);
        let mut body = Zeroizing::new(Vec::new());
        while let Some(frame) = limited.frame().await {
            let frame = frame.map_err(|error| self.no_answer(&error))?;
            if let Some(data) = frame.data_ref() {
                append(&mut body, data);
            }
        }
        Ok(Answer { head, body })
    }

    fn unreachable(&self, reason: &dyn ToString) -> ClientError {
        ClientError::Unreachable {
            server: self.address.to_string(),
            reason: reason.to_string(),
        }
    }

    /// A TLS error carries its reason inside an I/O error; a broken connection does not.
    fn untrusted(&self, error: &std::io::Error) -> ClientError {
        if error
            .get_ref()
            .is_some_and(|inner| inner.is::<tokio_rustls::rustls::Error>())
        {
            ClientError::Untrusted {
                server: self.address.to_string(),
                reason: error.to_string(),
            }
        } else {
            self.unreachable(&plain(error))
        }
    }

    fn no_answer(&self, reason: &dyn ToString) -> ClientError {
        ClientError::NoAnswer {
            server: self.address.to_string(),
            reason: reason.to_string(),
        }
    }
}

/// A failed exchange, and whether the request had left.
struct Failed {
    error: ClientError,
    nothing_sent: bool,
}

/// Appends without leaving an outgrown, unwiped buffer behind.
fn append(body: &mut Zeroizing<Vec<u8>>, data: &[u8]) {
    if body.capacity() - body.len() < data.len() {
        let room = (body.len() + data.len()).next_power_of_two();
        let mut larger = Zeroizing::new(Vec::with_capacity(room));
        larger.extend_from_slice(body);
        std::mem::swap(body, &mut larger);
    }
    body.extend_from_slice(data);
}

/// What happened in words; the system's number says nothing more to people.
fn plain(error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(_) => error.kind().to_string(),
        None => error.to_string(),
    }
}
