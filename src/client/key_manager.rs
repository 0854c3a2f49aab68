//! What staff ask the account's key manager, through the relay: SPEC 7. Answers are believed because
//! they are signed.

use super::conversation::Conversation;
use super::probe::Probe;
use super::records::{DEVICE, KnownAudit};
use super::{Client, Event};
use crate::account::{KeyKind, KeyManager};
use crate::archive::{Awaited, Grant, KeyAnswer, KeyRequest, Operation, Outcome, ReleasedSecret};
use crate::contact::{Log, SecretError, Strand};
use crate::crypto::Hash;
use crate::gather::Gather;
use crate::wire::frame::{ClientFrame, Object, ObjectKind, Query};
use crate::wire::{Bytes, ContactId, ContentId, DeviceId, Suite, Time, Version};

/// Requests of this device.
#[derive(Debug, Default)]
pub(super) struct KeyRequests {
    /// Not sent yet: what they need is on its way.
    waiting: Vec<Wanted>,
    sent: Vec<Sent>,
    /// What is asked for the second time.
    again: Vec<Wanted>,
}

/// What is wanted of the key manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The secrets of a contact, for a person who says why.
    Release {
        contact: ContactId,
        purpose: String,
        reason: String,
    },
    /// That a contact's secrets are in its own keeping.
    Rewrap { contact: ContactId },
    /// A contact's own key, in place of the last-resort key.
    Issue { contact: ContactId },
    /// One-time keys for new contacts.
    Prekeys { suite: Suite, count: u64 },
    /// To see whether it does as it has to.
    Test(Probe),
    /// Its log, after an entry.
    Audit { after: u64 },
}

#[derive(Debug)]
struct Sent {
    id: u64,
    wanted: Wanted,
    awaited: Awaited,
    again: bool,
    at: Time,
}

impl Wanted {
    /// The contact whose commits go with the request.
    const fn attaches(&self) -> Option<&ContactId> {
        match self {
            Self::Release { contact, .. } | Self::Rewrap { contact } => Some(contact),
            Self::Issue { .. } | Self::Prekeys { .. } | Self::Test(_) | Self::Audit { .. } => None,
        }
    }

    fn operation(&self) -> Operation {
        match self.clone() {
            Self::Release {
                contact,
                purpose,
                reason,
            } => Operation::Release {
                contact,
                purpose,
                reason,
            },
            Self::Rewrap { contact } => Operation::Rewrap { contact },
            Self::Issue { contact } => Operation::Issue { contact },
            Self::Prekeys { count, .. } => Operation::Prekeys { count },
            Self::Test(probe) => probe.operation(),
            Self::Audit { after } => Operation::Audit { after },
        }
    }
}

impl Client {
    /// Asks for something, now or when what it needs is there.
    pub(super) fn want_of_key_manager(&mut self, now: Time, wanted: Wanted) {
        let requests = &mut self.cx.key_requests;
        let sent = requests.sent.iter().any(|sent| sent.wanted == wanted);
        if !sent && !requests.waiting.contains(&wanted) {
            requests.waiting.push(wanted);
        }
        self.ask_key_manager(now);
    }

