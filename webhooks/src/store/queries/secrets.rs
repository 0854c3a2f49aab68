//! Secret tokens of accounts and Standard Webhooks keys of endpoints.

use sottovoce::wire::{AccountId, Time};
use sqlx::{QueryBuilder, Row as _};

use super::super::dialect::{Connection, Db, FOR_UPDATE, Row};
use super::{blob, millis, read_optional_time, read_time};
use crate::endpoint::{EndpointId, EndpointKeys};
use crate::keys::{SecretToken, SharedSecret, SigningKey};
use crate::store::{AccountToken, StoreError};

/// Most generations of an endpoint's keys that sign at the same time.
const GENERATIONS: i64 = 8;

/// The valid tokens, newest first. Makes the account's first.
pub(super) async fn tokens(
    connection: &mut Connection,
    account: &AccountId,
    now: Time,
) -> Result<Vec<AccountToken>, StoreError> {
    sqlx::query(
        "INSERT INTO webhook_tokens (account, generation, token, created)
         SELECT $1, 1, $2, $3
         WHERE NOT EXISTS (SELECT 1 FROM webhook_tokens WHERE account = $1)
         ON CONFLICT (account, generation) DO NOTHING",
    )
    .bind(blob(account.as_array()))
    .bind(SecretToken::generate()?.expose().to_owned())
    .bind(millis(now)?)
    .execute(&mut *connection)
    .await?;
    valid_tokens(connection, account, now).await
}

pub(super) async fn valid_tokens(
    connection: &mut Connection,
    account: &AccountId,
    now: Time,
) -> Result<Vec<AccountToken>, StoreError> {
    let rows = sqlx::query(
        "SELECT token, created, until FROM webhook_tokens
         WHERE account = $1 AND (until IS NULL OR until > $2) ORDER BY generation DESC LIMIT 2",
    )
    .bind(blob(account.as_array()))
    .bind(millis(now)?)
    .fetch_all(connection)
    .await?;
    let read = |row: &Row| {
        let token: String = row.try_get("token")?;
        Ok(AccountToken {
            token: SecretToken::parse(&token).map_err(|_| StoreError::Unreadable)?,
            created: read_time(row, "created")?,
            until: read_optional_time(row, "until")?,
        })
    };
    rows.iter().map(read).collect()
}

/// A new token. The newest before it is valid until `until`. If that is now, all former ones are
/// void; otherwise there must be none whose time is not over, as only one signs beside the newest.
pub(super) async fn rotate_token(
    connection: &mut Connection,
    account: &AccountId,
    until: Time,
    now: Time,
) -> Result<(), StoreError> {
    let account = blob(account.as_array());
    let mut query =
        QueryBuilder::<Db>::new("SELECT generation FROM webhook_tokens WHERE account = ");
    query.push_bind(account.clone());
    query.push(" AND until IS NULL").push(FOR_UPDATE);
    let newest: i64 = query
        .build_query_scalar()
        .fetch_one(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM webhook_tokens WHERE account = $1 AND (until <= $3 OR $2 <= $3)")
        .bind(account.clone())
        .bind(millis(until)?)
        .bind(millis(now)?)
        .execute(&mut *connection)
        .await?;
    let former: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM webhook_tokens WHERE account = $1 AND until IS NOT NULL",
    )
    .bind(account.clone())
    .fetch_one(&mut *connection)
    .await?;
    if former > 0 {
        return Err(StoreError::RotationUnderWay);
    }
    sqlx::query("UPDATE webhook_tokens SET until = $2 WHERE account = $1")
        .bind(account.clone())
        .bind(millis(until)?)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "INSERT INTO webhook_tokens (account, generation, token, created) VALUES ($1, $2, $3, $4)",
    )
    .bind(account)
    .bind(newest.saturating_add(1))
    .bind(SecretToken::generate()?.expose().to_owned())
    .bind(millis(now)?)
    .execute(connection)
    .await?;
    Ok(())
}

