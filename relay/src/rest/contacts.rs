//! Contacts: what a relay knows of them, their ciphertext, their erasure.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sottovoce::contact::Commit;
use sottovoce::wire::codec::to_base64url;
use sottovoce::wire::frame::{ContactSummary, Entry};
use sottovoce::wire::{ContactId, Time, decode, limits};
use sottovoce_server::problem::{Path, Problem, Query};
use utoipa::{IntoParams, ToSchema};

use super::caller::{Caller, Scope};
use super::error::ApiError;
use super::path::{self, AccountPath, ContactPath};
use super::{cached, cursor};
use crate::outcome::{self, Outcome};
use crate::refusal::Refusal;
use crate::relay::Shared;
use crate::retention;
use crate::store::{ContactFilter, ContactPlace, Gone, ListedContact, ListedEntry};
use sottovoce_server::clock;

/// Most commits whose changes one contact's answer lists.
const COMMITS: usize = 256;

/// Which contacts are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ContactsQuery {
    /// How many at most; 50 if it is not said.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// Where to go on: the last page's `next`.
    cursor: Option<String>,
    /// `open` or `closed` ones only.
    #[param(inline)]
    state: Option<StateFilter>,
    /// Of this entry point only.
    entry_point: Option<String>,
    /// Only those that are or were addressed to this team.
    team: Option<String>,
    /// Begun at this time or later, in milliseconds since 1970, by the relay's clock.
    #[param(maximum = 253402300799999u64)]
    created_from: Option<u64>,
    /// Begun before this time.
    #[param(maximum = 253402300799999u64)]
    created_until: Option<u64>,
    /// With a last entry at this time or later.
    #[param(maximum = 253402300799999u64)]
    changed_from: Option<u64>,
    /// With a last entry before this time.
    #[param(maximum = 253402300799999u64)]
    changed_until: Option<u64>,
}

/// Whether a contact is closed.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum StateFilter {
    /// Not closed.
    Open,
    /// Closed.
    Closed,
}

/// Which entries are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct EntriesQuery {
    /// How many at most; 50 if it is not said.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// Entries after this position; 0, or nothing, for all.
    #[param(maximum = 9007199254740991u64)]
    after: Option<u64>,
}

/// What a relay knows of a contact.
#[derive(Serialize, ToSchema)]
pub(super) struct ContactView {
    /// The contact's id.
    contact: String,
    /// Id of its entry point.
    entry_point: String,
    /// Whether it is `open` or `closed`.
    state: &'static str,
    /// How it ended: `open`, `successful`, `no-interaction`, `dissuaded`, `abandoned` or
    /// `cancelled`. Counts of envelopes decide, and receipts are envelopes.
    outcome: &'static str,
    /// When it began, in milliseconds since 1970, by the relay's clock.
    created: u64,
    /// When its last entry arrived.
    changed: u64,
    /// When somebody first claimed it, or began it as staff.
    claimed: Option<u64>,
    /// When it was closed.
    closed: Option<u64>,
    /// The last position.
    head: u64,
    /// The epoch in force.
    epoch: u64,
    /// How often it was handed on.
    transferred: u64,
    /// Teams on the roster: the contact waits for one of them.
    teams: Vec<String>,
    /// Devices on the roster.
    devices: Vec<String>,
    /// Envelopes by side.
    counts: Counts,
    /// Bytes of all entries.
    bytes: u64,
    /// When the entries' bytes were dropped because their time was over.
    expired: Option<u64>,
}

/// Envelopes by side. Receipts are envelopes.
#[derive(Serialize, ToSchema)]
pub(super) struct Counts {
    /// Of the visitor.
    visitor: u64,
    /// Of agents and supervisors, to everybody.
    staff: u64,
    /// Of bots and servers, to everybody.
    service: u64,
    /// For staff only.
    notes: u64,
}

/// A contact and how its roster came about.
#[derive(Serialize, ToSchema)]
pub(super) struct ContactDetail {
    #[serde(flatten)]
    contact: ContactView,
    /// The level, fixed for its life: `transport`, `storage` or `e2ee`. Unknown once expired.
    level: Option<&'static str>,
    /// Its epochs, oldest first, 256 at most; none once expired.
    epochs: Vec<EpochView>,
}

