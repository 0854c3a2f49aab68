//! How a contact ended, from what a relay may know of it: who wrote how often and when, never
//! what.
//!
//! A relay sees envelopes, not messages: a receipt, which a client sends when its person has read
//! something and written nothing for ten seconds, is an envelope like a text of the same padded
//! size. So counts of envelopes are upper limits of counts of messages, and an outcome of
//! `successful` says that both sides were there, not that both wrote.

use sottovoce::account::Role;
use sottovoce::contact::Reason;
use sottovoce::wire::Time;

/// Fewest envelopes to everybody in a successful contact.
const SUCCESS: u64 = 3;
/// A visitor who closes a contact that waits gives up after this many milliseconds, and changed
/// their mind before.
const PATIENCE: u64 = 10_000;
/// A contact that waits, in which nothing has happened for so many milliseconds, was not answered.
const UNANSWERED: u64 = 24 * 60 * 60 * 1000;

/// Which side of a contact an author is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The visitor.
    Visitor,
    /// Agents and supervisors.
    Staff,
    /// Bots.
    Service,
    /// Vaults and auditors, who answer nobody: what they send is receipts.
    Silent,
}

impl From<Role> for Side {
    fn from(role: Role) -> Self {
        match role {
            Role::Visitor => Self::Visitor,
            Role::Agent | Role::Supervisor | Role::Administrator => Self::Staff,
            Role::Bot => Self::Service,
            Role::Vault | Role::Auditor => Self::Silent,
        }
    }
}

/// What an entry adds to a contact's tally.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Who made it.
    pub side: Side,
    /// Why, if it is a commit.
    pub reason: Option<Reason>,
    /// Whether it is an envelope for staff only.
    pub staff_only: bool,
    /// Its length.
    pub bytes: u64,
    /// The relay's clock.
    pub received: Time,
}

/// What is counted of a contact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Envelopes of the visitor.
    pub visitor: u64,
    /// Envelopes of staff to everybody.
    pub staff: u64,
    /// Envelopes of bots to everybody.
    pub service: u64,
    /// Envelopes for staff only.
    pub notes: u64,
    /// Bytes of all entries.
    pub bytes: u64,
    /// How often it was handed on.
    pub transfers: u64,
    /// When somebody first claimed it, or began it as staff.
    pub claimed: Option<Time>,
    /// When it was closed, and by which side.
    pub closed: Option<(Time, Side)>,
}

impl Tally {
    /// Counts an entry.
    pub fn add(&mut self, fact: &Fact) {
        self.bytes += fact.bytes;
        match (fact.reason, fact.side) {
            (None, _) if fact.staff_only => self.notes += 1,
            (None, Side::Visitor) => self.visitor += 1,
            (None, Side::Staff) => self.staff += 1,
            (None, Side::Service) => self.service += 1,
            (None, Side::Silent) => {}
            (Some(Reason::Transfer), _) => self.transfers += 1,
            (Some(Reason::Claim), _) | (Some(Reason::Create), Side::Staff) => {
                self.claimed.get_or_insert(fact.received);
            }
            (Some(Reason::Close), side) => {
                self.closed.get_or_insert((fact.received, side));
            }
            (Some(Reason::Create | Reason::Invite | Reason::Remove | Reason::Rekey), _) => {}
        }
    }
}

/// How a contact ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has not ended.
    Open,
    /// Somebody answered, both sides sent something, three envelopes at least.
    Successful,
    /// Somebody answered, but less came of it.
    NoInteraction,
    /// Nobody answered in time.
    Dissuaded,
    /// The visitor gave up waiting.
    Abandoned,
    /// The visitor closed it at once.
    Cancelled,
}

