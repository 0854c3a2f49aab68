//! What a typed line means.

use sottovoce::wire::frame::BanPeriod;

/// A typed line, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// Nothing but spaces.
    Nothing,
    /// Something to send.
    Text(String),
    Inbox,
    Open(usize),
    /// The open contact, or the one with this number.
    Claim(Option<usize>),
    Transfer(Transfer),
    Note(String),
    /// The open contact's visitor, for so long.
    Ban(BanPeriod),
    Retry,
    Discard,
    Close,
    Who,
    Help,
    Quit,
    /// Not understood; says what to write instead.
    Wrong(String),
}

/// `/transfer TEAM|NAME [--no-history] [--note TEXT]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Transfer {
    pub(super) to: String,
    pub(super) history: bool,
    pub(super) note: Option<String>,
}

pub(super) const HELP_VISITOR: &[(&str, &str)] = &[
    ("text", "send it"),
    ("/who", "who can read this"),
    (
        "/retry, /discard",
        "send again, or give up, what was not sent",
    ),
    ("/close", "end the conversation"),
    ("/quit", "leave the program"),
    ("//text", "send a text that begins with /"),
];

pub(super) const HELP_AGENT: &[(&str, &str)] = &[
    ("/inbox", "what waits, and what is yours"),
    ("/open N", "read contact N"),
    ("/claim [N]", "take the open contact, or contact N"),
    ("text", "answer in the open contact"),
    ("/note TEXT", "a note that only staff can read"),
    (
        "/transfer TEAM|NAME [--no-history] [--note TEXT]",
        "hand the contact on",
    ),
    ("/who", "who can read this"),
    (
        "/ban hour|day|week|month",
        "keep the visitor, and their network address, away for so long",
    ),
    (
        "/retry, /discard",
        "send again, or give up, what was not sent",
    ),
    ("/close", "end the contact"),
    ("/quit", "leave the program"),
    ("//text", "send a text that begins with /"),
];

/// Understands a line.
pub(super) fn understand(line: &str) -> Typed {
    let trimmed = line.trim();
    if trimmed.is_empty() {
        return Typed::Nothing;
    }
    let Some(rest) = trimmed.strip_prefix('/') else {
        return Typed::Text(line.trim_end().to_owned());
    };
    if rest.starts_with('/') {
        return Typed::Text(rest.to_owned());
    }
    let (command, argument) = match rest.split_once(char::is_whitespace) {
        Some((command, argument)) => (command, argument.trim()),
        None => (rest, ""),
    };
    match (command, argument) {
        ("inbox", "") => Typed::Inbox,
        ("open", number) => match number.parse() {
            Ok(number) => Typed::Open(number),
            Err(_) => wrong("/open N, with a number from /inbox"),
        },
        ("claim", "") => Typed::Claim(None),
        ("claim", number) => match number.parse() {
            Ok(number) => Typed::Claim(Some(number)),
            Err(_) => wrong("/claim, or /claim N with a number from /inbox"),
        },
        ("transfer", argument) => transfer(argument),
        ("note", "") => wrong("/note TEXT"),
        ("note", text) => Typed::Note(text.to_owned()),
        ("ban", period) => match period {
            "hour" => Typed::Ban(BanPeriod::Hour),
            "day" => Typed::Ban(BanPeriod::Day),
            "week" => Typed::Ban(BanPeriod::Week),
            "month" => Typed::Ban(BanPeriod::Month),
            _ => wrong("/ban hour, day, week or month"),
        },
        ("retry", "") => Typed::Retry,
        ("discard", "") => Typed::Discard,
        ("close", "") => Typed::Close,
        ("who", "") => Typed::Who,
        ("help" | "?", "") => Typed::Help,
        ("quit" | "exit", "") => Typed::Quit,
        (_, _) => wrong("/help for what there is; //… sends a text that begins with /"),
    }
}

fn transfer(argument: &str) -> Typed {
    let (before, note) = match argument.split_once("--note") {
        Some((before, note)) => (before, Some(note.trim())),
        None => (argument, None),
    };
    let (to, history) = match before.trim().strip_suffix("--no-history") {
        Some(to) => (to.trim(), false),
        None => (before.trim(), true),
    };
    if to.is_empty() || to.contains("--") || note.is_some_and(str::is_empty) {
        return wrong("/transfer TEAM|NAME [--no-history] [--note TEXT]");
    }
    Typed::Transfer(Transfer {
        to: to.to_owned(),
        history,
        note: note.map(str::to_owned),
    })
}

fn wrong(instead: &str) -> Typed {
    Typed::Wrong(format!("write {instead}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_with_no_slash_is_text() {
        assert_eq!(
            understand(" hello /quit "),
            Typed::Text(" hello /quit".to_owned())
        );
        assert_eq!(understand("//quit"), Typed::Text("/quit".to_owned()));
        assert_eq!(understand("  "), Typed::Nothing);
    }

    #[test]
    fn commands_are_understood() {
        assert_eq!(understand("/open 12"), Typed::Open(12));
        assert_eq!(understand("/claim"), Typed::Claim(None));
        assert_eq!(understand("/claim 3 "), Typed::Claim(Some(3)));
        assert_eq!(
            understand("/note for Ben only"),
            Typed::Note("for Ben only".to_owned())
        );
        assert_eq!(understand("/ban week"), Typed::Ban(BanPeriod::Week));
        assert_eq!(understand("/quit"), Typed::Quit);
    }

    #[test]
    fn a_mistyped_command_is_never_sent() {
        for line in [
            "/",
            "/opne 1",
            "/open",
            "/open one",
            "/claim x",
            "/ban",
            "/ban forever",
            "/quit now",
            "/note",
            "/transfer",
            "/transfer --no-history",
            "/transfer Ben --note",
            "/transfer Ben --histroy",
        ] {
            assert!(matches!(understand(line), Typed::Wrong(_)), "{line}");
        }
    }

    #[test]
    fn a_transfer_names_whom_and_may_say_more() {
        let transfer = |to: &str, history, note: Option<&str>| {
            Typed::Transfer(Transfer {
                to: to.to_owned(),
                history,
                note: note.map(str::to_owned),
            })
        };
        assert_eq!(
            understand("/transfer Ben Ode"),
            transfer("Ben Ode", true, None)
        );
        assert_eq!(
            understand("/transfer Ben --no-history --note he knows shoes"),
            transfer("Ben", false, Some("he knows shoes"))
        );
    }
}
