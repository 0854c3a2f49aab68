//! How long the relay keeps things: entries as long as policy and plan say, erased contacts not at
//! all, answers and nonces as long as somebody may repeat them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use sottovoce::account::Tombstone;
use sottovoce::wire::{AccountId, ContactId, Signed, Time, limits};

use crate::account::AccountHub;
use crate::fanout::{self, Event, Topic};
use crate::refusal::Refusal;
use crate::relay::Shared;
use crate::store::{Ending, Gone, Store, StoreError};
use crate::tombstone::Undertaker;
use sottovoce_server::clock;

/// How often what is outdated is looked for.
const SWEEP: Duration = Duration::from_secs(600);
/// How often counted usage is added to the database.
const FLUSH: Duration = Duration::from_secs(5);
/// How often contacts are looked for that other nodes erased.
const LOOK: Duration = Duration::from_secs(3);
/// How far back, in milliseconds: clocks of nodes differ.
const BACK: u64 = 60_000;
/// Contacts that are looked for at a time.
const CHUNK: u32 = 100;
/// How long answers are given again, in seconds.
const ANSWERS: u64 = limits::DAY;
/// How long nonces are remembered: longer than a request that carries one is good.
const NONCES: u64 = 3600;
/// How long tokens that ended are listed, in seconds.
const TOKENS: u64 = 30 * limits::DAY;

/// Keeps house until the relay ends.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut sweep = tokio::time::interval(SWEEP);
    let mut flush = tokio::time::interval(FLUSH);
    let mut look = tokio::time::interval(LOOK);
    let mut told = HashSet::new();
    loop {
        let done = tokio::select! {
            () = shared.shutdown.cancelled() => return,
            _ = sweep.tick() => self::sweep(&shared).await,
            _ = flush.tick() => flush_usage(&shared).await,
            _ = look.tick() => tell_of_others(&shared, &mut told).await,
        };
        if let Err(error) = done {
            tracing::error!(%error, "the store failed");
        }
    }
}

/// Adds counted usage to the database.
pub(crate) async fn flush_usage(shared: &Shared) -> Result<(), StoreError> {
    shared.counters.usage().flush(shared.store.as_ref()).await
}

/// Tells who follows a contact here that another node erased it, or dropped its entries. Whoever
/// was told already follows it no longer.
async fn tell_of_others(
    shared: &Shared,
    told: &mut HashSet<(AccountId, ContactId)>,
) -> Result<(), StoreError> {
    let since = Time::from_millis(clock::now().millis().saturating_sub(BACK));
    let mut lately = HashSet::new();
    for account in shared.accounts.keys() {
        for contact in shared.store.gone_since(account, since).await? {
            lately.insert((*account, contact));
            if told.contains(&(*account, contact)) {
                continue;
            }
            let refusal = match shared.store.gone(account, &contact).await? {
                Some(Gone::Erased(_)) => Refusal::Erased,
                Some(Gone::Dropped) => Refusal::Dropped,
                None => continue,
            };
            tell(shared, *account, contact, &refusal, Vec::new());
        }
    }
    *told = lately;
    Ok(())
}

async fn sweep(shared: &Shared) -> Result<(), StoreError> {
    let now = clock::now();
    let mut dropped = 0_usize;
    for hub in shared.accounts.values() {
        dropped += drop_outdated(shared, hub, now).await?;
    }
    if dropped > 0 {
        tracing::info!(dropped, "entries were dropped when their time was over");
        shared.store.scour().await?;
    }
    let before = |seconds: u64| Time::from_millis(now.millis().saturating_sub(seconds * 1000));
    shared
        .store
        .forget(before(ANSWERS), before(NONCES), before(TOKENS))
        .await
}

/// Drops the bytes of contacts whose last entry is older than policy and plan say.
async fn drop_outdated(shared: &Shared, hub: &AccountHub, now: Time) -> Result<usize, StoreError> {
    let account = hub.id();
    let Some(kept) = hub.kept(now).await else {
        return Ok(0);
    };
    let life = kept.days().saturating_mul(limits::DAY * 1000);
    let before = Time::from_millis(now.millis().saturating_sub(life));
    let store = &shared.store;
    let mut dropped = 0;
    loop {
        let outdated = store.outdated(&account, before, CHUNK).await?;
        let found = outdated.len();
        for contact in outdated {
            if store.drop_entries(&account, &contact, before, now).await? {
                dropped += 1;
                tell(shared, account, contact, &Refusal::Dropped, Vec::new());
            }
        }
        if found < usize::try_from(CHUNK).unwrap_or(usize::MAX) {
            return Ok(dropped);
        }
    }
}

/// Erases a contact and tells whoever is connected; its tombstone, also if it was erased before.
pub(crate) async fn erase(
    shared: &Shared,
    account: &AccountId,
    contact: &ContactId,
) -> Result<Option<Vec<u8>>, Refusal> {
    let store = &shared.store;
    let now = clock::now();
    let known = store.listed_contact(account, contact).await?;
    let bury = |entries| shared.undertaker.bury(*account, *contact, entries, now);
    if store.erase(account, contact, now, &bury).await? {
        tracing::info!(%account, %contact, "a contact was erased");
        let mut topics = Vec::new();
        if let Some(known) = known {
            let devices = known.summary.devices.iter();
            topics.extend(devices.map(|device| Topic::Device(*account, *device)));
            let teams = known.summary.teams.into_iter();
            topics.extend(teams.map(|team| Topic::Team(*account, team)));
        }
        tell(shared, *account, *contact, &Refusal::Erased, topics);
        shared.dispatch.wake();
        store.scour().await?;
    }
    let Some(Gone::Erased(tombstone)) = store.gone(account, contact).await? else {
        return Ok(None);
    };
    let written = shared.endings.add(Ending::Erased {
        account: *account,
        contact: *contact,
        at: erased_at(&tombstone).unwrap_or(now),
        tombstone: tombstone.clone(),
    });
    // It is erased; whoever asks again makes up for what is not written down.
    written.await.map_err(|error| {
        tracing::error!(code = error.code(), %error, "an erasure was not written down");
        Refusal::Unavailable
    })?;
    Ok(Some(tombstone))
}

/// When a tombstone was made.
fn erased_at(tombstone: &[u8]) -> Option<Time> {
    let signed = Signed::<Tombstone>::from_bytes(tombstone).ok()?;
    Some(signed.parse().ok()?.time)
}

/// Tells whoever follows a contact, and more, that it is there no longer.
fn tell(
    shared: &Shared,
    account: AccountId,
    contact: ContactId,
    refusal: &Refusal,
    mut topics: Vec<Topic>,
) {
    topics.push(Topic::Contact(account, contact));
    let refusal = refusal.clone();
    let event = Event::Gone(Arc::new(fanout::Gone { contact, refusal }));
    shared.fanout.publish(&topics, &event);
}

/// The relay's signing key, made at the first start.
pub(crate) async fn undertaker(
    store: &dyn Store,
    fresh: &[u8; 32],
) -> Result<Undertaker, StoreError> {
    Ok(Undertaker::new(&store.signing_seed(fresh).await?))
}
