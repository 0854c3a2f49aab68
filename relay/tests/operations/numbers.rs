//! The numbers that a relay shows to its operator.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sottovoce_relay::{Config, Relay};
use sottovoce_server::config::{ConfigError, Layers};

use crate::scene::{Business, Client, Person, Talk};
use crate::{get, set_up};

#[tokio::test]
async fn numbers_say_what_happened_and_to_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let business = Business::new();
    let database = folder.path().join("relay.db").display().to_string();
    let mut config = Config::loopback(database, business.id);
    config.metrics = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let relay = Relay::bind(config).await.unwrap();
    let address = relay.address();
    let metrics = relay.metrics_address().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(relay.serve(async move {
        let _ = stopped.await;
    }));
    set_up(&business, address).await;
    let visitor = Person::new();
    let mut client = Client::connect(address, &business, &visitor).await.unwrap();
    let mut reader = Client::connect(address, &business, &visitor).await.unwrap();
    let (mut talk, create) = Talk::start(&business, &visitor);
    client.append(talk.contact, create.clone()).await.unwrap();
    reader.resume(talk.contact, 0).await.unwrap();
    let text = talk.say(&visitor, "text");
    client.append(talk.contact, text).await.unwrap();
    reader.entries(talk.contact).await.unwrap();
    let taken = client.append(talk.contact, create).await;
    assert!(taken.is_err());
    let text = get(metrics, "/metrics").await;
    for expected in [
        "\nsottovoce_connections 2\n",
        "\nsottovoce_connections_accepted_total 3\n",
        "\nsottovoce_appends_total 2\n",
        "\nsottovoce_transactions_total 2\n",
        "\nsottovoce_queue_depth 0\n",
        "\nsottovoce_refusals_total{code=\"contact-taken\"} 1\n",
        "\nsottovoce_webhooks_in_flight 0\n",
        "\nsottovoce_process_resident_memory_bytes ",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    for id in [
        business.id.to_string(),
        visitor.device().to_string(),
        talk.contact.to_string(),
        "127.0.0.1".to_owned(),
    ] {
        assert!(!text.contains(&id), "{id}: {text}");
    }
    // They are private.
    assert!(!get(address, "/metrics").await.contains("sottovoce_"));
    stop.send(()).unwrap();
    running.await.unwrap();
}

#[tokio::test]
async fn numbers_say_how_long_the_policy_holds_and_where_visitors_cannot_begin() {
    let folder = tempfile::tempdir().unwrap();
    let business = Business::new();
    let database = folder.path().join("relay.db").display().to_string();
    let mut config = Config::loopback(database, business.id);
    config.metrics = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let relay = Relay::bind(config).await.unwrap();
    let metrics = relay.metrics_address().unwrap();
    let address = relay.address();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(relay.serve(async move {
        let _ = stopped.await;
    }));
    let number = async |name: &str| -> i64 {
        let text = get(metrics, "/metrics").await;
        let start = format!("\nsottovoce_{name} ");
        let (_, rest) = text.split_once(&start).unwrap();
        rest.lines().next().unwrap().parse().unwrap()
    };
    assert_eq!(number("policy_seconds_left").await, 0);
    let mut administrator = Client::connect(address, &business, &business.administrator)
        .await
        .unwrap();
    let objects = business.objects();
    for object in objects.iter().take(2) {
        administrator.publish(object.clone()).await.unwrap();
    }
    let until = async |silent: i64| {
        let since = Instant::now();
        while number("policy_seconds_left").await == 0
            || number("entry_points_without_key").await != silent
        {
            assert!(since.elapsed() < Duration::from_secs(30));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    until(1).await;
    let left = number("policy_seconds_left").await;
    assert!((600_000..=604_800).contains(&left), "{left}");
    for object in objects.into_iter().skip(2) {
        administrator.publish(object).await.unwrap();
    }
    until(0).await;
    stop.send(()).unwrap();
    running.await.unwrap();
}

#[test]
fn numbers_are_not_shown_to_others_by_accident() {
    let settings = |exposed: bool| -> Result<Config, ConfigError> {
        let layers = Layers {
            flags: vec![
                ("accounts", vec![Business::new().id.to_string()].into()),
                ("database.url", "relay.db".into()),
                ("metrics.address", "0.0.0.0:9090".into()),
                ("metrics.exposed", exposed.into()),
            ],
            ..Layers::default()
        };
        layers
            .settings::<sottovoce_relay::Settings>()?
            .into_config()
    };
    let refused = settings(false).unwrap_err();
    assert_eq!(refused.code(), "config-value");
    assert!(refused.to_string().contains("metrics.address"), "{refused}");
    // Even then not in clear: the listener's rule holds.
    let config = settings(true).unwrap();
    assert!(config.tls.is_none() && config.metrics.is_some());
}
