//! Messages that leave: an outbox that survives crashes, resends byte for byte within an epoch
//! and encrypts again in the next.

use super::about::is_silent;
use super::context::Context;
use super::conversation::{Conversation, fresh_id, salt};
use super::envelopes::body_of;
use super::proposals::Wish;
use super::records::{Outgoing, Sealed, message_name};
use super::timeline::{item, own_key};
use super::{Event, MessageState};
use crate::contact::{EpochKey, Strand};
use crate::crypto::Hash;
use crate::gather::Gather;
use crate::message::{Content, Envelope, Header, Receipt, SealParams, kind};
use crate::wire::frame::{ClientFrame, Entry};
use crate::wire::{Bytes, ContentId, Time, Version, encode, limits};

/// Messages that may be unacknowledged at the relay at once.
const WINDOW: usize = 64;

impl Conversation {
    /// Queues a person's message, unless it is known by the name that its host gave it: a host whose tab
    /// ended before it heard of the first time says it twice.
    pub(super) fn send(
        &mut self,
        cx: &mut Context,
        now: Time,
        id: Option<ContentId>,
        kind_name: String,
        body: Vec<u8>,
        reply_to: Option<ContentId>,
    ) {
        let Some(id) = id else {
            return self.queue(cx, now, kind_name, body, reply_to, false);
        };
        let waits = self.outbox.iter().any(|outgoing| outgoing.id == id);
        if waits || self.has_content(&cx.device(), &id) {
            return;
        }
        match self.outgoing(cx, now, kind_name, body, reply_to, false) {
            Ok(outgoing) => self.put_out(cx, now, Outgoing { id, ..outgoing }),
            Err(code) => cx.failed(Some(self.id), code),
        }
    }

    /// Queues a message and sends it if nothing is in the way.
    pub(super) fn queue(
        &mut self,
        cx: &mut Context,
        now: Time,
        kind_name: String,
        body: Vec<u8>,
        reply_to: Option<ContentId>,
        staff: bool,
    ) {
        match self.outgoing(cx, now, kind_name, body, reply_to, staff) {
            Ok(outgoing) => self.put_out(cx, now, outgoing),
            Err(code) => cx.failed(Some(self.id), code),
        }
    }

    fn put_out(&mut self, cx: &mut Context, now: Time, outgoing: Outgoing) {
        if outgoing.kind == kind::TEXT {
            // What is typed after it is a new message, so the others are told at once.
            self.fleeting.typing_sent = None;
        }
        self.dirty_message(cx, &outgoing.id);
        self.show_outgoing(cx, &outgoing);
        self.outbox.push(outgoing);
        self.flush(cx, now);
    }