/// An epoch, as its commit began it.
#[derive(Serialize, ToSchema)]
pub(super) struct EpochView {
    /// Its number.
    epoch: u64,
    /// Why: `create`, `claim`, `transfer`, `invite`, `remove`, `rekey` or `close`.
    reason: &'static str,
    /// The committer's device.
    committer: String,
    /// The committer's clock.
    time: u64,
    /// Who holds keys from then on.
    members: Vec<MemberView>,
    /// Teams that hold keys from then on.
    teams: Vec<String>,
}

/// A member of a roster.
#[derive(Serialize, ToSchema)]
pub(super) struct MemberView {
    /// The device.
    device: String,
    /// Its role.
    role: &'static str,
}

/// A page of contacts.
#[derive(Serialize, ToSchema)]
pub(super) struct ContactPage {
    /// Contacts, newest first.
    contacts: Vec<ContactView>,
    /// The cursor of the next page, if there is one.
    next: Option<String>,
}

/// A page of entries.
#[derive(Serialize, ToSchema)]
pub(super) struct EntryPage {
    /// Entries in order.
    entries: Vec<EntryView>,
    /// The last position of the contact.
    head: u64,
    /// What to ask for `after` to go on, if there is more.
    next: Option<u64>,
}

/// An entry of a contact's log: ciphertext.
#[derive(Serialize, ToSchema)]
pub(super) struct EntryView {
    /// Its position, from 1 without gaps.
    position: u64,
    /// `commit` or `envelope`.
    kind: &'static str,
    /// The device that appended it.
    device: String,
    /// When it arrived, by the relay's clock.
    received: u64,
    /// SHA-256 of its bytes.
    sha256: String,
    /// The encoded entry (SPEC 4.1, 5.1) as base64url; absent once its bytes were dropped.
    bytes: Option<String>,
}

/// What is left of an erased contact.
#[derive(Serialize, ToSchema)]
pub(super) struct Erasure {
    /// The contact.
    contact: String,
    /// A `Tombstone` (SPEC 3.10), signed by the relay, as base64url.
    tombstone: String,
    /// What no server can reach: the administrator has to know.
    beyond_reach: Vec<&'static str>,
}

/// List contacts.
#[utoipa::path(get, path = "/contacts", operation_id = "list_contacts", tag = "contacts", params(AccountPath, ContactsQuery),
    security(("token" = ["contacts:read"])),
    responses((status = 200, description = "Contacts, newest first", body = ContactPage)))]
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Query(query): Query<ContactsQuery>,
) -> Result<axum::Json<ContactPage>, Problem> {
    caller.may(Scope::ContactsRead)?;
    let account = caller.account();
    let limit = path::limit(query.limit)?;
    let filter = filter(&query);
    let list = format!("contacts {account} {filter:?}");
    let after = match &query.cursor {
        None => None,
        Some(given) => Some(read_place(&cursor::read(&list, given)?)?),
    };
    let mut found = shared
        .store
        .list_contacts(&account, &filter, after, limit + 1)
        .await?;
    let asked = usize::try_from(limit).unwrap_or(1);
    let more = found.len() > asked;
    found.truncate(asked);
    let next = found.last().filter(|_| more).map(|last| {
        let place = place(&(last.began, last.summary.contact));
        cursor::make(&list, &place)
    });
    let now = clock::now();
    let contacts = found.into_iter().map(|it| contact_view(it, now)).collect();
    Ok(axum::Json(ContactPage { contacts, next }))
}

/// Read what is known of a contact.
#[utoipa::path(get, path = "/contacts/{contact}", operation_id = "read_contact", tag = "contacts", params(ContactPath),
    security(("token" = ["contacts:read"])),
    responses((status = 200, description = "The contact", body = ContactDetail)))]
