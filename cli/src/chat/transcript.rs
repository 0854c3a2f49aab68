//! What of the open contact stands on the screen already.

use std::collections::{BTreeMap, BTreeSet};

use sottovoce::client::{Item, ItemBody, MessageState};
use sottovoce::wire::{ContactId, ContentId};

use super::screen::Line;
use super::show;

/// The items that were shown, and how far the own messages got.
#[derive(Default)]
pub(super) struct Transcript {
    shown: BTreeMap<String, Item>,
    /// Key of the own message that was written last: how far it got says it for those before.
    last_own: Option<String>,
}

impl Transcript {
    /// Takes in an item; answers with the lines that are new. `typed_here` leaves the text of own
    /// messages out that stand on the screen as they were typed.
    pub(super) fn take(&mut self, item: Item, typed_here: bool) -> Vec<Line> {
        // The transfer's own line says that what was said before is not for this device; and keys
        // may still come with later entries.
        if item.body == ItemBody::BeforeJoining {
            return Vec::new();
        }
        let own = item.author.as_ref().is_some_and(|author| author.own);
        let message = matches!(item.body, ItemBody::Text { .. } | ItemBody::Note { .. });
        let before = self.shown.insert(item.key.clone(), item.clone());
        let mut lines = Vec::new();
        match &before {
            Some(before) if before.body == item.body && before.marks == item.marks => {}
            Some(_) => lines.extend(show::item(&item)),
            None => {
                let on_screen = typed_here && own && message && is_new(item.state);
                if !on_screen {
                    lines.extend(show::item(&item));
                }
                if own && message {
                    self.last_own = Some(item.key.clone());
                }
            }
        }
        let state_changed = match &before {
            Some(before) => before.state != item.state,
            None => is_new(item.state),
        };
        let failed = matches!(item.state, MessageState::Failed(_));
        if own && message && state_changed && (failed || self.last_own.as_ref() == Some(&item.key))
        {
            lines.extend(show::state(item.state));
        }
        lines
    }

    /// An item is gone.
    pub(super) fn remove(&mut self, key: &str) {
        self.shown.remove(key);
    }
}

/// Not yet known to any peer: written in this process or the one before it.
const fn is_new(state: MessageState) -> bool {
    matches!(state, MessageState::Sending | MessageState::Failed(_))
}

/// Own messages that are on their way, in all contacts, and those that failed.
#[derive(Default)]
pub(super) struct Outgoing {
    /// Messages that were given and have not come back as items.
    given: u32,
    sending: BTreeMap<(ContactId, String), ContentId>,
    failed: BTreeMap<(ContactId, String), ContentId>,
    /// Contacts that ended at the relay: what is unsent there goes nowhere.
    stranded: BTreeSet<ContactId>,
}

impl Outgoing {
    /// A message was given; an item or a failure answers.
    pub(super) fn give(&mut self) {
        self.given += 1;
    }

    /// A message came back as an item, or failed.
    pub(super) fn answer(&mut self) {
        self.given = self.given.saturating_sub(1);
    }

    pub(super) fn take(&mut self, contact: ContactId, item: &Item) {
        let place = (contact, item.key.clone());
        let was_sending = self.sending.remove(&place).is_some();
        self.failed.remove(&place);
        let (ItemBody::Text { id, .. } | ItemBody::Note { id, .. }) = &item.body else {
            return;
        };
        match item.state {
            MessageState::Sending => {
                if !was_sending {
                    self.answer();
                }
                self.sending.insert(place, *id);
            }
            MessageState::Failed(_) => {
                self.failed.insert(place, *id);
            }
            _ => {}
        }
    }

    /// An item is gone; whether somebody gave it up.
    pub(super) fn remove(&mut self, contact: ContactId, key: &str) -> bool {
        let place = (contact, key.to_owned());
        let was_sending = self.sending.remove(&place).is_some();
        let had_failed = self.failed.remove(&place).is_some();
        had_failed || (was_sending && self.stranded.contains(&contact))
    }

    /// A contact ended at the relay.
    pub(super) fn strand(&mut self, contact: ContactId) {
        self.stranded.insert(contact);
    }

    /// Whether something is unsent that goes nowhere.
    pub(super) fn has_stranded(&self) -> bool {
        let mut unsent = self.sending.keys().chain(self.failed.keys());
        unsent.any(|(contact, _)| self.stranded.contains(contact))
    }

    /// Whether something has not reached the relay yet and still may, and has not failed.
    pub(super) fn is_sending(&self) -> bool {
        let mut sending = self.sending.keys();
        self.given > 0 || sending.any(|(contact, _)| !self.stranded.contains(contact))
    }

    /// What failed in a contact, or goes nowhere.
    pub(super) fn failed_in(&self, contact: ContactId) -> Vec<ContentId> {
        let stranded = self.stranded.contains(&contact);
        self.failed
            .iter()
            .chain(self.sending.iter().filter(|_| stranded))
            .filter(|((of, _), _)| *of == contact)
            .map(|(_, id)| *id)
            .collect()
    }
}
