//! Who calls the REST API: a program with an API token, which an administrator signed for.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use sottovoce::wire::AccountId;
use sottovoce_server::bearer;
use sottovoce_server::problem::Problem;

use super::error::ApiError;
use super::rates::Asker;
use crate::account::AccountHub;
use crate::refusal::Refusal;
use crate::relay::Shared;
use crate::store::ApiToken;
use sottovoce_server::clock;

/// What a token may do.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
pub(crate) enum Scope {
    /// Read root statement, policies, credentials, revocations, team keys, retention.
    #[serde(rename = "account:read")]
    AccountRead,
    /// Publish signed objects.
    #[serde(rename = "account:write")]
    AccountWrite,
    /// Lift bans.
    #[serde(rename = "bans:lift")]
    BansLift,
    /// List bans.
    #[serde(rename = "bans:read")]
    BansRead,
    /// Erase contacts.
    #[serde(rename = "contacts:erase")]
    ContactsErase,
    /// List contacts, read their ciphertext.
    #[serde(rename = "contacts:read")]
    ContactsRead,
    /// See the account's secret token.
    #[serde(rename = "secrets:read")]
    SecretsRead,
    /// Replace the account's secret token.
    #[serde(rename = "secrets:rotate")]
    SecretsRotate,
    /// List API tokens.
    #[serde(rename = "tokens:read")]
    TokensRead,
    /// Revoke API tokens.
    #[serde(rename = "tokens:revoke")]
    TokensRevoke,
    /// Read usage.
    #[serde(rename = "usage:read")]
    UsageRead,
    /// List webhook endpoints and deliveries.
    #[serde(rename = "webhooks:read")]
    WebhooksRead,
    /// Make, change and remove webhook endpoints, send again.
    #[serde(rename = "webhooks:write")]
    WebhooksWrite,
}

impl Scope {
    /// All of them, ascending by name.
    pub(crate) const ALL: [Self; 13] = [
        Self::AccountRead,
        Self::AccountWrite,
        Self::BansLift,
        Self::BansRead,
        Self::ContactsErase,
        Self::ContactsRead,
        Self::SecretsRead,
        Self::SecretsRotate,
        Self::TokensRead,
        Self::TokensRevoke,
        Self::UsageRead,
        Self::WebhooksRead,
        Self::WebhooksWrite,
    ];

    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::AccountRead => "account:read",
            Self::AccountWrite => "account:write",
            Self::BansLift => "bans:lift",
            Self::BansRead => "bans:read",
            Self::ContactsErase => "contacts:erase",
            Self::ContactsRead => "contacts:read",
            Self::SecretsRead => "secrets:read",
            Self::SecretsRotate => "secrets:rotate",
            Self::TokensRead => "tokens:read",
            Self::TokensRevoke => "tokens:revoke",
            Self::UsageRead => "usage:read",
            Self::WebhooksRead => "webhooks:read",
            Self::WebhooksWrite => "webhooks:write",
        }
    }

    /// The scope of a name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// An authenticated caller.
#[derive(Clone)]
pub(crate) struct Caller {
    /// The account of path and token.
    pub(super) hub: Arc<AccountHub>,
    /// Its token.
    pub(super) token: ApiToken,
}

impl Caller {
    /// Whether the token has a scope.
    pub(super) fn may(&self, scope: Scope) -> Result<(), ApiError> {
        if self.token.scopes.iter().any(|name| name == scope.name()) {
            Ok(())
        } else {
            Err(ApiError::ScopeMissing(scope))
        }
    }

    /// The account.
    pub(super) fn account(&self) -> AccountId {
        self.hub.id()
    }
}

impl FromRequestParts<Arc<Shared>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        shared: &Arc<Shared>,
    ) -> Result<Self, Self::Rejection> {
        // Repeatable requests are authenticated before their handler runs.
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        let hub = hub(parts, shared).await?;
        let address = super::address(shared, &parts.extensions, &parts.headers);
        if !shared.throttle.may_try(address) {
            return Err(Refusal::Throttled.into());
        }
        let caller = authenticate(parts, shared, hub)
            .await
            .inspect_err(|_| shared.throttle.failed(address))?;
        if !shared.rates.take(Asker::Token(caller.token.hash)) {
            return Err(Refusal::Throttled.into());
        }
        Ok(caller)
    }
}

/// The account that the path names.
pub(super) async fn hub(
    parts: &mut Parts,
    shared: &Arc<Shared>,
) -> Result<Arc<AccountHub>, Refusal> {
    let params = RawPathParams::from_request_parts(parts, shared).await;
    let named = params.ok().and_then(|params| {
        let (_, account) = params.iter().find(|(name, _)| *name == "account")?;
        account.parse::<AccountId>().ok()
    });
    let hub = named.and_then(|account| shared.accounts.get(&account));
    hub.map(Arc::clone).ok_or(Refusal::UnknownAccount)
}

async fn authenticate(
    parts: &Parts,
    shared: &Shared,
    hub: Arc<AccountHub>,
) -> Result<Caller, Problem> {
    let given = parts
        .headers
        .get(AUTHORIZATION)
        .ok_or(ApiError::TokenMissing)?;
    let hash = given
        .to_str()
        .ok()
        .and_then(bearer::of_header)
        .ok_or(ApiError::TokenUnknown)?;
    let found = shared.store.token(&hash).await?;
    let token = found.ok_or(ApiError::TokenUnknown)?;
    let now = clock::now();
    if token.account != hub.id() {
        return Err(ApiError::ForeignToken.into());
    }
    // A token is good for no longer than the administrator who signed for it is one.
    let standing = hub.book().await.standing(&token.by, now);
    if token.revoked.is_some() || !standing.is_administrator {
        return Err(ApiError::TokenRevoked.into());
    }
    if token.expires <= now {
        return Err(ApiError::TokenExpired.into());
    }
    Ok(Caller { hub, token })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_ascending_and_named_as_they_are_written() {
        let names: Vec<_> = Scope::ALL.iter().map(|scope| scope.name()).collect();
        assert!(names.is_sorted());
        for scope in Scope::ALL {
            let written = serde_json::json!(scope);
            assert_eq!(written, scope.name());
            assert_eq!(Scope::named(scope.name()), Some(scope));
        }
    }
}
