//! What a device needs to ask a key manager, from stored state alone: for a server-side participant,
//! whose engine runs beside it.

use super::records::{ACCOUNT, AccountRecord, DEVICE, DeviceRecord, Sealer};
use super::{OpenError, Record};
use crate::crypto::Secret;
use crate::crypto::sign::SigningKey;
use crate::wire::Bytes;
use crate::wire::codec::Decode;
use crate::wire::frame::{Object, ObjectKind};

/// A device that can prove to a key manager who it is.
#[derive(Debug)]
pub struct Requester {
    /// Signs its requests.
    pub key: SigningKey,
    /// Root statement, policy, renewals, and the device's credential if it has one: the evidence of a
    /// request (SPEC 7.3).
    pub evidence: Vec<Object>,
}

/// Reads it from what a device has stored.
///
/// # Errors
/// [`OpenError::State`]: records are missing, or do not open under this storage key and generation.
pub fn requester(
    storage_key: &Secret<32>,
    generation: u64,
    records: &[Record],
) -> Result<Requester, OpenError> {
    let sealer = Sealer::new(storage_key.duplicate(), generation);
    let device: DeviceRecord = open(&sealer, records, DEVICE)?;
    let account: AccountRecord = open(&sealer, records, ACCOUNT)?;
    let mut evidence = account.objects;
    let credential = |bytes: Bytes| Object::new(ObjectKind::Credential, bytes);
    evidence.extend(device.credential.map(credential));
    Ok(Requester {
        key: SigningKey::from_seed(&device.seed),
        evidence,
    })
}

fn open<T: Decode>(sealer: &Sealer, records: &[Record], name: &str) -> Result<T, OpenError> {
    let record = records.iter().find(|record| record.name == name);
    sealer.open(record.ok_or(OpenError::State)?)
}
