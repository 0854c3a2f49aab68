//! A relay as a process of its own, for tests that kill it: `relay-under-test DATABASE ACCOUNT`.
//! It prints the address that it listens on.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use sottovoce_relay::{Config, serve};

#[tokio::main]
async fn main() -> ExitCode {
    sottovoce_server::logs::start();
    let mut arguments = std::env::args().skip(1);
    let (Some(database), Some(account)) = (arguments.next(), arguments.next()) else {
        return ExitCode::FAILURE;
    };
    let Ok(account) = account.parse() else {
        return ExitCode::FAILURE;
    };
    let config = Config::loopback(database, account);
    match serve(config, tell, sottovoce_server::shutdown::signal()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(code = error.code(), %error, "the relay cannot start");
            ExitCode::FAILURE
        }
    }
}

fn tell(address: SocketAddr) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{address}").and_then(|()| out.flush());
}
