//! What is known of a contact beside its messages: details that the visitor gave, labels that staff
//! put on it. Neither is an item of the transcript.

use super::context::{Context, STAFF};
use super::conversation::Conversation;
use crate::account::Role;
use crate::gather::Gather;
use crate::message::{Audience, Content, Detail, kind, labels_from_body, labels_to_body};
use crate::wire::{DeviceId, Time, limits};

/// As the log says it so far. Entries may be read out of order, so each thing knows its position.
#[derive(Debug, Default)]
pub(super) struct About {
    /// The last of each name, with those that were taken back.
    details: Vec<(Detail, u64)>,
    labels: (Vec<String>, u64),
}

impl About {
    /// What holds now.
    pub(super) fn details(&self) -> Vec<Detail> {
        let stated = self.details.iter().map(|(detail, _)| detail);
        let holds = stated.filter(|detail| !detail.value.is_empty());
        holds.take(limits::DETAILS).cloned().gather()
    }

    pub(super) fn labels(&self) -> Vec<String> {
        self.labels.0.clone()
    }

    fn take_details(&mut self, details: Vec<Detail>, position: u64) {
        for detail in details {
            let mut known = self.details.iter_mut();
            match known.find(|(known, _)| known.name == detail.name) {
                Some(known) if known.1 <= position => *known = (detail, position),
                Some(_) => {}
                None => self.details.push((detail, position)),
            }
        }
    }
}

/// Whether contents of a kind are for clients, not for people to read one by one.
pub(super) fn is_silent(kind: &str) -> bool {
    matches!(
        kind,
        kind::RECEIPT | kind::IDENTITY | kind::DETAILS | kind::LABELS
    )
}

impl Conversation {
    /// Takes in what a content says about the contact; `false` if that is not its author's to say, or
    /// cannot be read: then it is a content like any other.
    pub(super) fn take_about(
        &mut self,
        device: &DeviceId,
        audience: Audience,
        content: &Content,
        position: u64,
    ) -> bool {
        match content.kind.as_str() {
            kind::DETAILS if audience == Audience::All && self.is_visitor(device) => {
                let details = Detail::from_body(&content.body);
                let is_read = details.is_some();
                self.about
                    .take_details(details.unwrap_or_default(), position);
                is_read
            }
            // Only staff write for staff.
            kind::LABELS if STAFF && audience == Audience::Staff => {
                let Some(labels) = labels_from_body(&content.body) else {
                    return false;
                };
                if position >= self.about.labels.1 {
                    self.about.labels = (labels, position);
                }
                true
            }
            _ => false,
        }
    }

    /// Whether a device is the visitor's, who never leaves.
    pub(super) fn is_visitor(&self, device: &DeviceId) -> bool {
        let member = self
            .log
            .as_ref()
            .and_then(|log| log.roster().member(device));
        member.is_some_and(|member| member.role == Role::Visitor)
    }

    /// The visitor's page gives details.
    pub(super) fn describe(&mut self, cx: &mut Context, now: Time, details: Vec<Detail>) {
        if cx.is_staff() {
            return cx.failed(Some(self.id), "role-not-allowed");
        }
        let body = Detail::to_body(details);
        self.queue_about(cx, now, kind::DETAILS, body, false);
    }

    /// Staff on the roster say which labels the contact has now.
    pub(super) fn label(&mut self, cx: &mut Context, now: Time, mut labels: Vec<String>) {
        if !cx.role().is_staff() {
            return cx.failed(Some(self.id), "role-not-allowed");
        }
        // Nobody is to find it waiting for ever.
        if let Err(code) = self.can_send(cx, now)
            && matches!(code, "not-on-roster" | "claim-first" | "closed")
        {
            return cx.failed(Some(self.id), code);
        }
        let mut kept = Vec::new();
        for label in labels.drain(..) {
            if !kept.contains(&label) {
                kept.push(label);
            }
        }
        let body = labels_to_body(kept);
        self.queue_about(cx, now, kind::LABELS, body, true);
    }

    fn queue_about(
        &mut self,
        cx: &mut Context,
        now: Time,
        kind: &str,
        body: Option<crate::wire::Bytes>,
        staff: bool,
    ) {
        match body {
            Some(body) => self.queue(cx, now, kind.to_owned(), body.into_vec(), None, staff),
            None => cx.failed(Some(self.id), "content-too-large"),
        }
    }
}
