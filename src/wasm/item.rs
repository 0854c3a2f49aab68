//! What stands in a transcript.

use wasm_bindgen::prelude::wasm_bindgen;

use super::value::Object;
use super::view::author;
use crate::client::{Item, ItemBody, MessageState, System};

#[wasm_bindgen(typescript_custom_section)]
const ITEMS: &str = r#"
/** Something in a transcript. */
export interface Item {
    /** Names the item for as long as the contact is open. */
    key: string;
    /** Its place; items without one come last, in the order they were made. */
    position?: number;
    /** Its author's time. */
    time: Time;
    /** Who; none for entries that nobody valid wrote. */
    author?: Author;
    body: ItemBody;
    state: MessageState;
    /** Why it failed, as a stable code. */
    failure?: string;
    /** Things that people should know about it, as stable codes. */
    marks: string[];
}

/** What an item says. */
export type ItemBody =
    /** A text. Show it as text. */
    | { type: "text"; id: ContentId; text: string; replyTo?: ContentId }
    /** A private note among staff. Show it as text. */
    | { type: "note"; id: ContentId; text: string }
    /** Content of a kind that this version does not show. */
    | { type: "unsupported"; id: ContentId; kind: string; body: Uint8Array }
    /** An entry among staff that this participant cannot read. */
    | { type: "staffOnly" }
    /** An entry from before this participant joined. */
    | { type: "beforeJoining" }
    /** An entry that counts for nothing. */
    | { type: "invalid"; code: string }
    /** Something happened. */
    | { type: "system"; event: System };

/** Something that happened to a contact; the item's author did it. */
export type System =
    | { type: "created" }
    /** The author took the contact; `replaced` handed it over. */
    | { type: "joined"; replaced?: Author }
    /** The author hands the contact on, to a device or to a team by its name. */
    | { type: "transferring"; to?: Author; team?: string; history: boolean }
    /** The author added someone. */
    | { type: "invited"; who: Author; history: boolean }
    /** The author removed someone or teams (by name), or left. */
    | { type: "removed"; who: Author[]; teams: string[] }
    /** A new secret, no other change. */
    | { type: "rekeyed" }
    | { type: "closed" };

/**
 * How far an own message got; `none` for everything else. Delivered and read come from a
 * peer's signature only.
 */
export type MessageState = "none" | "sending" | "sent" | "delivered" | "read" | "failed";
"#;

pub(super) fn item<'a>(out: &mut Object<'a>, item: &'a Item) {
    let (state, failure) = match item.state {
        MessageState::None => ("none", None),
        MessageState::Sending => ("sending", None),
        MessageState::Sent => ("sent", None),
        MessageState::Delivered => ("delivered", None),
        MessageState::Read => ("read", None),
        MessageState::Failed(code) => ("failed", Some(code)),
    };
    out.text("key", &item.key);
    if let Some(position) = item.position {
        out.number("position", position);
    }
    out.number("time", item.time.millis());
    if let Some(who) = &item.author {
        out.object("author", who, author);
    }
    out.object("body", &item.body, body);
    out.text("state", state);
    if let Some(code) = failure {
        out.text("failure", code);
    }
    out.texts("marks", &item.marks);
}

fn body<'a>(out: &mut Object<'a>, body: &'a ItemBody) {
    match body {
        ItemBody::Text { id, text, reply_to } => {
            out.text("type", "text");
            out.id("id", id.as_array());
            out.text("text", text);
            if let Some(answered) = reply_to {
                out.id("replyTo", answered.as_array());
            }
        }
        ItemBody::Note { id, text } => {
            out.text("type", "note");
            out.id("id", id.as_array());
            out.text("text", text);
        }
        ItemBody::Unsupported { id, kind, body } => {
            out.text("type", "unsupported");
            out.id("id", id.as_array());
            out.text("kind", kind);
            out.bytes("body", body);
        }
        ItemBody::StaffOnly => out.text("type", "staffOnly"),
        ItemBody::BeforeJoining => out.text("type", "beforeJoining"),
        ItemBody::Invalid(code) => {
            out.text("type", "invalid");
            out.text("code", code);
        }
        ItemBody::System(event) => {
            out.text("type", "system");
            out.object("event", event, system);
        }
    }
}

fn system<'a>(out: &mut Object<'a>, event: &'a System) {
    match event {
        System::Created => out.text("type", "created"),
        System::Joined { replaced } => {
            out.text("type", "joined");
            if let Some(who) = replaced {
                out.object("replaced", who, author);
            }
        }
        System::Transferring { to, team, history } => {
            out.text("type", "transferring");
            if let Some(who) = to {
                out.object("to", who, author);
            }
            if let Some(team) = team {
                out.text("team", team);
            }
            out.flag("history", *history);
        }
        System::Invited { who, history } => {
            out.text("type", "invited");
            out.object("who", who, author);
            out.flag("history", *history);
        }
        System::Removed { who, teams } => {
            out.text("type", "removed");
            out.list("who", who, author);
            out.texts("teams", teams);
        }
        System::Rekeyed => out.text("type", "rekeyed"),
        System::Closed => out.text("type", "closed"),
    }
}
