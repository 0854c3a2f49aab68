//! Requests, which are answered by their number.

use sottovoce::wire::frame::{BanPeriod, Object, PushTarget, Query, RefusedId, RelayFrame};
use sottovoce::wire::{ContactId, DecodeError, DeviceId, limits};

use super::{Session, refused};
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
        self.account
            .publish(object, &self.device, clock::now())
            .await
    }

    pub(super) async fn look_up(&mut self, id: u64, query: &Query) -> Result<(), End> {
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
