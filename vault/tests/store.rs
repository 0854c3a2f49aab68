//! The same on both databases.
#![allow(clippy::unwrap_used)]

use sottovoce::account::Level;
use sottovoce::wire::{AccountId, ContactId, Time};
use sottovoce_vault::seal::Sealed;
use sottovoce_vault::store::{
    After, Change, DataKeyState, Store, Stored, StoredContact, StoredRecord,
};
use tempfile::TempDir;

const ACCOUNT: AccountId = AccountId::new([7; 32]);

struct Scene {
    store: Store,
    url: String,
    _folder: TempDir,
}

impl Scene {
    async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().join("vault.db").display().to_string();
        Self::open(url, folder).await
    }

    async fn postgres() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::open(sottovoce_test_postgres::database(), folder).await
    }

    async fn open(url: String, folder: TempDir) -> Self {
        Self {
            store: Store::open(&url, ACCOUNT).await.unwrap(),
            url,
            _folder: folder,
        }
    }

    async fn note(&self, id: u8, level: Level, created: u64) -> ContactId {
        let contact = ContactId::new([id; 16]);
        let created = Time::from_millis(created);
        let noted = self.store.note(&contact, level, "shop", created);
        noted.await.unwrap();
        contact
    }

    async fn contact(&self, contact: &ContactId) -> StoredContact {
        self.store.contact(contact).await.unwrap().unwrap()
    }
}

fn change(contact: ContactId, records: Vec<StoredRecord>) -> Change {
    Change {
        contact,
        about: None,
        records,
        removed: Vec::new(),
        complete: None,
        uses_key: false,
    }
}

fn record(position: u64, text: &str, is_news: bool) -> StoredRecord {
    StoredRecord {
        position,
        time: Time::from_millis(1_000 * position),
        body: Stored::Clear(text.into()),
        is_news,
    }
}

macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() { super::$name(super::Scene::sqlite().await).await; })*
        }
        mod postgres {
            $(#[tokio::test] async fn $name() { super::$name(super::Scene::postgres().await).await; })*
        }
    };
}

on_both!(
    what_is_stored_is_there_after_a_restart_and_once,
    a_list_goes_on_where_it_stopped,
    an_erased_contact_takes_nothing_more,
    what_is_news_is_told_once,
    only_contacts_whose_days_are_over_are_old,
    accounts_share_nothing,
);

async fn what_is_stored_is_there_after_a_restart_and_once(scene: Scene) {
    let contact = scene.note(1, Level::Storage, 5).await;
    let sealed = Sealed {
        nonce: [9; 12],
        ciphertext: vec![1, 2, 3],
    };
    let mut one = change(contact, vec![record(1, "a", false), record(2, "b", true)]);
    one.about = Some(Stored::Sealed(sealed.clone()));
    one.uses_key = true;
    for _ in 0..2 {
        scene.store.change(&[one.clone()]).await.unwrap();
    }
    let mut two = change(contact, vec![record(2, "c", false)]);
    two.removed = vec![1];
    two.complete = Some(Time::from_millis(77));
    scene.store.change(&[two]).await.unwrap();
    scene.store.close().await;
    let store = Store::open(&scene.url, ACCOUNT).await.unwrap();
    let found = store.contact(&contact).await.unwrap().unwrap();
    assert_eq!(
        found,
        StoredContact {
            contact,
            level: Level::Storage,
            entry_point: "shop".to_owned(),
            created: Time::from_millis(5),
            closed: Some(Time::from_millis(77)),
            head: 2,
            is_complete: true,
            data_key: DataKeyState::InUse,
            erased: None,
            about: Some(Stored::Sealed(sealed)),
        }
    );
    let records = store.records(&contact, 0, 10).await.unwrap();
    assert_eq!(records, [record(2, "c", true)]);
    assert!(store.finished().await.unwrap().contains(&contact));
    store.probe().await.unwrap();
}

