//! A key manager to be killed and searched: `keymanager-process CONFIG`. It prints the address that it listens on.

use std::io::Write;
use std::process::ExitCode;

use sottovoce_keymanager::{Server, Settings};
use sottovoce_server::config::Layers;
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> ExitCode {
    sottovoce_server::logs::start();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "the key manager cannot start");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), String> {
    let file = std::env::args().nth(1).map(Into::into);
    let layers = Layers::of_this_process(file, Vec::new());
    let settings: Settings = layers.settings().map_err(|error| error.to_string())?;
    let config = settings.into_config().map_err(|error| error.to_string())?;
    let server = Server::bind(config)
        .await
        .map_err(|error| error.to_string())?;
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{}", server.address()).and_then(|()| out.flush());
    let stop = CancellationToken::new();
    let serving = tokio::spawn(server.serve(stop.clone()));
    sottovoce_server::shutdown::signal().await;
    stop.cancel();
    let _ = serving.await;
    Ok(())
}
