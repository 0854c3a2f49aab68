//! What a sender puts into the headers of a call.

use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

use crate::keys::{SecretToken, SharedSecret, SigningKey, TokenUse, hex_digit};

/// The header that carries HMAC-SHA1, unless the endpoint names another.
pub const HMAC_HEADER: &str = "x-sottovoce-hmac-sha1";
/// Appended to that header's name: the signature of the token before, while both are valid.
pub const PREVIOUS: &str = "-previous";
/// The header of the event's id: the same in every attempt.
pub const ID_HEADER: &str = "webhook-id";
/// The header of the attempt's time: seconds since 1970, in decimal.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// The header of the Standard Webhooks signatures.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// HMAC-SHA1 (RFC 2104) of the body under a token: 40 lower-case hexadecimal characters.
pub fn hmac_sha1(token: &SecretToken, how: TokenUse, body: &[u8]) -> String {
    let mut text = String::with_capacity(40);
    for byte in sha1_tag(token, how, body) {
        text.push(hex_digit(byte >> 4));
        text.push(hex_digit(byte & 15));
    }
    text
}

/// One `v1` signature: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.
pub fn v1(secret: &SharedSecret, id: &str, timestamp: u64, body: &[u8]) -> String {
    let tag = sha256_tag(secret, &signed(id, &timestamp.to_string(), body));
    format!("v1,{}", Base64::encode_string(&tag))
}

/// One `v1a` signature: `v1a,` and the base64 of an Ed25519 signature over `id.timestamp.body`.
pub fn v1a(key: &SigningKey, id: &str, timestamp: u64, body: &[u8]) -> String {
    let signature = key.sign(&signed(id, &timestamp.to_string(), body));
    format!("v1a,{}", Base64::encode_string(&signature))
}

pub(crate) fn sha1_tag(token: &SecretToken, how: TokenUse, body: &[u8]) -> [u8; 20] {
    let mut mac = mac::<Hmac<Sha1>>(&token.key(how));
    mac.update(body);
    mac.finalize().into_bytes().into()
}

pub(crate) fn sha256_tag(secret: &SharedSecret, message: &[u8]) -> [u8; 32] {
    let mut mac = mac::<Hmac<Sha256>>(secret.bytes());
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// What Standard Webhooks signs.
pub(crate) fn signed(id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(id.len() + timestamp.len() + body.len() + 2);
    message.extend_from_slice(id.as_bytes());
    message.push(b'.');
    message.extend_from_slice(timestamp.as_bytes());
    message.push(b'.');
    message.extend_from_slice(body);
    message
}

/// HMAC takes keys of any length.
#[expect(clippy::expect_used, reason = "HMAC refuses no key")]
fn mac<M: KeyInit>(key: &[u8]) -> M {
    M::new_from_slice(key).expect("a key of any length")
}
