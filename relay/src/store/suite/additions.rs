//! What tests add to contacts.

use std::sync::Arc;

use sottovoce::wire::frame::ContactSummary;
use sottovoce::wire::{AccountId, ContactId, ContentId, DeviceId, Time};

use crate::outcome::{Fact, Side};
use crate::store::{Addition, AppendKey, ContactKey, NewEntry, Store};

pub(super) const ACCOUNT: AccountId = AccountId::new([1; 32]);
pub(super) const CONTACT: ContactId = ContactId::new([2; 16]);
pub(super) const DEVICE: DeviceId = DeviceId::new([3; 32]);

pub(super) fn key(contact: ContactId) -> ContactKey {
    (ACCOUNT, contact)
}

/// An entry of so many bytes; the first one of a contact is its commit.
pub(super) fn entry(contact: ContactId, position: u64, size: usize) -> NewEntry {
    let mut id = *contact.as_array();
    id[8..].copy_from_slice(&position.to_be_bytes());
    NewEntry {
        key: AppendKey {
            account: ACCOUNT,
            device: DEVICE,
            id: ContentId::new(id),
        },
        position,
        is_commit: position == 1,
        received: Time::from_millis(position),
        fact: Fact {
            side: Side::Visitor,
            reason: None,
            staff_only: false,
            bytes: size as u64,
            received: Time::from_millis(position),
        },
        event: None,
        bytes: vec![7; size],
    }
}

/// Entries of these sizes after the position `base`.
pub(super) fn extend(contact: ContactId, base: u64, sizes: &[usize]) -> Addition {
    let entries: Vec<_> = (base + 1..)
        .zip(sizes)
        .map(|(position, size)| entry(contact, position, *size))
        .collect();
    Addition {
        account: ACCOUNT,
        base,
        version: 0,
        roster: Vec::new(),
        summary: ContactSummary {
            contact,
            entry_point: "shop".to_owned(),
            created: Time::from_millis(0),
            head: base + sizes.len() as u64,
            epoch: 0,
            teams: Vec::new(),
            devices: Vec::new(),
            closed: false,
            past_teams: Vec::new(),
            responsible: None,
            waiting_since: None,
        },
        entries,
    }
}

pub(super) async fn append(store: &Arc<dyn Store>, additions: &[Addition]) -> Vec<ContactKey> {
    store.append(additions).await.unwrap()
}

/// Appends what rests on the truth.
pub(super) async fn swap_in(store: &Arc<dyn Store>, addition: Addition) {
    assert_eq!(append(store, &[addition]).await, []);
}
