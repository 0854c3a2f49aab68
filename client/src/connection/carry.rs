//! Carrying messages over an open connection, and noticing when it is dead.

use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::Signal;
use super::dial::Socket;

/// How often the peer is asked for a sign of life.
const PING_EVERY: Duration = Duration::from_secs(20);
/// Without any message for so long, the answers to pings included, the connection is dead.
const SILENCE: Duration = Duration::from_secs(45);
/// How long the peer may take to read a message.
const PATIENCE: Duration = Duration::from_secs(20);

/// Messages on their way to the relay. Unbounded: the core bounds what it has on its way, and
/// must never wait for a slow network.
pub(crate) type Outgoing = mpsc::UnboundedSender<Vec<u8>>;

/// Carries messages until the connection ends: from either side, because it is dead, or because
/// nobody holds `outgoing` any more and all of it was sent.
pub(crate) async fn carry(
    socket: Socket,
    outgoing: mpsc::UnboundedReceiver<Vec<u8>>,
    signals: &mpsc::Sender<Signal>,
) {
    let (sink, stream) = socket.split();
    tokio::select! {
        () = receive(stream, signals) => {}
        () = send(sink, outgoing) => {}
    }
}

/// Pings are answered by the WebSocket itself whenever it is read.
async fn receive(mut stream: SplitStream<Socket>, signals: &mpsc::Sender<Signal>) {
    while let Ok(Some(Ok(message))) = timeout(SILENCE, stream.next()).await {
        let message = match message {
            Message::Binary(bytes) => bytes,
            Message::Ping(_) | Message::Pong(_) => continue,
            Message::Text(_) | Message::Close(_) | Message::Frame(_) => return,
        };
        if signals.send(Signal::Message(message.into())).await.is_err() {
            return;
        }
    }
}

async fn send(
    mut sink: SplitSink<Socket, Message>,
    mut outgoing: mpsc::UnboundedReceiver<Vec<u8>>,
) {
    let mut pings = tokio::time::interval(PING_EVERY);
    loop {
        let message = tokio::select! {
            bytes = outgoing.recv() => match bytes {
                Some(bytes) => Message::Binary(bytes.into()),
                None => break,
            },
            _ = pings.tick() => Message::Ping(Vec::new().into()),
        };
        if !matches!(timeout(PATIENCE, sink.send(message)).await, Ok(Ok(()))) {
            return;
        }
    }
    // The connection ends in any case; a proper goodbye is only polite.
    let _ = timeout(PATIENCE, sink.close()).await;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use tokio::io::DuplexStream;
    use tokio::time::Instant;
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::super::dial::Stream;
    use super::*;

    async fn pair() -> (Socket, WebSocketStream<DuplexStream>) {
        let (client, server) = tokio::io::duplex(1024);
        let client: Box<dyn Stream> = Box::new(client);
        (
            WebSocketStream::from_raw_socket(client, Role::Client, None).await,
            WebSocketStream::from_raw_socket(server, Role::Server, None).await,
        )
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_connection_is_found_within_a_minute() {
        let (client, _server) = pair().await;
        let (_outgoing, queue) = mpsc::unbounded_channel();
        let (signals, _signalled) = mpsc::channel(1);
        let started = Instant::now();
        carry(client, queue, &signals).await;
        assert!(started.elapsed() < Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn a_quiet_connection_that_answers_pings_stays() {
        let (client, mut server) = pair().await;
        let (outgoing, queue) = mpsc::unbounded_channel();
        let (signals, mut signalled) = mpsc::channel(1);
        let carrying = tokio::spawn(async move { carry(client, queue, &signals).await });
        let serving = async { while let Some(Ok(_)) = server.next().await {} };
        let _ = timeout(Duration::from_secs(600), serving).await;
        assert!(!carrying.is_finished());
        outgoing.send(b"hello".to_vec()).unwrap();
        let hello = loop {
            match server.next().await.unwrap().unwrap() {
                Message::Binary(bytes) => break bytes,
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(hello.as_ref(), b"hello");
        server.send(Message::Binary(hello)).await.unwrap();
        let Some(Signal::Message(bytes)) = signalled.recv().await else {
            panic!("no message");
        };
        assert_eq!(bytes, b"hello");
        drop(outgoing);
        let closed = async { while let Some(Ok(_)) = server.next().await {} };
        tokio::join!(closed, async { carrying.await.unwrap() });
    }
}
