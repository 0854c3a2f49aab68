//! What a server's process does when it is one to be killed and searched: it prints the address that it
//! listens on, and serves until it is told to stop.

use std::fmt::Display;
use std::future::Future;
use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use sottovoce_server::config::{Layers, Settings};
use sottovoce_server::shutdown::serve_until_signal;
use tokio_util::sync::CancellationToken;

/// Runs the server that `bind` makes of the settings in the file that the first argument names. `address`
/// and `serve` are the server's own.
pub async fn run<S, T, B, F, E>(
    bind: impl FnOnce(S) -> B,
    address: impl FnOnce(&T) -> SocketAddr,
    serve: impl FnOnce(T, CancellationToken) -> F,
) -> ExitCode
where
    S: Settings,
    B: Future<Output = Result<T, E>>,
    F: Future<Output = ()> + Send + 'static,
    E: Display,
{
    sottovoce_server::logs::start();
    let file = std::env::args().nth(1).map(Into::into);
    let settings = Layers::of_this_process(file, Vec::new()).settings();
    let bound = match settings {
        Ok(settings) => bind(settings).await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match bound {
        Ok(server) => {
            let mut out = std::io::stdout();
            let _ = writeln!(out, "{}", address(&server)).and_then(|()| out.flush());
            serve_until_signal(|stop| serve(server, stop)).await;
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!(error, "the server cannot start");
            ExitCode::FAILURE
        }
    }
}
