//! Configuration in layers: a TOML file, over it the environment, over that the flags of the
//! command line. What nobody set has its default.
//!
//! - The environment's `SOTTOVOCE__SECTION__KEY` is `key` in `[section]`. A list is written as TOML or
//!   with commas. For a secret, `SOTTOVOCE__SECTION__KEY_FILE` names a file that holds it.
//! - A key that nobody knows stops the start, in the file and in the environment: a mistyped limit
//!   must not be no limit.
//!
//! The known keys are those that the default configuration is written with, so every settings type
//! serialises all of its fields.

mod environment;
mod hidden;
mod known;

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sottovoce::wire::AccountId;

pub use environment::PREFIX;
pub use hidden::Hidden;

use crate::TlsFiles;

/// What is shown in a secret's place.
const HIDDEN: &str = "***";

/// A server's settings.
pub trait Settings: Default + Serialize + DeserializeOwned {
    /// Keys such as `push.token` whose values are secret: they may come from files, and are never
    /// shown.
    const SECRETS: &'static [&'static str];
    /// Keys such as `database.url` whose values may be URLs with a password in them: they may come
    /// from files, and are shown without it.
    const URLS: &'static [&'static str];
}

/// A configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration {path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("the configuration {path} is not TOML: {reason}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// A key that nobody knows.
    #[error("{from} has the unknown key {key}{}", suggestion(.nearest.as_deref()))]
    UnknownKey {
        /// The file, or the environment.
        from: String,
        /// The key, in full.
        key: String,
        /// The known key that it is most like.
        nearest: Option<String>,
    },
    /// A value that the key cannot have.
    #[error("the value of {key} cannot be used: {reason}")]
    Value {
        /// The key, in full.
        key: String,
        /// Why.
        reason: String,
    },
    /// The file of a secret cannot be read.
    #[error("{variable} names the file {path}, which cannot be read: {source}")]
    SecretUnreadable {
        /// The environment variable.
        variable: String,
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!("; did you mean {nearest}?"))
}

impl ConfigError {
    /// A value that the key cannot have, and why.
    pub fn value(key: &str, reason: impl Into<String>) -> Self {
        Self::Value {
            key: key.to_owned(),
            reason: reason.into(),
        }
    }

    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "config-unreadable",
            Self::Syntax { .. } => "config-syntax",
            Self::UnknownKey { .. } => "config-unknown-key",
            Self::Value { .. } => "config-value",
            Self::SecretUnreadable { .. } => "config-secret-unreadable",
        }
    }
}

/// What people are told of an account's id that is none.
pub const ACCOUNT_ID: &str =
    "an account's id is 43 letters, digits, - and _, as `account create` prints it";

/// What `accounts` comes to: at least one.
///
/// # Errors
/// [`ConfigError::Value`]: there is none, or one is no id.
pub fn accounts(ids: &[String]) -> Result<Vec<AccountId>, ConfigError> {
    if ids.is_empty() {
        return Err(ConfigError::value(
            "accounts",
            "there is no account to serve",
        ));
    }
    ids.iter()
        .map(|id| {
            id.parse()
                .map_err(|_| ConfigError::value("accounts", ACCOUNT_ID))
        })
        .collect()
}

/// What `listen.certificate` and `listen.key` come to: both or neither.
///
/// # Errors
/// [`ConfigError::Value`]: one without the other.
pub fn tls_files(
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
) -> Result<Option<TlsFiles>, ConfigError> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(ConfigError::value(
            "listen.key",
            "a certificate needs its key",
        )),
        (None, Some(_)) => {
            let reason = "a key needs its certificate";
            Err(ConfigError::value("listen.certificate", reason))
        }
    }
}

