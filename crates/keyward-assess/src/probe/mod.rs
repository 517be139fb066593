//! Live endpoints: what a TLS, SSH or database port offers, learnt from its first messages. No key is agreed on and
//! nothing is encrypted or decrypted: hellos are sent, answers are read, the connection is closed.

mod ssh;
mod starttls;
mod tls;
mod wire;

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::detect::Scan;
use crate::limits::Limits;
use crate::walk::Outcome;

/// How long one connection may take to open, and one answer to come.
const PATIENCE: Duration = Duration::from_secs(4);

/// An endpoint as it is named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `tls`, `ssh`, `smtp`, `imap`, `pop3`, `ftp`, `ldap`, `postgres`, `mysql`.
    pub scheme: String,
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl Endpoint {
    /// Reads `scheme://host:port`; the port has a default.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let scheme = match scheme {
            "https" | "ldaps" | "smtps" | "imaps" => "tls",
            "postgresql" => "postgres",
            "mariadb" => "mysql",
            known @ ("tls" | "ssh" | "smtp" | "imap" | "pop3" | "ftp" | "ldap" | "postgres"
            | "mysql") => known,
            _ => return None,
        };
        let default = match (scheme, text.split("://").next()) {
            (_, Some("ldaps")) => 636,
            (_, Some("smtps")) => 465,
            (_, Some("imaps")) => 993,
            ("ssh", _) => 22,
            ("smtp", _) => 25,
            ("imap", _) => 143,
            ("pop3", _) => 110,
            ("ftp", _) => 21,
            ("ldap", _) => 389,
            ("postgres", _) => 5432,
            ("mysql", _) => 3306,
            _ => 443,
        };
        let place = rest.split('/').next()?;
        let place = place.rsplit('@').next()?;
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !host.ends_with(':') && !port.contains(']') => {
                (host, port.parse().ok()?)
            }
            _ => (place, default),
        };
        let host = host.trim_matches(['[', ']']);
        (!host.is_empty()).then(|| Self {
            scheme: scheme.to_owned(),
            host: host.to_owned(),
            port,
        })
    }

    /// The address as reports write it.
    pub fn address(&self) -> String {
        if self.host.contains(':') {
            format!("{}://[{}]:{}", self.scheme, self.host, self.port)
        } else {
            format!("{}://{}:{}", self.scheme, self.host, self.port)
        }
    }

    /// Opens a connection and, where the protocol begins in the clear, asks for TLS.
    fn connect(&self) -> io::Result<TcpStream> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(PATIENCE))?;
                    stream.set_write_timeout(Some(PATIENCE))?;
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// Probes endpoints, several at once; what could not be reached is in the coverage.
pub fn endpoints(list: &[Endpoint], limits: &Limits) -> Outcome {
    let mut outcome = Outcome::default();
    for group in list.chunks(16) {
        let results: Vec<Outcome> = std::thread::scope(|scope| {
            let handles: Vec<_> = group
                .iter()
                .map(|endpoint| scope.spawn(move || probe(endpoint, limits)))
                .collect();
            handles
                .into_iter()
                .filter_map(|handle| handle.join().ok())
                .collect()
        });
        for mut result in results {
            outcome.findings.append(&mut result.findings);
            outcome.coverage.merge(result.coverage);
        }
    }
    outcome
}

/// Probes one endpoint.
fn probe(endpoint: &Endpoint, limits: &Limits) -> Outcome {
    let address = endpoint.address();
    let mut scan = Scan::new(limits, &address, None, 0);
    let result = match endpoint.scheme.as_str() {
        "ssh" => ssh::probe(&mut scan, endpoint),
        _ => tls::probe(&mut scan, endpoint),
    };
    if let Err(error) = result {
        scan.gap("unreachable", error.to_string());
    }
    Outcome {
        findings: scan.findings,
        coverage: scan.coverage,
    }
}

/// Reads until `enough` says so, at most so many bytes.
fn read_until(
    stream: &mut TcpStream,
    most: usize,
    enough: impl Fn(&[u8]) -> bool,
) -> io::Result<Vec<u8>> {
    let mut got = Vec::new();
    let mut piece = [0_u8; 4096];
    while !enough(&got) && got.len() < most {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => got.extend_from_slice(piece.get(..count).unwrap_or_default()),
            Err(error)
                if !got.is_empty()
                    && matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock
                            | io::ErrorKind::TimedOut
                            | io::ErrorKind::ConnectionReset
                    ) =>
            {
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

/// Sends everything.
fn send(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)?;
    stream.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_with_their_default_ports() {
        let parse = |text| Endpoint::parse(text).map(|e| e.address());
        assert_eq!(
            parse("tls://example.org"),
            Some("tls://example.org:443".into())
        );
        assert_eq!(
            parse("https://example.org/x"),
            Some("tls://example.org:443".into())
        );
        assert_eq!(
            parse("ssh://u@10.0.0.1:2222"),
            Some("ssh://10.0.0.1:2222".into())
        );
        assert_eq!(
            parse("postgres://[::1]"),
            Some("postgres://[::1]:5432".into())
        );
        assert_eq!(parse("gopher://x"), None);
        assert_eq!(parse("tls://"), None);
    }
}
