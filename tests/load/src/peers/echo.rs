//! A bare WebSocket server of axum's: what arrives goes back.

use axum::Router;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use crate::Outcome;
use crate::program::anywhere;

/// Serves for ever; the first line on standard output says where.
///
/// # Errors
/// [`crate::LoadError::Io`].
pub async fn serve() -> Outcome {
    let listener = TcpListener::bind(anywhere()).await?;
    println!("{}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        // Only slower without.
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, Router::new().route("/", get(upgrade))).await?)
}

async fn upgrade(upgrade: WebSocketUpgrade) -> Response {
    upgrade.protocols(["sottovoce.0"]).on_upgrade(echo)
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if socket.send(message).await.is_err() {
            return;
        }
    }
}
