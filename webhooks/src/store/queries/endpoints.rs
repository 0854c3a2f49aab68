//! Endpoints.

use sottovoce::wire::{AccountId, Time};
use sqlx::{QueryBuilder, Row as _};
use url::Url;

use super::{blob, millis, read_account, read_number, read_time};
use crate::endpoint::{
    Disabled, ENDPOINTS, Endpoint, EndpointChange, EndpointError, EndpointId, HmacHeader,
    Registration, Settings, Shape,
};
use crate::event::Kinds;
use crate::keys::TokenUse;
use crate::store::StoreError;

use super::super::dialect::{Connection, Db, FOR_UPDATE, Row};

const SELECT: &str = "SELECT id, account, url, kinds, header, token_use, shape, disabled, created
     FROM webhook_endpoints WHERE account = ";

pub(super) async fn create(
    connection: &mut Connection,
    account: &AccountId,
    registration: &Registration,
    now: Time,
) -> Result<Endpoint, StoreError> {
    if all(connection, account).await?.len() >= ENDPOINTS {
        return Err(EndpointError::TooMany.into());
    }
    let id = EndpointId::fresh()?;
    sqlx::query(
        "INSERT INTO webhook_endpoints (id, account, url, kinds, header, token_use, shape, created)
         VALUES ($1, $2, '', 0, '', 0, 0, $3)",
    )
    .bind(id.as_str().to_owned())
    .bind(blob(account.as_array()))
    .bind(millis(now)?)
    .execute(&mut *connection)
    .await?;
    register(connection, &id, registration).await?;
    Ok(Endpoint {
        id,
        account: *account,
        registration: registration.clone(),
        disabled: None,
        created: now,
    })
}

async fn register(
    connection: &mut Connection,
    id: &EndpointId,
    registration: &Registration,
) -> Result<(), StoreError> {
    let settings = registration.settings();
    sqlx::query(
        "UPDATE webhook_endpoints SET url = $2, kinds = $3, header = $4, token_use = $5, shape = $6
         WHERE id = $1",
    )
    .bind(id.as_str().to_owned())
    .bind(registration.url().as_str().to_owned())
    .bind(i64::from(registration.kinds().bits()))
    .bind(settings.header.as_str().to_owned())
    .bind(i64::from(settings.token_use == TokenUse::Hex))
    .bind(i64::from(settings.shape == Shape::Older))
    .execute(&mut *connection)
    .await?;
    Ok(())
}

pub(super) async fn all(
    connection: &mut Connection,
    account: &AccountId,
) -> Result<Vec<Endpoint>, StoreError> {
    let mut query = QueryBuilder::<Db>::new(SELECT);
    query.push_bind(blob(account.as_array()));
    query.push(" ORDER BY created, id");
    let rows = query.build().fetch_all(connection).await?;
    rows.iter().map(read).collect()
}

pub(super) async fn one(
    connection: &mut Connection,
    account: &AccountId,
    id: &EndpointId,
) -> Result<Option<Endpoint>, StoreError> {
    select_one(connection, account, id, "").await
}

/// The same, and nobody else changes it until the end of the transaction.
pub(super) async fn lock(
    connection: &mut Connection,
    account: &AccountId,
    id: &EndpointId,
) -> Result<Option<Endpoint>, StoreError> {
    select_one(connection, account, id, FOR_UPDATE).await
}

