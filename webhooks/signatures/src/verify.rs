//! What a receiver does with a call, before it reads the body: see `docs/WEBHOOKS.md`.
//!
//! Give these functions the body as it came, byte for byte, and never what a JSON library makes of
//! it. Comparisons take the same time wherever two signatures differ.

use std::collections::{HashSet, VecDeque};

use base64ct::{Base64, Encoding};
use subtle::{Choice, ConstantTimeEq};

use crate::keys::{KeyError, PublicKey, SecretToken, SharedSecret, TokenUse, from_hex};
use crate::signature::{sha1_tag, sha256_tag, signed};

/// How far the sender's clock and the receiver's may differ, in seconds.
pub const TOLERANCE: u64 = 300;

/// A call is not to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// A header is absent, empty or not of its form.
    #[error("a signature header is missing or malformed")]
    MalformedHeader,
    /// The call was made more than five minutes ago, or is from the future.
    #[error("the timestamp is more than five minutes off")]
    StaleTimestamp,
    /// No signature verifies.
    #[error("no signature verifies")]
    BadSignature,
}

impl VerifyError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MalformedHeader => "malformed-header",
            Self::StaleTimestamp => "stale-timestamp",
            Self::BadSignature => "bad-signature",
        }
    }
}

/// Verifies the HMAC-SHA1 header, in either letter case, under any of the tokens that are valid:
/// two while the account changes its token.
///
/// It proves who sent the body but not when: a call that was recorded can be sent again. Prefer
/// [`standard`] where that matters.
///
/// # Errors
/// [`VerifyError::MalformedHeader`] and [`VerifyError::BadSignature`].
pub fn hmac_sha1(
    header: &str,
    body: &[u8],
    tokens: &[SecretToken],
    how: TokenUse,
) -> Result<(), VerifyError> {
    let given = from_hex(header).ok_or(VerifyError::MalformedHeader)?;
    let given = <[u8; 20]>::try_from(given).map_err(|_| VerifyError::MalformedHeader)?;
    let mut found = Choice::from(0);
    for token in tokens {
        found |= sha1_tag(token, how, body).ct_eq(&given);
    }
    if found.into() {
        Ok(())
    } else {
        Err(VerifyError::BadSignature)
    }
}

/// What verifies a Standard Webhooks signature.
#[derive(Clone, Debug)]
pub enum VerifyingKey {
    /// Verifies `v1`.
    Shared(SharedSecret),
    /// Verifies `v1a`.
    Public(PublicKey),
}

impl VerifyingKey {
    /// Reads `whsec_…` or `whpk_…`.
    ///
    /// # Errors
    /// [`KeyError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if text.starts_with("whpk_") {
            PublicKey::parse(text).map(Self::Public)
        } else {
            SharedSecret::parse(text).map(Self::Shared)
        }
    }
}

/// The three Standard Webhooks headers, as they came.
#[derive(Clone, Copy, Debug)]
pub struct StandardHeaders<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`.
    pub timestamp: &'a str,
    /// `webhook-signature`: one or more, separated by spaces.
    pub signature: &'a str,
}

/// Verifies that one of the signatures was made by one of the keys, within five minutes of `now`
/// (seconds since 1970). Signatures of versions that none of the keys is for are passed over.
///
/// # Errors
/// [`VerifyError`].
pub fn standard(
    headers: &StandardHeaders<'_>,
    body: &[u8],
    keys: &[VerifyingKey],
    now: u64,
) -> Result<(), VerifyError> {
    let StandardHeaders { id, timestamp, .. } = *headers;
    let is_number = timestamp.bytes().all(|byte| byte.is_ascii_digit());
    if id.is_empty() || !is_number || timestamp.len() > 12 {
        return Err(VerifyError::MalformedHeader);
    }
    let made: u64 = timestamp
        .parse()
        .map_err(|_| VerifyError::MalformedHeader)?;
    if headers.signature.is_empty() {
        return Err(VerifyError::MalformedHeader);
    }
    if made.abs_diff(now) > TOLERANCE {
        return Err(VerifyError::StaleTimestamp);
    }
    let message = signed(id, timestamp, body);
    let mut found = Choice::from(0);
    for signature in headers.signature.split(' ') {
        let Some((version, encoded)) = signature.split_once(',') else {
            continue;
        };
        let Ok(given) = Base64::decode_vec(encoded) else {
            continue;
        };
        for key in keys {
            found |= match (version, key) {
                ("v1", VerifyingKey::Shared(secret)) => {
                    sha256_tag(secret, &message).as_slice().ct_eq(&given)
                }
                ("v1a", VerifyingKey::Public(key)) => match <&[u8; 64]>::try_from(&*given) {
                    Ok(given) => Choice::from(u8::from(key.verifies(&message, given))),
                    Err(_) => continue,
                },
                _ => continue,
            };
        }
    }
    if found.into() {
        Ok(())
    } else {
        Err(VerifyError::BadSignature)
    }
}

/// Remembers the ids of events that were taken in, so that one that comes again is known: an
/// answer may be lost on its way, and then the sender must send once more. Answer 2xx to those,
/// and do nothing.
///
/// It lives in memory and forgets after `keep` seconds; a receiver with a database keeps the ids
/// there, in the transaction that takes the event in.
#[derive(Debug)]
pub struct SeenIds {
    keep: u64,
    seen: HashSet<String>,
    order: VecDeque<(u64, String)>,
}

impl SeenIds {
    /// Remembers each id for `keep` seconds. Retries go on for about three days.
    pub fn new(keep: u64) -> Self {
        Self {
            keep,
            seen: HashSet::new(),
            order: VecDeque::new(),
        }
    }

    /// Whether this id is new at `now` (seconds since 1970). Ask only after the signature verified.
    pub fn is_new(&mut self, id: &str, now: u64) -> bool {
        while let Some((at, _)) = self.order.front() {
            if now.saturating_sub(*at) <= self.keep {
                break;
            }
            if let Some((_, id)) = self.order.pop_front() {
                self.seen.remove(&id);
            }
        }
        if !self.seen.insert(id.to_owned()) {
            return false;
        }
        self.order.push_back((now, id.to_owned()));
        true
    }
}
