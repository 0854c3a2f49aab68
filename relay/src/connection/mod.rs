//! One connection: the handshake, then a session until either side ends it.

mod followed;
mod handshake;
mod session;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use sottovoce::wire::frame::{ClientFrame, RelayFrame};
use sottovoce::wire::{DecodeError, decode, encode, limits};
use sottovoce_server::read_limit::ReadLimit;
use tungstenite::error::CapacityError;

use crate::metrics::Metrics;
use crate::refusal::Refusal;
use crate::relay::Shared;
use crate::throttle::Meter;

/// How long a peer may take to read what it is sent.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a peer may take to be told goodbye.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long a peer that was told goodbye may take to close.
const DRAIN: Duration = Duration::from_millis(500);

/// How a connection ends.
#[derive(Debug)]
enum End {
    /// The peer is gone.
    Gone,
    /// The relay ends it and says why.
    Goodbye(Refusal),
}

impl<E: Into<Refusal>> From<E> for End {
    fn from(error: E) -> Self {
        Self::Goodbye(error.into())
    }
}

/// Whom the connection is with, before anything is proved.
pub(crate) struct Peer {
    /// The account that it named.
    pub(crate) account: String,
    /// The HTTP `Host` header.
    pub(crate) host: String,
    /// Its network address.
    pub(crate) address: IpAddr,
    /// How much it may send.
    pub(crate) limit: ReadLimit,
}

/// Runs a connection to its end. The socket is moved to where it stays before anything waits, so that
/// there is room for it once.
pub(crate) fn run(
    shared: Arc<Shared>,
    peer: Peer,
    socket: WebSocket,
) -> impl Future<Output = ()> + Send {
    let mut wire = Wire {
        socket,
        meter: shared.throttle.connect(peer.address),
        metrics: Arc::clone(&shared.metrics),
        is_broken: false,
    };
    async move {
        if wire.meter.is_none() {
            wire.goodbye(&Refusal::Throttled).await;
            return;
        }
        shared.metrics.accepted.inc();
        shared.metrics.connections.inc();
        let end = tokio::select! {
            end = serve(&shared, &peer, &mut wire) => end,
            () = shared.drain.turn() => End::Goodbye(Refusal::GoingAway),
        };
        wire.meter = None;
        shared.metrics.connections.dec();
        if let End::Goodbye(refusal) = end {
            tracing::info!(code = refusal.code(), "a connection was ended");
            Box::pin(wire.goodbye(&refusal)).await;
        }
    }
}

/// All parts are boxed, so that what the handshake needs does not stay for as long as the session.
async fn serve(shared: &Arc<Shared>, peer: &Peer, wire: &mut Wire) -> End {
    peer.limit.set(handshake::LONGEST);
    let authenticated = tokio::select! {
        authenticated = Box::pin(handshake::run(shared, peer, wire)) => authenticated,
        () = tokio::time::sleep(handshake::PATIENCE) => Err(End::Goodbye(Refusal::TimedOut)),
    };
    let (account, device) = match authenticated {
        Ok(authenticated) => authenticated,
        Err(end) => {
            if matches!(end, End::Goodbye(_)) {
                shared.throttle.failed(peer.address);
            }
            return end;
        }
    };
    match Box::pin(handshake::admit(shared, peer, wire, &account, device)).await {
        Ok(()) => {
            peer.limit.lift();
            Box::pin(session::run(shared, account, device, peer.address, wire)).await
        }
        Err(end) => end,
    }
}

/// A WebSocket that carries frames.
struct Wire {
    socket: WebSocket,
    /// What the peer may still send; none while it is told goodbye.
    meter: Option<Meter>,
    metrics: Arc<Metrics>,
    /// Whether something arrived after which nothing can be read.
    is_broken: bool,
}

impl Wire {
    /// Sends a frame; a peer that does not read in time is gone.
    async fn send(&mut self, frame: &RelayFrame) -> Result<(), End> {
        if let RelayFrame::Refused { code, .. } | RelayFrame::Goodbye { code } = frame {
            self.metrics.refused(code);
        }
        self.send_message(Message::Binary(encode(frame).into()))
            .await
    }

    async fn ping(&mut self) -> Result<(), End> {
        self.send_message(Message::Ping(Vec::new().into())).await
    }

    async fn send_message(&mut self, message: Message) -> Result<(), End> {
        match tokio::time::timeout(PATIENCE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Gone),
        }
    }

    /// The next frame, or none for what only shows that the peer lives. May be cancelled.
    async fn receive(&mut self) -> Result<Option<ClientFrame>, End> {
        match self.socket.recv().await {
            Some(Ok(Message::Binary(bytes))) => {
                let meter = self.meter.as_mut();
                if meter.is_some_and(|meter| !meter.take(bytes.len())) {
                    return Err(Refusal::Throttled.into());
                }
                Ok(Some(decode(&bytes, limits::FRAME)?))
            }
            Some(Ok(Message::Text(_))) => Err(DecodeError::Malformed.into()),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
            Some(Ok(Message::Close(_))) | None => Err(End::Gone),
            Some(Err(error)) => {
                self.is_broken = true;
                Err(match error.into_inner().downcast::<tungstenite::Error>() {
                    Ok(error) => broken(&error),
                    Err(_) => End::Gone,
                })
            }
        }
    }

    /// Says why, and closes.
    async fn goodbye(&mut self, refusal: &Refusal) {
        let code = refusal.code().to_owned();
        let close = async {
            self.send(&RelayFrame::Goodbye { code }).await?;
            self.send_message(Message::Close(None)).await
        };
        if !matches!(tokio::time::timeout(FAREWELL, close).await, Ok(Ok(()))) {
            return;
        }
        // Closing with unread input would reset the connection, and the peer might never read
        // why. So what it still sends is thrown away for a moment, or, where nothing can be read
        // any more, left alone.
        let drain = async {
            while let Some(Ok(_)) = self.socket.recv().await {}
            if self.is_broken {
                std::future::pending::<()>().await;
            }
        };
        let _ = tokio::time::timeout(DRAIN, drain).await;
    }
}

/// What was wrong with a message that could not even be received.
fn broken(error: &tungstenite::Error) -> End {
    match error {
        tungstenite::Error::Capacity(CapacityError::MessageTooLong { .. }) => {
            DecodeError::TooLarge.into()
        }
        tungstenite::Error::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            DecodeError::TooLarge.into()
        }
        tungstenite::Error::Utf8(_) => DecodeError::Malformed.into(),
        tungstenite::Error::Protocol(
            tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
        ) => End::Gone,
        tungstenite::Error::Protocol(_) => DecodeError::Malformed.into(),
        _ => End::Gone,
    }
}
