//! A contact that a connection follows. What was sent is a single number, so that no entry can
//! be missed or doubled where history ends and live entries begin.

use sottovoce::wire::DeviceId;
use sottovoce::wire::frame::ContactSummary;

use crate::store::Access;

/// How far a connection has been sent a contact.
#[derive(Debug)]
pub(super) struct Followed {
    /// The last position that was sent, or that the client said it has.
    pub(super) sent: u64,
    /// The last position that exists for this device.
    pub(super) head: u64,
    /// Whether the device was removed at `head`, so that nothing comes after it.
    pub(super) ended: bool,
    /// Whether the device itself is on the roster.
    pub(super) is_participant: bool,
    /// Whether the client has been sent anything since it resumed.
    pub(super) answered: bool,
}

impl Followed {
    pub(super) fn resume(access: &Access, after: u64, device: &DeviceId) -> Self {
        let head = access
            .until
            .map_or(access.summary.head, |until| until.min(access.summary.head));
        Self {
            sent: after.min(head),
            head,
            ended: access.until.is_some(),
            is_participant: access.summary.devices.contains(device),
            answered: false,
        }
    }

    /// Whether there is something to send from the store.
    pub(super) const fn is_behind(&self) -> bool {
        self.sent < self.head || !self.answered
    }

    /// A new entry exists. Whether it is news for this device.
    pub(super) fn advance(
        &mut self,
        position: u64,
        summary: &ContactSummary,
        device: &DeviceId,
        teams: &[String],
    ) -> bool {
        if self.ended || position <= self.head {
            return false;
        }
        self.head = position;
        self.is_participant = summary.devices.contains(device);
        let in_team = summary.teams.iter().any(|team| teams.contains(team));
        self.ended = !self.is_participant && !in_team;
        true
    }

    /// Nothing comes after the commit that removed the device.
    pub(super) fn end_at(&mut self, access: &Access) {
        if let Some(until) = access.until {
            self.head = until.clamp(self.sent, self.head);
        } else {
            // It is back on the roster by now.
            self.ended = false;
        }
    }
}
