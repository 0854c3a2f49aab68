//! What an account knows of its devices, and `agent list`.

use std::path::PathBuf;

use clap::Args;
use sottovoce::account::{AccountError, Credential, EnrolmentRequest};
use sottovoce::wire::frame::{Object, ObjectKind, Query};
use sottovoce::wire::{AccountId, DeviceId, Signed};
use sottovoce_client::admin::Session;

use crate::clock;
use crate::connection::{self, RelayOptions};
use crate::failure::Outcome;
use crate::folder::Folder;
use crate::say::say;
use crate::text::printable;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The account's folder.
    #[arg(long)]
    dir: PathBuf,
    #[command(flatten)]
    relay: RelayOptions,
}

/// The relay's answer, as claims.
#[derive(Default)]
pub(super) struct Devices {
    pub(super) requests: Vec<EnrolmentRequest>,
    pub(super) credentials: Vec<(Signed<Credential>, Credential)>,
    available: Vec<DeviceId>,
}

impl Devices {
    pub(super) async fn look_up(relay: &mut Session, account: AccountId) -> Outcome<Self> {
        let found = relay.look_up(Query::Devices).await?;
        let mut devices = Self {
            available: found.available,
            ..Self::default()
        };
        for object in &found.objects {
            devices.take(object, account);
        }
        Ok(devices)
    }

    fn take(&mut self, object: &Object, account: AccountId) {
        match object.kind {
            ObjectKind::Enrolment => {
                let request = Signed::from_bytes(&object.bytes)
                    .ok()
                    .and_then(|signed| EnrolmentRequest::verify(&signed))
                    .filter(|request| request.account == account);
                self.requests.extend(request);
            }
            ObjectKind::Credential => {
                let credential = Signed::<Credential>::from_bytes(&object.bytes)
                    .ok()
                    .and_then(|signed| signed.parse().ok().map(|body| (signed, body)))
                    .filter(|(_, body)| body.account == account);
                self.credentials.extend(credential);
            }
            _ => {}
        }
    }
}

pub(super) async fn run(arguments: &Arguments) -> Outcome {
    let folder = Folder::open(&arguments.dir)?;
    let account = folder.believed()?;
    let policy = folder.policy()?.parse().map_err(AccountError::from)?;
    let mut relay = connection::connect(&arguments.relay, &folder).await?;
    let devices = Devices::look_up(&mut relay, folder.account()).await?;
    let now = clock::now();
    for (signed, body) in &devices.credentials {
        let state = match account.credential(signed, &policy, now) {
            Ok(_) if devices.available.contains(&body.device) => "connected".to_owned(),
            Ok(_) => "away".to_owned(),
            Err(error) => error.to_string(),
        };
        say!(
            "{}  {} ({}), {} of {}, until {}: {state}",
            body.device,
            printable(&body.name),
            printable(&body.subject),
            body.role.name(),
            printable(&body.teams.join(", ")),
            clock::date(body.expires),
        );
    }
    for request in &devices.requests {
        say!(
            "{}  asks to be let in since {}, by the name of {}",
            request.device,
            clock::date(request.time),
            printable(&request.name),
        );
    }
    if devices.credentials.is_empty() && devices.requests.is_empty() {
        say!("No device is known. Next: sottovoce agent invite");
    }
    Ok(())
}
