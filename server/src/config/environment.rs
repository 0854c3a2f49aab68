//! The environment as a layer of configuration.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::known::{find, nearest};
use super::{ConfigError, lay, nested};

/// With what the names of the variables begin.
pub const PREFIX: &str = "SOTTOVOCE__";

/// Where the variables are named as a source.
const ENVIRONMENT: &str = "the environment";

/// Reads what the environment says.
pub(super) fn layer(
    variables: &[(String, String)],
    known: &Value,
    secrets: &[&str],
) -> Result<Value, ConfigError> {
    let mut layer = Value::Object(Map::new());
    for (variable, text) in variables {
        let Some(name) = variable.strip_prefix(PREFIX) else {
            continue;
        };
        let key = name.to_lowercase().replace("__", ".");
        let value = if let Some(secret) = key
            .strip_suffix("_file")
            .filter(|secret| secrets.contains(secret) && find(known, &key).is_none())
        {
            let value = Value::String(read_secret(variable, text)?);
            if variables
                .iter()
                .any(|(other, _)| *other == as_variable(secret))
            {
                return Err(ConfigError::Value {
                    key: variable.clone(),
                    reason: format!("{} is set, too", as_variable(secret)),
                });
            }
            lay(&mut layer, nested(secret, value));
            continue;
        } else {
            read(variable, text, &key, known)?
        };
        lay(&mut layer, nested(&key, value));
    }
    Ok(layer)
}

fn as_variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase().replace('.', "__"))
}

/// A secret as a file holds it: without the line's end that editors put there.
fn read_secret(variable: &str, path: &str) -> Result<String, ConfigError> {
    let path = PathBuf::from(path);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
        Err(source) => Err(ConfigError::SecretUnreadable {
            variable: variable.to_owned(),
            path,
            source,
        }),
    }
}

/// A variable's value, of the type that the key has by default.
fn read(variable: &str, text: &str, key: &str, known: &Value) -> Result<Value, ConfigError> {
    let value = || {
        let document = format!("value = {text}");
        let document: Value = toml::from_str(&document).ok()?;
        document.get("value").cloned()
    };
    let unusable = |reason: &str| ConfigError::Value {
        key: variable.to_owned(),
        reason: reason.to_owned(),
    };
    match find(known, key) {
        None => Err(ConfigError::UnknownKey {
            from: ENVIRONMENT.to_owned(),
            key: variable.to_owned(),
            nearest: nearest(key, known).map(|key| as_variable(&key)),
        }),
        Some(Value::String(_) | Value::Null) => Ok(Value::String(text.to_owned())),
        Some(Value::Array(_)) => {
            let list = || {
                text.split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty())
            };
            Ok(value()
                .filter(Value::is_array)
                .unwrap_or_else(|| list().map(Value::from).collect()))
        }
        Some(Value::Object(_)) => value()
            .filter(Value::is_object)
            .ok_or_else(|| unusable("it is a section; write it as a TOML table")),
        Some(Value::Bool(_) | Value::Number(_)) => {
            value().ok_or_else(|| unusable("it is not a number, true or false"))
        }
    }
}
