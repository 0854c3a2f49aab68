//! `sottovoce ban`: visitors whom agents keep away (`/ban`), and letting them in again.

use clap::{Args, Subcommand};

use crate::clock;
use crate::failure::Outcome;
use crate::folder::Folder;
use crate::say::say;
use crate::text::printable;
use crate::token::{Where, own_token};

/// What both commands need; the last ends the token that they make for themselves.
const SCOPES: [&str; 3] = ["bans:lift", "bans:read", "tokens:revoke"];

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show who is kept away now, until when, and by whose device.
    List(Where),
    /// Let a device in again, and whoever is at an address that shares its ban.
    Lift(Lift),
}

#[derive(Args)]
pub(crate) struct Lift {
    /// The device's public key, as `ban list` shows it.
    #[arg(allow_hyphen_values = true)]
    device: String,
    #[command(flatten)]
    place: Where,
}

pub(crate) async fn run(command: Command) -> Outcome {
    match command {
        Command::List(place) => list(&place).await,
        Command::Lift(arguments) => lift(&arguments).await,
    }
}

async fn list(place: &Where) -> Outcome {
    let folder = Folder::open(&place.dir)?;
    let api = place.api(&folder)?;
    let (own, id) = own_token(&api, &folder, &SCOPES).await?;
    let listed = api.bans(&own).await;
    api.revoke_token(&own, &id).await?;
    for ban in listed? {
        let (device, by) = (printable(&ban.device), printable(&ban.by));
        say!("{device}  until {}  by {by}", clock::date(ban.until));
    }
    Ok(())
}

async fn lift(arguments: &Lift) -> Outcome {
    let folder = Folder::open(&arguments.place.dir)?;
    let api = arguments.place.api(&folder)?;
    let (own, id) = own_token(&api, &folder, &SCOPES).await?;
    let lifted = api.lift_ban(&own, &arguments.device).await;
    api.revoke_token(&own, &id).await?;
    lifted?;
    say!("lifted {}", arguments.device);
    Ok(())
}
