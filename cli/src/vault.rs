//! `sottovoce vault`: makes and runs a vault, and makes tokens for its API.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use sottovoce_server::config::{self, Layers};
use sottovoce_server::{Telemetry, bearer, shutdown};
use sottovoce_vault::token::Scope;
use sottovoce_vault::{Server, Settings, StartError};

use crate::agent;
use crate::clock;
use crate::device::DeviceOptions;
use crate::failure::{Failure, Outcome};
use crate::keymanager::{toml_text, write_secret};
use crate::say::say;

/// What its traces are called unless `OTEL_SERVICE_NAME` says otherwise.
const SERVICE: &str = "sottovoce-vault";
/// The device's folder within the vault's.
const DEVICE: &str = "device";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a vault's device in a new folder, with a configuration to begin from, and print the
    /// device's signed request.
    ///
    /// An administrator approves it with `agent approve REQUEST --role vault`.
    Create(Create),
    /// Run a vault.
    Run(Place),
    /// Say what a vault would be told with this configuration, secrets hidden.
    CheckConfig(Place),
    /// Make a token for the vault's API: prints it, and what the configuration has to say of it.
    Token(Token),
}

#[derive(Args)]
pub(crate) struct Create {
    /// The folder; it must not exist yet.
    #[arg(long)]
    dir: PathBuf,
    #[command(flatten)]
    device: DeviceOptions,
}

#[derive(Args)]
pub(crate) struct Place {
    /// A TOML file with the settings. The environment wins over it
    /// (`SOTTOVOCE__SECTION__KEY`, `…_FILE` for secrets).
    #[arg(long)]
    config: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Token {
    /// What people call it.
    #[arg(long)]
    name: String,
    /// What it may do; repeat it for several.
    #[arg(long = "scope", required = true, value_enum)]
    scopes: Vec<ScopeName>,
    /// Days that it is good for, at most 366.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=366))]
    days: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum ScopeName {
    /// List contacts, see the vault's state.
    #[value(name = "contacts:read")]
    ContactsRead,
    /// Read and search transcripts.
    #[value(name = "transcripts:read")]
    TranscriptsRead,
    /// Erase contacts.
    #[value(name = "contacts:erase")]
    ContactsErase,
    /// See webhook endpoints and what they were told.
    #[value(name = "webhooks:read")]
    WebhooksRead,
    /// Make and remove webhook endpoints.
    #[value(name = "webhooks:write")]
    WebhooksWrite,
}

impl ScopeName {
    const fn scope(self) -> Scope {
        match self {
            Self::ContactsRead => Scope::ContactsRead,
            Self::TranscriptsRead => Scope::TranscriptsRead,
            Self::ContactsErase => Scope::ContactsErase,
            Self::WebhooksRead => Scope::WebhooksRead,
            Self::WebhooksWrite => Scope::WebhooksWrite,
        }
    }
}

pub(crate) async fn run(command: Command) -> Outcome {
    match command {
        Command::Create(arguments) => create(&arguments).await,
        Command::Run(place) => serve(place.settings()?).await,
        Command::CheckConfig(place) => {
            let settings = place.settings()?;
            let shown = config::shown(&settings)?;
            sottovoce_vault::check(&settings.into_config()?)?;
            say!("{}", shown.trim_end());
            Ok(())
        }
        Command::Token(arguments) => token(&arguments),
    }
}

impl Place {
    fn settings(self) -> Outcome<Settings> {
        Ok(Layers::of_this_process(self.config, Vec::new()).settings()?)
    }
}

async fn create(arguments: &Create) -> Outcome {
    let dir = &arguments.dir;
    if dir.exists() {
        let words = format!("{} is there already", dir.display());
        return Err(Failure::new("folder-exists", words));
    }
    crate::folder::private_folder(dir)?;
    let (relay, trust) = arguments.device.relay();
    let path = |name: &str| toml_text(&dir.join(name).display().to_string());
    let trust = trust.map(|file| format!("trust = {}\n", toml_text(&file.display().to_string())));
    let configuration = format!(
        "# A vault. If its device is sealed with a passphrase, that comes from a file:\n\
         #   SOTTOVOCE__DEVICE__PASSPHRASE_FILE=passphrase\n\
         account = \"{}\"\nrelay = {}\n{}tombstones = {}\n\n\
         [device]\ndir = {}\n\n\
         [database]\nurl = {}\n# Databases of key managers. Data is never stored there.\nkeys = []\n\n\
         [listen]\naddress = \"127.0.0.1:8091\"\n# certificate = \"tls.crt\"\n# key = \"tls.key\"\n\n\
         # What `vault token` prints goes here.\n",
        arguments.device.account(),
        toml_text(relay),
        trust.unwrap_or_default(),
        path("tombstones"),
        path(DEVICE),
        path("vault.db"),
    );
    write_secret(&dir.join("vault.toml"), &configuration)?;
    let name = "Vault".to_owned();
    agent::request(&arguments.device, &dir.join(DEVICE), name).await?;
    say!();
    say!("Approve it as an administrator, then run it:");
    say!();
    say!("  sottovoce agent approve REQUEST --role vault --subject vault --dir … --relay {relay}");
    say!(
        "  sottovoce vault run --config {}/vault.toml",
        dir.display()
    );
    Ok(())
}

async fn serve(settings: Settings) -> Outcome {
    let config = settings.into_config()?;
    let telemetry = Telemetry::start(SERVICE)?;
    let scheme = if config.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let server = Server::bind(config).await?;
    say!("listening on {scheme}://{}", server.address());
    if let Some(address) = server.metrics_address() {
        say!("metrics on {address}");
    }
    say!("device={}", server.device());
    shutdown::serve_until_signal(|stop| server.serve(stop)).await;
    telemetry.end().await;
    Ok(())
}

fn token(arguments: &Token) -> Outcome {
    crate::account::check_name(&arguments.name)?;
    let token = bearer::fresh()?;
    let until = clock::now().plus_seconds(arguments.days * sottovoce::wire::limits::DAY);
    let until = i64::try_from(until.millis())
        .ok()
        .and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok())
        .ok_or_else(|| Failure::new("bad-time", "the clock is far off"))?;
    let scopes: Vec<_> = arguments
        .scopes
        .iter()
        .filter_map(|scope| serde_json::to_string(&scope.scope()).ok())
        .collect();
    say!("token={token}");
    say!();
    say!("It is told this once. The vault's configuration has to say:");
    say!();
    say!("[[tokens]]");
    say!("name = {}", toml_text(&arguments.name));
    say!("hash = \"{}\"", bearer::hash(&token));
    say!("scopes = [{}]", scopes.join(", "));
    say!("until = \"{until:.0}\"");
    Ok(())
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
