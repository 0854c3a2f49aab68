//! What is due later: receipts for what was read, signatures verified in the background.

use super::context::Context;
use super::conversation::Conversation;
use crate::message::{Content, Envelope, MessageError, kind};
use crate::wire::{DeviceId, Time};

/// How long a client that has seen new entries may stay silent, in milliseconds.
const RECEIPT_AFTER: u64 = 10_000;
/// The same once a person has read them.
const READ_RECEIPT_AFTER: u64 = 1_000;
/// Signatures verified in the background per tick.
const VERIFY_PER_TICK: usize = 4;

impl Conversation {
    pub(super) fn expect_receipt_for(
        &mut self,
        cx: &mut Context,
        now: Time,
        opened: &Option<Result<Content, MessageError>>,
    ) {
        // A receipt for a receipt would never end.
        let says_something = matches!(opened, Some(Ok(content)) if content.kind != kind::RECEIPT);
        if says_something {
            self.receipt_due(cx, now.plus_millis(RECEIPT_AFTER));
        }
    }

    pub(super) fn expect_receipt(&mut self, cx: &mut Context, now: Time, committer: &DeviceId) {
        if *committer != cx.device() {
            self.receipt_due(cx, now.plus_millis(RECEIPT_AFTER));
        }
    }

    /// The person has read up to a position.
    pub(super) fn mark_read(&mut self, cx: &mut Context, now: Time, position: u64) {
        let position = position.min(self.head());
        if position > self.read {
            self.read = position;
            self.receipt_due(cx, now.plus_millis(READ_RECEIPT_AFTER));
        }
    }

    pub(super) fn receipt_due(&mut self, cx: &mut Context, at: Time) {
        let due = self.receipt_at.map_or(at, |known| known.min(at));
        self.receipt_at = Some(due);
        cx.outputs.wake_at(due);
    }

    /// After catching up: each author's last signature covers its whole chain.
    pub(super) fn verify_last_of_each_sender(&mut self, cx: &mut Context) {
        let mut heard = Vec::new();
        for index in (0..self.unverified.len()).rev() {
            let author = self.unverified.get(index).map(|(_, e)| e.header().device);
            if author.is_some_and(|device| !heard.contains(&device)) {
                let (position, envelope) = self.unverified.remove(index);
                heard.push(envelope.header().device);
                self.verify(cx, position, &envelope);
            }
        }
    }

    /// Verifies some of the other signatures; `true` if some are left.
    pub(super) fn verify_some(&mut self, cx: &mut Context) -> bool {
        for _ in 0..VERIFY_PER_TICK {
            match self.unverified.pop() {
                Some((position, envelope)) => self.verify(cx, position, &envelope),
                None => return false,
            }
        }
        !self.unverified.is_empty()
    }

    fn verify(&mut self, cx: &mut Context, position: u64, envelope: &Envelope) {
        if envelope.verify_signature().is_err() {
            let time = Time::default();
            self.invalid(cx, position, time, "bad-signature");
            self.stop(cx, "bad-signature");
        }
    }
}
