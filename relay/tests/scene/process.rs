//! A relay as a process of its own, for tests that kill it: `relay-under-test DATABASE ACCOUNT`,
//! with the rest of its settings from the environment. It prints the address that it listens on.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use sottovoce_relay::{Config, Settings, serve};
use sottovoce_server::config::Layers;
use sottovoce_server::{Telemetry, shutdown};

#[tokio::main]
async fn main() -> ExitCode {
    let telemetry = match Telemetry::start("relay-under-test") {
        Ok(telemetry) => telemetry,
        Err(error) => {
            tracing::error!(code = error.code(), "traces cannot be sent");
            return ExitCode::FAILURE;
        }
    };
    let Some(config) = config() else {
        return ExitCode::FAILURE;
    };
    let outcome = serve(config, tell, shutdown::signal()).await;
    telemetry.end().await;
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(code = error.code(), %error, "the relay cannot start");
            ExitCode::FAILURE
        }
    }
}

fn config() -> Option<Config> {
    let mut arguments = std::env::args().skip(1);
    let database = arguments.next()?;
    let account = arguments.next()?;
    let layers = Layers {
        file: None,
        environment: std::env::vars().collect(),
        flags: vec![
            ("listen.address", "127.0.0.1:0".into()),
            ("database.url", database.into()),
            ("accounts", vec![account].into()),
        ],
    };
    layers.settings::<Settings>().ok()?.into_config().ok()
}

fn tell(address: SocketAddr) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{address}").and_then(|()| out.flush());
}
