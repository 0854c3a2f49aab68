//! What is written: contacts of visitors and their envelopes, signed and chained beforehand, so
//! that no writer signs while the clock runs.

use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use sottovoce::wire::frame::ClientFrame;
use sottovoce::wire::{Bytes, ContactId, ContentId, encode};
use sottovoce_test_scene::client::fresh_id;
use sottovoce_test_scene::{Business, Person, Talk};
use tokio_tungstenite::tungstenite;

/// An entry, and the frame that appends it.
#[derive(Clone, Debug)]
pub struct Message {
    /// The append's id.
    pub id: ContentId,
    /// The entry.
    pub entry: Bytes,
    /// The encoded frame.
    pub frame: tungstenite::Bytes,
}

impl Message {
    fn new(contact: ContactId, entry: Bytes) -> Self {
        let id = fresh_id();
        let frame = encode(&ClientFrame::Append {
            id,
            contact,
            entry: entry.clone(),
        });
        Self {
            id,
            entry,
            frame: frame.into(),
        }
    }
}

/// A visitor with one contact and all that they will write to it.
pub struct Conversation {
    /// Who writes.
    pub visitor: Person,
    /// To which contact.
    pub contact: ContactId,
    /// The `create` commit, then envelopes: the message at index `i` gets position `i + 1`.
    pub messages: Vec<Message>,
}

impl Conversation {
    fn new(business: &Business, length: usize) -> Self {
        let visitor = Person::new();
        let (mut talk, create) = Talk::start(business, &visitor);
        let contact = talk.contact;
        let said = (0..length).map(|_| talk.say(&visitor, TEXT));
        let entries: Vec<_> = std::iter::once(create).chain(said).collect();
        let messages = entries
            .into_iter()
            .map(|entry| Message::new(contact, entry));
        Self {
            visitor,
            contact,
            messages: messages.collect(),
        }
    }
}

/// What is said: padded to 256 bytes, as nearly all that people write.
const TEXT: &str = "Good morning! The blue one in size 38, please, if you have it. Thank you.";

/// Makes conversations of a number of envelopes each, on all cores.
pub fn conversations(
    business: &Arc<Business>,
    number: usize,
    length: usize,
) -> Vec<Arc<Conversation>> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let make = |share: usize| -> Vec<_> {
        (0..share)
            .map(|_| Arc::new(Conversation::new(business, length)))
            .collect()
    };
    thread::scope(|scope| {
        let shares = (0..cores).map(|core| number / cores + usize::from(core < number % cores));
        let running: Vec<_> = shares
            .map(|share| scope.spawn(move || make(share)))
            .collect();
        running
            .into_iter()
            .filter_map(|made| made.join().ok())
            .flatten()
            .collect()
    })
}