async fn select_one(
    connection: &mut Connection,
    account: &AccountId,
    id: &EndpointId,
    locking: &str,
) -> Result<Option<Endpoint>, StoreError> {
    let mut query = QueryBuilder::<Db>::new(SELECT);
    query.push_bind(blob(account.as_array()));
    query.push(" AND id = ").push_bind(id.as_str().to_owned());
    query.push(locking);
    let row = query.build().fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn change(
    connection: &mut Connection,
    account: &AccountId,
    id: &EndpointId,
    change: &EndpointChange,
    now: Time,
) -> Result<(), StoreError> {
    let Some(endpoint) = one(connection, account, id).await? else {
        return Ok(());
    };
    match (change.enabled, endpoint.disabled) {
        (Some(true), Some(_)) => {
            lock_lanes(connection, id).await?;
            // Whatever waits is tried at once.
            sqlx::query(
                "UPDATE webhook_lanes SET due = $2
                 WHERE endpoint = $1 AND holder IS NULL AND due > $2",
            )
            .bind(id.as_str().to_owned())
            .bind(millis(now)?)
            .execute(&mut *connection)
            .await?;
            disable(connection, id, None).await?;
        }
        (Some(false), None) => disable(connection, id, Some(Disabled::ByAccount)).await?,
        _ => {}
    }
    match &change.registration {
        Some(registration) => register(connection, id, registration).await,
        None => Ok(()),
    }
}

/// Locks an endpoint's lanes, in the order in which everybody does, and before the endpoint itself.
async fn lock_lanes(connection: &mut Connection, id: &EndpointId) -> Result<(), StoreError> {
    let mut query = QueryBuilder::<Db>::new("SELECT lane FROM webhook_lanes WHERE endpoint = ");
    query.push_bind(id.as_str().to_owned());
    query.push(" ORDER BY lane").push(FOR_UPDATE);
    query.build().fetch_all(connection).await?;
    Ok(())
}

/// Says why an endpoint is not called any more, or that it is.
pub(super) async fn disable(
    connection: &mut Connection,
    id: &EndpointId,
    reason: Option<Disabled>,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE webhook_endpoints SET disabled = $2 WHERE id = $1")
        .bind(id.as_str().to_owned())
        .bind(reason.map(|reason| reason.code().to_owned()))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn delete(
    connection: &mut Connection,
    account: &AccountId,
    id: &EndpointId,
) -> Result<bool, StoreError> {
    if one(connection, account, id).await?.is_none() {
        return Ok(false);
    }
    lock_lanes(connection, id).await?;
    for statement in [
        "DELETE FROM webhook_lanes WHERE endpoint = $1",
        "DELETE FROM webhook_attempts WHERE delivery IN
             (SELECT id FROM webhook_deliveries WHERE endpoint = $1)",
        "DELETE FROM webhook_deliveries WHERE endpoint = $1",
        "DELETE FROM webhook_endpoint_keys WHERE endpoint = $1",
        "DELETE FROM webhook_endpoints WHERE id = $1",
    ] {
        sqlx::query(statement)
            .bind(id.as_str().to_owned())
            .execute(&mut *connection)
            .await?;
    }
    Ok(true)
}

fn read(row: &Row) -> Result<Endpoint, StoreError> {
    let disabled: Option<String> = row.try_get("disabled")?;
    let reason = |code: String| {
        let known = Disabled::ALL
            .into_iter()
            .find(|reason| reason.code() == code);
        known.ok_or(StoreError::Unreadable)
    };
    Ok(Endpoint {
        id: EndpointId::stored(row.try_get("id")?),
        account: read_account(row)?,
        registration: read_registration(row)?,
        disabled: disabled.map(reason).transpose()?,
        created: read_time(row, "created")?,
    })
}

pub(super) fn read_registration(row: &Row) -> Result<Registration, StoreError> {
    let url: String = row.try_get("url")?;
    let header: String = row.try_get("header")?;
    let settings = Settings {
        header: HmacHeader::parse(&header).map_err(|_| StoreError::Unreadable)?,
        token_use: match read_number::<i64>(row, "token_use")? {
            0 => TokenUse::Text,
            1 => TokenUse::Hex,
            _ => return Err(StoreError::Unreadable),
        },
        shape: match read_number::<i64>(row, "shape")? {
            0 => Shape::Current,
            1 => Shape::Older,
            _ => return Err(StoreError::Unreadable),
        },
    };
    let url = Url::parse(&url).map_err(|_| StoreError::Unreadable)?;
    let kinds = Kinds::from_bits(read_number(row, "kinds")?);
    Ok(Registration::stored(url, kinds, settings))
}
