//! What goes in: inputs and commands. See [`client::Input`] and [`client::Command`].

use wasm_bindgen::prelude::wasm_bindgen;

use super::reader::{Malformed, Reader};
use crate::client::{Command, Input, Target};

#[wasm_bindgen(typescript_custom_section)]
const INPUT: &str = r#"
/** Something happened in the host's world. */
export type Input =
    /** The person or program wants something. */
    | { type: "command"; command: Command }
    /** The relay's WebSocket message. */
    | { type: "frame"; bytes: Uint8Array }
    /** The WebSocket is open. */
    | { type: "connected" }
    /** It is closed. */
    | { type: "disconnected" }
    /** A batch is durable. */
    | { type: "stored"; batch: number }
    /** A batch could not be kept. */
    | { type: "storeFailed"; batch: number }
    /** The time that was asked for has come, or any other. */
    | { type: "tick" };

/** A person's or program's wish. One that cannot be done is answered by the event `failed`. */
export type Command =
    /** Visitor: start a contact at an entry point, with an identity token (JWT) if there is one. */
    | { type: "start"; entryPoint: string; identity?: string }
    /** Load a contact's log, or the part that is missing, and follow it. */
    | { type: "open"; contact: ContactId }
    /** Stop following a contact and forget its log. */
    | { type: "leave"; contact: ContactId }
    /** Send a message to everyone on the roster. The body of a `text` is UTF-8, at most 64 KiB. */
    | { type: "send"; contact: ContactId; kind: string; body: Uint8Array; replyTo?: ContentId }
    /** Staff: send a private note, readable by staff on the roster only. */
    | { type: "note"; contact: ContactId; text: string }
    /** Send a failed message again. */
    | { type: "retry"; contact: ContactId; id: ContentId }
    /** Give up a failed message. */
    | { type: "discard"; contact: ContactId; id: ContentId }
    /** The person is typing. Call it as often as keys are pressed. */
    | { type: "typing"; contact: ContactId }
    /** The person has seen everything up to a position. */
    | { type: "read"; contact: ContactId; position: number }
    /** Staff: take a waiting contact, or one that was transferred to this device. */
    | { type: "claim"; contact: ContactId }
    /** Staff: hand the contact to a team or device; with a private note, if there is one. */
    | { type: "transfer"; contact: ContactId; to: Target; history: boolean; note?: string }
    /** Staff: add a supervisor or bot, visibly. */
    | { type: "invite"; contact: ContactId; device: DeviceId; history: boolean }
    /** Staff: remove a participant, or take back a transfer. */
    | { type: "remove"; contact: ContactId; target: Target }
    /** Start an epoch with a new secret and no other change. */
    | { type: "rekey"; contact: ContactId }
    /** End the contact. */
    | { type: "close"; contact: ContactId }
    /** Staff: who is in a team, answered by the event `team`. */
    | { type: "lookUpTeam"; team: string }
    /** Staff: whether new contacts are welcome. */
    | { type: "presence"; available: boolean };

/** To whom a contact is handed, or who is removed: one device, or a team by its id. */
export type Target = { type: "device"; device: DeviceId } | { type: "team"; team: string };
"#;

pub(super) fn input(from: &Reader) -> Result<Input, Malformed> {
    Ok(match from.text("type")?.as_str() {
        "command" => Input::Command(command(&from.object("command")?)?),
        "frame" => Input::Frame(from.bytes("bytes")?),
        "connected" => Input::Connected,
        "disconnected" => Input::Disconnected,
        "stored" => Input::Stored(from.number("batch")?),
        "storeFailed" => Input::StoreFailed(from.number("batch")?),
        "tick" => Input::Tick,
        _ => return Err(Malformed("type")),
    })
}

fn command(from: &Reader) -> Result<Command, Malformed> {
    let contact = || from.id("contact");
    Ok(match from.text("type")?.as_str() {
        "start" => Command::Start {
            entry_point: from.text("entryPoint")?,
            identity: from.optional_text("identity")?,
        },
        "open" => Command::Open {
            contact: contact()?,
        },
        "leave" => Command::Leave {
            contact: contact()?,
        },
        "send" => Command::Send {
            contact: contact()?,
            kind: from.text("kind")?,
            body: from.bytes("body")?,
            reply_to: from.optional_id("replyTo")?,
        },
        "note" => Command::Note {
            contact: contact()?,
            text: from.text("text")?,
        },
        "retry" => Command::Retry {
            contact: contact()?,
            id: from.id("id")?,
        },
        "discard" => Command::Discard {
            contact: contact()?,
            id: from.id("id")?,
        },
        "typing" => Command::Typing {
            contact: contact()?,
        },
        "read" => Command::Read {
            contact: contact()?,
            position: from.number("position")?,
        },
        "claim" => Command::Claim {
            contact: contact()?,
        },
        "transfer" => Command::Transfer {
            contact: contact()?,
            to: target(&from.object("to")?)?,
            history: from.flag("history")?,
            note: from.optional_text("note")?,
        },
        "invite" => Command::Invite {
            contact: contact()?,
            device: from.id("device")?,
            history: from.flag("history")?,
        },
        "remove" => Command::Remove {
            contact: contact()?,
            target: target(&from.object("target")?)?,
        },
        "rekey" => Command::Rekey {
            contact: contact()?,
        },
        "close" => Command::Close {
            contact: contact()?,
        },
        "lookUpTeam" => Command::LookUpTeam {
            team: from.text("team")?,
        },
        "presence" => Command::Presence {
            available: from.flag("available")?,
        },
        _ => return Err(Malformed("type")),
    })
}

fn target(from: &Reader) -> Result<Target, Malformed> {
    Ok(match from.text("type")?.as_str() {
        "device" => Target::Device(from.id("device")?),
        "team" => Target::Team(from.text("team")?),
        _ => return Err(Malformed("type")),
    })
}
