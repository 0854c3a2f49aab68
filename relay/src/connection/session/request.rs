//! Requests, which are answered by their number.

use std::sync::Arc;

use sottovoce::wire::frame::{
    BanPeriod, Object, ObjectKind, PushTarget, Query, RefusedId, RelayFrame,
};
use sottovoce::wire::{Bytes, ContactId, DecodeError, DeviceId, Suite, limits};

use super::{PREKEYS, Session, refused};
use crate::connection::End;
use crate::refusal::Refusal;
use sottovoce_server::clock;

impl Session<'_> {
    pub(super) async fn answer(&mut self, id: u64, done: Result<(), Refusal>) -> Result<(), End> {
        let answer = match done {
            Ok(()) => RelayFrame::Published { id },
            Err(refusal) => refused(RefusedId::Request(id), &refusal),
        };
        self.wire.send(&answer).await
    }

    /// Staff who may read a contact now keep away a visitor who is on it.
    pub(super) async fn ban(
        &mut self,
        contact: ContactId,
        device: DeviceId,
        period: BanPeriod,
    ) -> Result<(), Refusal> {
        if !self.standing.belongs() {
            return Err(Refusal::NotAllowed);
        }
        let account = self.account.id();
        let store = &self.shared.store;
        let teams = self.standing.teams();
        let access = store
            .access(&account, &contact, &self.device, teams)
            .await?
            .filter(|access| access.until.is_none())
            .ok_or(Refusal::UnknownContact)?;
        if !access.summary.devices.contains(&device) {
            return Err(Refusal::NotOnRoster);
        }
        let book = self.account.book().await;
        if book.standing(&device, clock::now()).belongs() {
            return Err(Refusal::NotAllowed);
        }
        drop(book);
        let bans = &self.shared.bans;
        bans.ban(account, device, period, self.device).await?;
        tracing::info!(%contact, "a visitor was banned");
        Ok(())
    }

    pub(super) async fn set_push_target(
        &mut self,
        target: Option<PushTarget>,
    ) -> Result<(), Refusal> {
        if !self.publications.take() {
            return Err(Refusal::Throttled);
        }
        if let Some(target) = &target {
            if target.token.len() > limits::PUSH_TOKEN {
                return Err(DecodeError::TooLarge.into());
            }
            if !self.shared.pushes {
                return Err(Refusal::NotAllowed);
            }
        }
        let account = self.account.id();
        let store = &self.shared.store;
        store
            .set_push_target(&account, &self.device, target.as_ref())
            .await?;
        Ok(())
    }

    /// Signatures are checked before anything is known about who publishes, so this is limited.
    pub(super) async fn publish(&mut self, object: &Object) -> Result<(), Refusal> {
        if !self.publications.take() {
            return Err(Refusal::Throttled);
        }
        let now = clock::now();
        if object.kind == ObjectKind::ArchiveKey {
            if !self.standing.belongs() {
                return Err(Refusal::NotAllowed);
            }
            let one_time = self.account.book().await.one_time_key(object, now)?;
            if let Some(key) = one_time {
                let account = self.account.id();
                return Ok(self.shared.store.add_prekey(&account, &key, now).await?);
            }
        }
        self.account.publish(object, &self.device, now).await
    }

    /// Passes a request on to the key manager. The session goes on meanwhile.
    pub(super) fn ask_key_manager(&mut self, id: u64, request: Bytes) {
        let (shared, account) = (Arc::clone(self.shared), Arc::clone(&self.account));
        let allowed = self.standing.belongs() && self.publications.take();
        self.in_flight.push(Box::pin(async move {
            let answer = if allowed {
                let managers = &shared.key_managers;
                managers.ask(&account, clock::now(), &request).await
            } else {
                Err(Refusal::NotAllowed)
            };
            Ok(vec![match answer {
                Ok(answer) => RelayFrame::Answered { id, answer },
                Err(refusal) => refused(RefusedId::Request(id), &refusal),
            }])
        }));
    }

    fn look_up_request_keys(&mut self, id: u64) {
        let (shared, account) = (Arc::clone(self.shared), Arc::clone(&self.account));
        let allowed = self.standing.belongs() && self.publications.take();
        self.in_flight.push(Box::pin(async move {
            let keys = if allowed {
                let managers = &shared.key_managers;
                managers.request_keys(&account, clock::now()).await
            } else {
                Err(Refusal::NotAllowed)
            };
            Ok(vec![match keys {
                Ok(objects) => RelayFrame::Found {
                    id,
                    objects,
                    available: Vec::new(),
                    more: false,
                },
                Err(refusal) => refused(RefusedId::Request(id), &refusal),
            }])
        }));
    }

    /// A one-time key that nobody else is given, and the last-resort key.
    async fn look_up_archive_keys(&mut self, id: u64, suite: Suite) -> Result<(), End> {
        let (account, now) = (self.account.id(), clock::now());
        let mut objects = Vec::new();
        if self.prekeys < PREKEYS {
            let store = &self.shared.store;
            let taken = store.take_prekey(&account, suite, now).await;
            if let Some(record) = taken.map_err(Refusal::from)? {
                self.prekeys += 1;
                objects.push(Object::new(ObjectKind::ArchiveKey, record.into()));
            }
        }
        objects.extend(self.account.book().await.last_resort_key(suite));
        let frame = RelayFrame::Found {
            id,
            objects,
            available: Vec::new(),
            more: false,
        };
        self.wire.send(&frame).await
    }

    /// Now and then, a member of staff is told that one-time keys run short.
    pub(super) async fn see_to_keys(&mut self) -> Result<(), End> {
        let (managers, store) = (&self.shared.key_managers, self.shared.store.as_ref());
        let wanted = managers.wanted(&self.account, store, &self.standing, clock::now());
        for (suite, count) in wanted.await.map_err(Refusal::from)? {
            let frame = RelayFrame::KeysWanted { suite, count };
            self.wire.send(&frame).await?;
        }
        Ok(())
    }

    pub(super) async fn look_up(&mut self, id: u64, query: &Query) -> Result<(), End> {
        match query {
            Query::ArchiveKeys(suite) => return self.look_up_archive_keys(id, *suite).await,
            Query::RequestKeys => {
                self.look_up_request_keys(id);
                return Ok(());
            }
            _ => {}
        }
        let found = self
            .account
            .book()
            .await
            .look_up(query, &self.device, clock::now());
        let pages = match found {
            Ok(found) => found.pages(),
            Err(refusal) => {
                let answer = refused(RefusedId::Request(id), &refusal);
                return self.wire.send(&answer).await;
            }
        };
        let account = self.account.id();
        let now = std::time::Instant::now();
        let last = pages.len() - 1;
        for (index, page) in pages.into_iter().enumerate() {
            let frame = RelayFrame::Found {
                id,
                available: self.shared.presence.available(account, &page.devices, now),
                objects: page.objects,
                more: index < last,
            };
            self.wire.send(&frame).await?;
        }
        Ok(())
    }
}
