//! The connection to the relay: handshake, answers, announcements. Everything that arrives is a
//! claim, checked before it changes anything.

use super::context::STAFF;
use super::{Client, ConnectionState, Event, TeamMember, codes};
use crate::gather::Gather;
use crate::wire::frame::{
    Authentication, ClientFrame, Nonce, Object, Query, RefusedId, RelayFrame,
};
use crate::wire::{ContactId, Signed, Suite, Time, Version, decode, limits, work};

/// Hashes of one step of work: a few milliseconds on a slow phone.
const WORK_STEP: u64 = 1_000;

impl Client {
    pub(super) fn connected(&mut self) {
        self.cx
            .event(Event::Connection(ConnectionState::Connecting));
    }

    pub(super) fn disconnected(&mut self) {
        let was_online = core::mem::take(&mut self.cx.online);
        self.work = None;
        self.cx.outputs.disconnected();
        self.cx.directory.disconnected();
        self.cx.keys.making.clear();
        #[cfg(feature = "staff")]
        {
            self.key_requests_lost();
            self.notebooks_lost();
            self.cx.desk.disconnected();
            self.publications_lost();
        }
        for conversation in self.conversations.values_mut() {
            conversation.disconnected();
            if was_online {
                conversation.show(&mut self.cx);
            }
        }
        self.cx.event(Event::Connection(ConnectionState::Offline));
    }

    pub(super) fn frame(&mut self, now: Time, bytes: &[u8]) {
        match decode::<RelayFrame>(bytes, limits::FRAME) {
            Ok(frame) => self.relay_frame(now, frame),
            Err(error) => self.cx.alarm(None, error.code(), false),
        }
    }

    fn relay_frame(&mut self, now: Time, frame: RelayFrame) {
        let greeting = matches!(
            frame,
            RelayFrame::Challenge { .. }
                | RelayFrame::Welcome { .. }
                | RelayFrame::Goodbye { .. }
                | RelayFrame::Work { .. }
        );
        if !greeting && !self.cx.online {
            return self.cx.alarm(None, "not-authenticated", false);
        }
        match frame {
            RelayFrame::Challenge { nonce } => self.authenticate(now, nonce),
            RelayFrame::Welcome { objects } => self.welcome(now, &objects),
            #[cfg(feature = "staff")]
            RelayFrame::Published { id } => {
                if !self.notebook_published(now, id) {
                    self.published(now, id);
                }
            }
            #[cfg(not(feature = "staff"))]
            RelayFrame::Published { .. } => {}
            RelayFrame::Found {
                id,
                objects,
                available,
                more,
            } => {
                if let Some((query, first)) = self.cx.directory.answered(id, more, now) {
                    self.found(now, &query, first, &objects, &available);
                    if !more {
                        self.found_all(now, &query);
                    }
                }
            }
            RelayFrame::Appended { contact, .. } => self.appended(contact),
            RelayFrame::Refused { id, code } => self.refused(now, id, codes::known(&code)),
            RelayFrame::Entries {
                contact,
                first,
                entries,
                head,
            } => {
                if let Some(conversation) = self.conversations.get_mut(&contact) {
                    conversation.entries(&mut self.cx, now, first, entries, head);
                }
                self.notice_answers(now);
                #[cfg(feature = "staff")]
                self.look_after_archive(&contact, now);
            }
            RelayFrame::Ephemeral { contact, event } => {
                if let Some(conversation) = self.conversations.get_mut(&contact) {
                    conversation.ephemeral(&mut self.cx, now, &event);
                }
            }
            RelayFrame::Contacts { all, contacts } => self.take_summaries(now, all, contacts),
            RelayFrame::Announce { objects } => self.announced(now, &objects),
            RelayFrame::Work { nonce, bits } => {
                if self.cx.online || bits > u64::from(work::MOST_BITS) {
                    return self.cx.alarm(None, "work-refused", false);
                }
                self.work = Some((nonce, bits, 0));
                self.work(now);
            }
            #[cfg(feature = "staff")]
            RelayFrame::Answered { id, answer } => self.key_answer(now, id, &answer),
            #[cfg(feature = "staff")]
            RelayFrame::KeysWanted { suite, count } => {
                let wanted = super::key_manager::Wanted::Prekeys { suite, count };
                self.want_of_key_manager(now, wanted);
            }
            #[cfg(not(feature = "staff"))]
            RelayFrame::Answered { .. } | RelayFrame::KeysWanted { .. } => {}
            RelayFrame::Goodbye { code } => {
                let code = codes::known(&code).to_owned();
                self.cx
                    .event(Event::Connection(ConnectionState::Refused(code)));
            }
        }
    }

