//! What comes out besides events, and the records that a host keeps.

use serde::Serialize;
use tsify::Tsify;

use super::event::Event;
use super::scalar::Time;
use crate::client;

/// Something that the host does. Carry outputs out in their order.
#[derive(Tsify, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(super) enum Output {
    /// Send this WebSocket message.
    Transmit {
        #[serde(with = "serde_bytes")]
        #[tsify(type = "Uint8Array")]
        bytes: Vec<u8>,
    },
    /// Make this durable, all or nothing, then answer with `stored`.
    Store { batch: Batch },
    /// Show it.
    Event { event: Event },
    /// Call `tick` at this time; replaces the one before.
    WakeAt { time: Time },
}

impl From<client::Output> for Output {
    fn from(output: client::Output) -> Self {
        match output {
            client::Output::Transmit(bytes) => Self::Transmit { bytes },
            client::Output::Store(batch) => Self::Store {
                batch: batch.into(),
            },
            client::Output::Event(event) => Self::Event {
                event: (*event).into(),
            },
            client::Output::WakeAt(time) => Self::WakeAt { time: time.into() },
        }
    }
}

/// Records that become durable together.
#[derive(Tsify, Serialize)]
pub(super) struct Batch {
    /// Names the batch in the answer.
    id: u64,
    /// Records to write, each replacing that of its name.
    puts: Vec<Record>,
    /// Names of records to delete.
    deletes: Vec<String>,
}

impl From<client::Batch> for Batch {
    fn from(batch: client::Batch) -> Self {
        Self {
            id: batch.id,
            puts: batch.puts.into_iter().map(Into::into).collect(),
            deletes: batch.deletes,
        }
    }
}

/// A named record, sealed by the core.
#[derive(Tsify, Serialize)]
pub(super) struct Record {
    /// Its name: ASCII, at most 64 bytes.
    name: String,
    /// Its sealed bytes.
    #[serde(with = "serde_bytes")]
    #[tsify(type = "Uint8Array")]
    bytes: Vec<u8>,
}

impl From<client::Record> for Record {
    fn from(record: client::Record) -> Self {
        Self {
            name: record.name,
            bytes: record.bytes,
        }
    }
}
