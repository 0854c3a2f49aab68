//! What is said and not kept: who is typing, and among staff who looks at a contact. SPEC 5.4.

use super::context::{Context, STAFF};
use super::conversation::{Conversation, salt};
use super::incoming::outside_tolerance;
use super::{Attention, Event};
use crate::crypto::{Secret, kdf};
use crate::gather::Gather;
use crate::message::{
    Audience, Ephemeral, EphemeralEvent, EphemeralHeader, EphemeralKind, EphemeralParams,
};
use crate::table::Table;
use crate::wire::frame::{ClientFrame, Query};
use crate::wire::{DeviceId, Time, Version};

/// How often typing is told, in milliseconds.
const TYPING_EVERY: u64 = 3_000;
/// How often it is told that somebody looks, in milliseconds.
const VIEWING_EVERY: u64 = 10_000;
/// How long somebody who looked is believed to look, in milliseconds.
const VIEWING_GOOD: u64 = 15_000;

/// When such things were said last.
#[derive(Debug, Default)]
pub(super) struct Fleeting {
    pub(super) typing_sent: Option<Time>,
    viewing_sent: Option<Time>,
    /// Colleagues who look, and when they were heard.
    viewers: Table<DeviceId, Time>,
}

impl Conversation {
    /// The person is typing: the roster is told, or, by somebody who is not on it yet, colleagues.
    pub(super) fn typing(&mut self, cx: &mut Context, now: Time) {
        if said_within(self.fleeting.typing_sent, TYPING_EVERY, now) || !cx.online {
            return;
        }
        let audience = match self.can_send(cx, now) {
            Ok(()) => Audience::All,
            Err(_) if STAFF => Audience::Staff,
            Err(_) => return,
        };
        if self
            .tell(cx, now, EphemeralKind::Typing, audience)
            .is_some()
        {
            self.fleeting.typing_sent = Some(now);
        }
    }

    /// The person looks at the contact: colleagues are told.
    pub(super) fn attend(&mut self, cx: &mut Context, now: Time) {
        if said_within(self.fleeting.viewing_sent, VIEWING_EVERY, now) || !cx.online {
            return;
        }
        let told = self.tell(cx, now, EphemeralKind::Viewing, Audience::Staff);
        if told.is_some() {
            self.fleeting.viewing_sent = Some(now);
        }
    }

    fn tell(
        &self,
        cx: &mut Context,
        now: Time,
        kind: EphemeralKind,
        audience: Audience,
    ) -> Option<()> {
        let log = self.log.as_ref()?;
        let epoch_key = match audience {
            Audience::All => self.epoch()?.all.as_ref()?.key.secret().duplicate(),
            Audience::Staff => {
                let may = self.stopped.is_none()
                    && !log.is_closed()
                    && self.is_colleague(cx, &cx.device());
                let keys = self.staff_keys(cx).into_iter();
                keys.take(usize::from(may)).next()?
            }
        };
        let event = Ephemeral::seal(EphemeralParams {
            header: EphemeralHeader {
                version: Version,
                suite: log.suite(),
                account: cx.account.id(),
                contact: self.id,
                epoch: log.epoch(),
                transcript: *log.transcript(),
                device: cx.device(),
                salt: salt(cx).ok()?,
                audience,
            },
            epoch_key: &epoch_key,
            // The clock rises across restarts, so nothing needs to be kept.
            event: EphemeralEvent {
                kind,
                counter: now.millis(),
                time: now,
            },
            signing_key: &cx.signer,
        });
        cx.outputs.transmit(ClientFrame::Ephemeral {
            contact: self.id,
            event: event.to_bytes(),
        });
        Some(())
    }

