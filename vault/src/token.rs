//! API tokens: their hashes stand in the configuration. `sottovoce vault token` makes one.

use serde::{Deserialize, Serialize};
use sottovoce::crypto::{Hash, secret};
use sottovoce::wire::Time;
use utoipa::ToSchema;

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Scope {
    /// List contacts, see the vault's state.
    #[serde(rename = "contacts:read")]
    ContactsRead,
    /// Read and search transcripts.
    #[serde(rename = "transcripts:read")]
    TranscriptsRead,
    /// Erase contacts.
    #[serde(rename = "contacts:erase")]
    ContactsErase,
    /// See webhook endpoints and what they were told.
    #[serde(rename = "webhooks:read")]
    WebhooksRead,
    /// Make and remove webhook endpoints.
    #[serde(rename = "webhooks:write")]
    WebhooksWrite,
}

/// A token, without itself.
#[derive(Clone, Debug)]
pub struct Token {
    /// What people call it.
    pub name: String,
    /// SHA-256 of it.
    pub hash: Hash,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Until when it is good.
    pub until: Time,
}

/// A caller is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no such token.
    Unknown,
    /// Its time is over.
    Expired,
    /// It may not do that.
    ScopeMissing,
}

/// Whether somebody with a token of this hash may do something now.
///
/// # Errors
/// [`Refused`].
pub fn may(tokens: &[Token], hash: &Hash, scope: Scope, now: Time) -> Result<(), Refused> {
    let is_it = |token: &&Token| secret::equal(token.hash.as_array(), hash.as_array());
    let token = tokens.iter().find(is_it).ok_or(Refused::Unknown)?;
    if token.until <= now {
        return Err(Refused::Expired);
    }
    if token.scopes.contains(&scope) {
        Ok(())
    } else {
        Err(Refused::ScopeMissing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_does_what_it_says_until_its_time_is_over() {
        let hash = Hash::new([1; 32]);
        let tokens = [Token {
            name: "reports".to_owned(),
            hash,
            scopes: vec![Scope::TranscriptsRead],
            until: Time::from_millis(10),
        }];
        let may = |hash: &Hash, scope, now| may(&tokens, hash, scope, Time::from_millis(now));
        assert_eq!(may(&hash, Scope::TranscriptsRead, 9), Ok(()));
        assert_eq!(
            may(&hash, Scope::TranscriptsRead, 10),
            Err(Refused::Expired)
        );
        assert_eq!(
            may(&hash, Scope::ContactsErase, 9),
            Err(Refused::ScopeMissing)
        );
        let other = Hash::new([2; 32]);
        assert_eq!(
            may(&other, Scope::TranscriptsRead, 9),
            Err(Refused::Unknown)
        );
    }
}
