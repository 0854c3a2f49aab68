//! What every store must do, whichever database it uses. Each function is one behaviour; `suite!`
//! makes a test of each for a kind of database.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod additions;
pub(super) mod bans;
pub(super) mod log;
pub(super) mod objects;
pub(super) mod prekeys;
pub(super) mod push;
pub(super) mod race;

use std::sync::Arc;

use tempfile::TempDir;

use super::{Database, Store};

/// A database of the test's own, which can be opened several times.
pub(super) struct Place {
    url: String,
    folder: Option<TempDir>,
}

impl Place {
    pub(super) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            url: folder.path().join("relay.db").display().to_string(),
            folder: Some(folder),
        }
    }

    pub(super) fn postgres() -> Self {
        Self {
            url: sottovoce_test_postgres::database(),
            folder: None,
        }
    }

    /// A handle of its own: what another node would have.
    pub(super) async fn database(&self) -> Database {
        Database::open(&self.url).await.unwrap()
    }

    /// Whether several processes may use it at the same time.
    pub(super) const fn is_shared(&self) -> bool {
        self.folder.is_none()
    }

    pub(super) async fn open(&self) -> Arc<dyn Store> {
        self.database().await.store()
    }
}

/// Makes a test of every behaviour: `suite!(sqlite)`.
macro_rules! suite {
    ($place:ident) => {
        crate::store::suite::tests! { $place:
            log::appends_are_known_by_account_device_and_id,
            log::contacts_are_as_they_were_left,
            log::entries_come_in_chunks_of_bounded_size_and_always_at_least_one,
            log::what_others_of_a_team_hold_is_found_while_it_is_open,
            log::who_left_may_read_up_to_leaving,
            objects::objects_of_every_kind_are_read_back,
            objects::an_object_replaces_the_one_in_its_slot,
            objects::of_two_changes_of_one_version_only_one_counts,
            race::a_contact_that_moved_is_left_alone_and_others_are_added_to,
            race::one_append_id_on_two_nodes_is_one_entry,
            race::what_others_added_is_found_by_looking,
            race::what_was_appended_before_is_not_appended_again,
            race::what_was_judged_by_other_objects_is_left_alone,
            race::writers_on_several_nodes_leave_no_gap_and_lose_nothing,
            bans::a_ban_is_kept_until_its_later_end,
            bans::a_lifted_ban_takes_along_those_of_addresses_that_share_it,
            prekeys::a_one_time_key_is_given_away_once_and_not_taken_back,
            prekeys::of_many_who_ask_at_once_each_has_another_key,
            push::a_device_has_one_push_target_or_none,
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
