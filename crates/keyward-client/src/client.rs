//! The client: settings, sending, understanding the answer.
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, IF_MATCH, RETRY_AFTER,
    USER_AGENT,
};
use http_body_util::Full;
use keyward_core::command::Effect;
use keyward_core::secret::Secret;
use keyward_tls::{Alpn, Anchors, ReloadableIdentity, client_config, default_provider};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::address::ServerAddress;
use crate::connection::{Answer, Pool};
use crate::error::{ClientError, Refusal};
use crate::request::Request;
use crate::retry::wait_before;
use crate::token::bearer;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// How the client proves who it is.
#[derive(Debug)]
pub enum Credential {
    /// Not at all: good for health, readiness and unsealing.
    None,
    /// A bearer token.
    Token(Secret),
    /// A client certificate.
    Certificate(Arc<ReloadableIdentity>),
}

/// What a client is made from.
#[derive(Debug)]
pub struct Settings {
    /// Which server.
    pub server: ServerAddress,
    /// Who may vouch for it.
    pub anchors: Anchors,
    /// Who asks.
    pub credential: Credential,
    /// How long to wait for an answer; 30 s.
    pub answer_timeout: Duration,
    /// Longest answer; 256 MiB (an archived segment of the log).
    pub answer_limit: usize,
}

impl Settings {
    /// With the usual limits.
    ///
    /// # Errors
    /// The address is none.
    pub fn new(
        server: &str,
        anchors: Anchors,
        credential: Credential,
    ) -> Result<Self, ClientError> {
        Ok(Self {
            server: ServerAddress::parse(server)?,
            anchors,
            credential,
            answer_timeout: Duration::from_secs(30),
            answer_limit: 256 << 20,
        })
    }
}

/// A client of one server; shared by reference, for as many requests at once as wanted.
pub struct Client {
    pool: Pool,
    host: HeaderValue,
    authorization: Option<HeaderValue>,
}

impl Client {
    /// Makes it; nothing is sent yet.
    ///
    /// # Errors
    /// The credential or an anchor cannot be used.
    pub fn new(settings: Settings) -> Result<Self, ClientError> {
        let Settings {
            server,
            anchors,
            credential,
            answer_timeout,
            answer_limit,
        } = settings;
        let (identity, authorization) = match &credential {
            Credential::None => (None, None),
            Credential::Token(token) => (None, Some(bearer(token)?)),
            Credential::Certificate(identity) => (Some(identity), None),
        };
        let config = client_config(&anchors, identity, Alpn::Http)?;
        let host =
            HeaderValue::try_from(server.authority()).map_err(|error| ClientError::Answer {
                reason: error.to_string(),
            })?;
        let pool = Pool::new(server, &config, answer_limit, answer_timeout)?;
        Ok(Self {
            pool,
            host,
            authorization,
        })
    }

    /// Sends, and sends again where that is safe; an answer of another status than 2xx is an error.
    pub(crate) async fn send(&self, mut request: Request) -> Result<Answer, ClientError> {
        if request.effect == Effect::Change && request.idempotency_key.is_none() && request.keyed {
            request.idempotency_key = Some(fresh_key()?);
        }
        let repeatable = request.effect != Effect::Change || request.idempotency_key.is_some();
        let mut next = 2;
        loop {
            let sent = self
                .pool
                .exchange(|| self.message(&request), repeatable)
                .await;
            let error = match sent.and_then(accepted) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let wait = wait_before(
                next,
                request.effect,
                request.idempotency_key.is_some(),
                &error,
            );
            let Some(wait) = wait else { return Err(error) };
            tokio::time::sleep(wait).await;
            next += 1;
        }
    }

    /// Sends once, whatever the status of the answer.
    pub(crate) async fn send_plain(&self, request: Request) -> Result<Answer, ClientError> {
        self.pool.exchange(|| self.message(&request), true).await
    }

    /// Sends and reads the answer as JSON.
    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        request: Request,
    ) -> Result<T, ClientError> {
        let answer = self.send(request).await?;
        read(&answer.body)
    }

    fn message(&self, request: &Request) -> http::Request<Full<Bytes>> {
        let body = request.body.as_ref().map(crate::payload::Payload::bytes);
        let mut message = http::Request::new(Full::new(body.unwrap_or_default()));
        *message.method_mut() = request.method.clone();
        *message.uri_mut() = request.target.clone();
        let headers = message.headers_mut();
        headers.insert(HOST, self.host.clone());
        headers.insert(
            USER_AGENT,
            HeaderValue::from_static(concat!("keyward/", env!("CARGO_PKG_VERSION"))),
        );
        headers.insert(ACCEPT, HeaderValue::from_static(request.accept));
        if request.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        if let Some(key) = request
            .idempotency_key
            .as_deref()
            .and_then(|key| HeaderValue::from_str(key).ok())
        {
            headers.insert(IDEMPOTENCY_KEY, key);
        }
        if let Some(revision) = request.if_match
            && let Ok(tag) = HeaderValue::try_from(format!("\"{revision}\""))
        {
            headers.insert(IF_MATCH, tag);
        }
        message
    }
}

/// 128 random bits of the module, in hexadecimal.
fn fresh_key() -> Result<String, ClientError> {
    let mut bytes = [0_u8; 16];
    default_provider()
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| {
            ClientError::Tls(keyward_tls::TlsError::Module {
                service: "random numbers",
            })
        })?;
    Ok(keyward_core::ids::hex(&bytes))
}

/// The answer if it is a success, else the refusal in it.
fn accepted(answer: Answer) -> Result<Answer, ClientError> {
    if answer.head.status.is_success() {
        return Ok(answer);
    }
    let status = answer.head.status.as_u16();
    let Ok(mut refusal) = serde_json::from_slice::<Refusal>(&answer.body) else {
        return Err(ClientError::Answer {
            reason: format!(
                "status {status} without a problem of this interface; is this a Keyward server?"
            ),
        });
    };
    let after = answer
        .head
        .headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok());
    refusal.retry_after_s = after.and_then(|seconds| seconds.parse().ok());
    Err(ClientError::Refused(Box::new(refusal)))
}

/// Reads JSON; the parser's message is not passed on, because it may quote the answer.
pub(crate) fn read<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, ClientError> {
    serde_json::from_slice(body).map_err(|error| ClientError::Answer {
        reason: format!(
            "unexpected JSON at line {} column {}",
            error.line(),
            error.column()
        ),
    })
}
