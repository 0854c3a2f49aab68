//! What columns hold.

use sottovoce::account::Level;
use sottovoce::wire::{ContactId, Time};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{DataKeyState, StoreError, Stored, StoredContact, StoredRecord};
use crate::seal::Sealed;

pub(super) fn read_contact(row: &AnyRow) -> Result<StoredContact, StoreError> {
    let level = match number(row, "level")? {
        0 => Level::Transport,
        1 => Level::Storage,
        _ => return Err(StoreError::Unreadable),
    };
    let data_key = match number(row, "data_key")? {
        0 => DataKeyState::None,
        1 => DataKeyState::InUse,
        2 => DataKeyState::ToErase,
        3 => DataKeyState::Erased,
        _ => return Err(StoreError::Unreadable),
    };
    let about: Option<Vec<u8>> = row.try_get("about")?;
    Ok(StoredContact {
        contact: ContactId::new(fixed(row, "contact")?),
        level,
        entry_point: row.try_get("entry_point")?,
        created: Time::from_millis(number(row, "created")?),
        closed: time(row, "closed")?,
        head: number(row, "head")?,
        is_complete: number(row, "complete")? == 1,
        data_key,
        erased: time(row, "erased")?,
        about: about.map(|bytes| stored(row, bytes)).transpose()?,
    })
}

pub(super) fn read_record(row: &AnyRow) -> Result<StoredRecord, StoreError> {
    Ok(StoredRecord {
        position: number(row, "position")?,
        time: Time::from_millis(number(row, "time")?),
        body: stored(row, row.try_get("body")?)?,
        is_news: number(row, "untold")? == 1,
    })
}

fn stored(row: &AnyRow, bytes: Vec<u8>) -> Result<Stored, StoreError> {
    let nonce: Option<Vec<u8>> = row.try_get("nonce")?;
    Ok(match nonce {
        None => Stored::Clear(bytes),
        Some(nonce) => Stored::Sealed(Sealed {
            nonce: nonce.try_into().map_err(|_| StoreError::Unreadable)?,
            ciphertext: bytes,
        }),
    })
}

pub(super) const fn level_number(level: Level) -> i64 {
    match level {
        Level::Transport => 0,
        Level::Storage => 1,
        Level::E2ee => 2,
    }
}

pub(super) fn blob(contact: &ContactId) -> Vec<u8> {
    contact.as_array().to_vec()
}

pub(super) fn integer(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::Unreadable)
}

pub(super) fn number(row: &AnyRow, column: &str) -> Result<u64, StoreError> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number).map_err(|_| StoreError::Unreadable)
}

fn time(row: &AnyRow, column: &str) -> Result<Option<Time>, StoreError> {
    let number: Option<i64> = row.try_get(column)?;
    let number = number.map(u64::try_from).transpose();
    let number = number.map_err(|_| StoreError::Unreadable)?;
    Ok(number.map(Time::from_millis))
}

pub(super) fn fixed<const N: usize>(row: &AnyRow, column: &str) -> Result<[u8; N], StoreError> {
    let bytes: Vec<u8> = row.try_get(column)?;
    bytes.try_into().map_err(|_| StoreError::Unreadable)
}
