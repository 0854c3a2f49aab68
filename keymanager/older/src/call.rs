//! What is sent, signed and answered. Where the older shape does not say, a setting does.

use serde::{Deserialize, Serialize};
use sottovoce_webhook_signatures::keys::{SecretToken, TokenUse};
use sottovoce_webhook_signatures::{signature, verify};

/// The header of the signature: HMAC-SHA1 as hexadecimal characters.
pub const HMAC: &str = "x-vvc-hmac";
/// The header of the caller's host name.
pub const HOST: &str = "x-vvc-host";
/// The header of the account.
pub const ACCOUNT: &str = "x-vvc-acct";
/// Longest body of a call or an answer, in bytes.
pub const BODY: usize = 4096;

/// What the signature of a GET is over, which has no body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignGet {
    /// The empty body.
    #[default]
    EmptyBody,
    /// The query as it is sent, such as `id=…`.
    Query,
    /// Nothing: a GET has no signature.
    None,
}

/// How the secret token becomes the key of the signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenAs {
    /// Its 96 characters as they are.
    #[default]
    Text,
    /// The 48 bytes that they spell.
    Hex,
}

impl From<TokenAs> for TokenUse {
    fn from(token: TokenAs) -> Self {
        match token {
            TokenAs::Text => Self::Text,
            TokenAs::Hex => Self::Hex,
        }
    }
}

/// How calls are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signing {
    /// What the signature of a GET is over.
    pub get: SignGet,
    /// How the token becomes its key.
    pub token: TokenAs,
}

/// A call, as far as it is signed.
#[derive(Clone, Copy, Debug)]
pub enum Call<'a> {
    /// A GET with a query.
    Get(&'a str),
    /// A POST with a body, as it is sent.
    Post(&'a [u8]),
}

impl Signing {
    /// What is signed; none for a call that has no signature.
    pub const fn signed<'a>(&self, call: Call<'a>) -> Option<&'a [u8]> {
        match (call, self.get) {
            (Call::Post(body), _) => Some(body),
            (Call::Get(_), SignGet::EmptyBody) => Some(&[]),
            (Call::Get(query), SignGet::Query) => Some(query.as_bytes()),
            (Call::Get(_), SignGet::None) => None,
        }
    }

    /// The signature of a call: 40 lower-case hexadecimal characters.
    pub fn sign(&self, token: &SecretToken, call: Call<'_>) -> Option<String> {
        let signed = self.signed(call)?;
        Some(signature::hmac_sha1(token, self.token.into(), signed))
    }

    /// The token that signed a call, in either letter case; the last one where a call needs no
    /// signature. All are tried, so that the time does not tell which it is.
    pub fn verify<'t>(
        &self,
        tokens: &'t [SecretToken],
        header: Option<&str>,
        call: Call<'_>,
    ) -> Option<&'t SecretToken> {
        let Some(signed) = self.signed(call) else {
            return tokens.last();
        };
        let header = header?;
        let is_its = |token: &SecretToken| {
            let token = core::slice::from_ref(token);
            verify::hmac_sha1(header, signed, token, self.token.into()).is_ok()
        };
        let found: Vec<_> = tokens.iter().filter(|token| is_its(token)).collect();
        found.last().copied()
    }
}

/// The body of a POST: `{"id": …}`, and with `copyFrom` one that gets another contact's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Create {
    /// The contact.
    pub id: String,
    /// The contact whose key it gets.
    #[serde(rename = "copyFrom", default, skip_serializing_if = "Option::is_none")]
    pub copy_from: Option<String>,
}

/// The query of a GET: `id=…`.
pub fn query_of(contact: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("id", contact).finish()
}

/// The contact that a query names, if it names one.
pub fn contact_of(query: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let (_, contact) = pairs.find(|(name, _)| name == "id")?;
    Some(contact.into_owned())
}

/// What is answered where there is a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// `W`.
    pub key: String,
}

/// What is answered where there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoKey {
    /// True.
    pub error: bool,
}

/// A service of the older shape gives no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// 400 with `{"error": true}`: it misses the id, or does not know it.
    #[error("the service does not know the contact")]
    Missing,
    /// 401, 403 or 404: it does not want to.
    #[error("the service refuses with status {0}")]
    Denied(u16),
    /// Any other status, or a body that is none: it cannot now.
    #[error("the service answers with status {0}, and no key")]
    Unavailable(u16),
}

