//! One contact as this device follows it: its log, its secrets, its transcript.

use crate::gather::Gather;
use std::collections::VecDeque;

use super::about::About;
use super::context::Context;
use super::ephemerals::Fleeting;
use super::proposals::Intent;
use super::records::{ContactRecord, Outgoing, StoredSecret, contact_name, message_name};
use super::timeline::Timeline;
use super::{ContactState, ContactView, Event, Participant, TeamView};
use crate::account::Role;
use crate::contact::{Commit, EpochKey, EpochSecret, Log, RosterTeam, Standing, Strand};
use crate::crypto::Hash;
use crate::crypto::seal::SealPrivateKey;
use crate::message::{Envelope, Salt};
use crate::table::Table;
use crate::wire::frame::ClientFrame;
use crate::wire::log::{Seen, log_start};
use crate::wire::{ContactId, ContentId, DeviceId, Time};

/// The code of an operating system without randomness.
pub(super) const NO_RANDOMNESS: &str = "no-randomness";

/// One contact.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) id: ContactId,
    pub(super) record: ContactRecord,
    /// Messages that the relay has not acknowledged, in the order of [`Outgoing::place`].
    pub(super) outbox: Vec<Outgoing>,
    pub(super) log: Option<Log>,
    /// By epoch number.
    pub(super) epochs: Vec<Epoch>,
    /// `H_p` by position; the first is `H_0`.
    pub(super) hashes: Vec<Hash>,
    /// Entries that wait for a policy.
    pub(super) backlog: VecDeque<Vec<u8>>,
    pub(super) waits_for_policy: Option<Hash>,
    /// The last position that the relay has told of.
    pub(super) target: u64,
    pub(super) following: bool,
    /// Only followed to see to its team key: nobody is shown anything of it.
    pub(super) unwatched: bool,
    /// The secrets of the last commit that this process has made, until it is in the log.
    pub(super) made: Option<Made>,
    pub(super) caught_up: bool,
    pub(super) senders: Table<DeviceId, Sender>,
    /// Contents that were shown, so that a resend in another epoch is not shown twice.
    pub(super) contents: Table<DeviceId, Vec<ContentId>>,
    /// Envelopes that no known secret opens yet, by position.
    pub(super) unread: Vec<(u64, Envelope)>,
    /// Whether more of them open than were opened at once.
    pub(super) reads_on: bool,
    /// Envelopes whose signature has not been verified yet.
    pub(super) unverified: Vec<(u64, Envelope)>,
    pub(super) timeline: Timeline,
    pub(super) intents: Vec<Intent>,
    pub(super) stopped: Option<&'static str>,
    /// When a receipt is due.
    pub(super) receipt_at: Option<Time>,
    pub(super) read: u64,
    pub(super) read_told: u64,
    pub(super) fleeting: Fleeting,
    pub(super) identity: Option<String>,
    pub(super) about: About,
    /// Since when the visitor waits for an answer, as the inbox was told.
    pub(super) unanswered_shown: Option<Time>,
    /// The own state was older than the log: new keys are due.
    pub(super) rolled_back: bool,
    /// What was last said to be in the way of sending.
    pub(super) blocked: Option<&'static str>,
    /// For which key, and whether for the end, the archive was last looked after.
    #[cfg(feature = "staff")]
    pub(super) archived: Option<(crate::account::KeyKind, bool)>,
    pub(super) view: Option<ContactView>,
}

/// What an own commit sealed: there is nothing to open and to check when it comes back.
#[derive(Debug)]
pub(super) struct Made {
    /// The transcript hash after the commit, which fixes every byte of it that counts.
    pub(super) transcript: Hash,
    pub(super) all: Option<EpochSecret>,
    pub(super) staff: Option<EpochSecret>,
}

impl Made {
    pub(super) const fn secret(&self, strand: Strand) -> Option<&EpochSecret> {
        match strand {
            Strand::All => self.all.as_ref(),
            Strand::Staff => self.staff.as_ref(),
        }
    }
}

/// One epoch: its commit, and what this device knows of its secrets.
#[derive(Debug)]
pub(super) struct Epoch {
    pub(super) commit: Commit,
    pub(super) transcript: Hash,
    pub(super) all: Option<Known>,
    pub(super) staff: Option<Known>,
}

/// A secret and the key that comes from it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) secret: EpochSecret,
    pub(super) key: EpochKey,
}

impl Epoch {
    pub(super) const fn known(&self, strand: Strand) -> Option<&Known> {
        match strand {
            Strand::All => self.all.as_ref(),
            Strand::Staff => self.staff.as_ref(),
        }
    }

