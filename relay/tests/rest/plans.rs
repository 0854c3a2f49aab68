//! What the operator's table of plans allows an account, and how it meets the account's policy.

use std::time::Duration;

use serde_json::{Value, json};
use sottovoce::account::{Level, Plan, Policy};
use sottovoce::wire::Signed;
use sottovoce::wire::codec::to_base64url;
use sottovoce::wire::frame::ObjectKind;
use sottovoce_relay::{Config, PlanSettings, Plans, Settings};
use sottovoce_server::config::{ConfigError, Layers};

use crate::contacts::{answered, begun, path};
use crate::integrator::Integrator;
use crate::retention::make_old;
use crate::scene::account::object;
use crate::scene::{Business, Scene, now};

/// A table with one change.
fn plans(change: impl FnOnce(&mut PlanSettings)) -> Plans {
    let mut settings = PlanSettings::default();
    change(&mut settings);
    settings.into_plans().unwrap()
}

/// The account's relay, which has another table from now on.
async fn narrowed(scene: Scene, change: impl FnOnce(&mut PlanSettings)) -> Scene {
    let database = scene.database.clone();
    let (business, folder) = scene.end().await;
    let config = Config {
        plans: plans(change),
        ..Config::loopback(database, business.id)
    };
    Scene::started(business, folder, config).await
}

/// The policy's next version, with a change.
fn next(business: &Business, change: impl FnOnce(&mut Policy)) -> Signed<Policy> {
    let mut policy = business.policy();
    policy.number = 2;
    policy.previous = Some(business.signed_policy().hash());
    policy.issued = now();
    change(&mut policy);
    business.by_administrator(&policy)
}

fn body(policy: &Signed<Policy>) -> Value {
    json!({ "signed": to_base64url(&policy.to_bytes()) })
}

#[tokio::test]
async fn a_policy_that_the_table_does_not_allow_is_refused_in_words_and_changes_nothing() {
    let scene = Scene::open().await;
    let first = scene.business.signed_policy().hash().to_string();
    let account = scene.business.id.to_string();
    let scene = narrowed(scene, |table| {
        table.starter.levels.clear();
        table.enterprise.levels = vec!["e2ee".to_owned()];
        table.enterprise.retention_days = 200;
    })
    .await;
    let business = &scene.business;
    let integrator = Integrator::new(&scene).await;
    let below = |plan| {
        move |policy: &mut Policy| {
            policy.plan = plan;
            policy.entry_points[0].level = Level::Transport;
        }
    };
    let level = next(business, |policy| {
        policy.entry_points[0].level = Level::Storage;
    });
    let days = next(business, |policy| policy.retention.days = 201);
    let cases = [
        (
            &level,
            "the plan enterprise does not allow level storage here, which entry point shop has",
        ),
        (
            &days,
            "the plan enterprise lets entries stay for 200 days at most here, and the policy says 201",
        ),
        (
            &next(business, below(Plan::Starter)),
            "the plan starter is not on offer here",
        ),
        (
            &next(business, below(Plan::Solo)),
            "the plan solo lets entries stay for 30 days at most here, and the policy says 90",
        ),
    ];
    for (policy, words) in cases {
        let answer = integrator.post("/policies", &body(policy)).await;
        assert_eq!(answer.problem(), (403, "plan-not-allowed"), "{words}");
        assert_eq!(answer.body["detail"], words);
    }
    let mut administrator = scene.client(&business.administrator).await;
    let refused = administrator.publish(object(ObjectKind::Policy, &days));
    assert_eq!(refused.await, Err("plan-not-allowed".to_owned()));
    assert_eq!(
        integrator.get("/policy").await.body["policy"]["hash"],
        first
    );

    // Which plan an account has is the operator's word, too.
    let scene = narrowed(scene, |table| {
        table.accounts.insert(account, "plus".to_owned());
    })
    .await;
    let business = &scene.business;
    let integrator = integrator.at(&scene);
    let answer = integrator.post("/policies", &body(&days)).await;
    let words = "this account has the plan plus, and the policy says enterprise";
    assert_eq!(answer.body["detail"], words);
    let retention = integrator.get("/retention").await.good();
    assert_eq!(
        retention["plan"],
        json!({ "name": "plus", "days": 365, "levels": ["transport"] })
    );
    // What the root statement says of the lowest level stays the account's own business.
    let other = next(business, below(Plan::Plus));
    let answer = integrator.post("/policies", &body(&other)).await;
    assert_eq!(answer.problem(), (422, "contradiction"));
    scene.end().await;
}

