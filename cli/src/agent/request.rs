//! `agent request`: the signed request of a device, for `agent approve`.

use std::path::{Path, PathBuf};

use clap::Args;
use sottovoce::account::Role;
use sottovoce::client::{ConnectionState, Event, Kind};

use crate::device::DeviceOptions;
use crate::failure::{Failure, Outcome};
use crate::say::say;
use crate::text::printable;
use crate::words;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    device: DeviceOptions,
    /// The folder of the device's state; made if it is not there.
    #[arg(long)]
    state: PathBuf,
    /// The name to propose.
    #[arg(long)]
    name: String,
}

pub(super) async fn run(arguments: Arguments) -> Outcome {
    request(&arguments.device, &arguments.state, arguments.name).await
}

/// Starts a device in a folder for as long as it takes to have its request.
pub(crate) async fn request(device: &DeviceOptions, state: &Path, name: String) -> Outcome {
    let kind = Kind::Staff {
        name,
        invitation: None,
    };
    let (handle, mut events) = device.start(Some(state), kind).await?;
    let answer = loop {
        match events.recv().await {
            Some(Event::Unapproved { request }) => {
                say!("request={request}");
                break Ok(());
            }
            Some(Event::Account(account))
                if account.own.role != Role::Visitor && !account.own.name.is_empty() =>
            {
                say!(
                    "This device is approved already, as {}.",
                    printable(&account.own.name)
                );
                break Ok(());
            }
            Some(Event::Connection(ConnectionState::Refused(code))) => {
                let code = words::shown(&code);
                break Err(Failure::new(code, words::of(code)));
            }
            Some(_) => {}
            None => break Err(Failure::new("stopped", words::of("stopped"))),
        }
    };
    handle.stop().await;
    answer
}
