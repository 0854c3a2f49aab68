//! Accounts, contacts and people as they are shown. See [`client::AccountView`] and its siblings.

use serde::Serialize;
use tsify::Tsify;

use super::scalar::{ContactId, ContactState, DeviceId, Id, Level, Role, Time, Via};
use crate::client;

/// What is known and believed of the account.
#[derive(Tsify, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccountView {
    /// The current policy's version.
    policy: u64,
    /// Until when it is valid.
    expires: Time,
    /// Whether staff should be warned: fewer than three days are left.
    expires_soon: bool,
    entry_points: Vec<EntryPointView>,
    teams: Vec<TeamView>,
    /// Days that servers keep ciphertext.
    retention_days: u64,
    /// A link for those whose browser cannot run the client.
    #[tsify(optional)]
    fallback_link: Option<String>,
    /// The own device.
    own: Author,
    /// Ids of the own teams.
    own_teams: Vec<String>,
}

impl From<client::AccountView> for AccountView {
    fn from(view: client::AccountView) -> Self {
        Self {
            policy: view.policy,
            expires: view.expires.into(),
            expires_soon: view.expires_soon,
            entry_points: view.entry_points.into_iter().map(Into::into).collect(),
            teams: view.teams.into_iter().map(Into::into).collect(),
            retention_days: view.retention_days,
            fallback_link: view.fallback_link,
            own: view.own.into(),
            own_teams: view.own_teams,
        }
    }
}

/// An entry point as people see it.
#[derive(Tsify, Serialize)]
pub(super) struct EntryPointView {
    id: String,
    /// Its name, such as `ACME`.
    name: String,
    /// The level of new contacts there.
    level: Level,
    /// Ids of the teams that answer.
    teams: Vec<String>,
}

impl From<client::EntryPointView> for EntryPointView {
    fn from(view: client::EntryPointView) -> Self {
        Self {
            id: view.id,
            name: view.name,
            level: view.level.into(),
            teams: view.teams,
        }
    }
}

/// A team as people see it.
#[derive(Tsify, Serialize)]
pub(super) struct TeamView {
    id: String,
    name: String,
    /// How many devices can read what is addressed to it, where that is known.
    #[tsify(optional)]
    readers: Option<u64>,
}

impl From<client::TeamView> for TeamView {
    fn from(view: client::TeamView) -> Self {
        Self {
            id: view.id,
            name: view.name,
            readers: view.readers,
        }
    }
}

/// A contact as people see it.
#[derive(Tsify, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContactView {
    contact: ContactId,
    entry_point: String,
    /// The entry point's name when the contact was created.
    entry_point_name: String,
    /// Its level, fixed for its life.
    level: Level,
    /// Number of its suite, fixed for its life.
    suite: u64,
    /// The epoch in force.
    epoch: u64,
    state: ContactState,
    /// Whether messages can be sent now.
    can_send: bool,
    /// The code of the alarm that stopped sending, if one did.
    #[tsify(optional)]
    stopped_by: Option<&'static str>,
    /// Who can read what is written now.
    participants: Vec<Participant>,
    /// Teams that can read what is written now.
    teams: Vec<TeamView>,
    /// Whether this device may take the contact now.
    can_claim: bool,
    /// Whether every entry up to the head has been seen and verified.
    caught_up: bool,
    /// The last position seen.
    head: u64,
    /// The visitor's identity, where a token proved it: the `sub` claim.
    #[tsify(optional)]
    verified_identity: Option<String>,
}

impl From<client::ContactView> for ContactView {
    fn from(view: client::ContactView) -> Self {
        Self {
            contact: Id(view.contact),
            entry_point: view.entry_point,
            entry_point_name: view.entry_point_name,
            level: view.level.into(),
            suite: view.suite,
            epoch: view.epoch,
            state: view.state.into(),
            can_send: view.can_send,
            stopped_by: view.stopped_by,
            participants: view.participants.into_iter().map(Into::into).collect(),
            teams: view.teams.into_iter().map(Into::into).collect(),
            can_claim: view.can_claim,
            caught_up: view.caught_up,
            head: view.head,
            verified_identity: view.verified_identity,
        }
    }
}

/// A participant of a contact.
#[derive(Tsify, Serialize)]
pub(super) struct Participant {
    author: Author,
    /// Whether it was handed the contact and has not claimed it yet.
    pending: bool,
}

impl From<client::Participant> for Participant {
    fn from(participant: client::Participant) -> Self {
        Self {
            author: participant.author.into(),
            pending: participant.pending,
        }
    }
}

/// Who did or wrote something, as verified.
#[derive(Tsify, Serialize)]
pub(super) struct Author {
    device: DeviceId,
    /// The name in its credential; empty for visitors.
    name: String,
    role: Role,
    via: Via,
    /// Whether it is this device.
    own: bool,
}

impl From<client::Author> for Author {
    fn from(author: client::Author) -> Self {
        Self {
            device: Id(author.device),
            name: author.name,
            role: author.role.into(),
            via: author.via.into(),
            own: author.own,
        }
    }
}
