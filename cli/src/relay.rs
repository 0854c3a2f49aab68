//! `sottovoce relay`: a relay until SIGTERM or Ctrl-C.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use sottovoce::wire::AccountId;
use sottovoce_relay::{Config, Limits, Mount, TlsFiles};
use sottovoce_server::{logs, shutdown};

use crate::failure::{Failure, Outcome};
use crate::say::say;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Address and port; port 0 lets the system choose. Anything but a loopback address needs
    /// --certificate and --key.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// File of the SQLite database; made if it is not there.
    #[arg(long)]
    database: String,
    /// Id of an account to serve; repeat it for several.
    #[arg(long = "account", required = true, allow_hyphen_values = true, value_parser = account_id)]
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
}

/// Serves. The first line on standard output says where, for people and programs.
pub(crate) async fn run(arguments: Arguments) -> Outcome {
    logs::start();
    for mount in &arguments.mounts {
        if !mount.directory.is_dir() {
            let words = format!("{} is not a folder", mount.directory.display());
            return Err(Failure::new("static-unreadable", words));
        }
    }
    let tls = arguments
        .certificate
        .zip(arguments.key)
        .map(|(certificate, key)| TlsFiles { certificate, key });
    let scheme = if tls.is_some() { "https" } else { "http" };
    let config = Config {
        listen: arguments.listen,
        tls,
        database: arguments.database,
        accounts: arguments.accounts,
        mounts: arguments.mounts,
        limits: Limits::default(),
    };
    let ready = |address: SocketAddr| say!("listening on {scheme}://{address}");
    sottovoce_relay::serve(config, ready, shutdown::signal()).await?;
    Ok(())
}

/// An account's id on the command line.
pub(crate) fn account_id(text: &str) -> Result<AccountId, String> {
    text.parse().map_err(|_| {
        "an account's id is 43 letters, digits, - and _, as `account create` prints it".to_owned()
    })
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
