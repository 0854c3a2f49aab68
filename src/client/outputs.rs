//! What the client wants done, in order: nothing that depends on a record leaves before the
//! record is durable.

use std::collections::VecDeque;

use super::{Batch, Event, Output, Record};
use crate::crypto::random::NoRandomness;
use crate::wire::frame::ClientFrame;
use crate::wire::{Time, encode};

/// How long after a failed batch it is tried again, in milliseconds.
const RETRY_STORE: u64 = 1_000;

/// Queue of outputs with one batch in flight, so that several sends share the next one.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    ready: VecDeque<Output>,
    /// Names of records that changed since the last batch.
    dirty: Vec<String>,
    /// Frames that wait for the next batch.
    waiting: Vec<Vec<u8>>,
    in_flight: Option<InFlight>,
    batches: u64,
    retry_at: Option<Time>,
    wake: Option<Time>,
    announced_wake: Option<Time>,
}

#[derive(Debug)]
struct InFlight {
    batch: u64,
    names: Vec<String>,
    frames: Vec<Vec<u8>>,
}

impl Outputs {
    pub(super) fn event(&mut self, event: Event) {
        self.ready.push_back(Output::Event(Box::new(event)));
    }

    /// A frame that depends on no record.
    pub(super) fn transmit(&mut self, frame: ClientFrame) {
        self.ready.push_back(Output::Transmit(encode(&frame)));
    }

    /// A frame that may leave only when every record that is dirty now is durable.
    pub(super) fn transmit_stored(&mut self, frame: ClientFrame) {
        self.waiting.push(encode(&frame));
    }

    /// The record of this name changed or went.
    pub(super) fn dirty(&mut self, name: &str) {
        if !self.dirty.iter().any(|known| known == name) {
            self.dirty.push(name.to_owned());
        }
    }

    /// What was read just now is what is stored.
    pub(super) fn nothing_changed(&mut self) {
        self.dirty.clear();
    }

    /// Asks to be woken at `time` or earlier.
    pub(super) fn wake_at(&mut self, time: Time) {
        self.wake = Some(self.wake.map_or(time, |known| known.min(time)));
    }

    /// The host has woken us: whoever still needs it asks again, and is told again.
    pub(super) fn forget_wake(&mut self) {
        self.announced_wake = None;
        self.wake = self.retry_at;
    }

    /// Frames for a connection that is gone will not be sent; records still will be stored.
    pub(super) fn disconnected(&mut self) {
        self.waiting.clear();
        if let Some(in_flight) = &mut self.in_flight {
            in_flight.frames.clear();
        }
        self.ready
            .retain(|output| !matches!(output, Output::Transmit(_)));
    }

    /// Whether the batch was the one in flight. `true` again means that storage works again.
    pub(super) fn stored(&mut self, batch: u64) -> bool {
        let Some(in_flight) = self.in_flight.take_if(|known| known.batch == batch) else {
            return false;
        };
        for frame in in_flight.frames {
            self.ready.push_back(Output::Transmit(frame));
        }
        self.retry_at.take().is_some()
    }

    /// The batch is tried again later; its frames wait. `true` the first time.
    pub(super) fn store_failed(&mut self, batch: u64, now: Time) -> bool {
        let Some(in_flight) = self.in_flight.take_if(|known| known.batch == batch) else {
            return false;
        };
        for name in in_flight.names {
            self.dirty(&name);
        }
        let mut frames = in_flight.frames;
        frames.append(&mut self.waiting);
        self.waiting = frames;
        let retry_at = now.plus_millis(RETRY_STORE);
        self.wake_at(retry_at);
        self.retry_at.replace(retry_at).is_none()
    }

    /// The next output. `record` seals a record's present state, or says that it is gone.
    pub(super) fn poll(
        &mut self,
        now: Time,
        record: impl FnMut(&str) -> Result<Option<Record>, NoRandomness>,
    ) -> Option<Output> {
        if let Some(output) = self.ready.pop_front() {
            return Some(output);
        }
        let may_store = self.in_flight.is_none() && self.retry_at.is_none_or(|at| now >= at);
        if may_store && !(self.dirty.is_empty() && self.waiting.is_empty()) {
            // Without randomness nothing can be sealed; everything stays dirty until it is back.
            return match self.store(record) {
                Ok(batch) => Some(Output::Store(batch)),
                Err(NoRandomness) => {
                    self.retry_at = Some(now.plus_millis(RETRY_STORE));
                    self.wake = self.retry_at;
                    self.wake.map(Output::WakeAt)
                }
            };
        }
        if self.wake != self.announced_wake {
            self.announced_wake = self.wake;
            return self.wake.map(Output::WakeAt);
        }
        None
    }

    fn store(
        &mut self,
        mut record: impl FnMut(&str) -> Result<Option<Record>, NoRandomness>,
    ) -> Result<Batch, NoRandomness> {
        let mut batch = Batch {
            id: self.batches + 1,
            puts: Vec::new(),
            deletes: Vec::new(),
        };
        for name in &self.dirty {
            match record(name)? {
                Some(record) => batch.puts.push(record),
                None => batch.deletes.push(name.clone()),
            }
        }
        self.batches = batch.id;
        self.in_flight = Some(InFlight {
            batch: batch.id,
            names: core::mem::take(&mut self.dirty),
            frames: core::mem::take(&mut self.waiting),
        });
        Ok(batch)
    }
}
