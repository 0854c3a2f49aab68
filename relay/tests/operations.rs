//! What operators do with a relay: ask whether it is ready, read its numbers and traces, end it,
//! copy its database and go back to the copy.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]

mod scene;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use scene::{Business, Client, Person, Scene, Talk};
use sottovoce_relay::{BackupError, Config, Relay, back_up};
use sottovoce_server::config::{ConfigError, Layers};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

/// The whole answer to a GET.
async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Waits until `/readyz` says something.
async fn says(address: SocketAddr, what: &str) {
    let since = Instant::now();
    loop {
        let answer = get(address, "/readyz").await;
        if answer.contains(what) {
            return;
        }
        assert!(
            since.elapsed() < Duration::from_secs(30),
            "{what}: {answer}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

const READY: &str = r#"{"ready":true}"#;

/// Starts a relay as a process, with settings in its environment.
async fn start(
    business: &Business,
    database: &Path,
    settings: &[(&str, String)],
) -> (Child, SocketAddr) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_relay-under-test"))
        .arg(database)
        .arg(business.id.to_string())
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).await.unwrap();
    (child, line.trim().parse().unwrap())
}

async fn terminate(child: &Child) {
    let pid = child.id().unwrap().to_string();
    let told = Command::new("kill").args(["-TERM", &pid]).status().await;
    assert!(told.unwrap().success());
}

async fn set_up(business: &Business, address: SocketAddr) {
    let mut administrator = Client::connect(address, business, &business.administrator)
        .await
        .unwrap();
    for object in business.objects() {
        administrator.publish(object).await.unwrap();
    }
}

#[tokio::test]
async fn a_relay_whose_database_is_gone_is_not_ready_until_it_is_back() {
    let scene = Scene::empty().await;
    says(scene.address, READY).await;
    let database = scene.folder.path().join("relay.db");
    let elsewhere = scene.folder.path().join("elsewhere.db");
    std::fs::rename(&database, &elsewhere).unwrap();
    says(scene.address, r#"{"ready":false,"code":"database-gone"}"#).await;
    assert!(
        get(scene.address, "/readyz")
            .await
            .starts_with("HTTP/1.1 503")
    );
    assert!(
        get(scene.address, "/healthz")
            .await
            .starts_with("HTTP/1.1 200")
    );
    std::fs::rename(&elsewhere, &database).unwrap();
    says(scene.address, READY).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_is_not_ready_while_postgresql_is_away() {
    let server = sottovoce_test_postgres::Server::start(&[]);
    let database = server.database();
    let scene = Scene::with(Business::new(), |config| config.database = database).await;
    says(scene.address, READY).await;
    server.stop();
    says(
        scene.address,
        r#"{"ready":false,"code":"database-unreachable"}"#,
    )
    .await;
    // One that starts now says what is the matter.
    let config = Config::loopback(scene.database.clone(), scene.business.id);
    let Err(error) = Relay::bind(config).await else {
        panic!("started without a database");
    };
    assert_eq!(error.code(), "database-unreachable");
    assert!(!error.to_string().contains("pool"), "{error}");
    server.resume();
    says(scene.address, READY).await;
    scene.set_up().await;
    scene.end().await;
}

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_ends_tells_its_clients_one_after_the_other_and_loses_nothing() {
    const CLIENTS: usize = 40;
    let folder = tempfile::tempdir().unwrap();
    let business = Business::new();
    let database = folder.path().join("relay.db");
    let window = ("SOTTOVOCE__DRAIN__SECONDS", "2".to_owned());
    let (mut child, address) = start(&business, &database, &[window]).await;
    set_up(&business, address).await;
    let visitor = Person::new();
    let (mut talk, create) = Talk::start(&business, &visitor);
    // The first turn is the first connection's, which is not to be the writer's.
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(
            Client::connect(address, &business, &Person::new())
                .await
                .unwrap(),
        );
    }
    let mut writer = Client::connect(address, &business, &visitor).await.unwrap();
    writer.append(talk.contact, create).await.unwrap();

    terminate(&child).await;
    let since = Instant::now();
    // What listens for readiness is told at once, while others are served still.
    says(address, r#"{"ready":false,"code":"draining"}"#).await;
    assert!(since.elapsed() < Duration::from_secs(1));
    let writing = tokio::spawn(async move {
        let mut accepted = 1;
        loop {
            let entry = talk.say(&visitor, "late");
            match writer.append(talk.contact, entry).await {
                Ok(position) => accepted = position,
                Err(code) => {
                    assert_eq!(code, "going-away");
                    return (talk, visitor, accepted);
                }
            }
        }
    });
    let goodbyes = clients.into_iter().map(|mut client| {
        tokio::spawn(async move {
            let code = client.goodbye().await;
            (code, since.elapsed())
        })
    });
    let mut times = Vec::new();
    for goodbye in goodbyes.collect::<Vec<_>>() {
        let (code, after) = goodbye.await.unwrap();
        assert_eq!(code, "going-away");
        times.push(after);
    }
    times.sort();
    // Spread over the window, not all at its beginning or end.
    let before = |time| times.iter().filter(|after| **after < time).count();
    assert!(
        before(Duration::from_millis(700)) >= CLIENTS / 8,
        "{times:?}"
    );
    assert!(
        before(Duration::from_millis(1_300)) <= CLIENTS * 7 / 8,
        "{times:?}"
    );
    assert!(child.wait().await.unwrap().success());
    let (talk, visitor, accepted) = writing.await.unwrap();

    let (mut child, address) = start(&business, &database, &[]).await;
    let mut client = Client::connect(address, &business, &visitor).await.unwrap();
    let log = client.resume(talk.contact, 0).await.unwrap();
    assert!(log.len() as u64 >= accepted, "{} of {accepted}", log.len());
    child.kill().await.unwrap();
}

/// A collector that takes requests until all words were in them.
async fn collect(listener: TcpListener, words: &[&str]) -> String {
    let mut collected = String::new();
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        let mut chunk = [0; 65536];
        loop {
            let read = stream.read(&mut chunk).await.unwrap();
            if read == 0 {
                break;
            }
            request.extend(&chunk[..read]);
            let Some(head) = request.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
                continue;
            };
            let text = String::from_utf8_lossy(&request[..head]).to_lowercase();
            let length = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let whole = head + 4 + length.unwrap().parse::<usize>().unwrap();
            if request.len() < whole {
                continue;
            }
            collected += &String::from_utf8_lossy(&request);
            request.clear();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
            if words.iter().all(|word| collected.contains(word)) {
                return collected;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traces_hold_ids_and_codes_and_go_where_the_environment_says() {
    let folder = tempfile::tempdir().unwrap();
    let business = Business::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let words = [
        "POST /v1/traces HTTP/1.1",
        "relay-under-test",
        "append",
        "contact-taken",
    ];
    let collecting = tokio::spawn(async move { collect(listener, &words).await });
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_BSP_SCHEDULE_DELAY", "200".to_owned()),
        ("SOTTOVOCE__DRAIN__SECONDS", "0".to_owned()),
    ];
    let (mut child, address) = start(&business, &folder.path().join("relay.db"), &settings).await;
    set_up(&business, address).await;
    let visitor = Person::new();
    let mut client = Client::connect(address, &business, &visitor).await.unwrap();
    let (mut talk, create) = Talk::start(&business, &visitor);
    client.append(talk.contact, create.clone()).await.unwrap();
    let text = talk.say(&visitor, "the canary sings at midnight");
    client.append(talk.contact, text).await.unwrap();
    assert!(client.append(talk.contact, create).await.is_err());
    terminate(&child).await;
    let collected = tokio::time::timeout(Duration::from_secs(30), collecting).await;
    let collected = collected.unwrap().unwrap();
    assert!(collected.contains(&talk.contact.to_string()), "{collected}");
    for confidential in [
        "canary",
        &address.to_string(),
        "Ada",
        "ACME",
        "thread.id",
        ".rs",
    ] {
        assert!(
            !collected.contains(confidential),
            "{confidential}: {collected}"
        );
    }
    child.wait().await.unwrap();
}

#[tokio::test]
async fn traces_are_not_sent_in_clear_to_other_machines() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_relay-under-test"))
        .arg(folder.path().join("relay.db"))
        .arg(Business::new().id.to_string())
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://192.0.2.1:4318")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    assert!(!child.wait().await.unwrap().success());
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .await
        .unwrap();
    assert!(said.contains("telemetry-insecure"), "{said}");
}

/// A visitor who writes to a relay until told to stop; how many entries were accepted.
async fn write_on(
    mut client: Client,
    mut talk: Talk,
    visitor: Person,
    stop: tokio_util::sync::CancellationToken,
) -> (Talk, Person, u64) {
    let mut accepted = 1;
    while !stop.is_cancelled() {
        let entry = talk.say(&visitor, "traffic");
        accepted = client.append(talk.contact, entry).await.unwrap();
    }
    (talk, visitor, accepted)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_sqlite_made_under_traffic_is_whole_and_a_relay_starts_from_it() {
    let scene = Scene::open().await;
    let stop = tokio_util::sync::CancellationToken::new();
    let mut writers = Vec::new();
    for _ in 0..4 {
        let visitor = Person::new();
        let mut client = scene.client(&visitor).await;
        let (talk, create) = Talk::start(&scene.business, &visitor);
        client.append(talk.contact, create).await.unwrap();
        writers.push(tokio::spawn(write_on(client, talk, visitor, stop.clone())));
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let database = scene.folder.path().join("relay.db").display().to_string();
    let copy = scene.folder.path().join("copy.db");
    back_up(&database, &copy).await.unwrap();
    let again = back_up(&database, &copy).await;
    assert!(matches!(again, Err(BackupError::Exists { .. })));
    tokio::time::sleep(Duration::from_millis(100)).await;
    stop.cancel();
    let mut written = Vec::new();
    for writer in writers {
        written.push(writer.await.unwrap());
    }
    let (business, folder) = scene.end().await;

    let config = Config::loopback(copy.display().to_string(), business.id);
    let restored = Scene::started(business, folder, config).await;
    for (mut talk, visitor, accepted) in written {
        let mut client = restored.client(&visitor).await;
        let log = client.resume(talk.contact, 0).await.unwrap();
        let kept = log.len() as u64;
        assert!(kept > 1 && kept < accepted, "{kept} of {accepted}");
        // It goes on where the copy ends.
        let entry = talk.say(&visitor, "after");
        assert_eq!(client.append(talk.contact, entry).await, Ok(kept + 1));
    }
    restored.end().await;
}

#[tokio::test]
async fn a_copy_of_what_is_no_sqlite_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("copy.db");
    let missing = folder.path().join("missing.db").display().to_string();
    let code = |outcome: Result<(), BackupError>| outcome.unwrap_err().code();
    assert_eq!(code(back_up(&missing, &to).await), "database-unusable");
    let other = back_up("postgres://localhost/relay", &to).await;
    assert_eq!(code(other), "database-unsupported");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_of_postgresql_is_whole_and_a_relay_starts_from_it() {
    let server = sottovoce_test_postgres::Server::start(&["fsync=off"]);
    let database = server.database();
    let scene = Scene::with(Business::new(), |config| config.database = database.clone()).await;
    scene.set_up().await;
    let visitor = Person::new();
    let mut client = scene.client(&visitor).await;
    let (talk, create) = Talk::start(&scene.business, &visitor);
    client.append(talk.contact, create).await.unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let writer = tokio::spawn(write_on(client, talk, visitor, stop.clone()));
    tokio::time::sleep(Duration::from_millis(200)).await;
    let dump = scene.folder.path().join("relay.dump");
    let dumped = Command::new(sottovoce_test_postgres::program("pg_dump"))
        .args(["--format=custom", "--file"])
        .arg(&dump)
        .arg(&database)
        .status()
        .await;
    assert!(dumped.unwrap().success());
    tokio::time::sleep(Duration::from_millis(100)).await;
    stop.cancel();
    let (mut talk, visitor, accepted) = writer.await.unwrap();
    let (business, folder) = scene.end().await;

    let empty = server.database();
    let restored = Command::new(sottovoce_test_postgres::program("pg_restore"))
        .args(["--exit-on-error", "--no-owner", "--dbname", &empty])
        .arg(&dump)
        .status()
        .await;
    assert!(restored.unwrap().success());
    let config = Config::loopback(empty, business.id);
    let restored = Scene::started(business, folder, config).await;
    let mut client = restored.client(&visitor).await;
    let log = client.resume(talk.contact, 0).await.unwrap();
    let kept = log.len() as u64;
    assert!(kept > 1 && kept < accepted, "{kept} of {accepted}");
    let entry = talk.say(&visitor, "after");
    assert_eq!(client.append(talk.contact, entry).await, Ok(kept + 1));
    restored.end().await;
}
