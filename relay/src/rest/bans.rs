//! Visitors who are kept away.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use sottovoce::wire::DeviceId;
use sottovoce_server::problem::{Path, Problem};
use utoipa::ToSchema;

use super::caller::{Caller, Scope};
use super::error::ApiError;
use super::path::{AccountPath, DevicePath};
use crate::relay::Shared;

/// A visitor's device that is kept away. At which network address it was nobody is told.
#[derive(Serialize, ToSchema)]
pub(super) struct BanView {
    /// The device's public key.
    device: String,
    /// Until when.
    until: u64,
    /// The device of whoever wanted it.
    banned_by: String,
}

/// The bans of an account that are in force.
#[derive(Serialize, ToSchema)]
pub(super) struct BanList {
    /// They.
    bans: Vec<BanView>,
}

/// List bans.
#[utoipa::path(get, path = "/bans", operation_id = "list_bans", tag = "bans", params(AccountPath),
    security(("token" = ["bans:read"])),
    responses((status = 200, description = "Bans that are in force, those that end first before others; \
        what another node did is known within five seconds", body = BanList)))]
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
) -> Result<axum::Json<BanList>, Problem> {
    caller.may(Scope::BansRead)?;
    let bans = shared.bans.of(caller.account());
    let bans = bans
        .into_iter()
        .map(|(device, ban)| BanView {
            device: device.to_string(),
            until: ban.until.millis(),
            banned_by: ban.by.to_string(),
        })
        .collect();
    Ok(axum::Json(BanList { bans }))
}

/// Lift a ban.
///
/// The network addresses that share it are let in as well.
#[utoipa::path(delete, path = "/bans/{device}", operation_id = "lift_ban", tag = "bans", params(DevicePath),
    security(("token" = ["bans:lift"])),
    responses((status = 204, description = "The device may come again; other nodes know it within five seconds")))]
pub(super) async fn lift(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(path): Path<DevicePath>,
) -> Result<StatusCode, Problem> {
    caller.may(Scope::BansLift)?;
    let device: DeviceId = path.device.parse().map_err(|_| ApiError::UnknownBan)?;
    let account = caller.account();
    if !shared.bans.lift(account, device).await? {
        return Err(ApiError::UnknownBan.into());
    }
    tracing::info!(%account, %device, "a ban was lifted");
    Ok(StatusCode::NO_CONTENT)
}
