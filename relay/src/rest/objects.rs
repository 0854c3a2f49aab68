//! What an account says about itself: root statement, policies, credentials, revocations, team
//! keys. Publishing is judged as on the WebSocket.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sottovoce::account::{AccountError, Credential, Policy, Renewal, RootStatement, TeamKey};
use sottovoce::crypto::Hash;
use sottovoce::wire::frame::{Object, ObjectKind, Query as Wanted};
use sottovoce::wire::{DecodeError, DeviceId, Signed};
use sottovoce_server::problem::{Json, Path, Problem, Query};
use utoipa::ToSchema;

use super::caller::{Caller, Scope};
use super::error::ApiError;
use super::path::{self, AccountPath, DevicePath, PageQuery, PolicyPath};
use super::views::{
    CredentialView, PolicyView, RenewalView, RevocationView, RootView, SignedView, TeamKeyView,
    view,
};
use super::{cached, cursor, signed_bytes};
use crate::refusal::Refusal;
use crate::relay::Shared;
use sottovoce_server::clock;

/// A signed object to publish.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Publication {
    /// The signed object (SPEC 3.1) as base64url.
    #[schema(pattern = "^[A-Za-z0-9_-]+$", max_length = 174764)]
    signed: String,
}

/// What was published.
#[derive(Serialize, ToSchema)]
pub(super) struct Published {
    /// The object's hash.
    hash: String,
}

/// A policy and its renewals.
#[derive(Serialize, ToSchema)]
pub(super) struct PolicyAnswer {
    /// The policy.
    policy: SignedView<PolicyView>,
    /// Its renewals.
    renewals: Vec<SignedView<RenewalView>>,
}

/// A page of credentials.
#[derive(Serialize, ToSchema)]
pub(super) struct CredentialPage {
    /// Credentials, by device.
    credentials: Vec<SignedView<CredentialView>>,
    /// The cursor of the next page, if there is one.
    next: Option<String>,
}

/// Revocations in force.
#[derive(Serialize, ToSchema)]
pub(super) struct RevocationList {
    /// The hash of the policy that says so. To revoke, publish another policy.
    policy: String,
    /// Who is no longer believed.
    revocations: Vec<RevocationView>,
}

/// Team key records that are kept.
#[derive(Serialize, ToSchema)]
pub(super) struct TeamKeyList {
    /// By team, suite and generation.
    team_keys: Vec<SignedView<TeamKeyView>>,
}

/// Read the root statement.
#[utoipa::path(get, path = "/root", tag = "account", params(AccountPath),
    security(("token" = ["account:read"])),
    responses((status = 200, description = "The root statement in force", body = SignedView<RootView>)))]
pub(super) async fn root(caller: Caller, headers: HeaderMap) -> Result<Response, Problem> {
    caller.may(Scope::AccountRead)?;
    let objects = caller.hub.book().await.account().objects();
    let root = objects
        .iter()
        .find(|object| object.kind == ObjectKind::Root);
    let root = root.ok_or(Refusal::from(AccountError::UnknownAccount))?;
    cached(&headers, &shown(view::<RootStatement, RootView>(root))?)
}

/// Read the policy in force.
#[utoipa::path(get, path = "/policy", tag = "account", params(AccountPath),
    security(("token" = ["account:read"])),
    responses((status = 200, description = "The policy in force and its renewals", body = PolicyAnswer)))]
pub(super) async fn policy(caller: Caller, headers: HeaderMap) -> Result<Response, Problem> {
    caller.may(Scope::AccountRead)?;
    let objects = caller.hub.book().await.account().objects();
    cached(&headers, &policy_answer(&objects)?)
}

/// Read a policy by its hash.
///
/// Old policies are kept, because the transcripts that they ruled need them.
#[utoipa::path(get, path = "/policies/{hash}", tag = "account", params(PolicyPath),
    security(("token" = ["account:read"])),
    responses((status = 200, description = "The policy and its renewals", body = PolicyAnswer)))]
