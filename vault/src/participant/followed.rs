//! One contact as the vault follows it: what came of it and is not stored yet.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use sottovoce::account::Level;
use sottovoce::client::{ContactState, ContactView, Item, ItemBody, System};
use sottovoce::wire::Time;
use zeroize::Zeroizing;

use crate::keys::KeyError;
use crate::reading::{Opener, ReadError};
use crate::record::{About, Record};
use crate::seal::{ABOUT, DataKey};
use crate::store::{Change, Store, StoredContact, StoredRecord};

/// Bytes that are held for a contact that cannot be stored now. What is more is read again later.
const HELD: usize = 64 * 1024;
/// The first pause after a refusal; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Records that are read at once.
const PAGE: usize = 256;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) view: Option<ContactView>,
    /// As the database has it, once it does.
    pub(super) noted: Option<StoredContact>,
    /// When its first commit says that it was created.
    created: Time,
    /// When it was closed, as its last commit says.
    closed: Time,
    /// What is new, by position; nothing for what is gone.
    changes: BTreeMap<u64, Option<Record>>,
    held: usize,
    /// Something came that was not held: the contact is to be read again.
    pub(super) missed: bool,
    /// Digests of what is stored, once they are known.
    known: Option<HashMap<u64, [u8; 32]>>,
    about: About,
    about_changed: bool,
    /// Somebody asks for its key.
    pub(super) asking: bool,
    /// No key before this.
    pub(super) not_before: Option<Instant>,
    pause: Duration,
    /// Whether it was closed already and is read for what was missed.
    pub(super) is_late: bool,
    /// When something of it came last.
    pub(super) last: Instant,
}

/// What is to be written, and what is then known.
pub(super) struct Prepared {
    pub(super) change: Change,
    digests: Vec<(u64, Option<[u8; 32]>)>,
}

impl Followed {
    pub(super) fn new(is_late: bool) -> Self {
        Self {
            view: None,
            noted: None,
            created: Time::default(),
            closed: Time::default(),
            changes: BTreeMap::new(),
            held: 0,
            missed: false,
            known: None,
            about: About::default(),
            about_changed: false,
            asking: false,
            not_before: None,
            pause: Duration::ZERO,
            is_late,
            last: Instant::now(),
        }
    }

    /// When it was created, as its first commit says.
    pub(super) const fn created(&self) -> Time {
        self.created
    }

    /// When it was closed, as its last commit says.
    pub(super) const fn closed(&self) -> Time {
        self.closed
    }

    /// A view came.
    pub(super) fn see(&mut self, view: ContactView) {
        self.last = Instant::now();
        let mut about = self.about.clone();
        about.learn(&view);
        if about != self.about {
            self.about = about;
            self.about_changed = true;
        }
        self.view = Some(view);
    }

    /// An item came.
    pub(super) fn take(&mut self, item: &Item) {
        self.last = Instant::now();
        if let Some(record) = Record::of(item) {
            if record.position == 1 {
                self.created = item.time;
            }
            if item.body == ItemBody::System(System::Closed) {
                self.closed = item.time;
            }
            self.hold(record.position, Some(record));
        }
    }

    /// An item is gone.
    pub(super) fn remove(&mut self, position: u64) {
        self.last = Instant::now();
        self.hold(position, None);
    }

    fn hold(&mut self, position: u64, record: Option<Record>) {
        let size = record.as_ref().and_then(|it| it.said.text()).map(str::len);
        let size = size.unwrap_or(0) + 256;
        if self.held > 0 && self.held + size > HELD {
            return self.drop_held();
        }
        self.held += size;
        self.changes.insert(position, record);
    }

    /// Holds nothing any more: it is read again when it can be stored.
    pub(super) fn drop_held(&mut self) {
        if !self.changes.is_empty() {
            self.changes.clear();
            self.held = 0;
            self.missed = true;
        }
    }

    /// Whether something is to be written.
    pub(super) fn has_news(&self) -> bool {
        self.view.is_some() && (self.about_changed || !self.changes.is_empty())
    }

    /// Whether so much is held that it had better be written before more is taken in.
    pub(super) const fn is_full(&self) -> bool {
        self.held > HELD / 2
    }

    /// Whether everything up to its close was taken in and stored.
    pub(super) fn is_at_its_end(&self) -> bool {
        let ended = |view: &ContactView| view.state == ContactState::Closed && view.caught_up;
        self.view.as_ref().is_some_and(ended) && !self.has_news() && !self.missed
    }

    /// No key now: nothing is held, and nobody asks before a pause is over.
    pub(super) fn refuse(&mut self) {
        self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        self.not_before = Some(Instant::now() + self.pause);
        self.drop_held();
    }

