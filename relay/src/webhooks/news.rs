//! What webhooks are told of an append or a policy: only what the relay may know.

use sottovoce::account::Level;
use sottovoce::contact::Reason;
use sottovoce::wire::frame::ContactSummary;
use sottovoce::wire::{AccountId, DeviceId, Time};
use sottovoce_webhooks::event::{Details, EventKind, NewEvent, Subject};

use crate::contact::ReadEntry;

/// An entry was appended: what follows from it, if anything. `summary` is the contact with it.
pub(crate) fn appended(
    account: &AccountId,
    entry: &ReadEntry,
    bytes: &[u8],
    summary: &ContactSummary,
    level: Level,
    now: Time,
) -> Option<NewEvent> {
    let mut details = Details {
        entry_point: Some(summary.entry_point.clone()),
        level: Some(level),
        position: Some(summary.head),
        epoch: Some(summary.epoch),
        ..Details::default()
    };
    let kind = match entry {
        ReadEntry::Envelope(header) => {
            details.device = Some(header.device);
            details.entry = Some(bytes.to_vec());
            EventKind::ContactMessage
        }
        ReadEntry::Commit(commit) => {
            details.device = Some(commit.core().committer);
            details.teams = Some(summary.teams.clone());
            details.devices = Some(summary.devices.clone());
            match commit.core().reason {
                Reason::Create => EventKind::ContactCreated,
                Reason::Claim => EventKind::ContactClaimed,
                Reason::Transfer => EventKind::ContactTransferred,
                Reason::Close => EventKind::ContactClosed,
                Reason::Invite | Reason::Remove | Reason::Rekey => return None,
            }
        }
    };
    Some(NewEvent {
        kind,
        account: *account,
        subject: Subject::Contact(summary.contact),
        time: now,
        details,
    })
}

/// A policy no longer believes in a device.
pub(crate) fn revoked(account: &AccountId, device: &DeviceId, now: Time) -> NewEvent {
    NewEvent {
        kind: EventKind::DeviceRevoked,
        account: *account,
        subject: Subject::Device(*device),
        time: now,
        details: Details::default(),
    }
}
