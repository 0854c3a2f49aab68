//! `sottovoce transcript`: opens what was archived of a closed contact, through the key manager.

mod older;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use sottovoce::archive::Outcome as Said;
use sottovoce::client::{
    Command as Wish, ConnectionState, ContactState, Event, Item, ItemBody, Kind,
};
use sottovoce::wire::ContactId;
use sottovoce::wire::codec::from_base64url;
use sottovoce_client::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::chat::lines_of;
use crate::clock;
use crate::device::{DeviceOptions, has_device};
use crate::failure::{Failure, Outcome};
use crate::say::say;
use crate::words;

/// How long the relay and the key manager may take together.
const PATIENCE: Duration = Duration::from_secs(60);
/// Nothing more to read after such a silence.
const SILENCE: Duration = Duration::from_secs(2);

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Ask the key manager for the secrets of a closed contact, verify what the relay has of it, and
    /// print what was said. The request, its reason and its outcome stay in the key manager's audit
    /// log.
    Open(Open),
    /// Read messages that an older system encrypted under a contact's key, for import.
    ///
    /// Nothing proves that a text is what was written: that encryption has no authentication.
    ReadOlder(older::ReadOlder),
}

#[derive(Args)]
pub(crate) struct Open {
    #[command(flatten)]
    device: DeviceOptions,
    /// The folder of the state of a device with a credential: of an agent who was there, of a
    /// supervisor of the team, of an auditor.
    #[arg(long)]
    state: PathBuf,
    /// Why: it is written down with the request.
    #[arg(long)]
    reason: String,
    /// What for, in a word.
    #[arg(long, default_value = "transcript")]
    purpose: String,
    /// One JSON object, instead of lines for people.
    #[arg(long)]
    json: bool,
    /// The contact.
    #[arg(value_parser = contact_id, allow_hyphen_values = true)]
    contact: ContactId,
}

fn contact_id(text: &str) -> Result<ContactId, String> {
    from_base64url(text)
        .and_then(|bytes| ContactId::from_slice(&bytes))
        .ok_or_else(|| "a contact's id has 22 characters".to_owned())
}

pub(crate) async fn run(command: Command) -> Outcome {
    let open = match command {
        Command::Open(open) => open,
        Command::ReadOlder(arguments) => return older::run(&arguments),
    };
    if !has_device(&open.state) {
        let words = format!("{} holds no device", open.state.display());
        return Err(Failure::new("no-device", words));
    }
    let kind = Kind::Staff {
        name: String::new(),
        invitation: None,
    };
    let (handle, mut events) = open.device.start(Some(&open.state), kind).await?;
    let read = timeout(PATIENCE, read(&open, &handle, &mut events)).await;
    handle.stop().await;
    let transcript = read.unwrap_or_else(|_| {
        let words = "the relay and the key manager did not answer in time";
        Err(Failure::new("timed-out", words))
    })?;
    if open.json {
        say!("{}", transcript.json(&open.contact));
    } else {
        transcript.print();
    }
    Ok(())
}

/// What was shown of the contact.
#[derive(Default)]
struct Transcript {
    items: BTreeMap<String, Item>,
    is_closed: bool,
    granted: bool,
}

async fn read(
    open: &Open,
    handle: &Handle,
    events: &mut mpsc::Receiver<Event>,
) -> Outcome<Transcript> {
    let contact = open.contact;
    let stopped = || Failure::new("stopped", words::of("stopped"));
    let ask = [
        Wish::Open { contact },
        Wish::Release {
            contact,
            purpose: open.purpose.clone(),
            reason: open.reason.clone(),
        },
    ];
    let mut ask = Some(ask);
    let mut transcript = Transcript::default();
    loop {
        let patience = if transcript.granted {
            SILENCE
        } else {
            PATIENCE
        };
        let Ok(event) = timeout(patience, events.recv()).await else {
            return Ok(transcript);
        };
        match event.ok_or_else(stopped)? {
            // Nothing is asked before there is a connection: without one the answer is known.
            Event::Connection(ConnectionState::Online) => {
                for wish in ask.take().into_iter().flatten() {
                    handle.command(wish).await.map_err(|_| stopped())?;
                }
            }
            Event::Connection(ConnectionState::Refused(code)) => {
                let code = words::shown(&code);
                return Err(Failure::new(code, words::of(code)));
            }
            Event::Unapproved { .. } => {
                let words = "this device has no credential yet; an administrator has to approve it";
                return Err(Failure::new("not-approved", words));
            }
            Event::Contact(view) if view.contact == contact => {
                transcript.is_closed = view.state == ContactState::Closed;
            }
            Event::Item { contact: of, item } if of == contact => {
                transcript.items.insert(item.key.clone(), item);
            }
            Event::Released {
                contact: of,
                outcome,
                code,
            } if of == contact => {
                if outcome != Said::Granted {
                    let words = format!("the key manager says: {}", outcome.name());
                    let code = words::shown(&code);
                    return Err(Failure::new(code, format!("{words}, {}", words::of(code))));
                }
                transcript.granted = true;
            }
            Event::Failed {
                contact: Some(of),
                code,
            } if of == contact => return Err(Failure::new(code, words::of(code))),
            _ => {}
        }
    }
}

impl Transcript {
    /// In the relay's order, which everyone who was there signed.
    fn ordered(&self) -> Vec<&Item> {
        let mut items: Vec<_> = self.items.values().collect();
        items.sort_by_key(|item| (item.position.unwrap_or(u64::MAX), item.time));
        items
    }

    fn print(&self) {
        for item in self.ordered() {
            let date = clock::date(item.time);
            for (number, line) in lines_of(item).iter().enumerate() {
                let date = if number == 0 { date.as_str() } else { "" };
                say!("{date:<17} {line}");
            }
        }
        say!("{}", self.end());
    }

    /// What is known of the end: a transcript without a valid close may be longer.
    const fn end(&self) -> &'static str {
        if self.is_closed {
            "Everything is verified, to its signed end."
        } else {
            "Everything is verified. The end is not confirmed: nobody has signed one."
        }
    }

    fn json(&self, contact: &ContactId) -> Value {
        let items = self.ordered().into_iter().map(|item| {
            let author = item.author.as_ref().map(|author| {
                json!({
                    "device": author.device.to_base64url(),
                    "name": author.name,
                    "role": author.role.name(),
                })
            });
            let (kind, text) = match &item.body {
                ItemBody::Text { text, .. } => ("text", text.clone()),
                ItemBody::Note { text, .. } => ("note", text.clone()),
                ItemBody::Unsupported { kind, .. } => ("unsupported", kind.clone()),
                ItemBody::Invalid(code) => ("invalid", (*code).to_owned()),
                ItemBody::StaffOnly | ItemBody::BeforeJoining => ("unreadable", String::new()),
                ItemBody::System(_) => ("system", lines_of(item).join(" ")),
            };
            json!({
                "position": item.position,
                "time": item.time.millis(),
                "author": author,
                "kind": kind,
                "text": text,
                "marks": item.marks,
            })
        });
        json!({
            "contact": contact.to_base64url(),
            "end_confirmed": self.is_closed,
            "items": items.collect::<Vec<_>>(),
        })
    }
}
