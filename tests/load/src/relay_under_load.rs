//! A relay without limits on how much one address may do, because all load comes from one:
//! `relay-under-load LISTEN DATABASE ACCOUNT [--tls CERTIFICATE KEY] [--nats URL]`. It prints where
//! it listens.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use sottovoce_relay::hints::HintChannel;
use sottovoce_relay::throttle::{Quota, Rates};
use sottovoce_relay::{Config, Limits, TlsFiles, serve};

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
    let (mut tls, mut hints) = (None, HintChannel::default());
    while let Some(option) = arguments.next() {
        match option.as_str() {
            "--tls" => {
                tls = Some(TlsFiles {
                    certificate: arguments.next()?.into(),
                    key: arguments.next()?.into(),
                });
            }
            "--nats" => hints = HintChannel::Nats(arguments.next()?),
            _ => return None,
        }
    }
    Some(Config {
        listen,
        tls,
        hints,
        limits: Limits {
            connections: u32::MAX,
            frames: u32::MAX,
            publications: u32::MAX,
            ephemerals: u32::MAX,
            contacts: u32::MAX,
            failures: u32::MAX,
            // A load comes from one address, to one account.
            bytes: u32::MAX,
            work: 0,
            address: NO_LIMIT_OF_RATES,
            device: NO_QUOTA,
            account: NO_QUOTA,
            contact: NO_LIMIT_OF_RATES,
            ..Limits::default()
        },
        ..Config::loopback(database, account)
    })
}

fn tell(address: SocketAddr) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{address}").and_then(|()| out.flush());
}

const NO_LIMIT_OF_RATES: Rates = Rates {
    frames: u32::MAX,
    bytes: u32::MAX,
};
const NO_QUOTA: Quota = Quota {
    connections: u32::MAX,
    frames: u32::MAX,
    bytes: u32::MAX,
    contacts: u32::MAX,
};
