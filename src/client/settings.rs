//! What administrators are shown.

use crate::account::{Policy, Role, RootStatement};
use crate::wire::{DeviceId, Time};

/// What the account has decided, as its own staff see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsView {
    /// Whether this device may change it.
    pub administrator: bool,
    /// The root statement: administrators, key manager, lowest level.
    pub root: RootStatement,
    /// The newest policy.
    pub policy: Policy,
    /// Until when it is valid, renewals included.
    pub expires: Time,
}

/// What an administrator signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// A policy.
    Policy,
    /// A device's credential.
    Credential,
}

/// A device that was let in at some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceEntry {
    /// The device.
    pub device: DeviceId,
    /// Whether it is this one.
    pub own: bool,
    /// The name that others read.
    pub name: String,
    /// The account's own name for the person.
    pub subject: String,
    /// Its role.
    pub role: Role,
    /// Ids of its teams.
    pub teams: Vec<String>,
    /// Until when its credential is valid.
    pub expires: Time,
    /// Whether it is connected and available.
    pub available: bool,
    /// `valid`, or the stable code of why nobody believes it, such as `revoked`.
    pub state: &'static str,
}

/// A device that asks to be let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolmentEntry {
    /// The device.
    pub device: DeviceId,
    /// The name that the person proposes.
    pub name: String,
    /// When it asked, by its own clock.
    pub time: Time,
    /// The signed request as base64url, for [`Command::Approve`](super::Command::Approve).
    pub request: String,
}

/// One thing that a key manager has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyManagerCheck {
    /// What was tried: `unknown`, `replay`, `late`, `keys` or `speed`.
    pub name: &'static str,
    /// Whether it did.
    pub passed: bool,
    /// What it did instead: an outcome or a stable code of SPEC 11; empty if it passed.
    pub detail: String,
    /// How long its answer took, in milliseconds.
    pub millis: u64,
}
