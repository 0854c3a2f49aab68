//! The behaviours about archived contacts.

use sottovoce::archive::{Grant, Operation, Outcome};
use sottovoce::wire::{Bytes, ContactId};

use super::checks::Tried;
use super::contact::Archived;
use super::people::Person;
use super::{Answered, Trial};

/// Why none of them is tried.
pub(super) const NO_ARCHIVE: &str =
    "the policy archives nothing at level e2ee: set archive=key-manager";

impl Trial<'_> {
    /// Tries what is about archived contacts; nothing where the policy archives none.
    pub(super) async fn releases(&self) -> Vec<(&'static str, &'static str, Option<Tried>)> {
        let names = [
            (
                "release",
                "releases an archived contact's secret to who was on it and to auditors, and it is the right one",
            ),
            (
                "release-rules",
                "releases nothing to other agents, nothing without a reason, nothing of revoked or erased contacts",
            ),
            (
                "release-evidence",
                "releases nothing for commits that are not the contact's whole log",
            ),
            (
                "one-time",
                "takes a one-time key for the first contact that shows it, and refuses a second one",
            ),
        ];
        let tried = match self.archived_entry_point() {
            None => [None, None, None, None],
            Some(_) => [
                Some(self.releases_what_is_asked().await),
                Some(self.releases_by_its_rules().await),
                Some(self.verifies_commits().await),
                Some(self.binds_one_time_keys().await),
            ],
        };
        let all = names.into_iter().zip(tried);
        all.map(|((name, demand), tried)| (name, demand, tried))
            .collect()
    }

    async fn archived(&self) -> Result<Archived, String> {
        let entry = self.archived_entry_point().ok_or(NO_ARCHIVE)?;
        let key = self.one_time_key().await?;
        self.contact(&self.people.agent, entry, &key)
    }

    async fn release(
        &self,
        by: &Person,
        contact: ContactId,
        commits: &[Bytes],
        reason: &str,
    ) -> Result<Answered, String> {
        let operation = Operation::Release {
            contact,
            purpose: "conformance".to_owned(),
            reason: reason.to_owned(),
        };
        self.ask_with(by, operation, commits.to_vec()).await
    }

    async fn releases_what_is_asked(&self) -> Tried {
        let archived = self.archived().await?;
        for person in [&self.people.agent, &self.people.auditor] {
            let asked = self.release(person, archived.contact, &archived.commits, "a test");
            let (Grant::Secrets { secrets }, _) = asked.await?.granted()? else {
                return Err("it gave something else than secrets".to_owned());
            };
            let right = matches!(
                secrets.as_slice(),
                [only] if only.epoch == 0 && only.secret == archived.secret
            );
            if !right {
                return Err("the secrets are not those of the contact's epochs".to_owned());
            }
        }
        Ok(())
    }

    async fn releases_by_its_rules(&self) -> Tried {
        let archived = self.archived().await?;
        let people = &self.people;
        let release = |by, reason| self.release(by, archived.contact, &archived.commits, reason);
        let other = release(&people.other, "curious")
            .await?
            .comes_to(Outcome::Denied);
        other.map_err(|words| format!("to an agent who was not there: {words}"))?;
        let vault = release(&people.vault, "curious")
            .await?
            .comes_to(Outcome::Denied);
        vault.map_err(|words| format!("to a vault: {words}"))?;
        let silent = release(&people.auditor, "")
            .await?
            .comes_to(Outcome::Denied);
        silent.map_err(|words| format!("without a reason: {words}"))?;
        release(&people.auditor, "a test").await?.granted()?;
        let contact = archived.contact;
        let administrator = &people.administrator;
        self.ask(administrator, Operation::Revoke { contact })
            .await?
            .granted()?;
        let revoked = release(&people.auditor, "a test")
            .await?
            .comes_to(Outcome::Revoked);
        revoked.map_err(|words| format!("of a revoked contact: {words}"))?;
        self.ask(administrator, Operation::Erase { contact })
            .await?
            .granted()?;
        let erased = release(&people.auditor, "a test")
            .await?
            .comes_to(Outcome::Erased);
        erased.map_err(|words| format!("of an erased contact: {words}"))
    }

    async fn verifies_commits(&self) -> Tried {
        let (one, other) = (self.archived().await?, self.archived().await?);
        let auditor = &self.people.auditor;
        let last = one.commits.iter().skip(1).cloned().collect::<Vec<_>>();
        let mut changed = one.commits.clone();
        if let Some(first) = changed.first_mut() {
            let mut bytes = first.to_vec();
            if let Some(byte) = bytes.get_mut(100) {
                *byte ^= 1;
            }
            *first = bytes.into();
        }
        let shown = [
            ("no commits", Vec::new()),
            ("a log without its beginning", last),
            ("another contact's commits", other.commits.clone()),
            ("changed commits", changed),
        ];
        for (what, commits) in shown {
            let asked = self
                .release(auditor, one.contact, &commits, "a test")
                .await?;
            if asked.grant.is_some() {
                return Err(format!("it released secrets for {what}"));
            }
        }
        let right = self.release(auditor, one.contact, &one.commits, "a test");
        right.await?.granted().map(drop)
    }

    async fn binds_one_time_keys(&self) -> Tried {
        let entry = self.archived_entry_point().ok_or(NO_ARCHIVE)?;
        let key = self.one_time_key().await?;
        let agent = &self.people.agent;
        let first = self.contact(agent, entry, &key)?;
        let second = self.contact(agent, entry, &key)?;
        self.release(agent, first.contact, &first.commits, "a test")
            .await?
            .granted()?;
        let asked = self
            .release(agent, second.contact, &second.commits, "a test")
            .await?;
        let refused = asked.comes_to(Outcome::Denied);
        refused.map_err(|words| format!("a second contact with the key: {words}"))
    }
}
