//! What the relay reads of a contact: commits, which are public, and the head of envelopes. It
//! refuses what clients would refuse; they check everything again.

use sottovoce::account::Account;
use sottovoce::contact::{Change, Commit, CommitError, Log};
use sottovoce::crypto::Hash;
use sottovoce::crypto::sign::Signature;
use sottovoce::wire::frame::{ContactSummary, Entry};
use sottovoce::wire::log::Seen;
use sottovoce::wire::{
    AccountId, Bytes, ContactId, DecodeError, DeviceId, Suite, Time, Version, decode, limits,
};

use crate::account::Standing;
use crate::refusal::Refusal;
use crate::store::Party;

/// An entry that could be read.
#[derive(Debug)]
pub enum ReadEntry {
    /// A commit.
    Commit(Box<Commit>),
    /// An envelope's head.
    Envelope(EnvelopeHead),
}

/// What an envelope shows to everyone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvelopeHead {
    account: AccountId,
    contact: ContactId,
    epoch: u64,
    transcript: Hash,
    device: DeviceId,
}

impl ReadEntry {
    /// Reads an encoded entry.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        match decode(bytes, limits::ENTRY)? {
            Entry::Commit(commit) => Ok(Self::Commit(Box::new(Commit::parse(&commit)?))),
            Entry::Envelope(envelope) => Ok(Self::Envelope(EnvelopeHead::read(&envelope)?)),
        }
    }

    /// Whether it is a commit.
    pub const fn is_commit(&self) -> bool {
        matches!(self, Self::Commit(_))
    }
}

#[derive(minicbor::Encode, minicbor::Decode)]
#[cbor(array)]
struct WireEnvelope {
    #[n(0)]
    header: Bytes,
    #[n(1)]
    commitment: Hash,
    #[n(2)]
    ciphertext: Bytes,
    #[n(3)]
    signature: Signature,
}

#[derive(minicbor::Encode, minicbor::Decode)]
#[cbor(array)]
struct WireHeader {
    #[n(0)]
    version: Version,
    #[n(1)]
    suite: Suite,
    #[n(2)]
    account: AccountId,
    #[n(3)]
    contact: ContactId,
    #[n(4)]
    epoch: u64,
    #[n(5)]
    transcript: Hash,
    #[n(6)]
    device: DeviceId,
    #[n(7)]
    sequence: u64,
    #[n(8)]
    salt: minicbor::bytes::ByteArray<16>,
    #[n(9)]
    previous: Hash,
    #[n(10)]
    seen: Option<Seen>,
    #[n(11)]
    audience: u8,
}

impl EnvelopeHead {
    fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        let envelope: WireEnvelope = decode(bytes, limits::ENTRY)?;
        let header: WireHeader = decode(&envelope.header, limits::ENTRY)?;
        Ok(Self {
            account: header.account,
            contact: header.contact,
            epoch: header.epoch,
            transcript: header.transcript,
            device: header.device,
        })
    }
}

/// A contact as its log makes it.
#[derive(Debug)]
pub struct Contact {
    log: Log,
    head: u64,
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
        Ok((Self { log, head: 1 }, parties(change)))
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
        let mut log: Option<Log> = None;
        for entry in entries {
            let Entry::Commit(bytes) = decode(entry, limits::ENTRY)? else {
                return Err(DecodeError::Malformed.into());
            };
            let commit = Commit::parse(&bytes)?;
            match &mut log {
                None => log = Some(Log::create(account, &commit)?.0),
                Some(log) => {
                    log.apply(account, &commit)?;
                }
            }
        }
        Ok(Self {
            log: log.ok_or(DecodeError::Malformed)?,
            head: summary.head,
        })
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
            ReadEntry::Envelope(head) => {
                self.check_envelope(head, device, standing)?;
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
        Ok(parties(self.log.apply(account, commit)?))
    }

    fn check_envelope(
        &self,
        head: &EnvelopeHead,
        device: &DeviceId,
        standing: &Standing,
    ) -> Result<(), Refusal> {
        if head.account != *self.log.account() || head.contact != *self.log.contact() {
            return Err(CommitError::ForeignContact.into());
        }
        if head.device != *device {
            return Err(Refusal::NotYours);
        }
        if self.log.is_closed() {
            return Err(CommitError::Closed.into());
        }
        let roster = self.log.roster();
        let in_team = || roster.teams.iter().any(|team| standing.is_in(&team.team));
        if roster.member(device).is_none() && !in_team() {
            return Err(Refusal::UnknownContact);
        }
        if head.epoch != self.log.epoch() {
            return Err(Refusal::StaleEpoch);
        }
        if head.transcript != *self.log.transcript() {
            return Err(CommitError::Fork.into());
        }
        Ok(())
    }

    /// The last position.
    pub const fn head(&self) -> u64 {
        self.head
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
    let device = |joined| move |member: sottovoce::contact::Member| (Party::Device(member.device), joined);
    let team = |joined| move |team: sottovoce::contact::RosterTeam| (Party::Team(team.team), joined);
    let removed = change.removed.into_iter().map(device(false));
    let teams_removed = change.teams_removed.into_iter().map(team(false));
    let added = change.added.into_iter().map(device(true));
    let teams_added = change.teams_added.into_iter().map(team(true));
    removed
        .chain(teams_removed)
        .chain(added)
        .chain(teams_added)
        .collect()
}