/// The outcome of a contact that was created, and last changed, at these times of the relay's
/// clock. In this order:
///
/// 1. Closed after somebody claimed it: *successful* if visitor and others both sent something and
///    there are three envelopes to everybody at least, otherwise *no interaction*.
/// 2. Closed by the visitor while it waited: *cancelled* within ten seconds, otherwise *abandoned*.
/// 3. Closed by somebody else while it waited: *dissuaded*.
/// 4. Waiting for a day since its last entry: *dissuaded*, until somebody claims it after all.
/// 5. Otherwise it is *open*.
pub const fn outcome(tally: &Tally, created: Time, changed: Time, now: Time) -> Outcome {
    let answers = tally.staff + tally.service;
    match (tally.closed, tally.claimed) {
        (Some(_), Some(_)) => {
            if tally.visitor > 0 && answers > 0 && tally.visitor + answers >= SUCCESS {
                Outcome::Successful
            } else {
                Outcome::NoInteraction
            }
        }
        (Some((closed, Side::Visitor)), None) => {
            if closed.millis_since(created) < PATIENCE {
                Outcome::Cancelled
            } else {
                Outcome::Abandoned
            }
        }
        (Some(_), None) => Outcome::Dissuaded,
        (None, None) if now.millis_since(changed) >= UNANSWERED => Outcome::Dissuaded,
        (None, _) => Outcome::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happened: by whom, why (none for an envelope), after how many seconds.
    type Happened = (Side, Option<Reason>, u64);

    const ASKED: Happened = (Side::Visitor, None, 1);
    const CLAIMED: Happened = (Side::Staff, Some(Reason::Claim), 20);
    const ANSWERED: Happened = (Side::Staff, None, 30);
    const THANKED: Happened = (Side::Visitor, None, 40);
    const CLOSED: Happened = (Side::Staff, Some(Reason::Close), 50);

    fn tally(happened: &[Happened]) -> Tally {
        let mut tally = Tally::default();
        for (side, reason, second) in happened {
            tally.add(&Fact {
                side: *side,
                reason: *reason,
                staff_only: false,
                bytes: 100,
                received: Time::default().plus_seconds(*second),
            });
        }
        tally
    }

    /// Seen a minute after it began.
    fn after(happened: &[Happened]) -> Outcome {
        let changed = happened.last().map_or(0, |(.., second)| *second);
        let changed = Time::default().plus_seconds(changed);
        let now = Time::default().plus_seconds(60);
        outcome(&tally(happened), Time::default(), changed, now)
    }

    #[test]
    fn a_conversation_of_three_envelopes_with_both_sides_is_successful() {
        let all = [ASKED, CLAIMED, ANSWERED, THANKED, CLOSED];
        assert_eq!(after(&all), Outcome::Successful);
        let bot = (Side::Service, None, 30);
        let by_bot = [ASKED, CLAIMED, bot, THANKED, CLOSED];
        assert_eq!(after(&by_bot), Outcome::Successful);
    }

    #[test]
    fn less_than_that_is_no_interaction() {
        for less in [
            &[ASKED, CLAIMED, ANSWERED, CLOSED][..],
            &[ASKED, ASKED, CLAIMED, THANKED, CLOSED],
            &[CLAIMED, ANSWERED, ANSWERED, ANSWERED, CLOSED],
            &[CLAIMED, CLOSED],
        ] {
            assert_eq!(after(less), Outcome::NoInteraction, "{less:?}");
        }
    }

    #[test]
    fn what_a_vault_confirms_is_no_answer() {
        let vault = (Side::from(Role::Vault), None, 35);
        let alone = [ASKED, CLAIMED, vault, vault, THANKED, CLOSED];
        assert_eq!(after(&alone), Outcome::NoInteraction);
        let beside = [ASKED, CLAIMED, vault, ANSWERED, THANKED, CLOSED];
        assert_eq!(after(&beside), Outcome::Successful);
    }

    #[test]
    fn notes_among_staff_are_no_interaction() {
        let mut notes = tally(&[ASKED, CLAIMED, ASKED, CLOSED]);
        notes.add(&Fact {
            side: Side::Staff,
            reason: None,
            staff_only: true,
            bytes: 100,
            received: Time::default(),
        });
        let outcome = outcome(&notes, Time::default(), Time::default(), Time::default());
        assert_eq!(outcome, Outcome::NoInteraction);
        assert_eq!((notes.notes, notes.staff), (1, 0));
    }

    #[test]
    fn a_visitor_cancels_within_ten_seconds_and_gives_up_after_them() {
        let left = |second| after(&[ASKED, (Side::Visitor, Some(Reason::Close), second)]);
        assert_eq!(left(9), Outcome::Cancelled);
        assert_eq!(left(10), Outcome::Abandoned);
    }

    #[test]
    fn whom_nobody_answers_is_dissuaded_until_somebody_does() {
        assert_eq!(after(&[ASKED, CLOSED]), Outcome::Dissuaded);
        assert_eq!(after(&[ASKED]), Outcome::Open);
        let (created, day) = (Time::default(), Time::from_millis(UNANSWERED));
        let waiting = tally(&[ASKED]);
        assert_eq!(outcome(&waiting, created, created, day), Outcome::Dissuaded);
        let claimed = tally(&[ASKED, CLAIMED]);
        assert_eq!(outcome(&claimed, created, created, day), Outcome::Open);
    }

    #[test]
    fn what_staff_began_needs_no_claim() {
        let began = (Side::Staff, Some(Reason::Create), 0);
        let all = [began, ANSWERED, ANSWERED, THANKED, CLOSED];
        assert_eq!(after(&all), Outcome::Successful);
        assert_eq!(after(&[began, ANSWERED, CLOSED]), Outcome::NoInteraction);
    }

    #[test]
    fn transfers_and_first_claims_are_counted() {
        let handed = (Side::Staff, Some(Reason::Transfer), 35);
        let again = (Side::Staff, Some(Reason::Claim), 36);
        let tally = tally(&[ASKED, CLAIMED, handed, again, CLOSED]);
        assert_eq!(tally.transfers, 1);
        assert_eq!(tally.claimed, Some(Time::default().plus_seconds(20)));
        assert_eq!(tally.bytes, 500);
    }
}
