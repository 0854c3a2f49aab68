//! What a relay is told: [`Settings`] as people write them in a file, the environment and flags,
//! and the [`Config`] that they come to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use sottovoce::wire::AccountId;
use sottovoce_server::config::{self, ConfigError};
use sottovoce_server::{Listen, TlsFiles};

use crate::hints::HintChannel;
use crate::plans::{PlanSettings, Plans};
use crate::proxy::Proxies;
use crate::push::payload::Services;
use sottovoce_webhooks::dispatch::read_roots;
use sottovoce_webhooks::target::Targets;

use crate::throttle::Limits;
use crate::webhooks::WebhookConfig;

/// What a relay is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Certificate and key; may only be absent on a loopback address.
    pub tls: Option<TlsFiles>,
    /// Path or `sqlite:` URL of an SQLite database, or `postgres:` URL of a PostgreSQL one.
    pub database: String,
    /// File of what was erased and revoked, which a restored database learns from; beside the
    /// database by its name and `-endings` where that is a file and nothing is said.
    pub endings: Option<PathBuf>,
    /// How nodes on one database hear of each other.
    pub hints: HintChannel,
    /// The accounts that are served.
    pub accounts: Vec<AccountId>,
    /// Folders of static files.
    pub mounts: Vec<Mount>,
    /// How much is allowed.
    pub limits: Limits,
    /// The proxies that say where connections come from.
    pub proxies: Proxies,
    /// How devices are told of news when they are not connected, if they are.
    pub push: Option<Push>,
    /// Where `/metrics` is served, if anywhere.
    pub metrics: Option<SocketAddr>,
    /// Over how long the goodbyes are spread when the relay ends.
    pub drain: Duration,
    /// How webhooks are delivered.
    pub webhooks: WebhookConfig,
    /// Whether key managers may have addresses that are not public.
    pub private_key_managers: bool,
    /// What each plan allows.
    pub plans: Plans,
}

impl Config {
    /// A relay for one account on a loopback port of the system's choice, which ends at once.
    pub fn loopback(database: impl Into<String>, account: AccountId) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: None,
            database: database.into(),
            endings: None,
            hints: HintChannel::default(),
            accounts: vec![account],
            mounts: Vec::new(),
            limits: Limits::default(),
            proxies: Proxies::default(),
            push: None,
            metrics: None,
            drain: Duration::ZERO,
            webhooks: WebhookConfig::default(),
            private_key_managers: false,
            plans: Plans::default(),
        }
    }
}

impl Config {
    /// Where devices and people come.
    pub(crate) fn listener(&self) -> Listen {
        Listen {
            address: self.listen,
            tls: self.tls.clone(),
        }
    }

    /// Where `/metrics` is served, if anywhere: over TLS elsewhere than on loopback.
    pub(crate) fn metrics_listener(&self) -> Option<Listen> {
        let address = self.metrics?;
        let is_loopback = address.ip().to_canonical().is_loopback();
        let tls = self.tls.clone().filter(|_| !is_loopback);
        Some(Listen { address, tls })
    }
}

/// A folder whose files are served.
#[derive(Clone, Debug)]
pub struct Mount {
    /// Path under which they are found, such as `/console`; `/` for the root. Pages are found
    /// under the path with a slash at its end.
    pub prefix: String,
    /// The folder.
    pub directory: PathBuf,
}

/// How devices are told of news when they are not connected.
#[derive(Clone, Debug)]
pub struct Push {
    /// Where the operator's push gateway is: an `https` URL, or an `http` one on a loopback address.
    pub gateway: String,
    /// What is configured of the push services.
    pub services: Services,
    /// How long a device is not told again.
    pub pause: Duration,
}

/// A relay's settings, in the sections that they have in `relay.toml`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Ids of the accounts that are served.
    pub accounts: Vec<String>,
    /// Where to listen.
    pub listen: ListenSettings,
    /// What to store in.
    pub database: DatabaseSettings,
    /// How nodes on one database hear of each other.
    pub hints: HintSettings,
    /// How the relay ends.
    pub drain: DrainSettings,
    /// How much is allowed.
    pub limits: Limits,
    /// What operators are told.
    pub metrics: MetricsSettings,
    /// How devices are told of news when they are not connected.
    pub push: PushSettings,
    /// Whom webhooks may call.
    pub webhooks: WebhookSettings,
    /// Which key managers may be asked.
    pub key_managers: KeyManagerSettings,
    /// What each plan allows.
    pub plans: PlanSettings,
    /// Folders of files to serve, by the path to serve them under.
    #[serde(rename = "static")]
    pub folders: BTreeMap<String, PathBuf>,
}

/// `[listen]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct ListenSettings {
    /// Address and port; port 0 lets the system choose.
    pub address: SocketAddr,
    /// The certificate and its issuers, PEM.
    pub certificate: Option<PathBuf>,
    /// The certificate's private key, PEM.
    pub key: Option<PathBuf>,
    /// Addresses and networks of the proxies that are believed about where connections come from.
    pub trusted_proxies: Vec<IpNet>,
    /// The header that they write.
    pub proxy_header: String,
}