/// Where settings come from, lowest layer first.
#[derive(Debug, Default)]
pub struct Layers {
    /// The TOML file, if one was named.
    pub file: Option<PathBuf>,
    /// Environment variables; those without [`PREFIX`] are nobody's business.
    pub environment: Vec<(String, String)>,
    /// What the command line says: keys such as `listen.address`, and their values.
    pub flags: Vec<(&'static str, Value)>,
}

impl Layers {
    /// A file, the environment of this process, and flags.
    pub fn of_this_process(file: Option<PathBuf>, flags: Vec<(&'static str, Value)>) -> Self {
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self {
            file,
            environment: environment.collect(),
            flags,
        }
    }

    /// Reads the layers and lays them over each other.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn settings<S: Settings>(&self) -> Result<S, ConfigError> {
        let known = written(&S::default())?;
        let mut settings = known.clone();
        if let Some(path) = &self.file {
            let layer = read(path)?;
            let from = path.display().to_string();
            known::check(&layer, &known, &from)?;
            lay(&mut settings, layer);
        }
        let layer = environment::layer(&self.environment, &known, &[S::SECRETS, S::URLS].concat())?;
        lay(&mut settings, layer);
        for (key, value) in &self.flags {
            lay(&mut settings, nested(key, value.clone()));
        }
        serde_path_to_error::deserialize(settings).map_err(|error| {
            let key = error.path().to_string();
            let is_secret = [S::SECRETS, S::URLS].concat().contains(&key.as_str());
            ConfigError::Value {
                key,
                // What a secret is must not be said, not even why it is a bad one.
                reason: if is_secret {
                    "it is not what is expected".to_owned()
                } else {
                    explained(error.into_inner().to_string())
                },
            }
        })
    }
}

/// What is written where an address is expected.
pub const ADDRESS: &str = "write an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080; \
    names are not looked up";

/// The parser's words, and what to write instead where they don't say it.
fn explained(reason: String) -> String {
    if reason.contains("socket address") {
        ADDRESS.to_owned()
    } else {
        reason
    }
}

/// The settings as TOML, secrets hidden, for people to check.
///
/// # Errors
/// [`ConfigError::Value`] when they cannot be written.
pub fn shown<S: Settings>(settings: &S) -> Result<String, ConfigError> {
    let mut value = written(settings)?;
    let mut hide = |keys: &[&str], masked: fn(&str) -> String| {
        for key in keys {
            if let Some(Value::String(text)) = known::find_mut(&mut value, key)
                && !text.is_empty()
            {
                *text = masked(text);
            }
        }
    };
    hide(S::SECRETS, |_| HIDDEN.to_owned());
    hide(S::URLS, without_password);
    remove_nothings(&mut value);
    toml::to_string_pretty(&value).map_err(|error| ConfigError::Value {
        key: ".".to_owned(),
        reason: error.to_string(),
    })
}

/// A URL without what may be secret in it. What is no URL, such as a path, has nothing that is.
fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let (authority, path) = match rest.find(['/', '?']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    // Parameters may carry passwords, too.
    let path = match path.split_once('?') {
        Some((path, _)) => format!("{path}?{HIDDEN}"),
        None => path.to_owned(),
    };
    match authority.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:{HIDDEN}@{host}{path}")
        }
        None => format!("{scheme}://{authority}{path}"),
    }
}

fn written<S: Settings>(settings: &S) -> Result<Value, ConfigError> {
    serde_json::to_value(settings).map_err(|error| ConfigError::Value {
        key: ".".to_owned(),
        reason: error.to_string(),
    })
}

fn read(path: &Path) -> Result<Value, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    toml::from_str(&text).map_err(|error| ConfigError::Syntax {
        path: path.to_owned(),
        reason: error.to_string().trim_end().to_owned(),
    })
}

/// Lays a value over another: tables key by key, anything else whole.
fn lay(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                lay(under.entry(key).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over,
    }
}

/// `a.b` with a value as `{a: {b: value}}`.
fn nested(key: &str, value: Value) -> Value {
    key.rsplit('.').fold(value, |value, name| {
        Value::Object(Map::from_iter([(name.to_owned(), value)]))
    })
}

/// TOML has no null.
fn remove_nothings(value: &mut Value) {
    if let Value::Object(table) = value {
        table.retain(|_, value| !value.is_null());
        table.values_mut().for_each(remove_nothings);
    }
}
