//! What is asked for, done.

use sottovoce::account::KeyKind;
use sottovoce::archive::{ArchiveSecret, ContactState, Grant, KeyRequest, Operation, Outcome};
use sottovoce::wire::{AccountId, Bytes, ContactId, Suite, Time, limits};
use sqlx::AnyConnection;

use crate::store::{self, Prekey, StoreError};

use super::archive::Shown;
use super::judge::Judged;
use super::{KeyManager, No, ServiceError, fresh};

/// How long a contact's key is sealed to, in seconds.
const CONTACT_KEY: u64 = 90 * limits::DAY;
/// How long keys that were issued ahead are sealed to, in seconds.
const PREKEY: u64 = 14 * limits::DAY;
/// Most one-time keys of one request.
const PREKEYS: u64 = 64;
/// Most audit entries of one answer.
const AUDIT_ENTRIES: i64 = 128;

impl KeyManager {
    pub(super) async fn perform(
        &self,
        connection: &mut AnyConnection,
        judged: &Judged,
        now: Time,
    ) -> Result<Result<Grant, No>, ServiceError> {
        let request = &judged.request;
        let account = &request.account;
        let shown = match Shown::read(judged) {
            Ok(shown) => shown,
            Err(no) => return Ok(Err(no)),
        };
        // What comes along makes the contact known before anything else is done about it.
        if let Some(shown) = &shown
            && let Err(no) = self.take_in(connection, judged, shown, now).await?
        {
            return Ok(Err(no));
        }
        let no = |outcome, code| Ok(Err(No(outcome, code)));
        let contact = match &request.operation {
            Operation::Prekeys { count } if *count > PREKEYS => {
                return no(Outcome::Malformed, "too-large");
            }
            Operation::Prekeys { count } => {
                let keys = self.prekeys(connection, request, *count, now).await?;
                return Ok(Ok(Grant::Keys { keys }));
            }
            Operation::Audit { after } => {
                let found = store::audit_after(connection, account, *after, AUDIT_ENTRIES).await?;
                let entries = found.into_iter().map(Bytes::from).collect();
                return Ok(Ok(Grant::Audit { entries }));
            }
            Operation::Release { .. } | Operation::Rewrap { .. } if shown.is_none() => {
                return no(Outcome::Malformed, "missing-evidence");
            }
            Operation::Release { contact, .. }
            | Operation::Rewrap { contact }
            | Operation::Issue { contact }
            | Operation::DataKey { contact }
            | Operation::Revoke { contact }
            | Operation::Erase { contact }
            | Operation::Status { contact } => contact,
        };
        let stored = store::contact(connection, account, contact).await?;
        let known = match (&request.operation, stored) {
            (Operation::Issue { .. }, None) => {
                let secret = self.add_contact(connection, account, contact, now).await?;
                return Ok(Ok(self.key_of(request, contact, &secret, now)));
            }
            (_, None) => return no(Outcome::Unknown, "unknown-contact"),
            (_, Some(known)) => known,
        };
        Ok(Ok(match (&request.operation, known.state) {
            (Operation::Status { .. }, state) => Grant::Status {
                state,
                created: known.created,
                releases: known.releases,
            },
            (Operation::Erase { .. }, _) => Grant::Done {
                state: store::erase(connection, account, contact, now).await?,
            },
            (_, ContactState::Erased | ContactState::Pending) => {
                return no(Outcome::Erased, "erased");
            }
            (Operation::Revoke { .. }, _) => {
                store::revoke(connection, account, contact).await?;
                Grant::Done {
                    state: ContactState::Revoked,
                }
            }
            (Operation::Rewrap { .. }, state) => Grant::Done { state },
            (_, ContactState::Revoked) => return no(Outcome::Revoked, "revoked"),
            (operation, ContactState::Live) => {
                let wrapped = known.secret.ok_or(StoreError::Unreadable)?;
                let place = [account.as_array().as_slice(), contact.as_array()];
                let secret = ArchiveSecret::new(self.master.unwrap(&place, &wrapped)?);
                match operation {
                    Operation::Release { .. } => {
                        let Some(shown) = &shown else {
                            return no(Outcome::Malformed, "missing-evidence");
                        };
                        let released = self.release(connection, judged, shown, &secret).await?;
                        match released {
                            Ok(secrets) => Grant::Secrets { secrets },
                            Err(no) => return Ok(Err(no)),
                        }
                    }
                    Operation::DataKey { .. } => Grant::DataKey {
                        key: secret.data_key(account, contact),
                    },
                    _ => self.key_of(request, contact, &secret, now),
                }
            }
        }))
    }

    pub(super) async fn add_contact(
        &self,
        connection: &mut AnyConnection,
        account: &AccountId,
        contact: &ContactId,
        now: Time,
    ) -> Result<ArchiveSecret, ServiceError> {
        let secret = fresh()?;
        let place = [account.as_array().as_slice(), contact.as_array()];
        let wrapped = self.master.wrap(&place, secret.secret())?;
        store::add_contact(connection, account, contact, &wrapped, now).await?;
        Ok(secret)
    }

    fn key_of(
        &self,
        request: &KeyRequest,
        contact: &ContactId,
        secret: &ArchiveSecret,
        now: Time,
    ) -> Grant {
        let life = (now, now.plus_seconds(CONTACT_KEY));
        let (account, suite) = (&request.account, request.suite);
        let key = self.record(
            account,
            suite,
            KeyKind::Contact,
            Some(*contact),
            secret,
            life,
        );
        Grant::Key { key }
    }

    async fn prekeys(
        &self,
        connection: &mut AnyConnection,
        request: &KeyRequest,
        count: u64,
        now: Time,
    ) -> Result<Vec<Bytes>, ServiceError> {
        let (account, suite) = (&request.account, request.suite);
        let life = (now, now.plus_seconds(PREKEY));
        let mut records = Vec::new();
        for _ in 0..count {
            let secret = fresh()?;
            let kind = KeyKind::OneTime;
            self.add_prekey(connection, account, suite, kind, &secret, life.1)
                .await?;
            records.push(self.record(account, suite, kind, None, &secret, life));
        }
        // Renewed half-way, so that whoever learns of it can use it for a while.
        let enough = now.plus_seconds(PREKEY / 2);
        let kind = KeyKind::LastResort;
        let (secret, until) = match store::last_resort(connection, account, suite, enough).await? {
            Some(key) => {
                let place = [account.as_array().as_slice(), key.id.as_array()];
                let secret = self.master.unwrap(&place, &key.secret)?;
                (ArchiveSecret::new(secret), key.until)
            }
            None => {
                let secret = fresh()?;
                self.add_prekey(connection, account, suite, kind, &secret, life.1)
                    .await?;
                (secret, life.1)
            }
        };
        records.push(self.record(account, suite, kind, None, &secret, (now, until)));
        Ok(records)
    }

    async fn add_prekey(
        &self,
        connection: &mut AnyConnection,
        account: &AccountId,
        suite: Suite,
        kind: KeyKind,
        secret: &ArchiveSecret,
        until: Time,
    ) -> Result<(), ServiceError> {
        let id = secret.private_key(account, suite).public().id();
        let place = [account.as_array().as_slice(), id.as_array()];
        let key = Prekey {
            id,
            kind,
            suite,
            secret: self.master.wrap(&place, secret.secret())?,
            until,
            contact: None,
        };
        Ok(store::add_prekey(connection, account, &key).await?)
    }
}