    /// Sends what waits and can be sent.
    pub(super) fn ask_key_manager(&mut self, now: Time) {
        if self.cx.key_requests.waiting.is_empty() || !self.cx.online {
            return;
        }
        let Some(manager) = self.key_manager() else {
            return self.give_up_on_key_manager("key-manager-missing");
        };
        let directory = &self.cx.directory;
        let mut suites = Suite::ALL.into_iter().rev();
        let Some(to) =
            suites.find_map(|suite| directory.key_of(KeyKind::Request, None, suite, now))
        else {
            if self.cx.directory.ask_again_at(&Query::RequestKeys) > Some(now) {
                return self.give_up_on_key_manager("unavailable");
            }
            self.cx.look_up(Query::RequestKeys);
            return;
        };
        let to = to.clone();
        for wanted in core::mem::take(&mut self.cx.key_requests.waiting) {
            let attached = match wanted.attaches() {
                None => Vec::new(),
                Some(contact) => match self.conversations.get(contact) {
                    None => {
                        let code = "unknown-contact".to_owned();
                        self.not_granted(wanted, Outcome::Unknown, code);
                        continue;
                    }
                    Some(known) if known.caught_up => known.commits(),
                    Some(_) => {
                        self.cx.key_requests.waiting.push(wanted);
                        continue;
                    }
                },
            };
            let suite = match &wanted {
                // The suite of the keys that come is that of the answer.
                Wanted::Prekeys { suite, .. } => *suite,
                Wanted::Issue { contact } => self.suite_of(contact),
                Wanted::Test(probe) => probe.suite(to.record.suite),
                Wanted::Release { .. } | Wanted::Rewrap { .. } | Wanted::Audit { .. } => {
                    to.record.suite
                }
            };
            let Ok(id) = self.cx.random.bytes().map(ContentId::new) else {
                return self.cx.alarm(None, "no-randomness", true);
            };
            let (id, time) = match &wanted {
                Wanted::Test(probe) => probe.id_and_time(id, now),
                _ => (id, now),
            };
            let request = KeyRequest {
                version: Version,
                suite,
                account: self.cx.account.id(),
                id,
                device: self.cx.device(),
                audience: manager.identity,
                time,
                reply: Bytes::default(),
                evidence: self.evidence(wanted.attaches()),
                operation: wanted.operation(),
                attached: None,
            };
            let cx = &mut self.cx;
            match request.pack(attached, &cx.signer, &to.public, &mut cx.random) {
                Ok((request, awaited)) => {
                    let id = cx.next_request();
                    let request = request.into();
                    cx.outputs.transmit(ClientFrame::Ask { id, request });
                    let requests = &mut cx.key_requests;
                    let place = requests.again.iter().position(|it| *it == wanted);
                    let again = place.map(|place| requests.again.remove(place)).is_some();
                    requests.sent.push(Sent {
                        id,
                        wanted,
                        awaited,
                        again,
                        at: now,
                    });
                }
                Err(_) => cx.alarm(None, "no-randomness", true),
            }
        }
    }

    fn key_manager(&self) -> Option<KeyManager> {
        self.cx.account.root().ok()?.key_manager.clone()
    }

    fn suite_of(&self, contact: &ContactId) -> Suite {
        let log = self
            .conversations
            .get(contact)
            .and_then(|it| it.log.as_ref());
        log.map_or_else(Suite::default, Log::suite)
    }

    /// What proves who asks, and the policies under which a contact's commits were made.
    fn evidence(&self, contact: Option<&ContactId>) -> Vec<Object> {
        let mut objects = self.cx.account.objects();
        let conversation = contact.and_then(|id| self.conversations.get(id));
        let mut seen: Vec<Hash> = Vec::new();
        for epoch in conversation.iter().flat_map(|it| &it.epochs) {
            let policy = epoch.commit.core().policy.hash;
            if !seen.contains(&policy) {
                seen.push(policy);
                for object in self.cx.account.policy_objects(&policy) {
                    if !objects.contains(&object) {
                        objects.push(object);
                    }
                }
            }
        }
        if let Some(own) = self.cx.credential() {
            let object = Object::new(ObjectKind::Credential, own.signed.to_bytes());
            objects.push(object);
        }
        objects
    }

    /// The relay has an answer.
    pub(super) fn key_answer(&mut self, now: Time, id: u64, answer: &[u8]) {
        let Some(sent) = self.take_sent(id) else {
            return;
        };
        match sent.awaited.open(answer) {
            Ok((answer, grant)) => {
                self.compare_audit(&answer);
                let is_old_key = answer.code == "undecryptable" && !sent.again;
                match (sent.wanted, grant) {
                    // It was started again since its key was fetched, and made another one.
                    (wanted, None) if is_old_key => {
                        self.cx.directory.forget_request_keys();
                        self.cx.key_requests.again.push(wanted.clone());
                        self.want_of_key_manager(now, wanted);
                    }
                    (Wanted::Test(probe), grant) => {
                        let millis = now.millis_since(sent.at);
                        self.probed(now, probe, answer.outcome, grant, millis);
                    }
                    (Wanted::Audit { after }, Some(Grant::Audit { entries })) => {
                        self.audit_read(after, &entries, answer.audit.number);
                    }
                    (wanted, Some(grant)) => self.granted(now, wanted, grant),
                    (wanted, None) => self.not_granted(wanted, answer.outcome, answer.code),
                }
            }
            Err(error) => {
                let contact = sent.wanted.attaches().copied();
                self.cx.alarm(contact, error.code(), false);
                self.not_granted(sent.wanted, Outcome::Unavailable, error.code().into());
            }
        }
    }

