//! What a vault is told: [`Settings`] as people write them, and the [`Config`] that they come to.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::Uri;
use serde::{Deserialize, Serialize};
use sottovoce::crypto::Hash;
use sottovoce::wire::{AccountId, Time};
use sottovoce_older_keys::service::Address;
use sottovoce_older_keys::{SecretToken, SignGet, Signing, TokenAs};
use sottovoce_server::config::{self, ConfigError, Hidden};
use sottovoce_server::{TlsFiles, database, outgoing};
use sottovoce_webhooks::dispatch::{Config as WebhookConfig, read_roots};
use sottovoce_webhooks::target::Targets;
use zeroize::Zeroizing;

use crate::token::{Scope, Token};

/// What a vault is told.
#[derive(Debug)]
pub struct Config {
    /// The account.
    pub account: AccountId,
    /// Where its relay is.
    pub relay: String,
    /// Root certificates to trust beside the system's, PEM.
    pub trust: Option<PathBuf>,
    /// The device's folder.
    pub device: PathBuf,
    /// What the device's storage key is sealed with, if it is.
    pub passphrase: Option<Zeroizing<String>>,
    /// Its database.
    pub database: String,
    /// Where erasures are written down.
    pub tombstones: PathBuf,
    /// Where the key manager is; what the policy says without.
    pub key_manager: Option<String>,
    /// The service of the older shape that gives keys in its place, if one does.
    pub older_keys: Option<OlderKeys>,
    /// How long data keys are kept in memory.
    pub key_life: Duration,
    /// How long the key manager may take.
    pub key_patience: Duration,
    /// How many days contacts are kept after their close; the policy's without.
    pub days: Option<u64>,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Certificate and key; may only be absent on a loopback address.
    pub tls: Option<TlsFiles>,
    /// Where metrics are, if anywhere.
    pub metrics: Option<SocketAddr>,
    /// Who may ask for what.
    pub tokens: Vec<Token>,
    /// How webhooks are delivered.
    pub webhooks: WebhookConfig,
}

/// A service of the older shape, and how it is called.
#[derive(Debug)]
pub struct OlderKeys {
    /// Where it is.
    pub address: Address,
    /// The account's secret token.
    pub token: SecretToken,
    /// How calls are signed.
    pub signing: Signing,
}

/// A vault's settings, in the sections that they have in `vault.toml`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Id of the account.
    pub account: String,
    /// Address of its relay.
    pub relay: String,
    /// Root certificates to trust beside the system's, PEM: for relay and key manager.
    pub trust: Option<PathBuf>,
    /// A file that erasures are written down in, beside the database.
    pub tombstones: PathBuf,
    /// The device.
    pub device: DeviceSettings,
    /// What to store in.
    pub database: DatabaseSettings,
    /// Data keys.
    pub keys: KeySettings,
    /// How long contacts are kept.
    pub retention: RetentionSettings,
    /// Where to listen.
    pub listen: ListenSettings,
    /// Metrics.
    pub metrics: MetricsSettings,
    /// Whom webhooks may call.
    pub webhooks: WebhookSettings,
    /// API tokens, as `vault token` prints them.
    pub tokens: Vec<TokenSettings>,
}

/// `[device]`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceSettings {
    /// Its folder, as `vault create` makes it.
    pub dir: PathBuf,
    /// What its storage key is sealed with; empty if it is not.
    pub passphrase: Hidden,
}

/// `[database]`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DatabaseSettings {
    /// Path or `sqlite:` URL of an SQLite database, or `postgres:` URL of a PostgreSQL one.
    pub url: String,
    /// Databases of key managers: the vault refuses to start in one of them.
    pub keys: Vec<String>,
}

/// `[keys]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct KeySettings {
    /// Where the key manager is; what the policy says if this is empty.
    pub url: String,
    /// Seconds that a data key is kept in memory.
    pub life: u64,
    /// Seconds that the key manager may take.
    pub patience: u64,
    /// A service of the older shape that gives keys in place of the key manager.
    pub older: OlderSettings,
}

/// `[keys.older]`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OlderSettings {
    /// Where it is; there is none if this is empty.
    pub url: String,
    /// The account's secret token there: 96 hexadecimal characters.
    pub token: Hidden,
    /// What it calls the account; the account's id if this is empty.
    pub account: String,
    /// The host name that it is told; the relay's if this is empty.
    pub host: String,
    /// What the signature of a GET is over.
    pub sign_get: SignGet,
    /// How the token becomes the key of the signature.
    pub token_as: TokenAs,
}

/// `[retention]`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RetentionSettings {
    /// Days that contacts are kept after their close; the policy's days without.
    pub days: Option<u64>,
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
}