pub(super) async fn policy_by_hash(
    caller: Caller,
    headers: HeaderMap,
    Path(path): Path<PolicyPath>,
) -> Result<Response, Problem> {
    caller.may(Scope::AccountRead)?;
    let unknown = || Refusal::from(AccountError::UnknownPolicy);
    let hash: Hash = path.hash.parse().map_err(|_| unknown())?;
    let book = caller.hub.book().await;
    let found = book.look_up(&Wanted::Policy(hash), &caller.token.by, clock::now())?;
    drop(book);
    cached(&headers, &policy_answer(&found.objects())?)
}

fn policy_answer(objects: &[Object]) -> Result<PolicyAnswer, Problem> {
    let policy = objects
        .iter()
        .find(|object| object.kind == ObjectKind::Policy)
        .ok_or(Refusal::from(AccountError::UnknownPolicy))?;
    let renewals = objects
        .iter()
        .filter(|object| object.kind == ObjectKind::Renewal)
        .map(|object| shown(view::<Renewal, RenewalView>(object)))
        .collect::<Result<_, _>>()?;
    Ok(PolicyAnswer {
        policy: shown(view::<Policy, PolicyView>(policy))?,
        renewals,
    })
}

/// List credentials.
#[utoipa::path(get, path = "/credentials", tag = "account", params(AccountPath, PageQuery),
    security(("token" = ["account:read"])),
    responses((status = 200, description = "The newest credential of each device, expired and revoked ones too",
        body = CredentialPage)))]
pub(super) async fn credentials(
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<CredentialPage>, Problem> {
    caller.may(Scope::AccountRead)?;
    let limit = usize::try_from(path::limit(page.limit)?).unwrap_or(1);
    let list = format!("credentials {}", caller.account());
    let after = match &page.cursor {
        None => None,
        Some(given) => Some(
            DeviceId::from_slice(&cursor::read(&list, given)?).ok_or(ApiError::CursorInvalid)?,
        ),
    };
    let book = caller.hub.book().await;
    let mut found: Vec<_> = book
        .credentials_after(after.as_ref())
        .take(limit + 1)
        .collect();
    drop(book);
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found
        .last()
        .map(|(device, _)| cursor::make(&list, device.as_array()));
    let credentials = found
        .iter()
        .map(|(_, object)| shown(view::<Credential, CredentialView>(object)))
        .collect::<Result<_, _>>()?;
    Ok(axum::Json(CredentialPage {
        credentials,
        next: last.filter(|_| more),
    }))
}

/// Read a device's credential.
#[utoipa::path(get, path = "/credentials/{device}", tag = "account", params(DevicePath),
    security(("token" = ["account:read"])),
    responses((status = 200, description = "The device's newest credential", body = SignedView<CredentialView>)))]
pub(super) async fn credential(
    caller: Caller,
    headers: HeaderMap,
    Path(path): Path<DevicePath>,
) -> Result<Response, Problem> {
    caller.may(Scope::AccountRead)?;
    let device: DeviceId = path
        .device
        .parse()
        .map_err(|_| ApiError::UnknownCredential)?;
    let found = caller.hub.book().await.credential_of(&device);
    let found = found.ok_or(ApiError::UnknownCredential)?;
    cached(
        &headers,
        &shown(view::<Credential, CredentialView>(&found))?,
    )
}

/// List revocations.
#[utoipa::path(get, path = "/revocations", tag = "account", params(AccountPath),
    security(("token" = ["account:read"])),
    responses((status = 200, description = "What the policy in force revokes", body = RevocationList)))]
pub(super) async fn revocations(caller: Caller, headers: HeaderMap) -> Result<Response, Problem> {
    caller.may(Scope::AccountRead)?;
    let objects = caller.hub.book().await.account().objects();
    let policy = objects
        .iter()
        .find(|object| object.kind == ObjectKind::Policy)
        .ok_or(Refusal::from(AccountError::UnknownPolicy))?;
    let signed = Signed::<Policy>::from_bytes(&policy.bytes).map_err(Refusal::from)?;
    let says = signed.parse().map_err(Refusal::from)?;
    let list = RevocationList {
        policy: signed.hash().to_string(),
        revocations: says.revocations.iter().map(Into::into).collect(),
    };
    cached(&headers, &list)
}

/// List team key records.
#[utoipa::path(get, path = "/team-keys", tag = "account", params(AccountPath),
    security(("token" = ["account:read"])),
    responses((status = 200, description = "Records that are in force or draining", body = TeamKeyList)))]
