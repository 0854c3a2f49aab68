//! What a host gives to [`Client::open`](super::Client::open).

use wasm_bindgen::prelude::wasm_bindgen;

use super::reader::Reader;
use crate::account::{Level, Pin};
use crate::client::{Config, Kind, Record};
use crate::crypto::Secret;
use crate::wire::AccountId;

#[wasm_bindgen(typescript_custom_section)]
const CONFIG: &str = r#"
/** What a client is told before it starts. */
export interface Config {
    /** The account, pinned. */
    account: AccountId;
    /** Host and port that the host dials, as in the HTTP `Host` header. */
    host: string;
    /** Who this is. */
    kind: Kind;
    /** Seals every record, 32 bytes. Losing it is a normal fresh start. */
    storageKey: Uint8Array;
    /** The store's generation; records of another one do not open. */
    generation: number;
    /** The account id that the account's next root key gives. */
    nextRoot?: AccountId;
    /** The entry point that the page uses. */
    entryPoint?: string;
    /** The lowest level that the page accepts there. */
    lowestLevel?: Level;
    /** The lowest policy version that is accepted. */
    lowestPolicy?: number;
}

/**
 * Who a client is: a visitor, with fresh keys for one contact; or staff, a device with a
 * credential or one that asks for it by a name and perhaps an administrator's invitation code.
 */
export type Kind = { type: "visitor" } | { type: "staff"; name: string; invitation?: string };
"#;

pub(super) fn config(from: &Reader<'_>) -> Config {
    Config {
        pin: Pin {
            account: AccountId::new(from.id("account")),
            next_root: from.optional_id("nextRoot").map(AccountId::new),
            entry_point: from.optional_text("entryPoint"),
            lowest_level: from
                .optional_text("lowestLevel")
                .map(|name| level(from, &name)),
            lowest_policy: match from.has("lowestPolicy") {
                true => from.number("lowestPolicy"),
                false => 0,
            },
        },
        host: from.text("host"),
        kind: kind(&from.object("kind")),
        storage_key: Secret::from_slice(&from.bytes("storageKey")).unwrap_or_else(|| {
            from.fail("storageKey");
            Secret::new([0; 32])
        }),
        generation: from.number("generation"),
    }
}

pub(super) fn record(from: &Reader<'_>) -> Record {
    Record {
        name: from.text("name"),
        bytes: from.bytes("bytes"),
    }
}

fn kind(from: &Reader<'_>) -> Kind {
    match from.text("type").as_str() {
        #[cfg(feature = "staff")]
        "staff" => Kind::Staff {
            name: from.text("name"),
            invitation: from.optional_text("invitation"),
        },
        other => {
            if other != "visitor" {
                from.fail("type");
            }
            Kind::Visitor
        }
    }
}

fn level(from: &Reader<'_>, name: &str) -> Level {
    match name {
        "transport" => Level::Transport,
        "storage" => Level::Storage,
        other => {
            if other != "e2ee" {
                from.fail("lowestLevel");
            }
            Level::E2ee
        }
    }
}
