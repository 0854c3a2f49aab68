//! Own commits: what a person wants becomes a proposal that the relay takes or refuses.

use std::sync::Arc;

use super::context::Context;
use super::conversation::{Conversation, Made, NO_RANDOMNESS, fresh_id};
use super::plan::{Obstacle, Plan};
use super::records::{Outgoing, OwnContactKey, StoredProposal};
use super::{Event, Target};
use crate::account::Level;
use crate::contact::{
    Commit, Core, Draft, EpochSecret, Log, Member, PolicyRef, Reason, Strand, build,
};
use crate::crypto::Hash;
use crate::crypto::seal::SealPrivateKey;
use crate::message::kind;
use crate::wire::frame::{ClientFrame, Entry, NewEntry};
use crate::wire::{DeviceId, Time, Version, encode};

/// How often an intent is tried when others keep committing first.
const ATTEMPTS: u8 = 8;

/// What a person wants done to a contact.
#[derive(Clone, Debug)]
pub(super) struct Intent {
    pub(super) wish: Arc<Wish>,
    attempts: u8,
}

/// The kinds of intents.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Start {
        entry_point: String,
        /// The level that the person was shown.
        level: Option<Level>,
    },
    Claim,
    Transfer {
        to: Target,
        history: bool,
        note: Option<String>,
    },
    Invite {
        device: DeviceId,
        history: bool,
    },
    Remove {
        target: Target,
    },
    Rekey,
    /// A waiting contact gets its team's newest key, unless it has it already.
    Reseal,
    Close,
}

impl Wish {
    /// What goes out together with the commit.
    const fn note(&self) -> Option<&String> {
        match self {
            Self::Transfer { note, .. } => note.as_ref(),
            _ => None,
        }
    }
}

impl From<Wish> for Intent {
    fn from(wish: Wish) -> Self {
        Self {
            wish: Arc::new(wish),
            attempts: 0,
        }
    }
}

impl Conversation {
    /// Wants something done; it is tried at once, or when the connection allows.
    pub(super) fn want(&mut self, cx: &mut Context, now: Time, wish: Wish) {
        let known = self.intents.iter().any(|intent| *intent.wish == wish);
        if !known {
            self.intents.push(wish.into());
        }
        self.propose(cx, now);
    }

    /// Builds and sends the next commit that is wanted, if nothing is in the way.
    pub(super) fn propose(&mut self, cx: &mut Context, now: Time) {
        let ready = cx.online
            && self.record.proposal.is_none()
            && self.stopped.is_none()
            && (self.caught_up || self.log.is_none())
            && self.backlog.is_empty();
        if !ready {
            return;
        }
        while let Some(intent) = self.intents.first().cloned() {
            // A note takes the next place in the own chain: what was sealed before must be in the log.
            let in_flight = |outgoing: &Outgoing| outgoing.envelope.is_some();
            if intent.wish.note().is_some() && self.outbox.iter().any(in_flight) {
                return;
            }
            match self.plan(cx, now, &intent.wish) {
                Ok(plan) => match self.make_proposal(cx, now, plan, intent.wish.note()) {
                    Ok(proposal) => return self.send_proposal(cx, proposal),
                    Err(code) => self.give_up(cx, code),
                },
                Err(Obstacle::Ask(queries)) => {
                    for query in queries {
                        cx.look_up_again(query, now);
                    }
                    return;
                }
                Err(Obstacle::Never(code)) => self.give_up(cx, code),
                Err(Obstacle::Done) => drop(self.next_intent()),
            }
        }
    }

    /// Takes the intent whose turn it is.
    fn next_intent(&mut self) -> Option<Intent> {
        (!self.intents.is_empty()).then(|| self.intents.remove(0))
    }

    /// The next intent cannot be carried out. Nobody waits for what the client does by itself.
    fn give_up(&mut self, cx: &mut Context, code: &'static str) {
        let intent = self.next_intent();
        if intent.is_none_or(|intent| *intent.wish != Wish::Reseal) {
            cx.failed(Some(self.id), code);
        }
    }