    /// The relay has none; whether the request was one for the key manager.
    pub(super) fn key_answer_refused(&mut self, id: u64, code: &'static str) -> bool {
        let sent = self.take_sent(id);
        let was_sent = sent.is_some();
        if let Some(sent) = sent {
            self.not_granted(sent.wanted, Outcome::Unavailable, code.into());
        }
        was_sent
    }

    fn take_sent(&mut self, id: u64) -> Option<Sent> {
        let sent = &mut self.cx.key_requests.sent;
        let place = sent.iter().position(|sent| sent.id == id)?;
        Some(sent.remove(place))
    }

    /// The connection ended: nothing that was asked is answered any more.
    pub(super) fn key_requests_lost(&mut self) {
        let sent = core::mem::take(&mut self.cx.key_requests.sent);
        for sent in sent {
            self.not_granted(sent.wanted, Outcome::Unavailable, "unavailable".into());
        }
    }

    pub(super) fn give_up_on_key_manager(&mut self, code: &'static str) {
        for wanted in core::mem::take(&mut self.cx.key_requests.waiting) {
            self.not_granted(wanted, Outcome::Unavailable, code.into());
        }
    }

    /// A contact's commits will not come: what waits for them is not asked.
    pub(super) fn forget_key_requests(&mut self, contact: &ContactId, code: &'static str) {
        let waiting = core::mem::take(&mut self.cx.key_requests.waiting);
        for wanted in waiting {
            if wanted.attaches() == Some(contact) {
                self.not_granted(wanted, Outcome::Unknown, code.into());
            } else {
                self.cx.key_requests.waiting.push(wanted);
            }
        }
    }

    /// People wait for releases only; what the client asks for by itself it asks for again.
    fn not_granted(&mut self, wanted: Wanted, outcome: Outcome, code: String) {
        match wanted {
            Wanted::Release { contact, .. } => self.cx.event(Event::Released {
                contact,
                outcome,
                code,
            }),
            Wanted::Test(probe) => self.probe_failed(probe, code),
            Wanted::Audit { .. } => self.audit_unread(code),
            // Somebody gave one key to two contacts.
            Wanted::Rewrap { contact } if code == "key-taken" => {
                self.cx.alarm(Some(contact), "key-taken", false);
            }
            Wanted::Rewrap { .. } | Wanted::Issue { .. } | Wanted::Prekeys { .. } => {}
        }
    }

    fn granted(&mut self, now: Time, wanted: Wanted, grant: Grant) {
        match (wanted, grant) {
            (Wanted::Release { contact, .. }, Grant::Secrets { secrets }) => {
                self.released(contact, secrets);
            }
            (Wanted::Prekeys { .. }, Grant::Keys { keys }) => {
                for key in keys {
                    self.cx.publish(ObjectKind::ArchiveKey, key);
                }
            }
            (Wanted::Issue { contact }, Grant::Key { key }) => self.issued(now, contact, key),
            (Wanted::Rewrap { .. }, Grant::Done { .. }) => {}
            (wanted, _) => self.not_granted(wanted, Outcome::Malformed, "malformed".into()),
        }
    }

    fn released(&mut self, contact: ContactId, secrets: Vec<ReleasedSecret>) {
        let learnt = match self.conversations.get_mut(&contact) {
            Some(conversation) => conversation.take_released(&mut self.cx, secrets),
            None => Ok(()),
        };
        let (outcome, code) = match learnt {
            Ok(()) => (Outcome::Granted, String::new()),
            Err(error) => {
                self.cx.alarm(Some(contact), error.code(), false);
                (Outcome::Malformed, error.code().into())
            }
        };
        self.cx.event(Event::Released {
            contact,
            outcome,
            code,
        });
    }

