//! SPEC 3.9: identity tokens: how a host's own sign-in tells an account's staff who a visitor
//! is. A JWT (RFC 7519) bound to the visitor's device key (RFC 7800), verified by the staff's
//! clients, never by the relay.

mod json;
mod modular;
mod p256;
mod signature;

use json::Json;

use super::Issuer;
use crate::crypto::hash::sha256;
use crate::wire::codec::{from_base64url, to_base64url};
use crate::wire::{AccountId, DeviceId, Time, limits};

/// Who a visitor is, by the word of an issuer that the policy names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The `sub` claim: the host's own stable name for the person, 1 to 255 bytes.
    pub subject: String,
    /// The `name` claim, at most 255 bytes.
    pub name: Option<String>,
    /// The `email` claim, at most 255 bytes.
    pub email: Option<String>,
}

/// Why an identity token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// It is no signed JWT, a claim that it must have is missing or of a wrong type, or it has
    /// a critical extension.
    #[error("not a valid identity token")]
    Malformed,
    /// The policy names no such issuer.
    #[error("the policy does not name the issuer")]
    UnknownIssuer,
    /// It is signed with another algorithm than the policy says.
    #[error("the issuer uses another algorithm")]
    WrongAlgorithm,
    /// Its signature does not verify.
    #[error("the signature does not verify")]
    BadSignature,
    /// It is meant for somebody else than this account.
    #[error("meant for another audience")]
    WrongAudience,
    /// It is not valid yet.
    #[error("not valid yet")]
    NotYetValid,
    /// It is no longer valid.
    #[error("expired")]
    Expired,
    /// It lives longer than an hour.
    #[error("lives longer than allowed")]
    LivesTooLong,
    /// It is bound to the key of another device.
    #[error("bound to another device")]
    WrongDevice,
}

impl IdentityError {
    /// The stable code of this error.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "identity-malformed",
            Self::UnknownIssuer => "identity-unknown-issuer",
            Self::WrongAlgorithm => "identity-wrong-algorithm",
            Self::BadSignature => "identity-bad-signature",
            Self::WrongAudience => "identity-wrong-audience",
            Self::NotYetValid => "identity-not-yet-valid",
            Self::Expired => "identity-expired",
            Self::LivesTooLong => "identity-lives-too-long",
            Self::WrongDevice => "identity-wrong-device",
        }
    }
}

/// How far an issuer's clock may be off, in seconds.
const TOLERANCE: u64 = 60;
/// Longest claim that is shown to people, in bytes of UTF-8.
const CLAIM: usize = 255;

/// Verifies a visitor's identity token (JWS compact serialisation) for this account and device.
///
/// The payload must have `iss`, `sub`, `aud` (the account's id as base64url, alone or in an
/// array), `iat`, `exp` (whole seconds, at most an hour apart) and `cnf.jkt` (see
/// [`thumbprint`]); it may have `nbf`, `name` and `email`. Other claims are ignored. `at` is the
/// time of the commit that carries it, as for everything in a log.
///
/// # Errors
/// [`IdentityError`]. Before the signature is verified, only `iss` and `alg` are looked at.
pub fn verify_identity(
    token: &str,
    issuers: &[Issuer],
    account: AccountId,
    device: DeviceId,
    at: Time,
) -> Result<Identity, IdentityError> {
    let token = Token::parse(token).ok_or(IdentityError::Malformed)?;
    token.verify_signature(issuers)?;
    let claims = Claims::read(&token.payload).ok_or(IdentityError::Malformed)?;
    if !claims.audience.contains(&account.to_base64url().as_str()) {
        return Err(IdentityError::WrongAudience);
    }
    claims.check_times(at.millis() / 1000)?;
    if claims.thumbprint != thumbprint(&device) {
        return Err(IdentityError::WrongDevice);
    }
    Ok(Identity {
        subject: claims.subject.to_owned(),
        name: claims.name.map(str::to_owned),
        email: claims.email.map(str::to_owned),
    })
}

