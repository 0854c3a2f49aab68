//! What the relay reads of a contact: commits, which are public, and the head of envelopes. It
//! refuses what clients would refuse; they check everything again.

use sottovoce::account::{Account, Level};
use sottovoce::contact::{Change, Commit, CommitError, Log, Member, RosterTeam, Standing as Where};
use sottovoce::message::{Audience, Envelope, Ephemeral, Header};
use sottovoce::wire::frame::{ContactSummary, Entry};
use sottovoce::wire::{AccountId, ContactId, DecodeError, DeviceId, Time, decode, limits};

use crate::account::Standing;
use crate::outcome::{Fact, Side};
use crate::refusal::Refusal;
use crate::store::Party;

/// An entry that could be read. Whoever it names as its author signed it.
#[derive(Debug)]
pub enum ReadEntry {
    /// A commit. Its signature is verified with everything else that its log demands.
    Commit(Box<Commit>),
    /// An envelope.
    Envelope(Box<Header>),
}

impl ReadEntry {
    /// Reads an encoded entry.
    ///
    /// # Errors
    /// [`Refusal`]: it cannot be read, or an envelope's signature does not verify.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        match decode(bytes, limits::ENTRY)? {
            Entry::Commit(commit) => Ok(Self::Commit(Box::new(Commit::parse(&commit)?))),
            Entry::Envelope(envelope) => {
                let envelope = Envelope::parse(&envelope)?;
                envelope.verify_signature()?;
                Ok(Self::Envelope(Box::new(envelope.header().clone())))
            }
        }
    }

    /// Whether it is a commit.
    pub const fn is_commit(&self) -> bool {
        matches!(self, Self::Commit(_))
    }

    /// What it adds to a contact's tally.
    pub fn fact(&self, side: Side, length: usize, received: Time) -> Fact {
        let (reason, staff_only) = match self {
            Self::Commit(commit) => (Some(commit.core().reason), false),
            Self::Envelope(header) => (None, header.audience == Audience::Staff),
        };
        Fact {
            side,
            reason,
            staff_only,
            bytes: u64::try_from(length).unwrap_or(u64::MAX),
            received,
        }
    }
}

/// For whom an ephemeral event is that a device of an account sends to a contact. One that says anything
/// else about itself is none.
pub fn ephemeral_of(
    bytes: &[u8],
    account: &AccountId,
    contact: &ContactId,
    device: &DeviceId,
) -> Option<Audience> {
    let event = Ephemeral::parse(bytes).ok()?;
    let header = event.header();
    let is_its_own = header.account == *account
        && header.contact == *contact
        && header.device == *device
        && event.verify_signature().is_ok();
    is_its_own.then_some(header.audience)
}

/// A contact as its log makes it.
#[derive(Clone, Debug)]
pub struct Contact {
    log: Log,
    head: u64,
    past_teams: Vec<String>,
    waiting_since: Option<Time>,
}

/// Someone joined or left with a commit.
pub type PartyChange = (Party, bool);

