//! Accounts, contacts and people as they are shown.

use wasm_bindgen::prelude::wasm_bindgen;

use super::scalar::{contact_state, via};
use super::value::Object;
use crate::client::{
    AccountView, Author, ContactView, Detail, EntryPointView, Participant, PresenceView, STAFF,
    TeamView,
};

#[wasm_bindgen(typescript_custom_section)]
const VIEWS: &str = r#"
/** What is known and believed of the account. */
export interface AccountView {
    /** The current policy's version. */
    policy: number;
    /** Until when it is valid. */
    expires: Time;
    /** Whether staff should be warned: fewer than three days are left. */
    expiresSoon: boolean;
    entryPoints: EntryPointView[];
    teams: TeamView[];
    /** Days that servers keep ciphertext. */
    retentionDays: number;
    /** Whether new contacts are archived at the key manager, through which they can be opened later. */
    archived: boolean;
    /** A link for those whose browser cannot run the client. */
    fallbackLink?: string;
    /** The own device. */
    own: Author;
    /** Ids of the own teams. */
    ownTeams: string[];
    /** Staff: whether new contacts are welcome at this device. */
    presence?: PresenceView;
}

/** Whether new contacts are welcome at the own device. */
export interface PresenceView {
    /** What the person chose. */
    available: boolean;
    /** From how many own contacts on the device counts as away, if the person chose that. */
    capacity?: number;
    /** Open contacts that the device is responsible for. */
    own: number;
    /** What follows from that, and what others are told. */
    welcome: boolean;
}

/** An entry point as people see it. */
export interface EntryPointView {
    id: string;
    /** Its name, such as `ACME`. */
    name: string;
    /** The level of new contacts there. */
    level: Level;
    /** Ids of the teams that answer. */
    teams: string[];
}

/** A team as people see it. */
export interface TeamView {
    id: string;
    name: string;
    /** How many devices can read what is addressed to it, where that is known. */
    readers?: number;
}

/** A contact as people see it. */
export interface ContactView {
    contact: ContactId;
    entryPoint: string;
    /** The entry point's name when the contact was created. */
    entryPointName: string;
    /** Its level, fixed for its life. */
    level: Level;
    /** Number of its suite, fixed for its life. */
    suite: number;
    /** The epoch in force. */
    epoch: number;
    state: ContactState;
    /** Whether messages can be sent now. */
    canSend: boolean;
    /** The code of the alarm that stopped sending, if one did. */
    stoppedBy?: string;
    /** Who can read what is written now. */
    participants: Participant[];
    /** Teams that can read what is written now. */
    teams: TeamView[];
    /** Whether this device may take the contact now. */
    canClaim: boolean;
    /** Whether every entry up to the head has been seen and verified. */
    caughtUp: boolean;
    /** The last position seen. */
    head: number;
    /** Whether its secrets are archived at the key manager, through which it can be opened later. */
    archived: boolean;
    /** The visitor's identity, where a token proved it: the `sub` claim. */
    verifiedIdentity?: string;
    /** What the visitor's page said of the visitor, and nobody verified. The visitor sees it, too. */
    details: Detail[];
    /** Staff: the contact's labels. */
    labels: string[];
}

/** One thing that a page knows of its visitor. */
export interface Detail {
    name: string;
    value: string;
}

/** A participant of a contact. */
export interface Participant {
    author: Author;
    /** Whether it was handed the contact and has not claimed it yet. */
    pending: boolean;
}

/** Who did or wrote something, as verified. */
export interface Author {
    device: DeviceId;
    /** The name in its credential; empty for visitors. */
    name: string;
    role: Role;
    via: Via;
    /** Whether it is this device. */
    own: boolean;
}
"#;

pub(super) fn account<'a>(out: &mut Object<'a>, view: &'a AccountView) {
    out.number("policy", view.policy);
    out.number("expires", view.expires.millis());
    out.flag("expiresSoon", view.expires_soon);
    out.list("entryPoints", &view.entry_points, entry_point);
    out.list("teams", &view.teams, team);
    out.number("retentionDays", view.retention_days);
    out.flag("archived", view.archived);
    if let Some(link) = &view.fallback_link {
        out.text("fallbackLink", link);
    }
    out.object("own", &view.own, author);
    out.texts("ownTeams", &view.own_teams);
    if STAFF && let Some(chosen) = &view.presence {
        out.object("presence", chosen, presence);
    }
}

fn presence<'a>(out: &mut Object<'a>, view: &'a PresenceView) {
    out.flag("available", view.available);
    if let Some(capacity) = view.capacity {
        out.number("capacity", capacity);
    }
    out.number("own", view.own);
    out.flag("welcome", view.welcome);
}

fn entry_point<'a>(out: &mut Object<'a>, view: &'a EntryPointView) {
    out.text("id", &view.id);
    out.text("name", &view.name);
    out.text("level", view.level.name());
    out.texts("teams", &view.teams);
}

fn team<'a>(out: &mut Object<'a>, view: &'a TeamView) {
    out.text("id", &view.id);
    out.text("name", &view.name);
    if let Some(readers) = view.readers {
        out.number("readers", readers);
    }
}

pub(super) fn contact<'a>(out: &mut Object<'a>, view: &'a ContactView) {
    out.id("contact", view.contact.as_array());
    out.text("entryPoint", &view.entry_point);
    out.text("entryPointName", &view.entry_point_name);
    out.text("level", view.level.name());
    out.number("suite", view.suite);
    out.number("epoch", view.epoch);
    out.text("state", contact_state(view.state));
    out.flag("canSend", view.can_send);
    if let Some(code) = view.stopped_by {
        out.text("stoppedBy", code);
    }
    out.list("participants", &view.participants, participant);
    out.list("teams", &view.teams, team);
    out.flag("canClaim", view.can_claim);
    out.flag("caughtUp", view.caught_up);
    out.number("head", view.head);
    out.flag("archived", view.archived);
    if let Some(subject) = &view.verified_identity {
        out.text("verifiedIdentity", subject);
    }
    out.list("details", &view.details, detail);
    out.texts("labels", &view.labels);
}

fn detail<'a>(out: &mut Object<'a>, detail: &'a Detail) {
    out.text("name", &detail.name);
    out.text("value", &detail.value);
}

fn participant<'a>(out: &mut Object<'a>, participant: &'a Participant) {
    out.object("author", &participant.author, author);
    out.flag("pending", participant.pending);
}

pub(super) fn author<'a>(out: &mut Object<'a>, author: &'a Author) {
    out.id("device", author.device.as_array());
    out.text("name", &author.name);
    out.text("role", author.role.name());
    out.text("via", via(author.via));
    out.flag("own", author.own);
}
