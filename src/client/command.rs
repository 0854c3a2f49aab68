//! What a host tells the client to do. SPEC 9.1.

use crate::account::Approval;
use crate::message::Detail;
use crate::wire::frame::{BanPeriod, PushTarget};
use crate::wire::{ContactId, ContentId, DeviceId, Time};

/// A person's or program's wish. Every command is answered by events; one that cannot be done
/// by [`Event::Failed`](super::Event::Failed) with a stable code.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// Visitor: start a contact at an entry point, with a verified identity if there is one.
    Start {
        /// The entry point's id.
        entry_point: String,
        /// The host's identity token (JWT).
        identity: Option<String>,
        /// What the page knows of the visitor, as in `Describe`; may be none.
        details: Vec<Detail>,
    },
    /// Load a contact's log, or the part that is missing, and follow it.
    Open {
        /// The contact.
        contact: ContactId,
    },
    /// Stop following a contact and forget its log.
    Leave {
        /// The contact.
        contact: ContactId,
    },
    /// Send a message to everyone on the roster.
    Send {
        /// The contact.
        contact: ContactId,
        /// The content's kind, such as `text`.
        kind: String,
        /// The body of that kind: for `text` UTF-8, at most 64 KiB.
        body: Vec<u8>,
        /// The content that it answers.
        reply_to: Option<ContentId>,
        /// Names the message, 16 random bytes, for a host that may have to give the command twice: a message
        /// that is known by this name is not sent again. Without it the client makes one.
        id: Option<ContentId>,
    },
    /// Staff: send a private note, readable by staff on the roster only.
    Note {
        /// The contact.
        contact: ContactId,
        /// Its text, at most 64 KiB.
        text: String,
    },
    /// Visitor: give details of oneself, at most 32, in place of earlier ones of the same names; an empty
    /// value takes one back. Shown in [`ContactView::details`](super::ContactView::details).
    Describe {
        /// The contact.
        contact: ContactId,
        /// The details.
        details: Vec<Detail>,
    },
    /// Staff on the roster: say which labels the contact has from now on, at most 16.
    Label {
        /// The contact.
        contact: ContactId,
        /// All of them, each of 1 to 64 bytes.
        labels: Vec<String>,
    },
    /// Send a failed message again.
    Retry {
        /// The contact.
        contact: ContactId,
        /// The message.
        id: ContentId,
    },
    /// Give up a failed message.
    Discard {
        /// The contact.
        contact: ContactId,
        /// The message.
        id: ContentId,
    },
    /// The person is typing. Call it as often as keys are pressed; it is sent rarely.
    Typing {
        /// The contact.
        contact: ContactId,
    },
    /// Staff: the person looks at a contact that they may read. Call it as often as you like while that is so;
    /// colleagues are told rarely, and visitors never.
    Attend {
        /// The contact.
        contact: ContactId,
    },
    /// The person has seen everything up to a position.
    Read {
        /// The contact.
        contact: ContactId,
        /// The position.
        position: u64,
    },
    /// Staff: take a waiting contact, or one that was transferred to this device.
    Claim {
        /// The contact.
        contact: ContactId,
    },
    /// Staff: hand the contact to a team or device. One remains responsible until it is claimed.
    Transfer {
        /// The contact.
        contact: ContactId,
        /// To whom.
        to: Target,
        /// Whether they may read what was said before.
        history: bool,
        /// A private note to whoever takes over.
        note: Option<String>,
    },
    /// Staff: add a supervisor or bot, visibly.
    Invite {
        /// The contact.
        contact: ContactId,
        /// Whom.
        device: DeviceId,
        /// Whether they may read what was said before.
        history: bool,
    },
    /// Staff: remove a participant, or take back a transfer.
    Remove {
        /// The contact.
        contact: ContactId,
        /// Whom.
        target: Target,
    },
    /// Start an epoch with a new secret and no other change.
    Rekey {
        /// The contact.
        contact: ContactId,
    },
    /// End the contact.
    Close {
        /// The contact.
        contact: ContactId,
    },
    /// Staff: ask the key manager for the secrets of a contact, and read what they open. Answered with
    /// [`Event::Released`](super::Event::Released).
    Release {
        /// The contact.
        contact: ContactId,
        /// What for, such as `transcript`; 1 to 128 bytes.
        purpose: String,
        /// Why, in own words; at most 1,024 bytes.
        reason: String,
    },
    /// Staff: who is in a team, answered by [`Event::Team`](super::Event::Team).
    LookUpTeam {
        /// The team's id.
        team: String,
    },
    /// Staff: whether new contacts are welcome. It is kept, and told again after every connect.
    Presence {
        /// Whether they are.
        available: bool,
        /// From how many open contacts of its own on the device counts as away.
        capacity: Option<u64>,
    },
    /// Staff: keep a reply in the notebook of an own team, in place of the one of its shortcut. Answered with
    /// [`Event::Notebook`](super::Event::Notebook).
    KeepReply {
        /// The team's id.
        team: String,
        /// 1 to 32 of `a` to `z`, `0` to `9` and `-`.
        shortcut: String,
        /// At most 4,096 bytes; an empty one takes the reply out.
        text: String,
    },
    /// Staff: keep the name of a label in the notebook of an own team, or no longer.
    KeepLabel {
        /// The team's id.
        team: String,
        /// 1 to 64 bytes.
        label: String,
        /// Whether to keep it.
        kept: bool,
    },
    /// Staff: keep a visitor away for a while, by device and network address.
    Ban {
        /// A contact that the visitor is on.
        contact: ContactId,
        /// The visitor's device.
        device: DeviceId,
        /// For how long.
        period: BanPeriod,
    },
    /// Administrator: sign the next version of the policy with these settings changed, each a `KEY=VALUE` of
    /// [`Setting`](crate::account::Setting), and publish it; without any it gets new dates. Answered with
    /// [`Event::Administered`](super::Event::Administered) or
    /// [`Event::NotAdministered`](super::Event::NotAdministered), like the next two.
    ChangePolicy {
        /// What changes, in this order.
        settings: Vec<String>,
    },
    /// Administrator: let a device in, for 30 days.
    Approve {
        /// Its request as base64url, as [`Event::Devices`](super::Event::Devices) tells it.
        request: String,
        /// What it may be.
        approval: Approval,
    },
    /// Administrator: who has been let in, and who asks to be. Answered with
    /// [`Event::Devices`](super::Event::Devices), and again when somebody asks.
    LookUpDevices,
    /// Administrator: sign a request for an API token, which the host posts to the relay's REST API within
    /// five minutes. Answered with [`Event::TokenRequest`](super::Event::TokenRequest).
    RequestToken {
        /// What people call it, 1 to 128 bytes.
        name: String,
        /// What it may do: names of scopes.
        scopes: Vec<String>,
        /// Until when it is good, at most 366 days.
        expires: Time,
    },
    /// Administrator: try the key manager as it would be used. Answered with
    /// [`Event::KeyManagerTested`](super::Event::KeyManagerTested).
    TestKeyManager,
    /// Administrator or auditor: read the key manager's log. Answered with
    /// [`Event::Audit`](super::Event::Audit).
    ReadAudit {
        /// Entries after this number.
        after: u64,
    },
    /// Be told of news through a push service when there is no connection, or no longer.
    Push {
        /// Where; in place of the target before.
        target: Option<PushTarget>,
    },
}

/// To whom a contact is handed, or who is removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One device.
    Device(DeviceId),
    /// A team.
    Team(String),
}