impl Contact {
    /// Begins a contact with its `create` commit, made by `device` now.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn create(
        account: &Account,
        contact: &ContactId,
        commit: &Commit,
        device: &DeviceId,
        now: Time,
    ) -> Result<(Self, Vec<PartyChange>), Refusal> {
        check_commit(contact, commit, device, now)?;
        let (log, change) = Log::create(account, commit)?;
        let mut contact = Self::of(log, 1);
        contact.note(&change);
        Ok((contact, parties(change)))
    }

    /// Makes a contact from its stored commits.
    ///
    /// # Errors
    /// [`CommitError`] when the account no longer believes in one of them.
    pub fn restore(
        account: &Account,
        summary: &ContactSummary,
        entries: &[Vec<u8>],
    ) -> Result<Self, CommitError> {
        let mut contact: Option<Self> = None;
        for entry in entries {
            let Entry::Commit(bytes) = decode(entry, limits::ENTRY)? else {
                return Err(DecodeError::Malformed.into());
            };
            let commit = Commit::parse(&bytes)?;
            let (contact, change) = match &mut contact {
                None => {
                    let (log, change) = Log::create(account, &commit)?;
                    (contact.insert(Self::of(log, 1)), change)
                }
                Some(contact) => {
                    let change = contact.log.apply(account, &commit)?;
                    (contact, change)
                }
            };
            contact.note(&change);
        }
        let mut contact = contact.ok_or(DecodeError::Malformed)?;
        contact.head = summary.head;
        Ok(contact)
    }

    const fn of(log: Log, head: u64) -> Self {
        Self {
            log,
            head,
            past_teams: Vec::new(),
            waiting_since: None,
        }
    }

    /// Remembers what lists of contacts say of a commit that the log has taken in.
    fn note(&mut self, change: &Change) {
        for team in &change.teams_added {
            if !self.past_teams.contains(&team.team) && self.past_teams.len() < limits::ROSTER {
                self.past_teams.push(team.team.clone());
            }
        }
        self.waiting_since = match self.log.standing() {
            Where::Waiting => Some(self.log.created()),
            Where::Transferring => self.waiting_since.or(Some(self.log.time())),
            Where::Open | Where::Closed => None,
        };
    }

    /// Judges the next entry, made by `device` now, and takes it in. What is refused changes
    /// nothing.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn append(
        &mut self,
        account: &Account,
        entry: &ReadEntry,
        device: &DeviceId,
        standing: &Standing,
        now: Time,
    ) -> Result<Vec<PartyChange>, Refusal> {
        let changes = match entry {
            ReadEntry::Commit(commit) => self.commit(account, commit, device, now)?,
            ReadEntry::Envelope(header) => {
                self.check_envelope(header, device, standing)?;
                Vec::new()
            }
        };
        self.head += 1;
        Ok(changes)
    }

    fn commit(
        &mut self,
        account: &Account,
        commit: &Commit,
        device: &DeviceId,
        now: Time,
    ) -> Result<Vec<PartyChange>, Refusal> {
        check_commit(self.log.contact(), commit, device, now)?;
        if commit.core().epoch == 0 {
            return Err(Refusal::ContactTaken);
        }
        if self.log.is_closed() {
            return Err(CommitError::Closed.into());
        }
        // The compare-and-swap: whoever comes second learns that it was second.
        if commit.core().epoch <= self.log.epoch() {
            return Err(Refusal::EpochTaken);
        }
        let change = self.log.apply(account, commit)?;
        self.note(&change);
        Ok(parties(change))
    }

    fn check_envelope(
        &self,
        header: &Header,
        device: &DeviceId,
        standing: &Standing,
    ) -> Result<(), Refusal> {
        if header.account != *self.log.account() || header.contact != *self.log.contact() {
            return Err(CommitError::ForeignContact.into());
        }
        if header.device != *device {
            return Err(Refusal::NotYours);
        }
        if self.log.is_closed() {
            return Err(CommitError::Closed.into());
        }
        let roster = self.log.roster();
        let in_team = || roster.teams.iter().any(|team| standing.is_in(&team.team));
        if roster.member(device).is_none() && !in_team() {
            return Err(Refusal::NotOnRoster);
        }
        if header.epoch != self.log.epoch() {
            return Err(Refusal::StaleEpoch);
        }
        if header.transcript != *self.log.transcript() {
            return Err(CommitError::Fork.into());
        }
        Ok(())
    }

    /// Takes in how far the contact is by now, if only envelopes were added since. Otherwise it
    /// must be made again.
    pub fn catch_up(&mut self, summary: &ContactSummary) -> bool {
        let same = summary.epoch == self.log.epoch() && summary.closed == self.log.is_closed();
        if same {
            self.head = summary.head;
        }
        same
    }

    /// The level, which never changes.
    pub const fn level(&self) -> Level {
        self.log.level()
    }

    /// The last position.
    pub const fn head(&self) -> u64 {
        self.head
    }

    /// Which side a device is on that has just appended something.
    pub fn side_of(&self, device: &DeviceId, standing: &Standing) -> Side {
        let member = self.log.roster().member(device).map(|member| member.role);
        // Whoever has just left, or writes as a member of a team, is not on the roster.
        let role = member.or_else(|| standing.credential.as_ref().map(|known| known.role));
        role.map_or(Side::Staff, Side::from)
    }

    /// What consoles are shown of it.
    pub fn summary(&self) -> ContactSummary {
        let roster = self.log.roster();
        ContactSummary {
            contact: *self.log.contact(),
            entry_point: self.log.entry_point().to_owned(),
            created: self.log.created(),
            head: self.head,
            epoch: self.log.epoch(),
            teams: roster.teams.iter().map(|team| team.team.clone()).collect(),
            devices: roster.members.iter().map(|member| member.device).collect(),
            closed: self.log.is_closed(),
            past_teams: self.past_teams.clone(),
            responsible: self.log.responsible().copied(),
            waiting_since: self.waiting_since,
        }
    }
}

fn check_commit(
    contact: &ContactId,
    commit: &Commit,
    device: &DeviceId,
    now: Time,
) -> Result<(), Refusal> {
    let core = commit.core();
    if core.contact != *contact {
        return Err(CommitError::ForeignContact.into());
    }
    if core.committer != *device {
        return Err(Refusal::NotYours);
    }
    if core.time.millis().abs_diff(now.millis()) > limits::LIVE_TOLERANCE {
        return Err(Refusal::TimeOff);
    }
    Ok(())
}

fn parties(change: Change) -> Vec<PartyChange> {
    let device = |member: Member| Party::Device(member.device);
    let team = |team: RosterTeam| Party::Team(team.team);
    let removed = change.removed.into_iter().map(device);
    let added = change.added.into_iter().map(device);
    let left = removed.chain(change.teams_removed.into_iter().map(team));
    let came = added.chain(change.teams_added.into_iter().map(team));
    left.map(|party| (party, false))
        .chain(came.map(|party| (party, true)))
        .collect()
}
