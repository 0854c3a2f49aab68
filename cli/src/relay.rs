//! `sottovoce relay`: a relay until SIGTERM or Ctrl-C, and what its operator needs besides.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::Value;
use sottovoce::wire::AccountId;
use sottovoce_relay::{Config, Mount, Settings};
use sottovoce_server::config::{self, Layers};
use sottovoce_server::{Telemetry, shutdown};

use crate::failure::{Failure, Outcome};
use crate::say::say;

/// What the relay's traces are called unless `OTEL_SERVICE_NAME` says otherwise.
const SERVICE: &str = "sottovoce-relay";

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Subcommand)]
enum Command {
    /// Say what a relay would be told with this configuration, secrets hidden.
    CheckConfig(Flags),
    /// Copy an SQLite database to a new file, while its relay runs.
    Backup {
        #[command(flatten)]
        flags: Flags,
        /// The new file.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
}

// Flags win over the environment (SOTTOVOCE__SECTION__KEY), which wins over the file.
#[derive(Args)]
struct Flags {
    /// A TOML file with the settings.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Address and port, 127.0.0.1:8080 if nothing is said; port 0 lets the system choose.
    /// Anything but a loopback address needs --certificate and --key.
    #[arg(long, value_parser = address)]
    listen: Option<SocketAddr>,
    /// File of the SQLite database, made if it is not there; or the postgres: URL of another.
    #[arg(long)]
    database: Option<String>,
    /// Id of an account to serve; repeat it for several.
    #[arg(long = "account", allow_hyphen_values = true, value_parser = account_id)]
    accounts: Vec<AccountId>,
    /// The certificate and its issuers, PEM.
    #[arg(long, requires = "key")]
    certificate: Option<PathBuf>,
    /// The certificate's private key, PEM.
    #[arg(long, requires = "certificate")]
    key: Option<PathBuf>,
    /// A folder of files to serve and the path to serve it under, such as `/=dist`; repeat it
    /// for several.
    #[arg(long = "static", value_name = "PREFIX=DIR", value_parser = mount)]
    mounts: Vec<Mount>,
    /// Address and port of /metrics, a loopback one.
    #[arg(long, value_parser = address)]
    metrics: Option<SocketAddr>,
}

impl Flags {
    fn settings(self) -> Outcome<Settings> {
        let mut flags: Vec<(&'static str, Value)> = Vec::new();
        let text = |path: PathBuf| Value::from(path.to_string_lossy().into_owned());
        flags.extend(
            self.listen
                .map(|address| ("listen.address", address.to_string().into())),
        );
        flags.extend(self.database.map(|url| ("database.url", url.into())));
        if !self.accounts.is_empty() {
            let accounts = self.accounts.iter().map(|id| Value::from(id.to_string()));
            flags.push(("accounts", accounts.collect()));
        }
        flags.extend(
            self.certificate
                .map(|path| ("listen.certificate", text(path))),
        );
        flags.extend(self.key.map(|path| ("listen.key", text(path))));
        flags.extend(
            self.metrics
                .map(|address| ("metrics.address", address.to_string().into())),
        );
        for mount in self.mounts {
            let folder = serde_json::Map::from_iter([(mount.prefix, text(mount.directory))]);
            flags.push(("static", folder.into()));
        }
        Ok(Layers::of_this_process(self.config, flags).settings()?)
    }
}

/// Does what is asked, or serves. Serving, the first line on standard output says where, for
/// people and programs.
pub(crate) async fn run(arguments: Arguments) -> Outcome {
    match arguments.command {
        None => serve(arguments.flags.settings()?.into_config()?).await,
        Some(Command::CheckConfig(flags)) => {
            let settings = flags.settings()?;
            let shown = config::shown(&settings)?;
            sottovoce_relay::check(&settings.into_config()?)?;
            say!("{}", shown.trim_end());
            Ok(())
        }
        Some(Command::Backup { flags, to }) => {
            let database = flags.settings()?.database.url;
            if database.is_empty() {
                let words = "say which database: --database or database.url";
                return Err(Failure::new("config-value", words));
            }
            sottovoce_relay::back_up(&database, &to).await?;
            say!("{}", to.display());
            Ok(())
        }
    }
}

async fn serve(config: Config) -> Outcome {
    sottovoce_relay::check(&config)?;
    let telemetry = Telemetry::start(SERVICE)?;
    let scheme = if config.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let ready = |address: SocketAddr| say!("listening on {scheme}://{address}");
    let outcome = sottovoce_relay::serve(config, ready, shutdown::signal()).await;
    telemetry.end().await;
    Ok(outcome?)
}

/// An account's id on the command line.
pub(crate) fn account_id(text: &str) -> Result<AccountId, String> {
    text.parse().map_err(|_| config::ACCOUNT_ID.to_owned())
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| config::ADDRESS.to_owned())
}

fn mount(text: &str) -> Result<Mount, String> {
    match text.split_once('=') {
        Some((prefix, directory)) if prefix.starts_with('/') && !directory.is_empty() => {
            Ok(Mount {
                prefix: prefix.to_owned(),
                directory: PathBuf::from(directory),
            })
        }
        _ => Err("write it as PREFIX=DIR with a prefix that begins with /".to_owned()),
    }
}
