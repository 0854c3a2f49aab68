//! What the client tells its host.

use wasm_bindgen::prelude::wasm_bindgen;

use super::item::item;
use super::value::Object;
use super::view::{self, author};
use crate::client::{Attention, ConnectionState, Event, InboxEntry, Reply, STAFF, TeamMember};

#[wasm_bindgen(typescript_custom_section)]
const EVENTS: &str = r#"
/** Something that a host shows or acts upon. Events are complete views, not differences. */
export type Event =
    /** The connection's state changed; with a stable code when the relay refused this device. */
    | { type: "connection"; state: ConnectionState; code?: string }
    /** What is known and believed of the account changed. */
    | { type: "account"; view: AccountView }
    /** This device has no credential; an administrator must approve its request (base64url). */
    | { type: "unapproved"; request: string }
    /** Visitor: a contact has an id; it exists once `contact` follows. */
    | { type: "started"; contact: ContactId }
    /** A contact's state changed. */
    | { type: "contact"; view: ContactView }
    /** Something in a contact's transcript is new or changed; replaces the one of the same key. */
    | { type: "item"; contact: ContactId; item: Item }
    /** An item is gone: a message that was given up or went back to the draft. */
    | { type: "itemRemoved"; contact: ContactId; key: string }
    /** Somebody is typing; good for 6 seconds. */
    | { type: "typing"; contact: ContactId; author: Author }
    /**
     * Staff: a colleague looks at a contact, good for 15 seconds, or types there without being on the roster,
     * good for 6.
     */
    | { type: "attending"; contact: ContactId; author: Author; what: "viewing" | "typing" }
    /** Staff: what waits, what this device is on, what others of its teams hold. Replaces the list before. */
    | { type: "inbox"; entries: InboxEntry[] }
    /** Staff: a team's members, the own device left out. */
    | { type: "team"; team: string; members: TeamMember[] }
    /**
     * Staff: the notebook of an own team, as it was last read. `changed` is by its author's clock, `author` a name.
     */
    | { type: "notebook"; team: string; replies: Reply[]; labels: string[]; changed: Time; author: string }
    /** A claim came second: somebody else has the contact. */
    | { type: "claimLost"; contact: ContactId; by?: Author }
    /**
     * Staff: what the key manager said to `release`. If it was granted, items follow that can be read
     * now. `unavailable` also where there was no answer that counts; otherwise the code says why.
     */
    | { type: "released"; contact: ContactId; outcome: KeyOutcome; code: string }
    /**
     * A text was not sent because someone joined that its author was not shown; it goes back
     * to the draft.
     */
    | { type: "returnedToDraft"; contact: ContactId; text: string; joined: Role }
    /** Staff: what the account has decided. */
    | { type: "settings"; view: SettingsView }
    /** Administrator: what was signed here is durable at the relay. */
    | { type: "administered"; what: "policy" | "credential" }
    /** Administrator: nothing was signed, or the relay did not take it; the detail is for administrators. */
    | { type: "notAdministered"; code: string; detail: string }
    /** Administrator: the account's devices, and those that ask to be let in. */
    | { type: "devices"; devices: DeviceEntry[]; requests: EnrolmentEntry[] }
    /** Administrator: a signed request for an API token as base64url, for `POST …/tokens`. */
    | { type: "tokenRequest"; name: string; request: string }
    /** Administrator: how the key manager fared. */
    | { type: "keyManagerTested"; checks: KeyManagerCheck[] }
    /**
     * Part of the key manager's log, verified. `head` is how many entries it had when it answered; the code
     * says why there are none here.
     */
    | { type: "audit"; entries: AuditEntry[]; head: number; code: string }
    /** A command could not be done. Nothing changed. */
    | { type: "failed"; contact?: ContactId; code: string }
    /** Evidence that the relay or a participant misbehaved, or that own state was lost. */
    | { type: "alarm"; contact?: ContactId; code: string; stopsSending: boolean }
    /** Whether state can be kept. `false`: what is sent from now on may be lost with the page. */
    | { type: "storage"; working: boolean };

/** What became of a request to the key manager. */
export type KeyOutcome =
    | "granted"
    | "denied"
    | "unknown"
    | "revoked"
    | "erased"
    | "throttled"
    | "unavailable"
    | "malformed";

/** The connection's state. */
export type ConnectionState = "offline" | "connecting" | "online" | "refused";

/** A contact in the inbox. */
export interface InboxEntry {
    contact: ContactId;
    entryPoint: string;
    /** When its creator says it was created. */
    created: Time;
    /** Last position. */
    head: number;
    /** Ids of the teams it waits for. */
    teams: string[];
    /** Whether this device is on the roster. */
    mine: boolean;
    /** Whether it waits and this device may take it. */
    canClaim: boolean;
    closed: boolean;
    /**
     * Since when somebody waits: for a claim since it was created or handed on; for an answer of this device
     * since the visitor's first message that was not answered, if that is known here.
     */
    waitingSince?: Time;
    /**
     * Who is responsible. Contacts of the own teams that somebody else holds are listed, too, and cannot be
     * read here. The name is empty until the directory knows it.
     */
    heldBy?: Author;
}

/** A text that a team uses again and again. */
export interface Reply {
    shortcut: string;
    text: string;
}

