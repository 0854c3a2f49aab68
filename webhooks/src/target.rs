//! Which URLs and addresses may be called. Whoever registers an endpoint makes this server send
//! requests, so that it must not be led into the operator's own network.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use async_trait::async_trait;
use url::{Host, Url};

/// Longest URL in bytes.
pub const URL_LENGTH: usize = 2048;
/// Most addresses of one name that are looked at.
const ADDRESSES: usize = 16;

/// A URL that is not called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It cannot be read, is too long, or has a fragment.
    #[error("the URL is malformed, longer than {URL_LENGTH} bytes, or has a fragment")]
    Malformed,
    /// Neither `http` nor `https`.
    #[error("the URL's scheme is neither http nor https")]
    Scheme,
    /// It names a user or a password.
    #[error("the URL names a user or a password")]
    Userinfo,
    /// A port of another service.
    #[error("the URL's port is neither 80, 443 nor at least 1024")]
    Port,
    /// The host is an address that is not called.
    #[error("the URL's host is an address inside a network")]
    Address,
}

impl UrlError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "url-malformed",
            Self::Scheme => "url-scheme",
            Self::Userinfo => "url-userinfo",
            Self::Port => "url-port",
            Self::Address => "url-address",
        }
    }
}

/// What the operator allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    /// Whether addresses that are not public may be called: private, loopback, link-local …
    pub allow_private: bool,
}

impl Targets {
    /// Reads and judges a URL. Its host is judged here only if it is an address; a name's
    /// addresses are judged at each attempt.
    ///
    /// # Errors
    /// [`UrlError`].
    pub fn judge_url(&self, text: &str) -> Result<Url, UrlError> {
        let has_controls = text.chars().any(|c| c.is_control() || c.is_whitespace());
        if text.len() > URL_LENGTH || has_controls {
            return Err(UrlError::Malformed);
        }
        let url = Url::parse(text).map_err(|_| UrlError::Malformed)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(UrlError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::Userinfo);
        }
        if url.fragment().is_some() || url.as_str().len() > URL_LENGTH {
            return Err(UrlError::Malformed);
        }
        match url.port_or_known_default() {
            Some(80 | 443 | 1024..) => {}
            _ => return Err(UrlError::Port),
        }
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(name)) if !name.is_empty() => None,
            _ => return Err(UrlError::Malformed),
        };
        match address {
            Some(address) if !self.allows(address) => Err(UrlError::Address),
            _ => Ok(url),
        }
    }

    /// Whether an address may be called.
    pub fn allows(&self, address: IpAddr) -> bool {
        let is_usable = !address.is_unspecified() && !address.is_multicast();
        is_usable && (self.allow_private || is_public(address))
    }

    /// Finds a host's addresses, once, and judges every one of them: one that is not allowed
    /// condemns the name, because a name that means both is a trick.
    ///
    /// # Errors
    /// [`ResolveError`].
    pub async fn resolve(
        &self,
        resolver: &dyn Resolver,
        url: &Url,
    ) -> Result<Vec<SocketAddr>, ResolveError> {
        let port = url.port_or_known_default().unwrap_or_default();
        let addresses = match url.host() {
            Some(Host::Ipv4(address)) => vec![IpAddr::V4(address)],
            Some(Host::Ipv6(address)) => vec![IpAddr::V6(address)],
            Some(Host::Domain(name)) => resolver
                .addresses(name)
                .await
                .map_err(|_| ResolveError::Unresolvable)?,
            None => return Err(ResolveError::Unresolvable),
        };
        if addresses.is_empty() || addresses.len() > ADDRESSES {
            return Err(ResolveError::Unresolvable);
        }
        if !addresses.iter().all(|address| self.allows(*address)) {
            return Err(ResolveError::Refused);
        }
        let with_port = |address| SocketAddr::new(address, port);
        Ok(addresses.into_iter().map(with_port).collect())
    }
}

/// A host that is not called now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// The name has no address.
    #[error("the name has no address")]
    Unresolvable,
    /// One of its addresses is not allowed.
    #[error("an address that is not allowed")]
    Refused,
}

/// Finds the addresses of a name.
#[async_trait]
pub trait Resolver: Send + Sync + 'static {
    /// All of them.
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's own.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((name, 0)).await?;
        let mut addresses: Vec<_> = found.map(|address| address.ip()).collect();
        addresses.dedup();
        Ok(addresses)
    }
}

/// Whether the address is of the public internet: IANA's special-purpose registries list the rest.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

const fn is_public_v4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        [0 | 10 | 127, ..] // this network, private, loopback
            | [100, 64..=127, ..] // shared by carriers
            | [169, 254, ..] // link-local
            | [172, 16..=31, ..] // private
            | [192, 0, 0 | 2, _] // protocol assignments, documentation
            | [192, 88, 99, _] // former 6to4 relays
            | [192, 168, ..] // private
            | [198, 18 | 19, ..] // benchmarks
            | [198, 51, 100, _] // documentation
            | [203, 0, 113, _] // documentation
            | [224..=255, ..] // multicast, reserved, broadcast
    )
}

/// Global unicast is `2000::/3`. Inside it, what documents, benchmarks or wraps an IPv4 address is
/// refused; outside it are loopback, mapped and translated IPv4, unique-local, link-local,
/// multicast and what nobody has assigned.
const fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0x2001, 0x0000..=0x01ff, ..] // protocol assignments, with Teredo and benchmarks
        | [0x2001, 0x0db8, ..] // documentation
        | [0x2002, ..] // 6to4
        | [0x3fff, 0x0000..=0x0fff, ..] => false, // documentation
        [first, ..] => first & 0xe000 == 0x2000,
    }
}