/// `[database]`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DatabaseSettings {
    /// Path or `sqlite:` URL of an SQLite database, or `postgres:` URL of a PostgreSQL one.
    pub url: String,
    /// File of what was erased and revoked; beside the database where that is a file.
    pub endings: Option<PathBuf>,
}

/// `[hints]`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HintSettings {
    /// `nats:` or `tls:` URL of a NATS server through which nodes on one PostgreSQL hear of each
    /// other; through the database without.
    pub nats: Option<String>,
}

/// `[drain]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct DrainSettings {
    /// Over how many seconds the goodbyes are spread at the end.
    pub seconds: u16,
}

/// `[metrics]`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricsSettings {
    /// Address and port of `/metrics`; not served without.
    pub address: Option<SocketAddr>,
    /// Whether that address may be another than a loopback one. It is then served over TLS, with
    /// the relay's own certificate.
    pub exposed: bool,
}

/// `[push]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct PushSettings {
    /// URL of the operator's push gateway; devices are not told without.
    pub gateway: String,
    /// The app's bundle id, for APNs.
    pub apns_topic: String,
    /// The project's id, for FCM.
    pub fcm_project: String,
    /// How many seconds a device is not told again.
    pub pause_seconds: u16,
}

/// `[key_managers]`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyManagerSettings {
    /// Whether they may have addresses that are not public.
    pub private: bool,
}

/// `[webhooks]`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WebhookSettings {
    /// The service's host name, for receivers of the older shape.
    pub host: String,
    /// Whether addresses that are not public may be called.
    pub private: bool,
    /// Certificates that are trusted as roots beside those of the web, PEM.
    pub roots: Option<PathBuf>,
}

impl Default for ListenSettings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 8080)),
            certificate: None,
            key: None,
            trusted_proxies: Vec::new(),
            proxy_header: "x-forwarded-for".to_owned(),
        }
    }
}

impl Default for PushSettings {
    fn default() -> Self {
        Self {
            gateway: String::new(),
            apns_topic: String::new(),
            fcm_project: String::new(),
            pause_seconds: 60,
        }
    }
}

impl Default for DrainSettings {
    fn default() -> Self {
        Self { seconds: 10 }
    }
}

impl config::Settings for Settings {
    const SECRETS: &'static [&'static str] = &[];
    const URLS: &'static [&'static str] = &["database.url", "hints.nats", "push.gateway"];
}

impl Settings {
    /// What they come to.
    ///
    /// # Errors
    /// [`ConfigError::Value`] for what no relay can do.
    pub fn into_config(self) -> Result<Config, ConfigError> {
        let accounts = config::accounts(&self.accounts)?;
        if self.database.url.is_empty() {
            return Err(ConfigError::value(
                "database.url",
                "there is nothing to store in",
            ));
        }
        let tls = config::tls_files(self.listen.certificate, self.listen.key)?;
        if let Some(address) = self.metrics.address
            && !self.metrics.exposed
            && !address.ip().to_canonical().is_loopback()
        {
            let words = "it is not a loopback address, and metrics.exposed is not set";
            return Err(ConfigError::value("metrics.address", words));
        }
        if self.hints.nats.is_some() && !self.database.url.starts_with("postgres") {
            let words = "relays that hear of each other share a PostgreSQL database";
            return Err(ConfigError::value("hints.nats", words));
        }
        self.limits.check()?;
        let header = self.listen.proxy_header.parse();
        let header = header
            .map_err(|_| ConfigError::value("listen.proxy_header", "it is no header's name"))?;
        let push = self.push;
        let push = (!push.gateway.is_empty()).then(|| Push {
            gateway: push.gateway,
            services: Services {
                apns_topic: push.apns_topic,
                fcm_project: push.fcm_project,
            },
            pause: Duration::from_secs(push.pause_seconds.into()),
        });
        let extra_roots = match &self.webhooks.roots {
            Some(path) => read_roots(path)
                .map_err(|error| ConfigError::value("webhooks.roots", error.to_string()))?,
            None => Vec::new(),
        };
        let webhooks = WebhookConfig {
            host: self.webhooks.host,
            targets: Targets {
                allow_private: self.webhooks.private,
            },
            extra_roots,
            ..WebhookConfig::default()
        };
        let mounts = self
            .folders
            .into_iter()
            .map(|(prefix, directory)| Mount { prefix, directory });
        Ok(Config {
            listen: self.listen.address,
            tls,
            database: self.database.url,
            endings: self.database.endings,
            hints: self
                .hints
                .nats
                .map_or_else(HintChannel::default, HintChannel::Nats),
            accounts,
            mounts: mounts.collect(),
            limits: self.limits,
            proxies: Proxies {
                trusted: self.listen.trusted_proxies,
                header,
            },
            push,
            metrics: self.metrics.address,
            drain: Duration::from_secs(self.drain.seconds.into()),
            webhooks,
            private_key_managers: self.key_managers.private,
            plans: self.plans.into_plans()?,
        })
    }
}
