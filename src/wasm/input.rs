//! What goes in: inputs and commands. See [`client::Input`] and [`client::Command`].

use wasm_bindgen::prelude::wasm_bindgen;

use super::reader::Reader;
use crate::client::{Command, Detail, Input, STAFF, Target};
use crate::wire::frame::{BanPeriod, PushKind, PushTarget};
use crate::wire::{ContactId, ContentId, DeviceId};

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
    /** Visitor: start a contact at an entry point, with an identity token (JWT) and details if there are any. */
    | { type: "start"; entryPoint: string; identity?: string; details?: Detail[] }
    /** Load a contact's log, or the part that is missing, and follow it. */
    | { type: "open"; contact: ContactId }
    /** Stop following a contact and forget its log. */
    | { type: "leave"; contact: ContactId }
    /**
     * Send a message to everyone on the roster. The body of a `text` is UTF-8, at most 64 KiB. A message that is
     * known by `id`, 16 random bytes, is not sent again.
     */
    | { type: "send"; contact: ContactId; kind: string; body: Uint8Array; replyTo?: ContentId; id?: ContentId }
    /** Staff: send a private note, readable by staff on the roster only. */
    | { type: "note"; contact: ContactId; text: string }
    /**
     * Visitor: give details of oneself, at most 32, names of 1 to 64 bytes, values of at most 1,024, in place
     * of earlier ones of the same names; an empty value takes one back. They are in the contact's view.
     */
    | { type: "describe"; contact: ContactId; details: Detail[] }
    /** Staff on the roster: all labels that the contact has from now on, at most 16, of 1 to 64 bytes. */
    | { type: "label"; contact: ContactId; labels: string[] }
    /** Send a failed message again. */
    | { type: "retry"; contact: ContactId; id: ContentId }
    /** Give up a failed message. */
    | { type: "discard"; contact: ContactId; id: ContentId }
    /** The person is typing. Call it as often as keys are pressed. */
    | { type: "typing"; contact: ContactId }
    /**
     * Staff: the person looks at a contact that they may read. Call it as often as you like while that is so;
     * colleagues are told rarely, visitors never.
     */
    | { type: "attend"; contact: ContactId }
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
    /**
     * Staff: ask the key manager for the secrets of a contact, and read what they open. The purpose is a
     * word such as `transcript`, the reason the person's own. Answered by the event `released`.
     */
    | { type: "release"; contact: ContactId; purpose: string; reason: string }
    /** Staff: who is in a team, answered by the event `team`. */
    | { type: "lookUpTeam"; team: string }
    /**
     * Staff: whether new contacts are welcome, and from how many open ones of its own on the device counts as away.
     * It is kept, and told again after every connect; `AccountView.presence` says what holds.
     */
    | { type: "presence"; available: boolean; capacity?: number }
    /**
     * Staff: keep a reply in the notebook of an own team, in place of the one of its shortcut (1 to 32 of `a-z0-9-`);
     * at most 4,096 bytes, an empty text takes it out. Answered by `notebook`, like the next one.
     */
    | { type: "keepReply"; team: string; shortcut: string; text: string }
    /** Staff: keep the name of a label (1 to 64 bytes) in the notebook of an own team, or no longer. */
    | { type: "keepLabel"; team: string; label: string; kept: boolean }
    /** Staff: keep a visitor away for a while, by device and network address. */
    | { type: "ban"; contact: ContactId; device: DeviceId; period: BanPeriod }
    /**
     * Administrator: sign the next version of the policy with these settings changed, each a `KEY=VALUE` as
     * `sottovoce policy set` takes them, and publish it; without any it gets new dates. Answered by
     * `administered` or `notAdministered`, like the next one.
     */
    | { type: "changePolicy"; settings: string[] }
    /** Administrator: let a device in, for 30 days. The request is that of the event `devices`. */
    | { type: "approve"; request: string; subject: string; name?: string; role: Role; teams: string[] }
    /** Administrator: who was let in and who asks to be, answered by `devices`. */
    | { type: "lookUpDevices" }
    /**
     * Administrator: sign a request for an API token, to be posted to the relay's REST API within five
     * minutes. Answered by `tokenRequest`.
     */
    | { type: "requestToken"; name: string; scopes: string[]; expires: Time }
    /** Administrator: try the key manager as it would be used, answered by `keyManagerTested`. */
    | { type: "testKeyManager" }
    /** Administrator or auditor: the key manager's log after an entry, answered by `audit`. */
    | { type: "readAudit"; after: number }
    /** Be told of news through a push service when there is no connection; without, no longer. */
    | { type: "push"; target?: PushTarget };

/** How long a visitor is kept away. */
export type BanPeriod = "hour" | "day" | "week" | "month";

/** A device's address at a push service; for Web Push the token is the subscription's endpoint. */
export type PushTarget = { kind: "apns" | "fcm" | "webPush" | "test"; token: string };

