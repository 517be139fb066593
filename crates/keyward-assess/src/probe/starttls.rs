//! The words with which protocols that begin in the clear go over to TLS.

use std::io;
use std::net::TcpStream;

use super::{Endpoint, read_until, send};
use crate::detect::Scan;
use crate::finding::{Finding, Kind, Severity, clip};

/// Asks for TLS where the protocol needs it.
pub fn upgrade(stream: &mut TcpStream, scheme: &str) -> io::Result<()> {
    match scheme {
        "smtp" => {
            reply(stream, "220")?;
            send(stream, b"EHLO probe.invalid\r\n")?;
            reply(stream, "250 ")?;
            send(stream, b"STARTTLS\r\n")?;
            reply(stream, "220")
        }
        "imap" => {
            reply(stream, "* OK")?;
            send(stream, b"a STARTTLS\r\n")?;
            reply(stream, "a OK")
        }
        "pop3" => {
            reply(stream, "+OK")?;
            send(stream, b"STLS\r\n")?;
            reply(stream, "+OK")
        }
        "ftp" => {
            reply(stream, "220")?;
            send(stream, b"AUTH TLS\r\n")?;
            reply(stream, "234")
        }
        "ldap" => {
            // ExtendedRequest 1.3.6.1.4.1.1466.20037
            let mut request = vec![0x30, 0x1d, 0x02, 0x01, 0x01, 0x77, 0x18, 0x80, 0x16];
            request.extend_from_slice(b"1.3.6.1.4.1.1466.20037");
            send(stream, &request)?;
            let got = read_until(stream, 512, |got| got.len() >= 12)?;
            // resultCode 0 in the response
            if got.windows(3).any(|window| window == [0x0a, 0x01, 0x00]) {
                Ok(())
            } else {
                Err(io::Error::other("the server refuses StartTLS"))
            }
        }
        "postgres" => {
            send(stream, &[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])?;
            match read_until(stream, 1, |got| !got.is_empty())?.first() {
                Some(b'S') => Ok(()),
                _ => Err(io::Error::other("the server has no TLS")),
            }
        }
        "mysql" => {
            let greeting = read_until(stream, 1024, |got| got.len() >= 32)?;
            if !greeting_of(&greeting).is_some_and(|greeting| greeting.tls) {
                return Err(io::Error::other("the server has no TLS"));
            }
            // SSLRequest: protocol 4.1, TLS, secure connection; 16 MiB; utf8mb4
            let mut request = vec![0x20, 0, 0, 1, 0x00, 0x8a, 0x08, 0x00, 0, 0, 0, 1, 45];
            request.extend_from_slice(&[0; 23]);
            send(stream, &request)
        }
        _ => Ok(()),
    }
}

/// Waits for a line with this beginning.
fn reply(stream: &mut TcpStream, wanted: &str) -> io::Result<()> {
    let got = read_until(stream, 16_384, |got| {
        got.ends_with(b"\n")
            && String::from_utf8_lossy(got)
                .lines()
                .any(|line| line.starts_with(wanted))
            || got.ends_with(b"\n") && !got.starts_with(wanted.trim_end().as_bytes())
    })?;
    let text = String::from_utf8_lossy(&got);
    if text.lines().any(|line| line.starts_with(wanted)) {
        Ok(())
    } else {
        Err(io::Error::other(clip(
            format!(
                "the server answered '{}' where '{wanted}' was expected",
                text.lines().next().unwrap_or_default()
            ),
            160,
        )))
    }
}

/// What a MySQL or MariaDB server says first.
struct Greeting {
    version: String,
    tls: bool,
    plugin: String,
}

fn greeting_of(packet: &[u8]) -> Option<Greeting> {
    let body = packet.get(4..)?;
    if body.first() != Some(&10) {
        return None;
    }
    let end = body.iter().position(|byte| *byte == 0)?;
    let version = String::from_utf8_lossy(body.get(1..end)?).into_owned();
    // thread (4), first part of the scramble (8), filler (1), capabilities (2)
    let low = body.get(end + 14..end + 16)?;
    let tls = low.get(1).is_some_and(|byte| byte & 0x08 != 0);
    let plugin = body
        .rsplit(|byte| *byte == 0)
        .find(|part| part.len() > 8 && part.iter().all(|byte| byte.is_ascii_graphic()))
        .map(|part| String::from_utf8_lossy(part).into_owned())
        .unwrap_or_default();
    Some(Greeting {
        version: clip(version, 80),
        tls,
        plugin: clip(plugin, 80),
    })
}

/// Whether a database offers TLS at all, and what else its greeting says.
pub fn database(scan: &mut Scan<'_>, endpoint: &Endpoint) -> io::Result<()> {
    let mut stream = endpoint.connect()?;
    let (text, tls, version, plugin) = if endpoint.scheme == "mysql" {
        let got = read_until(&mut stream, 1024, |got| got.len() >= 60)?;
        let Some(greeting) = greeting_of(&got) else {
            return Err(io::Error::other("no MySQL greeting"));
        };
        (
            format!("MySQL or MariaDB {}", greeting.version),
            greeting.tls,
            Some(greeting.version),
            Some(greeting.plugin),
        )
    } else {
        send(&mut stream, &[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])?;
        let got = read_until(&mut stream, 1, |got| !got.is_empty())?;
        (
            "PostgreSQL".to_owned(),
            got.first() == Some(&b'S'),
            None,
            None,
        )
    };
    let mut finding = Finding::new(
        Kind::Protocol,
        "database",
        format!(
            "{text}: TLS is {}",
            if tls { "offered" } else { "not offered" }
        ),
    )
    .property("setting", "tls")
    .property("tls", if tls { "offered" } else { "off" })
    .property_opt("version", version)
    .property_opt("authentication", plugin.clone());
    if !tls {
        finding.add_issue(
            "KA-CONFIG-NO-TLS",
            Severity::High,
            "the database has no TLS: data and passwords cross the network in the clear",
            "SP 800-52 Rev. 2; SP 800-53 Rev. 5 SC-8",
        );
    }
    if plugin.as_deref() == Some("mysql_native_password") {
        finding.add_issue(
            "KA-CONFIG-WEAK-PASSWORD-HASH",
            Severity::Medium,
            "passwords are hashed with plain SHA-1 by default",
            "MySQL manual",
        );
    }
    scan.report(finding);
    if tls {
        Ok(())
    } else {
        Err(io::Error::other("the server has no TLS"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_is_read_and_cut_ones_are_refused() {
        let mut packet = vec![0, 0, 0, 0, 10];
        packet.extend_from_slice(b"8.0.36\0");
        packet.extend_from_slice(&[1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0xff, 0xff]);
        packet.extend_from_slice(
            b"\x21\x02\0\xff\xc7\x15\0\0\0\0\0\0\0\0\0\0xxxxxxxxxxxx\0caching_sha2_password\0",
        );
        let read = greeting_of(&packet).expect("a greeting");
        assert!(read.tls && read.version == "8.0.36" && read.plugin == "caching_sha2_password");
        for end in 0..20 {
            let _ = greeting_of(packet.get(..end).unwrap_or_default());
        }
    }
}
