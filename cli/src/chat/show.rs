//! Items, participants and states in words.

use sottovoce::account::{Level, Role, Via};
use sottovoce::client::{
    AccountView, Author, ContactState, ContactView, Item, ItemBody, MessageState, System,
};

use sottovoce::wire::Time;

use super::screen::{Line, Tone};
use crate::clock;
use crate::text::{printable, printable_lines};
use crate::words;

/// How people call an author.
pub(super) fn name(author: &Author) -> String {
    if author.own {
        return "you".to_owned();
    }
    let name = printable(&author.name);
    let mut shown = match author.role {
        Role::Visitor => "Visitor".to_owned(),
        _ if name.trim().is_empty() => author.role.name().to_owned(),
        Role::Agent => name,
        role => format!("{name} ({})", role.name()),
    };
    if author.via == Via::Gateway {
        shown.push_str(" (through a gateway)");
    }
    shown
}

fn name_or_nobody(author: Option<&Author>) -> String {
    author.map_or_else(|| "somebody".to_owned(), name)
}

/// An item as lines. Every further line of a text is indented, so that no text can look like
/// somebody else's.
pub(super) fn item(item: &Item) -> Vec<Line> {
    let author = item.author.as_ref();
    let tone = if author.is_some_and(|author| author.own) {
        Tone::Own
    } else {
        Tone::Peer
    };
    let who = name_or_nobody(author);
    let mut lines = match &item.body {
        ItemBody::Text { text, .. } => said(tone, &who, "", text),
        ItemBody::Note { text, .. } => said(tone, &who, " (note, staff only)", text),
        ItemBody::Unsupported { kind, .. } => vec![Line::notice(format!(
            "{who} sent something that this program does not show: {}",
            printable(kind)
        ))],
        ItemBody::StaffOnly => vec![Line::notice(format!("{who} wrote a note for staff only"))],
        ItemBody::BeforeJoining => vec![Line::notice(format!(
            "{who} wrote something before this device joined"
        ))],
        ItemBody::Invalid(code) => vec![Line::warning(format!(
            "an entry counts for nothing: {}",
            because(code)
        ))],
        ItemBody::System(system) => vec![Line::notice(happened(author, system))],
    };
    for mark in &item.marks {
        lines.push(Line::warning(because(mark)));
    }
    lines
}

fn said(tone: Tone, who: &str, what: &str, text: &str) -> Vec<Line> {
    let mut texts = printable_lines(text).into_iter();
    let first = texts.next().unwrap_or_default();
    let first = Line::new(tone, format!("{who}{what}: ")).then(Tone::Text, first);
    let more = texts.map(|text| Line::new(Tone::Text, format!("    {text}")));
    std::iter::once(first).chain(more).collect()
}

/// Words for a code, and the code.
pub(super) fn because(code: &str) -> String {
    format!("{} ({})", words::of(code), words::shown(code))
}

fn happened(author: Option<&Author>, system: &System) -> String {
    let who = name_or_nobody(author);
    let own = author.is_some_and(|author| author.own);
    let have = if own { "have" } else { "has" };
    match system {
        System::Created => format!("{who} began the conversation"),
        System::Joined { replaced: None } => format!("{who} {have} joined and will answer"),
        System::Joined {
            replaced: Some(before),
        } => format!(
            "{who} {have} joined and will answer instead of {}",
            name(before)
        ),
        System::Transferring { to, team, history } => {
            let to = match (to, team) {
                (Some(to), _) => name(to),
                (None, Some(team)) => format!("the team {}", printable(team)),
                (None, None) => "somebody".to_owned(),
            };
            format!(
                "{who} {} on to {to}, {}",
                verb(own, "hand", "hands"),
                read_back(*history)
            )
        }
        System::Invited {
            who: guest,
            history,
        } => {
            format!(
                "{who} {have} added {}, {}",
                name(guest),
                read_back(*history)
            )
        }
        System::Removed { who: gone, teams } => {
            let gone: Vec<_> = gone
                .iter()
                .map(name)
                .chain(
                    teams
                        .iter()
                        .map(|team| format!("the team {}", printable(team))),
                )
                .collect();
            format!("{who} {have} removed {}", gone.join(", "))
        }
        System::Rekeyed => "the conversation has new keys".to_owned(),
        System::Closed => format!("{who} {have} ended the conversation"),
    }
}

const fn verb(own: bool, first: &'static str, third: &'static str) -> &'static str {
    if own { first } else { third }
}

const fn read_back(history: bool) -> &'static str {
    if history {
        "who can read what was said before"
    } else {
        "who cannot read what was said before"
    }
}

/// How far an own message got, where that is worth a line.
pub(super) fn state(state: MessageState) -> Option<Line> {
    let words = match state {
        MessageState::None | MessageState::Sending => return None,
        MessageState::Sent => "sent",
        MessageState::Delivered => "delivered",
        MessageState::Read => "read",
        MessageState::Failed(code) => {
            return Some(Line::warning(format!(
                "not sent: {}; /retry sends it again, /discard gives it up",
                because(code)
            )));
        }
    };
    Some(Line::new(Tone::Quiet, format!("  ({words})")))
}

