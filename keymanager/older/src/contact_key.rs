//! A contact's key, and `W`: Base64 of AES-256-CBC with PKCS#7 under the account's secret token, over 16
//! hexadecimal characters of 8 random bytes and the 96 of the key.

use aes::Aes256;
use base64ct::{Base64, Encoding};
use cbc::cipher::block_padding::{NoPadding, Pkcs7};
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use cbc::{Decryptor, Encryptor};
use sottovoce::crypto::random::NoRandomness;
use sottovoce::crypto::secret::{SecretBytes, equal};
use sottovoce::crypto::{Random, Secret, kdf};
use sottovoce::wire::codec::{Encode, Writer};
use sottovoce::wire::{AccountId, ContactId, encode};
use sottovoce_webhook_signatures::keys::SecretToken;
use zeroize::Zeroizing;

use crate::DoesNotOpen;

/// How the info of the data key begins.
const LABEL: &str = "sottovoce/0 older-data-key";
/// Length of the random part of the text in `W`, in characters.
const RANDOM: usize = 16;
/// Length of the text in `W`, in bytes: whole blocks, so that one more is padding.
const TEXT: usize = RANDOM + 96;
/// Length of a block, in bytes.
const BLOCK: usize = 16;

/// A contact's key: 16 bytes of initialisation vector and 32 of AES-256 key.
#[derive(Debug, PartialEq, Eq)]
pub struct ContactKey(Secret<48>);

impl ContactKey {
    /// Makes a new one.
    ///
    /// # Errors
    /// [`NoRandomness`] when the operating system refuses.
    pub fn generate(random: &mut Random) -> Result<Self, NoRandomness> {
        random.secret().map(Self)
    }

    /// From 48 stored bytes.
    pub const fn new(secret: Secret<48>) -> Self {
        Self(secret)
    }

    /// The 48 bytes, for wrapped storage.
    pub const fn secret(&self) -> &Secret<48> {
        &self.0
    }

    /// `W`, 172 characters, with 8 bytes that have to be random.
    pub fn wrap(&self, token: &SecretToken, random: [u8; 8]) -> String {
        let key = Zeroizing::new(base16ct::lower::encode_string(self.0.expose()));
        let mut text = Zeroizing::new(String::with_capacity(TEXT));
        text.push_str(&base16ct::lower::encode_string(&random));
        text.push_str(&key);
        let cipher = Cipher::of_token(token);
        Base64::encode_string(&cipher.encrypt(text.as_bytes()))
    }

    /// Reads `W`. What is wrong with one that does not open shows neither in the error nor in the time
    /// that it takes.
    ///
    /// # Errors
    /// [`DoesNotOpen`].
    pub fn unwrap(token: &SecretToken, wrapped: &str) -> Result<Self, DoesNotOpen> {
        let mut bytes = Zeroizing::new([0; TEXT + BLOCK]);
        let decoded = Base64::decode(wrapped, bytes.as_mut_slice()).map_err(|_| DoesNotOpen)?;
        if decoded.len() != TEXT + BLOCK {
            return Err(DoesNotOpen);
        }
        let cipher = Cipher::of_token(token);
        let plain = cipher.decryptor();
        let plain = plain.decrypt_padded::<NoPadding>(bytes.as_mut_slice());
        let plain = plain.map_err(|_| DoesNotOpen)?;
        let (random, rest) = plain.split_at_checked(RANDOM).ok_or(DoesNotOpen)?;
        let (key, padding) = rest.split_at_checked(TEXT - RANDOM).ok_or(DoesNotOpen)?;
        let (mut random_bytes, mut key_bytes) = ([0; 8], Zeroizing::new([0; 48]));
        // All of it is looked at before anything is decided.
        let has_random = base16ct::lower::decode(random, &mut random_bytes).is_ok();
        let has_key = base16ct::mixed::decode(key, key_bytes.as_mut_slice()).is_ok();
        let has_padding = equal(padding, &[16; BLOCK]);
        if has_random & has_key & has_padding {
            Ok(Self(Secret::new(*key_bytes)))
        } else {
            Err(DoesNotOpen)
        }
    }

    /// SPEC 7.8: `Expand(Extract(account, key), "older-data-key", contact)`: what a vault encrypts the
    /// contact's records under, 32 bytes.
    pub fn data_key(&self, account: &AccountId, contact: &ContactId) -> Secret<32> {
        let base = kdf::extract(account.as_array(), self.0.expose());
        kdf::expand(&base, &encode(&DataKeyOf(*contact)))
    }

    /// What messages are encrypted with.
    pub(crate) fn cipher(&self) -> Cipher {
        Cipher(self.0.duplicate())
    }
}

/// CBOR `["sottovoce/0 older-data-key", contact]`.
struct DataKeyOf(ContactId);

impl Encode for DataKeyOf {
    fn encode(&self, out: &mut Writer) {
        out.array(2);
        out.text(LABEL);
        self.0.encode(out);
    }
}

