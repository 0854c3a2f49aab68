//! The fan-out within one process.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::{Event, Fanout, QUEUE, SubscriberId, Topic};

/// See the module's documentation.
#[derive(Debug, Default)]
pub struct LocalFanout(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: SubscriberId,
    subscribers: HashMap<SubscriberId, Subscriber>,
    topics: HashMap<Topic, HashSet<SubscriberId>>,
}

#[derive(Debug)]
struct Subscriber {
    queue: mpsc::Sender<Event>,
    topics: HashSet<Topic>,
}

impl LocalFanout {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock, and every change leaves a whole state.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn remove(&mut self, id: SubscriberId) {
        let Some(subscriber) = self.subscribers.remove(&id) else {
            return;
        };
        for topic in &subscriber.topics {
            self.leave(id, topic);
        }
    }

    fn leave(&mut self, id: SubscriberId, topic: &Topic) {
        if let Some(members) = self.topics.get_mut(topic) {
            members.remove(&id);
            if members.is_empty() {
                self.topics.remove(topic);
            }
        }
    }
}

impl Fanout for LocalFanout {
    fn connect(&self) -> (SubscriberId, mpsc::Receiver<Event>) {
        let (queue, events) = mpsc::channel(QUEUE);
        let mut state = self.state();
        state.last += 1;
        let id = state.last;
        let subscriber = Subscriber {
            queue,
            topics: HashSet::new(),
        };
        state.subscribers.insert(id, subscriber);
        (id, events)
    }

    fn disconnect(&self, subscriber: SubscriberId) {
        self.state().remove(subscriber);
    }

    fn subscribe(&self, subscriber: SubscriberId, topic: Topic) {
        let mut state = self.state();
        if let Some(known) = state.subscribers.get_mut(&subscriber) {
            known.topics.insert(topic.clone());
            state.topics.entry(topic).or_default().insert(subscriber);
        }
    }

    fn unsubscribe(&self, subscriber: SubscriberId, topic: &Topic) {
        let mut state = self.state();
        if let Some(known) = state.subscribers.get_mut(&subscriber) {
            known.topics.remove(topic);
            state.leave(subscriber, topic);
        }
    }

    fn publish(&self, topics: &[Topic], event: &Event) {
        let mut state = self.state();
        let concerned: BTreeSet<_> = topics
            .iter()
            .filter_map(|topic| state.topics.get(topic))
            .flatten()
            .copied()
            .collect();
        for id in concerned {
            let full = state
                .subscribers
                .get(&id)
                .is_some_and(|subscriber| subscriber.queue.try_send(event.clone()).is_err());
            if full {
                state.remove(id);
            }
        }
    }
}