/// `[metrics]`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricsSettings {
    /// Address and port of a private listener.
    pub address: Option<SocketAddr>,
}

/// `[webhooks]`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WebhookSettings {
    /// Whether addresses that are not public may be called.
    pub private: bool,
    /// Root certificates to trust beside those of the web, PEM.
    pub roots: Option<PathBuf>,
}

/// `[[tokens]]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSettings {
    /// What people call it.
    pub name: String,
    /// SHA-256 of the token as base64url.
    pub hash: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Until when it is good, such as `2027-01-31T00:00:00Z`.
    pub until: String,
}

impl Default for KeySettings {
    fn default() -> Self {
        Self {
            url: String::new(),
            life: 300,
            patience: 10,
            older: OlderSettings::default(),
        }
    }
}

impl Default for ListenSettings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 8091)),
            certificate: None,
            key: None,
        }
    }
}

impl config::Settings for Settings {
    const SECRETS: &'static [&'static str] = &["device.passphrase", "keys.older.token"];
    const URLS: &'static [&'static str] = &["database.url"];
}

impl Settings {
    /// What they come to.
    ///
    /// # Errors
    /// [`ConfigError::Value`] for what no vault can do.
    pub fn into_config(self) -> Result<Config, ConfigError> {
        let account = self.account.parse();
        let account = account.map_err(|_| ConfigError::value("account", config::ACCOUNT_ID))?;
        let given = |key: &str, is_there: bool, words: &str| {
            if is_there {
                Ok(())
            } else {
                Err(ConfigError::value(key, words))
            }
        };
        let is_path = |path: &PathBuf| !path.as_os_str().is_empty();
        given("relay", !self.relay.is_empty(), "there is no relay")?;
        given(
            "device.dir",
            is_path(&self.device.dir),
            "there is no device",
        )?;
        let words = "there is nothing to store in";
        given("database.url", !self.database.url.is_empty(), words)?;
        let words = "there is no file for erasures";
        given("tombstones", is_path(&self.tombstones), words)?;
        let is_apart = !database::is_among(&self.database.url, &self.database.keys);
        let words = "data and keys need different databases, and this one holds keys";
        given("database.url", is_apart, words)?;
        let lives = (1..=3_600).contains(&self.keys.life);
        given("keys.life", lives, "it is from a second to an hour")?;
        let waits = (1..=60).contains(&self.keys.patience);
        given("keys.patience", waits, "it is from 1 to 60 seconds")?;
        let days = self.retention.days.is_none_or(|days| days > 0);
        given("retention.days", days, "it is at least one day")?;
        let extra_roots = match &self.webhooks.roots {
            Some(path) => read_roots(path)
                .map_err(|error| ConfigError::value("webhooks.roots", error.to_string()))?,
            None => Vec::new(),
        };
        let webhooks = WebhookConfig {
            targets: Targets {
                allow_private: self.webhooks.private,
            },
            extra_roots,
            ..WebhookConfig::default()
        };
        let older_keys = older_keys(&self)?;
        let tokens = self.tokens.iter().map(token).collect::<Result<_, _>>()?;
        let text = |text: String| (!text.is_empty()).then_some(text);
        Ok(Config {
            account,
            relay: self.relay,
            trust: self.trust,
            device: self.device.dir,
            passphrase: (!self.device.passphrase.is_empty())
                .then(|| Zeroizing::new(self.device.passphrase.to_string())),
            database: self.database.url,
            tombstones: self.tombstones,
            key_manager: text(self.keys.url),
            older_keys,
            key_life: Duration::from_secs(self.keys.life),
            key_patience: Duration::from_secs(self.keys.patience),
            days: self.retention.days,
            listen: self.listen.address,
            tls: config::tls_files(self.listen.certificate, self.listen.key)?,
            metrics: self.metrics.address,
            tokens,
            webhooks,
        })
    }
}

fn older_keys(settings: &Settings) -> Result<Option<OlderKeys>, ConfigError> {
    let older = &settings.keys.older;
    if older.url.is_empty() {
        return Ok(None);
    }
    if !settings.keys.url.is_empty() {
        let words =
            "keys come from the key manager or from a service of the older shape, not from both";
        return Err(ConfigError::value("keys.older.url", words));
    }
    outgoing::check(&older.url)
        .map_err(|error| ConfigError::value("keys.older.url", error.to_string()))?;
    let token = SecretToken::parse(older.token.trim());
    let token = token.map_err(|_| {
        ConfigError::value(
            "keys.older.token",
            "a secret token is 96 hexadecimal characters",
        )
    })?;
    let or = |text: &str, other: &dyn Fn() -> String| {
        if text.is_empty() {
            other()
        } else {
            text.to_owned()
        }
    };
    let relay = settings.relay.parse::<Uri>();
    let host = || relay.as_ref().ok()?.host().map(str::to_owned);
    Ok(Some(OlderKeys {
        address: Address {
            url: older.url.clone(),
            account: or(&older.account, &|| settings.account.clone()),
            host: or(&older.host, &|| host().unwrap_or_default()),
        },
        token,
        signing: Signing {
            get: older.sign_get,
            token: older.token_as,
        },
    }))
}

