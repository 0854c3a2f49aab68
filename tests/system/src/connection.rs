//! A connection that says to a relay exactly what it is told to.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use sottovoce::crypto::Random;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::wire::frame::{Authentication, ClientFrame, Nonce, RelayFrame};
use sottovoce::wire::{AccountId, Signed, Suite, Version, decode, encode, limits};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::now;

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// An authenticated connection.
#[derive(Debug)]
pub struct Connection(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Connection {
    /// Connects as the device of a key.
    ///
    /// # Panics
    /// When the relay does not welcome it.
    pub async fn open(address: SocketAddr, account: AccountId, key: &SigningKey) -> Self {
        let url = format!("ws://{address}/v1/connect?account={account}");
        let mut request = url.into_client_request().unwrap();
        let protocol = "sottovoce.0".parse().unwrap();
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", protocol);
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let mut connection = Self(socket);
        let RelayFrame::Challenge { nonce } = connection.receive().await else {
            panic!("no challenge");
        };
        let authentication = Authentication {
            version: Version,
            suite: Suite::X25519,
            account,
            host: address.to_string(),
            relay_nonce: nonce,
            client_nonce: Nonce::new(Random::os().bytes().unwrap()),
            device: key.public(),
            time: now(),
        };
        let proof = Signed::sign(&authentication, &[key]).to_bytes();
        connection.send(&ClientFrame::Authenticate { proof }).await;
        connection
            .wait_for(|frame| matches!(frame, RelayFrame::Welcome { .. }).then_some(()))
            .await;
        connection
    }

    /// Sends a frame.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn send(&mut self, frame: &ClientFrame) {
        self.send_raw(encode(frame)).await;
    }

    /// Sends what may be no frame.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn send_raw(&mut self, bytes: Vec<u8>) {
        let message = Message::Binary(bytes.into());
        self.0.send(message).await.unwrap();
    }

    /// The first frame to come that fits.
    ///
    /// # Panics
    /// When none does in time.
    pub async fn wait_for<T>(&mut self, look: impl Fn(RelayFrame) -> Option<T>) -> T {
        loop {
            if let Some(found) = look(self.receive().await) {
                return found;
            }
        }
    }

    async fn receive(&mut self) -> RelayFrame {
        let next = async {
            loop {
                if let Message::Binary(bytes) = self.0.next().await.unwrap().unwrap() {
                    return decode(&bytes, limits::FRAME).unwrap();
                }
            }
        };
        tokio::time::timeout(PATIENCE, next).await.unwrap()
    }
}
