//! What comes out besides events, and the records that a host keeps.

use wasm_bindgen::prelude::wasm_bindgen;

use super::event::event;
use super::value::Object;
use crate::client::{Batch, Output, Record};

#[wasm_bindgen(typescript_custom_section)]
const OUTPUTS: &str = r#"
/** Something that the host does. Carry outputs out in their order. */
export type Output =
    /** Send this WebSocket message. */
    | { type: "transmit"; bytes: Uint8Array }
    /** Make this durable, all or nothing, then answer with `stored`. */
    | { type: "store"; batch: Batch }
    /** Show it. */
    | { type: "event"; event: Event }
    /** Call `tick` at this time; replaces the one before. */
    | { type: "wakeAt"; time: Time };

/** Records that become durable together. */
export interface Batch {
    /** Names the batch in the answer. */
    id: number;
    /** Records to write, each replacing that of its name. */
    puts: Record[];
    /** Names of records to delete. */
    deletes: string[];
}

/** A named record, sealed by the core. */
export interface Record {
    /** Its name: ASCII, at most 64 bytes. */
    name: string;
    /** Its sealed bytes. */
    bytes: Uint8Array;
}
"#;

pub(super) fn output<'a>(out: &mut Object<'a>, output: &'a Output) {
    match output {
        Output::Transmit(bytes) => {
            out.text("type", "transmit");
            out.bytes("bytes", bytes);
        }
        Output::Store(changes) => {
            out.text("type", "store");
            out.object("batch", changes, batch);
        }
        Output::Event(what) => {
            out.text("type", "event");
            out.object("event", &**what, event);
        }
        Output::WakeAt(time) => {
            out.text("type", "wakeAt");
            out.number("time", time.millis());
        }
    }
}

fn batch<'a>(out: &mut Object<'a>, batch: &'a Batch) {
    out.number("id", batch.id);
    out.list("puts", &batch.puts, record);
    out.texts("deletes", &batch.deletes);
}

fn record<'a>(out: &mut Object<'a>, record: &'a Record) {
    out.text("name", &record.name);
    out.bytes("bytes", &record.bytes);
}
