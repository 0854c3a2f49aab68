//! Which keys are known, and which of them somebody may have meant.

use serde_json::Value;

use super::ConfigError;

/// How alike two keys must be for one to be suggested, from 0 to 1.
const ALIKE: f64 = 0.6;

/// Refuses keys that are not known. A table that is empty by default, and whatever is no table, may
/// hold anything: its type judges.
pub(super) fn check(layer: &Value, known: &Value, from: &str) -> Result<(), ConfigError> {
    check_below(layer, known, known, &mut Vec::new(), from)
}

fn check_below(
    layer: &Value,
    known: &Value,
    all: &Value,
    path: &mut Vec<String>,
    from: &str,
) -> Result<(), ConfigError> {
    let (Value::Object(layer), Value::Object(known)) = (layer, known) else {
        return Ok(());
    };
    if known.is_empty() {
        return Ok(());
    }
    for (key, value) in layer {
        path.push(key.clone());
        let Some(known) = known.get(key) else {
            let key = path.join(".");
            return Err(ConfigError::UnknownKey {
                from: from.to_owned(),
                nearest: nearest(&key, all),
                key,
            });
        };
        check_below(value, known, all, path, from)?;
        path.pop();
    }
    Ok(())
}

/// The known key that is most like another, if any is.
pub(super) fn nearest(key: &str, known: &Value) -> Option<String> {
    let mut keys = Vec::new();
    collect(known, "", &mut keys);
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let likeness = |candidate: &String| {
        let whole = strsim::normalized_damerau_levenshtein(key, candidate);
        // The right key in the wrong section.
        let end = strsim::normalized_damerau_levenshtein(&last(key), &last(candidate));
        whole.max(end * 0.95)
    };
    keys.into_iter()
        .map(|candidate| (likeness(&candidate), candidate))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

fn collect(known: &Value, path: &str, keys: &mut Vec<String>) {
    if let Value::Object(table) = known {
        for (key, value) in table {
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            collect(value, &path, keys);
            keys.push(path);
        }
    }
}

/// The value at a key such as `a.b`.
pub(super) fn find<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.')
        .try_fold(value, |value, name| value.get(name))
}

/// As [`find`], to be changed.
pub(super) fn find_mut<'a>(value: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    key.split('.')
        .try_fold(value, |value, name| value.get_mut(name))
}
