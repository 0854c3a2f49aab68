//! Contacts that the peer follows: what the store has of them, and what is new.

use sottovoce::account::Role;
use sottovoce::message::Audience;
use sottovoce::wire::frame::{ContactSummary, RefusedId, RelayFrame};
use sottovoce::wire::{Bytes, ContactId};

use super::{Session, refused};
use crate::connection::End;
use crate::connection::followed::Followed;
use crate::contact::ephemeral_of;
use crate::fanout::{Event, Topic};
use crate::hints::Hint;
use crate::refusal::Refusal;
use crate::store::{Access, Gone, StoreError, in_time};

/// Contacts that one connection follows.
const FOLLOWED: usize = 4096;

impl Session<'_> {
    pub(super) async fn resume(&mut self, contact: ContactId, after: u64) -> Result<(), End> {
        let account = self.account.id();
        if self.followed.len() >= FOLLOWED && !self.followed.contains_key(&contact) {
            let answer = refused(RefusedId::Contact(contact), &Refusal::Throttled);
            return self.wire.send(&answer).await;
        }
        // Subscribed before the head is read: an entry that is newer than the head arrives.
        self.subscribe(Topic::Contact(account, contact));
        match in_time(self.access(&contact)).await {
            Ok(Some(access)) if !access.dropped => {
                let followed = Followed::resume(&access, after, &self.device);
                self.followed.insert(contact, followed);
                self.fall_behind(contact);
                Ok(())
            }
            Ok(_) => self.tell_gone(contact).await,
            Err(error) => {
                self.leave(&contact);
                let answer = refused(RefusedId::Contact(contact), &error.into());
                self.wire.send(&answer).await
            }
        }
    }

    /// How far the device may read a contact. Closed ones are also for those who look back at what
    /// others did, and can read them only by what a key manager releases: supervisors those of their
    /// teams, auditors all.
    async fn access(&mut self, contact: &ContactId) -> Result<Option<Access>, StoreError> {
        let account = self.account.id();
        let store = &self.shared.store;
        let teams = self.standing.teams();
        let access = store.access(&account, contact, &self.device, teams).await?;
        let credential = self.standing.credential.as_ref();
        match (credential.map(|credential| credential.role), access) {
            (Some(Role::Supervisor), Some(access)) if access.summary.closed => Ok(Some(Access {
                until: None,
                ..access
            })),
            (Some(Role::Auditor), None) => {
                let found = store.summaries(&[(account, *contact)]).await?;
                let mut closed = found.into_iter().filter(|(_, summary)| summary.closed);
                Ok(closed.next().map(|(_, summary)| Access {
                    summary,
                    until: None,
                    dropped: false,
                }))
            }
            (_, access) => Ok(access),
        }
    }

    /// A contact has no entries to give: says why.
    pub(super) async fn tell_gone(&mut self, contact: ContactId) -> Result<(), End> {
        self.leave(&contact);
        let account = self.account.id();
        let refusal = match in_time(self.shared.store.gone(&account, &contact)).await {
            Ok(Some(Gone::Dropped)) => Refusal::Dropped,
            Ok(Some(Gone::Erased(_))) => Refusal::Erased,
            Ok(None) => Refusal::UnknownContact,
            Err(error) => error.into(),
        };
        let answer = refused(RefusedId::Contact(contact), &refusal);
        self.wire.send(&answer).await
    }

    pub(super) fn leave(&mut self, contact: &ContactId) {
        self.followed.remove(contact);
        self.behind.retain(|known| known != contact);
        let topic = Topic::Contact(self.account.id(), *contact);
        self.shared.fanout.unsubscribe(self.subscriber, &topic);
    }

    /// Sends one chunk of one contact from the store.
    pub(super) async fn catch_up(&mut self) -> Result<(), End> {
        let Some(contact) = self.behind.pop_front() else {
            return Ok(());
        };
        let Some(followed) = self.followed.get_mut(&contact) else {
            return Ok(());
        };
        if !followed.is_behind() {
            return Ok(());
        }
        let entries = if followed.sent < followed.head {
            let account = self.account.id();
            let store = &self.shared.store;
            in_time(store.entries(&account, &contact, followed.sent, followed.head)).await?
        } else {
            Vec::new()
        };
        // Erased, or dropped, since it was resumed.
        let behind = followed.sent < followed.head;
        if behind && (entries.is_empty() || entries.iter().any(Vec::is_empty)) {
            return self.tell_gone(contact).await;
        }
        let first = followed.sent + 1;
        followed.answered = true;
        followed.sent += u64::try_from(entries.len()).unwrap_or(0);
        if followed.is_behind() {
            self.behind.push_back(contact);
        }
        let frame = RelayFrame::Entries {
            contact,
            first,
            entries: entries.into_iter().map(Bytes::from).collect(),
            head: followed.head,
        };
        self.wire.send(&frame).await
    }

    /// Only participants may, and not too often; for staff only also those who wait in a team. Never answered, so
    /// what is too much is dropped.
    pub(super) fn ephemeral(&mut self, contact: ContactId, event: Bytes) {
        let Some(followed) = self.followed.get(&contact).filter(|it| !it.ended) else {
            return;
        };
        let (is_participant, belongs) = (followed.is_participant, self.standing.belongs());
        let account = self.account.id();
        if !self.ephemerals.take() {
            return;
        }
        let may = match ephemeral_of(&event, &account, &contact, &self.device) {
            Some(Audience::All) => is_participant,
            Some(Audience::Staff) => belongs,
            None => false,
        };
        if !may {
            return;
        }
        self.shared.hints.publish(Hint::Ephemeral {
            key: (account, contact),
            from: self.device,
            event: event.clone(),
        });
        let topic = Topic::Contact(account, contact);
        let event = Event::ephemeral(contact, self.device, event);
        self.shared.fanout.publish(&[topic], &event);
    }

    pub(super) async fn event(&mut self, event: Event) -> Result<(), End> {
        match event {
            Event::Objects(objects) => {
                let objects = objects.to_vec();
                self.wire.send(&RelayFrame::Announce { objects }).await?;
                self.update_standing().await
            }
            Event::Contact(summary) => {
                if !self.standing.belongs() {
                    return Ok(());
                }
                let frame = RelayFrame::Contacts {
                    all: false,
                    contacts: vec![(*summary).clone()],
                };
                self.wire.send(&frame).await
            }
            Event::Entry(appended) => {
                let contact = appended.summary.contact;
                let teams = self.standing.teams();
                let Some(followed) = self.followed.get_mut(&contact) else {
                    return Ok(());
                };
                let position = appended.position;
                if !followed.advance(position, &appended.summary, &self.device, teams) {
                    return Ok(());
                }
                if !followed.answered || position != followed.sent + 1 {
                    // Not its turn yet: the store has it.
                    self.fall_behind(contact);
                    return Ok(());
                }
                followed.sent = position;
                let frame = RelayFrame::Entries {
                    contact,
                    first: position,
                    entries: vec![appended.entry.clone()],
                    head: position,
                };
                self.wire.send(&frame).await?;
                let seconds = appended.received.elapsed().as_secs_f64();
                self.shared.metrics.delivery.observe(seconds);
                Ok(())
            }
            Event::Gone(gone) => {
                let contact = gone.contact;
                let follows = self.followed.contains_key(&contact);
                self.leave(&contact);
                // Staff may have it in their list as well.
                if !follows && !self.standing.belongs() {
                    return Ok(());
                }
                let answer = refused(RefusedId::Contact(contact), &gone.refusal);
                self.wire.send(&answer).await
            }
            Event::Banned => self.check_ban(),
            Event::Advanced(summary) => self.advanced(&summary).await,
            Event::Ephemeral(fleeting) => {
                let contact = fleeting.contact;
                let follows = self
                    .followed
                    .get(&contact)
                    .is_some_and(|followed| !followed.ended);
                let concerned = follows && (self.standing.belongs() || !fleeting.staff_only);
                if fleeting.from == self.device || !concerned {
                    return Ok(());
                }
                let event = fleeting.event.clone();
                let frame = RelayFrame::Ephemeral { contact, event };
                self.wire.send(&frame).await
            }
        }
    }

    /// A contact is further than what this node has written to it.
    pub(super) async fn advanced(&mut self, summary: &ContactSummary) -> Result<(), End> {
        let contact = summary.contact;
        let teams = self.standing.teams();
        let Some(followed) = self.followed.get_mut(&contact) else {
            return Ok(());
        };
        if followed.ended || summary.head <= followed.head {
            return Ok(());
        }
        if !followed.advance(summary.head, summary, &self.device, teams) {
            return Ok(());
        }
        if followed.ended {
            // The device was removed somewhere on the way: only the store knows where.
            let store = &self.shared.store;
            let account = self.account.id();
            let access = store.access(&account, &contact, &self.device, teams);
            match in_time(access).await? {
                Some(access) => followed.end_at(&access),
                None => return self.tell_gone(contact).await,
            }
        }
        self.fall_behind(contact);
        Ok(())
    }

    /// Something is to be sent from the store.
    pub(super) fn fall_behind(&mut self, contact: ContactId) {
        if !self.behind.contains(&contact) {
            self.behind.push_back(contact);
        }
    }
}
