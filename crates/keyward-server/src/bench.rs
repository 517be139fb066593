//! What `keyward bench` measures the server against, and how its data is prepared. Nothing here is reachable from
//! `keyward server`: the fixed answer exists only in a server that [`serve`] started.
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use keyward_core::algorithm::{KeySpec, Protection};
use keyward_core::command::{Command, CreateKey, Envelope, RealmRef};
use keyward_core::name::Name;
use keyward_core::object::{ExportClass, Sensitivity};
use keyward_core::secret::Secret;
use keyward_engine::measure;
use keyward_engine::{Engine, Presented};
use keyward_tls::{Alpn, ClientAuth, Identity, ReloadableIdentity, server_config};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::parts::{Layout, StartError, engine, module};
use crate::run::{RunError, ServerOptions, run_with, stopped, write_port};

/// The benchmark's route with the fixed answer.
pub const CONSTANT_PATH: &str = "/bench/constant";
/// Bytes of the fixed answer.
const CONSTANT_BYTES: usize = 1024;
/// Commands under way at once while a realm is filled.
const FILLING: usize = 2048;

fn fixed() -> Bytes {
    Bytes::from(vec![b'x'; CONSTANT_BYTES])
}

/// Reads the body and answers without looking at it.
pub(crate) async fn constant(answer: Bytes, body: Incoming) -> http::Response<Full<Bytes>> {
    let _ = body.collect().await;
    http::Response::new(Full::new(answer))
}

/// Runs the server with the fixed answer beside everything it always does.
///
/// # Errors
/// As [`crate::run::run`].
pub fn serve(options: ServerOptions) -> Result<(), RunError> {
    run_with(options, Some(fixed()))
}

/// Runs the least there can be: the same TLS, an HTTP/1.1 codec, the fixed answer to everything.
///
/// # Errors
/// [`StartError`].
pub fn bare(data_dir: PathBuf, port_file: PathBuf) -> Result<(), RunError> {
    let layout = Layout { root: data_dir };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(StartError::Runtime)?;
    runtime.block_on(async {
        let identity = Identity::from_pem_files(&layout.certificate(), &layout.key())?;
        let tls = server_config(
            &ReloadableIdentity::new(identity),
            &ClientAuth::None,
            Alpn::Http,
        )?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listen = |error| StartError::Listen { address, error };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let bound = listener.local_addr().map_err(listen)?;
        write_port(&port_file, bound.port())?;
        tokio::select! {
            () = accept(listener, TlsAcceptor::from(tls)) => {}
            () = stopped() => {}
        }
        Ok(())
    })
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor) {
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let Ok(tls) = acceptor.accept(stream).await else {
                return;
            };
            let answer = fixed();
            let service = service_fn(move |request: http::Request<Incoming>| {
                let answer = answer.clone();
                async move { Ok::<_, Infallible>(constant(answer, request.into_body()).await) }
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(tls), service)
                .await;
        });
    }
}

/// How often per second the module does one thing, called in a loop on so many threads.
///
/// # Errors
/// The module does not start or does not do it.
pub fn module_rate(
    what: measure::Measured,
    threads: usize,
    length: Duration,
) -> Result<f64, RunError> {
    let module = module()?;
    measure::rate(&*module, what, threads, length).map_err(StartError::Engine)
}

/// The name of a filled realm's key.
#[must_use]
pub fn key_name(number: usize) -> String {
    format!("k{number:07}")
}

/// Which keys to make in a data directory that nobody serves.
pub struct Filling<'a> {
    /// The directory.
    pub data_dir: &'a Path,
    /// Opens its seal.
    pub passphrase: &'a Secret,
    /// Of someone who may create keys there.
    pub token: &'a str,
    /// Name of the realm.
    pub realm: Name,
    /// How many.
    pub count: usize,
}

/// Makes AES-256 keys through the engine, as requests would, many at once.
///
/// # Errors
/// [`StartError`].
pub fn fill(filling: &Filling<'_>) -> Result<(), RunError> {
    let layout = Layout {
        root: filling.data_dir.to_owned(),
    };
    let engine = Arc::new(engine(&layout)?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(StartError::Runtime)?;
    runtime.block_on(async {
        engine
            .unseal("passphrase", filling.passphrase, None)
            .await?;
        let next = Arc::new(AtomicUsize::new(0));
        let makers: Vec<_> = (0..FILLING.min(filling.count.max(1)))
            .map(|_| {
                let (engine, next) = (Arc::clone(&engine), Arc::clone(&next));
                let (token, realm) = (filling.token.to_owned(), filling.realm.clone());
                let count = filling.count;
                tokio::spawn(async move { make(&engine, &token, &realm, &next, count).await })
            })
            .collect();
        let mut outcome = Ok(());
        for maker in makers {
            if let Ok(Err(problem)) = maker.await {
                outcome = Err(StartError::Engine(problem));
            }
        }
        outcome
    })?;
    engine.close();
    Ok(())
}

async fn make(
    engine: &Engine,
    token: &str,
    realm: &Name,
    next: &AtomicUsize,
    count: usize,
) -> Result<(), keyward_core::Problem> {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= count {
            return Ok(());
        }
        let caller = engine.authenticate(&Presented::Token(token), None)?;
        let name = Name::new(&key_name(number)).ok();
        let command = Command::from(CreateKey {
            realm: RealmRef::Name(realm.clone()),
            name,
            spec: KeySpec::Aes256,
            purpose: None,
            protection: Protection::Software,
            export: ExportClass::Never,
            activate: true,
            cryptoperiod: None,
            rotate_every: None,
            sensitivity: Sensitivity::Moderate,
            applications: Vec::new(),
            tags: std::collections::BTreeMap::new(),
            owner: None,
            exception: None,
        });
        engine
            .execute(&caller, &command, &Envelope::default())
            .await?;
    }
}
