//! Somebody who writes, and what must be there of it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use sottovoce::wire::ContactId;
use tokio::sync::watch;

use crate::Person;
use crate::person::Line;

/// How often each person writes.
const PACE: Duration = Duration::from_millis(50);

/// Somebody who writes numbered texts to one contact, over several lives of their client.
#[derive(Debug)]
pub struct Writer {
    /// Who.
    pub person: Arc<Person>,
    /// Where.
    pub contact: ContactId,
    /// What each text begins with.
    pub prefix: String,
    next: u64,
    /// What was ever shown as sent, and may be forgotten by now.
    pub acknowledged: BTreeSet<String>,
}

impl Writer {
    /// Somebody who has not written yet.
    pub fn new(person: &Arc<Person>, contact: ContactId, prefix: String) -> Self {
        Self {
            person: Arc::clone(person),
            contact,
            prefix,
            next: 0,
            acknowledged: BTreeSet::new(),
        }
    }

    /// Writes until told to stop.
    pub async fn write(mut self, mut stop: watch::Receiver<bool>) -> Self {
        while !*stop.borrow() {
            let words = format!("{}{}", self.prefix, self.next);
            self.person.say(self.contact, &words).await;
            self.next += 1;
            let _ = tokio::time::timeout(PACE, stop.changed()).await;
        }
        self.note();
        self
    }

    fn note(&mut self) {
        let shown = self.person.shown();
        let own = shown.acknowledged.into_iter();
        self.acknowledged
            .extend(own.filter(|text| text.starts_with(&self.prefix)));
    }

    /// Waits for what is still on its way.
    pub async fn finish(&mut self) {
        let last = format!("{}{}", self.prefix, self.next - 1);
        self.person
            .until("the last acknowledgement", |shown| {
                shown.acknowledged.contains(&last).then_some(())
            })
            .await;
        self.note();
    }
}

/// An author's numbers rise by one in a transcript, and are all those that were acknowledged.
///
/// # Panics
/// When they are not.
pub fn once_and_in_order(transcript: &[Line], author: &Writer) {
    let texts = transcript.iter().map(|(_, _, text)| text);
    let there: Vec<&String> = texts
        .filter(|text| text.starts_with(&author.prefix))
        .collect();
    assert_eq!(there.len(), author.acknowledged.len());
    for (number, text) in there.into_iter().enumerate() {
        assert_eq!(*text, format!("{}{number}", author.prefix));
        assert!(author.acknowledged.contains(text));
    }
}
