//! Commits that arrive: a new epoch, its secrets as far as this device may know them, and what
//! they mean for everything that waits.

use super::context::Context;
use super::conversation::{Conversation, Epoch};
use super::incoming::{Taken, outside_tolerance};
use super::records::message_name;
use crate::account::AccountError;
use crate::contact::{Commit, CommitError, EpochSecret, Log, SecretError, Strand};
use crate::crypto::seal::SealPrivateKey;
use crate::wire::Time;
use crate::wire::frame::{ClientFrame, Query};

impl Conversation {
    pub(super) fn commit(
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
        self.settle_proposal(cx, entry, change.committer);
        self.made = None;
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
            self.learn_both(cx, last).and_then(|()| self.check_tag())
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
            if let Err(error) = self.learn_both(cx, index) {
                self.stop(cx, error.code());
            }
        }
        self.read_what_opens(cx);
        self.show(cx);
    }

    fn learn_both(&mut self, cx: &Context, index: usize) -> Result<(), SecretError> {
        self.learn(cx, Strand::All, index)?;
        self.learn(cx, Strand::Staff, index)
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
        let private =
            |id: &_| -> Option<&SealPrivateKey> { own.get(id).or_else(|| cx.private_key(id)) };
        let is_recipient = EpochSecret::is_for(strand, &epoch.commit, private);
        // Whoever removes itself makes a secret that is not for it.
        let made = self.made.as_ref();
        let made = made
            .filter(|made| is_recipient && made.transcript == epoch.transcript)
            .and_then(|made| made.secret(strand));
        let secret = match (made, stored) {
            (Some(secret), _) => secret.duplicate(),
            (None, Some(secret)) => {
                secret.matches(strand, epoch.commit.core())?;
                secret.duplicate()
            }
            (None, None) => match EpochSecret::open(strand, &epoch.commit, private) {
                None => return Ok(()),
                Some(opened) => opened?,
            },
        };
        if made.is_none()
            && let Some(log) = &self.log
        {
            secret.check_seals(strand, &epoch.commit, |id| log.key(id))?;
        }
        epoch.learn(strand, secret.duplicate());
        self.keep_secret(index as u64, strand, &secret);
        // What was learnt by walking back leads no further than that walk did.
        if is_recipient {
            self.walk_back(strand, index)
        } else {
            Ok(())
        }
    }

    /// Follows back-links from an epoch as far as they lead, checking each secret against its
    /// epoch's commitment.
    fn walk_back(&mut self, strand: Strand, from: usize) -> Result<(), SecretError> {
        let mut index = from;
        let mut since = 0;
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
            // What one commit grants, an earlier one does not widen.
            since = core.history.unwrap_or(0).max(since);
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
            cx.outputs.transmit(ClientFrame::Leave { contact });
        }
    }

    /// A contact has ended: what is left in the outbox failed, and keys go as the design says.
    fn closed(&mut self, cx: &mut Context, now: Time) {
        for outgoing in &mut self.outbox {
            outgoing.failed = Some("closed".into());
            outgoing.envelope = None;
            cx.outputs.dirty(&message_name(&self.id, &outgoing.id));
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
}
