//! Entries that arrive: taken in one by one in the relay's order, believed only as far as the
//! log, signatures and secrets prove them.

use super::context::Context;
use super::conversation::{Conversation, Epoch};
use super::timeline::{entry_key, item, own_key};
use super::{Event, Item, ItemBody, MessageState};
use crate::account::{AccountError, verify_identity};
use crate::contact::{Commit, CommitError, EpochSecret, Log, SecretError, Strand};
use crate::crypto::seal::SealPrivateKey;
use crate::message::{Audience, Content, Envelope, Ephemeral, MessageError, Receipt, kind};
use crate::wire::frame::{ClientFrame, Entry, Query};
use crate::wire::log::{Seen, log_next};
use crate::wire::{Bytes, DeviceId, Time, decode, limits};

/// How long a client that has seen new entries may stay silent, in milliseconds.
const RECEIPT_AFTER: u64 = 10_000;
/// The same once a person has read them.
const READ_RECEIPT_AFTER: u64 = 1_000;
/// Signatures verified in the background per tick.
const VERIFY_PER_TICK: usize = 16;

/// Whether an entry was taken in, or has to wait.
enum Taken {
    Yes,
    WaitsForPolicy(crate::crypto::Hash),
}

impl Conversation {
    /// A batch of consecutive entries.
    pub(super) fn entries(
        &mut self,
        cx: &mut Context,
        now: Time,
        first: u64,
        entries: Vec<Bytes>,
        head: u64,
    ) {
        let next = self.head() + self.backlog.len() as u64 + 1;
        self.target = self.target.max(head);
        let answers_resume = entries.is_empty() && first == next;
        let kept = self.record.seen.map_or(0, |seen| seen.position);
        if answers_resume && head < kept.max(self.head()) {
            return self.stop(cx, "log-truncated");
        }
        if first > next {
            // Something is missing in between: ask again from where we are.
            return self.follow(cx);
        }
        let known = usize::try_from(next - first).unwrap_or(usize::MAX);
        let new = entries.into_iter().skip(known).map(Bytes::into_vec);
        self.backlog.extend(new);
        self.advance(cx, now);
    }

    /// Takes in what waits, until there is no more or a policy is missing.
    pub(super) fn advance(&mut self, cx: &mut Context, now: Time) {
        self.waits_for_policy = None;
        while let Some(entry) = self.backlog.pop_front() {
            match self.entry(cx, now, &entry) {
                Taken::Yes => {}
                Taken::WaitsForPolicy(hash) => {
                    self.backlog.push_front(entry);
                    self.waits_for_policy = Some(hash);
                    cx.look_up(Query::Policy(hash));
                    return;
                }
            }
        }
        if self.head() >= self.target && !self.caught_up {
            if self
                .record
                .seen
                .is_some_and(|seen| self.head() < seen.position)
            {
                return self.stop(cx, "log-truncated");
            }
            self.caught_up = true;
            self.verify_last_of_each_sender(cx);
            self.after_catching_up(cx, now);
        }
        self.remember_seen(cx);
        self.flush(cx, now);
        self.show(cx);
    }

    fn entry(&mut self, cx: &mut Context, now: Time, bytes: &[u8]) -> Taken {
        let position = self.head() + 1;
        let entry = decode::<Entry>(bytes, limits::ENTRY);
        if let Ok(Entry::Commit(commit)) = &entry
            && let Taken::WaitsForPolicy(hash) = self.commit(cx, now, position, commit, bytes)
        {
            return Taken::WaitsForPolicy(hash);
        }
        if let Some(last) = self.hashes.last() {
            self.hashes.push(log_next(last, position, bytes));
        }
        match entry {
            Ok(Entry::Commit(_)) => {}
            Ok(Entry::Envelope(envelope)) => self.envelope(cx, now, position, &envelope, bytes),
            Err(error) => self.invalid(cx, position, now, error.code()),
        }
        if let (Some(kept), Some(hash)) = (self.record.seen, self.hash_at(position))
            && kept.position == position
            && kept.hash != *hash
        {
            self.stop(cx, "fork");
        }
        Taken::Yes
    }

