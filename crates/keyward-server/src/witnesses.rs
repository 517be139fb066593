//! Asking a witness over HTTPS: the adapter of the engine's `Witness` port.
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use keyward_core::tlog::{AddCheckpoint, AddCheckpointReply, Hash, SignedNote};
use keyward_engine::Engine;
use keyward_engine::ports::witness::{Witness, WitnessAnswer, WitnessFault, WitnessRequest};
use keyward_engine::witnessing::Trouble;
use keyward_tls::{Alpn, Anchors, client_config};
use rustls_pki_types::ServerName;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio_rustls::TlsConnector;

use crate::parts::StartError;

/// For one whole exchange.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest answer.
const ANSWER_MAX: usize = 64 << 10;
/// How often it is looked whether a round is due.
const LOOK: Duration = Duration::from_millis(200);

/// One witness in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessConfig {
    /// Submission prefix, `https://HOST:PORT[/PREFIX]`.
    pub url: String,
    /// Its verifier key, or a file with it.
    pub key: String,
    /// Authority of its certificate, PEM.
    pub ca: PathBuf,
}

/// One witness.
struct Remote {
    key: String,
    host: String,
    port: u16,
    prefix: String,
    name: ServerName<'static>,
    connector: TlsConnector,
    runtime: Handle,
}

const fn silent(reason: &'static str) -> WitnessFault {
    WitnessFault::Unavailable(reason)
}

impl Remote {
    fn new(config: &WitnessConfig, runtime: Handle) -> Result<Self, StartError> {
        let wrong = |reason: String| StartError::Witness {
            url: config.url.clone(),
            reason,
        };
        let uri: Uri = config
            .url
            .parse()
            .map_err(|_| wrong("not a URL".to_owned()))?;
        if uri.scheme_str() != Some("https") || uri.query().is_some() {
            return Err(wrong("the URL must begin with https://".to_owned()));
        }
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| wrong("the URL names no host".to_owned()))?;
        let key = match std::fs::read_to_string(&config.key) {
            Ok(text) => text.trim().to_owned(),
            Err(_) => config.key.trim().to_owned(),
        };
        let anchors = Anchors::from_pem_file(&config.ca)?;
        let mut tls = (*client_config(&anchors, None, Alpn::None)?).clone();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            key,
            host: host.to_owned(),
            port: uri.port_u16().unwrap_or(443),
            prefix: uri.path().trim_end_matches('/').to_owned(),
            name,
            connector: TlsConnector::from(Arc::new(tls)),
            runtime,
        })
    }

    /// Posts a body; status and text of the answer.
    fn post(&self, path: &str, body: String) -> Result<(u16, Bytes), WitnessFault> {
        let exchange = self.exchange(path, body);
        self.runtime.block_on(async {
            tokio::time::timeout(PATIENCE, exchange)
                .await
                .unwrap_or(Err(silent("no answer within 10 seconds")))
        })
    }

    async fn exchange(&self, path: &str, body: String) -> Result<(u16, Bytes), WitnessFault> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(|_| silent("no connection"))?;
        let tls = self
            .connector
            .connect(self.name.clone(), tcp)
            .await
            .map_err(|_| silent("its certificate is not accepted"))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tls))
            .await
            .map_err(|_| silent("no HTTP"))?;
        // Ends when the sender is dropped.
        tokio::spawn(connection);
        let authority = if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        };
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}{path}", self.prefix))
            .header(http::header::HOST, authority)
            .header(http::header::CONTENT_TYPE, "text/plain; charset=utf-8")
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| silent("its URL cannot be asked"))?;
        let response = sender
            .send_request(request)
            .await
            .map_err(|_| silent("the connection broke"))?;
        let status = response.status().as_u16();
        let collected = Limited::new(response.into_body(), ANSWER_MAX)
            .collect()
            .await
            .map_err(|_| silent("its answer broke off or is too long"))?;
        Ok((status, collected.to_bytes()))
    }
}

