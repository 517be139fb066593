//! A TLS server and client on this crate and blocking sockets, for the interoperability scripts in `tests/tls`.
//!
//! ```text
//! tls_echo pki DIR                     writes an authority, a server and a client certificate as PEM
//! tls_echo serve [options]             prints `port N`, then answers every request with what was negotiated
//! tls_echo connect HOST:PORT [options] sends one request, prints what was negotiated and the answer
//!
//! --cert FILE --key FILE   our certificate chain and private key (needed by serve)
//! --ca FILE                whom to trust: the server's authority (needed by connect), or that of clients
//! --require                serve: turn clients without a certificate away
//! --name NAME              connect: the name the server must have (else HOST)
//! --version 1.2|1.3  --suite NAME  --group NAME  --alpn     narrow what is offered
//! --twice                  connect: connect again and require a resumed session
//! ```
//!
//! Not a product: one thread per connection, requests of 64 KiB at most, five seconds of patience.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use keyward_tls::issue::{Issued, Lifetime, LocalAuthority};
use keyward_tls::{
    Alpn, Anchors, ClientAnchors, ClientAuth, Identity, ReloadableIdentity, client_config_on,
    default_provider, server_config_on,
};
use rustls::crypto::CryptoProvider;
use rustls::{
    ClientConnection, ConnectionCommon, HandshakeKind, NamedGroup, ProtocolVersion, ServerConfig,
    ServerConnection, SideData, StreamOwned,
};
use rustls_pki_types::{ServerName, UnixTime};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const PATIENCE: Duration = Duration::from_secs(5);
const LONGEST_REQUEST: usize = 64 * 1024;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tls_echo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), Failure> {
    let (command, rest) = arguments.split_first().ok_or("no command given")?;
    match command.as_str() {
        "pki" => pki(Path::new(rest.first().ok_or("no directory given")?)),
        "serve" => serve(&Options::parse(rest)?),
        "connect" => {
            let (target, rest) = rest.split_first().ok_or("no HOST:PORT given")?;
            connect(target, &Options::parse(rest)?)
        }
        other => Err(format!("unknown command `{other}`").into()),
    }
}

#[derive(Default)]
struct Options {
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    ca: Option<PathBuf>,
    name: Option<String>,
    version: Option<String>,
    suite: Option<String>,
    group: Option<String>,
    require: bool,
    alpn: bool,
    twice: bool,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, Failure> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(option) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("`{option}` needs a value"));
            match option.as_str() {
                "--cert" => options.cert = Some(value()?.into()),
                "--key" => options.key = Some(value()?.into()),
                "--ca" => options.ca = Some(value()?.into()),
                "--name" => options.name = Some(value()?.clone()),
                "--version" => options.version = Some(value()?.clone()),
                "--suite" => options.suite = Some(value()?.clone()),
                "--group" => options.group = Some(value()?.clone()),
                "--require" => options.require = true,
                "--alpn" => options.alpn = true,
                "--twice" => options.twice = true,
                other => return Err(format!("unknown option `{other}`").into()),
            }
        }
        Ok(options)
    }

    fn provider(&self) -> Result<Arc<CryptoProvider>, Failure> {
        let mut provider = CryptoProvider::clone(&default_provider());
        if let Some(version) = &self.version {
            let version = match version.as_str() {
                "1.2" => ProtocolVersion::TLSv1_2,
                "1.3" => ProtocolVersion::TLSv1_3,
                other => return Err(format!("unknown version `{other}`").into()),
            };
            provider
                .cipher_suites
                .retain(|suite| suite.version().version == version);
        }
        if let Some(name) = &self.suite {
            provider
                .cipher_suites
                .retain(|suite| format!("{:?}", suite.suite()) == *name);
        }
        if let Some(name) = &self.group {
            provider
                .kx_groups
                .retain(|group| group_name(group.name()) == *name);
        }
        if provider.cipher_suites.is_empty() || provider.kx_groups.is_empty() {
            return Err("nothing is left to offer".into());
        }
        Ok(Arc::new(provider))
    }

    fn identity(&self) -> Result<Option<Arc<ReloadableIdentity>>, Failure> {
        match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => Ok(Some(ReloadableIdentity::new(Identity::from_pem_files(
                cert, key,
            )?))),
            (None, None) => Ok(None),
            _ => Err("`--cert` and `--key` go together".into()),
        }
    }

    fn alpn(&self) -> Alpn {
        if self.alpn { Alpn::Http } else { Alpn::None }
    }
}

fn group_name(group: NamedGroup) -> String {
    match u16::from(group) {
        0x11ed => "secp384r1MLKEM1024".into(),
        _ => format!("{group:?}"),
    }
}

fn pki(directory: &Path) -> Result<(), Failure> {
    let lifetime = Lifetime::days(UnixTime::now(), 2);
    let authority = LocalAuthority::generate("Interoperability tests", lifetime)?;
    let write = |name: &str, text: &str| std::fs::write(directory.join(name), text);
    write("ca.pem", authority.certificate_pem())?;
    let both = |name: &str, issued: &Issued| {
        write(&format!("{name}.pem"), issued.certificate_pem())?;
        write(&format!("{name}.key"), issued.private_key_pem())
    };
    let names = ["localhost", "127.0.0.1"];
    both("server", &authority.issue_server(&names, lifetime)?)?;
    let uri = Some("spiffe://test/client");
    both("client", &authority.issue_client("client", uri, lifetime)?)?;
    let stranger = LocalAuthority::generate("Stranger", lifetime)?;
    both("stranger", &stranger.issue_client("client", uri, lifetime)?)?;
    write("stranger-ca.pem", stranger.certificate_pem())?;
    Ok(())
}

