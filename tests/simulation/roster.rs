//! What the relay in memory makes of a contact's roster: what lists say, and who is sent nothing more.

use sottovoce::contact::Standing;
use sottovoce::wire::{ContactId, DeviceId};

use super::{Contact, Peer, Relay};

impl Contact {
    /// Remembers what lists of contacts say.
    pub(super) fn note(&mut self) {
        for team in &self.log.roster().teams {
            if !self.past_teams.contains(&team.team) {
                self.past_teams.push(team.team.clone());
            }
        }
        self.waiting_since = match self.log.standing() {
            Standing::Waiting => Some(self.log.created()),
            Standing::Transferring => self.waiting_since.or(Some(self.log.time())),
            Standing::Open | Standing::Closed => None,
        };
    }
}

impl Relay {
    /// Whoever is on the roster no longer, in person or by a team, is sent nothing more.
    pub(super) fn cut_off(&mut self, contact: ContactId) {
        let known = self.contacts.get_mut(&contact).unwrap();
        let roster = known.log.roster();
        let may_read = |device: &DeviceId| {
            let credentials = self.credentials.iter().map(|it| it.parse().unwrap());
            let mut own = credentials.filter(|it| it.device == *device);
            let teams = own.next().map(|it| it.teams).unwrap_or_default();
            roster.member(device).is_some()
                || roster.teams.iter().any(|team| teams.contains(&team.team))
        };
        let peers = &self.peers;
        let device = |peer: &Peer| peers.get(peer).copied().flatten();
        let stays = |peer: &Peer| device(peer).is_some_and(|device| may_read(&device));
        let followers = core::mem::take(&mut known.followers);
        known.followers = followers.into_iter().filter(stays).collect();
    }
}