    /// A message to be sent. Refused before anything is written if it is too large.
    pub(super) fn outgoing(
        &self,
        cx: &mut Context,
        now: Time,
        kind_name: String,
        body: Vec<u8>,
        reply_to: Option<ContentId>,
        staff: bool,
    ) -> Result<Outgoing, &'static str> {
        let most = cx
            .account
            .policy(now)
            .ok()
            // What clients say to each other has limits of its own.
            .filter(|_| !is_silent(&kind_name))
            .map_or(limits::BODY as u64, |(policy, _)| policy.limits.text)
            .min(limits::BODY as u64);
        if body.is_empty() {
            return Err("content-empty");
        }
        if body.len() as u64 > most || kind_name.len() > limits::NAME {
            return Err("content-too-large");
        }
        if kind_name == kind::TEXT && core::str::from_utf8(&body).is_err() {
            return Err("not-utf8");
        }
        if self
            .log
            .as_ref()
            .is_some_and(crate::contact::Log::is_closed)
        {
            return Err("closed");
        }
        Ok(Outgoing {
            number: self.next_number(),
            id: fresh_id(cx)?,
            kind: kind_name,
            body: body.into(),
            reply_to,
            sent: now,
            staff,
            shown: self
                .special_participants()
                .into_iter()
                .map(|(device, _)| device)
                .gather(),
            envelope: None,
            failed: None,
        })
    }

    /// Orders the next message behind all that wait.
    fn next_number(&self) -> u64 {
        let numbers = self.outbox.iter().map(|outgoing| outgoing.number);
        numbers.max().map_or(0, |last| last + 1)
    }

    /// A message that was stored takes its place again.
    pub(super) fn restore(&mut self, outgoing: Outgoing) {
        let place = outgoing.place();
        let before = |known: &Outgoing| known.place() < place;
        let index = self.outbox.partition_point(before);
        self.outbox.insert(index, outgoing);
    }

    /// Encrypts and sends what waits, if nothing is in the way.
    pub(super) fn flush(&mut self, cx: &mut Context, now: Time) {
        self.propose(cx, now);
        let ready = cx.online
            && self.caught_up
            && self.record.proposal.is_none()
            && self.backlog.is_empty();
        let waits = |outgoing: &Outgoing| outgoing.envelope.is_none() && outgoing.failed.is_none();
        if !ready || !self.outbox.iter().any(waits) {
            return;
        }
        if let Err(code) = self.can_send(cx, now) {
            if self.blocked != Some(code) {
                self.blocked = Some(code);
                cx.failed(Some(self.id), code);
            }
            return;
        }
        self.blocked = None;
        self.return_drafts(cx);
        let (mut index, mut room) = (0, WINDOW);
        while let Some(outgoing) = self.outbox.get(index) {
            // Those that a person has to decide about are in nobody's way.
            if outgoing.failed.is_none() {
                if room == 0 {
                    return;
                }
                room -= 1;
            }
            if waits(outgoing) {
                let strand = if outgoing.staff {
                    Strand::Staff
                } else {
                    Strand::All
                };
                let Some(epoch) = self.epoch() else { return };
                let Some(known) = epoch.known(strand) else {
                    // A visitor's epoch has no staff secret; staff start one that has.
                    return self.want(cx, now, Wish::Rekey);
                };
                match self.encrypt(
                    cx,
                    outgoing,
                    epoch.commit.core().epoch,
                    &epoch.transcript,
                    &known.key,
                ) {
                    Ok(sealed) => self.send_sealed(cx, index, sealed),
                    Err(code) => self.fail(cx, index, code),
                }
            }
            index += 1;
        }
    }

    /// A person has to decide about a message.
    fn fail(&mut self, cx: &mut Context, index: usize, code: &str) {
        let mut outgoing = self.outbox.remove(index);
        outgoing.failed = Some(code.into());
        self.dirty_message(cx, &outgoing.id);
        if matches!(outgoing.kind.as_str(), kind::DETAILS | kind::LABELS) {
            // There is no item that could show it.
            cx.failed(Some(self.id), super::codes::known(code));
        }
        self.show_outgoing(cx, &outgoing);
        self.outbox.insert(index, outgoing);
    }

    /// The next envelope of the own chain, in an epoch that is in force or comes with the commit
    /// right before it. The chain moves on with `continue_after`.
    pub(super) fn encrypt(
        &self,
        cx: &mut Context,
        outgoing: &Outgoing,
        epoch: u64,
        transcript: &Hash,
        key: &EpochKey,
    ) -> Result<Sealed, &'static str> {
        let salt = salt(cx)?;
        let append = fresh_id(cx)?;
        let device = cx.device();
        let account = cx.account.id();
        let log = self.log.as_ref().ok_or("not-started")?;
        let sequence = self.record.next_sequence;
        let previous = self
            .record
            .previous
            .unwrap_or_else(|| Envelope::first_previous(&account, &self.id, &device));
        let content = Content {
            id: outgoing.id,
            kind: outgoing.kind.clone(),
            sent: outgoing.sent,
            reply_to: outgoing.reply_to,
            body: outgoing.body.clone(),
        };
        let header = Header {
            version: Version,
            suite: log.suite(),
            account,
            contact: self.id,
            epoch,
            transcript: *transcript,
            device,
            sequence,
            salt,
            previous,
            seen: self.seen(),
            audience: outgoing.audience(),
        };
        let envelope = Envelope::seal(SealParams {
            header,
            epoch_key: key.secret(),
            content: &content,
            signing_key: &cx.signer,
        })
        .map_err(|error| error.code())?;
        Ok(Sealed {
            append,
            epoch,
            sequence,
            hash: envelope.hash(),
            entry: encode(&Entry::Envelope(envelope.to_bytes())).into(),
        })
    }

    /// The own chain goes on after this envelope.
    pub(super) fn continue_after(&mut self, sealed: &Sealed) {
        self.record.next_sequence = sealed.sequence + 1;
        self.record.previous = Some(sealed.hash);
    }

    fn send_sealed(&mut self, cx: &mut Context, index: usize, sealed: Sealed) {
        self.continue_after(&sealed);
        self.transmit(cx, sealed.append, sealed.entry.clone());
        if let Some(outgoing) = self.outbox.get_mut(index) {
            outgoing.envelope = Some(sealed);
            cx.outputs.dirty(&message_name(&self.id, &outgoing.id));
        }
        // Whatever is sent says how far we have read, so a receipt has only the read mark to add.
        if self.read == self.read_told {
            self.receipt_at = None;
        }
        self.dirty(cx);
    }

    fn transmit(&self, cx: &mut Context, append: ContentId, entry: Bytes) {
        cx.outputs.transmit_stored(ClientFrame::Append {
            id: append,
            contact: self.id,
            entry,
        });
    }

    /// Connected and caught up: what the relay did not acknowledge goes out again.
    pub(super) fn after_catching_up(&mut self, cx: &mut Context, now: Time) {
        self.resend_proposal(cx);
        let epoch = self.log.as_ref().map(crate::contact::Log::epoch);
        let late = |sealed: &Sealed| Some(sealed.epoch) != epoch;
        let any_late = self
            .outbox
            .iter()
            .filter_map(|outgoing| outgoing.envelope.as_ref())
            .any(late);
        if any_late {
            self.unseal_outbox(cx);
        }
        for outgoing in &self.outbox {
            if let Some(sealed) = &outgoing.envelope {
                self.transmit(cx, sealed.append, sealed.entry.clone());
            }
        }
        self.expire_secrets(cx, now);
    }

    /// The own state was older than the log, or another copy of it writes: new keys.
    pub(super) fn renew_after_rollback(&mut self, cx: &mut Context, now: Time) {
        if core::mem::take(&mut self.rolled_back) && self.can_send(cx, now).is_ok() {
            self.want(cx, now, Wish::Rekey);
        }
    }

    /// The epoch changed: nothing of the old one that is not in the log will ever count, so it is
    /// encrypted again, from where the own chain stands in the log: known once all was read.
    pub(super) fn unseal_outbox(&mut self, cx: &mut Context) {
        if !self.caught_up {
            return;
        }
        let own = cx.device();
        let (next, hash) = {
            let sender = self.sender(cx, &own);
            (sender.next_sequence, sender.hash)
        };
        if self.unseal(cx) {
            self.record.next_sequence = next;
            self.record.previous = Some(hash);
            self.dirty(cx);
        }
    }

    /// `true` if anything was sealed.
    fn unseal(&mut self, cx: &mut Context) -> bool {
        let mut any = false;
        for outgoing in &mut self.outbox {
            if outgoing.envelope.take().is_some() {
                cx.outputs.dirty(&message_name(&self.id, &outgoing.id));
                any = true;
            }
        }
        any
    }

    /// Whether these are the very bytes of an envelope that this device sealed and that waits for its
    /// acknowledgement: there is nothing to verify.
    pub(super) fn has_sealed(&self, entry: &[u8]) -> bool {
        self.sealed_at(entry).is_some()
    }

    fn sealed_at(&self, entry: &[u8]) -> Option<usize> {
        self.outbox.iter().position(|outgoing| {
            let sealed = outgoing.envelope.as_ref();
            sealed.is_some_and(|sealed| *sealed.entry == *entry)
        })
    }

    /// An own envelope is in the log: acknowledged, or not remembered.
    pub(super) fn own_envelope(&mut self, cx: &mut Context, envelope: &Envelope, entry: &[u8]) {
        let header = envelope.header();
        if let Some(index) = self.sealed_at(entry) {
            let outgoing = self.outbox.remove(index);
            return self.dirty_message(cx, &outgoing.id);
        }
        let same_sequence = |outgoing: &Outgoing| {
            let sealed = outgoing.envelope.as_ref();
            sealed.is_some_and(|sealed| sealed.sequence == header.sequence)
        };
        let competes = self.outbox.iter().any(same_sequence);
        if header.sequence < self.record.next_sequence && !competes {
            return;
        }
        // Older state than the log's came back, or another copy of it writes: go on after it,
        // with new keys.
        self.record.next_sequence = header.sequence + 1;
        self.record.previous = Some(envelope.hash());
        self.unseal(cx);
        self.rolled_back = true;
        self.dirty(cx);
        cx.alarm(Some(self.id), "state-rolled-back", false);
    }

    /// The relay refused an entry. `true` if it was one of this contact's.
    pub(super) fn refused(
        &mut self,
        cx: &mut Context,
        now: Time,
        append: ContentId,
        code: &'static str,
    ) -> bool {
        if self
            .record
            .proposal
            .as_ref()
            .is_some_and(|own| own.append == append)
        {
            self.proposal_refused(cx, code);
            self.flush(cx, now);
            return true;
        }
        let sealed = |outgoing: &Outgoing| {
            let envelope = outgoing.envelope.as_ref();
            envelope.is_some_and(|sealed| sealed.append == append)
        };
        let Some(index) = self.outbox.iter().position(sealed) else {
            return false;
        };
        // A late entry is encrypted again when the commit that was first arrives.
        if code != "stale-epoch" {
            self.fail(cx, index, code);
            self.unseal_outbox(cx);
            self.flush(cx, now);
        }
        true
    }

    /// A person wants a failed message sent again: after all others, as it is new to the chain.
    pub(super) fn retry(&mut self, cx: &mut Context, now: Time, id: ContentId) {
        let number = self.next_number();
        let Some(mut outgoing) = self.take_failed(cx, id) else {
            return;
        };
        outgoing.failed = None;
        outgoing.number = number;
        self.dirty_message(cx, &id);
        self.show_outgoing(cx, &outgoing);
        self.outbox.push(outgoing);
        self.flush(cx, now);
    }

    /// A person gives a message up that failed, or that goes nowhere because its contact ended at
    /// the relay.
    pub(super) fn discard(&mut self, cx: &mut Context, id: ContentId) {
        if self.take_failed(cx, id).is_some() {
            self.remove_item(cx, own_key(&id));
            self.dirty_message(cx, &id);
        }
    }

    /// Takes a message out of the outbox that is not on its way, or says that there is none.
    fn take_failed(&mut self, cx: &mut Context, id: ContentId) -> Option<Outgoing> {
        let stopped = self.stopped.is_some();
        let failed =
            |outgoing: &Outgoing| outgoing.id == id && (stopped || outgoing.failed.is_some());
        let index = self.outbox.iter().position(failed);
        if index.is_none() {
            cx.failed(Some(self.id), "unknown-message");
        }
        index.map(|index| self.outbox.remove(index))
    }

    /// Someone joined that an author was not shown: unsent texts go back to the draft.
    pub(super) fn return_drafts(&mut self, cx: &mut Context) {
        let special = self.special_participants();
        if special.is_empty() {
            return;
        }
        let mut index = 0;
        while let Some(outgoing) = self.outbox.get(index) {
            let unseen = |(device, _): &&(_, _)| !outgoing.shown.contains(device);
            let surprise = special.iter().find(unseen);
            let is_draft = outgoing.envelope.is_none() && outgoing.kind == kind::TEXT;
            let Some((_, joined)) = surprise.filter(|_| is_draft) else {
                index += 1;
                continue;
            };
            let outgoing = self.outbox.remove(index);
            self.dirty_message(cx, &outgoing.id);
            self.remove_item(cx, own_key(&outgoing.id));
            if let Ok(text) = String::from_utf8(outgoing.body.into_vec()) {
                let (contact, joined) = (self.id, *joined);
                cx.event(Event::ReturnedToDraft {
                    contact,
                    text,
                    joined,
                });
            }
        }
    }

    pub(super) fn remove_item(&mut self, cx: &mut Context, key: String) {
        if self.timeline.remove(&key) && !self.unwatched {
            let contact = self.id;
            cx.event(Event::ItemRemoved { contact, key });
        }
    }

    /// Shows everything that waits in the outbox.
    pub(super) fn show_outbox(&mut self, cx: &mut Context) {
        for outgoing in core::mem::take(&mut self.outbox) {
            self.show_outgoing(cx, &outgoing);
            self.outbox.push(outgoing);
        }
    }

    /// Shows a message that waits as sending or failed.
    pub(super) fn show_outgoing(&mut self, cx: &mut Context, outgoing: &Outgoing) {
        if is_silent(&outgoing.kind) {
            return;
        }
        let author = cx.author(&cx.device(), self.log.as_ref());
        let state = match &outgoing.failed {
            Some(code) => MessageState::Failed(super::codes::known(code)),
            None => MessageState::Sending,
        };
        let id = outgoing.id;
        let body = body_of(
            outgoing.kind.clone(),
            outgoing.body.clone(),
            outgoing.reply_to,
            id,
            outgoing.audience(),
        );
        let author = Some(author);
        self.put(
            cx,
            item(own_key(&id), None, outgoing.sent, author, body, state),
        );
    }

    /// A receipt is due: one envelope that says how far was read.
    pub(super) fn send_receipt(&mut self, cx: &mut Context, now: Time) {
        self.receipt_at = None;
        // One that is not encrypted yet will say all that this one would.
        let unsealed = |out: &Outgoing| out.kind == kind::RECEIPT && out.envelope.is_none();
        let waits = self.outbox.iter().any(unsealed);
        if waits || self.can_send(cx, now).is_err() {
            return;
        }
        self.read_told = self.read;
        let body = Receipt { read: self.read }.to_body().into_vec();
        self.queue(cx, now, kind::RECEIPT.into(), body, None, false);
    }
}
