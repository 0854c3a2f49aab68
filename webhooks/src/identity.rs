//! Ids: a prefix that says what it is and 16 random bytes in base64url.

use crate::keys::KeyError;
use sottovoce::wire::codec::to_base64url;

pub(crate) fn fresh(prefix: &str) -> Result<String, KeyError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| KeyError::NoRandomness)?;
    Ok(format!("{prefix}{}", to_base64url(&bytes)))
}

/// Whether a text has the form that [`fresh`] makes.
pub(crate) fn is_well_formed(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        rest.len() == 22 && rest.bytes().all(plain)
    })
}