fn serve(options: &Options) -> Result<(), Failure> {
    let identity = options
        .identity()?
        .ok_or("serve needs `--cert` and `--key`")?;
    let anchors = match &options.ca {
        Some(file) => Some(ClientAnchors::new(Anchors::from_pem_file(file)?)?),
        None => None,
    };
    let client_auth = match (&anchors, options.require) {
        (Some(anchors), true) => ClientAuth::Required(anchors.clone()),
        (Some(anchors), false) => ClientAuth::Offered(anchors.clone()),
        (None, true) => return Err("`--require` needs `--ca`".into()),
        (None, false) => ClientAuth::None,
    };
    let config = server_config_on(options.provider()?, &identity, &client_auth, options.alpn())?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("port {}", listener.local_addr()?.port());
    io::stdout().flush()?;
    for socket in listener.incoming() {
        let (socket, config, anchors) = (socket?, Arc::clone(&config), anchors.clone());
        std::thread::spawn(move || {
            if let Err(error) = answer(socket, config, anchors.as_ref()) {
                eprintln!("connection: {error}");
            }
        });
    }
    Ok(())
}

fn answer(
    mut socket: TcpStream,
    config: Arc<ServerConfig>,
    anchors: Option<&ClientAnchors>,
) -> Result<(), Failure> {
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.set_nodelay(true)?;
    let mut connection = ServerConnection::new(config)?;
    let outcome = converse(&mut connection, &mut socket, anchors);
    // An alert is lost if the socket is closed while unread bytes wait in it, so the rest is read away.
    connection.send_close_notify();
    while connection.wants_write() && connection.write_tls(&mut socket).is_ok_and(|n| n > 0) {}
    let _ = socket.shutdown(Shutdown::Write);
    let _ = socket.set_read_timeout(Some(Duration::from_millis(500)));
    let _ = io::copy(&mut socket.take(1 << 20), &mut io::sink());
    outcome
}

fn converse(
    connection: &mut ServerConnection,
    socket: &mut TcpStream,
    anchors: Option<&ClientAnchors>,
) -> Result<(), Failure> {
    let mut stream = rustls::Stream::new(connection, socket);
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer)? {
            0 => break,
            n => request.extend_from_slice(&buffer[..n]),
        }
        if request.len() > LONGEST_REQUEST {
            return Err("request too long".into());
        }
    }
    let mut body = negotiated(stream.conn);
    let client = match (stream.conn.peer_certificates(), anchors) {
        (Some(chain), Some(anchors)) => anchors
            .identify(chain, UnixTime::now())?
            .subject()
            .to_owned(),
        _ => "none".into(),
    };
    let first_line = request.split(|&byte| byte == b'\r').next();
    let first_line = String::from_utf8_lossy(first_line.unwrap_or_default());
    writeln!(body, "client={client}\nrequest={first_line}")?;
    write!(
        stream,
        "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\
         Strict-Transport-Security: max-age=31536000\r\n\r\n{body}",
        body.len()
    )?;
    stream.flush()?;
    Ok(())
}

fn negotiated<S: SideData>(connection: &ConnectionCommon<S>) -> String {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "none".into());
    format!(
        "version={}\nsuite={}\ngroup={}\nalpn={}\nresumed={}\n",
        or_none(connection.protocol_version().map(|v| format!("{v:?}"))),
        or_none(
            connection
                .negotiated_cipher_suite()
                .map(|suite| format!("{:?}", suite.suite()))
        ),
        or_none(
            connection
                .negotiated_key_exchange_group()
                .map(|group| group_name(group.name()))
        ),
        or_none(
            connection
                .alpn_protocol()
                .map(|name| String::from_utf8_lossy(name).into_owned())
        ),
        connection.handshake_kind() == Some(HandshakeKind::Resumed),
    )
}

fn connect(target: &str, options: &Options) -> Result<(), Failure> {
    let ca = options.ca.as_ref().ok_or("connect needs `--ca`")?;
    let identity = options.identity()?;
    let config = client_config_on(
        options.provider()?,
        &Anchors::from_pem_file(ca)?,
        identity.as_ref(),
        options.alpn(),
    )?;
    let (host, _port) = target.rsplit_once(':').ok_or("the target is HOST:PORT")?;
    let name = options.name.clone().unwrap_or_else(|| host.into());
    let name = ServerName::try_from(name)?;
    let rounds = if options.twice { 2 } else { 1 };
    for round in 1..=rounds {
        let socket = TcpStream::connect(target)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let connection = ClientConnection::new(Arc::clone(&config), name.clone())?;
        let resumed = request(StreamOwned::new(connection, socket))?;
        if round == 2 && !resumed {
            return Err("the second session was not resumed".into());
        }
    }
    Ok(())
}

/// Sends one request, prints everything, and says whether the session was resumed.
fn request(mut stream: StreamOwned<ClientConnection, TcpStream>) -> Result<bool, Failure> {
    stream.write_all(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        // peers in test tools often just hang up
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error.into()),
        _ => {}
    }
    stream.conn.send_close_notify();
    let _ = stream.flush();
    print!("{}", negotiated(&stream.conn));
    println!("answer={}", String::from_utf8_lossy(&answer));
    if answer.is_empty() {
        return Err("no answer".into());
    }
    Ok(stream.conn.handshake_kind() == Some(HandshakeKind::Resumed))
}