async fn a_list_goes_on_where_it_stopped(scene: Scene) {
    for (id, created) in [(1, 10), (2, 30), (3, 20), (4, 20), (5, 20)] {
        scene.note(id, Level::Transport, created).await;
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = scene.store.contacts(after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(After {
            created: last.created,
            contact: last.contact,
        });
        seen.extend(page.iter().map(|it| it.contact));
    }
    let expected = [2, 3, 4, 5, 1].map(|id| ContactId::new([id; 16]));
    assert_eq!(seen, expected);
}

async fn an_erased_contact_takes_nothing_more(scene: Scene) {
    let (store, now) = (&scene.store, Time::from_millis(99));
    let clear = scene.note(1, Level::Transport, 1).await;
    let sealed = scene.note(2, Level::Storage, 1).await;
    for contact in [clear, sealed] {
        let change = change(contact, vec![record(1, "a", true)]);
        store.change(&[change]).await.unwrap();
    }
    assert!(!store.erase(&clear, now).await.unwrap());
    assert!(store.erase(&sealed, now).await.unwrap());
    for contact in [clear, sealed] {
        let change = change(contact, vec![record(2, "b", true)]);
        store.change(&[change]).await.unwrap();
        scene.note(1, Level::Transport, 1).await;
        assert!(store.records(&contact, 0, 9).await.unwrap().is_empty());
        assert_eq!(scene.contact(&contact).await.erased, Some(now));
    }
    assert!(store.contacts(None, 9).await.unwrap().is_empty());
    assert!(store.untold(9).await.unwrap().is_empty());
    assert_eq!(store.keys_to_erase().await.unwrap(), [sealed]);
    store.key_is_erased(&sealed).await.unwrap();
    assert!(store.keys_to_erase().await.unwrap().is_empty());
    // Again changes nothing.
    assert!(!store.erase(&sealed, Time::from_millis(100)).await.unwrap());
    assert_eq!(scene.contact(&sealed).await.erased, Some(now));
    assert_eq!(scene.contact(&sealed).await.data_key, DataKeyState::Erased);
    // One that the database has lost is known as erased from now on.
    let unknown = ContactId::new([3; 16]);
    assert!(store.erase(&unknown, now).await.unwrap());
    assert!(store.finished().await.unwrap().contains(&unknown));
}

async fn what_is_news_is_told_once(scene: Scene) {
    let contact = scene.note(1, Level::Transport, 1).await;
    let news = vec![
        record(1, "a", false),
        record(2, "b", true),
        record(3, "c", true),
    ];
    scene.store.change(&[change(contact, news)]).await.unwrap();
    let untold = scene.store.untold(9).await.unwrap();
    let positions: Vec<_> = untold.iter().map(|(_, position, _)| *position).collect();
    assert_eq!(positions, [2, 3]);
    scene.store.told(&untold).await.unwrap();
    let again = change(contact, vec![record(2, "other", true)]);
    scene.store.change(&[again]).await.unwrap();
    assert!(scene.store.untold(9).await.unwrap().is_empty());
}

async fn only_contacts_whose_days_are_over_are_old(scene: Scene) {
    let quiet = scene.note(1, Level::Transport, 1_000).await;
    let busy = scene.note(2, Level::Transport, 1_000).await;
    scene.note(3, Level::Transport, 9_000).await;
    for (contact, position) in [(quiet, 2), (busy, 8)] {
        let change = change(contact, vec![record(position, "a", false)]);
        scene.store.change(&[change]).await.unwrap();
    }
    let old = scene.store.older_than(Time::from_millis(5_000)).await;
    assert_eq!(old.unwrap(), [quiet]);
}

async fn accounts_share_nothing(scene: Scene) {
    let contact = scene.note(1, Level::Transport, 1).await;
    let change = change(contact, vec![record(1, "a", true)]);
    scene.store.change(&[change]).await.unwrap();
    let other = AccountId::new([8; 32]);
    let other = Store::open(&scene.url, other);
    // SQLite has one writer: the first is closed before.
    scene.store.close().await;
    let other = other.await.unwrap();
    assert!(other.contact(&contact).await.unwrap().is_none());
    assert!(other.records(&contact, 0, 9).await.unwrap().is_empty());
    assert!(other.untold(9).await.unwrap().is_empty());
}
