//! Envelopes that arrive: whether they count, who wrote them, and what people see of them.

use super::context::{Context, STAFF};
use super::conversation::{Conversation, Epoch};
use super::incoming::{AT_ONCE, outside_tolerance};
use super::timeline::{entry_key, item, own_key};
use super::{Event, ItemBody, MessageState};
use crate::account::verify_identity;
use crate::contact::Strand;
use crate::message::{Audience, Content, Envelope, MessageError, Receipt, kind};
use crate::wire::log::Seen;
use crate::wire::{Bytes, ContentId, DeviceId, Time, limits};

impl Conversation {
    pub(super) fn envelope(
        &mut self,
        cx: &mut Context,
        now: Time,
        position: u64,
        bytes: &[u8],
        entry: &[u8],
    ) {
        let envelope = match Envelope::parse(bytes) {
            Ok(envelope) => envelope,
            Err(error) => return self.invalid(cx, position, now, error.code()),
        };
        if let Err(code) = self.counts(&envelope) {
            if code == "stale-epoch" {
                return self.stale(cx, position, &envelope);
            }
            return self.invalid(cx, position, now, code);
        }
        let header = envelope.header().clone();
        let opened = self.open(&envelope);
        let sender = self.sender(cx, &header.device);
        let follows = header.sequence == sender.next_sequence && header.previous == sender.hash;
        let proven_later = follows && matches!(opened, Some(Ok(_))) && !self.caught_up;
        let unproven = !proven_later && !self.has_sealed(entry);
        if unproven && let Err(error) = envelope.verify_signature() {
            return self.invalid(cx, position, now, error.code());
        }
        let marks = match self.chain(cx, &envelope) {
            Ok(marks) => marks,
            Err(code) => return cx.alarm(Some(self.id), code, false),
        };
        if let Some(seen) = header.seen {
            self.compare_seen(cx, position, seen);
            let own = cx.device();
            let sender = self.sender(cx, &header.device);
            sender.seen = sender.seen.max(seen.position);
            if header.device != own {
                let (seen, read) = (sender.seen, sender.read);
                self.advance_own(cx, seen, read);
            }
        }
        if header.device == cx.device() {
            self.own_envelope(cx, &envelope, entry);
        } else {
            self.expect_receipt_for(cx, now, &opened);
        }
        match opened {
            None => return self.unreadable(cx, position, envelope),
            Some(Err(error)) => self.invalid(cx, position, now, error.code()),
            Some(Ok(content)) => self.content(cx, now, position, &envelope, content, marks),
        }
        if proven_later {
            self.unverified.push((position, envelope));
        }
    }

