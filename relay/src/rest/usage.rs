//! Usage, and how long things are kept.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sottovoce::account::{AccountError, Level};
use sottovoce_server::problem::{Problem, Query};
use utoipa::{IntoParams, ToSchema};

use super::cached;
use super::caller::{Caller, Scope};
use super::error::ApiError;
use super::path::AccountPath;
use crate::refusal::Refusal;
use crate::relay::Shared;
use crate::store::Day;
use crate::usage::day_of;
use sottovoce_server::clock;

/// Days of one answer.
const LONGEST: u32 = 366;
/// Days if nothing is said.
const USUAL: u32 = 30;

/// Which days are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct UsageQuery {
    /// The first day, counted from 1970-01-01; 29 days before the last if it is not said.
    from: Option<Day>,
    /// The last day; today if it is not said. At most 366 days in all.
    to: Option<Day>,
}

/// What an account used.
#[derive(Serialize, ToSchema)]
pub(super) struct UsageAnswer {
    /// The first day.
    from: Day,
    /// The last day.
    to: Day,
    /// Days in which something happened.
    days: Vec<UsageDay>,
}

/// What an account used on one day.
#[derive(Serialize, ToSchema)]
pub(super) struct UsageDay {
    /// Days since 1970-01-01, UTC.
    day: Day,
    /// New contacts.
    contacts: u64,
    /// Entries.
    entries: u64,
    /// Their bytes.
    bytes: u64,
}

/// How long entries are kept.
#[derive(Serialize, ToSchema)]
pub(super) struct RetentionAnswer {
    /// The hash of the policy that says so. To change it, publish another policy.
    policy: String,
    /// Days that entries stay after a contact's last one: the smaller of the policy's and the
    /// plan's. Their hashes stay until the contact is erased.
    days: u64,
    /// The policy's days.
    policy_days: u64,
    /// What the account's plan allows here.
    plan: PlanAnswer,
    /// Entry points with another rule: the protocol has none yet.
    entry_points: Vec<String>,
}

/// What a plan allows here.
#[derive(Serialize, ToSchema)]
pub(super) struct PlanAnswer {
    /// The plan: `solo`, `starter`, `plus` or `enterprise`.
    name: &'static str,
    /// The most days that a policy may say.
    days: u64,
    /// Levels that entry points may have: `transport`, `storage`, `e2ee`.
    levels: Vec<&'static str>,
}

/// Read usage by day.
#[utoipa::path(get, path = "/usage", tag = "usage", params(AccountPath, UsageQuery),
    security(("token" = ["usage:read"])),
    responses((status = 200, description = "Usage by day; a node adds what it counted every five seconds",
        body = UsageAnswer)))]
pub(super) async fn usage(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Query(query): Query<UsageQuery>,
) -> Result<axum::Json<UsageAnswer>, Problem> {
    caller.may(Scope::UsageRead)?;
    let to = query.to.unwrap_or_else(|| day_of(clock::now()));
    let from = query.from.unwrap_or(to.saturating_sub(USUAL - 1));
    if to.checked_sub(from).is_none_or(|days| days >= LONGEST) {
        return Err(ApiError::RangeInvalid("`from` to `to` are 1 to 366 days").into());
    }
    let used = shared.store.usage(&caller.account(), from, to).await?;
    let days = used
        .into_iter()
        .map(|(day, usage)| UsageDay {
            day,
            contacts: usage.contacts,
            entries: usage.entries,
            bytes: usage.bytes,
        })
        .collect();
    Ok(axum::Json(UsageAnswer { from, to, days }))
}

/// Read how long entries are kept.
#[utoipa::path(get, path = "/retention", tag = "account", params(AccountPath),
    security(("token" = ["account:read"])),
    responses((status = 200, description = "What the policy in force says and its plan allows", body = RetentionAnswer)))]
pub(super) async fn retention(caller: Caller, headers: HeaderMap) -> Result<Response, Problem> {
    caller.may(Scope::AccountRead)?;
    let kept = caller.hub.kept(clock::now()).await;
    let kept = kept.ok_or(Refusal::from(AccountError::UnknownPolicy))?;
    let answer = RetentionAnswer {
        policy: kept.policy.to_string(),
        days: kept.days(),
        policy_days: kept.policy_days,
        plan: PlanAnswer {
            name: kept.plan.plan.name(),
            days: kept.plan.days,
            levels: kept.plan.levels.iter().copied().map(Level::name).collect(),
        },
        entry_points: Vec::new(),
    };
    cached(&headers, &answer)
}
