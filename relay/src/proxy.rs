//! From which network address a connection comes when proxies stand before the relay. Only what a
//! configured proxy says is believed: anybody can write a header.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

/// The proxies that are believed, and the header that they write.
#[derive(Clone, Debug)]
pub struct Proxies {
    /// Their addresses.
    pub trusted: Vec<IpNet>,
    /// The header in which each appends the address that it was spoken to from, such as
    /// `x-forwarded-for`.
    pub header: HeaderName,
}

impl Default for Proxies {
    /// None.
    fn default() -> Self {
        Self {
            trusted: Vec::new(),
            header: HeaderName::from_static("x-forwarded-for"),
        }
    }
}

impl Proxies {
    /// Where a request comes from: read from the nearest hop backwards, the first address that is
    /// no trusted proxy. Without a header, or with one that cannot be read, the nearest hop.
    pub(crate) fn origin(&self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        let mut nearest = peer.ip().to_canonical();
        let values: Vec<_> = headers.get_all(&self.header).iter().collect();
        let hops = values.into_iter().rev().flat_map(|value| {
            let text = value.to_str().unwrap_or_default();
            text.rsplit(',').map(str::trim)
        });
        for hop in hops {
            if !self.is_trusted(nearest) {
                break;
            }
            let Some(address) = read(hop) else {
                break;
            };
            nearest = address;
        }
        nearest
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        self.trusted
            .iter()
            .any(|network| network.contains(&address))
    }
}

/// An address, perhaps with a port.
fn read(hop: &str) -> Option<IpAddr> {
    let address = hop.parse().ok();
    let address = address.or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    let address = address.or_else(|| hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok());
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// What `10.0.0.0/8` says of where a request comes from.
    fn origin(peer: &str, headers: &[&'static str]) -> String {
        let proxies = Proxies {
            trusted: vec!["10.0.0.0/8".parse().unwrap()],
            ..Proxies::default()
        };
        let mut map = HeaderMap::new();
        for header in headers {
            map.append("x-forwarded-for", header.parse().unwrap());
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 1234);
        proxies.origin(peer, &map).to_string()
    }

    #[test]
    fn a_trusted_proxy_says_where_a_request_comes_from() {
        assert_eq!(origin("10.0.0.1", &["192.0.2.7"]), "192.0.2.7");
        assert_eq!(origin("::ffff:10.0.0.1", &["192.0.2.7:80"]), "192.0.2.7");
        assert_eq!(origin("10.0.0.1", &["[2001:db8::1]:80"]), "2001:db8::1");
        assert_eq!(origin("10.0.0.1", &["[2001:db8::1]"]), "2001:db8::1");
        assert_eq!(origin("10.0.0.1", &["192.0.2.7", "10.0.0.2"]), "192.0.2.7");
    }

    #[test]
    fn anybody_else_says_nothing() {
        assert_eq!(origin("198.51.100.1", &["192.0.2.7"]), "198.51.100.1");
        // What a client wrote itself stands further left than what the proxy added.
        assert_eq!(origin("10.0.0.1", &["203.0.113.9, 192.0.2.7"]), "192.0.2.7");
        assert_eq!(
            origin("10.0.0.1", &["203.0.113.9", "192.0.2.7"]),
            "192.0.2.7"
        );
        assert_eq!(origin("10.0.0.1", &["unknown"]), "10.0.0.1");
        assert_eq!(origin("10.0.0.1", &[]), "10.0.0.1");
    }
}
