//! A connection with a relay: authenticated, with small buffers, frames as they are.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::ServerName;
use sottovoce::wire::frame::{ClientFrame, RelayFrame};
use sottovoce::wire::{Signed, decode, encode, limits};
use sottovoce_test_scene::client::claim;
use sottovoce_test_scene::{Business, Person};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::{LoadError, Outcome};

/// Longer than anything takes that happens at all.
const PATIENCE: Duration = Duration::from_secs(60);

/// A byte stream, plain or encrypted.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A WebSocket over either.
pub type Socket = WebSocketStream<Box<dyn Stream>>;

/// Where a relay is.
#[derive(Clone)]
pub struct Target {
    /// Its address.
    pub address: SocketAddr,
    /// How to speak TLS with it, if it does.
    pub tls: Option<tokio_rustls::TlsConnector>,
}

impl Target {
    /// A relay without TLS.
    pub const fn plain(address: SocketAddr) -> Self {
        Self { address, tls: None }
    }

    /// Opens a WebSocket.
    ///
    /// # Errors
    /// [`LoadError`]: it cannot be reached or does not speak the protocol.
    pub async fn open(&self, path: &str) -> Outcome<Socket> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (scheme, stream): (_, Box<dyn Stream>) = match &self.tls {
            None => ("ws", Box::new(stream)),
            Some(tls) => {
                let name = ServerName::IpAddress(self.address.ip().into());
                ("wss", Box::new(tls.connect(name, stream).await?))
            }
        };
        let url = format!("{scheme}://{}{path}", self.address);
        let mut request = url.into_client_request()?;
        let protocol = tungstenite::http::HeaderValue::from_static("sottovoce.0");
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        let config = WebSocketConfig::default()
            .read_buffer_size(4096)
            .write_buffer_size(0);
        let (socket, _) = client_async_with_config(request, stream, Some(config)).await?;
        Ok(socket)
    }
}

/// An authenticated connection.
pub struct Link {
    socket: Socket,
}

impl Link {
    /// Connects and authenticates.
    ///
    /// # Errors
    /// [`LoadError`].
    pub async fn connect(
        target: &Target,
        business: &Arc<Business>,
        person: &Person,
    ) -> Outcome<Self> {
        let path = format!("/v1/connect?account={}", business.id);
        let socket = target.open(&path).await?;
        let mut link = Self { socket };
        let nonce = match link.receive().await? {
            RelayFrame::Challenge { nonce } => nonce,
            other => return Err(unexpected(&other)),
        };
        let claim = claim(target.address, business, person.device(), nonce);
        let proof = Signed::sign(&claim, &[&person.key]).to_bytes();
        link.send(&ClientFrame::Authenticate { proof }).await?;
        match link.receive().await? {
            RelayFrame::Welcome { .. } => Ok(link),
            other => Err(unexpected(&other)),
        }
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// [`LoadError`]: the connection ended.
    pub async fn send(&mut self, frame: &ClientFrame) -> Outcome {
        self.send_encoded(encode(frame).into()).await
    }

    /// Sends an encoded frame.
    ///
    /// # Errors
    /// [`LoadError`]: the connection ended.
    pub async fn send_encoded(&mut self, frame: tungstenite::Bytes) -> Outcome {
        Ok(self.socket.send(Message::Binary(frame)).await?)
    }

    /// The next frame. May be cancelled.
    ///
    /// # Errors
    /// [`LoadError`]: the connection ended, or the relay says goodbye.
    pub async fn receive(&mut self) -> Outcome<RelayFrame> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Binary(bytes))) => {
                    let frame = decode(&bytes, limits::FRAME)
                        .map_err(|error| LoadError::Unexpected(error.to_string()))?;
                    return match frame {
                        RelayFrame::Goodbye { code } => Err(LoadError::Refused(code)),
                        frame => Ok(frame),
                    };
                }
                Some(Ok(Message::Close(_))) | None => return Err(LoadError::Ended),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
            }
        }
    }

    /// The next frame that is of use; others are dropped.
    ///
    /// # Errors
    /// [`LoadError`]: as [`Self::receive`], or nothing comes.
    pub async fn wait_for<T>(&mut self, what: impl Fn(RelayFrame) -> Option<T>) -> Outcome<T> {
        let waiting = async {
            loop {
                if let Some(found) = what(self.receive().await?) {
                    return Ok(found);
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .map_err(|_| LoadError::TimedOut("an answer"))?
    }

    /// Ends the connection in order.
    pub async fn close(mut self) {
        // It may be gone already.
        let _ = self.socket.close(None).await;
    }
}

/// An answer that should not have come.
pub fn unexpected(frame: &RelayFrame) -> LoadError {
    match frame {
        RelayFrame::Refused { code, .. } | RelayFrame::Goodbye { code } => {
            LoadError::Refused(code.clone())
        }
        other => LoadError::Unexpected(format!("{other:?}").chars().take(200).collect()),
    }
}

/// Publishes all that an account needs before contacts can begin.
///
/// # Errors
/// [`LoadError`]: the relay cannot be reached or refuses.
pub async fn publish(target: &Target, business: &Arc<Business>) -> Outcome {
    let mut link = Link::connect(target, business, &business.administrator).await?;
    for (id, object) in (1..).zip(business.objects()) {
        link.send(&ClientFrame::Publish { id, object }).await?;
        link.wait_for(|frame| match frame {
            RelayFrame::Published { .. } => Some(Ok(())),
            RelayFrame::Refused { code, .. } => Some(Err(LoadError::Refused(code))),
            _ => None,
        })
        .await??;
    }
    link.close().await;
    Ok(())
}
