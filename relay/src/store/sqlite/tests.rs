#![allow(clippy::unwrap_used)]

use sqlx::Row;

use crate::store::Database;
use crate::store::suite::Place;

crate::store::suite::suite!(sqlite);

#[tokio::test]
async fn a_commit_is_on_disk_before_it_is_answered() {
    let place = Place::sqlite();
    let Database::Sqlite { writer, .. } = place.database().await else {
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
    // The connection that appends is another one.
    let appends = super::append::open(writer.connect_options().get_filename()).unwrap();
    let text = |name| appends.pragma_query_value(None, name, |row| row.get::<_, String>(0));
    assert_eq!(text("journal_mode").unwrap(), "wal");
    for (name, value) in [("synchronous", 2), ("secure_delete", 1)] {
        let found = appends.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        assert_eq!(found.unwrap(), value, "{name}");
    }
}
