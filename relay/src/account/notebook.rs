//! Teams' notebooks: who may write them, and who is given them.

use sottovoce::account::AccountError;
use sottovoce::message::Notebook;
use sottovoce::wire::frame::{Object, ObjectKind};
use sottovoce::wire::{DeviceId, Signed, Time, limits};

use super::announce::Announcement;
use super::book::{Book, Known};
use super::publish::Publication;
use crate::fanout::Topic;
use crate::refusal::Refusal;

impl Book {
    /// Compares and swaps: of two members who write at the same time the second one is told.
    pub(super) fn publish_notebook(
        &mut self,
        object: &Object,
        now: Time,
    ) -> Result<Publication, Refusal> {
        let mut publication = Publication::default();
        let signed = Signed::<Notebook>::from_bytes(&object.bytes)?;
        let stated = signed.parse()?;
        let author = stated.author;
        let credential = self.credentials.get(&author);
        let credential = &credential.ok_or(AccountError::NotSigned)?.signed;
        let policy = self.policy(now)?;
        if !self.standing(&author, now).is_in(&stated.team) {
            return Err(Refusal::NotAllowed);
        }
        let notebook = Notebook::verify(&signed, &self.account, credential, policy)?;
        if let Some(known) = self.notebooks.get(&notebook.team) {
            let (hash, number) = (known.signed.hash(), known.body.number);
            if hash == signed.hash() {
                return Ok(publication);
            }
            if notebook.number < number {
                return Err(AccountError::RolledBack.into());
            }
            let follows = notebook.number == number + 1;
            if notebook.number == number || (follows && notebook.previous != Some(hash)) {
                return Err(AccountError::Conflict.into());
            }
        }
        if notebook.time.millis().abs_diff(now.millis()) > limits::LIVE_TOLERANCE {
            return Err(Refusal::TimeOff);
        }
        let team = notebook.team.clone();
        publication.put(ObjectKind::Notebook, team.as_bytes(), &object.bytes);
        let known = Known {
            body: notebook,
            signed,
        };
        publication.announcements.extend(self.notebook_news(&known));
        self.notebooks.insert(team, known);
        Ok(publication)
    }

    /// The team is told, with what proves who wrote it.
    pub(super) fn notebook_news(&self, known: &Known<Notebook>) -> Option<Announcement> {
        Some(Announcement {
            topic: Topic::Team(self.account.id(), known.body.team.clone()),
            objects: self.with_author(known)?,
        })
    }

    fn with_author(&self, known: &Known<Notebook>) -> Option<Vec<Object>> {
        let author = self.credentials.get(&known.body.author)?;
        Some(vec![
            author.object(ObjectKind::Credential),
            known.object(ObjectKind::Notebook),
        ])
    }

    /// A team's newest notebook, for its staff.
    pub(super) fn notebook(
        &self,
        team: &str,
        asker: &DeviceId,
        now: Time,
    ) -> Result<Vec<Object>, Refusal> {
        if !self.standing(asker, now).is_in(team) {
            return Err(Refusal::NotAllowed);
        }
        let known = self.notebooks.get(team);
        Ok(known
            .and_then(|known| self.with_author(known))
            .unwrap_or_default())
    }
}
