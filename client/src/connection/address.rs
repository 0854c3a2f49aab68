//! Where a relay is.

use std::net::IpAddr;

use tokio_tungstenite::tungstenite::http::Uri;

/// Why an address is not dialled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It is not `wss://host[:port]`, or the same with `https`, `ws` or `http`.
    #[error("not the address of a relay: {0}")]
    Malformed(String),
    /// It asks for an unencrypted connection to another machine.
    #[error("unencrypted connections are for the own machine only: {0}")]
    Unencrypted(String),
}

impl AddressError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "address-malformed",
            Self::Unencrypted(_) => "address-unencrypted",
        }
    }
}

/// The parts of a relay's URL that matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// Whether TLS is spoken.
    pub(crate) encrypted: bool,
    /// Name or IP address, without the brackets of IPv6.
    pub(crate) host: String,
    /// TCP port.
    pub(crate) port: u16,
    /// The HTTP `Host` header: the scheme's own port is left out.
    pub(crate) header: String,
}

impl Address {
    /// Reads a URL. Its path, if it has one, can only be `/`: the protocol fixes the real one.
    pub(crate) fn parse(url: &str) -> Result<Self, AddressError> {
        let malformed = || AddressError::Malformed(url.to_owned());
        let uri: Uri = url.trim().parse().map_err(|_| malformed())?;
        let (encrypted, usual_port) = match uri.scheme_str() {
            Some("wss" | "https") => (true, 443),
            Some("ws" | "http") => (false, 80),
            _ => return Err(malformed()),
        };
        let authority = uri.authority().ok_or_else(malformed)?;
        let plain_path = uri.path() == "/" && uri.query().is_none();
        if authority.as_str().contains('@') || !plain_path {
            return Err(malformed());
        }
        let named = authority.host().to_ascii_lowercase();
        let port = authority.port_u16().unwrap_or(usual_port);
        // A colon without a usable number behind it is no port.
        let has_port = authority.as_str().len() > named.len();
        if named.is_empty() || (has_port && authority.port_u16().is_none()) || port == 0 {
            return Err(malformed());
        }
        let header = if port == usual_port {
            named.clone()
        } else {
            format!("{named}:{port}")
        };
        let host = named.trim_matches(['[', ']']).to_owned();
        if !encrypted && !is_loopback(&host) {
            return Err(AddressError::Unencrypted(url.to_owned()));
        }
        Ok(Self {
            encrypted,
            host,
            port,
            header,
        })
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_host_header_leaves_the_usual_port_out() {
        for (url, header, port) in [
            ("wss://chat.example", "chat.example", 443),
            ("https://Chat.Example:443/", "chat.example", 443),
            ("wss://chat.example:8443", "chat.example:8443", 8443),
            ("ws://127.0.0.1:8080", "127.0.0.1:8080", 8080),
            ("http://localhost", "localhost", 80),
            ("ws://[::1]:8080", "[::1]:8080", 8080),
        ] {
            let address = Address::parse(url).unwrap();
            assert_eq!((address.header.as_str(), address.port), (header, port));
        }
        assert_eq!(Address::parse("ws://[::1]:8080").unwrap().host, "::1");
    }

    #[test]
    fn unencrypted_connections_stay_on_the_own_machine() {
        for url in [
            "ws://chat.example",
            "http://10.0.0.1:8080",
            "ws://localhost.example",
            "ws://128.0.0.1",
            "ws://[::2]",
        ] {
            let refused = AddressError::Unencrypted(url.to_owned());
            assert_eq!(Address::parse(url), Err(refused));
        }
    }

    #[test]
    fn what_is_no_relay_url_is_refused() {
        for url in [
            "",
            "chat.example",
            "ftp://chat.example",
            "wss://",
            "wss://user@chat.example",
            "wss://chat.example/elsewhere",
            "wss://chat.example?x=1",
            "wss://chat.example:99999",
            "wss://chat.example:0",
        ] {
            assert_eq!(
                Address::parse(url).unwrap_err().code(),
                "address-malformed",
                "{url}"
            );
        }
    }
}
