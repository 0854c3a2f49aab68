//! What a key manager is told: [`Settings`] as people write them, and the [`Config`] that they come
//! to.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sottovoce::crypto::sign::SigningKey;
use sottovoce::wire::AccountId;
use sottovoce_older_keys::{SignGet, Signing, TokenAs};
use sottovoce_server::config::{self, ConfigError, Hidden};
use sottovoce_server::{TlsFiles, database};
use zeroize::Zeroizing;

use crate::master::{Master, secret_of_hex};
use crate::older::OlderShape;
use crate::pkcs11::{Place, TokenError, TokenKey};
use crate::rules::Rules;

/// What a key manager is told.
#[derive(Debug)]
pub struct Config {
    /// Where to listen; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Certificate and key; may only be absent on a loopback address.
    pub tls: Option<TlsFiles>,
    /// Its own database.
    pub database: String,
    /// Where erasures are written down.
    pub tombstones: PathBuf,
    /// The accounts that it serves.
    pub accounts: Vec<AccountId>,
    /// What it signs with.
    pub identity: SigningKey,
    /// What it wraps secrets with.
    pub master: Master,
    /// Who may ask for what.
    pub rules: Rules,
    /// Who may call in the older shape, if anybody may.
    pub older: Option<OlderShape>,
}

/// A key manager's settings, in the sections that they have in `keymanager.toml`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Ids of the accounts that are served.
    pub accounts: Vec<String>,
    /// Its Ed25519 identity key: 64 hexadecimal characters.
    pub identity: Hidden,
    /// Its master key: lines of a generation, a colon and 64 hexadecimal characters, or 120 of one that
    /// a token wrapped.
    pub master: Hidden,
    /// A file that says who may ask for what; the defaults without.
    pub rules: Option<PathBuf>,
    /// A file that erasures are written down in, beside the database.
    pub tombstones: PathBuf,
    /// Where to listen.
    pub listen: ListenSettings,
    /// What to store in.
    pub database: DatabaseSettings,
    /// A token that wraps the generations of the master key.
    pub pkcs11: Pkcs11Settings,
    /// Callers of the older shape.
    pub older_shape: OlderSettings,
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

/// `[database]`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DatabaseSettings {
    /// Path or `sqlite:` URL of an SQLite database, or `postgres:` URL of a PostgreSQL one.
    pub url: String,
    /// Databases of all other data: the key manager refuses to start in one of them.
    pub others: Vec<String>,
}

/// `[pkcs11]`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Pkcs11Settings {
    /// The token's module, a library; there is no token if this is empty.
    pub module: PathBuf,
    /// The token's label.
    pub token: String,
    /// The label of the AES-256 key on it.
    pub key: String,
    /// The user's PIN.
    pub pin: Hidden,
}

impl Pkcs11Settings {
    /// Where the key is, if there is a token.
    pub fn place(&self) -> Option<Place> {
        (!self.module.as_os_str().is_empty()).then(|| Place {
            module: self.module.clone(),
            token: self.token.clone(),
            key: self.key.clone(),
            pin: Zeroizing::new(self.pin.trim().to_owned()),
        })
    }
}

/// `[older_shape]`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OlderSettings {
    /// Secret tokens of accounts that may call in the older shape: lines of an account's id, a colon and
    /// 96 hexadecimal characters. Nobody may without.
    pub tokens: Hidden,
    /// What the signature of a GET is over.
    pub sign_get: SignGet,
    /// How a token becomes the key of the signature.
    pub token_as: TokenAs,
}

impl Default for ListenSettings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 8090)),
            certificate: None,
            key: None,
        }
    }
}

impl config::Settings for Settings {
    const SECRETS: &'static [&'static str] =
        &["identity", "master", "pkcs11.pin", "older_shape.tokens"];
    const URLS: &'static [&'static str] = &["database.url"];
}

impl Settings {
    /// The master key, and the token's key that generations of it are wrapped under.
    fn master(&self) -> Result<(Master, Option<TokenKey>), ConfigError> {
        let token = self.pkcs11.place().as_ref().map(TokenKey::open).transpose();
        let token = token.map_err(token_error)?;
        let master = Master::parse_with(&self.master, token.as_ref());
        let master = master.map_err(|error| ConfigError::value("master", error.to_string()))?;
        Ok((master, token))
    }

    /// A line with the next generation, to be added to the file of the master key.
    ///
    /// # Errors
    /// [`ConfigError::Value`] for a master key that cannot be used.
    pub fn next_generation(&self) -> Result<Zeroizing<String>, ConfigError> {
        let (master, token) = self.master()?;
        let next = master.newest().saturating_add(1);
        match token {
            Some(token) => token.fresh_line(next).map_err(token_error),
            None => Master::fresh_line(next)
                .map_err(|error| ConfigError::value("master", error.to_string())),
        }
    }

