//! The conformance suite passes against this key manager, and fails against broken ones, each time for
//! the right reason.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod scene;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use scene::{On, Scene};
use sottovoce::account::{Archive, ArchiveKey, KeyKind};
use sottovoce::archive::{AuditHead, KeyAnswer, Outcome};
use sottovoce::crypto::Random;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::wire::{AccountId, Bytes, Signed, Suite, Time};
use sottovoce_keymanager::conformance::{self, Check, Customer, Finding, Service};
use sottovoce_keymanager::rules::{ReleaseRule, RoleName, Rule};
use sottovoce_keymanager::{KeyManager, Rules};
use sottovoce_test_scene::now;

/// What is wrong with a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Nothing,
    /// Answers are signed by somebody else.
    AnotherIdentity,
    /// Request keys are of the wrong kind.
    KindOfKeys,
    /// There is no hybrid request key.
    OneSuite,
    /// A request that comes again is answered like the first time.
    AnswersAgain,
    /// Times are not looked at.
    AnyTime,
    /// Every refusal is `denied`.
    OneRefusal,
    /// Refusals have no code.
    NoCodes,
    /// The audit log's head never moves.
    StandingHead,
    /// Answers to other requests.
    Swapped,
    /// It takes a third of a second.
    Slow,
    /// It does one thing at a time and refuses the rest.
    OneAtATime,
    /// It fails on what it cannot read.
    Fragile,
    /// It answers for any account.
    AnyAccount,
}

struct Broken {
    manager: KeyManager,
    own: AccountId,
    identity: SigningKey,
    fault: Fault,
    answers: Mutex<Vec<(Vec<u8>, Bytes)>>,
    under_way: AtomicUsize,
}

impl Broken {
    fn again(&self, answer: &[u8], change: impl FnOnce(&mut KeyAnswer)) -> Bytes {
        let mut answer = Signed::<KeyAnswer>::from_bytes(answer)
            .unwrap()
            .parse()
            .unwrap();
        change(&mut answer);
        Signed::sign(&answer, &[&self.identity]).to_bytes()
    }

    async fn honest(&self, parcel: &[u8], now: Time) -> Result<Bytes, String> {
        let answer = self.manager.answer(&self.own, parcel, now).await;
        answer.map_err(|error| error.to_string())
    }
}

#[async_trait]
impl Service for Broken {
    async fn request_keys(&self, account: &AccountId) -> Result<Vec<Bytes>, String> {
        let account = match self.fault {
            Fault::AnyAccount => &self.own,
            _ => account,
        };
        let keys = self.manager.request_keys(account, now()).await;
        let keys = keys.map_err(|error| error.to_string())?;
        let read = |key: &Bytes| {
            Signed::<ArchiveKey>::from_bytes(key)
                .unwrap()
                .parse()
                .unwrap()
        };
        Ok(match self.fault {
            Fault::KindOfKeys => {
                let other = |key: &Bytes| {
                    let mut key = read(key);
                    key.kind = KeyKind::OneTime;
                    Signed::sign(&key, &[&self.identity]).to_bytes()
                };
                keys.iter().map(other).collect()
            }
            Fault::OneSuite => {
                let hybrid = |key: &Bytes| read(key).suite == Suite::XWing;
                keys.into_iter().filter(hybrid).collect()
            }
            _ => keys,
        })
    }

    async fn answer(&self, account: &AccountId, parcel: &[u8]) -> Result<Bytes, String> {
        if *account != self.own && self.fault != Fault::AnyAccount {
            return Err("no such account".to_owned());
        }
        if self.fault == Fault::OneAtATime {
            let busy = self.under_way.fetch_add(1, Ordering::SeqCst) > 0;
            tokio::time::sleep(Duration::from_millis(2)).await;
            let answer = self.honest(parcel, now()).await;
            self.under_way.fetch_sub(1, Ordering::SeqCst);
            return if busy { Err("busy".to_owned()) } else { answer };
        }
        let kept = self.answers.lock().unwrap().clone();
        if self.fault == Fault::AnswersAgain
            && let Some((_, answer)) = kept.iter().find(|(known, _)| known == parcel)
        {
            return Ok(answer.clone());
        }
        let mut answer = self.honest(parcel, now()).await?;
        let said = Signed::<KeyAnswer>::from_bytes(&answer)
            .unwrap()
            .parse()
            .unwrap();
        match self.fault {
            Fault::AnotherIdentity => {
                let thief = SigningKey::generate(&mut Random::os()).unwrap();
                answer = Signed::sign(&said, &[&thief]).to_bytes();
            }
            Fault::AnyTime if said.code == "time-off" => {
                for shift in [-300_000_i64, 300_000] {
                    let then = now().millis().checked_add_signed(shift).unwrap();
                    let tried = self.honest(parcel, Time::from_millis(then)).await?;
                    let outcome = Signed::<KeyAnswer>::from_bytes(&tried).unwrap();
                    if outcome.parse().unwrap().outcome == Outcome::Granted {
                        answer = tried;
                    }
                }
            }
            Fault::OneRefusal if said.payload.is_none() => {
                answer = self.again(&answer, |said| said.outcome = Outcome::Denied);
            }
            Fault::NoCodes => answer = self.again(&answer, |said| said.code.clear()),
            Fault::StandingHead => {
                let hash = Some(said.request);
                answer = self.again(&answer, |said| said.audit = AuditHead { number: 1, hash });
            }
            Fault::Slow => tokio::time::sleep(Duration::from_millis(300)).await,
            Fault::Fragile if said.outcome == Outcome::Malformed => {
                return Err("500 Internal Server Error".to_owned());
            }
            _ => {}
        }
        if self.fault == Fault::Swapped
            && let Some((_, before)) = kept.last()
        {
            answer = before.clone();
        }
        self.answers
            .lock()
            .unwrap()
            .push((parcel.to_vec(), answer.clone()));
        Ok(answer)
    }
}