/// Reads an answer: `W`, or what else it means.
///
/// # Errors
/// [`Refusal`].
pub fn answered(status: u16, body: &[u8]) -> Result<String, Refusal> {
    match status {
        200 => {
            let key: Key =
                serde_json::from_slice(body).map_err(|_| Refusal::Unavailable(status))?;
            Ok(key.key)
        }
        400 => Err(match serde_json::from_slice(body) {
            Ok(NoKey { error: true }) => Refusal::Missing,
            _ => Refusal::Unavailable(status),
        }),
        401 | 403 | 404 => Err(Refusal::Denied(status)),
        _ => Err(Refusal::Unavailable(status)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let key = br#"{"key": "W"}"#;
        let error = br#"{"error": true}"#;
        assert_eq!(answered(200, key), Ok("W".to_owned()));
        assert_eq!(answered(400, error), Err(Refusal::Missing));
        for status in [401, 403, 404] {
            assert_eq!(answered(status, error), Err(Refusal::Denied(status)));
        }
        for (status, body) in [
            (200, &error[..]),
            (200, b"W"),
            (200, br#"{"key": 7}"#),
            (201, key),
            (204, b""),
            (302, key),
            (400, br#"{"error": false}"#),
            (400, b""),
            (409, error),
            (429, error),
            (500, error),
            (503, key),
        ] {
            let refused = Err(Refusal::Unavailable(status));
            assert_eq!(answered(status, body), refused, "{status} {body:?}");
        }
    }

    #[test]
    fn a_body_names_the_contact_and_the_one_whose_key_it_gets() {
        let new = Create {
            id: "a".to_owned(),
            copy_from: None,
        };
        assert_eq!(serde_json::to_string(&new).unwrap(), r#"{"id":"a"}"#);
        let copy = Create {
            copy_from: Some("b".to_owned()),
            ..new
        };
        let text = serde_json::to_string(&copy).unwrap();
        assert_eq!(text, r#"{"id":"a","copyFrom":"b"}"#);
        assert_eq!(serde_json::from_str::<Create>(&text).unwrap(), copy);
    }

    #[test]
    fn a_query_names_the_contact_whatever_letters_its_id_has() {
        for id in ["AbC_-9", "a b&c=d/é", ""] {
            assert_eq!(contact_of(&query_of(id)).as_deref(), Some(id));
        }
        assert_eq!(contact_of("a=1&id=x&id=y").as_deref(), Some("x"));
        assert_eq!(contact_of("ID=x"), None);
        assert_eq!(contact_of(""), None);
    }

    #[test]
    fn a_get_is_signed_as_the_setting_says_and_verified_by_either_letter_case() {
        let tokens: Vec<_> = ["0f", "1e"]
            .map(|byte| SecretToken::parse(&byte.repeat(48)).unwrap())
            .into();
        let get = Call::Get("id=a");
        let mut tags = Vec::new();
        for (get_as, token_as) in [
            (SignGet::EmptyBody, TokenAs::Text),
            (SignGet::Query, TokenAs::Text),
            (SignGet::EmptyBody, TokenAs::Hex),
        ] {
            let signing = Signing {
                get: get_as,
                token: token_as,
            };
            let tag = signing.sign(&tokens[0], get).unwrap();
            for header in [tag.clone(), tag.to_uppercase()] {
                let found = signing.verify(&tokens, Some(&header), get);
                assert_eq!(found, Some(&tokens[0]));
            }
            assert_eq!(signing.verify(&tokens[1..], Some(&tag), get), None);
            assert_eq!(signing.verify(&tokens, None, get), None);
            tags.push(tag);
        }
        tags.sort();
        tags.dedup();
        assert_eq!(tags.len(), 3);
        let unsigned = Signing {
            get: SignGet::None,
            token: TokenAs::Text,
        };
        assert_eq!(unsigned.sign(&tokens[0], get), None);
        assert_eq!(unsigned.verify(&tokens, None, get), Some(&tokens[1]));
        // A POST is signed whatever is said of a GET.
        let post = Call::Post(b"{}");
        assert_eq!(unsigned.verify(&tokens, None, post), None);
        assert_eq!(unsigned.verify(&tokens, Some(&tags[0]), post), None);
        let tag = unsigned.sign(&tokens[1], post).unwrap();
        assert_eq!(unsigned.verify(&tokens, Some(&tag), post), Some(&tokens[1]));
    }
}