    /// Remembers how far the log was verified, so that a relay cannot take it back later.
    fn remember_seen(&mut self, cx: &mut Context) {
        let seen = self.seen();
        let further = seen.map(|seen| seen.position) > self.record.seen.map(|seen| seen.position);
        if further && self.caught_up {
            self.record.seen = seen;
            self.dirty(cx);
        }
    }

    fn invalid(&mut self, cx: &mut Context, position: u64, time: Time, code: &'static str) {
        let body = ItemBody::Invalid(code);
        self.put(
            cx,
            item(
                entry_key(position),
                Some(position),
                time,
                None,
                body,
                MessageState::None,
            ),
        );
    }

    pub(super) fn put(&mut self, cx: &mut Context, item: Item) {
        if let Some(item) = self.timeline.put(item) {
            let contact = self.id;
            cx.event(Event::Item { contact, item });
        }
    }

    // ---- commits -------------------------------------------------------------------------

    fn commit(
        &mut self,
        cx: &mut Context,
        now: Time,
        position: u64,
        bytes: &[u8],
        entry: &[u8],
    ) -> Taken {
        let judged = Commit::parse(bytes)
            .map_err(CommitError::from)
            .and_then(|commit| {
                let before = self.log.clone();
                let change = match &mut self.log {
                    Some(log) => log.apply(&cx.account, &commit)?,
                    None => {
                        let (log, change) = Log::create(&cx.account, &commit)?;
                        if *log.contact() != self.id {
                            return Err(CommitError::ForeignContact);
                        }
                        self.log = Some(log);
                        change
                    }
                };
                Ok((commit, before, change))
            });
        let (commit, before, change) = match judged {
            Ok(judged) => judged,
            Err(CommitError::Account(AccountError::UnknownPolicy)) => {
                let policy = Commit::parse(bytes).map(|commit| commit.core().policy.hash);
                if let Ok(hash) = policy
                    && !cx.directory.is_refused(&Query::Policy(hash))
                {
                    return Taken::WaitsForPolicy(hash);
                }
                self.bad_commit(cx, now, position, "unknown-policy");
                return Taken::Yes;
            }
            Err(error) => {
                self.bad_commit(cx, now, position, error.code());
                return Taken::Yes;
            }
        };
        if let Some(seen) = commit.core().seen {
            self.compare_seen(cx, position, seen);
        }
        if self.caught_up && outside_tolerance(now, commit.core().time) {
            cx.alarm(Some(self.id), "time-off", false);
        }
        self.start_epoch(cx, commit);
        self.unseal_outbox(cx);
        self.settle_proposal(cx, now, entry, change.committer);
        self.show_commit(cx, position, before.as_ref(), &change);
        let roster_grew = !change.added.is_empty();
        let own = cx.device();
        if change.removed.iter().any(|member| member.device == own) {
            self.left(cx);
        }
        if self.log.as_ref().is_some_and(Log::is_closed) {
            self.closed(cx, now);
        } else if roster_grew {
            self.return_drafts(cx);
        }
        self.expect_receipt(cx, now, &change.committer);
        self.show(cx);
        Taken::Yes
    }

    /// A commit that does not count: the relay should have refused it.
    fn bad_commit(&mut self, cx: &mut Context, now: Time, position: u64, code: &'static str) {
        self.invalid(cx, position, now, code);
        cx.alarm(Some(self.id), code, false);
    }

    /// Learns the epoch's secrets as far as this device may, and checks everything that they
    /// determine.
    fn start_epoch(&mut self, cx: &mut Context, commit: Commit) {
        let transcript = commit.transcript();
        let closes = commit.core().commitment.is_none();
        self.epochs.push(Epoch {
            commit,
            transcript,
            all: None,
            staff: None,
        });
        let checked = if closes {
            self.check_tag()
        } else {
            let last = self.epochs.len() - 1;
            [Strand::All, Strand::Staff]
                .into_iter()
                .try_for_each(|strand| self.learn(cx, strand, last))
                .and_then(|()| self.check_tag())
        };
        if let Err(error) = checked {
            self.stop(cx, error.code());
        }
        self.dirty(cx);
        self.read_what_opens(cx);
    }

    fn check_tag(&self) -> Result<(), SecretError> {
        let [.., before, current] = self.epochs.as_slice() else {
            return Ok(());
        };
        match &before.all {
            Some(known) => current.commit.verify_tag(&known.key),
            None => Ok(()),
        }
    }