pub(super) async fn one(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    headers: HeaderMap,
    Path(path): Path<ContactPath>,
) -> Result<Response, Problem> {
    caller.may(Scope::ContactsRead)?;
    let (account, contact) = (caller.account(), contact_id(&path)?);
    let view = async || {
        let known = known(&shared, &caller, &contact).await?;
        Ok::<_, Problem>(contact_view(known, clock::now()))
    };
    let mut detail = ContactDetail {
        level: None,
        epochs: Vec::new(),
        contact: view().await?,
    };
    if detail.contact.expired.is_some() {
        return cached(&headers, &detail);
    }
    let stored = shared.store.contact(&account, &contact).await?;
    let commits = stored.map_or(Vec::new(), |(_, commits)| commits);
    if commits.iter().any(Vec::is_empty) {
        // Its entries were dropped just now.
        detail.contact = view().await?;
        return cached(&headers, &detail);
    }
    for bytes in commits.iter().take(COMMITS) {
        let commit = read_commit(bytes).ok_or_else(Problem::internal)?;
        detail.level = Some(commit.core().level.name());
        detail.epochs.push(epoch_view(&commit));
    }
    cached(&headers, &detail)
}

/// Read a contact's entries.
///
/// They are ciphertext: `sottovoce open` decrypts them for who holds the keys.
#[utoipa::path(get, path = "/contacts/{contact}/entries", tag = "contacts",
    params(ContactPath, EntriesQuery), security(("token" = ["contacts:read"])),
    responses((status = 200, description = "Entries in order", body = EntryPage)))]
pub(super) async fn entries(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(path): Path<ContactPath>,
    Query(query): Query<EntriesQuery>,
) -> Result<axum::Json<EntryPage>, Problem> {
    caller.may(Scope::ContactsRead)?;
    let (account, contact) = (caller.account(), contact_id(&path)?);
    let limit = path::limit(query.limit)?;
    let after = query.after.unwrap_or(0);
    if i64::try_from(after).is_err() {
        return Err(ApiError::RangeInvalid("`after` is at most 9223372036854775807").into());
    }
    let head = known(&shared, &caller, &contact).await?.summary.head;
    let found = shared
        .store
        .list_entries(&account, &contact, after, limit)
        .await?;
    let last = found.last().map_or(after, |entry| entry.position);
    Ok(axum::Json(EntryPage {
        next: (last < head && !found.is_empty()).then_some(last),
        entries: found.into_iter().map(entry_view).collect(),
        head,
    }))
}

/// Erase a contact.
///
/// Its entries, roster, seals and waiting webhook deliveries go, on every node; a signed tombstone
/// stays. Whoever is connected is told. Erasing it again shows the same tombstone.
#[utoipa::path(delete, path = "/contacts/{contact}", tag = "contacts", params(ContactPath),
    security(("token" = ["contacts:erase"])),
    responses((status = 200, description = "It is erased", body = Erasure)))]
pub(super) async fn erase(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(path): Path<ContactPath>,
) -> Result<(StatusCode, axum::Json<Erasure>), Problem> {
    caller.may(Scope::ContactsErase)?;
    let (account, contact) = (caller.account(), contact_id(&path)?);
    let tombstone = retention::erase(&shared, &account, &contact).await?;
    let tombstone = tombstone.ok_or(Refusal::UnknownContact)?;
    let erasure = Erasure {
        contact: contact.to_string(),
        tombstone: to_base64url(&tombstone),
        beyond_reach: vec![
            "what the participants' devices have stored or shown",
            "webhook deliveries that their receivers have taken",
            "backups of the database that were made before",
        ],
    };
    Ok((StatusCode::OK, axum::Json(erasure)))
}

/// A contact of the caller's account, or why there is none.
async fn known(
    shared: &Shared,
    caller: &Caller,
    contact: &ContactId,
) -> Result<ListedContact, Refusal> {
    let account = caller.account();
    if let Some(known) = shared.store.listed_contact(&account, contact).await? {
        return Ok(known);
    }
    match shared.store.gone(&account, contact).await? {
        Some(Gone::Erased(_)) => Err(Refusal::Erased),
        _ => Err(Refusal::UnknownContact),
    }
}

fn contact_id(path: &ContactPath) -> Result<ContactId, Refusal> {
    path.contact.parse().map_err(|_| Refusal::UnknownContact)
}