    /// The contact's own key takes the place of the last-resort key, in an epoch of its own.
    fn issued(&mut self, now: Time, contact: ContactId, key: Bytes) {
        let object = Object::new(ObjectKind::ArchiveKey, key);
        let account = &self.cx.account;
        let taken = self.cx.directory.take_archive_keys(account, &[object], now);
        if let Err(code) = taken {
            return self.cx.alarm(Some(contact), code, false);
        }
        if let Some(conversation) = self.conversations.get_mut(&contact) {
            conversation.want(&mut self.cx, now, super::proposals::Wish::Rekey);
        }
    }

    /// The key manager's log only grows. Another entry under a number, or an answer from before, is
    /// proof that somebody rewrote it or set it back.
    fn compare_audit(&mut self, answer: &KeyAnswer) {
        let (head, time) = (answer.audit, answer.time);
        let Some(known) = &self.cx.keys.audit else {
            self.cx.keys.audit = Some(KnownAudit { head, time });
            return self.cx.outputs.dirty(DEVICE);
        };
        if head.number == known.head.number && head.hash != known.head.hash {
            self.cx.alarm(None, "audit-fork", false);
        } else if head.number < known.head.number && time > known.time {
            self.cx.alarm(None, "audit-rolled-back", false);
        } else if head.number > known.head.number {
            self.cx.keys.audit = Some(KnownAudit { head, time });
            self.cx.outputs.dirty(DEVICE);
        }
    }

    /// Puts what is archived of a contact into its own keeping: after the own claim, when what was
    /// sealed to a key issued ahead is to become the contact's alone, and at its end.
    pub(super) fn look_after_archive(&mut self, contact: &ContactId, now: Time) {
        let own = self.cx.device();
        if let Some(conversation) = self.conversations.get_mut(contact) {
            let requests = &mut self.cx.key_requests.waiting;
            requests.extend(conversation.archive_due(&own));
        }
        self.ask_key_manager(now);
    }

    /// The same for all: entries that wait are taken in between frames.
    pub(super) fn look_after_archives(&mut self, now: Time) {
        let own = self.cx.device();
        let requests = &mut self.cx.key_requests.waiting;
        for conversation in self.conversations.values_mut() {
            requests.extend(conversation.archive_due(&own));
        }
        self.ask_key_manager(now);
    }
}

impl Conversation {
    /// What the responsible device has to ask for: once after the claim, after a change of the key,
    /// and at the end.
    fn archive_due(&mut self, own: &DeviceId) -> Option<Wanted> {
        let contact = self.id;
        let log = self.log.as_ref().filter(|_| self.caught_up)?;
        let (kind, _) = log.archive_key()?;
        if log.responsible() != Some(own) {
            return None;
        }
        let stage = (*kind, log.is_closed());
        if self.archived.replace(stage) == Some(stage) {
            return None;
        }
        Some(match stage {
            (KeyKind::LastResort, false) => Wanted::Issue { contact },
            _ => Wanted::Rewrap { contact },
        })
    }

    /// Its commits as they travel, from the first one on.
    fn commits(&self) -> Vec<Bytes> {
        let commits = self.epochs.iter();
        commits.map(|epoch| epoch.commit.to_bytes().into()).gather()
    }

    /// Learns secrets that the key manager released. They are held against the commits, like any
    /// others, and are not stored.
    fn take_released(
        &mut self,
        cx: &mut super::context::Context,
        secrets: Vec<ReleasedSecret>,
    ) -> Result<(), SecretError> {
        for released in secrets {
            let index = usize::try_from(released.epoch).unwrap_or(usize::MAX);
            let Some(epoch) = self.epochs.get_mut(index) else {
                return Err(SecretError::Commitment);
            };
            released.secret.matches(Strand::All, epoch.commit.core())?;
            if epoch.all.is_none() {
                epoch.learn(Strand::All, released.secret);
            }
        }
        self.read_what_opens(cx);
        self.show(cx);
        Ok(())
    }
}
