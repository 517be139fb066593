//! Where a server is.
use std::fmt;

use tokio_rustls::rustls::pki_types::ServerName;

/// The port a server listens on unless it is told otherwise.
const PORT_DEFAULT: u16 = 8443;

/// A server's address, checked: `https://host[:port]`, or just `host[:port]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    host: String,
    port: u16,
}

/// Why a text is not the address of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Plain HTTP, or something else.
    #[error("a server is reached over TLS only: the address must begin with `https://`")]
    Scheme,
    /// A path, a query or a user.
    #[error("the address names a server only: nothing may follow the port")]
    Tail,
    /// Not a host name or IP address.
    #[error("`{0}` is not a host name or an IP address")]
    Host(String),
    /// Not a port.
    #[error("`{0}` is not a port")]
    Port(String),
}

impl ServerAddress {
    /// Reads it.
    ///
    /// # Errors
    /// [`AddressError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let rest = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => rest,
            Some(_) => return Err(AddressError::Scheme),
            None => text,
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#', '@']) {
            return Err(AddressError::Tail);
        }
        let (host, port) = Self::halves(rest)?;
        let port = match port {
            None => PORT_DEFAULT,
            Some(port) => match port.parse() {
                Ok(number) if number > 0 && port.bytes().all(|byte| byte.is_ascii_digit()) => {
                    number
                }
                _ => return Err(AddressError::Port(port.to_owned())),
            },
        };
        let address = Self {
            host: host.to_owned(),
            port,
        };
        address.server_name()?;
        Ok(address)
    }

    fn halves(text: &str) -> Result<(&str, Option<&str>), AddressError> {
        if let Some(bracketed) = text.strip_prefix('[') {
            let (host, after) = bracketed
                .split_once(']')
                .ok_or_else(|| AddressError::Host(text.to_owned()))?;
            return match after.strip_prefix(':') {
                Some(port) => Ok((host, Some(port))),
                None if after.is_empty() => Ok((host, None)),
                None => Err(AddressError::Host(text.to_owned())),
            };
        }
        Ok(text
            .split_once(':')
            .map_or((text, None), |(host, port)| (host, Some(port))))
    }

    /// Host name or IP address, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What the server's certificate must be for.
    pub(crate) fn server_name(&self) -> Result<ServerName<'static>, AddressError> {
        ServerName::try_from(self.host.clone()).map_err(|_| AddressError::Host(self.host.clone()))
    }

    /// The `Host` header.
    pub(crate) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}", self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_with_and_without_scheme_and_port() {
        for (text, shown) in [
            ("https://keys.example:9000", "https://keys.example:9000"),
            ("HTTPS://keys.example/", "https://keys.example:8443"),
            ("localhost", "https://localhost:8443"),
            ("127.0.0.1:1", "https://127.0.0.1:1"),
            ("https://[::1]:8443", "https://[::1]:8443"),
            ("[2001:db8::1]", "https://[2001:db8::1]:8443"),
        ] {
            let address = ServerAddress::parse(text).expect(text);
            assert_eq!(address.to_string(), shown);
            assert_eq!(ServerAddress::parse(shown), Ok(address));
        }
    }

    #[test]
    fn what_is_not_a_servers_address_is_refused_for_its_reason() {
        assert_eq!(
            ServerAddress::parse("http://keys.example"),
            Err(AddressError::Scheme)
        );
        assert_eq!(
            ServerAddress::parse("https://keys.example/v1"),
            Err(AddressError::Tail)
        );
        assert_eq!(
            ServerAddress::parse("https://me@keys.example"),
            Err(AddressError::Tail)
        );
        for port in ["0", "65536", "+1", "", "x"] {
            assert_eq!(
                ServerAddress::parse(&format!("a:{port}")),
                Err(AddressError::Port(port.to_owned()))
            );
        }
        for host in ["", "a b", "[::1", "[::1]x", "-a-.example."] {
            assert!(
                matches!(ServerAddress::parse(host), Err(AddressError::Host(_))),
                "{host}"
            );
        }
    }
}
