//! What is to be written of events, before either database is asked to.

use std::collections::{BTreeMap, HashMap};

use sottovoce::wire::{AccountId, Time};

use super::{Recorded, StoreError};
use crate::body;
use crate::event::{Kinds, NewEvent};
use crate::identity;

/// The endpoints of accounts.
pub(super) type Listening = HashMap<AccountId, Vec<Listener>>;

/// An endpoint, as far as it decides what is kept for it.
#[derive(Debug)]
pub(super) struct Listener {
    /// Its id.
    pub(super) endpoint: String,
    /// What it wants to be told of.
    pub(super) kinds: Kinds,
    /// Whether so much waits for it that nothing more is kept.
    pub(super) is_full: bool,
}

/// The rows of some events; all empty where nobody wants them.
pub(super) struct Plan<'a> {
    /// Events by their new ids, with their bodies.
    pub(super) events: Vec<(String, &'a NewEvent, Vec<u8>)>,
    /// The lanes of endpoints that get more, and when that is due.
    pub(super) lanes: Vec<((&'a str, &'a [u8]), Time)>,
    /// Which endpoint is to be told of which event.
    pub(super) deliveries: Vec<(&'a str, String, &'a NewEvent)>,
    /// How many were wanted by endpoints for which nothing more is kept.
    pub(super) dropped: usize,
}

impl<'a> Plan<'a> {
    /// Finds out who is told of what.
    ///
    /// # Errors
    /// [`StoreError`]: there is no randomness for ids.
    pub(super) fn new(
        events: &'a [NewEvent],
        listening: &'a Listening,
    ) -> Result<Self, StoreError> {
        let mut kept = Vec::new();
        let mut deliveries = Vec::new();
        let mut dropped = 0;
        for event in events {
            let endpoints = listening.get(&event.account).into_iter().flatten();
            let wanting = endpoints.filter(|listener| listener.kinds.has(event.kind));
            let (full, open): (Vec<_>, Vec<_>) = wanting.partition(|listener| listener.is_full);
            dropped += full.len();
            if open.is_empty() {
                continue;
            }
            let id = identity::fresh("evt_")?;
            for listener in open {
                deliveries.push((listener.endpoint.as_str(), id.clone(), event));
            }
            let body = body::of(&id, event).ok_or(StoreError::Unreadable)?;
            kept.push((id, event, body));
        }
        let lanes: BTreeMap<_, _> = deliveries
            .iter()
            .map(|(endpoint, _, event)| ((*endpoint, event.subject.lane()), event.time))
            .collect();
        Ok(Self {
            events: kept,
            lanes: lanes.into_iter().collect(),
            deliveries,
            dropped,
        })
    }

    /// What is told of it once it is written.
    pub(super) const fn recorded(&self) -> Recorded {
        Recorded {
            deliveries: self.deliveries.len(),
            dropped: self.dropped,
        }
    }
}
