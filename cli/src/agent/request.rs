//! `agent request`: the signed request of a device, for `agent approve`.

use std::path::PathBuf;

use clap::Args;
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
    let kind = Kind::Staff {
        name: arguments.name,
        invitation: None,
    };
    let (handle, mut events) = arguments.device.start(Some(&arguments.state), kind).await?;
    let answer = loop {
        match events.recv().await {
            Some(Event::Unapproved { request }) => {
                say!("request={request}");
                break Ok(());
            }
            Some(Event::Account(account))
                if account.own.role.is_staff() && !account.own.name.is_empty() =>
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