    /// What staff encrypt events under in the epoch in force: the staff secret's key, or, in an epoch that
    /// a visitor began, one from the key of a rostered team, which visitors do not have.
    fn staff_keys(&self, cx: &Context) -> Vec<Secret<32>> {
        let Some((log, epoch)) = self.log.as_ref().zip(self.epoch()) else {
            return Vec::new();
        };
        if epoch.commit.core().staff.is_some() {
            let known = epoch.staff.as_ref();
            return known
                .map(|it| it.key.secret().duplicate())
                .into_iter()
                .gather();
        }
        let mut keys = Vec::new();
        for team in &log.roster().teams {
            if let Some(private) = cx.private_key(&team.key) {
                keys.push(kdf::extract(
                    epoch.transcript.as_array(),
                    private.seed().expose(),
                ));
            }
        }
        keys
    }

    /// Whether a device is staff that may read the contact now, as far as is known here.
    fn is_colleague(&self, cx: &Context, device: &DeviceId) -> bool {
        let Some(log) = &self.log else { return false };
        if let Some(member) = log.roster().member(device) {
            return member.role.is_staff();
        }
        let own = cx
            .credential()
            .filter(|own| own.credential.device == *device);
        let credential = match own {
            Some(own) => Some(&own.credential),
            None => cx.directory.member(device).map(|member| &member.credential),
        };
        let teams = &log.roster().teams;
        credential.is_some_and(|it| {
            it.role.is_staff() && teams.iter().any(|team| it.teams.contains(&team.team))
        })
    }

    /// Somebody's ephemeral event; whatever is wrong with it, it is ignored.
    pub(super) fn ephemeral(&mut self, cx: &mut Context, now: Time, bytes: &[u8]) {
        let Ok(event) = Ephemeral::parse(bytes) else {
            return;
        };
        let header = event.header();
        let (device, audience) = (header.device, header.audience);
        let Some((log, epoch)) = self.log.as_ref().zip(self.epoch()) else {
            return;
        };
        let current = header.contact == self.id
            && header.epoch == log.epoch()
            && header.transcript == *log.transcript()
            && device != cx.device();
        if !current || event.verify_signature().is_err() {
            return;
        }
        let opened = match audience {
            Audience::All => {
                let known = epoch.all.as_ref();
                let known = known.filter(|_| log.roster().member(&device).is_some());
                known.and_then(|known| event.open(known.key.secret()).ok())
            }
            Audience::Staff if STAFF => {
                let keys = self.staff_keys(cx);
                keys.iter().find_map(|key| event.open(key).ok())
            }
            Audience::Staff => None,
        };
        let Some(opened) = opened else { return };
        if outside_tolerance(now, opened.time) || self.unwatched {
            return;
        }
        if audience == Audience::Staff && !self.is_colleague(cx, &device) {
            return self.look_up_colleagues(cx, now);
        }
        let sender = self.sender(cx, &device);
        if opened.counter <= sender.event_counter {
            return;
        }
        sender.event_counter = opened.counter;
        let author = cx.author(&device, self.log.as_ref());
        let contact = self.id;
        match (audience, opened.kind) {
            (Audience::All, EphemeralKind::Typing) => {
                cx.event(Event::Typing { contact, author });
            }
            (Audience::All, EphemeralKind::Viewing) => {}
            (Audience::Staff, kind) if STAFF => {
                let what = match kind {
                    EphemeralKind::Typing => Attention::Typing,
                    EphemeralKind::Viewing => Attention::Viewing,
                };
                let heard = self.fleeting.viewers.get(&device).copied();
                if !said_within(heard, VIEWING_GOOD, now) {
                    // Whoever has just come is to know at once who was there before.
                    self.fleeting.viewing_sent = None;
                }
                self.fleeting.viewers.insert(device, now);
                cx.event(Event::Attending {
                    contact,
                    author,
                    what,
                });
            }
            (Audience::Staff, _) => {}
        }
    }

    /// Somebody who has a team's key is not in the directory: the next event will find them there.
    fn look_up_colleagues(&self, cx: &mut Context, now: Time) {
        let Some(log) = &self.log else { return };
        for team in log
            .roster()
            .teams
            .iter()
            .map(|team| team.team.clone())
            .gather()
        {
            cx.look_up_again(Query::TeamMembers(team), now);
        }
    }
}

fn said_within(at: Option<Time>, millis: u64, now: Time) -> bool {
    at.is_some_and(|at| now.millis_since(at) < millis)
}
