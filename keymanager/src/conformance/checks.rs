//! The behaviours, one by one.

use std::time::Instant;

use sottovoce::account::{ArchiveKey, KeyKind};
use sottovoce::archive::{
    AuditEntry, AuditHead, Auditor, ContactState, Grant, KeyAnswer, Operation, Outcome,
};
use sottovoce::crypto::{Random, Secret};
use sottovoce::wire::{AccountId, ContactId, Signed, Suite, Time};

use super::people::Person;
use super::releases::NO_ARCHIVE;
use super::{Check, Finding, LATENCY, NO_RANDOMNESS, Trial};

pub(super) type Tried = Result<(), String>;

/// Five minutes and a second, in milliseconds.
const TOO_FAR: u64 = 301_000;
/// Requests at the same time.
const AT_ONCE: usize = 16;

/// Tries everything, in an order in which later checks may rest on earlier ones.
pub(super) async fn all(trial: &Trial<'_>) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut add = |name, demand, tried: Tried| {
        let finding = match tried {
            Ok(()) => Finding::Passed,
            Err(words) => Finding::Failed(words),
        };
        checks.push(Check {
            name,
            demand,
            finding,
        });
    };
    add(
        "request-keys",
        "gives keys for requests, signed by its identity, of kind `request`, in both suites",
        trial.request_keys_are_right().await,
    );
    add(
        "issue",
        "gives a contact its own key, always the same one, another one to another contact",
        trial.issues().await,
    );
    add(
        "prekeys",
        "gives as many distinct one-time keys as are asked for, then the last-resort key; at most 64",
        trial.issues_ahead().await,
    );
    add(
        "data-key",
        "gives a contact's data key to vaults alone, always the same one",
        trial.gives_data_keys().await,
    );
    add(
        "unknown",
        "says `unknown` of a contact that it never issued, and makes nothing",
        trial.tells_unknown().await,
    );
    add(
        "revoke",
        "says `revoked` of a contact whose releases were ended, and nothing else",
        trial.revokes().await,
    );
    add(
        "erase",
        "says `erased` of a contact that was erased, to every operation",
        trial.erases().await,
    );
    add(
        "roles",
        "grants nothing to whom its rules do not name",
        trial.keeps_to_roles().await,
    );
    add(
        "replay",
        "answers a request once",
        trial.answers_once().await,
    );
    add(
        "signature",
        "grants nothing to a request that somebody else signed",
        trial.wants_signatures().await,
    );
    add(
        "evidence",
        "grants nothing to a device whose credential does not come along or is another one's",
        trial.wants_evidence().await,
    );
    add(
        "time",
        "grants nothing to a request more than five minutes old or early",
        trial.wants_fresh_requests().await,
    );
    add(
        "audience",
        "grants nothing to a request for another key manager",
        trial.wants_its_name().await,
    );
    add(
        "account",
        "does not serve an account that is none of its own",
        trial.serves_its_accounts().await,
    );
    add(
        "malformed",
        "says `malformed` to what cannot be read, and goes on",
        trial.survives_garbage().await,
    );
    add(
        "audit",
        "writes down every request, in a signed chain without gaps, and tells its head with each answer",
        trial.writes_down().await,
    );
    add(
        "concurrency",
        "answers requests that come at the same time, each with a head of its own",
        trial.answers_at_once().await,
    );
    add("latency", "answers within 250 ms", trial.is_quick().await);
    for (name, demand, tried) in trial.releases().await {
        checks.push(Check {
            name,
            demand,
            finding: match tried {
                None => Finding::NotTried(NO_ARCHIVE),
                Some(Ok(())) => Finding::Passed,
                Some(Err(words)) => Finding::Failed(words),
            },
        });
    }
    checks
}

fn fresh() -> Result<ContactId, String> {
    let bytes = Random::os().bytes().map_err(|_| NO_RANDOMNESS)?;
    Ok(ContactId::new(bytes))
}

