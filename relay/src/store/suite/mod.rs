//! What every store must do, whichever database it uses. Each function is one behaviour; `suite!`
//! makes a test of each for a kind of database.

#![allow(clippy::unwrap_used)]

pub(super) mod log;
pub(super) mod objects;

use std::sync::Arc;

use tempfile::TempDir;

use super::{Database, Store};

/// A database of the test's own, which can be opened several times.
pub(super) struct Place {
    url: String,
    _folder: Option<TempDir>,
}

impl Place {
    pub(super) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            url: folder.path().join("relay.db").display().to_string(),
            _folder: Some(folder),
        }
    }

    pub(super) fn postgres() -> Self {
        Self {
            url: sottovoce_test_postgres::database(),
            _folder: None,
        }
    }

    /// A handle of its own: what another node would have.
    pub(super) async fn database(&self) -> Database {
        Database::open(&self.url).await.unwrap()
    }

    pub(super) async fn open(&self) -> Arc<dyn Store> {
        self.database().await.store()
    }
}

/// Makes a test of every behaviour: `suite!(sqlite)`.
macro_rules! suite {
    ($place:ident) => {
        crate::store::suite::tests! { $place:
            log::a_batch_is_kept_whole_or_not_at_all,
            log::entries_come_in_chunks_of_bounded_size_and_always_at_least_one,
            log::appends_are_known_by_account_device_and_id,
            log::who_left_may_read_up_to_leaving,
            objects::an_object_replaces_the_one_in_its_slot,
        }
    };
}

macro_rules! tests {
    ($place:ident: $($concern:ident::$behaviour:ident,)*) => {$(
        #[tokio::test]
        async fn $behaviour() {
            let place = crate::store::suite::Place::$place();
            crate::store::suite::$concern::$behaviour(&place).await;
        }
    )*};
}

pub(super) use {suite, tests};
