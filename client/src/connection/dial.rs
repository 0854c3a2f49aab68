//! Opening a connection: TCP, TLS where it is due, WebSocket.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use sottovoce::wire::{AccountId, limits};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::ClientRequestBuilder;
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self};

use super::{Address, AddressError};

/// The WebSocket subprotocol.
const SUBPROTOCOL: &str = "sottovoce.0";
/// How long opening may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why a relay was not reached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    /// The address must not be dialled.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Nobody answers there.
    #[error("the relay cannot be reached: {0}")]
    Unreachable(#[source] io::Error),
    /// Its certificate is invalid, not trusted, or of another name.
    #[error("the relay's certificate is refused: {0}")]
    Certificate(#[source] rustls::Error),
    /// No TLS of at least version 1.2 came about.
    #[error("the relay does not speak TLS as it must: {0}")]
    Tls(#[source] io::Error),
    /// What answers is not a relay of this protocol.
    #[error("what answers is not a relay: {0}")]
    NotARelay(#[source] Box<tungstenite::Error>),
    /// It took too long.
    #[error("the relay does not answer in time")]
    TimedOut,
}

impl DialError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Address(error) => error.code(),
            Self::Unreachable(_) => "relay-unreachable",
            Self::Certificate(_) => "certificate-refused",
            Self::Tls(_) => "tls-failed",
            Self::NotARelay(_) => "not-a-relay",
            Self::TimedOut => "timed-out",
        }
    }

    /// Whether whoever answers is refused, rather than nobody fit answering at present: somebody
    /// has to do something about it.
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Address(_) | Self::Certificate(_) | Self::Tls(_))
    }
}

/// A byte stream, encrypted or within the own machine.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// An open WebSocket.
pub(crate) type Socket = WebSocketStream<Box<dyn Stream>>;

/// Opens a connection for an account.
pub(crate) async fn dial(
    address: &Address,
    account: AccountId,
    tls: &Arc<ClientConfig>,
) -> Result<Socket, DialError> {
    tokio::time::timeout(PATIENCE, open(address, account, tls))
        .await
        .map_err(|_| DialError::TimedOut)?
}

/// Opens a byte stream to a relay: over TLS, or within the own machine.
pub(crate) async fn stream(
    address: &Address,
    tls: &Arc<ClientConfig>,
) -> Result<Box<dyn Stream>, DialError> {
    let stream = connect(address).await.map_err(DialError::Unreachable)?;
    if address.encrypted {
        encrypt(address, stream, tls).await
    } else {
        Ok(Box::new(stream))
    }
}

async fn open(
    address: &Address,
    account: AccountId,
    tls: &Arc<ClientConfig>,
) -> Result<Socket, DialError> {
    let stream = stream(address, tls).await?;
    let scheme = if address.encrypted { "wss" } else { "ws" };
    let header = &address.header;
    let uri: Uri = format!("{scheme}://{header}/v1/connect?account={account}")
        .parse()
        .map_err(|_| AddressError::Malformed(header.clone()))?;
    let request = ClientRequestBuilder::new(uri).with_sub_protocol(SUBPROTOCOL);
    let config = WebSocketConfig::default()
        .max_message_size(Some(limits::FRAME))
        .max_frame_size(Some(limits::FRAME));
    let (socket, _) = tokio_tungstenite::client_async_with_config(request, stream, Some(config))
        .await
        .map_err(|error| DialError::NotARelay(Box::new(error)))?;
    Ok(socket)
}

async fn connect(address: &Address) -> io::Result<TcpStream> {
    let mut addresses: Vec<SocketAddr> =
        tokio::net::lookup_host((address.host.as_str(), address.port))
            .await?
            .collect();
    if !address.encrypted {
        // Whatever `localhost` resolves to: without encryption nothing leaves the machine.
        addresses.retain(|address| address.ip().is_loopback());
    }
    let stream = TcpStream::connect(addresses.as_slice()).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn encrypt(
    address: &Address,
    stream: TcpStream,
    tls: &Arc<ClientConfig>,
) -> Result<Box<dyn Stream>, DialError> {
    let name = ServerName::try_from(address.host.clone())
        .map_err(|_| AddressError::Malformed(address.host.clone()))?;
    let connected = TlsConnector::from(Arc::clone(tls))
        .connect(name, stream)
        .await;
    match connected {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => {
            let inner = error.get_ref().and_then(|error| error.downcast_ref());
            Err(match inner {
                Some(error @ rustls::Error::InvalidCertificate(_)) => {
                    DialError::Certificate(error.clone())
                }
                Some(_) => DialError::Tls(error),
                // The connection broke off; TLS itself had nothing to object to.
                None => DialError::Unreachable(error),
            })
        }
    }
}