    /// The lowest epoch that back-links lead to from the one in force.
    fn reachable(&self) -> u64 {
        let mut epoch = self.epochs.len().saturating_sub(1);
        let mut lowest = 0;
        while let Some(known) = self.epochs.get(epoch) {
            let core = known.commit.core();
            lowest = core.history.unwrap_or(u64::MAX).max(lowest);
            match epoch.checked_sub(1) {
                Some(before) if lowest <= before as u64 => epoch = before,
                _ => break,
            }
        }
        epoch as u64
    }

    /// A commit and, where one goes with it, the note in the epoch that it starts.
    fn make_proposal(
        &mut self,
        cx: &mut Context,
        now: Time,
        plan: Plan,
        note: Option<&String>,
    ) -> Result<StoredProposal, &'static str> {
        let note = note
            .map(|text| {
                let body = text.clone().into_bytes();
                self.outgoing(cx, now, kind::NOTE.into(), body, None, true)
            })
            .transpose()?;
        let commit = self.build(cx, now, plan)?;
        let epoch = commit.core().epoch;
        let note = note
            .map(|mut note| {
                let transcript = commit.transcript();
                let made = self.made.as_ref();
                let secret = made.and_then(|made| made.secret(Strand::Staff));
                let key = secret.ok_or("role-not-allowed")?.key(&transcript);
                note.envelope = Some(self.encrypt(cx, &note, epoch, &transcript, &key)?);
                Ok(note)
            })
            .transpose()?;
        Ok(StoredProposal {
            append: fresh_id(cx)?,
            epoch,
            entry: encode(&Entry::Commit(commit.to_bytes().into())).into(),
            note,
        })
    }

    /// Keeps the secrets that it seals.
    fn build(
        &mut self,
        cx: &mut Context,
        now: Time,
        mut plan: Plan,
    ) -> Result<Commit, &'static str> {
        let (policy, hash) = cx.account.policy(now).map_err(|error| error.code())?;
        let policy = PolicyRef {
            number: policy.number,
            hash,
        };
        let closes = plan.reason == Reason::Close;
        let own = cx.device();
        let first = self.log.as_ref().is_none_or(|log| !log.has_committed(&own));
        let mut new_key = None;
        if !closes
            && first
            && let Some(member) = plan.roster.member(&own).cloned()
        {
            let private =
                SealPrivateKey::generate(plan.suite, &mut cx.random).map_err(|_| NO_RANDOMNESS)?;
            let public = private.public();
            plan.roster.put_member(Member {
                key: public.id(),
                ..member
            });
            new_key = Some(public.as_bytes().to_vec().into());
            plan.keys.push(public);
            self.record.keys.push(OwnContactKey {
                suite: plan.suite,
                seed: private.seed().duplicate(),
            });
        }
        let is_staff = cx.role().is_staff();
        let mut generate = || EpochSecret::generate(&mut cx.random).map_err(|_| NO_RANDOMNESS);
        let secret = if closes { None } else { Some(generate()?) };
        let staff_secret = if is_staff && !closes {
            Some(generate()?)
        } else {
            None
        };
        let before = self.epoch();
        let known = before.and_then(|epoch| epoch.all.as_ref());
        if before.is_some() && known.is_none() {
            return Err("no-key");
        }
        let history = known
            .filter(|_| plan.history && !closes)
            .map(|_| self.reachable());
        let last_staff = self
            .epochs
            .iter()
            .rfind(|epoch| epoch.commit.core().staff.is_some())
            .and_then(|epoch| epoch.staff.as_ref());
        let (account, contact) = (cx.account.id(), self.id);
        let log = self.log.as_ref();
        let core = Core {
            version: Version,
            suite: plan.suite,
            account,
            contact,
            level: plan.level,
            epoch: log.map_or(0, |log| log.epoch() + 1),
            previous: log.map_or_else(|| Log::origin(&account, &contact), |log| *log.transcript()),
            time: log.map_or(now, |log| now.max(log.time())),
            committer: own,
            reason: plan.reason,
            policy,
            roster: plan.roster.clone(),
            archive: plan.archive.filter(|_| !closes),
            seen: self.seen(),
            commitment: None,
            history,
            back_link: None,
            staff: None,
            new_key,
            setup: plan.setup.clone(),
        };
        let draft = Draft {
            core,
            secret: secret.as_ref(),
            staff_secret: staff_secret.as_ref(),
            previous_key: known.map(|known| &known.key),
            previous_secret: known.map(|known| &known.secret),
            previous_staff_secret: last_staff
                .filter(|_| history.is_some())
                .map(|known| &known.secret),
            evidence: core::mem::take(&mut plan.evidence),
        };
        let public_key = |id: &Hash| plan.key(id).or_else(|| log.and_then(|log| log.key(id)));
        let commit = build(draft, public_key, &cx.signer).map_err(|_| "cannot-seal")?;
        // What others would refuse is not even sent.
        let judged = match log {
            Some(log) => log.clone().apply(&cx.account, &commit).map(drop),
            None => Log::create(&cx.account, &commit).map(drop),
        };
        judged.map_err(|error| error.code())?;
        if let Some(id) = &plan.archive {
            cx.directory.use_up(id);
        }
        self.made = Some(Made {
            transcript: commit.transcript(),
            all: secret,
            staff: staff_secret,
        });
        Ok(commit)
    }

    fn send_proposal(&mut self, cx: &mut Context, proposal: StoredProposal) {
        self.transmit_proposal(cx, &proposal);
        self.record.proposal = Some(proposal);
        self.dirty(cx);
    }

    fn transmit_proposal(&self, cx: &mut Context, proposal: &StoredProposal) {
        let contact = self.id;
        let (id, entry) = (proposal.append, proposal.entry.clone());
        let note = proposal
            .note
            .as_ref()
            .and_then(|note| note.envelope.as_ref());
        cx.outputs.transmit_stored(match note {
            None => ClientFrame::Append { id, contact, entry },
            Some(note) => ClientFrame::AppendBoth {
                contact,
                first: NewEntry { id, entry },
                second: NewEntry {
                    id: note.append,
                    entry: note.entry.clone(),
                },
            },
        });
    }

    /// Sends the proposal again after a reconnect, byte for byte, or drops it if it is late.
    pub(super) fn resend_proposal(&mut self, cx: &mut Context) {
        let next = self.log.as_ref().map_or(0, |log| log.epoch() + 1);
        match &self.record.proposal {
            Some(proposal) if proposal.epoch == next => self.transmit_proposal(cx, proposal),
            Some(_) => {
                self.record.proposal = None;
                self.dirty(cx);
            }
            None => {}
        }
    }

    /// A commit is in force: was it the own proposal, or did it come first?
    pub(super) fn settle_proposal(&mut self, cx: &mut Context, entry: &[u8], committer: DeviceId) {
        let epoch = self.log.as_ref().map_or(0, Log::epoch);
        // Commits of before are read again after a restart.
        let is_due = |proposal: &mut StoredProposal| proposal.epoch <= epoch;
        let Some(proposal) = self.record.proposal.take_if(is_due) else {
            return;
        };
        self.dirty(cx);
        let won = *proposal.entry == *entry;
        if won && let Some(note) = proposal.note {
            // It is the entry after this one. What waits goes on after it.
            if let Some(sealed) = &note.envelope {
                self.continue_after(sealed);
            }
            self.dirty_message(cx, &note.id);
            self.show_outgoing(cx, &note);
            self.outbox.insert(0, note);
        }
        let Some(mut intent) = self.next_intent() else {
            return;
        };
        if won {
            return;
        }
        intent.attempts += 1;
        if *intent.wish == Wish::Claim && !self.can_claim(cx) {
            let contact = self.id;
            let by = Some(cx.author(&committer, self.log.as_ref()));
            return cx.event(Event::ClaimLost { contact, by });
        }
        let spent = intent.attempts >= ATTEMPTS;
        self.intents.insert(0, intent);
        if spent {
            self.give_up(cx, "epoch-taken");
        }
    }

    /// The relay refused the proposal. If somebody else was first, their commit is on its way.
    pub(super) fn proposal_refused(&mut self, cx: &mut Context, code: &'static str) {
        if matches!(code, "epoch-taken" | "stale-epoch") && self.log.is_some() {
            return;
        }
        self.record.proposal = None;
        self.dirty(cx);
        let claims = |intent: &Intent| *intent.wish == Wish::Claim;
        if self.intents.first().is_some_and(claims) && code == "closed" {
            self.next_intent();
            let contact = self.id;
            return cx.event(Event::ClaimLost { contact, by: None });
        }
        self.give_up(cx, code);
    }
}