    /// There is a key.
    pub(super) const fn allow(&mut self) {
        self.pause = Duration::ZERO;
        self.not_before = None;
    }

    /// What is to be written. Reads first what is stored, if that is not known: what is there already
    /// is not written again.
    pub(super) async fn prepare(
        &mut self,
        store: &Store,
        key: Option<Arc<DataKey>>,
    ) -> Result<Option<Prepared>, ReadError> {
        let (Some(view), Some(noted)) = (&self.view, &self.noted) else {
            return Ok(None);
        };
        let opener = Opener::new(store.account(), view.contact, key);
        if self.known.is_none() {
            let (known, about) = read(store, &opener, noted).await?;
            self.known = Some(known);
            let mut about = about;
            about.learn(view);
            self.about_changed |= about != self.about;
            self.about = about;
        }
        let known = self.known.as_ref();
        let digest_of = |position: &u64| known.and_then(|known| known.get(position)).copied();
        let mut change = Change {
            contact: view.contact,
            about: None,
            records: Vec::new(),
            removed: Vec::new(),
            complete: None,
            uses_key: opener.has_key(),
        };
        let mut digests = Vec::new();
        for (position, record) in &self.changes {
            let Some(record) = record else {
                if digest_of(position).is_some() {
                    change.removed.push(*position);
                    digests.push((*position, None));
                }
                continue;
            };
            // A device that is away for long loses keys; what is stored stays.
            if record.said.is_closed_to_us() && digest_of(position).is_some() {
                continue;
            }
            let plain = json(record)?;
            let digest = digest(&plain);
            if digest_of(position) == Some(digest) {
                continue;
            }
            change.records.push(StoredRecord {
                position: *position,
                time: Time::from_millis(record.time),
                body: close(&opener, *position, &plain)?,
                is_news: record.said.is_message() && digest_of(position).is_none(),
            });
            digests.push((*position, Some(digest)));
        }
        if self.about_changed {
            change.about = Some(close(&opener, ABOUT, &json(&self.about)?)?);
        }
        Ok(Some(Prepared { change, digests }))
    }

    /// What was prepared is stored.
    pub(super) fn is_stored(&mut self, prepared: &Prepared) {
        self.changes.clear();
        self.held = 0;
        self.about_changed = false;
        let known = self.known.get_or_insert_default();
        for (position, digest) in &prepared.digests {
            match digest {
                Some(digest) => known.insert(*position, *digest),
                None => known.remove(position),
            };
        }
        if prepared.change.uses_key
            && let Some(noted) = &mut self.noted
        {
            noted.data_key = crate::store::DataKeyState::InUse;
            if prepared.change.about.is_some() {
                noted.about.clone_from(&prepared.change.about);
            }
        }
    }

    /// What the contact's level is, if it is one that is stored.
    pub(super) fn level(&self) -> Option<Level> {
        let view = self.view.as_ref()?;
        let noted = self.noted.as_ref().map_or(view.level, |noted| noted.level);
        (noted == view.level && noted != Level::E2ee).then_some(noted)
    }
}

/// Digests of a contact's records, and what is known of it. What does not open has none, and is
/// written again.
async fn read(
    store: &Store,
    opener: &Opener,
    noted: &StoredContact,
) -> Result<(HashMap<u64, [u8; 32]>, About), ReadError> {
    let mut known = HashMap::new();
    let mut after = 0;
    loop {
        let page = store.records(&noted.contact, after, PAGE).await?;
        for record in &page {
            after = record.position;
            match opener.open(record.position, &record.body) {
                Ok(plain) => {
                    known.insert(record.position, digest(&plain));
                }
                Err(error) => {
                    tracing::error!(contact = %noted.contact, %error, "a record is damaged");
                }
            }
        }
        if page.len() < PAGE {
            break;
        }
    }
    let about = opener.about(noted).map_err(|_| KeyError::WrongKey)?;
    Ok((known, about))
}

fn close(opener: &Opener, position: u64, plain: &[u8]) -> Result<crate::store::Stored, ReadError> {
    let closed = opener.close(position, plain);
    closed.map_err(|_| ReadError::Key(KeyError::Unavailable("there is no randomness".to_owned())))
}

fn json(value: &impl serde::Serialize) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    let bytes = serde_json::to_vec(value).map_err(|_| crate::seal::DoesNotOpen)?;
    Ok(Zeroizing::new(bytes))
}

fn digest(plain: &[u8]) -> [u8; 32] {
    Sha256::digest(plain).into()
}
