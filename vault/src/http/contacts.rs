//! Contacts, without what was said.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sottovoce::wire::{ContactId, Time};
use sottovoce_server::clock;
use sottovoce_server::problem::{Path, Problem, Query};
use utoipa::{IntoParams, ToSchema};

use super::{
    AccountPath, Api, Caller, ContactPath, cursor, erase_failed, store_failed, unknown_contact,
};
use crate::erasure::Erased;
use crate::store::StoredContact;
use crate::token::Scope;

/// Most contacts of one answer.
const MOST: usize = 200;
/// How many without a wish.
const USUAL: usize = 50;

/// A contact. Nothing of this is encrypted at any level.
#[derive(Serialize, ToSchema)]
pub(super) struct ContactView {
    /// Its id.
    contact: String,
    /// Its level: `transport` or `storage`.
    level: &'static str,
    /// Its entry point's id.
    entry_point: String,
    /// When it was created.
    created: u64,
    /// When it was closed, once that is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed: Option<u64>,
    /// Whether everything up to its close is stored.
    complete: bool,
    /// The last position that is stored.
    stored_to: u64,
    /// Why something of it is not stored yet, as a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_for: Option<&'static str>,
}

impl ContactView {
    pub(super) fn of(api: &Api, stored: &StoredContact) -> Self {
        Self {
            contact: stored.contact.to_string(),
            level: stored.level.name(),
            entry_point: stored.entry_point.clone(),
            created: stored.created.millis(),
            closed: stored.closed.map(Time::millis),
            complete: stored.is_complete,
            stored_to: stored.head,
            waits_for: api.status.waits_for(&stored.contact),
        }
    }
}

/// Contacts, newest first.
#[derive(Serialize, ToSchema)]
pub(super) struct ContactList {
    /// They.
    contacts: Vec<ContactView>,
    /// Where the list goes on, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Which part of the list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    /// How many at most, 200 at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// How the vault does.
#[derive(Serialize, ToSchema)]
pub(super) struct StatusView {
    /// What is in the way of the relay, as a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    relay: Option<String>,
    /// What is in the way of the database, as a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<&'static str>,
    /// What is in the way of all data keys, as a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<&'static str>,
    /// Contacts that are followed now.
    followed: u64,
    /// Contacts of which something cannot be stored, by the code of the reason.
    waiting: Vec<Waiting>,
}

/// Contacts that wait for one thing.
#[derive(Serialize, ToSchema)]
struct Waiting {
    /// For what, as a code.
    code: &'static str,
    /// How many.
    contacts: u64,
}

/// What became of an erasure.
#[derive(Serialize, ToSchema)]
struct ErasedView {
    /// `erased`; `pending`: nothing is left here, and the key manager is asked until it has erased the
    /// contact's secret; or `kept`: nothing is left here, and the service of the older shape that gave the
    /// contact's key cannot be asked to erase it.
    key: &'static str,
}

/// List contacts.
#[utoipa::path(get, path = "/v1/accounts/{account}/contacts", operation_id = "list_contacts",
    params(AccountPath, Page), security(("token" = ["contacts:read"])),
    responses((status = 200, description = "Contacts, newest first", body = ContactList)))]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Path(path): Path<AccountPath>,
    Query(page): Query<Page>,
    caller: Caller,
) -> Result<axum::Json<ContactList>, Problem> {
    api.may(&caller, &path.account, Scope::ContactsRead)?;
    let after = page.cursor.as_deref().map(cursor::read).transpose()?;
    let limit = page.limit.unwrap_or(USUAL).clamp(1, MOST);
    let found = api.archive.store.contacts(after, limit).await;
    let found = found.map_err(store_failed)?;
    let next = found.last().filter(|_| found.len() == limit);
    Ok(axum::Json(ContactList {
        next: next.map(cursor::after),
        contacts: found
            .iter()
            .map(|stored| ContactView::of(&api, stored))
            .collect(),
    }))
}

/// See a contact.
#[utoipa::path(get, path = "/v1/accounts/{account}/contacts/{contact}", operation_id = "read_contact",
    params(ContactPath), security(("token" = ["contacts:read"])),
    responses((status = 200, description = "It", body = ContactView)))]
pub(super) async fn one(
    State(api): State<Arc<Api>>,
    Path(path): Path<ContactPath>,
    caller: Caller,
) -> Result<axum::Json<ContactView>, Problem> {
    api.may(&caller, &path.account, Scope::ContactsRead)?;
    let stored = api.contact(&path).await?;
    Ok(axum::Json(ContactView::of(&api, &stored)))
}

/// Erase a contact.
///
/// Nothing of it is left in the vault, and nothing more of it is stored. At level `storage` the key manager
/// erases its secret as well. The relay's ciphertext and open devices are not reached: the relay has its
/// own erasure. Erasing it again changes nothing.
#[utoipa::path(delete, path = "/v1/accounts/{account}/contacts/{contact}", operation_id = "erase_contact",
    params(ContactPath), security(("token" = ["contacts:erase"])),
    responses((status = 200, description = "It is erased", body = ErasedView),
        (status = 202, description = "It is erased here; the key manager is still to follow", body = ErasedView)))]
pub(super) async fn erase(
    State(api): State<Arc<Api>>,
    Path(path): Path<ContactPath>,
    caller: Caller,
) -> Result<Response, Problem> {
    api.may(&caller, &path.account, Scope::ContactsErase)?;
    let contact: ContactId = path.contact.parse().map_err(|_| unknown_contact())?;
    let known = api.archive.store.contact(&contact).await;
    known.map_err(store_failed)?.ok_or_else(unknown_contact)?;
    let erased = api.erasures.erase(contact, clock::now()).await;
    let (status, key) = match erased.map_err(erase_failed)? {
        Erased::Wholly => (StatusCode::OK, "erased"),
        Erased::KeyPending => (StatusCode::ACCEPTED, "pending"),
        Erased::KeyKept => (StatusCode::OK, "kept"),
    };
    Ok((status, axum::Json(ErasedView { key })).into_response())
}

/// See how the vault does.
#[utoipa::path(get, path = "/v1/accounts/{account}/status", operation_id = "read_status",
    params(AccountPath), security(("token" = ["contacts:read"])),
    responses((status = 200, description = "What is in the way, if anything", body = StatusView)))]
pub(super) async fn status(
    State(api): State<Arc<Api>>,
    Path(path): Path<AccountPath>,
    caller: Caller,
) -> Result<axum::Json<StatusView>, Problem> {
    api.may(&caller, &path.account, Scope::ContactsRead)?;
    let waiting = api.status.waiting().into_iter();
    Ok(axum::Json(StatusView {
        relay: api.status.relay(),
        database: api.status.database(),
        keys: api.archive.keys.trouble().map(|error| error.code()),
        followed: api.status.followed(),
        waiting: waiting
            .map(|(code, contacts)| Waiting { code, contacts })
            .collect(),
    }))
}