    /// What they come to.
    ///
    /// # Errors
    /// [`ConfigError::Value`] for what no key manager can do.
    pub fn into_config(self) -> Result<Config, ConfigError> {
        let accounts = config::accounts(&self.accounts)?;
        if self.database.url.is_empty() {
            return Err(ConfigError::value(
                "database.url",
                "there is nothing to store in",
            ));
        }
        if database::is_among(&self.database.url, &self.database.others) {
            let words = "keys and data need different databases, and this one holds other data";
            return Err(ConfigError::value("database.url", words));
        }
        if self.tombstones.as_os_str().is_empty() {
            return Err(ConfigError::value(
                "tombstones",
                "there is no file for erasures",
            ));
        }
        let identity = secret_of_hex(self.identity.trim());
        let identity = identity.ok_or_else(|| {
            ConfigError::value("identity", "an identity key is 64 hexadecimal characters")
        })?;
        let (master, _) = self.master()?;
        let signing = Signing {
            get: self.older_shape.sign_get,
            token: self.older_shape.token_as,
        };
        let older = OlderShape::parse(&self.older_shape.tokens, signing, &accounts);
        let older =
            older.map_err(|error| ConfigError::value("older_shape.tokens", error.to_string()))?;
        let rules = match &self.rules {
            Some(path) => {
                Rules::read(path).map_err(|error| ConfigError::value("rules", error.to_string()))?
            }
            None => Rules::default(),
        };
        let tls = config::tls_files(self.listen.certificate, self.listen.key)?;
        Ok(Config {
            listen: self.listen.address,
            tls,
            database: self.database.url,
            tombstones: self.tombstones,
            accounts,
            identity: SigningKey::from_seed(&identity),
            master,
            rules,
            older,
        })
    }
}

fn token_error(error: TokenError) -> ConfigError {
    ConfigError::value(error.setting(), error.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn settings(url: &str, others: &[&str]) -> Settings {
        Settings {
            accounts: vec!["A".repeat(43)],
            identity: "01".repeat(32).into(),
            master: format!("1:{}", "02".repeat(32)).into(),
            tombstones: "tombstones".into(),
            database: DatabaseSettings {
                url: url.to_owned(),
                others: others.iter().map(|&url| url.to_owned()).collect(),
            },
            ..Settings::default()
        }
    }

    #[test]
    fn keys_are_not_stored_where_other_data_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.db").display().to_string();
        std::fs::write(&path, "").unwrap();
        let roundabout = folder
            .path()
            .join(".")
            .join("relay.db")
            .display()
            .to_string();
        for (own, other) in [
            (
                "postgres://keys:x@db/app",
                "postgresql://relay:y@DB:5432/app?sslmode=require",
            ),
            ("postgres:///app?host=localhost", "postgres://127.0.0.1/app"),
            (path.as_str(), roundabout.as_str()),
            (&format!("sqlite://{path}?mode=rwc"), &path),
            ("new.db", "./new.db"),
        ] {
            let error = settings(own, &["relay.db", other])
                .into_config()
                .unwrap_err();
            assert!(error.to_string().contains("database.url"), "{own}: {error}");
        }
        for (own, other) in [
            ("postgres://db/keys", "postgres://db/app"),
            ("postgres://keys/app", "postgres://db/app"),
            ("postgres://db:5433/app", "postgres://db/app"),
            ("keys.db", "relay.db"),
        ] {
            assert!(settings(own, &[other]).into_config().is_ok(), "{own}");
        }
    }

    #[test]
    fn what_no_key_manager_can_do_is_named() {
        let good = || settings("keys.db", &[]);
        type Change = fn(&mut Settings);
        let bad: [(&str, Change); 9] = [
            ("accounts", |it| it.accounts.clear()),
            ("accounts", |it| it.accounts.push("x".to_owned())),
            ("identity", |it| it.identity = "01".repeat(31).into()),
            ("master", |it| it.master = Hidden::default()),
            ("tombstones", |it| it.tombstones = PathBuf::new()),
            ("older_shape.tokens", |it| {
                it.older_shape.tokens = "ab".repeat(48).into();
            }),
            ("older_shape.tokens", |it| {
                it.older_shape.tokens = format!("{}:{}", "A".repeat(43), "ab".repeat(47)).into();
            }),
            ("older_shape.tokens", |it| {
                let foreign = format!("{}E", "A".repeat(42));
                it.older_shape.tokens = format!("{foreign}:{}", "ab".repeat(48)).into();
            }),
            ("listen.key", |it| {
                it.listen.certificate = Some("cert.pem".into());
            }),
        ];
        for (key, change) in bad {
            let mut settings = good();
            change(&mut settings);
            let error = settings.into_config().unwrap_err().to_string();
            assert!(error.contains(key), "{key}: {error}");
        }
    }
}
