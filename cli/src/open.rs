//! `sottovoce open`: reads a message that came by a webhook, for whoever holds its keys.

use std::io::Read;
use std::path::PathBuf;

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use clap::Args;
use serde::Deserialize;
use sottovoce::client::Reading;
use sottovoce::message::{Audience, Receipt, kind};
use sottovoce_client::{ReadingError, read_entry};

use crate::clock;
use crate::device::{has_device, storage_key};
use crate::failure::{Failure, Outcome};
use crate::say::say;
use crate::text::{printable, printable_lines};

/// More than any event: an entry has at most 128 KiB or so, and base64 makes a third more of it.
const LARGEST: u64 = 4 * 1024 * 1024;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The folder of a device's state: of an agent whose contact it is, or was lately. It is not
    /// changed, and may be in use.
    #[arg(long)]
    state: PathBuf,
    /// The body of a `contact.message` webhook, or an entry of a contact's log, as it is or in
    /// base64. Without it, standard input is read.
    file: Option<PathBuf>,
}

/// Both shapes of an event: one, or several of which one is a message. The array is tried first,
/// as one event could be read from an array too: field by field.
#[derive(Deserialize)]
#[serde(untagged)]
enum Body {
    Several(Vec<Event>),
    One(Box<Event>),
}

#[derive(Deserialize)]
struct Event {
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    ciphertext: Option<String>,
}

/// Prints what the message says.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let entry = entry(&input(arguments)?)?;
    // Nobody is asked for the passphrase of a device that is not there.
    if !has_device(&arguments.state) {
        let words = format!("{} holds no device", arguments.state.display());
        return Err(Failure::new("no-device", words));
    }
    let key = storage_key(&arguments.state, false)?;
    let reading = read_entry(&arguments.state, &key, &entry)?;
    for line in lines(&reading) {
        say!("{line}");
    }
    Ok(())
}

fn input(arguments: &Arguments) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = match &arguments.file {
        Some(path) => std::fs::File::open(path)
            .and_then(|file| file.take(LARGEST).read_to_end(&mut bytes))
            .map_err(|error| Failure::file("event-unreadable", path, &error)),
        None => std::io::stdin()
            .take(LARGEST)
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::new("event-unreadable", error.to_string())),
    };
    read.map(|_| bytes)
}

/// The entry in whatever was given.
fn entry(input: &[u8]) -> Outcome<Vec<u8>> {
    let Ok(text) = std::str::from_utf8(input).map(str::trim) else {
        return Ok(input.to_vec());
    };
    if !text.starts_with(['{', '[']) {
        return from_base64(text).map_or_else(|| Ok(input.to_vec()), Ok);
    }
    let body = serde_json::from_str(text).map_err(|error| {
        Failure::new(
            "event-unreadable",
            format!("it is no webhook event: {error}"),
        )
    })?;
    let events = match body {
        Body::One(event) => vec![*event],
        Body::Several(events) => events,
    };
    let mut found = events
        .into_iter()
        .filter_map(|event| event.data?.ciphertext);
    let ciphertext = found.next().ok_or_else(|| {
        let words = "the event carries no message; only those of the type contact.message do";
        Failure::new("no-ciphertext", words)
    })?;
    from_base64(&ciphertext)
        .ok_or_else(|| Failure::new("malformed", "the event's ciphertext is not base64"))
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    let url = || Base64UrlUnpadded::decode_vec(text).ok();
    Base64::decode_vec(text).ok().or_else(url)
}

fn lines(reading: &Reading) -> Vec<String> {
    let Reading { header, content } = reading;
    let audience = match header.audience {
        Audience::All => "everyone who takes part",
        Audience::Staff => "staff only",
    };
    let mut lines = vec![
        format!("contact  {}", header.contact),
        format!("epoch    {}", header.epoch),
        format!("from     {}", header.device),
        format!("to       {audience}"),
        format!("sent     {}", clock::date(content.sent)),
        format!("kind     {}", printable(&content.kind)),
        String::new(),
    ];
    match (content.kind.as_str(), std::str::from_utf8(&content.body)) {
        (kind::TEXT | kind::NOTE, Ok(text)) => lines.extend(printable_lines(text)),
        (kind::RECEIPT, _) => lines.push(match Receipt::from_body(&content.body) {
            Ok(Receipt { read: 0 }) => "has received everything so far, and read none of it".into(),
            Ok(Receipt { read }) => format!("has read everything up to position {read}"),
            Err(_) => "a receipt that cannot be read".into(),
        }),
        _ => lines.push(Base64::encode_string(&content.body)),
    }
    lines
}

impl From<ReadingError> for Failure {
    fn from(error: ReadingError) -> Self {
        let words = error.to_string();
        match error.code() {
            code @ ("unknown-contact" | "unknown-epoch") => Self::new(code, words).with_help(
                "Use the state of an agent who has joined the contact, and was part of it then or \
                 was given its history.",
            ),
            code @ "keys-destroyed" => Self::new(code, words).with_help(
                "Agents keep the keys of closed contacts for as long as the policy's device history \
                 says.",
            ),
            code @ ("malformed" | "not-deterministic") => {
                Self::new(code, format!("it is no entry of a contact's log: {words}"))
            }
            code => Self::new(code, words),
        }
    }
}