    pub(super) fn learn(&mut self, strand: Strand, secret: EpochSecret) {
        let key = secret.key(&self.transcript);
        let known = Some(Known { secret, key });
        match strand {
            Strand::All => self.all = known,
            Strand::Staff => self.staff = known,
        }
    }
}

/// What is known of an author's chain.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) next_sequence: u64,
    pub(super) hash: Hash,
    pub(super) seen: u64,
    pub(super) read: u64,
    pub(super) event_counter: u64,
    /// Hashes of the envelopes seen, to tell a repeated one from a second of one sequence.
    pub(super) hashes: Vec<Hash>,
}

impl Conversation {
    pub(super) fn new(cx: &Context, id: ContactId, record: ContactRecord) -> Self {
        Self {
            id,
            record,
            outbox: Vec::new(),
            log: None,
            epochs: Vec::new(),
            hashes: vec![log_start(&cx.account.id(), &id)],
            backlog: VecDeque::new(),
            waits_for_policy: None,
            target: 0,
            following: false,
            unwatched: false,
            made: None,
            caught_up: false,
            senders: Table::default(),
            contents: Table::default(),
            unread: Vec::new(),
            reads_on: false,
            unverified: Vec::new(),
            timeline: Timeline::default(),
            intents: Vec::new(),
            stopped: None,
            receipt_at: None,
            read: 0,
            read_told: 0,
            fleeting: Fleeting::default(),
            identity: None,
            about: About::default(),
            unanswered_shown: None,
            rolled_back: false,
            blocked: None,
            #[cfg(feature = "staff")]
            archived: None,
            view: None,
        }
    }