    /// Does a little of the work that the relay asked for, and the rest at the next ticks, so that no
    /// call takes long.
    pub(super) fn work(&mut self, now: Time) {
        let Some((nonce, bits, tried)) = &mut self.work else {
            return;
        };
        let end = *tried + WORK_STEP;
        while *tried < end {
            if work::is_done(nonce, *tried, *bits) {
                let answer = *tried;
                self.work = None;
                return self.cx.outputs.transmit(ClientFrame::Solve { answer });
            }
            *tried += 1;
        }
        self.cx.outputs.wake_at(now.plus_millis(1));
    }

    /// The client says itself whom it dialled: a relay cannot have another one's challenge signed.
    fn authenticate(&mut self, now: Time, relay_nonce: Nonce) {
        if self.cx.online {
            return self.cx.alarm(None, "challenge-repeated", false);
        }
        let Ok(nonce) = self.cx.random.bytes() else {
            return self.cx.alarm(None, "no-randomness", true);
        };
        let authentication = Authentication {
            version: Version,
            suite: Suite::X25519,
            account: self.cx.account.id(),
            host: self.cx.host.clone(),
            relay_nonce,
            client_nonce: Nonce::new(nonce),
            device: self.cx.device(),
            time: now,
        };
        let proof = Signed::sign(&authentication, &[&self.cx.signer]).to_bytes();
        self.cx
            .outputs
            .transmit(ClientFrame::Authenticate { proof });
    }

    fn welcome(&mut self, now: Time, objects: &[Object]) {
        if self.cx.online {
            return;
        }
        self.cx.online = true;
        self.learn(now, objects);
        self.notice_rollback(objects);
        self.cx.event(Event::Connection(ConnectionState::Online));
        self.show_account(now);
        if self.cx.is_staff() {
            #[cfg(feature = "staff")]
            {
                self.ask_for_credential(now);
                self.resend_policy();
                self.devices_changed();
                self.cx.desk.connected();
                self.tell_presence(now);
            }
            self.look_after_keys(now);
        }
        for conversation in self.conversations.values_mut() {
            // Without its `create` there is no log to follow.
            let proposal = conversation.record.proposal.as_ref();
            if proposal.is_some_and(|proposal| proposal.epoch == 0) {
                conversation.resend_proposal(&mut self.cx);
            } else if conversation.following {
                conversation.follow(&mut self.cx);
            }
            conversation.propose(&mut self.cx, now);
        }
    }

    pub(super) fn look_after_keys(&mut self, now: Time) {
        if self.cx.look_after_keys(now).is_err() {
            self.cx.alarm(None, "no-randomness", true);
        }
        if let Some(at) = self.cx.keys.check_at {
            self.cx.outputs.wake_at(at);
        }
        #[cfg(feature = "staff")]
        self.ask_for_notebooks();
    }

    /// Something was learnt that a conversation may have waited for.
    pub(super) fn wake_conversations(&mut self, now: Time) {
        for conversation in self.conversations.values_mut() {
            if conversation.waits_for_policy.is_some() {
                conversation.advance(&mut self.cx, now);
            }
            conversation.flush(&mut self.cx, now);
        }
    }

    /// Part of an answer.
    fn found(
        &mut self,
        now: Time,
        query: &Query,
        first: bool,
        objects: &[Object],
        available: &[crate::wire::DeviceId],
    ) {
        let cx = &mut self.cx;
        let (directory, account) = (&mut cx.directory, &cx.account);
        let taken = match query {
            Query::TeamKey(_) => directory.take_team_keys(account, objects, now),
            Query::TeamMembers(team) => {
                if first {
                    directory.forget_members(team);
                }
                directory.take_members(account, objects, available, now)
            }
            Query::Vaults => directory.take_members(account, objects, available, now),
            Query::ArchiveKeys(_) | Query::RequestKeys => {
                directory.take_archive_keys(account, objects, now)
            }
            _ => Ok(()),
        };
        // Somebody offers a key or a device that is not the account's.
        if let Err(code) = taken {
            cx.alarm(None, code, true);
        }
        match query {
            Query::TeamSeals(team) => {
                if self.cx.take_team_seals(team, objects) {
                    for conversation in self.conversations.values_mut() {
                        conversation.try_keys_again(&mut self.cx);
                    }
                    #[cfg(feature = "staff")]
                    self.read_notebooks_again();
                }
            }
            Query::Policy(_) => self.learn(now, objects),
            #[cfg(feature = "staff")]
            Query::Devices => self.take_devices(first, objects, available),
            #[cfg(feature = "staff")]
            Query::Notebook(_) => self.take_notebooks(now, objects),
            _ => {}
        }
    }