    /// Keys were learnt that may open seals of epochs already taken in.
    pub(super) fn try_keys_again(&mut self, cx: &mut Context) {
        for index in 0..self.epochs.len() {
            let closes = |epoch: &Epoch| epoch.commit.core().commitment.is_none();
            let unknown = |epoch: &Epoch| epoch.all.is_none() && !closes(epoch);
            if !self.epochs.get(index).is_some_and(unknown) {
                continue;
            }
            let learnt = [Strand::All, Strand::Staff]
                .into_iter()
                .try_for_each(|strand| self.learn(cx, strand, index));
            if let Err(error) = learnt {
                self.stop(cx, error.code());
            }
        }
        self.read_what_opens(cx);
        self.show(cx);
    }

    fn learn(&mut self, cx: &Context, strand: Strand, index: usize) -> Result<(), SecretError> {
        let own = self.contact_keys();
        let Some(epoch) = self.epochs.get_mut(index) else {
            return Ok(());
        };
        let stored = self
            .record
            .secrets
            .iter()
            .find(|stored| stored.epoch == index as u64)
            .and_then(|stored| match strand {
                Strand::All => stored.all.as_ref(),
                Strand::Staff => stored.staff.as_ref(),
            });
        let secret = match stored {
            Some(secret) => {
                secret.matches(strand, epoch.commit.core())?;
                secret.duplicate()
            }
            None => {
                let private = |id: &_| -> Option<&SealPrivateKey> {
                    own.get(id).or_else(|| cx.private_key(id))
                };
                match EpochSecret::open(strand, &epoch.commit, private) {
                    None => return Ok(()),
                    Some(opened) => opened?,
                }
            }
        };
        if let Some(log) = &self.log {
            secret.check_seals(strand, &epoch.commit, |id| log.key(id))?;
        }
        epoch.learn(strand, secret.duplicate());
        self.keep_secret(index as u64, strand, &secret);
        self.walk_back(strand, index)
    }

    /// Follows back-links from an epoch as far as they lead, checking each secret against its
    /// epoch's commitment.
    fn walk_back(&mut self, strand: Strand, from: usize) -> Result<(), SecretError> {
        let mut index = from;
        loop {
            let Some(epoch) = self.epochs.get(index) else {
                return Ok(());
            };
            let Some(known) = epoch.known(strand) else {
                return Ok(());
            };
            let core = epoch.commit.core();
            let Some(previous) = known.secret.previous(strand, core) else {
                return Ok(());
            };
            let secret = previous?;
            let since = core.history.unwrap_or(0);
            let earlier = self.epochs.get(..index).unwrap_or_default();
            let target = match strand {
                Strand::All => index.checked_sub(1),
                Strand::Staff => earlier
                    .iter()
                    .rposition(|epoch| epoch.commit.core().staff.is_some()),
            };
            let Some(target) = target else {
                return Err(SecretError::BackLink);
            };
            let Some(before) = self.epochs.get_mut(target) else {
                return Ok(());
            };
            if let Some(known) = before.known(strand) {
                return if known.secret == secret {
                    Ok(())
                } else {
                    Err(SecretError::BackLink)
                };
            }
            secret
                .matches(strand, before.commit.core())
                .map_err(|_| SecretError::BackLink)?;
            if (target as u64) < since {
                // What the history field does not grant is not read.
                return Ok(());
            }
            before.learn(strand, secret.duplicate());
            self.keep_secret(target as u64, strand, &secret);
            index = target;
        }
    }

    /// This device was taken off the roster: what comes later is none of its business.
    fn left(&mut self, cx: &mut Context) {
        self.following = false;
        self.intents.clear();
        if cx.online {
            let contact = self.id;
            cx.outputs.transmit(&ClientFrame::Leave { contact });
        }
    }

    /// A contact has ended: what is left in the outbox failed, and keys go as the design says.
    fn closed(&mut self, cx: &mut Context, now: Time) {
        for outgoing in &mut self.record.outbox {
            outgoing.failed = Some("closed".into());
            outgoing.envelope = None;
        }
        self.show_outbox(cx);
        self.intents.clear();
        if self.record.closed.is_none() {
            self.record.closed = Some(now);
        }
        self.receipt_at = None;
        self.dirty(cx);
        self.expire_secrets(cx, now);
    }

