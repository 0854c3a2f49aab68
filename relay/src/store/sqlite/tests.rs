#![allow(clippy::unwrap_used)]

use sqlx::Row;

use crate::store::Database;
use crate::store::suite::Place;

crate::store::suite::suite!(sqlite);

#[tokio::test]
async fn a_commit_is_on_disk_before_it_is_answered() {
    let Database::Sqlite { writer, .. } = Place::sqlite().database().await else {
        unreachable!();
    };
    let pragma = async |name| -> String {
        let row = sqlx::query(name).fetch_one(&writer).await.unwrap();
        let text = row.try_get::<String, _>(0);
        text.unwrap_or_else(|_| row.get::<i64, _>(0).to_string())
    };
    assert_eq!(pragma("PRAGMA journal_mode").await, "wal");
    // 2 is FULL: the write-ahead log is synchronised at every commit.
    assert_eq!(pragma("PRAGMA synchronous").await, "2");
}
