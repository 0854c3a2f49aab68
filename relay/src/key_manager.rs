//! The way to an account's key manager, for devices that cannot reach it themselves: what they ask and
//! what it answers passes as it is.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;
use sottovoce::account::Archive;
use sottovoce::wire::codec::{from_base64url, to_base64url};
use sottovoce::wire::frame::{Object, ObjectKind};
use sottovoce::wire::{AccountId, Bytes, Suite, Time, limits};
use sottovoce_webhooks::dispatch::{Asker, Config, RootError};
use url::Url;

use crate::account::{AccountHub, Standing};
use crate::refusal::Refusal;
use crate::store::{Store, StoreError};

/// Longest answer, in bytes: a frame as base64url.
const ANSWER: usize = limits::FRAME / 3 * 4 + 4096;
/// With fewer one-time keys than this, more are wanted.
const FEW: u64 = 32;
/// How many are asked for at once; for suites that few contacts have, fewer.
const WANTED: u64 = 64;
const WANTED_RARELY: u64 = 8;
/// How often this node asks for more of an account's keys.
const ASK_AGAIN: Duration = Duration::from_secs(60);

/// See the module's documentation.
pub(crate) struct KeyManagers {
    asker: Asker,
    /// When devices of an account were last asked to see to one-time keys.
    asked: Mutex<HashMap<AccountId, Instant>>,
}

#[derive(Deserialize)]
struct RequestKeys {
    keys: Vec<String>,
}

#[derive(Deserialize)]
struct Answer {
    answer: String,
}

impl KeyManagers {
    /// One that may call what the configuration allows.
    pub(crate) fn new(config: &Config) -> Result<Self, RootError> {
        Ok(Self {
            asker: Asker::new(config)?,
            asked: Mutex::default(),
        })
    }

    /// Passes a request on, and the answer back.
    pub(crate) async fn ask(
        &self,
        account: &AccountHub,
        now: Time,
        request: &[u8],
    ) -> Result<Bytes, Refusal> {
        let url = place(account, now, "requests").await?;
        let body = json!({ "request": to_base64url(request) }).to_string();
        let answer: Answer = self.exchange(&url, Some(body)).await?;
        let answer = from_base64url(&answer.answer).ok_or(Refusal::Unavailable)?;
        Ok(answer.into())
    }

    /// What requests are sealed to now. Devices keep it for a day.
    pub(crate) async fn request_keys(
        &self,
        account: &AccountHub,
        now: Time,
    ) -> Result<Vec<Object>, Refusal> {
        let url = place(account, now, "request-keys").await?;
        let answer: RequestKeys = self.exchange(&url, None).await?;
        let keys = answer.keys.iter().take(8).map(|key| {
            let bytes = from_base64url(key).ok_or(Refusal::Unavailable)?;
            Ok(Object::new(ObjectKind::ArchiveKey, bytes.into()))
        });
        keys.collect()
    }

    async fn exchange<T: for<'a> Deserialize<'a>>(
        &self,
        url: &Url,
        body: Option<String>,
    ) -> Result<T, Refusal> {
        match self.asker.ask(url, body, ANSWER).await {
            Ok((200, body)) => serde_json::from_slice(&body).map_err(|_| Refusal::Unavailable),
            Ok((status, _)) => {
                tracing::warn!(status, "a key manager did not answer as one does");
                Err(Refusal::Unavailable)
            }
            Err(error) => {
                tracing::warn!(code = error.code(), "a key manager was not reached");
                Err(Refusal::Unavailable)
            }
        }
    }

    /// What a member of staff should ask the key manager for, once in a while: one-time keys that run
    /// short.
    pub(crate) async fn wanted(
        &self,
        account: &AccountHub,
        store: &dyn Store,
        standing: &Standing,
        now: Time,
    ) -> Result<Vec<(Suite, u64)>, StoreError> {
        let credential = standing.credential.as_ref();
        if !credential.is_some_and(|credential| credential.role.is_staff()) {
            return Ok(Vec::new());
        }
        let lowest = {
            let book = account.book().await;
            match book.account().policy(now) {
                Ok((policy, _)) if policy.archive == Archive::KeyManager => policy.lowest_suite,
                _ => return Ok(Vec::new()),
            }
        };
        if !self.may_ask(account.id()) {
            return Ok(Vec::new());
        }
        let mut wanted = Vec::new();
        for suite in Suite::ALL.into_iter().filter(|suite| *suite >= lowest) {
            let (few, count) = match suite {
                Suite::XWing => (FEW, WANTED),
                Suite::X25519 => (WANTED_RARELY / 2, WANTED_RARELY),
            };
            if store.prekeys_left(&account.id(), suite, now).await? < few {
                wanted.push((suite, count));
            }
        }
        Ok(wanted)
    }

    fn may_ask(&self, account: AccountId) -> bool {
        let Ok(mut asked) = self.asked.lock() else {
            return false;
        };
        let now = Instant::now();
        let due = asked
            .get(&account)
            .is_none_or(|last| now.duration_since(*last) >= ASK_AGAIN);
        if due {
            asked.insert(account, now);
        }
        due
    }
}

/// Where the policy in force says that the key manager answers.
async fn place(account: &AccountHub, now: Time, what: &str) -> Result<Url, Refusal> {
    let book = account.book().await;
    let (policy, _) = book.account().policy(now)?;
    let base = policy.key_manager_url.as_deref();
    let base = base.ok_or(Refusal::Unavailable)?.trim_end_matches('/');
    let url = format!("{base}/v1/accounts/{}/{what}", account.id());
    Url::parse(&url).map_err(|_| Refusal::Unavailable)
}