/** A member of a team. */
export interface TeamMember {
    author: Author;
    /** Whether it is connected and available. */
    available: boolean;
}
"#;

pub(super) fn event<'a>(out: &mut Object<'a>, event: &'a Event) {
    match event {
        Event::Connection(state) => {
            let (state, code) = match state {
                ConnectionState::Offline => ("offline", None),
                ConnectionState::Connecting => ("connecting", None),
                ConnectionState::Online => ("online", None),
                ConnectionState::Refused(code) => ("refused", Some(code)),
            };
            out.text("type", "connection");
            out.text("state", state);
            if let Some(code) = code {
                out.text("code", code);
            }
        }
        Event::Account(view) => {
            out.text("type", "account");
            out.object("view", view, view::account);
        }
        Event::Unapproved { request } if STAFF => {
            out.text("type", "unapproved");
            out.text("request", request);
        }
        Event::Started { contact } => {
            out.text("type", "started");
            out.id("contact", contact.as_array());
        }
        Event::Contact(view) => {
            out.text("type", "contact");
            out.object("view", view, view::contact);
        }
        Event::Item {
            contact,
            item: changed,
        } => {
            out.text("type", "item");
            out.id("contact", contact.as_array());
            out.object("item", changed, item);
        }
        Event::ItemRemoved { contact, key } => {
            out.text("type", "itemRemoved");
            out.id("contact", contact.as_array());
            out.text("key", key);
        }
        Event::Typing {
            contact,
            author: who,
        } => {
            out.text("type", "typing");
            out.id("contact", contact.as_array());
            out.object("author", who, author);
        }
        Event::Attending {
            contact,
            author: who,
            what,
        } if STAFF => {
            out.text("type", "attending");
            out.id("contact", contact.as_array());
            out.object("author", who, author);
            out.text(
                "what",
                match what {
                    Attention::Viewing => "viewing",
                    Attention::Typing => "typing",
                },
            );
        }
        Event::Inbox(entries) if STAFF => {
            out.text("type", "inbox");
            out.list("entries", entries, inbox_entry);
        }
        Event::Team { team, members } if STAFF => {
            out.text("type", "team");
            out.text("team", team);
            out.list("members", members, team_member);
        }
        Event::Notebook {
            team,
            replies,
            labels,
            changed,
            author,
        } if STAFF => {
            out.text("type", "notebook");
            out.text("team", team);
            out.list("replies", replies, reply);
            out.texts("labels", labels);
            out.number("changed", changed.millis());
            out.text("author", author);
        }
        Event::ClaimLost { contact, by } if STAFF => {
            out.text("type", "claimLost");
            out.id("contact", contact.as_array());
            if let Some(who) = by {
                out.object("by", who, author);
            }
        }
        Event::ReturnedToDraft {
            contact,
            text,
            joined,
        } => {
            out.text("type", "returnedToDraft");
            out.id("contact", contact.as_array());
            out.text("text", text);
            out.text("joined", joined.name());
        }
        Event::Failed { contact, code } => {
            out.text("type", "failed");
            if let Some(contact) = contact {
                out.id("contact", contact.as_array());
            }
            out.text("code", code);
        }
        Event::Alarm {
            contact,
            code,
            stops_sending,
        } => {
            out.text("type", "alarm");
            if let Some(contact) = contact {
                out.id("contact", contact.as_array());
            }
            out.text("code", code);
            out.flag("stopsSending", *stops_sending);
        }
        Event::Storage { working } => {
            out.text("type", "storage");
            out.flag("working", *working);
        }
        Event::Released {
            contact,
            outcome,
            code,
        } if STAFF => {
            out.text("type", "released");
            out.id("contact", contact.as_array());
            out.text("outcome", outcome.name());
            out.text("code", code);
        }
        Event::Settings(_)
        | Event::Administered { .. }
        | Event::NotAdministered { .. }
        | Event::Devices { .. }
        | Event::TokenRequest { .. }
        | Event::KeyManagerTested { .. }
        | Event::Audit { .. } => {
            #[cfg(feature = "staff")]
            super::administration::event(out, event);
        }
        // Only for staff, who have another build.
        Event::Unapproved { .. }
        | Event::Attending { .. }
        | Event::Inbox(_)
        | Event::Team { .. }
        | Event::ClaimLost { .. }
        | Event::Notebook { .. }
        | Event::Released { .. } => {}
    }
}

fn inbox_entry<'a>(out: &mut Object<'a>, entry: &'a InboxEntry) {
    out.id("contact", entry.contact.as_array());
    out.text("entryPoint", &entry.entry_point);
    out.number("created", entry.created.millis());
    out.number("head", entry.head);
    out.texts("teams", &entry.teams);
    out.flag("mine", entry.mine);
    out.flag("canClaim", entry.can_claim);
    out.flag("closed", entry.closed);
    if let Some(since) = entry.waiting_since {
        out.number("waitingSince", since.millis());
    }
    if let Some(who) = &entry.held_by {
        out.object("heldBy", who, author);
    }
}

fn reply<'a>(out: &mut Object<'a>, reply: &'a Reply) {
    out.text("shortcut", &reply.shortcut);
    out.text("text", &reply.text);
}

fn team_member<'a>(out: &mut Object<'a>, member: &'a TeamMember) {
    out.object("author", &member.author, author);
    out.flag("available", member.available);
}
