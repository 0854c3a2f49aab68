//! How records of level `storage` are encrypted: AES-256-GCM under the contact's data key, a fresh
//! random nonce for each, and their place as associated data, so that none can stand in for another.

use sottovoce::crypto::random::NoRandomness;
use sottovoce::crypto::secret::SecretBytes;
use sottovoce::crypto::{Random, Secret, aead};
use sottovoce::wire::codec::{Encode, Writer};
use sottovoce::wire::{AccountId, ContactId, encode};

/// Begins the associated data of every record.
const LABEL: &str = "sottovoce/0 vault-record";
/// The place of what is known about a contact itself: entries count from 1.
pub const ABOUT: u64 = 0;

/// A contact's data key: 32 bytes from its key manager.
pub type DataKey = Secret<32>;

/// A ciphertext and its nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// 12 random bytes.
    pub nonce: [u8; 12],
    /// The ciphertext, 16 bytes longer than what it holds.
    pub ciphertext: Vec<u8>,
}

/// Where something is stored.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The account.
    pub account: AccountId,
    /// The contact.
    pub contact: ContactId,
    /// The entry's position, or [`ABOUT`].
    pub position: u64,
}

/// CBOR `["sottovoce/0 vault-record", account, contact, position]`.
impl Encode for Place {
    fn encode(&self, out: &mut Writer) {
        out.array(4);
        out.text(LABEL);
        self.account.encode(out);
        self.contact.encode(out);
        self.position.encode(out);
    }
}

/// It does not open: another key, another place, or somebody changed it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record does not open")]
pub struct DoesNotOpen;

/// Encrypts what is to be stored at a place.
///
/// # Errors
/// [`NoRandomness`].
pub fn seal(key: &DataKey, place: &Place, plain: &[u8]) -> Result<Sealed, NoRandomness> {
    let nonce = Random::os().bytes()?;
    Ok(Sealed {
        nonce,
        ciphertext: aead::encrypt(key, &nonce, &encode(place), plain),
    })
}

/// Opens what is stored at a place.
///
/// # Errors
/// [`DoesNotOpen`].
pub fn open(key: &DataKey, place: &Place, sealed: &Sealed) -> Result<SecretBytes, DoesNotOpen> {
    let opened = aead::decrypt(key, &sealed.nonce, &encode(place), &sealed.ciphertext);
    opened.map_err(|_| DoesNotOpen)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn place(account: u8, contact: u8, position: u64) -> Place {
        Place {
            account: AccountId::new([account; 32]),
            contact: ContactId::new([contact; 16]),
            position,
        }
    }

    #[test]
    fn a_record_opens_at_its_own_place_under_its_own_key_only() {
        let (key, other) = (DataKey::new([1; 32]), DataKey::new([2; 32]));
        let here = place(1, 2, 3);
        let sealed = seal(&key, &here, b"order 4711").unwrap();
        assert_eq!(*open(&key, &here, &sealed).unwrap(), b"order 4711");
        for elsewhere in [place(9, 2, 3), place(1, 9, 3), place(1, 2, 4)] {
            assert_eq!(open(&key, &elsewhere, &sealed), Err(DoesNotOpen));
        }
        assert_eq!(open(&other, &here, &sealed), Err(DoesNotOpen));
        let mut changed = sealed.clone();
        changed.ciphertext.reverse();
        assert_eq!(open(&key, &here, &changed), Err(DoesNotOpen));
        // The same again is not the same bytes.
        assert_ne!(seal(&key, &here, b"order 4711").unwrap(), sealed);
    }
}