    /// Whether the envelope belongs to the epoch in force and its author may write it.
    fn counts(&self, envelope: &Envelope) -> Result<(), &'static str> {
        let header = envelope.header();
        let log = self.log.as_ref().ok_or("not-started")?;
        if header.account != *log.account()
            || header.contact != self.id
            || header.suite != log.suite()
        {
            return Err("foreign-contact");
        }
        if log.is_closed() {
            return Err("closed");
        }
        if header.epoch != log.epoch() || header.transcript != *log.transcript() {
            return Err("stale-epoch");
        }
        let member = log.roster().member(&header.device).ok_or("not-on-roster")?;
        if header.audience == Audience::Staff && !member.role.is_staff() {
            return Err("not-on-roster");
        }
        Ok(())
    }

    /// An entry of an epoch that is not in force, which the relay should have refused. One that is late is
    /// encrypted again by its author: nothing is lost, nothing is shown. One of a member who is in an
    /// epoch that this device does not know, or who has seen another log, proves that there are two.
    fn stale(&mut self, cx: &mut Context, position: u64, envelope: &Envelope) {
        let header = envelope.header();
        let epoch = self.log.as_ref().map(crate::contact::Log::epoch);
        let was_member =
            |epoch: &Epoch| epoch.commit.core().roster.member(&header.device).is_some();
        let is_its = self.epochs.iter().any(was_member) && envelope.verify_signature().is_ok();
        if is_its && self.is_member(&header.device) && Some(header.epoch) >= epoch {
            return self.stop(cx, "fork");
        }
        cx.alarm(Some(self.id), "stale-epoch", false);
        if is_its && let Some(seen) = header.seen {
            self.compare_seen(cx, position, seen);
        }
    }

    fn open(&self, envelope: &Envelope) -> Option<Result<Content, MessageError>> {
        let header = envelope.header();
        let epoch = usize::try_from(header.epoch)
            .ok()
            .and_then(|epoch| self.epochs.get(epoch))?;
        let strand = match header.audience {
            Audience::All => Strand::All,
            Audience::Staff => Strand::Staff,
        };
        epoch
            .known(strand)
            .map(|known| envelope.open(known.key.secret()))
    }

    /// Moves the author's chain on. Marks say what people should know.
    fn chain(
        &mut self,
        cx: &mut Context,
        envelope: &Envelope,
    ) -> Result<Vec<&'static str>, &'static str> {
        let contact = self.id;
        let header = envelope.header();
        let hash = envelope.hash();
        let sender = self.sender(cx, &header.device);
        if header.sequence < sender.next_sequence && sender.hashes.contains(&hash) {
            return Err("replayed");
        }
        sender.hashes.push(hash);
        let mut marks = Vec::new();
        if header.sequence < sender.next_sequence {
            marks.push("two-with-one-sequence");
            cx.alarm(Some(contact), "two-with-one-sequence", false);
            return Ok(marks);
        }
        if header.sequence > sender.next_sequence || header.previous != sender.hash {
            marks.push("gap");
            cx.alarm(Some(contact), "gap", false);
        }
        let sender = self.sender(cx, &header.device);
        sender.next_sequence = header.sequence.saturating_add(1);
        sender.hash = hash;
        Ok(marks)
    }

    /// A participant says what it had read: it must be what we read.
    pub(super) fn compare_seen(&mut self, cx: &mut Context, position: u64, seen: Seen) {
        let same = seen.position < position
            && self
                .hash_at(seen.position)
                .is_some_and(|hash| *hash == seen.hash);
        if !same {
            self.stop(cx, "fork");
        }
    }

    fn unreadable(&mut self, cx: &mut Context, position: u64, envelope: Envelope) {
        let header = envelope.header();
        let own = cx.device();
        let was_member = |epoch: &Epoch| epoch.commit.core().roster.member(&own).is_some();
        if !self.is_member(&own) && self.epochs.iter().any(was_member) {
            // From after this device left; it may be let in again, with history.
            self.unread.push((position, envelope));
            return;
        }
        let author = cx.author(&header.device, self.log.as_ref());
        let epoch = usize::try_from(header.epoch).ok();
        let time = epoch
            .and_then(|epoch| self.epochs.get(epoch))
            .map_or_else(Time::default, |epoch| epoch.commit.core().time);
        let body = match header.audience {
            Audience::Staff => ItemBody::StaffOnly,
            Audience::All => ItemBody::BeforeJoining,
        };
        let shown = item(
            entry_key(position),
            Some(position),
            time,
            Some(author),
            body,
            MessageState::None,
        );
        self.put(cx, shown);
        self.unread.push((position, envelope));
    }

    /// Secrets of earlier epochs were learnt: opens some of what waited for them, the rest later.
    pub(super) fn read_what_opens(&mut self, cx: &mut Context) {
        let mut room = AT_ONCE;
        for (position, envelope) in core::mem::take(&mut self.unread) {
            let opened = if room > 0 { self.open(&envelope) } else { None };
            let Some(opened) = opened else {
                self.unread.push((position, envelope));
                continue;
            };
            room -= 1;
            let time = Time::default();
            // What it turns out to be may be shown under another key, or not at all.
            self.remove_item(cx, entry_key(position));
            match opened {
                Ok(content) => self.content(cx, time, position, &envelope, content, Vec::new()),
                Err(error) => self.invalid(cx, position, time, error.code()),
            }
        }
        self.reads_on = room == 0;
        if self.reads_on {
            cx.outputs.wake_at(Time::default());
        }
    }

    fn content(
        &mut self,
        cx: &mut Context,
        now: Time,
        position: u64,
        envelope: &Envelope,
        content: Content,
        mut marks: Vec<&'static str>,
    ) {
        let header = envelope.header();
        let device = header.device;
        let own = device == cx.device();
        if content.kind == kind::RECEIPT {
            return self.receipt(cx, &device, &content);
        }
        if content.kind == kind::IDENTITY {
            return self.identity(cx, &device, &content);
        }
        if !self.is_new(device, content.id) && marks.is_empty() {
            return;
        }
        if self.take_about(&device, header.audience, &content, position) {
            return;
        }
        let epoch_time = usize::try_from(header.epoch)
            .ok()
            .and_then(|epoch| self.epochs.get(epoch))
            .map_or_else(Time::default, |epoch| epoch.commit.core().time);
        let before_epoch = content.sent.plus_millis(limits::LIVE_TOLERANCE) < epoch_time;
        let not_now =
            self.caught_up && now > Time::default() && outside_tolerance(now, content.sent);
        if before_epoch || not_now {
            marks.push("time-off");
        }
        let id = content.id;
        let body = body_of(
            content.kind,
            content.body,
            content.reply_to,
            id,
            header.audience,
        );
        let key = if own && !marks.contains(&"two-with-one-sequence") {
            own_key(&id)
        } else {
            entry_key(position)
        };
        let state = if own {
            self.state_of_own(&device, position)
        } else {
            MessageState::None
        };
        if own {
            let due = self.timeline.watch(position, now);
            cx.outputs.wake_at(due);
        }
        let author = cx.author(&device, self.log.as_ref());
        let mut shown = item(key, Some(position), content.sent, Some(author), body, state);
        shown.marks = marks;
        self.put(cx, shown);
    }

    /// Whether a device's content was seen before, in this epoch or another.
    pub(super) fn has_content(&self, device: &DeviceId, id: &ContentId) -> bool {
        self.contents
            .get(device)
            .is_some_and(|known| known.binary_search(id).is_ok())
    }

    /// Whether a device's content was not seen before, which it is from now on.
    fn is_new(&mut self, device: DeviceId, id: ContentId) -> bool {
        let known = self.contents.get_or_insert_with(device, Vec::new);
        match known.binary_search(&id) {
            Ok(_) => false,
            Err(place) => {
                known.insert(place, id);
                true
            }
        }
    }

    /// How far an own message got, by what peers' signatures cover.
    fn state_of_own(&self, own: &DeviceId, position: u64) -> MessageState {
        let peers = self.senders.iter().filter(|(device, _)| *device != own);
        let (mut seen, mut read) = (0, 0);
        for (_, sender) in peers {
            seen = seen.max(sender.seen);
            read = read.max(sender.read);
        }
        if read >= position {
            MessageState::Read
        } else if seen >= position {
            MessageState::Delivered
        } else {
            MessageState::Sent
        }
    }

    fn receipt(&mut self, cx: &mut Context, device: &DeviceId, content: &Content) {
        let Ok(receipt) = Receipt::from_body(&content.body) else {
            return;
        };
        let read = receipt.read.min(self.head());
        if *device == cx.device() {
            self.read = self.read.max(read);
            self.read_told = self.read_told.max(read);
            return;
        }
        let sender = self.sender(cx, device);
        sender.read = sender.read.max(read);
        let (seen, read) = (sender.seen, sender.read);
        self.advance_own(cx, seen, read);
    }

    /// The visitor's token is its first content. An agent who claims at once may make it come an
    /// epoch late; it is the visitor's own word all the same.
    fn identity(&mut self, cx: &Context, device: &DeviceId, content: &Content) {
        if !STAFF {
            return;
        }
        let is_visitor = self.is_visitor(device);
        let first = self.epochs.first().map(|epoch| epoch.commit.core());
        let (Some(create), true) = (first, is_visitor) else {
            return;
        };
        let Ok(policy) = cx.account.policy_at(&create.policy.hash, create.time) else {
            return;
        };
        let Ok(token) = core::str::from_utf8(&content.body) else {
            return;
        };
        let verified = verify_identity(
            token,
            &policy.issuers,
            cx.account.id(),
            *device,
            create.time,
        );
        if let Ok(identity) = verified {
            self.identity = Some(identity.subject);
        }
    }

    fn advance_own(&mut self, cx: &mut Context, delivered: u64, read: u64) {
        let contact = self.id;
        for item in self.timeline.advance(delivered, read) {
            cx.event(Event::Item { contact, item });
        }
    }
}

/// What a content is to people.
pub(super) fn body_of(
    kind_name: String,
    body: Bytes,
    reply_to: Option<ContentId>,
    id: ContentId,
    audience: Audience,
) -> ItemBody {
    let mut body = body.into_vec();
    if matches!(kind_name.as_str(), kind::TEXT | kind::NOTE) {
        match (String::from_utf8(body), audience) {
            (Ok(text), Audience::Staff) => return ItemBody::Note { id, text },
            (Ok(text), Audience::All) => return ItemBody::Text { id, text, reply_to },
            (Err(other), _) => body = other.into_bytes(),
        }
    }
    ItemBody::Unsupported {
        id,
        kind: kind_name,
        body,
    }
}