/** To whom a contact is handed, or who is removed: one device, or a team by its id. */
export type Target = { type: "device"; device: DeviceId } | { type: "team"; team: string };
"#;

pub(super) fn input(from: &Reader<'_>) -> Input {
    match from.text("type").as_str() {
        "command" => Input::Command(command(&from.object("command"))),
        "frame" => Input::Frame(from.bytes("bytes")),
        "connected" => Input::Connected,
        "disconnected" => Input::Disconnected,
        "stored" => Input::Stored(from.number("batch")),
        "storeFailed" => Input::StoreFailed(from.number("batch")),
        other => {
            if other != "tick" {
                from.fail("type");
            }
            Input::Tick
        }
    }
}

fn command(from: &Reader<'_>) -> Command {
    let name = from.text("type");
    match name.as_str() {
        "start" => {
            return Command::Start {
                entry_point: from.text("entryPoint"),
                identity: from.optional_text("identity"),
                details: from.objects("details", detail),
            };
        }
        "lookUpTeam" if STAFF => {
            return Command::LookUpTeam {
                team: from.text("team"),
            };
        }
        "presence" if STAFF => {
            return Command::Presence {
                available: from.flag("available"),
                capacity: from.has("capacity").then(|| from.number("capacity")),
            };
        }
        "keepReply" if STAFF => {
            return Command::KeepReply {
                team: from.text("team"),
                shortcut: from.text("shortcut"),
                text: from.text("text"),
            };
        }
        "keepLabel" if STAFF => {
            return Command::KeepLabel {
                team: from.text("team"),
                label: from.text("label"),
                kept: from.flag("kept"),
            };
        }
        "push" => {
            let target = from.has("target");
            let target = target.then(|| push_target(&from.object("target")));
            return Command::Push { target };
        }
        _ => {}
    }
    #[cfg(feature = "staff")]
    if let Some(command) = super::administration::command(&name, from) {
        return command;
    }
    let contact = ContactId::new(from.id("contact"));
    match name.as_str() {
        "leave" => Command::Leave { contact },
        "send" => Command::Send {
            contact,
            kind: from.text("kind"),
            body: from.bytes("body"),
            reply_to: from.optional_id("replyTo").map(ContentId::new),
            id: from.optional_id("id").map(ContentId::new),
        },
        "note" if STAFF => Command::Note {
            contact,
            text: from.text("text"),
        },
        "describe" => Command::Describe {
            contact,
            details: from.objects("details", detail),
        },
        #[cfg(feature = "staff")]
        "label" => Command::Label {
            contact,
            labels: from.texts("labels"),
        },
        "retry" => Command::Retry {
            contact,
            id: ContentId::new(from.id("id")),
        },
        "discard" => Command::Discard {
            contact,
            id: ContentId::new(from.id("id")),
        },
        "typing" => Command::Typing { contact },
        "attend" if STAFF => Command::Attend { contact },
        "read" => Command::Read {
            contact,
            position: from.number("position"),
        },
        "claim" if STAFF => Command::Claim { contact },
        "transfer" if STAFF => Command::Transfer {
            contact,
            to: target(&from.object("to")),
            history: from.flag("history"),
            note: from.optional_text("note"),
        },
        "invite" if STAFF => Command::Invite {
            contact,
            device: DeviceId::new(from.id("device")),
            history: from.flag("history"),
        },
        "remove" if STAFF => Command::Remove {
            contact,
            target: target(&from.object("target")),
        },
        "ban" if STAFF => Command::Ban {
            contact,
            device: DeviceId::new(from.id("device")),
            period: match from.text("period").as_str() {
                "hour" => BanPeriod::Hour,
                "week" => BanPeriod::Week,
                "month" => BanPeriod::Month,
                other => {
                    if other != "day" {
                        from.fail("period");
                    }
                    BanPeriod::Day
                }
            },
        },
        "release" if STAFF => Command::Release {
            contact,
            purpose: from.text("purpose"),
            reason: from.text("reason"),
        },
        "rekey" => Command::Rekey { contact },
        "close" => Command::Close { contact },
        other => {
            if other != "open" {
                from.fail("type");
            }
            Command::Open { contact }
        }
    }
}

fn detail(from: &Reader<'_>) -> Detail {
    Detail {
        name: from.text("name"),
        value: from.text("value"),
    }
}

fn push_target(from: &Reader<'_>) -> PushTarget {
    PushTarget {
        kind: match from.text("kind").as_str() {
            "apns" => PushKind::Apns,
            "fcm" => PushKind::Fcm,
            "webPush" => PushKind::WebPush,
            other => {
                if other != "test" {
                    from.fail("kind");
                }
                PushKind::Test
            }
        },
        token: from.text("token"),
    }
}

fn target(from: &Reader<'_>) -> Target {
    match from.text("type").as_str() {
        "device" => Target::Device(DeviceId::new(from.id("device"))),
        other => {
            if other != "team" {
                from.fail("type");
            }
            Target::Team(from.text("team"))
        }
    }
}