/// A device key's JWK thumbprint (RFC 7638, RFC 8037 section 2) as base64url: what the host
/// puts into `cnf.jkt`.
pub fn thumbprint(device: &DeviceId) -> String {
    let x = device.to_base64url();
    let jwk = [r#"{"crv":"Ed25519","kty":"OKP","x":""#, &x, r#""}"#].concat();
    to_base64url(&sha256(jwk.as_bytes()))
}

/// A token taken apart; nothing of it is believed yet.
struct Token<'a> {
    header: Json,
    payload: Json,
    /// Header and payload as they were signed.
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Token<'a> {
    fn parse(token: &'a str) -> Option<Self> {
        if token.len() > limits::IDENTITY_TOKEN {
            return None;
        }
        let is_dot = |byte| byte == b'.';
        let first = token.bytes().position(is_dot)?;
        let last = token.bytes().rposition(is_dot)?;
        let part = |from, to| from_base64url(token.get(from..to)?);
        let header = Json::parse(&part(0, first)?)?;
        // An extension that must be understood (RFC 7515 section 4.1.11): none is.
        if header.get("crit").is_some() {
            return None;
        }
        Some(Self {
            header,
            payload: Json::parse(&part(first + 1, last)?)?,
            signed: token.get(..last)?,
            signature: part(last + 1, token.len())?,
        })
    }

    /// The policy says which algorithm an issuer uses; the token can only agree. An issuer may
    /// stand there several times, with an old and a new key.
    fn verify_signature(&'a self, issuers: &[Issuer]) -> Result<(), IdentityError> {
        let text = |member: Option<&'a Json>| member.and_then(Json::as_str);
        let issuer = text(self.payload.get("iss")).ok_or(IdentityError::Malformed)?;
        let algorithm = text(self.header.get("alg")).ok_or(IdentityError::Malformed)?;
        let mut error = IdentityError::UnknownIssuer;
        for known in issuers.iter().filter(|known| known.issuer == issuer) {
            if known.algorithm != algorithm {
                error = IdentityError::WrongAlgorithm;
                continue;
            }
            let signed = self.signed.as_bytes();
            if signature::verifies(algorithm, &known.public_key, signed, &self.signature) {
                return Ok(());
            }
            error = IdentityError::BadSignature;
        }
        Err(error)
    }
}

/// The claims that count.
struct Claims<'a> {
    subject: &'a str,
    name: Option<&'a str>,
    email: Option<&'a str>,
    audience: Vec<&'a str>,
    issued: u64,
    not_before: Option<u64>,
    expires: u64,
    thumbprint: &'a str,
}

impl<'a> Claims<'a> {
    fn read(payload: &'a Json) -> Option<Self> {
        let audience = match payload.get("aud")? {
            Json::Array(items) => {
                let texts = items.iter().map(|(_, item)| item.as_str());
                texts.collect::<Option<_>>()?
            }
            one => vec![one.as_str()?],
        };
        let subject = shown(payload.get("sub")?)?;
        Some(Self {
            subject: Some(subject).filter(|subject| !subject.is_empty())?,
            name: optional(payload.get("name"), shown)?,
            email: optional(payload.get("email"), shown)?,
            audience,
            issued: payload.get("iat")?.as_integer()?,
            not_before: optional(payload.get("nbf"), Json::as_integer)?,
            expires: payload.get("exp")?.as_integer()?,
            thumbprint: payload.get("cnf")?.get("jkt")?.as_str()?,
        })
    }

    /// `at` in seconds since the Unix epoch, as the claims are.
    fn check_times(&self, at: u64) -> Result<(), IdentityError> {
        let begins = self.not_before.unwrap_or(0).max(self.issued);
        if self.expires > self.issued.saturating_add(limits::IDENTITY_LIFE) {
            Err(IdentityError::LivesTooLong)
        } else if begins > at.saturating_add(TOLERANCE) {
            Err(IdentityError::NotYetValid)
        } else if at >= self.expires.saturating_add(TOLERANCE) {
            Err(IdentityError::Expired)
        } else {
            Ok(())
        }
    }
}

/// A claim that people read.
fn shown(claim: &Json) -> Option<&str> {
    claim.as_str().filter(|text| text.len() <= CLAIM)
}

/// `Some(None)` without the claim, `None` if it is of a wrong type.
fn optional<'a, T>(
    claim: Option<&'a Json>,
    read: impl FnOnce(&'a Json) -> Option<T>,
) -> Option<Option<T>> {
    claim.map_or(Some(None), |claim| read(claim).map(Some))
}