fn filter(query: &ContactsQuery) -> ContactFilter {
    // Later times than the database's integers hold are never.
    const LATEST: u64 = i64::MAX.unsigned_abs();
    let time = |millis: Option<u64>| millis.map(|it| Time::from_millis(it.min(LATEST)));
    ContactFilter {
        closed: query
            .state
            .map(|state| matches!(state, StateFilter::Closed)),
        entry_point: query.entry_point.clone(),
        team: query.team.clone(),
        began_from: time(query.created_from),
        began_until: time(query.created_until),
        changed_from: time(query.changed_from),
        changed_until: time(query.changed_until),
    }
}

fn place((began, contact): &ContactPlace) -> Vec<u8> {
    [began.millis().to_be_bytes().as_slice(), contact.as_array()].concat()
}

fn read_place(bytes: &[u8]) -> Result<ContactPlace, ApiError> {
    let (began, contact) = bytes.split_first_chunk().ok_or(ApiError::CursorInvalid)?;
    let began = u64::from_be_bytes(*began);
    let contact = ContactId::from_slice(contact).ok_or(ApiError::CursorInvalid)?;
    if i64::try_from(began).is_err() {
        return Err(ApiError::CursorInvalid);
    }
    Ok((Time::from_millis(began), contact))
}

fn contact_view(listed: ListedContact, now: Time) -> ContactView {
    let ListedContact {
        summary,
        began,
        changed,
        tally,
        dropped,
    } = listed;
    let outcome = outcome::outcome(&tally, began, changed, now);
    let ContactSummary {
        contact,
        entry_point,
        head,
        epoch,
        teams,
        devices,
        closed,
        created: _,
        past_teams: _,
        responsible: _,
        waiting_since: _,
    } = summary;
    ContactView {
        contact: contact.to_string(),
        entry_point,
        state: if closed { "closed" } else { "open" },
        outcome: outcome_name(outcome),
        created: began.millis(),
        changed: changed.millis(),
        claimed: tally.claimed.map(Time::millis),
        closed: tally.closed.map(|(time, _)| time.millis()),
        head,
        epoch,
        transferred: tally.transfers,
        teams,
        devices: devices.iter().map(ToString::to_string).collect(),
        counts: Counts {
            visitor: tally.visitor,
            staff: tally.staff,
            service: tally.service,
            notes: tally.notes,
        },
        bytes: tally.bytes,
        expired: dropped.map(Time::millis),
    }
}

const fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Open => "open",
        Outcome::Successful => "successful",
        Outcome::NoInteraction => "no-interaction",
        Outcome::Dissuaded => "dissuaded",
        Outcome::Abandoned => "abandoned",
        Outcome::Cancelled => "cancelled",
    }
}

fn entry_view(entry: ListedEntry) -> EntryView {
    EntryView {
        position: entry.position,
        kind: if entry.is_commit {
            "commit"
        } else {
            "envelope"
        },
        device: entry.device.to_string(),
        received: entry.received.millis(),
        sha256: entry.hash.to_string(),
        bytes: entry.bytes.map(|bytes| to_base64url(&bytes)),
    }
}

fn read_commit(bytes: &[u8]) -> Option<Commit> {
    match decode(bytes, limits::ENTRY).ok()? {
        Entry::Commit(commit) => Commit::parse(&commit).ok(),
        Entry::Envelope(_) => None,
    }
}

fn epoch_view(commit: &Commit) -> EpochView {
    use sottovoce::contact::Reason;
    let core = commit.core();
    EpochView {
        epoch: core.epoch,
        reason: match core.reason {
            Reason::Create => "create",
            Reason::Claim => "claim",
            Reason::Transfer => "transfer",
            Reason::Invite => "invite",
            Reason::Remove => "remove",
            Reason::Rekey => "rekey",
            Reason::Close => "close",
        },
        committer: core.committer.to_string(),
        time: core.time.millis(),
        members: core
            .roster
            .members
            .iter()
            .map(|member| MemberView {
                device: member.device.to_string(),
                role: member.role.name(),
            })
            .collect(),
        teams: core.roster.teams.iter().map(|it| it.team.clone()).collect(),
    }
}