fn token(settings: &TokenSettings) -> Result<Token, ConfigError> {
    let bad = |words: &str| ConfigError::value("tokens", format!("{}: {words}", settings.name));
    let hash: Hash = settings
        .hash
        .parse()
        .map_err(|_| bad("a hash is 43 letters, digits, - and _, as `vault token` prints it"))?;
    let until: jiff::Timestamp = settings
        .until
        .parse()
        .map_err(|_| bad("until is a time such as 2027-01-31T00:00:00Z"))?;
    if settings.scopes.is_empty() {
        return Err(bad("it may do nothing"));
    }
    let until = u64::try_from(until.as_millisecond()).unwrap_or(0);
    Ok(Token {
        name: settings.name.clone(),
        hash,
        scopes: settings.scopes.clone(),
        until: Time::from_millis(until),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            account: "A".repeat(43),
            relay: "https://chat.example".to_owned(),
            tombstones: "tombstones".into(),
            device: DeviceSettings {
                dir: "device".into(),
                passphrase: Hidden::default(),
            },
            database: DatabaseSettings {
                url: "vault.db".to_owned(),
                keys: vec!["keys.db".to_owned()],
            },
            ..Settings::default()
        }
    }

    fn older(url: &str) -> OlderSettings {
        OlderSettings {
            url: url.to_owned(),
            token: "ab".repeat(48).into(),
            ..OlderSettings::default()
        }
    }

    #[test]
    fn a_service_of_the_older_shape_is_told_account_and_host() {
        let mut settings = settings();
        assert!(settings.clone().into_config().unwrap().older_keys.is_none());
        settings.keys.older = older("https://keys.example/acme");
        let keys = settings.clone().into_config().unwrap().older_keys.unwrap();
        assert_eq!(keys.address.account, "A".repeat(43));
        assert_eq!(keys.address.host, "chat.example");
        settings.keys.older.account = "acme".to_owned();
        settings.keys.older.host = "old.example".to_owned();
        let keys = settings.into_config().unwrap().older_keys.unwrap();
        assert_eq!(keys.address.account, "acme");
        assert_eq!(keys.address.host, "old.example");
    }

    #[test]
    fn data_is_not_stored_where_keys_are() {
        assert!(settings().into_config().is_ok());
        for (own, keys) in [
            ("vault.db", "./vault.db"),
            ("sqlite://keys.db?mode=rwc", "keys.db"),
            ("postgres://vault@db/app", "postgresql://keys:x@DB:5432/app"),
        ] {
            let mut settings = settings();
            settings.database.url = own.to_owned();
            settings.database.keys = vec![keys.to_owned()];
            let error = settings.into_config().unwrap_err().to_string();
            assert!(error.contains("database.url"), "{own}: {error}");
        }
    }

    #[test]
    fn what_no_vault_can_do_is_named() {
        type Break = fn(&mut Settings);
        let bad: [(&str, Break); 12] = [
            ("account", |it| it.account.clear()),
            ("relay", |it| it.relay.clear()),
            ("device.dir", |it| it.device.dir = PathBuf::new()),
            ("database.url", |it| it.database.url.clear()),
            ("tombstones", |it| it.tombstones = PathBuf::new()),
            ("keys.life", |it| it.keys.life = 3_601),
            ("keys.patience", |it| it.keys.patience = 0),
            ("keys.older.url", |it| {
                it.keys.older = older("http://keys.example");
            }),
            ("keys.older.url", |it| {
                it.keys.older = older("https://keys.example");
                it.keys.url = "https://keys.example".to_owned();
            }),
            ("keys.older.token", |it| {
                it.keys.older = older("https://keys.example");
                it.keys.older.token = "ab".repeat(47).into();
            }),
            ("retention.days", |it| it.retention.days = Some(0)),
            ("tokens", |it| {
                it.tokens.push(TokenSettings {
                    name: "reports".to_owned(),
                    hash: "x".to_owned(),
                    scopes: vec![Scope::TranscriptsRead],
                    until: "2027-01-31T00:00:00Z".to_owned(),
                });
            }),
        ];
        for (key, change) in bad {
            let mut settings = settings();
            change(&mut settings);
            let error = settings.into_config().unwrap_err().to_string();
            assert!(error.contains(key), "{key}: {error}");
        }
    }
}
