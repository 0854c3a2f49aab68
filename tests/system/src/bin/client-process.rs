//! A visitor to be killed: `client-process URL ACCOUNT FOLDER`. Each line that it reads is a
//! text to send. It prints a line for each of
//! - `contact`, once there is one: afresh or from the folder,
//! - `sent TEXT`: the relay has it,
//! - `alarm CODE` and `failed CODE`.

use std::io::Write;
use std::process::ExitCode;

use sottovoce::account::Pin;
use sottovoce::client::{Command, Event, ItemBody, Kind, MessageState};
use sottovoce_client::{HostConfig, StateStore, StorageKey, start};
use sottovoce_system_tests::{ENTRY_POINT, no_roots, text};
use tokio::io::{AsyncBufReadExt, BufReader};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Some(()) => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
    }
}

/// Returns when nobody gives it texts any more.
async fn run() -> Option<()> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next()?;
    let account = arguments.next()?.parse().ok()?;
    let path = arguments.next()?.into();
    let key = StorageKey::Plain;
    let (handle, mut events) = start(HostConfig {
        url,
        pin: Pin::account(account),
        kind: Kind::Visitor,
        state: StateStore::Folder { path, key },
        tls: no_roots(),
    })
    .await
    .ok()?;
    let mut contact = handle.contacts().first().copied();
    match contact {
        Some(contact) => {
            tell("contact", "");
            handle.command(Command::Open { contact }).await.ok()?;
        }
        None => {
            let entry_point = ENTRY_POINT.into();
            let identity = None;
            let start = Command::Start {
                entry_point,
                identity,
                details: Vec::new(),
            };
            handle.command(start).await.ok()?;
        }
    }
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    loop {
        tokio::select! {
            event = events.recv() => {
                if let Event::Started { contact: id } = event.as_ref()? {
                    contact = Some(*id);
                    tell("contact", "");
                }
                show(&event?);
            }
            line = lines.next_line(), if contact.is_some() => {
                handle.command(text(contact?, &line.ok()??)).await.ok()?;
            }
        }
    }
}

fn show(event: &Event) {
    match event {
        Event::Item { item, .. } => {
            let acknowledged = matches!(
                item.state,
                MessageState::Sent | MessageState::Delivered | MessageState::Read
            );
            if let (true, ItemBody::Text { text, .. }) = (acknowledged, &item.body) {
                tell("sent", text);
            }
        }
        Event::Alarm { code, .. } => tell("alarm", code),
        Event::Failed { code, .. } => tell("failed", code),
        _ => {}
    }
}

/// Whole lines only: whoever reads them may kill this process in between.
fn tell(what: &str, about: &str) {
    let mut out = std::io::stdout().lock();
    let line = format!("{what} {about}\n");
    let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
}