/// Tries a service with a fault, or with rules of its own.
async fn tried(fault: Fault, change: impl FnOnce(&mut Rules)) -> Vec<Check> {
    let mut rules = Rules::default();
    change(&mut rules);
    let scene = Scene::with(On::Sqlite, rules).await;
    let business = &scene.business;
    let mut policy = business.policy();
    policy.archive = Archive::KeyManager;
    policy.roles.push(sottovoce::account::Role::Auditor);
    policy.roles.sort();
    policy.roles.dedup();
    let customer = Customer {
        objects: scene.evidence_under(&business.administrator, &policy),
        administrator: SigningKey::from_seed(&business.administrator.key.seed()),
        account: business.id,
    };
    let service = Broken {
        own: business.id,
        identity: SigningKey::from_seed(&scene.identity),
        manager: scene.manager,
        fault,
        answers: Mutex::default(),
        under_way: AtomicUsize::new(0),
    };
    let service: Arc<dyn Service> = Arc::new(service);
    conformance::run(&*service, customer, now).await.unwrap()
}

fn failed(checks: &[Check]) -> Vec<(&'static str, String)> {
    let failed = checks.iter().filter_map(|check| match &check.finding {
        Finding::Failed(words) => Some((check.name, words.clone())),
        _ => None,
    });
    failed.collect()
}

#[tokio::test]
async fn this_key_manager_passes_everything() {
    let checks = tried(Fault::Nothing, |_| {}).await;
    assert_eq!(failed(&checks), []);
    assert_eq!(checks.len(), 22);
    let all = checks.iter().all(|check| check.finding == Finding::Passed);
    assert!(all, "{checks:#?}");
}

/// That the named checks fail and say why; others may fail with them.
async fn finds(fault: Fault, expected: &[(&str, &str)]) {
    let checks = tried(fault, |_| {}).await;
    says(&checks, expected, &format!("{fault:?}"));
}

fn says(checks: &[Check], expected: &[(&str, &str)], what: &str) {
    let failed = failed(checks);
    for (name, words) in expected {
        let found = failed.iter().find(|(failed, _)| failed == name);
        let found = found.unwrap_or_else(|| panic!("{what}: {name} passed; {failed:#?}"));
        assert!(found.1.contains(words), "{what}: {name} says {:?}", found.1);
    }
}

#[tokio::test]
async fn each_fault_is_found_and_named() {
    use Fault::*;
    finds(
        AnotherIdentity,
        &[("issue", "not signed by the key manager")],
    )
    .await;
    finds(KindOfKeys, &[("request-keys", "not of kind `request`")]).await;
    finds(OneSuite, &[("request-keys", "none of suite 1")]).await;
    finds(AnswersAgain, &[("replay", "sent a second time")]).await;
    finds(AnyTime, &[("time", "too old")]).await;
    finds(
        OneRefusal,
        &[
            ("unknown", "instead of `unknown`"),
            ("revoke", "instead of `revoked`"),
            ("erase", "instead of `erased`"),
        ],
    )
    .await;
    finds(
        NoCodes,
        &[("roles", "without a code"), ("replay", "`replayed`")],
    )
    .await;
    finds(
        StandingHead,
        &[("audit", "from 1 to 1"), ("concurrency", "one number")],
    )
    .await;
    finds(Swapped, &[("issue", "another request")]).await;
    finds(OneAtATime, &[("concurrency", "busy")]).await;
    finds(Fragile, &[("malformed", "500")]).await;
    finds(AnyAccount, &[("account", "does not exist")]).await;
}

#[tokio::test]
async fn slowness_is_found() {
    finds(Fault::Slow, &[("latency", "it took ")]).await;
}

#[tokio::test]
async fn rules_that_let_too_many_in_are_found() {
    let data_keys = |rules: &mut Rules| {
        rules.data_key = Rule {
            roles: vec![RoleName::Vault, RoleName::Agent],
            per_minute: 600,
        };
    };
    let checks = tried(Fault::Nothing, data_keys).await;
    says(
        &checks,
        &[("roles", "an agent a data key")],
        "data keys for agents",
    );
    let any = |rules: &mut Rules| {
        rules.release = ReleaseRule {
            any_contact: vec![RoleName::Auditor, RoleName::Agent],
            ..rules.release.clone()
        };
    };
    let checks = tried(Fault::Nothing, any).await;
    let words = "to an agent who was not there";
    says(
        &checks,
        &[("release-rules", words)],
        "any contact for agents",
    );
}

#[tokio::test]
async fn a_policy_that_was_dated_too_long_ago_releases_nothing() {
    let at_once = |rules: &mut Rules| rules.release.policy_age_hours = 0;
    let checks = tried(Fault::Nothing, at_once).await;
    says(
        &checks,
        &[("release", "policy-stale")],
        "a policy of a while ago",
    );
}