impl Witness for Remote {
    fn verifier_key(&self) -> &str {
        &self.key
    }

    fn add_checkpoint(&self, request: &WitnessRequest) -> Result<WitnessAnswer, WitnessFault> {
        let checkpoint = SignedNote::parse(request.checkpoint.as_bytes())
            .map_err(|_| silent("the checkpoint cannot be sent"))?;
        let body = AddCheckpoint {
            old_size: request.old_size,
            proof: request.proof.iter().copied().map(Hash::from).collect(),
            checkpoint,
        };
        let (status, answer) = self.post("/add-checkpoint", body.to_string())?;
        Ok(match AddCheckpointReply::parse(status, &answer) {
            AddCheckpointReply::Cosigned(_) => {
                WitnessAnswer::Cosigned(String::from_utf8(answer.to_vec()).unwrap_or_default())
            }
            AddCheckpointReply::Conflict(Some(size)) => WitnessAnswer::Conflict { size },
            AddCheckpointReply::Conflict(None) => {
                return Err(silent("it does not say which size it has seen"));
            }
            AddCheckpointReply::UnknownLog | AddCheckpointReply::Forbidden => {
                WitnessAnswer::Refused
            }
            AddCheckpointReply::Inconsistent => WitnessAnswer::Inconsistent,
            AddCheckpointReply::BadRequest => return Err(silent("it does not understand us")),
            AddCheckpointReply::Unexpected(_) => {
                return Err(silent("it answers with an error of its own"));
            }
        })
    }

    fn offer_keys(&self, history: &str) -> Result<(), WitnessFault> {
        match self.post("/keyward/log-keys", history.to_owned())? {
            (200, _) => Ok(()),
            _ => Err(silent("it does not take the log's new key")),
        }
    }
}

/// Tells the engine who its witnesses are.
pub(crate) fn configure(
    engine: &Engine,
    configured: &[WitnessConfig],
    needed: usize,
) -> Result<(), StartError> {
    let mut witnesses: Vec<Arc<dyn Witness>> = Vec::new();
    for one in configured {
        witnesses.push(Arc::new(Remote::new(one, Handle::current())?));
    }
    Ok(engine.set_witnesses(witnesses, needed)?)
}

/// Shows the log to the witnesses, again and again; at once when a destruction asks for it.
pub(crate) async fn keep_witnessed(engine: Arc<Engine>, every: Duration) {
    let mut look = tokio::time::interval(LOOK);
    let mut since = every;
    loop {
        look.tick().await;
        since = since.saturating_add(LOOK);
        if engine.is_sealed() || (!engine.take_witness_wish() && since < every) {
            continue;
        }
        since = Duration::ZERO;
        let asking = Arc::clone(&engine);
        let round = tokio::task::spawn_blocking(move || asking.witness_round()).await;
        match round {
            Ok(Ok(troubles)) => {
                for (witness, trouble) in troubles {
                    say(&engine, &witness, &trouble).await;
                }
            }
            Ok(Err(problem)) => {
                tracing::warn!(
                    code = problem.code.as_str(),
                    "the log could not be shown to its witnesses"
                );
            }
            Err(_) => tracing::error!("a round of the witnesses ended early"),
        }
    }
}

/// Says what a witness found: in the server's log, and in the audit log if it is evidence.
async fn say(engine: &Engine, witness: &str, trouble: &Trouble) {
    if !trouble.is_evidence() {
        tracing::warn!(witness, %trouble, "a witness does not cosign");
        return;
    }
    tracing::error!(
        witness,
        %trouble,
        "A WITNESS REFUSES THIS LOG: keep the data directory as it is and start an investigation"
    );
    let detail = format!("witness {witness} {trouble}");
    let recorded = engine
        .server_event(keyward_core::command::ServerEventKind::Notice, detail)
        .await;
    if let Err(problem) = recorded {
        tracing::error!(
            code = problem.code.as_str(),
            "the refusal could not be recorded"
        );
    }
}