/// AES-256-CBC with a vector and a key: 16 and 32 bytes.
pub(crate) struct Cipher(Secret<48>);

impl Cipher {
    /// A token is the vector and key that it spells.
    fn of_token(token: &SecretToken) -> Self {
        let mut bytes = Zeroizing::new([0; 48]);
        // Tokens are 96 hexadecimal characters, or they would not be there.
        let _ = base16ct::mixed::decode(token.expose(), bytes.as_mut_slice());
        Self(Secret::new(*bytes))
    }

    fn parts(&self) -> ([u8; 16], Zeroizing<[u8; 32]>) {
        let (mut vector, mut key) = ([0; 16], Zeroizing::new([0; 32]));
        let (first, rest) = self.0.expose().split_at(16);
        vector.copy_from_slice(first);
        key.copy_from_slice(rest);
        (vector, key)
    }

    fn encrypt(&self, plain: &[u8]) -> Vec<u8> {
        let (vector, key) = self.parts();
        let cipher = Encryptor::<Aes256>::new((&*key).into(), &vector.into());
        cipher.encrypt_padded_vec::<Pkcs7>(plain)
    }

    fn decryptor(&self) -> Decryptor<Aes256> {
        let (vector, key) = self.parts();
        Decryptor::<Aes256>::new((&*key).into(), &vector.into())
    }

    pub(crate) fn decrypt(&self, bytes: &[u8]) -> Result<SecretBytes, DoesNotOpen> {
        let decrypted = self.decryptor().decrypt_padded_vec::<Pkcs7>(bytes);
        decrypted.map(SecretBytes::new).map_err(|_| DoesNotOpen)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// `tests/vectors/older-keys.json`: byte strings are hexadecimal.
    #[derive(Deserialize)]
    struct Vectors {
        wrapped: Vec<Wrapped>,
        refused: Vec<Refused>,
        data_keys: Vec<DataKey>,
    }

    #[derive(Deserialize)]
    struct Wrapped {
        token: String,
        contact_key: String,
        random: String,
        w: String,
    }

    #[derive(Deserialize)]
    struct Refused {
        name: String,
        token: String,
        w: String,
    }

    #[derive(Deserialize)]
    struct DataKey {
        account: String,
        contact: String,
        contact_key: String,
        data_key: String,
    }

    fn vectors() -> Vectors {
        let text = include_str!("../../../tests/vectors/older-keys.json");
        serde_json::from_str(text).unwrap()
    }

    fn bytes<const N: usize>(hex: &str) -> [u8; N] {
        let mut out = [0; N];
        assert_eq!(base16ct::mixed::decode(hex, &mut out).unwrap().len(), N);
        out
    }

    #[test]
    fn a_contacts_key_is_wrapped_as_others_wrap_it() {
        for vector in vectors().wrapped {
            let token = SecretToken::parse(&vector.token).unwrap();
            let key = ContactKey::new(Secret::new(bytes(&vector.contact_key)));
            assert_eq!(key.wrap(&token, bytes(&vector.random)), vector.w);
            assert_eq!(ContactKey::unwrap(&token, &vector.w), Ok(key));
        }
    }

    #[test]
    fn whatever_is_wrong_with_a_wrapped_key_is_one_error() {
        for vector in vectors().refused {
            let token = SecretToken::parse(&vector.token).unwrap();
            let opened = ContactKey::unwrap(&token, &vector.w);
            assert_eq!(opened, Err(DoesNotOpen), "{}", vector.name);
        }
    }

    #[test]
    fn a_wrapped_key_with_any_byte_of_its_padding_changed_is_refused() {
        let vector = &vectors().wrapped[0];
        let token = SecretToken::parse(&vector.token).unwrap();
        let mut wrapped = Base64::decode_vec(&vector.w).unwrap();
        // A bit of the last but one block changes the same bit of the padding, and garbles the key's end.
        for byte in TEXT - BLOCK..TEXT {
            wrapped[byte] ^= 1;
            let changed = Base64::encode_string(&wrapped);
            assert_eq!(ContactKey::unwrap(&token, &changed), Err(DoesNotOpen));
            wrapped[byte] ^= 1;
        }
    }

    #[test]
    fn the_data_key_is_that_of_one_account_and_contact() {
        for vector in vectors().data_keys {
            let key = ContactKey::new(Secret::new(bytes(&vector.contact_key)));
            let account = AccountId::new(bytes(&vector.account));
            let contact = ContactId::new(bytes(&vector.contact));
            let data_key = key.data_key(&account, &contact);
            assert_eq!(*data_key.expose(), bytes(&vector.data_key));
            let others = [
                key.data_key(&AccountId::new([0; 32]), &contact),
                key.data_key(&account, &ContactId::new([0; 16])),
            ];
            assert!(others.iter().all(|other| *other != data_key));
        }
    }

    #[test]
    fn a_contacts_key_is_never_printed() {
        let key = ContactKey::new(Secret::new([7; 48]));
        assert_eq!(format!("{key:?}"), "ContactKey(Secret<48>(…))");
    }
}