#[tokio::test]
async fn a_policy_from_before_the_table_stays_until_it_ends_and_is_not_renewed() {
    let scene = Scene::open().await;
    let scene = narrowed(scene, |table| table.enterprise.retention_days = 5).await;
    let business = &scene.business;
    // Publishing again what is known is harmless, as the next version has to follow it.
    scene.set_up().await;
    let mut renewer = scene.client(&business.renewer).await;
    let renewal = Signed::sign(&business.renewal(), &[&business.renewer.key]);
    let renewed = renewer.publish(object(ObjectKind::Renewal, &renewal));
    assert_eq!(renewed.await, Err("plan-not-allowed".to_owned()));
    begun(&scene).await;
    let integrator = Integrator::new(&scene).await;
    let shorter = next(business, |policy| policy.retention.days = 5);
    let made = integrator.post("/policies", &body(&shorter)).await;
    assert_eq!(made.status, 201, "{made:?}");
    scene.end().await;
}

#[tokio::test]
async fn entries_stay_for_the_shorter_of_policy_and_plan() {
    let scene = Scene::open().await;
    let (mut old, ..) = begun(&scene).await;
    answered(&scene, &mut old).await;
    let (young, ..) = begun(&scene).await;
    make_old(&scene.database, &old.contact).await;
    let scene = narrowed(scene, |table| table.enterprise.retention_days = 1).await;
    let integrator = Integrator::new(&scene).await;
    let retention = integrator.get("/retention").await.good();
    assert_eq!(retention["days"], 1);
    assert_eq!(retention["policy_days"], 90);
    assert_eq!(retention["plan"]["days"], 1);
    // The relay looks for what is outdated when it starts.
    while !integrator.get(&path(&old.contact)).await.good()["expired"].is_u64() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let kept = integrator.get(&path(&young.contact)).await.good();
    assert!(kept["expired"].is_null());
    scene.end().await;
}

#[test]
fn a_table_can_only_narrow_what_clients_accept() {
    let account = Business::new().id.to_string();
    let settings = |flags: Vec<(&'static str, Value)>| -> Result<Config, ConfigError> {
        let mut all = vec![
            ("accounts", json!([account])),
            ("database.url", json!("relay.db")),
        ];
        all.extend(flags);
        let layers = Layers {
            flags: all,
            ..Layers::default()
        };
        layers.settings::<Settings>()?.into_config()
    };
    let cases = [
        (
            "plans.solo.levels",
            json!(["transport", "e2ee"]),
            "plans.solo.levels cannot be used: clients do not accept level e2ee in the plan solo",
        ),
        (
            "plans.enterprise.levels",
            json!(["transport"]),
            "clients do not accept level transport in the plan enterprise",
        ),
        (
            "plans.plus.levels",
            json!(["plain"]),
            "plain is no level; levels are transport, storage and e2ee",
        ),
        (
            "plans.plus.retention_days",
            json!(0),
            "plans.plus.retention_days cannot be used: it is at least one day",
        ),
        (
            "plans.accounts",
            json!({ "x": "plus" }),
            "plans.accounts.x cannot be used: an account's id is 43 letters",
        ),
        (
            "plans.accounts",
            json!({ account.clone(): "premium" }),
            "plans are solo, starter, plus and enterprise",
        ),
    ];
    for (key, value, words) in cases {
        let refused = settings(vec![(key, value)]).unwrap_err();
        assert_eq!(refused.code(), "config-value", "{key}");
        assert!(refused.to_string().contains(words), "{refused}");
    }
    settings(vec![
        ("plans.enterprise.levels", json!(["e2ee"])),
        ("plans.starter.levels", json!([])),
        ("plans.accounts", json!({ account.clone(): "enterprise" })),
    ])
    .unwrap();
}
