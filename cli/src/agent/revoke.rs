//! `agent revoke`: a policy version that no longer believes a device, and new team keys.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use sottovoce::wire::DeviceId;

use super::devices::Devices;
use crate::clock;
use crate::connection::{self, RelayOptions};
use crate::failure::{Failure, Outcome};
use crate::folder::Folder;
use crate::say::say;
use crate::{policy, team};

#[derive(Args)]
pub(crate) struct Arguments {
    /// A device's id, or the subject whose devices are all meant: see `agent list`.
    #[arg(allow_hyphen_values = true)]
    who: String,
    /// The account's folder.
    #[arg(long)]
    dir: PathBuf,
    #[command(flatten)]
    relay: RelayOptions,
}

pub(super) async fn run(arguments: &Arguments) -> Outcome {
    let folder = Folder::open(&arguments.dir)?;
    let (mut relay, key) = connection::connect_with_key(&arguments.relay, &folder).await?;
    let known = Devices::look_up(&mut relay, folder.account()).await?;
    let who = arguments.who.as_str();
    let mut devices = BTreeSet::new();
    let mut teams = BTreeSet::new();
    for (_, credential) in &known.credentials {
        if credential.subject == who || credential.device.to_string() == who {
            devices.insert(credential.device);
            teams.extend(credential.teams.iter().cloned());
        }
    }
    // A device that the relay does not speak of can be revoked all the same.
    devices.extend(who.parse::<DeviceId>());
    let mut next = policy::next_version(&folder)?;
    let mut is_news = false;
    for device in &devices {
        is_news |= next.revoke(*device);
    }
    if devices.is_empty() {
        let words =
            format!("no device or subject `{who}` is known; `sottovoce agent list` shows all");
        return Err(Failure::new("unknown-device", words));
    }
    if is_news {
        policy::sign(&folder, &next, &key)?;
    }
    policy::send(&folder, &mut relay).await?;
    for device in &devices {
        say!("revoked {device}");
    }
    if !is_news {
        say!("The policy said so already, and the relay has it.");
        return Ok(());
    }
    say!(
        "Version {} of the policy, valid until {}, says so from now on.",
        next.number,
        clock::date(next.expires)
    );
    for id in teams.iter().filter(|id| next.team(id).is_some()) {
        team::rotate(&folder, &mut relay, &key, id).await?;
    }
    Ok(())
}