/// The one true sentence about a contact.
pub(super) fn truth(view: &ContactView) -> String {
    let whose = printable(&view.entry_point_name);
    let teams: Vec<_> = view
        .teams
        .iter()
        .map(|team| printable(&team.name))
        .collect();
    let with = match (whose.is_empty(), teams.is_empty()) {
        (true, _) => String::new(),
        (false, true) => format!(" with {whose}"),
        (false, false) => format!(" with {whose}'s team {}", teams.join(", ")),
    };
    match view.level {
        Level::E2ee => format!("End-to-end encrypted{with}"),
        Level::Storage => format!("Encrypted{with}; a server of theirs holds the keys"),
        Level::Transport => format!("Encrypted on its way{with}; their server stores it readable"),
    }
}

/// The sheet behind the sentence: who can read this, what the service sees, how long it is kept.
pub(super) fn sheet(view: &ContactView, account: Option<&AccountView>) -> Vec<Line> {
    let mut lines = vec![
        Line::notice(format!("{}.", truth(view))),
        Line::notice("Who can read what is written now:"),
    ];
    for participant in &view.participants {
        let waits = if participant.pending {
            ", who has not answered yet"
        } else {
            ""
        };
        let who = name(&participant.author);
        lines.push(Line::new(Tone::Text, format!("    {who}{waits}")));
    }
    for team in &view.teams {
        let readers = match team.readers {
            Some(1) => ": 1 device".to_owned(),
            Some(readers) => format!(": {readers} devices"),
            None => String::new(),
        };
        let team = printable(&team.name);
        lines.push(Line::new(
            Tone::Text,
            format!("    the team {team}{readers}, until somebody answers"),
        ));
    }
    if let Some(identity) = &view.verified_identity {
        lines.push(Line::notice(format!(
            "The visitor is verified as {}.",
            printable(identity)
        )));
    }
    lines.push(Line::notice(
        "The service sees who takes part, when, from which address and roughly how much; not what.",
    ));
    if view.archived {
        lines.push(Line::notice(
            "Their own key manager holds keys: authorised people can open this conversation later, \
             with a reason that is recorded.",
        ));
    }
    if let Some(account) = account {
        lines.push(Line::notice(format!(
            "It keeps the encrypted messages for {} days after the last one.",
            account.retention_days
        )));
    }
    lines
}

/// Why nothing is sent when the account's policy has run out.
pub(super) const RUN_OUT: &str =
    "the account's policy has run out; nothing can be sent until an administrator renews it";

/// Whether the account's policy has run out.
pub(super) fn has_run_out(account: Option<&AccountView>, now: Time) -> bool {
    account.is_some_and(|account| account.expires <= now)
}

/// What is to be said of the policy's end: to agents when it comes soon, to everybody when it
/// has come.
pub(super) fn policy_end(account: &AccountView, is_agent: bool, now: Time) -> Option<Line> {
    let date = clock::date(account.expires);
    let ended = has_run_out(Some(account), now);
    match (ended, is_agent) {
        (true, true) => Some(Line::warning(format!(
            "the account's policy ran out on {date}: nobody can send anything until an \
             administrator renews it (sottovoce policy renew, then sottovoce policy publish)"
        ))),
        (true, false) => Some(Line::warning(format!(
            "nothing can be sent now: the account's policy ran out on {date}"
        ))),
        (false, true) if account.expires_soon => Some(Line::warning(format!(
            "the account's policy ends on {date}: an administrator has to renew it before \
             (sottovoce policy renew, then sottovoce policy publish)"
        ))),
        (false, _) => None,
    }
}

/// Where a contact stands, in a word or two.
pub(super) const fn standing(state: ContactState) -> &'static str {
    match state {
        ContactState::Waiting => "waits for an answer",
        ContactState::Open => "is being answered",
        ContactState::Transferring => "is being handed on",
        ContactState::Closed => "has ended",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(expires: Time, expires_soon: bool) -> AccountView {
        AccountView {
            policy: 1,
            expires,
            expires_soon,
            entry_points: Vec::new(),
            teams: Vec::new(),
            retention_days: 30,
            archived: false,
            fallback_link: None,
            own: Author {
                device: sottovoce::crypto::sign::SigningKey::from_seed(
                    &sottovoce::crypto::Secret::new([7; 32]),
                )
                .public(),
                name: String::new(),
                role: Role::Visitor,
                via: Via::Device,
                own: true,
            },
            own_teams: Vec::new(),
            presence: None,
        }
    }

    #[test]
    fn a_policy_that_ran_out_is_said_to_everybody_and_one_that_ends_soon_to_agents() {
        let now = clock::now();
        let said = |account: &AccountView, is_agent: bool| {
            policy_end(account, is_agent, now).map(|line| line.plain())
        };
        let ended = account(now, true);
        assert!(said(&ended, true).is_some_and(|words| words.contains("ran out on")));
        assert!(said(&ended, false).is_some_and(|words| words.contains("ran out on")));
        let soon = account(now.plus_seconds(60), true);
        assert!(said(&soon, true).is_some_and(|words| words.contains("ends on")));
        assert_eq!(said(&soon, false), None);
        assert_eq!(said(&account(now.plus_seconds(600_000), false), true), None);
    }
}
