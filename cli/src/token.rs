//! `sottovoce token`: what programs need to use a relay's REST API.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use sottovoce::wire::limits;
use sottovoce_client::api::Api;

use crate::account::check_name;
use crate::clock;
use crate::connection::RelayOptions;
use crate::failure::Outcome;
use crate::folder::Folder;
use crate::say::say;
use crate::text::printable;

/// What commands call the token that they make for themselves, and revoke again.
const OWN: &str = "sottovoce token";
/// How long that is good, in seconds: longer than the relay's clock may be ahead.
const OWN_LIFE: u64 = 360;

/// What `list` and `revoke` need.
const SCOPES: [&str; 2] = ["tokens:read", "tokens:revoke"];

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a token for a program. It is shown this once.
    ///
    /// The administrator's key signs for it; the relay keeps nothing but its hash.
    Create(Create),
    /// Show which tokens there are.
    List(Where),
    /// End a token before its time.
    Revoke(Revoke),
}

#[derive(Args)]
pub(crate) struct Create {
    /// What people call it.
    #[arg(long)]
    name: String,
    /// What it may do, such as `contacts:read`; repeat it for several.
    #[arg(long = "scope", required = true, value_parser = scopes())]
    scopes: Vec<String>,
    /// Days that it is good for, at most 366.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=366))]
    days: u64,
    #[command(flatten)]
    place: Where,
}

#[derive(Args)]
pub(crate) struct Revoke {
    /// The token's id, as `token list` shows it.
    #[arg(allow_hyphen_values = true)]
    id: String,
    #[command(flatten)]
    place: Where,
}

#[derive(Args)]
pub(crate) struct Where {
    /// The account's folder.
    #[arg(long)]
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    relay: RelayOptions,
}

fn scopes() -> PossibleValuesParser {
    PossibleValuesParser::new(sottovoce_relay::scopes())
}

pub(crate) async fn run(command: Command) -> Outcome {
    match command {
        Command::Create(arguments) => create(&arguments).await,
        Command::List(place) => list(&place).await,
        Command::Revoke(arguments) => revoke(&arguments).await,
    }
}

async fn create(arguments: &Create) -> Outcome {
    check_name(&arguments.name)?;
    let folder = Folder::open(&arguments.place.dir)?;
    let api = arguments.place.api(&folder)?;
    let key = folder.administrator()?;
    // A little less than whole days: the relay's clock may be behind.
    let expires = clock::now().plus_seconds(arguments.days * limits::DAY - 600);
    let scopes = arguments.scopes.clone();
    let issued = api
        .create_token(&key, &arguments.name, scopes, expires)
        .await?;
    say!("token={}", issued.token);
    say!("id={}", issued.id);
    say!();
    say!("Keep it like a password: it is not shown again. It is good until");
    say!(
        "{}, or until `sottovoce token revoke`.",
        clock::date(expires)
    );
    Ok(())
}

async fn list(place: &Where) -> Outcome {
    let folder = Folder::open(&place.dir)?;
    let api = place.api(&folder)?;
    let (own, id) = own_token(&api, &folder, &SCOPES).await?;
    let listed = api.tokens(&own).await;
    api.revoke_token(&own, &id).await?;
    for token in listed?.iter().filter(|token| token.name != OWN) {
        let state = if token.is_revoked {
            "revoked".to_owned()
        } else {
            format!("until {}", clock::date(token.expires))
        };
        let name = printable(&token.name);
        let scopes = printable(&token.scopes.join(" "));
        say!("{}  {state}  {name}  {scopes}", printable(&token.id));
    }
    Ok(())
}

async fn revoke(arguments: &Revoke) -> Outcome {
    let folder = Folder::open(&arguments.place.dir)?;
    let api = arguments.place.api(&folder)?;
    let (own, id) = own_token(&api, &folder, &SCOPES).await?;
    let revoked = api.revoke_token(&own, &arguments.id).await;
    api.revoke_token(&own, &id).await?;
    revoked?;
    say!("revoked {}", arguments.id);
    Ok(())
}

/// A token for what a command does itself, and its id. Whoever makes it revokes it with itself, so
/// `tokens:revoke` is among the scopes.
pub(crate) async fn own_token(
    api: &Api,
    folder: &Folder,
    scopes: &[&str],
) -> Outcome<(String, String)> {
    let scopes = scopes.iter().map(ToString::to_string).collect();
    let expires = clock::now().plus_seconds(OWN_LIFE);
    let key = folder.administrator()?;
    let issued = api.create_token(&key, OWN, scopes, expires).await?;
    Ok((issued.token, issued.id))
}

impl Where {
    pub(crate) fn api(&self, folder: &Folder) -> Outcome<Api> {
        let tls = self.relay.tls()?;
        Ok(Api::new(&self.relay.relay, folder.account(), tls)?)
    }
}
