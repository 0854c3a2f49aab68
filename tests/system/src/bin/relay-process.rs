//! A relay to be killed and searched: `relay-process LISTEN DATABASE ACCOUNT`. It prints the
//! address that it listens on.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use sottovoce_relay::{Config, serve};

#[tokio::main]
async fn main() -> ExitCode {
    sottovoce_server::logs::start();
    let Some(config) = config() else {
        return ExitCode::FAILURE;
    };
    match serve(config, tell, sottovoce_server::shutdown::signal()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(code = error.code(), %error, "the relay cannot start");
            ExitCode::FAILURE
        }
    }
}

fn config() -> Option<Config> {
    let mut arguments = std::env::args().skip(1);
    let listen = arguments.next()?.parse().ok()?;
    let database = arguments.next()?;
    let account = arguments.next()?.parse().ok()?;
    Some(Config {
        listen,
        ..Config::loopback(database, account)
    })
}

fn tell(address: SocketAddr) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{address}").and_then(|()| out.flush());
}
