//! Messages that were encrypted under a contact's key of the older shape: Base64 of AES-256-CBC over 16
//! random hexadecimal characters and the text. Nothing proves that a text is what was written, so they
//! are read for the import of old transcripts, and never made.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use crate::{ContactKey, DoesNotOpen};

/// Length of what a text begins with, in characters.
const RANDOM: usize = 16;

/// The text of a message.
///
/// # Errors
/// [`DoesNotOpen`], whatever is wrong.
pub fn read(key: &ContactKey, message: &str) -> Result<Zeroizing<String>, DoesNotOpen> {
    let bytes = Base64::decode_vec(message).map_err(|_| DoesNotOpen)?;
    let plain = key.cipher().decrypt(&bytes)?;
    let text = core::str::from_utf8(&plain).map_err(|_| DoesNotOpen)?;
    let (random, text) = text.split_at_checked(RANDOM).ok_or(DoesNotOpen)?;
    if random.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(Zeroizing::new(text.to_owned()))
    } else {
        Err(DoesNotOpen)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde::Deserialize;
    use sottovoce::crypto::Secret;

    use super::*;

    #[derive(Deserialize)]
    struct Vectors {
        messages: Vec<Message>,
    }

    #[derive(Deserialize)]
    struct Message {
        name: String,
        contact_key: String,
        message: String,
        /// None if it does not open.
        text: Option<String>,
    }

    #[test]
    fn an_old_message_is_read() {
        let text = include_str!("../../../tests/vectors/older-keys.json");
        let vectors: Vectors = serde_json::from_str(text).unwrap();
        for vector in vectors.messages {
            let mut bytes = [0; 48];
            base16ct::lower::decode(&vector.contact_key, &mut bytes).unwrap();
            let key = ContactKey::new(Secret::new(bytes));
            let opened = read(&key, &vector.message);
            let opened = opened.ok().map(|text| text.to_string());
            assert_eq!(opened, vector.text, "{}", vector.name);
        }
    }
}
