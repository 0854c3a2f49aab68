//! What a member of staff has whichever contact is open: whether new contacts are welcome, and the
//! notebooks of the own teams. SPEC 9.4.

use crate::wire::codec::array;

use super::notebooks::Notebooks;
use super::{Client, PresenceView, records};
use crate::crypto::Hash;
use crate::message::Page;
use crate::wire::Time;
use crate::wire::frame::ClientFrame;

/// What is kept, and what is true of this connection.
#[derive(Debug, Default)]
pub(super) struct Desk {
    pub(super) record: DeskRecord,
    /// Whether the relay takes new contacts for welcome here; none while not connected.
    told: Option<bool>,
    /// Contacts that this device is responsible for.
    own: u64,
    pub(super) notebooks: Notebooks,
}

/// The record of that.
#[derive(Debug, Default)]
pub(super) struct DeskRecord {
    pub(super) presence: OwnPresence,
    /// The newest page of each own team that could be read.
    pub(super) notebooks: Vec<KnownNotebook>,
}

array!(DeskRecord {
    presence,
    notebooks
});

/// What the person chose.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnPresence {
    pub(super) available: bool,
    /// From how many own contacts on the device counts as away.
    pub(super) capacity: Option<u64>,
}

array!(OwnPresence {
    available,
    capacity
});

impl Default for OwnPresence {
    fn default() -> Self {
        Self {
            available: true,
            capacity: None,
        }
    }
}

/// A team's notebook as it was read.
#[derive(Clone, Debug)]
pub(super) struct KnownNotebook {
    pub(super) team: String,
    pub(super) number: u64,
    pub(super) hash: Hash,
    pub(super) time: Time,
    /// The author's name.
    pub(super) author: String,
    /// Id of the team key that it was sealed to.
    pub(super) key: Hash,
    pub(super) page: Page,
}

array!(KnownNotebook {
    team,
    number,
    hash,
    time,
    author,
    key,
    page
});

impl Desk {
    /// Whether one more contact is welcome.
    fn welcomes(&self) -> bool {
        let OwnPresence {
            available,
            capacity,
        } = self.record.presence;
        available && capacity.is_none_or(|most| self.own < most)
    }

    /// What people see of it.
    pub(super) fn presence_view(&self) -> PresenceView {
        let OwnPresence {
            available,
            capacity,
        } = self.record.presence;
        PresenceView {
            available,
            capacity,
            own: self.own,
            welcome: self.welcomes(),
        }
    }

    /// A relay takes whoever connects for available.
    pub(super) fn connected(&mut self) {
        self.told = Some(true);
    }

    pub(super) fn disconnected(&mut self) {
        self.told = None;
    }
}

impl Client {
    /// The person chose.
    pub(super) fn choose_presence(&mut self, now: Time, available: bool, capacity: Option<u64>) {
        self.cx.desk.record.presence = OwnPresence {
            available,
            capacity,
        };
        self.cx.outputs.dirty(records::DESK);
        self.tell_presence(now);
    }

    /// Tells the relay and the person if something about it is new.
    pub(super) fn tell_presence(&mut self, now: Time) {
        let own = Some(self.cx.device());
        let is_own = |it: &&_| -> bool {
            let summary: &crate::wire::frame::ContactSummary = it;
            !summary.closed && summary.responsible == own
        };
        self.cx.desk.own = self.inbox.values().filter(is_own).count() as u64;
        let available = self.cx.desk.welcomes();
        if self.cx.desk.told.is_some_and(|told| told != available) {
            self.cx.desk.told = Some(available);
            let frame = ClientFrame::Presence { available };
            self.cx.outputs.transmit(frame);
        }
        self.show_account(now);
    }
}