impl Trial<'_> {
    async fn key_of(&self, contact: ContactId, suite: Suite) -> Result<ArchiveKey, String> {
        let agent = &self.people.agent;
        let request = self.request(agent, suite, Operation::Issue { contact })?;
        let answered = self.send(request, Vec::new(), agent).await?;
        let (Grant::Key { key }, _) = answered.granted()? else {
            return Err("`issue` gave something else than a key".to_owned());
        };
        let signed = Signed::from_bytes(&key).map_err(|error| error.to_string())?;
        let record = self.known.archive_key(&signed, (self.now)());
        let record = record.map_err(|error| format!("the key does not count: {error}"))?;
        if record.kind != KeyKind::Contact || record.contact != Some(contact) {
            return Err("the key is not made out to the contact".to_owned());
        }
        if record.suite != suite {
            return Err("the key is of another suite than the request".to_owned());
        }
        Ok(record)
    }

    async fn data_key(&self, contact: ContactId) -> Result<Secret<32>, String> {
        let asked = self
            .ask(&self.people.vault, Operation::DataKey { contact })
            .await?;
        match asked.granted()? {
            (Grant::DataKey { key }, _) => Ok(key),
            _ => Err("`data-key` gave something else than a data key".to_owned()),
        }
    }

    async fn issued(&self) -> Result<ContactId, String> {
        let contact = fresh()?;
        self.key_of(contact, Suite::XWing).await?;
        Ok(contact)
    }

    async fn state(&self, contact: ContactId) -> Result<ContactState, String> {
        let asked = self
            .ask(&self.people.agent, Operation::Status { contact })
            .await?;
        match asked.granted()? {
            (Grant::Status { state, .. }, _) => Ok(state),
            _ => Err("`status` gave something else than a status".to_owned()),
        }
    }

    async fn request_keys_are_right(&self) -> Tried {
        let keys = self.service.request_keys(&self.customer.account).await?;
        let mut suites = Vec::new();
        for key in &keys {
            let signed = Signed::from_bytes(key).map_err(|error| error.to_string())?;
            let record = self.known.archive_key(&signed, (self.now)());
            let record = record.map_err(|error| format!("a key does not count: {error}"))?;
            if record.kind != KeyKind::Request {
                return Err("a key is not of kind `request`".to_owned());
            }
            suites.push(record.suite);
        }
        match Suite::ALL.iter().find(|suite| !suites.contains(suite)) {
            Some(missing) => Err(format!("there is none of suite {}", missing.number())),
            None => Ok(()),
        }
    }

    async fn issues(&self) -> Tried {
        let (one, other) = (fresh()?, fresh()?);
        let first = self.key_of(one, Suite::XWing).await?;
        if self.key_of(one, Suite::XWing).await?.public_key != first.public_key {
            return Err("asked again, it gave the contact another key".to_owned());
        }
        if self.key_of(other, Suite::XWing).await?.public_key == first.public_key {
            return Err("two contacts have one key".to_owned());
        }
        self.key_of(one, Suite::X25519).await.map(drop)
    }

    async fn issues_ahead(&self) -> Tried {
        let agent = &self.people.agent;
        let asked = self.ask(agent, Operation::Prekeys { count: 3 }).await?;
        let (Grant::Keys { keys }, _) = asked.granted()? else {
            return Err("it gave something else than keys".to_owned());
        };
        let mut records = Vec::new();
        for key in &keys {
            let signed = Signed::from_bytes(key).map_err(|error| error.to_string())?;
            let record = self.known.archive_key(&signed, (self.now)());
            records.push(record.map_err(|error| format!("a key does not count: {error}"))?);
        }
        let kinds: Vec<_> = records.iter().map(|record| record.kind).collect();
        let once = KeyKind::OneTime;
        if kinds != [once, once, once, KeyKind::LastResort] {
            return Err(
                "it gave other kinds than three one-time keys and the last-resort key".to_owned(),
            );
        }
        let mut keys: Vec<_> = records
            .iter()
            .map(|record| record.public_key.to_vec())
            .collect();
        keys.sort();
        keys.dedup();
        if keys.len() != records.len() {
            return Err("two of its keys are the same".to_owned());
        }
        let too_many = self.ask(agent, Operation::Prekeys { count: 65 }).await?;
        too_many.comes_to(Outcome::Malformed)
    }

    async fn gives_data_keys(&self) -> Tried {
        let (one, other) = (self.issued().await?, self.issued().await?);
        let first = self.data_key(one).await?;
        if self.data_key(one).await? != first {
            return Err("asked again, it gave another key".to_owned());
        }
        if self.data_key(other).await? == first {
            return Err("two contacts have one data key".to_owned());
        }
        Ok(())
    }

    async fn tells_unknown(&self) -> Tried {
        let contact = fresh()?;
        for operation in [
            Operation::Status { contact },
            Operation::DataKey { contact },
        ] {
            let asked = self.ask(&self.people.vault, operation).await?;
            asked.comes_to(Outcome::Unknown)?;
        }
        // Asking for a data key made nothing.
        let asked = self.ask(&self.people.vault, Operation::Status { contact });
        asked.await?.comes_to(Outcome::Unknown)
    }

    async fn revokes(&self) -> Tried {
        let contact = self.issued().await?;
        let revoke = Operation::Revoke { contact };
        self.ask(&self.people.administrator, revoke)
            .await?
            .granted()?;
        if self.state(contact).await? != ContactState::Revoked {
            return Err("its status is not `revoked`".to_owned());
        }
        let asked = self.ask(&self.people.vault, Operation::DataKey { contact });
        asked.await?.comes_to(Outcome::Revoked)
    }

    async fn erases(&self) -> Tried {
        let contact = self.issued().await?;
        let erase = || self.ask(&self.people.administrator, Operation::Erase { contact });
        erase().await?.granted()?;
        erase().await?.granted()?;
        if self.state(contact).await? != ContactState::Erased {
            return Err("its status is not `erased`".to_owned());
        }
        for operation in [Operation::DataKey { contact }, Operation::Issue { contact }] {
            let asked = self.ask(&self.people.vault, operation).await?;
            asked.comes_to(Outcome::Erased)?;
        }
        Ok(())
    }

    async fn keeps_to_roles(&self) -> Tried {
        let contact = self.issued().await?;
        let people = &self.people;
        let refused: [(&Person, Operation, &str); 4] = [
            (
                &people.agent,
                Operation::DataKey { contact },
                "an agent a data key",
            ),
            (
                &people.auditor,
                Operation::DataKey { contact },
                "an auditor a data key",
            ),
            (
                &people.agent,
                Operation::Revoke { contact },
                "an agent a revocation",
            ),
            (
                &people.agent,
                Operation::Erase { contact },
                "an agent an erasure",
            ),
        ];
        for (person, operation, what) in refused {
            let asked = self.ask(person, operation).await?;
            let denied = asked.comes_to(Outcome::Denied);
            denied.map_err(|words| format!("it granted {what}: {words}"))?;
            if asked.answer.code.is_empty() {
                return Err("it denied without a code".to_owned());
            }
        }
        Ok(())
    }

    async fn answers_once(&self) -> Tried {
        let contact = self.issued().await?;
        let vault = &self.people.vault;
        let request = self.request(vault, Suite::XWing, Operation::DataKey { contact })?;
        let (parcel, awaited) = self.pack(request, Vec::new(), vault).await?;
        self.deliver(&parcel, &awaited).await?.granted()?;
        let again = self.deliver(&parcel, &awaited).await?;
        let refused = again.is(Outcome::Denied, "replayed");
        refused.map_err(|words| format!("sent a second time: {words}"))
    }

    async fn wants_signatures(&self) -> Tried {
        let contact = self.issued().await?;
        let people = &self.people;
        let request = self.request(&people.vault, Suite::XWing, Operation::DataKey { contact })?;
        // Packed, and so signed, by somebody else.
        let asked = self.send(request, Vec::new(), &people.agent).await?;
        asked.comes_to(Outcome::Malformed)
    }

    async fn wants_evidence(&self) -> Tried {
        let contact = self.issued().await?;
        let people = &self.people;
        let operation = || Operation::Status { contact };
        let mut request = self.request(&people.agent, Suite::XWing, operation())?;
        request.evidence.clone_from(&self.customer.objects);
        let asked = self.send(request, Vec::new(), &people.agent).await?;
        let denied = asked.comes_to(Outcome::Denied);
        denied.map_err(|words| format!("without a credential: {words}"))?;
        let mut request = self.request(&people.agent, Suite::XWing, operation())?;
        request.evidence.clone_from(&self.customer.objects);
        request.evidence.extend(people.auditor.credential.clone());
        let asked = self.send(request, Vec::new(), &people.agent).await?;
        let denied = asked.comes_to(Outcome::Denied);
        denied.map_err(|words| format!("with somebody else's credential: {words}"))
    }

    async fn wants_fresh_requests(&self) -> Tried {
        let contact = self.issued().await?;
        let agent = &self.people.agent;
        let now = (self.now)().millis();
        let times = [
            ("old", now.saturating_sub(TOO_FAR)),
            ("early", now + TOO_FAR + 10_000),
        ];
        for (what, time) in times {
            let mut request = self.request(agent, Suite::XWing, Operation::Status { contact })?;
            request.time = Time::from_millis(time);
            let asked = self.send(request, Vec::new(), agent).await?;
            let denied = asked.is(Outcome::Denied, "time-off");
            denied.map_err(|words| format!("a request that is too {what}: {words}"))?;
        }
        Ok(())
    }

    async fn wants_its_name(&self) -> Tried {
        let contact = self.issued().await?;
        let agent = &self.people.agent;
        let mut request = self.request(agent, Suite::XWing, Operation::Status { contact })?;
        request.audience = self.people.other.key.public();
        let (parcel, _) = self.pack(request, Vec::new(), agent).await?;
        let answer = self.service.answer(&self.customer.account, &parcel).await?;
        not_granted(&answer)
    }

    async fn serves_its_accounts(&self) -> Tried {
        let other = Random::os().bytes().map_err(|_| NO_RANDOMNESS)?;
        let other = AccountId::new(other);
        if self.service.request_keys(&other).await.is_ok() {
            return Err("it gave keys for an account that does not exist".to_owned());
        }
        match self.service.answer(&other, &[0]).await {
            Ok(_) => Err("it answered for an account that does not exist".to_owned()),
            Err(_) => Ok(()),
        }
    }

    async fn survives_garbage(&self) -> Tried {
        for garbage in [&[][..], &[0], &[0x82; 64], &[0xff; 1024]] {
            let answered = self.service.answer(&self.customer.account, garbage).await;
            let answer = answered.map_err(|error| format!("garbage was not answered: {error}"))?;
            not_granted(&answer)?;
        }
        self.issued().await.map(drop)
    }

    async fn writes_down(&self) -> Tried {
        let contact = self.issued().await?;
        let agent = &self.people.agent;
        let (_, before) = self
            .ask(agent, Operation::Status { contact })
            .await?
            .granted()?;
        let denied = self.ask(agent, Operation::Erase { contact }).await?;
        let after = denied.answer.audit;
        if after.number != before.number + 1 {
            let (from, to) = (before.number, after.number);
            return Err(format!(
                "the head went from {from} to {to} with one request"
            ));
        }
        let mut auditor = Auditor::new(self.customer.account, self.identity, before);
        let fetch = Operation::Audit {
            after: before.number,
        };
        let (grant, _) = self
            .ask(&self.people.administrator, fetch)
            .await?
            .granted()?;
        let Grant::Audit { entries } = grant else {
            return Err("`audit` gave something else than entries".to_owned());
        };
        let mut found = None;
        for entry in &entries {
            let signed =
                Signed::<AuditEntry>::from_bytes(entry).map_err(|error| error.to_string())?;
            let entry = auditor.take(&signed).map_err(|error| error.to_string())?;
            if entry.number == after.number {
                found = Some((entry, Some(signed.hash())));
            }
        }
        match found {
            Some((entry, hash)) if entry.outcome == Outcome::Denied && hash == after.hash => Ok(()),
            Some(_) => {
                Err("the entry of a request is not the one that its answer named".to_owned())
            }
            None => Err("the entry of a request is missing".to_owned()),
        }
    }

    async fn answers_at_once(&self) -> Tried {
        let contact = self.issued().await?;
        let agent = &self.people.agent;
        let asking = (0..AT_ONCE).map(|_| self.ask(agent, Operation::Status { contact }));
        let mut heads: Vec<AuditHead> = Vec::new();
        for answered in futures_util::future::join_all(asking).await {
            let (_, head) = answered?.granted()?;
            if heads.iter().any(|known| known.number == head.number) {
                return Err("two answers have one number in the audit log".to_owned());
            }
            heads.push(head);
        }
        Ok(())
    }

    async fn is_quick(&self) -> Tried {
        let contact = self.issued().await?;
        let vault = &self.people.vault;
        let mut took = Vec::new();
        for _ in 0..20 {
            let request = self.request(vault, Suite::XWing, Operation::DataKey { contact })?;
            let (parcel, awaited) = self.pack(request, Vec::new(), vault).await?;
            let begun = Instant::now();
            self.deliver(&parcel, &awaited).await?.granted()?;
            took.push(begun.elapsed());
        }
        took.sort();
        // One in twenty may have met something else.
        let slow = took.iter().rev().nth(1).copied().unwrap_or_default();
        if slow <= LATENCY {
            return Ok(());
        }
        Err(format!("it took {} ms", slow.as_millis()))
    }
}

/// Whatever it says, it is signed or not, but nothing is granted.
fn not_granted(answer: &[u8]) -> Tried {
    let signed = Signed::<KeyAnswer>::from_bytes(answer).map_err(|error| error.to_string())?;
    let answer = signed.parse().map_err(|error| error.to_string())?;
    if answer.outcome == Outcome::Granted {
        return Err("it granted that".to_owned());
    }
    Ok(())
}
