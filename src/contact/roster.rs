//! SPEC 4.2: who holds keys.

use minicbor::{Decode, Encode};

use crate::account::{Role, Via};
use crate::crypto::Hash;
use crate::wire::{DeviceId, limits};

/// Everyone that an epoch secret is sealed to, besides an archive.
#[derive(Clone, Debug, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(array)]
pub struct Roster {
    /// Participants, strictly ascending by device.
    #[n(0)]
    pub members: Vec<Member>,
    /// Teams that the contact waits for, strictly ascending by id.
    #[n(1)]
    pub teams: Vec<RosterTeam>,
}

/// A participant.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Member {
    /// Its device.
    #[n(0)]
    pub device: DeviceId,
    /// Its role, that of its credential.
    #[n(1)]
    pub role: Role,
    /// Whether a gateway acts for it.
    #[n(2)]
    pub via: Via,
    /// Hash of its credential; none for visitors.
    #[n(3)]
    pub credential: Option<Hash>,
    /// Id of the public key that seals for it are made to.
    #[n(4)]
    pub key: Hash,
}

/// A team on the roster.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RosterTeam {
    /// Its id.
    #[n(0)]
    pub team: String,
    /// Hash of its team key record.
    #[n(1)]
    pub record: Hash,
    /// Id of the record's public key.
    #[n(2)]
    pub key: Hash,
}

impl Roster {
    /// Whether it is in order, without duplicates and not too large.
    pub fn is_well_formed(&self) -> bool {
        self.members.len() + self.teams.len() <= limits::ROSTER
            && self.members.is_sorted_by(|a, b| a.device < b.device)
            && self.teams.is_sorted_by(|a, b| a.team < b.team)
    }

    /// The member with this device.
    pub fn member(&self, device: &DeviceId) -> Option<&Member> {
        self.members.iter().find(|member| member.device == *device)
    }

    /// The visitor, if there is one.
    pub fn visitor(&self) -> Option<&Member> {
        self.members
            .iter()
            .find(|member| member.role == Role::Visitor)
    }

    /// Whether the team is on it.
    pub fn has_team(&self, team: &str) -> bool {
        self.teams.iter().any(|entry| entry.team == team)
    }

    /// Adds or replaces a member, keeping the order.
    pub fn put_member(&mut self, member: Member) {
        self.members.retain(|known| known.device != member.device);
        self.members.push(member);
        self.members.sort_by_key(|member| member.device);
    }

    /// Adds or replaces a team, keeping the order.
    pub fn put_team(&mut self, team: RosterTeam) {
        self.teams.retain(|known| known.team != team.team);
        self.teams.push(team);
        self.teams.sort_by(|a, b| a.team.cmp(&b.team));
    }

    /// Removes a member.
    pub fn remove_member(&mut self, device: &DeviceId) {
        self.members.retain(|member| member.device != *device);
    }

    /// Key ids of everyone whom the main secret is sealed to, in the order of the seals.
    pub(crate) fn recipients(&self) -> impl Iterator<Item = Recipient<'_>> {
        let members = self.members.iter().map(Recipient::Member);
        members.chain(self.teams.iter().map(Recipient::Team))
    }

    /// The same for the staff secret: staff members, then teams.
    pub(crate) fn staff_recipients(&self) -> impl Iterator<Item = Recipient<'_>> {
        self.recipients().filter(|recipient| match recipient {
            Recipient::Member(member) => member.role.is_staff(),
            Recipient::Team(_) => true,
        })
    }
}

/// Whom a seal is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Recipient<'a> {
    Member(&'a Member),
    Team(&'a RosterTeam),
}

impl Recipient<'_> {
    pub(crate) const fn key(&self) -> &Hash {
        match self {
            Self::Member(member) => &member.key,
            Self::Team(team) => &team.key,
        }
    }
}

impl<'a> From<Recipient<'a>> for crate::crypto::hash::Part<'a> {
    fn from(recipient: Recipient<'a>) -> Self {
        match recipient {
            Recipient::Member(member) => (&member.device).into(),
            Recipient::Team(team) => team.team.as_str().into(),
        }
    }
}