/// New keys of an endpoint.
pub(super) async fn make_keys(
    connection: &mut Connection,
    endpoint: &EndpointId,
    generation: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO webhook_endpoint_keys (endpoint, generation, secret, private_key)
         VALUES ($1, $2, $3, $4)",
    )
    .bind(endpoint.as_str().to_owned())
    .bind(generation)
    .bind(SharedSecret::generate()?.expose().to_string())
    .bind(SigningKey::generate()?.expose().to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// Says until when the newest keys sign, and returns their number. Older ones sign until their own
/// time is over, unless the newest end now: then they all do.
pub(super) async fn retire_keys(
    connection: &mut Connection,
    endpoint: &EndpointId,
    until: Time,
    now: Time,
) -> Result<i64, StoreError> {
    let endpoint = endpoint.as_str().to_owned();
    let newest: i64 = sqlx::query_scalar(
        "SELECT coalesce(max(generation), 0) FROM webhook_endpoint_keys WHERE endpoint = $1",
    )
    .bind(endpoint.clone())
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query(
        "DELETE FROM webhook_endpoint_keys WHERE endpoint = $1 AND (until <= $3 OR $2 <= $3)",
    )
    .bind(endpoint.clone())
    .bind(millis(until)?)
    .bind(millis(now)?)
    .execute(&mut *connection)
    .await?;
    let signing: i64 =
        sqlx::query_scalar("SELECT count(*) FROM webhook_endpoint_keys WHERE endpoint = $1")
            .bind(endpoint.clone())
            .fetch_one(&mut *connection)
            .await?;
    if signing >= GENERATIONS {
        return Err(StoreError::RotationUnderWay);
    }
    sqlx::query(
        "UPDATE webhook_endpoint_keys SET until = $2 WHERE endpoint = $1 AND until IS NULL",
    )
    .bind(endpoint)
    .bind(millis(until)?)
    .execute(connection)
    .await?;
    Ok(newest)
}

/// The keys that sign, newest first, as they are shown.
pub(super) async fn shown_keys(
    connection: &mut Connection,
    endpoint: &EndpointId,
    now: Time,
) -> Result<Vec<EndpointKeys>, StoreError> {
    let shown = |(secret, key, until): (SharedSecret, SigningKey, Option<Time>)| EndpointKeys {
        secret,
        public: key.public(),
        until,
    };
    let keys = select_keys(connection, endpoint, now).await?;
    Ok(keys.into_iter().map(shown).collect())
}

/// The keys that sign, newest first.
pub(super) async fn signing_keys(
    connection: &mut Connection,
    endpoint: &EndpointId,
    now: Time,
) -> Result<Vec<(SharedSecret, SigningKey)>, StoreError> {
    let keys = select_keys(connection, endpoint, now).await?;
    let pair = |(secret, key, _)| (secret, key);
    Ok(keys.into_iter().map(pair).collect())
}

async fn select_keys(
    connection: &mut Connection,
    endpoint: &EndpointId,
    now: Time,
) -> Result<Vec<(SharedSecret, SigningKey, Option<Time>)>, StoreError> {
    let rows = sqlx::query(
        "SELECT secret, private_key, until FROM webhook_endpoint_keys
         WHERE endpoint = $1 AND (until IS NULL OR until > $2) ORDER BY generation DESC",
    )
    .bind(endpoint.as_str().to_owned())
    .bind(millis(now)?)
    .fetch_all(connection)
    .await?;
    let read = |row: &Row| {
        let secret: String = row.try_get("secret")?;
        let key: String = row.try_get("private_key")?;
        Ok((
            SharedSecret::parse(&secret).map_err(|_| StoreError::Unreadable)?,
            SigningKey::parse(&key).map_err(|_| StoreError::Unreadable)?,
            read_optional_time(row, "until")?,
        ))
    };
    rows.iter().map(read).collect()
}
