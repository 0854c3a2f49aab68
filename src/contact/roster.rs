//! SPEC 4.2: who holds keys.

use crate::gather::Keep;
use crate::wire::codec::array;

use crate::account::{Role, Via};
use crate::crypto::Hash;
use crate::wire::{DeviceId, limits};

/// Everyone that an epoch secret is sealed to, besides an archive.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Roster {
    /// Participants, strictly ascending by device.
    pub members: Vec<Member>,
    /// Teams that the contact waits for, strictly ascending by id.
    pub teams: Vec<RosterTeam>,
}

array!(Roster { members, teams });

/// A participant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its device.
    pub device: DeviceId,
    /// Its role, that of its credential.
    pub role: Role,
    /// Whether a gateway acts for it.
    pub via: Via,
    /// Hash of its credential; none for visitors.
    pub credential: Option<Hash>,
    /// Id of the public key that seals for it are made to.
    pub key: Hash,
}

array!(Member {
    device,
    role,
    via,
    credential,
    key
});

/// A team on the roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterTeam {
    /// Its id.
    pub team: String,
    /// Hash of its team key record.
    pub record: Hash,
    /// Id of the record's public key.
    pub key: Hash,
}

array!(RosterTeam { team, record, key });

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
        self.members.keep(|known| known.device != member.device);
        let place = self
            .members
            .partition_point(|known| known.device < member.device);
        self.members.insert(place, member);
    }

    /// Adds or replaces a team, keeping the order.
    pub fn put_team(&mut self, team: RosterTeam) {
        self.teams.keep(|known| known.team != team.team);
        let place = self.teams.partition_point(|known| known.team < team.team);
        self.teams.insert(place, team);
    }

    /// Removes a member.
    pub fn remove_member(&mut self, device: &DeviceId) {
        self.members.keep(|member| member.device != *device);
    }

    /// Everyone whom the main secret or, among staff, the staff secret is sealed to, in the order of
    /// the seals: members, then teams.
    pub(crate) fn recipients(&self, among_staff: bool) -> Vec<Recipient<'_>> {
        let mut recipients = Vec::new();
        for member in &self.members {
            if !among_staff || member.role.is_staff() {
                recipients.push(Recipient::Member(member));
            }
        }
        for team in &self.teams {
            recipients.push(Recipient::Team(team));
        }
        recipients
    }
}

/// Whom a seal is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Recipient<'a> {
    Member(&'a Member),
    Team(&'a RosterTeam),
    /// The archive, by its key's id.
    Archive(&'a Hash),
}

impl Recipient<'_> {
    pub(crate) const fn key(&self) -> &Hash {
        match self {
            Self::Member(member) => &member.key,
            Self::Team(team) => &team.key,
            Self::Archive(key) => key,
        }
    }
}

impl<'a> From<Recipient<'a>> for crate::crypto::hash::Part<'a> {
    fn from(recipient: Recipient<'a>) -> Self {
        match recipient {
            Recipient::Member(member) => (&member.device).into(),
            Recipient::Team(team) => team.team.as_str().into(),
            Recipient::Archive(key) => key.into(),
        }
    }
}