pub(super) async fn team_keys(caller: Caller, headers: HeaderMap) -> Result<Response, Problem> {
    caller.may(Scope::AccountRead)?;
    let records = caller.hub.book().await.team_key_records();
    let team_keys = records
        .iter()
        .map(|object| shown(view::<TeamKey, TeamKeyView>(object)))
        .collect::<Result<_, _>>()?;
    cached(&headers, &TeamKeyList { team_keys })
}

/// Publish a root statement.
#[utoipa::path(post, path = "/root", tag = "account", params(AccountPath),
    request_body = Publication, security(("token" = ["account:write"])),
    responses((status = 201, description = "It is durable, in force and announced", body = Published)))]
pub(super) async fn publish_root(
    state: State<Arc<Shared>>,
    caller: Caller,
    body: Json<Publication>,
) -> Result<(StatusCode, axum::Json<Published>), Problem> {
    publish::<RootStatement>(state, caller, body, ObjectKind::Root).await
}

/// Publish a policy.
#[utoipa::path(post, path = "/policies", tag = "account", params(AccountPath),
    request_body = Publication, security(("token" = ["account:write"])),
    responses((status = 201, description = "It is durable, in force and announced", body = Published)))]
pub(super) async fn publish_policy(
    state: State<Arc<Shared>>,
    caller: Caller,
    body: Json<Publication>,
) -> Result<(StatusCode, axum::Json<Published>), Problem> {
    publish::<Policy>(state, caller, body, ObjectKind::Policy).await
}

/// Publish a policy's renewal.
#[utoipa::path(post, path = "/renewals", tag = "account", params(AccountPath),
    request_body = Publication, security(("token" = ["account:write"])),
    responses((status = 201, description = "It is durable, in force and announced", body = Published)))]
pub(super) async fn publish_renewal(
    state: State<Arc<Shared>>,
    caller: Caller,
    body: Json<Publication>,
) -> Result<(StatusCode, axum::Json<Published>), Problem> {
    publish::<Renewal>(state, caller, body, ObjectKind::Renewal).await
}

/// Publish a credential.
#[utoipa::path(post, path = "/credentials", tag = "account", params(AccountPath),
    request_body = Publication, security(("token" = ["account:write"])),
    responses((status = 201, description = "It is durable, in force and announced", body = Published)))]
pub(super) async fn publish_credential(
    state: State<Arc<Shared>>,
    caller: Caller,
    body: Json<Publication>,
) -> Result<(StatusCode, axum::Json<Published>), Problem> {
    publish::<Credential>(state, caller, body, ObjectKind::Credential).await
}

/// Publish a team key record.
#[utoipa::path(post, path = "/team-keys", tag = "account", params(AccountPath),
    request_body = Publication, security(("token" = ["account:write"])),
    responses((status = 201, description = "It is durable, in force and announced", body = Published)))]
pub(super) async fn publish_team_key(
    state: State<Arc<Shared>>,
    caller: Caller,
    body: Json<Publication>,
) -> Result<(StatusCode, axum::Json<Published>), Problem> {
    publish::<TeamKey>(state, caller, body, ObjectKind::TeamKey).await
}

async fn publish<T: sottovoce::wire::SignedKind>(
    _: State<Arc<Shared>>,
    caller: Caller,
    body: Json<Publication>,
    kind: ObjectKind,
) -> Result<(StatusCode, axum::Json<Published>), Problem> {
    caller.may(Scope::AccountWrite)?;
    let bytes = signed_bytes(&body.0.signed)?;
    let signed = Signed::<T>::from_bytes(&bytes).map_err(Refusal::from)?;
    let hash = signed.hash().to_string();
    let object = Object::new(kind, bytes.into());
    // These objects prove themselves: it does not matter who brings them.
    caller
        .hub
        .publish(&object, &caller.token.by, clock::now())
        .await?;
    Ok((StatusCode::CREATED, axum::Json(Published { hash })))
}

/// What was published could be read, so this cannot fail.
fn shown<T>(view: Result<T, DecodeError>) -> Result<T, Problem> {
    view.map_err(|_| Problem::internal())
}