    /// Visitors destroy the secrets of a closed contact at once, staff after the device history.
    pub(super) fn expire_secrets(&mut self, cx: &mut Context, now: Time) {
        let Some(closed) = self.record.closed else {
            return;
        };
        let history = match (cx.is_staff(), cx.account.policy(now)) {
            (true, Ok((policy, _))) => policy.retention.device_history,
            (true, Err(_)) => return,
            (false, _) => 0,
        };
        let end = closed.plus_seconds(history);
        if now < end {
            cx.outputs.wake_at(end);
        } else if !self.record.keys.is_empty() || !self.record.secrets.is_empty() {
            self.destroy_secrets(cx);
        }
    }

    // ---- envelopes -----------------------------------------------------------------------

    fn envelope(&mut self, cx: &mut Context, now: Time, position: u64, bytes: &[u8], entry: &[u8]) {
        let envelope = match Envelope::parse(bytes) {
            Ok(envelope) => envelope,
            Err(error) => return self.invalid(cx, position, now, error.code()),
        };
        if let Err(code) = self.counts(&envelope) {
            // A late entry is encrypted again by its author: nothing is lost, nothing is shown.
            if code != "stale-epoch" {
                self.invalid(cx, position, now, code);
            }
            return;
        }
        let header = envelope.header().clone();
        let opened = self.open(&envelope);
        let sender = self.sender(cx, &header.device);
        let follows = header.sequence == sender.next_sequence && header.previous == sender.hash;
        let proven_later = follows && matches!(opened, Some(Ok(_))) && !self.caught_up;
        if proven_later {
            self.unverified.push_back((position, envelope.clone()));
        } else if let Err(error) = envelope.verify_signature() {
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
            None => self.unreadable(cx, position, envelope),
            Some(Err(error)) => self.invalid(cx, position, now, error.code()),
            Some(Ok(content)) => self.content(cx, now, position, &envelope, content, marks),
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
        if !sender.hashes.insert(hash) {
            return Err("replayed");
        }
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
        sender.next_sequence = header.sequence + 1;
        sender.hash = hash;
        Ok(marks)
    }

    /// A participant says what it had read: it must be what we read.
    fn compare_seen(&mut self, cx: &mut Context, position: u64, seen: Seen) {
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
            self.unread.insert(position, envelope);
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
        self.unread.insert(position, envelope);
    }

    /// Secrets of earlier epochs were learnt: opens what waited for them.
    fn read_what_opens(&mut self, cx: &mut Context) {
        let positions: Vec<u64> = self.unread.keys().copied().collect();
        for position in positions {
            let Some(envelope) = self.unread.get(&position) else {
                continue;
            };
            let Some(opened) = self.open(envelope) else {
                continue;
            };
            let Some(envelope) = self.unread.remove(&position) else {
                continue;
            };
            let time = Time::default();
            match opened {
                Ok(content) => self.content(cx, time, position, &envelope, content, Vec::new()),
                Err(error) => self.invalid(cx, position, time, error.code()),
            }
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
            return self.identity(cx, header.epoch, &device, &content);
        }
        if !self.contents.insert((device, content.id)) && marks.is_empty() {
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
            self.timeline.watch(position, key.clone(), now);
        }
        let author = cx.author(&device, self.log.as_ref());
        let mut shown = item(key, Some(position), content.sent, Some(author), body, state);
        shown.marks = marks;
        self.put(cx, shown);
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

    fn identity(&mut self, cx: &Context, epoch: u64, device: &DeviceId, content: &Content) {
        let is_visitor = self
            .log
            .as_ref()
            .and_then(|log| log.roster().member(device))
            .is_some_and(|member| member.role == crate::account::Role::Visitor);
        let first = self.epochs.first().map(|epoch| epoch.commit.core());
        let (Some(create), true, 0) = (first, is_visitor, epoch) else {
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

    // ---- receipts ------------------------------------------------------------------------

    fn expect_receipt_for(
        &mut self,
        cx: &mut Context,
        now: Time,
        opened: &Option<Result<Content, MessageError>>,
    ) {
        // A receipt for a receipt would never end.
        let says_something = matches!(opened, Some(Ok(content)) if content.kind != kind::RECEIPT);
        if says_something {
            self.receipt_due(cx, now.plus_millis(RECEIPT_AFTER));
        }
    }

    fn expect_receipt(&mut self, cx: &mut Context, now: Time, committer: &DeviceId) {
        if *committer != cx.device() {
            self.receipt_due(cx, now.plus_millis(RECEIPT_AFTER));
        }
    }

    /// The person has read up to a position.
    pub(super) fn mark_read(&mut self, cx: &mut Context, now: Time, position: u64) {
        let position = position.min(self.head());
        if position > self.read {
            self.read = position;
            self.receipt_due(cx, now.plus_millis(READ_RECEIPT_AFTER));
        }
    }

    fn receipt_due(&mut self, cx: &mut Context, at: Time) {
        let due = self.receipt_at.map_or(at, |known| known.min(at));
        self.receipt_at = Some(due);
        cx.outputs.wake_at(due);
    }

    // ---- signatures in the background ----------------------------------------------------

    /// After catching up: each author's last signature covers its whole chain.
    fn verify_last_of_each_sender(&mut self, cx: &mut Context) {
        let mut last = std::collections::BTreeMap::new();
        for (index, (_, envelope)) in self.unverified.iter().enumerate() {
            last.insert(envelope.header().device, index);
        }
        let mut indices: Vec<usize> = last.into_values().collect();
        indices.sort_unstable_by(|a, b| b.cmp(a));
        for index in indices {
            if let Some((position, envelope)) = self.unverified.remove(index) {
                self.verify(cx, position, &envelope);
            }
        }
    }

    /// Verifies some of the other signatures; `true` if some are left.
    pub(super) fn verify_some(&mut self, cx: &mut Context) -> bool {
        for _ in 0..VERIFY_PER_TICK {
            match self.unverified.pop_front() {
                Some((position, envelope)) => self.verify(cx, position, &envelope),
                None => return false,
            }
        }
        !self.unverified.is_empty()
    }

    fn verify(&mut self, cx: &mut Context, position: u64, envelope: &Envelope) {
        if envelope.verify_signature().is_err() {
            let time = Time::default();
            self.invalid(cx, position, time, "bad-signature");
            self.stop(cx, "bad-signature");
        }
    }

    // ---- ephemeral events ----------------------------------------------------------------

    /// Somebody's ephemeral event; whatever is wrong with it, it is ignored.
    pub(super) fn ephemeral(&mut self, cx: &mut Context, now: Time, bytes: &[u8]) {
        let Ok(event) = Ephemeral::parse(bytes) else {
            return;
        };
        let header = event.header();
        let device = header.device;
        let Some((log, epoch)) = self.log.as_ref().zip(self.epoch()) else {
            return;
        };
        let current = header.contact == self.id
            && header.epoch == log.epoch()
            && header.transcript == *log.transcript()
            && log.roster().member(&device).is_some()
            && device != cx.device();
        let opened = epoch
            .all
            .as_ref()
            .filter(|_| current && event.verify_signature().is_ok())
            .and_then(|known| event.open(known.key.secret()).ok());
        let Some(opened) = opened else { return };
        if outside_tolerance(now, opened.time) {
            return;
        }
        let sender = self.sender(cx, &device);
        if opened.counter <= sender.typing_counter {
            return;
        }
        sender.typing_counter = opened.counter;
        let author = cx.author(&device, self.log.as_ref());
        cx.event(Event::Typing {
            contact: self.id,
            author,
        });
    }
}

fn outside_tolerance(now: Time, time: Time) -> bool {
    now.millis_since(time).max(time.millis_since(now)) > limits::LIVE_TOLERANCE
}

fn body_of(
    kind_name: String,
    body: Bytes,
    reply_to: Option<crate::wire::ContentId>,
    id: crate::wire::ContentId,
    audience: Audience,
) -> ItemBody {
    let body = body.into_vec();
    let is_text = matches!(kind_name.as_str(), kind::TEXT | kind::NOTE);
    match (is_text.then(|| String::from_utf8(body.clone())), audience) {
        (Some(Ok(text)), Audience::Staff) => ItemBody::Note { id, text },
        (Some(Ok(text)), Audience::All) => ItemBody::Text { id, text, reply_to },
        _ => ItemBody::Unsupported {
            id,
            kind: kind_name,
            body,
        },
    }
}
