//! What the API's paths and queries name.

use serde::Deserialize;
use utoipa::IntoParams;

/// An account.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "the caller's token says which account is meant")]
pub(super) struct AccountPath {
    /// The account's id.
    #[param(pattern = "^[A-Za-z0-9_-]{43}$")]
    account: String,
}

/// An API token of an account.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct TokenPath {
    /// The account's id.
    #[param(pattern = "^[A-Za-z0-9_-]{43}$")]
    #[allow(dead_code, reason = "the caller's token says which account is meant")]
    account: String,
    /// The token's id, as lists show it.
    #[param(pattern = "^[A-Za-z0-9_-]{43}$")]
    pub(super) token: String,
}

/// A policy of an account.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct PolicyPath {
    /// The account's id.
    #[param(pattern = "^[A-Za-z0-9_-]{43}$")]
    #[allow(dead_code, reason = "the caller's token says which account is meant")]
    account: String,
    /// The policy's hash.
    #[param(pattern = "^[A-Za-z0-9_-]{43}$")]
    pub(super) hash: String,
}

/// A device of an account.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct DevicePath {
    /// The account's id.
    #[param(pattern = "^[A-Za-z0-9_-]{43}$")]
    #[allow(dead_code, reason = "the caller's token says which account is meant")]
    account: String,
    /// The device's public key.
    #[param(pattern = "^[A-Za-z0-9_-]{43}$")]
    pub(super) device: String,
}

/// A contact of an account.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct ContactPath {
    /// The account's id.
    #[param(pattern = "^[A-Za-z0-9_-]{43}$")]
    #[allow(dead_code, reason = "the caller's token says which account is meant")]
    account: String,
    /// The contact's id.
    #[param(pattern = "^[A-Za-z0-9_-]{22}$")]
    pub(super) contact: String,
}

/// A page of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    /// How many at most; 50 if it is not said.
    #[param(minimum = 1, maximum = 100, default = 50)]
    pub(super) limit: Option<u32>,
    /// Where to go on: the last page's `next`.
    pub(super) cursor: Option<String>,
}

/// Most items of a page.
const MOST: u32 = 100;
/// Items of a page if nothing is said.
const USUAL: u32 = 50;

/// A page's length.
pub(super) fn limit(asked: Option<u32>) -> Result<u32, super::error::ApiError> {
    match asked.unwrap_or(USUAL) {
        limit @ 1..=MOST => Ok(limit),
        _ => Err(super::error::ApiError::RangeInvalid("`limit` is 1 to 100")),
    }
}
