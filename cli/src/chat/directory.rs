//! Finds out whom a transfer names: a team, or a person in one of the teams.

use std::collections::BTreeSet;

use sottovoce::client::{AccountView, Command, Target, TeamMember};
use sottovoce::wire::ContactId;

use super::line::Transfer;

/// A transfer whose person is being looked for.
pub(super) struct Search {
    contact: ContactId,
    transfer: Transfer,
    /// Teams that have not been heard of yet.
    missing: BTreeSet<String>,
    found: Vec<TeamMember>,
}

/// Where a search begins.
pub(super) enum Begin {
    /// It names a team.
    Found(Command),
    /// These commands find out who is in the teams.
    Ask(Search, Vec<Command>),
}

/// What comes of an answer.
pub(super) enum Answer {
    /// There is more to hear.
    More(Search),
    /// The command that hands the contact on.
    Found(Command),
    /// Nobody has that name.
    Nobody(String),
}

impl Search {
    /// A team goes by its id or name; anything else must be a person's name.
    pub(super) fn begin(contact: ContactId, transfer: Transfer, account: &AccountView) -> Begin {
        let team = account
            .teams
            .iter()
            .find(|team| same(&team.id, &transfer.to) || same(&team.name, &transfer.to));
        if let Some(team) = team {
            let target = Target::Team(team.id.clone());
            return Begin::Found(command(contact, &transfer, target));
        }
        let missing: BTreeSet<_> = account.teams.iter().map(|team| team.id.clone()).collect();
        let queries = missing
            .iter()
            .map(|team| Command::LookUpTeam { team: team.clone() })
            .collect();
        let search = Self {
            contact,
            transfer,
            missing,
            found: Vec::new(),
        };
        Begin::Ask(search, queries)
    }

    /// A team's members are known. Whoever is there now goes before whoever is away.
    pub(super) fn heard(mut self, team: &str, members: Vec<TeamMember>) -> Answer {
        self.missing.remove(team);
        let named = |member: &TeamMember| same(&member.author.name, &self.transfer.to);
        self.found.extend(members.into_iter().filter(named));
        if !self.missing.is_empty() {
            return Answer::More(self);
        }
        match self.found.iter().max_by_key(|member| member.available) {
            Some(member) => {
                let target = Target::Device(member.author.device);
                Answer::Found(command(self.contact, &self.transfer, target))
            }
            None => Answer::Nobody(self.transfer.to),
        }
    }
}

fn command(contact: ContactId, transfer: &Transfer, to: Target) -> Command {
    Command::Transfer {
        contact,
        to,
        history: transfer.history,
        note: transfer.note.clone(),
    }
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}
