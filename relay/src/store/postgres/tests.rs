#![allow(clippy::unwrap_used)]

use super::*;
use crate::store::suite::Place;

crate::store::suite::suite!(postgres);

#[tokio::test]
async fn a_commit_is_on_disk_before_it_is_answered() {
    let Database::Postgres(pool) = Place::postgres().database().await else {
        unreachable!();
    };
    let set: String = sqlx::query_scalar("SHOW synchronous_commit")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(set, "on");
}

#[tokio::test]
async fn a_connection_does_not_wait_for_ever() {
    let Database::Postgres(pool) = Place::postgres().database().await else {
        unreachable!();
    };
    let ends = SETTINGS
        .iter()
        .filter(|(name, _)| name.ends_with("_timeout"));
    for (setting, _) in ends {
        let shown = sqlx::AssertSqlSafe(format!("SHOW {setting}"));
        let set: String = sqlx::query_scalar(shown).fetch_one(&pool).await.unwrap();
        assert_ne!(set, "0", "{setting}");
    }
}

#[test]
fn another_machine_must_prove_who_it_is_or_is_refused() {
    let mode = |url: &str| options(url).map(|options| options.get_ssl_mode());
    let full = PgSslMode::VerifyFull;
    for (url, expected) in [
        ("postgres://u:p@127.0.0.1/relay", PgSslMode::Prefer),
        ("postgres://u:p@[::1]/relay", PgSslMode::Prefer),
        (
            "postgres://u@localhost/relay?sslmode=disable",
            PgSslMode::Disable,
        ),
        (
            "postgres://u@localhost/relay?host=/run/postgresql",
            PgSslMode::Prefer,
        ),
        ("postgres://u:p@db.example/relay", full),
        (
            "postgres://u:p@db.example/relay?sslmode=require",
            PgSslMode::Require,
        ),
        ("postgres://u:p@10.0.0.1/relay?sslmode=verify-full", full),
    ] {
        let found = mode(url).unwrap();
        assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{url}");
    }
    for url in [
        "postgres://u:p@db.example/relay?sslmode=disable",
        "postgres://u:p@db.example/relay?sslmode=allow",
    ] {
        assert!(matches!(mode(url), Err(StoreError::Plain)), "{url}");
    }
}
