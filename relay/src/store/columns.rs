//! How values stand in columns, in either database.

use std::net::IpAddr;

use sha2::{Digest, Sha256};
use sottovoce::crypto::Hash;

use sottovoce::wire::codec::{Decode, Reader};
use sottovoce::wire::frame::{ContactSummary, ObjectKind, PushKind};
use sottovoce::wire::{DeviceId, Suite, decode, limits};

use super::{Banned, CHUNK_BYTES, Day, Party, StoreError};
use crate::outcome::Side;

pub(super) fn blob(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

/// The databases' integers are signed.
pub(super) fn number(value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::Unreadable)
}

pub(super) fn position(value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::Unreadable)
}

pub(super) fn day(value: i64) -> Result<Day, StoreError> {
    Day::try_from(value).map_err(|_| StoreError::Unreadable)
}

/// A suite as its number.
pub(super) const fn suite_number(suite: Suite) -> i16 {
    match suite {
        Suite::X25519 => 1,
        Suite::XWing => 2,
    }
}

pub(super) fn sha256(bytes: &[u8]) -> Hash {
    Hash::new(Sha256::digest(bytes).into())
}

pub(super) fn read_hash(bytes: &[u8]) -> Result<Hash, StoreError> {
    Hash::from_slice(bytes).ok_or(StoreError::Unreadable)
}

pub(super) const fn side_number(side: Side) -> i64 {
    match side {
        Side::Visitor => 0,
        Side::Staff => 1,
        Side::Service => 2,
        Side::Silent => 3,
    }
}

pub(super) const fn read_side(number: i64) -> Side {
    match number {
        0 => Side::Visitor,
        1 => Side::Staff,
        3 => Side::Silent,
        _ => Side::Service,
    }
}

/// A party as kind and name.
pub(super) fn party(party: &Party) -> (i16, Vec<u8>) {
    match party {
        Party::Device(device) => (0, blob(device.as_array())),
        Party::Team(team) => (1, team.clone().into_bytes()),
    }
}

pub(super) fn read_party(kind: i16, name: &[u8]) -> Result<Party, StoreError> {
    let party = match kind {
        0 => DeviceId::from_slice(name).map(Party::Device),
        1 => String::from_utf8(name.to_vec()).ok().map(Party::Team),
        _ => None,
    };
    party.ok_or(StoreError::Unreadable)
}

pub(super) fn read_summary(bytes: &[u8]) -> Result<ContactSummary, StoreError> {
    decode(bytes, limits::FRAME)
        .or_else(|_| decode(bytes, limits::FRAME).map(|Earlier(summary)| summary))
        .map_err(|_| StoreError::Unreadable)
}

/// A summary that was written before there was more to say. The contact's next entry says it.
struct Earlier(ContactSummary);

impl Decode for Earlier {
    fn decode(input: &mut Reader<'_>) -> Self {
        input.array(8);
        Self(ContactSummary {
            contact: Decode::decode(input),
            entry_point: Decode::decode(input),
            created: Decode::decode(input),
            head: input.number(),
            epoch: input.number(),
            teams: Decode::decode(input),
            devices: Decode::decode(input),
            closed: input.flag(),
            past_teams: Vec::new(),
            responsible: None,
            waiting_since: None,
        })
    }
}

/// As many of the entries as one chunk holds, at least one.
pub(super) fn chunk(
    rows: impl IntoIterator<Item = Result<Vec<u8>, sqlx::Error>>,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut entries = Vec::new();
    let mut size = 0;
    for row in rows {
        let entry = row?;
        size += entry.len();
        if size > CHUNK_BYTES && !entries.is_empty() {
            break;
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// The order in which an account is read back: nothing is believed before its signers are.
const KINDS: [ObjectKind; 10] = [
    ObjectKind::Root,
    ObjectKind::Policy,
    ObjectKind::Renewal,
    ObjectKind::Credential,
    ObjectKind::SealKey,
    ObjectKind::TeamKey,
    ObjectKind::TeamSeals,
    ObjectKind::Enrolment,
    ObjectKind::ArchiveKey,
    ObjectKind::Notebook,
];

pub(super) fn kind_number(kind: ObjectKind) -> i16 {
    KINDS
        .iter()
        .zip(0..)
        .find_map(|(known, number)| (*known == kind).then_some(number))
        .unwrap_or(-1)
}

pub(super) fn read_kind(number: i16) -> Option<ObjectKind> {
    let index = usize::try_from(number).ok()?;
    KINDS.get(index).copied()
}

/// Who is banned, as kind and name.
pub(super) fn banned(who: &Banned) -> (i16, Vec<u8>) {
    match who {
        Banned::Device(device) => (0, blob(device.as_array())),
        Banned::Address(IpAddr::V4(address)) => (1, address.octets().to_vec()),
        Banned::Address(IpAddr::V6(address)) => (1, address.octets().to_vec()),
    }
}

pub(super) fn read_banned(kind: i16, name: &[u8]) -> Option<Banned> {
    match kind {
        0 => DeviceId::from_slice(name).map(Banned::Device),
        1 => {
            let v4 = <[u8; 4]>::try_from(name).map(IpAddr::from);
            let v6 = <[u8; 16]>::try_from(name).map(IpAddr::from);
            v4.or(v6).ok().map(Banned::Address)
        }
        _ => None,
    }
}

/// What services there are, by their number in the column.
const PUSH_KINDS: [PushKind; 4] = [
    PushKind::Apns,
    PushKind::Fcm,
    PushKind::WebPush,
    PushKind::Test,
];

pub(super) fn push_kind(kind: PushKind) -> i16 {
    PUSH_KINDS
        .iter()
        .zip(0..)
        .find_map(|(known, number)| (*known == kind).then_some(number))
        .unwrap_or(-1)
}

pub(super) fn read_push_kind(number: i16) -> Option<PushKind> {
    PUSH_KINDS.get(usize::try_from(number).ok()?).copied()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use sottovoce::wire::{ContactId, Time, encode};

    use super::*;

    #[test]
    fn a_summary_of_before_is_read_and_so_is_what_is_written_now() {
        let summary = ContactSummary {
            contact: ContactId::new([1; 16]),
            entry_point: "shop".to_owned(),
            created: Time::from_millis(5),
            head: 4,
            epoch: 1,
            teams: vec!["support".to_owned()],
            devices: Vec::new(),
            closed: false,
            past_teams: Vec::new(),
            responsible: None,
            waiting_since: None,
        };
        let now = encode(&summary);
        assert_eq!(read_summary(&now).unwrap(), summary);
        // An array of eight, without the empty list and the two nulls.
        let mut before = now;
        before.truncate(before.len() - 3);
        *before.first_mut().unwrap() = 0x88;
        assert_eq!(read_summary(&before).unwrap(), summary);
        before.pop();
        assert!(read_summary(&before).is_err());
    }
}