    /// The one of a contact, made if there is none.
    pub(super) fn of<'a>(
        all: &'a mut Table<ContactId, Self>,
        cx: &Context,
        id: ContactId,
    ) -> &'a mut Self {
        all.get_or_insert_with(id, || Self::new(cx, id, ContactRecord::default()))
    }

    /// The last position taken in.
    pub(super) fn head(&self) -> u64 {
        self.hashes.len() as u64 - 1
    }

    /// `H_p` of a position already taken in.
    pub(super) fn hash_at(&self, position: u64) -> Option<&Hash> {
        usize::try_from(position)
            .ok()
            .and_then(|index| self.hashes.get(index))
    }

    /// How far this device has read the log.
    pub(super) fn seen(&self) -> Option<Seen> {
        let hash = *self.hashes.last()?;
        let position = self.head();
        (position > 0).then_some(Seen { position, hash })
    }

    /// The epoch in force.
    pub(super) fn epoch(&self) -> Option<&Epoch> {
        self.epochs.last()
    }

    pub(super) fn sender(&mut self, cx: &Context, device: &DeviceId) -> &mut Sender {
        let id = self.id;
        self.senders.get_or_insert_with(*device, || Sender {
            next_sequence: 0,
            hash: Envelope::first_previous(&cx.account.id(), &id, device),
            seen: 0,
            read: 0,
            event_counter: 0,
            hashes: Vec::new(),
        })
    }

    pub(super) fn dirty(&self, cx: &mut Context) {
        cx.outputs.dirty(&contact_name(&self.id));
    }

    /// An unsent message changed or went.
    pub(super) fn dirty_message(&self, cx: &mut Context, id: &ContentId) {
        cx.outputs.dirty(&message_name(&self.id, id));
    }

    /// Private keys that seals in this contact may be for.
    pub(super) fn contact_keys(&self) -> Table<Hash, SealPrivateKey> {
        let mut keys = Table::default();
        for key in &self.record.keys {
            let private = key.private();
            keys.insert(private.public().id(), private);
        }
        keys
    }

    /// Follows the contact: asks for everything after the own head.
    pub(super) fn follow(&mut self, cx: &mut Context) {
        self.following = true;
        if cx.online {
            let after = self.head() + self.backlog.len() as u64;
            cx.outputs.transmit(ClientFrame::Resume {
                contact: self.id,
                after,
            });
        }
    }

    /// Somebody looks at it, or is to: shows what was not shown.
    pub(super) fn watch(&mut self, cx: &mut Context) {
        if core::mem::take(&mut self.unwatched) {
            self.show_again(cx);
        }
    }

    /// Whether everything that was to come has come, and nothing is to be sent.
    pub(super) fn is_idle(&self) -> bool {
        self.caught_up
            && self.intents.is_empty()
            && self.record.proposal.is_none()
            && self.outbox.is_empty()
    }

    /// Whether it waits under another team key than an own team's newest, and can be read here.
    pub(super) fn is_outdated(&self, cx: &Context, now: Time) -> bool {
        let Some((log, epoch)) = self.log.as_ref().zip(self.epoch()) else {
            return false;
        };
        let is_older = |entry: &RosterTeam| {
            let newest = cx.newest_team_key(&entry.team, log.suite(), now);
            newest.is_some_and(|newest| newest.signed.hash() != entry.record)
        };
        log.standing() == Standing::Waiting
            && epoch.all.is_some()
            && log.roster().teams.iter().any(is_older)
    }

    /// Stops everything that would send, because of evidence that something is wrong.
    pub(super) fn stop(&mut self, cx: &mut Context, code: &'static str) {
        if self.stopped.is_none() {
            self.stopped = Some(code);
            cx.alarm(Some(self.id), code, true);
            self.show(cx);
        }
    }

    /// The relay keeps the contact no longer: nothing can be sent there, what is known stays.
    pub(super) fn end(&mut self, cx: &mut Context, code: &'static str) {
        self.following = false;
        self.stopped.get_or_insert(code);
        self.show(cx);
    }

    pub(super) fn is_member(&self, device: &DeviceId) -> bool {
        self.log
            .as_ref()
            .is_some_and(|log| log.roster().member(device).is_some())
    }

    /// Whether this device may take the contact now.
    pub(super) fn can_claim(&self, cx: &Context) -> bool {
        let Some(log) = &self.log else { return false };
        let has_key = self.epoch().is_some_and(|epoch| epoch.all.is_some());
        if log.is_closed() || !cx.role().is_staff() || !has_key {
            return false;
        }
        let teams = log.roster().teams.iter().map(|entry| &entry.team);
        log.is_pending(&cx.device()) || cx.is_in_any(teams)
    }

    /// Whether a message can be encrypted now; the code of what is in the way if something is.
    pub(super) fn can_send(&self, cx: &Context, now: Time) -> Result<(), &'static str> {
        let log = self.log.as_ref().ok_or("not-started")?;
        if let Some(code) = self.stopped {
            return Err(code);
        }
        if log.is_closed() {
            return Err("closed");
        }
        let own = cx.device();
        if log.roster().member(&own).is_none() {
            return Err("not-on-roster");
        }
        if log.is_pending(&own) {
            return Err("claim-first");
        }
        if self.epoch().and_then(|epoch| epoch.all.as_ref()).is_none() {
            return Err("no-key");
        }
        cx.account.policy(now).map_err(|error| error.code())?;
        log.roster_allowed(&cx.account, now)
            .map_err(|_| "roster-not-allowed")
    }

    /// Participants that are no person's own device: what an author must have been shown. A vault is
    /// not among them: it comes with the level, which is shown before there is a contact.
    pub(super) fn special_participants(&self) -> Vec<(DeviceId, Role)> {
        use crate::account::Via;
        let Some(log) = &self.log else {
            return Vec::new();
        };
        log.roster()
            .members
            .iter()
            .filter(|member| {
                matches!(member.role, Role::Supervisor | Role::Bot | Role::Auditor)
                    || member.via == Via::Gateway
            })
            // Whoever answers is shown by name before anything else; a supervisor who does is no surprise.
            .filter(|member| log.responsible() != Some(&member.device))
            .map(|member| (member.device, member.role))
            .gather()
    }

    /// Tells the host what people should see, if that changed.
    pub(super) fn show(&mut self, cx: &mut Context) {
        if self.unwatched {
            return;
        }
        let Some(view) = self.make_view(cx) else {
            return;
        };
        if self.view.as_ref() != Some(&view) {
            self.view = Some(view.clone());
            cx.event(Event::Contact(view));
        }
    }

    fn make_view(&self, cx: &Context) -> Option<ContactView> {
        let log = self.log.as_ref()?;
        let first = self.epochs.first()?.commit.core();
        let policy = cx.account.policy_at(&first.policy.hash, first.time).ok();
        let team_name = |id: &str| {
            policy
                .and_then(|policy| policy.team(id))
                .map_or_else(|| id.to_owned(), |team| team.name.clone())
        };
        let entry = policy.and_then(|policy| policy.entry_point(log.entry_point()));
        let state = match log.standing() {
            Standing::Waiting => ContactState::Waiting,
            Standing::Open => ContactState::Open,
            Standing::Transferring => ContactState::Transferring,
            Standing::Closed => ContactState::Closed,
        };
        let waits = self.waits_for_policy.is_some() || !self.backlog.is_empty();
        Some(ContactView {
            contact: self.id,
            entry_point: log.entry_point().to_owned(),
            entry_point_name: entry.map_or_else(String::new, |entry| entry.name.clone()),
            level: log.level(),
            suite: log.suite().number(),
            epoch: log.epoch(),
            state,
            can_send: self.stopped.is_none()
                && !log.is_closed()
                && self.is_member(&cx.device())
                && !log.is_pending(&cx.device()),
            stopped_by: self.stopped,
            participants: log
                .roster()
                .members
                .iter()
                .map(|member| Participant {
                    author: cx.author(&member.device, Some(log)),
                    pending: log.is_pending(&member.device),
                })
                .gather(),
            teams: log
                .roster()
                .teams
                .iter()
                .map(|entry| TeamView {
                    name: team_name(&entry.team),
                    id: entry.team.clone(),
                    readers: cx.readers(&entry.team, log.suite()),
                })
                .gather(),
            can_claim: self.can_claim(cx),
            caught_up: self.caught_up && !waits,
            head: self.head(),
            archived: log.archive_key().is_some(),
            verified_identity: self.identity.clone(),
            details: self.about.details(),
            labels: self.about.labels(),
        })
    }

    /// Keeps a secret for as long as this device may read the contact.
    pub(super) fn keep_secret(&mut self, epoch: u64, strand: Strand, secret: &EpochSecret) {
        let secrets = &mut self.record.secrets;
        let stored = match secrets.iter_mut().position(|stored| stored.epoch == epoch) {
            Some(index) => secrets.get_mut(index),
            None => {
                secrets.push(StoredSecret {
                    epoch,
                    all: None,
                    staff: None,
                });
                secrets.last_mut()
            }
        };
        if let Some(stored) = stored {
            match strand {
                Strand::All => stored.all = Some(secret.duplicate()),
                Strand::Staff => stored.staff = Some(secret.duplicate()),
            }
        }
    }

    /// Destroys everything that opens this contact, and what is left to send.
    pub(super) fn destroy_secrets(&mut self, cx: &mut Context) {
        self.record.keys.clear();
        self.record.secrets.clear();
        for outgoing in core::mem::take(&mut self.outbox) {
            self.dirty_message(cx, &outgoing.id);
        }
        self.record.proposal = None;
        for epoch in &mut self.epochs {
            epoch.all = None;
            epoch.staff = None;
        }
        self.dirty(cx);
    }

    /// Tells the host everything again that it should show.
    pub(super) fn show_again(&mut self, cx: &mut Context) {
        self.view = None;
        self.show(cx);
        let contact = self.id;
        for item in self.timeline.all() {
            let item = item.clone();
            cx.event(Event::Item { contact, item });
        }
    }

    /// Nobody looks at the contact any more: only its record is kept.
    pub(super) fn forget_log(&mut self, cx: &Context) {
        let record = core::mem::take(&mut self.record);
        let outbox = core::mem::take(&mut self.outbox);
        *self = Self::new(cx, self.id, record);
        self.outbox = outbox;
    }

    /// Whatever is due at this time.
    pub(super) fn tick(&mut self, cx: &mut Context, now: Time) {
        if !self.backlog.is_empty() && self.waits_for_policy.is_none() {
            self.advance(cx, now);
        }
        if self.reads_on {
            self.read_what_opens(cx);
            self.show(cx);
        }
        self.propose(cx, now);
        if self.verify_some(cx) {
            cx.outputs.wake_at(now);
        }
        match self.receipt_at {
            Some(at) if at <= now => self.send_receipt(cx, now),
            Some(at) => cx.outputs.wake_at(at),
            None => {}
        }
        let own = cx.device();
        let has_peer = self.log.as_ref().is_some_and(|log| {
            let mut members = log.roster().members.iter();
            members.any(|member| member.device != own)
        });
        if has_peer {
            let (marked, next) = self.timeline.mark_unacknowledged(now);
            let contact = self.id;
            for item in marked {
                cx.event(Event::Item { contact, item });
            }
            if let Some(next) = next {
                cx.outputs.wake_at(next);
            }
        }
        self.expire_secrets(cx, now);
    }

    /// The connection is gone: everything in flight is sent again after the next resume.
    pub(super) fn disconnected(&mut self) {
        self.caught_up = false;
        self.backlog.clear();
        self.waits_for_policy = None;
    }
}

/// A fresh salt.
pub(super) fn salt(cx: &mut Context) -> Result<Salt, &'static str> {
    cx.random.bytes().map(Salt::new).map_err(|_| NO_RANDOMNESS)
}

/// The id of a new content or append.
pub(super) fn fresh_id(cx: &mut Context) -> Result<ContentId, &'static str> {
    let id = cx.random.bytes().map(ContentId::new);
    id.map_err(|_| NO_RANDOMNESS)
}
