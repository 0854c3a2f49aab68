//! SPEC 7.8: what a caller of the older shape asks for. It is proven by the account's secret token
//! alone, gets a key of its own kind, and has no other operation.

use sottovoce::archive::{ContactState, KeyAnswer, KeyRequest, Outcome};
use sottovoce::crypto::Random;
use sottovoce::crypto::secret::equal;
use sottovoce::wire::codec::{Encode, Writer};
use sottovoce::wire::{AccountId, ContactId, Suite, Time, Version, encode};
use sottovoce_older_keys::ContactKey;
use sqlx::AnyConnection;

use super::{Asker, KeyManager, No, ServiceError};
use crate::store::{self, OLDER};

/// Begins what the id of a contact is made of that has another form.
const LABEL: &str = "sottovoce/0 older-contact";

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OlderCall {
    /// The key of a contact; it is made if there is none.
    Create(ContactId),
    /// The key of the second contact, for the first as well.
    Copy(ContactId, ContactId),
    /// The key of a contact that has one.
    Read(ContactId),
}

impl OlderCall {
    /// What stands about it in the audit log: a copy reads one contact's key and makes another's.
    fn entries(&self) -> Vec<(&'static str, ContactId)> {
        match *self {
            Self::Create(contact) => vec![("older-create", contact)],
            Self::Copy(contact, from) => vec![("older-read", from), ("older-copy", contact)],
            Self::Read(contact) => vec![("older-read", contact)],
        }
    }
}

/// The contact that an id names: its own, or one that is made of account and id.
pub fn contact_of(account: &AccountId, id: &str) -> ContactId {
    id.parse().unwrap_or_else(|_| {
        let hash = KeyRequest::hash_of(&encode(&Foreign(account, id)));
        let (first, _) = hash.as_array().split_at(16);
        ContactId::from_slice(first).unwrap_or(ContactId::new([0; 16]))
    })
}

/// CBOR `["sottovoce/0 older-contact", account, id]`.
struct Foreign<'a>(&'a AccountId, &'a str);

impl Encode for Foreign<'_> {
    fn encode(&self, out: &mut Writer) {
        out.array(3);
        out.text(LABEL);
        self.0.encode(out);
        out.text(self.1);
    }
}

impl KeyManager {
    /// Answers a call that the account's secret token proved; `sent` is what it was, for the audit log.
    /// The key, or the outcome that says why there is none.
    ///
    /// # Errors
    /// [`ServiceError`]: there is no answer, and nothing has changed.
    pub async fn answer_older(
        &self,
        account: &AccountId,
        call: &OlderCall,
        sent: &[u8],
        now: Time,
    ) -> Result<Result<ContactKey, Outcome>, ServiceError> {
        self.serves(account)?;
        let mut turn = self.turn.lock().await;
        let mut transaction = self.store.begin().await?;
        let connection: &mut AnyConnection = &mut transaction;
        let most = self.rules.data_key.per_minute;
        let done = if turn.counts(self.identity(), "older", most, now) {
            self.perform_older(connection, account, call, now).await?
        } else {
            Err(No(Outcome::Throttled, "throttled"))
        };
        let (outcome, code) = match &done {
            Ok(_) => (Outcome::Granted, ""),
            Err(No(outcome, code)) => (*outcome, *code),
        };
        let mut answer = KeyAnswer {
            version: Version,
            suite: Suite::X25519,
            account: *account,
            request: KeyRequest::hash_of(sent),
            outcome,
            code: code.to_owned(),
            payload: None,
            time: now,
            audit: store::audit_head(connection, account).await?,
        };
        for (operation, contact) in call.entries() {
            let asker = Asker {
                device: self.identity(),
                operation,
                contact: Some(contact),
            };
            answer.audit = self.write_down(connection, &asker, &answer).await?;
        }
        transaction
            .commit()
            .await
            .map_err(store::StoreError::from)?;
        Ok(done.map_err(|No(outcome, _)| outcome))
    }

    async fn perform_older(
        &self,
        connection: &mut AnyConnection,
        account: &AccountId,
        call: &OlderCall,
        now: Time,
    ) -> Result<Result<ContactKey, No>, ServiceError> {
        let unknown = Err(No(Outcome::Unknown, "unknown-contact"));
        let (contact, from) = match call {
            OlderCall::Read(contact) => {
                let known = self.older_key(connection, account, contact).await?;
                return Ok(known.and_then(|known| known.map_or(unknown, Ok)));
            }
            OlderCall::Create(contact) => (contact, None),
            OlderCall::Copy(contact, from) => {
                let source = self.older_key(connection, account, from).await?;
                match source.and_then(|source| source.map_or(unknown, Ok)) {
                    Ok(source) => (contact, Some(source)),
                    Err(no) => return Ok(Err(no)),
                }
            }
        };
        let known = match self.older_key(connection, account, contact).await? {
            Ok(known) => known,
            Err(no) => return Ok(Err(no)),
        };
        let key = match (known, from) {
            (Some(known), None) => return Ok(Ok(known)),
            (Some(known), Some(from)) => {
                let is_same = equal(known.secret().expose(), from.secret().expose());
                let other = No(Outcome::Denied, "already-exists");
                return Ok(if is_same { Ok(known) } else { Err(other) });
            }
            (None, Some(from)) => from,
            (None, None) => {
                let key = ContactKey::generate(&mut Random::os());
                key.map_err(|_| ServiceError::NoRandomness)?
            }
        };
        if store::contact(connection, account, contact)
            .await?
            .is_none()
        {
            // That it is there is what revocation and erasure are about.
            self.add_contact(connection, account, contact, now).await?;
        }
        let place = [account.as_array().as_slice(), contact.as_array(), OLDER];
        let wrapped = self.master.wrap(&place, key.secret())?;
        store::add_older_key(connection, account, contact, &wrapped).await?;
        Ok(Ok(key))
    }

    /// The key of a contact, if it has one and may be given out.
    async fn older_key(
        &self,
        connection: &mut AnyConnection,
        account: &AccountId,
        contact: &ContactId,
    ) -> Result<Result<Option<ContactKey>, No>, ServiceError> {
        let known = store::contact(connection, account, contact).await?;
        match known.map(|known| known.state) {
            Some(ContactState::Revoked) => return Ok(Err(No(Outcome::Revoked, "revoked"))),
            Some(ContactState::Pending | ContactState::Erased) => {
                return Ok(Err(No(Outcome::Erased, "erased")));
            }
            Some(ContactState::Live) | None => {}
        }
        let Some(wrapped) = store::older_key(connection, account, contact).await? else {
            return Ok(Ok(None));
        };
        let place = [account.as_array().as_slice(), contact.as_array(), OLDER];
        let key = ContactKey::new(self.master.unwrap(&place, &wrapped)?);
        Ok(Ok(Some(key)))
    }
}