    /// The answer is complete.
    fn found_all(&mut self, now: Time, query: &Query) {
        match query {
            Query::TeamKey(_) => {
                self.wake_conversations(now);
                self.reseal_waiting(now);
                #[cfg(feature = "staff")]
                self.look_after_notebooks(now);
            }
            Query::Vaults | Query::ArchiveKeys(_) => self.wake_conversations(now),
            Query::RequestKeys => {
                #[cfg(feature = "staff")]
                self.ask_key_manager(now);
            }
            Query::TeamMembers(team) => {
                if self.cx.rotate_team_key(team, now).is_err() {
                    self.cx.alarm(None, "no-randomness", true);
                }
                self.show_team(team);
                self.show_inbox(now);
                self.wake_conversations(now);
            }
            Query::TeamSeals(team) => {
                self.cx.ask_for_members(team, now);
                self.ask_for_newer_keys(now);
            }
            Query::Policy(hash) => {
                if !self.cx.account.knows_policy(hash) {
                    self.cx.directory.refuse(query.clone());
                }
                self.wake_conversations(now);
            }
            #[cfg(feature = "staff")]
            Query::Devices => self.show_devices(now),
            #[cfg(feature = "staff")]
            Query::Notebook(team) => self.notebook_answered(now, team),
            #[cfg(not(feature = "staff"))]
            Query::Devices | Query::Notebook(_) => {}
        }
    }

    pub(super) fn show_team(&mut self, team: &str) {
        if !STAFF {
            return;
        }
        let own = self.cx.device();
        let members = self
            .cx
            .directory
            .members_of(team)
            .filter(|member| member.credential.device != own)
            .map(|member| TeamMember {
                author: self.cx.author(&member.credential.device, None),
                available: member.available,
            })
            .gather();
        self.cx.event(Event::Team {
            team: team.to_owned(),
            members,
        });
    }

    fn appended(&mut self, contact: ContactId) {
        // The first append of a contact was its `create`: from now on there is a log to follow.
        if let Some(conversation) = self.conversations.get_mut(&contact)
            && conversation.log.is_none()
        {
            conversation.follow(&mut self.cx);
        }
    }

    fn refused(&mut self, now: Time, id: RefusedId, code: &'static str) {
        match id {
            RefusedId::Append(append, contact) => {
                if let Some(conversation) = self.conversations.get_mut(&contact) {
                    conversation.refused(&mut self.cx, now, append, code);
                }
            }
            RefusedId::Request(id) => match self.cx.directory.answered(id, false, now) {
                Some((Query::Policy(hash), _)) => {
                    self.cx.directory.refuse(Query::Policy(hash));
                    self.wake_conversations(now);
                }
                // The key manager is away: who waits for it is told.
                #[cfg(feature = "staff")]
                Some((Query::RequestKeys, _)) => self.ask_key_manager(now),
                #[cfg(feature = "staff")]
                Some((Query::Notebook(team), _)) => self.give_up_changes(&team, code),
                Some(_) => {}
                #[cfg(feature = "staff")]
                None if self.notebook_refused(id, code) => {}
                // Another member's client made the team's next key first, so that the own one and
                // the seals of it were refused: learn that key.
                None if matches!(code, "generation-taken" | "unknown-record") => {
                    for team in self.cx.own_teams().to_vec() {
                        self.cx.look_up(Query::TeamSeals(team));
                    }
                }
                #[cfg(feature = "staff")]
                None if self.key_answer_refused(id, code) => {}
                #[cfg(feature = "staff")]
                None if self.publication_refused(id, code) => {}
                None => self.cx.failed(None, code),
            },
            RefusedId::Contact(contact) => self.contact_refused(now, contact, code),
        }
    }

    /// The relay has no entries of a contact to give. That it erased them, or dropped them when
    /// their time was over, is its word only, so nothing that this device has is destroyed.
    fn contact_refused(&mut self, now: Time, contact: ContactId, code: &'static str) {
        if matches!(code, "erased" | "expired") {
            if let Some(conversation) = self.conversations.get_mut(&contact) {
                conversation.end(&mut self.cx, code);
            }
            if self.inbox.remove(&contact).is_some() {
                self.show_inbox(now);
            }
        }
        self.cx.failed(Some(contact), code);
        #[cfg(feature = "staff")]
        self.forget_key_requests(&contact, code);
    }
}
