//! What is to be written of events, before either database is asked to.

use std::collections::{BTreeMap, HashMap};

use sottovoce::wire::{AccountId, Time};

use super::StoreError;
use crate::body;
use crate::event::{Kinds, NewEvent};
use crate::identity;

/// The endpoints for which an account's events are kept, and of which kinds.
pub(super) type Listening = HashMap<AccountId, Vec<(String, Kinds)>>;

/// The rows of some events; all empty where nobody wants them.
pub(super) struct Plan<'a> {
    /// Events by their new ids, with their bodies.
    pub(super) events: Vec<(String, &'a NewEvent, Vec<u8>)>,
    /// The lanes of endpoints that get more, and when that is due.
    pub(super) lanes: Vec<((&'a str, &'a [u8]), Time)>,
    /// Which endpoint is to be told of which event.
    pub(super) deliveries: Vec<(&'a str, String, &'a NewEvent)>,
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
        for event in events {
            let endpoints = listening.get(&event.account).into_iter().flatten();
            let mut endpoints = endpoints
                .filter(|(_, kinds)| kinds.has(event.kind))
                .peekable();
            if endpoints.peek().is_none() {
                continue;
            }
            let id = identity::fresh("evt_")?;
            for (endpoint, _) in endpoints {
                deliveries.push((endpoint.as_str(), id.clone(), event));
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
        })
    }
}
